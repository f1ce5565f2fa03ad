"""Coverage counted from recordings: whose exchange it was, what came of it, which states it showed."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from contracts import covering
from contracts.covering import Covering, NoTraffic
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents
from tests.conftest import Client, MakeClient
from tests.web.calls import credential
from tests.web.stories import Story

KIE = "https://api.kie.ai/api/v1/generate"
PERSONA = "/api/v1/generate/generate-persona"
REFUSED = {"code": 422, "msg": "Music does not exist", "data": None}
EXPIRED = {"code": 451, "msg": "Failed to fetch the music data", "data": None}


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return load_documents(["packaged"], NAMES)


def entry(method: str, url: str, status: int, body: Any, *, sent: Any = None, **headers: str) -> Any:
    """An exchange as a HAR file has it; a body that is a text is sent as it stands."""
    text = body if isinstance(body, str) else json.dumps(body)
    request: dict[str, Any] = {"method": method, "url": url, "headers": []}
    if sent is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(sent)}
    said = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    listed = [{"name": name, "value": value} for name, value in said.items()]
    return {"request": request, "response": {"status": status, "headers": listed, "content": {"text": text}}}


def counted(documents: dict[str, Document], tmp_path: Path, *entries: Any) -> Covering:
    file = tmp_path / "recorded.har"
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), "utf-8")
    found = Covering(documents)
    found.read(file)
    return found


def met(found: Covering) -> dict[str, int]:
    """Every pair that was met, as `provider operation name`."""
    return {
        f"{provider} {operation} {name}": count
        for provider, part in found.report()["providers"].items()
        for operation, kinds in part["operations"].items()
        for counts in kinds.values()
        for name, count in counts.items()
        if count
    }


def test_outcomes_and_states_are_counted(documents: dict[str, Document], tmp_path: Path) -> None:
    poll = f"{KIE}/record-info?taskId=t1"
    pending = {"code": 200, "msg": "success", "data": {"taskId": "t1", "status": "PENDING"}}
    finished = {"code": 200, "msg": "success", "data": {"taskId": "t1", "status": "SUCCESS"}}

    found = counted(
        documents,
        tmp_path,
        entry("POST", f"{KIE}/generate-persona", 200, REFUSED, sent={"taskId": "t1"}),
        entry("GET", poll, 200, pending),
        entry("GET", poll, 200, pending),
        entry("GET", poll, 200, finished),
        entry("GET", poll, 200, {"code": 200, "msg": "success", "data": None}),
    )

    assert met(found) == {
        "kie generatePersona source-not-found": 1,
        "kie getMusicDetails success": 3,
        "kie getMusicDetails not-found": 1,
        "kie getMusicDetails PENDING": 2,
        "kie getMusicDetails SUCCESS": 1,
    }
    assert found.missed == {}


def test_every_documented_pair_is_in_the_report(
    documents: dict[str, Document], tmp_path: Path, make_client: MakeClient
) -> None:
    unmet = make_client().get("/_mock/coverage").json()

    assert counted(documents, tmp_path).report() == unmet


def test_what_our_mock_says_comes_before_what_an_answer_looks_like(
    documents: dict[str, Document], tmp_path: Path
) -> None:
    url, accepted = "http://127.0.0.1:4010/kie/api/v1/generate", {"code": 200, "msg": "success", "data": {}}

    found = counted(
        documents,
        tmp_path,
        entry("POST", url, 200, accepted, sent={}, x_mock_outcome="task-failed"),
        entry("POST", f"{url}/generate-persona", 200, REFUSED, x_mock_outcome="source-not-owned"),
        # A word that this document does not have tells nothing.
        entry("POST", f"{url}/generate-persona", 200, REFUSED, x_mock_outcome="on-fire"),
    )

    assert met(found) == {
        "kie generateMusic task-failed": 1,
        "kie generatePersona source-not-owned": 1,
        "kie generatePersona source-not-found": 1,
    }


def test_operations_that_share_a_path_are_told_apart_by_the_body(
    documents: dict[str, Document], tmp_path: Path
) -> None:
    url = "https://api.evolink.ai/v1/audios/generations"
    task = {"id": "task-unified-1", "status": "pending"}

    found = counted(
        documents,
        tmp_path,
        entry("POST", url, 200, task, sent={"model": "suno-persona", "model_params": {}}),
        entry("POST", url, 200, task, sent={"model": "suno-v5-beta", "prompt": "sing"}),
        # What our mock took it for, though the body was lost.
        entry("POST", url, 200, task, x_mock_operation="generatePersona"),
    )

    assert met(found) == {"evolink generatePersona success": 2, "evolink generateMusic success": 1}


def test_what_is_not_counted_is_told_by_its_reason(documents: dict[str, Document], tmp_path: Path) -> None:
    preflight = entry("OPTIONS", f"{KIE}/generate-persona", 204, "")
    preflight["request"]["headers"] = [{"name": "Origin", "value": "https://app.example"}]

    found = counted(
        documents,
        tmp_path,
        entry("GET", "https://cdn.example.com/a.mp3", 200, {}),
        entry("GET", "https://api.kie.ai/api/v1/secret", 404, {}),
        preflight,
        entry("GET", f"{KIE}/record-info?taskId=t", 0, ""),
        entry("GET", f"{KIE}/record-info?taskId=t", 200, '{"code": 200, "da'),
        entry("GET", f"{KIE}/record-info?taskId=t", 502, "<h1>Bad Gateway</h1>", content_type="text/html"),
        entry("GET", f"{KIE}/record-info?taskId=t", 299, {"code": 299, "msg": "what?"}),
        # The mock's own words are no provider's.
        entry(
            "POST",
            f"{KIE}/generate-persona",
            422,
            {"status": 422, "detail": "bad magic word"},
            content_type="application/problem+json",
            x_mock_outcome="invalid",
        ),
        {"request": {"method": "GET"}, "response": {}},
    )

    assert met(found) == {}
    assert found.missed == {
        covering.ELSEWHERE: 1,
        covering.UNKNOWN: 1,
        covering.PREFLIGHT: 1,
        covering.UNANSWERED: 1,
        covering.UNTOLD: 4,
        covering.UNREADABLE: 1,
    }


def test_several_files_of_several_formats_are_one_coverage(
    documents: dict[str, Document], tmp_path: Path
) -> None:
    cassette = f"""
interactions:
- request: {{method: POST, uri: '{KIE}/generate-persona', body: '{{"taskId": "t1"}}', headers: {{}}}}
  response:
    status: {{code: 200, message: OK}}
    headers: {{Content-Type: [application/json]}}
    body: {{string: '{{"code": 409, "msg": "Persona already exists for this music", "data": null}}'}}
version: 1
"""
    pact = {
        "consumer": {"name": "app"},
        "provider": {"name": "kie"},
        "interactions": [
            {
                "request": {"method": "GET", "path": "/api/v1/generate/record-info", "query": "taskId=t1"},
                "response": {"status": 200, "body": {"data": {"status": "FIRST_SUCCESS"}}},
            }
        ],
    }
    call = {"method": "GET", "path": "/evolink/v1/tasks/task-unified-1", "headers": []}
    missing = {"error": {"code": "task_not_found", "message": "gone"}}
    poll = {"method": "GET", "path": "/evolink/v1/tasks/task-unified-2", "headers": []}
    journal = {
        "requests": [
            {
                "provider": "evolink",
                "status": 404,
                "outcome": "not-found",
                "request": call,
                "response": {"status": 404, "headers": [], "body": missing},
            },
            {
                "provider": "evolink",
                "status": 200,
                "outcome": "success",
                "state": "processing",
                "request": poll,
                "response": {"status": 200, "headers": [], "body": {"status": "processing"}},
            },
            {
                # It reads like access-denied, and the mock knows better.
                "provider": "kie",
                "status": 200,
                "outcome": "source-expired",
                "request": {"method": "POST", "path": f"/kie{PERSONA}", "headers": [], "body": {}},
                "response": {"status": 200, "headers": [], "body": EXPIRED},
            },
            {
                # A fault kept the answer from its client.
                "provider": "evolink",
                "status": 200,
                "outcome": "success",
                "fault": "truncate",
                "request": poll,
                "response": {"status": 200, "headers": [], "body": '{"status": "pen'},
            },
        ]
    }
    (tmp_path / "cassette.yaml").write_text(cassette, "utf-8")
    (tmp_path / "pact.json").write_text(json.dumps(pact), "utf-8")
    (tmp_path / "journal.json").write_text(json.dumps(journal), "utf-8")
    found = counted(documents, tmp_path, entry("POST", f"{KIE}/generate-persona", 200, REFUSED))

    for name in ("cassette.yaml", "pact.json", "journal.json"):
        found.read(tmp_path / name)

    assert met(found) == {
        "kie generatePersona source-not-found": 1,
        "kie generatePersona duplicate": 1,
        "kie generatePersona source-expired": 1,
        "kie getMusicDetails success": 1,
        "kie getMusicDetails FIRST_SUCCESS": 1,
        "evolink getTask not-found": 1,
        "evolink getTask success": 1,
        "evolink getTask processing": 1,
    }
    assert found.missed == {covering.UNANSWERED: 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty file"),
        ("<!doctype html>", "no interactions"),
        ('{"openapi": "3.1.0"}', "no log, interactions or requests"),
        ('{"log": {"entries": [', "breaks off"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_is_no_traffic(
    documents: dict[str, Document], tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "odd").write_text(text, "utf-8")

    with pytest.raises(NoTraffic, match=message):
        Covering(documents).read(tmp_path / "odd")


def test_a_file_that_breaks_off_counts_as_far_as_it_goes(
    documents: dict[str, Document], tmp_path: Path
) -> None:
    whole = json.dumps(entry("POST", f"{KIE}/generate-persona", 200, REFUSED))
    (tmp_path / "cut.har").write_text(f'{{"log": {{"entries": [\n{whole},\n{whole[:50]}', "utf-8")
    found = Covering(documents)

    found.read(tmp_path / "cut.har")

    assert met(found) == {"kie generatePersona source-not-found": 1}
    assert [(file.name, flaw.line) for file, flaw in found.flaws] == [("cut.har", 3)]


def ask_for_everything(client: Client, documents: dict[str, Document]) -> None:
    """Meet every outcome of every operation, by asking for it."""
    for document in documents.values():
        for operation in document.operations():
            path = f"/{document.name}{operation.full_path}".replace("{", "").replace("}", "")
            body: Any = {} if operation.method == "POST" else None
            for outcome in operation.answers:
                headers = {**credential(document.name, "k"), "prefer": f"outcome={outcome}"}
                client.request(operation.method, path, headers=headers, json=body)


@pytest.fixture
def told(make_client: MakeClient, tmp_path: Path, documents: dict[str, Document]) -> tuple[Any, Path]:
    """The coverage of a mock that has seen a story and every outcome, and the export of its journal."""
    client = make_client(journal_size=10_000)
    Story(client.request).tell()
    ask_for_everything(client, documents)
    invented = "/kie/api/v1/generate/record-info?taskId=t&__dynamic=true"
    assert client.get(invented, headers=credential("kie", "k")).status_code == 200
    (tmp_path / "journal.json").write_bytes(client.get("/_mock/requests?full=true&limit=10000").content)
    return client.get("/_mock/coverage").json(), tmp_path / "journal.json"


def test_a_journal_tells_what_the_mock_itself_has_counted(
    documents: dict[str, Document], told: tuple[Any, Path]
) -> None:
    coverage, journal = told
    found = Covering(documents)

    found.read(journal)

    assert coverage["covered"] > 280
    assert found.report() == coverage
    assert found.missed == {}


def test_most_answers_tell_themselves(documents: dict[str, Document], told: tuple[Any, Path]) -> None:
    coverage, journal = told
    entries = json.loads(journal.read_text())
    for one in entries["requests"]:
        one["outcome"] = None
        headers = one["response"]["headers"]
        one["response"]["headers"] = [pair for pair in headers if pair[0].lower() != "x-mock-outcome"]
    journal.write_text(json.dumps(entries), "utf-8")
    found = Covering(documents)

    found.read(journal)

    unlike = set(unmet_of(found.report())) - set(unmet_of(coverage))
    # Each of these answers reads, letter by letter, as that of another outcome of its operation.
    alike = {"task-failed", "source-not-owned", "source-expired", "persona-not-found", "source-not-found"}
    assert {name for _, _, name in unlike} <= alike
    assert ("kie", "generatePersona", "source-expired") in unlike
    assert found.missed == {}


def unmet_of(report: Any) -> list[tuple[str, str, str]]:
    return [
        (provider, operation, name)
        for provider, part in report["providers"].items()
        for operation, kinds in part["operations"].items()
        for counts in kinds.values()
        for name, count in counts.items()
        if not count
    ]


def test_a_large_file_is_read_in_little_memory(documents: dict[str, Document], tmp_path: Path) -> None:
    one = entry("POST", f"{KIE}/generate-persona", 200, REFUSED)
    one["comment"] = "x" * 20_000
    text = json.dumps(one)
    with (tmp_path / "large.har").open("w") as file:
        file.write('{"log": {"entries": [')
        file.writelines(f"{text},\n" for _ in range(1_000))
        file.write(f"{text}]}}}}")
    found = Covering(documents)
    tracemalloc.start()

    found.read(tmp_path / "large.har")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert met(found) == {"kie generatePersona source-not-found": 1_001}
    # Of 20 MB.
    assert peak < 2_000_000
