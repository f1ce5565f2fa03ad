"""The report as SARIF 2.1.0, for code scanning and editors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from contracts.finding import Checked, Finding, Where
from contracts.report.as_json import encodable, write
from contracts.report.wording import claim, ordered, safe, value

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# Part of the name, so that another way to count may come beside it.
FINGERPRINT = "personaMock/v1"


def render(checked: Checked, version: str | None = None) -> str:
    """One run: every rule once, a result per finding, the same fingerprints whenever the same is found."""
    findings = ordered(checked.findings)
    rules = sorted({finding.rule for finding in findings})
    driver = {"name": "persona-mock", "rules": [{"id": rule} for rule in rules]}
    if version is not None:
        driver["version"] = version
    index = {rule: number for number, rule in enumerate(rules)}
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(checked)],
        "results": [_result(finding, index[finding.rule]) for finding in findings],
        "properties": {"command": checked.command, "verdict": checked.verdict},
    }
    return write({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _invocation(checked: Checked) -> dict[str, Any]:
    """The check itself ran, whatever it found."""
    notes = [{"level": "note", "message": {"text": safe(note)}} for note in checked.notes]
    return {"executionSuccessful": True, "toolExecutionNotifications": notes}


def _result(finding: Finding, rule_index: int) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": "error" if finding.severity == "error" else "warning",
        "message": {"text": f"{claim(finding)}\n{safe(finding.message)}"},
        "locations": _locations(finding),
        "partialFingerprints": {FINGERPRINT: _fingerprint(finding)},
        "properties": _properties(finding),
    }


def _locations(finding: Finding) -> list[dict[str, Any]]:
    location: dict[str, Any] = {}
    if finding.where.file:
        location["physicalLocation"] = _physical(finding.where.file, finding.where)
    parts = [part for part in (finding.document, finding.operation, finding.case) if part]
    named = "/".join(value(part) for part in parts) + value(finding.pointer or "")
    if named:
        location["logicalLocations"] = [{"fullyQualifiedName": named}]
    return [location] if location else []


def _physical(file: str, where: Where) -> dict[str, Any]:
    found: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
    if where.line is not None and where.line > 0:
        found["region"] = {"startLine": where.line}
    return found


def _uri(file: str) -> str:
    path = Path(encodable(file))
    if path.is_absolute():
        return "file:///" + quote(path.as_posix().lstrip("/"), safe="/:")
    return quote(path.as_posix())


def _fingerprint(finding: Finding) -> str:
    """Of what is broken, not of where in a file it was met this time nor of what came."""
    # Without a pointer only the words tell two findings apart.
    spot = finding.message if finding.pointer is None else finding.pointer
    parts = (finding.rule, finding.document, finding.operation, finding.case, spot)
    told = json.dumps([*parts, finding.where.side])
    return hashlib.sha256(told.encode()).hexdigest()


def _properties(finding: Finding) -> dict[str, Any]:
    facts = {
        "case": finding.case,
        "pointer": finding.pointer,
        "wanted": finding.wanted,
        "got": finding.got,
        "exchange": finding.where.exchange,
        "side": finding.where.side,
        "reproduce": finding.reproduce,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}
