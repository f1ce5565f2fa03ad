"""A contract case: what is given, what is asked, what has to come of it, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from contracts.filling import names
from mockserver.openapi.source import Source

Json = Any
Place = Literal["mock", "live"]
PageKind = Literal["page", "report", "choice"]
MarkKind = Literal["recorded", "page", "report", "choice", "differs"]

_WORDS = {
    "recorded": "recorded",
    "page": "page only",
    "report": "reported",
    "choice": "our choice",
    "differs": "known to differ",
}


class Page(NamedTuple):
    """Where a fact comes from, the day it was read, and whose word it is: the provider's, others', ours."""

    source: str
    read: str
    kind: PageKind = "page"

    @property
    def mark(self) -> Mark:
        """How sure a case is that rests on it alone."""
        return Mark(self.kind, self.read)


class Mark(NamedTuple):
    """How sure one is: recorded live, read on a page, reported, our choice or known to differ; since when."""

    kind: MarkKind
    day: str
    text: str = ""

    def __str__(self) -> str:
        return f"{_WORDS[self.kind]} {self.day}"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done, and what has to come of it; `pointer` is where it stands in its file."""

    kind: Literal["call", "poll", "callback", "silence", "wait"]
    pointer: str
    request: Json = None
    expect: Json = None
    capture: Mapping[str, str] | None = None
    after: float = 0
    times: int = 1
    every: float = 0
    at_most: float = 0

    @property
    def operation(self) -> str | None:
        """The operation that it calls, if it calls one."""
        return self.request.get("operation") if isinstance(self.request, dict) else None

    @property
    def takes_time(self) -> bool:
        """True where it cannot be done at one moment."""
        return self.kind != "call" or self.after > 0


@dataclass(frozen=True, slots=True)
class Case:
    """One promise of a provider, kept or broken by what its steps meet."""

    name: str
    provider: str
    fact: str
    page: Page
    mark: Mark
    where: frozenset[Place]
    cost: float
    given: Mapping[str, Json]
    steps: tuple[Step, ...]
    pointer: str
    source: Source

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Each (operation, outcome) that it shows."""
        for step in self.steps:
            if step.operation and step.expect and "outcome" in step.expect:
                yield step.operation, step.expect["outcome"]

    def states(self) -> Iterator[tuple[str, str]]:
        """Each (operation, task state) that it shows."""
        for step in self.steps:
            if step.operation and step.expect and "state" in step.expect:
                yield step.operation, step.expect["state"]

    @property
    def songs(self) -> dict[str, dict[str, Json]]:
        """The songs that are given, by name."""
        given = dict(self.given.get("songs", {}))
        if "song" in self.given:
            given["song"] = self.given["song"]
        return {name: song if isinstance(song, dict) else {"state": song} for name, song in given.items()}

    def needs_twin(self, name: str) -> bool:
        """True where it speaks of the other songs of a task too."""
        return any(one.startswith(f"{name}.ids") for one in self._names())

    def needs_id(self, name: str) -> bool:
        """True where it speaks of the songs of a task at all, and not of the task alone."""
        return any(one.startswith(f"{name}.id") for one in self._names())

    def _names(self) -> Iterator[str]:
        return (one for step in self.steps for one in names((step.request, step.expect)))

    @property
    def hears(self) -> bool:
        """True where callbacks are awaited."""
        return any(step.kind in ("callback", "silence") for step in self.steps)

    @property
    def takes_time(self) -> bool:
        """True where time has to pass in it."""
        return "after" in self.given or any(step.takes_time for step in self.steps)

    def line(self, pointer: str | None = None) -> int | None:
        """The line of its file where it begins, or where a part of it stands."""
        return self.source.problem(pointer or self.pointer, "").line


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The cases of one provider, and how `check live` gets along with it."""

    provider: str
    source: Source
    live: Mapping[str, Json]
    cases: tuple[Case, ...]
