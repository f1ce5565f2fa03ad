"""`make bench`: ours beside a bare server, and beside itself with much in its store.

How many requests a second and how quick the slow ones are; how long a start takes, what is held in memory,
and what the fixture costs a test.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import fixture, report, start
from tests.bench.contest import Cores, Pace, Result, cores_apart
from tests.bench.fixture import Times
from tests.bench.load import loaded
from tests.bench.memory import LOADED, Held, held
from tests.bench.scale import scaled

QUICK = {"rounds": 1, "seconds": 2, "tasks": 100_000, "runs": 3}


@dataclass
class Figures:
    """All that was measured; empty where nothing of a kind was asked for."""

    load: list[Result] = field(default_factory=list)
    scale: list[Result] = field(default_factory=list)
    cases: list[start.Row] = field(default_factory=list)
    memory: list[Held] = field(default_factory=list)
    pytest: dict[str, Times] = field(default_factory=dict)

    def refused(self) -> list[str]:
        """What could not be measured, and why."""
        return [f"{one.contest.name}: {text}" for one in (*self.load, *self.scale) for text in one.refused]

    def missed(self) -> list[str]:
        """What was to be reached and was not."""
        return list(report.missed([*self.load, *self.scale], self.cases, self.memory))

    def as_json(self) -> dict[str, Any]:
        """Every figure of every run."""
        return {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "load": [result.as_json() for result in self.load],
            "scale": [result.as_json() for result in self.scale],
            "cases": self.cases,
            "memory": [line._asdict() for line in self.memory],
            "pytest": self.pytest,
            "missed": self.missed(),
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write the figures; 1 where a run was refused, with `--check` also for a miss."""
    options = _options(argv)
    with tempfile.TemporaryDirectory() as folder:
        figures = _measured(options, Path(folder))
    print("\n\n".join(_shown(figures)), end="\n\n")
    options.json.write_text(json.dumps(figures.as_json(), indent=2) + "\n", "utf-8")
    missed, refused = figures.missed(), figures.refused()
    for line in (f"MISSED {line}" for line in missed):
        print(line)
    for line in (f"REFUSED {line}" for line in refused):
        print(line)
    print(f"Every run is in {options.json}")
    return 1 if refused or (missed and options.check) else 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(argv)
    if options.quick:
        # What was said beside it holds all the same.
        parser.set_defaults(**QUICK)
        options = parser.parse_args(argv)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    add = parser.add_argument
    add("--only", default="", metavar="WORD", help="only lines with this in their name; `fixture`: pytest's")
    add("--rounds", type=int, default=3, help="rounds under load (default 3)")
    add("--seconds", type=int, default=4, help="seconds of each run under load (default 4)")
    add("--warm-up", type=int, default=1, metavar="SECONDS", help="what comes before each (default 1)")
    add("--tasks", type=int, default=1_000_000, help="tasks in the large store (default 1000000)")
    add("--calls", type=int, default=1000, help="different calls of each workload (default 1000)")
    add("--runs", type=int, default=15, help="starts of each case (default 15)")
    add("--quick", action="store_true", help="one round of 2 seconds, 100000 tasks, 3 starts")
    add("--no-pin", action="store_true", help="leave servers and wrk on whatever core they come to")
    add("--check", action="store_true", help="exit with 1 where a floor or a bound is missed")
    add("--json", type=Path, default=Path("bench.json"), help="where the figures go (default bench.json)")
    return parser


def _measured(options: argparse.Namespace, folder: Path) -> Figures:
    def wanted(name: str) -> bool:
        return options.only in name

    cores = Cores() if options.no_pin else cores_apart()
    pace = Pace(options.rounds, options.seconds, options.warm_up, cores)
    figures = Figures(memory=held(wanted, options.rounds, options.tasks))
    under_load = loaded(wanted, options.calls, pace, folder)
    if under_load is not None:
        figures.load = under_load.results
        figures.memory.append(Held(LOADED, [under_load.bare], [under_load.ours]))
    figures.scale = scaled(wanted, options.tasks, options.calls, pace)
    figures.cases = start.started([case for case in start.cases(folder) if wanted(case.name)], options.runs)
    figures.pytest = fixture.measured(folder, options.runs) if wanted("fixture") else {}
    return figures


def _shown(figures: Figures) -> list[str]:
    """The tables that have lines."""
    load, scale, rows, lines = figures.load, figures.scale, figures.cases, figures.memory
    return [
        *([report.contests(load, "bare", "ours")] if load else []),
        *([report.contests(scale, "usual", "this")] if scale else []),
        *([start.table(rows)] if rows else []),
        *([report.memory(lines)] if lines else []),
        *(fixture.beside(title, rival) for title, rival in figures.pytest.items()),
    ]


if __name__ == "__main__":
    sys.exit(main())
