"""`--status`: where the code of a refusal travels, for providers whose body holds a number for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Client
from tests.web.calls import CALLS, OUTCOMES, in_sandbox, send, shared_app

MODES = ("auto", "envelope", "http")


@pytest.fixture(scope="module")
def apps() -> dict[str, Any]:
    return {mode: shared_app(status=mode) for mode in MODES}


@pytest.fixture
def clients(apps: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Client]:
    return {mode: in_sandbox(app, request.node.nodeid) for mode, app in apps.items()}


@pytest.mark.parametrize(
    ("provider", "operation", "outcome", "code", "statuses"),
    [
        ("kie", "generatePersona", "success", 200, (200, 200, 200)),
        ("kie", "generatePersona", "unauthorized", 401, (200, 200, 401)),
        ("kie", "generatePersona", "insufficient-credits", 402, (200, 200, 402)),
        ("kie", "generatePersona", "duplicate", 409, (200, 200, 409)),
        ("kie", "generatePersona", "invalid", 422, (200, 200, 422)),
        ("kie", "generatePersona", "rate-limited", 429, (429, 200, 429)),
        ("kie", "generatePersona", "access-denied", 451, (200, 200, 451)),
        ("kie", "generatePersona", "maintenance", 455, (200, 200, 455)),
        ("kie", "generateMusic", "generation-failed", 501, (200, 200, 501)),
        ("kie", "generateMusic", "feature-disabled", 505, (200, 200, 505)),
        ("kie", "generateMusic", "server-error", 500, (200, 200, 500)),
        ("kie", "getMusicDetails", "not-found", 200, (200, 200, 200)),
        ("kie", "getMusicDetails", "rate-limited", 429, (200, 200, 429)),
        ("crun", "getTaskInfo", "success", 200, (200, 200, 200)),
        ("crun", "getTaskInfo", "unauthorized", 401, (200, 200, 401)),
        ("crun", "getTaskInfo", "not-found", 404, (200, 200, 404)),
        ("crun", "createTask", "rate-limited", 429, (200, 200, 429)),
        ("crun", "createTask", "source-not-found", 422, (200, 200, 422)),
        ("crun", "createTask", "maintenance", 455, (200, 200, 455)),
        ("crun", "createTask", "feature-disabled", 505, (200, 200, 505)),
    ],
)
def test_a_code_is_mirrored_as_asked(
    clients: dict[str, Client],
    provider: str,
    operation: str,
    outcome: str,
    code: int,
    statuses: tuple[int, int, int],
) -> None:
    answers = [send(clients[mode], provider, operation, prefer=f"outcome={outcome}") for mode in MODES]

    assert tuple(answer.status_code for answer in answers) == statuses
    assert [answer.json()["code"] for answer in answers] == [code] * 3
    assert [answer.headers["x-mock-outcome"] for answer in answers] == [outcome] * 3


def test_a_refusal_of_the_state_is_mirrored_and_journaled_as_sent(clients: dict[str, Client]) -> None:
    call = CALLS["kie", "getCredits"]

    answers = [clients[mode].get(call.path) for mode in MODES]

    entries = [clients[mode].get("/_mock/requests").json()["requests"][0] for mode in MODES]
    assert [answer.status_code for answer in answers] == [200, 200, 401]
    assert [(entry["status"], entry["code"]) for entry in entries] == [(200, 401), (200, 401), (401, 401)]


@pytest.mark.parametrize("wish", ["example=http_server_error", "code=500, example=http_server_error"])
def test_the_documented_500_of_kie_is_one_only_where_codes_do_not_travel_in_200(
    clients: dict[str, Client], wish: str
) -> None:
    answers = [send(clients[mode], "kie", "generateMusic", prefer=wish) for mode in MODES]

    assert [answer.status_code for answer in answers] == [500, 200, 500]


def test_evolink_and_yuto_always_answer_with_their_real_statuses(clients: dict[str, Client]) -> None:
    differing = []

    for (provider, operation), outcomes in OUTCOMES.items():
        for outcome in outcomes if provider in ("evolink", "yuto") else ():
            answers = [
                send(clients[mode], provider, operation, prefer=f"outcome={outcome}") for mode in MODES
            ]
            if len({(answer.status_code, answer.text) for answer in answers}) != 1:
                differing.append((provider, operation, outcome))

    assert differing == []


def test_a_number_in_one_error_of_evolink_makes_no_envelope_of_it(clients: dict[str, Client]) -> None:
    answers = [
        send(clients[mode], "evolink", "getCredits", prefer="example=unauthorized_integer") for mode in MODES
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert answers[0].json()["error"]["code"] == 401


@pytest.mark.parametrize("mode", MODES)
def test_a_problem_of_the_mock_keeps_its_status(clients: dict[str, Client], mode: str) -> None:
    undocumented = send(clients[mode], "kie", "getCredits", prefer="outcome=duplicate")
    unknown = clients[mode].get("/kie/api/v1/nothing/here")

    assert (undocumented.status_code, unknown.status_code) == (501, 404)
