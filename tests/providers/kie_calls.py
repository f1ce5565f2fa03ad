"""kie as its client sees it: each call with a body that is accepted, and the shapes of its answers."""

from __future__ import annotations

import re
from typing import Any

from tests.providers.envelope import CALLBACK, HEX_ID, UPLOAD, Answer, Caller, Song, edited
from tests.providers.plain import UUID, Body

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


class Kie(Caller):
    """One key of kie."""

    provider = "kie"
    seconds = 120
    message = "msg"

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

    def poll(self, task: str) -> Answer:
        """Looks at a task, as every caller can."""
        return self.record(task)

    def credits(self) -> Any:
        """The balance."""
        return self.send("GET", "/api/v1/chat/credit").data

    def song(self, task: str) -> Song:
        """The tracks of a task that has some."""
        return Song(task, tuple(track["id"] for track in tracks_of(self.record(task))))

    @staticmethod
    def task_of(answer: Answer) -> str:
        """The id of the task that a submission made; its answer is checked whole."""
        assert answer.accepted, answer.body
        task: str = answer.data["taskId"]
        assert answer.body == {"code": 200, "msg": "success", "data": {"taskId": task}}
        assert re.fullmatch(HEX_ID, task), task
        return task

    @staticmethod
    def persona_of(answer: Answer) -> str:
        """The id of the persona that a call made."""
        assert answer.accepted, answer.body
        persona: str = answer.data["personaId"]
        assert re.fullmatch(HEX_ID, persona), persona
        return persona


# Tests read an answer without a caller, too.
task_of = Kie.task_of
persona_of = Kie.persona_of
refused = Kie.refused
is_media = Kie.is_media


def tracks_of(answer: Answer) -> Any:
    """The tracks of a poll."""
    return answer.data["response"]["sunoData"]


def not_found(outcome: str) -> tuple[int, str, Body]:
    """The verdict of a resource that is not there."""
    return refused(outcome, 404, "Resource not found")


def no_music(outcome: str) -> tuple[int, str, Body]:
    """The verdict of a persona call whose task or track is not there."""
    return refused(outcome, 422, "Music does not exist")


def is_track_id(value: Any) -> bool:
    """Is this a uuid?"""
    return isinstance(value, str) and re.fullmatch(UUID, value) is not None
