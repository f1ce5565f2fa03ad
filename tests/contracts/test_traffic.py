"""Recorded traffic held against the packaged documents: what is found, what is only counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.finding import Checked
from contracts.traffic import check
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents

FILES = Path(__file__).parent / "traffic"
KIE = "https://api.kie.ai"
SONG = {
    "prompt": "A calm piano piece for a rainy evening",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    "callBackUrl": "https://example.com/callback",
}
MADE = {"code": 200, "msg": "success", "data": {"taskId": "5c79be8e5c79be8e5c79be8e5c79be8e"}}
CREDIT = {"code": 200, "msg": "success", "data": 100}
KEY = {"authorization": "Bearer sk-of-alice-1234"}

Judge = Callable[..., Checked]


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return load_documents(["packaged"], NAMES)


@pytest.fixture
def judge(tmp_path: Path, documents: dict[str, Document]) -> Judge:
    """Checks one file with these HAR entries in it."""

    def run(*entries: dict[str, Any], **options: Any) -> Checked:
        file = tmp_path / "recorded.har"
        file.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), "utf-8")
        return check([file], documents, **options)

    return run


def call(
    method: str = "POST",
    url: str = KIE + "/api/v1/generate",
    body: Any = SONG,
    status: int = 200,
    answer: Any = MADE,
    *,
    headers: dict[str, str] | None = None,
    answered: dict[str, str] | None = None,
) -> dict[str, Any]:
    """One entry of a HAR."""
    sent = [{"name": name, "value": value} for name, value in (KEY if headers is None else headers).items()]
    received = [{"name": name, "value": value} for name, value in (answered or {}).items()]
    request: dict[str, Any] = {"method": method, "url": url, "headers": sent}
    if body is not None and method != "GET":
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(body)}
    text = answer if isinstance(answer, str) else json.dumps(answer)
    content = {"mimeType": "application/json", "size": len(text), "text": text}
    return {"request": request, "response": {"status": status, "headers": received, "content": content}}


def credit(url: str = KIE + "/api/v1/chat/credit", **options: Any) -> dict[str, Any]:
    return call("GET", url, None, answer=CREDIT, **options)


def seen(checked: Checked) -> list[tuple[str, str | None, str | None]]:
    return [(found.severity, found.pointer, found.where.side) for found in checked.findings]


# --- the planted ones ---------------------------------------------------------------------------------------

PLANTED = [
    ("broken.har", 1, "request", "kie", "generateMusic", "required", "/body/model"),
    ("broken.har", 2, "request", "kie", "getMusicDetails", "required", "/query/taskId"),
    ("broken.har", 3, "request", "crun", "createTask", "security", "/header/x-api-key"),
    ("broken.har", 4, "request", "kie", None, "path", "/path"),
    ("broken.har", 5, "request", "kie", None, "method", "/method"),
    (
        "broken.yaml",
        1,
        "request",
        "evolink",
        "generatePersona",
        "difference",
        "/body/model_params/vocal_end",
    ),
    ("broken.yaml", 2, "response", "evolink", "generatePersona", "required", "/body/status"),
    ("broken.yaml", 3, "response", "evolink", "getTask", "status", "/status"),
    ("broken.yaml", 4, "response", "crun", "createTask", "type", "/body/data/task_id"),
    ("broken_v2.json", 1, "request", "yuto", "submitMusic", "enum", "/body/mv"),
    ("broken_v3.json", 1, "response", "kie", "getMusicDetails", "enum", "/body/code"),
    ("broken_v4.json", 1, "response", "crun", "createTask", "type", "/body/data/task_id"),
    ("broken_journal.json", 1, "request", "kie", "generateMusic", "undocumented", "/body/voice"),
    ("broken_journal.json", 2, "response", "kie", "generateMusic", "contentType", "/header/content-type"),
    ("broken_journal.json", 3, "response", "kie", "generateMusic", "type", "/body/data"),
]


def test_fifteen_planted_violations_are_found_and_no_other(documents: dict[str, Document]) -> None:
    checked = check(sorted(FILES.glob("broken*")), documents)

    found = [
        (
            Path(f.where.file or "").name,
            f.where.exchange,
            f.where.side,
            f.document,
            f.operation,
            f.rule,
            f.pointer,
        )
        for f in checked.findings
    ]
    assert sorted(found) == sorted(PLANTED)
    assert (checked.errors, checked.warnings, checked.is_fine) == (14, 1, False)
    assert checked.checked - checked.passed == 14


def test_every_finding_has_its_line_and_a_command_that_repeats_it(documents: dict[str, Document]) -> None:
    for finding in check(sorted(FILES.glob("broken*")), documents).findings:
        lines = Path(finding.where.file or "").read_text("utf-8").splitlines()
        near = " ".join(lines[(finding.where.line or 0) - 1 :][:20])

        assert "request" in near
        assert (finding.reproduce or "").startswith("curl ")


def test_clean_files_of_every_format_have_no_finding(documents: dict[str, Document]) -> None:
    files = sorted(FILES.glob("clean*"))

    checked = check(files, documents)

    assert len(files) == 7
    assert (checked.findings, checked.checked, checked.passed, checked.skipped) == ((), 18, 18, 4)


def test_what_was_counted_and_not_judged_is_told(documents: dict[str, Document]) -> None:
    file = FILES / "clean.har"

    notes = check([file], documents).notes

    assert set(notes) == {
        f"{file}: 1 exchange not judged: a CORS preflight",
        f"{file}: 1 exchange not judged: for cdn.example.com",
        f"{file}: 1 exchange not judged: aborted, no answer came",
        f"{file}: the answer of 1 exchange not judged: a redirect",
    }


# --- whose call it was --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        KIE + "/api/v1/chat/credit",
        "https://API.KIE.AI:443/api/v1/chat/credit",
        "http://localhost:4010/api/v1/chat/credit",
        "http://127.0.0.1:4010/kie/api/v1/chat/credit",
        "http://[::1]:4010/_sandbox/mine/kie/api/v1/chat/credit",
        "http://mock:4010/api/v1/chat/credit",
        "https://mock.example.com/kie/api/v1/chat/credit",
    ],
)
def test_the_provider_is_found_by_host_or_by_path(judge: Judge, url: str) -> None:
    checked = judge(call("GET", url, answer={"code": 200, "msg": "success", "data": "many"}))

    assert seen(checked) == [("error", "/body/data", "response")]
    assert checked.findings[0].document == "kie"


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example.com/api/v1/chat/credit",
        "http://localhost:8080/health",
        "http://localhost:4010/_mock/requests",
        "https://api.openai.example/v1/credits",
        "data:text/plain,hello",
        "http://[broken/",
    ],
)
def test_traffic_of_others_is_counted_and_not_judged(judge: Judge, url: str) -> None:
    checked = judge(call("GET", url, status=500, answer="oops"))

    assert (checked.findings, checked.checked, checked.skipped) == ((), 0, 1)


def test_an_unknown_route_is_an_error_and_a_warning_where_that_is_allowed(judge: Judge) -> None:
    entry = call("GET", KIE + "/api/v2/new")

    assert seen(judge(entry)) == [("error", "/path", "request")]
    assert seen(judge(entry, allow_unknown=True)) == [("warning", "/path", "request")]
    assert judge(entry, allow_unknown=True).passed == 0 + 1


def test_a_wrong_method_names_the_right_ones(judge: Judge) -> None:
    (finding,) = judge(call("DELETE", KIE + "/api/v1/generate")).findings

    assert (finding.pointer, finding.wanted, finding.got) == ("/method", ["POST"], "DELETE")


def test_one_path_with_two_operations_is_told_apart_by_the_body(judge: Judge) -> None:
    url = "https://api.evolink.ai/v1/audios/generations"

    checked = judge(call(url=url, body={"model": "suno-persona"}, status=400, answer={"error": {}}))

    assert {finding.operation for finding in checked.findings} == {"generatePersona"}


def test_a_head_is_judged_without_its_body(judge: Judge) -> None:
    assert judge(call("HEAD", KIE + "/api/v1/chat/credit", None, answer="")).findings == ()


# --- what is light, and what is none ------------------------------------------------------------------------


def test_undocumented_fields_are_warnings_wherever_they_stand(judge: Judge) -> None:
    body = {**SONG, "voice": "f"}
    answer = {**MADE, "data": {**MADE["data"], "eta": 5}, "trace": "t"}  # type: ignore[dict-item]

    checked = judge(call(url=KIE + "/api/v1/generate?debug=1", body=body, answer=answer))

    assert seen(checked) == [
        ("warning", "/query/debug", "request"),
        ("warning", "/body/voice", "request"),
        ("warning", "/body/data/eta", "response"),
        ("warning", "/body/trace", "response"),
    ]
    assert (checked.is_fine, checked.passed) == (True, 1)


def test_a_refusal_is_judged_by_the_code_in_its_body(judge: Judge) -> None:
    refused = {"code": 402, "msg": "Insufficient credits", "data": None}

    assert judge(call(answer=refused)).findings == ()
    assert judge(call(status=402, answer=refused)).findings == ()
    assert seen(judge(call(answer={**refused, "code": 418}))) == [("error", "/body/code", "response")]
    assert seen(judge(call(status=418, answer={**refused, "code": 418}))) == [
        ("error", "/body/code", "response")
    ]
    assert seen(judge(call(status=402, answer={**refused, "code": 401}))) == [
        ("error", "/status", "response")
    ]


@pytest.mark.parametrize(
    "value",
    [
        "***",
        "Bearer ***",
        "REDACTED",
        "Bearer REDACTED",
        "<redacted>",
        "",
        "Bearer",
        "sk-o…(0123456789abcdef)",
    ],
)
def test_a_blanked_credential_counts_as_present(judge: Judge, value: str) -> None:
    assert judge(credit(headers={"Authorization": value})).findings == ()


def test_a_missing_credential_is_an_error_where_another_exchange_has_one(judge: Judge) -> None:
    checked = judge(credit(), credit(headers={}))

    assert seen(checked) == [("error", "/header/authorization", "request")]
    assert (checked.findings[0].where.exchange, checked.passed) == (1, 1)
    assert checked.findings[0].got == "nothing of the kind"


def test_a_credential_in_the_wrong_place_is_an_error(judge: Judge) -> None:
    assert seen(judge(credit(headers={"x-api-key": "sk-of-alice-1234"}))) == [
        ("error", "/header/authorization", "request")
    ]


def test_a_file_without_any_credential_is_taken_as_redacted(judge: Judge) -> None:
    checked = judge(*[credit(headers={}) for _ in range(5)])

    assert [(finding.severity, finding.rule) for finding in checked.findings] == [("warning", "redacted")]
    assert (checked.checked, checked.passed) == (5, 5)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_counted(judge: Judge, status: int) -> None:
    checked = judge(credit(status=status, answered={"location": "/elsewhere"}))

    assert checked.findings == ()
    assert any("a redirect" in note for note in checked.notes)


def test_an_undocumented_status_is_an_error(judge: Judge) -> None:
    (finding,) = judge(credit(status=302)).findings

    assert (finding.pointer, finding.got, finding.wanted) == ("/status", 302, ["200"])


def test_what_was_not_kept_is_not_judged(judge: Judge) -> None:
    entry = call()
    entry["request"] = {**entry["request"], "bodySize": 200}
    del entry["request"]["postData"], entry["response"]["content"]["text"]

    assert judge(entry).findings == ()


def test_a_missing_and_a_broken_body_are_errors(judge: Judge) -> None:
    broken = call(answer="{oops")
    broken["request"]["postData"]["text"] = "{'model': 1}"

    checked = judge(call(body=None), broken)

    assert [(f.rule, *rest[1:]) for f, rest in zip(checked.findings, seen(checked), strict=True)] == [
        ("required", "/body", "request"),
        ("wellFormed", "/body", "request"),
        ("wellFormed", "/body", "response"),
    ]


def test_another_type_is_one_mistake(judge: Judge) -> None:
    assert seen(judge(call(body={**SONG, "model": 4}))) == [("error", "/body/model", "request")]


def test_other_hosts_are_told_in_one_note(judge: Judge) -> None:
    (note,) = judge(*[call("GET", f"https://h{n}.example.com/") for n in range(8)]).notes

    assert "8 exchanges not judged: for h0.example.com" in note
    assert note.endswith("and 3 more")


# --- no secrets ---------------------------------------------------------------------------------------------


def test_no_secret_is_in_what_is_said(judge: Judge) -> None:
    secret = "sk-of-alice-1234"
    body = {**SONG, "model": f"V4 {secret}", "password": "hunter-hunter", "voice": 1}
    url = f"https://user:{secret}@api.kie.ai/api/v1/generate?token={secret}"

    checked = judge(
        call(url=url, body=body, answer={**MADE, "code": secret}), call("GET", KIE + "/" + secret)
    )

    told = repr(checked)
    assert len(checked.findings) >= 4
    assert secret not in told
    assert "hunter-hunter" not in told
    assert '-H "authorization: Bearer $KEY"' in (checked.findings[0].reproduce or "")


def test_a_long_body_is_left_to_a_file(judge: Judge) -> None:
    (finding,) = judge(call(body={**SONG, "prompt": "la " * 2000})).findings

    assert "--data-binary @body" in (finding.reproduce or "")


# --- Pact ---------------------------------------------------------------------------------------------------


def pact(provider: str, answer: Any, path: str = "/api/v1/chat/credit") -> str:
    request = {"method": "GET", "path": path, "headers": {"Authorization": "***"}}
    response = {"status": 200, "headers": {"Content-Type": "application/json"}, "body": answer}
    interaction = {"description": "a look", "request": request, "response": response}
    return json.dumps(
        {"consumer": {"name": "web"}, "provider": {"name": provider}, "interactions": [interaction]}
    )


@pytest.mark.parametrize("provider", ["kie", "KIE", "api.kie.ai", "https://api.kie.ai/"])
def test_a_pact_files_provider_is_a_document_or_its_host(
    tmp_path: Path, documents: dict[str, Document], provider: str
) -> None:
    file = tmp_path / "pact.json"
    file.write_text(pact(provider, {"data": "many"}), "utf-8")

    assert seen(check([file], documents)) == [("error", "/body/data", "response")]


@pytest.mark.parametrize("answer", [{}, {"code": 200}, {"data": 5}, {"msg": "success"}])
def test_what_a_pact_answer_leaves_out_is_no_finding(
    tmp_path: Path, documents: dict[str, Document], answer: Any
) -> None:
    file = tmp_path / "pact.json"
    file.write_text(pact("kie", answer), "utf-8")

    assert check([file], documents).findings == ()


def test_a_pact_file_of_another_provider_is_counted(tmp_path: Path, documents: dict[str, Document]) -> None:
    file = tmp_path / "pact.json"
    file.write_text(pact("weather", {"data": "rain"}), "utf-8")

    checked = check([file], documents)

    assert (checked.checked, checked.skipped, checked.notes) == (
        0,
        1,
        (f"{file}: 1 exchange not judged: for weather",),
    )
