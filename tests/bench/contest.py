"""Two servers under the same load in turn, round by round: what slows the machine down slows both."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

from tests.bench.server import Server
from tests.bench.workloads import (
    Expected,
    Workload,
    check_answers,
    check_journal,
    headers_of,
    over_http,
)
from tests.bench.wrk import Run, drive

# The bare one answers everything with 200, and says no outcome.
FROM_BARE = Expected(outcome=None)


class Cores(NamedTuple):
    """The core of the servers and the core of wrk; none where both share what there is."""

    server: tuple[int, ...] = ()
    wrk: tuple[int, ...] = ()


class Pace(NamedTuple):
    """How often and how long is measured, after how many seconds of warm-up, and where."""

    rounds: int = 3
    seconds: int = 4
    warm_up: int = 1
    cores: Cores = Cores()


class Side(NamedTuple):
    """A server and what is asked of it; `is_ours` for one that has a journal."""

    server: Server
    workload: Workload
    is_ours: bool = True


class Contest(NamedTuple):
    """A rival beside what it is measured by; the least share of its answers a second, the most of its p99."""

    name: str
    base: Side
    rival: Side
    floor: float | None = None
    bound: float | None = None


class Result(NamedTuple):
    """The runs of both sides, round by round; `refused` says why there are no more, where a run was none."""

    contest: Contest
    base: list[Run]
    rival: list[Run]
    refused: list[str]

    @property
    def ratio(self) -> float:
        """The rival's answers a second to those of the base: the middle of the rounds."""
        return median(rival.per_second / base.per_second for base, rival in self._rounds)

    @property
    def p99_ratio(self) -> float:
        """The rival's slow answers to those of the base: the middle of the rounds."""
        return median(rival.p99 / base.p99 for base, rival in self._rounds)

    @property
    def keeps_floor(self) -> bool | None:
        """Whether it answers as often as it is to; None where nothing says how often."""
        return None if self.contest.floor is None else self.ratio >= self.contest.floor

    @property
    def keeps_bound(self) -> bool | None:
        """Whether its slow answers are as quick as they are to be; None where nothing says how quick."""
        return None if self.contest.bound is None else self.p99_ratio <= self.contest.bound

    def as_json(self) -> dict[str, Any]:
        """Every figure."""
        runs = {
            "name": self.contest.name,
            "refused": self.refused,
            "base": [run._asdict() for run in self.base],
            "rival": [run._asdict() for run in self.rival],
        }
        return runs if self.refused else {**runs, **self._judged()}

    def _judged(self) -> dict[str, Any]:
        return {
            "ratio": round(self.ratio, 4),
            "floor": self.contest.floor,
            "keeps_floor": self.keeps_floor,
            "p99_ratio": round(self.p99_ratio, 4),
            "bound": self.contest.bound,
            "keeps_bound": self.keeps_bound,
        }

    @property
    def _rounds(self) -> Iterable[tuple[Run, Run]]:
        return zip(self.base, self.rival, strict=True)


def cores_apart() -> Cores:
    """A core for the servers and another one for wrk, where there are two."""
    if sys.platform != "linux":
        return Cores()
    first, *others = sorted(os.sched_getaffinity(0))
    return Cores((first,), (others[0],)) if others else Cores()


def against_bare(name: str, bare: Server, ours: Side, floor: float, bound: float | None) -> Contest:
    """Ours beside the bare server, which is sent the very same calls."""
    base = Side(bare, ours.workload._replace(expected=FROM_BARE), is_ours=False)
    return Contest(name, base, ours, floor, bound)


def compete(contests: Sequence[Contest], pace: Pace) -> list[Result]:
    """Each round all contests, in each of them the base and the rival right after one another."""
    results = [Result(contest, [], [], []) for contest in contests]
    for number in range(pace.rounds):
        for result in (result for result in results if not result.refused):
            told = f"\rround {number + 1} of {pace.rounds}: {result.contest.name:<50}"
            print(told, end="", file=sys.stderr, flush=True)
            _measure(result, pace)
    print(file=sys.stderr)
    return results


def _measure(result: Result, pace: Pace) -> None:
    """One round of a contest; one that is refused keeps no other contest from being measured."""
    try:
        base = run(result.contest.base, pace)
        rival = run(result.contest.rival, pace)
    except (RuntimeError, OSError) as error:
        result.refused.append(str(error))
    else:
        result.base.append(base)
        result.rival.append(rival)


def run(side: Side, pace: Pace) -> Run:
    """One run that counts, after its warm-up; RuntimeError where the answers are not of the kind meant."""
    ask, workload = over_http(side.server.url), side.workload
    check_answers(ask, workload)
    headers = headers_of(workload.calls[0])
    for seconds in filter(None, (pace.warm_up, pace.seconds)):
        before = side.server.busy()
        came = drive(side.server.url, workload.calls, headers, seconds, pace.cores.wrk)
        came = came._replace(cpu=(side.server.busy() - before) / came.requests * 1e6)
    if came.refused != (0 if workload.expected.status < 400 else came.requests):
        raise RuntimeError(f"{workload.name}: {came.refused} of {came.requests} answers were over 399")
    if side.is_ours:
        check_journal(ask, workload)
    return came
