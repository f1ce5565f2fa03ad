"""YAML and JSON texts into values: strictly, and with the line of what is wrong."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

import yaml
from yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

from mockserver.openapi.problem import DocumentError, Json, Problem, join

# --- YAML ---------------------------------------------------------------------------------------------------

# The core schema of YAML 1.2, which OpenAPI asks for: `no`, `on` and 12:30 are words, a date is a string.
_WORDS: Mapping[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TEXTS = {"!", "tag:yaml.org,2002:str"}
_TAGS = {
    *("tag:yaml.org,2002:" + kind for kind in ("int", "float", "bool", "null", "map", "seq")),
    *_TEXTS,
}


def _plain(text: str) -> Json:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMBER_STARTS:
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text) if math.isfinite(float(text)) else text
        if text.startswith("0x"):
            return _hexadecimal(text)
    return text


def _hexadecimal(text: str) -> Json:
    try:
        return int(text, 16)
    except ValueError:
        return text


class _Fault(Exception):
    def __init__(self, line: int | None, reason: str) -> None:
        self.line = line
        self.reason = reason


_DEEPEST = 200
# Of aliases inside what other aliases stand for, a few lines make a billion values.
_MOST_ALIASED = 1_000_000


class _Builder:
    """Values from YAML events: four times as quick as composing nodes first, and keys keep their spelling."""

    def __init__(self, text: str, *, marked: bool) -> None:
        self._loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        self._anchors: dict[str, Json] = {}
        self._sizes: dict[int, int] = {}
        self._aliased = 0
        self.lines: dict[str, int] | None = {} if marked else None

    def document(self) -> Json:
        take = self._loader.get_event
        take()
        if not isinstance(take(), yaml.DocumentStartEvent):
            raise _Fault(1, "the file is empty")
        value = self._value(take(), "", 0)
        take()
        extra = take()
        if not isinstance(extra, yaml.StreamEndEvent):
            raise _Fault(extra.start_mark.line + 1, "a second YAML document begins here; one file holds one")
        return value

    def _value(self, event: Any, pointer: str, depth: int) -> Json:
        if self.lines is not None:
            self.lines.setdefault(pointer, event.start_mark.line + 1)
        if isinstance(event, ScalarEvent):
            return self._named(event, self._scalar(event))
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if depth > _DEEPEST:
            raise _Fault(event.start_mark.line + 1, f"nested more than {_DEEPEST} levels deep")
        if event.tag is not None and event.tag not in _TAGS:
            raise _Fault(event.start_mark.line + 1, f"the tag {event.tag} is not used in OpenAPI documents")
        if isinstance(event, MappingStartEvent):
            return self._named(event, self._mapping(event, pointer, depth + 1))
        return self._named(event, self._sequence(pointer, depth + 1))

    def _named(self, event: Any, value: Json) -> Json:
        if event.anchor is not None:
            self._anchors[event.anchor] = value
            self._sizes[id(value)] = self._size(value)
        return value

    def _size(self, value: Json) -> int:
        """How many values there are in one, all that its aliases stand for included."""
        size, waiting = 0, [value]
        while waiting:
            node = waiting.pop()
            size += self._sizes.get(id(node), 1)
            if id(node) not in self._sizes and isinstance(node, (dict, list)):
                waiting.extend(node.values() if isinstance(node, dict) else node)
        return size

    def _alias(self, event: Any) -> Json:
        # An anchor is known once its value is whole, so an alias inside its own anchor is an unknown one.
        if event.anchor not in self._anchors:
            raise _Fault(event.start_mark.line + 1, f"the alias *{event.anchor} names no finished anchor")
        value = self._anchors[event.anchor]
        self._aliased += self._sizes[id(value)]
        if self._aliased > _MOST_ALIASED:
            raise _Fault(event.start_mark.line + 1, f"aliases stand for more than {_MOST_ALIASED} values")
        return value

    def _scalar(self, event: Any) -> Json:
        if event.tag is None:
            return self._plain(event) if event.implicit[0] else event.value
        if event.tag not in _TAGS:
            raise _Fault(event.start_mark.line + 1, f"the tag {event.tag} is not used in OpenAPI documents")
        return event.value if event.tag in _TEXTS else self._plain(event)

    def _plain(self, event: Any) -> Json:
        try:
            return _plain(event.value)
        except ValueError:
            raise _Fault(event.start_mark.line + 1, f"a number of {len(event.value)} digits") from None

    def _sequence(self, pointer: str, depth: int) -> list[Json]:
        items: list[Json] = []
        take, marked = self._loader.get_event, self.lines is not None
        while not isinstance(event := take(), SequenceEndEvent):
            items.append(self._value(event, join(pointer, len(items)) if marked else "", depth))
        return items

    def _mapping(self, start: Any, pointer: str, depth: int) -> dict[str, Json]:
        mapping: dict[str, Json] = {}
        merged: list[Json] = []
        take, marked = self._loader.get_event, self.lines is not None
        while not isinstance(event := take(), MappingEndEvent):
            key = self._key(event)
            if self.lines is not None:
                self.lines[join(pointer, key)] = event.start_mark.line + 1
            value = self._value(take(), join(pointer, key) if marked else "", depth)
            if key == "<<" and event.implicit[0]:
                merged.extend(value if isinstance(value, list) else [value])
            elif key in mapping:
                raise _Fault(event.start_mark.line + 1, f"the key {key!r} stands here a second time")
            else:
                mapping[key] = value
        return _merge(mapping, merged, start) if merged else mapping

    def _key(self, event: Any) -> str:
        if not isinstance(event, ScalarEvent):
            raise _Fault(event.start_mark.line + 1, "a key must be a plain name")
        return str(self._named(event, event.value))


def _merge(mapping: dict[str, Json], others: list[Json], start: Any) -> dict[str, Json]:
    result = dict(mapping)
    for other in others:
        if not isinstance(other, dict):
            raise _Fault(start.start_mark.line + 1, "`<<` merges mappings only")
        for key, value in other.items():
            result.setdefault(key, value)
    return result


# --- JSON ---------------------------------------------------------------------------------------------------

_NUMBERS = re.compile(r'"(?:[^"\\]++|\\.)*+"|([^\s,:\[\]{}"]++)', re.DOTALL)
_MOST_DIGITS = 4300


class _OddNumber(ValueError):
    def __init__(self, word: str, reason: str) -> None:
        self.word = word
        super().__init__(reason)


class _Repeated(ValueError):
    pass


def _pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise _Repeated("a key stands twice in one object")
    return mapping


def _no_number(word: str) -> NoReturn:
    raise _OddNumber(word, f"{word} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _OddNumber(text, f"{text[:40]} is beyond the range of numbers")
    return number


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise _OddNumber(text, f"a number of {len(text)} digits")
    return int(text)


def _from_json(text: str) -> Json:
    try:
        return json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_constant=_no_number,
            parse_float=_finite,
            parse_int=_whole,
        )
    except json.JSONDecodeError as error:
        raise _Fault(error.lineno, f"not JSON: {error.msg}") from None
    except _OddNumber as error:
        words = (found for found in _NUMBERS.finditer(text) if found[1] == error.word)
        raise _Fault(text.count("\n", 0, next(words).start()) + 1, str(error)) from None
    except (_Repeated, RecursionError) as error:
        raise fault_in(text) or _Fault(None, f"cannot be read: {error}") from None


def fault_in(text: str) -> _Fault | None:
    """What the YAML reader, which knows lines, has against a text that the JSON reader read or gave up."""
    try:
        _Builder(text, marked=False).document()
    except _Fault as fault:
        return fault
    except (yaml.YAMLError, RecursionError):
        pass
    return None


def parse(text: str, file: str) -> Json:
    """The value of a YAML or JSON text; DocumentError with the line where it is neither."""
    try:
        return _from_json(text) if file.endswith(".json") else _Builder(text, marked=False).document()
    except _Fault as fault:
        raise DocumentError([Problem(file, fault.line, fault.reason)]) from None
    except yaml.MarkedYAMLError as error:
        raise DocumentError([_not_yaml(error, text, file)]) from None
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise DocumentError([Problem(file, line, f"not YAML: {error.reason}")]) from None


def _not_yaml(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    # What is missing at the end is missed in a line that is not there any more.
    last = text.rstrip().count("\n") + 1
    line = min(error.problem_mark.line + 1, last) if error.problem_mark else None
    begun = f", {error.context}" if error.context else ""
    if begun and error.context_mark and line and error.context_mark.line + 1 < line:
        begun += f" that begins in line {error.context_mark.line + 1}"
    return Problem(file, line, f"not YAML: {error.problem}{begun}")


def lines_of(text: str) -> dict[str, int]:
    """The line of every pointer: a second, marked parse, made only when something is to be said."""
    # JSON writes some characters as two halves, which YAML does not take.
    builder = _Builder(_HALVES.sub("?", text), marked=True)
    with suppress(_Fault, yaml.YAMLError, RecursionError):
        builder.document()
    return builder.lines or {}


_HALVES = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
