"""The state of a sandbox: out of it as one document, and into it again."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mockserver.domain import callbacks, override, tasks
from mockserver.domain import fault as faults
from mockserver.domain import state as states
from mockserver.domain.fault import Fault
from mockserver.domain.model import Task
from mockserver.domain.override import Override
from mockserver.domain.ports import Tx
from mockserver.domain.records import micros
from mockserver.domain.state import StateError, Term
from mockserver.openapi.examples import body_violations
from mockserver.openapi.source import Json
from mockserver.store.memory import MemoryStore
from mockserver.web.control.call import BadControl, ControlCall
from mockserver.web.control.faults import SORTS
from mockserver.web.control.faults import read as read_fault
from mockserver.web.control.outcomes import targets
from mockserver.web.living import Living


def show(call: ControlCall) -> Json:
    """Everything that later answers in this sandbox depend on."""
    # Copied as it is, then written out of the copy: a large state keeps nobody waiting.
    records = call.world.store.run(call.sandbox, states.records)

    def work(tx: Tx) -> Json:
        states.overwrite(tx, records)
        state = states.export(tx, call.world.ids, micros(call.world.clock.now(tx)))
        outcomes = [item.as_json() for item in override.listed(tx)]
        return {**state, "outcomes": outcomes, "faults": [item.as_json() for item in faults.listed(tx)]}

    return MemoryStore().run(call.sandbox, work)


def bring(call: ControlCall) -> Json:
    """Put a state in the place of this sandbox's; one that cannot be leaves everything as it was."""
    state = call.body
    try:
        # Built and looked at by itself first.
        records = MemoryStore().run(call.sandbox, lambda tx: _built(call, tx, state))
    except StateError as error:
        raise BadControl(error.pointer[1:], error.reason) from None
    call.world.store.run(call.sandbox, lambda tx: _replaced(call, tx, records))
    call.world.agenda.stir(call.sandbox)
    counts = {kind: len(state[kind]) for kind in ("accounts", "tasks", "personas")}
    return {"imported": {"sandbox": call.sandbox, **counts}}


def _replaced(call: ControlCall, tx: Tx, records: list[tuple[str, bytes]]) -> None:
    states.overwrite(tx, records)
    # Those that wait for the next one of a task would wait for ever.
    callbacks.let_all_go(tx, micros(call.world.clock.now(tx)))


def _built(call: ControlCall, tx: Tx, state: Json) -> list[tuple[str, bytes]]:
    houses = ((name, one.house) for name, one in call.world.living.items())
    terms = {name: Term(house.policy, house.models, house.polls) for name, house in houses}
    states.build(tx, state, terms)
    call.world.clock.bring(tx, state["now"])
    for index, record in enumerate(state["outcomes"]):
        if tx.get(f"override-id/{record['id']}") is not None:
            raise StateError(f"/outcomes/{index}/id", "stands there twice")
        override.add(tx, _override(call, f"/outcomes/{index}", record))
    for index, record in enumerate(state.get("faults", ())):
        if tx.get(f"fault-id/{record['id']}") is not None:
            raise StateError(f"/faults/{index}/id", "stands there twice")
        faults.add(tx, _fault(call, f"/faults/{index}", record))
    _check_views(call, tx, state["tasks"])
    return states.records(tx)


# What decides whether a task can be shown; the rest the document of this API has checked.
_SHAPE = ("provider", "kind", "model", "request", "failure", "progress")


def _check_views(call: ControlCall, tx: Tx, records: list[Json]) -> None:
    """Hold what each task shows against its document; of several that are alike, one."""
    seen: set[str] = set()
    for index, record in enumerate(records):
        shape = json.dumps([record[name] for name in _SHAPE], sort_keys=True)
        if shape not in seen:
            seen.add(shape)
            task = tasks.find(tx, record["provider"], record["id"])
            assert task is not None
            _check_view(call, tx, f"/tasks/{index}", task)


def _fault(call: ControlCall, at: str, record: Json) -> Fault:
    if record["fault"] not in SORTS:
        raise StateError(f"{at}/fault", f"no such fault, wanted one of {', '.join(SORTS)}")
    times, left = _counts(at, record)
    asked = {name: value for name, value in record.items() if name not in ("id", "left")}
    try:
        # Which server it goes on with is not said here: every one takes it.
        fault = read_fault(call._replace(has_wire=True), {**asked, "times": times})
    except BadControl as error:
        raise StateError(f"{at}/{error.field}", error.reason) from None
    return fault._replace(id=record["id"], left=left)


def _counts(at: str, record: Json) -> tuple[int | None, int | None]:
    times, left = (None if record[name] is None else int(record[name]) for name in ("times", "left"))
    if (times is None) != (left is None) or (left or 0) > (times or 0):
        raise StateError(f"{at}/left", f"cannot be {left} of {times}")
    return times, left


def _override(call: ControlCall, at: str, record: Json) -> Override:
    times, left = _counts(at, record)
    try:
        found = targets(call, record)
    except BadControl as error:
        raise StateError(f"{at}/{error.field}", error.reason) from None
    return Override(**{**record, "times": times, "left": left, "targets": found})


def _check_view(call: ControlCall, tx: Tx, at: str, task: Task) -> None:
    """Hold a task's view, now and when it is final, against the document: what cannot be shown cannot be."""
    living = call.world.living[task.provider]
    for moment in (None, task.ends):
        try:
            found = next(_misfits(living, tx, call.sandbox, task, moment), None)
        # Whatever an adapter trips over, it is the record that it could not expect.
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, AssertionError) as error:
            raise StateError(at, f"{task.provider} cannot show this task ({type(error).__name__})") from None
        if found is not None:
            raise StateError(at, f"{task.provider} cannot show this task: {found}")


def _misfits(living: Living, tx: Tx, sandbox: str, task: Task, moment: int | None) -> Iterator[str]:
    operation = living.document.operation(living.adapter.poll(task.id).operation)
    assert operation is not None
    body = living.view(tx, sandbox, task, moment)
    answer = operation.answers["success"]
    assert answer.response is not None
    media = answer.response.media[answer.examples[0].media]
    if media.place is not None:
        for violation in body_violations(living.document, media.place, media.type, body):
            yield f"{violation.pointer}: {violation.message}"
