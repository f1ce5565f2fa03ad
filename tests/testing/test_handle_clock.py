"""Time that obeys: the clock of a handle, and every pace."""

from __future__ import annotations

import asyncio
import time
from threading import Thread
from typing import Any

import pytest
import trio

from mockserver.settings import UsageError
from mockserver.testing import PersonaMock, Server
from tests.testing.songs import PROVIDERS, look, order
from tests.web.stories import STATES, state_of

SECONDS = {"kie": 120, "crun": 86, "evolink": 120, "yuto": 90}
START = 1767225600.0


def state(mock: PersonaMock, provider: str, task: str) -> str:
    """What a poll shows."""
    return state_of(provider, look(mock, provider, task))


# --- virtual time -------------------------------------------------------------------------------------------


def test_time_begins_with_the_year_and_stands_still(mock: PersonaMock) -> None:
    assert (mock.clock.mode, mock.clock.now, mock.clock.epoch) == ("virtual", "2026-01-01T00:00:00Z", START)
    assert mock.clock.epoch == START


def test_time_moves_as_far_as_it_is_told(mock: PersonaMock) -> None:
    walked = mock.clock.advance(90)
    mock.clock.advance(0.5)

    assert (walked.now, walked.delivered, walked.gave_up) == ("2026-01-01T00:01:30Z", 0, 0)
    assert mock.clock.epoch == START + 90.5


@pytest.mark.parametrize("moment", ["2026-01-01T01:00:00Z", START + 3600])
def test_time_is_set_to_a_moment(mock: PersonaMock, moment: Any) -> None:
    mock.clock.set(moment)

    assert mock.clock.now == "2026-01-01T01:00:00Z"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_song_takes_as_long_as_the_provider_takes(mock: PersonaMock, provider: str) -> None:
    task = order(mock, provider)

    mock.clock.advance(SECONDS[provider] - 1)
    before = state(mock, provider, task)
    mock.clock.advance(1)

    assert STATES[provider][before] == "running"
    assert STATES[provider][state(mock, provider, task)] == "finished"


def test_finish_all_takes_every_task_to_its_end(mock: PersonaMock) -> None:
    tasks = {provider: order(mock, provider) for provider in PROVIDERS}
    was_ahead = mock.clock.is_ahead

    walked = mock.clock.finish_all()

    assert {STATES[p][state(mock, p, task)] for p, task in tasks.items()} == {"finished"}
    assert walked.now == mock.clock.now == "2026-01-01T00:02:00Z"
    assert (was_ahead, mock.clock.is_ahead) == (True, False)


def test_finish_all_with_nothing_to_finish_moves_nothing(mock: PersonaMock) -> None:
    assert mock.clock.finish_all().now == "2026-01-01T00:00:00Z"


def test_a_polling_client_sleeps_by_the_clock(mock: PersonaMock) -> None:
    task = order(mock, "kie")
    began = time.monotonic()

    seen: list[str] = []
    while not seen or seen[-1] != "SUCCESS":
        seen.append(state(mock, "kie", task))
        mock.clock.advance(30)

    assert seen == ["PENDING", "TEXT_SUCCESS", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]
    assert time.monotonic() - began < 10


def test_an_asynchronous_client_sleeps_by_the_clock(mock: PersonaMock) -> None:
    task = order(mock, "kie")

    async def wait_for_it() -> int:
        polls = 0
        while await asyncio.to_thread(state, mock, "kie", task) != "SUCCESS":
            polls += 1
            await mock.clock.sleep(30)
        return polls

    assert asyncio.run(wait_for_it()) == 4
    assert mock.clock.now == "2026-01-01T00:02:00Z"


def test_a_client_under_trio_sleeps_by_the_clock(mock: PersonaMock) -> None:
    task = order(mock, "kie", mock.callbacks.url)

    trio.run(mock.clock.sleep, 120)

    assert state(mock, "kie", task) == "SUCCESS"
    assert len(mock.callbacks) == 3


def test_every_look_at_the_clock_is_of_now(mock: PersonaMock) -> None:
    clock = mock.clock

    mock.clock.advance(10)

    assert clock.epoch == START + 10


def test_threads_that_advance_together_advance_in_turn(mock: PersonaMock) -> None:
    order(mock, "kie", mock.callbacks.url)
    threads = [Thread(target=mock.clock.advance, args=(15,)) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert mock.clock.epoch == START + 120
    assert [one["data"]["callbackType"] for one in mock.callbacks] == ["text", "first", "complete"]


# --- paces --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_at_once_a_song_is_finished_when_its_order_is_answered(world: Server, provider: str) -> None:
    with world.sandbox("mine", pace="instant") as mock:
        task = order(mock, provider)

        assert STATES[provider][state(mock, provider, task)] == "finished"
        assert mock.clock.now == "2026-01-01T00:00:00Z"


def test_by_polls_every_state_is_seen_as_often_as_asked_for(world: Server) -> None:
    with world.sandbox("mine", pace="polls:1") as mock:
        task = order(mock, "kie")
        once = [state(mock, "kie", task) for _ in range(5)]
    with world.sandbox("mine", pace="polls:2") as mock:
        task = order(mock, "kie")
        twice = [state(mock, "kie", task) for _ in range(7)]

    assert once == ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS", "SUCCESS"]
    assert twice == ["PENDING"] * 2 + ["TEXT_SUCCESS"] * 2 + ["FIRST_SUCCESS"] * 2 + ["SUCCESS"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_by_polls_a_loop_that_nobody_helps_ends(world: Server, provider: str) -> None:
    with world.sandbox("mine", pace="polls:1") as mock:
        task = order(mock, provider)

        seen = [state(mock, provider, task) for _ in range(8)]

        assert {STATES[provider][one] for one in seen} == {"waiting", "running", "finished"}
        assert STATES[provider][seen[-1]] == "finished"


@pytest.mark.parametrize("pace", ["20", 20, 0.5, "real"])
def test_under_virtual_time_a_factor_means_nothing(world: Server, pace: Any) -> None:
    with world.sandbox("mine", pace=pace) as mock:
        task = order(mock, "kie")
        mock.clock.advance(119)
        before = state(mock, "kie", task)
        mock.clock.advance(1)

        assert (before, state(mock, "kie", task)) == ("FIRST_SUCCESS", "SUCCESS")


# --- real time ----------------------------------------------------------------------------------------------


def test_real_time_is_not_to_be_moved_and_says_so(world: Server) -> None:
    with world.sandbox("mine", clock="real") as mock:
        for move in (
            lambda: mock.clock.advance(1),
            mock.clock.finish_all,
            lambda: mock.clock.set("2030-01-01T00:00:00Z"),
            lambda: asyncio.run(mock.clock.sleep(1)),
        ):
            with pytest.raises(UsageError, match=r"^clock\.\w+: The clock is real and cannot be moved"):
                move()

        assert mock.clock.mode == "real"
        assert abs(mock.clock.epoch - time.time()) < 60


def test_what_is_said_of_real_time_is_in_the_words_of_the_handle(world: Server) -> None:
    with (
        world.sandbox("mine", clock="real") as mock,
        pytest.raises(UsageError) as caught,
    ):
        mock.clock.advance(1)

    assert 'clock="virtual"' in str(caught.value)
    assert "--" not in str(caught.value)


def test_under_real_time_a_factor_makes_tasks_faster(world: Server) -> None:
    with world.sandbox("mine", clock="real", pace=1000) as mock:
        task = order(mock, "kie", mock.callbacks.url)

        mock.callbacks.wait(3)

        assert state(mock, "kie", task) == "SUCCESS"
        assert [one["data"]["callbackType"] for one in mock.callbacks] == ["text", "first", "complete"]


def test_under_real_time_a_task_of_the_usual_pace_is_still_under_way(world: Server) -> None:
    with world.sandbox("mine", clock="real", pace="real") as mock:
        assert state(mock, "kie", order(mock, "kie")) == "PENDING"


def test_under_real_time_a_task_may_be_finished_by_hand(world: Server) -> None:
    with world.sandbox("mine", clock="real", pace="real") as mock:
        task = mock.kie.task(order(mock, "kie"))

        task.finish()

        assert state(mock, "kie", task.id) == "SUCCESS"


def test_at_once_under_real_time_too(world: Server) -> None:
    with world.sandbox("mine", clock="real", pace="instant") as mock:
        task = order(mock, "crun", mock.callbacks.url)

        assert state(mock, "crun", task) == "success"
        assert mock.callbacks.wait(1)[0]["data"]["task_id"] == task
