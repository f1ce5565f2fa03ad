"""What a mock is like, as far as it decides which cases can run there: seen by calls of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from contracts.case import Case, CaseFile, Step
from contracts.filling import names
from contracts.states import Sandbox, Unprepared
from mockserver.openapi.compiled import Document
from mockserver.openapi.problem import at

Json = Any

# The balance that cases reckon with, unless they give another.
CREDITS = 1000
_ENDS = ("finished", "failed")
# So often a song is looked at to see whether that moves it.
_LOOKS = 5


class Habits(NamedTuple):
    """What a mock was started with, as far as it decides which cases can run there."""

    clock: str = "virtual"
    # True where tasks take their documented time.
    is_paced: bool = True
    has_limits: bool = True
    # True where its callbacks arrive here.
    is_near: bool = True
    # What an account has at first.
    credits: Json = CREDITS
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


# --- what a mock is like ------------------------------------------------------------------------------------


def seen(world: Sandbox, file: CaseFile, document: Document) -> Habits:
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
    world.control("PATCH", f"accounts/{world.key('own')}", {"credits": CREDITS})
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
