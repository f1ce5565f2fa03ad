"""The handle as pytest hands it out, in this very process."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from mockserver.settings import UsageError
from mockserver.testing import PersonaMock, Server
from tests.testing.songs import look, make_persona, order
from tests.web.calls import credential
from tests.web.stories import state_of


def test_second_persona_is_refused(persona_mock: PersonaMock) -> None:
    song = persona_mock.kie.completed_song(model="V4_5")

    first = make_persona(persona_mock, "kie", song.task_id, song.audio_id, key=persona_mock.kie.key)
    second = make_persona(persona_mock, "kie", song.task_id, song.audio_id, key=persona_mock.kie.key)

    assert [first.json()["code"], second.json()["code"]] == [200, 409]
    assert persona_mock.requests[-1].outcome == "duplicate"


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_each_turn_is_alone(persona_mock: PersonaMock, turn: int) -> None:
    assert (persona_mock.requests, list(persona_mock.callbacks)) == ([], [])
    assert persona_mock.clock.now == "2026-01-01T00:00:00Z"
    assert persona_mock.seed == 0

    persona_mock.kie.always("maintenance")
    persona_mock.clock.advance(turn)
    answer = look(persona_mock, "kie", "0" * 32)

    assert answer["code"] == 455


def test_it_is_a_sandbox_of_the_session_s_server_named_after_the_test(
    persona_mock: PersonaMock, persona_mock_server: Server
) -> None:
    assert persona_mock.sandbox.startswith("test_it_is_a_sandbox_of_the_session_s_server")
    assert persona_mock.url == f"{persona_mock_server.url}/_sandbox/{persona_mock.sandbox}"


@pytest.mark.persona_mock(pace="instant", credits=12, seed=3, status="http")
def test_the_marker_sets_it_up(persona_mock: PersonaMock) -> None:
    task = order(persona_mock, "kie")

    assert state_of("kie", look(persona_mock, "kie", task)) == "SUCCESS"
    assert (persona_mock.account().credits, persona_mock.seed) == (0, 3)
    assert make_persona(persona_mock, "kie", "x", "y").status_code == 402


@pytest.mark.persona_mock(strict=True, strict_outcomes=True)
def test_a_strict_test_that_behaves_passes(persona_mock: PersonaMock) -> None:
    persona_mock.kie.next("duplicate")

    assert persona_mock.is_strict
    assert make_persona(persona_mock, "kie", "x", "y").json()["code"] == 409


def test_a_scope_of_ones_own_lives_beside_it(persona_mock: PersonaMock, persona_mock_server: Server) -> None:
    with persona_mock_server.sandbox("beside", pace="instant") as mock:
        order(mock, "kie")

        assert (len(mock.requests), len(persona_mock.requests)) == (1, 0)


@pytest.mark.asyncio
async def test_an_asynchronous_test_uses_it_likewise(persona_mock: PersonaMock) -> None:
    async with httpx2.AsyncClient(
        transport=persona_mock.async_transport(),
        base_url=persona_mock.kie.url,
        headers=credential("kie", "k"),
    ) as client:
        answers = await asyncio.gather(*(client.get("/api/v1/chat/credit") for _ in range(3)))

    assert [answer.json()["data"] for answer in answers] == [1000] * 3
    assert len(persona_mock.requests) == 3


@pytest.mark.persona_mock(strict=True)
def test_a_test_may_end_its_mock_itself(persona_mock: PersonaMock) -> None:
    persona_mock.stop()

    with pytest.raises(UsageError, match="has ended"):
        _ = persona_mock.requests
