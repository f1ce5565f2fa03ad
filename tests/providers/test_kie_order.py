"""kie: of two broken rules the first one answers, and a refused call leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import Client, MakeClient
from tests.providers.envelope import DAY, NO_SONG, Answer
from tests.providers.kie_calls import CUSTOM, NO_TASK, Kie, persona_of, task_of
from tests.providers.plain import Body
from tests.web.calls import OUTCOMES, in_sandbox, send

MALFORMED = b'{"taskId": '


@dataclass(frozen=True)
class World:
    """Sources of every state, each named; a source is a task and a track."""

    client: Client
    sources: dict[str, tuple[str, str]]

    def persona(self, key: str | None, task: str, track: str, changes: Body) -> Answer:
        """A persona call by key, with the task of one source and the track of another."""
        kie = Kie(self.client, key)
        return kie.persona(self.sources[task][0], self.sources[track][1], **changes)


@pytest.fixture(scope="module")
def world(shared: Any) -> World:
    """Made once: what reads it is refused, and so changes nothing."""
    client = in_sandbox(shared, "kie order")
    return World(client, dict(sources(Kie(client, "owner"))))


def sources(kie: Kie) -> Iterator[tuple[str, tuple[str, str]]]:
    """One source after another; the clock moves as they are made."""
    old = [kie.finished(), kie.finished(model="V3_5"), kie.finished()]
    kie.made_persona(old[2])
    kie.advance(15 * DAY)
    for name, song in zip(("expired", "expired too old", "expired duplicate"), old, strict=True):
        yield name, song.source
    yield "failed", (kie.failed(), NO_SONG)
    yield "failed too old", (kie.failed(model="V3_5"), NO_SONG)
    yield "too old", kie.finished(model="V3_5").source
    duplicate = kie.finished()
    kie.made_persona(duplicate)
    yield "duplicate", duplicate.source
    yield "good", kie.finished().source
    yield "unfinished", (kie.started(), NO_SONG)
    yield "unfinished too old", (kie.started(model="V3_5"), NO_SONG)
    yield "unknown", (NO_TASK, NO_SONG)


@pytest.mark.parametrize(
    ("key", "task", "track", "changes", "outcome"),
    [
        # credentials, then the body
        (None, "unknown", "unknown", {}, "unauthorized"),
        (None, "good", "good", {"name": ""}, "unauthorized"),
        (None, "good", "good", {"vocalEnd": 5}, "unauthorized"),
        # the body, then credits
        ("mock-poor", "good", "good", {"name": ""}, "invalid"),
        ("mock-poor", "unknown", "unknown", {"description": None}, "invalid"),
        ("mock-poor", "good", "good", {"vocalEnd": 5}, "vocal-window"),
        ("mock-poor", "unknown", "unknown", {"vocalStart": 25}, "vocal-window"),
        # the body, then the source
        ("owner", "unknown", "unknown", {"name": " "}, "invalid"),
        ("owner", "duplicate", "duplicate", {"style": 5}, "invalid"),
        ("owner", "unknown", "unknown", {"vocalEnd": 31}, "vocal-window"),
        ("owner", "unfinished", "unknown", {"vocalEnd": 31}, "vocal-window"),
        ("owner", "duplicate", "duplicate", {"vocalStart": 21}, "vocal-window"),
        ("owner", "expired", "expired", {"vocalEnd": 9}, "vocal-window"),
        ("stranger", "good", "good", {"vocalEnd": 9}, "vocal-window"),
        # credits, then the source
        ("mock-poor", "unknown", "unknown", {}, "insufficient-credits"),
        ("mock-poor", "good", "good", {}, "insufficient-credits"),
        ("mock-poor", "unfinished", "unknown", {}, "insufficient-credits"),
        ("mock-poor", "duplicate", "duplicate", {}, "insufficient-credits"),
        # the source: owned, not failed, finished, with that track, without a persona, there, new enough
        ("stranger", "failed", "unknown", {}, "source-not-owned"),
        ("stranger", "unfinished", "unknown", {}, "source-not-owned"),
        ("stranger", "good", "unknown", {}, "source-not-owned"),
        ("stranger", "duplicate", "duplicate", {}, "source-not-owned"),
        ("stranger", "expired", "expired", {}, "source-not-owned"),
        ("stranger", "too old", "too old", {}, "source-not-owned"),
        ("owner", "unknown", "good", {}, "source-not-found"),
        ("owner", "unknown", "duplicate", {}, "source-not-found"),
        ("owner", "failed", "unknown", {}, "source-failed"),
        ("owner", "failed", "duplicate", {}, "source-failed"),
        ("owner", "failed too old", "unknown", {}, "source-failed"),
        ("owner", "unfinished", "unknown", {}, "source-unfinished"),
        ("owner", "unfinished", "duplicate", {}, "source-unfinished"),
        ("owner", "unfinished too old", "unknown", {}, "source-unfinished"),
        ("owner", "good", "duplicate", {}, "source-not-found"),
        ("owner", "expired", "unknown", {}, "source-not-found"),
        ("owner", "too old", "unknown", {}, "source-not-found"),
        ("owner", "expired too old", "good", {}, "source-not-found"),
        ("owner", "expired duplicate", "expired duplicate", {}, "duplicate"),
        ("owner", "expired too old", "expired too old", {}, "source-expired"),
        # each of them alone
        ("owner", "expired", "expired", {}, "source-expired"),
        ("owner", "too old", "too old", {}, "source-model-unsupported"),
        ("owner", "duplicate", "duplicate", {}, "duplicate"),
        ("stranger", "good", "good", {}, "source-not-owned"),
    ],
)
def test_the_first_broken_rule_of_a_persona_call_answers(
    world: World, key: str | None, task: str, track: str, changes: Body, outcome: str
) -> None:
    answer = world.persona(key, task, track, changes)

    assert (answer.status, answer.outcome, answer.data) == (200, outcome, None)


def test_an_account_that_has_run_down_is_poor_before_its_source_is_looked_at(kie: Kie) -> None:
    song = kie.finished()
    kie.made_persona(song)
    unfinished = kie.started()
    kie.set_credits(0)

    for task, track in (song.source, (unfinished, NO_SONG), (NO_TASK, NO_SONG)):
        assert kie.persona(task, track).outcome == "insufficient-credits"


@pytest.mark.parametrize(
    ("key", "changes", "outcome"),
    [
        (None, {"model": "V0"}, "unauthorized"),
        (None, {"personaId": "nobody"}, "unauthorized"),
        ("mock-poor", {"model": "V0"}, "invalid"),
        ("mock-poor", {"title": "t" * 101}, "invalid"),
        ("mock-poor", {"personaId": "nobody"}, "insufficient-credits"),
        ("owner", {"personaId": "nobody", "title": "t" * 101}, "invalid"),
        ("owner", {"personaId": "nobody"}, "persona-not-found"),
    ],
)
def test_the_first_broken_rule_of_a_song_answers(
    world: World, key: str | None, changes: Body, outcome: str
) -> None:
    kie = Kie(world.client, key)

    for answer in (kie.generate(**changes), kie.cover(**changes), kie.upload_extend(**changes)):
        assert (answer.status, answer.outcome, answer.data) == (200, outcome, None)


@pytest.mark.parametrize(
    ("key", "source", "changes", "outcome"),
    [
        (None, "unknown", {}, "unauthorized"),
        (None, "good", {"continueAt": 0}, "unauthorized"),
        ("mock-poor", "unknown", {"continueAt": 0}, "invalid"),
        ("mock-poor", "unknown", {}, "insufficient-credits"),
        ("mock-poor", "good", {"personaId": "nobody"}, "insufficient-credits"),
        ("owner", "unknown", {"title": 5}, "invalid"),
        ("owner", "unknown", {"personaId": "nobody"}, "source-not-found"),
        ("owner", "unknown", {"model": "V5"}, "source-not-found"),
        ("stranger", "good", {"personaId": "nobody"}, "source-not-owned"),
        ("stranger", "good", {"model": "V5"}, "source-not-owned"),
        ("stranger", "good", {"continueAt": 10**6}, "source-not-owned"),
        ("owner", "good", {"personaId": "nobody"}, "persona-not-found"),
    ],
)
def test_the_first_broken_rule_of_a_continuation_answers(
    world: World, key: str | None, source: str, changes: Body, outcome: str
) -> None:
    answer = Kie(world.client, key).extend(world.sources[source][1], **changes)

    assert (answer.status, answer.outcome, answer.data) == (200, outcome, None)


@pytest.mark.parametrize(
    ("key", "outcome"), [(None, "unauthorized"), ("mock-poor", "invalid"), ("owner", "invalid")]
)
@pytest.mark.parametrize("path", ["", "/extend", "/upload-cover", "/upload-extend", "/generate-persona"])
def test_a_malformed_body_comes_after_the_key_and_before_credits(
    world: World, path: str, key: str | None, outcome: str
) -> None:
    answer = Kie(world.client, key).send("POST", f"/api/v1/generate{path}", content=MALFORMED)

    assert (answer.status, answer.outcome, answer.data) == (200, outcome, None)


# --- nothing is left behind --------------------------------------------------------------------------------


def refusals(kie: Kie, song: Any) -> Iterator[Answer]:
    """Calls of every sort that are refused, with a finished song at hand."""
    task, track = song.source
    stranger = Kie(kie.client, "stranger")
    yield Kie(kie.client, None).generate()
    yield kie.send("POST", "/api/v1/generate", content=MALFORMED)
    yield kie.generate(without=("callBackUrl",))
    yield kie.generate(title="t" * 81)
    yield kie.generate(personaId="nobody")
    yield kie.extend("nothing")
    yield kie.extend(track, model="V5")
    yield kie.extend(track, continueAt=10**6)
    yield kie.cover(uploadUrl="?")
    yield kie.upload_extend(continueAt=0)
    yield stranger.extend(track)
    yield stranger.persona(task, track)
    yield kie.persona(task, track, name="")
    yield kie.persona(task, track, vocalEnd=5)
    yield kie.persona(task, NO_SONG)
    yield kie.persona(NO_TASK, track)
    yield Kie(kie.client, "mock-poor").generate()
    yield Kie(kie.client, "mock-poor").persona(task, track)
    yield kie.persona(task, track, prefer="code=409")
    yield kie.generate(prefer="outcome=maintenance")


def test_refused_calls_leave_nothing_behind(client: Client, make_client: MakeClient) -> None:
    kie, twin = Kie(client), Kie(make_client())
    song = kie.finished()
    assert song == twin.finished()
    tasks = kie.tasks()

    for answer in refusals(kie, song):
        assert not answer.accepted, answer.body

    assert kie.credits() == 988
    assert kie.tasks() == tasks
    assert persona_of(kie.persona(*song.source)) == persona_of(twin.persona(*song.source))
    assert kie.finished() == twin.finished()


OPERATIONS = [operation for provider, operation in OUTCOMES if provider == "kie"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_outcome_that_was_asked_for_changes_nothing(make_client: MakeClient, operation: str) -> None:
    kie, twin = Kie(make_client()), Kie(make_client())
    wished = [name for name in OUTCOMES["kie", operation] if name not in ("success", "task-failed")]

    for outcome in wished:
        answer = send(kie.client, "kie", operation, prefer=f"outcome={outcome}")
        assert answer.headers["x-mock-outcome"] == outcome

    assert kie.credits() == 1000
    assert kie.tasks() == []
    song = kie.finished()
    assert song == twin.finished()
    assert kie.made_persona(song) == twin.made_persona(song)


def test_a_song_stays_a_source_after_a_duplicate_that_was_asked_for(client: Client) -> None:
    kie = Kie(client)
    song = kie.finished()

    asked = kie.persona(*song.source, prefer="code=409")

    assert asked.body == {"code": 409, "msg": "Persona already exists for this music", "data": None}
    assert kie.persona(*song.source).accepted
    assert kie.persona(*song.source).outcome == "duplicate"


def test_a_success_that_was_asked_for_needs_no_credits(client: Client) -> None:
    kie = Kie(client, "mock-poor")

    answer = kie.generate(prefer="outcome=success")
    kie.advance(120)

    assert answer.outcome == "success"
    assert kie.status(task_of(answer)) == "SUCCESS"
    assert kie.credits() == 0


def test_a_persona_that_was_asked_for_needs_no_credits_but_lasts(kie: Kie) -> None:
    song = kie.finished()
    kie.set_credits(0)

    persona = persona_of(kie.persona(*song.source, prefer="outcome=success"))

    assert kie.credits() == 0
    kie.set_credits(100)
    assert kie.persona(*song.source).outcome == "duplicate"
    task_of(kie.generate(personaId=persona))


def test_a_success_that_cannot_be_is_the_documents_own(client: Client, make_client: MakeClient) -> None:
    kie, twin = Kie(client), Kie(make_client())

    answer = kie.persona(NO_TASK, NO_SONG, prefer="outcome=success")

    assert answer.verdict == (
        200,
        "success",
        {
            "code": 200,
            "msg": "success",
            "data": {
                "personaId": "a1b2****c3d4",
                "name": "Electronic Pop Singer",
                "description": "A modern electronic music style pop singer, skilled in dynamic rhythms and "
                "synthesizer tones",
            },
        },
    )
    assert kie.credits() == 1000
    assert kie.generate(personaId="a1b2****c3d4").outcome == "persona-not-found"
    song = kie.finished()
    assert song == twin.finished()
    assert kie.made_persona(song) == twin.made_persona(song)


@pytest.mark.parametrize("outcome", ["duplicate", "source-expired", "maintenance", "access-denied"])
def test_a_magic_key_meets_its_outcome_with_a_persona(make_client: MakeClient, outcome: str) -> None:
    client = make_client()
    song = Kie(client).finished()

    answer = Kie(client, f"mock-{outcome}").persona(*song.source)

    assert answer.outcome == outcome
    assert Kie(client).persona(*song.source).accepted


def test_the_key_of_a_persona_outcome_may_make_songs(make_client: MakeClient) -> None:
    kie = Kie(make_client(), "mock-duplicate")

    song = kie.finished(body=CUSTOM)

    assert kie.persona(*song.source).outcome == "duplicate"


def test_a_queued_outcome_is_met_once_and_leaves_the_song_usable(kie: Kie) -> None:
    song = kie.finished()
    kie.control("POST", "/outcomes", {"provider": "kie", "outcome": "source-expired"})

    answers = [kie.persona(*song.source) for _ in range(2)]

    assert [answer.outcome for answer in answers] == ["source-expired", "success"]
