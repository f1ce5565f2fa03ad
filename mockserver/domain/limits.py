"""Rate limits: so many accepted calls in any so many seconds of the sandbox's clock.

Each accepted call leaves its moment as a record of its own and takes the oldest one along, so that looking
and counting cost little however many calls a limit allows.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from mockserver.domain.model import Account
from mockserver.domain.policy import Limit, Policy
from mockserver.domain.ports import Tx
from mockserver.domain.records import micros


class Window(NamedTuple):
    """Where the calls that share a limit are counted, the limit, and how many of them are remembered."""

    name: str
    limit: Limit
    keeps: int


class Standing(NamedTuple):
    """The accepted calls within a window, and the moment of room for the next; None while there is room."""

    accepted: int
    free_at: int | None


def of_submissions(provider: str, policy: Policy, account: Account) -> Window | None:
    """The window of an account's submissions at a provider: its own limit goes before the provider's."""
    known = [limit for limit in (account.rate_limit, policy.submissions) if limit is not None]
    if not known:
        return None
    # What is remembered reaches as far as the limit that holds when the account's own one is taken away.
    return Window(f"{provider}/{account.id}", known[0], max(limit.count for limit in known))


def of_polls(provider: str, policy: Policy, account: str, task: str) -> Window | None:
    """The window of an account's polls of one task."""
    limit = policy.polls
    return Window(f"{provider}/{account}/{task}", limit, limit.count) if limit else None


def look(tx: Tx, window: Window, now: int) -> Standing:
    """How a window stands; nothing is written."""
    held = _held(tx, window)
    # A call is out of the window as soon as its seconds are over, and not a moment later.
    gone = bisect_right(held, now - _length(window), key=lambda number: _moment(tx, window, number))
    accepted = len(held) - gone
    if accepted < window.limit.count:
        return Standing(accepted, None)
    return Standing(accepted, _moment(tx, window, held[-window.limit.count]) + _length(window))


def accept(tx: Tx, window: Window, now: int) -> None:
    """Count one more call."""
    held = _held(tx, window)
    tx.put(_key(window, held.stop), b"%d" % now)
    # Two for one, until no more are remembered than are asked for: a limit may have become smaller.
    surplus = max(0, min(2, len(held) + 1 - window.keeps))
    for number in held[:surplus]:
        tx.delete(_key(window, number))
    tx.put(f"rate/{window.name}", b"%d %d" % (held.start + surplus, held.stop + 1))


def _held(tx: Tx, window: Window) -> range:
    """The numbers of the calls that are remembered."""
    record = tx.get(f"rate/{window.name}")
    return range(*map(int, record.split())) if record else range(1, 1)


def _moment(tx: Tx, window: Window, number: int) -> int:
    record = tx.get(_key(window, number))
    assert record is not None
    return int(record)


def _key(window: Window, number: int) -> str:
    # The number comes first, for a name may end in whatever a client calls a task.
    return f"rate-{number}/{window.name}"


def _length(window: Window) -> int:
    return max(1, micros(window.limit.seconds))
