"""aiohttp: each hop of a call asks its connector for a connection, and gets one to the mock."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mockserver.testing.intercept.of_http import SANDBOX
from mockserver.testing.intercept.reach import Call, Way, call_of
from mockserver.testing.intercept.seam import Current, Function, Seam

if TYPE_CHECKING:
    from mockserver.testing.intercept.block import Interceptor


def seams(aiohttp: ModuleType) -> Iterator[Seam]:
    """Where every call asks for a connection, one of the pool or a new one."""
    yield Seam(aiohttp.BaseConnector, "connect", _connect)


def _connect(original: Function, current: Current) -> Function:
    @functools.wraps(original)
    async def connect(self: Any, req: Any, *args: Any, **more: Any) -> Any:
        block = current()
        way = block.way(_call(req)) if block is not None else Way.OUT
        if block is None or way is Way.OUT or (way is Way.MOCK and not req.proxy):
            return await original(self, req, *args, **more)
        connection = await original(self, _to_mock(req, block), *args, **more)
        # Only this call: a session that outlives the block keeps no connection to the mock.
        connection.protocol.force_close()
        if way is Way.SANDBOX:
            req.headers[SANDBOX] = block.sandbox
        return connection

    return connect


def _call(request: Any) -> Call:
    url = request.url
    return call_of(request.method, url.scheme, url.raw_host or "", url.port, url.raw_path)


def _to_mock(request: Any, block: Interceptor) -> Any:
    """What a connector is asked for: the connection of a call to the mock's own address."""
    asked = copy.copy(request)
    host, port = block.address
    asked.url = type(request.url).build(scheme="http", host=host, port=port)
    asked.proxy = asked.proxy_auth = asked.proxy_headers = None
    return asked
