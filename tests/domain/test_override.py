"""Overrides as values: which one a call takes, on every store, and what is left of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.domain import override
from mockserver.domain.override import Override, is_subset
from mockserver.domain.ports import Store, Tx

HERE, THERE = ("kie", "generatePersona"), ("kie", "generateMusic")


def queued(
    name: str, times: int | None = 1, match: Any = None, at: tuple[tuple[str, str], ...] = (HERE,)
) -> Override:
    """An override for some operations; `times=None` lets it stand."""
    return Override(
        id=name,
        outcome="duplicate",
        provider="kie",
        operation=None,
        times=times,
        left=times,
        match=match,
        targets=at,
    )


def add(store: Store, *overrides: Override) -> None:
    for one in overrides:
        store.run("box", lambda tx, one=one: override.add(tx, one))  # type: ignore[misc]


def taken(store: Store, target: tuple[str, str] = HERE, body: Any = None, sandbox: str = "box") -> str | None:
    """The id of the override that a call takes."""
    found = store.run(sandbox, lambda tx: override.take(tx, *target, body))
    return found.id if found else None


def left(store: Store) -> dict[str, int | None]:
    """What is listed, in its order: each id and how often it is left."""
    return {one.id: one.left for one in store.run("box", override.listed)}


def records(store: Store) -> list[str]:
    """Every key that the sandbox still holds, but for the counter of numbers."""

    def keys(tx: Tx) -> list[str]:
        return [key for key, _ in tx.scan("", "", 10_000) if key != "override-count"]

    return store.run("box", keys)


# --- taking ------------------------------------------------------------------------------------------------


def test_nothing_is_taken_where_nothing_waits(store: Store) -> None:
    assert taken(store) is None
    assert left(store) == {}


def test_queued_ones_are_taken_first_in_first_out(store: Store) -> None:
    add(store, queued("a"), queued("b", times=2), queued("c"))

    assert [taken(store) for _ in range(5)] == ["a", "b", "b", "c", None]


def test_standing_ones_are_taken_newest_first_and_stay(store: Store) -> None:
    add(store, queued("old", times=None), queued("new", times=None))

    assert [taken(store) for _ in range(3)] == ["new", "new", "new"]
    assert left(store) == {"old": None, "new": None}


def test_a_queued_one_is_taken_before_any_that_stands(store: Store) -> None:
    add(store, queued("stands", times=None), queued("waits"), queued("newer", times=None))

    assert [taken(store) for _ in range(2)] == ["waits", "newer"]


def test_what_is_taken_says_what_is_left(store: Store) -> None:
    add(store, queued("a", times=2))

    first, second = (store.run("box", lambda tx: override.take(tx, *HERE, None)) for _ in range(2))

    assert first is not None
    assert second is not None
    assert (first.left, second.left) == (1, 0)
    assert first.times == second.times == 2


def test_an_operation_it_is_not_for_neither_takes_it_nor_uses_it_up(store: Store) -> None:
    add(store, queued("a"))

    assert taken(store, THERE) is None
    assert left(store) == {"a": 1}


def test_its_operations_share_its_times(store: Store) -> None:
    add(store, queued("a", times=2, at=(HERE, THERE)), queued("b", at=(THERE,)))

    assert [taken(store, target) for target in (THERE, HERE, THERE, HERE)] == ["a", "a", "b", None]


def test_one_that_does_not_match_is_passed_by_and_keeps_its_place(store: Store) -> None:
    add(store, queued("a", match={"name": "x"}), queued("b"), queued("c", match={"name": "x"}))

    assert [taken(store, body={"name": name}) for name in ("y", "y", "x", "x", "x")] == [
        "b",
        None,
        "a",
        "c",
        None,
    ]


def test_a_queue_longer_than_any_page_is_searched_to_its_end(store: Store) -> None:
    add(store, *(queued(f"no {number}", match={"n": number}) for number in range(120)))

    assert taken(store, body={"n": 119}) == "no 119"
    assert taken(store, body={"n": 119}) is None
    assert taken(store, body={"n": 0}) == "no 0"


def test_each_sandbox_has_its_own(store: Store) -> None:
    add(store, queued("a"))

    assert taken(store, sandbox="another") is None
    assert taken(store) == "a"


@pytest.mark.parametrize("name", ["GET /pets/{id}", "a/b", "ä", "%2F", "x" * 200])
def test_names_with_odd_characters_do_not_meet_each_other(store: Store, name: str) -> None:
    add(store, queued("odd", at=((name, name),)), queued("plain", at=(("a", "b/a"),)))

    assert taken(store, ("a", "b/a")) == "plain"
    assert taken(store, ("a/b", "a")) is None
    assert taken(store, (name, name)) == "odd"


# --- removing ----------------------------------------------------------------------------------------------


def test_a_used_up_one_leaves_nothing_behind(store: Store) -> None:
    add(store, queued("a", times=2, at=(HERE, THERE)))

    taken(store)
    taken(store, THERE)

    assert records(store) == []


def test_one_is_removed_and_the_others_keep_their_order(store: Store) -> None:
    add(store, queued("a"), queued("b"), queued("c", times=None))

    removed = store.run("box", lambda tx: override.remove(tx, "b"))

    assert removed is True
    assert list(left(store)) == ["a", "c"]
    assert [taken(store) for _ in range(2)] == ["a", "c"]


@pytest.mark.parametrize("name", ["", "nobody", "a/b"])
def test_removing_what_is_not_there_says_so_and_changes_nothing(store: Store, name: str) -> None:
    add(store, queued("a"))

    assert store.run("box", lambda tx: override.remove(tx, name)) is False
    assert left(store) == {"a": 1}


def test_clearing_counts_and_leaves_nothing_behind(store: Store) -> None:
    add(store, *(queued(f"no {number}", at=(HERE, THERE)) for number in range(70)), queued("s", times=None))

    assert store.run("box", override.clear) == 71
    assert store.run("box", override.clear) == 0
    assert records(store) == []


def test_a_number_is_not_given_out_again(store: Store) -> None:
    add(store, queued("a"), queued("b"))
    store.run("box", lambda tx: override.remove(tx, "b"))
    add(store, queued("c"), queued("d"))

    assert [taken(store) for _ in range(3)] == ["a", "c", "d"]


# --- as it is shown ----------------------------------------------------------------------------------------


def test_an_override_comes_back_as_it_was_added(store: Store) -> None:
    whole = Override(
        id="out_1",
        outcome="maintenance",
        provider=None,
        operation="generatePersona",
        times=3,
        left=3,
        match={"name": "Neön", "deep": [1, 2.5, None, True]},
        delay=0.25,
        targets=(HERE, ("crun", "generatePersona")),
    )

    add(store, whole)

    assert store.run("box", override.listed) == [whole]


def test_what_was_not_asked_for_is_not_shown() -> None:
    assert queued("a").as_json() == {
        "id": "a",
        "provider": "kie",
        "operation": None,
        "outcome": "duplicate",
        "times": 1,
        "left": 1,
    }


def test_a_match_of_false_and_a_delay_of_nothing_are_shown() -> None:
    shown = Override("a", "duplicate", None, None, 1, 1, match=False, delay=0.0).as_json()

    assert (shown["match"], shown["delay"]) == (False, 0.0)


# --- a subset ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "got", "holds"),
    [
        ({}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ({"a": None}, {}, False),
        ({"a": None}, {"a": None}, True),
        ({"a": {}}, {"a": {"b": 1}}, True),
        ({"a": {}}, {"a": []}, False),
        ({"a": {}}, None, False),
        ([], [], True),
        ([], [1], False),
        ([{"a": 1}], [{"a": 1, "b": 2}], True),
        ([1, 2], [2, 1], False),
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (True, 1, False),
        (1, "1", False),
        ("a", "a", True),
        ("a", "A", False),
        (10**400, 0.5, False),
    ],
)
def test_a_subset_is_told_field_by_field_and_by_type(wanted: Any, got: Any, holds: bool) -> None:
    assert is_subset(wanted, got) is holds


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(LEAVES, lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=8)


@given(VALUES)
def test_every_value_is_a_subset_of_itself(value: Any) -> None:
    assert is_subset(value, value)


@given(st.dictionaries(st.text(), VALUES), st.dictionaries(st.text(), VALUES))
def test_more_fields_never_break_a_match(wanted: dict[str, Any], more: dict[str, Any]) -> None:
    assert is_subset(wanted, {**more, **wanted})
