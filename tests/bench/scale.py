"""Ours with much in its store, or with its journal off, beside ours as it begins."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from mockserver.settings import Settings, UsageError
from tests.bench.contest import Contest, Pace, Result, Side, compete
from tests.bench.server import Server, ours
from tests.bench.workloads import Ask, Workload, control, give, over_http, workloads
from tests.bench.wrk import ensure

SMALL = 1000
SANDBOXES = 1000
QUEUED = 10_000
# Of these each is looked at by each call.
UNMATCHED = 1000
FLOOR = 0.90
# Those of the provider workloads that each line is about.
ALL = ("kie song", "kie persona duplicate", "kie poll", "evolink invalid body", "evolink poll")
TWO = ("kie song", "kie poll")

Fill = Callable[[Ask], None]


class Line(NamedTuple):
    """A server unlike the usual one: how it is started, what it holds more, what it is asked."""

    name: str
    tasks: int = SMALL
    fill: Fill | None = None
    options: tuple[str, ...] = ()
    asked: tuple[str, ...] = TWO
    floor: float | None = None

    def title(self, workload: str) -> str:
        """What one of its contests is called."""
        return f"{self.name}: {workload}"


def lines(tasks: int) -> list[Line]:
    """Every line; the last one where this tree can be without a journal."""
    return [
        Line(f"scale, {tasks} tasks", tasks, asked=ALL, floor=FLOOR),
        Line(f"scale, {SANDBOXES} sandboxes", fill=_sandboxes),
        Line(f"scale, {QUEUED} outcomes queued elsewhere", fill=partial(_queue, QUEUED, _ELSEWHERE)),
        Line(
            f"scale, {UNMATCHED} outcomes that do not match",
            fill=partial(_queue, UNMATCHED, _UNMATCHED),
            asked=TWO[:1],
        ),
        *([Line("journal off", options=("--journal-size", "0"))] if _may_be_without_journal() else []),
    ]


def scaled(wanted: Callable[[str], bool], tasks: int, calls: int, pace: Pace) -> list[Result]:
    """The lines that are wanted, each beside one server with a thousand tasks."""
    chosen = [line for line in lines(tasks) if any(wanted(line.title(name)) for name in line.asked)]
    if not chosen:
        return []
    ensure()
    with ExitStack() as stack:
        # As many calls everywhere, so that the processor's caches hold as much of either side.
        calls = min(calls, SMALL // 2)
        small = _sides(stack, Line("small"), calls, pace)
        contests = [
            contest
            for line in chosen
            for contest in _contests(line, small, _sides(stack, line, calls, pace))
            if wanted(contest.name)
        ]
        return compete(contests, pace)


def _contests(line: Line, small: dict[str, Side], sides: dict[str, Side]) -> Iterator[Contest]:
    for name in line.asked:
        yield Contest(line.title(name), small[name], sides[name], line.floor)


def _sides(stack: ExitStack, line: Line, calls: int, pace: Pace) -> dict[str, Side]:
    """A server that was started and filled as the line says, by the names of its workloads."""
    server = stack.enter_context(ours(*line.options, cores=pace.cores.server))
    return {kind.name: Side(server, kind) for kind in _filled(server, line, calls)}


def _filled(server: Server, line: Line, calls: int) -> list[Workload]:
    ask = over_http(server.url)
    # A million tasks take more than a minute.
    print(f"filling: {line.name}", file=sys.stderr)
    given = give(ask, line.tasks, calls)
    if line.fill is not None:
        line.fill(ask)
    return workloads(given)


def _may_be_without_journal() -> bool:
    try:
        Settings(journal_size=0)
    except UsageError:
        return False
    return True


# --- what a store holds more --------------------------------------------------------------------------------

_ELSEWHERE = {"operation": "getCredits"}
_UNMATCHED = {"operation": "generateMusic", "match": {"prompt": "A song that nobody asks for"}}


def _sandboxes(ask: Ask) -> None:
    for number in range(SANDBOXES):
        control(ask, "POST", "/_mock/tasks", {"provider": "kie"}, sandbox=f"extra{number}")


def _queue(count: int, narrowed: Mapping[str, object], ask: Ask) -> None:
    for _ in range(count):
        control(ask, "POST", "/_mock/outcomes", {"provider": "kie", "outcome": "maintenance", **narrowed})
