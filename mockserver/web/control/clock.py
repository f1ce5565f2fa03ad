"""The clock of a sandbox."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.domain.clock import ClockError, ClockIsReal, iso, parse_instant
from mockserver.domain.ports import Tx
from mockserver.openapi.source import Json
from mockserver.web.agenda import Walked
from mockserver.web.control.call import BadControl, Conflict, ControlCall


def show(call: ControlCall) -> Json:
    """What time it is."""
    now = _now(call)
    return {"mode": call.world.clock.mode, "now": iso(now), "epoch": now}


def _now(call: ControlCall) -> float:
    return call.world.store.run(call.sandbox, call.world.clock.now)


def advance(call: ControlCall) -> Json:
    """Move on by some seconds, or until nothing is left to wait for; what comes due on the way happens."""
    clock, body = call.world.clock, call.body
    if "seconds" in body:
        walked = _walked(call, lambda tx: clock.ahead(tx, body["seconds"]))
    else:
        walked = _walked(call, lambda tx: _nowhere(call, tx))
    return {"now": iso(_now(call)), "delivered": walked.delivered, "gave_up": walked.gave_up}


def _nowhere(call: ControlCall, tx: Tx) -> None:
    """No moment to aim at; asked all the same, for a real clock refuses to be moved at all."""
    call.world.clock.ahead(tx, 0)


def move(call: ControlCall) -> Json:
    """Move on to a moment."""
    try:
        epoch = parse_instant(call.body["now"])
    except ValueError as error:
        raise BadControl("now", str(error)) from None
    _walked(call, lambda tx: call.world.clock.until(tx, epoch))
    return show(call)


def _walked(call: ControlCall, aim: Callable[[Tx], int | None]) -> Walked:
    try:
        return call.world.agenda.walk(call.sandbox, aim)
    except ClockIsReal as error:
        raise Conflict("clock-is-real", str(error)) from None
    except ClockError as error:
        raise BadControl(error.field, error.reason) from None
