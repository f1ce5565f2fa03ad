"""What waits for matches and paths: against a plain list, and at a cost that does not grow with the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from itertools import cycle
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.domain import fault as faults
from mockserver.domain import marks, override
from mockserver.domain.fault import DELAY, DROP, LATENCY, Call, Fault
from mockserver.domain.override import Override, is_subset
from mockserver.domain.ports import Tx
from mockserver.store.memory import MemoryStore

Work = Callable[[Tx], Any]

# Few values that meet often, and among them those that are easily mistaken for each other.
PLAIN = st.sampled_from(
    [None, True, False, 0, 1, 1.0, -0.0, 2.5, 10**22, 1e22, "", "a", "1", "a/b", "\ud800"]
)
NAMES = st.sampled_from(["a", "b", "a/b", "", "0", "\n"])
BODIES = st.recursive(
    PLAIN, lambda part: st.lists(part, max_size=2) | st.dictionaries(NAMES, part, max_size=3), max_leaves=6
)
# Mostly one of few: what is met only now and then tells little of an order.
KNOWN: list[Any] = [
    {"a": 1},
    {"a": 1, "b": "x"},
    {"b": "x", "a": True},
    {"a/b": 1},
    {"a": {"b": 1}},
    1,
    [1, "x"],
]
MATCHES = st.none() | st.sampled_from(KNOWN) | st.sampled_from(KNOWN) | BODIES
FULL = {"a": 1.0, "b": "x"}
ASKED = st.sampled_from([FULL, FULL, {"a/b": 1, "a": {"b": 1}}, *KNOWN]) | BODIES
OPERATIONS = ("sing", "show")
PATHS = st.sampled_from(["", "/", "/a", "/a/", "/a/b", "/a/b/c", "/a%2Fb", "/a[b", "/" * 12, "/" * 12 + "a"])
GLOBS = st.sampled_from(
    [None, "*", "/*", "/a", "/a/", "/a/*", "/a/b", "/a/?", "/*/b/*", "?a", "/a[*", "/" * 12 + "?"]
)


class Step(NamedTuple):
    """One thing that is done: add, meet, remove or clear; what it is done with."""

    does: str
    match: Any
    body: Any
    operation: str
    # None for one that stands.
    times: int | None
    number: int
    glob: str | None
    path: str
    name: str
    probability: float | None
    is_media: bool


STEPS = st.builds(
    Step,
    st.sampled_from(["add"] * 9 + ["meet"] * 9 + ["remove", "remove", "clear"]),
    MATCHES,
    ASKED,
    st.sampled_from(OPERATIONS),
    st.sampled_from([None, 1, 2]),
    st.integers(0, 12),
    GLOBS,
    PATHS,
    st.sampled_from([LATENCY, DROP, DELAY]),
    st.sampled_from([None, 0.0, 0.5]),
    st.booleans(),
)


def in_turn(items: list[Any]) -> list[Any]:
    """Those that are queued, oldest first; behind them those that stand, newest first."""
    return [one for one in items if not one.stands] + [one for one in reversed(items) if one.stands]


def used(items: list[Any], one: Any) -> tuple[list[Any], Any]:
    """The list without one use of one of them, and that one as it is taken."""
    if one is None or one.stands:
        return items, one
    after = one._replace(left=one.left - 1)
    kept = [after if other is one else other for other in items]
    return [other for other in kept if other.left != 0], after


def run(store: MemoryStore, work: Callable[..., Any], *more: Any) -> Any:
    """What is done with a transaction, and with more behind it."""
    return store.run("box", lambda tx: work(tx, *more))


def keys(store: MemoryStore) -> list[str]:
    return [key for key, _ in run(store, lambda tx: tx.scan("", "", 100_000))]


# --- against a list -----------------------------------------------------------------------------------------


def asked(id: str, step: Step) -> Override:
    targets = tuple(("kie", operation) for operation in OPERATIONS if step.operation in (operation, "sing"))
    return Override(id, "success", "kie", None, step.times, step.times, step.match, targets=targets)


@given(st.lists(STEPS, min_size=5, max_size=40))
def test_overrides_wait_as_in_a_plain_list(steps: list[Step]) -> None:
    store, expected = MemoryStore(), list[Override]()
    for turn, step in enumerate(steps):
        if step.does == "add":
            expected.append(asked(f"o{turn}", step))
            run(store, override.add, expected[-1])
        elif step.does == "meet":
            suiting = (one for one in in_turn(expected) if is_for(one, step))
            expected, wanted = used(expected, next(suiting, None))
            assert run(store, override.take, "kie", step.operation, step.body) == wanted
        elif step.does == "remove":
            kept = [one for one in expected if one.id != f"o{step.number}"]
            assert run(store, override.remove, f"o{step.number}") is (kept != expected)
            expected = kept
        else:
            assert run(store, override.clear) == len(expected)
            expected = []
        assert run(store, override.listed) == expected
    run(store, override.clear)
    assert keys(store) in ([], ["override-count"])


def is_for(one: Override, step: Step) -> bool:
    here = ("kie", step.operation) in one.targets
    return here and (one.match is None or is_subset(one.match, step.body))


def fits(path: str, glob: str) -> bool:
    plain, shape = path.replace("%2F", "/"), glob.replace("[", "[[]")
    return fnmatchcase(plain, shape) or fnmatchcase(plain.rstrip("/"), shape.rstrip("/"))


def suits(one: Fault, step: Step, draw: Callable[[], float]) -> bool:
    """Whether a fault is for a call, or for a callback, which has no path; chance is asked last."""
    path, is_media = (step.path, step.is_media) if step.name == LATENCY else ("", False)
    return (
        one.fault == step.name
        and one.operation in (None, step.operation)
        and (fits(path, one.path) if one.path is not None else not is_media)
        and (one.match is None or is_subset(one.match, step.body))
        and (one.probability is None or draw() < one.probability)
    )


@given(st.lists(STEPS, min_size=5, max_size=40))
def test_faults_wait_as_in_a_plain_list(steps: list[Step]) -> None:
    store, expected = MemoryStore(), list[Fault]()
    # Both draw the same numbers, and only the same number of them keeps them together.
    drawn, wished = cycle([0.1, 0.9, 0.4, 0.6, 0.7]), cycle([0.1, 0.9, 0.4, 0.6, 0.7])
    for turn, step in enumerate(steps):
        if step.does == "add":
            expected.append(fault(f"f{turn}", step))
            run(store, faults.add, expected[-1])
        elif step.does == "meet":
            suiting = (one for one in in_turn(expected) if suits(one, step, wished.__next__))
            expected, wanted = used(expected, next(suiting, None))
            assert met(store, step, drawn.__next__) == (wanted.fault if wanted else None)
        elif step.does == "remove":
            run(store, faults.remove, f"f{step.number}")
            expected = [one for one in expected if one.id != f"f{step.number}"]
        else:
            assert run(store, faults.clear) == len(expected)
            expected = []
        assert run(store, faults.listed) == expected
    run(store, faults.clear)
    assert keys(store) in ([], ["fault-count"])


def fault(id: str, step: Step) -> Fault:
    operation = None if step.is_media else step.operation
    new = Fault(id, step.name, "kie", operation, step.glob, step.times, step.times, step.match)
    return new._replace(probability=step.probability, seconds=1)


def met(store: MemoryStore, step: Step, draw: Callable[[], float]) -> str | None:
    """The name of the fault that a call or a callback meets."""
    if step.name == LATENCY:
        call = Call("kie", step.operation, step.path, step.body, step.is_media)
        found: str | None = run(store, faults.take, call, draw).name
        return found
    told = run(store, faults.take_named, step.name, "kie", step.operation, step.body, draw)
    return told.fault if told else None


# --- by hand ------------------------------------------------------------------------------------------------


def waits(id: str, match: Any, times: int | None = 1) -> Override:
    return Override(id, "success", "kie", None, times, times, match, targets=(("kie", "sing"),))


def test_whatever_they_ask_for_the_oldest_queued_is_taken_and_then_the_newest_that_stands() -> None:
    store = MemoryStore()
    asks = [{"b": "x"}, None, {"a": 1}, {"b": "x"}, None, {"a": 1.0}, {"b": "x", "a": 1}]
    for number, match in enumerate(asks):
        run(store, override.add, waits(f"queued {number}", match))
        run(store, override.add, waits(f"stands {number}", match, None))

    taken = [run(store, override.take, "kie", "sing", FULL).id for _ in range(9)]

    assert taken == [*(f"queued {number}" for number in range(7)), "stands 6", "stands 6"]


def test_one_that_is_used_and_then_removed_leaves_nothing_behind() -> None:
    store = MemoryStore()
    run(store, override.add, waits("a", {"a": 1}, 3))
    for _ in range(2):
        run(store, override.take, "kie", "sing", FULL)

    assert run(store, override.remove, "a") is True
    assert keys(store) in ([], ["override-count"])


def test_chance_is_asked_once_though_two_ways_lead_to_a_value() -> None:
    store, draws = MemoryStore(), list[int]()
    unlikely = Fault("f", LATENCY, "kie", None, None, 1, 1, {"a/b": 1}, probability=0.1, seconds=1)
    run(store, faults.add, unlikely)

    def draw() -> float:
        draws.append(1)
        return 0.9

    run(store, faults.take, Call("kie", "sing", "/", {"a/b": 1, "a": {"b": 1}}), draw)

    assert len(draws) == 1


# --- what it costs ------------------------------------------------------------------------------------------

BODY = {"title": "another", "model": "V5", "tags": ["a", "b"], "deep": {"er": 1}}
CALL = Call("kie", "sing", "/api/v1/generate", BODY)


class Counting:
    """A transaction that counts the records it reads."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self.reads = 0
        self.put, self.delete = tx.put, tx.delete

    def get(self, key: str, /) -> bytes | None:
        self.reads += 1
        return self.tx.get(key)

    def count(self, key: str, more: int = 1) -> int:
        self.reads += 1
        return self.tx.count(key, more)

    def scan(self, prefix: str, after: str = "", limit: int = 100) -> list[tuple[str, bytes]]:
        found = self.tx.scan(prefix, after, limit)
        self.reads += 1 + len(found)
        return found


def reads(work: Work, waiting: Iterator[Work]) -> int:
    """How many records a call reads where these wait that do not suit it."""
    store = MemoryStore()

    def filled(tx: Tx) -> int:
        for add in waiting:
            add(tx)
        counting = Counting(tx)
        assert not work(counting)
        return counting.reads

    return store.run("box", filled)


def overrides(count: int, match: Callable[[int], Any]) -> Iterator[Work]:
    for number in range(count):
        one = Override(f"o{number}", "success", "kie", None, 1, 1, match(number), targets=(("kie", "sing"),))
        yield lambda tx, one=one: override.add(tx, one)  # type: ignore[misc]


@pytest.mark.parametrize(
    "match",
    [
        lambda number: {"title": f"song {number}"},
        lambda number: {"model": "V5", "title": f"song {number}"},
        lambda number: {"title": f"song {number}", "model": "V5"},
        lambda number: {"title": "the same"},
        lambda number: {f"field {number}": 1},
        lambda number: {"tags": ["a", number]},
        lambda number: {"deep": {"er": number + 2}},
        lambda number: number,
    ],
)
def test_overrides_for_other_bodies_cost_a_call_nothing(match: Callable[[int], Any]) -> None:
    def take(tx: Tx) -> Any:
        return override.take(tx, "kie", "sing", BODY)

    few, many = (reads(take, overrides(count, match)) for count in (10, 10_000))

    assert many <= few < 40


def waiting_faults(count: int, fields: Callable[[int], dict[str, Any]]) -> Iterator[Work]:
    for number in range(count):
        given = {"fault": LATENCY, "operation": "sing", "path": None, **fields(number)}
        one = Fault(f"f{number}", provider="kie", times=1, left=1, seconds=1, **given)
        yield lambda tx, one=one: faults.add(tx, one)  # type: ignore[misc]


@pytest.mark.parametrize(
    "fields",
    [
        lambda number: {"match": {"model": "V5", "title": f"song {number}"}},
        lambda number: {"path": f"/api/v1/jobs/{number}"},
        lambda number: {"path": f"/api/v1/jobs/{number}/*", "operation": None},
        lambda number: {"path": "/api/v1/*", "match": {"title": f"song {number}"}},
    ],
)
def test_faults_for_other_bodies_and_paths_cost_a_call_nothing(
    fields: Callable[[int], dict[str, Any]],
) -> None:
    def take(tx: Tx) -> Any:
        return faults.take(tx, CALL, lambda: 0.5).fault

    few, many = (reads(take, waiting_faults(count, fields)) for count in (10, 10_000))

    assert many <= few < 60


def test_faults_of_any_path_cost_a_call_for_media_nothing() -> None:
    def take(tx: Tx) -> Any:
        return faults.take(tx, Call("kie", None, "/_mock/media/a", is_media=True), lambda: 0.5).fault

    few, many = (reads(take, waiting_faults(count, lambda _: {"operation": None})) for count in (10, 10_000))

    assert many == few


def test_faults_of_other_callbacks_cost_a_callback_nothing() -> None:
    def take(tx: Tx) -> Any:
        return faults.take_named(tx, DELAY, "kie", "sing", BODY, lambda: 0.5)

    few, many = (reads(take, waiting_faults(count, lambda _: {"fault": DROP})) for count in (10, 10_000))

    assert many == few


# --- marks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0, -0.0), (10**22, 1e22), (2**53, 2.0**53)])
def test_equal_numbers_share_a_mark(one: Any, other: Any) -> None:
    assert list(marks.of({"n": one})) == list(marks.of({"n": other}))


@given(BODIES, BODIES)
def test_a_body_has_every_mark_of_what_fits_it(wanted: Any, got: Any) -> None:
    if is_subset(wanted, got):
        assert set(marks.of(wanted)) <= set(marks.of(got))


@given(BODIES)
def test_only_values_are_named_that_a_way_leads_to(body: Any) -> None:
    all_of_them = list(marks.of(body))
    ways = {path for mark in all_of_them[:1] for path in mark.way}

    found = list(marks.of(body, ways.__contains__))

    assert set(all_of_them[:1]) <= set(found)
    assert {mark.path for mark in found} <= ways
