"""Keys in code point order: neither a change nor the garbage collector walks through them all."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain, islice, takewhile

# The most keys of one run. A change copies a run, 0.3 µs at this length.
_MOST = 128


class Order:
    """A set of keys that gives them out by the page, in code point order.

    They stand in runs, each a tuple: the collector passes over tuples of texts, where lists of three million
    keys would cost each full collection 10 ms and more.
    """

    __slots__ = ("_firsts", "_runs")

    def __init__(self, keys: Iterable[str]) -> None:
        line = sorted(keys)
        self._runs = [tuple(line[at : at + _MOST]) for at in range(0, len(line), _MOST)]
        # The first key of each run.
        self._firsts = [run[0] for run in self._runs]

    def page(self, prefix: str, after: str, limit: int) -> Sequence[str]:
        """The first `limit` keys with this prefix strictly after a key, in order."""
        # Mostly there are none at all, and nothing has to be looked for.
        if not self._runs or limit < 1:
            return ()
        # And mostly a family is read from its beginning: nothing to look for either, 0.2 µs.
        at, place = (0, 0) if after < prefix <= self._firsts[0] else self._place(prefix, after)
        found = self._runs[at][place : place + limit]
        if len(found) < limit and at + 1 < len(self._runs):
            following = chain.from_iterable(self._runs[at + 1 : at + 1 + limit])
            found += tuple(islice(following, limit - len(found)))
        if found and not found[-1].startswith(prefix):
            return list(takewhile(lambda key: key.startswith(prefix), found))
        return found

    def follow(self, key: str, is_there: bool) -> None:
        """Have this key, or have it no more; nothing changes where it is so already."""
        if not self._runs:
            self._runs, self._firsts = ([(key,)], [key]) if is_there else ([], [])
            return
        # The first run takes what comes before it, too.
        at = bisect_right(self._firsts, key, 1) - 1
        run = self._runs[at]
        place = bisect_left(run, key)
        if (place < len(run) and run[place] == key) is is_there:
            return
        self._replace(at, (*run[:place], key, *run[place:]) if is_there else run[:place] + run[place + 1 :])

    def _place(self, prefix: str, after: str) -> tuple[int, int]:
        """The run, and the place in it, where the keys with a prefix begin that come after a key."""
        start, find = (after, bisect_right) if after >= prefix else (prefix, bisect_left)
        at = bisect_right(self._firsts, start, 1) - 1
        return at, find(self._runs[at], start)

    def _replace(self, at: int, run: tuple[str, ...]) -> None:
        if not run:
            del self._runs[at], self._firsts[at]
        elif len(run) <= _MOST:
            self._runs[at], self._firsts[at] = run, run[0]
        else:
            # Keys that only ever grow leave full runs behind them.
            cut = _MOST if at == len(self._runs) - 1 else _MOST // 2
            self._runs[at : at + 1] = run[:cut], run[cut:]
            self._firsts[at : at + 1] = run[0], run[cut]
