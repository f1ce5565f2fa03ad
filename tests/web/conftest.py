"""Worlds that many tests share, for reading the documents takes longer than most tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from mockserver.settings import Settings
from mockserver.web.app import create_app
from mockserver.web.listen import listen, port_of
from mockserver.web.server import Server
from tests.conftest import Client
from tests.store.table import STORES
from tests.web.receiver import Receiver

LIMIT = 2000


@pytest.fixture(scope="session")
def shared() -> Client:
    """The four providers, for tests of what no earlier call can change."""
    return Client(create_app(Settings(seed=0, clock="virtual", verify_responses=True)))


@pytest.fixture(scope="session", params=sorted(STORES))
def stored(request: pytest.FixtureRequest) -> Any:
    """The four providers on each store."""
    settings = Settings(seed=0, clock="virtual", verify_responses=True)
    return create_app(settings, store=STORES[request.param](log_size=1000))


@pytest.fixture
def fresh(stored: Any) -> Client:
    """A client of the four providers in a sandbox of its own, on each store."""
    return Client(stored, {"X-Mock-Sandbox": uuid4().hex})


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[str, int]]:
    """Host and port of a real server of the four providers that takes bodies up to LIMIT bytes."""
    sockets = listen("127.0.0.1", 0)
    settings = Settings(seed=0, verify_responses=True, port=port_of(sockets[0]), max_body=LIMIT)
    listening = threading.Event()
    app = create_app(settings)
    server = Server(app, sockets, direct=app.state.direct, on_listening=listening.set)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert listening.wait(10), "the server did not start"
    yield "127.0.0.1", settings.port
    server.stop()
    thread.join(10)
    for opened in sockets:
        opened.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The other end of callbacks."""
    with Receiver() as listening:
        yield listening


@pytest.fixture
def connect() -> Iterator[Callable[[str], httpx2.Client]]:
    """Clients of real servers: `connect(url)`."""
    opened: list[httpx2.Client] = []

    def make(url: str) -> httpx2.Client:
        opened.append(httpx2.Client(base_url=url, timeout=30))
        return opened[-1]

    yield make
    for client in opened:
        client.close()
