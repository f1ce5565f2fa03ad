"""`check mock`: does a mock keep every contract case?"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import quote

from contracts.case import Case, CaseFile, Step
from contracts.filling import names
from contracts.finding import Checked, Finding
from contracts.marks import stale
from contracts.receiver import Receiver
from contracts.run import Ran, Runner
from contracts.states import Sandbox, Unprepared
from contracts.target import Target, Unanswered
from mockserver.openapi.compiled import Document
from mockserver.openapi.problem import at

Json = Any
Progress = Callable[[int, int, str], None]

_LONGEST_NAME = 64
# The balance that cases reckon with, unless they give another.
_CREDITS = 1000
_ENDS = ("finished", "failed")
# So often a song is looked at to see whether that moves it.
_LOOKS = 5


class Gone(Exception):
    """The target does not answer any more, or never did; `done` of `total` cases had run by then."""

    def __init__(self, done: int, total: int, reason: str) -> None:
        super().__init__(reason)
        self.done, self.total = done, total


class Habits(NamedTuple):
    """What a mock was started with, as far as it decides which cases can run there."""

    clock: str = "virtual"
    # True where tasks take their documented time.
    is_paced: bool = True
    has_limits: bool = True
    # True where its callbacks arrive here.
    is_near: bool = True
    # What an account has at first.
    credits: Json = _CREDITS
    # What it was set to, as far as that shows, which cases do not reckon with.
    differs: tuple[str, ...] = ()

    def against(self, case: Case, live: Mapping[str, Json], document: Document) -> str | None:
        """Why a case cannot run there, if it cannot."""
        takes_time = case.takes_time or _awaits_persona(case, live)
        if takes_time and self.clock != "virtual":
            return "it needs a virtual clock, and the target's is real (serve --clock virtual)"
        if not self.is_paced and (takes_time or _sees_its_task(case, live, document)):
            return "it needs tasks that take their time, and the target has another --pace"
        if case.hears and not self.is_near:
            return "the target's callbacks do not reach this machine"
        limited = "rate_limit" in case.given or _meets_limit(case)
        return "the target's rate limits are off" if limited and not self.has_limits else None


def _awaits_persona(case: Case, live: Mapping[str, Json]) -> bool:
    """True where its persona is a task of its own, which is waited for."""
    return "persona" in case.given and "poll" in live.get("persona", {})


def _sees_its_task(case: Case, live: Mapping[str, Json], document: Document) -> bool:
    """True where a task that the case itself makes is looked at: how far that is, the pace decides."""
    states = {state for operation in document.operations() for state in operation.states}
    song = live.get("song", {})
    on_the_way = states - {*_texts(song.get("until")), *_texts(song.get("failed"))}
    made = {name for name, given in case.songs.items() if given["state"] not in _ENDS}
    # Where looking moves a task, the first look shows what was given, and no other does.
    seen, captured = 0, set[str]()
    for step in case.steps:
        operation = document.operation(step.operation) if step.operation else None
        used = {name.partition(".")[0] for name in names(step.request)}
        looks = operation is not None and bool(operation.states)
        seen += step.times if looks and used & made else 0
        if seen > 1 or (looks and used & captured):
            return True
        captured |= set(step.capture or ())
        if operation and operation.method != "GET" and on_the_way & {*_texts(step.expect)}:
            return True
    return False


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


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
        world = self._world(case.provider, case.name, None if habits.credits == _CREDITS else _CREDITS)
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
                habits = _habits(world, self._files[provider], self._runners[provider].document)
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


# --- what a mock is like ------------------------------------------------------------------------------------


def _habits(world: Sandbox, file: CaseFile, document: Document) -> Habits:
    """What a mock is like, seen by calls of its own."""
    credits = world.control("GET", f"accounts/{world.key('own')}").get("credits")
    habits = Habits(
        world.control("GET", "clock")["mode"],
        has_limits=_takes_limits(world),
        credits=credits,
        differs=tuple(_differences(world, file, document)),
    )
    if "song" not in file.live:
        return habits
    world.listen([])
    is_paced = _is_paced(world, file.live["song"], habits.clock)
    return habits._replace(is_paced=is_paced, is_near=habits.clock != "virtual" or _is_near(world, file))


def _is_paced(world: Sandbox, recipe: Mapping[str, Json], clock: str) -> bool:
    """False where a song is finished at once, or by being looked at, or never."""
    world.control("PATCH", f"accounts/{world.key('own')}", {"credits": _CREDITS})
    _, reply = world.ask(recipe["request"])
    try:
        task = at(reply.as_message(), recipe["task"])
        begun = _task(world, task)
    except (KeyError, Unprepared):
        # A song that is refused tells nothing of the pace; each case that meets that tells of it.
        return True
    world.scope["song"] = {"task": task}
    for _ in range(_LOOKS):
        world.ask(recipe["poll"])
    if begun[0] in _ENDS or _task(world, task) != begun:
        return False
    if clock == "virtual":
        world.pause(100_000)
    return clock != "virtual" or _task(world, task)[0] in _ENDS


def _task(world: Sandbox, task: Json) -> tuple[Json, Json]:
    """How far a task is, in the words of all providers and in its own."""
    shown = world.control("GET", f"tasks/{quote(str(task), safe='')}")
    return shown["status"], shown["state"]


def _is_near(world: Sandbox, file: CaseFile) -> bool:
    """False where what is sent to a URL of this machine does not arrive."""
    request = next((step.request for case in file.cases for step in case.steps if _tells(step)), None)
    if request is None or world.box is None:
        return True
    world.ask(request)
    world.pause(100_000)
    sent = [one for one in world.control("GET", "callbacks")["callbacks"] if one["url"] == world.box.url]
    return not sent or any(one["state"] in ("due", "delivered") for one in sent)


def _tells(step: Step) -> bool:
    """True for a request that has callbacks sent here, and needs nothing else to be given."""
    return step.kind == "call" and {*names(step.request)} == {"callback.url"}


def _differences(world: Sandbox, file: CaseFile, document: Document) -> Iterator[str]:
    """What tells of settings that change answers."""
    for name in ("outcomes", "faults"):
        if world.control("GET", name)[name]:
            yield f"a fresh sandbox has {name} that stand"
    request = file.live.get("song", {}).get("request", {})
    operation = document.operation(request["operation"]) if "operation" in request else None
    answer = operation.answers.get("unauthorized") if operation else None
    if answer is not None:
        world.listen([])
        _, reply = world.ask({**request, "key": "none"})
        claim = reply.header("x-mock-outcome")
        if claim == "unauthorized" and reply.status != answer.status:
            yield f"a call without a key gets HTTP {reply.status}, by the document {answer.status} (--status)"


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


# --- what came of it ----------------------------------------------------------------------------------------


def _interrupted(ran: int, total: int) -> Finding:
    text = f"interrupted: {_count(ran)} of {total} had run"
    return Finding(severity="error", rule="unfinished-run", message=text)


def _nowhere(ran: list[Ran], elsewhere: int) -> tuple[str, ...]:
    """Why nothing was checked, where nobody else says so."""
    return () if ran or not elsewhere else (f"{_count(elsewhere)} can run at the provider only",)


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
        notes=(*notes, *(f"{_count(count)} skipped: {reason}" for reason, count in reasons.most_common())),
        told=tuple(one.told for one in ran),
    )


def _count(number: int) -> str:
    return f"{number} case{'' if number == 1 else 's'}"
