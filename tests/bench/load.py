"""Ours under load beside the bare server, workload by workload."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.bench.contest import Contest, Pace, Result, Side, against_bare, compete
from tests.bench.server import Server, bare, ours
from tests.bench.workloads import Workload, give, over_http, stateless, workloads, write_document
from tests.bench.wrk import ensure


class Bar(NamedTuple):
    """What a workload is to reach: the least share of the bare one's answers, the most of its p99."""

    floor: float
    bound: float | None = 2.5


BARS = {
    "kie song": Bar(0.55),
    "kie persona duplicate": Bar(0.60),
    "kie poll": Bar(0.75),
    "evolink poll": Bar(0.75),
    "evolink invalid body": Bar(0.35, None),
    "stateless document": Bar(0.70, None),
}
NAMES = {f"load: {name}": name for name in BARS}


class Loaded(NamedTuple):
    """What came of it, and the bytes that both servers held at the end."""

    results: list[Result]
    bare: int
    ours: int


def loaded(wanted: Callable[[str], bool], calls: int, pace: Pace, folder: Path) -> Loaded | None:
    """The workloads that are wanted, each over as many calls; None where none is."""
    chosen = [name for line, name in NAMES.items() if wanted(line)]
    if not chosen:
        return None
    ensure()
    with ExitStack() as stack:
        plain = stack.enter_context(bare(cores=pace.cores.server))
        provider, kinds = _provider(stack, calls, pace)
        sides = {kind.name: Side(provider, kind) for kind in kinds}
        if "stateless document" in chosen:
            sides["stateless document"] = _document(stack, calls, pace, folder)
        contests = [_contest(name, plain, sides[name]) for name in chosen]
        return Loaded(compete(contests, pace), plain.resident(), provider.resident())


def _contest(name: str, plain: Server, side: Side) -> Contest:
    return against_bare(f"load: {name}", plain, side, *BARS[name])


def _provider(stack: ExitStack, calls: int, pace: Pace) -> tuple[Server, list[Workload]]:
    server = stack.enter_context(ours(cores=pace.cores.server))
    return server, workloads(give(over_http(server.url), 2 * calls, calls))


def _document(stack: ExitStack, calls: int, pace: Pace, folder: Path) -> Side:
    options = write_document(folder / "shop")
    return Side(stack.enter_context(ours(*options, cores=pace.cores.server)), stateless(calls))
