"""crun: what a persona may be made from, what its call must look like, and where it serves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Client
from tests.providers.crun_calls import NO_TASK, PERSONA, SIMPLE, Crun, persona_of, refused, task_of
from tests.providers.envelope import NO_SONG, UPLOAD, Answer

NO_SUCH_TASK = (422, "task_id not found")
NO_SUCH_SONG = (422, "suno_id not found")
WINDOW = refused("vocal-window", 422, "vocal_end must be greater than vocal_start")
UNFIT = (
    "task_id must be a task of suno/music-generate, suno/music-extend, suno/music-extend-upload or "
    "suno/music-cover"
)


def is_invalid(answer: Answer, message: str) -> bool:
    """Is this a body 422 of just that message? Some refusals list their reasons besides."""
    assert (answer.status, answer.outcome, answer.code, answer.data) == (200, "invalid", 422, None), (
        answer.body
    )
    assert message in answer.body.get("errors", [message])
    return bool(answer.body["message"] == message)


# --- the call itself ---------------------------------------------------------------------------------------


def test_the_fields_of_the_page_are_taken(client: Client) -> None:
    crun = Crun(client)
    task, song = crun.finished().source

    answer = crun.send(
        "POST",
        "/api/v1/client/job/suno-persona-generate",
        json={
            "task_id": task,
            "suno_id": song,
            "name": "Neon Siren",
            "description": "A smoky, late-night R&B vocalist with airy highs and a warm, intimate tone.",
            "vocal_start": 12.5,
            "vocal_end": 64,
            "style": "Western R&B, moody, intimate",
        },
    )

    persona_of(answer)
    assert (answer.outcome, answer.violation) == ("success", None)


def test_four_fields_are_enough(crun: Crun) -> None:
    answer = crun.persona(*crun.finished().source)

    assert answer.verdict == (
        200,
        "success",
        {"code": 200, "message": "success", "data": {"persona_id": persona_of(answer)}},
    )


@pytest.mark.parametrize("field", ["task_id", "suno_id", "name", "description"])
def test_a_missing_field_is_named(crun: Crun, field: str) -> None:
    answer = crun.persona(*crun.finished().source, without=(field,))

    assert is_invalid(answer, f"{field} is required")
    assert answer.violation == f"/body/{field}: required"


@pytest.mark.parametrize("field", ["name", "description"])
@pytest.mark.parametrize("blank", ["", "  ", "\n\t"])
def test_a_blank_text_is_a_missing_one(crun: Crun, field: str, blank: str) -> None:
    assert is_invalid(crun.persona(*crun.finished().source, **{field: blank}), f"{field} is required")


@pytest.mark.parametrize(("field", "limit"), [("name", 100), ("description", 1000), ("style", 1000)])
def test_a_text_has_a_limit(crun: Crun, field: str, limit: int) -> None:
    song = crun.finished()

    over = crun.persona(*song.source, **{field: "ü" * (limit + 1)})
    fits = crun.persona(*song.source, **{field: "ü" * limit})

    assert (over.status, over.outcome, over.code, over.data) == (200, "invalid", 422, None)
    assert field in over.body["message"]
    assert str(limit) in over.body["message"]
    assert fits.accepted


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task_id", 5),
        ("task_id", None),
        ("suno_id", ["a"]),
        ("name", 5),
        ("name", None),
        ("description", {}),
        ("vocal_start", "12.5"),
        ("vocal_start", None),
        ("vocal_end", True),
        ("vocal_start", -0.01),
        ("vocal_end", -1),
        ("style", 7),
    ],
)
def test_a_wrong_value_is_named(crun: Crun, field: str, value: Any) -> None:
    song = crun.finished()

    answer = crun.persona(*song.source, **{field: value})

    assert (answer.status, answer.outcome, answer.code, answer.data) == (200, "invalid", 422, None)
    assert field in answer.body["message"]
    assert crun.persona(*song.source).accepted


@pytest.mark.parametrize(
    "window",
    [
        {"vocal_start": 12.5, "vocal_end": 64},
        {"vocal_start": 0, "vocal_end": 0.01},
        {"vocal_start": 0, "vocal_end": 3600},
        {"vocal_start": 0, "vocal_end": 30},
        {"vocal_start": 25},
        {"vocal_start": 45},
        {"vocal_start": 0},
        {"vocal_end": 5},
        {"vocal_end": 0},
        {"vocal_end": 300},
    ],
)
def test_a_window_of_any_length_or_one_side_is_taken(crun: Crun, window: dict[str, float]) -> None:
    answer = crun.persona(*crun.finished().source, **window)

    assert answer.accepted, answer.body


@pytest.mark.parametrize(
    "window",
    [
        {"vocal_start": 64, "vocal_end": 12.5},
        {"vocal_start": 30, "vocal_end": 30},
        {"vocal_start": 0, "vocal_end": 0},
        {"vocal_start": 10.01, "vocal_end": 10},
    ],
)
def test_a_window_ends_after_its_start(crun: Crun, window: dict[str, float]) -> None:
    song = crun.finished()

    assert crun.persona(*song.source, **window).verdict == WINDOW
    assert crun.persona(*song.source).accepted


# --- its source --------------------------------------------------------------------------------------------


def test_a_task_that_nobody_made_is_no_source(crun: Crun) -> None:
    answer = crun.persona(NO_TASK, "suno_abc123")

    assert answer.verdict == refused("source-not-found", *NO_SUCH_TASK)


def test_a_song_that_nobody_made_is_no_source(crun: Crun) -> None:
    answer = crun.persona(crun.finished().task, "suno_abc123")

    assert answer.verdict == refused("source-not-found", *NO_SUCH_SONG)


def test_a_song_of_another_task_is_no_source(crun: Crun) -> None:
    one, other = crun.finished(), crun.finished()

    assert crun.persona(one.task, other.tracks[0]).verdict == refused("source-not-found", *NO_SUCH_SONG)
    assert crun.persona(*other.source).accepted


def test_a_foreign_task_reads_like_none_at_all(crun: Crun) -> None:
    owner, stranger = Crun(crun.client, "owner"), Crun(crun.client, "stranger")
    song = owner.finished()

    answer = stranger.persona(*song.source)

    assert answer.verdict == refused("source-not-owned", *NO_SUCH_TASK)
    assert owner.persona(*song.source).accepted


@pytest.mark.parametrize("seconds", [0, 8.5, 8.75, 85.75])
def test_an_unfinished_song_is_no_source(crun: Crun, seconds: float) -> None:
    task = crun.started()
    if seconds:
        crun.advance(seconds)

    answer = crun.persona(task, NO_SONG)

    assert answer.verdict == refused("source-unfinished", 422, "task not completed")


def test_a_failed_song_is_no_source(crun: Crun) -> None:
    task = crun.started(prefer="outcome=task-failed")
    crun.advance(42.75)
    early = crun.persona(task, NO_SONG)

    crun.advance(0.25)

    assert early.verdict == refused("source-unfinished", 422, "task not completed")
    assert crun.persona(task, NO_SONG).verdict == refused("source-failed", 422, "task failed")


def test_a_song_of_each_of_the_four_models_is_a_source(crun: Crun) -> None:
    source = crun.finished()
    tasks = [task_of(answer) for answer in (crun.extend(*source.source), crun.cover(), crun.upload_extend())]
    crun.advance(86)

    answers = [crun.persona(*crun.song(task).source) for task in (source.task, *tasks)]

    assert len({persona_of(answer) for answer in answers}) == 4


@pytest.mark.parametrize("model", ["suno/music-video", "suno/sounds-generate", "suno/vocal-separatio"])
@pytest.mark.parametrize("with_own_song", [True, False])
def test_a_task_of_another_model_is_no_source(crun: Crun, model: str, with_own_song: bool) -> None:
    song = crun.finished()
    task = task_of(crun.create(model, {"task_id": song.task, "suno_id": song.tracks[0]}))
    crun.idle()

    answer = crun.persona(task, song.tracks[0] if with_own_song else NO_SONG)

    assert answer.verdict == refused("invalid", 422, UNFIT)
    assert crun.persona(*song.source).accepted


def test_a_planted_song_is_a_source(crun: Crun) -> None:
    planted = crun.plant()

    answers = [crun.persona(planted["source_task"], song) for song in planted["songs"]]

    assert planted["view"] == crun.info(planted["source_task"]).body
    assert len({persona_of(answer) for answer in answers}) == 2


# --- one persona for each song -----------------------------------------------------------------------------


def test_a_second_persona_of_one_song_is_refused(client: Client) -> None:
    crun = Crun(client)
    song = crun.finished()
    crun.made_persona(song)

    again = crun.persona(*song.source, name="Other", description="Other", vocal_start=5)

    assert again.verdict == refused("duplicate", 422, "persona already exists")


def test_both_songs_of_a_task_have_a_persona_each(crun: Crun) -> None:
    song = crun.finished()

    answers = [crun.persona(song.task, track) for track in song.tracks]

    assert len({persona_of(answer) for answer in answers}) == 2


# --- using it ----------------------------------------------------------------------------------------------


def song_calls(crun: Crun, source: tuple[str, str], **changes: Any) -> list[Answer]:
    """Each of the four song models with the same changes."""
    return [
        crun.generate(**changes),
        crun.extend(*source, **changes),
        crun.cover(**changes),
        crun.upload_extend(**changes),
    ]


def test_a_persona_serves_with_all_four_models(client: Client) -> None:
    crun = Crun(client)
    song = crun.finished()
    persona = crun.made_persona(song)

    answers = song_calls(crun, song.source, persona_id=persona)

    tasks = [task_of(answer) for answer in answers]
    assert [crun.info(task).data["param"]["input"]["persona_id"] for task in tasks] == [persona] * 4


@pytest.mark.parametrize("persona", ["persona_123456", NO_SONG, "x" * 3000])
def test_an_unknown_persona_is_refused_by_all_four(crun: Crun, persona: str) -> None:
    song = crun.finished()

    answers = song_calls(crun, song.source, persona_id=persona)

    wanted = refused("persona-not-found", 422, "persona_id not found")
    assert [answer.verdict for answer in answers] == [wanted] * 4
    assert crun.credits() == 988


def test_the_persona_of_another_key_is_refused_by_all_four(crun: Crun) -> None:
    owner, stranger = Crun(crun.client, "owner"), Crun(crun.client, "stranger")
    persona = owner.made_persona(owner.finished())

    answers = song_calls(stranger, stranger.finished().source, persona_id=persona)

    wanted = refused("persona-not-found", 422, "persona_id not found")
    assert [answer.verdict for answer in answers] == [wanted] * 4


def test_a_persona_is_ignored_in_simple_mode(crun: Crun) -> None:
    song = crun.finished()
    simple = {"mode": "simple", "prompt": "Go on", "persona_id": "nobody"}

    answers = [crun.generate(SIMPLE, persona_id="nobody"), *song_calls(crun, song.source, **simple)]

    for answer in answers:
        task_of(answer)
        assert answer.violation is None


def test_a_song_or_task_is_no_persona(crun: Crun) -> None:
    song = crun.finished()

    for name in (*song.source, PERSONA["name"], UPLOAD):
        assert crun.generate(persona_id=name).outcome == "persona-not-found"
