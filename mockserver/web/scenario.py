"""Scenario files: what every sandbox begins with, in the words of the control calls that would make it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from mockserver.domain.pages import walk
from mockserver.domain.ports import Store, Tx
from mockserver.openapi.compiled import Document
from mockserver.openapi.problem import at
from mockserver.openapi.schemas import Place
from mockserver.openapi.source import DocumentError, Json, Source, parse
from mockserver.openapi.violation import Violation
from mockserver.settings import UsageError
from mockserver.store.memory import MemoryStore
from mockserver.web.agenda import Agenda, Walked
from mockserver.web.control.call import BadControl, Conflict, ControlCall
from mockserver.web.control.dispatch import HANDLERS, control_document
from mockserver.web.locate import DEFAULT_SANDBOX
from mockserver.web.world import World

T = TypeVar("T")

SHIPPED: Final = Path(__file__).parent.parent / "scenarios"
# The control call that each key stands for, in the order in which they are made.
_ONE: Final = {"state": "importState", "clock": "setClock"}
_MANY: Final = {
    "accounts": "changeAccount",
    "tasks": "plantTask",
    "outcomes": "addOutcome",
    "faults": "addFault",
}
_KEYS: Final = ("description", *_ONE, *_MANY)
_SECRETS: Final = ("key", "webhookHmacKey")
# What a shipped scenario says of a provider that is not served is passed over.
_OF_A_PROVIDER: Final = ("provider", "operation", "outcome")


class Step(NamedTuple):
    """One control call, and the place in a file that asks for it."""

    operation: str
    body: Json
    source: Source
    pointer: str
    path: dict[str, Json]
    may_be_passed_over: bool = False


Records = list[tuple[str, bytes]]


def begin(world: World, file: Path) -> World:
    """The world in which every sandbox begins with a scenario; UsageError for one that cannot be."""
    steps = list(_steps(*_read(file)))
    _check(steps)
    make = partial(_records, world, steps)
    # What cannot be done is to be known now, and not at the first call of a client.
    make(DEFAULT_SANDBOX)
    begun = world.on(Begun(world.store, make, lambda sandbox: begun.agenda.stir(sandbox)))
    return begun


def _records(world: World, steps: Iterable[Step], sandbox: str) -> Records:
    """The records that the calls leave in an empty sandbox of this name."""
    scratch = MemoryStore()
    there = world.on(scratch)
    there = replace(there, agenda=_Quiet.of(there))
    for step in steps:
        _take(step, there, sandbox)
    return scratch.run(sandbox, lambda tx: list(walk(tx, "")))


def _take(step: Step, world: World, sandbox: str) -> None:
    try:
        HANDLERS[step.operation](ControlCall(world, sandbox, step.path, {}, step.body))
    except BadControl as error:
        if not (step.may_be_passed_over and error.field in _OF_A_PROVIDER):
            pointer = f"{step.pointer}/{error.field}" if error.field else step.pointer
            raise _wrong(step.source, pointer, error.reason, error.allowed) from None
    except Conflict as error:
        raise _wrong(step.source, step.pointer, str(error)) from None


class _Quiet(Agenda):
    """The agenda of a sandbox that is being made: nobody is told of anything before it is whole."""

    @classmethod
    def of(cls, world: World) -> _Quiet:
        return cls(world.store, world.clock, world.ids, world.living, world.events, world.settings)

    def stir(self, sandbox: str) -> None:
        """Leave what is due to the agenda of the world in which the sandbox begins."""

    def walk(self, sandbox: str, aim: Callable[[Tx], int | None]) -> Walked:
        """Move the clock and nothing else."""
        target = self._store.run(sandbox, aim)
        if target is not None:
            self._store.run(sandbox, lambda tx: self._clock.move(tx, target))
        return Walked(0, 0)


# --- the store of such a world ------------------------------------------------------------------------------


class Begun:
    """A store in which every sandbox begins with certain records, at its first use and after each drop."""

    _MARK = "scenario"

    def __init__(
        self, store: Store, records: Callable[[str], Records], on_begun: Callable[[str], None]
    ) -> None:
        self.name, self.may_block = store.name, store.may_block
        self.append, self.extend, self.clear = store.append, store.extend, store.clear
        self.read, self.newest = store.read, store.newest
        self.sandboxes, self.drop, self.close = store.sandboxes, store.drop, store.close
        self._store = store
        self._records = records
        self._on_begun = on_begun

    def run(self, sandbox: str, work: Callable[[Tx], T]) -> T:
        """Call `work` in a sandbox that has begun."""
        # Dropped in between, it begins once more.
        while (found := self._store.run(sandbox, lambda tx: self._in_begun(tx, work))) is None:
            self._begin(sandbox)
        return found[0]

    def _begin(self, sandbox: str) -> None:
        # Made beside the transaction, as making them takes others.
        records = self._records(sandbox)
        self._store.run(sandbox, lambda tx: self._put(tx, records))
        self._on_begun(sandbox)

    def _put(self, tx: Tx, records: Records) -> None:
        # Of two who begin one sandbox, the second changes nothing.
        for key, value in records if tx.get(self._MARK) is None else ():
            tx.put(key, value)
        tx.put(self._MARK, b"1")

    def _in_begun(self, tx: Tx, work: Callable[[Tx], T]) -> tuple[T] | None:
        if tx.get(self._MARK) is None:
            return None
        result = work(tx)
        # A state that is brought replaces all that there was, and the scenario is not to come back.
        if tx.get(self._MARK) is None:
            tx.put(self._MARK, b"1")
        return (result,)


# --- reading ------------------------------------------------------------------------------------------------


def shipped() -> list[str]:
    """The names of the scenarios that come with the mock."""
    return sorted(file.stem for file in SHIPPED.glob("*.yaml"))


def _read(file: Path) -> tuple[Source, bool]:
    """The scenario of that file, or the shipped one of that name; True for a shipped one."""
    if not file.exists() and str(file) in shipped():
        place = SHIPPED / f"{file}.yaml"
        return _source(place, place.name), True
    try:
        return _source(file, str(file)), False
    except OSError as error:
        fix = f"Name a file, or one of the shipped ones: {', '.join(shipped())}"
        raise UsageError(f"{file} cannot be read ({error.strerror})", where="--scenario", fix=fix) from None


def _source(file: Path, shown: str) -> Source:
    """A file's value and its lines; an OSError is left to who knows what the file is for."""
    try:
        text = file.read_text("utf-8-sig")
        return Source(file.stem, shown, parse(text, shown), text)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UsageError(f"not UTF-8: byte {error.start}", where=f"{shown}:{line}") from None
    except DocumentError as error:
        raise UsageError(str(error)) from None


def _steps(source: Source, is_shipped: bool) -> Iterator[Step]:
    """The calls that a scenario asks for, in the order in which they are made; their bodies are unchecked."""
    data: Json = source.data
    if not isinstance(data, dict):
        raise _wrong(source, "", "a scenario is a mapping with the keys " + ", ".join(_KEYS))
    for key in data:
        if key not in _KEYS:
            raise _wrong(source, f"/{key}", "is no key of a scenario", _KEYS, key)
    if not isinstance(data.get("description", ""), str):
        raise _wrong(source, "/description", "wanted a text")
    if "state" in data:
        yield _state(source, data["state"])
    if "clock" in data:
        yield Step(_ONE["clock"], data["clock"], source, "/clock", {})
    for key, operation in _MANY.items():
        for pointer, item in _items(source, key):
            step = Step(operation, item, source, pointer, {}, is_shipped)
            yield _of_account(step) if key == "accounts" else step


def _items(source: Source, key: str) -> Iterator[tuple[str, Json]]:
    items = source.data.get(key, [])
    if not isinstance(items, list):
        raise _wrong(source, f"/{key}", "wanted a list")
    for index, item in enumerate(items):
        yield f"/{key}/{index}", item


def _state(source: Source, name: Json) -> Step:
    """The state of another file, as `state export` writes it."""
    if not isinstance(name, str) or not name:
        raise _wrong(source, "/state", "wanted the path of an exported state")
    file = Path(source.file).parent / name
    try:
        state = _source(file, str(file))
    except OSError as error:
        raise _wrong(source, "/state", f"{file} cannot be read ({error.strerror})") from None
    return Step(_ONE["state"], state.data, state, "", {})


def _of_account(step: Step) -> Step:
    """The change of an account, whose key is part of the path there."""
    if not isinstance(step.body, dict):
        return step
    key = step.body.get("key")
    if not isinstance(key, str) or not key:
        raise _wrong(step.source, f"{step.pointer}/key", "wanted the credential, a text")
    body = {name: value for name, value in step.body.items() if name != "key"}
    return step._replace(body=body, path={"key": key})


# --- what is wrong ------------------------------------------------------------------------------------------


def _check(steps: list[Step]) -> None:
    """Hold each call against the document of the control API, and see that no account comes twice."""
    document = control_document()
    seen: set[Json] = set()
    for step in steps:
        place = _place(document, step.operation)
        found = document.schemas.violations(place, step.body, where="body", pointer=step.pointer)
        first = min(found, key=lambda one: step.source.problem(one.pointer, "").line or 0, default=None)
        if first is not None:
            raise _refused(step, first, place)
        key = step.path.get("key")
        if key in seen:
            raise _wrong(step.source, f"{step.pointer}/key", "this account stands there a second time")
        seen.update(step.path.values())


def _place(document: Document, name: str) -> Place:
    operation = document.operation(name)
    assert operation is not None
    assert operation.body is not None
    place = operation.body.media["application/json"].place
    assert place is not None
    return place


def _refused(step: Step, violation: Violation, place: Place) -> UsageError:
    above, _, name = violation.pointer.rpartition("/")
    known = None
    if violation.rule == "additionalProperties" and above == step.pointer:
        known = [*step.path, *place.node.get("properties", {})]
    return _wrong(step.source, violation.pointer, _reason(violation), known, name)


def _reason(violation: Violation) -> str:
    if violation.pointer.rpartition("/")[2] in _SECRETS:
        return f"breaks the rule {violation.rule}: {violation.wanted}"
    return violation.message


def _wrong(
    source: Source, pointer: str, reason: str, allowed: Iterable[Json] | None = None, got: Json = None
) -> UsageError:
    """The error that names file, line and key."""
    problem = source.problem(pointer, reason)
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    named = f"{place} {_shown(pointer)}" if pointer else place
    fix = "" if allowed is None else _hint([str(one) for one in allowed], got or _value(source, pointer))
    return UsageError(reason, where=named, fix=fix)


def _hint(allowed: list[str], got: Json) -> str:
    close = get_close_matches(got, allowed, n=1) if isinstance(got, str) else []
    return f"Did you mean {close[0]}?" if close else f"Allowed: {', '.join(allowed)}"


def _value(source: Source, pointer: str) -> Json:
    try:
        return at(source.data, pointer)
    except KeyError:
        return None


def _shown(pointer: str) -> str:
    """A pointer as a path of keys: outcomes[1].times."""
    path = ""
    for part in pointer.split("/")[1:]:
        path += f"[{part}]" if part.isdecimal() else f".{part}"
    return path.removeprefix(".")
