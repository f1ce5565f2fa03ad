"""Accounts. Credits: charged at submission, given back at the moment a task fails, never below zero."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mockserver.domain.credits import MOST
from mockserver.domain.model import Account, Caller
from mockserver.domain.pages import walk
from mockserver.domain.ports import Tx
from mockserver.domain.records import pack_account, unpack_account


def find(tx: Tx, id: str) -> Account | None:
    """The account of that id, as it was last settled."""
    record = tx.get(f"account/{id}")
    return unpack_account(record) if record else None


def put(tx: Tx, account: Account) -> None:
    """Keep an account."""
    tx.put(f"account/{account.id}", pack_account(account))


def of(tx: Tx, caller: Caller) -> Account:
    """The caller's account; a new one is not kept by this."""
    return find(tx, caller.account) or _new(caller)


def known(tx: Tx, caller: Caller) -> Account:
    """The caller's account; a new one is kept."""
    account = find(tx, caller.account)
    if account is None:
        account = _new(caller)
        put(tx, account)
    return account


def _new(caller: Caller) -> Account:
    return Account(caller.account, caller.key, caller.starts_with)


def as_of(tx: Tx, account: Account, now: int) -> Account:
    """The account with every refund in it that is due by now; nothing is written."""
    return _given_back(account, [amount for _, amount in _due(tx, account.id, now)])


def _given_back(account: Account, amounts: list[int]) -> Account:
    back = sum(amounts)
    if not back:
        return account
    return account._replace(credits=min(MOST, account.credits + back), used=max(0, account.used - back))


def take(tx: Tx, account: Account, amount: int) -> Account:
    """Take an amount from a settled account, or what there is of it."""
    taken = min(amount, account.credits)
    if not taken:
        return account
    credits, used = account.credits - taken, min(MOST, account.used + taken)
    after = Account(account.id, account.key, credits, used, account.rate_limit)
    put(tx, after)
    return after


def settle(tx: Tx, account: Account, now: int, most: int | None = None) -> Account:
    """Put what is due back into the account itself, at most so many refunds, and forget that it was due."""
    # Mostly nothing is promised to an account, and one look tells.
    if tx.get(_promises(account.id)) is None:
        return account
    due = list(islice(_due(tx, account.id, now), most))
    if not due:
        return account
    settled = _given_back(account, [amount for _, amount in due])
    for key, _ in due:
        tx.delete(key)
    _count(tx, account.id, -len(due))
    put(tx, settled)
    return settled


# --- the key that signs callbacks ---------------------------------------------------------------------------


def hmac_key(tx: Tx, account: str) -> str | None:
    """The key with which callbacks of an account are signed; None where they are not."""
    record = tx.get(_hmac(account))
    return record.decode("utf-8") if record else None


def set_hmac_key(tx: Tx, account: str, key: str | None) -> None:
    """Sign an account's callbacks with this key from now on; with None, not at all."""
    if key is None:
        tx.delete(_hmac(account))
    else:
        tx.put(_hmac(account), key.encode("utf-8"))


def _hmac(account: str) -> str:
    # Beside the account and not in its record, for no export is to tell a secret.
    return f"hmac/{account}"


# --- refunds to come ----------------------------------------------------------------------------------------


def promise(tx: Tx, account: str, provider: str, task: str, at: int, amount: int) -> None:
    """Give an amount back at a moment."""
    key = _key(account, provider, task, at)
    if amount:
        if tx.get(key) is None:
            _count(tx, account, 1)
        tx.put(key, b"%d" % amount)


def withdraw(tx: Tx, account: str, provider: str, task: str, at: int) -> bool:
    """Take such a promise back; False where it was kept already."""
    key = _key(account, provider, task, at)
    if tx.get(key) is None:
        return False
    tx.delete(key)
    _count(tx, account, -1)
    return True


def _key(account: str, provider: str, task: str, at: int) -> str:
    return f"refund/{account}/{at:020d}/{provider}/{task}"


def _promises(account: str) -> str:
    """The record that says how many refunds an account is promised; there is none for none."""
    return f"refunds/{account}"


def _count(tx: Tx, account: str, more: int) -> None:
    if not tx.count(_promises(account), more):
        tx.delete(_promises(account))


def _due(tx: Tx, account: str, now: int) -> Iterator[tuple[str, int]]:
    prefix = f"refund/{account}/"
    end = f"{prefix}{now + 1:020d}"
    for key, amount in walk(tx, prefix):
        if key >= end:
            return
        yield key, int(amount)
