"""Objects and lists for a shape whose choices are settled, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import chain, islice
from random import Random
from typing import Protocol

from mockserver.openapi.pattern import PatternError, string_for
from mockserver.openapi.sample.shape import Dead, Shape, conjunction, found, key_of
from mockserver.openapi.source import Json

_LONGEST = 10_000


class Attempt(Protocol):
    """What a container needs to know of the attempt it is made for."""

    rng: Random

    @property
    def rich(self) -> bool:
        """True while more is made than the schema insists on."""

    def value(self, schema: Json, name: str) -> Json:
        """A value for a part."""

    def accepted(self, schema: Json, value: Json) -> bool:
        """True when the validator accepts the value."""

    def possible(self, schema: Json) -> bool:
        """False when the schema plainly contradicts itself."""

    def hides(self, schema: Json, required: bool) -> bool:
        """True for a property that this direction does not carry."""

    def unfolds(self, schema: Json) -> bool:
        """True when an optional part is still to be shown here."""

    def turned(self, turn: int) -> AbstractContextManager[None]:
        """Within it, values differ from turn to turn."""


def object_for(attempt: Attempt, shape: Shape) -> Json:
    """An object with what is required and, in a rich attempt, what is optional."""
    required = [name for name in shape.required if not attempt.hides(shape.under(name), True)]
    _check_room(shape, len(required))
    made = _declared(attempt, shape, required)
    _complete(attempt, shape, made)
    _extend(attempt, shape, made)
    if len(made) < shape.min_properties:
        raise Dead(f"{shape.min_properties} properties are wanted, {len(made)} could be made")
    _check_room(shape, len(made))
    return made


def _check_room(shape: Shape, count: int) -> None:
    if shape.max_properties is not None and count > shape.max_properties:
        raise Dead(f"at most {shape.max_properties} properties are allowed, {count} are required")


def _declared(attempt: Attempt, shape: Shape, required: list[str]) -> dict[str, Json]:
    made: dict[str, Json] = {}
    needed = set(required)
    room = 10**9 if shape.max_properties is None else shape.max_properties - len(required)
    for name in (*shape.properties, *(name for name in required if name not in shape.properties)):
        if name in needed:
            _require(attempt, shape, made, name)
        elif room > 0 and _offer(attempt, shape, made, name):
            room -= 1
    return made


def _require(attempt: Attempt, shape: Shape, made: dict[str, Json], name: str) -> None:
    schema = shape.under(name)
    if schema is False or not _is_a_name(attempt, shape, name):
        raise Dead(f"property {name!r} is required but not allowed")
    made[name] = attempt.value(schema, name)


def _offer(attempt: Attempt, shape: Shape, made: dict[str, Json], name: str) -> bool:
    """Add an optional property if this is the place for it and it can be made."""
    schema = shape.under(name)
    if not attempt.unfolds(schema):
        return False
    return _add(attempt, shape, made, name, schema)


def _add(attempt: Attempt, shape: Shape, made: dict[str, Json], name: str, schema: Json) -> bool:
    if schema is False or attempt.hides(schema, False) or not _is_a_name(attempt, shape, name):
        return False
    try:
        made[name] = attempt.value(schema, name)
    except Dead:
        return False
    return True


def _is_a_name(attempt: Attempt, shape: Shape, name: str) -> bool:
    return shape.property_names is True or attempt.accepted(shape.property_names, name)


def _complete(attempt: Attempt, shape: Shape, made: dict[str, Json]) -> None:
    """Add what present properties ask for; one whose wish cannot be met goes."""
    for _ in range(len(shape.dependents) + 1):
        missing = [(name, other) for name, other in shape.dependents if name in made and other not in made]
        if not missing:
            return
        for name, other in missing:
            if name not in made or _add(attempt, shape, made, other, shape.under(other)):
                continue
            if name in shape.required:
                raise Dead(f"property {name!r} asks for {other!r}, which cannot be made")
            del made[name]


def _extend(attempt: Attempt, shape: Shape, made: dict[str, Json]) -> None:
    """Add properties nobody named: as many as are wanted, and one to show what a map holds."""
    if shape.min_properties > _LONGEST:
        raise Dead(f"{shape.min_properties} properties are too many to be made")
    is_map = attempt.rich and not shape.properties and (shape.pattern_properties or _says(shape.closed))
    wanted = max(shape.min_properties, 1 if is_map and shape.max_properties != 0 else 0)
    if len(made) >= wanted:
        return
    for name in _names(attempt, shape, wanted):
        schema = shape.under(name)
        if name not in made and (len(made) < shape.min_properties or attempt.unfolds(schema)):
            _add(attempt, shape, made, name, schema)
        if len(made) >= wanted:
            return


def _says(schema: Json) -> bool:
    return isinstance(schema, dict) and bool(schema)


def _names(attempt: Attempt, shape: Shape, wanted: int) -> Iterator[str]:
    yield from shape.properties
    if _says(shape.property_names):
        yield from _allowed_names(attempt, shape.property_names, wanted)
    for pattern in shape.pattern_properties:
        yield from _matching_names(attempt, pattern, wanted)
    yield from ("key" if number == 0 else f"key{number}" for number in range(wanted + 3))


def _allowed_names(attempt: Attempt, schema: Json, wanted: int) -> Iterator[str]:
    for turn in range(3 * wanted + 5):
        try:
            with attempt.turned(turn):
                name = attempt.value(conjunction(({"type": "string"}, schema)), "key")
        except Dead:
            return
        yield name


def _matching_names(attempt: Attempt, pattern: str, wanted: int) -> Iterator[str]:
    for _ in range(3 * wanted + 5):
        try:
            name = string_for(pattern, attempt.rng)
        except PatternError:
            return
        if name is not None:
            # An open pattern such as `^x-` is only the beginning of a name.
            longer = name + attempt.rng.choice(("amber", "cedar", "delta", "maple", "river"))
            yield longer if found(pattern, longer) else name


def list_for(attempt: Attempt, shape: Shape, name: str) -> Json:
    """A list with what is required and, in a rich attempt, an item or two to show."""
    slots, least = _slots(attempt, shape)
    made: list[Json] = []
    others = _Others(attempt, name) if shape.unique else None
    for slot in slots:
        try:
            item = others.one_more(slot, len(slots)) if others else attempt.value(slot, name)
        except Dead:
            if len(made) < least:
                raise
            break
        made.append(item)
    return made


class _Others:
    """Makes the items of a list in which no two may be the same."""

    def __init__(self, attempt: Attempt, name: str) -> None:
        self._attempt = attempt
        self._name = name
        self._seen: set[Json] = set()
        self._turn = 0

    def one_more(self, schema: Json, size: int) -> Json:
        """An item unlike those before: a natural one, or else the next of a walk through all values."""
        with self._attempt.turned(0):
            item = self._attempt.value(schema, self._name)
        for _ in range(30 + size):
            key = key_of(item)
            if key not in self._seen:
                self._seen.add(key)
                return item
            self._turn += 1
            with self._attempt.turned(self._turn):
                item = self._attempt.value(schema, self._name)
        raise Dead("not enough different items can be made")


def _slots(attempt: Attempt, shape: Shape) -> tuple[list[Json], int]:
    """A schema for each item, and how many of them have to be there."""
    counts = [least for _, least, _ in shape.contains]
    most = _most(shape)
    # Where there is no room for one item each, an item has to do for two.
    inside = sum(counts) if most is None or sum(counts) <= most else max(counts)
    least = max(shape.min_items, inside)
    if (most is not None and least > most) or least > _LONGEST:
        raise Dead(f"no list of {least} to {most} items is made")
    size = max(least, len(shape.prefix) + max(inside, 0 if shape.prefix else 2)) if attempt.rich else least
    size = size if most is None else min(size, most)
    rest = _rest(shape)
    slots = [shape.prefix[i] if i < len(shape.prefix) else rest for i in range(size)]
    return (_with_contained(attempt, shape, slots), size) if shape.contains else (slots, least)


def _most(shape: Shape) -> int | None:
    if _rest(shape) is not False:
        return shape.max_items
    return len(shape.prefix) if shape.max_items is None else min(shape.max_items, len(shape.prefix))


def _rest(shape: Shape) -> Json:
    """The schema of items after the prefix; what `contains` finds counts as evaluated."""
    if shape.contains and shape.items is True and shape.unevaluated_items is False:
        return shape.contains[0][0]
    return shape.rest


def _with_contained(attempt: Attempt, shape: Shape, slots: list[Json]) -> list[Json]:
    """The slots, some told to hold what `contains` asks for and, under `maxContains`, the others not to."""
    taken: set[int] = set()
    for schema, least, most in shape.contains:
        free = (i for i in reversed(range(len(slots))) if i not in taken)
        candidates = (
            i for i in chain(free, sorted(taken)) if attempt.possible(conjunction((slots[i], schema)))
        )
        chosen = set(islice(candidates, least))
        for i in chosen:
            slots[i] = conjunction((slots[i], schema))
        if most is not None:
            # Slots of one schema share what is made of it, so that it is merged once.
            apart = {id(slot): conjunction((slot, {"not": schema})) for slot in slots}
            slots = [slot if i in chosen else apart[id(slot)] for i, slot in enumerate(slots)]
        taken |= chosen
    return slots
