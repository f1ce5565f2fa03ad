"""What a failed test is told of its calls: enough to see why, and no secret."""

from __future__ import annotations

import re

import pytest

from tests.plugin.conftest import MakeProject
from tests.plugin.project import Run

SECRET = "sk-Zq7-nobody-may-see-this-91"
HEADING = "persona-mock test_"


@pytest.fixture(scope="module")
def run(make_project: MakeProject) -> Run:
    """One failing test for each thing that is told, and one that passes."""
    project = make_project("failures").write(
        "test_it.py",
        """
        import os

        import pytest
        import songs

        # Never in a line that a traceback shows.
        SECRET = os.environ["SECRET"]


        def test_that_passes(persona_mock):
            songs.create(persona_mock, name=7)


        def test_without_the_fixture():
            assert False


        def test_without_a_call(persona_mock):
            assert False


        def test_one_after_the_other(persona_mock):
            song = persona_mock.kie.completed_song()
            songs.create(persona_mock, song)
            songs.create_by_url(persona_mock, song)
            persona_mock.kie.next("maintenance", operation="getCredits")
            with songs.kie(persona_mock) as client:
                client.get("/api/v1/chat/credit")
                client.get("/api/v1/generate/nowhere")
            assert False


        def test_with_violations(persona_mock):
            songs.create(persona_mock, name=7)
            songs.details(persona_mock)
            assert False


        def _tell_the_secret(mock):
            mock.account(SECRET)
            body = songs.about(mock.kie.completed_song(key=SECRET), apiKey=SECRET, name=5)
            with songs.kie(mock, key=SECRET) as client:
                client.post(songs.PERSONA, json=body)
                client.post(songs.PERSONA, json=[{"apiKey": SECRET, "token": [SECRET]}])
                client.post(songs.PERSONA + "?api_key=" + SECRET, json={"authorization": "Bearer " + SECRET})
                client.post(songs.PERSONA, json={"taskId": {"accessToken": SECRET}, "access_key": SECRET})
                client.post(songs.PERSONA, content='{"apiKey": "' + SECRET + '", "token":')
                client.post("/api/v1/generate", json={"callBackUrl": f"http://me:{SECRET}@127.0.0.1:1/?token={SECRET}"})
                client.get("/api/v1/generate/record-info", params={"key": SECRET, "token": SECRET})
                client.get("/api/v1/unknown", params={"apiKey": SECRET})
                client.get("/api/v1/chat/credit", headers={"authorization": "Basic " + SECRET})
                client.get("/api/v1/chat/credit", headers={"authorization": SECRET})
                client.get("/api/v1/chat/credit", headers={"x-api-key": SECRET, "authorization": ""})


        def test_with_a_secret(persona_mock):
            _tell_the_secret(persona_mock)
            assert False


        @pytest.mark.persona_mock(strict=True)
        def test_strict_with_a_secret(persona_mock):
            _tell_the_secret(persona_mock)


        @pytest.fixture
        def broken(persona_mock):
            songs.create(persona_mock)
            raise OSError("no such luck")


        def test_whose_set_up_fails(broken):
            pass


        def test_with_very_many_calls(persona_mock):
            for n in range(300):
                songs.details(persona_mock, taskId=str(n) * 400)
            assert False


        @pytest.fixture
        def broken_at_the_end(persona_mock):
            yield
            songs.create(persona_mock)
            raise OSError("no such luck")


        def test_whose_tear_down_fails(broken_at_the_end):
            pass
        """,
    )
    options = ("-p", "no:cacheprovider", "-p", "no:randomly", "-rP")
    return project.run(*options, environ={"SECRET": SECRET})


def told(run: Run, name: str) -> list[str]:
    """The lines of the section of one test."""
    heading, *lines = run.part(name).split(HEADING, 1)[1].splitlines()
    assert heading.startswith(name.removeprefix("test_"))
    ends = (n for n, line in enumerate(lines) if re.match(r"(_{3,}|-{3,}|={3,}) ?", line))
    return [line for line in lines[: next(ends, None)] if line.strip()]


def test_exchanges_are_told_with_outcome_and_why(run: Run) -> None:
    first, second, third, fourth, *more = told(run, "test_one_after_the_other")

    persona = "POST /kie/api/v1/generate/generate-persona"
    assert persona in first
    assert "generatePersona" in first
    assert "success" in first
    assert "(state)" in first
    assert persona in second
    assert "duplicate" in second
    assert "409" in second
    assert "GET /kie/api/v1/chat/credit" in third
    assert "maintenance" in third
    assert "(queued)" in third
    assert "GET /kie/api/v1/generate/nowhere" in fourth
    assert "404" in fourth
    assert len(more) <= 1


def test_violations_are_told_with_pointer_wanted_and_got(run: Run) -> None:
    lines = told(run, "test_with_violations")

    name = next(line for line in lines if "/body/name" in line)
    assert "wanted string" in name
    assert "got 7" in name
    assert lines.index(name) == 1
    assert any("/query/taskId" in line for line in lines[2:])


def test_a_test_without_a_call_is_told_so(run: Run) -> None:
    assert len(told(run, "test_without_a_call")) == 1
    assert "no call" in told(run, "test_without_a_call")[0]


def test_only_failed_tests_that_used_the_fixture_are_told(run: Run) -> None:
    assert run.cases["test_that_passes"] == "passed"
    assert HEADING not in run.part("test_without_the_fixture")
    assert run.out.count(HEADING) == len(run.failing()) - len({"test_without_the_fixture"})


def test_no_key_is_shown_wherever_it_was_sent(run: Run) -> None:
    assert len(told(run, "test_with_a_secret")) >= 9
    assert "of this test broke" in run.told["test_strict_with_a_secret"]
    shown = [line for line in (run.out + run.err).splitlines() if SECRET in line]
    assert shown == []
    assert [text for text in run.told.values() if SECRET in text] == []


def test_what_fails_around_the_test_is_told_too(run: Run) -> None:
    assert run.cases["test_whose_set_up_fails"] == run.cases["test_whose_tear_down_fails"] == "error"
    for name in ("test_whose_set_up_fails", "test_whose_tear_down_fails"):
        assert "no such luck" in run.part(name)
        assert [line for line in told(run, name) if "generate-persona" in line and "success" in line]


def test_it_stays_short(run: Run) -> None:
    lines = told(run, "test_with_very_many_calls")

    assert 10 <= len(lines) <= 100
    assert max(map(len, lines)) <= 500
    assert re.search(r"\b2\d\d (earlier|more|other)", "\n".join(lines))
