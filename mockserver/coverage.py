"""Response coverage: of all documented outcomes and task states, which were met; pure counting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


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
    met: list[int] = []
    for item in documented:
        shown = {kind: _counted(item, kind, names, counts) for kind, names in _kinds(item)}
        met.extend(count for part in shown.values() for count in part.values())
        providers.setdefault(item.provider, {"operations": {}})["operations"][item.operation] = shown
    covered = sum(1 for count in met if count)
    # Rounded, but never up to all of it.
    percent = round(100 * covered / len(met), 1) if met else 100.0
    percent = min(percent, 99.9) if covered < len(met) else percent
    return {"covered": covered, "total": len(met), "percent": percent, "providers": providers}


def _kinds(item: Documented) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("outcomes", item.outcomes), ("states", item.states)


def _counted(item: Documented, kind: str, names: tuple[str, ...], counts: Counts) -> dict[str, int]:
    return {name: counts.get((kind, item.provider, item.operation, name), 0) for name in names}
