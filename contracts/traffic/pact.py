"""Pact files V2, V3 and V4: what a consumer sends, and what it needs of the answer."""

from __future__ import annotations

import base64
from urllib.parse import quote, quote_plus

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
from mockserver.openapi.negotiation import is_json

_INTERACTION = "an interaction with request and response, as in Pact V2 to V4"


def exchange(interaction: Json, index: int, line: int | None, provider: str) -> Exchange:
    """The exchange of one interaction; Unreadable where it lacks a part."""
    kind = interaction.get("type") if isinstance(interaction, dict) else None
    if isinstance(kind, str) and kind != "Synchronous/HTTP":
        text = f"no HTTP exchange but {kind}"
        return Exchange(index, line, "", "", Message(), provider=provider, aside=text)
    request, response = sides(interaction, "interaction", _INTERACTION)
    if not isinstance(request.get("method"), str) or not isinstance(request.get("path"), str):
        raise Unreadable("the request has no method or no path", _INTERACTION)
    # The path is kept as text, not as it stands in a URL.
    path = quote(request["path"], safe="/%:@!$&'()*+,;=~", errors="replace")
    query = _query(request.get("query"))
    # Without a status any success is meant.
    status = response.get("status", 200)
    return Exchange(
        index=index,
        line=line,
        method=request["method"].upper(),
        url=f"{path}?{query}" if query else path,
        request=_message(request),
        status=int(status) if str(status).isdecimal() else 200,
        response=_message(response),
        provider=provider,
        is_partial=True,
    )


def _query(query: Json) -> str:
    """V2 keeps the text, V3 and V4 each name with its values."""
    if not isinstance(query, dict):
        return query if isinstance(query, str) else ""
    pairs = ((name, value) for name, values in query.items() for value in _listed(values))
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _quoted(value: Json) -> str:
    return quote_plus(str(value), errors="replace")


def _listed(values: Json) -> list[Json]:
    return values if isinstance(values, list) else [values]


def _message(part: dict[str, Json]) -> Message:
    node = part.get("headers")
    headers: Pairs = [
        (str(name).lower(), str(value))
        for name, values in (node.items() if isinstance(node, dict) else ())
        for value in _listed(values)
    ]
    media = next((value for name, value in headers if name == "content-type"), None)
    return Message(headers, _body(part, media))


def _body(part: dict[str, Json], media: str | None) -> Body:
    if "body" not in part:
        return UNKNOWN_BODY  # any body will do
    body = part["body"]
    if isinstance(body, dict) and "content" in body and body.keys() <= _V4:
        media = body.get("contentType") or media
        return _content(body, media)
    return EMPTY_BODY if body is None else _value(body, media)


_V4 = {"content", "contentType", "encoded", "contentTypeHint"}


def _content(body: dict[str, Json], media: str | None) -> Body:
    content, encoded = body["content"], body.get("encoded")
    if str(encoded).lower() != "base64" and encoded is not True:
        return EMPTY_BODY if content is None else _value(content, media)
    try:
        return Body(raw=base64.b64decode(str(content)), media=media)
    except ValueError:
        return Body(media=media, fault="not base64, though `encoded` says so")


def _value(body: Json, media: str | None) -> Body:
    if isinstance(body, str) and not is_json(media or ""):
        return Body(raw=body.encode("utf-8", "surrogatepass"), media=media)
    return Body(value=body, media=media)
