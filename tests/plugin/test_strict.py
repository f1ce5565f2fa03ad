"""Strict tests: what breaks a document, or was planned in vain, fails the test that did it."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import MakeProject
from tests.plugin.project import Project, Run

OF_OPTION = """
    import pytest
    import songs


    def test_clean(persona_mock):
        song = persona_mock.kie.completed_song()
        assert [songs.create(persona_mock, song).json()["code"] for _ in range(2)] == [200, 409]


    def test_dirty(persona_mock):
        assert songs.create(persona_mock, name=7).json()["code"] != 200


    def test_dirty_by_url(persona_mock):
        songs.create_by_url(persona_mock, description=["x"])


    def test_unknown_route(persona_mock):
        with songs.kie(persona_mock) as client:
            assert client.get("/api/v1/generate/record-infos").status_code == 404


    def test_missing_query(persona_mock):
        songs.details(persona_mock)


    @pytest.mark.persona_mock(strict=False)
    def test_opted_out(persona_mock):
        songs.create(persona_mock, name=7)


    def test_fails_by_itself(persona_mock):
        songs.create(persona_mock, name=7)
        assert "mine" == "yours"


    def test_skips_itself(persona_mock):
        songs.create(persona_mock, name=7)
        pytest.skip("of no interest")


    @pytest.fixture
    def broken(persona_mock):
        songs.create(persona_mock, name=7)
        raise OSError("no such luck")


    def test_without_a_set_up(broken):
        pass


    @pytest.fixture
    def says_goodbye_badly(persona_mock):
        yield
        songs.create(persona_mock, name=7)


    def test_goodbye(says_goodbye_badly):
        pass


    def test_after_that_is_clean(persona_mock):
        assert songs.create(persona_mock).json()["code"] == 200
"""
OF_MARKER = """
    import pytest
    import songs


    def test_lax(persona_mock):
        songs.create(persona_mock, name=7)


    @pytest.mark.persona_mock(strict=True)
    def test_strict(persona_mock):
        songs.create(persona_mock, name=7)


    @pytest.mark.persona_mock(strict_outcomes=True)
    def test_in_vain(persona_mock):
        persona_mock.kie.next("duplicate")
        persona_mock.evolink.next("rate-limited", times=3, operation="getTask")


    @pytest.mark.persona_mock(strict_outcomes=True)
    def test_used_up(persona_mock):
        persona_mock.kie.next("maintenance", times=2)
        persona_mock.kie.always("server-error", operation="getCredits")
        assert [songs.create(persona_mock).json()["code"] for _ in range(2)] == [455, 455]


    @pytest.mark.persona_mock(strict_outcomes=True)
    def test_used_in_part(persona_mock):
        persona_mock.kie.next("maintenance", times=3)
        songs.create(persona_mock)


    def test_nobody_minds(persona_mock):
        persona_mock.kie.next("duplicate")


    @pytest.mark.persona_mock(strict=True, strict_outcomes=True)
    def test_both(persona_mock):
        persona_mock.kie.next("maintenance", operation="getCredits")
        songs.create(persona_mock, name=7)


    @pytest.mark.persona_mock(strict=True)
    @pytest.mark.xfail(strict=True)
    def test_known_to_be_dirty(persona_mock):
        songs.create(persona_mock, name=7)


    @pytest.mark.persona_mock(strict=True)
    class TestOfUnittest:
        @pytest.fixture(autouse=True)
        def mock(self, persona_mock):
            self.mock = persona_mock

        def test_in_a_class(self):
            songs.create(self.mock, name=7)
"""


@pytest.fixture(scope="module")
def project(make_project: MakeProject) -> Project:
    return make_project("strict").write("test_option.py", OF_OPTION).write("test_marker.py", OF_MARKER)


@pytest.fixture(scope="module")
def by_option(project: Project) -> Run:
    return project.run("--persona-mock-strict", "-p", "no:cacheprovider", "test_option.py")


@pytest.fixture(scope="module")
def by_marker(project: Project) -> Run:
    return project.run("-p", "no:cacheprovider", "test_marker.py")


def test_the_option_fails_the_tests_that_sent_it_and_no_other(by_option: Run) -> None:
    assert by_option.code == 1
    assert by_option.cases == {
        "test_clean": "passed",
        "test_dirty": "failed",
        "test_dirty_by_url": "failed",
        "test_unknown_route": "failed",
        "test_missing_query": "failed",
        "test_opted_out": "passed",
        "test_fails_by_itself": "failed",
        "test_skips_itself": "skipped",
        "test_without_a_set_up": "error",
        "test_goodbye": "error",
        "test_after_that_is_clean": "passed",
    }


def test_without_the_option_nothing_is_held_against_them(project: Project) -> None:
    run = project.run("-p", "no:cacheprovider", "test_option.py")

    assert run.failing() == {"test_fails_by_itself", "test_skips_itself", "test_without_a_set_up"}, run.out


@pytest.mark.parametrize(
    ("test", "line", "facts"),
    [
        (
            "test_dirty",
            "POST /kie/api/v1/generate/generate-persona",
            ["/body/name", "wanted string", "got 7"],
        ),
        (
            "test_dirty_by_url",
            "POST /kie/api/v1/generate/generate-persona",
            ["/body/description", "wanted string", 'got ["x"]'],
        ),
        ("test_missing_query", "GET /kie/api/v1/generate/record-info", ["/query/taskId"]),
        (
            "test_unknown_route",
            "GET /kie/api/v1/generate/record-infos",
            ["/path", "Closest: GET /kie/api/v1/generate/record-info"],
        ),
        (
            "test_goodbye",
            "POST /kie/api/v1/generate/generate-persona",
            ["/body/name", "wanted string", "got 7"],
        ),
    ],
)
def test_the_failure_names_request_line_pointer_wanted_and_got(
    by_option: Run, test: str, line: str, facts: list[str]
) -> None:
    told = by_option.told[test]

    assert line in told
    assert [fact for fact in facts if fact not in told] == []
    assert "/_sandbox/" not in told
    assert "Traceback" not in told
    assert "pytest_plugin.py" not in told


def test_what_the_test_itself_found_is_not_hidden(by_option: Run) -> None:
    assert "mine" in by_option.told["test_fails_by_itself"]
    assert "/body/name" in by_option.part("test_fails_by_itself")
    assert "no such luck" in by_option.told["test_without_a_set_up"]
    assert "/body/name" not in by_option.told["test_without_a_set_up"]


def test_the_marker_fails_the_tests_it_is_on(by_marker: Run) -> None:
    assert by_marker.cases == {
        "test_lax": "passed",
        "test_strict": "failed",
        "test_in_vain": "failed",
        "test_used_up": "passed",
        "test_used_in_part": "failed",
        "test_nobody_minds": "passed",
        "test_both": "failed",
        "test_known_to_be_dirty": "skipped",
        "test_in_a_class": "failed",
    }
    assert "1 xfailed" in by_marker.out


def test_unused_outcomes_are_named_with_what_is_left(by_marker: Run) -> None:
    lines = by_marker.told["test_in_vain"].splitlines()

    assert [line for line in lines if "duplicate" in line and "kie" in line]
    assert [line for line in lines if "rate-limited" in line and "evolink" in line and "getTask" in line]
    assert [line for line in lines if "maintenance" in line and "2 of 3" in line] == []
    left = by_marker.told["test_used_in_part"]
    assert "maintenance" in left
    assert "2 of 3" in left


def test_both_reasons_are_told_together(by_marker: Run) -> None:
    told = by_marker.told["test_both"]

    assert "/body/name" in told
    assert "maintenance" in told
    assert "getCredits" in told
