"""From starting a process to its first answer: ours with small and large documents beside a bare one."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.documents import OPERATIONS, write_large, write_many
from tests.bench.measure import Case, first_answer
from tests.bench.workloads import SONG

BARE = "bare Starlette + uvicorn, GET"
COLD = "ours, GET credits"
KEY = {"Authorization": "Bearer bench"}
SERVE = ("-m", "mockserver", "serve", "--port", "PORT", "--seed", "0")

Row = dict[str, Any]


def cases(folder: Path) -> list[Case]:
    """The bare one, and ours with the documents that are packaged, with many and with large ones."""
    large = {suffix: _inside(folder / suffix[1:]) for suffix in (".yaml", ".json")}
    sizes = {suffix: write_large(place, suffix).stat().st_size / 1e6 for suffix, place in large.items()}
    many = _inside(folder / "many")
    write_many(many, 30)
    last = f"/groups/a/part{OPERATIONS - 1}"
    song = json.dumps(SONG).encode()
    return [
        Case(BARE, ("-m", "tests.bench.bare", "PORT"), "/api/v1/chat/credit"),
        Case(COLD, SERVE, "/api/v1/chat/credit", headers=KEY),
        Case("ours, POST song", SERVE, "/api/v1/generate", song, KEY),
        Case("ours, 30 documents", (*SERVE, "--specs", str(many)), "/only29"),
        *(
            Case(
                f"ours, one {suffix[1:].upper()} of {sizes[suffix]:.1f} MB",
                (*SERVE, "--specs", str(place)),
                last,
            )
            for suffix, place in large.items()
        ),
    ]


def _inside(folder: Path) -> Path:
    folder.mkdir()
    return folder


def started(chosen: Sequence[Case], runs: int) -> list[Row]:
    """A row for every case, of runs in turn: what slows the machine down slows all of them."""
    times: dict[str, list[float]] = {case.name: [] for case in chosen}
    for run in range(-1, runs if chosen else -1):
        for case in chosen:
            seconds = first_answer(case)
            if run >= 0:  # the one before wrote byte code and filled the disk's cache
                times[case.name].append(seconds)
        print(f"\rstart {run + 1} of {runs}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [_row(name, seconds, times) for name, seconds in times.items()]


def _row(name: str, seconds: list[float], times: dict[str, list[float]]) -> Row:
    middle = median(seconds)
    bare = median(times[BARE]) if BARE in times else None
    return {
        "case": name,
        "median": round(middle, 4),
        "least": round(min(seconds), 4),
        "most": round(max(seconds), 4),
        "times_bare": round(middle / bare, 2) if bare else None,
        "seconds": [round(second, 4) for second in seconds],
    }


def table(rows: Sequence[Row]) -> str:
    """The rows under their heads."""
    head = f"{'start to first answer':<34}{'median':>9}{'least':>9}{'most':>9}{'to bare':>9}"
    lines = [
        f"{row['case']:<34}{row['median']:>8.3f}s{row['least']:>8.3f}s{row['most']:>8.3f}s"
        f"{row['times_bare'] or '-':>9}"
        for row in rows
    ]
    return "\n".join([head, *lines])
