"""crun as its client sees it: each call with a body that is accepted, and the shapes of its answers."""

from __future__ import annotations

import re
from typing import Any

from tests.providers.envelope import UPLOAD, Answer, Caller, Song, edited
from tests.providers.plain import UUID, Body

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
    seconds = 86
    message = "message"

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

    def poll(self, task: str) -> Answer:
        """Looks at a task, as every caller can."""
        return self.info(task)

    def credits(self) -> Any:
        """The balance."""
        return self.send("GET", "/api/v1/client/account/balance").data["balance"]

    def song(self, task: str) -> Song:
        """The songs of a task that has succeeded."""
        return Song(task, tuple(song["suno_id"] for song in songs_of(self.info(task))))

    @staticmethod
    def task_of(answer: Answer) -> str:
        """The id of the task that a submission made; its answer is checked whole."""
        assert answer.accepted, answer.body
        task: str = answer.data["task_id"]
        assert answer.body == {"code": 200, "message": "success", "data": {"task_id": task}}
        assert re.fullmatch(UUID, task), task
        return task

    @staticmethod
    def persona_of(answer: Answer) -> str:
        """The id of the persona that a call made; its answer is checked whole."""
        assert answer.accepted, answer.body
        persona: str = answer.data["persona_id"]
        assert answer.body == {"code": 200, "message": "success", "data": {"persona_id": persona}}
        assert persona
        return persona


# Tests read an answer without a caller, too.
task_of = Crun.task_of
persona_of = Crun.persona_of
refused = Crun.refused
is_media = Crun.is_media


def songs_of(answer: Answer) -> Any:
    """The songs of a poll."""
    return answer.data["result"]["suno_data"]
