"""kie: what a persona may be made from, what its call must look like, and where it serves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Client
from tests.providers.envelope import DAY, NO_SONG, Answer, Song
from tests.providers.kie_calls import (
    CUSTOM,
    IDEA,
    NO_TASK,
    PERSONA,
    Kie,
    no_music,
    not_found,
    persona_of,
    refused,
    task_of,
    tracks_of,
)

TOO_OLD = refused("source-model-unsupported", 422, "Persona supports models above V3_5 only")
DUPLICATE = refused("duplicate", 409, "Persona already exists for this music")
EXPIRED = refused("source-expired", 451, "Failed to fetch the music data")
WINDOW = refused("vocal-window", 422, "vocalEnd - vocalStart must be between 10 and 30 seconds")


def unfinished(state: str) -> Any:
    """The verdict on a source that is still being made."""
    return refused("source-unfinished", 422, f"Music generation is not complete: {state}")


def failed(state: str) -> Any:
    """The verdict on a source that has failed."""
    return refused("source-failed", 422, f"Music generation failed: {state}")


# --- the call itself ---------------------------------------------------------------------------------------


def test_the_four_fields_of_the_older_page_are_enough(kie: Kie) -> None:
    task, track = kie.finished().source

    answer = kie.send(
        "POST",
        "/api/v1/generate/generate-persona",
        json={
            "taskId": task,
            "audioId": track,
            "name": "Electronic Pop Singer",
            "description": "A modern electronic music style pop singer, skilled in dynamic rhythms "
            "and synthesizer tones",
        },
    )

    assert answer.verdict == (
        200,
        "success",
        {
            "code": 200,
            "msg": "success",
            "data": {
                "personaId": persona_of(answer),
                "name": "Electronic Pop Singer",
                "description": "A modern electronic music style pop singer, skilled in dynamic rhythms and "
                "synthesizer tones",
            },
        },
    )


def test_the_seven_fields_of_the_newer_page_are_taken(client: Client) -> None:
    kie = Kie(client)
    song = kie.finished()

    answer = kie.persona(*song.source, vocalStart=0, vocalEnd=30, style="Electronic Pop")

    assert (answer.outcome, answer.violation) == ("success", None)
    assert answer.data == {"personaId": persona_of(answer), **PERSONA}


def test_name_and_description_come_back_as_they_were_sent(kie: Kie) -> None:
    song = kie.finished()
    words = {"name": "  Große Stimme 🎤 ", "description": "x" * 5000}

    answer = kie.persona(*song.source, **words)

    assert answer.data == {"personaId": persona_of(answer), **words}


def test_a_persona_costs_one_credit(kie: Kie) -> None:
    song = kie.finished()

    kie.made_persona(song)

    assert kie.credits() == 987


@pytest.mark.parametrize("field", ["taskId", "audioId", "name", "description"])
def test_a_missing_field_is_named(kie: Kie, field: str) -> None:
    song = kie.finished()

    answer = kie.persona(*song.source, without=(field,))

    assert answer.verdict == refused("invalid", 422, f"{field} cannot be null")
    assert answer.violation == f"/body/{field}: required"


@pytest.mark.parametrize("field", ["name", "description"])
@pytest.mark.parametrize("blank", ["", " ", "\n\t  "])
def test_a_blank_text_is_refused(kie: Kie, field: str, blank: str) -> None:
    song = kie.finished()

    answer = kie.persona(*song.source, **{field: blank})

    assert answer.verdict == refused("invalid", 422, f"{field} cannot be blank")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("taskId", 5),
        ("taskId", None),
        ("audioId", ["a"]),
        ("name", 5),
        ("name", None),
        ("description", {"text": "x"}),
        ("vocalStart", "0"),
        ("vocalStart", None),
        ("vocalEnd", True),
        ("vocalEnd", [30]),
        ("style", 7),
        ("style", None),
        ("vocalStart", -0.01),
        ("vocalEnd", -1),
    ],
)
def test_a_wrong_value_is_named(kie: Kie, field: str, value: Any) -> None:
    song = kie.finished()

    answer = kie.persona(*song.source, **{field: value})

    assert (answer.status, answer.outcome, answer.code, answer.data) == (200, "invalid", 422, None)
    assert field in answer.body["msg"]
    assert kie.persona(*song.source).accepted


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"taskId": NaN}', b"\xff", b'"text"', b"[]", b"null", b'{"name": "\\ud800"}'],
)
def test_a_body_that_is_no_object_is_invalid(kie: Kie, content: bytes) -> None:
    answer = kie.send("POST", "/api/v1/generate/generate-persona", content=content)

    assert (answer.status, answer.outcome, answer.code, answer.data) == (200, "invalid", 422, None)


# --- the vocal window --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"vocalStart": 0},
        {"vocalStart": 20},
        {"vocalEnd": 10},
        {"vocalEnd": 30},
        {"vocalStart": 0, "vocalEnd": 10},
        {"vocalStart": 0, "vocalEnd": 30},
        {"vocalStart": 12.34, "vocalEnd": 22.34},
        {"vocalStart": 30, "vocalEnd": 60},
        # Their difference in binary is a hair over 30 or under 10.
        {"vocalStart": 2.02, "vocalEnd": 32.02},
        {"vocalStart": 6.08, "vocalEnd": 16.08},
    ],
)
def test_a_window_of_10_to_30_seconds_is_taken(kie: Kie, window: dict[str, float]) -> None:
    song = kie.finished()

    answer = kie.persona(*song.source, **window)

    assert answer.accepted, answer.body


@pytest.mark.parametrize(
    "window",
    [
        {"vocalStart": 0, "vocalEnd": 9.99},
        {"vocalStart": 0, "vocalEnd": 30.01},
        {"vocalStart": 2.02, "vocalEnd": 32.03},
        {"vocalStart": 6.08, "vocalEnd": 16.07},
        {"vocalStart": 12.5, "vocalEnd": 64},
        {"vocalStart": 30, "vocalEnd": 10},
        {"vocalStart": 15, "vocalEnd": 15},
        # A lone one is judged against the other's default, 0 or 30.
        {"vocalStart": 25},
        {"vocalStart": 20.01},
        {"vocalStart": 45},
        {"vocalEnd": 5},
        {"vocalEnd": 0},
        {"vocalEnd": 30.01},
    ],
)
def test_any_other_window_is_refused(kie: Kie, window: dict[str, float]) -> None:
    song = kie.finished()

    answer = kie.persona(*song.source, **window)

    assert answer.verdict == WINDOW
    assert kie.credits() == 988
    assert kie.persona(*song.source).accepted


# --- its source --------------------------------------------------------------------------------------------


def test_a_task_that_nobody_made_is_no_source(kie: Kie) -> None:
    assert kie.persona(NO_TASK, NO_SONG).verdict == no_music("source-not-found")


def test_a_song_that_nobody_made_is_no_source(kie: Kie) -> None:
    song = kie.finished()

    assert kie.persona(song.task, NO_SONG).verdict == no_music("source-not-found")


def test_a_song_of_another_task_is_no_source(kie: Kie) -> None:
    one, other = kie.finished(), kie.finished()

    answer = kie.persona(one.task, other.tracks[0])

    assert answer.verdict == no_music("source-not-found")
    assert kie.persona(*other.source).accepted


def test_a_song_whose_persona_hangs_on_its_own_task_is_not_found_under_another(
    kie: Kie,
) -> None:
    one, other = kie.finished(), kie.finished()
    kie.made_persona(other)

    assert kie.persona(one.task, other.tracks[0]).verdict == no_music("source-not-found")


def test_a_foreign_task_reads_like_none_at_all(kie: Kie) -> None:
    owner, stranger = Kie(kie.client, "owner"), Kie(kie.client, "stranger")
    song = owner.finished()

    answer = stranger.persona(*song.source)

    assert answer.verdict == no_music("source-not-owned")
    assert owner.persona(*song.source).accepted


@pytest.mark.parametrize(("seconds", "state"), [(0, "PENDING"), (30, "TEXT_SUCCESS"), (72, "FIRST_SUCCESS")])
def test_an_unfinished_song_is_no_source(kie: Kie, seconds: int, state: str) -> None:
    task = kie.started()
    if seconds:
        kie.advance(seconds)
    track = kie.song(task).tracks[0] if seconds else NO_SONG

    answer = kie.persona(task, track)

    assert answer.verdict == unfinished(state)


def test_a_song_is_a_source_from_its_last_moment_on(kie: Kie) -> None:
    task = kie.started()
    kie.advance(119.75)
    track = kie.song(task).tracks[0]
    early = kie.persona(task, track)

    kie.advance(0.25)

    assert early.verdict == unfinished("FIRST_SUCCESS")
    assert kie.persona(task, track).accepted


def test_a_song_that_failed_in_its_time_is_no_source(kie: Kie) -> None:
    task = kie.started(prefer="outcome=task-failed")
    kie.advance(30)
    track = kie.song(task).tracks[0]
    early = kie.persona(task, track)

    kie.advance(30)

    assert early.verdict == unfinished("TEXT_SUCCESS")
    assert kie.persona(task, track).verdict == failed("GENERATE_AUDIO_FAILED")


@pytest.mark.parametrize(
    "state", ["CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED", "CALLBACK_EXCEPTION", "SENSITIVE_WORD_ERROR"]
)
def test_each_failure_is_named(kie: Kie, state: str) -> None:
    planted = kie.plant(status=state)

    answer = kie.persona(planted["source_task"], NO_SONG)

    assert answer.verdict == failed(state)


def test_a_song_of_v3_5_is_no_source(kie: Kie) -> None:
    song = kie.finished(model="V3_5")

    assert kie.persona(*song.source).verdict == TOO_OLD


@pytest.mark.parametrize("model", ["V3_5", "3.5"])
def test_a_planted_song_of_v3_5_is_no_source(kie: Kie, model: str) -> None:
    planted = kie.plant(model=model)

    answer = kie.persona(planted["source_task"], planted["songs"][0])

    assert kie.record(planted["source_task"]).data["type"] == "chirp-v3-5"
    assert answer.verdict == TOO_OLD


@pytest.mark.parametrize(
    "model", ["V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD"]
)
def test_a_song_of_every_later_model_is_a_source(kie: Kie, model: str) -> None:
    song = kie.finished(model=model)

    assert kie.persona(*song.source).accepted


def test_a_song_of_each_of_the_four_calls_is_a_source(kie: Kie) -> None:
    source = kie.finished()
    made = [task_of(answer) for answer in (kie.extend(source.tracks[0]), kie.cover(), kie.upload_extend())]
    kie.advance(120)

    answers = [kie.persona(*kie.song(task).source) for task in (source.task, *made)]

    assert len({persona_of(answer) for answer in answers}) == 4


@pytest.mark.parametrize("kind", ["generate", "extend", "upload-cover", "upload-extend"])
def test_a_planted_song_of_each_kind_is_a_source(kie: Kie, kind: str) -> None:
    planted = kie.plant(kind=kind)

    answer = kie.persona(planted["source_task"], planted["songs"][1])

    assert kie.record(planted["source_task"]).data["operationType"] == kind.replace("-", "_")
    assert answer.accepted


def test_a_song_without_vocals_is_a_source(kie: Kie) -> None:
    song = kie.finished(body=IDEA)

    assert kie.persona(*song.source).accepted


# --- one persona for each song -----------------------------------------------------------------------------


def test_a_second_persona_of_one_song_is_refused_and_costs_nothing(client: Client) -> None:
    kie = Kie(client)
    song = kie.finished()
    kie.made_persona(song)

    again = kie.persona(*song.source, name="Other", description="Other", vocalStart=5, vocalEnd=25)

    assert again.verdict == DUPLICATE
    assert kie.credits() == 987


def test_both_songs_of_a_task_have_a_persona_each(kie: Kie) -> None:
    song = kie.finished()

    answers = [kie.persona(song.task, track) for track in song.tracks]

    assert len({persona_of(answer) for answer in answers}) == 2


def test_a_song_without_a_persona_stays_one_after_a_refused_call(kie: Kie) -> None:
    song = kie.finished()
    kie.persona(*song.source, name="")
    kie.persona(*song.source, vocalEnd=5)

    assert kie.persona(*song.source).accepted


# --- media that is gone ------------------------------------------------------------------------------------


def expiring(kie: Kie, song: Song, days: int) -> list[Answer]:
    """A persona of the first track one second before so many days are over, and of the second then."""
    kie.advance(days * DAY - 1)
    early = kie.persona(song.task, song.tracks[0])
    kie.advance(1)
    return [early, kie.persona(song.task, song.tracks[1])]


def test_a_song_is_a_source_for_14_days(client: Client) -> None:
    kie = Kie(client)
    song = kie.finished()

    early, late = expiring(kie, song, 14)

    assert early.accepted
    assert late.verdict == EXPIRED
    assert kie.credits() == 987


def test_a_cover_of_an_upload_is_a_source_for_15_days(kie: Kie) -> None:
    song = kie.finish(task_of(kie.cover()))

    early, late = expiring(kie, song, 15)

    assert early.accepted
    assert late.verdict == EXPIRED


def test_continuations_are_sources_for_14_days(kie: Kie) -> None:
    first = kie.finished()
    tasks = [task_of(kie.extend(first.tracks[0])), task_of(kie.upload_extend())]
    kie.advance(120)
    songs = [kie.song(task) for task in tasks]

    kie.advance(14 * DAY)

    assert [kie.persona(*song.source).verdict for song in songs] == [EXPIRED, EXPIRED]


def test_the_files_of_a_song_go_with_it_but_its_record_stays(kie: Kie) -> None:
    song = kie.finished()
    url = tracks_of(kie.record(song.task))[0]["audioUrl"]

    kie.advance(14 * DAY - 1)
    early = kie.download(url)
    kie.advance(1)

    assert early.status_code == 200
    assert kie.download(url).status_code == 410
    assert kie.status(song.task) == "SUCCESS"


def test_a_persona_outlives_the_song_it_was_made_from(kie: Kie) -> None:
    persona = kie.made_persona(kie.finished())

    kie.advance(60 * DAY)

    task_of(kie.generate(personaId=persona))


# --- using it ----------------------------------------------------------------------------------------------


def test_a_persona_serves_in_all_four_song_calls(client: Client) -> None:
    kie = Kie(client)
    song = kie.finished()
    persona = kie.made_persona(song)

    answers = [
        kie.generate(personaId=persona),
        kie.extend(song.tracks[1], personaId=persona),
        kie.cover(personaId=persona),
        kie.upload_extend(personaId=persona),
    ]

    assert len({task_of(answer) for answer in answers}) == 4
    assert '"personaId":"' + persona in kie.record(task_of(kie.generate(personaId=persona))).data["param"]


def test_a_song_made_with_a_persona_may_become_one(kie: Kie) -> None:
    song = kie.finished(personaId=kie.made_persona(kie.finished()))

    assert kie.persona(*song.source).accepted


def song_calls(kie: Kie, track: str, **changes: Any) -> list[Answer]:
    """Each of the four song calls with the same changes."""
    return [
        kie.generate(**changes),
        kie.extend(track, **changes),
        kie.cover(**changes),
        kie.upload_extend(**changes),
    ]


@pytest.mark.parametrize("persona", ["a1b2****c3d4", "0" * 32, "x" * 3000])
def test_an_unknown_persona_is_refused_in_all_four(kie: Kie, persona: str) -> None:
    song = kie.finished()

    answers = song_calls(kie, song.tracks[0], personaId=persona)

    assert [answer.verdict for answer in answers] == [not_found("persona-not-found")] * 4
    assert kie.credits() == 988


def test_the_persona_of_another_key_is_refused_in_all_four(kie: Kie) -> None:
    owner, stranger = Kie(kie.client, "owner"), Kie(kie.client, "stranger")
    persona = owner.made_persona(owner.finished())
    track = stranger.finished().tracks[0]

    answers = song_calls(stranger, track, personaId=persona)

    assert [answer.verdict for answer in answers] == [not_found("persona-not-found")] * 4


def test_a_task_or_track_is_no_persona(kie: Kie) -> None:
    song = kie.finished()

    for name in (song.task, song.tracks[0]):
        assert kie.generate(personaId=name).verdict == not_found("persona-not-found")


def test_a_persona_is_ignored_where_its_mode_is_off(kie: Kie) -> None:
    song = kie.finished()
    wish = {"personaId": "nobody", "personaModel": "neither"}

    answers = [
        kie.generate(IDEA, **wish),
        kie.extend(song.tracks[0], defaultParamFlag=False, **wish),
        kie.cover(customMode=False, **wish),
        kie.upload_extend(defaultParamFlag=False, **wish),
    ]

    for answer in answers:
        task_of(answer)
        assert answer.violation is None


@pytest.mark.parametrize("value", [False, None, "no"])
def test_the_mode_of_another_call_does_not_switch_a_persona_off(kie: Kie, value: Any) -> None:
    # Not one of their fields, so it may hold anything.
    track = kie.finished().tracks[0]

    answers = [
        kie.extend(track, customMode=value, personaId="nobody"),
        kie.upload_extend(customMode=value, personaId="nobody"),
        kie.generate(defaultParamFlag=value, personaId="nobody"),
        kie.cover(defaultParamFlag=value, personaId="nobody"),
    ]

    assert [answer.verdict for answer in answers] == [not_found("persona-not-found")] * 4


@pytest.mark.parametrize("value", ["voice_persona", "neither"])
def test_a_persona_model_without_a_persona_is_ignored(kie: Kie, value: str) -> None:
    song = kie.finished()

    answers = song_calls(kie, song.tracks[0], personaModel=value)

    for answer in answers:
        task_of(answer)


@pytest.mark.parametrize("model", ["V5", "V5_5"])
def test_a_voice_serves_with_v5_and_v5_5(kie: Kie, model: str) -> None:
    song = kie.finished(model=model)
    persona = kie.made_persona(song)

    answers = song_calls(kie, song.tracks[0], model=model, personaId=persona, personaModel="voice_persona")

    for answer in answers:
        task_of(answer)


@pytest.mark.parametrize("model", ["V3_5", "V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V6", "V6_MINI", "V6_WILD"])
def test_a_voice_serves_with_no_other_model(kie: Kie, model: str) -> None:
    persona = kie.made_persona(kie.finished())
    track = kie.finished(model=model).tracks[0]

    answers = song_calls(kie, track, model=model, personaId=persona, personaModel="voice_persona")

    wanted = refused("invalid", 422, "personaModel voice_persona is only available for V5 and V5_5")
    assert [answer.verdict for answer in answers] == [wanted] * 4


@pytest.mark.parametrize("model", ["V3_5", "V4", "V4_5ALL", "V6"])
def test_a_style_serves_with_every_model(kie: Kie, model: str) -> None:
    persona = kie.made_persona(kie.finished())

    for wish in ({}, {"personaModel": "style_persona"}):
        task_of(kie.generate(model=model, personaId=persona, **wish))


def test_a_persona_model_of_another_name_is_refused(kie: Kie) -> None:
    persona = kie.made_persona(kie.finished())

    answer = kie.generate(personaId=persona, personaModel="neither", model="V5")

    assert (answer.outcome, answer.code) == ("invalid", 422)
    for word in ("personaModel", "style_persona", "voice_persona"):
        assert word in answer.body["msg"]


def test_a_persona_may_be_used_again_and_again(kie: Kie) -> None:
    persona = kie.made_persona(kie.finished())

    tasks = [task_of(kie.generate(CUSTOM, personaId=persona)) for _ in range(3)]

    assert len(set(tasks)) == 3
