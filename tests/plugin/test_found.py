"""Installed is available: the fixture, the marker and the options, and what that costs those who use none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.plugin.conftest import ROOT, MakeProject
from tests.plugin.project import Project, Run

HEAVY = {"starlette", "uvicorn", "jsonschema", "referencing", "yaml", "httpx", "httpx2", "mockserver.web"}
# A conftest that looks on, and neither imports nor sets up anything.
LOOKS_ON = """
    import json, pathlib, sys, threading

    def pytest_sessionfinish(session):
        threads = [thread.name for thread in threading.enumerate()]
        found = {"modules": sorted(sys.modules), "threads": threads}
        pathlib.Path(session.config.rootpath, "seen.json").write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def run(make_project: MakeProject, python: Path) -> Run:
    """The test that the documentation begins with, and one that tells where it found the mock."""
    project = make_project("found").write(
        "test_it.py",
        """
        import importlib.metadata

        import mockserver
        import songs


        def test_second_persona_is_refused(persona_mock):
            song = persona_mock.kie.completed_song(model="V4_5")

            first = songs.create(persona_mock, song)
            second = songs.create_by_url(persona_mock, song)

            assert first.json()["code"] == 200 and second["code"] == 409
            assert persona_mock.requests[-1].outcome == "duplicate"


        def test_it_is_the_wheel():
            found = [one for one in importlib.metadata.distributions() if one.name == "persona-mockserver"]
            files = [str(one.locate_file("")) for one in found]
            assert False, f"AT {mockserver.__file__} AND {files}"


        def test_a_server_for_own_scopes(persona_mock_server):
            with persona_mock_server.sandbox("mine") as mock:
                assert songs.create_by_url(mock)["code"] == 200
        """,
    )
    return project.run("--strict-markers", "--strict-config", "-p", "no:cacheprovider", python=("-X", "dev"))


def test_fixtures_are_found_without_a_conftest(run: Run) -> None:
    assert run.cases["test_second_persona_is_refused"] == "passed"
    assert run.cases["test_a_server_for_own_scopes"] == "passed"


def test_only_the_wheel_is_what_is_found(run: Run, python: Path) -> None:
    told = run.told["test_it_is_the_wheel"]

    site = str(next(python.parent.parent.rglob("mockserver/__init__.py")))
    assert f"AT {site} AND {[str(Path(site).parent.parent)]}" in told
    assert str(ROOT / "mockserver") not in run.out


def test_a_run_warns_of_nothing_in_development_mode(run: Run) -> None:
    assert "warning" not in run.out.lower()
    assert run.err == ""


def test_pytest_itself_tells_of_marker_fixtures_and_options(project: Project) -> None:
    markers = project.run("--markers", report=False).out
    fixtures = project.run("--fixtures", report=False).out
    options = project.run("--help", report=False).out

    marker = next(line for line in markers.splitlines() if line.startswith("@pytest.mark.persona_mock("))
    names = "pace clock status seed scenario quirks rate_limits strict strict_outcomes"
    assert [name for name in names.split() if f"{name}=" not in marker] == []
    for fixture in ("persona_mock", "persona_mock_server"):
        heading = next(line for line in fixtures.splitlines() if line.split(" ")[0] == fixture)
        told = fixtures.splitlines()[fixtures.splitlines().index(heading) + 1]
        assert told.strip()
        assert "no docstring" not in told
    wanted = ("--persona-mock-coverage", "--persona-mock-fail-under", "--persona-mock-strict")
    assert [option for option in wanted if option not in options] == []


@pytest.mark.parametrize("options", [("--persona-mock-strict",), ("-n", "1")], ids=str)
def test_a_run_that_does_not_ask_for_it_loads_nothing_heavy(
    project: Project, options: tuple[str, ...]
) -> None:
    project.write("pytest.ini", "[pytest]\n").write("conftest.py", LOOKS_ON).write(
        "test_it.py",
        """
        import sys

        def test_nothing_of_the_mock():
            assert "mockserver.pytest_plugin" in sys.modules
            heavy = {heavy!r} & set(sys.modules)
            assert not heavy, heavy
        """.replace("{heavy!r}", repr(HEAVY)),
    )

    # Whatever else is installed may load what it likes: only this plugin is looked at.
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = project.run("-p", "no:cacheprovider", "-p", "persona_mock", "-p", "xdist", *options, environ=alone)

    assert run.cases == {"test_nothing_of_the_mock": "passed"}, run.out
    seen = project.json("seen.json")
    assert HEAVY & set(seen["modules"]) == set()
    assert "persona-mock" not in seen["threads"]


def test_one_import_of_the_plugin_loads_nothing_heavy(python: Path) -> None:
    look = f"import sys, mockserver.pytest_plugin; sys.exit(str({HEAVY!r} & set(sys.modules)))"

    done = subprocess.run([python, "-c", look], capture_output=True, text=True, check=False)

    assert done.stderr.strip() == "set()"


def test_nothing_is_written_when_nothing_was_asked_for(project: Project) -> None:
    project.write(
        "test_it.py", "import songs\n\ndef test_it(persona_mock):\n    songs.create(persona_mock)\n"
    )
    before = project.files()

    run = project.run("-p", "no:cacheprovider")

    assert run.cases == {"test_it": "passed"}
    assert project.files() == before
    assert "coverage" not in run.out.lower()


def test_collecting_starts_nothing_and_writes_nothing(project: Project) -> None:
    project.write("conftest.py", LOOKS_ON).write("test_it.py", "def test_it(persona_mock): pass\n")
    before = project.files()
    options = ("--persona-mock-coverage=html", "--persona-mock-coverage", "--persona-mock-fail-under=50")

    run = project.run("--collect-only", "-q", "-p", "no:cacheprovider", *options, report=False)

    assert run.code == 0, run.out
    assert project.files() - before == {"seen.json"}
    assert "persona-mock" not in project.json("seen.json")["threads"]
    assert "overage" not in run.out
