"""What the domain speaks of, as plain JSON records and back: a field's name is its key.

A record is what a person may read in an export: seconds and credits, not their millionths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from mockserver.domain import credits
from mockserver.domain.clock import MICROS
from mockserver.domain.model import NEVER, Account, Failure, Persona, Song, Task
from mockserver.domain.policy import Limit


def seconds(micros: int) -> float:
    """A moment or a length as seconds."""
    return micros / MICROS


def whole_seconds(micros: int) -> int:
    """A moment as the second it is in."""
    return micros // MICROS


def micros(value: float) -> int:
    """Seconds as whole microseconds."""
    return round(value * MICROS)


def pack(record: Mapping[str, Any]) -> bytes:
    """A record as a store keeps it."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def unpack(data: bytes) -> dict[str, Any]:
    """The record that a store keeps."""
    record: dict[str, Any] = json.loads(data.decode("utf-8", "surrogatepass"))
    return record


def write_task(task: Task) -> dict[str, Any]:
    """A task's record."""
    return {
        **task._asdict(),
        "request": dict(task.request),
        "created": seconds(task.created),
        "starts": seconds(task.starts),
        "length": seconds(task.length),
        "songs": [song._asdict() for song in task.songs],
        "charged": credits.shown(task.charged),
        "failure": {**task.failure._asdict(), "at": _write_moment(task.failure.at)} if task.failure else None,
        "begun": None if task.begun is None else [_write_moment(at) for at in task.begun],
    }


def read_task(record: Mapping[str, Any]) -> Task:
    """The task that a record tells of."""
    moments = {name: micros(record[name]) for name in ("created", "starts", "length")}
    failure, begun = record["failure"], record.get("begun")
    told = {
        "songs": tuple(Song(**song) for song in record["songs"]),
        "charged": credits.counted(record["charged"]),
        "failure": Failure(**{**failure, "at": _read_moment(failure["at"])}) if failure else None,
        "begun": None if begun is None else tuple(map(_read_moment, begun)),
    }
    return Task(**{**record, **moments, **told})


def _write_moment(at: int) -> float | None:
    """A moment; None for one that only a poll can bring."""
    return None if at == NEVER else seconds(at)


def _read_moment(value: float | None) -> int:
    return NEVER if value is None else micros(value)


def write_persona(persona: Persona) -> dict[str, Any]:
    """A persona's record."""
    return {**persona._asdict(), "created": seconds(persona.created)}


def read_persona(record: Mapping[str, Any]) -> Persona:
    """The persona that a record tells of."""
    return Persona(**{**record, "created": micros(record["created"])})


def write_account(account: Account) -> dict[str, Any]:
    """An account's record."""
    counts = {name: credits.shown(getattr(account, name)) for name in _CREDITS}
    return {**account._asdict(), **counts, "rate_limit": write_limit(account.rate_limit)}


def read_account(record: Mapping[str, Any]) -> Account:
    """The account that a record tells of."""
    counts = {name: credits.counted(record[name]) for name in _CREDITS}
    return Account(**{**record, **counts, "rate_limit": read_limit(record.get("rate_limit"))})


def write_limit(limit: Limit | None) -> dict[str, Any] | None:
    """A limit's record; None where there is none."""
    return {"count": limit.count, "seconds": limit.seconds} if limit else None


def read_limit(record: Mapping[str, Any] | None) -> Limit | None:
    """The limit that a record tells of, if any."""
    # 5.0 is a whole number to JSON Schema, but no place in an order.
    return Limit(int(record["count"]), record["seconds"]) if record else None


_CREDITS: Final = ("credits", "used")
