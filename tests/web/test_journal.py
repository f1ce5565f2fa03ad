"""The journal: what came in and went out, in the shape that scripts hold on to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Client, MakeClient
from tests.store.table import STORES
from tests.web.steering import Control

KEY = {"Authorization": "Bearer key"}
CREDIT = "/kie/api/v1/chat/credit"
PERSONA = "/kie/api/v1/generate/generate-persona"
BODY = {"taskId": "t1", "audioId": "a1", "name": "Neon", "description": "Warm night voice"}

BRIEF = ["id", "at", "sandbox", "provider", "operation", "method", "path", "status", "code", "outcome"]
BRIEF += ["because", "violations", "duration_ms"]

OWN = """
openapi: 3.1.0
info: {title: Own, version: '1'}
paths:
  /file:
    post:
      operationId: sendFile
      requestBody: {content: {application/octet-stream: {}, text/plain: {}, application/json: {}}}
      responses: {'200': {description: fine}, '503': {description: down}}
"""


@pytest.fixture
def client(fresh: Client) -> Client:
    """A sandbox of its own is as good as a server of its own."""
    return fresh


def ask(client: Client, path: str = CREDIT, **headers: str) -> Any:
    return client.get(path, headers={**KEY, **headers})


# --- an entry ----------------------------------------------------------------------------------------------


def test_a_brief_entry_has_exactly_the_documented_keys(make_client: MakeClient) -> None:
    client = make_client()
    reply = ask(client)

    (entry,) = Control(client).requests()

    assert list(entry) == BRIEF
    assert {**entry, "duration_ms": 0} == {
        "id": reply.headers["x-mock-request-id"],
        "at": "2026-01-01T00:00:00Z",
        "sandbox": "default",
        "provider": "kie",
        "operation": "getCredits",
        "method": "GET",
        "path": CREDIT,
        "status": 200,
        "code": 200,
        "outcome": "success",
        "because": "state",
        "violations": [],
        "duration_ms": 0,
    }
    assert entry["duration_ms"] > 0


def test_one_entry_adds_request_response_and_checks(client: Client) -> None:
    reply = client.post(f"{PERSONA}?a=1", json=BODY, headers=KEY)

    entry = Control(client).get(f"/requests/{reply.headers['x-mock-request-id']}")

    assert list(entry) == [*BRIEF, "request", "response", "checks"]
    request, response = entry["request"], entry["response"]
    assert (request["method"], request["path"], request["query"]) == ("POST", PERSONA, "a=1")
    assert request["body"] == BODY
    assert ["content-type", "application/json"] in request["headers"]
    assert (response["status"], response["body"]) == (200, reply.json())
    assert ["x-mock-operation", "generatePersona"] in response["headers"]


def test_a_poll_carries_its_state_and_nothing_else_does(client: Client) -> None:
    song = Control(client).post("/tasks", {"provider": "evolink", "key": "key", "status": "processing"})
    ask(client, f"/evolink/v1/tasks/{song['source_task']}")
    ask(client)

    poll, other = Control(client).requests()

    assert (poll["operation"], poll["state"]) == ("getTask", "processing")
    assert set(poll) == {*BRIEF, "state"}
    assert "state" not in other


def test_the_code_is_that_of_the_body(client: Client) -> None:
    ask(client, Prefer="outcome=maintenance")

    (entry,) = Control(client).requests()

    assert (entry["status"], entry["code"]) == (200, 455)


def test_an_entry_is_stamped_with_the_clock_of_its_sandbox(client: Client) -> None:
    Control(client).post("/clock/advance", {"seconds": 90.5})

    ask(client)

    assert Control(client).requests()[0]["at"] == "2026-01-01T00:01:30.500Z"


def test_the_way_in_is_kept_in_the_path(make_client: MakeClient) -> None:
    client = make_client()
    ask(client, "/_sandbox/default/api/v1/chat/credit")

    assert Control(client).requests()[0]["path"] == "/_sandbox/default/api/v1/chat/credit"


@pytest.mark.parametrize(
    ("content", "kind", "shown"),
    [
        (b"plain words", "text/plain", "plain words"),
        (b"\xff\x00\xfe", "application/octet-stream", "3 bytes of application/octet-stream"),
        (b"", "application/octet-stream", None),
        (b'[1, "\xc3\xa9"]', "application/json", [1, "é"]),
    ],
)
def test_a_body_is_shown_as_what_it_is(
    make_client: MakeClient, folder: Callable[..., str], content: bytes, kind: str, shown: Any
) -> None:
    client = make_client(specs=(folder(own=OWN),))
    reply = client.post("/file", content=content, headers={"Content-Type": kind})

    entry = Control(client).get(f"/requests/{reply.headers['x-mock-request-id']}")

    assert entry["request"]["body"] == shown
    assert entry["response"]["body"] is None


def test_json_that_broke_off_is_shown_as_it_came(client: Client) -> None:
    client.post(PERSONA, content=b'{"broken": ', headers=KEY)

    (entry,) = Control(client).requests(full="true")

    assert entry["request"]["body"] == '{"broken": '


# --- why ---------------------------------------------------------------------------------------------------


def because(client: Client) -> list[tuple[str, str]]:
    return [(entry["because"], entry["outcome"]) for entry in Control(client).requests()]


def test_because_says_what_decided(client: Client) -> None:
    ask(client)
    ask(client, Prefer="code=401")
    Control(client).post("/outcomes", {"outcome": "maintenance"})
    ask(client)
    Control(client).post("/outcomes", {"outcome": "server-error", "times": None})
    ask(client)
    Control(client).delete("/outcomes")
    ask(client, Authorization="Bearer mock-maintenance")

    assert because(client) == [
        ("state", "success"),
        ("asked", "unauthorized"),
        ("queued", "maintenance"),
        ("standing", "server-error"),
        ("magic-key", "maintenance"),
    ]


def checks(client: Client) -> list[tuple[str, bool]]:
    (entry,) = Control(client).get("/requests?full=true")["requests"]
    for check in entry["checks"]:
        assert list(check) == ["check", "ok", "facts"]
    return [(check["check"], check["ok"]) for check in entry["checks"]]


def test_all_checks_are_listed_where_all_are_passed(client: Client) -> None:
    song = Control(client).post("/tasks", {"provider": "kie", "key": "key"})
    body = {**BODY, "taskId": song["source_task"], "audioId": song["songs"][0]}
    client.post(PERSONA, json=body, headers=KEY)

    assert checks(client) == [
        ("credentials", True),
        ("rate-limit", True),
        ("well-formed", True),
        ("valid", True),
        ("credits", True),
        ("source-exists", True),
        ("source-is-owned", True),
        ("source-is-no-persona", True),
        ("source-was-not-uploaded", True),
        ("source-suits-a-persona", True),
        ("source-did-not-fail", True),
        ("source-is-finished", True),
        ("song-is-of-that-task", True),
        ("song-has-no-persona", True),
        ("source-is-kept", True),
        ("model-may-become-a-persona", True),
    ]


def test_a_check_of_the_state_ends_the_list_too(client: Client) -> None:
    client.post(PERSONA, json=BODY, headers=KEY)

    assert checks(client)[3:] == [("valid", True), ("credits", True), ("source-exists", False)]


def test_the_list_of_checks_ends_with_the_one_that_decided(client: Client) -> None:
    client.post(PERSONA, json=BODY)

    assert checks(client) == [("credentials", False)]


def test_a_body_that_cannot_be_read_ends_the_checks(client: Client) -> None:
    client.post(PERSONA, content=b"{", headers=KEY)

    assert checks(client) == [("credentials", True), ("rate-limit", True), ("well-formed", False)]


def test_a_check_that_fails_tells_its_facts(client: Client) -> None:
    reply = client.post(PERSONA, json={**BODY, "name": 7}, headers=KEY)

    entry = Control(client).get(f"/requests/{reply.headers['x-mock-request-id']}")

    failed = entry["checks"][-1]
    assert (failed["check"], failed["ok"]) == ("valid", False)
    assert failed["facts"]["violation"]["pointer"] == "/body/name"


def test_an_answer_that_was_asked_for_needs_no_checks(client: Client) -> None:
    ask(client, Prefer="outcome=maintenance")

    assert checks(client) == []


# --- violations --------------------------------------------------------------------------------------------


def test_a_violation_has_exactly_the_documented_keys(client: Client) -> None:
    client.post(PERSONA, json={**BODY, "name": 7}, headers=KEY)

    (violation,) = Control(client).requests()[0]["violations"]

    assert violation == {
        "in": "body",
        "document": "kie",
        "pointer": "/body/name",
        "rule": "type",
        "wanted": "string",
        "got": 7,
        "message": "wanted string, got 7",
    }


def test_every_violation_is_noted_whatever_decided(client: Client) -> None:
    broken = {**BODY, "name": 7, "audioId": 8}
    client.post(PERSONA, json=broken, headers={"Prefer": "outcome=maintenance"})

    (entry,) = Control(client).requests()

    assert (entry["because"], entry["outcome"]) == ("asked", "maintenance")
    found = {violation["pointer"] for violation in entry["violations"]}
    assert found == {"/header/authorization", "/body/name", "/body/audioId"}


@pytest.mark.parametrize(
    ("method", "path", "provider", "pointer", "rule"),
    [
        ("GET", "/no/such/path", None, "/path", "noRoute"),
        ("GET", "/kie/no/such/path", "kie", "/path", "noRoute"),
        ("DELETE", CREDIT, "kie", "/method", "wrongMethod"),
    ],
)
def test_what_finds_no_operation_is_noted_without_an_outcome(
    client: Client, method: str, path: str, provider: str | None, pointer: str, rule: str
) -> None:
    reply = client.request(method, path, headers=KEY)

    (entry,) = Control(client).requests()

    assert entry["id"] == reply.headers["x-mock-request-id"]
    assert (entry["provider"], entry["operation"], entry["outcome"]) == (provider, None, None)
    assert (entry["because"], entry["code"], entry["status"]) == (None, None, reply.status_code)
    (violation,) = entry["violations"]
    assert (violation["in"], violation["pointer"], violation["rule"]) == ("path", pointer, rule)
    assert violation["document"] == (provider or "")


def test_an_ambiguous_route_is_noted(make_client: MakeClient, folder: Callable[..., str]) -> None:
    client = make_client(specs=(folder(one=OWN, two=OWN),))
    client.post("/file")

    (entry,) = Control(client).requests()

    assert (entry["status"], entry["provider"], entry["outcome"]) == (409, None, None)
    assert entry["violations"][0]["wanted"] == ["/one/file", "/two/file"]


def test_a_body_over_the_limit_is_noted_without_the_body(make_client: MakeClient) -> None:
    client = make_client(max_body=10)
    reply = client.post(PERSONA, json=BODY, headers=KEY)

    entry = Control(client).get(f"/requests/{reply.headers['x-mock-request-id']}")

    assert (entry["status"], entry["operation"], entry["outcome"]) == (413, "generatePersona", None)
    (violation,) = entry["violations"]
    assert (violation["pointer"], violation["rule"]) == ("/body", "maxBody")
    assert entry["request"]["body"] is None


def test_control_calls_are_not_noted(client: Client) -> None:
    control = Control(client)
    control.get("/health")
    control.post("/outcomes", {"outcome": "maintenance"})
    control.refused("GET", "/requests?limit=0")
    client.get("/_mock/nothing")

    assert control.requests() == []


# --- the list ----------------------------------------------------------------------------------------------


@pytest.fixture
def busy(client: Client) -> Control:
    """A journal of four calls."""
    ask(client)
    ask(client, "/evolink/v1/credits")
    ask(client, Prefer="outcome=maintenance")
    client.post(PERSONA, json={}, headers=KEY)
    return Control(client)


def shown(control: Control, **query: Any) -> list[str]:
    entries = control.requests(**query)
    return [f"{entry['provider']} {entry['operation']} {entry['outcome']}" for entry in entries]


ALL = [
    "kie getCredits success",
    "evolink getCredits success",
    "kie getCredits maintenance",
    "kie generatePersona invalid",
]


def test_the_newest_comes_last(busy: Control) -> None:
    assert shown(busy) == ALL


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({"provider": "kie"}, [0, 2, 3]),
        ({"provider": "yuto"}, []),
        ({"operation": "getCredits"}, [0, 1, 2]),
        ({"provider": "evolink", "operation": "getCredits"}, [1]),
        ({"outcome": "success"}, [0, 1]),
        ({"violations": "true"}, [3]),
        ({"violations": "false"}, [0, 1, 2]),
        ({"limit": 2}, [2, 3]),
        ({"limit": 1}, [3]),
        ({"limit": 100}, [0, 1, 2, 3]),
        ({"provider": "kie", "outcome": "success", "limit": 5}, [0]),
        ({"operation": "getCredits", "limit": 1}, [2]),
    ],
)
def test_a_filter_keeps_what_it_names(busy: Control, query: dict[str, Any], kept: list[int]) -> None:
    assert shown(busy, **query) == [ALL[index] for index in kept]


def test_full_gives_every_entry_whole(busy: Control) -> None:
    entries = busy.requests(full="true")

    assert [entry["request"]["body"] for entry in entries] == [None, None, None, {}]
    assert entries == [busy.get(f"/requests/{entry['id']}") for entry in entries]


def test_full_goes_with_filters(busy: Control) -> None:
    (entry,) = busy.requests(full="true", provider="evolink")

    assert "checks" in entry


def test_not_full_is_brief(busy: Control) -> None:
    assert busy.requests(full="false") == busy.requests()


def test_an_unknown_id_is_not_found(busy: Control) -> None:
    status, slug, body = busy.refused("GET", "/requests/req_0")

    assert (status, slug) == (404, "not-found")
    assert "req_0" in body["detail"]


def test_an_entry_of_another_sandbox_is_not_found(busy: Control) -> None:
    known = busy.requests()[0]["id"]

    assert Control(busy.client, "alice").refused("GET", f"/requests/{known}")[0] == 404


def test_deleting_the_journal_says_how_much_there_was(busy: Control) -> None:
    assert busy.delete("/requests") == {"deleted": 4}
    assert busy.requests() == []
    assert busy.delete("/requests") == {"deleted": 0}


def test_after_deleting_new_calls_are_noted(busy: Control) -> None:
    busy.delete("/requests")

    ask(busy.client)

    assert shown(busy) == ["kie getCredits success"]


def test_an_outcome_of_a_number_can_be_filtered(make_client: MakeClient, folder: Callable[..., str]) -> None:
    client = make_client(specs=(folder(own=OWN),))
    client.post("/file")
    client.post("/file", headers={"Prefer": "code=503"})

    assert shown(Control(client), outcome="http-503") == ["own sendFile http-503"]


@pytest.mark.parametrize("name", sorted(STORES))
def test_the_journal_keeps_as_many_as_it_is_told(make_client: MakeClient, name: str) -> None:
    client = make_client(journal_size=3, store=STORES[name](log_size=3))
    ids = [ask(client).headers["x-mock-request-id"] for _ in range(5)]

    assert [entry["id"] for entry in Control(client).requests()] == ids[2:]
    assert Control(client).refused("GET", f"/requests/{ids[0]}")[0] == 404


def test_the_size_of_the_journal_is_a_setting_of_the_mocks_own_store(make_client: MakeClient) -> None:
    client = make_client(journal_size=3)
    for _ in range(5):
        ask(client)

    assert len(Control(client).requests()) == 3
    assert Control(client).get("/sandboxes")["sandboxes"][0]["requests"] == 5
