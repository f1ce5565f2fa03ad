"""Two schemas side by side: what changed, told by who has to live with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from contracts.drift.change import Change, Effect, Voice, canonical, shown
from contracts.drift.shape import TYPES, Bound, Group, Place, Reader, Shape
from mockserver.openapi.source import Json, join

_UNNOTICED = "clients notice nothing"
# A value of the first kind is one of the second kind too.
_FORMATS_WITHIN = {
    *(
        ("int32", "int64"),
        ("float", "double"),
        ("uri", "uri-reference"),
        ("uri", "iri"),
        ("uri", "iri-reference"),
    ),
    *(("uri-reference", "iri-reference"), ("iri", "iri-reference"), ("email", "idn-email")),
}


# Formats that say no more than their type does.
_WIDEST = frozenset(("int64", "double"))
# Formats that clients turn into something else than a text.
_PARSED = frozenset(("date", "date-time", "time", "duration", "uuid", "byte", "binary"))


class _Child(NamedTuple):
    segment: str
    old: Group
    new: Group


class _Node(NamedTuple):
    changes: tuple[Change, ...]
    children: tuple[_Child, ...]


class _Pair(NamedTuple):
    """What is compared: two shapes, by whom they are said, and where the new one stands."""

    old: Shape
    new: Shape
    voice: Voice
    place: str

    def change(self, effect: Effect, what: str, reason: str, old: Json = None, new: Json = None) -> Change:
        rule = f"{self.voice.prefix}-{what}"
        return Change(effect, rule, reason, old=old, new=new, place=self.place, side=self.voice.side)

    def narrowed(self, what: str, text: str, old: Json = None, new: Json = None) -> Change:
        """Fewer values than before."""
        why = "what clients send today may be refused" if self.voice.is_sent else _UNNOTICED
        return self.change(self.voice.narrowed, f"{what}-narrowed", f"{text}: {why}", old, new)

    def widened(self, what: str, text: str, old: Json = None, new: Json = None) -> Change:
        """More values than before."""
        why = _UNNOTICED if self.voice.is_sent else "clients may get what they never got before"
        return self.change(self.voice.widened, f"{what}-widened", f"{text}: {why}", old, new)


class Schemas:
    """Compares schemas of two documents; what it has once compared it knows."""

    def __init__(self, old: Reader, new: Reader) -> None:
        self.old, self.new = old, new
        self._nodes: dict[tuple[object, ...], _Node] = {}
        self._open: set[tuple[object, ...]] = set()
        self._clean: set[tuple[object, ...]] = set()
        self._known: dict[tuple[object, ...], list[Change]] = {}

    def changes(self, old: Group, new: Group, voice: Voice, pointer: str) -> list[Change]:
        """Every change between two schemas and all within them, each told once, the outermost first."""
        old, new = self.old.led(old), self.new.led(new)
        key = _key(old, new, voice)
        found = self._known.get(key)
        if found is None:
            found = self._walked(old, new, voice)
            # What was found while something around it is still being looked at may not be all.
            if not self._open:
                self._known[key] = found
        return [replace(one, pointer=pointer + one.pointer) for one in found]

    def _walked(self, old: Group, new: Group, voice: Voice) -> list[Change]:
        found: list[Change] = []
        seen: set[tuple[object, ...]] = set()
        waiting = [(old, new, "")]
        for old_group, new_group, here in waiting:
            key = _key(old_group, new_group, voice)
            if key in seen or key in self._clean:
                continue
            seen.add(key)
            node = self._node(key, old_group, new_group, voice)
            found += [replace(one, pointer=here + one.pointer) for one in node.changes]
            waiting += [
                (
                    self.old.led(child.old),
                    self.new.led(child.new),
                    join(here, child.segment) if child.segment else here,
                )
                for child in node.children
            ]
        # Nothing is to be found here on another way either.
        if not found and not self._open:
            self._clean |= seen
        return found

    def _node(self, key: tuple[object, ...], old: Group, new: Group, voice: Voice) -> _Node:
        if key in self._open:
            return _Node((), ())
        if key not in self._nodes:
            self._open.add(key)
            self._nodes[key] = self._compared(old, new, voice)
            self._open.discard(key)
        return self._nodes[key]

    def _compared(self, old: Group, new: Group, voice: Voice) -> _Node:
        place = new[0].pointer if new else ""
        pair = _Pair(self.old.shape(old), self.new.shape(new), voice, place)
        if _is_new_choice(pair.old, pair.new):
            return self._become(pair, [old], [(one,) for one in pair.new.choices[0]])
        if _is_new_choice(pair.new, pair.old):
            return self._become(pair, [(one,) for one in pair.old.choices[0]], [new])
        pair, changes = _brought_together(pair)
        common = pair.old.types & pair.new.types
        if not common and pair.old.types and pair.new.types:
            return _Node((_type_changed(pair), *_prose(pair)), ())
        # What is said of texts is no matter where one of the two takes none.
        pair = pair._replace(old=pair.old.said_of(common), new=pair.new.said_of(common))
        changes += [change for compare in _COMPARED for change in compare(pair)]
        children = list(_children(pair))
        conditions = self._conditions(pair)
        changes += conditions.changes
        children += conditions.children
        for node in self._all_choices(pair):
            changes += node.changes
            children += node.children
        return _Node(tuple(changes), tuple(children))

    # --- conditions -----------------------------------------------------------------------------------------

    def _conditions(self, pair: _Pair) -> _Node:
        """What holds under the same condition is compared; any other condition is only told."""
        changes: list[Change] = []
        children: list[_Child] = []
        old, new = pair.old.conditions, pair.new.conditions
        for text in dict.fromkeys((*old, *new)):
            before, after = old.get(text, ((), ())), new.get(text, ((), ()))
            if text in old and text in new and all(map(self._name_the_same, before, after)):
                children += [_Child("", one, other) for one, other in zip(before, after, strict=True)]
            elif text in new:
                word = "changed" if text in old else "is new"
                changes.append(pair.narrowed("condition", f"what holds under a condition {word}", None, text))
            else:
                changes.append(pair.widened("condition", "what held under a condition is gone", text))
        return _Node(tuple(changes), tuple(children))

    def _name_the_same(self, old: Group, new: Group) -> bool:
        # A field that such a part names for the first time is not a new field: it is one with a new demand.
        return self.old.shape(old).properties.keys() == self.new.shape(new).properties.keys()

    # --- alternatives ---------------------------------------------------------------------------------------

    def _all_choices(self, pair: _Pair) -> Iterator[_Node]:
        before, after = pair.old.choices, pair.new.choices
        for old, new in zip(before, after, strict=False):
            yield self._choices(pair, [(one,) for one in old], [(one,) for one in new])
        if len(after) > len(before):
            yield _Node(
                (pair.narrowed("alternatives", "it must now fit one of several alternatives too"),), ()
            )
        elif len(before) > len(after):
            yield _Node(
                (pair.widened("alternatives", "it need no longer fit one of several alternatives"),), ()
            )

    def _become(self, pair: _Pair, old: list[Group], new: list[Group]) -> _Node:
        """One schema that became several, or the other way round; null is a matter of the whole."""
        found = self._choices(pair, [*map(_without_null, old)], [*map(_without_null, new)])
        return found._replace(changes=(*_null(pair), *found.changes))

    def _choices(self, pair: _Pair, old: list[Group], new: list[Group]) -> _Node:
        """Alternatives as sets: equal ones meet, then those of one name, then the last left on both sides."""
        lost, gained = list(old), list(new)
        children: list[_Child] = []
        for is_match in (self._is_same(pair.voice), self._is_namesake):
            for one in tuple(lost):
                other = next((other for other in gained if is_match(one, other)), None)
                if other is not None:
                    lost.remove(one)
                    gained.remove(other)
                    children.append(_Child("", one, other))
        if len(lost) == len(gained) == 1:
            children.append(_Child("", lost.pop(), gained.pop()))
        changes = [self._lost(pair, one, new) for one in lost]
        changes += [self._gained(pair, one, old) for one in gained]
        return _Node((*changes, *_prose(pair)), tuple(children))

    def _lost(self, pair: _Pair, one: Group, left: list[Group]) -> Change:
        name = _name(one)
        change = pair.narrowed("alternative", f"{name} is no longer one of the alternatives", old=name)
        if pair.voice.is_sent and (
            _is_among(self.old.shape(one), map(self.new.shape, left))
            or any(self._is_harmless(one, other, pair.voice) for other in left)
        ):
            text = f"{name} is no longer an alternative of its own, another takes all of it: {_UNNOTICED}"
            return replace(change, effect="compatible", reason=text)
        return change

    def _gained(self, pair: _Pair, one: Group, known: list[Group]) -> Change:
        name = _name(one)
        change = pair.widened("alternative", f"{name} is a new alternative", new=name)
        if not pair.voice.is_sent and (
            _is_among(self.new.shape(one), map(self.old.shape, known))
            or any(self._is_harmless(other, one, pair.voice) for other in known)
        ):
            text = f"{name} is a new alternative, and nothing that another did not allow: {_UNNOTICED}"
            return replace(change, effect="compatible", reason=text)
        return change

    def _is_harmless(self, old: Group, new: Group, voice: Voice) -> bool:
        return all(
            change.effect in ("compatible", "documentation") for change in self.changes(old, new, voice, "")
        )

    def _is_same(self, voice: Voice) -> Callable[[Group, Group], bool]:
        def is_same(old: Group, new: Group) -> bool:
            found = self.changes(old, new, voice, "")
            return all(change.effect == "documentation" for change in found)

        return is_same

    def _is_namesake(self, old: Group, new: Group) -> bool:
        return _name(old) == _name(new) and not _name(old).startswith("alternative ")


def _key(old: Group, new: Group, voice: Voice) -> tuple[object, ...]:
    # The text of the voice is no part of it: it is not told in a change.
    return (
        tuple(place.pointer for place in old),
        tuple(place.pointer for place in new),
        voice.prefix,
        voice.is_sent,
        voice.is_text,
    )


def _name(group: Group) -> str:
    """What people call an alternative: its component's name, its title, or its number."""
    node, pointer = group[0] if group else (None, "")
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            return str(node["$ref"]).rpartition("/")[2]
        if isinstance(node.get("title"), str):
            return str(node["title"])
    last = pointer.rpartition("/")[2]
    return f"alternative {last}" if last.isdecimal() else last


def _is_among(plain: Shape, alternatives: Iterable[Shape]) -> bool:
    """True for plain types that the alternatives take between them."""
    types = [one.types for one in alternatives if one.is_types_only]
    return plain.is_types_only and plain.types <= frozenset[str]().union(*types)


_NOT_NULL = Place({"type": sorted(TYPES - {"null"})}, "not null")


def _without_null(group: Group) -> Group:
    return (*group, _NOT_NULL)


def _is_new_choice(plain: Shape, choosing: Shape) -> bool:
    """True where one schema became a choice between several: it is then one of the alternatives."""
    return not plain.choices and len(choosing.choices) == 1 and choosing.is_bare and plain.types != TYPES


# --- one schema ---------------------------------------------------------------------------------------------

_WRITTEN_ALIKE = frozenset(("number", "integer", "boolean"))


def _brought_together(pair: _Pair) -> tuple[_Pair, list[Change]]:
    """The two with their types understood as people mean them, and what is to be told of that."""
    for name in ("object", "array"):
        old, new = _implies(pair.old, pair.new, name), _implies(pair.new, pair.old, name)
        if old or new:
            told = pair.change(
                "documentation", "type-told", f"that it is of the type {name} is said by one document only"
            )
            types = (pair.new if old else pair.old).types
            both = pair._replace(old=replace(pair.old, types=types), new=replace(pair.new, types=types))
            return both, [told]
    if pair.voice.is_text and pair.voice.is_sent and _is_text_now(pair.old, pair.new):
        types = pair.old.types - (_WRITTEN_ALIKE - pair.new.types) | {"string"}
        text = f"the type was {_type_names(pair.old.types)}, now it is {_type_names(pair.new.types)}"
        told = pair.widened("type", text, _type_names(pair.old.types), _type_names(pair.new.types))
        return pair._replace(old=replace(pair.old, types=types, formats=frozenset())), [told]
    return pair, []


def _implies(silent: Shape, telling: Shape, name: str) -> bool:
    # By the letter, `properties` without a type lets a text through; nobody who writes it means that.
    is_said = silent.is_object if name == "object" else bool(silent.items)
    return silent.types == TYPES and is_said and telling.types - {"null"} == {name}


def _is_text_now(old: Shape, new: Shape) -> bool:
    others = old.types & _WRITTEN_ALIKE - new.types
    return bool(others) and "string" in new.types and old.types != TYPES and new.values is old.values is None


def _type_changed(pair: _Pair) -> Change:
    old, new = _type_names(pair.old.types), _type_names(pair.new.types)
    why = "what clients send is refused" if pair.voice.is_sent else "clients cannot read what they get"
    return pair.change("breaking", "type-changed", f"the type changed from {old} to {new}: {why}", old, new)


def _types(pair: _Pair) -> Iterator[Change]:
    lost, gained = pair.old.types - pair.new.types, pair.new.types - pair.old.types
    old, new = _type_names(pair.old.types), _type_names(pair.new.types)
    if pair.old.values is not None and pair.new.values is not None:
        # Told by the values already; only null is a matter of its own.
        lost, gained = lost & {"null"}, gained & {"null"}
    yield from _null(pair)
    if lost - {"null"}:
        yield pair.narrowed("type", f"the type was {old}, now it is {new}", old, new)
    if gained - {"null"}:
        yield _wider_type(pair, "type", f"the type was {old}, now it is {new}", old, new)


def _null(pair: _Pair) -> Iterator[Change]:
    old, new = _type_names(pair.old.types), _type_names(pair.new.types)
    if "null" in pair.old.types - pair.new.types:
        yield pair.narrowed("null", "null is no longer a value of it", old, new)
    if "null" in pair.new.types - pair.old.types:
        yield _wider_type(pair, "null", "it may now be null", old, new)


def _wider_type(pair: _Pair, what: str, text: str, old: str, new: str) -> Change:
    change = pair.widened(what, text, old, new)
    return change if pair.voice.is_sent else replace(change, effect="breaking")


def _type_names(types: frozenset[str]) -> str:
    if types == TYPES:
        return "any"
    names = types - {"integer"} if "number" in types else types
    return " or ".join(sorted(names)) or "none"


def _values(pair: _Pair) -> Iterator[Change]:
    old, new = pair.old.values, pair.new.values
    if old is None or new is None:
        if old is not None:
            yield pair.widened("value", "it is no longer limited to a list of values", [*old.values()])
        if new is not None:
            yield pair.narrowed("value", "it is now limited to a list of values", None, [*new.values()])
        return
    lost = [value for text, value in old.items() if text not in new and value is not None]
    gained = [value for text, value in new.items() if text not in old and value is not None]
    if not pair.voice.is_sent and lost and gained and _are_others(pair, lost, gained):
        text = f"{_listed(lost)} became {_listed(gained)}: clients that wait for the old never see it"
        yield pair.change("breaking", "value-changed", text, lost, gained)
        return
    if lost:
        yield _values_lost(pair, lost)
    if gained:
        yield _values_gained(pair, gained)


def _are_others(pair: _Pair, lost: list[Json], gained: list[Json]) -> bool:
    """True where values took the place of others: none is left, or they are numbers, which are codes."""
    assert pair.old.values is not None
    codes = all(isinstance(value, int) and not isinstance(value, bool) for value in [*lost, *gained])
    return codes or len(lost) == len(pair.old.values)


def _values_lost(pair: _Pair, lost: list[Json]) -> Change:
    if pair.voice.is_sent:
        text = f"{_listed(lost)} is no longer taken: clients that send it are refused"
    else:
        text = f"{_listed(lost)} is no longer a value of it: {_UNNOTICED}"
    return pair.change(pair.voice.narrowed, "value-removed", text, old=lost)


def _values_gained(pair: _Pair, gained: list[Json]) -> Change:
    if pair.voice.is_sent:
        text = f"{_listed(gained)} is taken too: {_UNNOTICED}"
    else:
        text = f"{_listed(gained)} is a new value: clients that know only the old ones may stumble"
    return pair.change(pair.voice.widened, "value-added", text, new=gained)


def _listed(values: Sequence[Json]) -> str:
    return shown(values[0]) if len(values) == 1 else shown([*values])


def _bounds(pair: _Pair) -> Iterator[Change]:
    for name in dict.fromkeys((*pair.old.bounds, *pair.new.bounds)):
        old, new = pair.old.bounds.get(name), pair.new.bounds.get(name)
        text = f"the {name} was {_end(old)}, now it is {_end(new)}"
        values = (old.value if old else None, new.value if new else None)
        if new and (old is None or new.is_tighter_than(old)):
            yield pair.narrowed("limit", text, *values)
        elif old and (new is None or old.is_tighter_than(new)):
            yield pair.widened("limit", text, *values)


def _end(bound: Bound | None) -> str:
    if bound is None:
        return "none"
    return shown(bound.value) + (" (itself not included)" if bound.is_open else "")


def _formats(pair: _Pair) -> Iterator[Change]:
    old, new = sorted(pair.old.formats), sorted(pair.new.formats)
    if old == new:
        return
    text = f"the format was {', '.join(old) or 'none'}, now it is {', '.join(new) or 'none'}"
    if not (old and new) and {*old, *new} <= _WIDEST:
        yield pair.change("documentation", "format-told", f"{text}: {_UNNOTICED}", old, new)
    elif not (pair.voice.is_sent or new) and set(old) & _PARSED:
        why = "clients that read it as such cannot read every text"
        yield pair.change("breaking", "format-widened", f"{text}: {why}", old, new)
    elif set(old) < set(new) or _is_within(new, old):
        yield pair.narrowed("format", text, old, new)
    elif set(new) < set(old) or _is_within(old, new):
        yield pair.widened("format", text, old, new)
    else:
        why = "what clients send is refused" if pair.voice.is_sent else "clients cannot read what they get"
        yield pair.change("breaking", "format-changed", f"{text}: {why}", old, new)


def _is_within(inner: list[str], outer: list[str]) -> bool:
    return len(inner) == len(outer) == 1 and (inner[0], outer[0]) in _FORMATS_WITHIN


def _patterns(pair: _Pair) -> Iterator[Change]:
    lost, gained = (
        sorted(pair.old.patterns - pair.new.patterns),
        sorted(pair.new.patterns - pair.old.patterns),
    )
    if gained:
        text = f"the pattern is now {' and '.join(gained)}"
        # Whether one pattern lets through what another did is not to be told: a new one may widen as well.
        yield (
            pair.widened("pattern", text, lost, gained)
            if lost and not pair.voice.is_sent
            else pair.narrowed("pattern", text, lost, gained)
        )
    elif lost:
        yield pair.widened("pattern", f"the pattern {' and '.join(lost)} is gone", lost, gained)


def _others(pair: _Pair) -> Iterator[Change]:
    lost, gained = dict.fromkeys(_keys(pair.old, pair.new)), dict.fromkeys(_keys(pair.new, pair.old))
    for key in sorted({*lost, *gained}):
        texts = [_texts(pair.old, key), _texts(pair.new, key)]
        if key == "multipleOf" and key in gained and key in lost and _is_finer(pair.old, pair.new):
            yield pair.widened("condition", f"`{key}` was {texts[0]}, now it is {texts[1]}", *texts)
        elif key == "multipleOf" and key in gained and key in lost and _is_finer(pair.new, pair.old):
            yield pair.narrowed("condition", f"`{key}` was {texts[0]}, now it is {texts[1]}", *texts)
        elif key in gained and key in lost and not pair.voice.is_sent:
            yield pair.widened("condition", f"`{key}` changed", *texts)
        elif key in gained:
            yield pair.narrowed("condition", f"`{key}` {'changed' if key in lost else 'is new'}", *texts)
        else:
            yield pair.widened("condition", f"`{key}` is gone", *texts)


def _is_finer(old: Shape, new: Shape) -> bool:
    """True where every multiple of the old step is one of the new."""
    steps, others = (
        [Fraction(text) for key, text in one.others if key == "multipleOf"] for one in (old, new)
    )
    return all(other and any((step / other).denominator == 1 for step in steps) for other in others)


def _keys(one: Shape, other: Shape) -> list[str]:
    return [key for key, _ in one.others - other.others]


def _texts(shape: Shape, key: str) -> str | None:
    return "; ".join(sorted(text for name, text in shape.others if name == key)) or None


def _defaults(pair: _Pair) -> Iterator[Change]:
    old, new = pair.old.default, pair.new.default
    if canonical([*old]) == canonical([*new]):
        return
    before, after = (shown(value[0]) if value else "none" for value in (old, new))
    text = f"the default was {before}, now it is {after}"
    values = (old[0] if old else None, new[0] if new else None)
    if not pair.voice.is_sent:
        yield pair.change("documentation", "default-changed", text, *values)
    elif not old:
        yield pair.change("compatible", "default-added", f"{text}: {_UNNOTICED}", *values)
    else:
        why = "clients that leave the field out get another result"
        yield pair.change("breaking", "default-changed", f"{text}: {why}", *values)


def _tags(pair: _Pair) -> Iterator[Change]:
    """By which value of the discriminator an alternative is known that both have."""
    known = {name for name, _ in pair.old.tags} & {name for name, _ in pair.new.tags}
    lost, gained = (
        [tag for name, tag in sorted(tags) if name in known]
        for tags in (pair.old.tags - pair.new.tags, pair.new.tags - pair.old.tags)
    )
    if lost and gained and not pair.voice.is_sent:
        text = f"the alternative told by {_listed(lost)} is told by {_listed(gained)}: clients do not know it"
        yield pair.change("breaking", "value-changed", text, lost, gained)
        return
    if lost:
        yield _values_lost(pair, [*lost])
    if gained:
        yield _values_gained(pair, [*gained])


def _marks(pair: _Pair) -> Iterator[Change]:
    """Which refusal a broken rule leads to."""
    if pair.old.outcomes != pair.new.outcomes:
        effect: Effect = "careless" if pair.voice.is_sent else "documentation"
        texts = [sorted(pair.old.outcomes), sorted(pair.new.outcomes)]
        yield pair.change(effect, "outcome-changed", "x-outcomes changed: a refusal may be another", *texts)


def _prose(pair: _Pair) -> Iterator[Change]:
    # A name alone is prose too, and how a schema is put together may change which texts it carries.
    for key in sorted({key for key, _ in pair.old.prose ^ pair.new.prose}):
        old, new = ({text for name, text in shape.prose if name == key} for shape in (pair.old, pair.new))
        yield pair.change("documentation", "text-changed", f"`{key}` changed", sorted(old), sorted(new))


# --- objects ------------------------------------------------------------------------------------------------


def _object(pair: _Pair) -> Iterator[Change]:
    old, new = _fields(pair.old, pair.voice), _fields(pair.new, pair.voice)
    for name in old:
        if name not in new:
            yield from _removed(pair, name)
    for name in new:
        if name not in old:
            yield from _added(pair, name)
        elif (name in pair.old.required) != (name in pair.new.required):
            yield _required(pair, name)
    if pair.old.is_closed != pair.new.is_closed:
        yield _closed(pair)


def _fields(shape: Shape, voice: Voice) -> dict[str, None]:
    """The fields that count in this direction: a server's own are not sent, a secret does not come back."""
    hidden = shape.read_only if voice.is_sent else shape.write_only
    names = dict.fromkeys((*shape.properties, *sorted(shape.required)))
    return {name: None for name in names if name not in hidden}


def _removed(pair: _Pair, name: str) -> Iterator[Change]:
    is_required = name in pair.old.required
    was = "required" if is_required else "optional"
    if not pair.voice.is_sent:
        effect: Effect = "breaking" if is_required else "careless"
        what = "field-removed" if is_required else "optional-field-removed"
        yield _field(
            pair, name, effect, what, f"the {was} field is gone: clients that read it find nothing", was
        )
    elif pair.new.is_closed:
        text = "the field is gone and unknown ones are not allowed: clients that send it are refused"
        yield _field(pair, name, "breaking", "field-removed", text, was)
    else:
        text = f"the field is gone, unknown ones are still taken: {_UNNOTICED}"
        yield _field(pair, name, "compatible", "field-ignored", text, was)


def _added(pair: _Pair, name: str) -> Iterator[Change]:
    is_required = name in pair.new.required
    is_new = "required" if is_required else "optional"
    if pair.voice.is_sent and is_required:
        text = "a new required field: clients that do not know it are refused"
        yield _field(pair, name, "breaking", "field-required", text, None, is_new)
    else:
        text = f"a new {is_new} field: {_UNNOTICED}"
        yield _field(pair, name, "compatible", "field-added", text, None, is_new)


def _required(pair: _Pair, name: str) -> Change:
    if name in pair.new.required:
        effect: Effect = "breaking" if pair.voice.is_sent else "compatible"
        why = "clients that leave it out are refused" if pair.voice.is_sent else _UNNOTICED
        text = f"the field was optional and is now required: {why}"
        return _field(pair, name, effect, "field-required", text, "optional", "required")
    effect = "compatible" if pair.voice.is_sent else "breaking"
    why = _UNNOTICED if pair.voice.is_sent else "clients that rely on it may find nothing"
    text = f"the field was always there and is now optional: {why}"
    return _field(pair, name, effect, "field-optional", text, "required", "optional")


def _field(
    pair: _Pair, name: str, effect: Effect, what: str, text: str, old: str | None, new: str | None = None
) -> Change:
    change = pair.change(effect, what, text, old, new)
    group = pair.new.properties.get(name)
    place = group[0].pointer if group else pair.place
    return replace(change, pointer=join("", name), place=place)


def _closed(pair: _Pair) -> Change:
    if pair.new.is_closed:
        return pair.narrowed(
            "object", "fields that are not described are no longer allowed", "open", "closed"
        )
    text = f"fields that are not described are now allowed: {_UNNOTICED}"
    return pair.change("compatible", "object-widened", text, "closed", "open")


_COMPARED = (
    *(_types, _values, _bounds, _formats, _patterns, _others, _tags, _defaults, _object, _marks, _prose),
)


def _children(pair: _Pair) -> Iterator[_Child]:
    old, new = pair.old, pair.new
    for name in _fields(old, pair.voice):
        if name in _fields(new, pair.voice):
            yield _Child(name, _described(old, name), _described(new, name))
        elif new.extra:
            yield _Child(name, _described(old, name), new.extra)
    if (old.extra or new.extra) and not old.is_closed and not new.is_closed:
        yield _Child("*", old.extra, new.extra)
    if old.items or new.items:
        yield _Child("*", old.items, new.items)


def _described(shape: Shape, name: str) -> tuple[Place, ...]:
    return shape.properties.get(name, ())
