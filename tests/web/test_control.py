"""The control API: its calls, its own document, and what it says to a request that cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockserver import __version__
from mockserver.web.control.dispatch import HANDLERS
from tests.conftest import Client, MakeClient
from tests.specs import reading
from tests.web.steering import DOCUMENT, Control

KEY = {"Authorization": "Bearer key"}
CREDIT = "/kie/api/v1/chat/credit"
PERSONA = "/kie/api/v1/generate/generate-persona"
PROVIDERS = ["crun", "evolink", "kie", "yuto"]

OWN = """
openapi: 3.0.3
info: {title: Own things, version: 2024-05-01}
paths:
  /things:
    get:
      operationId: listThings
      responses:
        '200': {description: all}
        '404': {description: none}
    post:
      responses:
        '200':
          description: made
          content: {application/json: {example: {made: 2024-05-01}}}
"""


@pytest.fixture
def client(fresh: Client) -> Client:
    """A sandbox of its own is as good as a server of its own."""
    return fresh


# --- its document ------------------------------------------------------------------------------------------


def test_the_control_api_shows_its_own_document(shared: Client) -> None:
    assert Control(shared).get("/openapi.json") == DOCUMENT


def test_its_document_is_valid(shared: Client) -> None:
    OpenAPIV31SpecValidator(Control(shared).get("/openapi.json")).validate()


def test_its_document_describes_every_call_and_no_other() -> None:
    described = {
        operation["operationId"]
        for item in DOCUMENT["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    }

    assert described == {*HANDLERS, "showOpenapi"}


def test_its_document_is_the_same_in_every_sandbox(shared: Client) -> None:
    assert Control(shared, "alice").get("/openapi.json") == DOCUMENT


# --- health and documents ----------------------------------------------------------------------------------


def test_health_tells_version_providers_and_store(client: Client) -> None:
    assert Control(client).get("/health") == {
        "status": "ok",
        "version": __version__,
        "providers": PROVIDERS,
        "store": "memory",
    }


def test_head_asks_whether_it_is_up(shared: Client) -> None:
    reply = shared.request("HEAD", "/_mock/health")

    assert (reply.status_code, reply.content) == (200, b"")


def test_the_documents_are_listed_with_their_operations(shared: Client) -> None:
    listed = Control(shared).get("/specs")["specs"]

    assert [line["provider"] for line in listed] == PROVIDERS
    evolink = next(line for line in listed if line["provider"] == "evolink")
    assert evolink["operations"] == ["generateMusic", "generatePersona", "getTask", "getCredits"]
    assert (evolink["openapi"], evolink["url"]) == ("3.1.0", "/_mock/specs/evolink")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_document_is_shown_as_it_is_served(shared: Client, provider: str) -> None:
    shown = Control(shared).get(f"/specs/{provider}")

    assert shown == reading.document(provider)


def test_a_document_of_ones_own_is_shown_dates_and_all(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    control = Control(make_client(specs=(folder(own=OWN),)))

    (line,) = control.get("/specs")["specs"]
    shown = control.get("/specs/own")

    assert (line["title"], line["version"], line["openapi"]) == ("Own things", "2024-05-01", "3.0.3")
    assert line["operations"] == ["listThings", "POST /things"]
    assert shown["paths"]["/things"]["post"]["responses"]["200"]["content"]["application/json"] == {
        "example": {"made": "2024-05-01"}
    }


def test_an_unknown_document_names_the_known_ones(shared: Client) -> None:
    status, slug, problem = Control(shared).refused("GET", "/specs/nobody")

    assert (status, slug) == (404, "not-found")
    assert "crun, evolink, kie, yuto" in problem["detail"]


# --- outcomes ----------------------------------------------------------------------------------------------


def outcome(client: Client, path: str = CREDIT, body: Any = None) -> str:
    reply = client.post(path, json=body, headers=KEY) if body else client.get(path, headers=KEY)
    return str(reply.headers["x-mock-outcome"])


def test_an_outcome_is_queued_once_unless_said_otherwise(client: Client) -> None:
    added = Control(client).post("/outcomes", {"outcome": "maintenance"})

    assert {**added, "id": ""} == {
        "id": "",
        "provider": None,
        "operation": None,
        "outcome": "maintenance",
        "times": 1,
        "left": 1,
    }
    assert [outcome(client), outcome(client)] == ["maintenance", "success"]


def test_what_is_left_of_an_outcome_is_listed(client: Client) -> None:
    control = Control(client)
    control.post("/outcomes", {"provider": "kie", "outcome": "maintenance", "times": 3})
    outcome(client)

    (listed,) = control.get("/outcomes")["outcomes"]

    assert (listed["times"], listed["left"]) == (3, 2)


def test_a_used_up_outcome_is_gone(client: Client) -> None:
    Control(client).post("/outcomes", {"outcome": "maintenance"})
    outcome(client)

    assert Control(client).get("/outcomes") == {"outcomes": []}


def test_outcomes_are_listed_oldest_first_with_what_they_were_given(client: Client) -> None:
    control = Control(client)
    first = control.post("/outcomes", {"outcome": "maintenance", "delay": 0.001, "match": {"name": "Neon"}})
    second = control.post(
        "/outcomes", {"provider": "kie", "operation": "getCredits", "outcome": "maintenance", "times": None}
    )

    assert control.get("/outcomes")["outcomes"] == [first, second]
    assert (first["delay"], first["match"]) == (0.001, {"name": "Neon"})
    assert (second["provider"], second["operation"]) == ("kie", "getCredits")
    assert (second["times"], second["left"]) == (None, None)


def test_whole_numbers_may_be_written_with_a_point(client: Client) -> None:
    added = Control(client).call("POST", "/outcomes", content=b'{"outcome": "maintenance", "times": 2.0}')

    assert '"times":2,' in added.text


def test_one_outcome_is_deleted_by_its_id(client: Client) -> None:
    control = Control(client)
    gone = control.post("/outcomes", {"outcome": "maintenance"})["id"]
    kept = control.post("/outcomes", {"outcome": "server-error"})["id"]

    assert control.delete(f"/outcomes/{gone}") == {"deleted": 1}

    assert [listed["id"] for listed in control.get("/outcomes")["outcomes"]] == [kept]
    assert outcome(client) == "server-error"


def test_all_outcomes_are_deleted_at_once(client: Client) -> None:
    control = Control(client)
    control.post("/outcomes", {"outcome": "maintenance"})
    control.post("/outcomes", {"outcome": "maintenance", "times": None})

    assert control.delete("/outcomes") == {"deleted": 2}

    assert control.get("/outcomes") == {"outcomes": []}
    assert outcome(client) == "success"


@pytest.mark.parametrize("unknown", ["out_0", "%2F", "%00", "x" * 500])
def test_an_unknown_outcome_cannot_be_deleted(shared: Client, unknown: str) -> None:
    reply = shared.delete(f"/_mock/outcomes/{unknown}")

    assert (reply.status_code, reply.headers["x-mock-error"]) == (404, "not-found")


def test_an_outcome_of_a_document_of_ones_own_may_be_a_number(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    client = make_client(specs=(folder(own=OWN),))

    Control(client).post("/outcomes", {"outcome": "http-404"})

    assert client.get("/things").status_code == 404


# --- bad input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"outcome": "no-such-thing"}, "outcome"),
        ({"outcome": ""}, "outcome"),
        ({"outcome": "http-404"}, "outcome"),
        ({"outcome": "duplicate", "provider": "yuto"}, "outcome"),
        ({"outcome": "duplicate", "provider": "kie", "operation": "getCredits"}, "outcome"),
        ({"outcome": "duplicate", "provider": "suno"}, "provider"),
        ({"outcome": "duplicate", "provider": ""}, "provider"),
        ({"outcome": "duplicate", "operation": "makePersona"}, "operation"),
        ({"outcome": "duplicate", "provider": "kie", "operation": "createTask"}, "operation"),
        ({"outcome": 409}, "outcome"),
        ({"outcome": None}, "outcome"),
        ({"outcome": "duplicate", "provider": 7}, "provider"),
        ({"outcome": "duplicate", "operation": ["generatePersona"]}, "operation"),
        ({"outcome": "duplicate", "times": 0}, "times"),
        ({"outcome": "duplicate", "times": -1}, "times"),
        ({"outcome": "duplicate", "times": 1.5}, "times"),
        ({"outcome": "duplicate", "times": "1"}, "times"),
        ({"outcome": "duplicate", "times": 10**12}, "times"),
        ({"outcome": "duplicate", "delay": -0.1}, "delay"),
        ({"outcome": "duplicate", "delay": "1"}, "delay"),
        ({"outcome": "duplicate", "delay": 1e9}, "delay"),
        ({"outcome": "duplicate", "operations": "generatePersona"}, "operations"),
        ({"provider": "kie"}, "outcome"),
        ({}, "outcome"),
        ([], "body"),
        ("duplicate", "body"),
        (None, "body"),
    ],
)
def test_an_outcome_that_cannot_be_is_refused_by_its_field(shared: Client, body: Any, field: str) -> None:
    control = Control(shared, "refusing")

    status, slug, problem = control.refused("POST", "/outcomes", content=json.dumps(body))

    assert (status, slug, problem["field"]) == (422, "bad-control-request", field)
    assert problem["detail"].startswith(f"{field}: ")
    assert control.get("/outcomes") == {"outcomes": []}


def allowed(client: Client, body: Any) -> Any:
    _, _, problem = Control(client).refused("POST", "/outcomes", json=body)
    if isinstance(problem["allowed"], list):
        assert ", ".join(problem["allowed"]) in problem["detail"]
    return problem["allowed"]


def test_a_refused_outcome_names_those_that_are_possible_there(shared: Client) -> None:
    at_credits = {"outcome": "duplicate", "provider": "kie", "operation": "getCredits"}

    assert allowed(shared, at_credits) == ["success", "unauthorized", "maintenance", "server-error"]
    assert {"duplicate", "maintenance"} <= set(allowed(shared, {"outcome": "no-such-thing"}))
    assert "duplicate" not in allowed(shared, {"outcome": "no-such-thing", "provider": "yuto"})


def test_a_refused_provider_or_operation_names_those_there_are(shared: Client) -> None:
    assert allowed(shared, {"outcome": "duplicate", "provider": "suno"}) == PROVIDERS
    evolink = {"outcome": "duplicate", "provider": "evolink", "operation": "createTask"}
    assert allowed(shared, evolink) == ["generateMusic", "generatePersona", "getTask", "getCredits"]


def test_a_refused_value_or_field_names_what_would_do(shared: Client) -> None:
    fields = ["outcome", "provider", "operation", "times", "match", "delay", "error"]

    assert allowed(shared, {"outcome": "duplicate", "times": 0}) == {"minimum": 1}
    assert allowed(shared, {"outcome": "duplicate", "delay": "1"}) == {"type": ["number", "null"]}
    assert allowed(shared, {"outcome": "duplicate", "operations": "x"}) == fields
    assert allowed(shared, {}) == fields


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"outcome=duplicate",
        b'{"outcome": NaN}',
        b'{"outcome": "duplicate", "delay": Infinity}',
        b'{"outcome": "duplicate", "delay": 1e999}',
        b'{"outcome": "\xff"}',
        b'{"outcome": "\\ud800"}',
        b"[" * 100_000,
        b'{"match": ' + b'{"a":' * 70 + b"1" + b"}" * 71,
    ],
)
def test_a_body_that_is_no_json_is_refused(shared: Client, content: bytes) -> None:
    status, slug, problem = Control(shared).refused("POST", "/outcomes", content=content)

    assert (status, slug, problem["field"]) == (422, "bad-control-request", "body")


def test_a_field_given_twice_is_refused(shared: Client) -> None:
    _, _, problem = Control(shared).refused(
        "POST", "/outcomes", content=b'{"outcome": "duplicate", "outcome": "maintenance"}'
    )

    assert problem["field"] == "outcome"


def test_a_form_is_refused_as_no_json(shared: Client) -> None:
    status, slug, problem = Control(shared).refused("POST", "/outcomes", data={"outcome": "duplicate"})

    assert (status, slug, problem["field"]) == (422, "bad-control-request", "body")


def test_json_that_curl_calls_a_form_is_read(shared: Client) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}

    reply = Control(shared, "curled").call(
        "POST", "/outcomes", content=b'{"outcome": "maintenance"}', headers=kind
    )

    assert reply.json()["outcome"] == "maintenance"


def test_a_body_without_a_kind_is_read_as_json(shared: Client) -> None:
    reply = Control(shared, "kindless").call("POST", "/outcomes", content=b'{"outcome": "maintenance"}')

    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("provider=suno", "provider"),
        ("operation=makePersona", "operation"),
        ("provider=kie&operation=createTask", "operation"),
        ("outcome=no-such-thing", "outcome"),
        ("outcome=http-banana", "outcome"),
        ("violations=maybe", "violations"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("limit=1.5", "limit"),
        ("full=1", "full"),
        ("provder=kie", "provder"),
        ("provider=kie&page=2", "page"),
    ],
)
def test_a_filter_that_cannot_be_is_refused_by_its_name(shared: Client, query: str, field: str) -> None:
    status, slug, problem = Control(shared).refused("GET", f"/requests?{query}")

    assert (status, slug, problem["field"]) == (422, "bad-control-request", field)
    assert problem["detail"].startswith(f"{field}: ")


def test_a_refused_filter_names_what_is_allowed(shared: Client) -> None:
    def named(query: str) -> Any:
        return Control(shared).refused("GET", f"/requests?{query}")[2]["allowed"]

    assert named("provider=suno") == PROVIDERS
    assert named("provider=evolink&operation=x") == [
        "generateMusic",
        "generatePersona",
        "getTask",
        "getCredits",
    ]
    assert "duplicate" in named("outcome=x")
    assert named("violations=maybe") == {"type": "boolean"}
    assert named("limit=0") == {"minimum": 1}
    assert named("page=2") == ["provider", "operation", "outcome", "violations", "limit", "full"]


def test_a_huge_limit_is_no_fault(shared: Client) -> None:
    assert Control(shared, "huge").requests(limit=10**300) == []
