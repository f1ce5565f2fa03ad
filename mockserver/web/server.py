"""How we run the app: our own uvicorn Server, and a protocol that answers broken HTTP in our own words."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from socket import SO_LINGER, SOL_SOCKET
from typing import TYPE_CHECKING, Any, NamedTuple

import httptools
import uvicorn
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import HANDLED_SIGNALS, ServerState

from mockserver.web.request import WIRE

if TYPE_CHECKING:
    from socket import socket
    from types import FrameType

    from starlette.types import ASGIApp, Receive, Scope, Send

HEADER_BYTES = 64 * 1024
HEADER_FIELDS = 200
TARGET_BYTES = 64 * 1024
PIPELINED = 100
DRAIN_SECONDS = 10.0
# Of that, what work may still take whose clients have gone: nobody waits for its answer.
GONE_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 75
# How long a refused client may go on sending before its connection is cut; a close at once would make the
# kernel reset the connection, and the client would lose the answer.
LINGER_SECONDS = 2.0
# What was written has left for the client by then; a reset would make the kernel throw it away.
LEAVE_SECONDS = 0.02
# The linger option that makes a close a reset: on, for no time at all.
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Fault(NamedTuple):
    """What a connection is told whose bytes are not HTTP as we take it."""

    status: int
    slug: str
    title: str
    detail: str


class BrokenRequest(Exception):
    """Raised inside the parser's callbacks: nothing more of this connection is read."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.detail)


TARGET_TOO_LONG = Fault(
    414,
    "uri-too-long",
    "Request target too long",
    f"The request target is over {TARGET_BYTES} bytes. Send what is long in the body",
)
HEADERS_TOO_LARGE = Fault(
    431,
    "headers-too-large",
    "Request headers too large",
    f"A request may have {HEADER_FIELDS} header fields and {HEADER_BYTES} bytes of headers. Send fewer",
)
TOO_MANY_PIPELINED = Fault(
    400,
    "bad-request",
    "Too many requests at once",
    f"More than {PIPELINED} requests wait on this connection. Read answers before sending on",
)
TLS = Fault(
    400,
    "bad-request",
    "Plain HTTP only",
    "These bytes begin a TLS handshake, but this port speaks plain HTTP. Use http:// instead of https://",
)


def _unreadable(reason: str) -> Fault:
    detail = f"The bytes received are not an HTTP/1.1 request: {reason}. Send one, as any HTTP client does"
    return Fault(400, "bad-request", "Broken HTTP request", detail)


class State(ServerState):
    """What the connections of a server share: also whether it stops."""

    def __init__(self) -> None:
        super().__init__()
        self.stopping = asyncio.Event()


class Protocol(HttpToolsProtocol):
    """One connection; what breaks HTTP gets one problem answer, after those owed before it, and the end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fault: Fault | None = None
        # The cycle that is being answered; uvicorn's `cycle` is the one being read.
        self.answering: RequestResponseCycle | None = None
        self.in_head = True
        self.resuming = False
        # How many requests were begun, and whether a fault has ended this connection.
        self.begun = 0
        state = self.server_state
        self.stopping = state.stopping if isinstance(state, State) else asyncio.Event()
        self.is_broken = False
        self.gone = asyncio.Event()
        self.target_bytes = self.header_bytes = self.header_fields = 0
        # Bytes fed to the parser since it last told us of anything.
        self.unparsed_bytes = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(exc)

    # --- reading

    def data_received(self, data: bytes) -> None:
        if self.fault is not None or self.is_broken:
            return
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except BrokenRequest as broken:
            self._refuse(broken.fault)
        except httptools.HttpParserError as error:
            self._refuse(self._explained(error, data))

    def _feed(self, data: bytes) -> None:
        self.unparsed_bytes += len(data)
        while data:
            try:
                self.parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as offer:
                data = data[offer.args[0] :]
                self._decline_upgrade()
        # The parser keeps a header that never ends, unseen by us.
        if self.unparsed_bytes > HEADER_BYTES:
            raise BrokenRequest(HEADERS_TOO_LARGE)

    def _decline_upgrade(self) -> None:
        """Read on in HTTP/1.1 where a client offers another protocol (Java's does so with every first POST).

        The parser has stopped before the body; a new one is told how the body is framed, and takes over.
        """
        framing = self._framing()
        self.parser = httptools.HttpRequestParser(self)
        if framing:
            self.resuming = True
            self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(framing))
            self.resuming = False

    def _framing(self) -> list[bytes]:
        framing = (b"content-length", b"transfer-encoding")
        return [b"%b: %b\r\n" % (name, value) for name, value in self.headers if name in framing]

    def _explained(self, error: Exception, data: bytes) -> Fault:
        cause = error.__context__
        if isinstance(cause, BrokenRequest):
            return cause.fault
        if data.startswith(b"\x16\x03"):
            return TLS
        return _unreadable(str(cause or error).rstrip("."))

    # --- the parser's callbacks

    def on_message_begin(self) -> None:
        if self.resuming:
            return
        self.in_head = True
        self.target_bytes = self.header_bytes = self.header_fields = self.unparsed_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if self.resuming:
            return
        self.unparsed_bytes = 0
        self.target_bytes += len(url)
        if self.target_bytes > TARGET_BYTES:
            raise BrokenRequest(TARGET_TOO_LONG)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.resuming:
            return
        self.unparsed_bytes = 0
        self.header_fields += 1
        self.header_bytes += len(name) + len(value)
        if self.header_fields > HEADER_FIELDS or self.header_bytes > HEADER_BYTES:
            raise BrokenRequest(HEADERS_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.resuming:
            return
        if len(self.pipeline) >= PIPELINED:
            raise BrokenRequest(TOO_MANY_PIPELINED)
        self._take_host_of_target()
        super().on_headers_complete()
        self.in_head = False

    def _take_host_of_target(self) -> None:
        """A proxy's client names the host in its request target, and that counts (RFC 9112, 3.2.2)."""
        if self.url.startswith(b"/") or b"://" not in self.url:
            return
        target = httptools.parse_url(self.url)
        host = b"[%b]" % target.host if b":" in target.host else target.host
        authority = b"%b:%d" % (host, target.port) if target.port else host
        self.headers[:] = [(name, value) for name, value in self.headers if name != b"host"]
        self.headers.append((b"host", authority))
        self.url = (target.path or b"/") + (b"?" + target.query if target.query else b"")

    def on_body(self, body: bytes) -> None:
        self.unparsed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        # An offer to upgrade ends the message for the parser, though its body is yet to come.
        if not (self.parser.should_upgrade() and self._framing()):
            super().on_message_complete()

    # --- answering

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.answering = cycle
        self.begun += 1
        scope: Any = cycle.scope
        scope["extensions"] = {WIRE: _Wire(self, cycle)}
        super()._start_asgi_task(cycle, _quiet(app, cycle))

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._answer_fault()

    # --- breaking off

    async def reset(self, cycle: RequestResponseCycle) -> None:
        """End the connection with a RST, once what was written has left for the client."""
        self._let_go(cycle)
        await self._left(cycle)
        if not self.transport.is_closing():
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
            self.transport.abort()

    def close(self, cycle: RequestResponseCycle) -> None:
        """End the connection with a FIN behind what was written."""
        self._let_go(cycle)
        if not self.transport.is_closing():
            # Not closed at once: with bytes of the client still unread the kernel would make it a reset.
            self.transport.write_eof()
            self.timeout_keep_alive_task = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _let_go(self, cycle: RequestResponseCycle) -> None:
        """Answer and take in nothing more; uvicorn has nothing to say about a client that has gone."""
        self.is_broken = cycle.disconnected = True
        self.pipeline.clear()
        self._unset_keepalive_if_required()
        self.flow.resume_reading()

    async def _left(self, cycle: RequestResponseCycle) -> None:
        end = self.loop.time() + LINGER_SECONDS
        while self.transport.get_write_buffer_size() and self.loop.time() < end:
            await asyncio.sleep(LEAVE_SECONDS / 4)
        if cycle.response_started or self.begun > 1:
            await asyncio.sleep(LEAVE_SECONDS)

    # --- what breaks HTTP

    def _owes_answers(self) -> bool:
        return self.answering is not None and not self.answering.response_complete

    def _refuse(self, fault: Fault) -> None:
        self.fault = fault
        if self.in_head or self._withdraw():
            self._answer_fault()
        else:
            self.transport.close()

    def _withdraw(self) -> bool:
        """Give up the request whose body broke; False where its answer has begun, so that none can follow."""
        begun = self.cycle.response_started
        self.cycle.disconnected = True
        self.cycle.response_complete = True
        self.cycle.message_event.set()
        return not begun

    def _answer_fault(self) -> None:
        if self.fault is None or self._owes_answers() or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self.transport.write(_answer(self.fault, self.server_state.default_headers))
        self.transport.write_eof()
        self.flow.resume_reading()
        self.timeout_keep_alive_task = self.loop.call_later(LINGER_SECONDS, self.transport.abort)


class _Wire:
    """The connection of one call, for those who are to break it."""

    patience: float | None = None

    def __init__(self, protocol: Protocol, cycle: RequestResponseCycle) -> None:
        self._protocol = protocol
        self._cycle = cycle

    @property
    def is_gone(self) -> bool:
        return self._protocol.gone.is_set()

    async def reset(self) -> None:
        await self._protocol.reset(self._cycle)

    async def close(self) -> None:
        self._protocol.close(self._cycle)

    async def give_up(self) -> None:
        """How long this client waits is its own affair."""

    async def rest(self, seconds: float) -> None:
        ends = [
            asyncio.ensure_future(event.wait()) for event in (self._protocol.stopping, self._protocol.gone)
        ]
        try:
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()


def _answer(fault: Fault, headers: list[tuple[bytes, bytes]]) -> bytes:
    problem = {
        "type": f"urn:persona-mock:{fault.slug}",
        "title": fault.title,
        "status": fault.status,
        "detail": fault.detail,
    }
    body = json.dumps(problem, separators=(",", ":")).encode()
    lines = [
        *headers,
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-mock-error", fault.slug.encode()),
        (b"connection", b"close"),
    ]
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    return STATUS_LINE[fault.status] + head + b"\r\n" + body


def _quiet(app: Any, cycle: RequestResponseCycle) -> Any:
    """The app, whose work for a client that has gone, or that a shutdown cuts, ends without a word."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (asyncio.CancelledError, ClientDisconnect):
            cycle.disconnected = True

    return answer


def _nothing() -> None:
    """Nobody waits for this."""


class Server(uvicorn.Server):
    """Serves one app on sockets that already listen, until it is stopped; works on any thread."""

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket],
        *,
        on_listening: Callable[[], None] = _nothing,
        on_stopping: Callable[[], None] = _nothing,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                loop="asyncio",
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
        self.shared = State()
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

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Close what is idle, let answers under way finish for a while, then cut the rest."""
        self.shared.stopping.set()
        self.on_stopping()
        await self._stop_accepting()
        await self._drained()
        await self._cut()
        await self.lifespan.shutdown()

    async def _stop_accepting(self) -> None:
        """First stop, then close: asyncio loses a connection that it accepts while its server closes."""
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
