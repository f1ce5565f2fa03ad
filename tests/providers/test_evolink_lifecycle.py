"""evolink: a song, its persona, and a song with that persona, as a client lives it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.conftest import Client, MakeClient
from tests.providers.evolink_calls import (
    BASIC,
    CUSTOM,
    NO_TASK,
    PERSONA_ID,
    SIMPLE,
    TASK_ID,
    UNAUTHORIZED,
    WITH_WINDOW,
    finished_persona,
    finished_song,
    invalid_request,
    order,
    persona,
    plant,
    poll,
    refused,
)
from tests.providers.plain import ALICE, START, UUID, accepted, advance, bearer, tasks

SONG_USAGE = {"billing_rule": "per_call", "credits_reserved": 10, "user_group": "default"}
PERSONA_USAGE = {"billing_rule": "per_call", "credits_reserved": 1, "user_group": "default"}

# Seconds to wait since the last look, and what is shown then: up to the boundary, and at it.
SONG_MOMENTS = [
    (0, "pending", 0),
    (11.75, "pending", 0),
    (0.25, "processing", 30),
    (35.75, "processing", 30),
    (0.25, "processing", 60),
    (47.75, "processing", 60),
    (0.25, "processing", 90),
    (23.75, "processing", 90),
]
PERSONA_MOMENTS = [
    (0, "pending", 0),
    (1.25, "pending", 0),
    (0.25, "processing", 30),
    (4.25, "processing", 30),
    (0.25, "processing", 60),
    (5.75, "processing", 60),
    (0.25, "processing", 90),
    (2.75, "processing", 90),
]


def media(song: str, ending: str) -> str:
    """What a link to a file of this song looks like."""
    return rf"http://127\.0\.0\.1:4010/_mock/media/evolink/{song}/[a-z_-]+\.{ending}"


# --- an order ----------------------------------------------------------------------------------------------


def test_a_song_order_is_answered_with_a_pending_task(client: Client) -> None:
    task = accepted(order(client, SIMPLE))

    assert task == {
        "created": START,
        "id": task["id"],
        "model": "suno-v5-beta",
        "object": "audio.generation.task",
        "progress": 0,
        "status": "pending",
        "task_info": {"can_cancel": True, "estimated_time": 120},
        "type": "audio",
        "usage": SONG_USAGE,
    }
    assert re.fullmatch(TASK_ID, task["id"])


def test_the_digits_of_a_task_id_are_the_second_of_its_order(fresh: Client) -> None:
    advance(fresh, 90.75)

    task = accepted(order(fresh, SIMPLE))

    assert task["created"] == START + 90
    assert re.fullmatch(f"task-unified-{START + 90}-[a-z0-9]{{8}}", task["id"])


def test_tasks_of_one_second_have_ids_of_their_own(fresh: Client) -> None:
    ids = {accepted(order(fresh, SIMPLE))["id"] for _ in range(5)}

    assert len(ids) == 5


# --- the two minutes of a song -----------------------------------------------------------------------------


def test_a_song_is_polled_through_its_states(client: Client) -> None:
    ordered = accepted(order(client, SIMPLE))

    for seconds, status, progress in SONG_MOMENTS:
        advance(client, seconds)
        shown = accepted(poll(client, ordered["id"]))
        assert shown == {**ordered, "status": status, "progress": progress}

    advance(client, 0.25)
    assert accepted(poll(client, ordered["id"]))["status"] == "completed"


def test_a_completed_song_shows_its_two_songs_and_where_they_are(client: Client) -> None:
    ordered = accepted(order(client, CUSTOM))
    advance(client, 120)

    task = accepted(poll(client, ordered["id"]))

    songs = task["result_data"]["songs"]
    assert task == {
        **ordered,
        "progress": 100,
        "status": "completed",
        "results": [songs[0]["audio_url"], songs[1]["audio_url"]],
        "result_data": {"songs": songs},
        "task_info": {"can_cancel": False},
    }
    assert len({song["result_id"] for song in songs}) == 2
    for song in songs:
        well_formed(song, title="Summer Dreams", tags="pop, electronic, upbeat, female vocals")


def well_formed(song: Any, *, title: str, tags: str) -> None:
    """Fail unless this is a song as a completed task shows it."""
    assert song == {
        "result_id": song["result_id"],
        "title": title,
        "tags": tags,
        "duration": song["duration"],
        "audio_url": song["audio_url"],
        "stream_audio_url": song["stream_audio_url"],
        "image_url": song["image_url"],
    }
    assert re.fullmatch(UUID, song["result_id"])
    assert 36 <= song["duration"] <= 200
    assert re.fullmatch(media(song["result_id"], "mp3"), song["audio_url"])
    assert re.fullmatch(media(song["result_id"], "mp3"), song["stream_audio_url"])
    assert re.fullmatch(media(song["result_id"], "jpeg"), song["image_url"])


def test_a_song_from_one_sentence_is_given_a_title_and_tags(fresh: Client) -> None:
    task, *_ = finished_song(fresh, SIMPLE)

    for song in accepted(poll(fresh, task))["result_data"]["songs"]:
        assert song["title"].strip()
        assert song["tags"].strip()


def test_a_finished_song_stays_as_it_is(fresh: Client) -> None:
    task, *_ = finished_song(fresh)
    before = accepted(poll(fresh, task))

    advance(fresh, 3600)

    assert accepted(poll(fresh, task)) == before


def test_every_link_of_a_song_downloads(fresh: Client) -> None:
    task, *_ = finished_song(fresh)
    shown = accepted(poll(fresh, task))

    links = dict.fromkeys(shown["results"], "audio/mpeg")
    for song in shown["result_data"]["songs"]:
        links |= {song["audio_url"]: "audio/mpeg", song["stream_audio_url"]: "audio/mpeg"}
        links |= {song["image_url"]: "image/jpeg"}

    for url, kind in links.items():
        reply = fresh.get(url)
        assert (reply.status_code, reply.headers["content-type"]) == (200, kind)
        assert len(reply.content) > 100


# --- a task that fails -------------------------------------------------------------------------------------


def test_a_failing_song_fails_at_half_its_time(fresh: Client) -> None:
    reply = order(fresh, SIMPLE, prefer="outcome=task-failed")
    ordered = reply.json()
    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (200, "task-failed")

    advance(fresh, 59.75)
    assert accepted(poll(fresh, ordered["id"])) == {**ordered, "status": "processing", "progress": 60}
    advance(fresh, 0.25)

    assert accepted(poll(fresh, ordered["id"])) == {
        **ordered,
        "progress": 60,
        "status": "failed",
        "task_info": {"can_cancel": False},
        "error": {
            "code": "service_error",
            "message": "The music service is temporarily unavailable. Please try again later.",
            "type": "task_error",
        },
    }


@pytest.mark.parametrize("code", ["content_policy_violation", "generation_timeout", "request_cancelled"])
def test_a_planted_failure_shows_its_code(fresh: Client, code: str) -> None:
    task, _ = plant(fresh, status="failed", error=code)

    error = accepted(poll(fresh, task))["error"]

    assert (error["code"], error["type"]) == (code, "task_error")
    assert error["message"]


def test_a_key_and_a_queued_outcome_let_a_task_fail_as_well(fresh: Client) -> None:
    fresh.post("/_mock/outcomes", json={"provider": "evolink", "outcome": "task-failed"})
    queued = order(fresh, SIMPLE)
    usual = order(fresh, SIMPLE)
    by_key = order(fresh, SIMPLE, "mock-task-failed")

    advance(fresh, 120)

    outcomes = [reply.headers["x-mock-outcome"] for reply in (queued, usual, by_key)]
    assert outcomes == ["task-failed", "success", "task-failed"]
    assert accepted(poll(fresh, queued.json()["id"]))["status"] == "failed"
    assert accepted(poll(fresh, usual.json()["id"]))["status"] == "completed"
    assert accepted(poll(fresh, by_key.json()["id"], "mock-task-failed"))["status"] == "failed"


# --- a persona ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("params", [BASIC, WITH_WINDOW], ids=["basic", "with_vocal_range"])
def test_a_persona_order_is_answered_with_a_pending_task(fresh: Client, params: Any) -> None:
    task, song, _ = finished_song(fresh)

    ordered = accepted(persona(fresh, task, song, **params))

    assert ordered == {
        "created": START + 120,
        "id": ordered["id"],
        "model": "suno-persona",
        "object": "audio.generation.task",
        "progress": 0,
        "status": "pending",
        "task_info": {"can_cancel": False, "estimated_time": 15},
        "type": "audio",
        "usage": PERSONA_USAGE,
    }
    assert re.fullmatch(f"task-unified-{START + 120}-[a-z0-9]{{8}}", ordered["id"])


def test_a_persona_is_polled_through_its_states(client: Client) -> None:
    task, song, _ = finished_song(client)
    ordered = accepted(persona(client, task, song))

    for seconds, status, progress in PERSONA_MOMENTS:
        advance(client, seconds)
        shown = accepted(poll(client, ordered["id"]))
        assert shown == {**ordered, "status": status, "progress": progress}

    advance(client, 0.25)
    done = accepted(poll(client, ordered["id"]))
    assert done == {
        **ordered,
        "progress": 100,
        "status": "completed",
        "results": [],
        "result_data": {"persona_id": done["result_data"]["persona_id"]},
        "task_info": {"can_cancel": False},
    }
    assert re.fullmatch(PERSONA_ID, done["result_data"]["persona_id"])


def test_a_failing_persona_fails_at_half_its_time(fresh: Client) -> None:
    task, song, _ = finished_song(fresh)
    body = {
        "model": "suno-persona",
        "model_params": {"source_task_id": task, "result_id": song, **BASIC},
    }
    ordered = order(fresh, body, prefer="outcome=task-failed").json()

    advance(fresh, 7.25)
    assert accepted(poll(fresh, ordered["id"])) == {**ordered, "status": "processing", "progress": 60}
    advance(fresh, 0.25)
    failed = accepted(poll(fresh, ordered["id"]))

    assert (failed["status"], failed["error"]["code"]) == ("failed", "service_error")
    assert "result_data" not in failed


# --- the whole story ---------------------------------------------------------------------------------------


def test_song_persona_refused_second_persona_and_a_song_with_the_persona(client: Client) -> None:
    task, first, second = finished_song(client, CUSTOM)

    sung_by = finished_persona(client, task, first)
    again = persona(client, task, first)
    other = finished_persona(client, task, second)
    used = accepted(order(client, {**CUSTOM, "persona_id": sung_by, "persona_model": "voice_persona"}))
    advance(client, 120)

    message = f"A Persona has already been created from this result_id: {first}"
    refused(again, 400, "duplicate", invalid_request(message))
    assert other != sung_by
    assert accepted(poll(client, used["id"]))["status"] == "completed"


def test_the_same_calls_on_the_same_seed_are_answered_the_same(make_client: MakeClient) -> None:
    one, other = make_client(seed=7), make_client(seed=7)

    assert story(one) == story(other)


def test_another_seed_gives_other_ids(make_client: MakeClient) -> None:
    one, other = make_client(seed=7), make_client(seed=8)

    assert order(one, SIMPLE).json()["id"] != order(other, SIMPLE).json()["id"]


def story(client: Client) -> list[bytes]:
    """Every body of a short life."""
    task, song, _ = finished_song(client)
    ordered = persona(client, task, song)
    advance(client, 15)
    done = poll(client, ordered.json()["id"])
    used = order(client, {**CUSTOM, "persona_id": done.json()["result_data"]["persona_id"]})
    return [poll(client, task).content, ordered.content, done.content, used.content]


# --- looking at a task -------------------------------------------------------------------------------------


def test_a_poll_needs_a_key_and_says_so_in_the_words_of_its_page(fresh: Client) -> None:
    task = accepted(order(fresh, SIMPLE))["id"]

    reply = fresh.get(f"/v1/tasks/{task}")

    refused(reply, 401, "unauthorized", {**UNAUTHORIZED, "message": "Authentication required"})


def test_another_keys_task_may_not_be_looked_at(fresh: Client) -> None:
    task = accepted(order(fresh, SIMPLE, ALICE))["id"]

    reply = poll(fresh, task, "key-of-bob")

    error = {
        "code": "permission_denied",
        "message": "You don't have permission to access this task",
        "type": "invalid_request_error",
    }
    refused(reply, 403, "access-denied", error)


@pytest.mark.parametrize("task", [NO_TASK, "task-unified-xxx", "task-unified-"])
def test_an_unknown_task_is_not_found(fresh: Client, task: str) -> None:
    error = {
        "code": "task_not_found",
        "message": "The requested task could not be found",
        "type": "invalid_request_error",
    }
    refused(poll(fresh, task), 404, "not-found", error)


@pytest.mark.parametrize("task", ["1774169216-ocqaqde7", "Task-Unified-1774169216-ocqaqde7", NO_TASK[1:]])
def test_an_id_without_the_prefix_is_no_task_id(fresh: Client, task: str) -> None:
    error = {
        "code": "invalid_task_id",
        "message": "Invalid task ID format, must start with 'task-unified-'",
        "type": "invalid_request_error",
        "param": "task_id",
    }
    refused(poll(fresh, task), 400, "invalid", error)


def test_an_id_without_the_prefix_needs_a_key_first(fresh: Client) -> None:
    reply = fresh.get("/v1/tasks/ocqaqde7")

    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (401, "unauthorized")


def test_looking_changes_nothing(make_client: MakeClient) -> None:
    client, twin = make_client(), make_client()
    task = accepted(order(client, SIMPLE))["id"]
    accepted(order(twin, SIMPLE))

    for _ in range(3):
        poll(client, task)
        client.get("/v1/credits", headers=bearer(ALICE))

    assert len(tasks(client)) == 1
    assert accepted(order(client, SIMPLE)) == accepted(order(twin, SIMPLE))
