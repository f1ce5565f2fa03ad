"""Sandboxes that are not the test's own: how strict they are, what is shown of them, what they count."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import MakeProject
from tests.plugin.project import Project, Run

QUIET = ("-p", "no:cacheprovider", "-p", "no:randomly")
SCOPES = """
    import pytest
    import songs


    @pytest.fixture(scope="session")
    def world(persona_mock_server):
        with persona_mock_server.sandbox("of-the-session") as mock:
            yield mock


    @pytest.fixture(scope="session")
    def lax(persona_mock_server):
        with persona_mock_server.sandbox("lax", strict=False) as mock:
            yield mock


    def test_1_clean(world):
        assert songs.create_by_url(world)["code"] == 200


    def test_2_dirty(world):
        songs.create_by_url(world, name=7)


    def test_3_clean(world):
        assert songs.create_by_url(world)["code"] == 200


    def test_4_is_shown_its_own_calls(world, persona_mock):
        songs.details(world, taskId="of-the-fourth")
        songs.create_by_url(persona_mock)
        assert "mine" == "yours"


    def test_5_is_shown_nothing_of_others(world, persona_mock):
        assert "mine" == "yours"


    def test_6_dirty_where_nobody_minds(lax):
        songs.create_by_url(lax, name=7)


    def test_7_fails_by_itself(world):
        songs.create_by_url(world, name=7)
        assert "mine" == "yours"


    def test_8_is_not_told_what_the_one_before_did(world):
        pass
"""


@pytest.fixture(scope="module")
def scopes(make_project: MakeProject) -> Run:
    project = make_project("scopes").write("test_it.py", SCOPES)
    return project.run(*QUIET, "--persona-mock-strict")


def test_a_scope_of_the_session_fails_the_test_that_sent_it(scopes: Run) -> None:
    assert scopes.cases == {
        "test_1_clean": "passed",
        "test_2_dirty": "failed",
        "test_3_clean": "passed",
        "test_4_is_shown_its_own_calls": "failed",
        "test_5_is_shown_nothing_of_others": "failed",
        "test_6_dirty_where_nobody_minds": "passed",
        "test_7_fails_by_itself": "failed",
        "test_8_is_not_told_what_the_one_before_did": "passed",
    }, scopes.out


def test_the_option_reaches_own_scopes_and_says_which_request_it_was(scopes: Run) -> None:
    told = scopes.told["test_2_dirty"]

    assert "POST /kie/api/v1/generate/generate-persona" in told
    assert "/body/name" in told
    assert "pytest_plugin.py" not in told


def test_what_the_test_itself_found_is_not_hidden(scopes: Run) -> None:
    assert "mine" in scopes.told["test_7_fails_by_itself"]
    assert "of this test broke" not in scopes.told["test_7_fails_by_itself"]


def test_a_failing_test_is_shown_its_calls_in_other_scopes_and_no_earlier_ones(scopes: Run) -> None:
    fourth = scopes.part("test_4_is_shown_its_own_calls")
    fifth = scopes.part("test_5_is_shown_nothing_of_others")

    of_the_session = fourth.partition("persona-mock of-the-session")[2]
    assert "taskId=of-the-fourth" in of_the_session
    assert fourth.count("record-info") == 1
    # The one of its own sandbox, none of the three that came before.
    assert fourth.count("generate-persona") == 1
    assert "persona-mock of-the-session" not in fifth
    assert "generate-persona" not in fifth


# --- coverage -----------------------------------------------------------------------------------------------


COUNTED = """
    import pytest
    import songs
    from mockserver.testing import PersonaMock, Server


    def test_by_hand():
        with PersonaMock() as mock:
            mock.kie.next("maintenance")
            songs.create_by_url(mock)


    def test_by_a_server_of_its_own():
        with Server() as server, server.sandbox("mine") as mock:
            mock.kie.next("duplicate")
            songs.create_by_url(mock)
"""
OVERRIDDEN = """
    import pytest
    import songs
    from mockserver.testing import Server


    @pytest.fixture(scope="session")
    def persona_mock_server():
        with Server(status="http") as server:
            yield server


    def test_it(persona_mock):
        song = persona_mock.kie.completed_song()
        answers = [songs.create(persona_mock, song) for _ in range(2)]
        assert answers[1].status_code == 409


    @pytest.mark.persona_mock(strict=True)
    def test_strict(persona_mock):
        songs.create(persona_mock, name=7)


    @pytest.fixture(scope="module")
    def world(persona_mock_server):
        with persona_mock_server.sandbox("world", strict=True) as mock:
            yield mock


    def test_scope(world, persona_mock):
        songs.create(world, name=7)
"""


def met(project: Project, name: str) -> dict[str, int]:
    """Which outcomes of one operation were met."""
    operation = project.json(name)["providers"]["kie"]["operations"]["generatePersona"]
    return {outcome: count for outcome, count in operation["outcomes"].items() if count}


def test_mocks_that_tests_start_by_hand_are_counted(project: Project) -> None:
    project.write("test_it.py", COUNTED)

    run = project.run(*QUIET, "--persona-mock-coverage=json:met.json")

    assert run.code == 0, run.out
    assert met(project, "met.json") == {"maintenance": 1, "duplicate": 1}


def test_a_server_fixture_of_the_project_serves_and_is_counted(project: Project) -> None:
    project.write("test_it.py", OVERRIDDEN)

    run = project.run(*QUIET, "--persona-mock-coverage=json:met.json")

    assert run.cases == {"test_it": "passed", "test_strict": "failed", "test_scope": "failed"}, run.out
    assert "/body/name" in run.told["test_strict"]
    assert "persona-mock world" in run.part("test_scope")
    assert met(project, "met.json") == {"success": 1, "duplicate": 1, "invalid": 2}


def test_a_plan_is_not_held_to_a_share(project: Project) -> None:
    project.write("test_it.py", "def test_it(persona_mock): pass\n")
    options = ("--persona-mock-fail-under=1", "--persona-mock-coverage=json:met.json")

    run = project.run(*QUIET, "--setup-plan", *options, report=False)

    assert run.code == 0, run.out
    assert "persona_mock" in run.out
    assert "met.json" not in project.files()
