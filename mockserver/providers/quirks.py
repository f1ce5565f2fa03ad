"""Quirks: where documents and observation differ, each a named switch of its adapter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mockserver.domain.credits import CREDIT, MOST


class Quirk(NamedTuple):
    """One switch: its values, the first being the default, and the answer in which it shows."""

    name: str
    values: tuple[str, ...]
    operation: str
    outcome: str
    is_number: bool = False

    @property
    def default(self) -> str:
        """Its value when nobody says one."""
        return self.values[0]

    def allows(self, value: str) -> bool:
        """True for a value that it can have."""
        if not self.is_number:
            return value in self.values
        if not re.fullmatch(r"[0-9]{1,13}(\.[0-9]{1,6})?", value, re.ASCII):
            return False
        return float(value) <= MOST / CREDIT

    def wanted(self) -> str:
        """Its values in words, the default first."""
        return (
            f"{self.default} or any other number of credits" if self.is_number else " or ".join(self.values)
        )


class QuirkError(ValueError):
    """A quirk that nobody has, or a value that it cannot have."""


Quirks = Mapping[str, Mapping[str, str]]
"""The value in force of each quirk, by provider and name."""


def read_quirks(given: Iterable[str], known: Mapping[str, Iterable[Quirk]]) -> Quirks:
    """The values in force; QuirkError, with the list of all, for one that cannot be."""
    table = {provider: {quirk.name: quirk for quirk in quirks} for provider, quirks in known.items()}
    force = {
        provider: {name: quirk.default for name, quirk in quirks.items()}
        for provider, quirks in table.items()
    }
    for text in given:
        key, _, value = text.partition("=")
        provider, _, name = key.partition(".")
        quirk = table.get(provider, {}).get(name)
        if quirk is None:
            raise QuirkError(f"{key!r} is no quirk. {_listed(table)}")
        if not quirk.allows(value):
            raise QuirkError(f"{key} cannot be {value!r}, wanted {quirk.wanted()}. {_listed(table)}")
        force[provider][name] = value
    return force


def _listed(table: Mapping[str, Mapping[str, Quirk]]) -> str:
    known = [f"{p}.{q.name}={q.wanted()}" for p, quirks in table.items() for q in quirks.values()]
    return f"Known: {'; '.join(known)}" if known else "None of the documents served has quirks"
