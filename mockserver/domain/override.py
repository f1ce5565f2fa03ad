"""Queued and standing outcomes: which of them wins over the state, and what taking one does to the queue."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from mockserver.domain.pages import walk
from mockserver.domain.ports import Tx

_LAST = 10**12


class Override(NamedTuple):
    """An outcome that was asked for ahead of the call it is for. `times` is None for one that stands."""

    id: str
    outcome: str
    provider: str | None
    operation: str | None
    times: int | None
    left: int | None
    match: Any = None
    delay: float | None = None
    targets: tuple[tuple[str, str], ...] = ()
    # How the task of a `task-failed` fails: a failure's name, or a code with words.
    error: Any = None

    @property
    def stands(self) -> bool:
        """True for an outcome that holds until it is deleted."""
        return self.times is None

    def as_json(self) -> dict[str, Any]:
        """The override as the control API lists it."""
        shown = {"match": self.match, "delay": self.delay, "error": self.error}
        return {
            "id": self.id,
            "provider": self.provider,
            "operation": self.operation,
            "outcome": self.outcome,
            "times": self.times,
            "left": self.left,
            **{key: value for key, value in shown.items() if value is not None},
        }


def add(tx: Tx, override: Override) -> None:
    """Queue an override, or let it stand, at each operation it is for."""
    number = int(tx.get("override-count") or b"0") + 1
    tx.put("override-count", b"%d" % number)
    tx.put(f"override-id/{override.id}", b"%d" % number)
    tx.put(_record(number), _encode(override))
    for key in _pointers(override, number):
        tx.put(key, b"%d" % number)


def take(tx: Tx, provider: str, operation: str, body: Any) -> Override | None:
    """The override that this call meets, used up by one; queued ones first, then the newest that stands."""
    for kind in ("queued", "standing"):
        for number, override in _waiting(tx, kind, provider, operation):
            if override.match is None or is_subset(override.match, body):
                return _use(tx, number, override)
    return None


def listed(tx: Tx) -> list[Override]:
    """Every override of the sandbox, oldest first."""
    return [override for _, override in _all(tx)]


def remove(tx: Tx, name: str) -> bool:
    """Delete the override of that id; False when there is none."""
    found = tx.get(f"override-id/{name}")
    if found is None:
        return False
    _forget(tx, int(found), _decode(_present(tx, int(found))))
    return True


def clear(tx: Tx) -> int:
    """Delete them all, and say how many there were."""
    waiting = list(_all(tx))
    for number, override in waiting:
        _forget(tx, number, override)
    return len(waiting)


def is_subset(wanted: Any, got: Any) -> bool:
    """True when everything in `wanted` is in `got`: fields by name, lists item by item, the rest by value."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(
            key in got and is_subset(item, got[key]) for key, item in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(got, list) and len(wanted) == len(got) and all(map(is_subset, wanted, got))
    return (type(wanted) is type(got) and bool(wanted == got)) or _same_number(wanted, got)


def _same_number(one: Any, other: Any) -> bool:
    numbers = (int, float)
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    return isinstance(one, numbers) and isinstance(other, numbers) and one == other


# --- records ------------------------------------------------------------------------------------------------


def _record(number: int) -> str:
    return f"override/{number:012d}"


def _present(tx: Tx, number: int) -> bytes:
    record = tx.get(_record(number))
    if record is None:
        raise LookupError(f"the override {number} is pointed at and not there")
    return record


def _folder(kind: str, provider: str, operation: str) -> str:
    return f"{kind}/{quote(provider, safe='')}/{quote(operation, safe='')}/"


def _pointers(override: Override, number: int) -> Iterator[str]:
    # One key per operation that can meet it, so that a call looks at its own queue only. Standing ones are
    # numbered backwards: the newest is the first in key order.
    kind, place = ("standing", _LAST - number) if override.stands else ("queued", number)
    for provider, operation in override.targets:
        yield f"{_folder(kind, provider, operation)}{place:012d}"


def _waiting(tx: Tx, kind: str, provider: str, operation: str) -> Iterator[tuple[int, Override]]:
    for _, number in walk(tx, _folder(kind, provider, operation)):
        yield int(number), _decode(_present(tx, int(number)))


def _all(tx: Tx) -> Iterator[tuple[int, Override]]:
    for key, record in walk(tx, "override/"):
        yield int(key.rpartition("/")[2]), _decode(record)


def _use(tx: Tx, number: int, override: Override) -> Override:
    if override.left is None:
        return override
    used = override._replace(left=override.left - 1)
    if used.left:
        tx.put(_record(number), _encode(used))
    else:
        _forget(tx, number, override)
    return used


def _forget(tx: Tx, number: int, override: Override) -> None:
    for key in (*_pointers(override, number), f"override-id/{override.id}", _record(number)):
        tx.delete(key)


def _encode(override: Override) -> bytes:
    record = override._asdict()
    return json.dumps(record, separators=(",", ":")).encode()


def _decode(record: bytes) -> Override:
    fields: Mapping[str, Any] = json.loads(record)
    targets: Iterable[Any] = fields["targets"]
    return Override(**{**fields, "targets": tuple((str(one), str(two)) for one, two in targets)})
