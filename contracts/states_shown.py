"""Which task states a body shows: at the places at which the document's own examples show theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from mockserver.openapi.compiled import Operation
from mockserver.openapi.problem import join
from mockserver.openapi.source import Json

EVERY: Final = None
"""In a place's path: every item of a list."""

Path = tuple[str | None, ...]


class Places(NamedTuple):
    """Where the bodies of an operation have their state, and which states it documents."""

    paths: tuple[Path, ...]
    states: frozenset[str]

    @property
    def pointer(self) -> str:
        """The first of these places, as a pointer: of a list, its first item."""
        path = next(iter(self.paths), ())
        return join("", *(0 if name is EVERY else name for name in path))

    def shown(self, body: Json) -> tuple[str, ...]:
        """The documented states that a body shows, in its order, each once."""
        values = (value for path in self.paths for value in _at(body, path))
        return tuple(dict.fromkeys(v for v in values if isinstance(v, str) and v in self.states))


def places(operation: Operation) -> Places:
    """Where every example that is marked with a state holds it; whoever asks often keeps the answer."""
    marked = [(example.value, example.state) for example in operation.examples() if example.state]
    common = [dict.fromkeys(_paths(value, state)) for value, state in marked]
    found = tuple(path for path in common[0] if all(path in other for other in common)) if common else ()
    return Places(found, frozenset(operation.states))


def states_shown(operation: Operation, body: Json) -> tuple[str, ...]:
    """The documented states that a body shows, in its order, each once."""
    return places(operation).shown(body)


def _paths(value: Json, wanted: str) -> Iterator[Path]:
    """The path of each text that is the wanted one."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from ((name, *rest) for rest in _paths(item, wanted))
    elif isinstance(value, list):
        for item in value:
            yield from ((EVERY, *rest) for rest in _paths(item, wanted))
    elif value == wanted:
        yield ()


def _at(value: Json, path: Path) -> Iterator[Json]:
    """Whatever stands at a path."""
    if not path:
        yield value
        return
    name, *rest = path
    if name is EVERY:
        for item in value if isinstance(value, list) else ():
            yield from _at(item, tuple(rest))
    elif isinstance(value, dict) and name in value:
        yield from _at(value[name], tuple(rest))
