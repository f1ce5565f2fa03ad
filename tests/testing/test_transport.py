"""Transports without sockets beside real sockets: the same answers, and errors of the same classes."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

import httpx
import httpx2
import pytest
import trio

from mockserver.settings import Settings
from mockserver.testing.transport import async_transport, sync_transport
from mockserver.web.app import create_app
from mockserver.web.listen import listen, port_of
from mockserver.web.server import Server

T = TypeVar("T")

CREDITS = "/api/v1/chat/credit"
AUDIO = "/_mock/media/kie/example/audio.mp3"
MODULES = (httpx, httpx2)
KINDS = ("sync", "asyncio", "trio")

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
    return {"base_url": mock.url, "headers": headers, "timeout": 1.0} | more


def call(
    module: ModuleType, kind: str, on_socket: bool, mock: Mock, headers: dict[str, str], **more: Any
) -> Any:
    """What a client makes of one call: its answer, or its error's class and path."""
    given = options(mock, headers, **more)
    if kind == "sync":
        return called(module, on_socket, given, mock.app)
    run: Callable[[Any], Any] = asyncio.run if kind == "asyncio" else run_in_trio
    return run(awaited(module, on_socket, given, mock.app))


def run_in_trio(work: Awaitable[T]) -> T:
    async def run() -> T:
        return await work

    return trio.run(run)


def called(module: ModuleType, on_socket: bool, given: dict[str, Any], app: Any) -> Any:
    if not on_socket:
        given["transport"] = sync_transport(app)
    with module.Client(**given) as client:
        try:
            return seen(client.get(CREDITS))
        except module.TransportError as error:
            return type(error), error.request.url.path


async def awaited(module: ModuleType, on_socket: bool, given: dict[str, Any], app: Any) -> Any:
    if not on_socket:
        given["transport"] = async_transport(app)
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

    # A socket has to wait for what never comes.
    timeout = module.Timeout(1.0, read=0.2) if fault.get("seconds", 0) > 1 else 1.0
    there = call(module, kind, True, mock, headers, timeout=timeout)
    here = call(module, kind, False, mock, headers, timeout=timeout)

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

    for transport in (None, sync_transport(mock.app)):
        given = options(mock, headers, transport=transport, timeout=0.3)
        with httpx2.Client(**given) as client:
            client.post("/_mock/faults", json=fault)
            with pytest.raises(httpx2.TransportError) as caught:
                client.get(CREDITS)
        said.append(str(caught.value))

    assert said == [words, words]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
@pytest.mark.parametrize(
    ("control", "json", "prefer"),
    [
        ("faults", {"fault": "latency", "seconds": 3600}, ""),
        ("faults", {"fault": "slow-body", "seconds": 3600}, ""),
        ("outcomes", {"outcome": "maintenance", "provider": "kie", "delay": 3600}, ""),
        ("faults", {"fault": "slow-body", "seconds": 0}, "delay=60"),
    ],
    ids=["latency", "slow-body", "queued", "prefer"],
)
def test_what_comes_too_late_is_a_timeout_at_once(
    mock: Mock,
    headers: dict[str, str],
    control: str,
    json: dict[str, Any],
    prefer: str,
    module: ModuleType,
    kind: str,
) -> None:
    """Neither the delay is waited for nor the client's timeout."""
    httpx2.post(f"{mock.url}/_mock/{control}", json=json, headers=headers).raise_for_status()
    begun = time.monotonic()

    ends = call(module, kind, False, mock, {**headers, "prefer": prefer}, timeout=30)

    assert (ends, time.monotonic() - begun < 15) == ((module.ReadTimeout, CREDITS), True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prefer", ["delay=60", "outcome=maintenance; delay=60"])
def test_a_call_whose_answer_comes_too_late_is_noted(
    mock: Mock, headers: dict[str, str], kind: str, prefer: str
) -> None:
    ends = call(httpx2, kind, False, mock, {**headers, "prefer": prefer}, timeout=30)

    entries = httpx2.get(f"{mock.url}/_mock/requests", headers=headers).json()["requests"]
    outcome = "maintenance" if "maintenance" in prefer else "success"
    assert ends == (httpx2.ReadTimeout, CREDITS)
    assert [(entry["outcome"], entry["status"] is None) for entry in entries] == [(outcome, True)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
@pytest.mark.parametrize("fault", ["latency", "slow-body"])
def test_a_client_without_a_timeout_waits(
    mock: Mock, headers: dict[str, str], fault: str, module: ModuleType, kind: str
) -> None:
    late = {"fault": fault, "seconds": 0.1}
    httpx2.post(f"{mock.url}/_mock/faults", json=late, headers=headers).raise_for_status()
    begun = time.monotonic()

    ends = call(module, kind, False, mock, headers, timeout=None)

    assert (ends[0], time.monotonic() - begun >= 0.09) == (200, True)


@pytest.fixture
async def client(mock: Mock, headers: dict[str, str], anyio_backend: str) -> AsyncIterator[Any]:
    given = options(mock, headers, transport=async_transport(mock.app))
    async with httpx2.AsyncClient(**given) as opened:
        yield opened


@pytest.mark.anyio
async def test_a_test_that_anyio_runs_twice_needs_no_thought(client: Any) -> None:
    """Once under asyncio, once under trio: both times the client is made by a fixture."""
    answered = await client.get(CREDITS)

    assert answered.status_code == 200


def test_a_body_may_be_a_stream_both_ways(mock: Mock, headers: dict[str, str]) -> None:
    song = json.dumps({"gpt_description_prompt": "the sea at night", "mv": "chirp-v4"}).encode()
    threads = []

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(song), 7):
            threads.append(threading.current_thread())
            yield song[start : start + 7]

    with httpx2.Client(**options(mock, headers), transport=sync_transport(mock.app)) as client:
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
        transport = async_transport(mock.app)
        async with httpx2.AsyncClient(**options(mock, headers), transport=transport) as client:
            made = await client.post("/suno/submit/music", content=pieces())
            async with client.stream("GET", AUDIO) as answer:
                return made.json(), b"".join([piece async for piece in answer.aiter_raw()])

    made, received = asyncio.run(run())

    assert made["code"] == "success"
    assert received == httpx2.get(mock.url + AUDIO).content


def test_the_beginning_of_a_stream_is_read_before_its_end(mock: Mock, headers: dict[str, str]) -> None:
    """The events have no end: each is read as it happens."""
    with httpx2.Client(**options(mock, headers), transport=sync_transport(mock.app)) as client:
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
        httpx2.Client(**given, transport=sync_transport(mock.app)) as client,
        client.stream("GET", "/_mock/events") as events,
        pytest.raises(httpx2.ReadTimeout),
    ):
        events.read()


def test_a_body_that_breaks_off_is_no_call(mock: Mock, headers: dict[str, str]) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"fault": "gateway"}'
        raise LookupError("no more")

    with httpx2.Client(**options(mock, headers), transport=sync_transport(mock.app)) as client:
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

    with httpx2.Client(transport=sync_transport(app)) as client:
        with pytest.raises(LookupError):
            client.post("http://mock/", content=pieces())

        assert ended.wait(10)


def test_many_threads_share_a_transport(mock: Mock, headers: dict[str, str]) -> None:
    with (
        httpx2.Client(**options(mock, headers, timeout=20), transport=sync_transport(mock.app)) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        ids = list(pool.map(lambda _: client.get(CREDITS).headers["x-mock-request-id"], range(40)))

    assert len(set(ids)) == 40


def test_a_transport_leaves_no_thread_behind(mock: Mock, headers: dict[str, str]) -> None:
    before = set(threading.enumerate())
    transport = sync_transport(mock.app)
    for _ in range(2):
        with httpx2.Client(**options(mock, headers), transport=transport) as client:
            assert client.get(CREDITS).status_code == 200
    closed = set(threading.enumerate())
    httpx2.Client(**options(mock, headers), transport=sync_transport(mock.app)).get(CREDITS)
    begun = set(threading.enumerate()) - before
    gc.collect()

    assert closed <= before
    for thread in begun:
        thread.join(10)
        assert not thread.is_alive()


def test_a_head_request_has_no_body(mock: Mock, headers: dict[str, str]) -> None:
    with httpx2.Client(**options(mock, headers), transport=sync_transport(mock.app)) as client:
        client.post("/_mock/faults", json={"fault": "truncate"})
        answers = [client.head(CREDITS), client.head(AUDIO)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b""), (200, b"")]
    assert answers[0].headers["content-length"] == "40"


def test_an_error_of_the_app_reaches_the_caller(headers: dict[str, str]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("in the app")

    with httpx2.Client(transport=sync_transport(app)) as client, pytest.raises(LookupError):
        client.get("http://mock/")
