"""A run against a provider: every case of the plan in turn, and what came of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from contracts.case import Case, CaseFile
from contracts.counted import counted
from contracts.finding import Checked, Finding, Told, Where
from contracts.live.ledger import Ledger, Unkept
from contracts.live.line import Ended, Line, Refused
from contracts.live.pace import Pace
from contracts.live.plan import Plan, Prices, against
from contracts.live.renewed import Renewed
from contracts.live.secret import hider
from contracts.live.songs import TOO_LATE, Songs
from contracts.live.world import Visit
from contracts.marks import stale
from contracts.receiver import Receiver
from contracts.run import Ran, Runner
from contracts.target import Target
from mockserver.openapi.compiled import Document

# So many cases in a row without an answer, and nobody is there any more.
_SILENT = 3
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


class Run:
    """One run; `go` makes it, `checked` tells of it."""

    def __init__(
        self, plan: Plan, target: Target, document: Document, file: CaseFile, ledger: Ledger, options: Options
    ) -> None:
        self._plan, self._file, self._ledger, self._options = plan, file, ledger, options
        self._runner = Runner(document)
        # Nobody is to be spared on this machine; documented limits are kept there too.
        live = {**file.live, "gap": 0} if options.is_near else file.live
        pace = Pace(live, options.clock, options.sleep)
        hide, tell, sleep = hider(options.key), self._tell, options.sleep
        self._line = Line(self._runner, target, options.key, pace, hide=hide, tell=tell, sleep=sleep)
        self._songs = Songs(self._line, file.live, ledger)
        self._prices = Prices(file, document)
        before = (ledger.known(case) for case in file.cases)
        self._ran: list[Ran] = [_marked(ran) for ran in before if ran is not None]
        self._number = 0
        self._ended: str | None = None
        self._silent = 0

    def _tell(self, text: str) -> None:
        self._options.progress(self._number, len(self._plan.cases), text)

    # --- the run --------------------------------------------------------------------------------------------

    def go(self, receiver: Receiver | None) -> None:
        """Every case of the plan, in turn, until one of them is the last that makes sense."""
        try:
            for number, case in enumerate(self._plan.cases):
                self._number = number
                self._tell(case.name)
                self._take(case, receiver)
        except KeyboardInterrupt:
            self._ended = "interrupted"
        except Unkept as error:
            self._ended = f"what is spent cannot be put down any more ({error})"
        except Ended as error:
            self._ended = str(error)
        if self._silent and not self._line.was_answered:
            raise Silent(self._line.silence)
        if not self._ended:
            self._number = len(self._plan.cases)
            self._tell("")

    def _take(self, case: Case, receiver: Receiver | None) -> None:
        ran = self._one(case, receiver)
        self._ran.append(_marked(ran))
        if ran.skipped is None:
            self._silent = self._silent + 1 if _is_unanswered(ran) else 0
        if self._silent >= _SILENT:
            raise Ended(f"{self._file.provider} does not answer any more")
        if any(finding.rule == "unauthorized" for finding in ran.findings):
            raise Ended(f"{case.provider} does not take the key")

    def _one(self, case: Case, receiver: Receiver | None) -> Ran:
        try:
            world = Visit(self._line, self._songs, self._ledger, self._prices, receiver)
            ran = self._runner.run(case, world)
        except Refused as error:
            return Ran(case, (_refusal(case, str(error)),))
        untried = any(finding.rule in _UNTRIED for finding in ran.findings)
        if ran.skipped == TOO_LATE or not (ran.skipped or untried):
            self._ledger.note(ran, self._options.today)
        return ran

    # --- what came of it ------------------------------------------------------------------------------------

    def checked(self) -> Checked:
        """All of it, that of the runs before included."""
        ran = [one for one in self._ran if one.skipped is None]
        return Checked(
            command="check live",
            checked=len(ran),
            passed=sum(1 for one in ran if one.holds),
            findings=tuple(self._findings()),
            skipped=len(self._file.cases) - len(ran),
            notes=tuple(self._notes()),
            told=tuple(self._told()),
        )

    def _findings(self) -> list[Finding]:
        findings = [finding for ran in self._ran for finding in ran.findings] + self._ledger.seen
        if self._left and not any(finding.severity == "error" for finding in findings):
            # What was not run did not hold: an end before the end is never fine.
            findings.append(_unended(self._file.provider, self._end))
        return [*findings, *self._stale()]

    def _stale(self) -> Iterator[Finding]:
        """Of the marks that a run here can renew, those that are too old still."""
        options = self._options
        if options.max_age is None:
            return
        can = [case for case in self._file.cases if not against(case, self._file.live, options.is_near)]
        now = map(self._renewed().remarked, can) if options.is_provider else can
        yield from stale(now, options.today, options.max_age)

    def _renewed(self) -> Renewed:
        return Renewed(self._file, self._ran, self._ledger.days(self._options.today))

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
        return f"{self._ended}: {counted(self._left, 'case')} of the plan not run; {way}"

    def _notes(self) -> Iterator[str]:
        yield f"{self._ledger.spent:g} credits were spent, at most"
        yield from self._renewed().lines() if self._options.is_provider else self._renewed().elsewhere()
        if self._ended:
            yield self._end
        for reason, count in self._line.again.items():
            yield f"made again, {counted(count, 'call')}: {reason}"
        reasons = Counter(one.skipped for one in self._ran if one.skipped)
        reasons.update(left.reason for left in self._plan.left)
        for reason, count in reasons.most_common():
            yield f"not run, {counted(count, 'case')}: {reason}"


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
