"""The schemas of one document: each value is held against its schema where that stands, in its dialect.

An acceptor tells in microseconds that a value is fine, as most are; jsonschema is met only by the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from mockserver.openapi.acceptor import UNDECIDED, Acceptors
from mockserver.openapi.applicable import Direction as Direction
from mockserver.openapi.applicable import parts as parts
from mockserver.openapi.source import Json, Source
from mockserver.openapi.violation import Violation, explain

if TYPE_CHECKING:
    from mockserver.openapi.dialect import Dialect


class Place(NamedTuple):
    """A schema and the pointer where it stands; equal pointers are one schema."""

    pointer: str
    node: Json


class Schemas:
    """Checks values against the schemas of one document; what is built for a schema is built once."""

    def __init__(self, source: Source, allowed_hosts: frozenset[str] = frozenset()) -> None:
        self.source = source
        self._allowed_hosts = allowed_hosts
        directions: tuple[Direction, ...] = ("request", "response")
        self._acceptors = {way: Acceptors(source, way, allowed_hosts) for way in directions}
        self._known: dict[Direction, dict[str, Callable[[Json], bool] | None]] = {
            way: {} for way in directions
        }
        self._dialects: dict[Direction, Dialect] = {}

    def place(self, pointer: str) -> Place:
        """The schema at a pointer."""
        return Place(pointer, self.source.follow(pointer)[0])

    def acceptor(self, place: Place, direction: Direction) -> Callable[[Json], bool] | None:
        """A function that tells whether a value keeps the schema; None where there is no quick way to tell.

        Where it raises one of `UNDECIDED`, `violations` and `allows` have to be asked.
        """
        known = self._known[direction]
        try:
            return known[place.pointer]
        except KeyError:
            accepts = known[place.pointer] = self._acceptors[direction].at(place.pointer)
        return accepts

    def violations(
        self, place: Place, value: Json, *, where: str, pointer: str, direction: Direction = "request"
    ) -> Iterable[Violation]:
        """Every way in which the value breaks the schema."""
        accepts = self.acceptor(place, direction)
        try:
            if accepts is not None and accepts(value):
                return ()
        except UNDECIDED:
            pass
        return self._explained(place, value, where, pointer, direction)

    def _explained(
        self, place: Place, value: Json, where: str, pointer: str, direction: Direction
    ) -> Iterator[Violation]:
        try:
            errors = self._errors(place, value, direction)
            yield from explain(errors, document=self.source.name, where=where, pointer=pointer)
        except RecursionError:
            text = "nested too deeply for its schema"
            yield Violation(where, self.source.name, pointer, "depth", "fewer levels", "too many", text)

    def _errors(self, place: Place, value: Json, direction: Direction) -> Iterable[object]:
        dialect = self._dialect(direction)
        if self.acceptor(place, direction) is not None:
            return dialect.errors(place.pointer, value)
        errors: Iterable[object] = dialect.validator(place.pointer).iter_errors(value)
        return errors

    def allows(self, place: Place, value: Json, direction: Direction = "response") -> bool:
        """True when the value keeps the schema; one nested too deeply to tell does not."""
        accepts = self.acceptor(place, direction)
        try:
            return accepts(value) if accepts is not None else self._is_valid(place, value, direction)
        except UNDECIDED:
            return self._is_valid(place, value, direction)

    def _is_valid(self, place: Place, value: Json, direction: Direction) -> bool:
        try:
            return bool(self._dialect(direction).validator(place.pointer).is_valid(value))
        except RecursionError:
            return False

    def accepts(self, node: Json, value: Json, direction: Direction = "response") -> bool:
        """True when the value keeps a schema that stands nowhere; RecursionError where nobody can tell."""
        known = self._acceptors[direction].loose(node)
        try:
            if known is not None:
                return known(value)
        except UNDECIDED:
            pass
        return bool(self._dialect(direction).loose(node).is_valid(value))

    def _dialect(self, direction: Direction) -> Dialect:
        known = self._dialects.get(direction)
        if known is None:
            from mockserver.openapi.dialect import Dialect

            known = Dialect(self.source, direction, self._allowed_hosts, self._acceptors[direction])
            self._dialects[direction] = known
        return known
