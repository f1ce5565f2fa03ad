"""What breaks HTTP as we take it, its limits, and the one answer that its connection gets."""

from __future__ import annotations

import json
from typing import NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

HEADER_BYTES = 64 * 1024
HEADER_FIELDS = 200
TARGET_BYTES = 64 * 1024
PIPELINED = 100


class Fault(NamedTuple):
    """What a connection is told whose bytes are not HTTP as we take it."""

    status: int
    slug: str
    title: str
    detail: str


class BrokenRequest(Exception):
    """Raised inside the parser's callbacks: nothing more of this connection is read."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.detail)


TARGET_TOO_LONG = Fault(
    414,
    "uri-too-long",
    "Request target too long",
    f"The request target is over {TARGET_BYTES} bytes. Send what is long in the body",
)
HEADERS_TOO_LARGE = Fault(
    431,
    "headers-too-large",
    "Request headers too large",
    f"A request may have {HEADER_FIELDS} header fields and {HEADER_BYTES} bytes of headers. Send fewer",
)
TOO_MANY_PIPELINED = Fault(
    400,
    "bad-request",
    "Too many requests at once",
    f"More than {PIPELINED} requests wait on this connection. Read answers before sending on",
)
TLS = Fault(
    400,
    "bad-request",
    "Plain HTTP only",
    "These bytes begin a TLS handshake, but this port speaks plain HTTP. Use http:// instead of https://",
)


def unreadable(reason: str) -> Fault:
    """Bytes that the parser cannot make out."""
    detail = f"The bytes received are not an HTTP/1.1 request: {reason}. Send one, as any HTTP client does"
    return Fault(400, "bad-request", "Broken HTTP request", detail)


def refusal(fault: Fault, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The problem answer on the wire, behind the headers that every answer has."""
    problem = {
        "type": f"urn:persona-mock:{fault.slug}",
        "title": fault.title,
        "status": fault.status,
        "detail": fault.detail,
    }
    body = json.dumps(problem, separators=(",", ":")).encode()
    lines = [
        *headers,
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-mock-error", fault.slug.encode()),
        (b"connection", b"close"),
    ]
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    return STATUS_LINE[fault.status] + head + b"\r\n" + body
