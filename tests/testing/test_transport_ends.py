"""How calls through transports without sockets end before their time, and what is left of them: nothing."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
import trio

from mockserver.testing.transport import async_transport, sync_transport

URL = "http://api.test/"
LIBRARIES = ("asyncio", "trio")
FOREVER = 3600


def run(library: str, work: Callable[[], Awaitable[Any]]) -> Any:
    async def awaited() -> Any:
        return await work()

    return trio.run(work) if library == "trio" else asyncio.run(awaited())


@pytest.fixture
def threads() -> Iterator[Callable[[], list[threading.Thread]]]:
    """The transports' threads that have been begun since, and still are; at the end there may be none."""
    before = set(threading.enumerate())

    def begun() -> list[threading.Thread]:
        return [one for one in threading.enumerate() if one not in before and "transport" in one.name]

    yield begun
    assert begun() == []


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


class Watched:
    """An app that does not answer, and notes how it is left."""

    def __init__(self, *, begins: bool = False) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.how = ""
        self._begins = begins

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self._wait(receive, send)
        except asyncio.CancelledError:
            self.how = "cancelled"
            raise
        finally:
            self.ended.set()

    async def _wait(self, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        if self._begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
        self.begun.set()
        self.how = (await receive())["type"]


# --- who is cancelled waits no longer -----------------------------------------------------------------------


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("begins", "how"), [(False, "http.disconnect"), (True, "cancelled")])
def test_a_call_that_is_cancelled_ends_at_once(library: str, begins: bool, how: str, threads: Any) -> None:
    app = Watched(begins=begins)

    async def work() -> None:
        async with httpx2.AsyncClient(transport=async_transport(app), timeout=None) as client:
            await cancelled(library, lambda: client.get(URL))
            # The app has a turn before the transport is closed, which would end it anyhow.
            for _ in range(500):
                if app.ended.is_set():
                    break
                await (trio.sleep(0.01) if library == "trio" else asyncio.sleep(0.01))

    begun = time.monotonic()
    run(library, work)

    assert app.ended.is_set()
    assert (app.how, time.monotonic() - begun < 5) == (how, True)


async def cancelled(library: str, call: Callable[[], Awaitable[Any]]) -> None:
    """Make a call that is cancelled soon."""
    if library == "trio":
        with trio.move_on_after(0.05) as scope:
            await call()
        assert scope.cancelled_caught
    else:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await call()


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_body_whose_maker_is_cancelled_is_no_call(library: str, threads: Any) -> None:
    app = Watched()

    async def pieces() -> Any:
        yield b"half"
        await (trio.sleep(FOREVER) if library == "trio" else asyncio.sleep(FOREVER))

    async def work() -> None:
        async with httpx2.AsyncClient(transport=async_transport(app)) as client:
            await cancelled(library, lambda: client.post(URL, content=pieces()))

    run(library, work)

    assert app.ended.wait(10)
    assert app.how == "cancelled"


# --- closed while in use ------------------------------------------------------------------------------------


@pytest.mark.parametrize("begins", [False, True])
def test_a_transport_that_is_closed_lets_those_who_wait_go(begins: bool, threads: Any) -> None:
    app = Watched(begins=begins)
    transport = sync_transport(app)
    client = httpx2.Client(transport=transport, timeout=None)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, URL)
        assert app.begun.wait(10)
        transport.close()

        with pytest.raises(httpx2.ReadError, match="closed while it was in use"):
            waiting.result(10)
    assert app.ended.is_set()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("begins", [False, True])
def test_an_async_transport_that_is_closed_lets_those_who_wait_go(
    library: str, begins: bool, threads: Any
) -> None:
    app = Watched(begins=begins)
    transport = async_transport(app)
    client = httpx2.AsyncClient(transport=transport, timeout=None)

    async def get() -> None:
        with pytest.raises(httpx2.ReadError, match="closed while it was in use"):
            await client.get(URL)

    async def work_in_asyncio() -> None:
        waiting = asyncio.create_task(get())
        while not app.begun.is_set():
            await asyncio.sleep(0.001)
        await transport.aclose()
        await waiting

    async def work_in_trio() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(get)
            while not app.begun.is_set():
                await trio.sleep(0.001)
            await transport.aclose()
            assert threads() == []

    run(library, work_in_trio if library == "trio" else work_in_asyncio)

    assert app.ended.is_set()


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_transport_is_halted_from_outside_its_library(library: str, threads: Any) -> None:
    """By a test's tear-down, which is no async function."""
    transport = async_transport(hello)

    async def work() -> int:
        return (await httpx2.AsyncClient(transport=transport).get(URL)).status_code

    assert run(library, work) == 200
    transport.halt()

    assert threads() == []
    assert run(library, work) == 200
    transport.halt()


def test_a_reply_cannot_be_read_on_when_its_transport_was_closed(threads: Any) -> None:
    transport = sync_transport(Watched(begins=True))
    client = httpx2.Client(transport=transport, timeout=None)

    with client.stream("GET", URL) as answered:
        pieces = answered.iter_raw()
        assert next(pieces) == b"half"
        transport.close()
        # Another call begins another thread; it is not the one that this reply comes from.
        sync = httpx2.Client(transport=transport, timeout=0.01)
        with pytest.raises(httpx2.ReadTimeout):
            sync.get(URL)

        with pytest.raises(httpx2.ReadError, match="closed while it was in use"):
            next(pieces)
    transport.close()


# --- nothing is left ----------------------------------------------------------------------------------------


def test_transports_that_nobody_closes_leave_no_thread_behind(threads: Any) -> None:
    async def get(transport: Any) -> None:
        await httpx2.AsyncClient(transport=transport).get(URL)

    for _ in range(100):
        httpx2.Client(transport=sync_transport(hello)).get(URL)
        trio.run(get, async_transport(hello))
    gc.collect()

    for thread in threads():
        thread.join(10)
    assert threads() == []


def test_an_async_transport_begins_no_thread_under_asyncio(threads: Any) -> None:
    async def work() -> None:
        await httpx2.AsyncClient(transport=async_transport(hello)).get(URL)
        assert threads() == []

    asyncio.run(work())


def test_a_reply_that_is_left_early_leaves_no_task_behind(threads: Any) -> None:
    """The app has said all, but more than may wait for a reader; nobody reads it."""
    transport = sync_transport(_long)
    with httpx2.Client(transport=transport) as client:
        for _ in range(3):
            with client.stream("GET", URL):
                pass
        hello_again = client.get(URL)

        assert len(hello_again.content) == 2 * 1024 * 1024
        assert transport._tasks == set()


async def _long(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(2):
        await send({"type": "http.response.body", "body": b"x" * 1024 * 1024, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def test_an_app_that_talks_on_to_nobody_lets_others_work() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/":
            await hello(scope, receive, send)
            return
        await asyncio.sleep(0.02)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"more", "more_body": True})

    async def work() -> int:
        async with httpx2.AsyncClient(transport=async_transport(app), timeout=0.01) as client:
            with pytest.raises(httpx2.ReadTimeout):
                await client.get(URL + "talk")
            await asyncio.sleep(0.05)
            return (await client.get(URL, timeout=10)).status_code

    assert asyncio.run(work()) == 200


# --- from where it is used ----------------------------------------------------------------------------------


def test_a_sync_transport_may_be_used_inside_a_loop(threads: Any) -> None:
    async def work() -> int:
        with httpx2.Client(transport=sync_transport(hello)) as client:
            return client.get(URL).status_code

    assert asyncio.run(work()) == 200
    assert trio.run(work) == 200


def test_an_app_may_call_another_through_a_transport(threads: Any) -> None:
    with httpx2.Client(transport=sync_transport(hello)) as inner:

        async def app(scope: Any, receive: Any, send: Any) -> None:
            assert inner.get(URL).text == "hello"
            await hello(scope, receive, send)

        with httpx2.Client(transport=sync_transport(app)) as outer:
            assert outer.get(URL).text == "hello"


def test_an_app_that_waits_for_itself_is_told_so(threads: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        client.get(URL)

    with (
        httpx2.Client(transport=sync_transport(app)) as client,
        pytest.raises(RuntimeError, match="Give it a transport of its own"),
    ):
        client.get(URL)


def test_an_app_that_exits_ends_its_call_only(threads: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/exit":
            raise SystemExit(3)
        await hello(scope, receive, send)

    with httpx2.Client(transport=sync_transport(app), timeout=10) as client:
        with pytest.raises(httpx2.ReadError, match=r"the app ended by SystemExit\(3\)"):
            client.get(URL + "exit")

        assert client.get(URL).text == "hello"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """As a program is that somebody runs by hand."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_a_call(threads: Any) -> None:
    app = Watched()
    here = threading.get_ident()

    def interrupt() -> None:
        app.begun.wait(10)
        signal.pthread_kill(here, signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    transport = sync_transport(app)
    with httpx2.Client(transport=transport, timeout=None) as client:
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            client.get(URL)

        assert app.ended.wait(10)
        assert app.how == "http.disconnect"
    interrupting.join()


def test_threads_that_share_a_transport_also_share_its_end(threads: Any) -> None:
    """Closed again and again while others use it: each call is answered or lost, none waits forever."""
    transport = sync_transport(hello)
    client = httpx2.Client(transport=transport, timeout=None)

    def call(number: int) -> str:
        if number % 10 == 0:
            transport.close()
        try:
            return client.get(URL).text
        except httpx2.ReadError:
            return "lost"

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(call, range(400)))
    transport.close()

    assert set(ends) <= {"hello", "lost"}
    assert ends.count("hello") > 100


# --- another process ----------------------------------------------------------------------------------------

SCRIPT = """
import os, sys, threading, time
import httpx2
from mockserver.testing.transport import sync_transport

async def app(scope, receive, send):
    await receive()
    if scope["path"] == "/wait":
        started.set()
        await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})

started = threading.Event()
client = httpx2.Client(transport=sync_transport(app), timeout=None)
print(client.get("http://api.test/").text, flush=True)
"""


def script(more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "dev", "-W", "ignore::DeprecationWarning", "-c"]
    code = SCRIPT + textwrap.dedent(more)
    return subprocess.run([*command, code], capture_output=True, text=True, timeout=30, check=False)


def test_the_child_of_a_fork_begins_anew() -> None:
    ended = script(
        """
        if os.fork() == 0:
            print(client.get("http://api.test/").text, "child", flush=True)
            client.close()
            os._exit(0)
        os.wait()
        print(client.get("http://api.test/").text, "parent")
        """
    )

    assert (ended.stdout.splitlines(), ended.stderr) == (["hello", "hello child", "hello parent"], "")


def test_the_interpreter_may_end_while_a_call_runs() -> None:
    ended = script(
        """
        threading.Thread(target=client.get, args=("http://api.test/wait",), daemon=True).start()
        started.wait()
        """
    )

    assert (ended.stdout, ended.returncode) == ("hello\n", 0)
    assert ended.stderr == ""


def test_the_interpreter_ends_quietly_with_a_client_that_nobody_closed() -> None:
    ended = script("")

    assert (ended.stdout, ended.stderr, ended.returncode) == ("hello\n", "", 0)
