"""crun: a song through its states, the persona made from it, and the next song sung with that."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.conftest import Client, MakeClient
from tests.providers.crun_calls import CUSTOM, SIMPLE, Crun, is_media, persona_of, refused, songs_of, task_of
from tests.providers.plain import START, UUID

SONG_FIELDS = {"suno_id", "title", "duration", "suno_audio_url", "suno_image_url", "suno_image_large_url"}
PARAM = {
    "model": "suno/music-generate",
    "callback_url": None,
    "input": {
        "mode": "custom",
        "model": "v5",
        "instrumental": False,
        "title": "Midnight Neon",
        "tags": "Western R&B, moody, intimate",
        "lyrics": "[Verse]\nNeon on the water, slow and low",
    },
}


def shown(task: str, status: str, **changes: Any) -> Any:
    """The whole body of a poll of a custom song made at the start of the virtual clock."""
    data = {
        "task_id": task,
        "provider": "Suno",
        "model_version": "sunov5",
        "status": status,
        "param": PARAM,
        "create_at": START,
        "result": None,
        "duration_s": None,
        "complete_at": None,
        "credits": 12,
        "source": "api",
        **changes,
    }
    return {"code": 200, "message": "success", "data": data}


# --- the whole story ---------------------------------------------------------------------------------------


def test_the_whole_story_of_a_persona(client: Client) -> None:
    crun = Crun(client)

    task = task_of(crun.generate())
    states = [crun.status(task)]
    for seconds in (10, 76):
        crun.advance(seconds)
        states.append(crun.status(task))
    first, second = crun.song(task).tracks
    made = crun.persona(task, first, vocal_start=12.5, vocal_end=64, style="Western R&B, moody, intimate")
    persona = persona_of(made)
    again = crun.persona(task, first, name="Another name")
    other = persona_of(crun.persona(task, second))
    sequel = crun.finished(persona_id=persona)
    of_sequel = persona_of(crun.persona(*sequel.source))

    assert states == ["pending", "running", "success"]
    assert (made.status, made.outcome, made.violation) == (200, "success", None)
    assert again.verdict == refused("duplicate", 422, "persona already exists")
    assert len({persona, other, of_sequel}) == 3
    assert crun.credits() == 1000 - 12 - 12


def test_an_accepted_task_is_named_by_a_uuid_and_nothing_else(client: Client) -> None:
    answer = Crun(client).generate()

    assert answer.outcome == "success"
    assert answer.violation is None
    task_of(answer)


@pytest.mark.parametrize(
    ("seconds", "status"),
    [
        (0.25, "pending"),
        (8.5, "pending"),
        (8.6, "running"),
        (43, "running"),
        (85.75, "running"),
        (86, "success"),
        (10**6, "success"),
    ],
)
def test_a_poll_shows_each_state_from_its_moment_on(crun: Crun, seconds: float, status: str) -> None:
    task = crun.started()

    crun.advance(seconds)

    assert crun.status(task) == status


def test_the_states_follow_each_other_in_one_life(client: Client) -> None:
    crun = Crun(client)
    task = crun.started()
    seen = [crun.status(task)]

    for seconds in (8.5, 0.25, 77, 0.25):
        crun.advance(seconds)
        seen.append(crun.status(task))

    assert seen == ["pending", "pending", "running", "running", "success"]


# --- the body of each state --------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "status"), [(0, "pending"), (10, "running")])
def test_an_unfinished_task_has_no_result(client: Client, seconds: int, status: str) -> None:
    crun = Crun(client)
    task = crun.started()
    if seconds:
        crun.advance(seconds)

    answer = crun.info(task)

    assert answer.verdict == (200, "success", shown(task, status))


def test_a_finished_song_has_two_tracks_and_their_files(client: Client) -> None:
    crun = Crun(client)
    task = crun.started()

    crun.advance(86)

    answer = crun.info(task)
    songs = songs_of(answer)
    urls = answer.data["result"]["media_urls"]
    result = {"media_urls": urls, "media_info": answer.data["result"]["media_info"], "suno_data": songs}
    assert answer.body == shown(task, "success", result=result, duration_s=86, complete_at=START + 86)
    assert len(songs) == 2
    for song in songs:
        assert_complete(song)
        assert song["suno_audio_url"] in urls
    assert songs[0]["suno_id"] != songs[1]["suno_id"]
    assert isinstance(result["media_info"], dict)
    assert len(set(urls)) == len(urls)


def assert_complete(song: Any) -> None:
    """A track with all its fields."""
    assert set(song) >= SONG_FIELDS
    assert re.fullmatch(UUID, song["suno_id"])
    assert song["title"] == "Midnight Neon"
    assert 36 <= song["duration"] <= 200
    assert is_media(song["suno_audio_url"], song["suno_id"], "mp3")
    assert is_media(song["suno_image_url"], song["suno_id"], "jpeg")
    assert is_media(song["suno_image_large_url"], song["suno_id"], "jpeg")


def test_looking_changes_nothing(crun: Crun) -> None:
    song = crun.finished()
    before = crun.info(song.task).body

    crun.advance(100 * 86400)

    assert crun.info(song.task).body == crun.info(song.task).body == before


def test_every_file_of_a_finished_song_can_be_fetched(crun: Crun) -> None:
    song = crun.finished()
    data = crun.info(song.task).data["result"]
    track = data["suno_data"][0]

    for url, type_ in (
        (track["suno_audio_url"], "audio/mpeg"),
        (track["suno_image_large_url"], "image/jpeg"),
    ):
        file = crun.download(url)
        assert (file.status_code, file.headers["content-type"]) == (200, type_)
        assert len(file.content) > 100
    for url in data["media_urls"]:
        assert crun.download(url).status_code == 200


def test_a_song_can_still_be_fetched_after_a_year(crun: Crun) -> None:
    song = crun.finished()

    crun.advance(365 * 86400)

    assert crun.download(songs_of(crun.info(song.task))[0]["suno_audio_url"]).status_code == 200
    assert crun.persona(*song.source).accepted


def test_the_request_is_shown_again_as_it_was_sent(crun: Crun) -> None:
    body = {
        "model": "suno/music-generate",
        "callback_url": "",
        "input": {**SIMPLE, "title": "Größe ☂", "madeUp": {"b": [1, None], "a": 2}},
    }

    task = task_of(crun.job("CreateTask", body))

    assert crun.info(task).data["param"] == body


@pytest.mark.parametrize("model", ["v4", "v4.5", "v4.5-plus", "v4.5-all", "v5", "v5.5"])
def test_each_model_sings(crun: Crun, model: str) -> None:
    song = crun.finished(model=model)

    data = crun.info(song.task).data

    assert data["status"] == "success"
    assert data["model_version"].startswith("sunov")
    assert crun.persona(*song.source).accepted


def test_the_callback_address_may_be_empty_null_or_absent(crun: Crun) -> None:
    for address in ({"callback_url": ""}, {"callback_url": None}, {}):
        task_of(crun.job("CreateTask", {"model": "suno/music-generate", "input": CUSTOM, **address}))


# --- failures ----------------------------------------------------------------------------------------------


def test_a_failing_song_walks_the_same_way_and_fails_half_way(client: Client) -> None:
    crun = Crun(client)
    answer = crun.generate(prefer="outcome=task-failed")
    task = task_of(answer)
    seen = [crun.status(task)]

    for seconds in (8.5, 0.25, 34, 0.25, 43, 9000):
        crun.advance(seconds)
        seen.append(crun.status(task))

    assert answer.outcome == "task-failed"
    assert seen == ["pending", "pending", "running", "running", "failed", "failed", "failed"]


def test_a_failed_song_says_why_and_was_free(client: Client) -> None:
    crun = Crun(client)
    task = crun.started(prefer="outcome=task-failed")

    crun.advance(43)

    assert crun.info(task).body == shown(
        task,
        "failed",
        result={"message": "Generation Failed"},
        duration_s=43,
        complete_at=START + 43,
        credits=0,
    )


def test_a_key_may_ask_for_failing_songs(make_client: MakeClient) -> None:
    crun = Crun(make_client(), key="mock-task-failed")

    answer = crun.generate()
    crun.advance(43)

    assert answer.outcome == "task-failed"
    assert crun.status(task_of(answer)) == "failed"


def test_a_planted_failure_has_the_words_it_was_given(crun: Crun) -> None:
    planted = crun.plant(status="failed", error={"code": "x", "message": "Lyrics were refused"})

    data = crun.info(planted["source_task"]).data

    assert (data["status"], data["result"]["message"]) == ("failed", "Lyrics were refused")


# --- a task that is not there ------------------------------------------------------------------------------


def test_an_unknown_task_is_not_found(client: Client) -> None:
    answer = Crun(client).info("task_12345678")

    assert answer.verdict == refused("not-found", 404, "Task not found")


def test_the_task_of_another_key_is_as_unknown(client: Client) -> None:
    owner, stranger = Crun(client, "owner"), Crun(client, "stranger")
    task = owner.started()

    answer = stranger.info(task)

    assert answer.body == {"code": 404, "message": "Task not found", "data": None}
    assert owner.status(task) == "pending"


def test_a_poll_without_a_task_says_which_field_is_missing(make_client: MakeClient) -> None:
    answer = Crun(make_client()).send("GET", "/api/v1/client/job/TaskInfo")

    assert (answer.status, answer.outcome, answer.code, answer.data) == (200, "invalid", 422, None)
    assert answer.body["message"] == "task_id is required"


# --- keys and sandboxes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/client/job/CreateTask"),
        ("GET", "/api/v1/client/job/TaskInfo?task_id=1"),
        ("POST", "/api/v1/client/job/suno-persona-generate"),
        ("POST", "/api/v1/client/job/EstimateTask"),
        ("POST", "/api/v1/client/job/estimate-credits"),
        ("GET", "/api/v1/client/account/balance"),
        ("GET", "/api/v1/client/job/Models"),
        ("GET", "/api/v1/client/job/Models/suno/music-generate"),
        ("GET", "/api/v1/client/files/upload-url?content_type=audio%2Fmpeg&ext=.mp3"),
    ],
)
@pytest.mark.parametrize("header", [{}, {"x-api-key": ""}, {"authorization": "Bearer k"}])
def test_a_call_without_a_key_is_refused(
    make_client: MakeClient, method: str, path: str, header: dict[str, str]
) -> None:
    crun = Crun(make_client(), key=None)

    answer = crun.send(method, path, headers=header, **({"json": {}} if method == "POST" else {}))

    assert answer.verdict == refused("unauthorized", 401, "Unauthorized")


def test_the_name_of_the_key_header_ignores_case(make_client: MakeClient) -> None:
    crun = Crun(make_client(), key=None)

    answer = crun.send("GET", "/api/v1/client/account/balance", headers={"X-API-KEY": "k"})

    assert answer.data == {"balance": 1000}


def test_what_one_key_makes_another_does_not_own(client: Client) -> None:
    owner, stranger = Crun(client, "owner"), Crun(client, "stranger")
    song = owner.finished()
    persona = owner.made_persona(song)

    assert stranger.info(song.task).code == 404
    assert stranger.persona(song.task, song.tracks[1]).outcome == "source-not-owned"
    assert stranger.extend(*song.source).outcome == "source-not-owned"
    assert stranger.generate(persona_id=persona).outcome == "persona-not-found"
    assert (owner.credits(), stranger.credits()) == (988, 1000)


def test_two_sandboxes_do_not_see_each_other(client: Client) -> None:
    here, there = Crun(client, sandbox="here"), Crun(client, sandbox="there")
    song = here.finished()
    persona = here.made_persona(song)

    assert there.info(song.task).code == 404
    assert there.persona(song.task, song.tracks[1]).outcome == "source-not-found"
    assert there.extend(*song.source).outcome == "source-not-found"
    assert there.generate(persona_id=persona).outcome == "persona-not-found"
    assert (here.credits(), there.credits()) == (988, 1000)
    assert there.tasks() == []
