"""HAR 1.2, as browsers and proxies save it."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

from contracts.traffic.exchange import (
    EMPTY_BODY,
    UNKNOWN_BODY,
    Body,
    Exchange,
    Json,
    Message,
    Pairs,
    Unreadable,
    sides,
)

_ENTRY = "an entry with request and response, as in HAR 1.2"


def exchange(entry: Json, index: int, line: int | None) -> Exchange:
    """The exchange of one entry; Unreadable where it lacks its request."""
    request, response = sides(entry, "entry", _ENTRY)
    if not isinstance(request.get("method"), str) or not isinstance(request.get("url"), str):
        raise Unreadable("the request has no method or no url", _ENTRY)
    status = response.get("status")
    answered = type(status) is int and status > 0
    headers = _pairs(request.get("headers"))
    return Exchange(
        index=index,
        line=line,
        method=request["method"].upper(),
        url=request["url"],
        request=Message(headers, _sent(request, headers)),
        status=status if answered else None,
        response=Message(_pairs(response.get("headers")), _received(response)),
        aside=None if answered else "aborted, no answer came",
    )


def _pairs(headers: Json) -> Pairs:
    listed = headers if isinstance(headers, list) else []
    return [
        (str(one["name"]).lower(), str(one.get("value", "")))
        for one in listed
        if isinstance(one, dict) and "name" in one
    ]


def _sent(request: dict[str, Json], headers: Pairs) -> Body:
    data = request.get("postData")
    if not isinstance(data, dict):
        size = request.get("bodySize")
        announced = any(name == "content-length" and value not in ("", "0") for name, value in headers)
        is_lost = announced or (type(size) is int and size > 0)
        return UNKNOWN_BODY if is_lost else EMPTY_BODY
    media = data.get("mimeType") or None
    if data.get("text") or not data.get("params"):
        return _text(data, media)
    fields = [
        (str(one.get("name", "")), str(one.get("value") or ""))
        for one in data["params"]
        if isinstance(one, dict)
    ]
    raw = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in fields).encode()
    is_form = str(media).startswith("application/x-www-form-urlencoded")
    return Body(raw=raw if is_form else b"", fields=() if is_form else fields, media=media)


def _quoted(text: str) -> str:
    return quote_plus(text, errors="replace")


def _received(response: dict[str, Json]) -> Body:
    content = response.get("content")
    if not isinstance(content, dict) or not isinstance(content.get("text"), str):
        return UNKNOWN_BODY
    media = content.get("mimeType") or None
    # What a browser has dropped by the time of saving has a size and no text.
    if not content["text"] and content.get("size"):
        return Body(is_kept=False, media=media)
    return _text(content, media)


def _text(node: dict[str, Json], media: str | None) -> Body:
    text = node.get("text")
    text = text if isinstance(text, str) else ""
    if node.get("encoding") != "base64":
        return Body(raw=text.encode("utf-8", "surrogatepass"), media=media)
    try:
        return Body(raw=base64.b64decode(text, validate=False), media=media)
    except ValueError:
        return Body(media=media, fault="not base64, though its encoding says so")
