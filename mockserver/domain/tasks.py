"""Tasks, songs and personas in the store: every key that leads to one is written and withdrawn here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

from mockserver.domain import account as accounts
from mockserver.domain.model import NEVER, Due, Persona, Task
from mockserver.domain.pages import walk
from mockserver.domain.ports import Tx
from mockserver.domain.records import pack_persona, pack_task, unpack_persona, unpack_task

T = TypeVar("T")


def next_number(tx: Tx) -> int:
    """The next number in the order of making."""
    return tx.count("count/made")


def count_from(tx: Tx, number: int) -> None:
    """Go on counting behind a number."""
    tx.put("count/made", b"%d" % number)


def is_taken(tx: Tx, kind: str, provider: str, id: str) -> bool:
    """True for the id of a task, song or persona that there is."""
    return tx.get(f"{kind}/{provider}/{id}") is not None


# --- tasks --------------------------------------------------------------------------------------------------


def find(tx: Tx, provider: str, id: str) -> Task | None:
    """A provider's task."""
    record = tx.get(f"task/{provider}/{id}")
    return unpack_task(record) if record else None


def of_song(tx: Tx, provider: str, song: str) -> Task | None:
    """The task that made a song."""
    reference = tx.get(f"song/{provider}/{song}")
    return find(tx, provider, _read(reference)[2]) if reference else None


def put(tx: Tx, old: Task | None, new: Task, due: Due | None) -> Task:
    """Keep a task, new or changed; its next step, and the credits it gives back, change with it."""
    if old is None:
        _index(tx, new)
    elif _fails_at(old) != _fails_at(new):
        new = new._replace(charged=_charged_again(tx, old))
    if new.failure and (old is None or _fails_at(old) != new.failure.at):
        accounts.promise(tx, new.account, new.provider, new.id, new.failure.at, new.charged)
    tx.put(f"task/{new.provider}/{new.id}", pack_task(new))
    if old is not None or due is not None:
        put_due(tx, new, due)
    return new


def _fails_at(task: Task) -> int | None:
    return task.failure.at if task.failure else None


def _index(tx: Tx, task: Task) -> None:
    provider = task.provider
    # One and the same bytes for all of them: with bytes of its own each takes 80 more.
    reference = f"{provider}/{task.account}/{task.id}".encode()
    tx.put(f"order/{task.number:012d}", reference)
    for song in task.songs:
        tx.put(f"song/{provider}/{song.id}", reference)


def _charged_again(tx: Tx, task: Task) -> int:
    """What a task has cost once its failure is undone: where the credits are back already, they go again."""
    failure = task.failure
    if failure is None or not task.charged:
        return task.charged
    if accounts.withdraw(tx, task.account, task.provider, task.id, failure.at):
        return task.charged
    account = accounts.find(tx, task.account)
    assert account is not None
    return account.credits - accounts.take(tx, account, task.charged).credits


# --- steps to come ------------------------------------------------------------------------------------------


def put_due(tx: Tx, task: Task, due: Due | None) -> None:
    """Keep what a task's next step is; None where there is none to come."""
    before = due_of(tx, task)
    if before is not None:
        tx.delete(_due_key(before, task.number))
    if due is None:
        tx.delete(f"step/{task.number:012d}")
        return
    tx.put(f"step/{task.number:012d}", b"%d %d" % due)
    tx.put(_due_key(due, task.number), b"%d" % due.step)


def due_of(tx: Tx, task: Task) -> Due | None:
    """The next step of a task; None behind its last."""
    found = tx.get(f"step/{task.number:012d}")
    return Due(*map(int, found.split())) if found else None


def _due_key(due: Due, number: int) -> str:
    return f"due/{due.at:020d}/{number:012d}"


def first_due(tx: Tx) -> int | None:
    """The moment of the next step of any task; None where only polls can bring one."""
    found = tx.scan("due/", limit=1)
    at = int(found[0][0].split("/")[1]) if found else NEVER
    return at if at < NEVER else None


def due_by(tx: Tx, now: int, limit: int) -> list[tuple[Task, int]]:
    """The tasks whose next step is due by now, each with its place; in the order of the moments."""
    found: list[tuple[Task, int]] = []
    # Mostly there is one or none, and a short page tells.
    page, after = tx.scan("due/", limit=4), ""
    while page:
        for after, step in page:
            _, at, number = after.split("/")
            if int(at) > now or len(found) == limit:
                return found
            found.append((by_number(tx, int(number)), int(step)))
        page = tx.scan("due/", after, limit)
    return found


def waiting_for_polls(tx: Tx, after: int, limit: int) -> list[Task]:
    """Unfinished tasks that only polls move on, above a number in the order of making."""
    place = f"due/{NEVER:020d}/"
    found = tx.scan(place, f"{place}{after:012d}", limit)
    return [by_number(tx, int(key.split("/")[2])) for key, _ in found]


def by_number(tx: Tx, number: int) -> Task:
    """The task of that place in the order of making."""
    reference = tx.get(f"order/{number:012d}")
    assert reference is not None
    return _meant(tx, reference, find)


# --- lists of tasks -----------------------------------------------------------------------------------------


def in_order(tx: Tx, after: int = 0) -> Iterator[Task]:
    """Every task in the order of making, those above a number."""
    return _all_meant(tx, "order/", find, f"order/{after:012d}")


def of_account(tx: Tx, account: str) -> list[str]:
    """The ids of an account's tasks, oldest first."""
    note_accounts(tx)
    return [_read(reference)[2] for _, reference in walk(tx, f"account-task/{account}/")]


def note_accounts(tx: Tx, most: int | None = None) -> bool:
    """Note whose the newest tasks are, at most so many, from where it was left; False where there are none.

    Hardly anybody asks, and what each submission would write for it takes a tenth of a task's memory.
    """
    before = last = (tx.get("account-tasks") or b"0").decode()
    for key, reference in islice(walk(tx, "order/", f"order/{last:0>12}"), most):
        last = key.removeprefix("order/")
        tx.put(f"account-task/{_read(reference)[1]}/{last}", reference)
    if last != before:
        tx.put("account-tasks", last.encode())
    return last != before


# --- personas -----------------------------------------------------------------------------------------------


def find_persona(tx: Tx, provider: str, id: str) -> Persona | None:
    """A provider's persona."""
    record = tx.get(f"persona/{provider}/{id}")
    return unpack_persona(record) if record else None


def persona_of(tx: Tx, provider: str, song: str) -> Persona | None:
    """The newest persona of a song."""
    id = tx.get(f"persona-of/{provider}/{song}")
    return find_persona(tx, provider, id.decode()) if id else None


def put_persona(tx: Tx, persona: Persona) -> None:
    """Keep a persona, new or changed."""
    tx.put(f"persona/{persona.provider}/{persona.id}", pack_persona(persona))
    tx.put(f"persona-of/{persona.provider}/{persona.song}", persona.id.encode())
    reference = f"{persona.provider}/{persona.account}/{persona.id}".encode()
    tx.put(f"account-persona/{persona.account}/{persona.number:012d}", reference)


def personas_of_account(tx: Tx, account: str) -> Iterator[Persona]:
    """An account's personas, oldest first, those still being made among them."""
    return _all_meant(tx, f"account-persona/{account}/", find_persona)


def all_personas(tx: Tx) -> Iterator[Persona]:
    """Every persona, by provider and id."""
    for _, record in walk(tx, "persona/"):
        yield unpack_persona(record)


# --- references ---------------------------------------------------------------------------------------------


def _read(reference: bytes) -> list[str]:
    """The provider, the account and the id that a reference is made of."""
    # The id of a state that was brought may be any text; the others have no slash.
    return reference.decode().split("/", 2)


def _meant(tx: Tx, reference: bytes, find: Callable[[Tx, str, str], T | None]) -> T:
    provider, _, id = _read(reference)
    found = find(tx, provider, id)
    assert found is not None
    return found


def _all_meant(tx: Tx, prefix: str, find: Callable[[Tx, str, str], T | None], after: str = "") -> Iterator[T]:
    """What the references under a prefix lead to."""
    for _, reference in walk(tx, prefix, after):
        yield _meant(tx, reference, find)
