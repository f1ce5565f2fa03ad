"""A value for a schema: valid, plausible, and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

from mockserver.openapi.sample.height import Heights
from mockserver.openapi.sample.merge import Shapes
from mockserver.openapi.sample.number import numbers
from mockserver.openapi.sample.parts import list_for, object_for
from mockserver.openapi.sample.shape import ANYTHING, TYPES, Choice, Dead, Exhausted, Shape, fits
from mockserver.openapi.sample.text import known_name, texts
from mockserver.openapi.source import Json

# How far optional parts are unfolded, and how much work an attempt, a search and a leaf may be.
_OPTIONAL_DEPTH = 5
_DEEPEST = 64
_RICH_WORK = 3_000
_WORK = 40_000
_RETRIES = 6
_CANDIDATES = 70
_CHANCES = 8
_CONTAINERS = ("object", "array")


class Unsatisfiable(ValueError):
    """No value was found that keeps the schema; the reason says where the search ended."""


class _Refused(Dead):
    """Samples were made, and the validator refused them; the last one is kept to learn from."""

    def __init__(self, value: Json) -> None:
        super().__init__("every sample was refused")
        self.value = value


@dataclass(frozen=True)
class _Plan:
    """One way to go about it; each later one gives up some richness for the sake of validity."""

    rich: bool = True
    careful: bool = True
    examples: bool = True
    circles: int = 2
    hidden: bool = False


_PLANS = (
    _Plan(careful=False),
    _Plan(),
    _Plan(examples=False),
    _Plan(rich=False, examples=False, circles=3),
    _Plan(rich=False, examples=False, circles=12, hidden=True),
    _Plan(examples=False, circles=4, hidden=True),
)


def generate(
    schema: Json,
    *,
    resolve: Callable[[str], Json],
    accepts: Callable[[Json, Json], bool],
    seed: bytes,
    direction: str = "response",
    dialect: str = "3.1",
    use_examples: bool = True,
    name: str = "",
) -> Json:
    """A value that `accepts` finds valid, the same for the same seed; Unsatisfiable when none was found."""
    shapes = Shapes(resolve, dialect)
    reason = ""
    for number, planned in enumerate(_PLANS):
        plan = replace(planned, examples=planned.examples and use_examples)
        rng = random.Random(seed + bytes([number]))
        shapes.begin()
        attempt = _Attempt(shapes, accepts, rng, plan, "writeOnly" if direction == "response" else "readOnly")
        try:
            return attempt.whole(schema, name)
        except (Dead, Exhausted, RecursionError) as error:
            reason = reason or _reason(error)
    raise Unsatisfiable(f"no value keeps the schema: {reason}")


def _reason(error: Exception) -> str:
    if isinstance(error, Dead):
        return f"{error} (at {error.place})" if error.place else str(error)
    return "the search was given up" if isinstance(error, Exhausted) else "it is nested too deeply"


class _Attempt:
    """One attempt at a value, by one plan; it knows what it has spent and where it stands."""

    def __init__(
        self,
        shapes: Shapes,
        accepts: Callable[[Json, Json], bool],
        rng: random.Random,
        plan: _Plan,
        hidden: str,
    ) -> None:
        self.rng = rng
        self._shapes = shapes
        self._heights = Heights(shapes.target)
        self._accepts = accepts
        self._plan = plan
        self._hidden = hidden
        self._work = 0
        self._turn = 0
        self._circles = 0
        self._hopeless: dict[int, Dead] = {}
        self._path: list[str] = []
        self._trail: list[str] = []

    def whole(self, schema: Json, name: str) -> Json:
        """A value that the validator accepts as a whole; Dead when this plan leads to none."""
        value = self.value(schema, name)
        if not self.accepted(schema, value):
            raise _Refused(value)
        return value

    @property
    def rich(self) -> bool:
        """True while more is made than the schema insists on."""
        return self._plan.rich

    def accepted(self, schema: Json, value: Json) -> bool:
        """True when the validator accepts the value."""
        if schema is True or schema == {}:
            return True
        self._spend(4 + self._shapes.weight(schema))
        return self._accepts(schema, value)

    def possible(self, schema: Json) -> bool:
        """False when the schema plainly contradicts itself."""
        try:
            self._shapes.of(schema)
        except Dead:
            return False
        return True

    def hides(self, schema: Json, required: bool) -> bool:
        """True for a property that this direction does not carry."""
        return self._hidden in self._safely(schema).marks and not (required and self._plan.hidden)

    def unfolds(self, schema: Json) -> bool:
        """True when an optional part is still to be shown at this depth."""
        if not self._plan.rich or self._roomy():
            return self._plan.rich
        kinds = _kinds(self._safely(schema), "", 0)
        return bool(kinds) and kinds[0] not in _CONTAINERS

    def _roomy(self) -> bool:
        depth = len(self._path)
        return self._plan.rich and depth < _OPTIONAL_DEPTH and (depth < 2 or self._work < _RICH_WORK)

    @contextmanager
    def turned(self, turn: int) -> Iterator[None]:
        """Within it, values differ from turn to turn."""
        before, self._turn = self._turn, turn
        try:
            yield
        finally:
            self._turn = before

    def value(self, schema: Json, name: str) -> Json:
        """A value for one place of the whole; Dead when this plan leads to none."""
        self._spend()
        if id(schema) in self._hopeless:
            raise self._hopeless[id(schema)]
        self._trail.append(name)
        circles = self._circles
        try:
            return self._entered(schema, self._shapes.of(schema), name)
        except Dead as dead:
            dead.place = dead.place or "/".join(self._trail)
            if circles == self._circles and not self._turn:
                # Neither the depth nor the turn was to blame, so it will be the same another time.
                self._hopeless[id(schema)] = dead
            raise
        finally:
            self._trail.pop()

    def _spend(self, work: int = 1) -> None:
        self._work += work
        if self._work > _WORK:
            raise Exhausted

    def _safely(self, schema: Json) -> Shape:
        try:
            return self._shapes.of(schema)
        except Dead:
            return ANYTHING

    def _entered(self, schema: Json, shape: Shape, name: str) -> Json:
        entry = shape.refs[0] if shape.refs else ""
        circles = self._path.count(entry) if entry else 0
        self._path.append(entry)
        try:
            if circles >= self._plan.circles or len(self._path) > _DEEPEST:
                self._circles += 1
                raise Dead("the schema goes round in circles")
            return self._found(schema, shape, name)
        except Dead:
            # In OpenAPI 3.0 null may stand for a whole `allOf` that is marked nullable.
            if "nullable" in shape.marks and self.accepted(schema, None):
                return None
            raise
        finally:
            self._path.pop()

    def _found(self, schema: Json, shape: Shape, name: str) -> Json:
        for example in shape.examples[self._turn :] if self._plan.examples else ():
            shown = self._shown(example, shape)
            if fits(shown, shape) and (self._believes(shown, shape) or self.accepted(schema, shown)):
                return shown
        if shape.hard or self._plan.careful:
            return self._searched(schema, shape, name)
        return self._built(self._named(shape, shape.refs[:1]), name, _anything_goes)

    def _believes(self, example: Json, shape: Shape) -> bool:
        """Most examples are right, so at first they are not checked one by one: the whole is, in the end."""
        return not (self._plan.careful or shape.hard or isinstance(example, dict | list))

    def _shown(self, example: Json, shape: Shape) -> Json:
        """A copy of an example without the properties that this direction does not carry."""
        if isinstance(example, list):
            items = self._safely(shape.items)
            return [self._shown(part, items) for part in example]
        if not isinstance(example, dict):
            return example
        shapes = {name: self._safely(shape.properties.get(name, True)) for name in example}
        return {
            name: self._shown(part, shapes[name])
            for name, part in example.items()
            if self._hidden not in shapes[name].marks
        }

    def _searched(self, schema: Json, shape: Shape, name: str) -> Json:
        """A value that the validator accepts, looked for in every way to settle the choices."""
        last: Dead = Dead("no alternative is left")
        for settled, taken in self._settled(shape, ()):
            ref = next((_ref(branch) for _, branch in taken if _ref(branch)), None)
            named = self._named(settled, (ref,) if ref else shape.refs[:1])
            for variant in (named, settled) if named is not settled else (settled,):
                try:
                    return self._tried(schema, variant, taken, name)
                except Dead as dead:
                    last = dead
        raise last

    def _tried(self, schema: Json, shape: Shape, taken: tuple[tuple[Choice, Json], ...], name: str) -> Json:
        """A few samples of one settled shape, each learning from the one before."""

        def accepted(value: Json) -> bool:
            return self.accepted(schema, value)

        refused = _Refused(None)
        for _ in range(_RETRIES):
            try:
                return self._built(shape, name, accepted)
            except _Refused as error:
                refused = error
            shape = self._apart(shape, taken, refused.value)
        raise refused

    def _settled(
        self, shape: Shape, taken: tuple[tuple[Choice, Json], ...]
    ) -> Iterator[tuple[Shape, tuple[tuple[Choice, Json], ...]]]:
        """The shape with a branch taken of every choice, in every way that is no contradiction."""
        if not shape.choices:
            yield shape, taken
            return
        choice, *others = shape.choices
        waiting = replace(shape, choices=tuple(others))
        for branch in self._ordered(choice.branches):
            self._spend()
            try:
                narrowed = self._shapes.within(branch, waiting)
            except Dead:
                continue
            yield from self._settled(narrowed, (*taken, (choice, branch)))

    def _ordered(self, branches: tuple[Json, ...]) -> list[Json]:
        """In their order, but those that lead back go last; deep down, the lowest go first."""
        start = self._turn % len(branches) if branches else 0
        turned = branches[start:] + branches[:start]
        if self._roomy():
            return sorted(turned, key=lambda branch: _ref(branch) in self._path)
        return sorted(turned, key=self._heights.of)

    def _apart(self, shape: Shape, taken: tuple[tuple[Choice, Json], ...], value: Json) -> Shape:
        """The shape, kept out of the other branches of a `oneOf` that a refused value fell into as well."""
        apart = shape
        for choice, branch in taken:
            for other in choice.branches if choice.exclusive else ():
                if other is not branch and self.accepted(other, value):
                    apart = self._shapes.within({"not": other}, apart)
        return next((settled for settled, _ in self._settled(apart, ())), shape)

    def _named(self, shape: Shape, refs: tuple[str, ...]) -> Shape:
        """The shape with its discriminator holding the name of the schema we came by."""
        for discriminator in shape.discriminators if refs else ():
            word = discriminator.get("propertyName")
            said = {"required": [word], "properties": {word: {"enum": [_word_for(refs[0], discriminator)]}}}
            try:
                shape = self._shapes.within(said, shape)
            except Dead:
                continue
        return shape

    def _built(self, shape: Shape, name: str, accepted: Callable[[Json], bool]) -> Json:
        """An accepted value of one of the shape's types, the likely ones first."""
        last: Dead = Dead("no type is left")
        for kind in _kinds(shape, name, self._turn):
            try:
                return self._picked(self._candidates(kind, shape, name), shape, accepted)
            except Dead as dead:
                last = dead
        raise last

    def _picked(self, candidates: Iterator[Json], shape: Shape, accepted: Callable[[Json], bool]) -> Json:
        last: Dead = Dead("no candidate fits its limits")
        chances = len(shape.enum or ()) + _CHANCES
        for value in islice(candidates, _CANDIDATES):
            if fits(value, shape):
                if accepted(value):
                    return value
                last, chances = _Refused(value), chances - 1
            if not chances:
                break
        raise last

    def _candidates(self, kind: str, shape: Shape, name: str) -> Iterator[Json]:
        if kind == "string":
            yield from texts(shape, name, self.rng, self._turn)
        elif kind in ("number", "integer"):
            yield from numbers(shape, name, kind == "integer", self.rng, self._turn)
        elif kind == "object":
            yield object_for(self, shape)
        elif kind == "array":
            yield list_for(self, shape, name)
        else:
            yield from self._listed(kind, shape)

    def _listed(self, kind: str, shape: Shape) -> list[Json]:
        """The values of an enum (null last), of booleans and of null, begun with the one whose turn it is."""
        known: dict[str, list[Json]] = {"boolean": [True, False], "null": [None]}
        values = known.get(kind) or sorted(shape.enum or (), key=lambda value: value is None)
        if not values:
            return values
        # Used up like the digits of a number, so that several lists in one object run through all pairs.
        self._turn, start = divmod(self._turn, len(values))
        return values[start:] + values[:start]


def _anything_goes(_: Json) -> bool:
    return True


def _kinds(shape: Shape, name: str, turn: int) -> tuple[str, ...]:
    """The types to try: those declared, null last, or else those that keywords or the name suggest."""
    if shape.enum is not None:
        return ("enum",)
    if shape.types is None:
        likely = shape.hints or (("string",) if known_name(name) else ("object",))
        return tuple(dict.fromkeys((*likely, *TYPES)))
    kinds = tuple(sorted((kind for kind in shape.types if kind in TYPES), key=lambda kind: kind == "null"))
    start = turn % len(kinds) if kinds else 0
    return kinds[start:] + kinds[:start]


def _ref(branch: Json) -> str | None:
    return branch.get("$ref") if isinstance(branch, dict) else None


def _word_for(ref: str, discriminator: Json) -> str:
    """What a discriminator holds for a schema: the mapped word, else the schema's own name."""
    for word, target in discriminator.get("mapping", {}).items():
        if ref in (target, f"#/components/schemas/{target}"):
            return str(word)
    return ref.rpartition("/")[2]
