"""How a task stands: a pure function of its record and now. Nothing has to run for it to be right."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from mockserver.domain.clock import MICROS
from mockserver.domain.model import NEVER, Due, Failure, Moment, Task, TaskView
from mockserver.domain.policy import Kind, Policy, Stage


def moment(task: Task, policy: Policy, now: int) -> Moment:
    """The state, progress and songs of a task at a moment."""
    failure, last = task.failure, policy.stages[-1]
    if failure is None and task.begun is None and now >= task.starts + task.length:
        # What most polls ask for, told at once: 0.6 µs instead of 4.
        return Moment(last.name, last.status, begins(task, last, policy.stages), last.progress, last.heard)
    if failure and now >= failure.at:
        _, before = _passed(task, policy, failure)[-1]
        progress = _shown(task, policy, before, failure.at)
        return Moment(failure.state, "failed", failure.at, progress, before.heard, failure)
    stage = _stage(task, policy, now)
    progress = _shown(task, policy, stage, now)
    return Moment(stage.name, stage.status, begins(task, stage, policy.stages), progress, stage.heard)


def begins(task: Task, stage: Stage, stages: tuple[Stage, ...]) -> int:
    """The moment at which a task enters a stage; NEVER where only a poll can take it there."""
    if task.begun is not None:
        return task.begun[stages.index(stage)]
    return task.starts + task.length * stage.begins // 100


def _stage(task: Task, policy: Policy, now: int) -> Stage:
    entered = [stage for stage in policy.stages if begins(task, stage, policy.stages) <= now]
    return entered[-1] if entered else policy.stages[0]


def _shown(task: Task, policy: Policy, stage: Stage, now: int) -> int:
    own = _progress(task, policy, stage, now)
    if task.progress is None or stage.status == "finished":
        return own
    return max(own, task.progress)


def _progress(task: Task, policy: Policy, stage: Stage, now: int) -> int:
    if stage.status == "finished" or policy.progress == "steps":
        return stage.progress
    if policy.progress == "climbs" and stage.status != "running":
        return 0
    if task.begun is not None:
        return _reached(policy, stage)
    climbs = policy.progress == "climbs"
    since = begins(task, _first_running(policy), policy.stages) if climbs else task.starts
    whole = task.starts + task.length - since
    return min(99, max(0, 100 * (now - since) // whole)) if whole > 0 else 0


def _reached(policy: Policy, stage: Stage) -> int:
    """The progress at which a stage begins, in percent."""
    if policy.progress == "time":
        return stage.begins
    start = _first_running(policy).begins
    return 100 * (stage.begins - start) // (100 - start)


def _first_running(policy: Policy) -> Stage:
    """The stage from which progress climbs; a running stage that follows goes on with it."""
    return next(stage for stage in policy.stages if stage.status == "running")


def share_of(policy: Policy, progress: int) -> tuple[int, int]:
    """How much of its time a task has behind it at some progress: a fraction."""
    if progress >= 100:
        return 1, 1
    if policy.progress == "steps":
        reached = [stage for stage in policy.stages if stage.progress <= progress]
        return reached[-1].begins, 100
    if policy.progress == "climbs":
        start = _first_running(policy).begins
        return (start * 100 + (100 - start) * progress, 10_000)
    return progress, 100


# --- steps --------------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """A task enters a state: when, how it stands then, and the callback that tells of it, "" for none."""

    at: int
    moment: Moment
    tells: str


def steps(task: Task, policy: Policy) -> tuple[Step, ...]:
    """Every step of a task from its first state to its last, in order."""
    failure = task.failure
    passed = _passed(task, policy, failure) if failure else _walk(task, policy)
    ends_alone = policy.kinds[task.kind].tells_end
    known = [_step(at, stage, policy, ends_alone) for at, stage in passed]
    if failure:
        before = known[-1].moment
        failed = Moment(failure.state, "failed", failure.at, before.progress, before.heard, failure)
        known.append(Step(failure.at, failed, "error"))
    return tuple(known)


def told_of(kind: Kind, policy: Policy) -> int:
    """How many steps a callback tells of, of a task of a kind that does not fail."""
    stages = [stage for stage in policy.stages if not kind.tells_end or stage.status == "finished"]
    return sum(bool(stage.tells) for stage in stages)


def kept_until(task: Task, policy: Policy) -> int | None:
    """The moment at which the provider deletes what a task made, if it ever does."""
    retention = policy.kinds[task.kind].retention
    return None if retention is None else task.ends + round(retention * MICROS)


def is_expired(view: TaskView, policy: Policy, now: int) -> bool:
    """True once the provider has deleted what a task made."""
    until = kept_until(view.task, policy)
    return view.moment.is_final and until is not None and now >= until


def _walk(task: Task, policy: Policy) -> list[tuple[int, Stage]]:
    stages = policy.stages
    return [(begins(task, stage, stages), stage) for stage in stages]


def _passed(task: Task, policy: Policy, failure: Failure) -> list[tuple[int, Stage]]:
    """The stages that a failing task passes, the first at least and never its end."""
    walked = _walk(task, policy)
    return [(at, stage) for at, stage in walked if _precedes(task, failure, at, stage)] or walked[:1]


def _precedes(task: Task, failure: Failure, at: int, stage: Stage) -> bool:
    if stage.status == "finished" or (at == NEVER and failure.at < NEVER):
        return False
    if failure.at == NEVER or (not task.length and at == failure.at):
        # Its share of the time decides, where no moment does.
        return at < failure.at or stage.begins < failure.after
    return at <= failure.at


def _step(at: int, stage: Stage, policy: Policy, ends_alone: bool) -> Step:
    progress = stage.progress if stage.progress else _reached(policy, stage)
    tells = "" if ends_alone and stage.status != "finished" else stage.tells
    return Step(at, Moment(stage.name, stage.status, at, progress, stage.heard), tells)


def entered(task: Task, policy: Policy, now: int) -> int:
    """How many of its steps a task has behind it."""
    return sum(step.at <= now for step in steps(task, policy))


def upcoming(task: Task, policy: Policy, step: int) -> Due | None:
    """The step of that place, with its moment; None behind the last."""
    if task.failure is None:
        # Each stage is a step, and the others need not be made to see this one.
        stages = policy.stages
        return Due(begins(task, stages[step], stages), step) if step < len(stages) else None
    known = steps(task, policy)
    return Due(known[step].at, step) if step < len(known) else None


# --- tasks that polls move on -------------------------------------------------------------------------------


def by_polls(task: Task, policy: Policy, every: int, now: int) -> Task:
    """A task that stands where it does, and from there goes on with each poll instead of with time."""
    if task.begun is not None or moment(task, policy, now).is_final:
        return task
    entered = (begins(task, stage, policy.stages) for stage in policy.stages)
    begun = [at if at <= now else NEVER for at in entered]
    failure = task.failure._replace(at=NEVER) if task.failure else None
    return counted(task._replace(begun=(task.starts, *begun[1:]), failure=failure), policy, every, now)


def by_time(task: Task, policy: Policy, now: int) -> Task:
    """A task that polls moved on, and that from where it stands goes on as time passes."""
    if task.begun is None or moment(task, policy, now).is_final:
        return task
    starts = now - part_of(task.length, _stage(task, policy, now).begins, 100)
    moved = task._replace(begun=None, polls=0, starts=starts)
    failure = moved.failure
    return moved._replace(failure=failure._replace(at=fails_at(moved, failure.after))) if failure else moved


def counted(task: Task, policy: Policy, every: int, now: int) -> Task:
    """A task whose next poll is the first to show the state that it is in."""
    reached = policy.stages.index(_stage(task, policy, now))
    place = next(place for place, group in enumerate(_groups(task, policy)) if reached <= group[-1])
    return task._replace(polls=place * every)


def polled(task: Task, policy: Policy, every: int, now: int) -> Task:
    """A task after one more poll: each of its states is shown `every` times, then the next."""
    if task.begun is None or moment(task, policy, now).is_final:
        return task
    groups = _groups(task, policy)
    place, within = divmod(task.polls, every)
    more = task._replace(polls=task.polls + 1)
    if place >= len(groups):
        return walked_to(more, None, now)
    # A state of several stages passes through all of them while it is shown.
    reached = max(1, (within + 1) * len(groups[place]) // every)
    return walked_to(more, groups[place][min(reached, len(groups[place])) - 1], now)


def _groups(task: Task, policy: Policy) -> list[list[int]]:
    """The stages that a task passes through, by their place, those of one state together."""
    last = task.failure.after if task.failure else 101
    passed = [place for place, stage in enumerate(policy.stages) if not place or stage.begins < last]
    return [list(group) for _, group in groupby(passed, key=lambda place: policy.stages[place].name)]


def walked_to(task: Task, place: int | None, now: int) -> Task:
    """A task that has reached the stage of a place through those before it; None stands for its failure."""
    assert task.begun is not None
    if place is None:
        assert task.failure is not None
        return task._replace(failure=task.failure._replace(at=now))
    before = (min(at, now) for at in task.begun[: place + 1])
    return task._replace(begun=(*before, *task.begun[place + 1 :]))


def next_place(task: Task, policy: Policy, now: int) -> int | None:
    """The place of the stage that comes next; None where the task fails next."""
    reached = policy.stages.index(_stage(task, policy, now))
    return next((place for group in _groups(task, policy) for place in group if place > reached), None)


def walked_through(task: Task, policy: Policy, step: Step, now: int) -> Task:
    """A task that has come to a step of its own, through all before it."""
    known = steps(task, policy)
    last = known.index(step)
    fails = step.moment.status == "failed"
    moved = walked_to(task, last - 1 if fails else last, now)
    return walked_to(moved, None, now) if fails else moved


def fails_at(task: Task, after: int) -> int:
    """The moment at which a task fails that fails after a share of its time."""
    return NEVER if task.begun is not None else task.starts + task.length * after // 100


def part_of(length: int, part: int, whole: int) -> int:
    """A share of a length, rounded up: what begins there has really begun."""
    return -(-length * part // whole)


# Pictures and streams are there before the file itself is.
_EARLY = ("stream.mp3", "source-stream.mp3", "cover.jpeg", "cover-large.jpeg", "source.jpeg", "avatar.webp")


def is_there(moment: Moment, index: int, role: str) -> bool:
    """True once a body may have shown this file of a task's song."""
    if role in _EARLY:
        return moment.heard != "nothing"
    return moment.heard == "all" or (moment.heard == "first" and index == 0)
