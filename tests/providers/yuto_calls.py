"""yuto called as its clients call it; bodies are those of its pages and its family's, written out by hand."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.conftest import Client
from tests.providers.plain import ALICE, Body, accepted, advance, bearer, planted, refused

SONG_SECONDS, OTHER_SECONDS = 90, 20
NO_TASK = "736a6f88-bd29-4b1e-b110-37132a5325ac"
NO_CLIP = "54834687-5e79-4f08-8e14-cf188f15b598"
NO_PERSONA = "fd213afd-ac1c-4822-9802-c1c0ea45e77b"

ABOUT: Body = {"gpt_description_prompt": "a slow song about the sea at night", "mv": "chirp-v4"}
LYRICS = "[Verse]\nSalt on the window\nLights on the bay"
CUSTOM: Body = {
    "mv": "chirp-v4",
    "prompt": LYRICS,
    "title": "noks noko wane",
    "tags": "electronic pop, tropical house fusion",
    "generation_type": "TEXT",
}
EXTEND: Body = {
    "task": "extend",
    "mv": "chirp-v4",
    "prompt": "[Chorus]\nStay till the morning",
    "continue_at": 80,
}
INFILL: Body = {
    "task": "infill",
    "mv": "chirp-v4",
    "prompt": "[Bridge]\nHold the line",
    "infill_start_s": 30,
    "infill_end_s": 45,
}
COVER: Body = {"task": "cover", "mv": "chirp-v4-tau", "prompt": LYRICS, "tags": "bossa nova"}
STEM: Body = {"task": "gen_stem", "mv": "chirp-auk", "prompt": "", "make_instrumental": True}
SUNG: Body = {
    "task": "artist_consistency",
    "mv": "chirp-v4-tau",
    "prompt": "[Verse]\nThe same voice, another night",
    "title": "Another Night",
    "tags": "electronic pop",
    "generation_type": "TEXT",
}
# The body of the persona page, but for the clip.
PERSONA: Body = {"name": "Persona title", "description": "Persona Description", "is_public": True}

CLIP_NOT_FOUND = {"code": "clip_not_found", "message": "clip_not_found", "data": None}
TASK_NOT_EXIST = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
NO_QUOTA = {"code": "insufficient_user_quota", "message": "user quota is not enough", "data": None}
UPSTREAM = {"code": "fail_to_fetch_task", "message": "upstream error: service unavailable", "data": None}
TAU_ONLY = (
    "mv must be one of chirp-v3-5-tau, chirp-v4-tau, chirp-auk, chirp-auk-turbo, chirp-bluejay, "
    "chirp-crow, chirp-fenix when task is artist_consistency"
)


# --- calls -------------------------------------------------------------------------------------------------


def post(client: Client, path: str, body: Any, key: str = ALICE, **headers: str) -> httpx2.Response:
    """A POST; `prefer="…"` adds a header."""
    return client.post(path, json=body, headers={**bearer(key), **headers})


def submit(client: Client, body: Any, key: str = ALICE, **headers: str) -> httpx2.Response:
    """Submit a song."""
    return post(client, "/suno/submit/music", body, key, **headers)


def generate(client: Client, body: Any, key: str = ALICE, **headers: str) -> httpx2.Response:
    """Submit a song at the older twin."""
    return post(client, "/suno/generate", body, key, **headers)


def fetch(client: Client, task: str, key: str = ALICE) -> httpx2.Response:
    """Look at a task."""
    return client.get(f"/suno/fetch/{task}", headers=bearer(key))


def fetch_all(client: Client, ids: list[str], key: str = ALICE, **more: Any) -> httpx2.Response:
    """Look at several tasks."""
    return post(client, "/suno/fetch", {"ids": ids, **more}, key)


def feed(client: Client, *clips: str, key: str = ALICE) -> httpx2.Response:
    """Look at clips."""
    return client.get(f"/suno/feed/{','.join(clips)}", headers=bearer(key))


def persona(client: Client, clip: str, key: str = ALICE, **fields: Any) -> httpx2.Response:
    """Make a persona of a clip; what is not given is as the page has it."""
    return post(client, "/suno/persona/create/", persona_body(clip, **fields), key)


def persona_body(clip: str, **fields: Any) -> Body:
    """The body of a persona call."""
    return {"root_clip_id": clip, **PERSONA, "clips": [clip], **fields}


# --- where a story begins ----------------------------------------------------------------------------------


def finished_song(client: Client, body: Body = CUSTOM, key: str = ALICE) -> tuple[str, Any, Any]:
    """Submit a song and wait for it: its task, and its two clips whole."""
    task = accepted(submit(client, body, key))["data"]
    advance(client, SONG_SECONDS)
    first, second = accepted(fetch(client, task, key))["data"]["data"]
    return task, first, second


def finished_clip(client: Client, key: str = ALICE) -> str:
    """The id of a finished clip."""
    made: str = finished_song(client, key=key)[1]["id"]
    return made


def upload(client: Client, key: str = ALICE) -> tuple[str, str]:
    """Bring in audio and wait for it: its task and its clip."""
    body = {"url": "https://example.com/audio/tape.mp3"}
    task = accepted(post(client, "/suno/uploads/audio-url", body, key))["data"]
    advance(client, OTHER_SECONDS)
    (clip,) = accepted(fetch(client, task, key))["data"]["data"]
    return task, clip["id"]


def failing_clip(client: Client, key: str = ALICE) -> str:
    """The id of a clip whose song is going to fail."""
    reply = generate(client, CUSTOM, key, prefer="outcome=task-failed")
    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (200, "task-failed"), reply.text
    clip: str = reply.json()[0]["id"]
    return clip


def plant(client: Client, **what: Any) -> tuple[str, str]:
    """Plant a source task, of alice's unless `key` says: its id and its first clip's."""
    task, clips = planted(client, provider="yuto", **what)
    return task, clips[0]


# --- what must hold of a reply -----------------------------------------------------------------------------


def invalid_request(message: str) -> Body:
    """The body of a refused request."""
    return {"code": "invalid_request", "message": message, "data": None}


def refused_as_invalid(reply: httpx2.Response, *named: str) -> None:
    """Fail unless the reply is an `invalid` whose message holds each of these words."""
    message = reply.json()["message"]
    refused(reply, 400, "invalid", invalid_request(message))
    assert [word for word in named if word not in message] == [], message


def refused_without_a_key(reply: httpx2.Response) -> None:
    """Fail unless the reply is the gateway's own 401."""
    error = reply.json()["error"]
    refused(reply, 401, "unauthorized", {"error": {**error, "type": "new_api_error", "code": ""}})
    assert set(error) == {"message", "type", "code"}
    assert " (request id: " in error["message"]
    assert error["message"].endswith(")")
