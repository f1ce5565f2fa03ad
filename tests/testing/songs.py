"""Songs and personas over a handle's address: what a client of each provider sends, over real HTTP."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from mockserver.testing import PersonaMock
from tests.web.calls import credential
from tests.web.receiver import song
from tests.web.stories import poll

Json = Any

PROVIDERS = ("kie", "crun", "evolink", "yuto")
PERSONA_PATHS = {
    "kie": "/api/v1/generate/generate-persona",
    "crun": "/api/v1/client/job/suno-persona-generate",
    "evolink": "/v1/audios/generations",
    "yuto": "/suno/persona/create/",
}
TEXTS = {"name": "Neon Siren", "description": "A smoky late-night vocalist"}
# Nothing here is encrypted; making a context for each client takes longer than its calls.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@contextmanager
def client_of(mock: PersonaMock, **options: Any) -> Iterator[httpx2.Client]:
    """A client of the whole mock, over its port."""
    with httpx2.Client(**{"base_url": mock.url, "timeout": 10, "verify": NO_TLS, **options}) as client:
        yield client


def order(mock: PersonaMock, provider: str, url: str | None = None, *, key: str = "mock-key") -> str:
    """Submit a song; its task. kie wants a callback URL, so it gets one in any case."""
    named = url or ("https://example.com/callback" if provider == "kie" else None)
    with client_of(mock) as client:
        return song(client, provider, named, key=key)


def look(mock: PersonaMock, provider: str, task: str, *, key: str = "mock-key") -> Json:
    """What the provider's poll says of a task."""
    with client_of(mock) as client:
        return poll(client, provider, task, key).json()


def persona_body(provider: str, task: str, song: str) -> Json:
    """The request for a persona of a song."""
    if provider == "kie":
        return {"taskId": task, "audioId": song, **TEXTS}
    if provider == "crun":
        return {"task_id": task, "suno_id": song, **TEXTS}
    if provider == "evolink":
        params = {"source_task_id": task, "result_id": song, **TEXTS}
        return {"model": "suno-persona", "model_params": params}
    return {"root_clip_id": song, "clips": [song], "is_public": True, **TEXTS}


def make_persona(
    mock: PersonaMock, provider: str, task: str, song: str, *, key: str = "mock-key", **headers: str
) -> httpx2.Response:
    """Ask for a persona of a song, at the provider's own base URL."""
    with client_of(mock, base_url=mock.provider(provider).url) as client:
        return client.post(
            PERSONA_PATHS[provider],
            json=persona_body(provider, task, song),
            headers={**credential(provider, key), **headers},
        )


def threads_of_mocks() -> set[threading.Thread]:
    """The threads that servers, senders of callbacks and transports run on."""
    names = ("persona-mock", "agenda")
    return {one for one in threading.enumerate() if one.name.startswith(names)}


def run(story: Callable[[PersonaMock], object], **options: Any) -> None:
    """A story in a block of its own."""
    with PersonaMock(**options) as mock:
        story(mock)
