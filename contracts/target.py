"""What a case is held against, and how it is called: one that is handed in, or one that listens somewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPException, HTTPResponse
from typing import Any, NamedTuple, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from mockserver.openapi.compiled import Document, Operation
from mockserver.openapi.hosts import is_loopback

Json = Any
Headers = Sequence[tuple[str, str]]

TIMEOUT = 60.0
# What a path with its query may hold; the rest of a case's own url travels as escapes.
_AS_IT_STANDS = "%/?&=#:;+,@!$'()*[]"
LARGEST = 16 * 2**20


class Call(NamedTuple):
    """A request as it goes out; the target is a path with its query."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes | None = None


class Reply(NamedTuple):
    """What came back; names of headers are in lower case."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def json(self) -> Json:
        """The body as JSON, or None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def as_message(self) -> dict[str, Json]:
        """The reply as pointers speak of it."""
        return {"status": self.status, "header": dict(self.headers), "body": self.json}


class Unanswered(Exception):
    """A call to which no whole answer came."""


class Target(Protocol):
    """Something that answers calls; its URL is for what is shown of them."""

    url: str

    def send(self, call: Call) -> Reply:
        """The answer, or Unanswered."""


class Remote:
    """A server that listens at a URL."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._opener = _opener(urlsplit(url).hostname or "")

    def send(self, call: Call) -> Reply:
        """The answer, or Unanswered with the reason."""
        request = Request(self.url + call.target, call.body, dict(call.headers), method=call.method)
        try:
            with self._sent(request) as response:
                headers = [(name.lower(), value) for name, value in response.headers.items()]
                return Reply(response.status or 0, headers, response.read(LARGEST))
        except (OSError, HTTPException, ValueError) as error:
            raise Unanswered(_reason(error, self._timeout)) from None

    def _sent(self, request: Request) -> HTTPResponse | HTTPError:
        try:
            response: HTTPResponse = self._opener.open(request, timeout=self._timeout)
            return response
        except HTTPError as answer:
            # urllib raises what it was answered; it reads like any other response.
            return answer


class _Unmoved(HTTPRedirectHandler):
    """Follows nothing: where an answer leads is part of what is looked at, and a key is not for elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(host: str) -> OpenerDirector:
    # This machine is reached directly, whatever proxy the environment names.
    return build_opener(_Unmoved, *([ProxyHandler({})] if is_loopback(host) else []))


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, TimeoutError):
        return f"nothing came for {timeout:g} s"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


# --- requests of cases --------------------------------------------------------------------------------------


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
