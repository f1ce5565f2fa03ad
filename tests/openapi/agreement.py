"""Values near a schema, and what jsonschema alone says of them; acceptors and walk have to say the same."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

from mockserver.openapi.acceptor import Acceptors
from mockserver.openapi.dialect import Dialect
from mockserver.openapi.schemas import Direction, Place, Schemas
from mockserver.openapi.source import Source
from mockserver.openapi.violation import Violation, explain

DIRECTIONS: tuple[Direction, ...] = ("request", "response")
ATOMS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 1.0, 0.5, -0.0, 10, 30, 45, 2**53 + 1, 1e300, 10**300, 0.57, 0.1),
    *("", " ", "\u2003\t", "a", "ab", "é\u0301", "\U0001f3b5", "x" * 81, "1", "true", "null", "\n"),
    *("https://example.com/a", "http://127.0.0.1:1/x", "http://10.0.0.1/", "https://[::1]:8", "2026-01-01"),
    *("4fcc4507-a7ae-4441-ad8a-465c2f61d5bb", "2026-01-01T00:00:00Z", "me@example.com", "a-b", "A1"),
    *([], {}, [1], [1, 1.0], [True, 1, True], [[1], [True]], ["a", "a"], ["b", "a"], [None, None], {"a": 1}),
    *({"a": True, "b": 1}, {"b": 1.0}, {"x-1": 1, "y": "z"}, [{"a": 1}, {"a": 1.0}], ["a", 1], ["a", 1, 2]),
)


def of_document(data: dict[str, Any]) -> Schemas:
    """The schemas of a document made by a test."""
    return Schemas(Source("doc", "doc.yaml", data, ""))


class Judge:
    """The schemas of one document beside a plain jsonschema that skips nothing."""

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas
        self.plain = {
            way: Dialect(schemas.source, way, frozenset(), Acceptors(schemas.source, way, frozenset()))
            for way in DIRECTIONS
        }

    def told(self, place: Place, value: Any, way: Direction) -> list[Violation]:
        """The violations that jsonschema alone finds."""
        errors = self.plain[way].validator(place.pointer).iter_errors(value)
        return list(explain(errors, document=self.schemas.source.name, where="body", pointer="/body"))

    def differs(self, place: Place, value: Any, way: Direction) -> str | None:
        """In what acceptor or walk differ from jsonschema; None where they agree."""
        wanted = self.told(place, value, way)
        accepts = self.schemas.acceptor(place, way)
        if accepts is not None and accepts(value) is bool(wanted):
            return f"{place.pointer} {way} {value!r}: accepted {not wanted} by jsonschema alone: {wanted}"
        found = self.schemas.violations(place, value, where="body", pointer="/body", direction=way)
        # As text: 1 and true are one value for `==`.
        if repr(list(found)) != repr(wanted):
            return f"{place.pointer} {way} {value!r}: {found}, jsonschema alone says {wanted}"
        return None


def near(value: Any, rng: Random) -> Any:
    """The value with one thing in it gone, replaced, added or stretched."""
    if isinstance(value, dict) and value and rng.random() < 0.7:
        return _near_object(value, rng)
    if isinstance(value, list) and value and rng.random() < 0.6:
        index = rng.randrange(len(value))
        return [*value[:index], *rng.choice(([], [near(value[index], rng)], value[index:] * 2))]
    if isinstance(value, str) and rng.random() < 0.5:
        return rng.choice((value[:-1], value + "é", value * 40, value.upper(), " " * len(value), value[::-1]))
    if isinstance(value, int | float) and abs(value) < 1e200 and rng.random() < 0.5:
        return rng.choice((-value, value + 1, value - 1, float(value), value * 1000, bool(value), str(value)))
    return copy.deepcopy(rng.choice(ATOMS))


def _near_object(value: dict[str, Any], rng: Random) -> dict[str, Any]:
    name = rng.choice(list(value))
    kind = rng.randrange(5)
    if kind == 0:
        return {key: item for key, item in value.items() if key != name}
    if kind == 1:
        return {**value, rng.choice(("more", "x-a", "", name.upper(), "a", "b")): rng.choice(ATOMS)}
    return {**value, name: near(value[name], rng)}


def variants(values: list[Any], count: int, rng: Random) -> Iterator[Any]:
    """The values themselves, all atoms, and so many more that are up to four steps away."""
    yield from values
    yield from ATOMS
    for _ in range(count):
        value = rng.choice(values) if values else rng.choice(ATOMS)
        for _ in range(rng.randint(1, 4)):
            value = near(value, rng)
        yield value
