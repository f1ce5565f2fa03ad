"""A finished reply on its way to the wire: as ASGI messages, or as the bytes of the whole answer."""

from __future__ import annotations

import re
from functools import lru_cache

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from mockserver.web.faults import Broken, send_broken
from mockserver.web.reply import ID, Reply
from mockserver.web.request import Incoming, Receive, Send, send_reply, send_stream

# What uvicorn refuses in the value of a header; CR and LF are also what ends our lines.
_CONTROLS = bytes(code for code in (*range(32), 127) if code != ord("\t"))
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# They change how an answer is framed, and whether the connection goes on.
_FRAMING = frozenset(("connection", "content-length", "transfer-encoding"))


class Unusual(ValueError):
    """An answer that is not ours to write in one go."""


async def send(out: Send, receive: Receive, incoming: Incoming, reply: Reply) -> None:
    """Put a reply on the wire, whatever its kind."""
    if isinstance(reply, Broken):
        await send_broken(out, incoming, reply)
    elif reply.stream is not None:
        await send_stream(out, receive, incoming, reply)
    else:
        await send_reply(out, incoming, reply)


def whole(reply: Reply, defaults: bytes, *, bodiless: bool, keeps: bool) -> bytes | None:
    """The answer as uvicorn writes what `send_reply` sends it; None where that has to be asked."""
    status = STATUS_LINE.get(reply.status)
    if type(reply) is not Reply or reply.stream is not None or status is None:
        return None
    try:
        head = _head_again(reply) if keeps and reply.heads is not None else _head(reply, keeps=keeps)
    except ValueError:
        return None
    if bodiless or reply.is_empty:
        return b"".join((status, defaults, head))
    return b"".join((status, defaults, head, reply.body))


# There are few lengths of a body under one set of headers, or too many to be worth it.
_LENGTHS = 16


def _head_again(reply: Reply) -> bytes:
    """The head of a reply that was written before, with this call's id: 0.3 µs, where it takes 4 anew."""
    heads, length = reply.heads, len(reply.body)
    assert heads is not None
    begun = heads.get(length)
    if begun is not None:
        return b"%b%b\r\n\r\n" % (begun, reply.id.encode("ascii"))
    head = _head(reply, keeps=True)
    if len(heads) < _LENGTHS:
        heads[length] = head[: -len(reply.id) - 4]
    return head


def _head(reply: Reply, *, keeps: bool) -> bytes:
    lines = [_label(name) + value for name, value in reply.headers]
    if not reply.is_empty:
        if reply.content_type is not None:
            lines.append("content-type: " + reply.content_type)
        lines.append(f"content-length: {len(reply.body)}")
    elif reply.status not in (204, 304):
        raise Unusual
    if not keeps:
        lines.append("connection: close")
    if reply.id:
        lines.append(f"{ID}: {reply.id}")
    # Joined, encoded and looked through once for all lines: 1 us, where line by line takes 3.
    head = "\r\n".join((*lines, "")).encode("latin-1")
    if len(head) - len(head.translate(None, _CONTROLS)) != 2 * len(lines):
        raise Unusual
    return head + b"\r\n"


@lru_cache(512)
def _label(name: str) -> str:
    """A header's name as it begins its line; there are few of them, and each is looked at once."""
    if name.lower() in _FRAMING or not _NAME.fullmatch(name):
        raise Unusual
    return f"{name.lower()}: "
