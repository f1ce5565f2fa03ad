"""Blocks of interception: nested, side by side, left in any order; nothing of them stays behind."""

from __future__ import annotations

import asyncio
import gc
import http.client
import importlib.util
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import trio
import urllib3

from mockserver.settings import UsageError
from mockserver.testing.bound import Bound
from mockserver.testing.intercept import Interceptor, RealCall
from tests.testing.clients import CLIENTS, Ask, Client, functions
from tests.testing.conftest import Elsewhere, Served

ROOT = Path(__file__).parents[2]
KIE = "https://api.kie.ai/api/v1/chat/credit"
KEY = {"Authorization": "Bearer k"}
MET = ["kie /api/v1/chat/credit"]


@pytest.fixture(params=CLIENTS)
def call(request: pytest.FixtureRequest) -> Client:
    return CLIENTS[request.param]


def credits() -> int:
    found: int = requests.get(KIE, headers=KEY, timeout=10).json()["code"]
    return found


def replaced(before: dict[str, Any]) -> set[str]:
    """The functions that are not what they were, by library."""
    now = dict(functions())
    return {name.partition(" ")[0] for name in before if before[name] is not now.get(name)}


# --- functions are put back ---------------------------------------------------------------------------------


def test_functions_of_every_library_are_replaced_and_put_back(served: Served) -> None:
    before = dict(functions())

    with served.block():
        inside = replaced(before)

    assert inside == {"aiohttp", "ftplib", "http.client", "httpx", "httpx2", "urllib.request", "urllib3"}
    assert replaced(before) == set()


def test_an_error_in_the_block_is_passed_on_and_functions_are_put_back(served: Served) -> None:
    before, finders = dict(functions()), list(sys.meta_path)

    with pytest.raises(ZeroDivisionError), served.block():
        raise ZeroDivisionError

    assert replaced(before) == set()
    assert sys.meta_path == finders


def test_blocks_may_be_left_in_another_order(served: Served) -> None:
    before = dict(functions())
    first, second = served.block("first"), served.block("second")

    first.__enter__()
    second.__enter__()
    first.__exit__()
    still = credits()
    second.__exit__()

    assert still == 200
    assert served.paths("second")[-1:] == MET
    assert replaced(before) == set()


def test_a_block_is_entered_once_at_a_time_and_again_later(served: Served) -> None:
    block = served.block()

    with block, pytest.raises(RuntimeError, match=r"call intercept\(\) again"), block:
        pass
    with block:
        again = credits()

    assert again == 200


@pytest.mark.parametrize("run", [lambda work: asyncio.run(work()), trio.run], ids=["asyncio", "trio"])
def test_a_block_may_be_entered_with_async_with(run: Callable[..., Any], served: Served) -> None:
    before, block = dict(functions()), served.block()

    async def work() -> tuple[Any, int]:
        async with block as entered:
            async with httpx.AsyncClient() as client:
                code: int = (await client.get(KIE, headers=KEY)).json()["code"]
            return entered, code

    entered, code = run(work)

    assert entered is block
    assert (code, served.paths()) == (200, MET)
    assert replaced(before) == set()


def test_an_error_in_async_with_is_passed_on_and_functions_are_put_back(served: Served) -> None:
    before = dict(functions())

    async def work() -> None:
        async with served.block():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(work())

    assert replaced(before) == set()


# --- blocks whose mock has ended ----------------------------------------------------------------------------


def test_a_block_that_nobody_left_is_ended_from_any_thread(served: Served, left: list[str]) -> None:
    before, finders, block = dict(functions()), list(sys.meta_path), served.block()

    block.__enter__()
    inside = [credits(), httpx.get(KIE, headers=KEY).json()["code"]]
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(block.end) for _ in range(2)]:
            done.result()
    block.end()
    with pytest.raises(requests.ConnectionError):
        credits()

    assert inside == [200, 200]
    assert replaced(before) == set()
    assert sys.meta_path == finders
    assert left == ["api.kie.ai"]


@pytest.mark.parametrize("is_entered_before", [False, True])
def test_a_block_that_was_ended_is_not_entered_again(is_entered_before: bool, served: Served) -> None:
    before, block = dict(functions()), served.block()
    again = "the mock this block belongs to has ended.*call intercept\\(\\) again"

    if is_entered_before:
        with block:
            block.end()
    else:
        block.end()

    with pytest.raises(UsageError, match=again), block:
        pass
    assert replaced(before) == set()


def test_a_block_around_one_that_was_ended_goes_on(served: Served) -> None:
    with served.block("outer-of-ended"):
        with served.block() as inner:
            inner.end()
            code = credits()
        again = credits()
    met = served.paths("outer-of-ended")
    served.control("DELETE", "sandboxes/outer-of-ended")

    assert (code, again, met, served.paths()) == (200, 200, MET * 2, [])


def test_a_function_that_somebody_put_over_ours_stays(served: Served, left: list[str]) -> None:
    transport: Any = httpx.HTTPTransport
    original = transport.handle_request
    block = served.block()

    block.__enter__()
    ours = transport.handle_request
    met: list[str] = []

    def theirs(self: Any, request: Any) -> Any:
        met.append(request.url.host)
        return ours(self, request)

    try:
        transport.handle_request = theirs
        inside = httpx.get(KIE, headers=KEY).json()["code"]
        block.__exit__()
        kept = transport.handle_request
        with pytest.raises(httpx.ConnectError):
            httpx.get(KIE, headers=KEY)
        # They put back what they found, which is ours: idle now, and gone with the next block.
        transport.handle_request = ours
        with pytest.raises(httpx.ConnectError):
            httpx.get(KIE, headers=KEY)
        with served.block():
            again = httpx.get(KIE, headers=KEY).json()["code"]
        last = transport.handle_request
    finally:
        transport.handle_request = original

    assert (inside, again) == (200, 200)
    assert kept is theirs
    assert last is original
    assert met == ["api.kie.ai", "api.kie.ai"]
    assert set(left) == {"api.kie.ai"}


def test_a_function_that_was_replaced_before_is_kept(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def theirs(self: Any, request: Any) -> Any:
        return httpx.Response(299)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", theirs)

    with served.block(allow=("files.example.com",)):
        documented = httpx.get(KIE, headers=KEY).status_code
        allowed = httpx.get("http://files.example.com/a").status_code

    assert (documented, allowed) == (200, 299)
    assert httpx.HTTPTransport.handle_request is theirs


def test_a_library_without_the_function_to_replace_is_named(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(functions())
    monkeypatch.delattr(aiohttp.BaseConnector, "connect")
    missing = {name for name in before if name not in dict(functions())}

    with pytest.raises(UsageError, match=r"aiohttp\.connector\.BaseConnector has no connect"), served.block():
        pass

    assert missing == {"aiohttp BaseConnector.connect"}
    assert replaced({name: found for name, found in before.items() if name not in missing}) == set()


# --- which block a call belongs to --------------------------------------------------------------------------


def test_the_innermost_block_decides(call: Client, served: Served, elsewhere: Elsewhere) -> None:
    other = Ask(f"http://127.0.0.1:{elsewhere.port}/a")

    with served.block("outer", allow=(f"127.0.0.1:{elsewhere.port}",)):
        call(Ask(KIE))
        with served.block("inner"):
            call(Ask(KIE))
            with pytest.raises(RealCall):
                call(other)
        outer = call(other)
        call(Ask(KIE))

    assert outer.body == b"real"
    assert (served.paths("outer")[-2:], served.paths("inner")[-1:]) == (MET * 2, MET)
    served.control("DELETE", "sandboxes/outer")
    served.control("DELETE", "sandboxes/inner")


def test_a_kept_connection_follows_the_innermost_block(served: Served) -> None:
    connection = http.client.HTTPSConnection("api.kie.ai")

    def called() -> None:
        connection.request("GET", "/api/v1/chat/credit", headers=KEY)
        assert connection.getresponse().read()

    with served.block("first-of-two"):
        called()
        called()
        with served.block("second-of-two"):
            called()
        called()
    connection.close()

    assert served.paths("first-of-two") == MET * 3
    assert served.paths("second-of-two") == MET
    served.control("DELETE", "sandboxes/first-of-two")
    served.control("DELETE", "sandboxes/second-of-two")


def test_threads_with_blocks_of_their_own_reach_their_own_sandboxes(call: Client, served: Served) -> None:
    before = dict(functions())
    both = threading.Barrier(2, timeout=20)

    def work(sandbox: str, times: int) -> None:
        with served.block(sandbox):
            both.wait()
            for _ in range(times):
                call(Ask(KIE))
            both.wait()

    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(work, "left", 2), threads.submit(work, "right", 3)]
    met = [served.paths(sandbox) for sandbox in ("left", "right")]
    for sandbox in ("left", "right"):
        served.control("DELETE", f"sandboxes/{sandbox}")

    assert [one.result() for one in done] == [None, None]
    assert met == [MET * 2, MET * 3]
    assert replaced(before) == set()


def test_many_threads_that_come_and_go_leave_nothing_behind(served: Served) -> None:
    before, finders = dict(functions()), list(sys.meta_path)

    def work(number: int) -> str:
        for _ in range(20):
            with served.block(f"thread-{number}"), pytest.raises(RealCall) as refused:
                requests.get(f"http://files-{number}.example.com/a", timeout=1)
        error: RealCall = refused.value
        return error.host

    with ThreadPoolExecutor(8) as threads:
        hosts = list(threads.map(work, range(8)))

    assert hosts == [f"files-{number}.example.com" for number in range(8)]
    assert replaced(before) == set()
    assert sys.meta_path == finders


def test_a_thread_begun_in_a_block_belongs_to_it(call: Client, served: Served) -> None:
    with served.block(), ThreadPoolExecutor(1) as threads:
        answer = threads.submit(call, Ask(KIE)).result()

    assert answer.json["code"] == 200
    assert served.paths() == MET


def test_a_thread_begun_in_nested_blocks_belongs_to_the_newest(served: Served) -> None:
    with served.block("older"), served.block(), ThreadPoolExecutor(1) as threads:
        code = threads.submit(credits).result()

    assert (code, served.paths(), served.paths("older")) == (200, MET, [])


def test_tasks_with_blocks_of_their_own_reach_their_own_sandboxes(served: Served) -> None:
    async def work(sandbox: str, both: asyncio.Barrier) -> None:
        with served.block(sandbox):
            await both.wait()
            async with httpx.AsyncClient() as client, aiohttp.ClientSession() as session:
                await client.get(KIE, headers=KEY)
                async with session.get(KIE, headers=KEY) as got:
                    await got.read()
                await asyncio.to_thread(credits)
            await both.wait()

    async def both_work() -> None:
        both = asyncio.Barrier(2)
        await asyncio.gather(work("task-1", both), work("task-2", both))

    asyncio.run(both_work())
    met = [served.paths(sandbox) for sandbox in ("task-1", "task-2")]
    for sandbox in ("task-1", "task-2"):
        served.control("DELETE", f"sandboxes/{sandbox}")

    assert met == [MET * 3] * 2


def test_tasks_of_trio_with_blocks_of_their_own_reach_their_own_sandboxes(served: Served) -> None:
    async def work(sandbox: str) -> None:
        with served.block(sandbox):
            async with httpx.AsyncClient() as client:
                await client.get(KIE, headers=KEY)

    async def both_work() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work, "trio-1")
            nursery.start_soon(work, "trio-2")

    trio.run(both_work)
    met = [served.paths(sandbox) for sandbox in ("trio-1", "trio-2")]
    for sandbox in ("trio-1", "trio-2"):
        served.control("DELETE", f"sandboxes/{sandbox}")

    assert met == [MET] * 2


def test_a_kept_connection_follows_the_innermost_block_to_another_mock(
    served: Served, elsewhere: Elsewhere
) -> None:
    connection = http.client.HTTPSConnection("api.kie.ai")

    def called() -> bytes:
        connection.request("GET", "/api/v1/chat/credit", headers=KEY)
        return connection.getresponse().read()

    with served.block():
        first = called()
        with served._replace(port=elsewhere.port).block():
            second = called()
        third = called()
    connection.close()

    assert second == b"real"
    assert first == third != second


# --- connections below the clients --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [http.client.HTTPSConnection, urllib3.connection.HTTPSConnection])
def test_a_connection_that_is_opened_first_leads_to_the_mock(
    kind: type, served: Served, left: list[str]
) -> None:
    connection: Any = kind("api.kie.ai", 443, timeout=10)

    with served.block():
        connection.connect()
        connection.request("GET", "/api/v1/chat/credit", headers=KEY)
        status = connection.getresponse().status
    connection.close()

    assert (status, served.paths(), left) == (200, MET, [])


@pytest.mark.parametrize("kind", [http.client.HTTPConnection, urllib3.connection.HTTPConnection])
@pytest.mark.parametrize("tunnel", [None, "files.example.com"])
def test_a_connection_to_another_host_is_not_opened(
    kind: type, tunnel: str | None, served: Served, left: list[str]
) -> None:
    connection: Any = kind("proxy.example.com" if tunnel else "files.example.com", 80)
    if tunnel:
        connection.set_tunnel(tunnel, 443)

    with served.block(), pytest.raises(RealCall, match=r"^CONNECT .*files\.example\.com.* was not sent"):
        connection.connect()

    assert left == []


def test_a_connection_to_a_proxy_is_parted_from_it_call_by_call(served: Served, elsewhere: Elsewhere) -> None:
    proxied = http.client.HTTPConnection("127.0.0.1", elsewhere.port)

    def called(url: str) -> bytes:
        proxied.request("GET", url, headers=KEY)
        return proxied.getresponse().read()

    with served.block(allow=("files.example.com",)):
        bodies = [called(url) for url in ("http://files.example.com/a", KIE, "http://files.example.com/b")]
        with pytest.raises(RealCall):
            called("http://other.example.com/c")
    proxied.close()
    (met,) = served.control("GET", "requests?full=true")["requests"]

    assert [body == b"real" for body in bodies] == [True, False, True]
    assert elsewhere.met == ["http://files.example.com/a", "http://files.example.com/b"]
    assert [value for name, value in met["request"]["headers"] if name.lower() == "host"] == ["api.kie.ai"]


@pytest.mark.parametrize("is_opened_first", [False, True])
def test_a_tunnel_to_the_mock_s_own_address_needs_no_proxy(is_opened_first: bool, served: Served) -> None:
    proxied = http.client.HTTPConnection("127.0.0.1", 1, timeout=10)
    proxied.set_tunnel("127.0.0.1", served.port)

    with served.block():
        if is_opened_first:
            proxied.connect()
        proxied.request("GET", "/_sandbox/here/kie/api/v1/chat/credit", headers=KEY)
        status = proxied.getresponse().status
    proxied.close()

    assert (status, served.paths()) == (200, ["kie /_sandbox/here/kie/api/v1/chat/credit"])


def test_a_connection_to_a_proxy_opens_no_tunnel_to_another_host(
    served: Served, elsewhere: Elsewhere
) -> None:
    proxied = http.client.HTTPConnection("127.0.0.1", elsewhere.port)

    with served.block(allow=("files.example.com",)):
        proxied.request("GET", "http://files.example.com/a")
        proxied.getresponse().read()
        proxied.close()
        proxied.set_tunnel("other.example.com", 443)
        with pytest.raises(RealCall, match=r"other\.example\.com"):
            proxied.connect()

    assert elsewhere.met == ["http://files.example.com/a"]


@pytest.mark.parametrize("client", ["requests", "urllib3"])
def test_an_allowed_host_is_tried_through_a_proxy_that_speaks_tls(
    client: str, served: Served, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"https://127.0.0.1:{elsewhere.port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    # It does not speak it, and that is what the client meets.
    kinds = requests.RequestException, urllib3.exceptions.HTTPError
    with served.block(allow=("files.example.com",)), pytest.raises(kinds, match=r"(?i)proxy|ssl"):
        CLIENTS[client](Ask("http://files.example.com/a"))


def test_a_pool_that_follows_redirects_itself_stays_with_the_mock(served: Served, left: list[str]) -> None:
    with served.block(), urllib3.HTTPSConnectionPool("api.kie.ai", maxsize=1, block=True) as pool:
        answers = [pool.request("GET", "/api/v1/chat/credit", headers=KEY) for _ in range(3)]

    assert [answer.status for answer in answers] == [200] * 3
    assert (served.paths(), left) == (MET * 3, [])


def test_errors_of_a_pool_name_the_host_that_was_called(served: Served) -> None:
    served.control("POST", "faults", body={"fault": "reset"})

    failure = pytest.raises(urllib3.exceptions.MaxRetryError)
    with served.block(), urllib3.PoolManager() as pool, failure as failed:
        pool.request("GET", KIE, headers=KEY, retries=urllib3.Retry(0))

    assert "host='api.kie.ai', port=443" in str(failed.value)


def test_a_pool_of_a_proxy_is_one_of_the_host_that_was_called(served: Served) -> None:
    served.control("POST", "faults", body={"fault": "reset", "when": "after"})
    headers = urllib3.make_headers(proxy_basic_auth="user:secret")

    failure = pytest.raises(urllib3.exceptions.MaxRetryError)
    with served.block(), urllib3.ProxyManager("http://127.0.0.1:1", proxy_headers=headers) as pool:
        with failure as failed:
            pool.request("GET", KIE.replace("https", "http"), headers=KEY, retries=urllib3.Retry(0))
        pool.request("GET", KIE.replace("https", "http"), headers=KEY)
    met = served.control("GET", "requests?full=true")["requests"]

    assert "host='api.kie.ai', port=80" in str(failed.value)
    assert isinstance(failed.value.reason, urllib3.exceptions.ProtocolError)
    assert {name.lower() for name, _ in met[-1]["request"]["headers"]}.isdisjoint({"proxy-authorization"})


# --- what is imported in a block ----------------------------------------------------------------------------

IMPORTING = """
import asyncio, os, socket, sys
from mockserver.testing.intercept import Interceptor, RealCall

port, library = int(sys.argv[1]), sys.argv[2]

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in process"})

def met(url):
    if library == "aiohttp":
        async def call():
            async with module.ClientSession() as session, session.get(url) as got:
                return got.status
        return asyncio.run(call())
    if library == "urllib3":
        return module.PoolManager().request("GET", url, retries=False).status
    return module.get(url).status_code

with Interceptor(app, ("127.0.0.1", port), ("api.kie.ai",), "here"):
    assert not {"httpx", "httpx2", "aiohttp", "urllib3", "requests"} & set(sys.modules)
    module = __import__(library)
    assert type(module.__loader__).__name__ == "SourceFileLoader", module.__loader__
    assert module.__spec__.loader is module.__loader__
    status = met("https://api.kie.ai/kie/api/v1/chat/credit")
    try:
        met("https://files.example.com/a")
    except RealCall as refused:
        print(status, refused.host)
assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("mockserver")]

def found(host, *_, **__):
    print(host.decode() if isinstance(host, bytes) else host)
    sys.stdout.flush()
    os._exit(0)

socket.getaddrinfo = found
met("https://api.kie.ai/")
"""


FTP = """
import sys
from mockserver.testing.intercept import Interceptor, RealCall

with Interceptor(None, ("127.0.0.1", int(sys.argv[1])), ("api.kie.ai",), "here"):
    assert not {"ftplib", "urllib.request"} & set(sys.modules), sorted(sys.modules)
    import ftplib, urllib.request
    for call in (lambda: ftplib.FTP("127.0.0.1"), lambda: urllib.request.urlopen("ftp://127.0.0.1:1/x")):
        try:
            call()
        except RealCall as refused:
            print(refused.method, refused.host, refused.port)
"""


MEANWHILE = """
import sys, threading
from mockserver.testing.intercept import Interceptor, RealCall

thread = threading.Thread(target=__import__, args=("httpx",))
thread.start()
while "httpx" not in sys.modules:
    pass
with Interceptor(None, ("127.0.0.1", int(sys.argv[1])), ("api.kie.ai",), "here"):
    import httpx
    try:
        httpx.get("http://files.example.com/a")
    except RealCall as refused:
        print(refused.host)
thread.join()
"""


def test_ftp_first_imported_in_a_block_is_intercepted(served: Served) -> None:
    line = [sys.executable, "-W", "error", "-c", FTP, str(served.port)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}

    done = subprocess.run(
        line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("FTP 127.0.0.1 21\nFTP 127.0.0.1 1\n", "")


@pytest.mark.parametrize("library", ["requests", "urllib3", "httpx", "httpx2", "aiohttp"])
def test_a_library_first_imported_in_a_block_is_intercepted(library: str, served: Served) -> None:
    line = [sys.executable, "-W", "error", "-c", IMPORTING, str(served.port), library]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        environment.pop(name, None)

    done = subprocess.run(
        line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    # A key is missing: the mock's answer, in the envelope of kie.
    assert first == "200 files.example.com"
    # Behind the block the host itself is looked up.
    assert second == "api.kie.ai"


def test_a_module_that_is_only_looked_for_shows_its_own_loader(served: Served) -> None:
    with served.block():
        found = importlib.util.find_spec("httpx")
        missing = importlib.util.find_spec("no_such_client")

    assert found is not None
    assert missing is None
    assert found.origin == httpx.__file__


# --- what is left -------------------------------------------------------------------------------------------


def test_a_block_leaves_no_thread_and_is_forgotten(served: Served) -> None:
    async def app(*call: Any) -> None:
        await served.app(*call)

    threads = set(threading.enumerate())
    block = Interceptor(Bound(app, "here"), ("127.0.0.1", served.port), ("api.kie.ai",), "here")
    with block:
        for client in CLIENTS.values():
            client(Ask(KIE))
    # The threads of trio and of asyncio's name look-up are not ours, and wait for more work.
    new = {thread for thread in set(threading.enumerate()) - threads if "persona" in thread.name}
    kept = weakref.ref(app)
    del app, block, client
    gc.collect()

    assert new == set()
    assert kept() is None


def test_a_block_may_begin_while_another_thread_imports_a_library(served: Served) -> None:
    line = [sys.executable, "-W", "error", "-c", MEANWHILE, str(served.port)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}

    done = subprocess.run(
        line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("files.example.com\n", "")


def test_entering_and_leaving_costs_less_than_a_millisecond(served: Served) -> None:
    def seconds() -> float:
        began = time.perf_counter()
        with served.block():
            pass
        return time.perf_counter() - began

    assert sorted(seconds() for _ in range(101))[50] < 0.001


def test_a_stream_left_unread_ends_with_its_block(served: Served) -> None:
    url = f"http://127.0.0.1:{served.port}/_mock/media/kie/example/audio.mp3"
    with served.block():
        with httpx.Client() as client, client.stream("GET", KIE, headers=KEY) as first:
            assert first.status_code == 200
        with requests.Session() as session, session.get(KIE, headers=KEY, stream=True) as second:
            assert second.status_code == 200
        with requests.Session() as session, session.get(url, stream=True) as third:
            assert next(third.iter_content(10))
    gc.collect()
