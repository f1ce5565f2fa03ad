"""A request of a case as a call: method, path, values and credential, each in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from contracts.target import Call
from mockserver.openapi.compiled import Document, Operation

Json = Any

# What a path with its query may hold; the rest of a case's own url travels as escapes.
_AS_IT_STANDS = "%/?&=#:;+,@!$'()*[]"


def call_of(request: Mapping[str, Json], document: Document, prefix: str, key: str | None) -> Call:
    """A request that has no names left in it, as it goes out."""
    if _is_whole(request.get("url")):
        return _file_call(request)
    operation = document.operation(request["operation"]) if "operation" in request else None
    method, path = _target(request, operation)
    query = urlencode(_pairs(request.get("query", {})), quote_via=quote)
    headers = {"accept": "application/json", **_credential(document, operation, key)}
    body = _body(request)
    if body is not None:
        headers["content-type"] = "application/json"
    headers |= {str(name).lower(): str(value) for name, value in request.get("headers", {}).items()}
    return Call(method, f"{prefix}{path}?{query}" if query else prefix + path, list(headers.items()), body)


def _is_whole(url: Json) -> bool:
    return isinstance(url, str) and url.startswith(("http://", "https://"))


def _file_call(request: Mapping[str, Json]) -> Call:
    """A call to a URL that an answer gave: the target has it under its own path, and takes no key for it."""
    parts = urlsplit(request["url"])
    headers = [(str(name).lower(), str(value)) for name, value in request.get("headers", {}).items()]
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return Call(request.get("method", "GET"), target, headers)


def _target(request: Mapping[str, Json], operation: Operation | None) -> tuple[str, str]:
    if operation is None or "url" in request:
        method = request.get("method") or (operation.method if operation else "GET")
        return str(method), quote(str(request["url"]), safe=_AS_IT_STANDS)
    path = operation.full_path
    slashes = {one.name: "/" if one.takes_slashes else "" for one in operation.parameters}
    for name, value in request.get("path", {}).items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=slashes.get(name, "")))
    return str(request.get("method", operation.method)), path


def _pairs(query: Mapping[str, Json]) -> list[tuple[str, str]]:
    return [
        (name, _word(item))
        for name, value in query.items()
        for item in (value if isinstance(value, list) else [value])
    ]


def _word(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _credential(document: Document, operation: Operation | None, key: str | None) -> dict[str, str]:
    """The header in which a credential travels here."""
    operation = operation or next(document.operations())
    if key is None or not operation.security.alternatives:
        return {}
    scheme = operation.security.alternatives[0][0]
    return {scheme.key.lower(): f"{scheme.word} {key}" if scheme.word else key}


def _body(request: Mapping[str, Json]) -> bytes | None:
    if "raw" in request:
        return str(request["raw"]).encode()
    return json.dumps(request["body"], ensure_ascii=False).encode() if "body" in request else None
