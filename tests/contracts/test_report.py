"""Every format with the same findings, and with the worst that traffic can hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import jsonschema
import pytest
import xmlschema

import contracts.report
from contracts.finding import Checked, Finding, Told, Verdict, Where
from contracts.report import FORMATS

SCHEMAS = Path(__file__).parent / "schemas"
REPORT = Path(contracts.report.__file__).parent / "schema.json"
# The same kind of value in every place that takes one.
HOSTILE = {
    "nothing": "",
    "controls": "\x00\x01\x08\x0b\x0c\x1b[31m\x7f\x85\u2028\u202e",
    "line ends": "a\r\nb\rc\nd\n\n",
    "end of CDATA": "]]>",
    "entities": "&amp; <b>\"'&#0;",
    "percent": "%0A::error::x%25",
    "command": "ok\n::add-mask::a\n ##[error]b",
    "emoji": "\U0001f3b5 caf\u00e9 \U0001f468\u200d\U0001f469",
    "lone surrogates": "a\ud83d b\udc00",
    "no characters": "\ufffe\uffff",
    "table": "a | b `c` ``` \\ [d](http://e) ![f](g) *h* _i_ $j$ ~k~",
    "long": "x" * 100_000,
    "many lines": "y\n" * 20_000,
}


def everywhere(text: str) -> Checked:
    """A check whose every text is this one, in an error and in a warning."""
    facts: dict[str, Any] = dict.fromkeys(("document", "operation", "case", "pointer", "reproduce"), text)
    facts |= {"wanted": text, "got": {text: [text]}, "where": Where(text, 3, 0, "response")}
    findings = [Finding("error", text, text, **facts), Finding("warning", text, text, **facts)]
    told = [Told(text, text, text), Told(text, None, f"{text} too", text)]
    return Checked(text, 2, 0, findings, 0, None, [text], told)


def check_json(report: str) -> None:
    jsonschema.Draft202012Validator(json.loads(REPORT.read_text("utf-8"))).validate(json.loads(report))


def check_sarif(report: str) -> None:
    for file in sorted(SCHEMAS.glob("sarif*.json")):
        schema = json.loads(file.read_text("utf-8"))
        jsonschema.validators.validator_for(schema)(schema).validate(json.loads(report))


def check_junit(report: str) -> None:
    for file in sorted(SCHEMAS.glob("junit*.xsd")):
        xmlschema.XMLSchema(str(file)).validate(Xml.fromstring(report.encode()))


def check(name: str, report: str) -> None:
    known = {"json": check_json, "sarif": check_sarif, "junit": check_junit}
    known.get(name, lambda _: None)(report)
    report.encode("utf-8")
    assert report.endswith("\n")
    assert not report.endswith("\n\n")


def test_there_are_six_formats() -> None:
    assert list(FORMATS) == ["text", "json", "junit", "github", "sarif", "markdown"]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_breaks_a_report(name: str, text: str) -> None:
    report = FORMATS[name](everywhere(text))

    check(name, report)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "checked",
    [
        Checked("check specs", 0, 0),
        Checked("check specs", 4, 4, [], 1, None, ["one was skipped"]),
        Checked("check drift", 3, 3, [Finding("warning", "r", "m")], 0, "compatible"),
        Checked("check mock", 1, 0, [Finding("error", "r", "m"), Finding("error", "r", "m")]),
    ],
    ids=["nothing checked", "nothing found", "only a warning", "nothing known but the message"],
)
def test_a_report_of_little_is_whole(name: str, checked: Checked) -> None:
    check(name, FORMATS[name](checked))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "found",
    [
        float("nan"),
        float("inf"),
        b"\xff",
        {1: 2, None: 3},
        (1, {"a": ()}),
        {3},
        10**400,
        json.loads("[" * 900 + "]" * 900),
    ],
    ids=["nan", "inf", "bytes", "keys", "tuple", "set", "large", "deep"],
)
def test_no_value_breaks_a_report(name: str, found: object) -> None:
    finding = Finding("error", "type", "m", wanted=found, got=found)

    check(name, FORMATS[name](Checked("check traffic", 1, 0, [finding])))


@pytest.mark.parametrize("name", ["text", "junit", "github", "markdown"])
def test_nothing_recorded_acts_on_a_terminal_or_a_build_log(name: str) -> None:
    report = FORMATS[name](everywhere("a\x1b[31m\x07\n::stop-commands::x\n  ##[error]y"))

    given = ("::error ", "::warning ", "::notice ")
    lines = [line.lstrip() for line in report.splitlines()]
    assert "\x1b" not in report
    assert "\x07" not in report
    assert [x for x in lines if x.startswith(("::", "##[")) and not x.startswith(given)] == []


@pytest.mark.parametrize("name", ["text", "junit", "github", "sarif", "markdown"])
def test_a_lone_surrogate_is_replaced_and_a_pair_is_not(name: str) -> None:
    report = FORMATS[name](Checked("check traffic", 1, 0, [Finding("error", "r", "a\ud83d. \ud83c\udfb5")]))

    assert "a\ufffd. \U0001f3b5" in report


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_findings_give_the_same_report(name: str) -> None:
    checked = everywhere("a")

    assert FORMATS[name](checked) == FORMATS[name](everywhere("a"))


@pytest.mark.parametrize("name", ["text", "github", "markdown"])
@pytest.mark.parametrize(
    ("verdict", "severity", "said"),
    [
        (None, "warning", "check drift: fine"),
        (None, "error", "check drift: failed"),
        ("breaking", "error", "check drift: breaking"),
        ("none", "warning", "check drift: none"),
    ],
)
def test_how_it_ended_is_said(name: str, verdict: Verdict | None, severity: Any, said: str) -> None:
    report = FORMATS[name](Checked("check drift", 1, 1, [Finding(severity, "r", "m")], 0, verdict))

    assert said in report


def kinds() -> Checked:
    """250 findings: 240 of one kind, then ten kinds of one each, the last of them errors."""
    many = [Finding("error", "common", f"message {number}", "kie", "a") for number in range(240)]
    rare = [Finding("warning", f"rare{number}", "m", "crun", "b") for number in range(9)]
    return Checked("check traffic", 300, 50, [*many, *rare, Finding("error", "alone", "m", "yuto", "c")])


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_a_long_list_is_cut_with_a_count(name: str) -> None:
    report = FORMATS[name](kinds())

    assert "… and 230 more, see --format json" in report
    assert "240" not in report.replace("241", "")


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_what_is_cut_is_more_of_the_same(name: str) -> None:
    report = FORMATS[name](kinds())

    assert "alone" in report
    assert "message 18" in report


@pytest.mark.parametrize("name", ["json", "junit", "sarif", "github"])
def test_what_a_machine_reads_is_not_cut(name: str) -> None:
    report = FORMATS[name](kinds())

    assert all(f"message {number}" in report for number in range(240))


def test_text_reads_as_the_handbook_shows_it() -> None:
    error = Finding(
        "error",
        "code",
        "the document says 409",
        document="kie",
        operation="generatePersona",
        pointer="/body/code",
        wanted=409,
        got=200,
        where=Where("client.har", 12, 3, "response"),
        reproduce="curl -X POST https://kie.test/persona \\\n  --data '{}'",
    )
    warning = Finding("warning", "extra-field", "no such field", "crun", pointer="/body/extra")
    checked = Checked("check traffic", 9, 7, [warning, error], 1, None, ["3 preflights were counted"])

    assert FORMATS["text"](checked) == (
        "check traffic: failed: 1 error, 1 warning, 9 checked, 7 passed, 1 skipped\n"
        "\n"
        "error    kie generatePersona  /body/code  code: wanted 409, got 200\n"
        "    the document says 409\n"
        "    at client.har:12, exchange 3, response\n"
        "    curl -X POST https://kie.test/persona \\\n"
        "      --data '{}'\n"
        "\n"
        "warning  crun  /body/extra  extra-field\n"
        "    no such field\n"
        "\n"
        "note: 3 preflights were counted\n"
    )


def test_text_puts_what_belongs_together_together() -> None:
    names = [("kie", "b"), ("crun", "a"), ("kie", "a"), ("crun", "a")]
    findings = [Finding("error", "r", str(at), *name) for at, name in enumerate(names)]

    report = FORMATS["text"](Checked("check traffic", 4, 0, findings))

    groups = [[line[4:] for line in group.split("\n")[1::2]] for group in report.strip().split("\n\n")[1:]]
    assert groups == [["1", "3"], ["2"], ["0"]]


def test_text_and_notes_without_end_are_cut() -> None:
    checked = Checked("check traffic", 1, 0, [Finding("error", "r", "x" * 100_000)], 0, None, ["n"] * 5000)

    report = FORMATS["text"](checked)

    assert len(report) < 3000
    assert "… (99000 more characters)" in report
    assert "… and 4980 more notes" in report


def test_text_cuts_a_message_of_many_lines() -> None:
    report = FORMATS["text"](Checked("check traffic", 1, 0, [Finding("error", "r", "y\n" * 90)]))

    assert len(report.splitlines()) == 24
    assert report.endswith("    … (70 more lines)\n")


def test_text_tells_zero_and_false_from_nothing() -> None:
    findings = [Finding("error", "a", "m", wanted=0, got=False), Finding("error", "b", "m", got="")]

    lines = FORMATS["text"](Checked("check traffic", 1, 0, findings)).splitlines()

    assert [line for line in lines if line.startswith("error")] == [
        "error    a: wanted 0, got false",
        'error    b: got ""',
    ]
