"""Tasks, songs and personas in the store: every key that leads to one is written and withdrawn here."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.domain import account as accounts
from mockserver.domain.model import Persona, Task
from mockserver.domain.ports import Tx
from mockserver.domain.records import pack, read_persona, read_task, unpack, write_persona, write_task

_PAGE = 200


def next_number(tx: Tx) -> int:
    """The next number in the order of making."""
    number = int(tx.get("count/made") or b"0") + 1
    tx.put("count/made", b"%d" % number)
    return number


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
    return read_task(unpack(record)) if record else None


def of_song(tx: Tx, provider: str, song: str) -> Task | None:
    """The task that made a song."""
    id = tx.get(f"song/{provider}/{song}")
    return find(tx, provider, id.decode()) if id else None


def put(tx: Tx, old: Task | None, new: Task) -> Task:
    """Keep a task, new or changed; what is due of it, and the credits it gives back, change with it."""
    if old is None:
        _index(tx, new)
    else:
        new = new._replace(charged=_charged_again(tx, old))
        tx.delete(_due_key(old))
    if new.failure:
        accounts.promise(tx, new.account, new.provider, new.id, new.failure.at, new.charged)
    tx.put(_due_key(new), b"")
    tx.put(f"task/{new.provider}/{new.id}", pack(write_task(new)))
    return new


def _index(tx: Tx, task: Task) -> None:
    tx.put(f"order/{task.number:012d}", f"{task.provider}/{task.id}".encode())
    tx.put(f"account-task/{task.account}/{task.number:012d}", task.id.encode())
    for song in task.songs:
        tx.put(f"song/{task.provider}/{song.id}", task.id.encode())


def _charged_again(tx: Tx, task: Task) -> int:
    """What a task has cost once its failure is undone: where the credits are back already, they go again."""
    failure = task.failure
    if failure is None or not task.charged:
        return task.charged
    if accounts.withdraw(tx, task.account, task.provider, task.id, failure.at):
        return task.charged
    account = accounts.find(tx, task.account)
    assert account is not None
    taken = min(task.charged, account.credits)
    accounts.put(tx, account._replace(credits=account.credits - taken, used=account.used + taken))
    return taken


def _due_key(task: Task) -> str:
    return f"due/{task.ends:020d}/{task.provider}/{task.id}"


def last_due(tx: Tx, now: int) -> int | None:
    """The moment at which the last task becomes final, if that is still to come."""
    last, after = None, f"due/{now:020d}0"
    while page := tx.scan("due/", after, _PAGE):
        after = page[-1][0]
        last = int(after[len("due/") : len("due/") + 20])
    return last


def in_order(tx: Tx, after: int = 0) -> Iterator[Task]:
    """Every task in the order of making, those above a number."""
    for reference in _scan(tx, "order/", f"order/{after:012d}"):
        provider, _, id = reference.decode().partition("/")
        task = find(tx, provider, id)
        assert task is not None
        yield task


def of_account(tx: Tx, account: str) -> list[str]:
    """The ids of an account's tasks, oldest first."""
    return [id.decode() for id in _scan(tx, f"account-task/{account}/")]


# --- personas -----------------------------------------------------------------------------------------------


def find_persona(tx: Tx, provider: str, id: str) -> Persona | None:
    """A provider's persona."""
    record = tx.get(f"persona/{provider}/{id}")
    return read_persona(unpack(record)) if record else None


def persona_of(tx: Tx, provider: str, song: str) -> Persona | None:
    """The newest persona of a song."""
    id = tx.get(f"persona-of/{provider}/{song}")
    return find_persona(tx, provider, id.decode()) if id else None


def put_persona(tx: Tx, persona: Persona) -> None:
    """Keep a persona, new or changed."""
    tx.put(f"persona/{persona.provider}/{persona.id}", pack(write_persona(persona)))
    tx.put(f"persona-of/{persona.provider}/{persona.song}", persona.id.encode())
    reference = f"{persona.provider}/{persona.id}".encode()
    tx.put(f"account-persona/{persona.account}/{persona.number:012d}", reference)


def personas_of_account(tx: Tx, account: str) -> Iterator[Persona]:
    """An account's personas, oldest first, those still being made among them."""
    for reference in _scan(tx, f"account-persona/{account}/"):
        provider, _, id = reference.decode().partition("/")
        persona = find_persona(tx, provider, id)
        assert persona is not None
        yield persona


def all_personas(tx: Tx) -> Iterator[Persona]:
    """Every persona, by provider and id."""
    for record in _scan(tx, "persona/"):
        yield read_persona(unpack(record))


def _scan(tx: Tx, prefix: str, after: str = "") -> Iterator[bytes]:
    while page := tx.scan(prefix, after, _PAGE):
        for key, value in page:
            yield value
            after = key
