"""yuto: a song, its persona, and a song with that persona, as a client lives it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.conftest import Client, MakeClient
from tests.providers.plain import ALICE, BOB, START, UUID, accepted, advance, refused, tasks
from tests.providers.yuto_calls import (
    ABOUT,
    CUSTOM,
    LYRICS,
    NO_TASK,
    SUNG,
    TASK_NOT_EXIST,
    fetch,
    fetch_all,
    finished_song,
    persona,
    persona_body,
    plant,
    post,
    refused_without_a_key,
    submit,
)

# Seconds to wait since the last look, and what is shown then: up to the boundary, and at it.
SONG_MOMENTS = [
    (0, "NOT_START"),
    (4.25, "NOT_START"),
    (0.25, "SUBMITTED"),
    (4.25, "SUBMITTED"),
    (0.25, "QUEUED"),
    (13.25, "QUEUED"),
    (0.25, "IN_PROGRESS"),
    (31.25, "IN_PROGRESS"),
]


def media(clip: str, ending: str) -> str:
    """What a link to a file of this clip looks like."""
    return rf"http://127\.0\.0\.1:4010/_mock/media/yuto/{clip}/[a-z_-]+\.{ending}"


def percent(text: str) -> int:
    """A progress as a number."""
    assert re.fullmatch(r"(100|[1-9]?[0-9])%", text)
    return int(text[:-1])


# --- the ninety seconds of a song --------------------------------------------------------------------------


def test_a_submission_is_answered_with_a_task_id(client: Client) -> None:
    reply = accepted(submit(client, CUSTOM))

    assert reply == {"code": "success", "message": "", "data": reply["data"]}
    assert re.fullmatch(UUID, reply["data"])


def test_a_song_is_fetched_through_its_states(client: Client) -> None:
    advance(client, 0.5)
    task = accepted(submit(client, CUSTOM))["data"]

    for seconds, status in SONG_MOMENTS:
        advance(client, seconds)
        reply = accepted(fetch(client, task))
        assert reply == {"code": "success", "message": "", "data": reply["data"]}
        assert reply["data"] == {
            "task_id": task,
            "notify_hook": "",
            "action": "MUSIC",
            "status": status,
            "fail_reason": "",
            "submit_time": START,
            "start_time": START + 23 if status == "IN_PROGRESS" else 0,
            "finish_time": 0,
            "progress": reply["data"]["progress"],
            "data": [],
        }


def test_a_song_streams_before_it_is_done(client: Client) -> None:
    task = accepted(submit(client, CUSTOM))["data"]

    advance(client, 53.75)
    silent = accepted(fetch(client, task))["data"]
    advance(client, 0.25)
    first = accepted(fetch(client, task))["data"]
    advance(client, 35.75)
    last = accepted(fetch(client, task))["data"]

    assert (silent["status"], silent["data"]) == ("IN_PROGRESS", [])
    for shown in (first, last):
        assert (shown["status"], shown["finish_time"]) == ("IN_PROGRESS", 0)
        assert [clip["status"] for clip in shown["data"]] == ["streaming", "streaming"]
        assert all(clip["audio_url"] for clip in shown["data"])


def test_a_song_is_done_after_ninety_seconds(client: Client) -> None:
    task = accepted(submit(client, CUSTOM))["data"]
    advance(client, 90)

    shown = accepted(fetch(client, task))["data"]

    assert shown == {
        "task_id": task,
        "notify_hook": "",
        "action": "MUSIC",
        "status": "SUCCESS",
        "fail_reason": "",
        "submit_time": START,
        "start_time": START + 22,
        "finish_time": START + 90,
        "progress": "100%",
        "data": shown["data"],
    }
    assert [clip["status"] for clip in shown["data"]] == ["complete", "complete"]


def test_progress_is_a_text_that_only_grows(fresh: Client) -> None:
    task = accepted(submit(fresh, CUSTOM))["data"]

    shown = []
    for _ in range(19):
        shown.append(percent(accepted(fetch(fresh, task))["data"]["progress"]))
        advance(fresh, 5)

    assert shown == sorted(shown)
    assert (shown[0], shown[18]) == (0, 100)
    assert max(shown[:18]) < 100
    # IN_PROGRESS from 22.5 s on: what is shown there moves.
    assert shown[5] < shown[17]


def test_a_streaming_clip_is_the_one_that_gets_done(fresh: Client) -> None:
    task = accepted(submit(fresh, CUSTOM))["data"]
    advance(fresh, 54)
    streaming = accepted(fetch(fresh, task))["data"]["data"]
    advance(fresh, 36)

    done = accepted(fetch(fresh, task))["data"]["data"]

    for name in ("id", "title", "model_name", "major_model_version"):
        assert [clip[name] for clip in done] == [clip[name] for clip in streaming]


def test_a_finished_clip_is_as_the_persona_page_shows_one(client: Client) -> None:
    _, *clips = finished_song(client)

    assert len({clip["id"] for clip in clips}) == 2
    for clip in clips:
        well_formed(clip)


def well_formed(clip: Any) -> None:
    """Fail unless this finished clip has the page's fields, with what was asked for in them."""
    told = {
        "model_name": "chirp-v4",
        "major_model_version": "v4",
        "is_liked": False,
        "is_handle_updated": False,
        "is_trashed": False,
        "status": "complete",
        "title": "noks noko wane",
        "play_count": 0,
        "upvote_count": 0,
        "is_public": False,
    }
    assert {name: clip[name] for name in told} == told
    made = {"tags": CUSTOM["tags"], "prompt": LYRICS, "type": "gen", "refund_credits": False, "stream": True}
    assert {name: clip["metadata"][name] for name in made} == made
    assert 36 <= clip["metadata"]["duration"] <= 200
    assert re.fullmatch(UUID, clip["id"])
    assert re.fullmatch(UUID, clip["user_id"])
    assert clip["display_name"]
    assert clip["handle"]
    assert re.fullmatch(r"2026-01-01T00:0[01]:[0-9]{2}\.[0-9]{3}Z", clip["created_at"])
    linked(clip)


def linked(clip: Any) -> None:
    """Fail unless the links of a clip lead to the mock."""
    assert re.fullmatch(media(clip["id"], "mp3"), clip["audio_url"])
    assert re.fullmatch(media(clip["id"], "mp4"), clip["video_url"])
    assert re.fullmatch(media(clip["id"], "jpeg"), clip["image_url"])
    assert re.fullmatch(media(clip["id"], "jpeg"), clip["image_large_url"])
    assert re.fullmatch(media(r"[^/]+", "webp"), clip["avatar_image_url"])


def test_a_clip_tells_the_newer_fields_too(fresh: Client) -> None:
    _, clip, _ = finished_song(fresh)

    newer = {
        "clip_id": clip["id"],
        "state": "succeeded",
        "duration": clip["metadata"]["duration"],
        "tags": CUSTOM["tags"],
        "prompt": LYRICS,
    }

    assert {name: clip[name] for name in newer} == newer


@pytest.mark.parametrize(
    ("mv", "version"),
    [
        ("chirp-v3-5", "v3.5"),
        ("chirp-v4", "v4"),
        ("chirp-auk", "v4.5"),
        ("chirp-auk-turbo", "v4.5-all"),
        ("chirp-bluejay", "v4.5+"),
        ("chirp-crow", "v5"),
        ("chirp-fenix", "v5.5"),
    ],
)
def test_a_clip_names_its_model_twice(fresh: Client, mv: str, version: str) -> None:
    _, clip, _ = finished_song(fresh, {**CUSTOM, "mv": mv})

    assert (clip["model_name"], clip["major_model_version"]) == (mv, version)


def test_a_song_without_a_model_is_made_by_the_gateways_default(fresh: Client) -> None:
    _, clip, _ = finished_song(fresh, {"gpt_description_prompt": "an anthem", "make_instrumental": True})

    assert clip["model_name"] == "chirp-v3-0"


def test_a_song_from_a_description_is_given_a_title_and_remembers_what_it_is_about(
    fresh: Client,
) -> None:
    _, clip, _ = finished_song(fresh, ABOUT)

    assert clip["metadata"]["gpt_description_prompt"] == "a slow song about the sea at night"
    assert clip["title"].strip()
    assert clip["metadata"]["tags"].strip()


def test_every_link_of_a_clip_downloads(fresh: Client) -> None:
    _, *clips = finished_song(fresh)

    for clip in clips:
        for name, kind in {
            "audio_url": "audio/mpeg",
            "video_url": "video/mp4",
            "image_url": "image/jpeg",
            "image_large_url": "image/jpeg",
            "avatar_image_url": "image/webp",
        }.items():
            reply = fresh.get(clip[name])
            assert (name, reply.status_code, reply.headers["content-type"]) == (name, 200, kind)


def test_a_streaming_clip_can_be_listened_to(fresh: Client) -> None:
    task = accepted(submit(fresh, CUSTOM))["data"]
    advance(fresh, 54)

    for clip in accepted(fetch(fresh, task))["data"]["data"]:
        reply = fresh.get(clip["audio_url"])
        assert (reply.status_code, reply.headers["content-type"]) == (200, "audio/mpeg")


def test_links_never_die(fresh: Client) -> None:
    _, clip, _ = finished_song(fresh)

    advance(fresh, 365 * 24 * 3600)

    assert fresh.get(clip["audio_url"]).status_code == 200
    accepted(persona(fresh, clip["id"]))


def test_a_callback_address_is_shown_in_the_task(fresh: Client) -> None:
    hook = "https://example.com/hooks/suno"

    task = accepted(submit(fresh, {**CUSTOM, "notify_hook": hook}))["data"]

    assert accepted(fetch(fresh, task))["data"]["notify_hook"] == hook


# --- a task that fails -------------------------------------------------------------------------------------


def test_a_failing_song_fails_at_half_its_time(fresh: Client) -> None:
    reply = submit(fresh, CUSTOM, prefer="outcome=task-failed")
    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (200, "task-failed")
    task = reply.json()["data"]

    advance(fresh, 44.75)
    before = accepted(fetch(fresh, task))["data"]
    advance(fresh, 0.25)
    after = accepted(fetch(fresh, task))["data"]

    assert (before["status"], before["fail_reason"], before["finish_time"]) == ("IN_PROGRESS", "", 0)
    assert after == {
        "task_id": task,
        "notify_hook": "",
        "action": "MUSIC",
        "status": "FAILURE",
        "fail_reason": "the music could not be generated",
        "submit_time": START,
        "start_time": START + 22,
        "finish_time": START + 45,
        "progress": "100%",
        "data": after["data"],
    }


def test_the_clips_of_a_failed_song_say_why(fresh: Client) -> None:
    task = submit(fresh, CUSTOM, prefer="outcome=task-failed").json()["data"]
    advance(fresh, 45)

    shown = accepted(fetch(fresh, task))["data"]

    for clip in shown["data"]:
        assert (clip["status"], clip["audio_url"], clip["video_url"]) == ("error", "", "")
        assert clip["metadata"]["refund_credits"] is True
        assert clip["metadata"]["error_message"] == shown["fail_reason"]
    assert shown["data"]


def test_a_key_and_a_queued_outcome_let_a_task_fail_as_well(fresh: Client) -> None:
    fresh.post("/_mock/outcomes", json={"provider": "yuto", "outcome": "task-failed"})
    queued = submit(fresh, CUSTOM)
    usual = submit(fresh, CUSTOM)
    by_key = submit(fresh, CUSTOM, "mock-task-failed")

    advance(fresh, 90)

    outcomes = [reply.headers["x-mock-outcome"] for reply in (queued, usual, by_key)]
    assert outcomes == ["task-failed", "success", "task-failed"]
    assert accepted(fetch(fresh, queued.json()["data"]))["data"]["status"] == "FAILURE"
    assert accepted(fetch(fresh, usual.json()["data"]))["data"]["status"] == "SUCCESS"
    failed = accepted(fetch(fresh, by_key.json()["data"], "mock-task-failed"))
    assert failed["data"]["status"] == "FAILURE"


def test_a_planted_failure_shows_its_reason(fresh: Client) -> None:
    error = {"code": "moderated", "message": "the lyrics were refused"}
    task, _ = plant(fresh, status="failed", error=error)

    shown = accepted(fetch(fresh, task))["data"]

    assert (shown["status"], shown["fail_reason"]) == ("FAILURE", "the lyrics were refused")


# --- the persona, and what is sung with it -----------------------------------------------------------------


@pytest.mark.parametrize("path", ["/suno/persona/create/", "/suno/persona/create"])
def test_a_finished_clip_becomes_a_persona_at_once(client: Client, path: str) -> None:
    _, clip, _ = finished_song(client)

    made = accepted(post(client, path, persona_body(clip["id"])))

    assert made == {
        "id": made["id"],
        "name": "Persona title",
        "description": "Persona Description",
        "root_clip_id": clip["id"],
        "clip": clip,
        "user_display_name": clip["display_name"],
        "user_handle": clip["handle"],
        "user_image_url": clip["avatar_image_url"],
        "persona_clips": [{"clip": clip, "id": made["persona_clips"][0]["id"]}],
    }
    assert re.fullmatch(UUID, made["id"])
    assert type(made["persona_clips"][0]["id"]) is int


def test_song_persona_second_persona_and_a_song_with_the_persona(client: Client) -> None:
    _, clip, _ = finished_song(client)

    first = accepted(persona(client, clip["id"]))
    second = accepted(persona(client, clip["id"]))
    _, sung, _ = finished_song(client, {**SUNG, "persona_id": first["id"], "artist_clip_id": clip["id"]})

    assert first["id"] != second["id"]
    assert (sung["status"], sung["title"], sung["model_name"]) == (
        "complete",
        "Another Night",
        "chirp-v4-tau",
    )
    assert sung["id"] != clip["id"]


def test_a_persona_adds_no_task(fresh: Client) -> None:
    _, clip, _ = finished_song(fresh)

    accepted(persona(fresh, clip["id"]))

    assert len(tasks(fresh)) == 1


def test_the_same_calls_on_the_same_seed_are_answered_the_same(make_client: MakeClient) -> None:
    one, other, third = make_client(seed=7), make_client(seed=7), make_client(seed=8)

    told = story(one)

    assert told == story(other)
    assert told != story(third)


def story(client: Client) -> list[bytes]:
    """Every body of a short life."""
    task, clip, _ = finished_song(client)
    made = persona(client, clip["id"])
    use = {**SUNG, "persona_id": made.json()["id"], "artist_clip_id": clip["id"]}
    return [fetch(client, task).content, made.content, submit(client, use).content]


# --- looking at a task -------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [NO_TASK, "1", "task-unified-xxx"])
def test_an_unknown_task_does_not_exist(fresh: Client, task: str) -> None:
    refused(fetch(fresh, task), 400, "not-found", TASK_NOT_EXIST)


def test_another_keys_task_does_not_exist_either(fresh: Client) -> None:
    task = accepted(submit(fresh, CUSTOM, ALICE))["data"]

    refused(fetch(fresh, task, BOB), 400, "not-found", TASK_NOT_EXIST)


def test_a_fetch_needs_a_key(fresh: Client) -> None:
    task = accepted(submit(fresh, CUSTOM))["data"]

    refused_without_a_key(fresh.get(f"/suno/fetch/{task}"))
    refused_without_a_key(fresh.post("/suno/fetch", json={"ids": [task]}))


def test_looking_changes_nothing(make_client: MakeClient) -> None:
    client, twin = make_client(), make_client()
    task = accepted(submit(client, CUSTOM))["data"]
    accepted(submit(twin, CUSTOM))

    for _ in range(3):
        fetch(client, task)
        fetch_all(client, [task])

    assert accepted(submit(client, CUSTOM)) == accepted(submit(twin, CUSTOM))
