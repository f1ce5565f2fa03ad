"""A server that listens at a URL: what it says comes back whole, or not at all and with the reason."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from contracts.remote import LARGEST, NOBODY_THERE, Remote
from contracts.target import Call, Unanswered

# Who calls, and the head of what was said.
Answer = Callable[[socket.socket, bytes], None]
Serve = Callable[[Answer | bytes], str]
BODY = b'{"code":200,"msg":"success","data":7}'


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server for one call: it reads the head, answers, and closes."""
    threads: list[threading.Thread] = []

    def start(answer: Answer | bytes) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.settimeout(10)

        def run() -> None:
            with listening, listening.accept()[0] as caller, suppress(OSError):
                caller.settimeout(10)
                head = b""
                while b"\r\n\r\n" not in head:
                    head += caller.recv(65536)
                if isinstance(answer, bytes):
                    caller.sendall(answer)
                else:
                    answer(caller, head)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield start
    for thread in threads:
        thread.join(10)


def said(head: str, body: bytes = b"") -> bytes:
    """An answer as it goes over the wire."""
    return head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body


def silence(url: str, timeout: float = 10.0) -> str:
    """Why nothing came back."""
    with pytest.raises(Unanswered) as raised:
        Remote(url, timeout=timeout).send(Call("GET", "/"))
    return str(raised.value)


# --- whole --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        said(f"HTTP/1.1 200 OK\nContent-Length: {len(BODY)}", BODY),
        said("HTTP/1.1 200 OK\nConnection: close", BODY),
        said("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"25\r\n" + BODY + b"\r\n0\r\n\r\n"),
    ],
)
def test_a_whole_answer_comes_back(serve: Serve, answer: bytes) -> None:
    reply = Remote(serve(answer)).send(Call("GET", "/"))

    assert (reply.status, reply.body) == (200, BODY)


@pytest.mark.parametrize("status", [301, 401, 500])
def test_no_status_is_raised_or_followed(serve: Serve, status: int) -> None:
    url = serve(said(f"HTTP/1.1 {status} So\nLocation: http://127.0.0.1:1/\nContent-Length: 2", b"{}"))

    reply = Remote(url).send(Call("GET", "/"))

    assert (reply.status, reply.header("location"), reply.body) == (status, "http://127.0.0.1:1/", b"{}")


def test_an_answer_to_head_has_no_body(serve: Serve) -> None:
    reply = Remote(serve(said("HTTP/1.1 200 OK\nContent-Length: 20"))).send(Call("HEAD", "/"))

    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    "answer",
    [
        said("HTTP/1.1 200 OK\nContent-Length: 57", BODY),
        said("HTTP/1.1 500 Oh\nContent-Length: 57", BODY),
        said("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"25\r\n" + BODY[:9]),
        said("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"25\r\n" + BODY + b"\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Ty",
        b"HTTP/1.1 200 OK\r\n",
    ],
    ids=["body", "body of a refusal", "chunk", "last chunk", "header", "head"],
)
def test_half_an_answer_is_none(serve: Serve, answer: bytes) -> None:
    assert silence(serve(answer)) == "its answer breaks off"


def test_an_answer_of_any_size_up_to_the_largest(serve: Serve) -> None:
    head = f"HTTP/1.1 200 OK\nContent-Length: {LARGEST}"

    reply = Remote(serve(said(head, b"a" * LARGEST))).send(Call("GET", "/"))

    assert len(reply.body) == 16 * 2**20


@pytest.mark.parametrize("length", [f"Content-Length: {LARGEST + 1}", "Connection: close"])
def test_an_answer_that_is_too_large_is_none(serve: Serve, length: str) -> None:
    url = serve(said(f"HTTP/1.1 200 OK\n{length}", b"a" * (LARGEST + 1)))

    assert silence(url) == "its answer is larger than 16 MiB"


# --- in time ------------------------------------------------------------------------------------------------


def dripping(text: bytes) -> Answer:
    """Sends a byte every hundredth of a second, until nobody takes it any more."""

    def answer(caller: socket.socket, _: bytes) -> None:
        for number in range(len(text)):
            caller.sendall(text[number : number + 1])
            threading.Event().wait(0.01)

    return answer


@pytest.mark.parametrize(
    "text",
    [
        said("HTTP/1.1 200 OK\nContent-Length: 200", b" " * 200),
        said("HTTP/1.1 200 OK\nConnection: close", b" " * 200),
        said("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"c8\r\n" + b" " * 200 + b"\r\n0\r\n\r\n"),
        said(f"HTTP/1.1 200 OK\nX-Long: {'a' * 200}\nContent-Length: 0"),
    ],
    ids=["body", "body without an end", "chunk", "head"],
)
def test_an_answer_that_drips_is_given_up(serve: Serve, text: bytes) -> None:
    assert silence(serve(dripping(text)), timeout=0.3) == "no whole answer came within 0.3 s"


def test_where_nothing_comes_it_is_given_up(serve: Serve) -> None:
    over = threading.Event()

    def waits(_: socket.socket, __: bytes) -> None:
        over.wait(10)

    reason = silence(serve(waits), timeout=0.1)
    over.set()

    assert reason == "no whole answer came within 0.1 s"


# --- nobody there -------------------------------------------------------------------------------------------


def test_who_refuses_the_connection_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))

        reason = silence(f"http://127.0.0.1:{free.getsockname()[1]}")

    assert reason.startswith(NOBODY_THERE)


def test_an_unknown_host_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    reason = silence("http://api.example.invalid")

    assert reason == "unknown host: Name or service not known"
    assert reason.startswith(NOBODY_THERE)


def test_who_closes_without_a_word_is_there(serve: Serve) -> None:
    assert not silence(serve(b"")).startswith(NOBODY_THERE)


# --- packed -------------------------------------------------------------------------------------------------


def bare(body: bytes) -> bytes:
    """Deflate as some send it: nothing around it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def packed(encoding: str, body: bytes) -> bytes:
    """An answer in a packing."""
    return said(f"HTTP/1.1 200 OK\nContent-Encoding: {encoding}\nContent-Length: {len(body)}", body)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(BODY)),
        ("X-GZIP", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", bare(BODY)),
        ("identity", BODY),
    ],
    ids=["gzip", "x-gzip", "deflate", "bare deflate", "identity"],
)
def test_what_comes_packed_is_judged_unpacked(serve: Serve, encoding: str, body: bytes) -> None:
    reply = Remote(serve(packed(encoding, body))).send(Call("GET", "/"))

    assert reply.json == {"code": 200, "msg": "success", "data": 7}
    assert reply.header("content-encoding") == encoding


@pytest.mark.parametrize(
    ("encoding", "body"), [("br", b"\x0b\x02\x80{}\x03"), ("gzip", b"")], ids=["br", "none"]
)
def test_what_cannot_be_unpacked_is_left_as_it_is(serve: Serve, encoding: str, body: bytes) -> None:
    assert Remote(serve(packed(encoding, body))).send(Call("GET", "/")).body == body


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", gzip.compress(BODY)[:-9], "its answer breaks off"),
        ("gzip", BODY, "its answer is not gzip, though content-encoding says so"),
        ("deflate", b"\x78\x01\xff\xff", "its answer is not deflate, though content-encoding says so"),
        ("gzip", gzip.compress(b" " * (LARGEST + 1)), "its answer is larger than 16 MiB"),
    ],
    ids=["half", "no gzip", "no deflate", "too large"],
)
def test_what_is_packed_wrongly_is_no_answer(serve: Serve, encoding: str, body: bytes, reason: str) -> None:
    assert silence(serve(packed(encoding, body))) == reason


# --- who asks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [((), "persona-mock/"), ((("user-agent", "curl/8"),), "curl/8"), ((("User-Agent", "a b"),), "a b")],
)
def test_it_says_who_asks(serve: Serve, headers: tuple[tuple[str, str], ...], wanted: str) -> None:
    def echo(caller: socket.socket, head: bytes) -> None:
        lines = head.decode().split("\r\n")
        names = [line.split(": ", 1)[1] for line in lines if line.lower().startswith("user-agent:")]
        caller.sendall(said("HTTP/1.1 200 OK\nConnection: close", json.dumps(names).encode()))

    (name,) = Remote(serve(echo)).send(Call("GET", "/", headers)).json

    assert name.startswith(wanted)
    assert "urllib" not in name
