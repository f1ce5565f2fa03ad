"""Callbacks on the way out: what a receiver is sent, what its answer means, and who is never called."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mockserver import __version__
from mockserver.web import courier
from mockserver.web.courier import Allowed, Answer, Found, post
from tests.parts import require

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
BODY = '{"code":200,"msg":"All generated successfully.","data":{"title":"Salz, 塩"}}'.encode()
Place = tuple[str, int]


Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handle: Handle, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A port of loopback where each connection is handled; all of them have ended when this ends."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        opened.setblocking(False)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            accepting = tasks.create_task(accept(opened, handle, tls, tasks))
            yield opened.getsockname()[1]
            accepting.cancel()


async def accept(
    opened: socket.socket, handle: Handle, tls: ssl.SSLContext | None, tasks: asyncio.TaskGroup
) -> None:
    while True:
        connection, _ = await asyncio.get_running_loop().sock_accept(opened)
        tasks.create_task(serve(connection, handle, tls))


async def serve(connection: socket.socket, handle: Handle, tls: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    # A courier that trusts nobody, or has given up, is gone.
    with suppress(OSError, asyncio.IncompleteReadError):
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=tls)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            await handle(reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()


class Receiver:
    """Keeps what it is sent, and answers every call with the same bytes, or not at all."""

    def __init__(self, reply: bytes | None = OK, tls: ssl.SSLContext | None = None) -> None:
        self.reply = reply
        self.connections = 0
        self.requests: list[bytes] = []
        self._listening = listening(self._handle, tls)

    async def __aenter__(self) -> Receiver:
        self.port = await self._listening.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._listening.__aexit__(*error)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(fields(head).get("content-length", "0"))
        self.requests.append(head + await reader.readexactly(length))
        if self.reply is None:
            await reader.read()
        else:
            writer.write(self.reply)
            await writer.drain()


def fields(head: bytes) -> dict[str, str]:
    """The header fields of a request, by their names in lower case."""
    lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def at(*addresses: str) -> Resolver:
    """A resolver for which every name has these addresses."""
    return Resolver(addresses)


class Resolver:
    """Answers with one list of addresses after the other, the last again and again, and counts."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self._answers = list(answers)
        self.asked: list[Place] = []

    async def __call__(self, host: str, port: int) -> Found:
        self.asked.append((host, port))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [(family(text), socket.SOCK_STREAM, 6, "", (text, port)) for text in answer]


def family(text: str) -> int:
    return socket.AF_INET6 if ":" in text else socket.AF_INET


class Dialled(list[Place]):
    """Every address that a socket was connected to; `through` leads a call elsewhere."""

    through: Mapping[Place, Place] = {}


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> Dialled:
    """What the event loop connects sockets to, which every connection of asyncio comes through."""
    seen = Dialled()
    connect = asyncio.selector_events.BaseSelectorEventLoop.sock_connect

    async def spy(loop: Any, opened: socket.socket, address: Any) -> None:
        place = (address[0], address[1])
        seen.append(place)
        await connect(loop, opened, seen.through.get(place, address))

    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", spy)
    return seen


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    return asyncio.run(work)


async def send(
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = BODY,
    *,
    timeout: float = 20,
    allow: tuple[str, ...] = (),
    **options: Any,
) -> Answer:
    """The call under test, with what most tests do not care about."""
    sent = {"Content-Type": "application/json"} if headers is None else headers
    return await post(url, sent, body, timeout=timeout, allowed=Allowed(allow), **options)


def called(receiver: Receiver, path: str = "/hook", **options: Any) -> Answer:
    """One callback to a receiver that listens meanwhile."""

    async def work() -> Answer:
        async with receiver:
            return await send(receiver.url(path), **options)

    return run(work())


def answering(reply: bytes, **options: Any) -> Answer:
    """What the courier makes of these bytes."""
    return called(Receiver(reply), **options)


def handled(handle: Handle, scheme: str = "http", **options: Any) -> Answer:
    """One callback to whoever handles connections so."""

    async def work() -> Answer:
        async with listening(handle) as port:
            return await send(f"{scheme}://127.0.0.1:{port}/", **options)

    return run(work())


# --- what a receiver is sent -------------------------------------------------------------------------------


def test_the_body_arrives_whole_with_its_length_and_headers() -> None:
    receiver = Receiver()

    answer = called(
        receiver, "/hook?token=t&x=%20", headers={"Content-Type": "application/json", "X-Sign": "a="}
    )

    [request] = receiver.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert answer == Answer(200, None)
    assert head.startswith(b"POST /hook?token=t&x=%20 HTTP/1.1\r\n")
    assert body == BODY
    assert fields(head) == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": f"persona-mock/{__version__}",
        "x-mock-callback": "1",
        "content-length": str(len(BODY)),
        "connection": "close",
        "content-type": "application/json",
        "x-sign": "a=",
    }


def test_a_body_larger_than_any_socket_buffer_arrives_whole() -> None:
    receiver = Receiver()
    body = bytes(range(256)) * 64 * 1024

    answer = called(receiver, body=body)

    assert answer == Answer(200, None)
    assert receiver.requests[0].partition(b"\r\n\r\n")[2] == body


def test_an_empty_body_has_its_length_too() -> None:
    receiver = Receiver()

    called(receiver, body=b"")

    assert fields(receiver.requests[0])["content-length"] == "0"


def test_headers_that_frame_the_call_are_the_couriers() -> None:
    receiver = Receiver()

    called(receiver, headers={"HOST": "other", "content-length": "1", "Transfer-Encoding": "chunked"})

    head = receiver.requests[0].partition(b"\r\n\r\n")[0].lower()
    assert head.count(b"host:") == head.count(b"content-length:") == 1
    assert b"transfer-encoding" not in head
    assert b"other" not in head


@pytest.mark.parametrize(
    "headers",
    [{"X-A": "1\r\nX-B: 2"}, {"X-A\r\nX-B": "1"}, {"X A": "1"}, {"": "1"}, {"X-A": "塩"}, {"X-A": "a\0"}],
)
def test_a_header_that_would_break_the_call_is_refused(headers: dict[str, str], dialled: Dialled) -> None:
    answer = run(send("http://127.0.0.1:9/hook", headers))

    assert answer == Answer(None, None, "a header of the callback holds a character that no header may hold")
    assert dialled == []


@pytest.mark.parametrize(
    ("authority", "shown", "asked"),
    [
        ("127.0.0.1:{port}", "127.0.0.1:{port}", "127.0.0.1"),
        ("Hooks.Localhost:{port}", "Hooks.Localhost:{port}", "hooks.localhost"),
        ("[::1]:{port}", "[::1]:{port}", "::1"),
        ("bücher.test:{port}", "xn--bcher-kva.test:{port}", "xn--bcher-kva.test"),
        ("my_hook:{port}", "my_hook:{port}", "my_hook"),
        ("2130706433:{port}", "2130706433:{port}", "2130706433"),
    ],
)
def test_the_host_header_is_the_urls_host(authority: str, shown: str, asked: str) -> None:
    resolve = at("127.0.0.1")
    receiver = Receiver()

    async def work() -> Answer:
        async with receiver:
            url = f"http://{authority.format(port=receiver.port)}/"
            return await send(url, allow=("xn--bcher-kva.test", "my_hook"), resolve=resolve)

    answer = run(work())

    assert answer == Answer(200, None)
    assert fields(receiver.requests[0])["host"] == shown.format(port=receiver.port)
    assert resolve.asked == [(asked, receiver.port)]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://hooks.localhost", "hooks.localhost"),
        ("http://hooks.localhost:80/", "hooks.localhost"),
        ("http://hooks.localhost:/", "hooks.localhost"),
        ("http://[::1]/", "[::1]"),
        ("HTTP://[::1]:80/", "[::1]"),
    ],
)
def test_the_usual_port_is_not_in_the_host_header(url: str, shown: str, dialled: Dialled) -> None:
    receiver = Receiver()

    async def work() -> Answer:
        async with receiver:
            dialled.through = {("127.0.0.1", 80): ("127.0.0.1", receiver.port)}
            return await send(url, resolve=at("127.0.0.1"))

    answer = run(work())

    assert answer == Answer(200, None)
    assert fields(receiver.requests[0])["host"] == shown


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("", "/"),
        ("?a=b", "/?a=b"),
        ("/a%2Fb//c?q=1&r=%C3%A9#part", "/a%2Fb//c?q=1&r=%C3%A9"),
        ("/塩?x=é", "/%E5%A1%A9?x=%C3%A9"),
        ("//other.test/x", "//other.test/x"),
    ],
)
def test_the_path_is_sent_as_it_is_written(path: str, target: str) -> None:
    receiver = Receiver()

    called(receiver, path)

    assert receiver.requests[0].startswith(f"POST {target} HTTP/1.1\r\n".encode())


# --- what an answer means ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (OK, 200),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", 500),
        (b"HTTP/1.0 404 Not Found\r\n\r\nuntil the end", 404),
        (b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nLocation: /t\r\n\r\n", 200),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, 200),
        (b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n", 204),
        (OK + b"and what nobody asked for", 200),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nless", 200),
    ],
)
def test_the_status_is_the_answer(reply: bytes, status: int) -> None:
    answer = answering(reply)

    assert answer == Answer(status, None)


def test_an_answer_before_the_body_was_read_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "LINGER_SECONDS", 0.05)

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await answered.wait()

    async def work() -> Answer:
        async with listening(refuse) as port:
            answer = await send(f"http://127.0.0.1:{port}/", body=bytes(32 * 1024 * 1024))
            answered.set()
            return answer

    answered = asyncio.Event()

    answer = run(work())

    assert answer == Answer(413, None)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"", "the receiver closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-", "the receiver closed the connection within its answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "the receiver closed the connection within its answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "the receiver's answer is not HTTP"),
        (b"\x16\x03\x01\x00\xff garbage", "the receiver's answer is not HTTP"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "the receiver's answer is not HTTP"),
        (b"HTTP/1.1 000 OK\r\n\r\n", "the receiver's answer is not HTTP"),
    ],
)
def test_what_is_no_answer_has_its_reason(reply: bytes, error: str) -> None:
    answer = answering(reply)

    assert answer == Answer(None, error)


def test_a_silent_receiver_is_waited_for_as_long_as_was_said() -> None:
    receiver = Receiver(None)

    answer = called(receiver, timeout=0.15)

    assert answer == Answer(None, "no answer within 0.15 s")
    assert len(receiver.requests) == 1


def test_half_a_head_is_no_answer() -> None:
    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        await reader.read()

    answer = handled(begin, timeout=0.15)

    assert answer == Answer(None, "no answer within 0.15 s")


def test_a_head_may_come_byte_by_byte() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 302 F\r\nLocation: /there\r\n\r\n":
            writer.write(bytes((byte,)))
            # Both sides run on one loop: the courier reads this byte before the next is written.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    answer = handled(drip)

    assert answer == Answer(302, "the receiver redirects to /there; redirects are not followed")


def test_a_slow_name_is_within_the_same_timeout(dialled: Dialled) -> None:
    async def never(host: str, port: int) -> Found:
        await asyncio.Event().wait()
        raise AssertionError

    answer = run(send("http://hooks.localhost/", timeout=0.1, resolve=never))

    assert answer == Answer(None, "no answer within 0.1 s")
    assert dialled == []


def test_a_receiver_that_keeps_its_body_back_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "LINGER_SECONDS", 0.05)

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nbeginning")
        await reader.read()

    answer = handled(keep, timeout=1000)

    assert answer == Answer(200, None)


def test_a_body_that_is_kept_back_does_not_outlast_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "LINGER_SECONDS", 1000)

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nbeginning")
        await reader.read()

    answer = handled(keep, timeout=0.2)

    assert answer == Answer(200, None)


def test_a_receiver_can_say_all_of_a_body_before_the_connection_closes() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(BODY)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
        for _ in range(50):
            # Long enough for a courier that closes too early: both sides run on one loop.
            await asyncio.sleep(0)
            writer.write(b"x")
        ends.append(await reader.read())

    ends: list[bytes] = []

    answer = handled(talk)

    # A close in the middle would have been a reset.
    assert answer == Answer(200, None)
    assert ends == [b""]


def test_an_endless_body_is_cut() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(64 * 1024))
            await writer.drain()
            sent.append(64 * 1024)

    sent: list[int] = []

    answer = handled(flood)

    assert answer == Answer(200, None)
    # What the sockets of both sides hold by themselves is in it.
    assert sum(sent) < 32 * 1024 * 1024


@pytest.mark.parametrize(
    ("size", "answer"),
    [
        (courier.HEAD_BYTES, Answer(200, None)),
        (courier.HEAD_BYTES + 1, Answer(None, "the head of the receiver's answer is over 65536 bytes")),
        (courier.HEAD_BYTES * 20, Answer(None, "the head of the receiver's answer is over 65536 bytes")),
    ],
)
def test_the_head_of_an_answer_is_bounded(size: int, answer: Answer) -> None:
    start, end = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Long: ", b"\r\n\r\n"

    got = answering(start + b"a" * (size - len(start) - len(end)) + end)

    assert got == answer


def test_interim_answers_without_end_are_bounded_too() -> None:
    answer = answering(b"HTTP/1.1 102 Processing\r\n\r\n" * 4000)

    assert answer == Answer(None, "the head of the receiver's answer is over 65536 bytes")


def test_a_switch_of_protocols_is_told() -> None:
    answer = answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nPRI")

    assert answer == Answer(101, "the receiver switches to another protocol, for which it was not asked")


def test_nobody_listens(dialled: Dialled) -> None:
    port = free_port()

    answer = run(send(f"http://127.0.0.1:{port}/hook"))

    assert answer == Answer(None, "connection refused")
    assert dialled == [("127.0.0.1", port)]


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


def test_the_next_address_is_called_where_the_first_refuses(dialled: Dialled) -> None:
    receiver = Receiver()

    async def work() -> Answer:
        async with receiver:
            dialled.through = {("127.0.0.9", receiver.port): ("127.0.0.1", free_port())}
            resolve = at("127.0.0.9", "127.0.0.1", "127.0.0.2")
            return await send(f"http://hooks.localhost:{receiver.port}/", resolve=resolve)

    answer = run(work())

    assert answer == Answer(200, None)
    assert dialled == [("127.0.0.9", receiver.port), ("127.0.0.1", receiver.port)]


def test_an_address_that_is_named_twice_is_called_once(dialled: Dialled) -> None:
    port = free_port()

    run(send(f"http://hooks.localhost:{port}/", resolve=at("127.0.0.1", "127.0.0.1")))

    assert dialled == [("127.0.0.1", port)]


def test_a_name_without_addresses_is_told(dialled: Dialled) -> None:
    async def unknown(host: str, port: int) -> Found:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    unresolved = run(send("http://hooks.localhost/", resolve=unknown))
    empty = run(send("http://hooks.localhost/", resolve=at()))

    assert unresolved == Answer(None, "name does not resolve: Name or service not known")
    assert empty == Answer(None, "name does not resolve: it has no address")
    assert dialled == []


def test_an_error_that_nobody_expected_is_an_answer_without_its_text(dialled: Dialled) -> None:
    async def broken(host: str, port: int) -> Found:
        raise KeyError("http://hooks.localhost/?token=s3cret")

    answer = run(send("http://hooks.localhost/?token=s3cret", resolve=broken))

    assert answer == Answer(None, "the callback could not be sent (KeyError)")
    assert dialled == []


def test_a_call_can_be_cancelled_and_leaves_no_connection_open() -> None:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()
        left.append(True)

    async def work() -> None:
        async with listening(wait) as port:
            task = asyncio.create_task(send(f"http://127.0.0.1:{port}/"))
            await arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    arrived, left = asyncio.Event(), list[bool]()

    asyncio.run(work())

    assert left == [True]


# --- redirects ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, dialled: Dialled) -> None:
    async def work() -> tuple[Answer, str]:
        async with target:
            goal = f"http://127.0.0.1:{target.port}/inner"
            redirect.reply = (
                f"HTTP/1.1 {status} Moved\r\nLocation: {goal}\r\nContent-Length: 0\r\n\r\n".encode()
            )
            async with redirect:
                return await send(redirect.url()), goal

    target, redirect = Receiver(), Receiver()

    answer, goal = asyncio.run(work())

    assert answer == Answer(status, f"the receiver redirects to {goal}; redirects are not followed")
    assert (redirect.connections, target.connections) == (1, 0)
    assert dialled == [("127.0.0.1", redirect.port)]


def test_a_redirect_to_a_private_address_is_not_followed(dialled: Dialled) -> None:
    receiver = Receiver(b"HTTP/1.1 307 T\r\nLocation: http://10.0.0.1/latest\r\nContent-Length: 0\r\n\r\n")

    answer = called(receiver)

    assert answer == Answer(
        307, "the receiver redirects to http://10.0.0.1/latest; redirects are not followed"
    )
    assert dialled == [("127.0.0.1", receiver.port)]
    assert receiver.connections == 1


@pytest.mark.parametrize(
    ("location", "where"),
    [
        (b"https://user:s3cret@other.test:8443/in?token=s3cret#s3cret", "https://other.test:8443/in"),
        (b"//user:s3cret@other.test/in", "//other.test/in"),
        (b"https:user:s3cret@other.test/in", "https:other.test/in"),
        (b"/in?token=s3cret", "/in"),
        (b"?token=s3cret", "a place it does not name"),
        (b"http://[s3cret/", "a place that cannot be read"),
        ("/塩\t".encode() + b"\xff x", "/%E5%A1%A9%EF%BF%BD x"),
        (b"/" + b"x" * 500, "/" + "x" * 199),
    ],
)
def test_a_redirects_goal_is_shown_without_secrets(location: bytes, where: str) -> None:
    answer = answering(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n")

    assert answer == Answer(302, f"the receiver redirects to {where}; redirects are not followed")


def test_a_redirects_goal_is_what_its_head_says() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /head\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = answering(head + b"0\r\nLocation: /trailer\r\n\r\n")

    assert answer == Answer(302, "the receiver redirects to /head; redirects are not followed")


def test_a_redirect_that_leads_nowhere_is_a_redirect_too() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLocation: /early\r\n\r\n"

    answer = answering(interim + b"HTTP/1.1 304 Not Modified\r\n\r\n")

    assert answer == Answer(
        304, "the receiver redirects to a place it does not name; redirects are not followed"
    )


# --- who is called -----------------------------------------------------------------------------------------

FIX = "To let callbacks go there, start with --callback-allow"


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("169.254.169.254", "169.254.169.254 is no loopback address"),
        ("10.0.0.1", "10.0.0.1 is no loopback address"),
        ("192.168.1.1", "192.168.1.1 is no loopback address"),
        ("8.8.8.8", "8.8.8.8 is no loopback address"),
        ("0.0.0.0", "0.0.0.0 is no loopback address"),
        ("0", "0 is 0.0.0.0, which is no loopback address"),
        ("167772161", "167772161 is 10.0.0.1, which is no loopback address"),
        ("0xa.1", "0xa.1 is 10.0.0.1, which is no loopback address"),
        ("012.0.0.1", "012.0.0.1 is 10.0.0.1, which is no loopback address"),
        ("224.0.0.1", "224.0.0.1 is no loopback address"),
        ("255.255.255.255", "255.255.255.255 is no loopback address"),
        ("[::]", ":: is no loopback address"),
        ("[::ffff:10.0.0.1]", "::ffff:10.0.0.1 is 10.0.0.1, which is no loopback address"),
        ("[::ffff:0.0.0.0]", "::ffff:0.0.0.0 is 0.0.0.0, which is no loopback address"),
        ("[fe80::1]", "fe80::1 is no loopback address"),
        ("[fd00::5]", "fd00::5 is no loopback address"),
        ("[ff02::1]", "ff02::1 is no loopback address"),
        ("[2002:7f00:1::]", "2002:7f00:1:: is no loopback address"),
        ("[64:ff9b::7f00:1]", "64:ff9b::7f00:1 is no loopback address"),
        ("[2001:0:7f00:1::80ff:fffe]", "2001:0:7f00:1::80ff:fffe is no loopback address"),
        ("[::7f00:1]", "::7f00:1 is no loopback address"),
    ],
)
def test_an_address_that_is_not_this_machines_is_never_called(
    host: str, reason: str, dialled: Dialled
) -> None:
    answer = run(send(f"http://{host}/hook"))

    assert answer.refused is not None
    assert answer == Answer(None, None, answer.refused)
    assert answer.refused.startswith(f"{reason}. {FIX} {host.strip('[]')}")
    assert dialled == []


@pytest.mark.parametrize(
    ("addresses", "named"),
    [
        (("10.0.0.1",), "10.0.0.1"),
        (("127.0.0.1", "10.0.0.1"), "10.0.0.1"),
        (("::1", "127.0.0.1", "fd00::5"), "fd00::5"),
        (("93.184.216.34",), "93.184.216.34"),
        (("127.0.0.1", "::ffff:192.168.1.1"), "192.168.1.1"),
    ],
)
def test_a_name_is_judged_by_all_its_addresses(
    addresses: tuple[str, ...], named: str, dialled: Dialled
) -> None:
    answer = run(send("http://Hooks.localhost:8080/hook", resolve=at(*addresses)))

    reason = f"hooks.localhost is {named}, which is no loopback address. {FIX} hooks.localhost"
    assert answer == Answer(None, None, reason)
    assert dialled == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.9.9.9", "localhost"])
def test_this_machine_is_called_however_it_is_spelled(host: str, dialled: Dialled) -> None:
    port = free_port()

    answer = run(send(f"http://{host}:{port}/"))

    assert answer == Answer(None, "connection refused")
    assert dialled
    assert all(address.startswith("127.") or address == "::1" for address, _ in dialled)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "::ffff:7f01:203"]
)
def test_every_loopback_address_is_this_machine(address: str, dialled: Dialled) -> None:
    answer = run(send(f"http://hooks.localhost:{free_port()}/", resolve=at(address)))

    assert answer.refused is None
    assert [place for place, _ in dialled] == [address]


def test_an_address_that_cannot_be_read_is_never_called(dialled: Dialled) -> None:
    answer = run(
        send("http://hooks.localhost/", allow=("hooks.localhost",), resolve=at("127.0.0.1", "elsewhere"))
    )

    assert answer.refused == "the host of the callback URL has an address that cannot be read"
    assert dialled == []


@pytest.mark.parametrize("allow", ["hooks.test", "Hooks.Test", "hooks.test:{port}"])
def test_an_allowed_host_is_called_at_the_very_address_it_resolved_to(allow: str, dialled: Dialled) -> None:
    receiver = Receiver()

    async def work() -> Answer:
        async with receiver:
            dialled.through = {("10.1.2.3", receiver.port): ("127.0.0.1", receiver.port)}
            allowed = (allow.format(port=receiver.port),)
            url = f"http://HOOKS.test:{receiver.port}/"
            return await send(url, allow=allowed, resolve=at("10.1.2.3"))

    answer = run(work())

    assert answer == Answer(200, None)
    assert dialled == [("10.1.2.3", receiver.port)]
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "host", ["hooks.test", "example.com", "localhost.test", "xlocalhost", "10.0.0.1.test"]
)
def test_a_name_that_nobody_allowed_is_refused_unasked(host: str, dialled: Dialled) -> None:
    resolve = at("127.0.0.1")

    answer = run(send(f"http://{host}/", allow=("other.test",), resolve=resolve))

    fix = f"To let callbacks go there, start with --callback-allow {host}"
    assert answer == Answer(None, None, f"{host} is no loopback host. {fix}")
    assert (resolve.asked, dialled) == ([], [])


@pytest.mark.parametrize(
    ("allow", "host"),
    [
        ("hooks.localhost:8081", "hooks.localhost"),
        ("other.test", "hooks.localhost"),
        ("hooks.localhost", "sub.hooks.localhost"),
        ("10.0.0.1", "hooks.localhost"),
    ],
)
def test_a_host_that_is_not_quite_the_allowed_one_is_refused(allow: str, host: str, dialled: Dialled) -> None:
    answer = run(send(f"http://{host}:8080/", allow=(allow,), resolve=at("10.0.0.1")))

    assert answer.refused == f"{host} is 10.0.0.1, which is no loopback address. {FIX} {host}"
    assert dialled == []


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "::ffff:169.254.169.254",
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "fd00:ec2::254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2002:7f00:1::1",
        "2001:0:1:1::5601:5601",
        "::a9fe:a9fe",
        "::7f00:1",
        "100::1",
    ],
)
def test_an_allowed_name_cannot_stand_for_a_special_address(address: str, dialled: Dialled) -> None:
    answer = run(send("http://hooks.localhost/", allow=("hooks.localhost",), resolve=at("10.0.0.1", address)))

    plain = address.partition("%")[0].removeprefix("::ffff:")
    why = "which is called only where it is named itself"
    assert answer == Answer(None, None, f"hooks.localhost is {plain}, {why}. {FIX} {plain}")
    assert dialled == []


def test_a_special_address_behind_an_unknown_name_needs_both(dialled: Dialled) -> None:
    answer = run(send("http://hooks.localhost/", resolve=at("169.254.7.7")))

    reason = f"hooks.localhost is 169.254.7.7, which is no loopback address. {FIX} hooks.localhost"
    assert answer.refused == f"{reason} --callback-allow 169.254.7.7"
    assert dialled == []


@pytest.mark.parametrize(
    ("host", "allow", "address"),
    [
        ("169.254.7.7", ("169.254.7.7",), "169.254.7.7"),
        ("hooks.localhost", ("hooks.localhost", "169.254.7.7:{port}"), "169.254.7.7"),
        ("[::ffff:169.254.7.7]", ("169.254.7.7",), "169.254.7.7"),
        ("hooks.localhost", ("hooks.localhost",), "8.8.8.8"),
        ("10.0.0.1", ("[::ffff:10.0.0.1]",), "10.0.0.1"),
        ("hooks.localhost.", ("hooks.localhost",), "10.0.0.1"),
        ("bücher.test", ("xn--bcher-kva.test",), "10.0.0.1"),
    ],
)
def test_what_is_allowed_is_called(host: str, allow: tuple[str, ...], address: str, dialled: Dialled) -> None:
    receiver = Receiver()

    async def work() -> Answer:
        async with receiver:
            dialled.through = {(address, receiver.port): ("127.0.0.1", receiver.port)}
            allowed = tuple(entry.format(port=receiver.port) for entry in allow)
            return await send(f"http://{host}:{receiver.port}/", allow=allowed, resolve=at(address))

    answer = run(work())

    assert answer == Answer(200, None)
    assert dialled == [(address, receiver.port)]


@pytest.mark.parametrize(
    "address",
    ["64:ff9b::808:808", "2002:808:808::1", "2001:0:1:1::f7f7:f7f7", "fd00::5", "2606:4700::1111"],
)
def test_an_allowed_host_may_be_behind_a_gateway(
    address: str, monkeypatch: pytest.MonkeyPatch, dialled: Dialled
) -> None:
    async def unreachable(loop: Any, opened: socket.socket, place: Any) -> None:
        dialled.append((place[0], place[1]))
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", unreachable)

    answer = run(send("http://hooks.localhost/", allow=("hooks.localhost",), resolve=at(address)))

    assert answer == Answer(None, "connection refused")
    assert dialled == [(address, 80)]


def test_a_name_is_asked_for_once(monkeypatch: pytest.MonkeyPatch, dialled: Dialled) -> None:
    resolve = Resolver(("127.0.0.1",), ("10.0.0.1",))
    receiver = Receiver()

    async def work() -> Answer:
        async with receiver:
            monkeypatch.setattr(socket, "getaddrinfo", never_asked)
            return await send(f"http://rebind.localhost:{receiver.port}/", resolve=resolve)

    answer = run(work())

    assert answer == Answer(200, None)
    assert resolve.asked == [("rebind.localhost", receiver.port)]
    assert dialled == [("127.0.0.1", receiver.port)]


def never_asked(*arguments: Any, **options: Any) -> Any:
    raise AssertionError(f"the system was asked for {arguments}")


# --- which URLs --------------------------------------------------------------------------------------------

NO_HOST = "the callback URL has no host that can be read"
NO_PORT = "the port of the callback URL is no number from 1 to 65535"
SCHEME = "the callback URL is neither http nor https"
USER = "the callback URL holds a user name or a password, which is not sent; leave it out"
BLANK = "the callback URL holds a blank, a backslash or a character that cannot be shown"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", SCHEME),
        ("/hook", SCHEME),
        ("ftp://127.0.0.1/s3cret", SCHEME),
        ("file:///etc/s3cret", SCHEME),
        ("s3cret:pw@127.0.0.1/", SCHEME),
        ("http:///s3cret", NO_HOST),
        ("http:s3cret", NO_HOST),
        ("http://:80/s3cret", NO_HOST),
        ("http://::1/s3cret", NO_HOST),
        ("http://[::1]s3cret:80/", NO_HOST),
        ("http://[::1/s3cret", NO_HOST),
        ("http://[127.0.0.1]/s3cret", NO_HOST),
        ("http://[fe80::1%25eth0]/s3cret", NO_HOST),
        ("http://127.0.0.1:0/s3cret", NO_PORT),
        ("http://127.0.0.1:65536/s3cret", NO_PORT),
        ("http://127.0.0.1:s3cret/", NO_PORT),
        ("http://127.0.0.1:+80/s3cret", NO_PORT),
        ("http://127.0.0.1:80:90/s3cret", NO_PORT),
        ("http://127.0.0.1:\uff18\uff10/s3cret", NO_PORT),
        ("http://%31%32%37.0.0.1/s3cret", NO_HOST),
        ("http://.hooks.localhost/s3cret", NO_HOST),
        ("http://a..test/s3cret", NO_HOST),
        (f"http://{'a' * 64}.test/s3cret", NO_HOST),
        ("http://" + "a." * 127 + "test/s3cret", NO_HOST),
        ("http://a,b/s3cret", NO_HOST),
        ("http://s3cret@127.0.0.1/", USER),
        ("http://me:s3cret@127.0.0.1/", USER),
        ("http://127.0.0.1:s3cret@10.0.0.1/", USER),
        ("http://@127.0.0.1/s3cret", USER),
        ("http://127.0.0.1/s3cret x", BLANK),
        (" http://127.0.0.1/s3cret", BLANK),
        ("http://127.0.0.1/s3cret\r\nX-A: 1", BLANK),
        ("ht\ntp://127.0.0.1/s3cret", BLANK),
        ("http://127.0.0.1/s3cret\x00", BLANK),
        ("http://127.0.0.1/s3cret\u00a0", BLANK),
        ("http://127.0.0.1/s3cret\ud800", BLANK),
        ("http://127.0.0.1\\s3cret@10.0.0.1/", BLANK),
        ("http://127.0.0.1/" + "x" * 2032, "the callback URL has 2049 characters; 2048 are allowed"),
    ],
)
def test_a_url_that_cannot_be_called_is_refused_without_its_secrets(
    url: str, reason: str, dialled: Dialled
) -> None:
    resolve = at("127.0.0.1")

    answer = run(send(url, resolve=resolve))

    assert answer == Answer(None, None, reason)
    assert "s3cret" not in reason
    assert (resolve.asked, dialled) == ([], [])


def test_a_url_may_be_as_long_as_the_limit() -> None:
    receiver = Receiver()

    async def work() -> Answer:
        async with receiver:
            return await send(receiver.url("/").ljust(2048, "x"))

    assert run(work()) == Answer(200, None)


# --- TLS ---------------------------------------------------------------------------------------------------

CERTIFICATE = """
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = hooks.localhost
[extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
subjectKeyIdentifier = hash
subjectAltName = DNS:hooks.localhost, IP:127.0.0.1
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for hooks.localhost and 127.0.0.1 that vouches for itself, its key in the same file."""
    require("openssl")
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "req.cnf").write_text(CERTIFICATE)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"]
    command = ["openssl", "req", "-x509", *key, "-config", "req.cnf", "-days", "2", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    whole = folder / "both.pem"
    whole.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return whole


class Secure(NamedTuple):
    """A receiver behind TLS, and the server names it was asked for."""

    receiver: Receiver
    names: list[str | None]


@pytest.fixture
def secure(certificate: Path) -> Secure:
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: names.append(name)
    return Secure(Receiver(tls=context), names)


@pytest.fixture
def trusting(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def over_tls(receiver: Receiver, host: str, **options: Any) -> Answer:
    """One callback over TLS to a host whose second address nobody listens at."""
    resolve = at("127.0.0.1", "127.0.0.2")

    async def work() -> Answer:
        async with receiver:
            return await send(f"https://{host}:{receiver.port}/", resolve=resolve, **options)

    return run(work())


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize(
    ("host", "name"),
    [("hooks.localhost", "hooks.localhost"), ("HOOKS.localhost.", "hooks.localhost"), ("127.0.0.1", None)],
)
def test_a_trusted_receiver_is_called_over_tls(secure: Secure, host: str, name: str | None) -> None:
    receiver, names = secure

    answer = over_tls(receiver, host)

    assert answer == Answer(200, None)
    assert receiver.requests[0].endswith(BODY)
    assert fields(receiver.requests[0])["host"] == f"{host}:{receiver.port}"
    assert names == [name]


def test_a_receiver_that_is_not_trusted_is_sent_nothing(secure: Secure) -> None:
    answer = over_tls(secure.receiver, "hooks.localhost")

    assert answer.status is None
    assert str(answer.error).startswith("TLS: certificate verify failed: self")
    assert secure.receiver.requests == []


@pytest.mark.usefixtures("trusting")
def test_a_certificate_for_another_name_is_not_trusted(secure: Secure) -> None:
    answer = over_tls(secure.receiver, "other.localhost")

    assert str(answer.error).startswith("TLS: certificate verify failed: Hostname mismatch")
    assert secure.receiver.requests == []


def test_plain_http_behind_an_https_url_is_told() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    answer = handled(plain, "https")

    assert answer == Answer(None, "TLS: wrong version number")


def test_a_receiver_that_never_shakes_hands_is_within_the_timeout() -> None:
    async def work() -> Answer:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            return await send(f"https://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.15)

    assert run(work()) == Answer(None, "no answer within 0.15 s")


def test_https_has_the_same_rules(dialled: Dialled) -> None:
    answer = run(send("https://hooks.localhost/", resolve=at("10.0.0.1")))

    assert (
        answer.refused == f"hooks.localhost is 10.0.0.1, which is no loopback address. {FIX} hooks.localhost"
    )
    assert dialled == []


@pytest.mark.usefixtures("trusting")
def test_the_usual_port_of_https_is_not_in_the_host_header(secure: Secure, dialled: Dialled) -> None:
    receiver = secure.receiver

    async def work() -> Answer:
        async with receiver:
            dialled.through = {("127.0.0.1", 443): ("127.0.0.1", receiver.port)}
            return await send("https://hooks.localhost:443/", resolve=at("127.0.0.1"))

    answer = run(work())

    assert answer == Answer(200, None)
    assert fields(receiver.requests[0])["host"] == "hooks.localhost"
