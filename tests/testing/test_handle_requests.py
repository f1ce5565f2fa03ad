"""What a handle tells of the calls that came: requests, violations, coverage, accounts; faults and resets."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import fields
from typing import Any

import httpx2
import pytest

from mockserver.settings import UsageError
from mockserver.testing import PersonaMock, Server
from tests.testing.songs import PROVIDERS, client_of, look, make_persona, order, persona_body
from tests.web.calls import credential
from tests.web.stories import KIE_SONG

Json = Any
SECRET = "sk-4711-very-distinctive-0815"


def kie(mock: PersonaMock, method: str, path: str, key: str = "k", **options: Any) -> httpx2.Response:
    """A call at kie, below its own base URL."""
    headers = {**credential("kie", key), **options.pop("headers", {})}
    with client_of(mock, base_url=mock.kie.url) as client:
        return client.request(method, path, headers=headers, **options)


def balance(mock: PersonaMock) -> httpx2.Response:
    """The cheapest call."""
    return kie(mock, "GET", "/api/v1/chat/credit")


def over_http(mock: PersonaMock, path: str) -> Json:
    """What the control API says of this sandbox."""
    with urllib.request.urlopen(f"{mock.url}/_mock{path}", timeout=10) as answer:
        return json.load(answer)


# --- requests -----------------------------------------------------------------------------------------------


def test_every_key_of_the_journal_is_an_attribute(mock: PersonaMock) -> None:
    song = mock.kie.completed_song()
    look(mock, "kie", song.task_id)
    make_persona(mock, "kie", song.task_id, song.audio_id)

    for request in mock.requests:
        entry = over_http(mock, f"/requests/{request.id}")
        shown = {name: value for name, value in entry.items() if name != "violations"}
        assert {name: getattr(request, name) for name in shown} == shown
        assert request.violations == []
        nothing = {field.name for field in fields(request)} - set(entry)
        assert [getattr(request, name) for name in nothing] == [None] * len(nothing)


def test_a_request_tells_what_came_and_what_was_answered(mock: PersonaMock) -> None:
    song = mock.kie.completed_song()
    body = persona_body("kie", song.task_id, song.audio_id)

    answer = kie(
        mock,
        "POST",
        "/api/v1/generate/generate-persona?trace=1",
        song.key,
        json=body,
        headers={"X-Trace": "7"},
    )
    (request,) = mock.requests

    assert (request.provider, request.operation) == ("kie", "generatePersona")
    assert (request.method, request.path) == ("POST", "/_sandbox/here/kie/api/v1/generate/generate-persona")
    assert (request.status, request.code, request.outcome, request.because) == (200, 200, "success", "state")
    assert request.at == "2026-01-01T00:00:00Z"
    assert request.sandbox == "here"
    assert request.id == answer.headers["x-mock-request-id"]
    assert (request.state, request.fault) == (None, None)
    assert request.duration_ms >= 0
    assert request.request.body == body
    assert request.request.query == "trace=1"
    assert request.request.header("x-trace") == request.request.header("X-Trace") == "7"
    assert request.request.header("x-nothing") is None
    assert request.response.body == answer.json()
    assert request.response.status == 200
    assert request.response.header("Content-Type") == "application/json"
    assert request.response.header("x-mock-outcome") == "success"


def test_a_request_tells_the_checks_that_led_to_its_answer(mock: PersonaMock) -> None:
    song = mock.kie.completed_song(status="running")

    make_persona(mock, "kie", song.task_id, song.audio_id)

    checks = mock.requests[-1].checks
    assert [check.check for check in checks][:3] == ["credentials", "well-formed", "valid"]
    assert [check.ok for check in checks] == [True] * (len(checks) - 1) + [False]
    assert checks[-1].check == "source-is-finished"
    assert isinstance(checks[-1].facts, dict)


def test_a_poll_tells_the_state_it_showed(mock: PersonaMock) -> None:
    for provider in PROVIDERS:
        look(mock, provider, mock.provider(provider).completed_song().task_id)

    assert [one.state for one in mock.requests] == ["SUCCESS", "success", "completed", "SUCCESS"]


def test_why_an_outcome_came_is_told(mock: PersonaMock) -> None:
    mock.kie.next("maintenance")
    balance(mock)
    standing = mock.kie.always("unauthorized")
    balance(mock)
    standing.remove()
    kie(mock, "GET", "/api/v1/chat/credit", headers={"Prefer": "outcome=server-error"})
    kie(mock, "GET", "/api/v1/chat/credit", key="mock-maintenance")
    kie(mock, "POST", "/api/v1/generate", json={**KIE_SONG, "prompt": "mock:fail"})
    balance(mock)

    assert [(one.outcome, one.because) for one in mock.requests] == [
        ("maintenance", "queued"),
        ("unauthorized", "standing"),
        ("server-error", "asked"),
        ("maintenance", "magic-key"),
        ("task-failed", "magic-prompt"),
        ("success", "state"),
    ]


def test_requests_are_a_list_oldest_first(mock: PersonaMock) -> None:
    for provider in ("kie", "yuto", "crun"):
        order(mock, provider)

    assert [one.provider for one in mock.requests] == ["kie", "yuto", "crun"]
    assert mock.requests[-1].provider == "crun"
    assert [one.provider for one in mock.requests[:2]] == ["kie", "yuto"]
    assert len(mock.requests) == 3


def test_calls_of_the_handle_and_of_the_control_api_are_no_requests(mock: PersonaMock) -> None:
    mock.kie.completed_song()
    mock.clock.advance(1)
    over_http(mock, "/health")

    assert mock.requests == []


def test_a_call_that_no_document_knows_is_a_request_without_a_provider(mock: PersonaMock) -> None:
    with client_of(mock) as client:
        answer = client.get("/api/v1/nothing")

    (request,) = mock.requests
    assert answer.status_code == request.status == 404
    assert (request.operation, request.outcome) == (None, None)
    assert [violation.pointer for violation in mock.violations] == ["/path"]


def test_bodies_that_are_no_json_are_text(mock: PersonaMock) -> None:
    kie(mock, "POST", "/api/v1/generate", content=b"not json")

    assert mock.requests[-1].request.body == "not json"
    assert mock.requests[-1].outcome == "invalid"


def test_a_connection_that_was_cut_has_no_status(mock: PersonaMock) -> None:
    mock.fault("reset")

    with pytest.raises(httpx2.TransportError):
        balance(mock)

    (request,) = mock.requests
    assert (request.status, request.fault) == (None, "reset")


# --- secrets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_key_is_shown_nowhere(mock: PersonaMock, provider: str) -> None:
    song = mock.provider(provider).completed_song(key=SECRET)
    make_persona(mock, provider, song.task_id, song.audio_id, key=SECRET)
    look(mock, provider, song.task_id, key=SECRET)
    with client_of(mock) as client:
        client.get(f"/api/v1/chat/credit?apiKey={SECRET}", headers={"x-api-key": SECRET, "Cookie": SECRET})

    assert len(mock.requests) == 3
    assert SECRET not in repr(mock.requests)
    assert SECRET not in str(mock.requests[0].request)
    assert SECRET not in repr(mock.violations)
    assert SECRET not in mock.report()
    assert SECRET not in repr(mock)


def test_a_key_is_hidden_but_may_be_told_from_another(mock: PersonaMock) -> None:
    for key in ("one", "other", "one"):
        kie(mock, "GET", "/api/v1/chat/credit", key=key)

    shown = [one.request.header("authorization") for one in mock.requests]
    assert shown[0] == shown[2] != shown[1]
    assert all(value is not None and value.startswith("Bearer …(") for value in shown)


# --- violations ---------------------------------------------------------------------------------------------


def test_a_violation_tells_what_where_wanted_and_got(mock: PersonaMock) -> None:
    song = mock.kie.completed_song()
    body = {**persona_body("kie", song.task_id, song.audio_id), "vocalStart": "soon"}

    answer = kie(mock, "POST", "/api/v1/generate/generate-persona", song.key, json=body)

    (violation,) = mock.violations
    assert mock.requests[-1].violations == [violation]
    assert (violation.in_, violation.document) == ("body", "kie")
    assert (violation.pointer, violation.rule) == ("/body/vocalStart", "type")
    assert (violation.wanted, violation.got) == ("number", "soon")
    assert "/body/vocalStart: type" in answer.headers["x-mock-violation"]
    assert violation.message


def test_violations_are_those_of_all_requests_in_order(mock: PersonaMock) -> None:
    kie(mock, "POST", "/api/v1/generate", json={**KIE_SONG, "prompt": 7})
    balance(mock)
    kie(mock, "GET", "/api/v1/generate/record-info")

    assert [one.pointer for one in mock.violations] == ["/body/prompt", "/query/taskId"]


def test_a_call_that_keeps_its_document_violates_nothing(mock: PersonaMock) -> None:
    make_persona(mock, "kie", "unknown", "unknown")

    assert mock.requests[-1].outcome == "source-not-found"
    assert mock.violations == []


# --- coverage -----------------------------------------------------------------------------------------------


def test_coverage_counts_what_this_sandbox_met(mock: PersonaMock) -> None:
    song = mock.kie.completed_song()
    for _ in range(3):
        make_persona(mock, "kie", song.task_id, song.audio_id)
    look(mock, "kie", song.task_id)

    found = mock.coverage
    kie_operations = found.providers["kie"]["operations"]
    assert kie_operations["generatePersona"]["outcomes"]["success"] == 1
    assert kie_operations["generatePersona"]["outcomes"]["duplicate"] == 2
    assert kie_operations["getMusicDetails"]["states"]["SUCCESS"] == 1
    assert found.covered == 4
    assert found.total > 300
    assert 0 < found.percent < 2
    assert dict(found) == over_http(mock, "/coverage")


# --- reset --------------------------------------------------------------------------------------------------


def test_a_reset_begins_everything_again(mock: PersonaMock) -> None:
    first = mock.kie.completed_song()
    task = order(mock, "kie", mock.callbacks.url, key=first.key)
    mock.clock.finish_all()
    mock.kie.always("maintenance")
    mock.fault("empty", times=None)
    mock.callbacks.respond_always(500)

    mock.reset()

    assert mock.clock.now == "2026-01-01T00:00:00Z"
    assert (mock.requests, mock.violations) == ([], [])
    assert (list(mock.callbacks), mock.callbacks.deliveries) == ([], [])
    assert mock.account().credits == 1000
    assert mock.coverage.covered == 0
    for id in (first.task_id, task):
        with pytest.raises(UsageError, match="No task"):
            mock.task(id)
    assert mock.kie.completed_song() == first
    assert balance(mock).json()["code"] == 200


def test_what_is_held_across_a_reset_goes_on_working(mock: PersonaMock) -> None:
    provider, clock, callbacks, account = mock.kie, mock.clock, mock.callbacks, mock.account("k")

    mock.reset()
    order(mock, "kie", callbacks.url, key="k")
    clock.finish_all()

    assert len(callbacks.wait(3)) == 3
    assert account.credits == 988
    assert provider.completed_song().audio_ids


# --- accounts -----------------------------------------------------------------------------------------------


def test_an_account_tells_what_it_has_and_has_made(mock: PersonaMock) -> None:
    song = mock.kie.completed_song(key="alice")
    persona = make_persona(mock, "kie", song.task_id, song.audio_id, key="alice").json()["data"]["personaId"]
    task = order(mock, "crun", key="alice")

    alice = mock.account("alice")

    assert alice.credits == 1000 - 1 - 12
    assert sorted(alice.tasks) == sorted([song.task_id, task])
    assert alice.personas == [persona]
    assert mock.account("bob").credits == 1000
    assert alice.key == "alice"


def test_the_account_of_nobody_in_particular_is_that_of_the_usual_key(mock: PersonaMock) -> None:
    order(mock, "kie", key=mock.kie.key)

    assert mock.account().credits == 988


def test_a_balance_can_be_given(mock: PersonaMock) -> None:
    mock.account("poor").change(credits=11.5)

    refused = kie(mock, "POST", "/api/v1/generate", key="poor", json=KIE_SONG)

    assert refused.headers["x-mock-outcome"] == "insufficient-credits"
    assert mock.account("poor").credits == 11.5
    assert mock.account("poor").change(credits=12).credits == 12


def test_a_rate_limit_can_be_given_where_limits_are_kept(world: Server) -> None:
    with world.sandbox("mine", rate_limits="documented") as mock:
        mock.account("k").change(rate_limit={"count": 1, "seconds": 60})

        codes = [kie(mock, "POST", "/api/v1/generate", json=KIE_SONG).status_code for _ in range(2)]

        assert codes == [200, 429]


def test_without_rate_limits_one_that_is_given_is_refused_in_our_words(mock: PersonaMock) -> None:
    with pytest.raises(UsageError) as caught:
        mock.account("k").change(rate_limit={"count": 1, "seconds": 60})

    assert 'rate_limits="documented"' in str(caught.value)
    assert "--" not in str(caught.value)


def test_rate_limits_are_off_unless_they_are_asked_for(world: Server) -> None:
    def accepted(mock: PersonaMock) -> int:
        return [kie(mock, "POST", "/api/v1/generate", json=KIE_SONG).status_code for _ in range(22)].count(
            200
        )

    with world.sandbox("off") as off, world.sandbox("on", rate_limits="documented") as on:
        assert (accepted(off), accepted(on)) == (22, 20)


# --- faults -------------------------------------------------------------------------------------------------


def test_a_fault_is_met_once_and_then_gone(mock: PersonaMock) -> None:
    fault = mock.fault("gateway", status=503)

    codes = [balance(mock).status_code for _ in range(2)]

    assert (codes, fault.left) == ([503, 200], 0)
    assert [one.fault for one in mock.requests] == ["gateway", None]


def test_a_fault_may_stand_and_be_removed(mock: PersonaMock) -> None:
    fault = mock.fault("gateway", status=504, times=None, provider="kie", operation="getCredits")

    codes = [balance(mock).status_code for _ in range(2)]
    left = fault.left
    fault.remove()
    fault.remove()

    assert (codes, left, fault.left) == ([504, 504], None, 0)
    assert balance(mock).status_code == 200


def test_a_fault_is_for_what_it_names(mock: PersonaMock) -> None:
    mock.fault("gateway", match={"name": "nobody"}, times=2)
    song = mock.kie.completed_song()

    assert make_persona(mock, "kie", song.task_id, song.audio_id).status_code == 200


def test_a_latency_is_felt_by_the_client(mock: PersonaMock) -> None:
    mock.fault("latency", seconds=5)

    with pytest.raises(httpx2.ReadTimeout), client_of(mock, timeout=0.1) as client:
        client.get("/api/v1/chat/credit", headers=credential("kie", "k"))


@pytest.mark.parametrize(
    ("fault", "fields"),
    [
        ("empty", {}),
        ("malformed-json", {}),
        ("wrong-content-type", {}),
        ("truncate", {}),
        ("reset", {"at": "body"}),
        ("slow-body", {"seconds": 0.01}),
    ],
)
def test_replies_are_spoilt_as_asked(mock: PersonaMock, fault: str, fields: dict[str, Any]) -> None:
    mock.fault(fault, **fields)

    try:
        answer = balance(mock)
        read = answer.content, answer.headers.get("content-type")
    except httpx2.TransportError as error:
        read = type(error).__name__.encode(), None
    usual = balance(mock)

    is_spoilt = read != (usual.content, usual.headers["content-type"])
    assert is_spoilt == (fault != "slow-body")
    assert mock.requests[0].fault == fault


def test_urllib_meets_a_fault_too(mock: PersonaMock) -> None:
    mock.fault("gateway", status=502)

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{mock.kie.url}/api/v1/chat/credit", timeout=10)

    with caught.value as answer:
        assert answer.status == 502


# --- options ------------------------------------------------------------------------------------------------


def test_the_status_of_refusals_follows_the_option(world: Server) -> None:
    statuses = {}
    for status in ("envelope", "http", "auto"):
        with world.sandbox("mine", status=status) as mock:
            statuses[status] = make_persona(mock, "kie", "unknown", "unknown").status_code

    assert statuses == {"envelope": 200, "http": 422, "auto": 200}


@pytest.mark.parametrize(
    "quirks", [{"kie.duplicate": "overwrite"}, ["kie.duplicate=overwrite"], "kie.duplicate=overwrite"]
)
def test_quirks_may_be_given_in_several_ways(world: Server, quirks: Any) -> None:
    with world.sandbox("mine", quirks=quirks) as mock:
        song = mock.kie.completed_song()

        ids = [
            make_persona(mock, "kie", song.task_id, song.audio_id).json()["data"]["personaId"]
            for _ in range(2)
        ]

        assert ids[0] == ids[1]


def test_a_quirk_may_be_a_number(world: Server) -> None:
    with world.sandbox("mine", quirks={"kie.persona_price": 5}) as mock:
        song = mock.kie.completed_song()
        make_persona(mock, "kie", song.task_id, song.audio_id)

        assert mock.account().credits == 995


def test_a_scenario_is_where_it_begins(world: Server, tmp_path: Any) -> None:
    scenario = tmp_path / "poor.yaml"
    scenario.write_text("outcomes:\n  - {provider: kie, outcome: maintenance}\n", "utf-8")

    with world.sandbox("mine", scenario=scenario) as mock, world.sandbox("plain") as plain:
        told = [balance(mock).json()["code"] for _ in range(2)]
        mock.reset()
        told += [balance(mock).json()["code"] for _ in range(2)]

        assert told == [455, 200, 455, 200]
        assert balance(plain).json()["code"] == 200


def test_credits_are_what_an_account_begins_with(world: Server) -> None:
    with world.sandbox("mine", credits=3) as mock:
        assert mock.account("anybody").credits == 3


def test_a_call_that_its_client_gave_up_is_there_at_once_and_without_an_answer(mock: PersonaMock) -> None:
    mock.fault("latency", seconds=60)

    with pytest.raises(httpx2.ReadTimeout):
        kie(mock, "GET", "/api/v1/chat/credit", timeout=0.2)

    call = mock.requests[-1]
    assert (call.operation, call.outcome, call.status, call.fault) == (
        "getCredits",
        "success",
        None,
        "latency",
    )
    assert mock.coverage.covered == 0
