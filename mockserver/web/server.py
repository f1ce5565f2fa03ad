"""How we run the app: our own uvicorn Server, on the fastest loop that can be had here."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from mockserver.web.protocol import Protocol, State

if TYPE_CHECKING:
    from socket import socket
    from types import FrameType

    from starlette.types import ASGIApp

    from mockserver.web.direct import Direct

DRAIN_SECONDS = 10.0
# Of that, what work may still take whose clients have gone: nobody waits for its answer.
GONE_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 75
# "auto" is uvloop where it is installed, imported (4 ms) only as the loop is made.
Loop = Literal["auto", "asyncio"]


def _nothing() -> None:
    """Nobody waits for this."""


class Server(uvicorn.Server):
    """Serves one app on sockets that already listen, until it is stopped; works on any thread.

    What `direct` answers at once never comes to the app.
    """

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket],
        *,
        direct: Direct | None = None,
        loop: Loop = "auto",
        on_listening: Callable[[], None] = _nothing,
        on_stopping: Callable[[], None] = _nothing,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                loop=loop,
                ws="none",
                lifespan="on",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
            )
        )
        self.shared = State(direct)
        self.server_state = self.shared
        self.listeners = list(sockets)
        self.on_listening = on_listening
        self.on_stopping = on_stopping
        self.drain_seconds = DRAIN_SECONDS
        self._wake: Callable[[], None] = _nothing

    def run(self, sockets: list[socket] | None = None) -> None:
        """Serve until stopped."""
        super().run(sockets or self.listeners)

    def stop(self) -> None:
        """End the server, from any thread, once its answers are given."""
        self.should_exit = True
        self._wake()

    # --- the steps of uvicorn's Server

    async def startup(self, sockets: list[socket] | None = None) -> None:
        # What every answer begins with is there before the first can be asked for.
        await self.on_tick(0)
        await super().startup(sockets)
        try:
            self.on_listening()
        except BaseException:
            await self.shutdown(sockets)
            raise

    async def main_loop(self) -> None:
        """Sleep until stopped, but for the Date header; uvicorn's own loop wakes ten times a second."""
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(stopped.set)

        self._wake = wake
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await stopped.wait()
        self._wake = _nothing

    async def on_tick(self, counter: int) -> bool:
        ends = await super().on_tick(counter)
        self.shared.join_defaults()
        return ends

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Close what is idle, let answers under way finish for a while, then cut the rest."""
        self.shared.stopping.set()
        self.on_stopping()
        await self._stop_accepting()
        await self._drained()
        await self._cut()
        await self.lifespan.shutdown()

    async def _stop_accepting(self) -> None:
        """First stop, then close: asyncio loses a connection that it accepts while its server closes.

        uvloop has no reader here to remove, and accepts without losing any.
        """
        loop = asyncio.get_running_loop()
        for listener in self.listeners:
            # Windows' loop has no readers to remove, and accepts in another way.
            with suppress(NotImplementedError):
                loop.remove_reader(listener)
        await asyncio.sleep(0.01)
        for server in self.servers:
            server.close()

    async def _drained(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self.drain_seconds
        state = self.server_state
        while not self.force_exit and loop.time() < end:
            # Asked each time: a connection accepted just before may begin only now.
            for connection in list(state.connections):
                connection.shutdown()
            await asyncio.sleep(0.02)
            if not (state.connections or state.tasks):
                break
            if not state.connections:
                end = min(end, loop.time() + GONE_SECONDS)

    async def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    # --- signals

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Let signals stop the server; they are not raised again, as uvicorn does: we end with code 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._wake()
