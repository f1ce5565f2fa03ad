"""The export of our own journal: `GET /_mock/requests?full=true`, saved."""

from __future__ import annotations

import re

from contracts.traffic.exchange import (
    EMPTY_BODY,
    UNKNOWN_BODY,
    Body,
    Exchange,
    Json,
    Message,
    Unreadable,
    sides,
)

_ENTRY = "an entry with request and response, as GET /_mock/requests?full=true gives it"
# A fault that only takes time leaves the answer as it was.
_HARMLESS = (None, "latency", "slow-body")
_SIZE = re.compile(r"[0-9]+ bytes of \S+.*")


def exchange(entry: Json, index: int, line: int | None) -> Exchange:
    """The exchange of one entry; Unreadable where it is the short form."""
    request, response = sides(entry, "entry", _ENTRY, hint="; export the journal with full=true")
    if not isinstance(request.get("method"), str) or not isinstance(request.get("path"), str):
        raise Unreadable("the request has no method or no path", _ENTRY)
    status = entry.get("status")
    query = request.get("query")
    return Exchange(
        index=index,
        line=line,
        method=request["method"],
        url=f"{request['path']}?{query}" if query else request["path"],
        request=_message(request),
        status=status if type(status) is int else None,
        response=_message(response),
        provider=_text(entry.get("provider")),
        is_ours=True,
        answer_aside=_answer_aside(entry),
        outcome=_text(entry.get("outcome")),
        state=_text(entry.get("state")),
    )


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _answer_aside(entry: dict[str, Json]) -> str | None:
    if entry.get("fault") not in _HARMLESS:
        return "answered with a fault that was asked for"
    return None if type(entry.get("status")) is int else "left before the answer came"


def _message(part: dict[str, Json]) -> Message:
    node = part.get("headers")
    listed = node if isinstance(node, list) else []
    headers = [
        (str(one[0]).lower(), str(one[1])) for one in listed if isinstance(one, list) and len(one) == 2
    ]
    return Message(headers, _body(part.get("body")))


def _body(body: Json) -> Body:
    if body is None:
        return EMPTY_BODY
    if not isinstance(body, str):
        return Body(value=body)
    if _SIZE.fullmatch(body):
        return UNKNOWN_BODY
    return Body(raw=body.encode("utf-8", "surrogatepass"))
