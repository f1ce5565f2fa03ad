"""What a case is held against, and how it is called: one that is handed in, or one that listens somewhere."""

from __future__ import annotations

import io
import json
import time
import zlib
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from importlib.metadata import PackageNotFoundError, version
from socket import gaierror, socket
from typing import Any, NamedTuple, Protocol, cast
from urllib.error import URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import (
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from mockserver.openapi.compiled import Document, Operation
from mockserver.openapi.hosts import is_loopback

Json = Any
Headers = Sequence[tuple[str, str]]

TIMEOUT = 60.0
# What a path with its query may hold; the rest of a case's own url travels as escapes.
_AS_IT_STANDS = "%/?&=#:;+,@!$'()*[]"
LARGEST = 16 * 2**20
# What the reason of Unanswered begins with where nobody is at that address at all.
NOBODY_THERE = (_REFUSED, _UNKNOWN) = ("Connection refused", "unknown host")


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
        """The whole answer, or Unanswered with the reason."""
        request = Request(self.url + call.target, call.body, dict(call.headers), method=call.method)
        try:
            with cast(_Answer, self._opener.open(request, timeout=self._timeout)) as answer:
                headers = [(name.lower(), value) for name, value in answer.getheaders()]
                packing = answer.getheader("content-encoding", "")
                return Reply(answer.status, headers, _unpacked(answer.whole(), packing))
        except (OSError, HTTPException, ValueError) as error:
            raise Unanswered(_reason(error, self._timeout)) from None


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, TimeoutError):
        return f"no whole answer came within {timeout:g} s"
    if isinstance(error, IncompleteRead):
        return "its answer breaks off"
    if isinstance(error, ConnectionRefusedError):
        return _REFUSED
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{_UNKNOWN}: {reason}" if isinstance(error, gaierror) else reason


# --- over the wire ------------------------------------------------------------------------------------------


class _Timed(io.RawIOBase):
    """What comes through a socket, until its timeout is over for all of it together."""

    def __init__(self, connected: socket, source: io.RawIOBase) -> None:
        self._socket, self._source = connected, source
        timeout = connected.gettimeout()
        self._end = None if timeout is None else time.monotonic() + timeout
        self.has_ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
        count = self._source.readinto(buffer)
        self.has_ended = count == 0
        return count

    def close(self) -> None:
        self._source.close()
        super().close()


class _Answer(HTTPResponse):
    """An answer that is whole in time, or none."""

    def __init__(self, connected: socket, *args: Any, **options: Any) -> None:
        super().__init__(connected, *args, **options)
        self._timed = _Timed(connected, self.fp.detach())
        self.fp = io.BufferedReader(self._timed)

    def begin(self) -> None:
        super().begin()
        # The head ends with an empty line; http.client takes the end of everything for one.
        if self._timed.has_ended:
            raise IncompleteRead(b"")

    def whole(self) -> bytes:
        """The body; IncompleteRead or Unanswered where not all of it can be had."""
        body = self.read(LARGEST + 1)
        _see_size(body)
        # What is still to come by its content-length, when nothing comes any more.
        if self.length:
            raise IncompleteRead(body, self.length)
        return body


def _see_size(body: bytes) -> None:
    if len(body) > LARGEST:
        raise Unanswered(f"its answer is larger than {LARGEST // 2**20} MiB")


def _unpacked(body: bytes, packing: str) -> bytes:
    """A body as it was before it was packed, though nobody asked for that; unknown packings stay."""
    name = packing.strip().lower()
    if not body or name not in ("gzip", "x-gzip", "deflate"):
        return body
    # Some servers send deflate without the frame of zlib around it.
    window = 31 if name != "deflate" else 15 if body[:1] == b"\x78" else -15
    unpacker = zlib.decompressobj(window)
    try:
        plain = unpacker.decompress(body, LARGEST + 1)
    except zlib.error:
        raise Unanswered(f"its answer is not {name}, though content-encoding says so") from None
    _see_size(plain)
    if not unpacker.eof:
        raise IncompleteRead(plain)
    return plain


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Http(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class _Https(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_SecureConnection, req)


class _AsItIs(HTTPErrorProcessor):
    """Raises and follows nothing: where an answer leads is looked at too, and a key is not for elsewhere."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:
        return response

    https_response = http_response


def _opener(host: str) -> OpenerDirector:
    # This machine is reached directly, whatever proxy the environment names.
    direct = [ProxyHandler({})] if is_loopback(host) else []
    opener = build_opener(_AsItIs, _Http, _Https, *direct)
    # Some hosts turn Python's own name away; one that a case gives goes before this one.
    opener.addheaders = [("user-agent", f"persona-mock/{_version()}")]
    return opener


def _version() -> str:
    try:
        return version("persona-mockserver")
    except PackageNotFoundError:
        return "0"


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
