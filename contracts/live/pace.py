"""How fast a provider is called: with a gap between calls, and so many submissions in so many seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

Json = Any


class Pace:
    """Waits before a call, as long as the provider's limits ask for."""

    def __init__(
        self, live: Mapping[str, Json], clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        limit = live.get("submissions")
        self._gap = float(live.get("gap", 0))
        self._count = limit["count"] if limit else None
        self.window = float(limit["seconds"]) if limit else 10.0
        self._clock, self._sleep = clock, sleep
        self._last: float | None = None
        self._submitted: deque[float] = deque()

    def before(self, method: str) -> None:
        """Wait until a call of this method may go out."""
        waits = [0.0]
        now = self._clock()
        if self._last is not None:
            waits.append(self._last + self._gap - now)
        submits = method not in ("GET", "HEAD", "OPTIONS")
        if submits and self._count is not None and len(self._submitted) >= self._count:
            # A little longer, for the provider counts from when a call arrives.
            waits.append(self._submitted[-self._count] + self.window * 1.05 - now)
        if max(waits) > 0:
            self._sleep(max(waits))
        self._last = self._clock()
        if submits:
            self._submitted.append(self._last)
            while self._count is not None and len(self._submitted) > self._count:
                self._submitted.popleft()
