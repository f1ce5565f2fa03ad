"""What a server holds: after its first answer, after load, and for each task more."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from statistics import median
from typing import NamedTuple

from tests.bench.server import Server, bare, ours
from tests.bench.workloads import over_http, plant
from tests.bench.wrk import Call

IDLE, LOADED, EACH = "memory: idle", "memory: loaded", "memory: bytes of a finished task"
BOUND = 2.0
_WARM = 2000
_MOST = 100_000
_CREDIT = Call("GET", "/api/v1/chat/credit")


class Held(NamedTuple):
    """Bytes of the bare one and of ours, run by run; without a bare one where it has no such thing."""

    name: str
    bare: list[int]
    ours: list[int]
    bound: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times as much as the bare one."""
        return median(self.ours) / median(self.bare) if self.bare else None


def idle(runs: int) -> Held:
    """After one answer, of processes started in turn."""
    held = Held(IDLE, [], [], BOUND)
    for _ in range(runs):
        held.bare.append(_after_an_answer(bare()))
        held.ours.append(_after_an_answer(ours()))
    return held


def _after_an_answer(starting: AbstractContextManager[Server]) -> int:
    with starting as server:
        if over_http(server.url)(_CREDIT, {}).status != 200:
            raise RuntimeError(f"{server.url} did not answer with 200")
        return server.resident()


def of_a_task(tasks: int) -> list[Held]:
    """What a planted task of each provider adds, of many."""
    return [_of_a_task(provider, min(tasks, _MOST)) for provider in ("kie", "evolink")]


def _of_a_task(provider: str, tasks: int) -> Held:
    with ours() as server:
        ask = over_http(server.url)
        # What the first ones bring with them is no task's own.
        plant(ask, provider, _WARM, 1)
        before = server.resident()
        plant(ask, provider, tasks, 1)
        return Held(f"{EACH}, {provider}", [], [(server.resident() - before) // tasks])


def held(wanted: Callable[[str], bool], rounds: int, tasks: int) -> list[Held]:
    """What is wanted of it."""
    first = [idle(rounds)] if wanted(IDLE) else []
    return [*first, *(of_a_task(tasks) if wanted(EACH) else [])]
