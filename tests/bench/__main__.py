"""`make bench`: how long a start takes, and what the fixture costs a test, each beside something bare."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.documents import OPERATIONS, write_large, write_many
from tests.bench.fixture import WITH, WITHOUT, around_a_test, whole_run
from tests.bench.measure import Case, first_answer

BARE = "bare Starlette + uvicorn, GET"
KEY = {"Authorization": "Bearer bench"}
SONG = {
    "prompt": "A calm piano piece for a rainy evening",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    "callBackUrl": "https://example.com/callback",
}
SERVE = ("-m", "mockserver", "serve", "--port", "PORT", "--seed", "0")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the figures."""
    options = _parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        cases = [case for case in _cases(Path(folder)) if options.only in case.name]
        times = _measured(cases, options.runs)
        pytest = _in_pytest(Path(folder), options)
    rows = [_row(name, seconds, times) for name, seconds in times.items()]
    print(_table(rows))
    for title, rival in pytest.items():
        print(f"\n{_beside(title, rival)}")
    figures = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cases": rows,
        "pytest": pytest,
    }
    options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print(f"\nMedians of {options.runs} interleaved runs; every run is in {options.json}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="runs of each case (default 15)")
    parser.add_argument(
        "--only",
        default="",
        metavar="WORD",
        help="only cases with this in their name; `fixture`: only pytest's",
    )
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the figures go")
    return parser


def _cases(folder: Path) -> list[Case]:
    large = {suffix: _inside(folder / suffix[1:]) for suffix in (".yaml", ".json")}
    sizes = {suffix: write_large(place, suffix).stat().st_size / 1e6 for suffix, place in large.items()}
    many = _inside(folder / "many")
    write_many(many, 30)
    last = f"/groups/a/part{OPERATIONS - 1}"
    song = json.dumps(SONG).encode()
    return [
        Case(BARE, ("-m", "tests.bench.bare", "PORT"), "/api/v1/chat/credit"),
        Case("ours, GET credits", SERVE, "/api/v1/chat/credit", headers=KEY),
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


def _in_pytest(folder: Path, options: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """The seconds of each kind of test, and of each kind of run."""
    if options.only not in "fixture":
        return {}
    plain = _inside(folder / "plain")
    runs: dict[str, list[float]] = {WITHOUT: [], WITH: []}
    for run in range(-1, options.runs):
        for name, seconds in runs.items():
            took = whole_run(plain, plugin=name == WITH)
            if run >= 0:
                seconds.append(took)
    tests = around_a_test(_inside(folder / "kinds"))
    return {"set-up and tear-down of a test": tests, "a whole run of one empty test": runs}


def _beside(title: str, rivals: dict[str, list[float]]) -> str:
    """Each in milliseconds, and by how much it is over the first."""
    first = median(next(iter(rivals.values())))
    lines = [f"{title:<34}{'median':>11}{'most':>11}{'over':>11}"]
    for name, seconds in rivals.items():
        middle, most = median(seconds), max(seconds)
        lines.append(
            f"{name:<34}{middle * 1000:>8.2f} ms{most * 1000:>8.2f} ms{(middle - first) * 1000:>8.2f} ms"
        )
    return "\n".join(lines)


def _measured(cases: Sequence[Case], runs: int) -> dict[str, list[float]]:
    """The seconds of every case, run by run: what slows the machine down slows all of them."""
    times: dict[str, list[float]] = {case.name: [] for case in cases}
    for run in range(-1, runs):
        for case in cases:
            seconds = first_answer(case)
            if run >= 0:  # the one before wrote byte code and filled the disk's cache
                times[case.name].append(seconds)
        print(f"\rrun {run + 1} of {runs}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return times


def _row(name: str, seconds: list[float], times: dict[str, list[float]]) -> dict[str, Any]:
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


def _table(rows: Sequence[dict[str, Any]]) -> str:
    head = f"{'start to first answer':<34}{'median':>9}{'least':>9}{'most':>9}{'to bare':>9}"
    lines = [
        f"{row['case']:<34}{row['median']:>8.3f}s{row['least']:>8.3f}s{row['most']:>8.3f}s"
        f"{row['times_bare'] or '-':>9}"
        for row in rows
    ]
    return "\n".join([head, *lines])


if __name__ == "__main__":
    sys.exit(main())
