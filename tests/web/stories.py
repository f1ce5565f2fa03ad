"""The four providers seen side by side: kinds, states and polls, and one story told over all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.web.calls import credential

Json = Any
Send = Callable[..., httpx2.Response]

NEUTRAL = ("waiting", "running", "finished", "failed")
KINDS = {
    "kie": ("generate", "extend", "upload-cover", "upload-extend"),
    "crun": ("generate", "extend", "upload-extend", "upload-cover", "video", "sounds", "vocals"),
    "evolink": ("generate", "persona"),
    "yuto": (
        "generate", "extend", "upload-extend", "cover", "infill", "stems", "upload", "concat", "lyrics",
    ),
}  # fmt: skip
STATES = {
    "kie": {
        "PENDING": "waiting",
        "TEXT_SUCCESS": "running",
        "FIRST_SUCCESS": "running",
        "SUCCESS": "finished",
        "CREATE_TASK_FAILED": "failed",
        "GENERATE_AUDIO_FAILED": "failed",
        "CALLBACK_EXCEPTION": "failed",
        "SENSITIVE_WORD_ERROR": "failed",
    },
    "crun": {"pending": "waiting", "running": "running", "success": "finished", "failed": "failed"},
    "evolink": {
        "pending": "waiting",
        "processing": "running",
        "completed": "finished",
        "failed": "failed",
    },
    "yuto": {
        "NOT_START": "waiting",
        "SUBMITTED": "waiting",
        "QUEUED": "waiting",
        "IN_PROGRESS": "running",
        "SUCCESS": "finished",
        "FAILURE": "failed",
    },
}
POLLS = {
    "kie": "/api/v1/generate/record-info?taskId={}",
    "crun": "/api/v1/client/job/TaskInfo?task_id={}",
    "evolink": "/v1/tasks/{}",
    "yuto": "/suno/fetch/{}",
}


def poll(client: Any, provider: str, task: str, key: str = "mock-key") -> httpx2.Response:
    """The provider's own look at a task."""
    path = POLLS[provider].format(task)
    reply: httpx2.Response = client.request("GET", path, headers=credential(provider, key))
    return reply


def state_of(provider: str, body: Json) -> str:
    """The state that a poll shows."""
    state: str = (body if provider == "evolink" else body["data"])["status"]
    return state


KIE_SONG = {
    "prompt": "[Verse]\nNeon on the water",
    "customMode": True,
    "instrumental": False,
    "model": "V5",
    "style": "dream pop",
    "title": "Neon",
    "callBackUrl": "https://example.com/callback",
}
CRUN_SONG = {
    "mode": "custom",
    "model": "v5",
    "instrumental": False,
    "title": "Midnight Neon",
    "tags": "Western R&B, moody",
    "lyrics": "[Verse]\nNeon on the water, slow and low",
}
EVOLINK_SONG = {"model": "suno-v5-beta", "prompt": "A cheerful summer pop song about road trips"}
YUTO_SONG = {"gpt_description_prompt": "a slow song about the sea at night", "mv": "chirp-v4"}
PERSONA = {"name": "Neon Siren", "description": "A smoky late-night vocalist"}


class Story:
    """Calls of two keys at four providers, one after another; what came back is kept, byte for byte."""

    def __init__(self, request: Send, key: str = "key-of-alice") -> None:
        self.bodies: list[bytes] = []
        self.ids: dict[str, str] = {}
        self._request = request
        self._key = key

    def send(self, provider: str, method: str, path: str, json: Json = None, **headers: str) -> Json:
        """One call of a provider's client."""
        reply = self._ask(method, path, json, {**credential(provider, self._key), **headers})
        return reply.json()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._ask("POST", "/_mock/clock/advance", {"seconds": seconds}, {})

    def poll(self, provider: str) -> Json:
        """Look at the song of a provider."""
        return self.send(provider, "GET", POLLS[provider].format(self.ids[provider]))

    def poll_all(self) -> None:
        """Look at the song of each provider."""
        for provider in POLLS:
            self.poll(provider)

    def download(self, url: str) -> bytes:
        """The file behind a URL of a body."""
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return self._ask("GET", path, None, {}).content

    def _ask(self, method: str, path: str, json: Json, headers: dict[str, str]) -> httpx2.Response:
        options = {} if json is None else {"json": json}
        reply = self._request(method, path, headers=headers, **options)
        assert reply.status_code < 500, reply.text
        self.bodies.append(reply.content)
        return reply

    # --- the chapters --------------------------------------------------------------------------------------

    def songs_are_ordered(self) -> None:
        """A song at each provider; another one at kie is going to fail."""
        self.ids["kie"] = self.send("kie", "POST", "/api/v1/generate", KIE_SONG)["data"]["taskId"]
        body = {"model": "suno/music-generate", "callback_url": None, "input": CRUN_SONG}
        self.ids["crun"] = self.send("crun", "POST", "/api/v1/client/job/CreateTask", body)["data"]["task_id"]
        self.ids["evolink"] = self.send("evolink", "POST", "/v1/audios/generations", EVOLINK_SONG)["id"]
        self.ids["yuto"] = self.send("yuto", "POST", "/suno/submit/music", YUTO_SONG)["data"]
        self.send("kie", "POST", "/api/v1/generate", KIE_SONG, prefer="outcome=task-failed")

    def songs_take_their_time(self) -> None:
        """Polls on the way; a persona that comes too early."""
        self.poll_all()
        for seconds in (13, 35, 20):
            self.advance(seconds)
            self.poll_all()
        self._kie_persona("00000000-0000-4000-8000-000000000000")
        self.send("kie", "GET", "/api/v1/chat/credit")
        self.advance(60)

    def songs_are_heard(self) -> None:
        """The finished songs, their files, and their balances."""
        kie = self.poll("kie")["data"]["response"]["sunoData"]
        crun = self.poll("crun")["data"]["result"]["suno_data"]
        evolink = self.poll("evolink")["result_data"]["songs"]
        yuto = self.poll("yuto")["data"]["data"]
        self.ids |= {"kie-song": kie[0]["id"], "crun-song": crun[0]["suno_id"]}
        self.ids |= {"evolink-song": evolink[0]["result_id"], "yuto-song": yuto[0]["id"]}
        for url in (kie[0]["audioUrl"], crun[1]["suno_image_url"], evolink[0]["audio_url"]):
            self.download(url)
        self.download(yuto[1]["video_url"])
        self.send("evolink", "GET", "/v1/credits")

    def personas_are_made(self) -> None:
        """One at each provider, then a second one of the same song."""
        for _ in range(2):
            made = self._kie_persona(self.ids["kie-song"])
            self.ids.setdefault("kie-persona", made["personaId"] if made else "")
            self._crun_persona()
            self._evolink_persona()
            self.advance(15)
            self._yuto_persona()

    def personas_sing(self) -> None:
        """A song with a persona, a refused one, and an upload."""
        persona = {"personaId": self.ids["kie-persona"]}
        self.ids["kie"] = self.send("kie", "POST", "/api/v1/generate", KIE_SONG | persona)["data"]["taskId"]
        self.send("kie", "POST", "/api/v1/generate", {**KIE_SONG, "personaId": "0" * 32})
        self.send("kie", "POST", "/api/v1/generate", {"prompt": "no model"})
        path = "/api/v1/client/files/upload-url?content_type=audio%2Fmpeg&ext=.mp3"
        self.send("crun", "GET", path)
        self.advance(120)
        self.poll_all()
        self.send("kie", "GET", "/api/v1/chat/credit")

    def tell(self) -> list[bytes]:
        """All of it."""
        self.songs_are_ordered()
        self.songs_take_their_time()
        self.songs_are_heard()
        self.personas_are_made()
        self.personas_sing()
        return self.bodies

    def _kie_persona(self, song: str) -> Json:
        body = {"taskId": self.ids["kie"], "audioId": song, **PERSONA}
        return self.send("kie", "POST", "/api/v1/generate/generate-persona", body)["data"]

    def _crun_persona(self) -> Json:
        body = {"task_id": self.ids["crun"], "suno_id": self.ids["crun-song"], **PERSONA}
        return self.send("crun", "POST", "/api/v1/client/job/suno-persona-generate", body)

    def _evolink_persona(self) -> Json:
        params = {"source_task_id": self.ids["evolink"], "result_id": self.ids["evolink-song"], **PERSONA}
        made = self.send(
            "evolink", "POST", "/v1/audios/generations", {"model": "suno-persona", "model_params": params}
        )
        return self.send("evolink", "GET", f"/v1/tasks/{made['id']}") if "id" in made else made

    def _yuto_persona(self) -> Json:
        song = self.ids["yuto-song"]
        body = {"root_clip_id": song, "clips": [song], "is_public": True, **PERSONA}
        return self.send("yuto", "POST", "/suno/persona/create/", body)
