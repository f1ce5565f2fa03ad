"""httpx and httpx2: calls to documented hosts need no socket, as with a transport of ours."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from mockserver.testing.intercept.reach import Call, Way, call_of
from mockserver.testing.intercept.seam import Current, Function, Seam


def seams(httpx: ModuleType) -> Iterator[Seam]:
    """Where calls leave for the network; transports that need none are left alone."""
    past_proxy = functools.partial(_past_proxy, httpx)
    yield Seam(httpx.HTTPTransport, "handle_request", functools.partial(_sync, past_proxy))
    yield Seam(httpx.AsyncHTTPTransport, "handle_async_request", functools.partial(_async, past_proxy))


def _sync(past_proxy: Function, original: Function, current: Current) -> Function:
    @functools.wraps(original)
    def handle_request(self: Any, request: Any) -> Any:
        block = current()
        way = block.way(_call(request)) if block is not None else Way.OUT
        if block is not None and way is Way.SANDBOX:
            return block.sync_transport().handle_request(request)
        return original(past_proxy("HTTPTransport") if way is Way.MOCK else self, request)

    return handle_request


def _async(past_proxy: Function, original: Function, current: Current) -> Function:
    @functools.wraps(original)
    async def handle_async_request(self: Any, request: Any) -> Any:
        block = current()
        way = block.way(_call(request)) if block is not None else Way.OUT
        if block is not None and way is Way.SANDBOX:
            return await block.async_transport().handle_async_request(request)
        return await original(past_proxy("AsyncHTTPTransport") if way is Way.MOCK else self, request)

    return handle_async_request


def _past_proxy(httpx: ModuleType, kind: str) -> Any:
    """A transport for one call, which keeps no connection; not ours, for the call names its own sandbox."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return getattr(httpx, kind)(verify=False, trust_env=False, limits=limits)


def _call(request: Any) -> Call:
    url = request.url
    return call_of(request.method, url.scheme, url.raw_host.decode(), url.port, url.raw_path.decode())
