"""Plausible numbers: within the bounds, on the grid of `multipleOf`, of the size that the name suggests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil, floor
from random import Random

from mockserver.openapi.sample.shape import Bound, Dead, Shape, exactly, tighter
from mockserver.openapi.sample.text import words_of
from mockserver.openapi.source import Json

_SPANS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("page",), (1, 5)),
    **dict.fromkeys(("offset", "index", "position"), (0, 20)),
    **dict.fromkeys(("count", "total", "quantity", "limit", "size", "per_page"), (1, 50)),
    "age": (18, 80),
    "year": (2024, 2026),
    "month": (1, 12),
    "day": (1, 28),
    "hour": (0, 23),
    **dict.fromkeys(("minute", "second"), (0, 59)),
    **dict.fromkeys(
        ("timestamp", "time", "created", "updated", "created_at", "updated_at", "at", "date"), (1.7e9, 1.76e9)
    ),
    **dict.fromkeys(("duration", "length", "seconds"), (30, 240)),
    **dict.fromkeys(("price", "amount", "cost", "balance", "credit", "credits"), (5, 200)),
    **dict.fromkeys(("latitude", "lat"), (-60, 60)),
    **dict.fromkeys(("longitude", "lng", "lon"), (-120, 120)),
    **dict.fromkeys(("width", "height"), (320, 1920)),
    **dict.fromkeys(("ratio", "weight", "score", "probability", "confidence"), (0, 1)),
    **dict.fromkeys(("percent", "percentage", "progress"), (0, 100)),
    "rating": (1, 5),
    "port": (1024, 9999),
    **dict.fromkeys(("status", "code", "status_code"), (200, 200)),
}
_FORMATS: Mapping[str, tuple[Fraction, Fraction]] = {
    "int32": (Fraction(-(2**31)), Fraction(2**31 - 1)),
    "int64": (Fraction(-(2**63)), Fraction(2**63 - 1)),
    "float": (exactly(-3.4e38), exactly(3.4e38)),
    "double": (exactly(-1.79e308), exactly(1.79e308)),
}
_TRIES = 12


def numbers(shape: Shape, name: str, whole: bool, rng: Random, turn: int = 0) -> Iterator[Json]:
    """Candidates for a number, the most plausible first, the ends of its range last."""
    low, high = _range(shape)
    step = _grid(shape, whole, low, high)
    first, last = _index(low, step, 1), _index(high, step, -1)
    if first is not None and last is not None and first > last:
        raise Dead("no number lies between the bounds")
    start, stop = _window(name, whole, step, first, last)
    picks = [rng.randint(start, stop) for _ in range(_TRIES)]
    if turn:
        # Further items of a unique list walk through the range, so that a narrow one can be filled.
        base = _or(first, start)
        picks[0] = base + turn % (_or(last, base + 10**6) - base + 1)
    ends = [end for end in (first, last) if end is not None]
    made = [_json(index * step, whole) for index in (*picks, *ends, 0) if _inside(index, first, last)]
    yield from sorted(made, key=lambda value: not _divides(value, shape.step))


def _range(shape: Shape) -> tuple[Bound | None, Bound | None]:
    low, high = shape.low, shape.high
    for known in shape.formats:
        if known in _FORMATS:
            low = tighter(low, Bound(_FORMATS[known][0]), 1)
            high = tighter(high, Bound(_FORMATS[known][1]), -1)
    return low, high


def _grid(shape: Shape, whole: bool, low: Bound | None, high: Bound | None) -> Fraction:
    """The distance between candidates: `multipleOf`, one for integers, else as fine as the bounds need."""
    if whole:
        return Fraction(shape.step.numerator) if shape.step else Fraction(1)
    step = shape.step or Fraction(1, 100)
    while (
        shape.step is None
        and low
        and high
        and (high.value - low.value) < 20 * step
        and step > Fraction(1, 10**30)
    ):
        if low.value == high.value:
            return abs(low.value) or Fraction(1)
        step /= 10
    return step


def _index(bound: Bound | None, step: Fraction, inward: int) -> int | None:
    """The outermost multiple of the step within a bound."""
    if bound is None:
        return None
    index = ceil(bound.value / step) if inward > 0 else floor(bound.value / step)
    return index + inward if bound.exclusive and index * step == bound.value else index


def _window(name: str, whole: bool, step: Fraction, first: int | None, last: int | None) -> tuple[int, int]:
    """The part of the range that the name suggests, or else the part next to a bound."""
    low, high = _span(name, whole)
    start, stop = ceil(exactly(low) / step), floor(exactly(high) / step)
    start, stop = max(start, _or(first, start)), min(stop, _or(last, stop))
    if start <= stop:
        return start, stop
    near = _or(first, _or(last, 100) - 100)
    return near, min(near + 100, _or(last, near + 100))


def _or(index: int | None, other: int) -> int:
    return other if index is None else index


def _span(name: str, whole: bool) -> tuple[float, float]:
    words = words_of(name)
    for start in range(len(words)):
        tail = "_".join(words[start:])
        found = _SPANS.get(tail) or (_SPANS.get(tail[:-1]) if tail.endswith("s") else None)
        if found:
            return found
    return (1, 1000) if whole else (0, 100)


def _inside(index: int, first: int | None, last: int | None) -> bool:
    return (first is None or index >= first) and (last is None or index <= last)


def _json(value: Fraction, whole: bool) -> Json:
    """An int for an integer; else a float, unless the number is too large for one to be exact."""
    if whole or (value.denominator == 1 and abs(value) > 2**53):
        return int(value)
    return float(value)


def _divides(value: Json, step: Fraction | None) -> bool:
    """True when plain float division finds no rest, as many validators test `multipleOf`."""
    if step is None or abs(value) > 2**53:
        return True
    quotient = value / float(step)
    return bool(int(quotient) == quotient)
