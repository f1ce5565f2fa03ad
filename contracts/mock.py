"""`check mock`: does a mock keep every contract case?"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from contracts.case import Case, CaseFile
from contracts.counted import counted
from contracts.finding import Checked, Finding
from contracts.habits import CREDITS, Habits, seen
from contracts.marks import stale
from contracts.receiver import Receiver
from contracts.run import Ran, Runner
from contracts.states import Sandbox, Unprepared
from contracts.target import Target, Unanswered
from mockserver.openapi.compiled import Document

Json = Any
Progress = Callable[[int, int, str], None]

_LONGEST_NAME = 64


class Gone(Exception):
    """The target does not answer any more, or never did; `done` of `total` cases had run by then."""

    def __init__(self, done: int, total: int, reason: str) -> None:
        super().__init__(reason)
        self.done, self.total = done, total


class Options(NamedTuple):
    """How a check is made."""

    # What every sandbox's name begins with.
    run: str = "contract"
    token: str | None = None
    today: str = ""
    max_age: int | None = None
    progress: Progress = lambda *_: None
    # True where others use the target too, so that sandboxes are not to be left behind.
    is_shared: bool = True
    # The command that checks the same again, for whoever wants to see one case alone.
    command: str = ""
    # What is to be said beside what is found.
    notes: tuple[str, ...] = ()


def check(
    target: Target,
    documents: Mapping[str, Document],
    files: Mapping[str, CaseFile],
    options: Options,
) -> Checked:
    """What a mock does otherwise than the cases say, each in a sandbox of its own; Gone where it went."""
    cases = [case for file in files.values() for case in file.cases if "mock" in case.where]
    elsewhere = sum(len(file.cases) for file in files.values()) - len(cases)
    with Receiver() as receiver:
        check = _Check(target, documents, files, receiver, options)
        is_whole = check.go(cases)
    ended = () if is_whole else (_interrupted(len(check.ran), len(cases)),)
    notes = (*check.settings(), *options.notes, *_nowhere(check.ran, elsewhere))
    return _summed_up(check.ran, options, ended, notes)


class _Check:
    def __init__(
        self,
        target: Target,
        documents: Mapping[str, Document],
        files: Mapping[str, CaseFile],
        receiver: Receiver,
        options: Options,
    ) -> None:
        self._target, self._files = target, files
        self._runners = {name: Runner(documents[name]) for name in files}
        self._receiver, self._options = receiver, options
        self._habits: dict[str, Habits] = {}
        self.ran: list[Ran] = []

    def go(self, cases: list[Case]) -> bool:
        """Every case in turn; False where somebody interrupts that."""
        try:
            for number, case in enumerate(cases):
                self._options.progress(number, len(cases), f"{case.provider} {case.name}")
                ran = self._run(case)
                self._see_it_is_there(ran, len(cases))
                self.ran.append(ran)
        except KeyboardInterrupt:
            return False
        except Unanswered as error:
            raise Gone(len(self.ran), len(cases), str(error)) from None
        self._options.progress(len(cases), len(cases), "")
        return True

    def _see_it_is_there(self, ran: Ran, total: int) -> None:
        """Where one case was not answered, see that others may be: Unanswered where nobody is left."""
        if self._options.is_shared and any(finding.rule == "unanswered" for finding in ran.findings):
            with suppress(Unprepared):
                self._world(ran.case.provider, "habits").control("GET", "clock")

    def _run(self, case: Case) -> Ran:
        """One case, in a sandbox that is gone afterwards."""
        habits, live = self._habits_at(case.provider), self._files[case.provider].live
        reason = habits.against(case, live, self._runners[case.provider].document)
        if reason is not None:
            return Ran(case, skipped=reason)
        world = self._world(case.provider, case.name, None if habits.credits == CREDITS else CREDITS)
        try:
            ran = self._runners[case.provider].run(case, world)
        finally:
            if self._options.is_shared:
                world.end()
        return ran._replace(findings=tuple(map(self._again, ran.findings)))

    def _again(self, finding: Finding) -> Finding:
        """A finding with the command that runs its case alone."""
        if not self._options.command:
            return finding
        alone = f"{self._options.command} --provider {finding.document} --case {finding.case}"
        return replace(finding, message=f"{finding.message}\nThis case alone: {alone}")

    def _world(self, provider: str, name: str, credits: float | None = None) -> Sandbox:
        sandbox = _sandbox(f"{self._options.run}-{provider}-{name}")
        document, live = self._runners[provider].document, self._files[provider].live
        return Sandbox(
            self._target, document, live, sandbox, self._receiver, self._options.token, credits=credits
        )

    def _habits_at(self, provider: str) -> Habits:
        if provider not in self._habits:
            world = self._world(provider, "habits")
            try:
                habits = seen(world, self._files[provider], self._runners[provider].document)
                # Nothing is far from where it runs: there, a callback that does not arrive is a fault.
                near = habits.is_near or not self._options.is_shared
                self._habits[provider] = habits._replace(is_near=near)
            except (Unanswered, Unprepared) as error:
                if self._options.is_shared and isinstance(error, Unanswered):
                    raise
                # What is wrong there is told of each case that meets it.
                self._habits[provider] = Habits()
            finally:
                world.end()
        return self._habits[provider]

    def settings(self) -> list[str]:
        """How the target seems to be set up otherwise than cases reckon with."""
        told = dict.fromkeys(text for habits in self._habits.values() for text in habits.differs)
        return [f"the target seems to differ in its settings: {'; '.join(told)}"] if told else []


def _sandbox(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    if len(plain) <= _LONGEST_NAME:
        return plain
    digest = hashlib.blake2b(plain.encode(), digest_size=4).hexdigest()
    return f"{plain[: _LONGEST_NAME - 9]}-{digest}"


# --- what came of it ----------------------------------------------------------------------------------------


def _interrupted(ran: int, total: int) -> Finding:
    text = f"interrupted: {counted(ran, 'case')} of {total} had run"
    return Finding(severity="error", rule="unfinished-run", message=text)


def _nowhere(ran: list[Ran], elsewhere: int) -> tuple[str, ...]:
    """Why nothing was checked, where nobody else says so."""
    return () if ran or not elsewhere else (f"{counted(elsewhere, 'case')} can run at the provider only",)


def _summed_up(
    ran: list[Ran], options: Options, ended: tuple[Finding, ...], notes: tuple[str, ...]
) -> Checked:
    findings = [*ended, *(finding for one in ran for finding in one.findings)]
    if options.max_age is not None:
        findings.extend(stale((one.case for one in ran), options.today, options.max_age))
    reasons = Counter(one.skipped for one in ran if one.skipped)
    return Checked(
        command="check mock",
        checked=sum(1 for one in ran if one.skipped is None),
        passed=sum(1 for one in ran if one.holds),
        findings=tuple(findings),
        skipped=sum(reasons.values()),
        notes=(
            *notes,
            *(f"{counted(count, 'case')} skipped: {reason}" for reason, count in reasons.most_common()),
        ),
        told=tuple(one.told for one in ran),
    )
