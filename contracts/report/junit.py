"""The report as JUnit XML, in the form that CI servers read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from xml.etree import ElementTree as Xml

from contracts.finding import Checked, Finding
from contracts.report.wording import claim, cut, headline, ordered, place, safe, value

MESSAGE = 500
# What has two findings is one thing at fault: document, operation and name.
Key = tuple[str | None, ...]


class _Case(NamedTuple):
    """What becomes a test case."""

    classname: str
    name: str
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    skipped: str | None = None


def render(checked: Checked) -> str:
    """One suite: a test case for each case, passed, failed or skipped.

    A check of anything else names what it found at fault, and has one test case for what passed and one for
    what was skipped. The counts are those of the test cases, as servers that count for themselves get them.
    """
    cases = [*_told(checked), *_at_fault(checked), *_rest(checked)]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(1 for case in cases if case.errors)),
        "errors": "0",
    }
    skipped = str(sum(1 for case in cases if case.skipped is not None and not case.errors))
    root = Xml.Element("testsuites", {"name": "persona-mock", **counts})
    suite = Xml.SubElement(root, "testsuite", {"name": value(checked.command), **counts, "skipped": skipped})
    for case in cases:
        _write(suite, case)
    said = [headline(checked), *(safe(note) for note in checked.notes)]
    Xml.SubElement(suite, "system-out").text = "\n".join(said)
    Xml.indent(root)
    written = Xml.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'


# --- the test cases -----------------------------------------------------------------------------------------


def _told(checked: Checked) -> Iterator[_Case]:
    """Every case of a check of cases, with what was found of it."""
    found = _grouped(checked.findings, lambda one: (one.document, one.case))
    for told in checked.told:
        classname = _classname(checked.command, told.document, told.operation)
        findings = found.get((told.document, told.case), [])
        yield _case(classname, value(told.case), findings)._replace(skipped=told.skipped)


def _at_fault(checked: Checked) -> Iterator[_Case]:
    """What was found of anything else: of a run, of a file, of an exchange."""
    known = {(told.document, told.case) for told in checked.told}
    rest = (finding for finding in checked.findings if (finding.document, finding.case) not in known)
    groups = _grouped(rest, lambda one: (one.document, one.operation, one.case or one.pointer or one.rule))
    for (document, operation, name), findings in groups.items():
        yield _case(_classname(checked.command, document, operation), value(name), findings)


def _rest(checked: Checked) -> Iterator[_Case]:
    """What is not named one by one: a server that counts for itself is to see that something passed."""
    if checked.told:
        return
    group = value(checked.command)
    if checked.passed:
        yield _Case(group, f"{checked.passed} passed")
    if checked.skipped:
        yield _Case(group, f"{checked.skipped} skipped", skipped="see the notes of the suite")


def _case(classname: str, name: str, findings: list[Finding]) -> _Case:
    errors = tuple(finding for finding in findings if finding.severity == "error")
    warnings = tuple(finding for finding in findings if finding.severity != "error")
    return _Case(classname, name, errors, warnings)


def _grouped(findings: Iterable[Finding], key: Callable[[Finding], Key]) -> dict[Key, list[Finding]]:
    groups: dict[Key, list[Finding]] = {}
    for finding in ordered(findings):
        groups.setdefault(key(finding), []).append(finding)
    return groups


def _classname(*parts: str | None) -> str:
    return ".".join(value(part) for part in parts if part)


# --- as XML -------------------------------------------------------------------------------------------------


def _write(suite: Xml.Element, case: _Case) -> None:
    written = Xml.SubElement(suite, "testcase", classname=case.classname, name=case.name)
    if case.errors:
        _failure(written, case.errors)
    elif case.skipped is not None:
        Xml.SubElement(written, "skipped", message=cut(safe(case.skipped), MESSAGE))
    if case.warnings:
        said = (f"warning: {_evidence(finding)}" for finding in case.warnings)
        Xml.SubElement(written, "system-out").text = "\n\n".join(said)


def _failure(case: Xml.Element, errors: tuple[Finding, ...]) -> None:
    """One for all of them, since most servers show no second."""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    message = cut(safe(errors[0].message), MESSAGE) + more
    failure = Xml.SubElement(case, "failure", {"type": value(errors[0].rule), "message": message})
    failure.text = "\n\n".join(map(_evidence, errors))


def _evidence(finding: Finding) -> str:
    pointed = " ".join(part for part in (value(finding.pointer or ""), claim(finding)) if part)
    parts = (pointed, safe(finding.message), place(finding.where), safe(finding.reproduce or ""))
    return "\n".join(part for part in parts if part)
