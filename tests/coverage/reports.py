"""Reports written in short."""

from __future__ import annotations

from typing import Any

from mockserver.coverage import Documented, report

Pairs = dict[str, int]


def kinds(outcomes: Pairs, states: Pairs | None = None) -> dict[str, Pairs]:
    """What one operation has met."""
    return {"outcomes": outcomes, "states": states or {}}


def report_of(**providers: dict[str, dict[str, Pairs]]) -> dict[str, Any]:
    """A report of these operations; its sums are counted by `report` itself."""
    documented = [
        Documented(provider, operation, tuple(shown["outcomes"]), tuple(shown["states"]))
        for provider, operations in providers.items()
        for operation, shown in operations.items()
    ]
    counts = {
        (kind, provider, operation, name): count
        for provider, operations in providers.items()
        for operation, shown in operations.items()
        for kind, pairs in shown.items()
        for name, count in pairs.items()
    }
    return report(documented, counts)
