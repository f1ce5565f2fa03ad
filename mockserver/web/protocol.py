"""One connection: answers at once where that can be, through ASGI where not; broken HTTP in our words."""

from __future__ import annotations

import asyncio
import math
import os
import struct
from collections import deque
from socket import SO_LINGER, SOL_SOCKET
from typing import TYPE_CHECKING, Any, NamedTuple

import httptools
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from mockserver.web import broken
from mockserver.web.broken import (
    HEADER_BYTES,
    HEADER_FIELDS,
    PIPELINED,
    TARGET_BYTES,
    BrokenRequest,
    Fault,
)
from mockserver.web.direct import Begun, Direct, Held
from mockserver.web.newest import LARGEST, Newest
from mockserver.web.request import WIRE, Incoming
from mockserver.web.sending import send as send_any
from mockserver.web.sending import whole

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from mockserver.web.reply import Headers, Reply

# How long a refused client may go on sending before its connection is cut; a close at once would make the
# kernel reset the connection, and the client would lose the answer.
LINGER_SECONDS = 2.0
# What was written has left for the client by then; a reset would make the kernel throw it away.
LEAVE_SECONDS = 0.02
# Larger bodies go the long way, which stops reading while nobody takes them.
DIRECT_BYTES = 64 * 1024
# So many calls are answered before the answers are written, and the sockets looked at again: with twice as
# many, one that comes in a moment late waits twice as long as all others, and the p99 tells.
TOGETHER = 16
# The linger option that makes a close a reset: on, for no time at all.
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
# What asks for something before the answer, and a body that does not say how long it is.
_LONG_WAY = ("expect", "upgrade", "transfer-encoding")


class State(ServerState):
    """What the connections of a server share: also who answers at once, and whether it stops."""

    def __init__(self, direct: Direct | None = None) -> None:
        super().__init__()
        self.stopping = asyncio.Event()
        self.direct = direct
        # The newest requests by their bytes: one that comes again, byte for byte, need not be parsed again.
        # Load tests and polling loops send the same over and over: to parse it takes 9 µs, to find it 0.3.
        self.seen: Newest[bytes, Whole] = Newest()
        # `default_headers` as they stand on the wire, joined once a second and not for each answer.
        self.defaults = b""
        # What came in with this look at the sockets, by connection, and is not answered yet.
        self._gathered: deque[tuple[Protocol, bytes]] = deque()
        # Whether the loop is to call us for it: twice at once, it would answer twice as many in a turn.
        self._is_called = False

    def gather(self, protocol: Protocol, data: bytes) -> None:
        """Answer this with what else comes in with the same look at the sockets.

        First all is read, then some of it is answered, then the answers are written: our code stays in the
        processor's caches, where the kernel's would push it out between any two calls. With 32 connections
        that takes a fifth off a poll, and 8 µs off a song.
        """
        protocol.waits = True
        self._gathered.append((protocol, data))
        if not self._is_called:
            self._is_called = True
            protocol.loop.call_soon(self._answer_some, protocol.loop)

    def _answer_some(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._answer(min(TOGETHER, len(self._gathered)))
        finally:
            self._is_called = bool(self._gathered)
            if self._is_called:
                loop.call_soon(self._answer_some, loop)

    def answer_gathered(self) -> None:
        """Answer now all that waits."""
        self._answer(len(self._gathered))

    def _answer(self, many: int) -> None:
        """Answer so many, in the order in which they came."""
        for _ in range(many):
            protocol, data = self._gathered.popleft()
            protocol.waits = False
            try:
                protocol.answer_received(data)
            except Exception as error:  # the others are not to suffer from it
                protocol.give_up(error)

    def join_defaults(self) -> None:
        """Take over the headers that every answer has."""
        self.defaults = b"".join(b"%b: %b\r\n" % line for line in self.default_headers)


class Whole(NamedTuple):
    """A request that came in one piece and was answered at once, and whether others may follow it."""

    incoming: Incoming
    body: bytes
    keeps: bool


class Head(NamedTuple):
    """The header fields of a request, as sent and decoded, and what they mean for the way it takes."""

    raw: list[tuple[bytes, bytes]]
    headers: Headers
    # Its body, if any, is short and framed by its length, and nothing is asked for before its answer.
    is_plain: bool
    tells_of_connection: bool


def _read(raw: list[tuple[bytes, bytes]]) -> Head:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
    named = dict(headers)
    is_plain = named.keys().isdisjoint(_LONG_WAY) and _is_short(named.get("content-length", "0"))
    return Head(raw, headers, is_plain, "connection" in named)


def _is_short(length: str) -> bool:
    return len(length) < 6 and length.isdecimal() and int(length) <= DIRECT_BYTES


_NO_HEAD = Head([], [], is_plain=True, tells_of_connection=False)


class Protocol(HttpToolsProtocol):
    """One connection; what breaks HTTP gets one problem answer, after those owed before it, and the end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fault: Fault | None = None
        # The cycle that is being answered; uvicorn's `cycle` is the one being read.
        self.answering: RequestResponseCycle | None = None
        self.in_head = True
        self.resuming = False
        # How many requests were begun, and whether a fault, or a last answer, has ended this connection.
        self.begun = 0
        self.state = self.server_state if isinstance(self.server_state, State) else State()
        self.stopping = self.state.stopping
        self.is_broken = False
        self.gone = asyncio.Event()
        self.url = b""
        self.header_bytes = 0
        # Bytes fed to the parser since it last told us of anything, and requests that came with the last.
        self.unparsed_bytes = self.at_once = 0
        # Whether something that came in waits for its turn.
        self.waits = False
        # The request that is answered at once when its body is here, and whether others may follow it.
        self.direct = self.state.direct
        self.awaited: Incoming | None = None
        # The head read last: a client mostly sends the same with each call, and decoding it takes 1.5 us.
        self.seen = _NO_HEAD
        self.collected = b""
        self.keeps = True
        # Whether all that was read has been answered at once; and what was the last.
        self.is_between = self.direct is not None
        self.answered: Whole | None = None
        # What has come of a request already that is parsed once more.
        self.outcome: list[Begun | Held | Exception | None] = []
        # Since when nothing is owed and nothing came, in the loop's time; and who looks after that.
        self.idle_since = math.inf
        self.idle_timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        # What a client asked for is done, also where it does not wait for the answer.
        self._catch_up()
        self.gone.set()
        self.awaited = None
        if self.idle_timer is not None:
            self.idle_timer.cancel()
        if self.answering is not None and not self.answering.response_complete:
            # uvicorn tells only the cycle that was read last, and uvloop refuses what others still write.
            self.answering.disconnected = True
            self.answering.message_event.set()
        super().connection_lost(exc)

    # --- reading

    def data_received(self, data: bytes) -> None:
        self.idle_since = math.inf
        # Of one that goes on sending no more is kept than this.
        self._catch_up()
        # One client alone has nobody to wait for; on asyncio's loop a turn more takes it 10 µs. Nor is there
        # anything gathered then: whoever closes has what came from it answered first.
        if len(self.connections) > 1:
            self.state.gather(self, data)
        else:
            self.answer_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn says nothing, and so closes at once
        # Who says no more is still to be answered. A task that was made for it just now has its turn first.
        self._catch_up()
        if self._owes_answers() and not self.transport.is_closing():
            self.loop.call_soon(self.transport.close)
            return True
        return False

    def _catch_up(self) -> None:
        """Answer what was read before: the connection is about to close, or more has come."""
        if self.waits:
            self.state.answer_gathered()

    def give_up(self, error: Exception) -> None:
        """End the connection over an error of ours, as the loop does where it calls us itself."""
        told = {"message": "A connection failed", "exception": error, "transport": self.transport}
        self.loop.call_exception_handler(told)
        self.transport.abort()

    def answer_received(self, data: bytes) -> None:
        """Answer as many requests as end with these bytes."""
        if self.fault is not None or self.is_broken:
            return
        self.at_once = 0
        # Between two requests, and with nothing owed, these bytes can only be what they were before.
        between = self.is_between and not self._is_busy()
        if between and (seen := self.state.seen.find(data)) is not None and self._answer_again(seen):
            return
        try:
            self._feed(data)
            is_whole = between and self.is_between and self.at_once == 1
            if is_whole and self.answered is not None and len(data) <= LARGEST:
                self.state.seen.keep(data, self.answered)
        except BrokenRequest as error:
            self._refuse(error.fault)
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
            raise BrokenRequest(broken.HEADERS_TOO_LARGE)

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
            return broken.TLS
        return broken.unreadable(str(cause or error).rstrip("."))

    # --- the parser's callbacks; they do uvicorn's work themselves, for each step aside costs 0.1 us and more

    def on_message_begin(self) -> None:
        if self.resuming:
            return
        self.in_head = True
        self.is_between = False
        self.answered = None
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.header_bytes = self.unparsed_bytes = 0

    def on_url(self, url: bytes) -> None:
        if self.resuming:
            return
        self.unparsed_bytes = 0
        self.url += url
        if len(self.url) > TARGET_BYTES:
            raise BrokenRequest(broken.TARGET_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.resuming:
            return
        self.unparsed_bytes = 0
        self.header_bytes += len(name) + len(value)
        headers = self.headers
        headers.append((name.lower(), value))
        if len(headers) > HEADER_FIELDS or self.header_bytes > HEADER_BYTES:
            raise BrokenRequest(broken.HEADERS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        if self.resuming or self.is_broken:
            return
        self.at_once += 1
        if self.at_once > PIPELINED + 1 or len(self.pipeline) >= PIPELINED:
            raise BrokenRequest(broken.TOO_MANY_PIPELINED)
        if not self.url.startswith(b"/"):
            self._take_host_of_target()
        self.awaited = None if self.direct is None or self._is_busy() else self._read_head()
        if self.awaited is None:
            self._begin_cycle()
        self.in_head = False

    def _take_host_of_target(self) -> None:
        """A proxy's client names the host in its request target, and that counts (RFC 9112, 3.2.2)."""
        if b"://" not in self.url:
            return
        target = httptools.parse_url(self.url)
        host = b"[%b]" % target.host if b":" in target.host else target.host
        authority = b"%b:%d" % (host, target.port) if target.port else host
        self.headers[:] = [(name, value) for name, value in self.headers if name != b"host"]
        self.headers.append((b"host", authority))
        self.url = (target.path or b"/") + (b"?" + target.query if target.query else b"")

    def on_body(self, body: bytes) -> None:
        self.unparsed_bytes = 0
        if self.awaited is not None:
            self.collected += body
        elif not self.is_broken:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.awaited is not None:
            self._answer_directly(self.awaited)
        # An offer to upgrade ends the message for the parser, though its body is yet to come.
        elif not self.is_broken and not (self.parser.should_upgrade() and self._framing()):
            super().on_message_complete()

    # --- answering at once

    def _is_busy(self) -> bool:
        """True where an answer is under way, or the client does not take what was written to it."""
        return self.flow.write_paused or self._owes_answers()

    def _read_head(self) -> Incoming | None:
        """The request, where it can be answered as soon as its body is here."""
        if self.headers != self.seen.raw:
            self.seen = _read(self.headers)
        if not self.seen.is_plain:
            return None
        target = httptools.parse_url(self.url)
        self.collected = b""
        self.keeps = self.parser.should_keep_alive()
        if self.keeps and self.seen.tells_of_connection:
            # Only then may it be 1.0: that has to ask for it, and is refused as uvicorn does.
            self.keeps = self.parser.get_http_version() != "1.0"
        method = self.parser.get_method().decode("ascii")
        headers = list(self.seen.headers)
        return Incoming(method, target.path.decode("ascii"), target.query or b"", headers)

    def _answer_again(self, seen: Whole) -> bool:
        """Answer a request that was parsed before; False where what came of it needs it parsed once more."""
        begun = self._begin(seen.incoming, seen.body)
        if isinstance(begun, Begun) and (answer := self._as_bytes(seen.incoming, begun.reply, seen.keeps)):
            self._write(answer, begun.due, seen)
            return True
        self.outcome = [begun]
        return False

    def _answer_directly(self, incoming: Incoming) -> None:
        self.awaited, self.in_head = None, True
        # The work is done once, whoever parsed the request.
        begun = self.outcome.pop() if self.outcome else self._begin(incoming, self.collected)
        if isinstance(begun, Begun):
            if answer := self._as_bytes(incoming, begun.reply, self.keeps):
                self._write(answer, begun.due, Whole(incoming, self.collected, self.keeps))
                return
            begun = _Ready(begun.reply, begun.due)
        if isinstance(begun, Exception):
            self._go_long(_failing(begun))
        elif begun is None:
            self._go_long(self.app)
        else:
            assert self.direct is not None
            self._go_long(_finishing(self.direct, begun, incoming))

    def _begin(self, incoming: Incoming, body: bytes) -> Begun | Held | Exception | None:
        assert self.direct is not None
        try:
            return self.direct.begin(incoming, body)
        except Exception as error:
            return error

    def _as_bytes(self, incoming: Incoming, reply: Reply, keeps: bool) -> bytes | None:
        return whole(reply, self.state.defaults, bodiless=incoming.method == "HEAD", keeps=keeps)

    def _write(self, answer: bytes, due: str | None, request: Whole) -> None:
        self.begun += 1
        self.server_state.total_requests += 1
        self.transport.write(answer)
        self.is_between, self.answered = True, request
        if request.keeps and not self.transport.is_closing():
            self._rest()
        else:
            self._end()
        if due is not None and self.direct is not None:
            self.loop.call_soon(self.direct.stir, due)

    def _end(self) -> None:
        """Answer none of the requests that came with this one: it was the last, or its client has gone."""
        self.is_broken = True
        self.transport.close()

    def _go_long(self, app: Any) -> None:
        """Let an app answer the request, whose body is here, as uvicorn lets its own one."""
        usual, self.app = self.app, app
        try:
            self._begin_cycle()
        finally:
            self.app = usual
        self.cycle.keep_alive = self.keeps
        super().on_body(self.collected)
        super().on_message_complete()

    # --- answering through ASGI

    def _begin_cycle(self) -> None:
        """What uvicorn does from the first byte of a request to the end of its head."""
        url, headers, expects = self.url, self.headers, _expects(self.headers)
        super().on_message_begin()
        self.url = url
        # In place: its scope holds this very list.
        self.headers += headers
        self.expect_100_continue = expects
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.answering = cycle
        self.begun += 1
        scope: Any = cycle.scope
        scope["extensions"] = {WIRE: _Wire(self, cycle)}
        super()._start_asgi_task(cycle, _quiet(app, cycle))

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._rest()
        self._answer_fault()

    # --- between requests

    def _rest(self) -> None:
        """Wait for the next request; one timer stays, for a new one with each answer takes 1.5 us."""
        self.idle_since = self.loop.time()
        if self.idle_timer is None:
            self.idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look_for_idleness)

    def _look_for_idleness(self) -> None:
        self.idle_timer = None
        left = self.idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            self.timeout_keep_alive_handler()
        elif left < math.inf:
            self.idle_timer = self.loop.call_later(left, self._look_for_idleness)

    def _unset_keepalive_if_required(self) -> None:
        self.idle_since = math.inf
        super()._unset_keepalive_if_required()

    def shutdown(self) -> None:
        self._catch_up()
        if self.awaited is None:
            super().shutdown()
        else:
            self.keeps = False

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
        self.transport.write(broken.refusal(self.fault, self.server_state.default_headers))
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


def _quiet(app: Any, cycle: RequestResponseCycle) -> Any:
    """The app, whose work for a client that has gone, or that a shutdown cuts, ends without a word."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (asyncio.CancelledError, ClientDisconnect):
            cycle.disconnected = True

    return answer


class _Ready:
    """A reply that waits for nothing but its way to the wire."""

    def __init__(self, reply: Reply, due: str | None) -> None:
        self._reply = reply
        self.due = due

    async def finish(self, incoming: Incoming) -> Reply:
        return self._reply


def _finishing(direct: Direct, held: Held, incoming: Incoming) -> ASGIApp:
    """An app that answers one call: the one that was begun."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        wired = incoming.on(scope["extensions"][WIRE])
        reply = await held.finish(wired)
        try:
            await send_any(send, receive, wired, reply)
        finally:
            if held.due is not None:
                direct.stir(held.due)

    return answer


def _failing(error: Exception) -> ASGIApp:
    """An app that fails as a call has failed, so that uvicorn logs it and answers."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    return answer


def _expects(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)
