"""What a request may ask for itself: the Prefer header and its twins in the query."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx2
import pytest

from tests.conftest import Client, MakeClient
from tests.specs import reading
from tests.web.calls import CALLS, about, credential, in_sandbox, planted, send, shared_app


@pytest.fixture(scope="module")
def app() -> Any:
    return shared_app()


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    """One store is enough here: nothing of this is kept."""
    return in_sandbox(app, request.node.nodeid)


def outcome_of(answer: httpx2.Response) -> str | None:
    return answer.headers.get("x-mock-outcome")


# --- by number ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "operation", "code", "status", "outcome"),
    [
        ("kie", "generatePersona", "200", 200, "success"),
        ("kie", "generatePersona", "409", 200, "duplicate"),
        ("kie", "generatePersona", "422", 200, "invalid"),
        ("kie", "generatePersona", "404", 200, "not-found"),
        ("kie", "generatePersona", "451", 200, "access-denied"),
        ("kie", "generatePersona", "429", 429, "rate-limited"),
        ("kie", "extendMusic", "404", 200, "not-found"),
        ("kie", "generateMusic", "500", 200, "server-error"),
        ("kie", "generateMusic", "501", 200, "generation-failed"),
        ("kie", "getMusicDetails", "429", 200, "rate-limited"),
        ("crun", "getTaskInfo", "404", 200, "not-found"),
        ("crun", "generatePersona", "422", 200, "invalid"),
        ("crun", "createTask", "505", 200, "feature-disabled"),
        ("evolink", "generateMusic", "400", 400, "invalid"),
        ("evolink", "generatePersona", "400", 400, "invalid"),
        ("evolink", "getTask", "403", 403, "access-denied"),
        ("evolink", "getTask", "404", 404, "not-found"),
        ("evolink", "getCredits", "401", 401, "unauthorized"),
        ("evolink", "getTask", "task_not_found", 404, "not-found"),
        ("yuto", "submitMusic", "403", 403, "insufficient-credits"),
        ("yuto", "submitMusic", "400", 400, "invalid"),
        ("yuto", "fetchTask", "400", 400, "not-found"),
        ("yuto", "generatePersona", "clip_not_found", 400, "source-not-found"),
        ("yuto", "generatePersona", "500", 500, "server-error"),
    ],
)
def test_a_number_means_the_first_outcome_with_that_status_or_body_code(
    client: Client, provider: str, operation: str, code: str, status: int, outcome: str
) -> None:
    answer = send(client, provider, operation, prefer=f"code={code}")

    assert (answer.status_code, outcome_of(answer)) == (status, outcome)


@pytest.mark.parametrize(
    ("provider", "operation", "code", "outcome", "body"),
    [
        (
            "kie",
            "generateMusic",
            "409",
            "http-409",
            {"code": 409, "msg": "WAV record already exists", "data": None},
        ),
        (
            "kie",
            "uploadCover",
            "408",
            "http-408",
            {"code": 408, "msg": "No result from upstream for over 10 minutes", "data": None},
        ),
        (
            "kie",
            "getMusicDetails",
            "404",
            "not-found",
            {"code": 404, "msg": "Resource not found", "data": None},
        ),
        (
            "yuto",
            "submitMusic",
            "task_channel_disable",
            "http-400",
            {
                "code": "task_channel_disable",
                "message": "the channel of the origin task is disabled",
                "data": None,
            },
        ),
    ],
)
def test_a_number_without_an_outcome_means_an_example_with_that_code(
    client: Client, provider: str, operation: str, code: str, outcome: str, body: Any
) -> None:
    answer = send(client, provider, operation, prefer=f"code={code}")

    assert (outcome_of(answer), answer.json()) == (outcome, body)


@pytest.mark.parametrize("wish", ["code=418", "code=None", "code=0", "code=99999999999999999999", "code=-1"])
def test_a_number_that_nothing_has_is_501(client: Client, wish: str) -> None:
    answer = send(client, "evolink", "getCredits", prefer=wish)

    assert (answer.status_code, answer.headers["x-mock-error"]) == (501, "outcome-undocumented")
    assert wish in answer.json()["detail"]


# --- by the name of an example -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "operation", "wish", "status", "outcome", "code"),
    [
        ("kie", "generatePersona", "example=vocal_window", 200, "vocal-window", 422),
        ("kie", "generatePersona", "code=422, example=vocal_window", 200, "vocal-window", 422),
        ("kie", "generatePersona", "code=200, example=vocal_window", 200, "vocal-window", 422),
        ("kie", "generatePersona", "outcome=invalid, example=blank_name", 200, "invalid", 422),
        ("kie", "generatePersona", "example=duplicate_overwrite", 200, "duplicate", 200),
        ("kie", "generateMusic", "example=http_server_error", 500, "http-500", 500),
        ("kie", "generateMusic", "example=conflict", 200, "http-409", 409),
        ("evolink", "generatePersona", "example=persona_source", 400, "source-is-persona", None),
    ],
)
def test_an_example_is_met_by_its_name(
    client: Client, provider: str, operation: str, wish: str, status: int, outcome: str, code: int | None
) -> None:
    answer = send(client, provider, operation, prefer=wish)

    assert (answer.status_code, outcome_of(answer), answer.json().get("code")) == (status, outcome, code)


@pytest.mark.parametrize(
    "wish",
    [
        "example=nonesuch",
        "code=409, example=vocal_window",
        "outcome=duplicate, example=vocal_window",
        "code=404, example=vocal_window",
    ],
)
def test_an_example_that_is_not_there_is_501_and_lists_the_names(client: Client, wish: str) -> None:
    answer = send(client, "kie", "generatePersona", prefer=wish)

    assert (answer.status_code, answer.headers["x-mock-error"]) == (501, "outcome-undocumented")
    assert {"vocal_window", "blank_name", "duplicate_overwrite"} <= set(answer.json()["examples"])


def test_one_operation_does_not_show_the_examples_of_another_at_its_path(client: Client) -> None:
    answer = send(client, "evolink", "generateMusic", prefer="example=vocal_window")

    assert answer.status_code == 501
    assert "missing_prompt" in answer.json()["examples"]


# --- how it is written -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "outcome=duplicate",
        "outcome=duplicate,delay=0",
        "delay=0; outcome=duplicate",
        'outcome="duplicate"',
        'Outcome = "dup\\licate"',
        "respond-async, outcome=duplicate",
        'note="a, b; outcome=success", outcome=duplicate',
        "wait=10;handling=lenient;outcome=duplicate;;",
        "outcome=duplicate, outcome=success",
        "delay=soon, dynamic=perhaps, outcome=duplicate",
    ],
)
def test_preferences_are_read_as_rfc_7240_writes_them(client: Client, written: str) -> None:
    answer = send(client, "kie", "generatePersona", prefer=written)

    assert outcome_of(answer) == "duplicate"


def test_several_headers_are_one_list(client: Client) -> None:
    pairs = [("authorization", "Bearer k"), ("prefer", "respond-async"), ("prefer", "code=455")]

    async def call() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=client.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:4010") as caller:
            return await caller.get("/api/v1/chat/credit", headers=pairs)

    assert outcome_of(asyncio.run(call())) == "maintenance"


@pytest.mark.parametrize(
    "written", ["respond-async", "outcome", "outcome=", "return=minimal; foo=bar", ",;,", '"']
)
def test_other_preferences_change_nothing(client: Client, written: str) -> None:
    answer = send(client, "kie", "generateMusic", prefer=written)

    assert (answer.status_code, outcome_of(answer)) == (200, "success")
    assert client.get("/_mock/requests").json()["requests"][0]["because"] == "state"


# --- in the query ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("twin", "outcome"),
    [
        ("__code=409", "duplicate"),
        ("__example=vocal_window", "vocal-window"),
        ("__example=vocal%5Fwindow&__code=422", "vocal-window"),
        ("__code=", "success"),
        ("code=409", "success"),
    ],
)
def test_the_query_twins_ask_for_the_same_and_break_nothing(client: Client, twin: str, outcome: str) -> None:
    call = CALLS["kie", "generatePersona"]
    body = about(call.json, planted(client, "kie"))

    answer = client.post(f"{call.path}?{twin}", json=body, headers=credential("kie", "k"))

    assert outcome_of(answer) == outcome
    assert "x-mock-violation" not in answer.headers


def test_the_header_comes_before_its_twin_and_they_complete_each_other(client: Client) -> None:
    call = CALLS["kie", "generatePersona"]
    path = f"{call.path}?__code=402&__example=blank_name"

    answer = client.post(path, json=call.json, headers={**credential("kie", "k"), "prefer": "code=422"})

    assert answer.json()["msg"] == "name cannot be blank"


# --- dynamic -----------------------------------------------------------------------------------------------


def schema_of(provider: str, operation: str) -> tuple[Any, Any]:
    """The schema of a success, as a plain reading of the document finds it."""
    found = reading.operations(provider)[operation]
    return found.document, reading.contents(found, "reply 200")[0]["schema"]


def invented(client: Client, count: int) -> dict[tuple[str, str], list[Any]]:
    answers = {pair: [send(client, *pair, prefer="dynamic=true") for _ in range(count)] for pair in CALLS}
    assert {outcome_of(answer) for found in answers.values() for answer in found} == {"success"}
    return {pair: [answer.json() for answer in found] for pair, found in answers.items()}


def test_dynamic_bodies_are_valid_and_differ_from_call_to_call(client: Client) -> None:
    bodies = invented(client, 3)

    alike = [pair for pair, found in bodies.items() if len({str(body) for body in found}) < 3]
    broken = [
        (*pair, error.message)
        for pair, found in bodies.items()
        for body in found
        for error in reading.validator(*schema_of(*pair)).iter_errors(body)
    ]
    assert alike == []
    assert broken == []


def test_dynamic_bodies_are_the_same_for_the_same_seed_only(make_client: MakeClient) -> None:
    first, second, other = (invented(make_client(seed=seed), 1) for seed in (7, 7, 8))

    assert first == second
    assert [pair for pair in CALLS if first[pair] == other[pair]] == []


def test_dynamic_does_not_claim_a_task_state(client: Client) -> None:
    call = CALLS["kie", "getMusicDetails"]

    client.get(f"{call.path}&__dynamic=true", headers=credential("kie", "k"))

    counted = client.get("/_mock/coverage").json()["providers"]["kie"]["operations"]["getMusicDetails"][
        "states"
    ]
    assert "state" not in client.get("/_mock/requests").json()["requests"][0]
    assert set(counted.values()) == {0}


@pytest.mark.parametrize(
    ("provider", "operation", "wish", "status", "code"),
    [
        ("kie", "getCredits", "outcome=unauthorized", 200, 401),
        ("crun", "getModel", "code=404", 200, 404),
        ("yuto", "fetchTask", "outcome=not-found", 400, "task_not_exist"),
    ],
)
def test_a_dynamic_refusal_still_says_what_it_refuses(
    client: Client, provider: str, operation: str, wish: str, status: int, code: Any
) -> None:
    answer = send(client, provider, operation, prefer=f"dynamic=true, {wish}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


# --- delay -------------------------------------------------------------------------------------------------


def seconds_of(client: Client, **headers: str) -> float:
    began = time.monotonic()
    send(client, "kie", "getCredits", **headers)
    return time.monotonic() - began


@pytest.mark.parametrize("wish", ["delay=0.15", "delay=0.15, outcome=maintenance", "delay=.15; code=999"])
def test_a_delay_is_waited_for_in_real_seconds_and_moves_no_clock(client: Client, wish: str) -> None:
    before = client.get("/_mock/clock").json()

    waited = seconds_of(client, prefer=wish)

    assert 0.15 <= waited < 5
    assert client.get("/_mock/clock").json() == before


@pytest.mark.parametrize("wish", ["delay=0", "delay=-60", "delay=nan", "delay=1e", "delay", "delay=1 minute"])
def test_a_delay_that_is_none_is_not_waited_for(client: Client, wish: str) -> None:
    seconds_of(client)

    assert seconds_of(client, prefer=wish) < 5
