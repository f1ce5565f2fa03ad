"""What the domain speaks of, as plain JSON records and back: a field's name is its key.

A record is what a person may read in an export: seconds and credits, not their millionths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from mockserver.domain import credits
from mockserver.domain.clock import MICROS
from mockserver.domain.model import Account, Failure, Persona, Song, Task


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
        "failure": {**task.failure._asdict(), "at": seconds(task.failure.at)} if task.failure else None,
    }


def read_task(record: Mapping[str, Any]) -> Task:
    """The task that a record tells of."""
    moments = {name: micros(record[name]) for name in ("created", "starts", "length")}
    failure = record["failure"]
    told = {
        "songs": tuple(Song(**song) for song in record["songs"]),
        "charged": credits.counted(record["charged"]),
        "failure": Failure(**{**failure, "at": micros(failure["at"])}) if failure else None,
    }
    return Task(**{**record, **moments, **told})


def write_persona(persona: Persona) -> dict[str, Any]:
    """A persona's record."""
    return {**persona._asdict(), "created": seconds(persona.created)}


def read_persona(record: Mapping[str, Any]) -> Persona:
    """The persona that a record tells of."""
    return Persona(**{**record, "created": micros(record["created"])})


def write_account(account: Account) -> dict[str, Any]:
    """An account's record."""
    counts = {name: credits.shown(getattr(account, name)) for name in _CREDITS}
    return {**account._asdict(), **counts}


def read_account(record: Mapping[str, Any]) -> Account:
    """The account that a record tells of."""
    return Account(**{**record, **{name: credits.counted(record[name]) for name in _CREDITS}})


_CREDITS: Final = ("credits", "used")
