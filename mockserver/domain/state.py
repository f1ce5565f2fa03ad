"""A sandbox's state as one document: written for export, held against itself before it replaces another."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from mockserver.domain import account as accounts
from mockserver.domain import lifecycle, tasks, uploads
from mockserver.domain.ids import SEED_KEY
from mockserver.domain.model import NEVER, Account, Persona, Task
from mockserver.domain.pages import walk
from mockserver.domain.policy import Policy
from mockserver.domain.ports import Ids, Tx
from mockserver.domain.records import (
    micros,
    read_account,
    read_persona,
    read_task,
    seconds,
    unpack_account,
    write_account,
    write_persona,
    write_task,
)
from mockserver.domain.uploads import Upload
from mockserver.domain.versions import Model

FORMAT: Final = 1
# What was counted of the calls tells of them and not of the state; it stays when the state is replaced.
# So do callbacks, sent or to be sent again, and the keys that sign them: a key is nobody's to carry away.
_STAYS: Final = ("coverage/", "callback", "hmac/")
# What ids are drawn for: of the mock itself, and of each provider.
_COUNTED: Final = ("request", "outcome", "fault", "fault-draw")
_DRAWN: Final = ("task", "song", "persona", "upload")
_WHOLE: Final = ("number", "progress", "polls")


class Term(NamedTuple):
    """What a provider's tasks have to agree with; how many polls show each state, 0 where time moves on."""

    policy: Policy
    models: tuple[Model, ...]
    polls: int = 0


Terms = Mapping[str, Term]


class StateError(ValueError):
    """A state that cannot be: the place, as a JSON pointer, and the reason."""

    def __init__(self, pointer: str, reason: str) -> None:
        self.pointer = pointer
        self.reason = reason
        super().__init__(f"{pointer}: {reason}")


# --- export -------------------------------------------------------------------------------------------------


def export(tx: Tx, ids: Ids, now: int) -> dict[str, Any]:
    """Everything that later answers depend on, but for the queued outcomes. Refunds due by now are in it."""
    held = (unpack_account(record) for _, record in _read(tx, "account/"))
    return {
        "format": FORMAT,
        "now": seconds(now),
        "seed": ids.seed_of(tx),
        "ids": {key: int(value) for key, value in _read(tx, "ids/")},
        "accounts": [write_account(accounts.as_of(tx, account, now)) for account in held],
        "tasks": [write_task(task) for task in tasks.in_order(tx)],
        "personas": [write_persona(persona) for persona in _personas(tx)],
        "uploads": [_write_upload(tx, upload) for upload in uploads.every(tx)],
    }


def _personas(tx: Tx) -> list[Persona]:
    return sorted(tasks.all_personas(tx), key=lambda persona: persona.number)


def _write_upload(tx: Tx, upload: Upload) -> dict[str, Any]:
    content = uploads.content(tx, upload.id)
    return {
        **upload._asdict(),
        "content": None if content is None else base64.b64encode(content).decode(),
    }


def _read(tx: Tx, prefix: str) -> Iterator[tuple[str, bytes]]:
    """The records with a prefix, which their names leave out."""
    for key, value in walk(tx, prefix):
        yield key[len(prefix) :], value


# --- import -------------------------------------------------------------------------------------------------


class Held(NamedTuple):
    """What a persona of the state may speak of."""

    now: int
    terms: Terms
    accounts: Mapping[str, Account]
    tasks: Mapping[tuple[str, str], Task]

    def task(self, provider: str, id: str | None) -> Task | None:
        """A provider's task."""
        return self.tasks.get((provider, id)) if id is not None else None

    def stands(self, persona: Persona) -> bool:
        """False for a persona whose task has failed by now."""
        maker = self.task(persona.provider, persona.made_by)
        return maker is None or maker.failure is None or maker.failure.at > self.now


def build(tx: Tx, state: Mapping[str, Any], terms: Terms) -> None:
    """Write the records that a state tells of into an empty place; StateError for one that cannot be."""
    tx.put(SEED_KEY, b"%d" % state["seed"])
    for kind, count in state["ids"].items():
        _check_kind(kind, terms)
        tx.put(f"ids/{kind}", b"%d" % count)
    known = _put_accounts(tx, state["accounts"])
    now = micros(state["now"])
    made = _put_tasks(tx, state["tasks"], known, terms, now)
    held = Held(now, terms, known, made)
    for index, task in enumerate(made.values()):
        _check_past(f"/tasks/{index}/created", task.created, held)
    _put_personas(tx, state["personas"], held)
    _put_uploads(tx, state["uploads"])
    _keep_refunds(tx, made.values(), held.now)
    numbers = [record["number"] for record in (*state["tasks"], *state["personas"])]
    tasks.count_from(tx, max(numbers, default=0))


def _check_past(at: str, moment: int, held: Held) -> None:
    if moment > held.now:
        raise StateError(at, "is later than the state's now")


def _check_kind(kind: str, terms: Terms) -> None:
    known = [*_COUNTED, *(f"{provider}/{noun}" for provider in terms for noun in _DRAWN)]
    if kind not in known:
        raise StateError(f"/ids/{kind}", f"no such kind of id, wanted one of {', '.join(known)}")


def records(tx: Tx) -> list[tuple[str, bytes]]:
    """Every record of the state, as it is kept."""
    return [(key, value) for key, value in _read(tx, "") if not key.startswith(_STAYS)]


def overwrite(tx: Tx, new: Iterable[tuple[str, bytes]]) -> None:
    """Put these records in the place of the state that is."""
    for key, _ in records(tx):
        tx.delete(key)
    for key, value in new:
        tx.put(key, value)


def _put_accounts(tx: Tx, records: list[dict[str, Any]]) -> dict[str, Account]:
    known: dict[str, Account] = {}
    for index, record in enumerate(records):
        account = _sound(f"/accounts/{index}", read_account, record)
        if not account.key.endswith(f"({account.id})"):
            raise StateError(f"/accounts/{index}/key", f"wanted the redacted key of {account.id}")
        _once(known, account.id, f"/accounts/{index}/id")
        known[account.id] = account
        accounts.put(tx, account)
    return known


def _put_tasks(
    tx: Tx, records: list[dict[str, Any]], known: Mapping[str, Account], terms: Terms, now: int
) -> dict[tuple[str, str], Task]:
    made: dict[tuple[str, str], Task] = {}
    songs: dict[tuple[str, str], str] = {}
    numbers: dict[int, int] = {}
    for index, record in enumerate(records):
        at = f"/tasks/{index}"
        task = _sound(at, read_task, record)
        _check_task(at, task, known, terms)
        _once(made, (task.provider, task.id), f"{at}/id")
        _once(numbers, task.number, f"{at}/number")
        for place, song in enumerate(task.songs):
            _once(songs, (task.provider, song.id), f"{at}/songs/{place}/id")
            songs[task.provider, song.id] = task.id
        made[task.provider, task.id] = task
        numbers[task.number] = index
    for index, task in enumerate(made.values()):
        if task.parent and (task.provider, task.parent) not in songs:
            raise StateError(f"/tasks/{index}/parent", f"no song {task.parent!r} of {task.provider}")
        made[task.provider, task.id] = _put_task(tx, task, terms[task.provider], now)
    return made


def _put_task(tx: Tx, task: Task, term: Term, now: int) -> Task:
    """A task as it goes on here; what it has behind it nobody is told again."""
    if term.polls:
        task = lifecycle.by_polls(task, term.policy, term.polls, now)
    else:
        task = lifecycle.by_time(task, term.policy, now)
    behind = lifecycle.entered(task, term.policy, now)
    return tasks.put(tx, None, task, lifecycle.upcoming(task, term.policy, behind))


def _check_task(at: str, task: Task, known: Mapping[str, Account], terms: Terms) -> None:
    if task.provider not in terms:
        raise StateError(f"{at}/provider", f"no provider {task.provider!r}, wanted one of {', '.join(terms)}")
    policy, models, _ = terms[task.provider]
    kind = policy.kinds.get(task.kind)
    if kind is None:
        raise StateError(f"{at}/kind", f"no kind {task.kind!r}, wanted one of {', '.join(policy.kinds)}")
    if task.account not in known:
        raise StateError(f"{at}/account", f"no account {task.account!r}")
    sung_by = [kind.model or kind.name] if kind.is_persona else [model.name for model in models]
    if task.model not in sung_by:
        raise StateError(f"{at}/model", f"no model {task.model!r} of {task.provider}")
    if len(task.songs) != kind.songs:
        raise StateError(f"{at}/songs", f"a task of the kind {kind.name} has {kind.songs}")
    if kind.is_persona != (task.persona is not None):
        raise StateError(f"{at}/persona", "stands with the tasks that make one, and with no others")
    states = {failure.state for failure in policy.failures}
    if task.failure and task.failure.state not in states:
        raise StateError(f"{at}/failure/state", f"wanted one of {', '.join(sorted(states))}")
    if task.failure and task.failure.at == NEVER and task.begun is None:
        raise StateError(f"{at}/failure/at", "wanted a moment: time moves this task on, not polls")
    if task.begun is not None:
        _check_begun(f"{at}/begun", task.begun, policy)


def _check_begun(at: str, begun: tuple[int, ...], policy: Policy) -> None:
    if len(begun) != len(policy.stages):
        raise StateError(at, f"wanted a moment, or null, for each of {len(policy.stages)} stages")
    if begun[0] == NEVER or list(begun) != sorted(begun):
        raise StateError(at, "wanted moments that grow, and null for the stages to come")


def _put_personas(tx: Tx, records: list[dict[str, Any]], held: Held) -> None:
    found: dict[tuple[str, str], Persona] = {}
    numbers = {task.number: 0 for task in held.tasks.values()}
    for index, record in enumerate(records):
        at = f"/personas/{index}"
        persona = _sound(at, read_persona, record)
        _check_persona(at, persona, held)
        _once(found, (persona.provider, persona.id), f"{at}/id")
        _once(numbers, persona.number, f"{at}/number")
        found[persona.provider, persona.id] = persona
        numbers[persona.number] = index
    _check_tasks_have(found, held)
    _check_songs_have_one(list(found.values()), held)
    # The one that stands comes last: it is its song's.
    for persona in sorted(found.values(), key=lambda one: (held.stands(one), one.number)):
        tasks.put_persona(tx, persona)


def _check_persona(at: str, persona: Persona, held: Held) -> None:
    source = held.task(persona.provider, persona.task)
    _check_past(f"{at}/created", persona.created, held)
    if persona.account not in held.accounts:
        raise StateError(f"{at}/account", f"no account {persona.account!r}")
    if source is None:
        raise StateError(f"{at}/task", f"no task {persona.task!r} of {persona.provider!r}")
    if source.song(persona.song) is None:
        raise StateError(f"{at}/song", f"no song {persona.song!r} of the task {persona.task!r}")
    maker = held.task(persona.provider, persona.made_by)
    needs_maker = held.terms[persona.provider].policy.persona_task is not None
    if (needs_maker or persona.made_by is not None) and (maker is None or maker.persona != persona.id):
        raise StateError(f"{at}/made_by", f"no task {persona.made_by!r} that makes this persona")


def _check_tasks_have(found: Mapping[tuple[str, str], Persona], held: Held) -> None:
    for index, task in enumerate(held.tasks.values()):
        persona = found.get((task.provider, task.persona)) if task.persona is not None else None
        if task.persona is not None and (persona is None or persona.made_by != task.id):
            raise StateError(f"/tasks/{index}/persona", f"no persona {task.persona!r} that this task makes")


def _check_songs_have_one(found: list[Persona], held: Held) -> None:
    first: dict[tuple[str, str], Persona] = {}
    for index, persona in enumerate(found):
        if held.terms[persona.provider].policy.once_per_song and held.stands(persona):
            other = first.setdefault((persona.provider, persona.song), persona)
            if other is not persona:
                raise StateError(f"/personas/{index}/song", f"has the persona {other.id!r} already")


def _put_uploads(tx: Tx, records: list[dict[str, Any]]) -> None:
    seen: dict[str, None] = {}
    for index, record in enumerate(records):
        at = f"/uploads/{index}"
        content = _content(f"{at}/content", record["content"])
        if (None if content is None else len(content)) != record["size"]:
            raise StateError(f"{at}/size", "is not the length of the content")
        _once(seen, record["id"], f"{at}/id")
        seen[record["id"]] = None
        told = {name: value for name, value in record.items() if name not in ("content", "size")}
        upload = Upload(**told)
        uploads.put(tx, upload)
        if content is not None:
            uploads.fill(tx, upload, content)


def _content(at: str, text: str | None) -> bytes | None:
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise StateError(at, "is not base64") from None


def _sound(at: str, read: Callable[[Mapping[str, Any]], Any], record: Mapping[str, Any]) -> Any:
    # 2.0 is an integer to JSON Schema, but no place in an order.
    whole = {name: int(record[name]) for name in _WHOLE if record.get(name) is not None}
    try:
        return read({**record, **whole})
    except (ValueError, OverflowError) as error:
        raise StateError(at, str(error)) from None


def _once(seen: Mapping[Any, Any], key: Any, at: str) -> None:
    if key in seen:
        raise StateError(at, "stands there twice")


def _keep_refunds(tx: Tx, made: Iterable[Task], now: int) -> None:
    """What was due at the export is in the credits already."""
    for task in made:
        if task.failure and task.failure.at <= now:
            accounts.withdraw(tx, task.account, task.provider, task.id, task.failure.at)
