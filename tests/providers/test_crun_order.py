"""crun: of two broken rules the first one answers, and a refused call leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import Client, MakeClient
from tests.providers.crun_calls import CUSTOM, NO_TASK, Crun, persona_of, task_of
from tests.providers.envelope import NO_SONG, Answer
from tests.providers.plain import Body
from tests.web.calls import OUTCOMES, in_sandbox, send

MALFORMED = b'{"task_id": '
BACKWARDS = {"vocal_start": 30, "vocal_end": 10}


@dataclass(frozen=True)
class World:
    """Sources of every state, each named; a source is a task and a song."""

    client: Client
    sources: dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def world(shared: Any) -> World:
    """Made once: what reads it is refused, and so changes nothing."""
    client = in_sandbox(shared, "crun order")
    return World(client, dict(sources(Crun(client, "owner"))))


def sources(crun: Crun) -> Iterator[tuple[str, tuple[str, str]]]:
    """One source after another; the clock moves as they are made."""
    yield "failed", (crun.failed(), NO_SONG)
    duplicate = crun.finished()
    crun.made_persona(duplicate)
    yield "duplicate", duplicate.source
    yield "good", crun.finished().source
    yield "unfinished", (crun.started(), NO_SONG)
    yield "unknown", (NO_TASK, NO_SONG)


@pytest.mark.parametrize(
    ("key", "task", "song", "changes", "outcome"),
    [
        (None, "unknown", "unknown", {}, "unauthorized"),
        (None, "good", "good", {"name": ""}, "unauthorized"),
        (None, "good", "good", BACKWARDS, "unauthorized"),
        ("mock-poor", "good", "good", {"name": ""}, "invalid"),
        ("mock-poor", "unknown", "unknown", {"description": None}, "invalid"),
        ("mock-poor", "good", "good", BACKWARDS, "vocal-window"),
        ("mock-poor", "unknown", "unknown", BACKWARDS, "vocal-window"),
        ("owner", "unknown", "unknown", {"name": " "}, "invalid"),
        ("owner", "duplicate", "duplicate", {"style": 5}, "invalid"),
        ("owner", "unknown", "unknown", BACKWARDS, "vocal-window"),
        ("owner", "unfinished", "unknown", BACKWARDS, "vocal-window"),
        ("owner", "duplicate", "duplicate", BACKWARDS, "vocal-window"),
        ("stranger", "good", "good", BACKWARDS, "vocal-window"),
        ("mock-poor", "unknown", "unknown", {}, "insufficient-credits"),
        ("mock-poor", "good", "good", {}, "insufficient-credits"),
        ("mock-poor", "unfinished", "unknown", {}, "insufficient-credits"),
        ("stranger", "failed", "unknown", {}, "source-not-owned"),
        ("stranger", "unfinished", "unknown", {}, "source-not-owned"),
        ("stranger", "good", "unknown", {}, "source-not-owned"),
        ("stranger", "duplicate", "duplicate", {}, "source-not-owned"),
        ("owner", "unknown", "duplicate", {}, "source-not-found"),
        ("owner", "failed", "unknown", {}, "source-failed"),
        ("owner", "failed", "duplicate", {}, "source-failed"),
        ("owner", "unfinished", "unknown", {}, "source-unfinished"),
        ("owner", "unfinished", "duplicate", {}, "source-unfinished"),
        ("owner", "good", "duplicate", {}, "source-not-found"),
        ("owner", "duplicate", "duplicate", {}, "duplicate"),
        ("stranger", "good", "good", {}, "source-not-owned"),
    ],
)
def test_the_first_broken_rule_of_a_persona_call_answers(
    world: World, key: str | None, task: str, song: str, changes: Body, outcome: str
) -> None:
    crun = Crun(world.client, key)

    answer = crun.persona(world.sources[task][0], world.sources[song][1], **changes)

    assert (answer.status, answer.outcome, answer.data) == (200, outcome, None)


@pytest.mark.parametrize(
    ("key", "task", "song", "changes", "outcome"),
    [
        (None, "unknown", "unknown", {}, "unauthorized"),
        (None, "good", "good", {"mode": "expert"}, "unauthorized"),
        ("mock-poor", "unknown", "unknown", {"continue_at": -1}, "invalid"),
        ("mock-poor", "unknown", "unknown", {}, "insufficient-credits"),
        ("mock-poor", "good", "good", {"persona_id": "nobody"}, "insufficient-credits"),
        ("owner", "unknown", "unknown", {"title": "t" * 101}, "invalid"),
        ("owner", "unknown", "unknown", {"persona_id": "nobody"}, "source-not-found"),
        ("owner", "good", "unknown", {"persona_id": "nobody"}, "source-not-found"),
        ("owner", "unfinished", "unknown", {"persona_id": "nobody"}, "source-unfinished"),
        ("owner", "failed", "unknown", {"persona_id": "nobody"}, "source-failed"),
        ("stranger", "good", "good", {"persona_id": "nobody"}, "source-not-owned"),
        ("stranger", "unfinished", "unknown", {}, "source-not-owned"),
        ("stranger", "failed", "unknown", {}, "source-not-owned"),
        ("owner", "failed", "good", {}, "source-failed"),
        ("owner", "unfinished", "good", {}, "source-unfinished"),
        ("owner", "good", "good", {"persona_id": "nobody"}, "persona-not-found"),
    ],
)
def test_the_first_broken_rule_of_a_continuation_answers(
    world: World, key: str | None, task: str, song: str, changes: Body, outcome: str
) -> None:
    crun = Crun(world.client, key)

    answer = crun.extend(world.sources[task][0], world.sources[song][1], **changes)

    assert (answer.status, answer.outcome, answer.data) == (200, outcome, None)


@pytest.mark.parametrize(
    ("key", "changes", "outcome"),
    [
        (None, {"persona_id": "nobody"}, "unauthorized"),
        (None, {"mode": "expert"}, "unauthorized"),
        ("mock-poor", {"mode": "expert"}, "invalid"),
        ("mock-poor", {"persona_id": "nobody"}, "insufficient-credits"),
        ("owner", {"persona_id": "nobody", "title": 5}, "invalid"),
        ("owner", {"persona_id": "nobody"}, "persona-not-found"),
    ],
)
def test_the_first_broken_rule_of_a_song_answers(
    world: World, key: str | None, changes: Body, outcome: str
) -> None:
    crun = Crun(world.client, key)

    for answer in (crun.generate(**changes), crun.cover(**changes), crun.upload_extend(**changes)):
        assert (answer.status, answer.outcome, answer.data) == (200, outcome, None)


@pytest.mark.parametrize(
    ("key", "outcome"), [(None, "unauthorized"), ("mock-poor", "invalid"), ("owner", "invalid")]
)
@pytest.mark.parametrize("path", ["CreateTask", "suno-persona-generate", "EstimateTask", "estimate-credits"])
def test_a_malformed_body_comes_after_the_key_and_before_credits(
    world: World, path: str, key: str | None, outcome: str
) -> None:
    answer = Crun(world.client, key).send("POST", f"/api/v1/client/job/{path}", content=MALFORMED)

    assert (answer.status, answer.outcome, answer.data) == (200, outcome, None)


# --- nothing is left behind --------------------------------------------------------------------------------


def refusals(crun: Crun, song: Any) -> Iterator[Answer]:
    """Calls of every sort that are refused, with a finished song at hand."""
    task, track = song.source
    stranger, poor = Crun(crun.client, "stranger"), Crun(crun.client, "mock-poor")
    yield Crun(crun.client, None).generate()
    yield crun.send("POST", "/api/v1/client/job/CreateTask", content=MALFORMED)
    yield crun.generate(without=("title",))
    yield crun.generate(title="t" * 101)
    yield crun.generate(persona_id="nobody")
    yield crun.create("suno/nothing", CUSTOM)
    yield crun.extend(NO_TASK, track)
    yield crun.extend(task, NO_SONG)
    yield crun.cover(audio_url="?")
    yield crun.upload_extend(continue_at=-1)
    yield stranger.extend(task, track)
    yield stranger.persona(task, track)
    yield crun.persona(task, track, name="")
    yield crun.persona(task, track, **BACKWARDS)
    yield crun.persona(task, NO_SONG)
    yield crun.persona(NO_TASK, track)
    yield poor.generate()
    yield poor.persona(task, track)
    yield crun.persona(task, track, prefer="outcome=duplicate")
    yield crun.generate(prefer="code=455")


def test_refused_calls_leave_nothing_behind(client: Client, make_client: MakeClient) -> None:
    crun, twin = Crun(client), Crun(make_client())
    song = crun.finished()
    assert song == twin.finished()
    tasks = crun.tasks()

    for answer in refusals(crun, song):
        assert not answer.accepted, answer.body

    assert crun.credits() == 988
    assert crun.tasks() == tasks
    assert persona_of(crun.persona(*song.source)) == persona_of(twin.persona(*song.source))
    assert crun.finished() == twin.finished()


OPERATIONS = [operation for provider, operation in OUTCOMES if provider == "crun"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_outcome_that_was_asked_for_changes_nothing(make_client: MakeClient, operation: str) -> None:
    crun, twin = Crun(make_client()), Crun(make_client())
    wished = [name for name in OUTCOMES["crun", operation] if name not in ("success", "task-failed")]

    for outcome in wished:
        answer = send(crun.client, "crun", operation, prefer=f"outcome={outcome}")
        assert answer.headers["x-mock-outcome"] == outcome

    assert crun.credits() == 1000
    assert crun.tasks() == []
    song = crun.finished()
    assert song == twin.finished()
    assert crun.made_persona(song) == twin.made_persona(song)


def test_a_success_that_was_asked_for_needs_no_credits(client: Client) -> None:
    crun = Crun(client, "mock-poor")

    answer = crun.generate(prefer="outcome=success")
    crun.advance(86)

    assert answer.outcome == "success"
    assert crun.status(task_of(answer)) == "success"
    assert crun.credits() == 0


def test_a_success_that_cannot_be_is_the_documents_own(client: Client, make_client: MakeClient) -> None:
    crun, twin = Crun(client), Crun(make_client())

    answer = crun.persona(NO_TASK, NO_SONG, prefer="outcome=success")

    assert answer.verdict == (
        200,
        "success",
        {"code": 200, "message": "success", "data": {"persona_id": "persona_123456"}},
    )
    assert crun.generate(persona_id="persona_123456").outcome == "persona-not-found"
    song = crun.finished()
    assert song == twin.finished()
    assert crun.made_persona(song) == twin.made_persona(song)


def test_a_queued_outcome_is_met_once_and_leaves_the_song_usable(crun: Crun) -> None:
    song = crun.finished()
    crun.control("POST", "/outcomes", {"provider": "crun", "outcome": "duplicate"})

    answers = [crun.persona(*song.source) for _ in range(2)]

    assert [answer.outcome for answer in answers] == ["duplicate", "success"]
