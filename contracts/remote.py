"""A target that listens at a URL: its whole answer in time, or the reason why there is none."""

from __future__ import annotations

import io
import time
import zlib
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from importlib.metadata import PackageNotFoundError, version
from socket import gaierror, socket
from typing import Any, cast
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from contracts.target import TIMEOUT, Call, Reply, Unanswered
from mockserver.openapi.hosts import is_loopback

LARGEST = 16 * 2**20
# What the reason of Unanswered begins with where nobody is at that address at all.
NOBODY_THERE = (_REFUSED, _UNKNOWN) = ("Connection refused", "unknown host")


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
