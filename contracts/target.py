"""What a case is held against: something that answers calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

Json = Any
Headers = Sequence[tuple[str, str]]

TIMEOUT = 60.0


class Call(NamedTuple):
    """A request as it goes out; the target is a path with its query."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes | None = None


class Reply(NamedTuple):
    """What came back; names of headers are in lower case."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def json(self) -> Json:
        """The body as JSON, or None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def as_message(self) -> dict[str, Json]:
        """The reply as pointers speak of it."""
        return {"status": self.status, "header": dict(self.headers), "body": self.json}


class Unanswered(Exception):
    """A call to which no whole answer came."""


class Target(Protocol):
    """Something that answers calls; its URL is for what is shown of them."""

    url: str

    def send(self, call: Call) -> Reply:
        """The answer, or Unanswered."""
