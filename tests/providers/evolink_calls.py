"""evolink called as its clients call it; bodies are those of its pages, written out by hand."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.conftest import Client
from tests.providers import plain
from tests.providers.plain import ALICE, Body, accepted, advance, bearer, planted

SONG_SECONDS, PERSONA_SECONDS = 120, 15
NO_TASK = "task-unified-1774169216-ocqaqde7"
NO_SONG = "4fcc4507-a7ae-4441-ad8a-465c2f61d5bb"
NO_PERSONA = "5c57d49ef834110496fae5aa14fec441"

TASK_ID = r"task-unified-[0-9]{10}-[a-z0-9]{8}"
PERSONA_ID = r"[0-9a-f]{32}"

SIMPLE: Body = {
    "model": "suno-v5-beta",
    "prompt": "A cheerful summer pop song about road trips and freedom",
}
CUSTOM: Body = {
    "model": "suno-v5-beta",
    "custom_mode": True,
    "instrumental": False,
    "prompt": "[Verse]\nWindows down and nowhere to be\n[Chorus]\nSummer is calling",
    "style": "pop, electronic, upbeat, female vocals",
    "title": "Summer Dreams",
}
# The two examples of the persona page, but for the two ids.
BASIC: Body = {
    "name": "Electronic Pop Singer",
    "description": "Modern electronic style with energetic beats and synthesizer tones for dance music",
}
WITH_WINDOW: Body = {
    "name": "Jazz Vocalist",
    "description": "Smooth jazz vocal style with warm tones and "
    "improvisational flair suitable for lounge music",
    "vocal_start": 15,
    "vocal_end": 35,
    "style": "jazz",
}

UNAUTHORIZED = {"code": "unauthorized", "message": "Invalid or expired token", "type": "authentication_error"}
NO_CREDITS = {
    "code": "insufficient_quota",
    "message": "Insufficient quota. Please top up your account.",
    "type": "insufficient_quota",
}
SERVER_ERROR = {"code": "internal_error", "message": "Internal server error", "type": "api_error"}
WINDOW = "vocal_end - vocal_start must be between 10 and 30 seconds"


# --- calls -------------------------------------------------------------------------------------------------


def order(client: Client, body: Any, key: str = ALICE, **headers: str) -> httpx2.Response:
    """Order a song or a persona; `prefer="…"` adds a header."""
    return client.post("/v1/audios/generations", json=body, headers={**bearer(key), **headers})


def poll(client: Client, task: str, key: str = ALICE) -> httpx2.Response:
    """Look at a task."""
    return client.get(f"/v1/tasks/{task}", headers=bearer(key))


def persona(client: Client, task: str, song: str, key: str = ALICE, **params: Any) -> httpx2.Response:
    """Order a persona of a song; what is not given is the page's basic example."""
    return order(client, persona_body(task, song, **params), key)


def persona_body(task: str, song: str, **params: Any) -> Body:
    """The body of a persona order."""
    return {
        "model": "suno-persona",
        "model_params": {"source_task_id": task, "result_id": song, **BASIC, **params},
    }


# --- where a story begins ----------------------------------------------------------------------------------


def finished_song(client: Client, body: Body = SIMPLE, key: str = ALICE) -> tuple[str, str, str]:
    """Order a song and wait for it: its task, its first song, its second."""
    task = accepted(order(client, body, key))["id"]
    advance(client, SONG_SECONDS)
    songs = accepted(poll(client, task, key))["result_data"]["songs"]
    return task, songs[0]["result_id"], songs[1]["result_id"]


def finished_persona(client: Client, task: str, song: str, key: str = ALICE) -> str:
    """Order a persona of a song and wait for it."""
    ordered = accepted(persona(client, task, song, key))["id"]
    advance(client, PERSONA_SECONDS)
    made: str = accepted(poll(client, ordered, key))["result_data"]["persona_id"]
    return made


def plant(client: Client, **what: Any) -> tuple[str, str]:
    """Plant a source task, of alice's unless `key` says: its id, and a song's (an unknown one if none)."""
    task, songs = planted(client, provider="evolink", **what)
    return task, songs[0] if songs else NO_SONG


# --- what must hold of a reply -----------------------------------------------------------------------------


def refused(reply: httpx2.Response, status: int, outcome: str, error: Body) -> None:
    """Fail unless the reply is this refusal, to the last field."""
    plain.refused(reply, status, outcome, {"error": error})


def invalid_request(message: str) -> Body:
    """The error object of a refused order."""
    return {"code": "invalid_request", "message": message, "type": "invalid_request_error"}


def refused_as_invalid(reply: httpx2.Response, *named: str) -> None:
    """Fail unless the reply is an `invalid` whose message holds each of these words."""
    message = reply.json()["error"]["message"]
    refused(reply, 400, "invalid", invalid_request(message))
    assert [word for word in named if word not in message] == [], message
