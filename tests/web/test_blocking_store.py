"""A store that may block is never used on the event loop, and everything works as on one that may not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mockserver.store.memory import MemoryStore
from tests.conftest import Client, MakeClient
from tests.web.steering import Control

KEY = {"Authorization": "Bearer key"}
CREDIT = "/kie/api/v1/chat/credit"


def off_the_loop(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, which fails where an event loop runs, as it does where blocking would stop all others."""

    def called(self: BlockingStore, *arguments: Any, **named: Any) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self.used += 1
            return method(self, *arguments, **named)
        raise AssertionError(f"{method.__name__} was called on the event loop")

    return called


class BlockingStore(MemoryStore):
    may_block = True
    used = 0

    run = off_the_loop(MemoryStore.run)
    append = off_the_loop(MemoryStore.append)
    read = off_the_loop(MemoryStore.read)
    newest = off_the_loop(MemoryStore.newest)
    clear = off_the_loop(MemoryStore.clear)
    sandboxes = off_the_loop(MemoryStore.sandboxes)
    drop = off_the_loop(MemoryStore.drop)


@pytest.fixture
def store() -> BlockingStore:
    """A memory store that says of itself that it may block."""
    return BlockingStore()


@pytest.fixture
def blocked(make_client: MakeClient, store: BlockingStore) -> Client:
    """A client of a mock on it."""
    return make_client(store=store)


def test_provider_calls_are_answered_and_noted(blocked: Client, store: BlockingStore) -> None:
    replies = [
        blocked.get(CREDIT, headers=KEY),
        blocked.get(CREDIT, headers={**KEY, "Prefer": "outcome=maintenance"}),
        blocked.get(CREDIT),
        blocked.get("/no/such/path"),
    ]

    assert [reply.status_code for reply in replies] == [200, 200, 200, 404]
    outcomes = ["success", "maintenance", "unauthorized", None]
    assert [entry["outcome"] for entry in Control(blocked).requests()] == outcomes
    assert store.used > 4


def test_a_body_over_the_limit_is_noted(make_client: MakeClient, store: BlockingStore) -> None:
    client = make_client(store=store, max_body=10)

    client.post("/kie/api/v1/generate/generate-persona", content=b"x" * 11)

    assert [entry["status"] for entry in Control(client).requests()] == [413]


def test_outcomes_are_queued_met_and_deleted(blocked: Client) -> None:
    control = Control(blocked)
    control.post("/outcomes", {"outcome": "maintenance"})
    standing = control.post("/outcomes", {"outcome": "server-error", "times": None})["id"]

    met = [blocked.get(CREDIT, headers=KEY).headers["x-mock-outcome"] for _ in range(2)]

    assert met == ["maintenance", "server-error"]
    assert control.delete(f"/outcomes/{standing}") == {"deleted": 1}
    assert control.delete("/outcomes") == {"deleted": 0}


def test_every_other_control_call_works(blocked: Client) -> None:
    control = Control(blocked)
    request = blocked.get(CREDIT, headers=KEY).headers["x-mock-request-id"]

    assert control.get("/health")["status"] == "ok"
    assert control.post("/clock/advance", {"seconds": 60})["now"] == "2026-01-01T00:01:00Z"
    assert control.post("/clock/set", {"now": "2026-02-01"})["now"] == "2026-02-01T00:00:00Z"
    assert control.get("/clock")["now"] == "2026-02-01T00:00:00Z"
    assert control.get("/coverage")["covered"] == 1
    assert control.get(f"/requests/{request}")["id"] == request
    assert control.delete("/requests") == {"deleted": 1}
    assert [line["name"] for line in control.get("/sandboxes")["sandboxes"]] == ["default"]
    assert control.post("/reset") == {"reset": "default"}
    assert control.get("/specs")["specs"]


def test_a_refusal_in_the_work_of_a_control_call_is_told(blocked: Client) -> None:
    control = Control(blocked)

    assert control.refused("POST", "/clock/set", json={"now": 0})[0] == 422
    assert control.refused("DELETE", "/sandboxes/nobody")[0] == 404
    assert control.refused("GET", "/requests/none")[0] == 404
