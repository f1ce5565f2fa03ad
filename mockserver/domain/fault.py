"""Faults that wait for the calls and callbacks they are for: which one is met, and what that leaves of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from mockserver.domain import marks
from mockserver.domain.marks import Leads, Mark
from mockserver.domain.override import is_subset, wanted
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
    return [place(fault.family, *_name(fault.family, fault.fault), fault.provider, fault.operation)]


def _name(family: str, name: str | None) -> tuple[str | None, ...]:
    # A callback is asked about by one name after the other: those of the others are not to be looked at.
    return (name,) if family == "callback" else ()


def _asks(fault: Fault) -> Iterator[Mark]:
    if fault.path is not None:
        yield _mark_of(fault.path)
    yield from wanted(fault.match)


_FAULTS: Final = Waiting("fault", _places, _asks, Fault)
add, listed, remove, clear = _FAULTS.add, _FAULTS.listed, _FAULTS.remove, _FAULTS.clear


# What says that some wait, by family; looked at by every call.
_LATE, _SPOILT, _CALLED = (_FAULTS.sign(family) for family in (LATENCY, "reply", "callback"))


def is_spared(tx: Tx) -> bool:
    """True where no fault waits for any call."""
    return tx.get(_LATE) is None and tx.get(_SPOILT) is None


def callbacks_are_spared(tx: Tx) -> bool:
    """True where no fault waits for any callback."""
    return tx.get(_CALLED) is None


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
        return _suits(fault, call) and _happens(fault, draw)

    def met(leads: Leads) -> Iterator[Mark]:
        return _marks(call, leads)

    return _FAULTS.take(tx, family, _met_at(family, call, name), met, suits)


def _met_at(family: str, call: Call, name: str | None) -> Iterator[str]:
    """The places of faults that ask for no other name, provider and operation."""
    for provider in dict.fromkeys((call.provider, None)):
        for operation in dict.fromkeys((call.operation, None)):
            yield place(family, *_name(family, name), provider, operation)


def _marks(call: Call, leads: Leads) -> Iterator[Mark]:
    """The marks that faults of a call may wait under."""
    # What waits under no mark asks for no path, and a call for media meets only what does.
    if not call.is_media:
        yield marks.ANY
    if leads(_GLOB):
        yield from _marks_on(unquote(call.path))
    yield from marks.of(call.body, leads)


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


# Where the marks of globs are; the path of a value in a body begins with a slash, or is empty.
_GLOB: Final = "glob"
# Folders below these are not told apart, lest a path of nothing but slashes costs much.
_DEEPEST: Final = 8


def _mark_of(glob: str) -> Mark:
    """The mark of all paths that a glob means: the path, where it means one, else the folder they are in."""
    sure = glob[: min((at for at in map(glob.find, "*?") if at >= 0), default=len(glob))]
    if sure == glob:
        return marks.named(_GLOB, f"is {glob.rstrip('/')}")
    return marks.named(_GLOB, f"in {''.join(_folders(sure))}")


def _marks_on(plain: str) -> Iterator[Mark]:
    """The marks of a path: its own, and those of the folders it is in."""
    yield marks.named(_GLOB, f"is {plain.rstrip('/')}")
    for folder in accumulate(_folders(plain), initial=""):
        yield marks.named(_GLOB, f"in {folder}")


def _folders(path: str) -> list[str]:
    return [f"{name}/" for name in path.split("/")[:-1][:_DEEPEST]]


def _happens(fault: Fault, draw: Draw) -> bool:
    return fault.probability is None or fault.probability >= 1 or draw() < fault.probability


def _drawn(seconds: Any, draw: Draw) -> float:
    if isinstance(seconds, list | tuple):
        least, most = seconds
        return float(least + (most - least) * draw())
    return float(seconds)
