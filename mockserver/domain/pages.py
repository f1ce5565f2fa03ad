"""A walk over many records of a transaction, which gives them out by the page."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.domain.ports import Tx

_PAGE = 50


def walk(tx: Tx, prefix: str, after: str = "") -> Iterator[tuple[str, bytes]]:
    """Every record with this prefix, in the order of the keys, strictly after a key."""
    while page := tx.scan(prefix, after, _PAGE):
        yield from page
        after = page[-1][0]
