"""A request as it came in: its parts read once, its body up to a limit."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mockserver.openapi.parameters import Sent, joined, split_query
from mockserver.web.reply import Headers, Reply, problem

if TYPE_CHECKING:
    from mockserver.web.faults import Wire

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# The ASGI extension in which a server of ours hands over a call's connection, so that a fault can break it.
WIRE = "persona_mock.wire"


class TooLarge(Exception):
    """The body is over the limit; `unread` says that this was known before any of it was asked for."""

    def __init__(self, *, unread: bool) -> None:
        self.unread = unread
        super().__init__()


class Gone(Exception):
    """The client went away before its request was whole."""


class Incoming:
    """Method, path, query and headers of a request; none of them changes."""

    # No dataclass: a frozen one is made in 1.2 µs, and this in 0.3; each call makes one.
    def __init__(
        self, method: str, raw_path: str, query: bytes, headers: Headers, wire: Wire | None = None
    ) -> None:
        self.method = method
        self.raw_path = raw_path
        self.query = query
        self.headers = headers
        self.wire = wire
        # What its endpoint has made of it, for when it comes again as it is.
        self.asked: object = None
        self._first: dict[str, str] | None = None
        self._pairs: list[tuple[str, str]] | None = None

    def on(self, wire: Wire | None) -> Incoming:
        """The same request with a handle on its connection."""
        return Incoming(self.method, self.raw_path, self.query, self.headers, wire)

    @classmethod
    def of(cls, scope: Scope) -> Incoming:
        """The request of an ASGI scope."""
        raw = scope.get("raw_path")
        path = (
            raw.decode("latin-1").partition("?")[0] if raw else quote(scope["path"], safe="/%:@!$&'()*+,;=~")
        )
        headers = [
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]
        ]
        wire = (scope.get("extensions") or {}).get(WIRE)
        return cls(scope["method"], path or "/", scope.get("query_string", b""), headers, wire)

    def header(self, name: str) -> str | None:
        """The first value of a header, by its lower-case name."""
        if self._first is None:
            self._first = dict(reversed(self.headers))
        return self._first.get(name)

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [] if self.header(name) is None else [value for key, value in self.headers if key == name]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of the query, values as sent."""
        if self._pairs is None:
            self._pairs = split_query(self.query) if self.query else []
        return self._pairs

    def sent(self, path: dict[str, str]) -> Sent:
        """What the request holds besides its body, as the documents' checks read it."""
        if self._first is None:
            self._first = dict(reversed(self.headers))
        # Mostly no header stands twice, and the first of each is all of it.
        by_name = self._first if len(self._first) == len(self.headers) else joined(self.headers)
        return Sent(path, self.pairs if self.query else (), self.headers, by_name)

    @property
    def host(self) -> str:
        """The host the request was sent to, without its port."""
        return host_of(self.header("host") or "")


_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:@/\[\]\s]+))(?::[0-9]*)?|([0-9a-f]*:[0-9a-f:.]*)")


def host_of(text: str) -> str:
    """The name in `name:port`, an IPv6 address without its brackets; empty for what is no host."""
    found = _AUTHORITY.fullmatch(text.strip().lower())
    return (found[1] or found[2] or found[3] or "").rstrip(".") if found else ""


async def read_body(receive: Receive, incoming: Incoming, limit: int) -> bytes:
    """The whole body; TooLarge as soon as it is known to be over the limit."""
    announced = incoming.header("content-length") or "0"
    if announced.isdecimal() and (len(announced) > 18 or int(announced) > limit):
        raise TooLarge(unread=True)
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size > limit:
            raise TooLarge(unread=False)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def too_large(incoming: Incoming, error: TooLarge, limit: int) -> Reply:
    """The refusal of a body over the limit."""
    text = f"The body is over {limit} bytes. Send a smaller one, or run with a larger --max-body"
    reply = problem("too-large", 413, text, limit=limit)
    if error.unread and incoming.header("expect"):
        # The client was not told to go on, so nobody knows whether its body will still come.
        reply.headers.append(("connection", "close"))
    return reply


async def send_reply(send: Send, incoming: Incoming, reply: Reply) -> None:
    """Put a reply on the wire; a HEAD request gets everything but the body."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.lines]
    if not reply.is_empty:
        if reply.content_type is not None:
            headers.append((b"content-type", reply.content_type.encode("latin-1")))
        headers.append((b"content-length", b"%d" % len(reply.body)))
    body = b"" if reply.is_empty or incoming.method == "HEAD" else reply.body
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_stream(send: Send, receive: Receive, incoming: Incoming, reply: Reply) -> None:
    """Put a reply on the wire whose body comes piece by piece, until it ends or the client has gone."""
    headers = [*reply.lines, ("content-type", reply.content_type or "application/octet-stream")]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    if reply.stream is None or incoming.method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
        return
    gone = asyncio.ensure_future(_gone(receive))
    pieces = asyncio.ensure_future(_send_pieces(send, reply.stream()))
    try:
        await asyncio.wait((gone, pieces), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        pieces.cancel()
        ends = await asyncio.gather(gone, pieces, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_pieces(send: Send, pieces: AsyncGenerator[bytes]) -> None:
    async with aclosing(pieces):
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
