"""Scans against a plain sorted dict: families whose names begin each other, within works and across them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.domain.ports import Tx
from mockserver.store import order, transaction
from mockserver.store.memory import MemoryStore
from mockserver.store.order import Order

Step = tuple[Any, ...]

# "-" and "." come before "/", "0" and letters after it: at the border of a family whole keys decide.
NAMES = ["", "t", "ta", "ta-x", "ta.x", "ta0", "tb", "rate-1", "rate-2", "rate-12"]
TAILS = ["", "/", "/-", "/.", "/0", "/a", "/a/", "/a/b", "/b", "/\U0001f3b5"]
KEYS = st.builds(str.__add__, st.sampled_from(NAMES), st.sampled_from(TAILS)).filter(bool)
STARTS = st.one_of(KEYS, st.sampled_from([*NAMES, "r", "ta-", "ta."]))
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.binary(max_size=1)),
    st.tuples(st.just("put"), KEYS, st.binary(max_size=1)),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("scan"), STARTS, st.one_of(st.just(""), STARTS), st.integers(0, 8)),
)
WORKS = st.lists(st.tuples(st.lists(STEPS, max_size=15), st.booleans()), max_size=8)


class Model:
    """What a transaction is to answer: everything sorted anew at every look."""

    def __init__(self, records: dict[str, bytes]) -> None:
        self.records = dict(records)

    def put(self, key: str, value: bytes) -> None:
        self.records[key] = value

    def delete(self, key: str) -> None:
        self.records.pop(key, None)

    def scan(self, prefix: str, after: str, limit: int) -> list[tuple[str, bytes]]:
        found = [pair for pair in sorted(self.records.items()) if pair[0].startswith(prefix)]
        return [pair for pair in found if pair[0] > after][:limit]


def held_against_a_model(store: MemoryStore, works: list[tuple[list[Step], bool]]) -> None:
    records: dict[str, bytes] = {}
    for steps, fails in works:
        model = Model(records)
        assert answers(store, steps, fails) == [getattr(model, name)(*args) for name, *args in steps]
        records = records if fails else model.records
        assert kept(store, [*records, *model.records]) == records
    assert store.run("box", lambda tx: tx.scan("", "", 1000)) == sorted(records.items())
    assert (store.sandboxes() == ["box"]) is bool(records)


def kept(store: MemoryStore, keys: list[str]) -> dict[str, bytes]:
    """Those of the keys that are there; no scan, which might mend what it is to find broken."""
    found = store.run("box", lambda tx: {key: tx.get(key) for key in keys})
    return {key: value for key, value in found.items() if value is not None}


def answers(store: MemoryStore, steps: list[Step], fails: bool) -> list[object]:
    seen: list[object] = []

    def work(tx: Tx) -> None:
        seen.extend(getattr(tx, name)(*args) for name, *args in steps)
        if fails:
            raise LookupError

    try:
        store.run("box", work)
    except LookupError:
        assert fails
    return seen


@settings(max_examples=150, deadline=None)
@given(WORKS)
def test_scans_answer_as_a_sorted_dict_would(works: list[tuple[list[Step], bool]]) -> None:
    held_against_a_model(MemoryStore(), works)


@settings(max_examples=150, deadline=None)
@given(WORKS)
def test_scans_answer_alike_with_short_runs_and_where_families_are_known_by_name(
    works: list[tuple[list[Step], bool]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "_MOST", 2)
        patch.setattr(transaction, "_MANY", 1)

        held_against_a_model(MemoryStore(), works)


@pytest.mark.parametrize("numbers", [range(1000), range(999, -1, -1), [n * 389 % 1000 for n in range(1000)]])
def test_an_order_is_right_whatever_the_order_of_adding(numbers: Any) -> None:
    line = Order([])
    names = [f"t/{n:04}" for n in range(1000)]
    for number in numbers:
        line.follow(names[number], True)
        line.follow(names[number], True)
    assert list(line.page("t/", "", 2000)) == names

    for number in numbers[:700]:
        line.follow(names[number], False)
        line.follow(names[number], False)
    gone = {names[number] for number in numbers[:700]}

    assert list(line.page("t/", "", 2000)) == [name for name in names if name not in gone]


def test_an_order_that_was_emptied_takes_keys_again() -> None:
    line = Order(["b"])
    line.follow("b", False)

    line.follow("b", False)
    line.follow("a", True)

    assert list(line.page("", "", 9)) == ["a"]


@pytest.mark.parametrize("look", [lambda tx: tx.scan("due/"), lambda tx: tx.scan("")], ids=["family", "all"])
def test_a_failed_work_leaves_no_trace_in_what_is_scanned(look: Callable[[Tx], object]) -> None:
    store = MemoryStore()
    store.run("box", lambda tx: tx.put("due/1", b"1"))
    store.run("box", lambda tx: tx.put("due/2", b"2"))
    before = store.run("box", look)

    def work(tx: Tx) -> None:
        tx.delete("due/1")
        tx.put("due/2", b"x")
        tx.put("due/3", b"3")
        look(tx)
        tx.put("due/1", b"x")
        tx.put("due/4", b"4")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.run("box", work)

    assert store.run("box", look) == before
    assert store.run("box", lambda tx: tx.get("due/3")) is None


def test_a_value_refused_in_the_middle_leaves_the_rest_unwritten() -> None:
    store = MemoryStore()
    no_bytes: Any = "text"

    def work(tx: Tx) -> None:
        tx.put("due/1", b"1")
        tx.put("due/2", no_bytes)

    with pytest.raises(TypeError, match="value of 'due/2' must be bytes, got str"):
        store.run("box", work)

    assert store.run("box", lambda tx: tx.scan("due/")) == []
