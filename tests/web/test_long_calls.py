"""Control calls about very much are worked off beside the event loop, so that nobody waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from mockserver.domain.ports import Tx
from mockserver.store.memory import MemoryStore
from tests.conftest import MakeClient

T = TypeVar("T")


class Watched(MemoryStore):
    """A store that knows which threads used it."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def run(self, sandbox: str, work: Callable[[Tx], T]) -> T:
        """Note who is at work."""
        self.threads.add(threading.get_ident())
        return super().run(sandbox, work)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/_mock/state", None),
        ("PUT", "/_mock/state", "exported"),
        ("GET", "/_mock/tasks?status=failed", None),
        ("POST", "/_mock/tasks", {"provider": "kie", "count": 3}),
        ("GET", "/_mock/accounts/key", None),
        ("POST", "/_mock/clock/advance", {"until": "idle"}),
    ],
)
def test_a_call_about_much_leaves_the_event_loop_free(
    make_client: MakeClient, method: str, path: str, body: Any
) -> None:
    store = Watched()
    client = make_client(store=store)
    body = client.get("/_mock/state").json() if body == "exported" else body
    store.threads.clear()

    reply = client.request(method, path, json=body)

    assert reply.status_code == 200
    assert store.threads
    assert threading.get_ident() not in store.threads


def test_a_providers_call_is_worked_off_at_once(make_client: MakeClient) -> None:
    store = Watched()

    make_client(store=store).get("/api/v1/chat/credit", headers={"authorization": "Bearer key"})

    assert store.threads == {threading.get_ident()}
