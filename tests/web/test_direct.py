"""Calls answered at once: byte by byte what the long way writes, in order, and never at its expense."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from mockserver.web import sending
from mockserver.web.broken import PIPELINED, TARGET_BYTES
from mockserver.web.direct import Begun, Held
from mockserver.web.faults import Broken
from mockserver.web.protocol import DIRECT_BYTES, TOGETHER, State
from mockserver.web.reply import Headers, Reply
from mockserver.web.request import Incoming, read_body
from mockserver.web.server import Loop
from tests.web.serving import Serving, rest, serving, until

LOOPS: tuple[Loop, ...] = ("auto", "asyncio")
LAST = b"GET /echo/last HTTP/1.1\r\nHost: mock\r\nConnection: close\r\n\r\n"
HELLO = b"GET /echo HTTP/1.1\r\nHost: mock\r\n\r\n"


async def pieces() -> AsyncGenerator[bytes]:
    for piece in (b"one", b"two", b"three"):
        yield piece


LABELS: Headers = [
    ("X-Mock-Operation", "GetCredits"),
    ("x-mock-outcome", "é\t"),
    ("set-cookie", "a"),
    ("set-cookie", "b"),
]
REPLIES = {
    "/labelled": Reply(200, b"{}", "application/json", LABELS),
    "/untyped": Reply(201, b"made"),
    "/empty": Reply(200, b"", "text/plain"),
    "/none": Reply(204, headers=LABELS),
    "/bare-none": Reply(204),
    "/unchanged": Reply(304, headers=[("etag", '"1"')]),
    "/reset-content": Reply(205),
    "/odd-status": Reply(499, b"odd"),
    "/no-status": Reply(0),
    "/no-such-status": Reply(999, b"none"),
    "/closes": Reply(413, b"too large", "text/plain", [("connection", "close")]),
    "/framed": Reply(200, b"four", "text/plain", [("Content-Length", "4")]),
    "/misframed": Reply(200, b"four", None, [("content-length", "400")]),
    "/chunked": Reply(200, b"four", None, [("transfer-encoding", "chunked")]),
    "/bad-name": Reply(200, b"x", None, [("bad name", "x")]),
    "/odd-name": Reply(200, b"x", None, [("odd/%s", "%s")]),
    "/bad-value": Reply(200, b"x", None, [("x-bad", "a\r\nb: c")]),
    "/bad-type": Reply(200, b"x", "text/\x00plain"),
    "/wide-value": Reply(200, b"x", None, [("x-bad", "\u20ac")]),
    "/long": Reply(200, b"x" * 300_000, "text/plain"),
    "/stream": Reply(200, stream=pieces, content_type="text/plain"),
    "/half": Broken(200, b"0123456789", "text/plain", how="truncate"),
    "/nothing": Broken(0, how="empty"),
}


def reply_to(incoming: Incoming, raw: bytes) -> Reply:
    """The reply that stands for a path; else all that was understood of the request."""
    if incoming.raw_path in REPLIES:
        return REPLIES[incoming.raw_path]
    seen = [incoming.method, incoming.raw_path, incoming.query.decode("latin-1"), incoming.headers, len(raw)]
    return Reply(200, json.dumps(seen).encode() + raw[:20], "application/json", [("x-mock-request-id", "1")])


class Later:
    """Answers in a task, once it is released."""

    def __init__(self, reply: Reply, due: str | None) -> None:
        self.reply, self.due = reply, due
        self.wired: list[Incoming] = []
        self.released = asyncio.Event()

    async def finish(self, incoming: Incoming) -> Reply:
        self.wired.append(incoming)
        await self.released.wait()
        return self.reply


class Answers:
    """The same answers at once (`begin`) and as an app (`__call__`), and what came which way."""

    def __init__(self, *, holds: bool = False, declines: bool = False) -> None:
        self.holds, self.declines = holds, declines
        self.at_once: list[str] = []
        self.long: list[str] = []
        self.stirred: list[str] = []
        self.later: Later | None = None
        self.stir_seen = threading.Event()

    def begin(self, incoming: Incoming, raw: bytes) -> Begun | Held | None:
        if self.declines:
            return None
        self.at_once.append(incoming.raw_path)
        if incoming.raw_path == "/raises":
            raise ZeroDivisionError("begin")
        due = incoming.raw_path if incoming.raw_path == "/due" else None
        if not self.holds and incoming.raw_path != "/held":
            return Begun(reply_to(incoming, raw), due)
        self.later = Later(reply_to(incoming, raw), due)
        if incoming.raw_path != "/held":
            self.later.released.set()
        return self.later

    def stir(self, sandbox: str) -> None:
        self.stirred.append(sandbox)
        self.stir_seen.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        incoming = Incoming.of(scope)
        self.long.append(incoming.raw_path)
        if incoming.raw_path == "/raises":
            raise ZeroDivisionError("begin")
        raw = await read_body(receive, incoming, 10**6)
        await sending.send(send, receive, incoming, reply_to(incoming, raw))


@contextmanager
def direct(answers: Answers, loop: Loop = "auto") -> Iterator[Serving]:
    with serving(answers, loop=loop, direct=answers) as served:
        yield served


@pytest.fixture(scope="module")
def long_way() -> Iterator[Serving]:
    with serving(Answers()) as served:
        yield served


@pytest.fixture(scope="module", params=LOOPS)
def ways(request: pytest.FixtureRequest) -> Iterator[tuple[Answers, list[Serving]]]:
    """Servers that answer at once, in a task, and not at all but by their app."""
    at_once, held, declined = Answers(), Answers(holds=True), Answers(declines=True)
    with (
        direct(at_once, request.param) as one,
        direct(held, request.param) as two,
        direct(declined, request.param) as three,
    ):
        yield at_once, [one, two, three]


def dateless(answer: bytes) -> bytes:
    return re.sub(rb"\r\ndate: [^\r]+", b"\r\ndate: now", answer)


def request_of(
    method: bytes, path: bytes, *headers: bytes, body: bytes = b"", version: bytes = b"1.1"
) -> bytes:
    lines = [b"%b %b HTTP/%b" % (method, path, version), b"Host: mock", *headers, b"", b""]
    return b"\r\n".join(lines) + body


LENGTH = b"Content-Length: %d"
AT_ONCE = {
    "plain": request_of(b"GET", b"/echo"),
    "five headers": request_of(
        b"GET", b"/echo", b"ACCEPT: */*", b"X-A: 1", b"X-a: 2", b"User-Agent: \xe9\xff"
    ),
    "query": request_of(b"GET", b"/echo%2F%C3%A9/b?a=1&b=%20&c"),
    "empty query": request_of(b"GET", b"/echo?"),
    "fragment": request_of(b"GET", b"/echo?a#b"),
    "two slashes": request_of(b"GET", b"//echo//a"),
    "odd characters": request_of(b"GET", b'/a|b{c}"<>^`/;d=[e]?f={}|\\'),
    "another host": request_of(b"GET", b"http://kie.ai:80/echo?a=1"),
    "no path": request_of(b"GET", b"http://kie.ai"),
    "body": request_of(b"POST", b"/echo", LENGTH % 7, body=b'{"a":1}'),
    "no body": request_of(b"POST", b"/echo", LENGTH % 0),
    "largest body": request_of(b"POST", b"/echo", LENGTH % DIRECT_BYTES, body=b"x" * DIRECT_BYTES),
    "options": request_of(b"OPTIONS", b"/echo"),
    "delete": request_of(b"DELETE", b"/none"),
    "odd method": request_of(b"PURGE", b"/echo"),
    "keep-alive": request_of(b"GET", b"/echo", b"Connection: keep-alive"),
    "close": request_of(b"GET", b"/echo", b"Connection: close"),
    "close after a body": request_of(b"POST", b"/echo", b"Connection: Close", LENGTH % 3, body=b"abc"),
    "1.0": request_of(b"GET", b"/echo", version=b"1.0"),
    "1.0 keep-alive": request_of(b"GET", b"/echo", b"Connection: keep-alive", version=b"1.0"),
    "close without content": request_of(b"GET", b"/bare-none", b"Connection: close"),
    "raises": request_of(b"GET", b"/raises"),
    **{path: request_of(b"GET", path.encode()) for path in REPLIES},
    **{f"head of {path}": request_of(b"HEAD", path.encode()) for path in REPLIES},
}
THE_LONG_WAY = {
    "chunked": request_of(b"POST", b"/echo", b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"),
    "expects": request_of(b"POST", b"/echo", b"Expect: 100-continue", LENGTH % 3, body=b"abc"),
    "offer": request_of(b"POST", b"/echo", b"Connection: Upgrade", b"Upgrade: h2c", LENGTH % 3, body=b"abc"),
    "larger body": request_of(b"POST", b"/echo", LENGTH % (DIRECT_BYTES + 1), body=b"x" * (DIRECT_BYTES + 1)),
    "padded length": request_of(b"POST", b"/echo", b"Content-Length: " + b"0" * 5000 + b"3", body=b"abc"),
}


@pytest.mark.parametrize("kind", [*AT_ONCE, *THE_LONG_WAY])
def test_an_answer_is_the_same_bytes_whichever_way_it_takes(
    ways: tuple[Answers, list[Serving]], long_way: Serving, kind: str
) -> None:
    _, servers = ways
    sent = {**AT_ONCE, **THE_LONG_WAY}[kind] + LAST
    expected = dateless(long_way.exchange(sent))

    answers = [dateless(served.exchange(sent)) for served in servers]

    assert answers == [expected] * 3


@pytest.mark.parametrize("kind", AT_ONCE)
def test_what_can_be_is_answered_at_once(kind: str, ways: tuple[Answers, list[Serving]]) -> None:
    at_once, servers = ways
    at_once.at_once.clear()
    at_once.long.clear()

    servers[0].exchange(AT_ONCE[kind] + LAST)

    assert at_once.at_once != []
    assert at_once.long in ([], ["/echo/last"])


@pytest.mark.parametrize("kind", THE_LONG_WAY)
def test_what_cannot_be_answered_at_once_goes_to_the_app(
    kind: str, ways: tuple[Answers, list[Serving]]
) -> None:
    at_once, servers = ways
    at_once.long.clear()

    servers[0].exchange(THE_LONG_WAY[kind] + LAST)

    assert at_once.long[0] == "/echo"


@pytest.mark.parametrize(
    "sent",
    [
        HELLO + b"garbage\r\n\r\n",
        LAST + HELLO,
        LAST + b"garbage\r\n\r\n",
        LAST + request_of(b"POST", b"/echo", LENGTH % 3, body=b"abc"),
        request_of(b"GET", b"no-slash"),
        request_of(b"GET", b"/" + b"a" * TARGET_BYTES),
        request_of(b"GET", b"/echo", *(b"X: y" for _ in range(300))),
        request_of(b"GET", b"/echo", b"X-Long: " + b"v" * 70_000),
        request_of(b"GET", b"/echo?\xff"),
        request_of(b"GET", b"/\xff"),
        request_of(b"CONNECT", b"mock:80"),
        request_of(b"POST", b"/echo", b"Content-Length: 1_0", body=b"x" * 10),
        HELLO * (PIPELINED * 3),
        request_of(b"POST", b"/echo", LENGTH % 2, body=b"ab") * (PIPELINED + 1) + LAST,
    ],
)
def test_what_breaks_http_is_answered_in_the_same_bytes(
    ways: tuple[Answers, list[Serving]], long_way: Serving, sent: bytes
) -> None:
    expected = dateless(long_way.exchange(sent))

    assert [dateless(served.exchange(sent)) for served in ways[1]] == [expected] * 3


@pytest.mark.parametrize("size", [1, 7, 60])
def test_a_request_in_pieces_is_the_same_request(
    ways: tuple[Answers, list[Serving]], long_way: Serving, size: int
) -> None:
    sent = request_of(b"POST", b"/echo?a=1", b"X-A: b", LENGTH % 20, body=b"0123456789" * 2) + LAST
    expected = dateless(long_way.exchange(sent))

    for served in ways[1]:
        with closing(served.connect()) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, len(sent), size):
                client.sendall(sent[start : start + size])
                time.sleep(0.0005)
            assert dateless(rest(client)) == expected


@pytest.mark.parametrize("loop", LOOPS)
def test_a_call_that_is_held_has_a_wire_and_keeps_later_ones_waiting(loop: Loop) -> None:
    answers = Answers()
    with direct(answers, loop) as served, closing(served.connect()) as client:
        client.sendall(request_of(b"GET", b"/held") + HELLO + LAST)
        while answers.later is None or not answers.later.wired:
            time.sleep(0.01)
        served.connect().close()
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)
        client.settimeout(10)
        served.server.servers[0].get_loop().call_soon_threadsafe(answers.later.released.set)

        received = rest(client)

    assert [path.decode() for path in re.findall(rb'"(/\w+(?:/last)?)"', received)] == [
        "/held",
        "/echo",
        "/echo/last",
    ]
    assert answers.later.wired[0].wire is not None
    assert answers.at_once == ["/held"]
    assert answers.long == ["/echo", "/echo/last"]


@pytest.mark.parametrize("holds", [False, True])
def test_what_a_call_makes_due_is_stirred_once_its_reply_is_written(holds: bool) -> None:
    answers = Answers(holds=holds)
    with direct(answers) as served:
        answer = served.exchange(request_of(b"GET", b"/due") + LAST)
        assert answers.stir_seen.wait(10)

    assert b'"/due"' in answer
    assert answers.stirred == ["/due"]


def test_a_call_that_fails_is_logged_and_answered(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another test may have run a server of uvicorn's own, which sets its logger up in its own way.
    logger = logging.getLogger("uvicorn.error")
    for name, value in (("disabled", False), ("propagate", False), ("handlers", [caplog.handler])):
        monkeypatch.setattr(logger, name, value)
    caplog.set_level(logging.WARNING, logger=logger.name)
    with direct(Answers()) as served:
        answer = served.exchange(request_of(b"GET", b"/raises"))

    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error")
    (logged,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert logged.exc_info is not None
    assert isinstance(logged.exc_info[1], ZeroDivisionError)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_client_that_does_not_read_is_not_answered_without_end(loop: Loop) -> None:
    answers = Answers()
    with direct(answers, loop) as served, closing(served.connect()) as client:
        client.sendall(request_of(b"GET", b"/long") * (PIPELINED - 1) + LAST)
        time.sleep(0.3)
        begun = len(answers.at_once) + len(answers.long)

        answer = rest(client)

    assert begun < PIPELINED / 2
    assert answer.count(b"x" * 300_000) == PIPELINED - 1
    assert b'"/echo/last"' in answer


@pytest.mark.parametrize("loop", LOOPS)
def test_a_client_that_leaves_with_answers_unread_is_not_logged(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    answers = Answers()
    with direct(answers, loop) as served:
        with closing(served.connect()) as client:
            client.sendall(request_of(b"GET", b"/long") * PIPELINED)
            until(client, b"200 OK")
        while served.server.server_state.connections or served.server.server_state.tasks:
            time.sleep(0.01)

    assert len(answers.at_once) + len(answers.long) < PIPELINED / 2
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_connection_ends_that_has_been_idle_for_long(loop: Loop, at_once: bool) -> None:
    answers = Answers()
    with serving(answers, loop=loop, direct=answers if at_once else None) as served:
        served.server.config.timeout_keep_alive = 0.8  # type: ignore[assignment]
        with closing(served.connect()) as client:
            for _ in range(3):
                time.sleep(0.3)
                client.sendall(HELLO)
                until(client, b'"/echo"')
            last = time.monotonic()

            assert rest(client) == b""

    assert 0.7 < time.monotonic() - last < 5


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_in_the_midst_of_a_request_is_not_idle(loop: Loop) -> None:
    answers = Answers()
    with direct(answers, loop) as served:
        served.server.config.timeout_keep_alive = 0.2  # type: ignore[assignment]
        with closing(served.connect()) as client:
            client.sendall(HELLO)
            until(client, b'"/echo"')
            client.sendall(LAST[:20])
            time.sleep(0.5)
            client.sendall(LAST[20:])

            assert b'"/echo/last"' in rest(client)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_body_still_to_come_is_waited_for_when_the_server_ends(loop: Loop) -> None:
    with direct(Answers(), loop) as served, closing(served.connect()) as client:
        client.sendall(request_of(b"POST", b"/echo", LENGTH % 6) + b"abc")
        while not any(one.awaited for one in served.server.server_state.connections):  # type: ignore[union-attr]
            time.sleep(0.01)
        served.server.stop()
        time.sleep(0.1)
        client.sendall(b"def")

        answer = rest(client)

    assert answer.endswith(b"6]abcdef")
    assert b"\r\nconnection: close\r\n" in answer


def test_a_request_with_the_headers_of_the_one_before_is_one_of_its_own(
    ways: tuple[Answers, list[Serving]], long_way: Serving
) -> None:
    long = request_of(b"POST", b"/echo/3", b"X-A: 1", LENGTH % 1, b"Expect: 100-continue", body=b"3")
    closing_one = request_of(b"GET", b"/echo/5", b"Connection: close")
    sent = [
        request_of(b"POST", path, b"X-A: 1", LENGTH % 1, body=path[-1:]) for path in (b"/echo/1", b"/echo/2")
    ]
    sent += [long, request_of(b"POST", b"/echo/4", b"X-A: 2", LENGTH % 1, body=b"4"), closing_one]
    expected = dateless(long_way.exchange(b"".join(sent)))

    assert [dateless(served.exchange(b"".join(sent))) for served in ways[1]] == [expected] * 3
    assert [number in expected for number in (b"/echo/1", b"]1", b"/echo/5")] == [True] * 3


def test_what_an_answer_does_to_its_request_does_not_touch_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers()
    with direct(answers) as served:
        monkeypatch.setattr(answers, "begin", lambda incoming, raw: Begun(spoilt(incoming)))
        received = served.exchange(HELLO * 2 + LAST)

    assert received.count(b"[('host', 'mock'), ('spoilt', '')]") == 2


def spoilt(incoming: Incoming) -> Reply:
    incoming.headers.append(("spoilt", ""))
    return Reply(200, repr(incoming.headers).encode())


def test_answers_given_at_once_are_counted(ways: tuple[Answers, list[Serving]]) -> None:
    for served in ways[1]:
        before = served.server.server_state.total_requests
        served.exchange(HELLO * 3 + LAST)

        assert served.server.server_state.total_requests == before + 4


def test_a_reply_is_not_mistaken_for_another_with_the_same_names() -> None:
    one, other = (
        Reply(200, b"a", "text/plain", [("x-a", "1")]),
        Reply(200, b"bb", "text/html", [("x-a", "2")]),
    )

    written = [sending.whole(reply, b"", bodiless=False, keeps=True) for reply in (one, other, one)]

    assert written[0] == written[2] != written[1]
    assert sending.whole(replace(one, stream=pieces), b"", bodiless=False, keeps=True) is None


class Turns:
    """A loop that does what is due when it is told to."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def call_soon(self, work: Callable[..., None], *args: object) -> None:
        self.due.append(partial(work, *args))

    def turn(self) -> None:
        due, self.due = self.due, []
        for work in due:
            work()


class Mute:
    """A connection that only counts what is answered on it."""

    waits = False

    def __init__(self, loop: Turns) -> None:
        self.loop, self.answered = loop, 0

    def answer_received(self, data: bytes) -> None:
        self.answered += 1


def test_no_more_than_so_many_are_answered_in_one_turn_of_the_loop() -> None:
    loop, state = Turns(), State()
    one: Any = Mute(loop)
    for _ in range(5):
        state.gather(one, b"x")
        state.answer_gathered()
    for _ in range(3 * TOGETHER):
        state.gather(one, b"x")

    answered = []
    while loop.due:
        before = one.answered
        loop.turn()
        answered.append(one.answered - before)

    assert answered == [TOGETHER] * 3
