"""The share that must be met: how it is written, whether it is reached, and how that is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def read_share(text: str) -> float:
    """So many percent; ValueError for anything else."""
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", text) and float(text) <= 100:
        return float(text)
    raise ValueError(f"wanted a number from 0 to 100, got {text!r}")


def is_reached(report: Mapping[str, Any], least: float | None) -> bool:
    """True where enough was met, or nothing is required."""
    return least is None or bool(report["percent"] >= least)


def verdict(report: Mapping[str, Any], least: float) -> str:
    """Whether the share is reached, in one line."""
    reached = "is reached" if is_reached(report, least) else "is not reached"
    met = f"{report['covered']} of {report['total']}, {report['percent']} %"
    return f"Required coverage of {least:g} % {reached}: {met}"
