"""Uploads in the store: places that a provider opened, and the bytes that a client put there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mockserver.domain.pages import walk
from mockserver.domain.ports import Tx
from mockserver.domain.records import pack, unpack


class Upload(NamedTuple):
    """A place: what it was opened for, and how much has come."""

    id: str
    name: str
    content_type: str
    opened_at: float
    size: int | None = None


def put(tx: Tx, upload: Upload) -> None:
    """Keep a place, new or changed."""
    tx.put(f"upload/{upload.id}", pack(upload._asdict()))


def fill(tx: Tx, upload: Upload, content: bytes) -> None:
    """Put bytes in a place, over those that were there."""
    put(tx, upload._replace(size=len(content)))
    tx.put(f"upload-bytes/{upload.id}", content)


def find(tx: Tx, id: str) -> Upload | None:
    """The place of that id."""
    record = tx.get(f"upload/{id}")
    return Upload(**unpack(record)) if record else None


def content(tx: Tx, id: str) -> bytes | None:
    """The bytes in a place."""
    return tx.get(f"upload-bytes/{id}")


def every(tx: Tx) -> Iterator[Upload]:
    """Every place, by its id."""
    for _, record in walk(tx, "upload/"):
        yield Upload(**unpack(record))
