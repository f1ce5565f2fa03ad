"""A block of code whose calls go to the mock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from mockserver.settings import UsageError
from mockserver.testing.conversation import App
from mockserver.testing.intercept import of_http
from mockserver.testing.intercept.active import ACTIVE
from mockserver.testing.intercept.reach import Call, Reach, RealCall, Way
from mockserver.testing.transport import async_transport, sync_transport


class Interceptor:
    """Sends calls to documented hosts to the mock, and lets nothing else out.

    For httpx, httpx2, requests, urllib3, aiohttp and urllib, imported before or in the block, in all threads
    of the process. What ftplib calls is held to the same rule, but the mock speaks no FTP. Calls to the
    mock's own address take no proxy. Where blocks are nested the innermost decides; a thread which has
    entered none belongs to the newest. Entered by `with` or `async with`, any number of times, one after the
    other, until end() is called.
    """

    def __init__(
        self,
        app: App,
        address: tuple[str, int],
        hosts: Iterable[str],
        sandbox: str,
        allow: Iterable[str] | None = (),
    ) -> None:
        self.address = address
        self.sandbox = sandbox
        # Also those that a client's own `except` kept from everybody.
        self.refused: list[RealCall] = []
        self._app = app
        self._reach = Reach(hosts, address, allow)
        self._connections = of_http.Connections()
        self._guard = threading.Lock()
        self._transports: dict[Callable[[App], Any], Any] = {}
        self._turn = threading.Lock()
        self._has_ended = False
        self._key: object | None = None

    def __enter__(self) -> Interceptor:
        with self._turn:
            self._check()
            self._key = ACTIVE.enter(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._leave()

    async def __aenter__(self) -> Interceptor:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._leave()

    def end(self) -> None:
        """Leave the block if it is active, from any thread, and let nobody enter it again."""
        with self._turn:
            self._has_ended = True
        self._leave()

    # --- what the client libraries ask

    def way(self, call: Call) -> Way:
        """Where a call goes; RealCall if it may go nowhere."""
        try:
            return self._reach.way(call)
        except RealCall as refusal:
            self.refused.append(refusal)
            raise

    def divert(self, connection: Any) -> None:
        """Let an http.client connection talk to the mock from now on, and until the block ends."""
        self._connections.divert(connection, self)

    def sync_transport(self) -> Any:
        """The way into the mock for every Client."""
        return self._transport(sync_transport)

    def async_transport(self) -> Any:
        """The way into the mock for every AsyncClient."""
        return self._transport(async_transport)

    # --- what is kept while it lasts

    def _transport(self, make: Callable[[App], Any]) -> Any:
        with self._guard:
            if make not in self._transports:
                self._transports[make] = make(self._app)
            return self._transports[make]

    def _check(self) -> None:
        if self._has_ended:
            fix = "Ask for the fixture, or start a mock, and call intercept() again"
            raise UsageError("the mock this block belongs to has ended", fix=fix)
        if self._key is not None:
            raise RuntimeError("This block is active already. To nest another in it, call intercept() again")

    def _leave(self) -> None:
        with self._turn:
            key, self._key = self._key, None
        if key is not None:
            ACTIVE.leave(key)
            self._clean_up()

    def _clean_up(self) -> None:
        self._connections.end()
        with self._guard:
            transports, self._transports = self._transports, {}
        for transport in transports.values():
            transport.halt()
