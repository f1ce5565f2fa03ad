"""`check live`: does the real provider keep the same cases?"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from shlex import quote as shell_quote
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

from contracts.case import Case, CaseFile
from contracts.finding import Checked, Finding, Told, Where
from contracts.live.ledger import Ledger, Unkept, without
from contracts.live.pace import Pace
from contracts.live.plan import Plan, Prices, against
from contracts.live.world import TOO_LATE, Account, Refused, Visit
from contracts.marks import stale
from contracts.receiver import Receiver
from contracts.run import Ran, Runner
from contracts.target import Target
from mockserver.openapi.compiled import Document

Json = Any

# So many calls in a row without an answer, and nobody is there any more.
_SILENT = 3
SHOWN = "***"
# A case of which this was found was not really run; the next run tries again.
_UNTRIED = frozenset(("unanswered", "given"))


class Silent(Exception):
    """The target did not answer a single call."""


class Options(NamedTuple):
    """How a run is made."""

    key: str
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    today: str
    # True where the target is the provider, so that what holds there renews marks.
    is_provider: bool
    # True where it can reach a receiver on this machine.
    is_near: bool
    max_age: int | None = None
    progress: Callable[[int, int, str], None] = lambda *_: None


def check(
    plan: Plan, target: Target, document: Document, file: CaseFile, ledger: Ledger, options: Options
) -> Checked:
    """What a provider does otherwise than the cases say; Silent where it does not answer at all."""
    run = _Run(plan, target, document, file, ledger, options)
    with Receiver() as receiver:
        run.go(receiver if options.is_near else None)
    return scrubbed(run.checked(), options.key)


class _Run:
    def __init__(
        self, plan: Plan, target: Target, document: Document, file: CaseFile, ledger: Ledger, options: Options
    ) -> None:
        self._plan, self._file, self._ledger, self._options = plan, file, ledger, options
        self._runner = Runner(document)
        # Nobody is to be spared on this machine; documented limits are kept there too.
        live = {**file.live, "gap": 0} if options.is_near else file.live
        pace = Pace(live, options.clock, options.sleep)
        self._account = Account(
            self._runner,
            target,
            options.key,
            file.live,
            ledger,
            pace,
            Prices(file, document),
            self._tell,
            options.sleep,
            hider(options.key),
        )
        before = (ledger.known(case) for case in file.cases)
        self._ran: list[Ran] = [_marked(ran) for ran in before if ran is not None]
        self._number = 0
        self._ended: str | None = None

    def _tell(self, text: str) -> None:
        self._options.progress(self._number, len(self._plan.cases), text)

    # --- the run --------------------------------------------------------------------------------------------

    def go(self, receiver: Receiver | None) -> None:
        """Every case of the plan, in turn, until one of them is the last that makes sense."""
        silent = 0
        try:
            for number, case in enumerate(self._plan.cases):
                self._number = number
                self._tell(case.name)
                ran = self._one(case, receiver)
                self._ran.append(_marked(ran))
                if ran.skipped is None:
                    silent = silent + 1 if _is_unanswered(ran) else 0
                if silent >= _SILENT:
                    self._ended = f"{self._file.provider} does not answer any more"
                if self._ended:
                    break
        except KeyboardInterrupt:
            self._ended = "interrupted"
        except Unkept as error:
            self._ended = f"what is spent cannot be put down any more ({error})"
        if silent and not self._account.was_answered:
            raise Silent
        if not self._ended:
            self._number = len(self._plan.cases)
            self._tell("")

    def _one(self, case: Case, receiver: Receiver | None) -> Ran:
        try:
            ran = self._runner.run(case, Visit(self._account, receiver))
        except Refused as error:
            self._ended = f"{case.provider} does not take the key"
            return Ran(case, (_refusal(case, str(error)),))
        untried = any(finding.rule in _UNTRIED for finding in ran.findings)
        if ran.skipped == TOO_LATE or not (ran.skipped or untried):
            self._ledger.note(ran)
        return ran

    # --- what came of it ------------------------------------------------------------------------------------

    def checked(self) -> Checked:
        """All of it, that of the runs before included."""
        findings = [finding for ran in self._ran for finding in ran.findings]
        findings += self._ledger.seen
        if self._left and not any(finding.severity == "error" for finding in findings):
            # What was not run did not hold: an end before the end is never fine.
            findings.append(_unended(self._file.provider, self._end))
        if self._options.max_age is not None:
            renewed = {*self._renewed(), *self._seen_again()} if self._options.is_provider else set()
            # A mark that no run can renew is not held against this one.
            can = (
                case for case in self._file.cases if not against(case, self._file.live, self._options.is_near)
            )
            old = (case for case in can if _name(case) not in renewed)
            findings.extend(stale(old, self._options.today, self._options.max_age))
        ran = [one for one in self._ran if one.skipped is None]
        return Checked(
            command="check live",
            checked=len(ran),
            passed=sum(1 for one in ran if one.holds),
            findings=tuple(findings),
            skipped=len(self._file.cases) - len(ran),
            notes=tuple(self._notes()),
            told=tuple(self._told()),
        )

    def _told(self) -> Iterator[Told]:
        """Every case of the file, those that were not run with the reason."""
        ran = {one.case.name: one for one in self._ran}
        reasons = {left.case.name: left.reason for left in self._plan.left}
        for case in self._file.cases:
            left = Ran(case, skipped=reasons.get(case.name, self._ended or "not run"))
            yield ran.get(case.name, left).told

    @property
    def _left(self) -> int:
        """How many cases an early end has left."""
        return len({case.name for case in self._plan.cases} - {ran.case.name for ran in self._ran})

    @property
    def _end(self) -> str:
        file = self._ledger.file
        way = (
            f"--resume {file} goes on from there" if file else "run with --resume FILE to go on after an end"
        )
        return f"{self._ended}: {_count(self._left, 'case')} of the plan not run; {way}"

    def _notes(self) -> Iterator[str]:
        yield f"{self._ledger.spent:g} credits were spent, at most"
        yield from self._marks()
        if self._ended:
            yield self._end
        for reason, count in self._account.again.items():
            yield f"made again, {_count(count, 'call')}: {reason}"
        reasons = Counter(one.skipped for one in self._ran if one.skipped)
        for reason, count in reasons.most_common():
            yield f"not run, {_count(count, 'case')}: {reason}"
        if self._plan.left:
            yield f"not run, {_count(len(self._plan.left), 'case')}: as the plan says"

    def _marks(self) -> Iterator[str]:
        """Which marks this run renews, as they are to stand in the case file."""
        renewed, again = self._renewed(), self._seen_again()
        today, provider = self._options.today, self._file.provider
        if not self._options.is_provider:
            if renewed:
                held = f"{_count(len(renewed), 'case')} of its file hold{'s' if len(renewed) == 1 else ''}"
                yield f"no mark is renewed, for this is not {provider} itself; {held}"
            return
        known = {_name(case) for case in self._file.cases if case.mark.kind == "differs"}
        if renewed:
            yield f"marks renewed, {{recorded: {today}}}: {', '.join(renewed)}"
        if past := [name for name in renewed if name in known]:
            yield f"known to differ until today, and it holds: {', '.join(past)}"
        if again:
            yield f"known to differ, seen again {today}: {', '.join(again)}"

    def _renewed(self) -> list[str]:
        """The names in the file of which every case ran, and held."""
        held = {one.case.name for one in self._ran if one.holds and not one.findings}
        return self._whole(held)

    def _seen_again(self) -> list[str]:
        """Those that are known to differ, and did."""
        held = {one.case.name for one in self._ran if one.holds}
        differs = {one.case.name for one in self._ran if one.findings and one.case.mark.kind == "differs"}
        known = {name.partition("/")[0] for name in differs & held}
        return [name for name in self._whole(held) if name in known]

    def _whole(self, held: set[str]) -> list[str]:
        broken = {_name(case) for case in self._file.cases if case.name not in held}
        names = dict.fromkeys(_name(case) for case in self._file.cases if case.name in held)
        return [name for name in names if name not in broken]


def _name(case: Case) -> str:
    """What a case is called in its file, where one entry may stand for several."""
    return case.name.partition("/")[0]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _is_unanswered(ran: Ran) -> bool:
    return any(finding.rule == "unanswered" for finding in ran.findings)


def _marked(ran: Ran) -> Ran:
    """What came of a case, in the light of its mark."""
    if ran.case.mark.kind != "differs":
        return ran
    return ran._replace(findings=tuple(_known(ran.case, finding) for finding in ran.findings))


def _known(case: Case, finding: Finding) -> Finding:
    """A difference that the mark of its case tells of is worth a warning."""
    if finding.rule in (*_UNTRIED, "unauthorized"):
        return finding
    return replace(finding, severity="warning", message=f"{finding.message}\n{case.mark}: {case.mark.text}")


def _unended(provider: str, text: str) -> Finding:
    return Finding(severity="error", rule="unfinished-run", message=text, document=provider)


def _refusal(case: Case, answer: str) -> Finding:
    return Finding(
        severity="error",
        rule="unauthorized",
        message=f"{case.provider} does not take the key; it answered {answer}",
        document=case.provider,
        operation=case.steps[0].operation,
        case=case.name,
        wanted="a key that is let in",
        got="a refusal",
        where=Where(case.source.file, case.line()),
    )


# --- the key is in nothing that is said ---------------------------------------------------------------------


def hider(key: str) -> Callable[[Json], Json]:
    """Takes a credential out of any value, however deep it stands, and however it is spelled there."""
    spelled = sorted(_spellings(key), key=len, reverse=True)

    def hide(value: Json) -> Json:
        if isinstance(value, str):
            for spelling in spelled:
                value = value.replace(spelling, SHOWN)
            return value
        if isinstance(value, dict):
            return {hide(name): hide(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [hide(item) for item in value]
        return value

    return hide


def _spellings(key: str) -> set[str]:
    """A key as it may stand in an address, in JSON, in HTML and in a shell."""
    escaped = json.dumps(key)[1:-1]
    percent = {quote(key), quote(key, safe=""), quote_plus(key)}
    spelled = {key, escaped, escaped.replace("/", "\\/"), repr(key)[1:-1], shell_quote(key), html.escape(key)}
    return {*spelled, *percent, *(re.sub("%..", lambda found: found[0].lower(), one) for one in percent)}


def scrubbed(checked: Checked, key: str) -> Checked:
    """What was found, without the key anywhere."""
    hide = hider(key)
    findings = tuple(without(finding, hide) for finding in checked.findings)
    told = tuple(one._replace(skipped=hide(one.skipped)) for one in checked.told)
    return replace(checked, findings=findings, notes=tuple(hide(list(checked.notes))), told=told)
