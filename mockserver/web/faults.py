"""Network faults: which one a call meets, and how it is laid over the reply at the transport."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, MutableMapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

from mockserver.domain import fault as faults
from mockserver.domain.fault import (
    EMPTY,
    GATEWAY,
    MALFORMED,
    MISTYPED,
    RESET,
    SLOW,
    TRUNCATE,
    Call,
    Fault,
    Met,
)
from mockserver.domain.ports import Ids, Tx
from mockserver.openapi.negotiation import is_json
from mockserver.openapi.source import Json
from mockserver.web.locate import Target
from mockserver.web.reply import Reply, problem
from mockserver.web.request import Incoming, Send, send_reply

# What only a server can do that holds the connection itself.
BREAKS = (RESET, TRUNCATE, EMPTY)
HTML = "text/html"
_PIECES = 10


class Wire(Protocol):
    """A handle on the connection of one call, by which our own server and our transports let it be broken."""

    patience: float | None
    """The seconds that the client waits for the next bytes; None where that is not known."""

    @property
    def is_gone(self) -> bool:
        """True once the client waits for nothing more."""

    async def reset(self) -> None:
        """Break the connection off behind what was sent: the client meets a reset."""

    async def close(self) -> None:
        """End the connection cleanly behind what was sent: the client meets its end."""

    async def give_up(self) -> None:
        """The client has waited for as long as it would: it meets its own timeout."""

    async def rest(self, seconds: float) -> None:
        """Wait for so long, or until the client has gone or the server stops: neither is held back by it."""


@dataclass(slots=True)
class Broken(Reply):
    """A reply that does not arrive as it is; its status is 0 where not a byte of it does."""

    how: str = ""


class Laid(NamedTuple):
    """What is sent; what is noted of it, which is the reply that the client was to get, if one was made."""

    reply: Reply
    noted: Reply | None

    @property
    def status(self) -> int | None:
        """The status that the client sees, if it sees one."""
        return self.reply.status or None


SPARED = Met()
"""What a call meets for which no fault waits."""
NOTHING = Reply(0)
"""The reply of a call that was not carried out."""

_LATE = "late"


def meet(
    tx: Tx,
    ids: Ids,
    target: Target,
    provider: str | None,
    operation: str | None,
    body: Json = None,
    *,
    is_media: bool = False,
) -> Met:
    """The faults that a call meets, used up by one."""
    if faults.is_spared(tx):
        return SPARED
    call = Call(provider, operation, bare_path(target.path, provider), body, is_media)
    return faults.take(tx, call, lambda: faults.fraction(ids.next(tx, target.sandbox, "fault-draw")))


def bare_path(path: str, provider: str | None) -> str:
    """A path inside its sandbox without the prefix of the provider that it led to."""
    first, slash, rest = path[1:].partition("/")
    return slash + rest if provider is not None and slash and unquote(first) == provider else path


async def pause(wire: Wire | None, seconds: float) -> bool:
    """Wait for so long; False, as soon as that is known, where the client does not wait that long."""
    if _is_too_long(wire, seconds):
        return False
    if seconds:
        await _rest(wire, seconds)
    return not seconds or wire is None or not wire.is_gone


async def _rest(wire: Wire | None, seconds: float) -> None:
    await (asyncio.sleep(seconds) if wire is None else wire.rest(seconds))


def _is_too_long(wire: Wire | None, seconds: float) -> bool:
    return wire is not None and wire.patience is not None and seconds > wire.patience


# --- over the reply -----------------------------------------------------------------------------------------


def lay(met: Met, reply: Reply, incoming: Incoming) -> Laid:
    """The fault that a call meets, if any, over its reply."""
    noted = None if met.undone else reply
    if met.fault is None:
        return Laid(reply, reply)
    if met.fault.fault in BREAKS:
        return Laid(_broken(met.fault, reply, incoming), noted)
    if met.fault.fault == GATEWAY:
        page = _gateway_page(met.fault.status or 502, reply)
        return Laid(page, noted or page)
    return Laid(_spoilt(met.fault, reply, incoming), noted)


def too_late(reply: Reply) -> Broken:
    """The same for a client that waits no more."""
    return Broken(0, headers=reply.lines, how=_LATE)


def _broken(fault: Fault, reply: Reply, incoming: Incoming) -> Reply:
    how = fault.fault
    if incoming.wire is None:
        text = (
            f"The fault {how!r} stands here, but this is not the mock's own server and it cannot break a "
            "connection. Delete it (DELETE /_mock/faults), or run `persona-mock serve`"
        )
        return problem("no-wire", 500, text, fault=how)
    if how == TRUNCATE or fault.at == "body":
        return Broken(reply.status, reply.body, reply.content_type, reply.lines, how=how)
    return Broken(0, headers=reply.lines, how=how)


def _gateway_page(status: int, reply: Reply) -> Reply:
    """What stands between client and provider: it knows nothing of either, but for the call's id."""
    title = f"{status} {HTTPStatus(status).phrase}"
    body = (
        f"<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n"
        "<p>The gateway got no answer that it could pass on. Try again later.</p>\n</body>\n</html>\n"
    )
    return Reply(status, body.encode(), HTML, id=reply.id)


def _spoilt(fault: Fault, reply: Reply, incoming: Incoming) -> Reply:
    """The reply with a body that is not as its client may expect."""
    if reply.is_empty:
        return reply
    if fault.fault == MALFORMED:
        return replace(reply, body=unparsable(reply.body, reply.content_type))
    if fault.fault == MISTYPED:
        return replace(reply, content_type=HTML)
    assert fault.fault == SLOW
    length = ("content-length", str(len(reply.body)))
    pieces = partial(_pieces, reply.body, float(fault.seconds), incoming.wire)
    return replace(reply, headers=[*reply.headers, length], stream=pieces)


def unparsable(body: bytes, content_type: str | None) -> bytes:
    """The beginning of a body; of a JSON one, what no parser takes for a whole."""
    text = body.strip()
    half = _whole_characters(text, max(1, len(text) // 2))
    # What is opened by its first byte is closed by its last; a number's beginning may be a number again.
    opened = not is_json(content_type or "") or text[:1] in (b"{", b"[", b'"')
    return half if opened else b"[" + half


def _whole_characters(text: bytes, size: int) -> bytes:
    while size > 1 and size < len(text) and text[size] & 0xC0 == 0x80:
        size -= 1
    return text[:size]


async def _pieces(body: bytes, seconds: float, wire: Wire | None) -> AsyncGenerator[bytes]:
    if wire is not None and _is_too_long(wire, seconds):
        await wire.give_up()
        return
    size = max(1, math.ceil(len(body) / _PIECES))
    starts = range(0, len(body), size)
    for start in starts:
        await _rest(wire, seconds / len(starts))
        yield body[start : start + size]


# --- at the transport ---------------------------------------------------------------------------------------


async def send_broken(send: Send, incoming: Incoming, reply: Broken) -> None:
    """Put on the wire what arrives of a reply, and break the connection as its fault does."""
    wire = incoming.wire
    assert wire is not None
    if reply.how == _LATE:
        await wire.give_up()
        return
    if reply.status:
        await send_reply(partial(_send_half, send), incoming, reply)
    await (wire.reset() if reply.how == RESET else wire.close())


async def _send_half(send: Send, message: MutableMapping[str, Any]) -> None:
    """Pass a message on, of a body only the first half."""
    if message["type"] == "http.response.body":
        message = {**message, "body": message["body"][: len(message["body"]) // 2], "more_body": True}
    await send(message)
