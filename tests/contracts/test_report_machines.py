"""What the JSON, JUnit and SARIF reports say, apart from being valid."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from contracts.finding import Checked, Finding, Told, Where
from contracts.report import FORMATS, sarif

ERROR = Finding(
    "error",
    "code",
    "the document says 409",
    document="kie",
    operation="generatePersona",
    case="second persona",
    pointer="/body/code",
    wanted=409,
    got=200,
    where=Where("client.har", 12, 3, "response"),
    reproduce="curl https://kie.test/persona",
)
BARE = Finding("warning", "redacted", "no credential in this file")


def checked(*findings: Finding) -> Checked:
    return Checked("check traffic", 9, 7, findings, 1, None, ["3 preflights were counted"])


def read(name: str, *findings: Finding) -> Any:
    report = FORMATS[name](checked(*findings))
    return Xml.fromstring(report.encode()) if name == "junit" else json.loads(report)


def test_json_has_every_key_in_the_promised_order() -> None:
    report = read("json", BARE)

    assert list(report.items())[:3] == [("version", 1), ("command", "check traffic"), ("verdict", None)]
    assert list(report) == ["version", "command", "verdict", "summary", "findings"]
    assert list(report["summary"].items()) == [
        ("checked", 9),
        ("passed", 7),
        ("skipped", 1),
        ("errors", 0),
        ("warnings", 1),
    ]
    assert list(report["findings"][0].items()) == [
        ("severity", "warning"),
        ("rule", "redacted"),
        ("document", None),
        ("operation", None),
        ("case", None),
        ("pointer", None),
        ("wanted", None),
        ("got", None),
        ("message", "no credential in this file"),
        ("where", {"file": None, "line": None, "exchange": None, "side": None}),
        ("reproduce", None),
    ]
    assert list(report["findings"][0]["where"]) == ["file", "line", "exchange", "side"]


def test_json_carries_the_facts_as_they_are() -> None:
    finding = replace(ERROR, got={"a": [1.5, None, True, "\x1b"]})

    found = read("json", finding)["findings"][0]

    assert (found["wanted"], found["got"]) == (409, {"a": [1.5, None, True, "\x1b"]})
    assert found["where"] == {"file": "client.har", "line": 12, "exchange": 3, "side": "response"}
    assert found["reproduce"] == "curl https://kie.test/persona"


def test_json_keeps_the_order_in_which_it_was_found() -> None:
    report = read("json", BARE, ERROR)

    assert [found["rule"] for found in report["findings"]] == ["redacted", "code"]


def test_json_gives_the_verdict_of_a_comparison() -> None:
    report = json.loads(FORMATS["json"](Checked("check drift", 1, 1, verdict="breaking")))

    assert report["verdict"] == "breaking"


def test_junit_counts_the_test_cases_that_it_lists() -> None:
    root = read("junit", ERROR, replace(ERROR, message="again"), BARE)

    suite = root[0]
    assert suite.attrib == {
        "name": "check traffic",
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    assert root.attrib == {"name": "persona-mock", "tests": "4", "failures": "1", "errors": "0"}
    assert [(case.get("name"), [child.tag for child in case]) for case in suite.findall("testcase")] == [
        ("second persona", ["failure"]),
        ("redacted", ["system-out"]),
        ("7 passed", []),
        ("1 skipped", ["skipped"]),
    ]
    assert suite.findtext("system-out").splitlines() == [
        "check traffic: failed: 2 errors, 1 warning, 9 checked, 7 passed, 1 skipped",
        "3 preflights were counted",
    ]


CASES = [
    Told("kie", "generatePersona", "second persona"),
    Told("kie", "getCredits", "credits"),
    Told("evolink", "getTask", "second persona"),
    Told("evolink", None, "slow", "it needs a virtual clock"),
    Told("evolink", "getTask", "old"),
]


def test_junit_lists_every_case_passed_failed_and_skipped() -> None:
    later = replace(ERROR, operation="getCredits", message="a later step")
    old = Finding("warning", "stale", "read 200 days ago", "evolink", "generatePersona", "old")
    ended = Finding("error", "unfinished-run", "interrupted", "kie")
    found = Checked("check mock", 4, 3, [ERROR, old, later, ended], 1, told=CASES)

    suite = Xml.fromstring(FORMATS["junit"](found).encode())[0]

    listed = suite.findall("testcase")
    assert [(case.get("classname"), case.get("name"), [one.tag for one in case]) for case in listed] == [
        ("check mock.kie.generatePersona", "second persona", ["failure"]),
        ("check mock.kie.getCredits", "credits", []),
        ("check mock.evolink.getTask", "second persona", []),
        ("check mock.evolink", "slow", ["skipped"]),
        ("check mock.evolink.getTask", "old", ["system-out"]),
        ("check mock.kie", "unfinished-run", ["failure"]),
    ]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("6", "2", "1")
    assert listed[3][0].get("message") == "it needs a virtual clock"
    assert listed[0][0].get("message") == "the document says 409 (and 1 more)"
    assert "a later step" in (listed[0][0].text or "")
    assert "read 200 days ago" in listed[4].findtext("system-out", "")


def test_junit_has_a_test_case_for_each_thing_at_fault() -> None:
    other = replace(ERROR, case=None, rule="type", where=Where())

    suite = read("junit", ERROR, other, replace(other, message="again"))[0]

    cases = suite.findall("testcase[failure]")
    assert [(case.get("classname"), case.get("name"), case[0].get("message")) for case in cases] == [
        ("check traffic.kie.generatePersona", "second persona", "the document says 409"),
        ("check traffic.kie.generatePersona", "/body/code", "the document says 409 (and 1 more)"),
    ]


def test_junit_shows_the_evidence_of_an_error() -> None:
    failure = read("junit", ERROR).find(".//failure")

    assert failure.attrib == {"type": "code", "message": "the document says 409"}
    assert failure.text.splitlines() == [
        "/body/code code: wanted 409, got 200",
        "the document says 409",
        "client.har:12, exchange 3, response",
        "curl https://kie.test/persona",
    ]


def test_junit_does_not_fail_on_a_warning() -> None:
    suite = read("junit", BARE)[0]

    case = suite.find("testcase[@name='redacted']")
    assert [child.tag for child in case] == ["system-out"]
    assert case.findtext("system-out").startswith("warning: redacted\nno credential")


def test_sarif_lists_each_rule_once_and_points_at_it() -> None:
    run = read("sarif", ERROR, BARE, replace(ERROR, pointer="/body/msg"))["runs"][0]

    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["code", "redacted"]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == ["code", "code", "redacted"]
    assert [result["ruleId"] for result in run["results"]] == ["code", "code", "redacted"]
    assert [result["level"] for result in run["results"]] == ["error", "error", "warning"]


def test_sarif_says_who_ran_and_that_it_ran() -> None:
    run = read("sarif", ERROR)["runs"][0]

    assert run["tool"]["driver"]["name"] == "persona-mock"
    assert "version" not in run["tool"]["driver"]
    assert run["invocations"][0]["executionSuccessful"] is True
    notes = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert notes == ["3 preflights were counted"]


def test_sarif_says_the_version_that_is_handed_in() -> None:
    report = json.loads(sarif.render(checked(), "1.2.3"))

    assert report["runs"][0]["tool"]["driver"]["version"] == "1.2.3"


def test_sarif_points_at_file_and_line_and_at_what_is_broken() -> None:
    location = read("sarif", ERROR)["runs"][0]["results"][0]["locations"][0]

    assert location == {
        "physicalLocation": {"artifactLocation": {"uri": "client.har"}, "region": {"startLine": 12}},
        "logicalLocations": [{"fullyQualifiedName": "kie/generatePersona/second persona/body/code"}],
    }


@pytest.mark.parametrize(
    ("where", "physical"),
    [
        (Where(), None),
        (Where(line=4), None),
        (Where("a b/ü:%.har"), {"artifactLocation": {"uri": "a%20b/%C3%BC%3A%25.har"}}),
        (Where("/tmp/a b.har", 0), {"artifactLocation": {"uri": "file:///tmp/a%20b.har"}}),
    ],
)
def test_sarif_has_a_physical_location_where_a_file_is_known(where: Where, physical: Any) -> None:
    location = read("sarif", replace(ERROR, where=where))["runs"][0]["results"][0]["locations"][0]

    assert location.get("physicalLocation") == physical
    assert location["logicalLocations"]


def fingerprint(finding: Finding) -> str:
    fingerprints = read("sarif", finding)["runs"][0]["results"][0]["partialFingerprints"]
    assert list(fingerprints) == ["personaMock/v1"]
    return str(fingerprints["personaMock/v1"])


def test_a_fingerprint_is_pinned() -> None:
    assert fingerprint(ERROR) == "4c1c6007a8d4d2f3094561862d026f38b26f224f82ff735afa96cdbc5662e683"


@pytest.mark.parametrize(
    "change",
    [
        {"message": "other words"},
        {"got": 500},
        {"where": Where("moved.har", 99, 7, "response")},
        {"reproduce": None},
    ],
)
def test_a_fingerprint_outlives_what_changes_between_runs(change: dict[str, Any]) -> None:
    assert fingerprint(replace(ERROR, **change)) == fingerprint(ERROR)


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "type"},
        {"document": "crun"},
        {"operation": "other"},
        {"case": None},
        {"pointer": "/body/msg"},
        {"where": Where(side="request")},
    ],
)
def test_a_fingerprint_tells_what_is_broken(change: dict[str, Any]) -> None:
    assert fingerprint(replace(ERROR, **change)) != fingerprint(ERROR)


def test_findings_without_a_pointer_are_told_apart_by_their_words() -> None:
    assert fingerprint(BARE) != fingerprint(replace(BARE, message="another file"))
