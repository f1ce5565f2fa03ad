"""Every outcome that a provider documents, met by each of the three ways to ask for one."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from tests.conftest import Client
from tests.specs import reading
from tests.store.table import STORES
from tests.web.calls import (
    OUTCOMES,
    PROVIDERS,
    VOCABULARY,
    in_sandbox,
    pairs,
    planted,
    send,
    shared_app,
)

# These let the call pass, and its body tells of what it did; the others show what the document shows.
ACCEPTED = ("success", "task-failed")
SHOWN = "a body that keeps the document"


@pytest.fixture(scope="module", params=sorted(STORES))
def app(request: pytest.FixtureRequest) -> Any:
    return shared_app(STORES[request.param](log_size=1000))


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


@pytest.fixture(scope="module")
def plain_app() -> Any:
    return shared_app()


@pytest.fixture
def plain(plain_app: Any, request: pytest.FixtureRequest) -> Client:
    """A client of one store, where that is enough."""
    return in_sandbox(plain_app, request.node.nodeid)


def canonical(provider: str, operation: str, outcome: str) -> reading.Example:
    """The first example that shows an outcome by default, as a plain reading of the document finds it."""
    examples = reading.reply_examples(reading.operations(provider)[operation])
    shown = (e for e in examples if e.marks.get("x-outcome") == outcome and "x-quirk" not in e.marks)
    return next(shown)


def told(answer: httpx2.Response) -> tuple[Any, ...]:
    """What an answer says of itself, and its body; of one that lets the call pass, whether it is true."""
    headers = answer.headers
    names = ("x-mock-provider", "x-mock-operation", "x-mock-outcome", "x-mock-violation", "x-mock-error")
    said = [headers.get(name) for name in names]
    body = answer.json()
    return answer.status_code, *said, _judged(said, body) if said[2] in ACCEPTED else body


def _judged(said: list[str | None], body: Any) -> str:
    provider, operation = said[:2]
    described = reading.operations(provider or "")[operation or ""]
    schema = reading.contents(described, "reply 200")[0]["schema"]
    errors = reading.validator(described.document, schema).iter_errors(body)
    return next((error.message for error in errors), SHOWN)


def expected(provider: str, operation: str, outcome: str) -> tuple[Any, ...]:
    """The same of the documented answer to a call that breaks nothing."""
    shown = canonical(provider, operation, outcome)
    body = SHOWN if outcome in ACCEPTED else shown.value
    return int(shown.status), provider, operation, outcome, None, None, body


@pytest.mark.parametrize("operation", OUTCOMES, ids=".".join)
def test_a_document_marks_the_outcomes_of_the_table_and_no_others(operation: tuple[str, str]) -> None:
    provider, name = operation

    examples = reading.reply_examples(reading.operations(provider)[name])

    marked = {e.marks["x-outcome"] for e in examples if "x-outcome" in e.marks and "x-quirk" not in e.marks}
    assert marked == set(OUTCOMES[operation])


def test_the_table_names_every_operation() -> None:
    known = {(provider, name) for provider in PROVIDERS for name in reading.operations(provider)}

    assert set(OUTCOMES) == known


@pytest.mark.parametrize("provider", PROVIDERS)
def test_prefer_reaches_every_documented_outcome(client: Client, provider: str) -> None:
    answers = {
        pair: told(send(client, provider, pair[0], prefer=f"outcome={pair[1]}")) for pair in pairs(provider)
    }

    assert answers == {pair: expected(provider, *pair) for pair in pairs(provider)}
    assert journaled(client) == [(*pair, "asked") for pair in pairs(provider)]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_queue_reaches_every_documented_outcome(client: Client, provider: str) -> None:
    answers = {}

    for operation, outcome in pairs(provider):
        queued = {"provider": provider, "operation": operation, "outcome": outcome}
        assert client.post("/_mock/outcomes", json=queued).status_code == 200
        answers[operation, outcome] = told(send(client, provider, operation))

    assert answers == {pair: expected(provider, *pair) for pair in pairs(provider)}
    assert journaled(client) == [(*pair, "queued") for pair in pairs(provider)]
    assert client.get("/_mock/outcomes").json() == {"outcomes": []}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_magic_key_reaches_every_documented_outcome(client: Client, provider: str) -> None:
    answers = {pair: told(send(client, provider, pair[0], key=f"mock-{pair[1]}")) for pair in pairs(provider)}

    assert answers == {pair: expected(provider, *pair) for pair in pairs(provider)}
    assert journaled(client) == [(*pair, "magic-key") for pair in pairs(provider)]


def journaled(client: Client) -> list[tuple[str, str, str]]:
    """What the journal says of each call, oldest first."""
    entries = client.get("/_mock/requests").json()["requests"]
    return [(entry["operation"], entry["outcome"], entry["because"]) for entry in entries]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_was_met_is_covered_and_nothing_else(plain: Client, provider: str) -> None:

    for operation, outcome in pairs(provider):
        send(plain, provider, operation, prefer=f"outcome={outcome}")

    shown = plain.get("/_mock/coverage").json()["providers"]
    counted = {
        (owner, name): operation["outcomes"]
        for owner, operations in shown.items()
        for name, operation in operations["operations"].items()
    }
    assert counted == {
        (owner, name): dict.fromkeys(outcomes, int(owner == provider))
        for (owner, name), outcomes in OUTCOMES.items()
    }


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_undocumented_outcome_is_501_and_lists_the_documented_ones(plain: Client, provider: str) -> None:
    wrong: list[Any] = []

    for (owner, operation), documented in OUTCOMES.items():
        for outcome in VOCABULARY if owner == provider else ():
            if outcome not in documented:
                answer = send(plain, provider, operation, prefer=f"outcome={outcome}")
                told = answer.status_code, answer.headers["x-mock-error"], answer.json()["outcomes"]
                if told != (501, "outcome-undocumented", list(documented)):
                    wrong.append((operation, outcome, told))

    assert wrong == []


def test_an_undocumented_outcome_is_explained_in_words(plain: Client) -> None:
    answer = send(plain, "kie", "getCredits", prefer="outcome=duplicate")

    assert answer.headers["content-type"] == "application/problem+json"
    assert "x-mock-outcome" not in answer.headers
    assert answer.headers["x-mock-operation"] == "getCredits"
    assert answer.json()["detail"] == (
        "kie getCredits documents nothing for outcome=duplicate. "
        "Ask for one of its outcomes: success, unauthorized, maintenance, server-error"
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_named_example_is_reachable_by_its_name(plain: Client, provider: str) -> None:
    wrong: list[Any] = []

    for name, operation in reading.operations(provider).items():
        for shown in reading.reply_examples(operation):
            answer = send(plain, provider, name, prefer=f"code={shown.status}, example={shown.name}")
            if (answer.status_code, answer.json()) != (int(shown.status), shown.value):
                wrong.append((name, shown.name, answer.status_code))
            label = shown.marks.get("x-outcome")
            if label and answer.headers["x-mock-outcome"] != label:
                wrong.append((name, shown.name, answer.headers["x-mock-outcome"]))

    assert wrong == []


STATES = {
    ("kie", "getMusicDetails"): [
        "SUCCESS",
        "PENDING",
        "TEXT_SUCCESS",
        "FIRST_SUCCESS",
        "CREATE_TASK_FAILED",
        "GENERATE_AUDIO_FAILED",
        "CALLBACK_EXCEPTION",
        "SENSITIVE_WORD_ERROR",
    ],
    ("crun", "getTaskInfo"): ["success", "pending", "running", "failed"],
    ("evolink", "getTask"): ["completed", "pending", "processing", "failed"],
    ("yuto", "fetchTask"): ["SUCCESS", "NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "FAILURE"],
}


@pytest.mark.parametrize("operation", STATES, ids=".".join)
def test_every_task_state_is_reachable_and_journaled(plain: Client, operation: tuple[str, str]) -> None:
    provider, name = operation
    examples = reading.reply_examples(reading.operations(provider)[name])

    for state in STATES[operation]:
        shown = next(e.name for e in examples if e.marks.get("x-state") == state)
        send(plain, provider, name, prefer=f"example={shown}")

    entries = plain.get("/_mock/requests").json()["requests"]
    states = plain.get("/_mock/coverage").json()["providers"][provider]["operations"][name]["states"]
    assert [entry["state"] for entry in entries] == STATES[operation]
    assert states == dict.fromkeys(STATES[operation], 1)


@pytest.mark.parametrize("operation", STATES, ids=".".join)
def test_a_poll_shows_a_finished_task(plain: Client, operation: tuple[str, str]) -> None:
    ids = planted(plain, operation[0])

    answer = send(plain, *operation, ids=ids)

    documented = canonical(*operation, "success").value
    assert told(answer) == expected(*operation, "success")
    assert answer.json().keys() == documented.keys()
    assert plain.get("/_mock/requests").json()["requests"][0]["state"] == STATES[operation][0]


@pytest.mark.parametrize("operation", STATES, ids=".".join)
def test_a_poll_of_an_unknown_task_shows_the_documented_refusal(
    plain: Client, operation: tuple[str, str]
) -> None:
    answer = send(plain, *operation)

    assert told(answer) == expected(*operation, "not-found")
    assert "state" not in plain.get("/_mock/requests").json()["requests"][0]


# What is refused without a source or a task of one's own.
NEEDY = {
    ("kie", "extendMusic"),
    ("kie", "getMusicDetails"),
    ("kie", "generatePersona"),
    ("crun", "getTaskInfo"),
    ("crun", "generatePersona"),
    ("evolink", "generatePersona"),
    ("evolink", "getTask"),
    ("yuto", "fetchTask"),
    ("yuto", "generatePersona"),
    ("yuto", "submitConcat"),
    ("yuto", "getFeed"),
}


@pytest.mark.parametrize("operation", OUTCOMES, ids=".".join)
def test_a_success_is_the_work_done_where_it_can_be_done_and_else_what_the_document_shows(
    plain: Client, operation: tuple[str, str]
) -> None:
    ids = planted(plain, operation[0])

    done = send(plain, *operation, ids=ids, prefer="outcome=success")
    shown = send(plain, *operation, key="another", ids=ids, prefer="outcome=success")

    assert told(done) == told(shown) == expected(*operation, "success")
    if operation in NEEDY:
        assert done.json() != shown.json()
        assert without_urls(shown.json()) == without_urls(canonical(*operation, "success").value)


def without_urls(value: Any) -> Any:
    """A body in which a URL is only that: the files of an example that nobody named are the mock's own."""
    if isinstance(value, dict):
        return {name: without_urls(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_urls(item) for item in value]
    return "a URL" if isinstance(value, str) and value.startswith("http") else value


def urls_of(value: Any) -> set[str]:
    """Every URL in a body, but for those that repeat the request."""
    if isinstance(value, dict):
        echoes = ("param", "notify_hook")
        return set().union(*(urls_of(item) for name, item in value.items() if name not in echoes))
    if isinstance(value, list):
        return set().union(*map(urls_of, value))
    return {value} if isinstance(value, str) and value.startswith("http") else set()


@pytest.mark.parametrize("prefer", ["outcome=success", "outcome=success, dynamic=true"])
@pytest.mark.parametrize("operation", sorted({*OUTCOMES} - {("crun", "getUploadUrl")}), ids=".".join)
def test_the_files_of_an_example_that_nobody_named_can_be_had(
    plain: Client, operation: tuple[str, str], prefer: str
) -> None:
    body = send(plain, *operation, key="another", prefer=prefer).json()

    assert {url: plain.get(url).status_code for url in urls_of(body)} == dict.fromkeys(urls_of(body), 200)


@pytest.mark.parametrize("prefer", ["outcome=success", "outcome=success, dynamic=true"])
def test_what_an_example_repeats_of_a_request_is_left_as_it_is(plain: Client, prefer: str) -> None:
    headers = {"x-api-key": "k", "prefer": prefer}

    reply = plain.get("/api/v1/client/job/TaskInfo?task_id=x", headers=headers)

    assert "/_mock/" not in json.dumps(reply.json()["data"]["param"])


def test_the_files_of_examples_lie_in_the_sandbox_that_asked(plain: Client) -> None:
    path = "/_sandbox/mine/api/v1/client/job/TaskInfo?task_id=x"
    headers = {"x-api-key": "k", "prefer": "outcome=success"}

    shown = plain.get(path, headers=headers).json()["data"]["result"]["media_urls"]

    assert all("/_sandbox/mine/_mock/media/crun/example/" in url for url in shown)
    assert plain.get(shown[0]).headers["content-type"] == "audio/mpeg"


def test_an_example_upload_takes_bytes_and_gives_them_back(plain: Client) -> None:
    path, headers = "/api/v1/client/files/upload-url", {"x-api-key": "mock-success"}
    place = plain.get(path, headers=headers).json()["data"]

    before = plain.get(place["file_url"])
    put = plain.request("PUT", place["presigned_url"], content=b"bytes")

    assert before.headers["content-type"] == "audio/mpeg"
    assert put.status_code == 200
    assert plain.get(place["file_url"]).content == b"bytes"
