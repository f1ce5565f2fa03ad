"""What the memory store promises beyond the port."""

from __future__ import annotations

import time

import pytest

from mockserver.domain.ports import Tx
from mockserver.store.memory import MemoryStore


def write_a_hundred_thousand(tx: Tx) -> None:
    for n in range(100_000):
        tx.put(f"t/{n:06}", b"")


def test_memory_store_names_itself_and_never_blocks() -> None:
    store = MemoryStore()

    assert store.name == "memory"
    assert store.may_block is False


def test_log_size_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="log_size must be 0 or more, got -1"):
        MemoryStore(log_size=-1)


def test_closed_store_has_let_go_of_everything() -> None:
    store = MemoryStore()
    store.run("alice", lambda tx: tx.put("k", b""))
    store.append("alice", "journal", b"x")

    store.close()

    assert store.sandboxes() == []


def test_work_is_called_once() -> None:
    calls: list[Tx] = []

    MemoryStore().run("alice", calls.append)

    assert len(calls) == 1


def test_scans_of_a_work_with_many_writes_do_not_sort_them_each_time() -> None:
    store = MemoryStore()

    def work(tx: Tx) -> int:
        for n in range(20_000):
            tx.put(f"t/{n:06}", b"")
            tx.scan("t/", after=f"t/{n:06}", limit=1)
        return len(tx.scan("t/", limit=50_000))

    started = time.perf_counter()
    assert store.run("alice", work) == 20_000

    assert time.perf_counter() - started < 5  # sorting anew for each scan takes a minute


def test_scan_stops_where_its_prefix_ends() -> None:
    store = MemoryStore()
    store.run("alice", write_a_hundred_thousand)
    started = time.perf_counter()

    for _ in range(300):
        assert store.run("alice", lambda tx: tx.scan("s/")) == []

    assert time.perf_counter() - started < 2  # walking through all that follows takes ten times as long


def test_reading_the_middle_of_a_long_log_does_not_walk_to_it() -> None:
    store = MemoryStore(log_size=200_000)
    for _ in range(200_000):
        store.append("alice", "journal", b"")
    started = time.perf_counter()

    for number in range(90_000, 110_000, 10):
        assert store.read("alice", "journal", after=number, limit=1) == [(number + 1, b"")]

    assert time.perf_counter() - started < 1  # walking there takes several seconds
