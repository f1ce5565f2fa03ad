"""Every way in which the tests of interception call: one function per client library, all of one shape."""

from __future__ import annotations

import asyncio
import ftplib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import httpx
import httpx2
import requests
import trio
import urllib3


class Answer(NamedTuple):
    """What came back, and the URL that the client says it is from."""

    status: int
    body: bytes
    url: str

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Ask(NamedTuple):
    """What is to be called: one call, in the words of no library."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = MappingProxyType({"Authorization": "Bearer k", "x-api-key": "k"})
    body: bytes | Iterable[bytes] | None = None
    timeout: float = 10.0


Client = Callable[[Ask], Answer]


def by_requests(ask: Ask) -> Answer:
    with requests.Session() as session:
        got = session.request(
            ask.method, ask.url, headers=ask.headers, data=ask.body, timeout=ask.timeout, stream=True
        )
        with got:
            return Answer(got.status_code, b"".join(got.iter_content(1000)), got.url)


def by_urllib3(ask: Ask) -> Answer:
    # urllib3 leaves the environment's proxies to others.
    proxy = urllib.request.getproxies_environment().get(urlsplit(ask.url).scheme)
    with urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager() as pool:
        got = pool.request(
            ask.method,
            ask.url,
            headers=dict(ask.headers),
            body=ask.body,
            timeout=ask.timeout,
            retries=urllib3.Retry(3, connect=0, read=0, other=0),
        )
        return Answer(got.status, got.data, ask.url)


def by_urllib(ask: Ask) -> Answer:
    request = urllib.request.Request(ask.url, data=ask.body, headers=dict(ask.headers), method=ask.method)
    try:
        # urlopen would keep the proxies of its first call.
        with urllib.request.build_opener().open(request, timeout=ask.timeout) as got:
            return Answer(got.status, got.read(), got.url)
    except urllib.error.HTTPError as got:
        with got:
            return Answer(got.code, got.read(), got.url)


def by_http_client(ask: Ask) -> Answer:
    parts = urlsplit(ask.url)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    connection = kinds[parts.scheme](parts.netloc, timeout=ask.timeout)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(ask.method, target, body=ask.body, headers=ask.headers)
        got = connection.getresponse()
        return Answer(got.status, got.read(), ask.url)
    finally:
        connection.close()


# No certificates: reading them takes most of the time of a test.


def _sync(module: ModuleType) -> Client:
    def call(ask: Ask) -> Answer:
        with module.Client(follow_redirects=True, timeout=ask.timeout, verify=False) as client:
            got = client.request(ask.method, ask.url, headers=ask.headers, content=ask.body)
            return Answer(got.status_code, got.content, str(got.url))

    return call


async def _pieces(body: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in body:
        yield piece


def _async(module: ModuleType, run: Callable[..., Any]) -> Client:
    async def called(ask: Ask) -> Answer:
        body = ask.body if ask.body is None or isinstance(ask.body, bytes) else _pieces(ask.body)
        async with module.AsyncClient(follow_redirects=True, timeout=ask.timeout, verify=False) as client:
            got = await client.request(ask.method, ask.url, headers=ask.headers, content=body)
            return Answer(got.status_code, got.content, str(got.url))

    return lambda ask: run(called, ask)


def _in_asyncio(work: Callable[..., Any], *args: Any) -> Any:
    return asyncio.run(work(*args))


async def aiohttp_answer(session: aiohttp.ClientSession, ask: Ask) -> Answer:
    body = ask.body if ask.body is None or isinstance(ask.body, bytes) else _pieces(ask.body)
    timeout = aiohttp.ClientTimeout(total=ask.timeout)
    async with session.request(ask.method, ask.url, headers=ask.headers, data=body, timeout=timeout) as got:
        return Answer(got.status, await got.read(), str(got.url))


def by_aiohttp(ask: Ask) -> Answer:
    async def called() -> Answer:
        async with aiohttp.ClientSession(trust_env=True) as session:
            return await aiohttp_answer(session, ask)

    return asyncio.run(called())


CLIENTS: Mapping[str, Client] = MappingProxyType(
    {
        "requests": by_requests,
        "urllib3": by_urllib3,
        "urllib": by_urllib,
        "http.client": by_http_client,
        "httpx": _sync(httpx),
        "httpx2": _sync(httpx2),
        "httpx-asyncio": _async(httpx, _in_asyncio),
        "httpx2-asyncio": _async(httpx2, _in_asyncio),
        "httpx-trio": _async(httpx, trio.run),
        "httpx2-trio": _async(httpx2, trio.run),
        "aiohttp": by_aiohttp,
    }
)


# --- clients that keep their connections --------------------------------------------------------------------


class Session(NamedTuple):
    """A client that is used again and again."""

    call: Client
    close: Callable[[], Any]


def _requests_session() -> Session:
    session = requests.Session()

    def call(ask: Ask) -> Answer:
        got = session.request(ask.method, ask.url, headers=ask.headers, data=ask.body)
        return Answer(got.status_code, got.content, got.url)

    return Session(call, session.close)


def _urllib3_session() -> Session:
    # One connection, which every call waits for.
    pools = urllib3.PoolManager(maxsize=1, block=True)

    def call(ask: Ask) -> Answer:
        got = pools.request(ask.method, ask.url, headers=ask.headers)
        return Answer(got.status, got.data, ask.url)

    return Session(call, pools.clear)


def _http_client_session() -> Session:
    kept: dict[str, http.client.HTTPConnection] = {}

    def call(ask: Ask) -> Answer:
        parts = urlsplit(ask.url)
        connection = kept.setdefault(parts.netloc, http.client.HTTPConnection(parts.netloc))
        connection.request(ask.method, parts.path, headers=ask.headers)
        got = connection.getresponse()
        return Answer(got.status, got.read(), ask.url)

    def close() -> None:
        for connection in kept.values():
            connection.close()

    return Session(call, close)


def _httpx_session(module: ModuleType) -> Session:
    client = module.Client()

    def call(ask: Ask) -> Answer:
        got = client.request(ask.method, ask.url, headers=ask.headers)
        return Answer(got.status_code, got.content, str(got.url))

    return Session(call, client.close)


def _aiohttp_session() -> Session:
    runner = asyncio.Runner()

    async def opened() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    session = runner.run(opened())

    def close() -> None:
        runner.run(session.close())
        runner.close()

    return Session(lambda ask: runner.run(aiohttp_answer(session, ask)), close)


def _httpx_asyncio_session(module: ModuleType) -> Session:
    runner = asyncio.Runner()
    # Now, so that what a loop holds open is open before the first call.
    runner.get_loop()
    client = module.AsyncClient()

    async def call(ask: Ask) -> Answer:
        got = await client.request(ask.method, ask.url, headers=ask.headers)
        return Answer(got.status_code, got.content, str(got.url))

    def close() -> None:
        runner.run(client.aclose())
        runner.close()

    return Session(lambda ask: runner.run(call(ask)), close)


SESSIONS: Mapping[str, Callable[[], Session]] = MappingProxyType(
    {
        "requests": _requests_session,
        "urllib3": _urllib3_session,
        "http.client": _http_client_session,
        "httpx": lambda: _httpx_session(httpx),
        "httpx2": lambda: _httpx_session(httpx2),
        "httpx-asyncio": lambda: _httpx_asyncio_session(httpx),
        "httpx2-asyncio": lambda: _httpx_asyncio_session(httpx2),
        "aiohttp": _aiohttp_session,
    }
)


def functions() -> Iterator[tuple[str, Any]]:
    """The functions of the libraries that may be replaced, each as it stands now."""
    owners = {
        "ftplib": (ftplib.FTP,),
        "http.client": (http.client.HTTPConnection, http.client.HTTPSConnection),
        "urllib.request": (urllib.request.FTPHandler,),
        "urllib3": (
            urllib3.connectionpool.HTTPConnectionPool,
            urllib3.connectionpool.HTTPSConnectionPool,
            urllib3.connection.HTTPConnection,
            urllib3.connection.HTTPSConnection,
        ),
        "httpx": (httpx.HTTPTransport, httpx.AsyncHTTPTransport),
        "httpx2": (httpx2.HTTPTransport, httpx2.AsyncHTTPTransport),
        "aiohttp": (aiohttp.BaseConnector, aiohttp.TCPConnector),
    }
    for library, classes in owners.items():
        for owner in classes:
            for name, found in vars(owner).items():
                if callable(found):
                    yield f"{library} {owner.__name__}.{name}", found
