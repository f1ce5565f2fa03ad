"""A thousand mixed calls at once: every place that tells of credits agrees with a ledger kept by the caller.

The ledger knows prices and what the replies said, nothing else.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.random.model import PersonaCall, SongCall
from tests.random.wire import WIRES, Request

KEY = "one-key-for-all"
HEADERS = {"content-type": "application/json", "authorization": f"Bearer {KEY}", "x-api-key": KEY}
PROVIDERS = ("kie", "crun", "evolink", "yuto")
THREADS, CALLS = 8, 1000
SONG = {"kie": 12, "crun": 12, "evolink": 10, "yuto": 10}
PERSONA = {"kie": 1, "crun": 0, "evolink": 1, "yuto": 100}
MODEL = {"kie": "V5", "crun": "v5", "evolink": "suno-v5-beta", "yuto": "chirp-crow"}
# Accepted; everything else costs nothing.
PAID = ("success", "task-failed")
TITLE = {"kie": "title", "crun": "lyrics", "evolink": "style", "yuto": "tags"}
# Nobody may be called there: nothing leaves this machine.
NOBODY = "https://192.0.2.1/callback"


class Call(NamedTuple):
    """A request, what it costs if it is accepted, and whether its task will give that back."""

    name: str
    request: Request
    price: int = 0
    fails: bool = False


class Met(NamedTuple):
    """A call and its reply."""

    call: Call
    outcome: str | None
    body: Any


class Caller:
    """A server's clients: each thread has a connection of its own, which it keeps."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc
        self._own = threading.local()
        self._all: list[HTTPConnection] = []

    def send(self, request: Request, **headers: str) -> tuple[str | None, Any]:
        """The outcome and the body of one call."""
        connection = self._connection()
        body = None if request.body is None else json.dumps(request.body).encode()
        connection.request(request.method, request.path, body, {**HEADERS, **headers})
        response = connection.getresponse()
        answer = json.loads(response.read())
        assert response.status < 500, answer
        return response.getheader("x-mock-outcome"), answer

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a control call."""
        return self.send(Request(method, f"/_mock{path}", body))[1]

    def at_once(self, calls: Sequence[Call]) -> list[Met]:
        """The replies to calls that several threads make together."""
        gate = threading.Barrier(THREADS)

        def run(share: Sequence[Call]) -> list[Met]:
            gate.wait(20)
            return [Met(call, *self.send(call.request)) for call in share]

        with ThreadPoolExecutor(THREADS) as pool:
            shares = pool.map(run, [calls[start::THREADS] for start in range(THREADS)])
            return [met for share in shares for met in share]

    def close(self) -> None:
        for connection in self._all:
            connection.close()

    def _connection(self) -> HTTPConnection:
        if not hasattr(self._own, "connection"):
            self._own.connection = HTTPConnection(self._address, timeout=30)
            self._all.append(self._own.connection)
        connection: HTTPConnection = self._own.connection
        return connection


@pytest.fixture
def caller(live: Callable[..., str]) -> Iterator[Caller]:
    made = Caller(live(clock="virtual", rate_limits="off", credits=5000))
    yield made
    made.close()


# --- calls -------------------------------------------------------------------------------------------------


def song(provider: str, *, word: str = "", flaw: str | None = None) -> Call:
    """A song, which fails if the word says so; a flaw makes it one that is refused."""
    wanted = SongCall(provider, KEY, model=MODEL[provider], is_custom=True, flaw=flaw)
    if provider == "yuto":
        wanted = wanted._replace(is_custom=False)
    method, path, body = WIRES[provider].song(wanted)
    assert body is not None
    if provider == "kie" and "callBackUrl" in body:
        body["callBackUrl"] = NOBODY
    place = body["input"] if provider == "crun" else body
    place[TITLE[provider]] = f"slow and low {word}"
    name = "refused" if flaw else "failing" if word else "song"
    return Call(name, Request(method, path, body), 0 if flaw else SONG[provider], bool(word))


def persona(provider: str, task: str, of: str) -> Call:
    request = WIRES[provider].persona(PersonaCall(provider, KEY, task, of))
    return Call("persona", request, PERSONA[provider])


def balance(provider: str) -> Call:
    request = WIRES[provider].balance
    assert request is not None
    return Call("balance", request)


def estimate() -> Call:
    request = song("crun").request
    return Call("estimate", Request("POST", "/api/v1/client/job/EstimateTask", request.body))


Sources = dict[str, list[tuple[str, str]]]


def planted(caller: Caller, count: int) -> Sources:
    """Finished songs of each provider, with their tasks."""
    made: Sources = {}
    for provider in PROVIDERS:
        answers = [caller.control("POST", "/tasks", {"provider": provider, "key": KEY}) for _ in range(count)]
        made[provider] = [(answer["source_task"], answer["songs"][0]) for answer in answers]
    return made


def mixed(draw: random.Random, sources: Sources, count: int) -> list[Call]:
    """Calls of every sort at every provider, in any order."""
    return [_any_call(draw, sources) for _ in range(count)]


def _any_call(draw: random.Random, sources: Sources) -> Call:
    provider = draw.choice(PROVIDERS)
    source = draw.choice(sources[provider])
    sort = draw.choices(
        ["song", "failing", "refused", "persona", "poll", "balance", "estimate", "account"],
        [34, 16, 6, 16, 10, 10, 4, 4],
    )[0]
    made: dict[str, Callable[[], Call]] = {
        "song": lambda: song(provider),
        "failing": lambda: song(provider, word=draw.choice(["mock:fail", "mock:fail mock:slow=40"])),
        "refused": lambda: song(provider, flaw=draw.choice(["wrong", "missing"])),
        "persona": lambda: persona(provider, *source),
        "poll": lambda: Call("poll", WIRES[provider].poll(source[0])),
        "balance": lambda: balance(draw.choice(["kie", "crun", "evolink"])),
        "estimate": estimate,
        "account": lambda: Call("account", Request("GET", f"/_mock/accounts/{KEY}")),
    }
    return made[sort]()


# --- the ledger --------------------------------------------------------------------------------------------


def charged(replies: Iterable[Met]) -> int:
    """What was paid for the calls that were accepted."""
    return sum(met.call.price for met in replies if met.outcome in PAID)


def given_back(replies: Iterable[Met]) -> int:
    """What their failing tasks give back in the end."""
    return sum(met.call.price for met in replies if met.outcome == "task-failed")


def shown(met: Met) -> Any:
    """The balance that a look at it shows."""
    read = {
        "/api/v1/chat/credit": lambda: met.body["data"],
        "/api/v1/client/account/balance": lambda: met.body["data"]["balance"],
        "/v1/credits": lambda: met.body["data"]["user"]["remaining_credits"],
        "/api/v1/client/job/EstimateTask": lambda: met.body["data"]["balance"],
        f"/_mock/accounts/{KEY}": lambda: met.body["credits"],
    }
    return read[met.call.request.path]()


def everywhere(caller: Caller) -> dict[str, Any]:
    """What each place tells of the credits."""
    looks = {name: caller.send(balance(name).request)[1]["data"] for name in ("kie", "crun", "evolink")}
    estimated = caller.send(estimate().request)[1]["data"]
    return {
        "kie": looks["kie"],
        "crun": looks["crun"]["balance"],
        "evolink token": looks["evolink"]["token"]["remaining_credits"],
        "evolink user": looks["evolink"]["user"]["remaining_credits"],
        "used by token": looks["evolink"]["token"]["used_credits"],
        "used by user": looks["evolink"]["user"]["used_credits"],
        "account": caller.control("GET", f"/accounts/{KEY}")["credits"],
        "estimate": estimated["balance"],
        "affordable": estimated["affordable"],
    }


def agreed(left: int, used: int) -> dict[str, Any]:
    """What each place has to tell."""
    places = ("kie", "crun", "evolink token", "evolink user", "account", "estimate")
    return {
        **dict.fromkeys(places, left),
        **dict.fromkeys(("used by token", "used by user"), used),
        "affordable": left >= SONG["crun"],
    }


# --- tests -------------------------------------------------------------------------------------------------


def test_a_thousand_mixed_calls_agree_with_a_ledger_of_their_replies(caller: Caller) -> None:
    calls = mixed(random.Random(7), planted(caller, 12), CALLS)

    replies = caller.at_once(calls)
    left = 5000 - charged(replies)
    now = everywhere(caller)
    idle = caller.control("POST", "/clock/advance", {"until": "idle"})
    then = everywhere(caller)

    # Every sort was met, and the balance did not last.
    sorts = Counter((met.call.name, met.outcome) for met in replies)
    wanted = [
        ("song", "success"), ("failing", "task-failed"), ("refused", "invalid"), ("persona", "success"),
        ("persona", "duplicate"), ("poll", "success"), ("balance", "success"), ("estimate", "success"),
        ("account", None), ("song", "insufficient-credits"), ("failing", "insufficient-credits"),
    ]  # fmt: skip
    assert [sort for sort in wanted if not sorts[sort]] == []
    assert sum(sorts.values()) == CALLS
    assert 0 <= left < max(PERSONA.values())
    assert now == agreed(left, 5000 - left)
    assert idle["gave_up"] == 0
    back = given_back(replies)
    assert back > 0
    assert then == agreed(left + back, 5000 - left - back)
    # Nobody who looked saw what never was.
    looks = [shown(met) for met in replies if met.call.name in ("balance", "estimate", "account")]
    assert min(looks) >= left
    assert max(looks) <= 5000
    # Tasks say the same: what they were charged, and nothing where they failed.
    tasks = {task["id"]: caller.control("GET", f"/tasks/{task['id']}") for task in _all_tasks(caller)}
    kept = sum(task["charged"] for task in tasks.values())
    at_once = sum(met.call.price for met in replies if met.call.name == "persona" and _is_at_once(met))
    assert kept + at_once == 5000 - left - back


def _is_at_once(met: Met) -> bool:
    """True for a persona that was made without a task."""
    return met.outcome in PAID and met.call.request.path != "/v1/audios/generations"


def _all_tasks(caller: Caller) -> list[Any]:
    found: list[Any] = []
    path = "/tasks?limit=500"
    while page := caller.control("GET", path)["tasks"]:
        found += page
        path = f"/tasks?limit=500&after={page[-1]['id']}"
    return found


def test_credits_that_come_back_meanwhile_are_spent_once(caller: Caller) -> None:
    sources = planted(caller, 3)
    caller.control("PATCH", f"/accounts/{KEY}", {"credits": 600})
    draw = random.Random(11)
    calls = mixed(draw, sources, 240)
    for place in range(5, len(calls), 12):
        step = {"seconds": draw.choice([5, 20, 30])}
        calls[place] = Call("advance", Request("POST", "/_mock/clock/advance", step))

    replies = caller.at_once(calls)
    caller.control("POST", "/clock/advance", {"until": "idle"})

    left = 600 - charged(replies) + given_back(replies)
    assert {place: told for place, told in everywhere(caller).items() if "used" not in place} == {
        place: told for place, told in agreed(left, 0).items() if "used" not in place
    }
    spent = charged(replies)
    # What came back was spent again, or the story has not been one.
    assert spent > 600
    assert all(
        met.outcome in (*PAID, "insufficient-credits", "duplicate", "invalid", None) for met in replies
    )


def test_who_is_refused_could_not_have_paid(caller: Caller) -> None:
    sources = planted(caller, 1)
    caller.control("PATCH", f"/accounts/{KEY}", {"credits": 347})
    buy = [
        persona("yuto", *sources["yuto"][0]),
        song("kie"),
        song("crun", word="mock:fail"),
        song("evolink"),
        song("yuto"),
        persona("kie", *sources["kie"][0]),
        persona("evolink", *sources["evolink"][0]),
    ]
    left, wrong = 347, []

    for call in [each for each in buy for _ in range(30)]:
        outcome, _ = caller.send(call.request)
        expected = PAID if call.price <= left else ("insufficient-credits",)
        if outcome == "duplicate":
            assert call.name == "persona"
            continue
        if outcome not in expected:
            wrong.append((call.name, call.price, left, outcome))
        left -= call.price if outcome in PAID else 0
    told = everywhere(caller)
    caller.control("PATCH", f"/accounts/{KEY}", {"credits": 0})

    assert wrong == []
    assert (told["account"], told["affordable"]) == (left, False)
    assert left < 10
    free = persona("crun", *sources["crun"][0])
    empty = [caller.send(call.request)[0] for call in (*buy[:6], free)]
    assert empty == ["insufficient-credits"] * 7


def test_balances_only_fall_while_time_stands_still(caller: Caller) -> None:
    spenders = [song(name, word=word) for name in PROVIDERS for word in ("", "mock:fail")] * 6
    looks = [balance("kie"), balance("crun"), balance("evolink"), estimate()] * 24
    gate = threading.Barrier(2)

    def run(calls: list[Call]) -> list[Met]:
        gate.wait(20)
        return [Met(call, *caller.send(call.request)) for call in calls]

    with ThreadPoolExecutor(2) as pool:
        spent, seen = pool.map(run, (spenders, looks))

    balances = [shown(met) for met in seen]
    steps = {5000 - charged(spent[:count]) for count in range(len(spent) + 1)}
    assert all(first >= second for first, second in pairwise(balances))
    assert set(balances) <= steps
