"""A bounded log: the newest entries, as many as fit."""

from __future__ import annotations

from mockserver.domain.ports import Record


class Log:
    """The newest entries of a log by their number, and the number of the last one ever added.

    It keeps at most `size` entries, which together weigh at most `room`; the newest stays whatever it weighs.
    """

    __slots__ = ("_entries", "_first", "_last", "_room", "_size", "_start", "_weight", "_weights")

    def __init__(self, size: int, room: int) -> None:
        self._size = size
        self._room = room
        # A ring: a new entry takes the place of the oldest. Numbers have no gaps, so that any is found at
        # once; that of number n is at n - start, counted round the ring.
        self._entries: list[Record | None] = []
        self._weights: list[int] = []
        self._weight = 0
        self._start = 1
        # The oldest that is kept, and the newest.
        self._first, self._last = 1, 0

    def append(self, entry: Record, weight: int) -> int:
        """Add an entry and return its number."""
        self._last = number = self._last + 1
        size = self._size
        if number - self._start < size:
            self._entries.append(entry)
            self._weights.append(weight)
            self._weight += weight
        elif size:
            at, weights = (number - self._start) % size, self._weights
            # Of one that was let go before, nothing is left to take away.
            self._weight += weight - weights[at]
            self._entries[at] = entry
            weights[at] = weight
            if number - self._first >= size:
                self._first += 1
        else:
            self._first += 1
        if self._weight > self._room:
            self._shed()
        return number

    def after(self, number: int, limit: int) -> list[tuple[int, Record]]:
        """Return the first `limit` entries still kept whose number is above this one, oldest first."""
        first = max(number + 1, self._first)
        numbers = range(first, min(first + limit, self._last + 1))
        found = ((n, self._entries[(n - self._start) % self._size]) for n in numbers)
        return [(n, entry) for n, entry in found if entry is not None]

    def newest(self, limit: int) -> list[tuple[int, Record]]:
        """Return the newest `limit` entries, oldest first."""
        return self.after(self._last - limit, limit)

    def clear(self) -> None:
        """Remove the entries and go on counting."""
        self._entries.clear()
        self._weights.clear()
        self._weight = 0
        self._start = self._first = self._last + 1

    def _shed(self) -> None:
        """Let the oldest entries go that have no room."""
        while self._weight > self._room and self._first < self._last:
            at = (self._first - self._start) % self._size
            self._weight -= self._weights[at]
            self._entries[at], self._weights[at] = None, 0
            self._first += 1
