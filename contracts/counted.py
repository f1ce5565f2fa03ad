"""A number and its noun, as they are read."""

from __future__ import annotations


def counted(number: float, noun: str) -> str:
    """`1 song`, `2 songs`."""
    return f"{number:g} {noun}" if number == 1 else f"{number:g} {noun}s"
