"""kie: a song through its states, the persona made from it, and the next song sung with that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Client, MakeClient
from tests.providers.envelope import NO_SONG
from tests.providers.kie_calls import (
    CUSTOM,
    IDEA,
    PERSONA,
    Kie,
    is_media,
    is_track_id,
    not_found,
    persona_of,
    refused,
    task_of,
    tracks_of,
)
from tests.providers.plain import START

TRACK_FIELDS = {
    "id",
    "audioUrl",
    "sourceAudioUrl",
    "streamAudioUrl",
    "sourceStreamAudioUrl",
    "imageUrl",
    "sourceImageUrl",
    "prompt",
    "modelName",
    "title",
    "tags",
    "createTime",
    "duration",
}
# The request of CUSTOM as it is shown again: keys in alphabetical order, no blanks between them.
CUSTOM_PARAM = (
    '{"callBackUrl":"https://example.com/callback","customMode":true,"instrumental":false,"model":"V4_5",'
    '"prompt":"[Verse]\\nNeon rain on empty streets","style":"Electronic Pop","title":"Neon Rain"}'
)
# Quarters of a second are exact in binary, so each moment is met to the point.
BEFORE = 0.25


def shown(task: str, status: str, response: Any, **changes: Any) -> Any:
    """The whole body of a poll of a custom song made at the start of the virtual clock."""
    data = {
        "taskId": task,
        "parentMusicId": "",
        "param": CUSTOM_PARAM,
        "response": response,
        "status": status,
        "type": "chirp-auk",
        "operationType": "generate",
        "errorCode": None,
        "errorMessage": None,
        "createTime": START * 1000,
        **changes,
    }
    return {"code": 200, "msg": "success", "data": data}


def assert_streaming(track: Any) -> None:
    """A track whose sound can be streamed, but whose file is not there yet."""
    assert set(track) == TRACK_FIELDS
    assert (track["audioUrl"], track["sourceAudioUrl"], track["duration"]) == ("", "", None)
    assert is_media(track["streamAudioUrl"], track["id"], "mp3")
    assert is_media(track["sourceStreamAudioUrl"], track["id"], "mp3")
    assert_told(track)


def assert_complete(track: Any) -> None:
    """A track with its file."""
    assert set(track) == TRACK_FIELDS
    for field in ("audioUrl", "sourceAudioUrl", "streamAudioUrl", "sourceStreamAudioUrl"):
        assert is_media(track[field], track["id"], "mp3"), track[field]
    assert 36 <= track["duration"] <= 200
    assert_told(track)


def assert_told(track: Any) -> None:
    """What every track of the custom song shows from its first appearance on."""
    assert is_track_id(track["id"])
    assert is_media(track["imageUrl"], track["id"], "jpeg")
    assert is_media(track["sourceImageUrl"], track["id"], "jpeg")
    assert (track["prompt"], track["title"], track["tags"], track["modelName"]) == (
        "[Verse]\nNeon rain on empty streets",
        "Neon Rain",
        "Electronic Pop",
        "chirp-auk",
    )
    assert type(track["createTime"]) is int
    assert START * 1000 <= track["createTime"] <= (START + 120) * 1000


# --- the whole story ---------------------------------------------------------------------------------------


def test_the_whole_story_of_a_persona(client: Client) -> None:
    kie = Kie(client)

    task = task_of(kie.generate())
    states = [kie.status(task)]
    for seconds in (30, 42, 48):
        kie.advance(seconds)
        states.append(kie.status(task))
    first, second = kie.song(task).tracks
    made = kie.persona(task, first)
    persona = persona_of(made)
    again = kie.persona(task, first, name="Another name")
    other = persona_of(kie.persona(task, second))
    sequel = kie.finished(personaId=persona)
    of_sequel = persona_of(kie.persona(*sequel.source))

    assert states == ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]
    assert made.verdict == (
        200,
        "success",
        {"code": 200, "msg": "success", "data": {"personaId": persona, **PERSONA}},
    )
    assert again.verdict == refused("duplicate", 409, "Persona already exists for this music")
    assert len({persona, other, of_sequel}) == 3
    assert kie.credits() == 1000 - 12 - 1 - 1 - 12 - 1


def test_an_accepted_song_is_named_by_32_hex_digits_and_nothing_else(client: Client) -> None:
    answer = Kie(client).generate()

    assert answer.outcome == "success"
    assert answer.violation is None
    task_of(answer)


def test_a_poll_shows_each_state_from_its_moment_on(client: Client) -> None:
    kie = Kie(client)
    task = kie.started()
    seen = []

    for moment in (0, 30, 72, 120):
        if moment:
            kie.advance(moment - kie.control("GET", "/clock")["epoch"] + START - BEFORE)
            seen.append(kie.status(task))
            kie.advance(BEFORE)
        seen.append(kie.status(task))

    assert seen == [
        "PENDING",
        "PENDING",
        "TEXT_SUCCESS",
        "TEXT_SUCCESS",
        "FIRST_SUCCESS",
        "FIRST_SUCCESS",
        "SUCCESS",
    ]


def test_a_finished_song_stays_finished(kie: Kie) -> None:
    song = kie.finished()
    before = kie.record(song.task).body

    kie.advance(10 * 86400)

    assert kie.record(song.task).body == before


# --- the body of each state --------------------------------------------------------------------------------


def test_a_pending_song_has_no_response(client: Client) -> None:
    kie = Kie(client)
    task = kie.started()

    answer = kie.record(task)

    assert answer.verdict == (200, "success", shown(task, "PENDING", None))


def test_a_song_with_its_text_shows_two_tracks_that_stream(client: Client) -> None:
    kie = Kie(client)
    task = kie.started()

    kie.advance(30)

    answer = kie.record(task)
    tracks = tracks_of(answer)
    assert answer.body == shown(task, "TEXT_SUCCESS", {"taskId": task, "sunoData": tracks})
    assert len(tracks) == 2
    for track in tracks:
        assert_streaming(track)


def test_a_first_success_has_one_track_with_its_file(client: Client) -> None:
    kie = Kie(client)
    task = kie.started()

    kie.advance(72)

    answer = kie.record(task)
    first, second = tracks_of(answer)
    assert answer.body == shown(task, "FIRST_SUCCESS", {"taskId": task, "sunoData": [first, second]})
    assert_complete(first)
    assert_streaming(second)


def test_a_finished_song_has_two_tracks_with_their_files(client: Client) -> None:
    kie = Kie(client)
    task = kie.started()

    kie.advance(120)

    answer = kie.record(task)
    first, second = tracks_of(answer)
    assert answer.body == shown(task, "SUCCESS", {"taskId": task, "sunoData": [first, second]})
    assert_complete(first)
    assert_complete(second)
    assert first["id"] != second["id"]


def test_what_a_state_shows_of_a_track_stays_in_the_next(kie: Kie) -> None:
    task = kie.started()
    kie.advance(30)
    text = tracks_of(kie.record(task))
    kie.advance(42)
    first = tracks_of(kie.record(task))
    kie.advance(48)
    complete = tracks_of(kie.record(task))

    late = {"audioUrl", "sourceAudioUrl", "duration"}

    assert first[0] == complete[0]
    assert first[1] == text[1]
    for early, done in zip(text, complete, strict=True):
        assert {field: early[field] for field in TRACK_FIELDS - late} == {
            field: done[field] for field in TRACK_FIELDS - late
        }


def test_looking_changes_nothing(kie: Kie) -> None:
    task = kie.started()
    kie.advance(50)

    seen = [kie.record(task).body for _ in range(3)]

    assert seen[0] == seen[1] == seen[2]


def test_the_files_of_a_finished_song_can_be_fetched(kie: Kie) -> None:
    song = kie.finished()

    track = tracks_of(kie.record(song.task))[0]

    for field, type_ in (
        ("audioUrl", "audio/mpeg"),
        ("streamAudioUrl", "audio/mpeg"),
        ("imageUrl", "image/jpeg"),
    ):
        file = kie.download(track[field])
        assert (file.status_code, file.headers["content-type"]) == (200, type_)
        assert len(file.content) > 100


# --- kinds and models --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "chirp"),
    [
        ("V3_5", "chirp-v3-5"),
        ("V4", "chirp-v4"),
        ("V4_5", "chirp-auk"),
        ("V4_5PLUS", "chirp-bluejay"),
        ("V4_5ALL", "chirp-auk-turbo"),
        ("V5", "chirp-crow"),
        ("V5_5", "chirp-fenix"),
    ],
)
def test_a_model_is_shown_by_its_upstream_name(kie: Kie, model: str, chirp: str) -> None:
    song = kie.finished(model=model)

    answer = kie.record(song.task)

    assert answer.data["type"] == chirp
    assert [track["modelName"] for track in tracks_of(answer)] == [chirp, chirp]


@pytest.mark.parametrize("model", ["V6", "V6_MINI", "V6_WILD"])
def test_a_model_without_a_known_upstream_name_is_some_chirp(kie: Kie, model: str) -> None:
    song = kie.finished(model=model)

    answer = kie.record(song.task)

    assert answer.data["type"].startswith("chirp-")
    assert [track["modelName"] for track in tracks_of(answer)] == [answer.data["type"]] * 2


def test_each_song_call_is_a_kind_of_its_own(client: Client) -> None:
    kie = Kie(client)
    source = kie.finished()
    track = source.tracks[0]

    made = [kie.generate(), kie.extend(track), kie.cover(), kie.upload_extend()]

    tasks = [kie.record(task_of(answer)).data for answer in made]
    assert [task["operationType"] for task in tasks] == [
        "generate",
        "extend",
        "upload_cover",
        "upload_extend",
    ]
    assert [task["parentMusicId"] for task in tasks] == ["", track, "", ""]
    assert kie.credits() == 1000 - 5 * 12


def test_each_song_call_ends_with_two_tracks(kie: Kie) -> None:
    track = kie.finished().tracks[0]
    tasks = [task_of(answer) for answer in (kie.extend(track), kie.cover(), kie.upload_extend())]

    kie.advance(120)

    assert [kie.status(task) for task in tasks] == ["SUCCESS"] * 3
    assert len({track for task in tasks for track in kie.song(task).tracks}) == 6


def test_a_continuation_with_its_own_parameters_shows_those(kie: Kie) -> None:
    source = kie.finished()

    sequel = kie.finish(task_of(kie.extend(source.tracks[0])))

    for track in tracks_of(kie.record(sequel.task)):
        assert (track["title"], track["tags"]) == ("Neon Rain, bridge", "Slow strings")


def test_a_continuation_without_parameters_inherits_those_of_its_source(kie: Kie) -> None:
    source = kie.finished()

    sequel = kie.finish(task_of(kie.extend(source.tracks[0], defaultParamFlag=False)))

    for track in tracks_of(kie.record(sequel.task)):
        assert (track["title"], track["tags"]) == ("Neon Rain", "Electronic Pop")


def test_the_request_is_shown_again_with_all_its_fields_in_order(kie: Kie) -> None:
    body = {**CUSTOM, "title": "Größe ☂", "styleWeight": 0.65, "madeUp": {"b": [1, None], "a": 2}}

    task = task_of(kie.generate(body))

    param = kie.record(task).data["param"]
    assert json.loads(param) == body
    assert list(json.loads(param)) == sorted(body)


def test_a_song_without_custom_mode_invents_what_it_was_not_told(kie: Kie) -> None:
    song = kie.finished(body=IDEA, title="Not this", style="Not this")

    tracks = tracks_of(kie.record(song.task))

    for track in tracks:
        assert track["title"].strip()
        assert "Not this" not in (track["title"], track["tags"])


# --- failures ----------------------------------------------------------------------------------------------


def test_a_failing_song_walks_the_same_way_and_fails_half_way(client: Client) -> None:
    kie = Kie(client)
    answer = kie.generate(prefer="outcome=task-failed")
    task = task_of(answer)
    seen = [kie.status(task)]

    for seconds in (30 - BEFORE, BEFORE, 30 - BEFORE, BEFORE, 12, 48, 9000):
        kie.advance(seconds)
        seen.append(kie.status(task))

    assert answer.outcome == "task-failed"
    assert seen == ["PENDING", "PENDING", "TEXT_SUCCESS", "TEXT_SUCCESS", *["GENERATE_AUDIO_FAILED"] * 4]


def test_a_failed_song_says_why_and_shows_no_tracks(client: Client) -> None:
    kie = Kie(client)
    task = kie.failed()

    answer = kie.record(task)

    assert answer.body == shown(
        task,
        "GENERATE_AUDIO_FAILED",
        None,
        errorCode=None,
        errorMessage="Audio generation failed",
    )


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        ("CREATE_TASK_FAILED", None, "The task could not be created"),
        ("GENERATE_AUDIO_FAILED", None, "Audio generation failed"),
        ("CALLBACK_EXCEPTION", None, "Callback failed"),
        ("SENSITIVE_WORD_ERROR", 400, "The lyrics contain copyrighted material"),
    ],
)
def test_each_failure_has_its_own_words(kie: Kie, status: str, code: int | None, message: str) -> None:
    task = kie.plant(status=status)["source_task"]

    data = kie.record(task).data

    assert (data["status"], data["errorCode"], data["errorMessage"]) == (status, code, message)
    assert data["response"] is None


@pytest.mark.parametrize("failure", ["CREATE_TASK_FAILED", "SENSITIVE_WORD_ERROR"])
def test_a_failure_before_anything_was_made_comes_at_a_tenth(kie: Kie, failure: str) -> None:
    kie.control("POST", "/outcomes", {"outcome": "task-failed", "provider": "kie", "error": failure})
    task = kie.started()
    seen = []

    for seconds in (12 - BEFORE, BEFORE, 200):
        kie.advance(seconds)
        seen.append(kie.status(task))

    assert seen == ["PENDING", failure, failure]


def test_a_key_may_ask_for_failing_songs(make_client: MakeClient) -> None:
    kie = Kie(make_client(), key="mock-task-failed")

    answer = kie.generate()
    kie.advance(60)

    assert answer.outcome == "task-failed"
    assert kie.status(task_of(answer)) == "GENERATE_AUDIO_FAILED"


# --- a task that is not there ------------------------------------------------------------------------------


def test_an_unknown_task_is_no_task_under_code_200(client: Client) -> None:
    answer = Kie(client).record("0" * 32)

    assert answer.verdict == (200, "not-found", {"code": 200, "msg": "success", "data": None})


def test_the_task_of_another_key_is_as_unknown(client: Client) -> None:
    owner, stranger = Kie(client, "owner"), Kie(client, "stranger")
    task = owner.started()

    answer = stranger.record(task)

    assert answer.body == {"code": 200, "msg": "success", "data": None}
    assert owner.status(task) == "PENDING"


def test_a_track_is_no_task(kie: Kie) -> None:
    song = kie.finished()

    assert kie.record(song.tracks[0]).body == {"code": 200, "msg": "success", "data": None}


@pytest.mark.parametrize("query", ["", "?taskId=", "?task_id=1"])
def test_a_poll_without_a_task_is_invalid(kie: Kie, query: str) -> None:
    answer = kie.send("GET", f"/api/v1/generate/record-info{query}")

    assert (answer.status, answer.outcome, answer.code, answer.data) == (200, "invalid", 422, None)
    assert "taskId" in answer.body["msg"]


def test_a_poll_without_a_task_says_which_field_is_missing(kie: Kie) -> None:
    answer = kie.send("GET", "/api/v1/generate/record-info")

    assert answer.verdict == refused("invalid", 422, "taskId cannot be null")


# --- keys and sandboxes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/generate", CUSTOM),
        ("POST", "/api/v1/generate/extend", {}),
        ("POST", "/api/v1/generate/upload-cover", {}),
        ("POST", "/api/v1/generate/upload-extend", {}),
        ("POST", "/api/v1/generate/generate-persona", {}),
        ("GET", "/api/v1/generate/record-info?taskId=1", None),
        ("GET", "/api/v1/chat/credit", None),
    ],
)
@pytest.mark.parametrize(
    "header", [{}, {"authorization": "Bearer "}, {"authorization": "Basic a"}, {"x-api-key": "k"}]
)
def test_a_call_without_a_key_is_refused(
    make_client: MakeClient, method: str, path: str, body: Any, header: dict[str, str]
) -> None:
    kie = Kie(make_client(), key=None)

    answer = kie.send(method, path, headers=header, **({} if body is None else {"json": body}))

    assert answer.verdict == refused("unauthorized", 401, "You do not have access permissions")


def test_what_one_key_makes_another_does_not_own(client: Client) -> None:
    owner, stranger = Kie(client, "owner"), Kie(client, "stranger")
    song = owner.finished()
    persona = owner.made_persona(song)

    assert stranger.record(song.task).data is None
    assert stranger.persona(song.task, song.tracks[1]).code == 422
    assert stranger.extend(song.tracks[0]).verdict == not_found("source-not-owned")
    assert stranger.generate(personaId=persona).verdict == not_found("persona-not-found")
    assert (owner.credits(), stranger.credits()) == (1000 - 12 - 1, 1000)


def test_two_sandboxes_do_not_see_each_other(client: Client) -> None:
    here, there = Kie(client, sandbox="here"), Kie(client, sandbox="there")
    song = here.finished()
    persona = here.made_persona(song)

    assert there.record(song.task).data is None
    assert there.persona(song.task, song.tracks[1]).outcome == "source-not-found"
    assert there.extend(song.tracks[0]).verdict == not_found("source-not-found")
    assert there.generate(personaId=persona).verdict == not_found("persona-not-found")
    assert (here.credits(), there.credits()) == (1000 - 12 - 1, 1000)
    assert there.tasks() == []


def test_two_sandboxes_never_share_an_id(make_client: MakeClient) -> None:
    client = make_client()
    here, there = Kie(client, sandbox="here"), Kie(client, sandbox="there")

    ours, theirs = here.finished(), there.finished()

    assert ours.task != theirs.task
    assert not {*ours.tracks} & {*theirs.tracks}
    assert here.made_persona(ours) != there.made_persona(theirs)


def test_files_of_a_sandbox_are_fetched_there(make_client: MakeClient) -> None:
    kie = Kie(make_client(), sandbox="alice")
    song = kie.finished()

    url = tracks_of(kie.record(song.task))[0]["audioUrl"]

    assert url.startswith(f"http://127.0.0.1:4010/_sandbox/alice/_mock/media/kie/{song.tracks[0]}/")
    assert kie.download(url).status_code == 200


def test_an_unknown_task_has_no_persona_whatever_its_spelling(kie: Kie) -> None:
    for task in ("5c79****be8e", "", "x" * 5000, "🎵"):
        assert kie.persona(task, NO_SONG).verdict == refused("source-not-found", 422, "Music does not exist")
