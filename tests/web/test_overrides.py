"""Queued and standing outcomes and magic keys: which one a call meets, and what that leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.conftest import Client
from tests.store.table import STORES
from tests.web.calls import (
    CALLS,
    KIE_PERSONA,
    PROVIDERS,
    about,
    credential,
    planted,
    sandbox_of,
    send,
    shared_app,
)

Outcomes = Callable[..., list[str | None]]


@pytest.fixture(scope="module", params=sorted(STORES))
def app(request: pytest.FixtureRequest) -> Any:
    return shared_app(STORES[request.param](log_size=1000))


class Owner(Client):
    """A client whose key `k` has finished songs, so that a persona of one is made and not refused."""

    def __init__(self, app: Any, sandbox: str) -> None:
        super().__init__(app, {"x-mock-sandbox": sandbox})
        self.ids = {**planted(self, "kie"), **planted(self, "yuto")}


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Owner:
    return Owner(app, sandbox_of(request.node.nodeid))


def queue(client: Client, outcome: str, **more: Any) -> str:
    """Ask for an outcome ahead of the call; its id."""
    answer = client.post("/_mock/outcomes", json={"outcome": outcome, **more})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def met(client: Owner, count: int, provider: str = "kie", operation: str = "generatePersona") -> list[str]:
    """The outcomes of so many calls."""
    calls = (send(client, provider, operation, ids=client.ids) for _ in range(count))
    return [answer.headers["x-mock-outcome"] for answer in calls]


def waiting(client: Client) -> list[tuple[str, int | None]]:
    """What GET shows: each outcome and how often it is left."""
    return [(item["outcome"], item["left"]) for item in client.get("/_mock/outcomes").json()["outcomes"]]


def newest(client: Client) -> Any:
    """The newest entry of the journal."""
    return client.get("/_mock/requests?limit=1").json()["requests"][0]


# --- which one wins ----------------------------------------------------------------------------------------


def test_asked_comes_before_queued_before_standing_before_magic_before_state(client: Owner) -> None:
    def call(**headers: str) -> tuple[str, str]:
        answer = send(client, "kie", "generatePersona", key="mock-invalid", **headers)
        return answer.headers["x-mock-outcome"], newest(client)["because"]

    queue(client, "duplicate")
    queue(client, "maintenance", times=None)

    assert call(prefer="outcome=access-denied") == ("access-denied", "asked")
    assert call() == ("duplicate", "queued")
    assert call() == ("maintenance", "standing")
    client.delete("/_mock/outcomes")
    assert call() == ("invalid", "magic-key")
    assert met(client, 1) == ["success"]
    assert newest(client)["because"] == "state"


def test_a_preference_uses_nothing_up(client: Client) -> None:
    queue(client, "duplicate")

    send(client, "kie", "generatePersona", prefer="outcome=maintenance")
    send(client, "kie", "generatePersona", prefer="outcome=no-such-thing")

    assert waiting(client) == [("duplicate", 1)]


def test_a_preference_that_asks_for_no_answer_leaves_the_queue_its_turn(client: Client) -> None:
    queue(client, "duplicate")

    answer = send(client, "kie", "generatePersona", prefer="delay=0, dynamic=true")

    assert answer.headers["x-mock-outcome"] == "duplicate"


def test_an_outcome_comes_before_every_check_of_the_state(client: Client) -> None:
    queue(client, "success")

    answer = client.post(CALLS["kie", "generatePersona"].path, content=b"{]")

    assert (answer.headers["x-mock-outcome"], answer.json()["code"]) == ("success", 200)


# --- in which order ----------------------------------------------------------------------------------------


def test_queued_outcomes_are_met_in_the_order_of_their_coming(client: Owner) -> None:
    for outcome in ("duplicate", "maintenance", "duplicate", "source-failed"):
        queue(client, outcome, provider="kie", operation="generatePersona")

    outcomes = met(client, 5)

    assert outcomes == ["duplicate", "maintenance", "duplicate", "source-failed", "success"]


def test_more_than_a_page_of_queued_outcomes_keeps_its_order(client: Owner) -> None:
    for number in range(60):
        queue(client, "duplicate", operation="generatePersona", match={"name": f"no {number}"})
    queue(client, "maintenance", operation="generatePersona")
    queue(client, "duplicate", operation="generatePersona")

    assert met(client, 3) == ["maintenance", "duplicate", "success"]


def test_the_newest_standing_outcome_wins_until_it_is_deleted(client: Owner) -> None:
    queue(client, "maintenance", times=None)
    newer = queue(client, "server-error", times=None)

    assert met(client, 2) == ["server-error", "server-error"]
    client.delete(f"/_mock/outcomes/{newer}")
    assert met(client, 2) == ["maintenance", "maintenance"]
    assert waiting(client) == [("maintenance", None)]


def test_a_queued_outcome_comes_before_an_older_and_a_newer_standing_one(client: Owner) -> None:
    queue(client, "maintenance", times=None)
    queue(client, "duplicate")
    queue(client, "server-error", times=None)

    assert met(client, 2) == ["duplicate", "server-error"]


# --- how often ---------------------------------------------------------------------------------------------


def test_times_are_counted_down_and_shown(client: Owner) -> None:
    queue(client, "duplicate", times=3)

    shown = []
    for _ in range(3):
        shown.append(waiting(client))
        met(client, 1)

    assert shown == [[("duplicate", 3)], [("duplicate", 2)], [("duplicate", 1)]]
    assert waiting(client) == []
    assert met(client, 1) == ["success"]


def test_without_times_an_outcome_is_met_once(client: Owner) -> None:
    queue(client, "duplicate")

    assert met(client, 2) == ["duplicate", "success"]


def test_an_outcome_passes_by_operations_that_do_not_document_it(client: Owner) -> None:
    queue(client, "duplicate", provider="kie")

    assert met(client, 2, operation="generateMusic") == ["success", "success"]
    assert met(client, 1, operation="getCredits") == ["success"]
    assert waiting(client) == [("duplicate", 1)]
    assert met(client, 2) == ["duplicate", "success"]


def test_an_outcome_without_operation_is_used_up_wherever_it_is_met(client: Owner) -> None:
    queue(client, "maintenance", provider="kie", times=2)

    assert met(client, 1, operation="generateMusic") == ["maintenance"]
    assert met(client, 1, operation="getCredits") == ["maintenance"]
    assert met(client, 1) == ["success"]


def test_an_outcome_without_provider_is_for_all_of_them(client: Client) -> None:
    queue(client, "server-error", operation="generatePersona", times=4)

    answers = [send(client, provider, "generatePersona") for provider in PROVIDERS]

    assert [answer.headers["x-mock-outcome"] for answer in answers] == ["server-error"] * 4
    assert [answer.status_code for answer in answers] == [200, 200, 500, 500]
    assert waiting(client) == []


def test_an_outcome_of_one_provider_is_none_of_another(client: Owner) -> None:
    queue(client, "server-error", provider="crun")

    assert met(client, 1, "yuto") == ["success"]
    assert met(client, 1, "crun") == ["server-error"]


def test_operations_of_one_path_have_queues_of_their_own(client: Owner) -> None:
    queue(client, "rate-limited", provider="evolink", operation="generatePersona")

    assert met(client, 1, "evolink", "generateMusic") == ["success"]
    assert met(client, 1, "evolink", "generatePersona") == ["rate-limited"]


def test_a_sandbox_has_a_queue_of_its_own(client: Owner, app: Any) -> None:
    queue(client, "duplicate")

    elsewhere = met(Owner(app, sandbox_of("elsewhere")), 1)

    assert elsewhere == ["success"]
    assert met(client, 1) == ["duplicate"]


# --- for which bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "is_met"),
    [
        ({"name": "Electronic Pop Singer"}, True),
        ({"name": "Electronic"}, False),
        ({"style": None}, False),
        ({"name": "Electronic Pop Singer", "taskId": KIE_PERSONA["taskId"]}, True),
        ({"name": "Electronic Pop Singer", "taskId": "another"}, False),
        ({"vocalEnd": 30}, True),
        ({"vocalEnd": 30.0}, True),
        ({"vocalEnd": "30"}, False),
        ({"vocalStart": 0}, True),
        ({"vocalStart": False}, False),
        ({"extra": {"deep": {"er": 1}}}, True),
        ({"extra": {"deep": {"er": 2}}}, False),
        ({"extra": {"list": [{"a": 1}, "x"]}}, True),
        ({"extra": {"list": [{"a": 1}]}}, False),
        ({}, True),
        (None, True),
        ([], False),
        ("name", False),
    ],
)
def test_match_is_a_subset_of_the_body(client: Owner, match: Any, is_met: bool) -> None:
    queue(client, "duplicate", match=about(match, client.ids))
    extra = {"deep": {"er": 1, "or": 2}, "list": [{"a": 1, "b": 2}, "x"]}

    answer = send(
        client,
        "kie",
        "generatePersona",
        json={**KIE_PERSONA, "vocalStart": 0, "vocalEnd": 30, "extra": extra},
        ids=client.ids,
    )

    assert answer.headers["x-mock-outcome"] == ("duplicate" if is_met else "success")
    assert waiting(client) == ([] if is_met else [("duplicate", 1)])


def test_one_that_does_not_match_lets_the_next_in_line_be_met(client: Owner) -> None:
    queue(client, "duplicate", match={"name": "Somebody else"})
    queue(client, "maintenance")

    assert met(client, 2) == ["maintenance", "success"]
    assert waiting(client) == [("duplicate", 1)]


def test_a_standing_match_splits_the_traffic(client: Owner) -> None:
    queue(client, "duplicate", times=None, match={"name": "Twice"})

    answers = [
        send(client, "kie", "generatePersona", json={**KIE_PERSONA, "name": name}, ids=client.ids)
        for name in ("Twice", "Once", "Twice")
    ]

    outcomes = [answer.headers["x-mock-outcome"] for answer in answers]
    assert outcomes == ["duplicate", "success", "duplicate"]


@pytest.mark.parametrize("body", [b"", b"{", b'"name"', b"[]", b"null"])
def test_a_match_meets_no_body_that_is_not_an_object(client: Client, body: bytes) -> None:
    queue(client, "duplicate", match={"name": "Neon"})

    answer = client.post(CALLS["kie", "generatePersona"].path, content=body, headers=credential("kie", "k"))

    assert answer.headers["x-mock-outcome"] == "invalid"
    assert waiting(client) == [("duplicate", 1)]


# --- delay -------------------------------------------------------------------------------------------------


def test_the_delay_of_a_queued_outcome_is_waited_for_once(client: Owner) -> None:
    queue(client, "duplicate", delay=0.15)

    began = time.monotonic()
    outcomes = met(client, 1)
    first = time.monotonic() - began

    assert outcomes == ["duplicate"]
    assert 0.15 <= first < 5
    assert met(client, 1) == ["success"]


# --- listing and deleting ----------------------------------------------------------------------------------


def test_an_outcome_is_listed_as_it_was_asked_for(client: Client) -> None:
    wanted = {"provider": "kie", "operation": "generatePersona", "outcome": "duplicate", "times": 2}

    kept = client.post("/_mock/outcomes", json={**wanted, "match": {"name": "Neon"}, "delay": 0.5}).json()

    assert kept == {**wanted, "id": kept["id"], "left": 2, "match": {"name": "Neon"}, "delay": 0.5}
    assert client.get("/_mock/outcomes").json() == {"outcomes": [kept]}


def test_one_is_deleted_by_its_id_and_the_others_stay(client: Owner) -> None:
    queue(client, "duplicate")
    second = queue(client, "maintenance")
    queue(client, "source-failed")

    answer = client.delete(f"/_mock/outcomes/{second}")

    assert answer.json() == {"deleted": 1}
    assert met(client, 3) == ["duplicate", "source-failed", "success"]
    assert client.delete(f"/_mock/outcomes/{second}").status_code == 404


def test_all_are_deleted_at_once(client: Owner) -> None:
    queue(client, "duplicate", times=5)
    queue(client, "maintenance", times=None)

    answer = client.delete("/_mock/outcomes")

    assert answer.json() == {"deleted": 2}
    assert (waiting(client), met(client, 1)) == ([], ["success"])


def test_a_used_up_outcome_cannot_be_deleted(client: Owner) -> None:
    used = queue(client, "duplicate")
    met(client, 1)

    assert client.delete(f"/_mock/outcomes/{used}").status_code == 404


# --- what is journaled -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["asked", "queued", "standing", "magic-key"])
def test_an_override_hides_no_violation(client: Client, way: str) -> None:
    headers = {"prefer": "outcome=duplicate"} if way == "asked" else {}
    if way in ("queued", "standing"):
        queue(client, "duplicate", times=None if way == "standing" else 1)
    body = {"taskId": "5c79", "audioId": 7, "name": " "}

    answer = send(
        client,
        "kie",
        "generatePersona",
        key="mock-duplicate" if way == "magic-key" else "k",
        json=body,
        **headers,
    )

    entry = newest(client)
    assert answer.json()["code"] == 409
    assert (entry["outcome"], entry["because"]) == ("duplicate", way)
    assert [(v["pointer"], v["rule"]) for v in entry["violations"]] == [
        ("/body/description", "required"),
        ("/body/audioId", "type"),
        ("/body/name", "pattern"),
    ]
    assert answer.headers["x-mock-violation"] == "/body/description: required"


# --- magic keys --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "operation", "key"),
    [
        ("kie", "getCredits", "mock-duplicate"),
        ("kie", "generateMusic", "mock-vocal-window"),
        ("crun", "getBalance", "mock-access-denied"),
        ("evolink", "generateMusic", "mock-duplicate"),
        ("evolink", "getCredits", "mock-maintenance"),
        ("yuto", "fetchTask", "mock-insufficient-credits"),
        ("kie", "generatePersona", "mock-no-such-outcome"),
        ("kie", "generatePersona", "mock-"),
        ("kie", "generatePersona", "mock-DUPLICATE"),
        ("kie", "generatePersona", "my-mock-duplicate"),
        ("kie", "generatePersona", "mock-duplicate-2"),
        ("kie", "generatePersona", "mock-http-429"),
    ],
)
def test_a_key_that_names_no_outcome_there_is_an_ordinary_account(
    client: Client, provider: str, operation: str, key: str
) -> None:
    ids = planted(client, provider, key)

    answer = send(client, provider, operation, key=key, ids=ids)

    assert answer.headers["x-mock-outcome"] == "success"
    assert newest(client)["because"] == "state"


def test_the_poor_key_is_an_ordinary_account_without_credits(client: Client) -> None:
    ids = planted(client, "kie", "mock-poor")

    balance = send(client, "kie", "getCredits", key="mock-poor")
    refused = send(client, "kie", "generatePersona", key="mock-poor", ids=ids)

    assert (balance.headers["x-mock-outcome"], balance.json()["data"]) == ("success", 0)
    assert refused.headers["x-mock-outcome"] == "insufficient-credits"
    assert newest(client)["because"] == "state"


def test_a_magic_key_refuses_whatever_the_body_is(client: Client) -> None:
    answer = client.post(
        CALLS["crun", "generatePersona"].path, content=b"\xff", headers={"x-api-key": "mock-maintenance"}
    )

    assert answer.json() == {"code": 455, "message": "Service Unavailable", "data": None}


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "bearer mock-duplicate"},
        {"Authorization": "BEARER   mock-duplicate  "},
    ],
)
def test_a_magic_key_is_read_as_any_bearer_token(client: Client, headers: dict[str, str]) -> None:
    call = CALLS["kie", "generatePersona"]

    answer: httpx2.Response = client.post(call.path, json=call.json, headers=headers)

    assert answer.json()["code"] == 409


def test_a_wish_is_granted_where_the_body_does_not_tell_songs_from_personas(client: Client) -> None:
    reply = client.post(
        "/v1/audios/generations",
        headers={"authorization": "Bearer k", "prefer": "outcome=duplicate"},
        content=b"{broken",
    )

    assert reply.headers["x-mock-operation"] == "generatePersona"
    assert reply.headers["x-mock-outcome"] == "duplicate"


def test_a_wish_is_not_granted_against_a_body_that_tells(client: Client) -> None:
    reply = client.post(
        "/v1/audios/generations",
        headers={"authorization": "Bearer k", "prefer": "outcome=duplicate"},
        json={"model": "suno-v5-beta", "prompt": "a song"},
    )

    assert (reply.status_code, reply.headers["x-mock-error"]) == (501, "outcome-undocumented")
