"""Many at once: of racing creations one wins, and what is there is not spent twice."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from mockserver.domain.ports import Store
from mockserver.settings import Settings
from mockserver.web.app import create_app
from tests.random import asgi
from tests.random.model import PROVIDERS, PersonaCall, SongCall
from tests.random.wire import WIRES, Request
from tests.store.table import STORES

KEY = "racing-key"
HEADERS = (("content-type", "application/json"), ("authorization", f"Bearer {KEY}"), ("x-api-key", KEY))
RACERS = 12


class Reply(NamedTuple):
    """What a racer got."""

    outcome: str | None
    status: int
    body: Any


Send = Callable[..., Reply]


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads take turns as often as can be, so that what can go wrong does."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture(params=["server", *sorted(STORES)])
def send(request: pytest.FixtureRequest) -> Send:
    """Sends a request: to a real server, or to an application on some store that threads call directly."""
    if request.param == "server":
        return _over_sockets(request.getfixturevalue("live")(clock="virtual"))
    request.getfixturevalue("quick_switches")
    return _in_process(STORES[request.param]())


def _in_process(store: Store) -> Send:
    app = create_app(Settings(seed=0, clock="virtual", verify_responses=True), store=store)

    def send(method: str, path: str, body: Any = None, prefer: str | None = None) -> Reply:
        headers = [*HEADERS, *([("prefer", prefer)] if prefer else [])]
        # Some control calls want an event loop; racers do without one, and so truly meet.
        run = asyncio.run if "/_mock/" in path else asgi.at_once
        answer = asgi.call(app, method, path, headers, _written(body), run)
        return Reply(answer.headers.get("x-mock-outcome"), answer.status, json.loads(answer.body))

    return send


def _over_sockets(url: str) -> Send:
    """Every call comes on a connection of its own."""
    address = urlsplit(url).netloc

    def send(method: str, path: str, body: Any = None, prefer: str | None = None) -> Reply:
        connection = HTTPConnection(address, timeout=20)
        try:
            headers = {**dict(HEADERS), **({"prefer": prefer} if prefer else {})}
            connection.request(method, path, _written(body), headers)
            response = connection.getresponse()
            return Reply(response.getheader("x-mock-outcome"), response.status, json.loads(response.read()))
        finally:
            connection.close()

    return send


def _written(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def race(send: Send, requests: list[Request]) -> list[Reply]:
    """Send all of them at the same moment."""
    gate = threading.Barrier(len(requests))

    def run(request: Request) -> Reply:
        gate.wait(20)
        return send(*request)

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(run, requests))


def song(provider: str) -> Request:
    return WIRES[provider].song(SongCall(provider, KEY, model=PROVIDERS[provider].models[-1]))


def planted(send: Send, provider: str) -> PersonaCall:
    """The creation of a persona from a finished song."""
    made = send("POST", "/_mock/tasks", {"provider": provider, "key": KEY}).body
    return PersonaCall(provider, KEY, made["source_task"], made["songs"][0])


def account(send: Send) -> Any:
    return send("GET", f"/_mock/accounts/{KEY}").body


def set_credits(send: Send, credits: float) -> None:
    assert send("PATCH", f"/_mock/accounts/{KEY}", {"credits": credits}).body["credits"] == credits


def price_of(provider: str, kind: str) -> Decimal:
    return Decimal(PROVIDERS[provider].prices[kind]) / 100


@pytest.mark.parametrize("provider", ["kie", "crun", "evolink"])
def test_one_of_many_racing_creations_of_a_song_succeeds(send: Send, provider: str) -> None:
    for turn in range(1, 5):
        request = WIRES[provider].persona(planted(send, provider))

        replies = race(send, [request] * RACERS)

        assert Counter(reply.outcome for reply in replies) == {"success": 1, "duplicate": RACERS - 1}
        refused = [reply for reply in replies if reply.outcome == "duplicate"]
        assert {(reply.status, WIRES[provider].code(reply.body)) for reply in refused} == {
            PROVIDERS[provider].verdicts["persona"]["duplicate"]
        }
        assert Decimal(str(account(send)["credits"])) == 1000 - turn * price_of(provider, "persona")
        # Also of a persona that a task is still making.
        assert len(send("GET", "/_mock/state").body["personas"]) == turn


def test_where_a_song_may_become_many_personas_each_is_paid_for(send: Send) -> None:
    request = WIRES["yuto"].persona(planted(send, "yuto"))
    set_credits(send, 350)

    replies = race(send, [request] * RACERS)

    assert Counter(reply.outcome for reply in replies) == {"success": 3, "insufficient-credits": RACERS - 3}
    made = {reply.body["id"] for reply in replies if reply.outcome == "success"}
    shown = account(send)
    assert (shown["credits"], set(shown["personas"]), len(made)) == (50, made, 3)


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_racing_submissions_spend_what_is_there_and_no_more(send: Send, provider: str) -> None:
    price = PROVIDERS[provider].prices["song"] // 100
    set_credits(send, 5 * price + 3)

    replies = race(send, [song(provider)] * RACERS)

    assert Counter(reply.outcome for reply in replies) == {"success": 5, "insufficient-credits": RACERS - 5}
    made = {WIRES[provider].task_of(reply.body) for reply in replies if reply.outcome == "success"}
    shown = account(send)
    assert (shown["credits"], set(shown["tasks"]), len(made)) == (3, made, 5)


def test_all_providers_race_for_one_balance(send: Send) -> None:
    names = sorted(PROVIDERS) * (RACERS // len(PROVIDERS))
    set_credits(send, 45.5)

    replies = race(send, [song(name) for name in names])

    met = list(zip(names, (reply.outcome for reply in replies), strict=True))
    spent = sum(price_of(name, "song") for name, outcome in met if outcome == "success")
    left = Decimal(str(account(send)["credits"]))
    assert {outcome for _, outcome in met} == {"success", "insufficient-credits"}
    assert left == Decimal("45.5") - spent
    # Nobody was sent away who could have paid.
    assert 0 <= left < min(price_of(name, "song") for name, outcome in met if outcome != "success")


def test_a_refund_is_spent_once(send: Send) -> None:
    set_credits(send, 12)
    send(*song("kie"), "outcome=task-failed")
    send("POST", "/_mock/clock/advance", {"seconds": 60})
    balance = Request("GET", "/api/v1/chat/credit")

    replies = race(send, [song("kie"), balance] * (RACERS // 2))

    assert Counter(reply.outcome for reply in replies[::2]) == {
        "success": 1,
        "insufficient-credits": RACERS // 2 - 1,
    }
    assert {reply.body["data"] for reply in replies[1::2]} <= {12, 0}
    assert account(send)["credits"] == 0


def test_racing_sandboxes_do_not_meet(send: Send) -> None:
    calls = [planted(_within(send, box), "kie") for box in ("one", "two", "three")]
    wire = WIRES["kie"]
    requests = [
        Request("POST", f"/_sandbox/{box}{wire.persona(call).path}", wire.persona(call).body)
        for box, call in zip(("one", "two", "three"), calls, strict=True)
    ] * (RACERS // 3)

    replies = race(send, requests)

    for start in range(3):
        outcomes = Counter(reply.outcome for reply in replies[start::3])
        assert outcomes == {"success": 1, "duplicate": RACERS // 3 - 1}
    ids = {reply.body["data"]["personaId"] for reply in replies if reply.outcome == "success"}
    assert len(ids) == 3


def _within(send: Send, sandbox: str) -> Send:
    return lambda method, path, body=None: send(method, f"/_sandbox/{sandbox}{path}", body)
