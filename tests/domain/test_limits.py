"""Windows as values: against a list of every moment, whatever limits come and go."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.domain import limits
from mockserver.domain.limits import Window
from mockserver.domain.policy import Limit
from mockserver.domain.ports import Store, Tx
from mockserver.store.memory import MemoryStore

SECOND = 1_000_000
DAY = 86_400 * SECOND


def window(count: int, seconds: float = 10, keeps: int | None = None, name: str = "kie/a") -> Window:
    return Window(name, Limit(count, seconds), keeps or count)


def accept(store: Store, at: Window, moments: Iterable[int]) -> None:
    for now in moments:
        store.run("box", lambda tx, now=now: limits.accept(tx, at, now))  # type: ignore[misc]


def look(store: Store, at: Window, now: int) -> tuple[int, int | None]:
    return store.run("box", lambda tx: limits.look(tx, at, now))


def records(store: Store) -> int:
    return store.run("box", lambda tx: len(tx.scan("", "", 1_000_000)))


def test_a_window_has_room_until_its_count_and_again_when_the_first_one_leaves(store: Store) -> None:
    accept(store, window(2), [0, 4 * SECOND])

    looks = [look(store, window(2), now) for now in (4 * SECOND, 10 * SECOND - 1, 10 * SECOND, 14 * SECOND)]

    assert looks == [(2, 10 * SECOND), (2, 10 * SECOND), (1, None), (0, None)]


def test_windows_of_other_names_do_not_meet(store: Store) -> None:
    accept(store, window(1, name="kie/a"), [0])

    # The second is a poll of what a client calls a task.
    others = [look(store, window(1, name=name), 0) for name in ("kie/b", "kie/a/1", "kie/a/", "crun/a")]

    assert others == [(0, None)] * 4


def test_two_in_one_moment_are_two_however_short_the_window() -> None:
    store = MemoryStore()
    tiny = window(1, seconds=1e-9)

    accept(store, tiny, [5])

    assert look(store, tiny, 5) == (1, 6)
    assert look(store, tiny, 6) == (0, None)


@given(
    count=st.integers(1, 5),
    keeps=st.integers(0, 4),
    seconds=st.sampled_from([0.5, 1, 3, 10]),
    steps=st.lists(st.integers(0, 4 * SECOND), max_size=40),
)
def test_a_window_counts_what_a_list_of_all_moments_would(
    count: int, keeps: int, seconds: float, steps: list[int]
) -> None:
    store = MemoryStore()
    told: list[int] = []
    at, length = window(count, seconds, count + keeps), round(seconds * SECOND)
    now = 0
    for step in steps:
        now += step
        inside = [moment for moment in told if moment > now - length]

        accepted, free_at = look(store, at, now)

        assert accepted == len(inside) <= count
        assert free_at == (inside[0] + length if len(inside) == count else None)
        if free_at is None:
            told.append(now)
            accept(store, at, [now])
    assert records(store) <= count + keeps + 1


def test_what_is_remembered_reaches_as_far_as_the_longer_limit() -> None:
    store = MemoryStore()
    accept(store, window(2, seconds=1, keeps=20), [second * SECOND for second in range(9)])

    assert look(store, window(20), 9 * SECOND) == (9, None)
    assert look(store, window(5), 9 * SECOND) == (9, 14 * SECOND)


def test_a_limit_that_became_smaller_leaves_no_records_for_good() -> None:
    store = MemoryStore()
    accept(store, window(100), range(100))

    accept(store, window(3), range(1000, 1100))

    assert records(store) == 3 + 1
    assert look(store, window(3), 1100) == (3, 1097 + 10 * SECOND)


class Counting:
    """A transaction that counts what is asked of it."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self.calls = 0

    def get(self, key: str) -> bytes | None:
        """Count, and hand on."""
        self.calls += 1
        return self.tx.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Count, and hand on."""
        self.calls += 1
        self.tx.put(key, value)

    def count(self, key: str, more: int = 1) -> int:
        """Count, and hand on."""
        self.calls += 1
        return self.tx.count(key, more)

    def delete(self, key: str) -> None:
        """Count, and hand on."""
        self.calls += 1
        self.tx.delete(key)

    def scan(self, prefix: str, after: str = "", limit: int = 100) -> list[tuple[str, bytes]]:
        """Nothing here is to be searched for."""
        raise AssertionError("a window is read record by record")


@pytest.mark.parametrize("count", [10, 10_000])
def test_a_look_and_a_count_cost_little_however_many_calls_a_limit_allows(count: int) -> None:
    at, store = window(count, seconds=86_400), MemoryStore()

    def full(tx: Tx) -> None:
        for moment in range(count):
            limits.accept(tx, at, moment)

    def spent(tx: Tx) -> int:
        counting = Counting(tx)
        assert limits.look(counting, at, count) == (count, DAY)
        limits.accept(counting, at, count)
        return counting.calls

    store.run("box", full)

    assert store.run("box", spent) <= 22
