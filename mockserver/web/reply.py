"""A reply before it is sent, and the problem documents of the mock itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from mockserver.openapi.payload import write_json
from mockserver.openapi.source import Json

Headers = list[tuple[str, str]]

JSON = "application/json"
PROBLEM = "application/problem+json"
ID = "x-mock-request-id"


# Not frozen, though nobody changes one: making a frozen one takes 1 µs more, and each call makes two.
@dataclass(slots=True)
class Reply:
    """Status, headers and body, ready for the wire."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: Headers = field(default_factory=list)
    # Where there is one, the body is what it gives, for as long as the client listens.
    stream: Callable[[], AsyncGenerator[bytes]] | None = None
    # The call's id, which is its last header; and of a reply whose others come again, how they stand on the
    # wire, by the length of the body.
    id: str = ""
    heads: dict[int, bytes] | None = None

    @property
    def lines(self) -> Headers:
        """All its headers, the call's id among them."""
        return [*self.headers, (ID, self.id)] if self.id else self.headers

    @property
    def is_empty(self) -> bool:
        """True for a status that has no content at all."""
        return self.status in (204, 205, 304) or self.status < 200


def json_reply(value: Json, status: int = 200) -> Reply:
    """A JSON value as a reply."""
    return Reply(status, write_json(value), JSON)


def problem(slug: str, status: int, detail: str, **facts: Json) -> Reply:
    """An answer from the mock itself (RFC 9457): what is wrong, and what to do."""
    body = {
        "type": f"urn:persona-mock:{slug}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **facts,
    }
    return Reply(status, write_json(body), PROBLEM, [("x-mock-error", slug)])


def wrong_method(text: str, methods: Sequence[str], **facts: Json) -> Reply:
    """The refusal of a method, with those that are allowed."""
    wanted = ", ".join(methods)
    reply = problem("wrong-method", 405, f"{text} {wanted}", **facts)
    reply.headers.append(("allow", wanted))
    return reply


def header_text(text: str, limit: int = 500) -> str:
    """A text that is safe in a header: printable ASCII, the rest percent-encoded, cut where it is long."""
    if text.isascii() and text.isprintable():
        return text[:limit].strip()
    safe = "".join(char if " " <= char <= "~" else _encoded(char) for char in text[:limit])
    return safe[:limit].strip()


def _encoded(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))
