"""The clock of a sandbox."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.domain import tasks
from mockserver.domain.clock import ClockError, ClockIsReal, iso, parse_instant
from mockserver.domain.ports import Tx
from mockserver.domain.records import micros, seconds
from mockserver.openapi.source import Json
from mockserver.web.control.call import BadControl, Conflict, ControlCall


def show(call: ControlCall) -> Json:
    """What time it is."""
    return _shown(call, call.world.store.run(call.sandbox, call.world.clock.now))


def _shown(call: ControlCall, now: float) -> Json:
    return {"mode": call.world.clock.mode, "now": iso(now), "epoch": now}


def advance(call: ControlCall) -> Json:
    """Move on by some seconds, or until nothing is left to wait for."""
    now = _moved(call, lambda tx: _advanced(call, tx))
    return {"now": iso(now), "delivered": 0, "gave_up": 0}


def _advanced(call: ControlCall, tx: Tx) -> float:
    clock = call.world.clock
    if "seconds" in call.body:
        return clock.advance(tx, call.body["seconds"])
    last = tasks.last_due(tx, micros(clock.now(tx)))
    return clock.advance(tx, 0) if last is None else clock.set(tx, seconds(last))


def move(call: ControlCall) -> Json:
    """Move on to a moment."""
    try:
        epoch = parse_instant(call.body["now"])
    except ValueError as error:
        raise BadControl("now", str(error)) from None
    return _shown(call, _moved(call, lambda tx: call.world.clock.set(tx, epoch)))


def _moved(call: ControlCall, work: Callable[[Tx], float]) -> float:
    try:
        return call.world.store.run(call.sandbox, work)
    except ClockIsReal as error:
        raise Conflict("clock-is-real", str(error)) from None
    except ClockError as error:
        raise BadControl(error.field, error.reason) from None
