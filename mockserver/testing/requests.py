"""The calls of a sandbox as a list; each is read from the journal where somebody looks at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from mockserver.testing.records import Request
from mockserver.web.journal import Entry, Journal


class Requests(Sequence[Request]):
    """The calls that were there when it was asked for, oldest first."""

    def __init__(self, journal: Journal, kept: list[Entry]) -> None:
        self._journal = journal
        self._kept = kept

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, at: int) -> Request: ...
    @overload
    def __getitem__(self, at: slice) -> list[Request]: ...
    def __getitem__(self, at: int | slice) -> Request | list[Request]:
        if isinstance(at, slice):
            return [self._read(data) for data in self._kept[at]]
        if not self._kept:
            raise IndexError("no call reached this mock")
        return self._read(self._kept[at])

    def __iter__(self) -> Iterator[Request]:
        return map(self._read, self._kept)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(
            mine == theirs for mine, theirs in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))

    def _read(self, entry: Entry) -> Request:
        return Request.of(self._journal.whole(entry))
