"""Bodies that show a part of what may come: what they leave out says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mockserver.openapi.compiled import Example
from mockserver.openapi.source import Json, at
from mockserver.openapi.violation import Violation

_ABSENCE = ("required", "dependentRequired", "minProperties")
Check = Callable[[Json], Iterator[Violation]]


def violations(body: Json, examples: Sequence[Example], check: Check) -> list[Violation]:
    """What is wrong with the fields that are there, however the absent ones are filled.

    An absent field may decide what the others may be, as an envelope's code does. So the body is laid over
    each documented example too, and the kindest reading counts.
    """
    fewest = _told(body, body, check)
    for example in examples if fewest else ():
        found = _told(body, _laid(example.value, body), check)
        fewest = min(fewest, found, key=len)
    return fewest


def _told(body: Json, whole: Json, check: Check) -> list[Violation]:
    return [one for one in check(whole) if one.rule not in _ABSENCE and _stands(body, one.pointer)]


def _laid(below: Json, above: Json) -> Json:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{name: _laid(below.get(name), item) for name, item in above.items()}}


def _stands(body: Json, pointer: str) -> bool:
    try:
        at(body, pointer.removeprefix("/body"))
    except (KeyError, IndexError):
        return False
    return True
