"""The coverage of a run: told, written and demanded as asked for, and on several processes as on one."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import MakeProject
from tests.plugin.project import Project

TESTS = """
    import songs


    def test_creates(persona_mock):
        song = persona_mock.kie.completed_song()
        assert [songs.create(persona_mock, song).json()["code"] for _ in range(2)] == [200, 409]


    def test_polls(persona_mock):
        task = songs.generate(persona_mock).json()["data"]["taskId"]
        songs.details(persona_mock, taskId=task)


    def test_of_a_scope_of_its_own(persona_mock_server):
        with persona_mock_server.sandbox("mine") as mock:
            mock.kie.next("maintenance")
            songs.create_by_url(mock)
"""
UNUSED = "def test_without_the_fixture():\n    pass\n"
ALL = ("--persona-mock-coverage", "--persona-mock-coverage=json", "--persona-mock-coverage=html")


@pytest.fixture(scope="module")
def project(make_project: MakeProject) -> Project:
    return make_project("covered").write("test_it.py", TESTS).write("unused/test_none.py", UNUSED)


def kie(report: dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, int]]]]]]) -> dict[str, int]:
    operations = report["providers"]["kie"]["operations"]
    met = operations["generatePersona"]["outcomes"]
    return {name: count for name, count in met.items() if count}


def test_each_form_is_given_and_default_files_are_named(project: Project) -> None:
    before = project.files()

    run = project.run("-p", "no:cacheprovider", "test_it.py", *ALL)

    assert run.code == 0, run.out
    files = sorted(project.files() - before)
    assert [name.rpartition(".")[2] for name in files] == ["html", "json"]
    assert [name for name in files if name not in run.out] == []
    page, report = project.read(files[0]), project.json(files[1])
    assert set(report) == {"covered", "total", "percent", "providers"}
    assert kie(report) == {"success": 1, "duplicate": 1, "maintenance": 1}
    assert sum(report["providers"]["kie"]["operations"]["getMusicDetails"]["states"].values()) == 1
    row = next(line for line in run.out.splitlines() if "kie generatePersona" in line)
    assert "unauthorized" in row
    assert "duplicate" not in row
    assert page.lstrip().lower().startswith("<!doctype html")
    assert "generatePersona" in page
    assert not [word for word in ("http://", "https://", "<script src", "<link") if word in page.lower()]
    for name in files:
        (project.folder / name).unlink()


def test_json_is_that_of_the_control_call(project: Project) -> None:
    project.write(
        "test_asks.py",
        """
        import json, pathlib, urllib.request
        import songs

        def test_asks(persona_mock):
            songs.create(persona_mock)
            with urllib.request.urlopen(persona_mock.url + "/_mock/coverage") as answer:
                pathlib.Path("asked.json").write_bytes(answer.read())
        """,
    )

    run = project.run("-p", "no:cacheprovider", "test_asks.py", "--persona-mock-coverage=json:told.json")

    assert run.code == 0, run.out
    assert project.json("told.json") == project.json("asked.json")


def test_given_files_are_written_where_pytest_was_started(project: Project) -> None:
    before = project.files()
    options = ("json:out/report.json", "html:out/page.html", "json:again.json")

    run = project.run(
        *("-p", "no:cacheprovider", "../test_it.py"),
        *(f"--persona-mock-coverage={one}" for one in options),
        folder="unused",
    )

    assert run.code == 0, run.out
    written = project.files() - before
    assert written == {"unused/out/report.json", "unused/out/page.html", "unused/again.json"}
    assert kie(project.json("unused/again.json")) == {"success": 1, "duplicate": 1, "maintenance": 1}
    assert project.json("unused/again.json") == project.json("unused/out/report.json")
    # The table is one more form, and was not asked for.
    assert "kie generatePersona" not in run.out


@pytest.mark.parametrize(("least", "code"), [("0.5", 0), ("50", 1)])
def test_too_little_coverage_fails_the_run(project: Project, least: str, code: int) -> None:
    processes = ("-n", "2") if least == "50" else ()

    run = project.run(
        "-p", "no:cacheprovider", *processes, "test_it.py", f"--persona-mock-fail-under={least}"
    )

    assert run.code == code, run.out
    assert run.failing() == set()
    verdict = next(line for line in run.out.splitlines() if "equired" in line)
    assert least in verdict
    assert ("not" in verdict) is bool(code)


def test_a_run_without_the_fixture_met_nothing_and_says_so(project: Project) -> None:
    before = project.files()
    options = ("--persona-mock-coverage=json:none.json", "--persona-mock-fail-under=1")

    run = project.run("-p", "no:cacheprovider", "unused/test_none.py", *options)

    assert run.code == 1, run.out
    report = project.json("none.json")
    assert report["covered"] == report["percent"] == 0 < report["total"]
    assert project.files() - before == {"none.json"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--persona-mock-coverage=pdf"], ["pdf", "html"]),
        (["--persona-mock-coverage=json:"], ["json:", "json:FILE"]),
        (["--persona-mock-coverage", "unused/"], ["unused/", "--persona-mock-coverage=term"]),
        (["--persona-mock-fail-under=abc"], ["abc", "100"]),
        (["--persona-mock-fail-under=101"], ["101", "100"]),
        (["--persona-mock-fail-under=nan"], ["nan", "100"]),
    ],
    ids=str,
)
def test_a_bad_value_is_a_wrong_usage_that_is_explained(
    project: Project, options: list[str], text: list[str]
) -> None:
    run = project.run("-p", "no:cacheprovider", *options, report=False)

    assert run.code == 4
    told = [line for line in run.err.splitlines() if "error: argument" in line]
    assert len(told) == 1, run.err
    assert [word for word in text if word not in told[0]] == []
    assert "Traceback" not in run.err + run.out


def test_a_file_that_cannot_be_written_fails_the_run_and_is_named(project: Project) -> None:
    run = project.run(
        "-p", "no:cacheprovider", "test_it.py", "--persona-mock-coverage=json:test_it.py/x.json"
    )

    assert run.code == 1
    assert [line for line in run.out.splitlines() if "test_it.py/x.json" in line]
    assert "INTERNALERROR" not in run.out + run.err
