"""`make profile`: where the time of each workload goes, function by function.

Without `--server` the application is called in this process, by itself. With it, it is a real server that
wrk drives; then the HTTP protocol is in the figures, too.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from pathlib import Path

from mockserver.settings import Settings
from mockserver.web.app import create_app
from tests.bench.contest import Cores, cores_apart
from tests.bench.in_process import App, Request, alive, asked, send_all
from tests.bench.load import BARS
from tests.bench.server import Server, ours
from tests.bench.workloads import (
    Ask,
    Workload,
    check_answers,
    give,
    headers_of,
    over_http,
    stateless,
    workloads,
    write_document,
)
from tests.bench.wrk import Run, drive

SHOWN = 25


def main(argv: Sequence[str] | None = None) -> int:
    """Profile the workloads that are wanted, and print each."""
    options = _parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        if options.server:
            _server(options, Path(folder))
        else:
            _in_process(options, Path(folder))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profiler", description=__doc__)
    add = parser.add_argument
    add("--workload", default="", metavar="WORD", help="only those with this in their name, as song or poll")
    add("--calls", type=int, default=5000, help="calls of each, in this process (default 5000)")
    add("--server", action="store_true", help="profile a real server instead, driven by wrk")
    add("--seconds", type=int, default=5, help="how long wrk drives it (default 5)")
    add("--no-pin", action="store_true", help="leave server and wrk on whatever core they come to")
    add("--tasks", type=int, default=2000, help="finished tasks in the store (default 2000)")
    return parser


def _chosen(ask: Ask, options: argparse.Namespace) -> list[Workload]:
    """The workloads that are wanted, with what they need in the store, each seen to answer as it is to."""
    shown = min(1000, options.tasks // 2)
    everything = [*workloads(give(ask, options.tasks, shown)), stateless(shown)]
    chosen = [workload for workload in everything if options.workload in workload.name]
    for workload in chosen:
        check_answers(ask, workload)
    return chosen


def _print(profile: str | cProfile.Profile) -> None:
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(SHOWN)


# --- in this process ----------------------------------------------------------------------------------------


def _in_process(options: argparse.Namespace, folder: Path) -> None:
    write_document(folder / "shop")
    specs = ("packaged", str(folder / "shop"))
    app = create_app(Settings(specs=specs, seed=0, credits=1_000_000_000, rate_limits="off", pace="instant"))
    with asyncio.Runner() as runner, _entered(runner, alive(app)):
        for workload in _chosen(asked(runner, app), options):
            _one(runner, app, workload, options.calls)


@contextmanager
def _entered(runner: asyncio.Runner, around: AbstractAsyncContextManager[None]) -> Iterator[None]:
    runner.run(around.__aenter__())
    try:
        yield
    finally:
        runner.run(around.__aexit__(None, None, None))


def _one(runner: asyncio.Runner, app: App, workload: Workload, count: int) -> None:
    requests = [Request.of(call) for call in workload.calls]
    # Twice: the first brings all that is made at a first call.
    seconds = min(runner.run(send_all(app, requests, count)) for _ in range(2))
    told = f"{seconds / count * 1e6:.1f} µs a call without the profiler"
    print(f"=== {workload.name}: {told}, then {count} calls with it")
    profile = cProfile.Profile()
    profile.enable()
    runner.run(send_all(app, requests, count))
    profile.disable()
    _print(profile)


# --- a real server ------------------------------------------------------------------------------------------


def _server(options: argparse.Namespace, folder: Path) -> None:
    """A server for each, so that no profile holds another's calls."""
    specs, file = write_document(folder / "shop"), str(folder / "profile")
    cores = Cores() if options.no_pin else cores_apart()
    for name in (name for name in BARS if options.workload in name):
        with ours(*specs, cores=cores.server, before=("-m", "tests.bench.profiled", file)) as server:
            chosen = _chosen(over_http(server.url), options)
            workload = next(one for one in chosen if one.name == name)
            plain, run = _driven(server, workload, options.seconds, cores.wrk)
        told = f"{plain.per_second:.0f} requests a second, {run.per_second:.0f} with the profiler"
        print(f"=== {name}: {told}")
        _print(file)


def _driven(server: Server, workload: Workload, seconds: int, cores: Iterable[int]) -> tuple[Run, Run]:
    """A run without the profiler, and the one that it looks at."""
    send = partial(drive, server.url, workload.calls, headers_of(workload.calls[0]), seconds, cores)
    plain = send()
    os.kill(server.pid, signal.SIGUSR1)
    return plain, send()


if __name__ == "__main__":
    sys.exit(main())
