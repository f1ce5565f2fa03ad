"""Time stands still until it is moved, and a seed repeats everything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

import httpx2
import pytest

from tests.conftest import Client, MakeClient
from tests.web.steering import Control

KEY = {"Authorization": "Bearer key", "x-api-key": "key"}
CREDIT = "/kie/api/v1/chat/credit"
START = "2026-01-01T00:00:00Z"

SHOP = """
openapi: 3.1.0
info: {title: Shop, version: '1'}
paths:
  /items/{id}:
    get:
      operationId: getItem
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses:
        '200':
          description: one
          headers: {X-Trace: {schema: {type: string, format: uuid}}}
          content:
            application/json:
              schema:
                type: object
                required: [id, email, price, made, tags]
                properties:
                  id: {type: string, format: uuid}
                  email: {type: string, format: email}
                  price: {type: number, minimum: 0, maximum: 1000}
                  made: {type: string, format: date-time}
                  tags: {type: array, minItems: 2, items: {type: string, minLength: 5}}
"""


@pytest.fixture
def client(fresh: Client) -> Client:
    """A sandbox of its own is as good as a server of its own."""
    return fresh


# --- a virtual clock ---------------------------------------------------------------------------------------


def test_a_virtual_clock_begins_with_2026(client: Client) -> None:
    assert Control(client).get("/clock") == {"mode": "virtual", "now": START, "epoch": 1767225600.0}


def test_a_virtual_clock_stands_still(client: Client) -> None:
    client.get(CREDIT, headers=KEY)

    assert Control(client).get("/clock")["now"] == START


def test_advancing_moves_it_by_so_many_seconds(client: Client) -> None:
    control = Control(client)

    first = control.post("/clock/advance", {"seconds": 90})
    second = control.post("/clock/advance", {"seconds": 0.25})

    assert first == {"now": "2026-01-01T00:01:30Z", "delivered": 0, "gave_up": 0}
    assert second["now"] == "2026-01-01T00:01:30.250Z"
    assert control.get("/clock")["epoch"] == 1767225690.25


def test_advancing_by_nothing_is_fine(client: Client) -> None:
    assert Control(client).post("/clock/advance", {"seconds": 0})["now"] == START


def test_until_idle_moves_nothing_where_nothing_waits(client: Client) -> None:
    reply = Control(client).post("/clock/advance", {"until": "idle"})

    assert reply == {"now": START, "delivered": 0, "gave_up": 0}


@pytest.mark.parametrize(
    ("moment", "now"),
    [
        ("2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ("2026-02-01T02:00:00+02:00", "2026-02-01T00:00:00Z"),
        ("2026-02-01", "2026-02-01T00:00:00Z"),
        (1767225660, "2026-01-01T00:01:00Z"),
        (1767225600.5, "2026-01-01T00:00:00.500Z"),
        (START, START),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_the_clock_is_set_to_a_moment(client: Client, moment: Any, now: str) -> None:
    reply = Control(client).post("/clock/set", {"now": moment})

    assert (reply["mode"], reply["now"]) == ("virtual", now)
    assert Control(client).get("/clock") == reply


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/clock/set", {"now": "2025-12-31T23:59:59Z"}, "now"),
        ("/clock/set", {"now": 0}, "now"),
        ("/clock/set", {"now": -1}, "now"),
        ("/clock/set", {"now": "yesterday"}, "now"),
        ("/clock/set", {"now": "2026-13-01T00:00:00Z"}, "now"),
        ("/clock/set", {"now": "10000-01-01T00:00:00Z"}, "now"),
        ("/clock/set", {"now": 253402300800}, "now"),
        ("/clock/set", {"now": 10**400}, "now"),
        ("/clock/set", {"now": None}, "now"),
        ("/clock/set", {"now": True}, "now"),
        ("/clock/set", {"now": [START]}, "now"),
        ("/clock/set", {}, "now"),
        ("/clock/set", {"now": START, "zone": "UTC"}, "zone"),
        ("/clock/advance", {"seconds": -1}, "seconds"),
        ("/clock/advance", {"seconds": -0.001}, "seconds"),
        ("/clock/advance", {"seconds": 1e300}, "seconds"),
        ("/clock/advance", {"seconds": 10**400}, "seconds"),
        ("/clock/advance", {"seconds": 253402300799}, "seconds"),
        ("/clock/advance", {"seconds": "90"}, "seconds"),
        ("/clock/advance", {"seconds": True}, "seconds"),
        ("/clock/advance", {"seconds": None}, "seconds"),
        ("/clock/advance", {"until": "tomorrow"}, "until"),
        ("/clock/advance", {"minutes": 1}, "minutes"),
        ("/clock/advance", {"seconds": 1, "until": "idle"}, "body"),
        ("/clock/advance", {}, "body"),
        ("/clock/advance", [], "body"),
    ],
)
def test_a_move_that_cannot_be_is_refused_by_its_field(
    shared: Client, path: str, body: Any, field: str
) -> None:
    control = Control(shared, "unmoved")

    status, slug, problem = control.refused("POST", path, json=body)

    assert (status, slug, problem["field"]) == (422, "bad-control-request", field)
    assert field in problem["detail"]
    assert control.get("/clock")["now"] == START


@pytest.mark.parametrize(
    ("body", "allowed"),
    [
        ({}, ["seconds", "until"]),
        ({"seconds": 1, "until": "idle"}, ["seconds", "until"]),
        ({"minutes": 1}, ["seconds", "until"]),
        ({"until": "tomorrow"}, ["idle"]),
        ({"seconds": -1}, {"minimum": 0}),
        ({"seconds": "90"}, {"type": "number"}),
    ],
)
def test_a_refused_move_names_what_is_allowed(shared: Client, body: Any, allowed: Any) -> None:
    _, _, problem = Control(shared).refused("POST", "/clock/advance", json=body)

    assert problem["allowed"] == allowed


def test_a_refused_step_backwards_says_where_the_clock_stands(client: Client) -> None:
    Control(client).post("/clock/advance", {"seconds": 60})

    _, _, problem = Control(client).refused("POST", "/clock/set", json={"now": START})

    assert "2026-01-01T00:01:00Z" in problem["detail"]


# --- the real clock ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/clock/advance", {"seconds": 1}),
        ("/clock/advance", {"until": "idle"}),
        ("/clock/set", {"now": "2999-01-01T00:00:00Z"}),
    ],
)
def test_the_real_clock_cannot_be_moved(make_client: MakeClient, path: str, body: Any) -> None:
    status, _, problem = Control(make_client(clock="real")).refused("POST", path, json=body)

    assert status == 409
    assert "--clock virtual" in problem["detail"]


def test_a_bad_move_of_the_real_clock_is_still_a_bad_move(make_client: MakeClient) -> None:
    control = Control(make_client(clock="real"))

    assert control.refused("POST", "/clock/advance", json={"seconds": -1})[0] == 422


def test_the_real_clock_shows_the_time(make_client: MakeClient) -> None:
    shown = Control(make_client(clock="real")).get("/clock")

    assert shown["mode"] == "real"
    assert shown["epoch"] > 1767225600


# --- seed --------------------------------------------------------------------------------------------------

SONG = {
    "prompt": "A calm piano piece for a rainy evening",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    "callBackUrl": "https://example.com/callback",
}
CALLS: tuple[tuple[str, str, Any, dict[str, str]], ...] = (
    ("POST", "/kie/api/v1/generate", SONG, {}),
    ("GET", CREDIT, None, {}),
    ("POST", "/kie/api/v1/generate/generate-persona", {"taskId": 7}, {}),
    ("GET", "/no/such/path", None, {}),
    ("GET", "/evolink/v1/tasks/task-unified-1774170584-su75smg7", None, {}),
    ("GET", "/evolink/v1/tasks/task-unified-1774170584-su75smg7", None, {"Prefer": "dynamic=true"}),
    ("GET", "/shop/items/7", None, {}),
    ("GET", "/shop/items/7", None, {"Prefer": "dynamic=true"}),
)


def played(client: Client, base: str = "") -> list[tuple[bytes, dict[str, str]]]:
    """What some calls, one after another, are answered."""
    replies = (client.request(m, base + p, json=b, headers={**KEY, **h}) for m, p, b, h in CALLS)
    return [(reply.content, dict(reply.headers)) for reply in replies]


def test_the_same_seed_and_calls_give_the_same_bytes(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    specs = ("packaged", folder(shop=SHOP))

    first, second = (played(make_client(seed=7, specs=specs)) for _ in range(2))

    assert first == second


def test_another_seed_gives_other_ids_and_other_invented_content(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    specs = ("packaged", folder(shop=SHOP))

    first, second = (played(make_client(seed=seed, specs=specs)) for seed in (7, 8))

    assert first[0][0] != second[0][0]
    assert first[-2][0] != second[-2][0]
    assert {headers["x-mock-request-id"] for _, headers in first}.isdisjoint(
        headers["x-mock-request-id"] for _, headers in second
    )


def test_ids_and_invented_content_repeat_under_a_real_clock_too(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    specs = ("packaged", folder(shop=SHOP))

    first, second = (played(make_client(seed=7, specs=specs, clock="real")) for _ in range(2))

    assert first == second


def test_an_invented_body_is_the_same_at_every_call(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    client = make_client(specs=(folder(shop=SHOP),))

    first, second = client.get("/items/1"), client.get("/_sandbox/alice/items/2")

    assert first.content == second.content
    assert first.headers["x-trace"] == second.headers["x-trace"]


def request_id(reply: httpx2.Response) -> str:
    return str(reply.headers["x-mock-request-id"])


def test_two_sandboxes_share_no_id(make_client: MakeClient) -> None:
    client = make_client()

    alice = [request_id(client.get(f"/_sandbox/alice{CREDIT}", headers=KEY)) for _ in range(20)]
    bob = [request_id(client.get(f"/_sandbox/bob{CREDIT}", headers=KEY)) for _ in range(20)]

    assert len({*alice, *bob}) == 40


def test_calls_of_one_sandbox_do_not_shift_the_ids_of_another(make_client: MakeClient) -> None:
    alone, crowded = make_client(), make_client()
    crowded.get(f"/_sandbox/bob{CREDIT}", headers=KEY)

    ids = [request_id(client.get(f"/_sandbox/alice{CREDIT}", headers=KEY)) for client in (alone, crowded)]

    assert ids[0] == ids[1]


def test_reset_begins_the_ids_again(client: Client) -> None:
    before = [request_id(client.get(CREDIT, headers=KEY)) for _ in range(3)]

    Control(client).post("/reset")

    assert [request_id(client.get(CREDIT, headers=KEY)) for _ in range(3)] == before


def test_clearing_the_journal_does_not_begin_the_ids_again(client: Client) -> None:
    before = request_id(client.get(CREDIT, headers=KEY))

    Control(client).delete("/requests")

    assert request_id(client.get(CREDIT, headers=KEY)) != before


def test_queued_outcomes_have_repeating_ids_of_their_own(make_client: MakeClient) -> None:
    one, other = (Control(make_client()).post("/outcomes", {"outcome": "maintenance"}) for _ in range(2))

    assert one["id"] == other["id"]


def test_concurrent_requests_get_distinct_ids(served: tuple[str, int]) -> None:
    host, port = served
    url = f"http://{host}:{port}/_sandbox/crowd"
    ids: list[str] = []

    def many() -> None:
        for _ in range(15):
            with urlopen(Request(url + CREDIT, headers=KEY), timeout=10) as reply:
                ids.append(reply.headers["x-mock-request-id"])

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    with urlopen(f"{url}/_mock/requests", timeout=10) as reply:
        journal = reply.read().decode()
    assert len(set(ids)) == len(ids) == 120
    assert [one for one in ids if one not in journal] == []
