"""Each test is alone in the world, and meets the same world however it is run."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass

import pytest

from tests.plugin.conftest import MakeProject
from tests.plugin.project import Project, Run

TESTS = 500
ODD = [
    "a/b",
    "ä ö",
    "x::y",
    "[brackets]",
    "..",
    "%2F",
    "emoji 🎵",
    "tab\\t",
    "",
    "A" * 200,
    "A" * 201,
    "a",
    "A",
]
# The persona of each test is noted in a file of its own process, beside the name of the test.
NOTES = """
    import json, os, pathlib

    import pytest
    import songs


    @pytest.fixture
    def note(request):
        file = pathlib.Path(os.environ["NOTES"], f"{os.getpid()}.txt")
        name = request.node.nodeid.partition("folder/")[2] or request.node.nodeid

        def write(mock):
            line = [name, mock.sandbox, songs.create(mock).json()["data"]["personaId"]]
            with file.open("a") as notes:
                notes.write(json.dumps(line) + "\\n")

        return write
"""
MANY = f"""
    import httpx
    import pytest
    import songs

    @pytest.mark.parametrize("n", range({TESTS}))
    def test_alone(persona_mock, note, n):
        assert persona_mock.requests == []
        credits = persona_mock.account().credits
        song = persona_mock.kie.completed_song()

        made = songs.create(persona_mock, song).json()

        assert made["code"] == 200, made
        assert [one.outcome for one in persona_mock.requests] == ["success"]
        assert len(persona_mock.account().personas) == 1
        assert persona_mock.account().credits <= credits == 1000
        persona_mock.kie.always("maintenance")
        persona_mock.fault("empty", times=None)
        persona_mock.clock.advance(1000)
        persona_mock.account().change(credits=3)


    @pytest.mark.parametrize("n", range(10))
    def test_alone_by_a_host_that_names_no_sandbox(persona_mock, n):
        headers = {{"authorization": f"Bearer {{persona_mock.kie.key}}"}}
        body = songs.about(persona_mock.kie.completed_song())
        client = httpx.Client(transport=persona_mock.transport(), headers=headers)

        with client:
            assert client.post("https://api.kie.ai" + songs.PERSONA, json=body).json()["code"] == 200

        assert [one.outcome for one in persona_mock.requests] == ["success"]


    @pytest.mark.parametrize("n", range(20))
    def test_same_ids(persona_mock, note, n):
        note(persona_mock)
"""
ODDLY_NAMED = f"""
    import pytest

    @pytest.mark.parametrize("name", {ODD!r}, ids={ODD!r})
    def test_odd(persona_mock, note, name):
        note(persona_mock)


    def test_{"long" * 50}(persona_mock, note):
        note(persona_mock)


    class TestIt:
        def test_it(self, persona_mock, note):
            note(persona_mock)
""".replace("\\\\t", "\\t")
TWIN = """
    def test_twin(persona_mock, note):
        note(persona_mock)


    class TestOther:
        def test_it(self, persona_mock, note):
            note(persona_mock)
"""


@dataclass(frozen=True)
class Noted:
    """A run, the persona that each test made in it, and the sandbox it made it in."""

    run: Run
    personas: dict[str, str]
    sandboxes: dict[str, str]


def noted(project: Project, *options: str, folder: str = ".") -> Noted:
    notes = project.folder.parent / f"{project.folder.name}-notes"
    notes.mkdir()
    more = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib")
    run = project.run(
        *more, *options, environ={"NOTES": str(notes), "PYTHONPATH": str(project.folder)}, folder=folder
    )
    lines = [json.loads(line) for file in notes.iterdir() for line in file.read_text("utf-8").splitlines()]
    shutil.rmtree(notes)
    assert len({name for name, _, _ in lines}) == len(lines)
    return Noted(run, {name: id for name, _, id in lines}, {name: box for name, box, _ in lines})


@pytest.fixture(scope="module")
def project(make_project: MakeProject) -> Project:
    made = make_project("isolated").write("folder/conftest.py", NOTES).write("folder/test_many.py", MANY)
    made.write("folder/test_odd.py", ODDLY_NAMED)
    return made.write("folder/one/test_twin.py", TWIN).write("folder/two/test_twin.py", TWIN)


@pytest.fixture(scope="module")
def in_order(project: Project) -> Noted:
    return noted(project, "-p", "no:randomly", "--persona-mock-coverage=json:order.json")


@pytest.fixture(scope="module")
def spread(project: Project) -> Noted:
    return noted(project, "-n", "2", "--persona-mock-coverage=json:spread.json", "-p", "randomly")


def test_each_of_500_tests_is_alone(in_order: Noted) -> None:
    assert in_order.run.failing() == set(), in_order.run.out
    assert len(in_order.run.cases) > TESTS


def test_each_of_500_tests_is_alone_on_two_workers_in_random_order(spread: Noted) -> None:
    assert spread.run.failing() == set(), spread.run.out
    assert len(spread.run.cases) > TESTS
    assert spread.run.err == ""


def test_ids_are_the_same_in_any_order_and_on_any_worker(in_order: Noted, spread: Noted) -> None:
    assert len(in_order.personas) == 20 + len(ODD) + 2 + 4
    assert spread.personas == in_order.personas
    assert spread.sandboxes == in_order.sandboxes


def test_ids_are_the_same_alone_and_from_another_folder(project: Project, in_order: Noted) -> None:
    alone = noted(project, "folder/test_many.py::test_same_ids[7]")
    elsewhere = noted(project, "--rootdir=.", "test_many.py", "-k", "test_same_ids", folder="folder")

    assert len(alone.personas) == 1
    assert len(elsewhere.personas) == 20
    for some in (alone.personas, elsewhere.personas):
        by_end = {name.rpartition("/")[2]: id for name, id in some.items()}
        assert by_end.items() <= {n.rpartition("/")[2]: id for n, id in in_order.personas.items()}.items()


def test_no_two_tests_share_an_id(in_order: Noted) -> None:
    # Twins are tests of one name in files of one name: which of the folders they are in depends on where
    # pytest is started, so that no id may depend on it.
    others = [id for name, id in in_order.personas.items() if "two/" not in name]

    assert len(set(others)) == len(others)


def test_a_sandbox_is_named_after_its_test(in_order: Noted) -> None:
    names = in_order.sandboxes

    assert [box for box in names.values() if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", box)] == []
    assert "test_same_ids-7" in names["test_many.py::test_same_ids[7]"]
    assert "test_it" in names["test_odd.py::TestIt::test_it"]


def test_merged_coverage_is_that_of_one_process(project: Project, in_order: Noted, spread: Noted) -> None:
    whole, merged = project.json("order.json"), project.json("spread.json")

    created = whole["providers"]["kie"]["operations"]["generatePersona"]["outcomes"]
    assert created["success"] == TESTS + 10 + len(in_order.personas)
    assert merged == whole
    assert project.read("spread.json") == project.read("order.json")
