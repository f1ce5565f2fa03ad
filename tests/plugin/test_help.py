"""What a failed test is told that may explain it, and what a marker or a project that is wrong is told."""

from __future__ import annotations

import re

import pytest

from tests.plugin.conftest import MakeProject
from tests.plugin.project import Project, Run

QUIET = ("-p", "no:cacheprovider", "-p", "no:randomly")
SECRET = "sk-Zq7-nobody-may-see-this-91"
TESTS = """
    import os

    import pytest
    import songs

    SECRET = os.environ["SECRET"]


    def test_folded(persona_mock):
        task = songs.generate(persona_mock).json()["data"]["taskId"]
        for _ in range(12):
            songs.details(persona_mock, taskId=task)
        persona_mock.clock.advance(10**6)
        songs.details(persona_mock, taskId=task)
        assert False


    def test_queried(persona_mock):
        with songs.kie(persona_mock) as client:
            for n in range(2):
                client.get("/api/v1/generate/record-info", params={"taskId": f"t-{n}", "api_key": SECRET})
        assert False


    def test_forgot_the_clock(persona_mock):
        songs.generate(persona_mock)
        persona_mock.clock.advance(10)
        assert False


    def test_all_is_over(persona_mock):
        songs.generate(persona_mock)
        persona_mock.clock.finish_all()
        assert False


    @pytest.mark.persona_mock(clock="real")
    def test_of_real_time(persona_mock):
        songs.generate(persona_mock)
        assert False


    def test_queued(persona_mock):
        persona_mock.kie.next("duplicate", operation="generatePersona", times=3, match={"name": "Neon"})
        persona_mock.crun.always("maintenance")
        songs.create(persona_mock)
        assert False


    def test_refused(persona_mock):
        songs.generate(persona_mock, callBackUrl="https://elsewhere.example.com/hook")
        persona_mock.clock.finish_all()
        assert False


    def test_gave_up(persona_mock):
        persona_mock.callbacks.respond_always(503)
        songs.generate(persona_mock)
        persona_mock.clock.finish_all()
        assert False


    def test_kept_in(persona_mock):
        import urllib.request
        with persona_mock.intercept():
            try:
                urllib.request.urlopen("https://elsewhere.example.com/v1", timeout=5)
            except BaseException:
                pass
        assert False
"""


@pytest.fixture(scope="module")
def run(make_project: MakeProject) -> Run:
    project = make_project("help").write("test_it.py", TESTS)
    return project.run(*QUIET, environ={"SECRET": SECRET})


def told(run: Run, name: str) -> list[str]:
    """The lines of the section of one test."""
    _, *lines = run.part(name).split("persona-mock test_", 1)[1].splitlines()
    ends = (n for n, line in enumerate(lines) if re.match(r"(_{3,}|-{3,}|={3,}) ?", line))
    return [line for line in lines[: next(ends, None)] if line.strip()]


def test_equal_lines_are_folded(run: Run) -> None:
    order, polls, last = told(run, "test_folded")

    assert "POST /kie/api/v1/generate (kie generateMusic)" in order
    assert "task PENDING" in polls
    assert polls.endswith("(12 times)")
    assert "task SUCCESS" in last
    assert "times" not in last


def test_a_query_is_shown_but_for_secrets(run: Run) -> None:
    first, second = told(run, "test_queried")[:2]

    assert "record-info?taskId=t-0&" in first
    assert "record-info?taskId=t-1&" in second
    assert SECRET not in run.out
    assert [text for text in run.told.values() if SECRET in text] == []


def test_a_clock_that_stands_before_the_end_is_named(run: Run) -> None:
    lines = told(run, "test_forgot_the_clock")

    wanted = "the clock stands at 2026-01-01T00:00:10Z, and more is to come: "
    assert [line for line in lines if line.startswith(wanted) and "clock.finish_all()" in line]


@pytest.mark.parametrize("name", ["test_all_is_over", "test_of_real_time", "test_queried"])
def test_the_clock_is_not_named_where_it_explains_nothing(run: Run, name: str) -> None:
    assert [line for line in told(run, name) if "clock" in line] == []


def test_a_queued_outcome_that_waits_is_named(run: Run) -> None:
    lines = told(run, "test_queued")

    assert "1 queued outcome of this test was not used:" in lines
    wanted = '  duplicate for kie generatePersona, match {"name": "Neon"}: 2 of 3 left'
    assert wanted in lines
    # What stands for any number of calls waits for none.
    assert "maintenance" not in "\n".join(lines)


def test_callbacks_that_did_not_come_are_named_with_the_reason(run: Run) -> None:
    refused = [line for line in told(run, "test_refused") if line.startswith("the callback ")]
    given_up = [line for line in told(run, "test_gave_up") if line.startswith("the callback ")]

    assert len(refused) == len(given_up) == 3
    assert re.match(r"the callback text of \w+: refused, .*elsewhere\.example\.com", refused[0])
    assert re.match(r"the callback complete of \w+: gave-up, .*503", given_up[-1])


def test_a_call_that_was_not_let_out_is_named(run: Run) -> None:
    assert "elsewhere.example.com" in "\n".join(told(run, "test_kept_in"))


# --- markers ------------------------------------------------------------------------------------------------


PETS = """
openapi: 3.1.0
info: {title: Pets, version: '1'}
paths: {/pets: {get: {operationId: listPets, responses: {'200': {description: All of them.}}}}}
"""
BESIDE = """
    import pytest


    @pytest.mark.persona_mock(specs="own")
    def test_a_folder(persona_mock):
        assert persona_mock.provider("pets").outcomes("listPets") == ["success"]


    @pytest.mark.persona_mock(specs=["packaged", "own/pets.yaml", "below"])
    def test_several(persona_mock):
        assert persona_mock.provider("pets").outcomes("listPets") == ["success"]
        assert persona_mock.provider("shops").outcomes("listPets") == ["success"]
        assert persona_mock.kie.url


    @pytest.mark.persona_mock(scenario="mine.yaml")
    def test_a_scenario(persona_mock):
        assert persona_mock.account("me").credits == 11


    @pytest.mark.persona_mock(scenario="sub/mine.yaml")
    def test_a_scenario_below_the_root(persona_mock):
        assert persona_mock.account("me").credits == 11
"""


def test_documents_and_scenarios_are_found_beside_the_test_wherever_pytest_is_started(
    project: Project,
) -> None:
    project.write("sub/test_it.py", BESIDE).write("sub/own/pets.yaml", PETS)
    project.write("below/shops.yaml", PETS).write("sub/mine.yaml", "accounts: [{key: me, credits: 11}]\n")
    # What is of the same name where pytest is started is not meant.
    project.write("elsewhere/own/cats.yaml", PETS).write("elsewhere/mine.yaml", "accounts: []\n")

    run = project.run(*QUIET, "../sub", folder="elsewhere")

    assert run.counted() == {"passed": 4}, run.out


@pytest.mark.parametrize(
    ("keyword", "hint"), [("sandbox", "pace"), ("where", "pace"), ("server", "seed"), ("specz", "specs")]
)
def test_a_keyword_that_is_no_option_is_refused_in_one_line(
    project: Project, keyword: str, hint: str
) -> None:
    project.write(
        "test_it.py",
        f"import pytest\n\n@pytest.mark.persona_mock({keyword}='x')\ndef test_it(persona_mock): pass\n",
    )

    run = project.run(*QUIET)

    assert run.cases == {"test_it": "error"}
    (line,) = run.told["test_it"].strip().splitlines()
    assert f"{keyword} is no option" in line
    assert "@pytest.mark.persona_mock" in line
    assert hint in line


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("credits = 'many'", ["credits", "many"]),
        ("creditz = 5", ["creditz", "credits"]),
        ("specs = ['nowhere']", ["nowhere"]),
        ("credits = [", ["pyproject.toml"]),
    ],
)
def test_a_project_that_is_set_up_wrongly_is_one_line_for_each_test(
    project: Project, said: str, words: list[str]
) -> None:
    project.write("pyproject.toml", f"[tool.persona-mock]\n{said}\n")
    project.write(
        "test_it.py",
        "def test_one(persona_mock): pass\ndef test_two(persona_mock): pass\ndef test_other(): pass\n",
    )

    # pytest.ini is before it, so pytest does not read it.
    run = project.run(*QUIET, "-c", "pytest.ini")

    assert run.cases == {"test_one": "error", "test_two": "error", "test_other": "passed"}, run.out
    for name in ("test_one", "test_two"):
        (line,) = run.told[name].strip().splitlines()
        assert [word for word in words if word not in line] == []
    assert not [word for word in ("Traceback", "INTERNALERROR", "mockserver/") if word in run.out + run.err]
