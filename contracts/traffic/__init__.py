"""`check traffic`: does recorded traffic keep the documents?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from contracts.finding import Checked, Finding, Severity, Where
from contracts.traffic import recorded
from contracts.traffic.exchange import Exchange, Flaw
from contracts.traffic.judge import SECURITY, Scribe, judge, lost
from contracts.traffic.locate import Elsewhere, Found, Locator
from contracts.traffic.secrets import carries_credential
from mockserver.openapi.compiled import Document

MOST = 1000
"""So many findings of each severity are kept of one file; half a gigabyte may hold half a million."""


def check(
    files: Sequence[Path], documents: Mapping[str, Document], *, allow_unknown: bool = False
) -> Checked:
    """What the exchanges in some files break of the documents; a file that is broken hides no other."""
    locator = Locator(documents)
    places = frozenset().union(*(document.secrets() for document in documents.values()))
    tallies = [_Tally(file, locator, places, "warning" if allow_unknown else "error") for file in files]
    for tally in tallies:
        tally.run()
    return Checked(
        command="check traffic",
        checked=sum(tally.checked for tally in tallies),
        passed=sum(tally.passed for tally in tallies),
        findings=tuple(finding for tally in tallies for finding in tally.findings()),
        skipped=sum(tally.skipped for tally in tallies),
        notes=tuple(note for tally in tallies for note in tally.notes()),
    )


class _Tally:
    """One file: its exchanges judged one after another, and what is known of it when all are read."""

    def __init__(
        self, file: Path, locator: Locator, places: frozenset[tuple[str, str]], unknown: Severity
    ) -> None:
        self._file, self._locator, self._places, self._unknown = str(file), locator, places, unknown
        self._path = file
        self._kept: list[Finding] = []
        self._counts: Counter[Severity] = Counter()
        self._lacking: list[Finding] = []
        # Exchanges that broke nothing but that they lack a credential.
        self._lack_only = 0
        self._lack_all = 0
        self._carries = False
        self.checked = 0
        self.passed = 0
        self.aside: Counter[str] = Counter()
        self.others: Counter[str] = Counter()
        self.answers_aside: Counter[str] = Counter()

    def run(self) -> None:
        """Read and judge the whole file."""
        for item in recorded.items(self._path):
            if isinstance(item, Flaw):
                self._keep(self._flaw(item))
            else:
                self._carries = self._carries or carries_credential(item, self._places)
                self._judge(item)
        if self._is_redacted:
            self.passed += self._lack_only

    @property
    def skipped(self) -> int:
        """How many exchanges were counted and not judged."""
        return self.aside.total() + self.others.total()

    @property
    def _is_redacted(self) -> bool:
        return self._lack_all > 0 and not self._carries

    def _judge(self, exchange: Exchange) -> None:
        if exchange.aside is not None:
            self.aside[exchange.aside] += 1
            return
        found = self._locator.find(exchange)
        if isinstance(found, Elsewhere):
            self.others[found.whom] += 1
        elif not isinstance(found, Found) and is_preflight(exchange):
            self.aside["a CORS preflight"] += 1
        elif isinstance(found, Found):
            scribe = Scribe(self._file, exchange, self._places, found.document)
            findings, aside = judge(found, scribe)
            if aside is not None:
                self.answers_aside[aside] += 1
            self._count(findings)
        else:
            scribe = Scribe(self._file, exchange, self._places, found.document)
            self._count([lost(scribe, found, self._unknown)])

    def _count(self, findings: list[Finding]) -> None:
        self.checked += 1
        lacking = [finding for finding in findings if finding.rule == SECURITY]
        others = [finding for finding in findings if finding.rule != SECURITY]
        is_broken = any(finding.severity == "error" for finding in others)
        self._lack_all += bool(lacking)
        self._lack_only += bool(lacking) and not is_broken
        self.passed += not lacking and not is_broken
        for finding in others:
            self._keep(finding)
        self._lacking.extend(lacking[: max(0, MOST - len(self._lacking))])

    def _keep(self, finding: Finding) -> None:
        self._counts[finding.severity] += 1
        if self._counts[finding.severity] <= MOST:
            self._kept.append(finding)

    def _flaw(self, flaw: Flaw) -> Finding:
        place = f"{self._file}:{flaw.line}" if flaw.line else self._file
        return Finding(
            severity="error",
            rule=flaw.rule,
            message=f"{place}: {flaw.message}; wanted {flaw.wanted}",
            wanted=flaw.wanted,
            got=flaw.got,
            where=Where(self._file, flaw.line, flaw.exchange, None),
        )

    def findings(self) -> Iterator[Finding]:
        """What is wrong, in the order of the file; what concerns the whole file comes first."""
        if self._is_redacted:
            yield self._redacted()
            yield from self._kept
        else:
            yield from sorted([*self._kept, *self._lacking], key=_order)

    def _redacted(self) -> Finding:
        text = f"{self._file}: no exchange carries a credential, so the file is taken as redacted"
        return Finding(
            severity="warning",
            rule="redacted",
            message=text,
            wanted="a credential, or what it was blanked with",
            got="none in any exchange",
            where=Where(self._file),
        )

    def notes(self) -> Iterator[str]:
        """What was counted and not judged, and how many findings are not listed."""
        if self.others:
            yield f"{self._file}: {_exchanges(self.others.total())} not judged: for {_named(self.others)}"
        for reason, count in self.aside.most_common(20):
            yield f"{self._file}: {_exchanges(count)} not judged: {reason}"
        for reason, count in self.answers_aside.most_common():
            yield f"{self._file}: the answer of {_exchanges(count)} not judged: {reason}"
        for severity, count in self._counts.items():
            if count > MOST:
                yield f"{self._file}: {count} findings are {severity}s, of which {MOST} are listed"
        if self._lack_all > MOST and not self._is_redacted:
            yield f"{self._file}: {self._lack_all} exchanges lack a credential, of which {MOST} are listed"


def _order(finding: Finding) -> tuple[float, str]:
    # A flaw of the whole file comes last, for it ends there.
    index = finding.where.exchange
    return (float("inf") if index is None else index, finding.where.side or "")


def _named(hosts: Counter[str]) -> str:
    """Those with the most calls by name, and how many more there are."""
    named = ", ".join(host[:100] for host, _ in hosts.most_common(5))
    return f"{named} and {len(hosts) - 5} more" if len(hosts) > 5 else named


def _exchanges(count: int) -> str:
    return "1 exchange" if count == 1 else f"{count} exchanges"


def is_preflight(exchange: Exchange) -> bool:
    """True for what a browser asks by itself before a call."""
    if exchange.method != "OPTIONS":
        return False
    names = {name for name, _ in exchange.request.headers}
    return bool(names & {"access-control-request-method", "origin"})
