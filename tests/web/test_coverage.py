"""Response coverage: of all documented outcomes and task states, which have been met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockserver.coverage import Documented, report
from tests.conftest import Client, MakeClient
from tests.specs import reading
from tests.web.calls import OUTCOMES, PROVIDERS
from tests.web.steering import Control

KEY = {"Authorization": "Bearer key"}
CREDIT = "/kie/api/v1/chat/credit"
PERSONA = "/kie/api/v1/generate/generate-persona"

OWN = """
openapi: 3.1.0
info: {title: Own, version: '1'}
paths:
  /things:
    post:
      operationId: addThing
      security: [{key: []}]
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [a]}}}}
      responses:
        '201': {description: added}
        '401': {description: who}
        '422': {description: what}
        '404': {description: where}
        '5XX': {description: down}
  /plain:
    get:
      operationId: getPlain
      responses: {'200': {description: fine}}
components:
  securitySchemes: {key: {type: http, scheme: bearer}}
"""


@pytest.fixture
def client(fresh: Client) -> Client:
    """A sandbox of its own is as good as a server of its own."""
    return fresh


def counts(client: Client, provider: str, operation: str, kind: str = "outcomes") -> dict[str, int]:
    """What an operation has met, without the zeros."""
    shown = Control(client).get("/coverage")["providers"][provider]["operations"][operation][kind]
    return {name: count for name, count in shown.items() if count}


# --- shape -------------------------------------------------------------------------------------------------


def test_every_documented_pair_is_there_from_the_start(client: Client) -> None:
    shown = Control(client).get("/coverage")

    assert list(shown) == ["covered", "total", "percent", "providers"]
    assert (shown["covered"], shown["percent"]) == (0, 0.0)
    found = {
        (provider, operation): dict(kinds["outcomes"])
        for provider, part in shown["providers"].items()
        for operation, kinds in part["operations"].items()
    }
    assert found == {pair: dict.fromkeys(names, 0) for pair, names in OUTCOMES.items()}


def documented_states(provider: str, operation: str) -> set[str]:
    """The states that a plain reading of the document finds."""
    examples = reading.reply_examples(reading.operations(provider)[operation])
    return {e.marks["x-state"] for e in examples if "x-state" in e.marks and "x-quirk" not in e.marks}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_documented_state_is_there_from_the_start(shared: Client, provider: str) -> None:
    operations = Control(shared, "untouched").get("/coverage")["providers"][provider]["operations"]

    for name, kinds in operations.items():
        assert list(kinds) == ["outcomes", "states"]
        assert kinds["states"] == dict.fromkeys(documented_states(provider, name), 0)


def test_the_total_counts_outcomes_and_states(shared: Client) -> None:
    states = sum(len(documented_states(*pair)) for pair in OUTCOMES)

    shown = Control(shared, "untouched").get("/coverage")

    assert states > 0
    assert shown["total"] == sum(len(names) for names in OUTCOMES.values()) + states


# --- counting ----------------------------------------------------------------------------------------------


def test_an_answer_counts_whatever_its_reason(client: Client) -> None:
    control = Control(client)
    client.get(CREDIT, headers=KEY)
    client.get(CREDIT, headers={**KEY, "Prefer": "outcome=maintenance"})
    control.post("/outcomes", {"outcome": "maintenance"})
    client.get(CREDIT, headers=KEY)
    control.post("/outcomes", {"outcome": "server-error", "times": None})
    client.get(CREDIT, headers=KEY)
    control.delete("/outcomes")
    client.get(CREDIT, headers={"Authorization": "Bearer mock-unauthorized"})
    client.get(CREDIT)

    assert counts(client, "kie", "getCredits") == {
        "success": 1,
        "unauthorized": 2,
        "maintenance": 2,
        "server-error": 1,
    }
    assert Control(client).get("/coverage")["covered"] == 4


def test_operations_of_one_path_are_counted_apart(client: Client) -> None:
    path = "/evolink/v1/audios/generations"
    client.post(path, json={"model": "suno-persona"}, headers={**KEY, "Prefer": "outcome=duplicate"})
    client.post(path, json={"model": "suno-v5-beta", "prompt": "x"}, headers=KEY)

    assert counts(client, "evolink", "generatePersona") == {"duplicate": 1}
    assert counts(client, "evolink", "generateMusic") == {"success": 1}


def test_a_state_is_counted_like_an_outcome(client: Client) -> None:
    song = Control(client).post("/tasks", {"provider": "evolink", "key": "key"})
    client.get(f"/evolink/v1/tasks/{song['source_task']}", headers=KEY)
    client.get(f"/evolink/v1/tasks/{song['source_task']}", headers=KEY)

    assert counts(client, "evolink", "getTask") == {"success": 2}
    assert counts(client, "evolink", "getTask", "states") == {"completed": 2}
    assert Control(client).get("/coverage")["covered"] == 2


def test_a_state_asked_for_by_its_example_is_counted(client: Client) -> None:
    examples = reading.reply_examples(reading.operations("evolink")["getTask"])
    name = next(e.name for e in examples if e.marks.get("x-state") == "pending")

    client.get(
        "/evolink/v1/tasks/task-unified-1774170584-su75smg7", headers={**KEY, "Prefer": f"example={name}"}
    )

    assert counts(client, "evolink", "getTask", "states") == {"pending": 1}


@pytest.mark.parametrize(
    "call", [("GET", "/no/such/path", {}), ("DELETE", CREDIT, {}), ("GET", CREDIT, {"Prefer": "code=418"})]
)
def test_an_answer_of_the_mock_itself_counts_for_nothing(
    client: Client, call: tuple[str, str, dict[str, str]]
) -> None:
    method, path, headers = call
    client.request(method, path, headers={**KEY, **headers})

    assert Control(client).get("/coverage")["covered"] == 0


def test_clearing_the_journal_keeps_the_coverage(client: Client) -> None:
    client.get(CREDIT, headers=KEY)

    Control(client).delete("/requests")

    assert counts(client, "kie", "getCredits") == {"success": 1}


def test_coverage_outlives_what_the_journal_keeps(make_client: MakeClient) -> None:
    client = make_client(journal_size=1)
    for _ in range(4):
        client.get(CREDIT, headers=KEY)

    assert counts(client, "kie", "getCredits") == {"success": 4}


# --- a document of one's own -------------------------------------------------------------------------------


@pytest.fixture
def own(make_client: MakeClient, folder: Callable[..., str]) -> Client:
    """A client of a document without marks."""
    return make_client(specs=(folder(own=OWN),))


def test_a_document_without_marks_has_these_pairs(own: Client) -> None:
    assert Control(own).get("/coverage") == {
        "covered": 0,
        "total": 6,
        "percent": 0.0,
        "providers": {
            "own": {
                "operations": {
                    "addThing": {
                        "outcomes": {
                            "success": 0,
                            "unauthorized": 0,
                            "invalid": 0,
                            "http-404": 0,
                            "http-5XX": 0,
                        },
                        "states": {},
                    },
                    "getPlain": {"outcomes": {"success": 0}, "states": {}},
                }
            }
        },
    }


def test_numbers_of_one_range_meet_the_range(own: Client) -> None:
    replies = [own.post("/things", headers={"Prefer": f"code={code}"}) for code in (502, 503, 404)]

    assert [r.headers["x-mock-outcome"] for r in replies] == ["http-502", "http-503", "http-404"]
    assert counts(own, "own", "addThing") == {"http-5XX": 2, "http-404": 1}


def test_percent_is_the_share_of_what_was_met(own: Client) -> None:
    def percent(call: Callable[[], Any]) -> float:
        call()
        shown = Control(own).get("/coverage")
        return float(shown["percent"])

    good = {"json": {"a": 1}, "headers": KEY}
    steps = [
        percent(lambda: own.post("/things", **good)),
        percent(lambda: own.post("/things", **good)),
        percent(lambda: own.post("/things", json={"a": 1})),
        percent(lambda: own.post("/things", json={}, headers=KEY)),
        percent(lambda: own.post("/things", headers={"Prefer": "code=404"})),
        percent(lambda: own.post("/things", headers={"Prefer": "code=500"})),
        percent(lambda: own.get("/plain")),
    ]

    assert steps == [16.7, 16.7, 33.3, 50.0, 66.7, 83.3, 100.0]


def test_nearly_all_is_not_a_hundred_percent() -> None:
    names = tuple(f"http-{number}" for number in range(5000))
    documented = [Documented("own", "getPlain", names, ())]

    shown = report(documented, {("outcomes", "own", "getPlain", name): 1 for name in names[1:]})

    assert (shown["covered"], shown["total"], shown["percent"]) == (4999, 5000, 99.9)


def test_where_nothing_is_documented_all_is_met() -> None:
    assert report([], {}) == {"covered": 0, "total": 0, "percent": 100.0, "providers": {}}
