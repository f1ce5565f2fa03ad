"""`check mock`: does a mock keep every contract case?"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from contracts.case import Case, CaseFile
from contracts.finding import Checked
from contracts.marks import stale
from contracts.receiver import Receiver
from contracts.run import Ran, Runner
from contracts.states import Sandbox, Unprepared
from contracts.target import Target, Unanswered
from mockserver.openapi.compiled import Document

Json = Any
Progress = Callable[[int, int, str], None]

_LONGEST_NAME = 64


class Habits(NamedTuple):
    """What a mock was started with, as far as it decides which cases can run there."""

    clock: str = "virtual"
    # True where tasks take their documented time.
    is_paced: bool = True
    has_limits: bool = True
    # True where its callbacks arrive here.
    is_near: bool = True

    def against(self, case: Case) -> str | None:
        """Why a case cannot run there, if it cannot."""
        if case.takes_time and self.clock != "virtual":
            return "it needs a virtual clock, and the target's is real (serve --clock virtual)"
        if case.takes_time and not self.is_paced:
            return "it needs tasks that take their time, and the target has another --pace"
        if case.hears and not self.is_near:
            return "the target's callbacks do not reach this machine"
        limited = "rate_limit" in case.given or _meets_limit(case)
        return "the target's rate limits are off" if limited and not self.has_limits else None


def _meets_limit(case: Case) -> bool:
    met = any(step.expect.get("outcome") == "rate-limited" for step in case.steps if step.kind == "call")
    return met and case.given.get("outcome") != "rate-limited"


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


def check(
    target: Target,
    documents: Mapping[str, Document],
    files: Mapping[str, CaseFile],
    options: Options,
) -> Checked:
    """What a mock does otherwise than the cases say, each in a sandbox of its own."""
    cases = [case for file in files.values() for case in file.cases if "mock" in case.where]
    runners = {name: Runner(documents[name]) for name in files}
    ran: list[Ran] = []
    with Receiver() as receiver:
        check = _Check(target, files, runners, receiver, options)
        for number, case in enumerate(cases):
            options.progress(number, len(cases), f"{case.provider} {case.name}")
            ran.append(check.run(case))
    options.progress(len(cases), len(cases), "")
    return _summed_up(ran, options)


class _Check:
    def __init__(
        self,
        target: Target,
        files: Mapping[str, CaseFile],
        runners: Mapping[str, Runner],
        receiver: Receiver,
        options: Options,
    ) -> None:
        self._target, self._files, self._runners = target, files, runners
        self._receiver, self._options = receiver, options
        self._habits: dict[str, Habits] = {}

    def run(self, case: Case) -> Ran:
        """One case, in a sandbox that is gone afterwards."""
        reason = self._habits_at(case.provider).against(case)
        if reason is not None:
            return Ran(case, skipped=reason)
        world = self._world(case.provider, case.name)
        try:
            return self._runners[case.provider].run(case, world)
        finally:
            if self._options.is_shared:
                world.end()

    def _world(self, provider: str, name: str) -> Sandbox:
        sandbox = _sandbox(f"{self._options.run}-{provider}-{name}")
        document, live = self._runners[provider].document, self._files[provider].live
        return Sandbox(self._target, document, live, sandbox, self._receiver, self._options.token)

    def _habits_at(self, provider: str) -> Habits:
        if provider not in self._habits:
            world = self._world(provider, "habits")
            try:
                habits = _habits(world, self._files[provider].live)
                # Nothing is far from where it runs: there, a callback that does not arrive is a fault.
                near = habits.is_near or not self._options.is_shared
                self._habits[provider] = habits._replace(is_near=near)
            except (Unanswered, Unprepared):
                # What is wrong there is told of each case that meets it.
                self._habits[provider] = Habits()
            finally:
                world.end()
        return self._habits[provider]


def _habits(world: Sandbox, live: Mapping[str, Json]) -> Habits:
    """What a mock is like, seen by a song of its own."""
    clock = world.control("GET", "clock")["mode"]
    has_limits = _takes_limits(world)
    if "song" not in live:
        return Habits(clock, has_limits=has_limits)
    world.listen([])
    world.ask(live["song"]["request"])
    tasks = world.control("GET", "tasks")["tasks"]
    is_paced = bool(tasks) and tasks[0]["status"] not in ("finished", "failed")
    if is_paced and clock == "virtual":
        world.pause(100_000)
        is_paced = world.control("GET", "tasks")["tasks"][0]["status"] in ("finished", "failed")
    sent = world.control("GET", "callbacks")["callbacks"]
    is_near = not sent or any(one["state"] in ("due", "delivered") for one in sent)
    return Habits(clock, is_paced, has_limits, is_near)


def _takes_limits(world: Sandbox) -> bool:
    """False where rate limits are off: a mock does not take one that it would not keep."""
    try:
        world.control("PATCH", f"accounts/{world.key('own')}", {"rate_limit": {"count": 1000, "seconds": 1}})
    except Unprepared:
        return False
    return True


def _sandbox(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    if len(plain) <= _LONGEST_NAME:
        return plain
    digest = hashlib.blake2b(plain.encode(), digest_size=4).hexdigest()
    return f"{plain[: _LONGEST_NAME - 9]}-{digest}"


def _summed_up(ran: list[Ran], options: Options) -> Checked:
    findings = [finding for one in ran for finding in one.findings]
    if options.max_age is not None:
        findings.extend(stale((one.case for one in ran), options.today, options.max_age))
    reasons = Counter(one.skipped for one in ran if one.skipped)
    return Checked(
        command="check mock",
        checked=sum(1 for one in ran if one.skipped is None),
        passed=sum(1 for one in ran if one.holds),
        findings=tuple(findings),
        skipped=sum(reasons.values()),
        notes=tuple(_skipped(count, reason) for reason, count in reasons.most_common()),
    )


def _skipped(count: int, reason: str) -> str:
    return f"{count} case{'' if count == 1 else 's'} skipped: {reason}"
