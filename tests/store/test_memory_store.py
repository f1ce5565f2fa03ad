"""What the memory store promises beyond the port."""

from __future__ import annotations

import gc
import threading
import time
from functools import partial

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


def test_log_bytes_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="log_bytes must be 0 or more, got -1"):
        MemoryStore(log_bytes=-1)


def test_a_method_taken_from_a_tx_is_of_no_use_after_its_work() -> None:
    put, delete, scan = MemoryStore().run("alice", lambda tx: (tx.put, tx.delete, tx.scan))

    with pytest.raises(RuntimeError, match="after its work had returned"):
        put("late", b"1")
    with pytest.raises(RuntimeError, match="after its work had returned"):
        delete("late")
    with pytest.raises(RuntimeError, match="after its work had returned"):
        scan("")


def test_a_tx_is_of_no_use_after_its_work_has_failed() -> None:
    kept: list[Tx] = []

    def work(tx: Tx) -> None:
        kept.append(tx)
        raise LookupError

    with pytest.raises(LookupError):
        MemoryStore().run("alice", work)

    with pytest.raises(RuntimeError, match="after its work had returned"):
        kept[0].get("late")


def test_other_threads_wait_for_work_and_are_not_told_off() -> None:
    store = MemoryStore()
    numbers: list[int] = []
    other = threading.Thread(target=lambda: numbers.append(store.append("alice", "journal", b"x")))

    def work(_: Tx) -> None:
        other.start()
        other.join(0.05)
        numbers.append(0)

    store.run("alice", work)
    other.join(10)

    assert numbers == [0, 1]


def test_a_small_family_is_scanned_quickly_however_many_keys_there_are_elsewhere() -> None:
    store = MemoryStore()
    store.run("alice", write_a_hundred_thousand)
    started = time.perf_counter()

    for n in range(2_000):
        assert store.run("alice", partial(in_and_out, f"due/{n}")) == [(f"due/{n}", b"")]
        assert store.run("alice", partial(first_of, f"other-{n}/")) == []

    assert time.perf_counter() - started < 2  # a walk through all keys each time takes ten times as long


def in_and_out(key: str, tx: Tx) -> list[tuple[str, bytes]]:
    tx.put(key, b"")
    found = tx.scan("due/")
    tx.delete(key)
    return found


def first_of(prefix: str, tx: Tx) -> list[tuple[str, bytes]]:
    return tx.scan(prefix, limit=1)


def test_a_look_at_all_keys_is_not_paid_for_ever_after() -> None:
    store = MemoryStore()
    store.run("alice", lambda tx: tx.put("t/1", b""))
    store.run("alice", lambda tx: tx.scan(""))

    assert "" not in store._held["alice"].records.orders


def test_the_collector_does_not_walk_through_the_records() -> None:
    store = MemoryStore()
    store.run("alice", partial(put_many, 0))
    store.run("alice", partial(first_of, "t/"))
    for start in range(1_000, 50_000, 1_000):
        store.run("alice", partial(put_many, start))

    gc.collect()
    held = store._held["alice"].records

    assert not gc.is_tracked(held.values)
    assert not any(gc.is_tracked(run) for run in held.orders["t"]._runs)
    assert len(held.orders["t"]._runs) < 1_000


def test_a_full_collection_takes_no_longer_with_many_records() -> None:
    store = MemoryStore()
    store.run("alice", partial(put_many, 0))
    store.run("alice", partial(first_of, "t/"))
    before = collecting()

    for start in range(1_000, 400_000, 1_000):
        store.run("alice", partial(put_many, start))

    assert collecting() < before * 1.5 + 0.004  # a SortedDict of as many keys takes 20 ms more


def put_many(start: int, tx: Tx) -> None:
    for n in range(start, start + 1_000):
        tx.put(f"t/{n:06}", b"x")


def collecting() -> float:
    """The seconds of a full collection, the least of some."""
    gc.collect()
    took: list[float] = []
    for _ in range(7):
        started = time.perf_counter()
        gc.collect()
        took.append(time.perf_counter() - started)
    return min(took)
