"""What every test may ask for: a clock, a store, a world without sockets, a real server on a free port."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import settings as hypothesis_settings

from mockserver.domain.ports import Store
from mockserver.settings import Settings
from mockserver.web.app import create_app
from tests.store.table import STORES

hypothesis_settings.register_profile("ci", deadline=None, derandomize=True, max_examples=60)
hypothesis_settings.register_profile("dev", deadline=None, max_examples=60)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "dev")

BASE_URL = "http://127.0.0.1:4010"


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failure: a test that needs a part gets the part."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class Client:
    """Calls the application as a client does, but without a socket. Each call runs to its end."""

    def __init__(self, app: Any, headers: dict[str, str] | None = None) -> None:
        self.app = app
        self._headers = headers or {}

    def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """One call; options are httpx's."""
        options["headers"] = {**self._headers, **(options.get("headers") or {})}
        return asyncio.run(self._request(method, path, options))

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            return await client.request(method, path, **options)

    def get(self, path: str, **options: Any) -> httpx2.Response:
        """A GET call."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx2.Response:
        """A POST call."""
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> httpx2.Response:
        """A DELETE call."""
        return self.request("DELETE", path, **options)


MakeClient = Callable[..., Client]


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest) -> Store:
    """Each store in turn: ours, and one that is hostile on purpose."""
    return STORES[request.param](log_size=1000)


@pytest.fixture
def make_client() -> MakeClient:
    """A client of a world of its own; keyword arguments are settings, `store` and `headers`."""

    def make(*, store: Store | None = None, headers: dict[str, str] | None = None, **settings: Any) -> Client:
        given = {"seed": 0, "clock": "virtual", "verify_responses": True, **settings}
        return Client(create_app(Settings(**given), store=store), headers)

    return make


@pytest.fixture
def client(make_client: MakeClient, store: Store) -> Client:
    """A client of the four providers, on each store."""
    return make_client(store=store)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., str]:
    """Writes documents into a folder for `--specs`: `folder(petstore=TEXT, other=TEXT)` names the files."""

    def write(**documents: str) -> str:
        for name, text in documents.items():
            suffix = ".json" if text.lstrip().startswith("{") else ".yaml"
            (tmp_path / f"{name}{suffix}").write_text(text, "utf-8")
        return str(tmp_path)

    return write


@pytest.fixture
def live() -> Iterator[Callable[..., str]]:
    """Starts real servers on free ports: `live(**settings)` gives the base URL; all end with the test."""
    from mockserver.web.listen import listen, port_of
    from mockserver.web.server import Server

    running: list[tuple[Server, threading.Thread, list[socket.socket]]] = []

    def start(*, store: Store | None = None, **settings: Any) -> str:
        sockets = listen("127.0.0.1", 0)
        given = {"seed": 0, "verify_responses": True, "port": port_of(sockets[0]), **settings}
        ready = threading.Event()
        app = create_app(Settings(**given), store=store)
        ends = app.state.mock.stop
        server = Server(app, sockets, direct=app.state.direct, on_listening=ready.set, on_stopping=ends)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        assert ready.wait(10), "the server did not start"
        running.append((server, thread, sockets))
        return f"http://127.0.0.1:{given['port']}"

    yield start
    for server, thread, sockets in running:
        server.stop()
        thread.join(10)
        for listening in sockets:
            listening.close()
