"""The server alone, under a tiny app: broken HTTP, floods, lost connections, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mockserver.settings import UsageError
from mockserver.web.broken import HEADER_BYTES, HEADER_FIELDS, PIPELINED, TARGET_BYTES
from mockserver.web.listen import listen
from mockserver.web.server import Loop, Server
from tests.web.serving import Serving, rest, serving, until

LOOPS: tuple[Loop, ...] = ("auto", "asyncio")
GET = b"GET /hello HTTP/1.1\r\nHost: mock\r\n\r\n"


@dataclass
class App:
    """Answers with the length of the body; /hold waits to be released, /gone until its client has gone."""

    entered: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    server: Server | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
            return
        self.entered.set()
        await getattr(self, scope["path"].strip("/"))(scope, receive, send)

    async def lifespan(self, receive: Receive, send: Send) -> None:
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})

    async def hello(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        await Response(f"{len(body)} bytes")(scope, receive, send)

    async def early(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Response("read nothing")(scope, receive, send)

    async def hold(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.released.wait()
        await Response("released")(scope, receive, send)

    async def stops(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.server is not None
        self.server.stop()
        while self.server.servers[0].is_serving():
            await asyncio.sleep(0)
        await Response("answered while stopping")(scope, receive, send)

    async def stuck(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.server is not None
        self.server.stop()
        await asyncio.Event().wait()

    async def leaves(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone.set()


class Running(Serving):
    app: App

    def alive(self) -> bool:
        return self.exchange(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")).endswith(b"0 bytes")


@contextmanager
def running_app(loop: Loop = "auto", drain_seconds: float = 10) -> Iterator[Running]:
    app = App()
    with serving(app, loop=loop) as served:
        app.server = served.server
        app.server.drain_seconds = drain_seconds
        running = Running(served.server, served.port)
        running.app = app
        yield running


@pytest.fixture(params=LOOPS)
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    with running_app(request.param) as server:
        yield server


def problem(answer: bytes) -> tuple[int, str, dict[str, Any]]:
    """Status, slug and body of the one problem answer that ends a connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert int(headers["content-length"]) == len(body)
    return int(lines[0].split()[1]), headers["x-mock-error"], json.loads(body)


# --- broken HTTP -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02 garbage \xff\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET /hello HTTP/9.9\r\n\r\n",
        b"GET no-slash HTTP/1.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: mock\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: mock\r\n\r\n",
        b"CONNECT mock:80 HTTP/1.1\r\nHost: mock\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost mock\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost: mo\x00ck\r\n\r\n",
        b"POST /hello HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /hello HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_bytes_that_are_not_http_get_one_problem_and_the_server_lives(
    running: Running, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    status, slug, body = problem(running.exchange(sent))

    assert (status, slug) == (400, "bad-request")
    assert body["status"] == 400
    assert "HTTP/1.1" in body["detail"]
    assert running.alive()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_tls_handshake_is_told_to_use_plain_http(running: Running) -> None:
    status, slug, body = problem(running.exchange(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))

    assert (status, slug) == (400, "bad-request")
    assert "http://" in body["detail"]


def test_a_body_that_breaks_off_into_garbage_is_refused_before_its_answer(running: Running) -> None:
    head = b"POST /hello HTTP/1.1\r\nHost: mock\r\nTransfer-Encoding: chunked\r\n\r\n"

    status, slug, _ = problem(running.exchange(head + b"3\r\nabc\r\nzz\r\n"))

    assert (status, slug) == (400, "bad-request")


def test_garbage_after_an_answer_has_begun_only_closes_the_connection(running: Running) -> None:
    head = b"POST /leaves HTTP/1.1\r\nHost: mock\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(running.connect()) as client:
        client.sendall(head)
        begun = until(client, b"first")
        client.sendall(b"zz\r\n")

        after = rest(client)

    assert begun.startswith(b"HTTP/1.1 200")
    assert after.strip() == b""
    assert running.app.gone.wait(10)


def test_a_good_request_before_garbage_is_answered_first(running: Running) -> None:
    answer = running.exchange(GET + b"garbage\r\n\r\n")

    good, _, bad = answer.partition(b"0 bytes")
    assert good.startswith(b"HTTP/1.1 200 OK")
    assert problem(bad)[:2] == (400, "bad-request")


def test_a_queued_request_with_a_broken_body_leaves_the_answer_before_it(running: Running) -> None:
    broken = b"POST /hello HTTP/1.1\r\nHost: mock\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"

    answer = running.exchange(GET + broken)

    good, _, bad = answer.partition(b"0 bytes")
    assert good.startswith(b"HTTP/1.1 200 OK")
    assert problem(bad)[:2] == (400, "bad-request")


# --- floods ------------------------------------------------------------------------------------------------


def test_as_many_headers_as_allowed_are_served(running: Running) -> None:
    fields = b"".join(b"X-%d: v\r\n" % number for number in range(HEADER_FIELDS - 1))

    answer = running.exchange(b"GET /hello HTTP/1.1\r\n" + fields + b"Connection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_one_header_too_many_is_refused(running: Running) -> None:
    fields = b"".join(b"X-%d: v\r\n" % number for number in range(HEADER_FIELDS + 1))

    status, slug, _ = problem(running.exchange(b"GET /hello HTTP/1.1\r\n" + fields + b"\r\n"))

    assert (status, slug) == (431, "headers-too-large")


def test_headers_that_are_too_large_together_are_refused(running: Running) -> None:
    fields = b"".join(b"X-%d: %b\r\n" % (number, b"v" * 700) for number in range(100))

    status, slug, _ = problem(running.exchange(b"GET /hello HTTP/1.1\r\n" + fields + b"\r\n"))

    assert (status, slug) == (431, "headers-too-large")


@pytest.mark.parametrize("tail", [b"\r\n\r\n", b""])
def test_a_header_too_large_is_refused_whether_it_ends_or_not(running: Running, tail: bytes) -> None:
    sent = b"GET /hello HTTP/1.1\r\nX-Long: " + b"v" * (HEADER_BYTES * 8) + tail

    status, slug, _ = problem(running.exchange(sent))

    assert (status, slug) == (431, "headers-too-large")
    assert running.alive()


@pytest.mark.parametrize("tail", [b" HTTP/1.1\r\n\r\n", b""])
def test_a_target_too_long_is_refused_whether_it_ends_or_not(running: Running, tail: bytes) -> None:
    status, slug, _ = problem(running.exchange(b"GET /" + b"a" * (TARGET_BYTES * 8) + tail))

    assert (status, slug) == (414, "uri-too-long")


def test_a_long_target_within_the_limit_is_served(running: Running) -> None:
    target = b"/hello?" + b"a" * (TARGET_BYTES - 100)

    answer = running.exchange(b"GET " + target + b" HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_a_trailer_that_never_ends_is_refused(running: Running) -> None:
    head = b"POST /hello HTTP/1.1\r\nHost: mock\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"

    status, slug, _ = problem(running.exchange(head + b"X-Long: " + b"v" * (HEADER_BYTES * 8)))

    assert (status, slug) == (431, "headers-too-large")


def test_a_refused_flood_is_no_longer_read_into_memory(running: Running) -> None:
    with closing(running.connect()) as client:
        client.sendall(b"GET /hello HTTP/1.1\r\nX-Long: " + b"v" * (HEADER_BYTES * 8))
        answer = rest(client)
        # It still listens, so that this is no error to us, and forgets what it hears.
        client.sendall(b"v" * HEADER_BYTES)
        (connection,) = running.server.server_state.connections
        kept = connection.unparsed_bytes  # type: ignore[union-attr]

    assert problem(answer)[0] == 431
    assert kept <= HEADER_BYTES * 8 + 100


def test_too_many_requests_at_once_are_answered_as_far_as_allowed(running: Running) -> None:
    answer = running.exchange(GET * (PIPELINED * 3))

    assert answer.count(b"0 bytes") == PIPELINED + 1
    assert problem(answer.rpartition(b"0 bytes")[2])[:2] == (400, "bad-request")


# --- what HTTP allows --------------------------------------------------------------------------------------


def test_answers_carry_a_date_and_no_server_header(running: Running) -> None:
    head = running.exchange(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")).lower()

    assert b"\r\ndate: " in head
    assert b"\r\nserver: " not in head


@pytest.mark.parametrize(
    ("framing", "body"),
    [(b"Content-Length: 7", b'{"a":1}'), (b"Transfer-Encoding: chunked", b'7\r\n{"a":1}\r\n0\r\n\r\n')],
)
def test_an_offer_to_upgrade_is_declined_and_the_body_read(
    running: Running, framing: bytes, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAE\r\n"
    head = b"POST /hello HTTP/1.1\r\nHost: mock\r\n" + offer + framing + b"\r\n\r\n"
    asking = head.replace(b"Host: mock", b"Expect: 100-continue")
    with closing(running.connect()) as client:
        client.sendall(asking)
        until(client, b"100 Continue")
        client.sendall(body)
        first = until(client, b" bytes")
        client.sendall(head + body + GET)
        second = until(client, b"0 bytes")

    assert first.endswith(b"7 bytes")
    assert b"7 bytes" in second
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_an_offer_to_upgrade_without_a_body_is_answered_in_http(running: Running) -> None:
    offer = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"

    with closing(running.connect()) as client:
        client.sendall(b"GET /hello HTTP/1.1\r\nHost: mock\r\n" + offer + b"\r\n")
        answer = until(client, b"0 bytes")

    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_the_connection_stays_usable_after_an_answer_that_did_not_wait_for_the_body(running: Running) -> None:
    with closing(running.connect()) as client:
        client.sendall(b"POST /early HTTP/1.1\r\nHost: mock\r\nContent-Length: 300000\r\n\r\n")
        first = until(client, b"read nothing")
        client.sendall(b"x" * 300_000 + GET)
        second = until(client, b"0 bytes")

    assert first.startswith(b"HTTP/1.1 200")
    assert second.startswith(b"HTTP/1.1 200")


# --- lost connections --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [b"", b"GE", b"GET /hello HTTP/1.1\r\nHost", b"POST /hello HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"],
)
def test_a_half_sent_request_ends_without_a_word(
    running: Running, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(running.connect()) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)

        assert rest(client) == b""

    assert running.alive()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_client_that_leaves_before_its_answer_is_noticed_and_not_logged(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(running.connect()) as client:
        client.sendall(b"GET /leaves HTTP/1.1\r\nHost: mock\r\n\r\n")
        until(client, b"first")

    assert running.app.gone.wait(10)
    assert running.alive()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# --- the loop ----------------------------------------------------------------------------------------------


def loop_of(loop: Loop) -> str:
    with running_app(loop) as running:
        return type(running.server.servers[0].get_loop()).__module__.partition(".")[0]


def test_the_loop_is_uvloop_where_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loop_of("asyncio") == "asyncio"
    assert loop_of("auto") == "uvloop"

    monkeypatch.setitem(sys.modules, "uvloop", None)

    assert loop_of("auto") == "asyncio"


# --- the end -----------------------------------------------------------------------------------------------


def test_an_answer_under_way_is_given_before_the_server_ends(running: Running) -> None:
    answer = running.exchange(b"GET /stops HTTP/1.1\r\nHost: mock\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"answered while stopping")


@pytest.mark.parametrize("loop", LOOPS)
def test_an_answer_that_takes_too_long_is_cut_quietly(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    with running_app(loop, drain_seconds=0) as running, closing(running.connect()) as client:
        client.sendall(b"GET /stuck HTTP/1.1\r\nHost: mock\r\n\r\n")

        answer = rest(client)

    assert answer == b""
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("loop", LOOPS)
def test_idle_and_half_sent_connections_do_not_hold_up_the_end(loop: Loop) -> None:
    with running_app(loop) as running:
        idle, half = running.connect(), running.connect()
        for client in (idle, half):
            client.sendall(GET)
            until(client, b"0 bytes")
        half.sendall(b"GET /hello HTTP/1.1\r\nHost")

    with closing(idle), closing(half):
        assert rest(idle) == b""
        assert not running.server.server_state.connections


@pytest.mark.parametrize("loop", LOOPS)
def test_what_fails_once_the_server_listens_ends_it(loop: Loop) -> None:
    sockets = listen("127.0.0.1", 0)

    def fails() -> None:
        raise UsageError("no such folder", where="--url-file")

    with pytest.raises(UsageError, match="no such folder"):
        Server(App(), sockets, loop=loop, on_listening=fails).run()

    assert sockets[0].fileno() == -1
