"""Sandboxes: each with its own queue, journal, clock and coverage; made at first use, seen, disposed of."""

from __future__ import annotations

import pytest

from tests.conftest import Client
from tests.web.steering import Control

KEY = {"Authorization": "Bearer key"}
CREDIT = "/kie/api/v1/chat/credit"


def ask(client: Client, sandbox: str | None = None, path: str = CREDIT) -> str:
    """The outcome of a call in a sandbox."""
    reply = client.get(f"/_sandbox/{sandbox}{path}" if sandbox else path, headers=KEY)
    return str(reply.headers["x-mock-outcome"])


# --- apart from each other ---------------------------------------------------------------------------------


def test_a_queued_outcome_is_met_in_its_own_sandbox_only(client: Client) -> None:
    Control(client, "alice").post("/outcomes", {"outcome": "maintenance"})

    assert ask(client) == "success"
    assert ask(client, "bob") == "success"
    assert ask(client, "alice") == "maintenance"


def test_a_control_call_finds_its_sandbox_by_header_too(client: Client) -> None:
    named = {"X-Mock-Sandbox": "alice"}
    client.post("/_mock/outcomes", json={"outcome": "maintenance"}, headers=named)

    assert ask(client) == "success"
    assert ask(client, "alice") == "maintenance"


def test_each_sandbox_has_a_journal_of_its_own(client: Client) -> None:
    ask(client, "alice")
    ask(client, "alice")
    ask(client)

    assert len(Control(client, "alice").requests()) == 2
    assert len(Control(client).requests()) == 1


def test_a_journal_is_cleared_in_its_own_sandbox_only(client: Client) -> None:
    ask(client, "alice")
    ask(client)

    Control(client, "alice").delete("/requests")

    assert Control(client, "alice").requests() == []
    assert len(Control(client).requests()) == 1


def test_each_sandbox_has_a_clock_of_its_own(client: Client) -> None:
    Control(client, "alice").post("/clock/advance", {"seconds": 60})

    assert Control(client, "alice").get("/clock")["now"] == "2026-01-01T00:01:00Z"
    assert Control(client).get("/clock")["now"] == "2026-01-01T00:00:00Z"


def test_each_sandbox_has_a_coverage_of_its_own(client: Client) -> None:
    ask(client, "alice")

    assert Control(client, "alice").get("/coverage")["covered"] == 1
    assert Control(client).get("/coverage")["covered"] == 0


def test_the_root_is_the_sandbox_default(client: Client) -> None:
    ask(client)

    assert [entry["sandbox"] for entry in Control(client, "default").requests()] == ["default"]


# --- seen and disposed of ----------------------------------------------------------------------------------


def names(client: Client) -> list[str]:
    return [line["name"] for line in Control(client).get("/sandboxes")["sandboxes"]]


def test_a_sandbox_is_there_from_its_first_use_on(client: Client) -> None:
    before = names(client)

    ask(client, "alice")

    assert (before, names(client)) == ([], ["alice"])


def test_looking_at_a_sandbox_does_not_make_it(client: Client) -> None:
    control = Control(client, "alice")
    for path in ("/clock", "/requests", "/outcomes", "/coverage", "/sandboxes"):
        control.get(path)

    assert names(client) == []


def test_the_list_counts_requests_and_violations(client: Client) -> None:
    ask(client, "bob")
    client.get("/_sandbox/bob/no/such/path")
    ask(client, "alice")

    assert Control(client).get("/sandboxes") == {
        "sandboxes": [
            {"name": "alice", "requests": 1, "violations": 0},
            {"name": "bob", "requests": 2, "violations": 1},
        ]
    }


def test_a_deleted_sandbox_is_gone_and_the_others_are_not(client: Client) -> None:
    ask(client, "alice")
    ask(client, "bob")

    gone = Control(client).delete("/sandboxes/alice")

    assert gone == {"deleted": "alice"}
    assert names(client) == ["bob"]
    assert Control(client, "alice").requests() == []


def test_an_unknown_sandbox_cannot_be_deleted(client: Client) -> None:
    status, slug, body = Control(client).refused("DELETE", "/sandboxes/nobody")

    assert (status, slug) == (404, "not-found")
    assert "nobody" in body["detail"]


def test_reset_empties_its_own_sandbox_only(client: Client) -> None:
    for sandbox in ("alice", "bob"):
        control = Control(client, sandbox)
        control.post("/outcomes", {"outcome": "maintenance", "times": None})
        control.post("/clock/advance", {"seconds": 60})
        ask(client, sandbox)

    done = Control(client, "alice").post("/reset")

    alice, bob = Control(client, "alice"), Control(client, "bob")
    assert done == {"reset": "alice"}
    assert (alice.requests(), alice.get("/outcomes")["outcomes"]) == ([], [])
    assert alice.get("/clock")["now"] == "2026-01-01T00:00:00Z"
    assert alice.get("/coverage")["covered"] == 0
    assert (len(bob.requests()), len(bob.get("/outcomes")["outcomes"])) == (1, 1)
    assert bob.get("/clock")["now"] == "2026-01-01T00:01:00Z"


# --- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "x" * 64, "test_song.py-1.2_B", "0", "..."])
def test_letters_digits_dots_underscores_and_hyphens_make_a_name(client: Client, name: str) -> None:
    assert ask(client, name) == "success"
    assert names(client) == [name]


BAD = ["", "x" * 65, "a%2Fb", "a%20b", "%C3%A9", "a%00", "a:b", "a%0A", "%2e%2f"]


@pytest.mark.parametrize("path", [CREDIT, "/_mock/health"])
@pytest.mark.parametrize("name", BAD)
def test_another_name_in_the_path_is_refused(shared: Client, name: str, path: str) -> None:
    reply = shared.get(f"/_sandbox/{name}{path}", headers=KEY)

    assert (reply.status_code, reply.headers["x-mock-error"]) == (422, "bad-control-request")
    assert reply.json()["field"] == "sandbox"
    assert reply.json()["allowed"] == "[A-Za-z0-9._-]{1,64}"


@pytest.mark.parametrize("path", [CREDIT, "/_mock/health"])
@pytest.mark.parametrize("name", ["", "x" * 65, "a/b", "a b", "é".encode()])
def test_another_name_in_the_header_is_refused(shared: Client, name: str | bytes, path: str) -> None:
    reply = shared.get(path, headers={**KEY, "X-Mock-Sandbox": name})

    assert (reply.status_code, reply.headers["x-mock-error"]) == (422, "bad-control-request")
    assert reply.json()["field"] == "sandbox"


def test_a_good_name_in_the_path_wins_over_a_bad_one_in_the_header(shared: Client) -> None:
    reply = shared.get(f"/_sandbox/alice{CREDIT}", headers={**KEY, "X-Mock-Sandbox": "a/b"})

    assert reply.status_code == 200


@pytest.mark.parametrize("name", ["x" * 65, "a%2Fb", "a%20b", "%C3%A9"])
def test_a_name_that_cannot_be_one_cannot_be_deleted(shared: Client, name: str) -> None:
    status, slug, body = Control(shared).refused("DELETE", f"/sandboxes/{name}")

    assert (status, slug, body["field"]) == (422, "bad-control-request", "name")
