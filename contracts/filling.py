"""`${name}` in requests and expectations, and what it stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = Any
Scope = Mapping[str, Json]

_NAME = re.compile(r"\$\{([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)*)\}")
_ODD = re.compile(r"\$\{(?![a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)*\})")
REPEAT = "$repeat"


class Unfilled(Exception):
    """A name that stands for nothing."""


def fill(value: Json, scope: Scope, *, only: str | None = None) -> Json:
    """The value with every name replaced; Unfilled says which stands for nothing.

    A text that is one name and nothing else becomes the value itself, of whatever type. With `only`, names
    that begin otherwise are left as they are, and so is `$repeat`.
    """
    if isinstance(value, str):
        return _text(value, scope, only)
    if isinstance(value, list):
        return [fill(item, scope, only=only) for item in value]
    if isinstance(value, dict):
        filled = {_key(key, scope, only): fill(item, scope, only=only) for key, item in value.items()}
        return _repeated(filled) if only is None and REPEAT in filled else filled
    return value


def names(value: Json) -> Iterator[str]:
    """Every name in a value, whole: `song.task`."""
    if isinstance(value, str):
        yield from _NAME.findall(value)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from names(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from names(key)
            yield from names(item)


def odd(value: Json) -> Iterator[str]:
    """Every text that begins a name and does not end it as one."""
    if isinstance(value, str):
        if _ODD.search(value):
            yield value
    elif isinstance(value, list | dict):
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from odd(item)


def misrepeated(value: Json) -> Iterator[Json]:
    """Every `$repeat` that is not a text and how often."""
    if isinstance(value, dict) and REPEAT in value:
        match value:
            case {"$repeat": [str(), int() as times]} if len(value) == 1 and times >= 0:
                return
        yield value[REPEAT]
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from misrepeated(item)


def _text(text: str, scope: Scope, only: str | None) -> Json:
    if "${" not in text:
        return text
    whole = _NAME.fullmatch(text)
    if whole is not None:
        return text if _is_left(whole[1], only) else _value(whole[1], scope)

    def one(found: re.Match[str]) -> str:
        return found[0] if _is_left(found[1], only) else str(_value(found[1], scope))

    return _NAME.sub(one, text)


def _key(key: str, scope: Scope, only: str | None) -> str:
    return str(_text(key, scope, only))


def _is_left(name: str, only: str | None) -> bool:
    return only is not None and name.partition(".")[0] != only


def _value(name: str, scope: Scope) -> Json:
    value: Json = scope
    for part in name.split("."):
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, Mapping) and part in value:
            value = value[part]
        else:
            raise Unfilled(name)
    return value


def _repeated(node: dict[str, Json]) -> str:
    text, times = node[REPEAT]
    return str(text) * times  # type: ignore[no-any-return]
