"""One call that each operation accepts, and what each of them can answer; written out by hand.

The ids in these calls are of nobody's tasks. `planted` makes the task they are about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import httpx2

from mockserver.domain.ports import Store
from mockserver.settings import Settings
from mockserver.web.app import create_app
from tests.conftest import Client

Body = dict[str, Any]

PROVIDERS = ("kie", "crun", "evolink", "yuto")
NOBODYS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Call:
    """A request that its document accepts."""

    method: str
    path: str
    json: Any = None


KIE_SONG: Body = {
    "prompt": "A calm piano piece for a rainy evening",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    "callBackUrl": "https://example.com/callback",
}
KIE_PERSONA: Body = {
    "taskId": "5c79be8e5c79be8e5c79be8e5c79be8e",
    "audioId": "e2317fd0-5c1e-4a6e-9a55-6f2b8cadc7dc",
    "name": "Electronic Pop Singer",
    "description": "A modern electronic music style pop singer",
}
CRUN_SONG: Body = {
    "model": "suno/music-generate",
    "callback_url": None,
    "input": {"mode": "simple", "model": "v5", "prompt": "A calm piano song about the first snow"},
}
CRUN_PERSONA: Body = {
    "task_id": "task_12345678",
    "suno_id": "suno_abc123",
    "name": "Neon Siren",
    "description": "A smoky, late-night R&B vocalist",
}
EVOLINK_SONG: Body = {"model": "suno-v5-beta", "prompt": "A cheerful summer pop song about road trips"}
EVOLINK_PERSONA: Body = {
    "model": "suno-persona",
    "model_params": {
        "source_task_id": "task-unified-1774169216-ocqaqde7",
        "result_id": "4fcc4507-a7ae-4441-ad8a-465c2f61d5bb",
        "name": "Electronic Pop Singer",
        "description": "Modern electronic style with energetic beats",
    },
}
YUTO_SONG: Body = {"gpt_description_prompt": "a slow song about the sea at night", "mv": "chirp-v4"}
YUTO_PERSONA: Body = {
    "root_clip_id": "54834687-5e79-4f08-8e14-cf188f15b598",
    "name": "Persona title",
    "description": "Persona Description",
    "clips": ["54834687-5e79-4f08-8e14-cf188f15b598"],
    "is_public": True,
}

# The ids that stand in these calls: of a task, and of one of its songs.
IDS = {
    "kie": ("5c79be8e5c79be8e5c79be8e5c79be8e", "e2317fd0-5c1e-4a6e-9a55-6f2b8cadc7dc"),
    "crun": ("task_12345678", "suno_abc123"),
    "evolink": ("task-unified-1774169216-ocqaqde7", "4fcc4507-a7ae-4441-ad8a-465c2f61d5bb"),
    "yuto": ("736a6f88-bd29-4b1e-b110-37132a5325ac", "54834687-5e79-4f08-8e14-cf188f15b598"),
}

CALLS = {
    ("kie", "generateMusic"): Call("POST", "/api/v1/generate", KIE_SONG),
    ("kie", "extendMusic"): Call(
        "POST",
        "/api/v1/generate/extend",
        {
            "defaultParamFlag": False,
            "audioId": "e2317fd0-5c1e-4a6e-9a55-6f2b8cadc7dc",
            "model": "V4",
            "callBackUrl": "https://example.com/callback",
        },
    ),
    ("kie", "uploadCover"): Call(
        "POST",
        "/api/v1/generate/upload-cover",
        {**KIE_SONG, "uploadUrl": "https://example.com/audio/source.mp3"},
    ),
    ("kie", "uploadExtend"): Call(
        "POST",
        "/api/v1/generate/upload-extend",
        {
            "uploadUrl": "https://example.com/audio/source.mp3",
            "defaultParamFlag": False,
            "instrumental": True,
            "prompt": "Go on in the same mood",
            "continueAt": 30,
            "model": "V4",
            "callBackUrl": "https://example.com/callback",
        },
    ),
    ("kie", "getMusicDetails"): Call(
        "GET", "/api/v1/generate/record-info?taskId=5c79be8e5c79be8e5c79be8e5c79be8e"
    ),
    ("kie", "generatePersona"): Call("POST", "/api/v1/generate/generate-persona", KIE_PERSONA),
    ("kie", "getCredits"): Call("GET", "/api/v1/chat/credit"),
    ("crun", "createTask"): Call("POST", "/api/v1/client/job/CreateTask", CRUN_SONG),
    ("crun", "getTaskInfo"): Call("GET", "/api/v1/client/job/TaskInfo?task_id=task_12345678"),
    ("crun", "generatePersona"): Call("POST", "/api/v1/client/job/suno-persona-generate", CRUN_PERSONA),
    ("crun", "estimateTask"): Call("POST", "/api/v1/client/job/EstimateTask", CRUN_SONG),
    ("crun", "estimateCredits"): Call("POST", "/api/v1/client/job/estimate-credits", CRUN_SONG),
    ("crun", "getBalance"): Call("GET", "/api/v1/client/account/balance"),
    ("crun", "listModels"): Call("GET", "/api/v1/client/job/Models?modality=audio"),
    ("crun", "getModel"): Call("GET", "/api/v1/client/job/Models/suno/music-generate"),
    ("crun", "getUploadUrl"): Call(
        "GET", "/api/v1/client/files/upload-url?content_type=audio%2Fmpeg&ext=.mp3"
    ),
    ("evolink", "generateMusic"): Call("POST", "/v1/audios/generations", EVOLINK_SONG),
    ("evolink", "generatePersona"): Call("POST", "/v1/audios/generations", EVOLINK_PERSONA),
    ("evolink", "getTask"): Call("GET", "/v1/tasks/task-unified-1774169216-ocqaqde7"),
    ("evolink", "getCredits"): Call("GET", "/v1/credits"),
    ("yuto", "submitMusic"): Call("POST", "/suno/submit/music", YUTO_SONG),
    ("yuto", "fetchTask"): Call("GET", "/suno/fetch/736a6f88-bd29-4b1e-b110-37132a5325ac"),
    ("yuto", "fetchTasks"): Call(
        "POST", "/suno/fetch", {"ids": ["736a6f88-bd29-4b1e-b110-37132a5325ac"], "action": "MUSIC"}
    ),
    ("yuto", "generatePersona"): Call("POST", "/suno/persona/create/", YUTO_PERSONA),
    ("yuto", "uploadAudioUrl"): Call(
        "POST", "/suno/uploads/audio-url", {"url": "https://example.com/audio/tape.mp3"}
    ),
    ("yuto", "submitConcat"): Call(
        "POST", "/suno/submit/concat", {"clip_id": "54834687-5e79-4f08-8e14-cf188f15b598", "is_infill": False}
    ),
    ("yuto", "submitLyrics"): Call("POST", "/suno/submit/lyrics", {"prompt": "dance"}),
    ("yuto", "generateLegacy"): Call("POST", "/suno/generate", YUTO_SONG),
    ("yuto", "getFeed"): Call("GET", "/suno/feed/54834687-5e79-4f08-8e14-cf188f15b598"),
}

VOCABULARY = (
    "success",
    "unauthorized",
    "insufficient-credits",
    "not-found",
    "invalid",
    "rate-limited",
    "access-denied",
    "maintenance",
    "generation-failed",
    "feature-disabled",
    "server-error",
    "source-not-found",
    "source-unfinished",
    "source-failed",
    "source-expired",
    "source-model-unsupported",
    "source-is-persona",
    "source-not-owned",
    "source-uploaded",
    "duplicate",
    "vocal-window",
    "persona-not-found",
    "task-failed",
)

_KIE_SONG = (
    "success unauthorized insufficient-credits not-found invalid rate-limited access-denied maintenance "
    "generation-failed feature-disabled server-error"
)
_CRUN = (
    "success unauthorized insufficient-credits not-found invalid rate-limited maintenance generation-failed "
    "feature-disabled server-error"
)
_EVOLINK = "success unauthorized insufficient-credits invalid rate-limited server-error"
_YUTO = "success unauthorized insufficient-credits invalid server-error"
_OUTCOMES = {
    ("kie", "generateMusic"): f"{_KIE_SONG} persona-not-found task-failed",
    ("kie", "extendMusic"): f"{_KIE_SONG} source-not-found source-not-owned persona-not-found task-failed",
    ("kie", "uploadCover"): f"{_KIE_SONG} persona-not-found task-failed",
    ("kie", "uploadExtend"): f"{_KIE_SONG} persona-not-found task-failed",
    (
        "kie",
        "getMusicDetails",
    ): "success unauthorized not-found invalid rate-limited access-denied maintenance server-error",
    ("kie", "generatePersona"): "success unauthorized insufficient-credits not-found invalid rate-limited "
    "access-denied maintenance server-error source-not-found source-unfinished source-failed source-expired "
    "source-model-unsupported source-not-owned duplicate vocal-window",
    ("kie", "getCredits"): "success unauthorized maintenance server-error",
    ("crun", "createTask"): f"{_CRUN} source-not-found source-unfinished source-failed source-not-owned "
    "persona-not-found task-failed",
    ("crun", "getTaskInfo"): _CRUN,
    ("crun", "generatePersona"): f"{_CRUN} source-not-found source-unfinished source-failed source-not-owned "
    "duplicate vocal-window",
    ("crun", "estimateTask"): _CRUN,
    ("crun", "estimateCredits"): _CRUN,
    ("crun", "getBalance"): _CRUN,
    ("crun", "listModels"): _CRUN,
    ("crun", "getModel"): _CRUN,
    ("crun", "getUploadUrl"): _CRUN,
    ("evolink", "generateMusic"): f"{_EVOLINK} persona-not-found task-failed",
    ("evolink", "generatePersona"): f"{_EVOLINK} source-not-found source-unfinished source-failed "
    "source-model-unsupported source-is-persona source-not-owned duplicate vocal-window task-failed",
    (
        "evolink",
        "getTask",
    ): "success unauthorized insufficient-credits not-found invalid rate-limited access-denied server-error",
    ("evolink", "getCredits"): "success unauthorized rate-limited server-error",
    ("yuto", "submitMusic"): f"{_YUTO} source-not-found source-not-owned persona-not-found task-failed",
    ("yuto", "fetchTask"): "success unauthorized not-found server-error",
    ("yuto", "fetchTasks"): "success unauthorized invalid server-error",
    ("yuto", "generatePersona"): f"{_YUTO} source-not-found source-unfinished source-failed source-not-owned "
    "source-uploaded",
    ("yuto", "uploadAudioUrl"): f"{_YUTO} task-failed",
    ("yuto", "submitConcat"): f"{_YUTO} source-not-found source-unfinished source-not-owned task-failed",
    ("yuto", "submitLyrics"): f"{_YUTO} task-failed",
    ("yuto", "generateLegacy"): f"{_YUTO} source-not-found source-not-owned persona-not-found task-failed",
    ("yuto", "getFeed"): "success unauthorized not-found invalid server-error",
}
OUTCOMES = {operation: tuple(names.split()) for operation, names in _OUTCOMES.items()}


def pairs(provider: str) -> Iterator[tuple[str, str]]:
    """Each operation of a provider with each of its outcomes."""
    return (
        (name, outcome) for (owner, name), found in OUTCOMES.items() if owner == provider for outcome in found
    )


def credential(provider: str, key: str) -> dict[str, str]:
    """The header in which a provider takes its key."""
    return {"x-api-key": key} if provider == "crun" else {"authorization": f"Bearer {key}"}


def planted(client: Client, provider: str, key: str = "k", **more: Any) -> dict[str, str]:
    """The finished task that the calls are about, made for this key: each id in them, and the real one."""
    answer = client.post("/_mock/tasks", json={"provider": provider, "key": key, "model": "4", **more})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    return dict(zip(IDS[provider], (made["source_task"], made["songs"][0]), strict=True))


def about(value: Any, ids: Mapping[str, str]) -> Any:
    """A body with other ids in it."""
    if isinstance(value, dict):
        return {name: about(item, ids) for name, item in value.items()}
    if isinstance(value, list):
        return [about(item, ids) for item in value]
    return ids.get(value, value) if isinstance(value, str) else value


def send(
    client: Client,
    provider: str,
    operation: str,
    *,
    key: str = "k",
    json: Any = None,
    ids: Any = NOBODYS,
    **headers: str,
) -> httpx2.Response:
    """The operation's call, its body and ids replaced where some are given; `prefer="…"` adds a header."""
    call = CALLS[provider, operation]
    body = about(call.json if json is None else json, ids)
    path = re.sub("[^/?&=]+", lambda part: ids.get(part[0], part[0]), call.path)
    options = {} if body is None else {"json": body}
    return client.request(call.method, path, headers={**credential(provider, key), **headers}, **options)


def shared_app(store: Store | None = None, **settings: Any) -> Any:
    """The four providers, for tests that share one application and keep to a sandbox each."""
    return create_app(Settings(seed=0, clock="virtual", verify_responses=True, **settings), store=store)


def in_sandbox(app: Any, test: str) -> Client:
    """A client whose calls all fall into the sandbox of one test."""
    return Client(app, {"x-mock-sandbox": sandbox_of(test)})


def sandbox_of(test: str) -> str:
    """A sandbox's name for one test."""
    return sha256(test.encode()).hexdigest()[:16]
