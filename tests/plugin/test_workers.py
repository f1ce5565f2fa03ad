"""Workers of pytest-xdist: one that is lost is told of, and what the others met still counts."""

from __future__ import annotations

import pytest

from tests.plugin.project import Project


@pytest.fixture
def crashing(project: Project) -> Project:
    return project.write(
        "test_it.py",
        """
        import os
        import pytest
        import songs

        @pytest.mark.parametrize("n", range(12))
        def test_it(persona_mock, n):
            songs.create(persona_mock)
            if n == 3:
                os._exit(7)
        """,
    )


def test_a_lost_worker_is_told_of_and_the_others_are_merged(crashing: Project) -> None:
    options = ("--persona-mock-coverage=json:met.json", "--persona-mock-fail-under=0.1")

    run = crashing.run("-p", "no:cacheprovider", "-p", "no:randomly", "-n", "2", *options)

    assert run.code == 1, run.out
    assert len([name for name in run.cases if run.cases[name] == "passed"]) == 11, run.out
    assert [line for line in run.out.splitlines() if "orker" in line and "not counted" in line]
    met = crashing.json("met.json")["providers"]["kie"]["operations"]["generatePersona"]["outcomes"]
    assert 0 < met["success"] < 12
    assert "INTERNALERROR" not in run.out + run.err


def test_each_worker_has_a_server_of_its_own(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import os, pathlib
        import pytest
        import songs

        @pytest.mark.parametrize("n", range(10))
        def test_it(persona_mock, n):
            songs.create_by_url(persona_mock)
            file = pathlib.Path(f"{os.environ['PYTEST_XDIST_WORKER']}.txt")
            file.write_text(persona_mock.url.partition("/_sandbox")[0])
            if n == 9:
                songs.create(persona_mock, name=9)
        """,
    )

    run = project.run("-p", "no:cacheprovider", "-n", "2", "--dist=worksteal", "--persona-mock-strict")

    assert run.failing() == {"test_it[9]"}, run.out
    assert "persona-mock test_it-9" in run.part("test_it[9]")
    urls = {project.read(name) for name in project.files() if name.endswith(".txt")}
    assert len(urls) == 2
    assert all(url.startswith("http://127.0.0.1:") for url in urls)
