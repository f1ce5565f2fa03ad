"""Queued and standing outcomes."""

from __future__ import annotations

from mockserver.domain import override
from mockserver.domain.override import Override
from mockserver.domain.ports import Tx
from mockserver.openapi.compiled import Operation
from mockserver.openapi.source import Json
from mockserver.web.choice import documents
from mockserver.web.control.call import BadControl, ControlCall, Missing


def listed(call: ControlCall) -> Json:
    """All of them, oldest first."""
    found = call.world.store.run(call.sandbox, override.listed)
    return {"outcomes": [item.as_json() for item in found]}


def add(call: ControlCall) -> Json:
    """Queue one, or let it stand."""
    body = call.body
    provider = call.provider(body.get("provider"))
    outcome, operation = body["outcome"], body.get("operation")
    meant = call.operations(provider, operation)
    targets = tuple((o.provider, o.name) for o in meant if documents(o, outcome))
    if not targets:
        raise _unknown(outcome, meant, operation)
    times = body.get("times", 1)
    times = None if times is None else int(times)  # 2.0 is an integer to JSON Schema

    def work(tx: Tx) -> Override:
        material = call.world.ids.next(tx, call.sandbox, "outcome")
        new = Override(
            id="out_" + material[:10].hex(),
            outcome=outcome,
            provider=provider,
            operation=operation,
            times=times,
            left=times,
            match=body.get("match"),
            delay=body.get("delay"),
            targets=targets,
        )
        override.add(tx, new)
        return new

    return call.world.store.run(call.sandbox, work).as_json()


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
