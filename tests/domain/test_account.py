"""Refunds as values: what is due is in every answer, and is walked through once."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.domain import account as accounts
from mockserver.domain.model import Account, Caller
from mockserver.domain.ports import Store, Tx
from mockserver.domain.service import House, Service
from mockserver.store.memory import MemoryStore
from tests.domain.test_waiting import Counting

NOW = 1_000_000
# What a balance does not ask for.
NONE: Any = None
HOUSE = House("kie", NONE, (), NONE, NONE)


def promised(store: Store, count: int, at: int = NOW) -> None:
    """An account of 100 credits that gets 5 back so many times."""

    def work(tx: Tx) -> None:
        accounts.put(tx, Account("a", "key (a)", 100, used=60))
        for number in range(count):
            accounts.promise(tx, "a", "kie", f"task {number}", at, 5)

    store.run("box", work)


def balance(store: Store, now: int = NOW) -> tuple[int, int]:
    """The credits of the account as it sees them itself, and how many records that took."""

    def work(tx: Tx) -> tuple[int, int]:
        counting = Counting(tx)
        view = Service(counting, "box", now, HOUSE).balance(Caller("a", "key (a)", 100))
        return view.credits, counting.reads

    return store.run("box", work)


def settled(store: Store, now: int, most: int | None) -> Account:
    """The account's own record, with so many refunds more in it."""

    def work(tx: Tx) -> Account:
        account = accounts.find(tx, "a")
        assert account is not None
        return accounts.settle(tx, account, now, most)

    return store.run("box", work)


def test_a_balance_reads_what_is_due_once() -> None:
    store = MemoryStore()
    promised(store, 1000)

    first, *later = (balance(store) for _ in range(3))

    assert first[0] == 5100
    assert later == [(5100, 2), (5100, 2)]


def test_what_is_not_due_yet_is_in_no_balance(store: Store) -> None:
    promised(store, 3)

    assert [balance(store, now)[0] for now in (NOW - 1, NOW, NOW + 1)] == [100, 115, 115]


@pytest.mark.parametrize(
    ("most", "credits", "used"), [(0, 100, 60), (2, 110, 50), (7, 135, 25), (None, 150, 10)]
)
def test_some_of_what_is_due_is_settled_and_the_rest_stays_due(
    store: Store, most: int | None, credits: int, used: int
) -> None:
    promised(store, 10)

    account = settled(store, NOW, most)

    assert (account.credits, account.used) == (credits, used)
    assert store.run("box", lambda tx: accounts.as_of(tx, account, NOW)).credits == 150
    assert balance(store)[0] == 150
