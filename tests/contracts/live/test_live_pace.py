"""How fast a provider is called, and what is done where it asks for patience or does not answer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from contracts.live import Silent
from contracts.live.pace import Pace
from contracts.target import Call, Reply, Unanswered
from tests.contracts.live.standin import RUN, Bend, packaged, small, standing


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_between_two_calls_there_is_a_gap() -> None:
    clock = Clock()
    pace = Pace({"gap": 2}, lambda: clock.now, clock.sleep)

    pace.before("GET")
    pace.before("POST")
    clock.now += 1.5
    pace.before("GET")
    clock.now += 2
    pace.before("GET")

    assert clock.slept == [2, 0.5]


def test_in_a_window_there_are_so_many_submissions() -> None:
    clock = Clock()
    pace = Pace({"submissions": {"count": 2, "seconds": 10}}, lambda: clock.now, clock.sleep)
    times = []

    for method in ("POST", "GET", "POST", "GET", "POST", "PUT", "DELETE"):
        pace.before(method)
        if method != "GET":
            times.append(clock.now)

    assert times == [100, 100, 110.5, 110.5, 121]


def test_a_run_keeps_gap_and_window(tmp_path: Path) -> None:
    with standing() as provided:
        provided.run(small(tmp_path))

        gaps = [later - earlier for earlier, later in pairwise(provided.sent_at)]
        posts = [
            at for at, call in zip(provided.sent_at, provided.calls, strict=True) if call.method == "POST"
        ]
        assert min(gaps) >= 1
        assert len(posts) == RUN + 1
        assert all(posts[index + 3] - posts[index] > 10 for index in range(len(posts) - 3))


def test_on_this_machine_there_is_no_gap_and_the_window_is_kept(tmp_path: Path) -> None:
    with standing() as provided:
        outcome = provided.run(small(tmp_path), is_near=True)

        posts = [
            at for at, call in zip(provided.sent_at, provided.calls, strict=True) if call.method == "POST"
        ]
        assert outcome.told == []
        assert provided.sent_at[:3] == [0, 0, 0]
        assert all(posts[index + 3] - posts[index] > 10 for index in range(len(posts) - 3))


def once(*replies: Reply | str, target: str, method: str) -> Bend:
    """Each of these first, in place of an answer; then the answer."""
    left = list(replies)

    def bend(call: Call, answer: Callable[[Call], Reply]) -> Reply:
        if target not in call.target or call.method != method or not left:
            return answer(call)
        found = left.pop(0)
        if isinstance(found, str):
            raise Unanswered(found)
        return found

    return bend


SENT = "Wed, 21 Oct 2026 07:28:00 GMT"
LIMITED = b'{"code": 429, "msg": "Request limit exceeded", "data": null}'


@pytest.mark.parametrize(
    ("reply", "waits"),
    [
        (Reply(429, [("retry-after", "7")], LIMITED), 7),
        (Reply(200, [("retry-after", "7")], LIMITED), 7),
        (Reply(429, [], LIMITED), 10),
        (Reply(429, [("retry-after", "120")], LIMITED), 120),
        (Reply(429, [("retry-after", "Wed, 21 Oct 2026 07:28:33 GMT"), ("date", SENT)], LIMITED), 33),
        (Reply(429, [("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT"), ("date", SENT)], LIMITED), 0),
        (Reply(429, [("retry-after", "Wed, 21 Oct 2026 07:28:33 GMT")], LIMITED), 10),
        (Reply(429, [("retry-after", "soon")], LIMITED), 10),
    ],
)
@pytest.mark.parametrize(("target", "method"), [("chat/credit", "GET"), ("generate-persona", "POST")])
def test_too_many_calls_at_once_are_made_again_when_told(
    tmp_path: Path, reply: Reply, waits: float, target: str, method: str
) -> None:
    with standing() as provided:
        provided.bend = once(reply, target=target, method=method)

        outcome = provided.run(small(tmp_path))

        assert outcome.told == []
        assert waits in provided.slept
        assert "made again, 1 call: too many calls at once" in outcome.checked.notes


def test_who_asks_for_an_hour_is_left_alone(tmp_path: Path) -> None:
    with standing() as provided:
        provided.bend = once(
            Reply(429, [("retry-after", "3600")], LIMITED), target="chat/credit", method="GET"
        )

        outcome = provided.run(small(tmp_path))

        assert outcome.told == [("error", "unfinished-run", "")]
        assert "kie asks to be left alone for 3600 s" in outcome.checked.findings[0].message
        assert len(provided.calls) == 1


@pytest.mark.parametrize(
    ("reply", "why", "calls"),
    [
        (Reply(429, [], LIMITED), "kie takes no more calls for now", 15),
        (Reply(500, [], b"<html>"), "kie answers every call with HTTP 500", 5),
    ],
)
def test_who_answers_nothing_else_is_given_up(reply: Reply, why: str, calls: int) -> None:
    with standing() as provided:
        provided.bend = lambda call, answer: reply

        outcome = provided.run(packaged("kie"), budget=0)

        assert any(note.startswith(why) for note in outcome.checked.notes)
        assert len(provided.calls) == calls


@pytest.mark.parametrize(
    "reply", [Reply(502, [], b""), Reply(503, [], b""), Reply(504, [], b""), "connection reset"]
)
def test_looking_is_done_again_where_the_network_fails(tmp_path: Path, reply: Reply | str) -> None:
    with standing() as provided:
        provided.bend = once(reply, reply, target="chat/credit", method="GET")

        outcome = provided.run(small(tmp_path))

        assert outcome.told == []
        assert [note for note in outcome.checked.notes if note.startswith("made again, 2 calls: ")]


@pytest.mark.parametrize("reply", [Reply(502, [], b""), Reply(504, [], b""), "connection reset"])
def test_what_may_have_cost_something_is_never_done_again(tmp_path: Path, reply: Reply | str) -> None:
    with standing() as provided:
        provided.bend = once(reply, target="/generate", method="POST")

        outcome = provided.run(small(tmp_path))

        assert {one[2] for one in outcome.told} == {"name-is-required"}
        assert not [note for note in outcome.checked.notes if note.startswith("made again")]
        assert sum(call.method == "POST" for call in provided.calls) == 8


def falls_silent(after: int) -> Bend:
    """A provider that is gone after so many calls."""
    count = 0

    def bend(call: Call, answer: Callable[[Call], Reply]) -> Reply:
        nonlocal count
        count += 1
        if count > after:
            raise Unanswered("connection refused")
        return answer(call)

    return bend


def test_three_cases_without_an_answer_end_the_run(tmp_path: Path) -> None:
    with standing() as provided:
        provided.bend = falls_silent(1)

        outcome = provided.run(small(tmp_path))

        silent = [one[2] for one in outcome.told if one[1] == "unanswered"]
        assert silent == ["finished-song-is-shown", "key-is-required", "name-is-required"]
        note = next(one for one in outcome.checked.notes if "does not answer any more" in one)
        assert note.startswith("kie does not answer any more: 3 cases of the plan not run")
        # A look is made three times, what may cost is made once.
        assert len(provided.calls) == 1 + 1 + 3 + 1


def test_a_case_that_is_passed_over_is_no_sign_of_life(tmp_path: Path) -> None:
    again = """  {name}:
    fact: Once more.
    page: page
    where: [mock, live]
    request: {{operation: {call}, key: own}}
    expect: {{status: 200, outcome: {outcome}}}
"""
    lost = again.format(name="persona-of-nothing", call="generatePersona", outcome="invalid")
    seen = again.format(name="balance-is-shown", call="getCredits", outcome="success")
    cases = small(
        tmp_path,
        ("  name-is-required:\n", f"{lost}  name-is-required:\n"),
        ("  finished-song-is-shown:\n", f"{seen}  finished-song-is-shown:\n"),
    )
    with standing() as provided:
        provided.bend = falls_silent(1)

        # The call that was lost may have cost all there is, so the one after it is not made.
        outcome = provided.run(cases, budget=1)

        silent = [one[2] for one in outcome.told if one[1] == "unanswered"]
        assert silent == ["balance-is-shown", "key-is-required", "persona-of-nothing"]
        assert any("does not answer any more" in note for note in outcome.checked.notes)


@pytest.mark.parametrize("cases", [7, 1])
def test_where_nobody_is_there_at_all_nothing_is_reported(tmp_path: Path, cases: int) -> None:
    file = small(tmp_path)
    with standing() as provided:
        provided.bend = falls_silent(0)
        few = type(file)(file.provider, file.source, file.live, file.cases[:cases])

        with pytest.raises(Silent):
            provided.run(few)

        assert len(provided.calls) <= 9
