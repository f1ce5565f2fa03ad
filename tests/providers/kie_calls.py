"""kie as its client sees it: each call with a body that is accepted, and the shapes of its answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.providers.envelope import BASE, CALLBACK, HEX_ID, UPLOAD, UUID, Answer, Body, Caller, edited

SECONDS = 120
MODELS = ("V3_5", "V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_MINI", "V6_WILD")
NO_TASK = "0" * 32

# Without custom mode: only the prompt counts.
IDEA: Body = {
    "prompt": "A calm piano piece for a rainy evening",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    "callBackUrl": CALLBACK,
}
CUSTOM: Body = {
    "prompt": "[Verse]\nNeon rain on empty streets",
    "customMode": True,
    "instrumental": False,
    "model": "V4_5",
    "style": "Electronic Pop",
    "title": "Neon Rain",
    "callBackUrl": CALLBACK,
}
COVER: Body = {**CUSTOM, "uploadUrl": UPLOAD, "title": "Neon Rain, the cover"}
EXTEND: Body = {
    "defaultParamFlag": True,
    "prompt": "[Bridge]\nCome back, come back",
    "style": "Slow strings",
    "title": "Neon Rain, bridge",
    "continueAt": 20,
    "model": "V4_5",
    "callBackUrl": CALLBACK,
}
UPLOAD_EXTEND: Body = {**EXTEND, "uploadUrl": UPLOAD, "instrumental": False}
PERSONA: Body = {
    "name": "Electronic Pop Singer",
    "description": "A modern electronic music style pop singer, skilled in dynamic rhythms and "
    "synthesizer tones",
}


@dataclass(frozen=True)
class Song:
    """A song task and the ids of its two tracks."""

    task: str
    tracks: tuple[str, ...]

    @property
    def source(self) -> tuple[str, str]:
        """The task with its first track."""
        return self.task, self.tracks[0]


class Kie(Caller):
    """One key of kie."""

    provider = "kie"

    def credential(self) -> dict[str, str]:
        """A bearer token."""
        return {} if self.key is None else {"authorization": f"Bearer {self.key}"}

    def post(self, path: str, body: Any, prefer: str | None = None) -> Answer:
        """A call of the generate family."""
        return self.send("POST", f"/api/v1/generate{path}", json=body, prefer=prefer)

    def generate(
        self, body: Any = CUSTOM, *, without: Any = (), prefer: Any = None, **changes: Any
    ) -> Answer:
        """Submits a song; a custom one unless another body is given."""
        return self.post("", edited(body, without, changes), prefer)

    def extend(self, track: str, /, *, without: Any = (), **changes: Any) -> Answer:
        """Submits the continuation of a track, with parameters of its own."""
        return self.post("/extend", edited({**EXTEND, "audioId": track}, without, changes))

    def cover(self, *, without: Any = (), **changes: Any) -> Answer:
        """Submits a custom cover of an upload."""
        return self.post("/upload-cover", edited(COVER, without, changes))

    def upload_extend(self, *, without: Any = (), **changes: Any) -> Answer:
        """Submits the continuation of an upload, with parameters of its own."""
        return self.post("/upload-extend", edited(UPLOAD_EXTEND, without, changes))

    def persona(
        self,
        task: str,
        track: str,
        /,
        *,
        without: Any = (),
        prefer: Any = None,
        **changes: Any,
    ) -> Answer:
        """Makes a persona of a track."""
        body = {"taskId": task, "audioId": track, **PERSONA}
        return self.post("/generate-persona", edited(body, without, changes), prefer)

    def record(self, task: str, prefer: str | None = None) -> Answer:
        """Looks at a task."""
        return self.send("GET", f"/api/v1/generate/record-info?taskId={task}", prefer=prefer)

    def status(self, task: str) -> str:
        """The state of a task."""
        status: str = self.record(task).data["status"]
        return status

    def credits(self) -> Any:
        """The balance."""
        return self.send("GET", "/api/v1/chat/credit").data

    def started(self, **changes: Any) -> str:
        """The id of a song task that has just been accepted."""
        return task_of(self.generate(**changes))

    def finish(self, task: str) -> Song:
        """Lets the task's time pass and reads its tracks."""
        self.advance(SECONDS)
        return self.song(task)

    def finished(self, **changes: Any) -> Song:
        """A song, submitted and waited for."""
        return self.finish(self.started(**changes))

    def song(self, task: str) -> Song:
        """The tracks of a task that has some."""
        return Song(task, tuple(track["id"] for track in tracks_of(self.record(task))))

    def failed(self, **changes: Any) -> str:
        """The id of a task that has failed."""
        task = self.started(prefer="outcome=task-failed", **changes)
        self.advance(SECONDS / 2)
        return task

    def made_persona(self, song: Song) -> str:
        """The id of a persona of the song's first track."""
        return persona_of(self.persona(*song.source))


def task_of(answer: Answer) -> str:
    """The id of the task that a submission made; its answer is checked whole."""
    assert answer.accepted, answer.body
    task: str = answer.data["taskId"]
    assert answer.body == {"code": 200, "msg": "success", "data": {"taskId": task}}
    assert re.fullmatch(HEX_ID, task), task
    return task


def persona_of(answer: Answer) -> str:
    """The id of the persona that a call made."""
    assert answer.accepted, answer.body
    persona: str = answer.data["personaId"]
    assert re.fullmatch(HEX_ID, persona), persona
    return persona


def tracks_of(answer: Answer) -> Any:
    """The tracks of a poll."""
    return answer.data["response"]["sunoData"]


def refused(outcome: str, code: int, msg: str) -> tuple[int, str, Body]:
    """The verdict of a refusal: HTTP 200, the code in the body, data null."""
    return 200, outcome, {"code": code, "msg": msg, "data": None}


def not_found(outcome: str) -> tuple[int, str, Body]:
    """The verdict of a resource that is not there."""
    return refused(outcome, 404, "Resource not found")


def no_music(outcome: str) -> tuple[int, str, Body]:
    """The verdict of a persona call whose task or track is not there."""
    return refused(outcome, 422, "Music does not exist")


def is_media(url: Any, track: str, suffix: str) -> bool:
    """Is this a file of the track, served by the mock itself?"""
    pattern = rf"{re.escape(BASE)}/_mock/media/kie/{track}/[A-Za-z0-9_-]+\.{suffix}"
    return isinstance(url, str) and re.fullmatch(pattern, url) is not None


def is_track_id(value: Any) -> bool:
    """Is this a uuid?"""
    return isinstance(value, str) and re.fullmatch(UUID, value) is not None
