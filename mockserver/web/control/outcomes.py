"""Queued and standing outcomes."""

from __future__ import annotations

from mockserver.domain import override
from mockserver.domain.outcome import Outcome
from mockserver.domain.override import Override
from mockserver.domain.ports import Tx
from mockserver.openapi.compiled import Operation
from mockserver.openapi.source import Json
from mockserver.web.choice import documents
from mockserver.web.control.call import BadControl, ControlCall, Missing
from mockserver.web.control.tasks import failure_of


def listed(call: ControlCall) -> Json:
    """All of them, oldest first."""
    found = call.world.store.run(call.sandbox, override.listed)
    return {"outcomes": [item.as_json() for item in found]}


def add(call: ControlCall) -> Json:
    """Queue one, or let it stand."""
    body = call.body
    found = targets(call, body)
    times = body.get("times", 1)
    times = None if times is None else int(times)  # 2.0 is an integer to JSON Schema

    def work(tx: Tx) -> Override:
        material = call.world.ids.next(tx, call.sandbox, "outcome")
        new = Override(
            id="out_" + material[:10].hex(),
            outcome=body["outcome"],
            provider=body.get("provider"),
            operation=body.get("operation"),
            times=times,
            left=times,
            match=body.get("match"),
            delay=body.get("delay"),
            targets=found,
            error=body.get("error"),
        )
        override.add(tx, new)
        return new

    return call.world.store.run(call.sandbox, work).as_json()


def targets(call: ControlCall, record: Json) -> tuple[tuple[str, str], ...]:
    """The operations that an outcome is for; BadControl for none, and for an error that is not theirs."""
    outcome, operation = record["outcome"], record.get("operation")
    meant = call.operations(call.provider(record.get("provider")), operation)
    found = tuple((one.provider, one.name) for one in meant if documents(one, outcome))
    if not found:
        raise _unknown(outcome, meant, operation)
    return _knowing(call, outcome, record["error"], found) if "error" in record else found


def _knowing(
    call: ControlCall, outcome: str, error: Json, found: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """Those of the operations whose provider knows the error, which is how a task fails."""
    if outcome != Outcome.TASK_FAILED:
        raise BadControl("error", f"goes with the outcome {Outcome.TASK_FAILED}, not with {outcome!r}")
    living = {name: call.world.living[name] for name, _ in found}
    if not any(one.failure(error) for one in living.values()):
        # Say what the first of them knows.
        failure_of(next(iter(living.values())), error)
    return tuple((name, operation) for name, operation in found if living[name].failure(error))


def _unknown(outcome: str, meant: list[Operation], operation: str | None) -> BadControl:
    known = dict.fromkeys(name for item in meant for name in item.answers)
    where = f"{operation} documents no such outcome" if operation else "no operation here documents it"
    return BadControl("outcome", f"{outcome!r}: {where}", known)


def clear(call: ControlCall) -> Json:
    """Delete all of them."""
    return {"deleted": call.world.store.run(call.sandbox, override.clear)}


def delete(call: ControlCall) -> Json:
    """Delete one."""
    wanted = call.path["id"]
    if not call.world.store.run(call.sandbox, lambda tx: override.remove(tx, wanted)):
        raise Missing(f"No outcome {wanted!r} is queued or stands in the sandbox {call.sandbox!r}")
    return {"deleted": 1}
