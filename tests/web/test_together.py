"""Calls that come in together on many connections: each gets its own answer, whatever others meet."""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import cycle

import pytest

from mockserver.web.direct import Begun, Held
from mockserver.web.protocol import TOGETHER, Protocol, State
from mockserver.web.request import Incoming
from mockserver.web.server import Loop
from tests.web.serving import Serving, rest, until
from tests.web.test_direct import Answers, direct, request_of

pytestmark = pytest.mark.parametrize("loop", ["auto", "asyncio"])

RESET = struct.pack("ii", 1, 0)


class Holding(Answers):
    """Answers at once, but for one call, in which the whole server stands still until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.stands, self.goes_on = threading.Event(), threading.Event()

    def begin(self, incoming: Incoming, raw: bytes) -> Begun | Held | None:
        if incoming.raw_path == "/hold":
            self.stands.set()
            assert self.goes_on.wait(10)
        if incoming.raw_path == "/app":
            return None
        return super().begin(incoming, raw)


@contextmanager
def held(answers: Holding, loop: Loop) -> Iterator[Serving]:
    """A server that stands still; what is sent meanwhile it finds in one look."""
    with direct(answers, loop) as served, closing(served.connect()) as first, closing(served.connect()):
        # Two connections are open before the first call, so that it is gathered as well.
        first.sendall(request_of(b"GET", b"/hold"))
        assert answers.stands.wait(10)
        try:
            yield served
        finally:
            answers.goes_on.set()


def connected(served: Serving, stack: ExitStack, many: int) -> list[socket.socket]:
    return [stack.enter_context(closing(served.connect())) for _ in range(many)]


def is_ended(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def rest_or_nothing(client: socket.socket) -> bytes:
    try:
        return rest(client)
    except ConnectionError:
        return b""


def test_each_gets_its_own_answers_in_their_order(loop: Loop) -> None:
    answers = Holding()
    with held(answers, loop) as served, ExitStack() as stack:
        clients = connected(served, stack, 3 * TOGETHER)
        for n, client in enumerate(clients):
            three = [request_of(b"GET", b"/echo/%d/%d" % (n, place)) for place in range(3)]
            client.sendall(b"".join(three))
        answers.goes_on.set()
        heard = [until(client, b'/2"') for client in clients]

    for n, text in enumerate(heard):
        places = [text.index(b'"/echo/%d/%d"' % (n, place)) for place in range(3)]
        assert places == sorted(places)
        assert text.count(b"HTTP/1.1 200 OK") == 3
        assert text.count(b'"/echo/') == 3


def test_what_comes_in_pieces_is_answered_when_it_is_whole(loop: Loop) -> None:
    answers = Holding()
    whole = request_of(b"POST", b"/echo", b"Content-Length: 8", body=b'{"a": 1}')
    with held(answers, loop) as served, ExitStack() as stack:
        clients = connected(served, stack, 6)
        for n, client in enumerate(clients):
            client.sendall(whole[: 5 + 9 * n])
        answers.goes_on.set()
        # Another one is answered behind the first pieces of all.
        assert served.exchange(request_of(b"GET", b"/echo", b"Connection: close")).startswith(b"HTTP/1.1 200")
        for n, client in enumerate(clients):
            client.sendall(whole[5 + 9 * n :])
        heard = [until(client, b'{"a": 1}') for client in clients]

    assert all(text.startswith(b"HTTP/1.1 200 OK") for text in heard)
    assert answers.at_once.count("/echo") == 7


def test_of_clients_that_go_on_sending_no_more_is_kept_than_was_read_at_once(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[int] = []
    gather = State.gather

    def seen(self: State, protocol: Protocol, data: bytes) -> None:
        gather(self, protocol, data)
        mine = [one for one, _ in self._gathered if one is protocol]
        waiting.append(len(mine))

    monkeypatch.setattr(State, "gather", seen)
    answers, many, size = Holding(), 3 * TOGETHER, 400_000
    head = request_of(b"POST", b"/echo", b"Connection: close", b"Content-Length: %d" % size)
    with held(answers, loop) as served, ExitStack() as stack:
        clients = connected(served, stack, many)
        sending = [threading.Thread(target=client.sendall, args=(head + b"x" * size,)) for client in clients]
        for thread in sending:
            thread.start()
        answers.goes_on.set()
        heard = [rest(client) for client in clients]
        for thread in sending:
            thread.join(10)

    assert all(b", %d]" % size in text for text in heard)
    assert set(waiting) == {1}


@pytest.mark.parametrize("path", [b"/echo", b"/app"])
@pytest.mark.parametrize("many", [6, 3 * TOGETHER])
def test_who_says_no_more_is_answered(loop: Loop, many: int, path: bytes) -> None:
    answers = Holding()
    with held(answers, loop) as served, ExitStack() as stack:
        clients = connected(served, stack, many)
        for client in clients:
            client.sendall(request_of(b"GET", path))
            client.shutdown(socket.SHUT_WR)
        answers.goes_on.set()
        heard = [rest(client) for client in clients]

    assert all(text.startswith(b"HTTP/1.1 200 OK") and b'"%b"' % path in text for text in heard)


def test_who_breaks_off_keeps_nobody_from_an_answer(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="asyncio")
    answers = Holding()
    with held(answers, loop) as served, ExitStack() as stack:
        clients = connected(served, stack, 9)
        for n, client in enumerate(clients):
            client.sendall(request_of(b"GET", b"/echo/%d" % n))
        for client in clients[::3]:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
        answers.goes_on.set()
        heard = [until(client, b'/echo/%d"' % n) for n, client in enumerate(clients) if n % 3]

    assert not caplog.records
    assert len(heard) == 6
    assert all(text.startswith(b"HTTP/1.1 200 OK") for text in heard)


def test_an_error_of_ours_ends_one_connection_and_is_told(
    loop: Loop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Protocol._feed

    def fails(self: Protocol, data: bytes) -> None:
        if b"/breaks" in data:
            raise ZeroDivisionError("planted")
        feed(self, data)

    monkeypatch.setattr(Protocol, "_feed", fails)
    caplog.set_level(logging.ERROR, logger="asyncio")
    answers = Holding()
    with held(answers, loop) as served, ExitStack() as stack:
        clients = connected(served, stack, 5)
        for n, client in enumerate(clients):
            client.sendall(request_of(b"GET", b"/breaks" if n == 2 else b"/echo/%d" % n))
        answers.goes_on.set()
        heard = [until(client, b'/echo/%d"' % n) for n, client in enumerate(clients) if n != 2]
        assert is_ended(clients[2])

    assert len(heard) == 4
    (logged,) = [record for record in caplog.records if record.name == "asyncio"]
    assert "A connection failed" in logged.getMessage()
    assert logged.exc_info is not None
    assert isinstance(logged.exc_info[1], ZeroDivisionError)


@contextmanager
def done_between(answers: Holding, served: Serving, work: Callable[[Protocol], None]) -> Iterator[None]:
    """Do something with every connection when what was sent in this block is read, and not answered yet."""
    open_now = [one for one in served.server.server_state.connections if isinstance(one, Protocol)]
    loop = open_now[0].loop

    def do_the_work() -> None:
        for connection in open_now:
            work(connection)

    def stand_still() -> None:
        answers.stands.set()
        assert answers.goes_on.wait(10)
        # In line before whatever is read now.
        loop.call_soon(do_the_work)

    loop.call_soon_threadsafe(stand_still)
    assert answers.stands.wait(10)
    yield
    answers.goes_on.set()


def in_use(served: Serving, stack: ExitStack, many: int) -> list[socket.socket]:
    clients = connected(served, stack, many)
    for client in clients:
        client.sendall(request_of(b"GET", b"/first"))
        until(client, b'"/first"')
    return clients


# asyncio's own loop has looked at no socket by then, and leaves unread what stands there.
READ = {"auto": 8, "asyncio": 0}


def test_what_was_read_before_its_connection_is_shut_is_answered(loop: Loop) -> None:
    answers = Holding()
    with direct(answers, loop) as served, ExitStack() as stack:
        clients = in_use(served, stack, 8)
        with done_between(answers, served, Protocol.shutdown):
            for n, client in enumerate(clients):
                client.sendall(request_of(b"GET", b"/echo/%d" % n))
        heard = b"".join(rest_or_nothing(client) for client in clients)

    begun = [path for path in answers.at_once if path != "/first"]
    assert heard.count(b"HTTP/1.1 200 OK") == len(begun) == READ[loop]


def test_what_was_read_of_clients_that_have_gone_is_done_without_a_word(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="asyncio")
    answers = Holding()
    with direct(answers, loop) as served, ExitStack() as stack:
        clients = in_use(served, stack, 4 * TOGETHER)
        with done_between(answers, served, lambda connection: None):
            # Some of it came before, and some is new.
            kinds = request_of(b"GET", b"/first"), request_of(b"GET", b"/echo") + request_of(b"GET", b"/held")
            for client, sent in zip(clients, cycle(kinds), strict=False):
                client.sendall(sent)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                client.close()
        assert served.exchange(request_of(b"GET", b"/last", b"Connection: close"))

    done = Counter(answers.at_once)
    assert (done["/first"], done["/echo"]) == (6 * TOGETHER, 2 * TOGETHER)
    assert not caplog.records


def test_what_was_begun_when_the_server_stops_is_answered(loop: Loop) -> None:
    answers = Holding()
    with held(answers, loop) as served, ExitStack() as stack:
        clients = connected(served, stack, 8)
        for n, client in enumerate(clients):
            client.sendall(request_of(b"GET", b"/echo/%d" % n))
        # Until they stand at the server's door, and the stop with them.
        time.sleep(0.05)
        served.server.stop()
        answers.goes_on.set()
        heard = b"".join(rest(client) for client in clients)

    begun = [path for path in answers.at_once if path != "/hold"]
    assert heard.count(b"HTTP/1.1 200 OK") == len(begun)
    assert all(f'"{path}"'.encode() in heard for path in begun)
