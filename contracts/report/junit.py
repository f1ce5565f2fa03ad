"""The report as JUnit XML, in the form that CI servers read."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as Xml

from contracts.finding import Checked, Finding
from contracts.report.wording import claim, cut, ordered, place, safe, value

MESSAGE = 500
Key = tuple[str, str]


def render(checked: Checked) -> str:
    """One suite: a test case for each thing found at fault, one for what passed, one for what was skipped."""
    counts = {"tests": str(checked.checked), "failures": str(checked.errors), "errors": "0"}
    root = Xml.Element("testsuites", {"name": "persona-mock", **counts})
    named = {"name": value(checked.command), **counts, "skipped": str(checked.skipped)}
    suite = Xml.SubElement(root, "testsuite", named)
    for key, findings in _by_case(checked).items():
        _case(suite, key, findings)
    _rest(suite, checked)
    Xml.indent(root)
    written = Xml.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'


def _by_case(checked: Checked) -> dict[Key, list[Finding]]:
    cases: dict[Key, list[Finding]] = {}
    for finding in ordered(checked.findings):
        parts = (checked.command, finding.document, finding.operation)
        classname = ".".join(value(part) for part in parts if part)
        name = value(finding.case or finding.pointer or finding.rule)
        cases.setdefault((classname, name), []).append(finding)
    return cases


def _case(suite: Xml.Element, key: Key, findings: Iterable[Finding]) -> None:
    classname, name = key
    case = Xml.SubElement(suite, "testcase", classname=classname, name=name)
    warnings = []
    for finding in findings:
        if finding.severity == "error":
            headed = {"type": value(finding.rule), "message": cut(safe(finding.message), MESSAGE)}
            Xml.SubElement(case, "failure", headed).text = _evidence(finding)
        else:
            warnings.append(f"warning: {_evidence(finding)}")
    if warnings:
        Xml.SubElement(case, "system-out").text = "\n\n".join(warnings)


def _evidence(finding: Finding) -> str:
    pointed = " ".join(part for part in (value(finding.pointer or ""), claim(finding)) if part)
    parts = (pointed, safe(finding.message), place(finding.where), safe(finding.reproduce or ""))
    return "\n".join(part for part in parts if part)


def _rest(suite: Xml.Element, checked: Checked) -> None:
    """What has no finding: a server that counts the cases itself is to see that something passed."""
    group = value(checked.command)
    if checked.passed:
        Xml.SubElement(suite, "testcase", classname=group, name=f"{checked.passed} passed")
    if checked.skipped:
        case = Xml.SubElement(suite, "testcase", classname=group, name=f"{checked.skipped} skipped")
        Xml.SubElement(case, "skipped", message="see the notes of the suite")
    said = [f"verdict: {checked.verdict}"] if checked.verdict else []
    said += [safe(note) for note in checked.notes]
    if said:
        Xml.SubElement(suite, "system-out").text = "\n".join(said)
