"""JSON as it comes in: read strictly, with a reason where it cannot be read; and as it goes out."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, NoReturn, TypeAlias

import orjson

from mockserver.openapi.source import Json, join
from mockserver.openapi.violation import MOST

MAX_DEPTH = 64

OPAQUE = object()
"""The value of a body that no schema can be held against: bytes, XML, a table."""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Payload(NamedTuple):
    """A body's value, or why it has none; and the pointers of keys that stood twice in one object."""

    value: Json = None
    fault: str | None = None
    duplicates: tuple[str, ...] = ()


class _Unreadable(ValueError):
    pass


_Twice: TypeAlias = tuple[dict[str, Json], list[str]]


def read_json(raw: bytes) -> Payload:
    """The value of a JSON body; a payload with a fault where it is not JSON as RFC 8259 wants it."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return read_strictly(raw)
    return Payload(value) if _is_surely_read(raw, value) else read_strictly(raw)


def _is_surely_read(raw: bytes, value: Json) -> bool:
    """True where orjson has read what `read_strictly` would: in 2 µs for what takes that 5.

    Of a key that stands twice orjson says nothing; but such a body has more colons than its value, written.
    """
    if not _is_exact((value,), MAX_DEPTH) or (92 in raw and b"\\u003" in raw):  # 92 is a backslash
        return False
    return raw.count(b":") == orjson.dumps(value).count(b":")


# An integer beyond 64 bits is read as a float by orjson, and then is this at the least.
_LONG = 2.0**63


def _is_exact(items: Iterable[Json], levels: int) -> bool:
    """True where no value, nor any in so many levels of them, may be an integer that was cut short."""
    for item in items:
        kind = type(item)
        if kind is dict or kind is list:
            if not levels or not _is_exact(item.values() if kind is dict else item, levels - 1):
                return False
        elif kind is float and not -_LONG < item < _LONG:
            return False
    return True


def read_strictly(raw: bytes) -> Payload:
    """The same as `read_json`, by Python's own reader, which can say what is wrong."""
    twice: list[_Twice] = []

    def pairs(items: list[tuple[str, Json]]) -> dict[str, Json]:
        result = dict(items)
        if len(result) != len(items):
            counts = Counter(key for key, _ in items)
            twice.append((result, [key for key, count in counts.items() if count > 1]))
        return result

    try:
        text = raw.decode("utf-8")
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=_refuse, parse_float=_finite)
    except UnicodeDecodeError as error:
        return Payload(fault=f"invalid UTF-8 at byte {error.start}")
    except RecursionError:
        return Payload(fault=f"nested deeper than {MAX_DEPTH} levels")
    except json.JSONDecodeError as error:
        return Payload(fault=f"not JSON: {error.msg} at line {error.lineno} column {error.colno}")
    except ValueError as error:
        return Payload(
            fault=str(error) if isinstance(error, _Unreadable) else "a number with too many digits"
        )
    return _judge(raw, value, twice)


def _judge(raw: bytes, value: Json, twice: list[_Twice]) -> Payload:
    # Counting brackets is quick and settles nearly every body; only a suspect is walked.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _is_too_deep(value):
        return Payload(fault=f"nested deeper than {MAX_DEPTH} levels")
    if _SURROGATE.search(raw) and _has_lone_surrogate(value):
        return Payload(fault="a lone surrogate, which is half a character")
    return Payload(value, duplicates=tuple(_pointers(value, twice)) if twice else ())


def _refuse(word: str) -> NoReturn:
    raise _Unreadable(f"{word} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Unreadable(f"{text[:40]} is beyond the range of numbers")
    return number


def _is_too_deep(value: Json) -> bool:
    """Looks level by level, which takes a moment even for half a million lists."""
    level = _nested([value])
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _nested(node)]
    return bool(level)


def _nested(node: Json) -> list[Json]:
    """The objects and lists right inside one."""
    children = node.values() if isinstance(node, dict) else node
    return [child for child in children if isinstance(child, (dict, list))]


def _has_lone_surrogate(value: Json) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _pointers(value: Json, twice: list[_Twice]) -> list[str]:
    """Where keys stand twice; of very many such places, some."""
    keys = {id(owner): names for owner, names in twice}
    found: list[str] = []
    stack: list[tuple[Json, str]] = [(value, "")]
    while stack and len(found) < MOST:
        node, pointer = stack.pop()
        found.extend(join(pointer, key) for key in keys.get(id(node), ())[:MOST])
        named = node.items() if isinstance(node, dict) else enumerate(node)
        children = [(child, join(pointer, key)) for key, child in named if isinstance(child, (dict, list))]
        stack.extend(reversed(children))
    return sorted(found)[:MOST]


def write_json(value: Json) -> bytes:
    """The bytes of a JSON value: compact, UTF-8, keys in the order they have."""
    # Copied in both ways, for what orjson gives takes all the memory it wrote in, and the journal keeps it.
    try:
        # Of what is plain orjson makes the same bytes, in a quarter of the time.
        if _is_plain((value,)):
            return b"%b" % orjson.dumps(value)
    except (orjson.JSONEncodeError, RecursionError):
        pass
    return write_strictly(value)


def write_plain(value: Json) -> bytes:
    """The same of a value that we made ourselves: no number in it is infinite, or none."""
    try:
        return b"%b" % orjson.dumps(value)
    except (orjson.JSONEncodeError, RecursionError):
        return write_strictly(value)


_SCALARS = frozenset((str, int, bool, type(None)))


def _is_plain(items: Iterable[Json]) -> bool:
    """True where no value, nor any inside it, is of a kind or a size that orjson spells in its own way."""
    for item in items:
        kind = type(item)
        if kind in _SCALARS:
            continue
        if kind is dict:
            if not _is_plain(item.values()):
                return False
        elif kind is list:
            if not _is_plain(item):
                return False
        elif not (kind is float and (1e-4 <= abs(item) < 1e16 or item == 0)):
            return False
    return True


def write_strictly(value: Json) -> bytes:
    """The same as `write_json`, by Python's own writer; ValueError for a number that is none."""
    try:
        return _TEXT.encode(value).encode("utf-8")
    except UnicodeEncodeError:  # half a character, which can be written as an escape only
        return _ESCAPED.encode(value).encode("ascii")


# Made once: to make one takes 1 µs.
_TEXT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_ESCAPED = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False)
