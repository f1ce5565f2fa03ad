"""What an answer has to be, and every way in which it is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from contracts.filling import names
from mockserver.openapi.problem import at, join

Json = Any


class Mismatch(NamedTuple):
    """One place at which what came is not what was wanted."""

    pointer: str
    wanted: Json
    got: Json
    # Named where the place alone does not say what is at stake.
    rule: str | None = None

    def __str__(self) -> str:
        wanted, got = _shown(self.wanted), _shown(self.got)
        if got in (wanted, *_arguments(self.wanted)):
            # A text reads like the number that it is not.
            wanted, got = _shown(self.wanted, _written), _shown(self.got, _written)
        return f"{self.pointer}: wanted {wanted}, got {got}"


class _Nothing:
    """In place of a field that is not there."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING = _Nothing()
Accepts = Callable[[Json, Json], bool]


class Matching:
    """Holds values against what is wanted of them.

    `accepts(schema, value)` validates, a text being a reference into the document; `message` is the whole of
    what came, for what speaks of several parts of it.
    """

    def __init__(self, accepts: Accepts, message: Mapping[str, Json]) -> None:
        self._accepts = accepts
        self._message = message

    def mismatches(self, wanted: Json, got: Json, pointer: str) -> Iterator[Mismatch]:
        """Every place below a pointer where it differs."""
        if is_matcher(wanted):
            for name, argument in wanted.items():
                yield from self._matcher(name, argument, got, pointer)
        elif isinstance(wanted, dict):
            yield from self._object(wanted, got, pointer)
        elif isinstance(wanted, list):
            yield from self._list(wanted, got, pointer)
        elif not _equal(wanted, got):
            yield Mismatch(pointer, wanted, got)

    def _object(self, wanted: dict[str, Json], got: Json, pointer: str) -> Iterator[Mismatch]:
        if not isinstance(got, dict):
            yield Mismatch(pointer, "an object", got)
            return
        for key, item in wanted.items():
            yield from self.mismatches(item, got.get(key, NOTHING), join(pointer, key))

    def _list(self, wanted: list[Json], got: Json, pointer: str) -> Iterator[Mismatch]:
        if not isinstance(got, list):
            yield Mismatch(pointer, "a list", got)
        elif len(got) != len(wanted):
            yield Mismatch(pointer, f"{len(wanted)} items", f"{len(got)} items")
        else:
            for index, (item, came) in enumerate(zip(wanted, got, strict=True)):
                yield from self.mismatches(item, came, join(pointer, index))

    def _matcher(self, name: str, argument: Json, got: Json, pointer: str) -> Iterator[Mismatch]:
        if name == "$each":
            yield from self._each(argument, got, pointer)
        elif not self._holds(name, argument, got, pointer):
            yield Mismatch(pointer, {name: argument}, got)

    def _each(self, argument: Json, got: Json, pointer: str) -> Iterator[Mismatch]:
        if not isinstance(got, list):
            yield Mismatch(pointer, "a list", got)
            return
        for index, item in enumerate(got):
            yield from self.mismatches(argument, item, join(pointer, index))

    def _holds(self, name: str, argument: Json, got: Json, pointer: str) -> bool:
        if name == "$absent":
            return (got is NOTHING) is argument
        if name == "$one-of":
            return any(self._fits(item, got, pointer) for item in argument)
        if got is NOTHING:
            return False
        if name == "$not":
            return not self._fits(argument, got, pointer)
        if name == "$schema":
            return self._keeps(argument, got)
        if name == "$hmac-sha256":
            return isinstance(got, str) and got == self._signature(argument)
        return _SIMPLE[name](argument, got)

    def _keeps(self, schema: Json, got: Json) -> bool:
        try:
            return self._accepts(schema, got)
        except RecursionError:
            return False

    def _fits(self, wanted: Json, got: Json, pointer: str) -> bool:
        return next(self.mismatches(wanted, got, pointer), None) is None

    def _signature(self, argument: Mapping[str, Json]) -> str:
        parts = (str(self._part(part)) for part in argument["of"])
        digest = hmac.new(argument["key"].encode(), "".join(parts).encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def _part(self, part: str) -> Json:
        try:
            return at(self._message, part) if part.startswith("/") else part
        except KeyError:
            return ""


def is_matcher(wanted: Json) -> bool:
    """True for an object of $-keys."""
    return isinstance(wanted, dict) and bool(wanted) and all(key.startswith("$") for key in wanted)


def faults(wanted: Json, pointer: str, is_schema: Callable[[Json], bool]) -> Iterator[tuple[str, str]]:
    """What is wrong with an expectation itself: a pointer and a reason each."""
    if isinstance(wanted, list):
        for index, item in enumerate(wanted):
            yield from faults(item, join(pointer, index), is_schema)
    elif is_matcher(wanted):
        for name, argument in wanted.items():
            yield from _matcher_faults(name, argument, join(pointer, name), is_schema)
    elif isinstance(wanted, dict):
        for key, item in wanted.items():
            if key.startswith("$"):
                yield join(pointer, key), f"{key} stands beside plain fields; an object has either"
            yield from faults(item, join(pointer, key), is_schema)


def _matcher_faults(
    name: str, argument: Json, pointer: str, is_schema: Callable[[Json], bool]
) -> Iterator[tuple[str, str]]:
    if name not in _ARGUMENTS:
        yield pointer, f"{name} is no matcher; known: {', '.join(_ARGUMENTS)}"
    elif not _ARGUMENTS[name][1](argument) or (name == "$schema" and not is_schema(argument)):
        yield pointer, _reason(name, argument)
    elif name in ("$one-of", "$not", "$each"):
        yield from faults(argument, pointer, is_schema)


def _reason(name: str, argument: Json) -> str:
    """What a matcher wants, and of an expression what is wrong with it."""
    wanted = f"{name} wants {_ARGUMENTS[name][0]}"
    if name == "$pattern" and isinstance(argument, str):
        try:
            re.compile(argument)
        except re.error as error:
            return f"{wanted}, and {argument} is none: {error}"
    return wanted


def _equal(wanted: Json, got: Json) -> bool:
    """Equal as JSON: 1 and 1.0 are, 1 and true are not."""
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    if isinstance(wanted, dict) and isinstance(got, dict):
        return wanted.keys() == got.keys() and all(_equal(wanted[key], got[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(got, list):
        return len(wanted) == len(got) and all(map(_equal, wanted, got))
    return bool(wanted == got)


_TYPES: dict[str, Callable[[Json], bool]] = {
    "string": lambda got: isinstance(got, str),
    "number": lambda got: isinstance(got, int | float) and not isinstance(got, bool),
    "integer": lambda got: type(got) is int or (type(got) is float and got.is_integer()),
    "boolean": lambda got: isinstance(got, bool),
    "null": lambda got: got is None,
    "object": lambda got: isinstance(got, dict),
    "array": lambda got: isinstance(got, list),
}


def _found(pattern: str, text: str) -> bool:
    # A captured text may have made an expression of it that is none.
    return _is_pattern(pattern) and re.search(pattern, text) is not None


def _listed(argument: Json) -> list[Json]:
    return argument if isinstance(argument, list) else [argument]


_SIMPLE: dict[str, Callable[[Json, Json], bool]] = {
    "$type": lambda names, got: any(_TYPES[name](got) for name in _listed(names)),
    "$pattern": lambda pattern, got: isinstance(got, str) and _found(pattern, got),
    "$contains": lambda text, got: isinstance(got, str) and text in got,
    "$is": _equal,
    "$size": lambda size, got: isinstance(got, str | list | dict) and len(got) == size,
    "$between": lambda ends, got: _TYPES["number"](got) and ends[0] <= got <= ends[1],
}


def _is_pattern(argument: Json) -> bool:
    try:
        re.compile(argument)
    except (re.error, TypeError):
        return False
    return True


def _is_name(argument: Json) -> bool:
    return (
        isinstance(argument, str) and argument.startswith("${") and [*names((argument,))] == [argument[2:-1]]
    )


def _is_signature(argument: Json) -> bool:
    return (
        isinstance(argument, dict)
        and argument.keys() == {"key", "of"}
        and isinstance(argument["key"], str)
        and isinstance(argument["of"], list)
        and all(isinstance(part, str) for part in argument["of"])
    )


def _is_range(argument: Json) -> bool:
    return isinstance(argument, list) and len(argument) == 2 and all(map(_TYPES["number"], argument))


_ARGUMENTS: dict[str, tuple[str, Callable[[Json], bool]]] = {
    "$type": (
        f"one of {', '.join(_TYPES)}, or a list of them",
        lambda argument: argument != [] and all(name in list(_TYPES) for name in _listed(argument)),
    ),
    "$pattern": ("a regular expression", _is_pattern),
    "$contains": ("a text", lambda argument: isinstance(argument, str)),
    "$one-of": ("a list", lambda argument: isinstance(argument, list) and bool(argument)),
    "$not": ("what it must not be", lambda _: True),
    "$is": ("a value", lambda _: True),
    "$schema": ("a schema, or a reference into the document", lambda one: isinstance(one, dict | str)),
    "$absent": ("true or false", lambda argument: isinstance(argument, bool)),
    "$size": ("a number of items", lambda argument: type(argument) is int or _is_name(argument)),
    "$each": ("what each item has to be", lambda _: True),
    "$between": ("two numbers", _is_range),
    "$hmac-sha256": ("a key, and of which parts", _is_signature),
}


def _shown(value: Json, write: Callable[[Json], str] | None = None) -> str:
    """A value as it reads best; or as it is written, of a matcher its arguments."""
    write = write or _brief
    if value is NOTHING:
        return "nothing"
    if is_matcher(value):
        return " and ".join(f"{name[1:]} {write(argument)}" for name, argument in value.items())
    return write(value)


def _arguments(value: Json) -> Iterator[str]:
    return (_brief(argument) for argument in value.values()) if is_matcher(value) else iter(())


def _brief(value: Json) -> str:
    return _cut(value if isinstance(value, str) and value else _written(value))


def _written(value: Json) -> str:
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"
