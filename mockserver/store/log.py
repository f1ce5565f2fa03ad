"""A bounded log: the newest entries, as many as fit."""

from __future__ import annotations

from collections import deque

from mockserver.domain.ports import Record


class Log:
    """The newest entries of a log by their number, and the number of the last one ever added.

    It keeps at most `size` entries, which together weigh at most `room`; the newest stays whatever it weighs.
    """

    __slots__ = ("_entries", "_last", "_room", "_size", "_weight", "_weights")

    def __init__(self, size: int, room: int) -> None:
        self._size = size
        self._room = room
        # Numbers have no gaps, so any page is found without walking to it, as it would be in a deque.
        self._entries: dict[int, Record] = {}
        self._weights: deque[int] = deque()
        self._weight = 0
        self._last = 0

    def append(self, entry: Record, weight: int) -> int:
        """Add an entry and return its number."""
        self._last = number = self._last + 1
        self._entries[number] = entry
        self._weights.append(weight)
        self._weight += weight
        if self._weight > self._room or len(self._entries) > self._size:
            self._shed()
        return number

    def after(self, number: int, limit: int) -> list[tuple[int, Record]]:
        """Return the first `limit` entries still kept whose number is above this one, oldest first."""
        first = max(number, self._last - len(self._entries)) + 1
        return [(n, self._entries[n]) for n in range(first, min(first + limit, self._last + 1))]

    def newest(self, limit: int) -> list[tuple[int, Record]]:
        """Return the newest `limit` entries, oldest first."""
        return self.after(self._last - limit, limit)

    def clear(self) -> None:
        """Remove the entries and go on counting."""
        self._entries.clear()
        self._weights.clear()
        self._weight = 0

    def _shed(self) -> None:
        """Let the oldest entries go that have no room."""
        kept = len(self._entries)
        while kept > self._size or (self._weight > self._room and kept > 1):
            del self._entries[self._last - kept + 1]
            self._weight -= self._weights.popleft()
            kept -= 1
