"""http.client, which urllib.request and urllib3 speak through: connections that talk to the mock instead."""

from __future__ import annotations

import functools
import socket
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit
from weakref import WeakSet

from mockserver.testing.intercept.reach import Call, Way, call_of
from mockserver.testing.intercept.seam import Current, Function, Seam

if TYPE_CHECKING:
    from mockserver.testing.intercept.block import Interceptor

SANDBOX = "X-Mock-Sandbox"
# On a connection: the call it was last used for.
_CALL = "_persona_mock_call"


def seams(http_client: ModuleType) -> Iterator[Seam]:
    """Where calls through http.client pass: what they are for is known at putrequest, before any connect."""
    yield Seam(http_client.HTTPConnection, "putrequest", _putrequest)
    for kind in ("HTTPConnection", "HTTPSConnection"):
        # There is no HTTPS where Python was built without it.
        if owner := getattr(http_client, kind, None):
            yield Seam(owner, "connect", connect)


def _putrequest(original: Function, current: Current) -> Function:
    @functools.wraps(original)
    def putrequest(self: Any, method: str, url: str, skip_host: bool = False, *args: Any, **more: Any) -> Any:
        block = current()
        if block is None:
            return original(self, method, url, skip_host, *args, **more)
        call = _call(self, method, url)
        setattr(self, _CALL, call)
        way = block.way(call)
        if way is Way.OUT or (way is Way.MOCK and _absolute(url) is None):
            if isinstance(self.sock, MockSocket):
                hang_up(self)
            return original(self, method, url, skip_host, *args, **more)
        target, host = _without_proxy(url)
        original(self, method, target, skip_host or host is not None, *args, **more)
        if host is not None and not skip_host:
            self.putheader("Host", host)
        if way is Way.SANDBOX:
            self.putheader(SANDBOX, block.sandbox)
        block.divert(self)
        return None

    return putrequest


def connect(original: Function, current: Current) -> Function:
    """Ours for the connect of a connection, of http.client or of what extends it."""

    @functools.wraps(original)
    def connect(self: Any) -> None:
        block = current()
        # urllib3 knows a connection's proxy, and goes there at once where it speaks TLS; its pool was asked.
        if block is None or (getattr(self, "proxy", None) and not self._tunnel_host):
            original(self)
            return
        way = block.way(_ahead(self))
        if way is Way.SANDBOX or (way is Way.MOCK and self._tunnel_host):
            block.divert(self)
        else:
            original(self)

    return connect


def _call(connection: Any, method: str, url: str) -> Call:
    if (parts := _absolute(url)) is not None:
        return call_of(method, parts.scheme, parts.hostname or "", parts.port, parts.path)
    host, port = connection.host, connection.port
    if connection._tunnel_host:
        host, port = connection._tunnel_host, connection._tunnel_port
    scheme = "https" if connection.default_port == 443 else "http"
    return call_of(method, scheme, host, port, url)


def _ahead(connection: Any) -> Call:
    """The call that a connection is about to be opened for."""
    begun: Call | None = connection.__dict__.get(_CALL)
    if begun is None or connection._tunnel_host:
        return _call(connection, "CONNECT", "")
    return begun


def _absolute(url: str) -> SplitResult | None:
    """The parts of a whole URL, as a proxy is given it; None for what is only a path."""
    return urlsplit(url) if url.startswith(("http://", "https://", "ftp://")) else None


def _without_proxy(url: str) -> tuple[str, str | None]:
    """What a request line has where there is no proxy, and the host of what had one."""
    if (parts := _absolute(url)) is None:
        return url, None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return target, parts.netloc.rpartition("@")[2]


# --- connections to the mock --------------------------------------------------------------------------------


class MockSocket(socket.socket):
    """A socket to the mock, which knows the block that it belongs to."""

    __slots__ = ("block",)
    block: Interceptor


class Connections:
    """The connections that a block has diverted; none stays so when it ends."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._diverted: WeakSet[Any] = WeakSet()

    def divert(self, connection: Any, block: Interceptor) -> None:
        """Let a connection talk to the mock; one that was open to anywhere else is closed."""
        if isinstance(connection.sock, MockSocket) and connection.sock.block is block:
            return
        hang_up(connection)
        connection.sock = _opened(block, connection.timeout)
        with self._guard:
            self._diverted.add(connection)

    def end(self) -> None:
        """Let each connection open another for its next call; a reply that is still read may be read on."""
        with self._guard:
            diverted = list(self._diverted)
            self._diverted.clear()
        for connection in diverted:
            if isinstance(connection.sock, MockSocket):
                hang_up(connection)


def hang_up(connection: Any) -> None:
    """Part a connection from its socket. That stays open for a response which has yet to be read from it."""
    left, connection.sock = connection.sock, None
    if left is not None:
        left.close()


def _opened(block: Interceptor, timeout: Any) -> MockSocket:
    host, _ = block.address
    opened = MockSocket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    opened.block = block
    try:
        # Some hand in an object that stands for the default, which a new socket has.
        if timeout is None or isinstance(timeout, int | float):
            opened.settimeout(timeout)
        opened.connect(block.address)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        opened.close()
        raise
    return opened
