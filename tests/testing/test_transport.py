"""Transports without sockets beside real sockets: the same answers, and errors of the same classes."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import httpx2
import pytest

from mockserver.settings import Settings
from mockserver.testing.transport import async_transport, sync_transport
from mockserver.web.app import create_app
from mockserver.web.listen import listen, port_of
from mockserver.web.server import Server

CREDITS = "/api/v1/chat/credit"
AUDIO = "/_mock/media/kie/example/audio.mp3"
MODULES = (httpx, httpx2)
KINDS = ("sync", "async")

FAULTS: tuple[dict[str, Any], ...] = (
    {"fault": "reset"},
    {"fault": "reset", "when": "after"},
    {"fault": "reset", "at": "body"},
    {"fault": "truncate"},
    {"fault": "empty"},
    {"fault": "malformed-json"},
    {"fault": "wrong-content-type"},
    {"fault": "gateway", "status": 503},
    {"fault": "slow-body", "seconds": 0.1},
    {"fault": "latency", "seconds": 0.1},
    {"fault": "latency", "seconds": 30},
    {"fault": "slow-body", "seconds": 30},
)


class Mock(NamedTuple):
    """One app, on a port and without one."""

    app: Any
    url: str


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    sockets = listen("127.0.0.1", 0)
    app = create_app(Settings(seed=0, verify_responses=True, port=port_of(sockets[0])))
    listening = threading.Event()
    server = Server(app, sockets, on_listening=listening.set)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert listening.wait(10), "the server did not start"
    yield Mock(app, f"http://127.0.0.1:{port_of(sockets[0])}")
    server.stop()
    thread.join(10)
    for opened in sockets:
        opened.close()


@pytest.fixture
def headers() -> dict[str, str]:
    return {"authorization": "Bearer k", "x-mock-sandbox": uuid4().hex}


def options(mock: Mock, headers: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"base_url": mock.url, "headers": headers, "timeout": 1.0, **more}


def call(module: ModuleType, kind: str, on_socket: bool, mock: Mock, headers: dict[str, str]) -> Any:
    """What a client makes of one call: its answer, or its error and the error's words."""
    if kind == "sync":
        return called(module, on_socket, options(mock, headers), mock.app)
    return asyncio.run(awaited(module, on_socket, options(mock, headers), mock.app))


def called(module: ModuleType, on_socket: bool, given: dict[str, Any], app: Any) -> Any:
    if not on_socket:
        given["transport"] = sync_transport(app, module)
    with module.Client(**given) as client:
        try:
            return seen(client.get(CREDITS))
        except module.TransportError as error:
            return type(error), error.request.url.path


async def awaited(module: ModuleType, on_socket: bool, given: dict[str, Any], app: Any) -> Any:
    if not on_socket:
        given["transport"] = async_transport(app, module)
    async with module.AsyncClient(**given) as client:
        try:
            return seen(await client.get(CREDITS))
        except module.TransportError as error:
            return type(error), error.request.url.path


def seen(answer: Any) -> Any:
    return answer.status_code, answer.headers["content-type"], answer.content, answer.http_version


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_gives_what_it_gives_on_a_socket(
    mock: Mock, headers: dict[str, str], fault: dict[str, Any], module: ModuleType, kind: str
) -> None:
    posted = httpx2.post(f"{mock.url}/_mock/faults", json={**fault, "times": 2}, headers=headers)
    assert posted.status_code == 200, posted.text

    there = call(module, kind, True, mock, headers)
    here = call(module, kind, False, mock, headers)

    assert here == there
    assert httpx2.get(f"{mock.url}/_mock/faults", headers=headers).json() == {"faults": []}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"fault": "reset"}, str(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))),
        ({"fault": "empty"}, "Server disconnected without sending a response."),
        (
            {"fault": "truncate"},
            "peer closed connection without sending complete message body (received 20 bytes, expected 40)",
        ),
        ({"fault": "latency", "seconds": 9}, "timed out"),
    ],
    ids=str,
)
def test_an_error_says_what_it_says_on_a_socket(
    mock: Mock, headers: dict[str, str], fault: dict[str, Any], words: str
) -> None:
    said = []

    for transport in (None, sync_transport(mock.app, httpx2)):
        given = options(mock, headers, transport=transport, timeout=0.3)
        with httpx2.Client(**given) as client:
            client.post("/_mock/faults", json=fault)
            with pytest.raises(httpx2.TransportError) as caught:
                client.get(CREDITS)
        said.append(str(caught.value))

    assert said == [words, words]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prefer", ["delay=60", "outcome=maintenance; delay=60"])
def test_a_delay_that_is_too_long_ends_at_once_and_its_call_is_noted(
    mock: Mock, headers: dict[str, str], kind: str, prefer: str
) -> None:
    begun = time.monotonic()

    ends = call(httpx2, kind, False, mock, {**headers, "prefer": prefer})

    took = time.monotonic() - begun
    entries = httpx2.get(f"{mock.url}/_mock/requests", headers=headers).json()["requests"]
    assert (ends, took < 10) == ((httpx2.ReadTimeout, CREDITS), True)
    outcome = "maintenance" if "maintenance" in prefer else "success"
    assert [(entry["outcome"], entry["status"] is None) for entry in entries] == [(outcome, False)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_delay_of_a_queued_outcome_ends_at_once_too(
    mock: Mock, headers: dict[str, str], kind: str
) -> None:
    queued = {"outcome": "maintenance", "provider": "kie", "delay": 60}
    httpx2.post(f"{mock.url}/_mock/outcomes", json=queued, headers=headers).raise_for_status()

    assert call(httpx2, kind, False, mock, headers) == (httpx2.ReadTimeout, CREDITS)


def test_a_client_without_a_timeout_waits(mock: Mock, headers: dict[str, str]) -> None:
    given = options(mock, {**headers, "prefer": "delay=0.1"}, timeout=None)

    with httpx2.Client(**given, transport=sync_transport(mock.app, httpx2)) as client:
        begun = time.monotonic()
        answer = client.get(CREDITS)

    assert (answer.status_code, time.monotonic() - begun >= 0.09) == (200, True)


def test_a_body_may_be_a_stream_both_ways(mock: Mock, headers: dict[str, str]) -> None:
    song = json.dumps({"gpt_description_prompt": "the sea at night", "mv": "chirp-v4"}).encode()
    threads = []

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(song), 7):
            threads.append(threading.current_thread())
            yield song[start : start + 7]

    with httpx2.Client(**options(mock, headers), transport=sync_transport(mock.app, httpx2)) as client:
        made = client.post(
            "/suno/submit/music", content=pieces(), headers={"content-type": "application/json"}
        )
        with client.stream("GET", AUDIO) as answer:
            received = b"".join(answer.iter_raw())

    assert made.json()["code"] == "success"
    assert set(threads) == {threading.current_thread()}
    assert received == httpx2.get(mock.url + AUDIO).content


def test_an_async_body_may_be_a_stream_both_ways(mock: Mock, headers: dict[str, str]) -> None:
    song = json.dumps({"gpt_description_prompt": "the sea at night", "mv": "chirp-v4"}).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(song), 7):
            yield song[start : start + 7]

    async def run() -> tuple[Any, bytes]:
        transport = async_transport(mock.app, httpx2)
        async with httpx2.AsyncClient(**options(mock, headers), transport=transport) as client:
            made = await client.post("/suno/submit/music", content=pieces())
            async with client.stream("GET", AUDIO) as answer:
                return made.json(), b"".join([piece async for piece in answer.aiter_raw()])

    made, received = asyncio.run(run())

    assert made["code"] == "success"
    assert received == httpx2.get(mock.url + AUDIO).content


def test_the_beginning_of_a_stream_is_read_before_its_end(mock: Mock, headers: dict[str, str]) -> None:
    """The events have no end: each is read as it happens."""
    with httpx2.Client(**options(mock, headers), transport=sync_transport(mock.app, httpx2)) as client:
        with client.stream("GET", "/_mock/events") as events:
            lines = events.iter_lines()
            opened = next(lines)
            client.get(CREDITS)
            told = [next(lines) for _ in range(4)]
        after = client.get(CREDITS)

    assert opened.startswith(":")
    assert "event: request" in told
    assert after.status_code == 200


def test_a_stream_that_says_nothing_for_too_long_is_a_timeout(mock: Mock, headers: dict[str, str]) -> None:
    given = options(mock, headers, timeout=0.2)

    with (
        httpx2.Client(**given, transport=sync_transport(mock.app, httpx2)) as client,
        client.stream("GET", "/_mock/events") as events,
        pytest.raises(httpx2.ReadTimeout),
    ):
        events.read()


def test_a_body_that_breaks_off_is_no_call(mock: Mock, headers: dict[str, str]) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"fault": "gateway"}'
        raise LookupError("no more")

    with httpx2.Client(**options(mock, headers), transport=sync_transport(mock.app, httpx2)) as client:
        with pytest.raises(LookupError):
            client.post("/_mock/faults", content=pieces())

        assert client.get("/_mock/faults").json() == {"faults": []}


@pytest.mark.parametrize("sent", [b"first", b""])
def test_an_app_is_not_left_waiting_for_the_rest_of_a_body(sent: bytes) -> None:
    ended = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            while (await receive())["more_body"]:
                pass
        finally:
            ended.set()

    def pieces() -> Iterator[bytes]:
        yield sent
        raise LookupError("no more")

    with httpx2.Client(transport=sync_transport(app, httpx2)) as client:
        with pytest.raises(LookupError):
            client.post("http://mock/", content=pieces())

        assert ended.wait(10)


def test_many_threads_share_a_transport(mock: Mock, headers: dict[str, str]) -> None:
    with (
        httpx2.Client(
            **options(mock, headers, timeout=20), transport=sync_transport(mock.app, httpx2)
        ) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        ids = list(pool.map(lambda _: client.get(CREDITS).headers["x-mock-request-id"], range(40)))

    assert len(set(ids)) == 40


def test_a_transport_leaves_no_thread_behind(mock: Mock, headers: dict[str, str]) -> None:
    before = set(threading.enumerate())
    transport = sync_transport(mock.app, httpx2)
    for _ in range(2):
        with httpx2.Client(**options(mock, headers), transport=transport) as client:
            assert client.get(CREDITS).status_code == 200
    closed = set(threading.enumerate())
    httpx2.Client(**options(mock, headers), transport=sync_transport(mock.app, httpx2)).get(CREDITS)
    begun = set(threading.enumerate()) - before
    gc.collect()

    assert closed <= before
    for thread in begun:
        thread.join(10)
        assert not thread.is_alive()


def test_a_head_request_has_no_body(mock: Mock, headers: dict[str, str]) -> None:
    with httpx2.Client(**options(mock, headers), transport=sync_transport(mock.app, httpx2)) as client:
        client.post("/_mock/faults", json={"fault": "truncate"})
        answers = [client.head(CREDITS), client.head(AUDIO)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b""), (200, b"")]
    assert answers[0].headers["content-length"] == "40"


def test_an_error_of_the_app_reaches_the_caller(headers: dict[str, str]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("in the app")

    with httpx2.Client(transport=sync_transport(app, httpx2)) as client, pytest.raises(LookupError):
        client.get("http://mock/")
