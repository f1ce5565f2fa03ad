"""urllib3, and requests, which calls through it: pools whose connections go to the mock."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mockserver.testing.intercept import of_http
from mockserver.testing.intercept.reach import PORTS, Call, Way, call_of
from mockserver.testing.intercept.seam import Current, Function, Seam

if TYPE_CHECKING:
    from mockserver.testing.intercept.block import Interceptor


def seams(urllib3: ModuleType) -> Iterator[Seam]:
    """Where calls through urllib3 pass; its connections may connect before http.client is asked."""
    ours = functools.partial(_urlopen, urllib3.connection.HTTPConnection)
    yield Seam(urllib3.connectionpool.HTTPConnectionPool, "urlopen", ours)
    for kind in ("HTTPConnection", "HTTPSConnection"):
        owner = getattr(urllib3.connection, kind)
        # Without TLS, urllib3 has a class of no use in the place of HTTPSConnection.
        if "connect" in owner.__dict__:
            yield Seam(owner, "connect", of_http.connect)


def _urlopen(plain: type, original: Function, current: Current) -> Function:
    @functools.wraps(original)
    def urlopen(self: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
        block = current()
        # A pool that is closed has an error of its own.
        if block is not None and self.pool is not None:
            call = _call(self, method, url)
            way = block.way(call)
            if way is Way.SANDBOX or (way is Way.MOCK and self.proxy):
                self = _to_mock(self, call, functools.partial(_connection, plain, self, call, block))
        return original(self, method, url, *args, **more)

    return urlopen


def _call(pool: Any, method: str, url: str) -> Call:
    parts = urlsplit(url)
    # A pool of connections to a proxy is given whole URLs.
    if parts.scheme and parts.hostname and not url.startswith("/"):
        return call_of(method, parts.scheme, parts.hostname, parts.port, parts.path)
    return call_of(method, pool.scheme, pool.host, pool.port, url)


def _to_mock(pool: Any, call: Call, connection: Function) -> Any:
    """The pool, but without proxy, and with connections to the mock that serve one call each.

    So none to the mock comes among its own, nor one of its own to the call; its errors name the same host.
    """
    double = copy.copy(pool)
    double.scheme, double.host, double.port = call.scheme, call.host, call.port
    double.proxy, double.proxy_config, double.proxy_headers = None, None, {}
    double._get_conn = connection
    double._put_conn = _end
    return double


def _connection(plain: type, pool: Any, call: Call, block: Interceptor, timeout: float | None = None) -> Any:
    """A connection that speaks no TLS and is open, so that its pool has nothing to prepare."""
    made: Any = plain(call.host, call.port, timeout=pool.timeout.connect_timeout)
    made.default_port = PORTS[call.scheme]
    # There is no certificate to warn of.
    made.is_verified = True
    block.divert(made)
    return made


def _end(connection: Any) -> None:
    if connection is not None:
        of_http.hang_up(connection)
