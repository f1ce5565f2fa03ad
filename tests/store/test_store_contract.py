"""What every store promises; run over each store in the table."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from mockserver.domain.ports import Store, Tx


def put_all(store: Store, records: dict[str, bytes], sandbox: str = "alice") -> None:
    def work(tx: Tx) -> None:
        for key, value in records.items():
            tx.put(key, value)

    store.run(sandbox, work)


def keys(records: list[tuple[str, bytes]]) -> list[str]:
    return [key for key, _ in records]


def get(store: Store, key: str) -> bytes | None:
    return store.run("alice", lambda tx: tx.get(key))


def scan(store: Store, prefix: str, after: str = "", limit: int = 100) -> list[str]:
    return keys(store.run("alice", lambda tx: tx.scan(prefix, after, limit)))


def add_one(tx: Tx) -> int:
    n = int(tx.get("n") or b"0") + 1
    tx.put("n", b"%d" % n)
    return n


# Records


def test_put_value_is_there_in_the_next_run(store: Store) -> None:
    put_all(store, {"task/1": b"\x00\xff"})

    assert get(store, "task/1") == b"\x00\xff"


def test_unknown_key_is_none(store: Store) -> None:
    assert get(store, "task/1") is None


def test_empty_value_is_not_a_missing_one(store: Store) -> None:
    put_all(store, {"task/1": b""})

    assert get(store, "task/1") == b""
    assert scan(store, "task/") == ["task/1"]


def test_run_returns_what_work_returns(store: Store) -> None:
    answer = {"any": ["thing"]}

    assert store.run("alice", lambda tx: answer) is answer


def test_second_put_replaces_the_first(store: Store) -> None:
    put_all(store, {"task/1": b"old"})

    put_all(store, {"task/1": b"new"})

    assert store.run("alice", lambda tx: tx.scan("")) == [("task/1", b"new")]


def test_deleted_key_is_gone(store: Store) -> None:
    put_all(store, {"task/1": b"1", "task/2": b"2"})

    store.run("alice", lambda tx: tx.delete("task/1"))

    assert get(store, "task/1") is None
    assert scan(store, "") == ["task/2"]


def test_deleting_an_unknown_key_is_fine(store: Store) -> None:
    store.run("alice", lambda tx: tx.delete("task/1"))

    assert scan(store, "") == []


def test_work_sees_its_own_writes(store: Store) -> None:
    put_all(store, {"a": b"old", "b": b"old"})

    def work(tx: Tx) -> list[bytes | None]:
        tx.put("a", b"new")
        tx.delete("b")
        tx.put("c", b"new")
        tx.delete("c")
        tx.put("d", b"1")
        tx.put("d", b"2")
        return [tx.get(key) for key in "abcd"]

    assert store.run("alice", work) == [b"new", None, None, b"2"]
    assert store.run("alice", lambda tx: tx.scan("")) == [("a", b"new"), ("d", b"2")]


@pytest.mark.parametrize("value", ["text", bytearray(b"x"), memoryview(b"x"), {"a": 1}, 1, None])
def test_value_that_is_not_bytes_is_refused_by_the_name_of_its_key(store: Store, value: Any) -> None:
    with pytest.raises(TypeError, match=f"'task/7' must be bytes, got {type(value).__name__}"):
        store.run("alice", lambda tx: tx.put("task/7", value))

    assert store.sandboxes() == []


@pytest.mark.parametrize("key", ["", 7, None, b"task"])
def test_key_that_is_no_text_is_refused(store: Store, key: Any) -> None:
    def work(tx: Tx) -> None:
        tx.put("task/1", b"1")
        tx.put(key, b"2")

    with pytest.raises(TypeError, match="a key must be a text of at least one character"):
        store.run("alice", work)

    assert store.sandboxes() == []


def test_counts_go_on_from_what_is_there(store: Store) -> None:
    put_all(store, {"ids/song": b"41"})

    def work(tx: Tx) -> list[int]:
        return [tx.count("ids/song"), tx.count("ids/task"), tx.count("ids/task", 5), tx.count("ids/song", -2)]

    assert store.run("alice", work) == [42, 1, 6, 40]
    assert store.run("alice", lambda tx: tx.scan("ids/")) == [("ids/song", b"40"), ("ids/task", b"6")]


def test_a_count_is_taken_back_with_the_work_that_fails(store: Store) -> None:
    put_all(store, {"ids/song": b"41"})

    def work(tx: Tx) -> None:
        tx.count("ids/song")
        tx.count("ids/task")
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        store.run("alice", work)

    assert store.run("alice", lambda tx: tx.scan("")) == [("ids/song", b"41")]


@pytest.mark.parametrize("key", ["", 7, None, b"ids"])
def test_a_count_under_no_text_is_refused(store: Store, key: Any) -> None:
    with pytest.raises(TypeError, match="a key must be a text of at least one character"):
        store.run("alice", lambda tx: tx.count(key))

    assert store.sandboxes() == []


# Atomicity


def test_exception_in_work_leaves_everything_as_it_was(store: Store) -> None:
    put_all(store, {"a": b"1", "b": b"2"})

    def work(tx: Tx) -> None:
        tx.put("a", b"changed")
        tx.delete("b")
        tx.put("c", b"3")
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        store.run("alice", work)

    assert store.run("alice", lambda tx: tx.scan("")) == [("a", b"1"), ("b", b"2")]


def test_store_goes_on_after_an_exception_in_work(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        store.run("alice", lambda tx: 1 // 0)

    assert [store.run("alice", add_one) for _ in range(3)] == [1, 2, 3]


def test_exception_in_the_first_work_of_a_sandbox_leaves_no_sandbox(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.put("a", b"1")
        raise LookupError

    with pytest.raises(LookupError):
        store.run("alice", work)

    assert store.sandboxes() == []


def test_work_that_is_called_again_counts_once(store: Store) -> None:
    for _ in range(10):
        store.run("alice", add_one)

    assert get(store, "n") == b"10"


def test_work_called_again_does_not_see_its_first_writes(store: Store) -> None:
    def work(tx: Tx) -> bool:
        fresh = tx.get("made") is None
        tx.put("made", b"yes")
        return fresh

    assert store.run("alice", work) is True
    assert store.run("alice", work) is False


def test_tx_is_of_no_use_after_its_work(store: Store) -> None:
    tx = store.run("alice", lambda tx: tx)

    with pytest.raises(RuntimeError, match="after its work had returned"):
        tx.put("late", b"1")
    with pytest.raises(RuntimeError, match="after its work had returned"):
        tx.get("late")
    with pytest.raises(RuntimeError, match="after its work had returned"):
        tx.scan("")
    with pytest.raises(RuntimeError, match="after its work had returned"):
        tx.delete("late")


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.run("alice", lambda tx: None),
        lambda store: store.run("bob", lambda tx: None),
        lambda store: store.append("alice", "journal", b"x"),
        lambda store: store.read("alice", "journal"),
        lambda store: store.newest("alice", "journal", 1),
        lambda store: store.clear("alice", "journal"),
        lambda store: store.sandboxes(),
        lambda store: store.drop("alice"),
    ],
    ids=["run", "run elsewhere", "append", "read", "newest", "clear", "sandboxes", "drop"],
)
def test_using_the_store_inside_work_is_an_error_and_no_deadlock(
    store: Store, use: Callable[[Store], object]
) -> None:
    with pytest.raises(RuntimeError, match="used inside work"):
        store.run("alice", lambda tx: use(store))

    assert store.run("alice", add_one) == 1


# Scans


def test_scan_is_in_key_order_whatever_the_order_of_writing(store: Store) -> None:
    put_all(store, {"due/3": b"c", "due/1": b"a", "due/2": b"b"})

    found = store.run("alice", lambda tx: tx.scan("due/"))

    assert found == [("due/1", b"a"), ("due/2", b"b"), ("due/3", b"c")]


def test_scan_keeps_to_its_prefix(store: Store) -> None:
    put_all(store, dict.fromkeys(["due", "due/", "due/1", "due/1/x", "due0", "dud/9", "task/1"], b""))

    assert scan(store, "due/") == ["due/", "due/1", "due/1/x"]
    assert scan(store, "due/1") == ["due/1", "due/1/x"]
    assert scan(store, "x") == []


def test_scan_starts_strictly_after_the_given_key(store: Store) -> None:
    put_all(store, dict.fromkeys(["t/1", "t/2", "t/3"], b""))

    assert scan(store, "t/", after="t/1") == ["t/2", "t/3"]
    assert scan(store, "t/", after="t/15") == ["t/2", "t/3"]
    assert scan(store, "t/", after="t/3") == []
    assert scan(store, "t/1", after="t/1") == []


def test_scan_after_a_key_outside_the_prefix_is_judged_by_order(store: Store) -> None:
    put_all(store, dict.fromkeys(["s/9", "t/1", "u/1"], b""))

    assert scan(store, "t/", after="a") == ["t/1"]
    assert scan(store, "t/", after="z") == []


def test_scan_gives_no_more_than_its_limit(store: Store) -> None:
    put_all(store, {f"t/{n:03}": b"" for n in range(150)})

    assert scan(store, "t/", limit=2) == ["t/000", "t/001"]
    assert scan(store, "t/", limit=0) == []
    assert len(scan(store, "t/")) == 100
    assert len(scan(store, "t/", limit=1000)) == 150


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_pages_of_a_scan_add_up_to_the_whole(store: Store, size: int) -> None:
    wanted = [f"t/{n:02}" for n in range(20)]
    put_all(store, dict.fromkeys(wanted, b""))

    met: list[str] = []
    while page := scan(store, "t/", after=met[-1] if met else "", limit=size):
        met += page

    assert met == wanted


def test_scan_sees_the_writes_of_its_own_work(store: Store) -> None:
    put_all(store, {"t/1": b"old", "t/3": b"old", "t/5": b"old"})

    def work(tx: Tx) -> list[tuple[str, bytes]]:
        tx.put("t/2", b"new")
        tx.put("t/3", b"new")
        tx.delete("t/1")
        tx.put("t/6", b"new")
        tx.put("s/9", b"new")
        tx.delete("t/4")
        return tx.scan("t/")

    assert store.run("alice", work) == [("t/2", b"new"), ("t/3", b"new"), ("t/5", b"old"), ("t/6", b"new")]


def test_scan_sees_what_was_written_between_two_scans(store: Store) -> None:
    put_all(store, {"t/1": b"", "t/3": b""})

    def work(tx: Tx) -> list[list[str]]:
        seen = [keys(tx.scan("t/"))]
        tx.put("t/2", b"")
        seen.append(keys(tx.scan("t/")))
        tx.delete("t/2")
        tx.delete("t/3")
        seen.append(keys(tx.scan("t/")))
        tx.put("t/3", b"")
        tx.put("t/2", b"")
        seen.append(keys(tx.scan("t/")))
        return seen

    assert store.run("alice", work) == [
        ["t/1", "t/3"],
        ["t/1", "t/2", "t/3"],
        ["t/1"],
        ["t/1", "t/2", "t/3"],
    ]


def test_after_and_limit_count_only_what_is_left_by_own_writes(store: Store) -> None:
    put_all(store, dict.fromkeys(["t/1", "t/2", "t/3", "t/4"], b""))

    def work(tx: Tx) -> list[list[str]]:
        tx.delete("t/2")
        tx.put("t/25", b"")
        return [keys(tx.scan("t/", limit=2)), keys(tx.scan("t/", "t/2", 2)), keys(tx.scan("t/", "t/25", 2))]

    assert store.run("alice", work) == [["t/1", "t/25"], ["t/25", "t/3"], ["t/3", "t/4"]]


def test_found_records_may_be_deleted_while_walking_them(store: Store) -> None:
    put_all(store, dict.fromkeys(["t/1", "t/2", "t/3", "t/4", "u/1"], b""))

    def work(tx: Tx) -> None:
        while batch := tx.scan("t/", limit=3):
            for key, _ in batch:
                tx.delete(key)

    store.run("alice", work)

    assert scan(store, "") == ["u/1"]


ODD = [f"a{mark}b" for mark in " \n\x00%_*?[\\'\":/{}"]
ODD += ["aéb", "a\u0301b", "a\uffffb", "a\U0001f3b5b", "ab", "aB", "Ab", "a" * 5000, "\x7f", "\U0010ffff"]


def test_odd_characters_in_keys_are_kept_apart(store: Store) -> None:
    put_all(store, {key: key.encode() for key in ODD})

    for key in ODD:
        assert get(store, key) == key.encode()
        assert scan(store, key) == [key] if key != "ab" else ["ab"]


def test_keys_are_ordered_by_code_point(store: Store) -> None:
    put_all(store, dict.fromkeys(ODD, b""))

    assert scan(store, "") == sorted(ODD)


def test_odd_prefix_is_no_pattern(store: Store) -> None:
    put_all(store, dict.fromkeys(["a%/1", "ax/1", "a_/1", "a*/1", "A%/1"], b""))

    assert scan(store, "a%/") == ["a%/1"]
    assert scan(store, "a_/") == ["a_/1"]
    assert scan(store, "a*") == ["a*/1"]


# Sandboxes


def test_sandboxes_do_not_see_each_other(store: Store) -> None:
    put_all(store, {"task/1": b"alice"}, "alice")
    put_all(store, {"task/1": b"bob"}, "bob")
    store.append("alice", "journal", b"alice")

    store.run("bob", lambda tx: tx.delete("task/1"))

    assert store.run("alice", lambda tx: tx.scan("")) == [("task/1", b"alice")]
    assert store.run("bob", lambda tx: tx.scan("")) == []
    assert store.read("bob", "journal") == []


def test_sandbox_whose_name_begins_another_is_kept_apart(store: Store) -> None:
    put_all(store, {"b/key": b"1"}, "a")
    put_all(store, {"key": b"2"}, "a/b")
    put_all(store, {"key": b"3"}, "a.b")

    store.drop("a")

    assert store.run("a", lambda tx: tx.scan("")) == []
    assert store.run("a/b", lambda tx: tx.scan("")) == [("key", b"2")]
    assert store.run("a.b", lambda tx: tx.scan("")) == [("key", b"3")]


def test_sandboxes_are_listed_in_order(store: Store) -> None:
    put_all(store, {"k": b""}, "zoe")
    put_all(store, {"k": b""}, "Bob")
    store.append("alice", "journal", b"x")

    assert store.sandboxes() == ["Bob", "alice", "zoe"]


def test_sandbox_that_was_only_looked_at_is_not_remembered(store: Store) -> None:
    store.run("alice", lambda tx: (tx.get("k"), tx.scan("")))
    store.run("alice", lambda tx: tx.delete("k"))
    store.read("bob", "journal")
    store.newest("carol", "journal", 5)
    store.clear("dave", "journal")
    store.drop("erin")

    assert store.sandboxes() == []


def test_sandbox_is_forgotten_with_its_last_record(store: Store) -> None:
    put_all(store, {"k": b""})

    store.run("alice", lambda tx: tx.delete("k"))

    assert store.sandboxes() == []


def test_dropped_sandbox_starts_afresh(store: Store) -> None:
    put_all(store, {"k": b""}, "alice")
    put_all(store, {"k": b""}, "bob")
    store.append("alice", "journal", b"old")

    store.drop("alice")

    assert store.sandboxes() == ["bob"]
    assert store.run("alice", lambda tx: tx.scan("")) == []
    assert store.read("alice", "journal") == []
    assert store.append("alice", "journal", b"new") == 1


# Logs


def test_entries_are_numbered_from_one_and_read_oldest_first(store: Store) -> None:
    numbers = [store.append("alice", "journal", entry) for entry in (b"a", b"b", b"c")]

    assert numbers == [1, 2, 3]
    assert store.read("alice", "journal") == [(1, b"a"), (2, b"b"), (3, b"c")]


def test_logs_of_one_sandbox_count_apart(store: Store) -> None:
    store.append("alice", "journal", b"a")
    store.append("alice", "journal", b"b")

    assert store.append("alice", "events", b"x") == 1
    assert store.read("alice", "events") == [(1, b"x")]


def test_several_logs_are_added_to_at_once(store: Store) -> None:
    store.append("alice", "journal", b"a")

    store.extend("alice", [("journal", b"b", 1), ("events", (1, b"x"), 7), ("journal", b"c", 1)])

    assert store.read("alice", "journal") == [(1, b"a"), (2, b"b"), (3, b"c")]
    assert store.read("alice", "events") == [(1, (1, b"x"))]


def test_entries_of_several_logs_count_for_their_weights(make_store: Callable[..., Store]) -> None:
    store = make_store(log_bytes=10)

    store.extend("alice", [("journal", b"a", 6), ("events", b"x", 6), ("journal", b"b", 5)])

    assert store.read("alice", "journal") == [(2, b"b")]
    assert store.read("alice", "events") == [(1, b"x")]


@pytest.mark.parametrize("entry", ["text", bytearray(b"x"), [1], 1, None])
def test_one_of_several_that_can_be_no_entry_is_refused(store: Store, entry: Any) -> None:
    with pytest.raises(TypeError, match=f"entry of log 'events' must be .* got {type(entry).__name__}"):
        store.extend("alice", [("events", entry, 1)])


def test_read_goes_on_after_a_number(store: Store) -> None:
    for n in range(1, 8):
        store.append("alice", "journal", b"%d" % n)

    assert store.read("alice", "journal", after=2, limit=2) == [(3, b"3"), (4, b"4")]
    assert store.read("alice", "journal", after=6) == [(7, b"7")]
    assert store.read("alice", "journal", after=7) == []
    assert store.read("alice", "journal", after=99) == []
    assert store.read("alice", "journal", limit=0) == []


def test_read_gives_a_hundred_unless_told(store: Store) -> None:
    for _ in range(130):
        store.append("alice", "journal", b"")

    assert [number for number, _ in store.read("alice", "journal")] == list(range(1, 101))


def test_newest_gives_the_last_entries_oldest_first(store: Store) -> None:
    for entry in (b"a", b"b", b"c"):
        store.append("alice", "journal", entry)

    assert store.newest("alice", "journal", 2) == [(2, b"b"), (3, b"c")]
    assert store.newest("alice", "journal", 9) == [(1, b"a"), (2, b"b"), (3, b"c")]
    assert store.newest("alice", "journal", 0) == []


def test_oldest_entries_fall_out_of_a_full_log(make_store: Callable[..., Store]) -> None:
    store = make_store(log_size=3)

    for n in range(1, 8):
        assert store.append("alice", "journal", b"%d" % n) == n

    assert store.read("alice", "journal") == [(5, b"5"), (6, b"6"), (7, b"7")]
    assert store.read("alice", "journal", after=2, limit=2) == [(5, b"5"), (6, b"6")]
    assert store.read("alice", "journal", after=5) == [(6, b"6"), (7, b"7")]
    assert store.newest("alice", "journal", 2) == [(6, b"6"), (7, b"7")]
    assert store.newest("alice", "journal", 9) == [(5, b"5"), (6, b"6"), (7, b"7")]


def test_log_keeps_a_thousand_entries_unless_told(store: Store) -> None:
    for _ in range(1001):
        store.append("alice", "journal", b"")

    assert len(store.read("alice", "journal", limit=5000)) == 1000


def test_log_of_size_zero_only_counts(make_store: Callable[..., Store]) -> None:
    store = make_store(log_size=0)

    numbers = [store.append("alice", "journal", b"x") for _ in range(3)]

    assert numbers == [1, 2, 3]
    assert store.read("alice", "journal") == []
    assert store.newest("alice", "journal", 5) == []


class Note(NamedTuple):
    """A frozen record, as the journal's entries may be."""

    id: str
    at: float
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def test_frozen_record_is_given_back_as_it_is(store: Store) -> None:
    note = Note("n1", 1.5, b"\x00body", (("a", "b"),))
    store.append("alice", "journal", note)
    store.append("alice", "journal", ("plain", 1, None))
    store.append("alice", "journal", b"bytes")

    entries = [entry for _, entry in store.read("alice", "journal")]

    assert entries == [note, ("plain", 1, None), b"bytes"]
    assert [type(entry) for entry in entries] == [Note, tuple, bytes]
    assert store.newest("alice", "journal", 3) == store.read("alice", "journal")


def test_oldest_entries_fall_out_where_the_log_has_too_many_bytes(make_store: Callable[..., Store]) -> None:
    store = make_store(log_bytes=10)

    for entry in (b"aaaa", b"bbbb", b"cc"):
        store.append("alice", "journal", entry)
    assert store.read("alice", "journal") == [(1, b"aaaa"), (2, b"bbbb"), (3, b"cc")]
    store.append("alice", "journal", b"ddddd")

    assert store.read("alice", "journal") == [(3, b"cc"), (4, b"ddddd")]
    assert store.read("alice", "journal", after=1, limit=1) == [(3, b"cc")]
    assert store.newest("alice", "journal", 1) == [(4, b"ddddd")]


def test_newest_entry_stays_whatever_it_weighs(make_store: Callable[..., Store]) -> None:
    store = make_store(log_bytes=3)

    store.append("alice", "journal", b"a")
    store.append("alice", "journal", b"heavy")
    assert store.read("alice", "journal") == [(2, b"heavy")]
    store.append("alice", "journal", b"c")

    assert store.read("alice", "journal") == [(3, b"c")]


def test_entry_counts_for_the_weight_it_is_given(make_store: Callable[..., Store]) -> None:
    store = make_store(log_bytes=10)

    store.append("alice", "journal", ("a",), 6)
    store.append("alice", "journal", b"long, and light", weight=1)
    store.append("alice", "journal", ("of no weight",))
    assert len(store.read("alice", "journal")) == 3
    store.append("alice", "journal", ("d",), weight=4)

    assert store.read("alice", "journal") == [(2, b"long, and light"), (3, ("of no weight",)), (4, ("d",))]


def test_cleared_log_has_all_its_bytes_again(make_store: Callable[..., Store]) -> None:
    store = make_store(log_bytes=4)
    store.append("alice", "journal", b"aaaa")

    store.clear("alice", "journal")
    store.append("alice", "journal", b"bb")
    store.append("alice", "journal", b"cc")

    assert store.read("alice", "journal") == [(2, b"bb"), (3, b"cc")]


def test_bytes_of_logs_are_counted_apart(make_store: Callable[..., Store]) -> None:
    store = make_store(log_bytes=4)

    store.append("alice", "journal", b"aaaa")
    store.append("alice", "events", b"bbbb")
    store.append("bob", "journal", b"cccc")

    assert store.read("alice", "journal") == [(1, b"aaaa")]


def test_log_size_and_bytes_hold_together(make_store: Callable[..., Store]) -> None:
    store = make_store(log_size=2, log_bytes=5)

    for entry in (b"1", b"2", b"3"):
        store.append("alice", "journal", entry)
    assert store.read("alice", "journal") == [(2, b"2"), (3, b"3")]
    store.append("alice", "journal", b"44444")

    assert store.read("alice", "journal") == [(4, b"44444")]


def test_cleared_log_goes_on_counting(store: Store) -> None:
    for entry in (b"a", b"b", b"c"):
        store.append("alice", "journal", entry)

    store.clear("alice", "journal")

    assert store.read("alice", "journal") == []
    assert store.newest("alice", "journal", 5) == []
    assert store.append("alice", "journal", b"d") == 4
    assert store.read("alice", "journal") == [(4, b"d")]
    assert store.newest("alice", "journal", 5) == [(4, b"d")]


def test_cleared_log_fills_up_again(make_store: Callable[..., Store]) -> None:
    store = make_store(log_size=2)
    store.append("alice", "journal", b"a")
    store.clear("alice", "journal")

    for entry in (b"b", b"c", b"d"):
        store.append("alice", "journal", entry)

    assert store.read("alice", "journal") == [(3, b"c"), (4, b"d")]


def test_sandbox_with_a_cleared_log_is_still_known(store: Store) -> None:
    store.append("alice", "journal", b"a")

    store.clear("alice", "journal")

    assert store.sandboxes() == ["alice"]


def test_deleting_records_keeps_the_log(store: Store) -> None:
    put_all(store, {"k": b""})
    store.append("alice", "journal", b"a")

    store.run("alice", lambda tx: tx.delete("k"))

    assert store.read("alice", "journal") == [(1, b"a")]


@pytest.mark.parametrize("weight", [None, 1])
@pytest.mark.parametrize("entry", ["text", bytearray(b"x"), {"a": 1}, ["a"], None])
def test_entry_of_no_known_kind_is_refused_by_the_name_of_its_log(
    store: Store, entry: Any, weight: int | None
) -> None:
    with pytest.raises(TypeError, match=f"'journal' must be bytes or a tuple, got {type(entry).__name__}"):
        store.append("alice", "journal", entry, weight)

    assert store.sandboxes() == []


# Threads


def race(threads: int, run: Callable[[int], None]) -> None:
    start = threading.Barrier(threads)
    failures: list[BaseException] = []

    def body(number: int) -> None:
        try:
            start.wait(10)
            run(number)
        except BaseException as failure:
            failures.append(failure)

    runners = [threading.Thread(target=body, args=(number,)) for number in range(threads)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(60)
    assert failures == []
    assert not any(runner.is_alive() for runner in runners)


def test_another_thread_cannot_slip_in_between_reading_and_writing(store: Store) -> None:
    others: list[threading.Thread] = []

    def work(tx: Tx) -> None:
        n = int(tx.get("n") or b"0")
        if len(others) < 4:
            others.append(threading.Thread(target=store.run, args=("alice", add_one)))
            others[-1].start()
            others[-1].join(0.05)  # time enough to get in, for a store that lets it
        tx.put("n", b"%d" % (n + 1))

    store.run("alice", work)
    for other in others:
        other.join(10)

    assert get(store, "n") == b"%d" % (len(others) + 1)


@pytest.mark.usefixtures("hasty_threads")
def test_racing_threads_lose_no_count(store: Store) -> None:
    counted: list[int] = []

    race(8, lambda number: counted.extend(store.run("alice", add_one) for _ in range(100)))

    assert get(store, "n") == b"800"
    assert sorted(counted) == list(range(1, 801))


@pytest.mark.usefixtures("hasty_threads")
def test_exactly_one_of_many_racing_creations_wins(store: Store) -> None:
    winners: list[tuple[int, int]] = []

    def create(song: int, number: int) -> bool:
        def work(tx: Tx) -> bool:
            if tx.get(f"persona/{song}") is not None:
                return False
            tx.put(f"persona/{song}", b"%d" % number)
            return True

        return store.run("alice", work)

    race(8, lambda number: winners.extend((song, number) for song in range(50) if create(song, number)))

    assert sorted(song for song, _ in winners) == list(range(50))
    for song, number in winners:
        assert get(store, f"persona/{song}") == b"%d" % number


@pytest.mark.usefixtures("hasty_threads")
def test_racing_entries_get_a_number_each(store: Store) -> None:
    numbers: list[int] = []

    race(8, lambda number: numbers.extend(store.append("alice", "journal", b"x") for _ in range(100)))

    assert sorted(numbers) == list(range(1, 801))


@pytest.mark.usefixtures("hasty_threads")
def test_scan_never_sees_half_of_another_threads_work(store: Store) -> None:
    sizes: set[int] = set()

    def write_pair(number: int, n: int) -> None:
        put_all(store, {f"t/{number}/{n}/a": b"", f"t/{number}/{n}/b": b""})

    def body(number: int) -> None:
        for n in range(20):
            write_pair(number, n)
            sizes.add(len(scan(store, "t/", limit=1000)) % 2)

    race(6, body)

    assert sizes == {0}


# Size


def test_a_hundred_thousand_records_stay_quick(store: Store) -> None:
    put_all(store, {f"t/{n:06}": b"value" for n in range(100_000)})
    started = time.perf_counter()

    for n in range(0, 100_000, 4_000):
        assert scan(store, "t/", after=f"t/{n:06}", limit=2) == [f"t/{n + 1:06}", f"t/{n + 2:06}"]
        store.run("alice", add_one)

    assert time.perf_counter() - started < 20
