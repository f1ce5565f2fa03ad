"""The figures as tables, and as one list of what was to be reached and was not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from tests.bench.contest import Result
from tests.bench.memory import Held
from tests.bench.start import COLD, Row
from tests.bench.wrk import Run

COLD_BOUND = 2.0
_MARKS = {True: "ok", False: "MISSED", None: "-"}


def contests(results: Sequence[Result], base: str, rival: str) -> str:
    """A line for each: answers a second, slow answers and the server's time for one, of both sides."""
    heads = (
        f"{base}/s",
        f"{rival}/s",
        "ratio",
        "floor",
        "",
        f"p99 {base}",
        rival,
        "ratio",
        "bound",
        "",
        "CPU µs",
        rival,
    )
    return "\n".join([_line("requests a second", heads), *map(_contest, results)])


def _contest(result: Result) -> str:
    contest = result.contest
    if result.refused:
        return f"{contest.name:<52} REFUSED: {result.refused[0].splitlines()[0]}"
    cells = (
        f"{_middle(result.base, 'per_second'):.0f}",
        f"{_middle(result.rival, 'per_second'):.0f}",
        f"{result.ratio:.3f}",
        _limit(contest.floor),
        _MARKS[result.keeps_floor],
        f"{_middle(result.base, 'p99'):.2f} ms",
        f"{_middle(result.rival, 'p99'):.2f} ms",
        f"{result.p99_ratio:.2f}",
        _limit(contest.bound),
        _MARKS[result.keeps_bound],
        f"{_middle(result.base, 'cpu'):.0f}",
        f"{_middle(result.rival, 'cpu'):.0f}",
    )
    return _line(contest.name, cells)


def _line(name: str, cells: Sequence[str]) -> str:
    widths = (9, 9, 7, 7, 8, 11, 11, 7, 7, 8, 8, 7)
    return f"{name:<52}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _middle(runs: Sequence[Run], field: str) -> float:
    return float(median(getattr(run, field) for run in runs))


def _limit(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def memory(lines: Sequence[Held]) -> str:
    """A line for each: what both hold, and their ratio."""
    head = f"{'memory':<52}{'bare':>12}{'ours':>12}{'ratio':>8}{'bound':>7}"
    return "\n".join([head, *map(_held, lines)])


def _held(line: Held) -> str:
    bare = _size(median(line.bare)) if line.bare else "-"
    ratio, kept = _limit(line.ratio), _MARKS[_keeps(line.ratio, line.bound)]
    return (
        f"{line.name:<52}{bare:>12}{_size(median(line.ours)):>12}{ratio:>8}{_limit(line.bound):>7}{kept:>8}"
    )


def _size(amount: float) -> str:
    return f"{amount / 1e6:.1f} MB" if amount >= 1e6 else f"{amount:.0f} bytes"


def _keeps(ratio: float | None, bound: float | None) -> bool | None:
    return None if ratio is None or bound is None else ratio <= bound


def missed(results: Sequence[Result], rows: Sequence[Row], lines: Sequence[Held]) -> Iterator[str]:
    """What was to be reached and was not, each in a sentence."""
    for result in (result for result in results if not result.refused):
        contest = result.contest
        if result.keeps_floor is False:
            yield f"{contest.name}: {result.ratio:.3f} of the requests a second, floor {contest.floor}"
        if result.keeps_bound is False:
            yield f"{contest.name}: {result.p99_ratio:.2f} times the p99, bound {contest.bound}"
    for row in rows:
        if row["case"] == COLD and _keeps(row["times_bare"], COLD_BOUND) is False:
            yield f"cold start: {row['times_bare']} times the bare one's, bound {COLD_BOUND}"
    for line in lines:
        if _keeps(line.ratio, line.bound) is False:
            yield f"{line.name}: {line.ratio:.2f} times the bare one's, bound {line.bound}"
