"""The newest of many things, by a key: so many, and no more."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

# As many as a load test may walk over: one that comes around too late is read anew, which takes five times as
# long. With what hangs on each they take some 20 MB, and few are large.
MOST, LARGEST = 4096, 4096


class Newest(Generic[K, V]):
    """What was remembered last, to be found again; may be used from any thread."""

    def __init__(self) -> None:
        self._kept: dict[K, V] = {}
        self._guard = threading.Lock()
        # The dict's own method, for each call looks here.
        self.find = self._kept.get

    def keep(self, key: K, value: V) -> None:
        """Remember it, in the place of the oldest where there are many."""
        with self._guard:
            if len(self._kept) >= MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = value

    def clear(self) -> None:
        """Forget them all."""
        with self._guard:
            self._kept.clear()
