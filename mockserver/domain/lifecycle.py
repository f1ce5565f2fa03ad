"""How a task stands: a pure function of its record and now. Nothing has to run for it to be right."""

from __future__ import annotations

from mockserver.domain.model import Moment, Task
from mockserver.domain.policy import Policy, Stage


def moment(task: Task, policy: Policy, now: int) -> Moment:
    """The state, progress and songs of a task at a moment."""
    failure = task.failure
    if failure and now >= failure.at:
        before = _unfinished(task, policy, failure.at - 1)
        progress = _shown(task, policy, before, failure.at)
        return Moment(failure.state, "failed", failure.at, progress, before.heard, failure)
    stage = _stage(task, policy, now)
    progress = _shown(task, policy, stage, now)
    return Moment(stage.name, stage.status, begins(task, stage), progress, stage.heard)


def _unfinished(task: Task, policy: Policy, now: int) -> Stage:
    """The stage that a failing task has reached; never its end, also where it was pushed from there."""
    reached = _stage(task, policy, now) if task.length else policy.stages[0]
    return policy.stages[-2] if reached.status == "finished" and len(policy.stages) > 1 else reached


def begins(task: Task, stage: Stage) -> int:
    """The moment at which a task enters a stage."""
    return task.starts + task.length * stage.begins // 100


def _stage(task: Task, policy: Policy, now: int) -> Stage:
    entered = [stage for stage in policy.stages if begins(task, stage) <= now]
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
    since = begins(task, _first_running(policy)) if policy.progress == "climbs" else task.starts
    whole = task.starts + task.length - since
    return min(99, max(0, 100 * (now - since) // whole)) if whole > 0 else 0


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


# Pictures and streams are there before the file itself is.
_EARLY = ("stream.mp3", "source-stream.mp3", "cover.jpeg", "cover-large.jpeg", "source.jpeg", "avatar.webp")


def is_there(moment: Moment, index: int, role: str) -> bool:
    """True once a body may have shown this file of a task's song."""
    if role in _EARLY:
        return moment.heard != "nothing"
    return moment.heard == "all" or (moment.heard == "first" and index == 0)
