"""What tests here ask for: a sandbox; for interception a mock on a port, blocks, a host elsewhere."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pytest
import urllib3

from mockserver.settings import Settings
from mockserver.testing import PersonaMock
from mockserver.testing import Server as LiveServer
from mockserver.testing.bound import Bound
from mockserver.testing.intercept import Interceptor
from mockserver.web.app import create_app
from mockserver.web.listen import listen, port_of
from mockserver.web.server import Server

HOSTS = ("api.kie.ai", "api.crun.ai", "api.crunai.com", "api.evolink.ai", "api.yutoai.net")


class Served(NamedTuple):
    """A mock on a port, for blocks of any sandbox."""

    app: Any
    port: int

    def block(
        self, sandbox: str = "here", allow: Iterable[str] = (), hosts: Iterable[str] = HOSTS
    ) -> Interceptor:
        """A block whose calls go to that sandbox."""
        return Interceptor(Bound(self.app, sandbox), ("127.0.0.1", self.port), hosts, sandbox, allow)

    def control(self, method: str, path: str, sandbox: str = "here", body: Any = None) -> Any:
        """A call to the control API, which has its own address and is never in the way of a block."""
        with urllib3.PoolManager() as pool:
            url = f"http://127.0.0.1:{self.port}/_sandbox/{sandbox}/_mock/{path}"
            headers = {"Content-Type": "application/json"}
            found = pool.request(method, url, body=json.dumps(body) if body else None, headers=headers).data
            return json.loads(found) if found else None

    def paths(self, sandbox: str = "here") -> list[str]:
        """What has been called in that sandbox."""
        return [
            f"{one['provider']} {one['path']}" for one in self.control("GET", "requests", sandbox)["requests"]
        ]


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """One mock for all tests of a module."""
    sockets = listen("127.0.0.1", 0)
    app = create_app(Settings(seed=0, verify_responses=True, clock="virtual", port=port_of(sockets[0])))
    listening = threading.Event()
    running = Server(app, sockets, on_listening=listening.set, on_stopping=app.state.mock.stop)
    running.drain_seconds = 0.5
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    assert listening.wait(10)
    yield Served(app, port_of(sockets[0]))
    running.stop()
    thread.join(10)
    for listener in sockets:
        listener.close()


@pytest.fixture
def served(server: Served) -> Served:
    """The mock, its sandbox `here` as if it were new."""
    server.control("DELETE", "sandboxes/here")
    return server


# --- hosts elsewhere ----------------------------------------------------------------------------------------


class Elsewhere(NamedTuple):
    """A server that is not the mock."""

    port: int
    met: list[str]


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """A server on every loopback address; it keeps connections, and redirects `/to?URL`."""
    met: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            met.append(self.path)
            found, _, location = self.path.partition("/to?")
            self.send_response(302 if location and not found else 200)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"real")

        do_POST = do_GET  # noqa: N815 - the base class looks for that name

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler) as running:
        # A client that keeps its connection is not waited for.
        running.daemon_threads = True
        running.block_on_close = False
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield Elsewhere(running.server_port, met)
        running.shutdown()
        thread.join(10)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who was looked up or connected to, this machine's own addresses apart; nobody is reached."""
    tried: list[str] = []
    connect = socket.socket.connect
    find: Callable[..., Any] = socket.getaddrinfo

    def found(host: Any, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name.startswith("127."):
            return find(host, *args, **more)
        tried.append(name)
        raise socket.gaierror(socket.EAI_NONAME, "nobody is looked up here")

    def connected(self: socket.socket, address: Any) -> None:
        if not str(address[0]).startswith("127."):
            tried.append(str(address[0]))
            raise ConnectionRefusedError("nobody is connected to here")
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(socket.socket, "connect", connected)
    return tried


@pytest.fixture(scope="module")
def world() -> Iterator[LiveServer]:
    """One server for all tests of a module."""
    with LiveServer() as server:
        yield server


@pytest.fixture
def mock(world: LiveServer) -> Iterator[PersonaMock]:
    """A sandbox of this test alone."""
    with world.sandbox("here") as mock:
        yield mock
