"""Pairs counted: what one world has met, and what several have met together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from mockserver.domain.outcome import NAMES

_RANK: Final = {name: rank for rank, name in enumerate(NAMES)}


class Documented(NamedTuple):
    """What one operation documents."""

    provider: str
    operation: str
    outcomes: tuple[str, ...]
    states: tuple[str, ...]


Counts = Mapping[tuple[str, str, str, str], int]
"""How often (kind, provider, operation, name) was met; the kind is `outcomes` or `states`."""


def report(documented: Iterable[Documented], counts: Counts) -> dict[str, Any]:
    """The coverage of a world: every documented pair is in it, an unmet one with 0."""
    providers: dict[str, Any] = {}
    for item in documented:
        shown = {kind: _counted(item, kind, names, counts) for kind, names in _kinds(item)}
        providers.setdefault(item.provider, {"operations": {}})["operations"][item.operation] = shown
    return _summed_up(providers)


def merged(reports: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One coverage of several: every pair that any of them documents, with their counts added up."""
    providers: dict[str, Any] = {}
    for one in reports:
        for provider, part in one["providers"].items():
            _add(part["operations"], providers.setdefault(provider, {"operations": {}})["operations"])
    for kinds in _operations(providers):
        kinds["outcomes"] = {name: kinds["outcomes"][name] for name in in_order(kinds["outcomes"])}
    return _summed_up(providers)


def in_order(outcomes: Iterable[str]) -> list[str]:
    """The names in the order of the vocabulary; those outside it follow as they come."""
    return sorted(outcomes, key=lambda name: _RANK.get(name, len(_RANK)))


def percent(covered: int, total: int) -> float:
    """The share that was met, rounded, but never up to all of it; all of nothing is 100."""
    share = round(100 * covered / total, 1) if total else 100.0
    return min(share, 99.9) if covered < total else share


def as_json(report: Mapping[str, Any]) -> str:
    """The report as the text of a file; it reads back as the same report."""
    return json.dumps(report, indent=2) + "\n"


def _kinds(item: Documented) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("outcomes", item.outcomes), ("states", item.states)


def _counted(item: Documented, kind: str, names: tuple[str, ...], counts: Counts) -> dict[str, int]:
    return {name: counts.get((kind, item.provider, item.operation, name), 0) for name in names}


def _add(operations: Mapping[str, Any], sums: dict[str, Any]) -> None:
    for operation, kinds in operations.items():
        known = sums.setdefault(operation, {"outcomes": {}, "states": {}})
        for kind, total in known.items():
            for name, count in kinds[kind].items():
                total[name] = total.get(name, 0) + count


def _operations(providers: Mapping[str, Any]) -> Iterator[dict[str, dict[str, int]]]:
    for part in providers.values():
        yield from part["operations"].values()


def _summed_up(providers: dict[str, Any]) -> dict[str, Any]:
    met = [count for kinds in _operations(providers) for part in kinds.values() for count in part.values()]
    covered = sum(1 for count in met if count)
    return {
        "covered": covered,
        "total": len(met),
        "percent": percent(covered, len(met)),
        "providers": providers,
    }
