"""A caller and an answer, as far as kie and crun are alike: a code in the body, HTTP 200 around it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.conftest import Client
from tests.providers.plain import Body

BASE = "http://127.0.0.1:4010"
DAY = 86400
CALLBACK = "https://example.com/callback"
UPLOAD = "https://example.com/audio/source.mp3"

HEX_ID = r"[0-9a-f]{32}"
NO_SONG = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP status, outcome, first violation, body."""

    status: int
    outcome: str | None
    violation: str | None
    body: Any

    @property
    def verdict(self) -> tuple[int, str | None, Any]:
        """All that a test of a refusal looks at."""
        return self.status, self.outcome, self.body

    @property
    def code(self) -> int:
        """The code in the body."""
        code: int = self.body["code"]
        return code

    @property
    def data(self) -> Any:
        """The data in the body."""
        return self.body["data"]

    @property
    def accepted(self) -> bool:
        """True for HTTP 200 around code 200, with data."""
        body = self.body
        return (self.status, body.get("code")) == (200, 200) and body["data"] is not None


@dataclass(frozen=True)
class Song:
    """A song task and the ids of its two tracks."""

    task: str
    tracks: tuple[str, ...]

    @property
    def source(self) -> tuple[str, str]:
        """The task with its first track."""
        return self.task, self.tracks[0]


class Caller:
    """One key of one provider, and the clock of its sandbox."""

    provider = ""
    # How long a song takes, and the field that holds a reply's message.
    seconds = 0
    message = ""

    def __init__(self, client: Client, key: str | None = "k", sandbox: str | None = None) -> None:
        self.client = client
        self.key = key
        self.sandbox = sandbox

    def credential(self) -> dict[str, str]:
        """The header that carries the key; none where there is no key."""
        raise NotImplementedError

    def generate(self, **changes: Any) -> Answer:
        """Submits a song."""
        raise NotImplementedError

    def persona(self, task: str, track: str, /, **changes: Any) -> Answer:
        """Makes a persona of a track."""
        raise NotImplementedError

    def poll(self, task: str) -> Answer:
        """Looks at a task."""
        raise NotImplementedError

    def song(self, task: str) -> Song:
        """The tracks of a task that has some."""
        raise NotImplementedError

    @staticmethod
    def task_of(answer: Answer) -> str:
        """The id of the task that a submission made; its answer is checked whole."""
        raise NotImplementedError

    @staticmethod
    def persona_of(answer: Answer) -> str:
        """The id of the persona that a call made; its answer is checked."""
        raise NotImplementedError

    # --- stories -------------------------------------------------------------------------------------------

    def status(self, task: str) -> str:
        """The state of a task."""
        status: str = self.poll(task).data["status"]
        return status

    def started(self, **changes: Any) -> str:
        """The id of a song task that has just been accepted."""
        return self.task_of(self.generate(**changes))

    def finish(self, task: str) -> Song:
        """Lets the task's time pass and reads its tracks."""
        self.advance(self.seconds)
        return self.song(task)

    def finished(self, **changes: Any) -> Song:
        """A song, submitted and waited for."""
        return self.finish(self.started(**changes))

    def failed(self, **changes: Any) -> str:
        """The id of a task that has failed."""
        task = self.started(prefer="outcome=task-failed", **changes)
        self.advance(self.seconds / 2)
        return task

    def made_persona(self, song: Song) -> str:
        """The id of a persona of the song's first track."""
        return self.persona_of(self.persona(*song.source))

    # --- what must hold of a reply -------------------------------------------------------------------------

    @classmethod
    def refused(cls, outcome: str, code: int, message: str) -> tuple[int, str, Body]:
        """The verdict of a refusal: HTTP 200, the code in the body, data null."""
        return 200, outcome, {"code": code, cls.message: message, "data": None}

    @classmethod
    def is_media(cls, url: Any, track: str, suffix: str) -> bool:
        """Is this a file of the track, served by the mock itself?"""
        pattern = rf"{re.escape(BASE)}/_mock/media/{cls.provider}/{track}/[A-Za-z0-9_-]+\.{suffix}"
        return isinstance(url, str) and re.fullmatch(pattern, url) is not None

    # --- calls ---------------------------------------------------------------------------------------------

    def send(self, method: str, path: str, *, prefer: Any = None, **options: Any) -> Answer:
        """One call to the provider."""
        headers = {**self.credential(), **self._aside(), **options.pop("headers", {})}
        if prefer is not None:
            headers["prefer"] = prefer
        reply = self.client.request(method, path, headers=headers, **options)
        marks = reply.headers
        return Answer(
            reply.status_code, marks.get("x-mock-outcome"), marks.get("x-mock-violation"), reply.json()
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a control call that went well."""
        options = {} if body is None else {"json": body}
        reply = self.client.request(method, f"/_mock{path}", headers=self._aside(), **options)
        assert reply.is_success, reply.text
        return reply.json()

    def advance(self, seconds: float) -> None:
        """Moves the virtual clock."""
        self.control("POST", "/clock/advance", {"seconds": seconds})

    def idle(self) -> None:
        """Moves the virtual clock until every task is final."""
        self.control("POST", "/clock/advance", {"until": "idle"})

    def plant(self, **fields: Any) -> Any:
        """A source task of this key that was made without a submission."""
        return self.control("POST", "/tasks", {"provider": self.provider, "key": self.key, **fields})

    def set_credits(self, balance: float) -> None:
        """Sets the balance of this key."""
        self.control("PATCH", f"/accounts/{self.key}", {"credits": balance})

    def tasks(self) -> Any:
        """Every task of the sandbox, whoever made it."""
        return self.control("GET", "/tasks")["tasks"]

    def download(self, url: str) -> httpx2.Response:
        """The file behind a URL that stood in a body."""
        assert url.startswith(BASE)
        return self.client.get(url.removeprefix(BASE))

    def _aside(self) -> dict[str, str]:
        return {} if self.sandbox is None else {"x-mock-sandbox": self.sandbox}


def edited(body: Body, without: Collection[str], changes: Body) -> Body:
    """The body with fields replaced, added or left out."""
    return {name: value for name, value in {**body, **changes}.items() if name not in without}
