"""One recorded call and its answer, whatever file it was recorded in; and what could not be read as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Json = Any
Pairs = Sequence[tuple[str, str]]

NO_VALUE = object()
"""In place of a value: the format keeps bodies as text, and this one is still to be read."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body as its file keeps it: bytes, a value read already, or the fields of a form.

    `is_kept` is False where the file does not tell what the body was.
    """

    raw: bytes = b""
    value: Json = NO_VALUE
    fields: Pairs = ()
    is_kept: bool = True
    # What the format says the body is, where no header does.
    media: str | None = None
    # Why it cannot be read, though it was kept.
    fault: str | None = None

    @property
    def is_empty(self) -> bool:
        """True where nothing was sent, as far as the file tells."""
        return (
            self.is_kept
            and self.fault is None
            and not self.raw
            and self.value is NO_VALUE
            and not self.fields
        )


UNKNOWN_BODY = Body(is_kept=False)
EMPTY_BODY = Body()


@dataclass(frozen=True, slots=True)
class Message:
    """The headers and the body of one side; names of headers are in lower case."""

    headers: Pairs = ()
    body: Body = EMPTY_BODY

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call as it went out, and its answer; `status` is None where no answer came."""

    index: int
    line: int | None
    method: str
    url: str
    request: Message
    status: int | None = None
    response: Message = Message()
    # Whom it was sent to, where the file says so by name: a document's, or a host.
    provider: str | None = None
    # Sent to our mock: a path that nobody documents is a mistake, not another host's.
    is_ours: bool = False
    # The answer shows a part of what may come, as in a Pact file.
    is_partial: bool = False
    # Why it is counted and not judged, and the same of its answer alone.
    aside: str | None = None
    answer_aside: str | None = None
    # What a file of our mock's own says of the answer.
    outcome: str | None = None
    state: str | None = None


class Flaw(NamedTuple):
    """What keeps a file, or one exchange of it, from being read."""

    rule: str
    message: str
    wanted: str
    got: str | None = None
    line: int | None = None
    exchange: int | None = None


class Unreadable(ValueError):
    """An exchange that lacks what its format promises."""

    def __init__(self, message: str, wanted: str) -> None:
        self.message, self.wanted = message, wanted
        super().__init__(message)


def sides(entry: Json, what: str, wanted: str, *, hint: str = "") -> tuple[dict[str, Json], dict[str, Json]]:
    """The request and the response of what a file has for an exchange; Unreadable where one is missing."""
    found: list[dict[str, Json]] = []
    for name in ("request", "response"):
        side = entry.get(name) if isinstance(entry, dict) else None
        if not isinstance(side, dict):
            raise Unreadable(f"the {what} has no {name}{hint}", wanted)
        found.append(side)
    return found[0], found[1]
