"""Rate limits: what is counted, for whom and for how long, and what the next call meets."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.conftest import Client, MakeClient
from tests.store.table import STORES
from tests.web.calls import (
    CALLS,
    KIE_PERSONA,
    KIE_SONG,
    credential,
    in_sandbox,
    planted,
    sandbox_of,
    send,
    shared_app,
)
from tests.web.steering import Control

COUNT = 20
REFUSED = {"code": 429, "msg": "Request limit exceeded", "data": None}
SECRET = "hmac-key-0123456789abcdef"


@pytest.fixture(scope="module", params=sorted(STORES))
def app(request: pytest.FixtureRequest) -> Any:
    return shared_app(STORES[request.param](log_size=1000))


@pytest.fixture(scope="module")
def limited() -> Any:
    """Polls are limited too."""
    return shared_app(quirk=("kie.poll_limit=on",))


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


@pytest.fixture
def control(client: Client) -> Control:
    return Control(client)


@pytest.fixture
def poller(limited: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(limited, request.node.nodeid)


def submit(client: Client, times: int = 1, provider: str = "kie", **options: Any) -> list[str]:
    """The outcomes of so many songs."""
    operation = {"kie": "generateMusic", "crun": "createTask", "yuto": "submitMusic"}
    name = operation.get(provider, "generateMusic")
    return [send(client, provider, name, **options).headers["x-mock-outcome"] for _ in range(times)]


def advance(client: Client, seconds: float) -> None:
    Control(client).post("/clock/advance", {"seconds": seconds})


def patch(client: Client, body: Any, key: str = "k") -> Any:
    reply = Control(client).call("PATCH", f"/accounts/{key}", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def newest(client: Client) -> Any:
    """The newest entry of the journal, whole."""
    return Control(client).get("/requests?limit=1&full=true")["requests"][0]


def fill(client: Client, times: int = COUNT) -> None:
    assert submit(client, times) == ["success"] * times


# --- kie: 20 in any 10 s -----------------------------------------------------------------------------------


def test_the_21st_submission_in_10_s_is_http_429_and_makes_nothing(client: Client, control: Control) -> None:
    fill(client)
    before = control.get("/accounts/k")

    reply = send(client, "kie", "generateMusic")

    assert (reply.status_code, reply.json()) == (429, REFUSED)
    assert reply.headers["x-mock-outcome"] == "rate-limited"
    assert "retry-after" not in reply.headers
    assert control.get("/accounts/k") == before
    assert (before["credits"], len(before["tasks"])) == (1000 - COUNT * 12, COUNT)


def test_the_journal_says_why(client: Client) -> None:
    send(client, "kie", "generateMusic")
    first = newest(client)
    advance(client, 2.5)
    fill(client, COUNT - 1)

    send(client, "kie", "generateMusic")

    entry, limit = newest(client), {"count": 20, "seconds": 10}
    assert (entry["status"], entry["code"], entry["outcome"], entry["because"]) == (
        429,
        429,
        "rate-limited",
        "state",
    )
    assert [check["check"] for check in entry["checks"]] == ["credentials", "rate-limit"]
    facts = {"limit": limit, "accepted": 20, "free_at": "2026-01-01T00:00:10Z"}
    assert entry["checks"][-1] == {"check": "rate-limit", "ok": False, "facts": facts}
    passed = {"check": "rate-limit", "ok": True, "facts": {"limit": limit, "accepted": 0}}
    assert first["checks"][1] == passed


def test_after_the_window_it_passes_and_not_a_moment_sooner(client: Client) -> None:
    fill(client)

    outcomes = []
    for seconds in (9.999999, 0.000001):
        advance(client, seconds)
        outcomes += submit(client)

    assert outcomes == ["rate-limited", "success"]


def test_the_window_slides(client: Client) -> None:
    fill(client, 10)
    advance(client, 6)
    fill(client, 10)
    assert submit(client) == ["rate-limited"]

    advance(client, 4)

    assert submit(client, 11) == ["success"] * 10 + ["rate-limited"]
    advance(client, 6)
    assert submit(client, 11) == ["success"] * 10 + ["rate-limited"]


def test_refused_calls_do_not_count(client: Client, control: Control) -> None:
    control.post("/outcomes", {"outcome": "maintenance", "times": 5})
    refused = [
        *submit(client, 5),
        *submit(client, 5, prefer="outcome=server-error"),
        *submit(client, 5, prefer="outcome=rate-limited"),
        *submit(client, 5, prefer="example=success"),
        *submit(client, 5, json={"prompt": "no model"}),
        *submit(client, 5, json={**KIE_SONG, "customMode": True, "personaId": "nobody"}),
        *[send(client, "kie", "generatePersona").headers["x-mock-outcome"] for _ in range(5)],
    ]
    patch(client, {"credits": 11})
    refused += submit(client, 5)
    patch(client, {"credits": 1000})

    assert Counter(refused)["success"] == 5
    assert len(control.get("/accounts/k")["tasks"]) == 0
    assert submit(client, COUNT + 3) == ["success"] * COUNT + ["rate-limited"] * 3
    advance(client, 10)
    # Nor did those that were over the limit.
    fill(client)


def test_every_submission_counts_and_looking_does_not(client: Client) -> None:
    ids = planted(client, "kie")
    for operation in ("generateMusic", "extendMusic", "uploadCover", "uploadExtend"):
        for _ in range(4):
            assert send(client, "kie", operation, ids=ids).headers["x-mock-outcome"] == "success"
    # Of each of two tasks the first song, then the second.
    for made in (ids, planted(client, "kie")):
        assert send(client, "kie", "generatePersona", ids=made).json()["code"] == 200
    for _ in range(30):
        send(client, "kie", "getCredits")
        assert send(client, "kie", "getMusicDetails", ids=ids).headers["x-mock-outcome"] == "success"

    assert submit(client, 3) == ["success", "success", "rate-limited"]
    for operation in ("extendMusic", "uploadCover", "uploadExtend", "generatePersona"):
        assert send(client, "kie", operation, ids=ids).status_code == 429
    assert send(client, "kie", "getCredits").json()["data"] == 1000 - 18 * 12 - 2


def test_a_persona_call_counts_once_it_is_accepted(client: Client) -> None:
    ids = planted(client, "kie")
    outcomes = [send(client, "kie", "generatePersona", ids=ids).headers["x-mock-outcome"] for _ in range(9)]

    assert outcomes == ["success"] + ["duplicate"] * 8
    assert submit(client, COUNT) == ["success"] * (COUNT - 1) + ["rate-limited"]


def test_a_persona_that_is_overwritten_counts_each_time(make_client: MakeClient) -> None:
    client = make_client(quirk=("kie.duplicate=overwrite",))
    ids = planted(client, "kie")

    replies = [send(client, "kie", "generatePersona", ids=ids) for _ in range(COUNT + 1)]

    assert [reply.json()["code"] for reply in replies] == [200] * COUNT + [429]


def test_an_answer_that_was_asked_for_skips_the_limit_and_counts_where_it_is_accepted(
    client: Client, control: Control
) -> None:
    asked = submit(client, 12, prefer="outcome=success")
    asked += submit(client, 5, prefer="outcome=task-failed")
    control.post("/outcomes", {"outcome": "success", "times": 3})
    asked += submit(client, 3)

    assert asked == ["success"] * 12 + ["task-failed"] * 5 + ["success"] * 3
    assert submit(client) == ["rate-limited"]
    assert submit(client, 2, prefer="outcome=success") == ["success"] * 2
    assert len(control.get("/accounts/k")["tasks"]) == COUNT + 2
    advance(client, 10)
    fill(client)


def test_a_success_that_was_asked_for_and_could_not_be_is_not_counted(client: Client) -> None:
    asked = [send(client, "kie", "generatePersona", prefer="outcome=success") for _ in range(5)]

    assert {reply.headers["x-mock-outcome"] for reply in asked} == {"success"}
    fill(client)


def test_other_keys_other_sandboxes_and_other_providers_are_free(client: Client, app: Any) -> None:
    patch(client, {"credits": 10_000})
    fill(client)
    elsewhere = in_sandbox(app, sandbox_of(client.get("/_mock/clock").text) + str(id(client)))

    assert submit(client, COUNT + 1, key="other") == ["success"] * COUNT + ["rate-limited"]
    assert submit(elsewhere, COUNT + 1) == ["success"] * COUNT + ["rate-limited"]
    for provider in ("crun", "evolink", "yuto"):
        assert submit(client, COUNT + 5, provider) == ["success"] * (COUNT + 5)
    assert submit(client) == ["rate-limited"]


@pytest.mark.parametrize(("mode", "status"), [("auto", 429), ("http", 429), ("envelope", 200)])
def test_only_under_envelope_the_limit_is_not_the_http_status(
    make_client: MakeClient, mode: str, status: int
) -> None:
    client = make_client(status=mode)
    fill(client)

    by_state = send(client, "kie", "generateMusic")
    asked = send(client, "kie", "generateMusic", key="other", prefer="outcome=rate-limited")

    assert [(reply.status_code, reply.json()) for reply in (by_state, asked)] == [(status, REFUSED)] * 2


def test_the_limit_is_looked_at_after_the_key_and_before_everything_else(client: Client) -> None:
    fill(client)
    patch(client, {"credits": 0})
    bearer = credential("kie", "k")
    path = CALLS["kie", "generateMusic"].path

    met = [
        client.post(path, json=KIE_SONG).headers["x-mock-outcome"],
        client.post(path, content="{", headers=bearer).headers["x-mock-outcome"],
        client.post(path, content="a=b", headers={**bearer, "content-type": "text/csv"}).headers[
            "x-mock-outcome"
        ],
        client.post(path, json={}, headers=bearer).headers["x-mock-outcome"],
        client.post(path, json=KIE_SONG, headers=bearer).headers["x-mock-outcome"],
        send(client, "kie", "generatePersona").headers["x-mock-outcome"],
    ]
    broken = newest(client)["violations"]
    client.post(path, json={}, headers=bearer)

    assert met == ["unauthorized", *["rate-limited"] * 5]
    assert (broken, len(newest(client)["violations"]) > 0) == ([], True)


def test_reset_empties_the_window(client: Client, control: Control) -> None:
    fill(client)

    control.post("/reset")

    fill(client)


# --- a limit of an account's own ---------------------------------------------------------------------------


def test_an_accounts_own_limit_is_shown_and_can_be_given_up(client: Client, control: Control) -> None:
    own = {"count": 2, "seconds": 0.5}

    shown = patch(client, {"rate_limit": own})["rate_limit"], control.get("/accounts/k")["rate_limit"]
    given_up = patch(client, {"rate_limit": None})["rate_limit"], control.get("/accounts/k")["rate_limit"]

    assert (shown, given_up) == ((own, own), (None, None))
    assert control.get("/accounts/other")["rate_limit"] is None


@pytest.mark.parametrize(
    ("provider", "status", "body"),
    [
        ("kie", 429, REFUSED),
        ("crun", 200, {"code": 429, "message": "Rate Limited", "data": None}),
        (
            "evolink",
            429,
            {
                "error": {
                    "code": "rate_limit_exceeded",
                    "message": "Too many requests, please try again later",
                    "type": "rate_limit_error",
                }
            },
        ),
    ],
)
def test_an_own_limit_holds_at_each_provider_that_knows_one(
    client: Client, provider: str, status: int, body: Any
) -> None:
    patch(client, {"rate_limit": {"count": 3, "seconds": 60}})

    assert submit(client, 4, provider) == ["success"] * 3 + ["rate-limited"]
    operation = "createTask" if provider == "crun" else "generateMusic"
    reply = send(client, provider, operation)
    assert (reply.status_code, reply.json()) == (status, body)
    assert newest(client)["checks"][1]["facts"]["free_at"] == "2026-01-01T00:01:00Z"
    advance(client, 59.999999)
    assert submit(client, 1, provider) == ["rate-limited"]
    advance(client, 0.000001)
    assert submit(client, 1, provider) == ["success"]


@pytest.mark.parametrize("provider", ["crun", "evolink"])
def test_an_own_limit_counts_personas_and_leaves_polls_alone(client: Client, provider: str) -> None:
    ids = planted(client, provider)
    patch(client, {"rate_limit": {"count": 1, "seconds": 60}})

    persona = send(client, provider, "generatePersona", ids=ids)

    assert persona.headers["x-mock-outcome"] == "success"
    assert submit(client, 1, provider) == ["rate-limited"]
    for (owner, operation), call in CALLS.items():
        if owner == provider and (call.method == "GET" or operation.startswith("estimate")):
            reply = send(client, provider, operation, ids=ids)
            assert reply.headers["x-mock-outcome"] == "success", operation


def test_an_own_limit_is_counted_for_each_provider_apart(client: Client) -> None:
    patch(client, {"rate_limit": {"count": 2, "seconds": 60}})

    outcomes = [submit(client, 3, provider) for provider in ("kie", "crun", "evolink")]

    assert outcomes == [["success", "success", "rate-limited"]] * 3


def test_yuto_knows_no_limit(client: Client) -> None:
    patch(client, {"rate_limit": {"count": 1, "seconds": 60}})

    assert submit(client, 5, "yuto") == ["success"] * 5


def test_an_own_limit_stands_in_the_place_of_the_providers(client: Client) -> None:
    patch(client, {"rate_limit": {"count": 25, "seconds": 1}})
    fill(client, 25)
    assert submit(client) == ["rate-limited"]

    advance(client, 1)
    patch(client, {"rate_limit": None})

    # The 25 are not forgotten: they are within the provider's 10 s.
    assert submit(client) == ["rate-limited"]
    advance(client, 9)
    fill(client)


def test_what_was_accepted_under_a_limit_of_its_own_counts_when_that_is_given_up(client: Client) -> None:
    patch(client, {"rate_limit": {"count": 2, "seconds": 1}})
    for _ in range(9):
        fill(client, 2)
        advance(client, 1)

    patch(client, {"rate_limit": None})

    assert submit(client, 3) == ["success", "success", "rate-limited"]


def test_a_narrower_limit_looks_back_too(client: Client) -> None:
    fill(client, 5)
    advance(client, 4)

    patch(client, {"rate_limit": {"count": 2, "seconds": 5}})

    assert submit(client) == ["rate-limited"]
    advance(client, 1)
    assert submit(client, 3) == ["success", "success", "rate-limited"]


@pytest.mark.parametrize(
    ("limit", "field"),
    [
        ({"count": 0, "seconds": 1}, "rate_limit/count"),
        ({"count": 1.5, "seconds": 1}, "rate_limit/count"),
        ({"count": "5", "seconds": 1}, "rate_limit/count"),
        ({"count": True, "seconds": 1}, "rate_limit/count"),
        ({"count": 100_001, "seconds": 1}, "rate_limit/count"),
        ({"count": 1, "seconds": 0}, "rate_limit/seconds"),
        ({"count": 1, "seconds": -1}, "rate_limit/seconds"),
        ({"count": 1, "seconds": 86_400.5}, "rate_limit/seconds"),
        ({"count": 1, "seconds": None}, "rate_limit/seconds"),
        ({"count": 1}, "rate_limit/seconds"),
        ({"seconds": 1}, "rate_limit/count"),
        ({"count": 1, "seconds": 1, "per": "key"}, "rate_limit/per"),
        (5, "rate_limit"),
        ([1, 1], "rate_limit"),
        ("off", "rate_limit"),
    ],
)
def test_what_is_no_limit_is_refused_and_nothing_is_changed(
    client: Client, control: Control, limit: Any, field: str
) -> None:
    body = {"credits": 5, "webhookHmacKey": SECRET, "rate_limit": limit}
    status, slug, problem = control.refused("PATCH", "/accounts/k", json=body)

    assert (status, slug, problem["field"]) == (422, "bad-control-request", field)
    account = control.get("/accounts/k")
    assert (account["credits"], account["rate_limit"], account["webhookHmacKey"]) == (1000, None, None)


@pytest.mark.parametrize("limit", [{"count": 100_000, "seconds": 86_400}, {"count": 1.0, "seconds": 0.001}])
def test_the_ends_of_the_range_are_limits(client: Client, limit: Any) -> None:
    assert patch(client, {"rate_limit": limit})["rate_limit"] == limit


def test_several_fields_are_set_at_once(client: Client) -> None:
    limit = {"count": 2, "seconds": 1}

    account = patch(client, {"credits": 5, "rate_limit": limit, "webhookHmacKey": SECRET})

    assert (account["credits"], account["rate_limit"], account["webhookHmacKey"]) == (5, limit, "set")


def test_a_field_that_is_not_named_stays(client: Client) -> None:
    limit = {"count": 2, "seconds": 1}
    patch(client, {"credits": 5, "rate_limit": limit, "webhookHmacKey": SECRET})

    for body in ({"credits": 6}, {"rate_limit": limit}, {"webhookHmacKey": "another"}):
        account = patch(client, body)

    assert (account["credits"], account["rate_limit"], account["webhookHmacKey"]) == (6, limit, "set")


def test_an_own_limit_travels_with_the_state_and_a_window_does_not(client: Client, control: Control) -> None:
    patch(client, {"rate_limit": {"count": 2, "seconds": 60}})
    fill(client, 2)

    state = control.get("/state")
    assert control.call("PUT", "/state", json=state).status_code == 200

    assert [account["rate_limit"] for account in state["accounts"]] == [{"count": 2, "seconds": 60}]
    assert "rate/" not in json.dumps(state)
    assert submit(client, 3) == ["success", "success", "rate-limited"]


def test_a_state_of_before_there_were_limits_can_be_brought(client: Client, control: Control) -> None:
    patch(client, {"rate_limit": {"count": 2, "seconds": 60}})
    state = control.get("/state")
    del state["accounts"][0]["rate_limit"]

    assert control.call("PUT", "/state", json=state).status_code == 200

    assert control.get("/accounts/k")["rate_limit"] is None


# --- off ---------------------------------------------------------------------------------------------------


def test_off_counts_nothing(make_client: MakeClient) -> None:
    client = make_client(rate_limits="off", quirk=("kie.poll_limit=on",))

    fill(client, 2 * COUNT)

    ids = planted(client, "kie")
    polls = [send(client, "kie", "getMusicDetails", ids=ids).json()["code"] for _ in range(9)]
    assert polls == [200] * 9
    assert "rate-limit" not in [check["check"] for check in newest(client)["checks"]]
    # It can still be asked for.
    assert submit(client, prefer="outcome=rate-limited") == ["rate-limited"]


def test_off_takes_no_limit_and_says_what_to_do(make_client: MakeClient) -> None:
    control = Control(make_client(rate_limits="off"))
    body = {"credits": 5, "rate_limit": {"count": 1, "seconds": 1}}

    status, slug, problem = control.refused("PATCH", "/accounts/k", json=body)

    assert (status, slug) == (409, "rate-limits-off")
    assert "--rate-limits off" in problem["detail"]
    assert control.get("/accounts/k")["credits"] == 1000
    assert patch(control.client, {"credits": 5, "rate_limit": None})["credits"] == 5


def test_off_leaves_a_limit_that_was_brought_without_effect(client: Client, make_client: MakeClient) -> None:
    patch(client, {"rate_limit": {"count": 1, "seconds": 60}})
    free = make_client(rate_limits="off")

    brought = Control(free).call("PUT", "/state", json=Control(client).get("/state"))

    assert brought.status_code == 200
    fill(free, 3)


# --- many at once ------------------------------------------------------------------------------------------


def test_of_many_that_come_at_once_just_the_documented_number_is_accepted(live: Callable[..., str]) -> None:
    url, racers = live(clock="virtual"), 2 * COUNT
    gate = threading.Barrier(racers)

    def run(_: int) -> int:
        with httpx2.Client(base_url=url, headers=credential("kie", "k"), timeout=30) as client:
            gate.wait(30)
            return client.post("/api/v1/generate", json=KIE_SONG).status_code

    with ThreadPoolExecutor(racers) as pool:
        met = Counter(pool.map(run, range(racers)))

    account = httpx2.get(f"{url}/_mock/accounts/k").json()
    assert met == {200: COUNT, 429: COUNT}
    assert (len(account["tasks"]), account["credits"]) == (COUNT, 1000 - COUNT * 12)


# --- kie.poll_limit ----------------------------------------------------------------------------------------


def polls(client: Client, times: int, ids: Any, key: str = "k", **headers: str) -> list[int]:
    """The codes of so many polls."""
    replies = [send(client, "kie", "getMusicDetails", ids=ids, key=key, **headers) for _ in range(times)]
    return [reply.json()["code"] for reply in replies]


def test_polls_are_not_limited_unless_that_is_asked_for(client: Client) -> None:
    assert polls(client, 10, planted(client, "kie")) == [200] * 10


def test_the_4th_poll_of_a_task_in_a_second_is_429_under_http_200(poller: Client) -> None:
    ids = planted(poller, "kie")
    assert polls(poller, 3, ids) == [200] * 3

    reply = send(poller, "kie", "getMusicDetails", ids=ids)

    assert (reply.status_code, reply.json()) == (200, REFUSED)
    entry = newest(poller)
    assert (entry["outcome"], entry["because"]) == ("rate-limited", "state")
    facts = {"limit": {"count": 3, "seconds": 1}, "accepted": 3, "free_at": "2026-01-01T00:00:01Z"}
    assert entry["checks"][-1] == {"check": "rate-limit", "ok": False, "facts": facts}


def test_polls_pass_again_after_a_second_and_refused_ones_do_not_count(poller: Client) -> None:
    ids = planted(poller, "kie")
    assert polls(poller, 6, ids) == [200] * 3 + [429] * 3

    codes = []
    for seconds in (0.999999, 0.000001):
        advance(poller, seconds)
        codes += polls(poller, 4, ids)

    assert codes == [429] * 4 + [200] * 3 + [429]


def test_each_task_is_polled_for_itself(poller: Client) -> None:
    one, other = planted(poller, "kie"), planted(poller, "kie")

    codes = [*polls(poller, 4, one), *polls(poller, 4, other), *polls(poller, 4, planted(poller, "kie"))]

    assert codes == [200, 200, 200, 429] * 3


def test_a_poll_of_nobodys_or_somebody_elses_task_is_not_counted(poller: Client) -> None:
    ids = planted(poller, "kie", key="owner")

    # kie answers both with code 200 and no data.
    assert polls(poller, 9, {}) == [200] * 9
    assert polls(poller, 9, ids, key="stranger") == [200] * 9
    assert polls(poller, 4, ids, key="owner") == [200, 200, 200, 429]
    assert polls(poller, 1, ids, key="stranger") == [200]


def test_a_poll_that_names_no_task_is_invalid_however_often_it_comes(poller: Client) -> None:
    path, bearer = "/api/v1/generate/record-info", credential("kie", "k")

    outcomes = [poller.get(path, headers=bearer).headers.get("x-mock-outcome") for _ in range(5)]

    assert outcomes == ["invalid"] * 5


@pytest.mark.parametrize("task", ["1", "0", "", "%00", "a/b", "%ED%A0%80"])
def test_whatever_a_task_is_called_it_is_no_other_window(poller: Client, task: str) -> None:
    fill(poller, 3)

    replies = [
        poller.get(f"/api/v1/generate/record-info?taskId={task}", headers=credential("kie", "k"))
        for _ in range(5)
    ]

    assert {reply.headers["x-mock-outcome"] for reply in replies} <= {"not-found", "invalid"}


def test_a_poll_that_was_asked_for_skips_the_limit_and_counts(poller: Client) -> None:
    ids = planted(poller, "kie")

    assert polls(poller, 5, ids, prefer="outcome=success") == [200] * 5
    assert polls(poller, 1, ids) == [429]


def test_polls_and_submissions_are_counted_apart(poller: Client) -> None:
    ids = planted(poller, "kie")
    assert polls(poller, 4, ids) == [200, 200, 200, 429]

    fill(poller)

    assert polls(poller, 1, planted(poller, "kie")) == [200]


def test_a_limit_of_polls_can_be_mirrored(make_client: MakeClient) -> None:
    client = make_client(quirk=("kie.poll_limit=on",), status="http")
    ids = planted(client, "kie")

    replies = [send(client, "kie", "getMusicDetails", ids=ids).status_code for _ in range(4)]

    assert replies == [200, 200, 200, 429]


def test_a_refused_poll_does_not_move_a_task_that_polls_move(make_client: MakeClient) -> None:
    client = make_client(quirk=("kie.poll_limit=on",), pace="polls:1")
    task = send(client, "kie", "generateMusic").json()["data"]["taskId"]

    def states() -> Iterator[str | None]:
        for _ in range(5):
            data = send(client, "kie", "getMusicDetails", ids={KIE_PERSONA["taskId"]: task}).json()["data"]
            yield data["status"] if data else None

    first = list(states())
    advance(client, 1)

    assert first == ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", None, None]
    assert list(states()) == ["SUCCESS", "SUCCESS", "SUCCESS", None, None]


# --- the key that signs callbacks --------------------------------------------------------------------------


def test_a_webhook_key_is_set_and_taken_away_and_never_shown(client: Client, control: Control) -> None:
    kept = patch(client, {"webhookHmacKey": SECRET}), control.get("/accounts/k")
    state, journal = control.get("/state"), control.get("/requests?full=true")
    gone = patch(client, {"webhookHmacKey": None}), control.get("/accounts/k")

    assert [account["webhookHmacKey"] for account in (*kept, *gone)] == ["set", "set", None, None]
    assert SECRET not in json.dumps([kept, gone, state, journal])
    assert control.get("/accounts/other")["webhookHmacKey"] is None


def test_a_webhook_key_stays_when_a_state_is_brought_and_goes_with_a_reset(
    client: Client, control: Control
) -> None:
    empty = control.get("/state")
    patch(client, {"webhookHmacKey": SECRET})

    brought = control.call("PUT", "/state", json=empty)
    stayed = control.get("/accounts/k")["webhookHmacKey"]
    control.post("/reset")

    assert (brought.status_code, stayed) == (200, "set")
    assert control.get("/accounts/k")["webhookHmacKey"] is None


@pytest.mark.parametrize("key", ["x", "é" * 1000, " "])
def test_any_text_of_a_sensible_length_is_a_webhook_key(client: Client, key: str) -> None:
    assert patch(client, {"webhookHmacKey": key})["webhookHmacKey"] == "set"


@pytest.mark.parametrize(
    "body",
    [
        '{"webhookHmacKey": ["%s"]}',
        '{"webhookHmacKey": {"key": "%s"}}',
        '{"webhookHmacKey": {"%s": 1}}',
        '{"webhookHmacKey": "%s' + "x" * 1000 + '"}',
        '{"webhookHmacKey": "%s", "webhookHmackey": "%s"}',
        '{"credits": -1, "webhookHmacKey": "%s"}',
        '{"rate_limit": 1, "webhookHmacKey": "%s"}',
        '{"webhookHmacKey": "%s", "webhookHmacKey": 5}',
        '{"webhookHmacKey": "%s"',
        '{"webhookHmacKey": "%s\\ud800"}',
        '[{"webhookHmacKey": "%s"}]',
    ],
)
def test_a_refusal_does_not_tell_the_key_that_came(
    client: Client, control: Control, capsys: pytest.CaptureFixture[str], body: str
) -> None:
    reply = control.call("PATCH", "/accounts/k", content=body.replace("%s", SECRET))

    printed = capsys.readouterr()
    assert (reply.status_code, reply.headers["x-mock-error"]) == (422, "bad-control-request")
    assert SECRET not in reply.text + str(reply.headers) + printed.out + printed.err
    assert control.get("/accounts/k")["webhookHmacKey"] is None


@pytest.mark.parametrize("key", ["", 5, True])
def test_what_is_no_text_is_no_webhook_key(control: Control, key: Any) -> None:
    status, slug, problem = control.refused("PATCH", "/accounts/k", json={"webhookHmacKey": key})

    assert (status, slug, problem["field"]) == (422, "bad-control-request", "webhookHmacKey")
