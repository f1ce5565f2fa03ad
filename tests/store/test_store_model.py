"""All stores behave alike under any sequence of works, not only those we thought of."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.domain.ports import Store, Tx
from tests.store.table import STORES

# Few letters, so that keys meet, begin each other and lie between each other.
KEYS = st.text("ab/\U0001f3b5\uffff", min_size=1, max_size=3)
# No other value stands under these.
COUNTED = st.sampled_from(["a/1", "b1"])
STARTS = st.text("ab/\U0001f3b5\uffff", max_size=3)
SANDBOXES = st.sampled_from(["alice", "bob"])
LIMITS = st.integers(0, 6)
LOGS = st.sampled_from(["journal", "events"])
ENTRIES = st.binary(max_size=2) | st.tuples(st.binary(max_size=2))
LINES = st.lists(st.tuples(LOGS, ENTRIES, st.integers(0, 4)), max_size=5)

STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.binary(max_size=2)),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("get"), KEYS),
    st.tuples(st.just("count"), COUNTED, st.integers(-2, 10**9)),
    st.tuples(st.just("delete"), COUNTED),
    st.tuples(st.just("scan"), STARTS, STARTS, LIMITS),
)
WORKS = st.tuples(st.just("run"), SANDBOXES, st.lists(STEPS, max_size=12), st.booleans())
CALLS = st.one_of(
    WORKS,
    WORKS,
    st.tuples(st.just("append"), SANDBOXES, LOGS, ENTRIES, st.none() | st.integers(0, 4)),
    st.tuples(st.just("extend"), SANDBOXES, LINES),
    st.tuples(st.just("read"), SANDBOXES, LOGS, LIMITS, LIMITS),
    st.tuples(st.just("newest"), SANDBOXES, LOGS, LIMITS),
    st.tuples(st.just("clear"), SANDBOXES, LOGS),
    st.tuples(st.just("drop"), SANDBOXES),
)


def call(store: Store, name: str, *args: Any) -> object:
    return run(store, *args) if name == "run" else getattr(store, name)(*args)


def run(store: Store, sandbox: str, steps: list[tuple[Any, ...]], fails: bool) -> object:
    def work(tx: Tx) -> list[object]:
        seen = [getattr(tx, name)(*args) for name, *args in steps]
        if fails:
            raise LookupError(seen)
        return seen

    try:
        return store.run(sandbox, work)
    except LookupError as failure:
        return failure.args


@settings(max_examples=150, deadline=None)
@given(st.lists(CALLS, max_size=12))
def test_stores_agree_on_every_answer(calls: list[tuple[Any, ...]]) -> None:
    stores = [make_store(log_size=3, log_bytes=6) for make_store in STORES.values()]

    for name, *args in calls:
        answers = [(call(store, name, *args), store.sandboxes()) for store in stores]

        assert all(answer == answers[0] for answer in answers), (name, args)
