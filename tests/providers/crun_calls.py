"""crun as its client sees it: each call with a body that is accepted, and the shapes of its answers."""

from __future__ import annotations

import re
from typing import Any

from tests.providers.envelope import BASE, UPLOAD, UUID, Answer, Body, Caller, edited
from tests.providers.kie_calls import Song

SECONDS = 86
NO_TASK = "task_12345678"

SIMPLE: Body = {
    "mode": "simple",
    "model": "v5",
    "instrumental": False,
    "prompt": "A calm song about the first snow",
}
CUSTOM: Body = {
    "mode": "custom",
    "model": "v5",
    "instrumental": False,
    "title": "Midnight Neon",
    "tags": "Western R&B, moody, intimate",
    "lyrics": "[Verse]\nNeon on the water, slow and low",
}
COVER: Body = {**CUSTOM, "audio_url": UPLOAD}
UPLOAD_EXTEND: Body = {**CUSTOM, "audio_url": UPLOAD, "continue_at": 30}
PERSONA: Body = {
    "name": "Neon Siren",
    "description": "A smoky, late-night R&B vocalist with airy highs and a warm, intimate tone.",
}


class Crun(Caller):
    """One key of crun."""

    provider = "crun"

    def credential(self) -> dict[str, str]:
        """The key in a header of its own."""
        return {} if self.key is None else {"x-api-key": self.key}

    def job(self, path: str, body: Any, prefer: str | None = None) -> Answer:
        """A POST call of the job family."""
        return self.send("POST", f"/api/v1/client/job/{path}", json=body, prefer=prefer)

    def create(self, model: str, input_: Any, prefer: str | None = None) -> Answer:
        """Submits a task of a model."""
        return self.job("CreateTask", {"model": model, "callback_url": None, "input": input_}, prefer)

    def generate(
        self,
        input_: Any = CUSTOM,
        *,
        without: Any = (),
        prefer: Any = None,
        **changes: Any,
    ) -> Answer:
        """Submits a song; a custom one unless another input is given."""
        return self.create("suno/music-generate", edited(input_, without, changes), prefer)

    def extend(self, task: str, song: str, /, *, without: Any = (), **changes: Any) -> Answer:
        """Submits the continuation of a song."""
        whole = {**CUSTOM, "task_id": task, "suno_id": song, "continue_at": 20.5}
        return self.create("suno/music-extend", edited(whole, without, changes))

    def cover(self, *, without: Any = (), **changes: Any) -> Answer:
        """Submits a custom cover of an upload."""
        return self.create("suno/music-cover", edited(COVER, without, changes))

    def upload_extend(self, *, without: Any = (), **changes: Any) -> Answer:
        """Submits the continuation of an upload."""
        return self.create("suno/music-extend-upload", edited(UPLOAD_EXTEND, without, changes))

    def persona(
        self,
        task: str,
        song: str,
        /,
        *,
        without: Any = (),
        prefer: Any = None,
        **changes: Any,
    ) -> Answer:
        """Makes a persona of a song."""
        body = {"task_id": task, "suno_id": song, **PERSONA}
        return self.job("suno-persona-generate", edited(body, without, changes), prefer)

    def info(self, task: str) -> Answer:
        """Looks at a task."""
        return self.send("GET", f"/api/v1/client/job/TaskInfo?task_id={task}")

    def status(self, task: str) -> str:
        """The state of a task."""
        status: str = self.info(task).data["status"]
        return status

    def credits(self) -> Any:
        """The balance."""
        return self.send("GET", "/api/v1/client/account/balance").data["balance"]

    def started(self, **changes: Any) -> str:
        """The id of a song task that has just been accepted."""
        return task_of(self.generate(**changes))

    def finish(self, task: str) -> Song:
        """Lets the task's time pass and reads its songs."""
        self.advance(SECONDS)
        return self.song(task)

    def finished(self, **changes: Any) -> Song:
        """A song, submitted and waited for."""
        return self.finish(self.started(**changes))

    def song(self, task: str) -> Song:
        """The songs of a task that has succeeded."""
        return Song(task, tuple(song["suno_id"] for song in songs_of(self.info(task))))

    def failed(self, **changes: Any) -> str:
        """The id of a task that has failed."""
        task = self.started(prefer="outcome=task-failed", **changes)
        self.advance(SECONDS / 2)
        return task

    def made_persona(self, song: Song) -> str:
        """The id of a persona of the task's first song."""
        return persona_of(self.persona(*song.source))


def task_of(answer: Answer) -> str:
    """The id of the task that a submission made; its answer is checked whole."""
    assert answer.accepted, answer.body
    task: str = answer.data["task_id"]
    assert answer.body == {"code": 200, "message": "success", "data": {"task_id": task}}
    assert re.fullmatch(UUID, task), task
    return task


def persona_of(answer: Answer) -> str:
    """The id of the persona that a call made; its answer is checked whole."""
    assert answer.accepted, answer.body
    persona: str = answer.data["persona_id"]
    assert answer.body == {"code": 200, "message": "success", "data": {"persona_id": persona}}
    assert persona
    return persona


def songs_of(answer: Answer) -> Any:
    """The songs of a poll."""
    return answer.data["result"]["suno_data"]


def refused(outcome: str, code: int, message: str) -> tuple[int, str, Body]:
    """The verdict of a refusal: HTTP 200, the code in the body, data null."""
    return 200, outcome, {"code": code, "message": message, "data": None}


def is_media(url: Any, song: str, suffix: str) -> bool:
    """Is this a file of the song, served by the mock itself?"""
    pattern = rf"{re.escape(BASE)}/_mock/media/crun/{song}/[A-Za-z0-9_-]+\.{suffix}"
    return isinstance(url, str) and re.fullmatch(pattern, url) is not None
