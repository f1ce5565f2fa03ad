"""`persona-mock coverage`: of a mock that runs, of recordings, of both; its formats and how it ends."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mockserver.cli.main import main

Live = Callable[..., str]
Shown = pytest.CaptureFixture[str]

PERSONA = "/api/v1/generate/generate-persona"
DUPLICATE = '{"code": 409, "msg": "Persona already exists for this music", "data": null}'

HAR = """{"log": {"version": "1.2", "entries": [
 {"request": {"method": "POST", "url": "https://api.kie.ai/api/v1/generate/generate-persona", "headers": [],
              "postData": {"mimeType": "application/json", "text": "{\\"taskId\\": \\"t1\\"}"}},
  "response": {"status": 200, "headers": [{"name": "Content-Type", "value": "application/json"}],
               "content": {"text": "{\\"code\\": 422, \\"msg\\": \\"Music does not exist\\"}"}}},
 {"request": {"method": "GET", "url": "https://api.kie.ai/api/v1/generate/record-info?taskId=t1"},
  "response": {"status": 200, "headers": [],
               "content": {"text": "{\\"code\\": 200, \\"data\\": {\\"status\\": \\"TEXT_SUCCESS\\"}}"}}},
 {"request": {"method": "GET", "url": "https://cdn.example.com/logo.png", "headers": []},
  "response": {"status": 200, "headers": [], "content": {"text": "PNG"}}},
 {"request": {"method": "GET", "url": "https://api.kie.ai/api/v2/unheard-of", "headers": []},
  "response": {"status": 404, "headers": [], "content": {"text": "{}"}}},
 {"request": {"method": "GET"}, "response": {}}
]}}"""
CASSETTE = f"""
version: 1
interactions:
- request:
    method: POST
    uri: https://api.kie.ai{PERSONA}
    headers: {{Content-Type: [application/json]}}
    body: '{{"taskId": "t1", "audioId": "a1", "name": "N", "description": "D"}}'
  response:
    status: {{code: 200, message: OK}}
    headers: {{Content-Type: [application/json]}}
    body: {{string: '{DUPLICATE}'}}
"""
PACT = """{"consumer": {"name": "app"}, "provider": {"name": "evolink"}, "interactions": [
 {"description": "a poll", "request": {"method": "GET", "path": "/v1/tasks/task-unified-1"},
  "response": {"status": 200, "body": {"id": "task-unified-1", "status": "processing"}}}
]}"""
JOURNAL = """{"requests": [
 {"id": "req_1", "provider": "yuto", "status": 200, "outcome": "not-found",
  "request": {"method": "GET", "path": "/yuto/suno/feed/x", "query": "", "headers": [], "body": null},
  "response": {"status": 200, "headers": [["content-type", "application/json"]], "body": []}}
]}"""


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the folder nor the environment of whoever runs the tests says anything."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in [name for name in os.environ if name.startswith("PERSONA_MOCK_")]:
        monkeypatch.delenv(name)


def written(name: str, text: str) -> str:
    Path(name).write_text(text, "utf-8")
    return name


def counted(capsys: Shown, *arguments: str) -> dict[str, Any]:
    """The report that a command prints as JSON."""
    assert main(["coverage", *arguments, "--json"]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def met(report: dict[str, Any]) -> dict[str, int]:
    """Every pair that was met, as `provider operation name`."""
    return {
        f"{provider} {operation} {name}": count
        for provider, part in report["providers"].items()
        for operation, kinds in part["operations"].items()
        for counts in kinds.values()
        for name, count in counts.items()
        if count
    }


def refused(url: str) -> None:
    """One call without a key."""
    assert httpx2.get(f"{url}/kie/api/v1/chat/credit").json()["code"] == 401


# --- a mock that runs --------------------------------------------------------------------------------------


def test_a_running_mock_is_asked_and_its_json_is_printed_as_it_stands(live: Live, capsys: Shown) -> None:
    url = live()
    refused(url)

    printed = counted(capsys, "--url", url)

    assert printed == httpx2.get(f"{url}/_mock/coverage").json()
    assert met(printed) == {"kie getCredits unauthorized": 1}


def test_a_sandbox_is_meant_by_its_name_or_its_address(live: Live, capsys: Shown) -> None:
    url = live(control_token="t0ken")
    refused(f"{url}/_sandbox/alice")
    token = ["--control-token", "t0ken"]

    named = counted(capsys, "--url", url, "--sandbox", "alice", *token)
    addressed = counted(capsys, "--url", f"{url}/_sandbox/alice", *token)
    default = counted(capsys, "--url", url, *token)

    assert met(named) == met(addressed) == {"kie getCredits unauthorized": 1}
    assert met(default) == {}
    assert main(["coverage", "--url", url]) == 2
    assert "--control-token" in capsys.readouterr().err


def test_without_files_and_address_the_mock_of_these_settings_is_asked(
    live: Live, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = live()
    refused(url)
    monkeypatch.setenv("PERSONA_MOCK_PORT", url.rpartition(":")[2])

    assert met(counted(capsys)) == {"kie getCredits unauthorized": 1}


def test_a_mock_that_does_not_answer_is_code_3(capsys: Shown) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    code = main(["coverage", "--url", f"http://127.0.0.1:{port}"])

    shown = capsys.readouterr()
    assert (code, shown.out) == (3, "")
    assert "does not answer" in shown.err


# --- recordings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "pairs"),
    [
        (
            "recorded.har",
            HAR,
            {
                "kie generatePersona source-not-found": 1,
                "kie getMusicDetails success": 1,
                "kie getMusicDetails TEXT_SUCCESS": 1,
            },
        ),
        ("cassette.yaml", CASSETTE, {"kie generatePersona duplicate": 1}),
        ("pact.json", PACT, {"evolink getTask success": 1, "evolink getTask processing": 1}),
        ("journal.json", JOURNAL, {"yuto getFeed not-found": 1}),
    ],
)
def test_a_recording_of_each_kind_is_counted(
    capsys: Shown, name: str, text: str, pairs: dict[str, int]
) -> None:
    report = counted(capsys, written(name, text))

    assert met(report) == pairs
    assert report["covered"] == len(pairs)
    assert list(report["providers"]) == ["crun", "evolink", "kie", "yuto"]


def test_what_was_not_counted_is_told_beside_the_report(capsys: Shown) -> None:
    file = written("recorded.har", HAR)

    code = main(["coverage", file, "--json"])

    shown = capsys.readouterr()
    assert code == 0
    assert json.loads(shown.out)["covered"] == 3
    assert shown.err == (
        "Not counted: 3 exchanges: 1 for other hosts, 1 to unknown routes, 1 that cannot be read\n"
    )


def test_files_and_a_mock_are_counted_together(live: Live, capsys: Shown) -> None:
    url = live()
    refused(url)
    kie = {"authorization": "Bearer k", "prefer": "outcome=duplicate"}
    httpx2.post(f"{url}/kie{PERSONA}", json={}, headers=kie)
    files = [written("cassette.yaml", CASSETTE), written("pact.json", PACT)]

    report = counted(capsys, *files, "--url", url)

    assert met(report) == {
        "kie getCredits unauthorized": 1,
        "kie generatePersona duplicate": 2,
        "evolink getTask success": 1,
        "evolink getTask processing": 1,
    }


def test_the_export_of_a_journal_tells_what_its_mock_tells(live: Live, capsys: Shown) -> None:
    url = live(clock="virtual")
    planted = httpx2.post(f"{url}/_mock/tasks", json={"provider": "kie", "key": "k"}).json()
    headers = {"authorization": "Bearer k"}
    persona = {"taskId": planted["source_task"], "audioId": planted["songs"][0], "name": "N"}
    persona["description"] = "D"
    for _ in range(2):
        httpx2.post(f"{url}/kie{PERSONA}", json=persona, headers=headers)
    poll = f"{url}/kie/api/v1/generate/record-info?taskId={planted['source_task']}"
    httpx2.get(poll, headers=headers)
    export = httpx2.get(f"{url}/_mock/requests?full=true").text

    report = counted(capsys, written("journal.json", export))

    assert report == httpx2.get(f"{url}/_mock/coverage").json()
    assert met(report) == {
        "kie generatePersona success": 1,
        "kie generatePersona duplicate": 1,
        "kie getMusicDetails success": 1,
        "kie getMusicDetails SUCCESS": 1,
    }


REPORT = """{"covered": 2, "total": 3, "percent": 66.7, "providers": {
 "kie": {"operations": {"generatePersona": {"outcomes": {"success": 1, "duplicate": 4}, "states": {}}}},
 "evolink": {"operations": {"getTask": {"outcomes": {}, "states": {"pending": 0}}}}
}}"""


@pytest.mark.parametrize("start", ["", "\ufeff", " \n"])
def test_a_coverage_report_is_counted_with_the_rest(capsys: Shown, start: str) -> None:
    files = [written("coverage.json", start + REPORT), written("cassette.yaml", CASSETTE)]

    report = counted(capsys, *files, "--provider", "kie")

    assert met(report) == {"kie generatePersona success": 1, "kie generatePersona duplicate": 5}
    # It is counted against the documents, as any other file.
    assert report["total"] > 50


def test_what_pytest_and_a_mock_wrote_is_read_again(live: Live, capsys: Shown) -> None:
    url = live()
    refused(url)
    file = written("coverage.json", httpx2.get(f"{url}/_mock/coverage").text)
    assert main(["coverage", file, "--json", "--output", "again.json"]) == 0

    found = [counted(capsys, file), counted(capsys, "again.json"), counted(capsys, file, "--url", url)]

    assert [met(report) for report in found] == [
        {"kie getCredits unauthorized": 1},
        {"kie getCredits unauthorized": 1},
        {"kie getCredits unauthorized": 2},
    ]
    assert found[0] == httpx2.get(f"{url}/_mock/coverage").json()


def test_a_provider_of_a_report_has_its_own_share(capsys: Shown) -> None:
    file = written("coverage.json", REPORT)

    codes = [main(["coverage", file, "--provider", "kie", "--fail-under", least]) for least in ("1", "50")]

    assert codes == [0, 1]
    assert "Required coverage of 50 % is not reached: 2 of " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (REPORT[:-9], "it is no JSON"),
        ('{"providers": ["kie"]}', "no counts"),
        ('{"covered": 1, "total": 2, "percent": 50.0}', "no counts"),
        (REPORT.replace("4", '"four"'), "no counts"),
        (REPORT.replace("4", "-4"), "no counts"),
        (REPORT.replace('"states": {}', '"state": {}'), "no counts"),
    ],
)
def test_a_coverage_report_that_is_broken_is_code_2(capsys: Shown, text: str, reason: str) -> None:
    file = written("coverage.json", text)

    code = main(["coverage", written("pact.json", PACT), file])

    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert f"coverage.json begins as a coverage report, but {reason}" in shown.err
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Dear diary: nothing", "no interactions"),
        ("[]", "a JSON list"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_is_no_recording_is_code_2(capsys: Shown, text: str | None, reason: str) -> None:
    file = written("diary.txt", text) if text is not None else "diary.txt"

    code = main(["coverage", written("pact.json", PACT), file])

    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert "diary.txt: " in shown.err
    assert reason in shown.err
    assert shown.err.count("\n") == 1


def test_a_file_that_breaks_off_is_counted_as_far_as_it_goes(capsys: Shown) -> None:
    file = written("cut.har", HAR[: HAR.index("cdn.example.com")])

    code = main(["coverage", file, "--json"])

    shown = capsys.readouterr()
    assert (code, json.loads(shown.out)["covered"]) == (0, 3)
    assert "cut.har:9: the file breaks off; what stands before it is counted" in shown.err


def test_files_are_held_against_the_documents_that_were_named(
    capsys: Shown, folder: Callable[..., str]
) -> None:
    pets = """
openapi: 3.1.0
info: {title: Pets, version: '1'}
servers: [{url: 'https://pets.example.com'}]
paths:
  /pets: {get: {operationId: listPets, responses: {'200': {description: all}, '404': {description: none}}}}
"""
    har = '{"log": {"entries": [{"request": {"method": "GET", "url": "https://pets.example.com/pets"}, '
    har += '"response": {"status": 404}}]}}'

    arguments = [written("pets.har", har), "--specs", folder(pets=pets)]

    report = counted(capsys, *arguments)
    codes = [main(["coverage", *arguments, "--fail-under", least]) for least in ("50", "50.1")]

    assert (report["covered"], report["total"]) == (1, 2)
    assert met(report) == {"pets listPets http-404": 1}
    assert codes == [0, 1]


# --- what is wanted of it ----------------------------------------------------------------------------------


def test_a_provider_is_told_alone_with_its_own_total(live: Live, capsys: Shown) -> None:
    url = live()
    refused(url)

    asked = counted(capsys, "--url", url, "--provider", "kie")
    read = counted(capsys, written("recorded.har", HAR), "--provider", "kie")

    assert list(asked["providers"]) == list(read["providers"]) == ["kie"]
    assert (asked["covered"], read["covered"]) == (1, 3)
    assert asked["total"] == read["total"] < 100
    assert main(["coverage", "recorded.har", "--provider", "suno"]) == 2
    assert "crun, evolink, kie, yuto" in capsys.readouterr().err


@pytest.mark.parametrize(("least", "code", "verdict"), [("5", 1, "is not reached"), ("3", 0, "is reached")])
def test_too_little_is_code_1(capsys: Shown, least: str, code: int, verdict: str) -> None:
    file = written("recorded.har", HAR)

    found = main(["coverage", file, "--provider", "kie", "--fail-under", least, "--json"])

    shown = capsys.readouterr()
    total = json.loads(shown.out)["total"]
    assert found == code
    assert shown.err.splitlines()[-1].startswith(
        f"Required coverage of {least} % {verdict}: 3 of {total}, {round(300 / total, 1)} %"
    )


@pytest.mark.parametrize("text", ["101", "-1", "half", "nan", ""])
def test_a_share_that_is_none_is_code_2(capsys: Shown, text: str) -> None:
    code = main(["coverage", written("pact.json", PACT), f"--fail-under={text}"])

    assert code == 2
    assert f"wanted a number from 0 to 100, got {text!r}" in capsys.readouterr().err


@pytest.mark.parametrize("option", [("--sandbox", "alice"), ("--control-token", "t0ken")])
def test_what_only_a_mock_has_is_not_asked_of_files(capsys: Shown, option: tuple[str, str]) -> None:
    code = main(["coverage", written("pact.json", PACT), *option])

    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert option[0] in shown.err


# --- how it is told ----------------------------------------------------------------------------------------


def test_the_table_is_the_one_that_pytest_shows(capsys: Shown) -> None:
    code = main(["coverage", written("pact.json", PACT), "--provider", "evolink"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert lines[0].split() == ["Operation", "Pairs", "Miss", "Cover", "Missing"]
    (row,) = (line for line in lines if line.startswith("evolink getTask "))
    assert row.split()[2:5] == ["12", "10", "16%"]
    assert row.endswith("| states: completed, pending, failed")
    assert lines[-1].startswith("TOTAL")


def test_the_page_is_printed_as_utf_8_or_written_to_a_file(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = written("pact.json", PACT)

    codes = [main(["coverage", file, "--format", "html"])]
    printed = capsysbinary.readouterr().out
    codes.append(main(["coverage", file, "--format", "html", "--output", "page.html"]))

    assert codes == [0, 0]
    assert printed.startswith(b"<!DOCTYPE html>")
    assert "\N{EN DASH}".encode() in printed
    assert (tmp_path / "page.html").read_bytes() == printed
    assert capsysbinary.readouterr().out == b""


def test_a_file_holds_the_json_and_stdout_nothing(tmp_path: Path, capsys: Shown) -> None:
    file = written("pact.json", PACT)

    code = main(["coverage", file, "--json", "--output", "coverage.json"])

    assert (code, capsys.readouterr()) == (0, ("", ""))
    assert met(json.loads((tmp_path / "coverage.json").read_text()))["evolink getTask success"] == 1


def test_a_file_that_cannot_be_written_is_code_2(capsys: Shown) -> None:
    code = main(["coverage", written("pact.json", PACT), "--output", "nowhere/coverage.txt"])

    assert code == 2
    assert "nowhere/coverage.txt cannot be written" in capsys.readouterr().err


def test_it_says_how_it_is_used(capsys: Shown) -> None:
    assert main(["coverage", "--help"]) == 0

    shown = capsys.readouterr().out
    assert "Example: persona-mock coverage recorded.har --fail-under 80" in shown
    assert "[FILE ...]" in shown
