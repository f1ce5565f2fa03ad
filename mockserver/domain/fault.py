"""Faults that wait for the calls and callbacks they are for: which one is met, and what that leaves of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from mockserver.domain.override import is_subset
from mockserver.domain.ports import Tx
from mockserver.domain.waiting import Waiting, place

LATENCY: Final = "latency"
RESET, TRUNCATE, EMPTY, GATEWAY = "reset", "truncate", "empty", "gateway"
MALFORMED, SLOW, MISTYPED = "malformed-json", "slow-body", "wrong-content-type"
DUPLICATE, REORDER, DROP = "callback-duplicate", "callback-reorder", "callback-drop"
DELAY, EARLY, SIGNATURE = "callback-delay", "callback-early", "callback-bad-signature"
CALLBACK: Final = (DUPLICATE, REORDER, DROP, DELAY, EARLY, SIGNATURE)

Draw = Callable[[], float]
"""The next number from 0 to 1, without 1, that chance takes."""


class Fault(NamedTuple):
    """Something that goes wrong around a call. `times` is None for one that stands."""

    id: str
    fault: str
    provider: str | None
    operation: str | None
    path: str | None
    times: int | None
    left: int | None
    match: Any = None
    probability: float | None = None
    # Whether the call's work is left undone or done; None for what neither spoils nor loses a reply.
    when: str | None = None
    at: str | None = None
    # So many, or from so many to so many.
    seconds: Any = None
    status: int | None = None

    @property
    def stands(self) -> bool:
        """True for a fault that holds until it is deleted."""
        return self.times is None

    @property
    def family(self) -> str:
        """What it is laid over: a call's answer meets one of each family, a callback one of each name."""
        if self.fault in CALLBACK:
            return "callback"
        return LATENCY if self.fault == LATENCY else "reply"

    def as_json(self) -> dict[str, Any]:
        """The fault as the control API lists it."""
        needed = ("id", "fault", "provider", "operation", "path", "times", "left")
        return {name: value for name, value in self._asdict().items() if name in needed or value is not None}


class Call(NamedTuple):
    """What a fault may ask of a call: whose it is, its path without prefix and sandbox, its JSON body."""

    provider: str | None
    operation: str | None
    path: str = ""
    body: Any = None
    is_media: bool = False


class Met(NamedTuple):
    """What a call meets: seconds before its answer, and one fault of its reply."""

    seconds: float = 0.0
    fault: Fault | None = None
    # The name to tell of it.
    name: str | None = None

    @property
    def undone(self) -> bool:
        """True where the fault comes before the call's work."""
        return self.fault is not None and self.fault.when == "before"


def _places(fault: Fault) -> list[str]:
    return [place(fault.family, fault.provider, fault.operation)]


_FAULTS: Final = Waiting("fault", _places, Fault)
add, listed, remove, clear = _FAULTS.add, _FAULTS.listed, _FAULTS.remove, _FAULTS.clear


def take(tx: Tx, call: Call, draw: Draw) -> Met:
    """What a call meets, used up by one: the first latency and the first other fault that suit it."""
    late = _first(tx, LATENCY, call, draw)
    other = _first(tx, "reply", call, draw)
    seconds = 0.0 if late is None else _drawn(late.seconds, draw)
    named = other or late
    return Met(seconds, other, named.fault if named else None)


def take_named(tx: Tx, name: str, provider: str, operation: str, body: Any, draw: Draw) -> Fault | None:
    """The callback fault of this name that a submission's callback meets, used up by one."""
    return _first(tx, "callback", Call(provider, operation, body=body), draw, name)


def fraction(material: bytes) -> float:
    """A number from 0 to 1, without 1, out of the material for an id."""
    return int.from_bytes(material[:6], "big") / 2**48


# --- which one ----------------------------------------------------------------------------------------------


def _first(tx: Tx, family: str, call: Call, draw: Draw, name: str | None = None) -> Fault | None:
    def suits(fault: Fault) -> bool:
        return name in (None, fault.fault) and _suits(fault, call) and _happens(fault, draw)

    return _FAULTS.take(tx, family, _met_at(family, call), suits)


def _met_at(family: str, call: Call) -> Iterator[str]:
    """The places of faults that ask for no other provider and operation."""
    for provider in dict.fromkeys((call.provider, None)):
        for operation in dict.fromkeys((call.operation, None)):
            yield place(family, provider, operation)


def _suits(fault: Fault, call: Call) -> bool:
    """Whether provider and operation, which the place of a fault stands for, are not all that it asks."""
    if call.is_media and fault.path is None:
        return False
    if fault.path is not None and not _fits(call.path, fault.path):
        return False
    return fault.match is None or is_subset(fault.match, call.body)


def _fits(path: str, glob: str) -> bool:
    """True for a path that a glob of `*` and `?` means; a slash at the end makes no other path."""
    # A bracket is itself here, and not the beginning of a set.
    shape, plain = glob.replace("[", "[[]"), unquote(path)
    return fnmatchcase(plain, shape) or fnmatchcase(plain.rstrip("/"), shape.rstrip("/"))


def _happens(fault: Fault, draw: Draw) -> bool:
    return fault.probability is None or fault.probability >= 1 or draw() < fault.probability


def _drawn(seconds: Any, draw: Draw) -> float:
    if isinstance(seconds, list | tuple):
        least, most = seconds
        return float(least + (most - least) * draw())
    return float(seconds)
