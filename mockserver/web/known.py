"""Requests that came before: what was made of them is kept for when they come again."""

from __future__ import annotations

import threading

from mockserver.web.exchange import Asked
from mockserver.web.living import MOST_REMEMBERED
from mockserver.web.request import Incoming


class Known:
    """The newest requests and what was made of them: one that comes again need not be read again.

    Load tests and polling loops say the same over and over. To locate, validate and redact a song takes 30 µs
    and to find it here 1. What the state has to say is asked each time: nothing in an `Asked` depends on it.
    """

    def __init__(self) -> None:
        self._asked: dict[tuple[object, ...], Asked] = {}
        self._guard = threading.Lock()

    def of(self, incoming: Incoming, raw: bytes) -> Asked | None:
        """What was made of this very request, if it is among the newest."""
        # Our protocol hands over the same object where the same bytes came: that spares another 1 µs.
        asked = incoming.asked
        if not isinstance(asked, Asked):
            asked = incoming.asked = self._asked.get(_key(incoming, raw))
        return asked

    def keep(self, incoming: Incoming, raw: bytes, asked: Asked) -> None:
        """Remember a request in the place of the oldest one, unless it is large."""
        if asked.heard.weight > MOST_REMEMBERED:
            return
        with self._guard:
            if len(self._asked) >= _REMEMBERED:
                del self._asked[next(iter(self._asked))]
            self._asked[_key(incoming, raw)] = asked
        incoming.asked = asked


# With what was read of each and its reply they take some 5 MB, and 30 MB at most.
_REMEMBERED = 1024


def _key(incoming: Incoming, raw: bytes) -> tuple[object, ...]:
    return (incoming.method, incoming.raw_path, incoming.query, raw, *incoming.headers)
