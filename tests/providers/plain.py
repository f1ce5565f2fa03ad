"""What the tests of all providers share, and calls as far as evolink and yuto are alike: HTTP says it all."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx2

from tests.conftest import Client

Body = dict[str, Any]

ALICE, BOB, POOR = "key-of-alice", "key-of-bob", "mock-poor"
# When a virtual clock starts: 2026-01-01T00:00:00Z.
START = 1767225600
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"authorization": f"Bearer {key}"}


def without(body: Body, field: str) -> Body:
    """A body that lacks one field."""
    return {name: value for name, value in body.items() if name != field}


# --- the mock's own calls ----------------------------------------------------------------------------------


def advance(client: Client, seconds: float) -> None:
    """Let provider time pass."""
    reply = client.post("/_mock/clock/advance", json={"seconds": seconds})
    assert reply.status_code == 200, reply.text


def balance(client: Client, key: str = ALICE) -> Any:
    """The credits of a key, without a call to the provider."""
    reply = client.get(f"/_mock/accounts/{quote(key, safe='')}")
    assert reply.status_code == 200, reply.text
    return reply.json()["credits"]


def tasks(client: Client) -> list[Any]:
    """Every task the mock knows."""
    found: list[Any] = client.get("/_mock/tasks").json()["tasks"]
    return found


def planted(client: Client, **what: Any) -> tuple[str, list[str]]:
    """Plant a source task, of alice's unless `key` says: its id and its songs'."""
    reply = client.post("/_mock/tasks", json={"key": ALICE, **what})
    assert reply.status_code == 200, reply.text
    made = reply.json()
    return made["source_task"], made["songs"]


# --- what must hold of a reply -----------------------------------------------------------------------------


def accepted(reply: httpx2.Response) -> Any:
    """The body of a reply that went well."""
    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (200, "success"), reply.text
    return reply.json()


def refused(reply: httpx2.Response, status: int, outcome: str, body: Body) -> None:
    """Fail unless the reply is this refusal, to the last field."""
    met = (reply.status_code, reply.headers["x-mock-outcome"], reply.json())

    assert met == (status, outcome, body)
