"""Faults that wait for their calls and callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mockserver.domain import fault as faults
from mockserver.domain.fault import Fault
from mockserver.domain.outcome import Outcome
from mockserver.domain.ports import Tx
from mockserver.openapi.compiled import Operation
from mockserver.openapi.source import Json
from mockserver.web.control.call import BadControl, ControlCall, Missing
from mockserver.web.faults import BREAKS
from mockserver.web.locate import CONTROL, SANDBOX
from mockserver.web.media.place import MEDIA

_EVERY = ("fault", "provider", "operation", "match", "probability", "times")
_EITHER, _DONE = ("before", "after"), ("after",)


class Sort(NamedTuple):
    """The fields of one fault besides those of all, the needed ones, and its `when`s, the usual first."""

    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    whens: tuple[str, ...] = ()


SORTS: Mapping[str, Sort] = {
    faults.LATENCY: Sort(("path", "seconds"), needs=("seconds",)),
    faults.RESET: Sort(("path", "when", "at"), whens=_EITHER),
    faults.TRUNCATE: Sort(("path", "when"), whens=_DONE),
    faults.MALFORMED: Sort(("path", "when"), whens=_DONE),
    faults.SLOW: Sort(("path", "when", "seconds"), needs=("seconds",), whens=_DONE),
    faults.EMPTY: Sort(("path", "when"), whens=_EITHER),
    faults.MISTYPED: Sort(("path", "when"), whens=_DONE),
    faults.GATEWAY: Sort(("path", "when", "status"), whens=_EITHER),
    **dict.fromkeys(faults.CALLBACK, Sort()),
    faults.DELAY: Sort(("seconds",), needs=("seconds",)),
}
_DEFAULTS: Mapping[str, Mapping[str, Json]] = {
    faults.RESET: {"at": "before"},
    faults.GATEWAY: {"status": 502},
}


def listed(call: ControlCall) -> Json:
    """All of them, oldest first."""
    return {"faults": [fault.as_json() for fault in call.world.store.run(call.sandbox, faults.listed)]}


def add(call: ControlCall) -> Json:
    """Queue one, or let it stand."""
    wanted = read(call, call.body)

    def work(tx: Tx) -> Fault:
        material = call.world.ids.next(tx, call.sandbox, "fault")
        new = wanted._replace(id="flt_" + material[:10].hex())
        faults.add(tx, new)
        return new

    return call.world.store.run(call.sandbox, work).as_json()


def clear(call: ControlCall) -> Json:
    """Delete all of them."""
    return {"deleted": call.world.store.run(call.sandbox, faults.clear)}


def delete(call: ControlCall) -> Json:
    """Delete one."""
    wanted = call.path["id"]
    if not call.world.store.run(call.sandbox, lambda tx: faults.remove(tx, wanted)):
        raise Missing(f"No fault {wanted!r} waits or stands in the sandbox {call.sandbox!r}")
    return {"deleted": 1}


def read(call: ControlCall, body: Mapping[str, Json]) -> Fault:
    """The fault that a body asks for, still without an id; BadControl for one that cannot be."""
    name = body["fault"]
    given = {field: value for field, value in body.items() if value is not None}
    _check_fields(name, given)
    _check_wire(call, name)
    _check_callers(call, name, given)
    if "path" in given:
        _check_path(call, given)
    times = body.get("times", 1)
    times = None if times is None else int(times)  # 2.0 is an integer to JSON Schema
    told = {field: given.get(field) for field in ("provider", "operation", "path", "match", "probability")}
    return Fault(id="", fault=name, times=times, left=times, **told, **_details(name, given))


def _check_fields(name: str, given: Mapping[str, Json]) -> None:
    sort = SORTS[name]
    known = (*_EVERY, *sort.takes)
    for field in given:
        if field not in known:
            raise BadControl(field, f"the fault {name!r} takes no such field", known)
    for field in sort.needs:
        if field not in given:
            raise BadControl(field, f"the fault {name!r} needs it", _spans(name))


def _spans(name: str) -> tuple[str, ...]:
    return ("seconds", "[least seconds, most seconds]") if name == faults.LATENCY else ("seconds",)


def _details(name: str, given: Mapping[str, Json]) -> dict[str, Json]:
    """The fields that one sort of fault has, the left out ones filled in."""
    details = {**_DEFAULTS.get(name, {}), **{key: given[key] for key in SORTS[name].takes if key in given}}
    details.pop("path", None)
    if "seconds" in details:
        _check_seconds(name, details["seconds"])
    if "status" in details:
        details["status"] = int(details["status"])
    whens = _DONE if details.get("at") == "body" else SORTS[name].whens
    if whens:
        details["when"] = _when(name, details.get("when", whens[0]), whens)
    return details


def _check_seconds(name: str, seconds: Json) -> None:
    if not isinstance(seconds, list):
        return
    if name != faults.LATENCY:
        raise BadControl("seconds", f"the fault {name!r} takes one number", _spans(name))
    if seconds[0] > seconds[1]:
        raise BadControl("seconds", f"from {seconds[0]} to {seconds[1]} leads backwards", _spans(name))


def _when(name: str, when: str, whens: tuple[str, ...]) -> str:
    if when not in whens:
        reason = f"the fault {name!r} spoils a reply, so the work of its call is always done"
        raise BadControl("when", reason, whens)
    return when


def _check_wire(call: ControlCall, name: str) -> None:
    if name in BREAKS and not call.has_wire:
        reason = (
            f"{name!r} breaks a connection, and the server that runs here is not the mock's own: it keeps "
            "its connections to itself. Run `persona-mock serve`, or use one of the others"
        )
        raise BadControl("fault", reason, [other for other in SORTS if other not in BREAKS])


# --- whom it is for -----------------------------------------------------------------------------------------


def _check_callers(call: ControlCall, name: str, given: Mapping[str, Json]) -> None:
    provider, operation = call.provider(given.get("provider")), given.get("operation")
    meant = call.operations(provider, operation)
    if name not in faults.CALLBACK:
        return
    calling = _calling(call, signs=name == faults.SIGNATURE)
    does = "signs its callbacks" if name == faults.SIGNATURE else "sends callbacks"
    told = [one for one in meant if one.provider in calling]
    if not told:
        field = next((field for field in ("provider", "operation") if given.get(field)), "fault")
        raise BadControl(field, f"no provider meant by it {does}", calling)
    if operation is not None and not any(map(_makes, told)):
        makers = [one.name for one in call.operations(provider, None) if _makes(one)]
        raise BadControl("operation", f"{operation!r} makes no task of which a callback tells", makers)


def _makes(operation: Operation) -> bool:
    """True for an operation that makes a task."""
    return Outcome.TASK_FAILED in operation.answers


def _calling(call: ControlCall, *, signs: bool) -> list[str]:
    """The providers that send callbacks, or just those that sign them."""
    return [
        name for name, living in call.world.living.items() if living.house.policy.webhook.signs or not signs
    ]


def _check_path(call: ControlCall, given: Mapping[str, Json]) -> None:
    """Refuse a glob that no path can fit, which would wait for ever."""
    glob = given["path"]
    sure = glob[: min((at for at in map(glob.find, "*?") if at >= 0), default=len(glob))]
    if sure.startswith(SANDBOX):
        raise BadControl("path", "stands without its sandbox; post the fault to that sandbox's /_mock/faults")
    if sure.startswith(f"{CONTROL}/") and not (sure.startswith(MEDIA) or MEDIA.startswith(sure)):
        raise BadControl("path", "control calls meet no faults", ["a provider's path", f"{MEDIA}/*"])
    first = sure[1:].partition("/")
    if first[1] and first[0] in call.world.documents:
        raise BadControl("path", f'stands without a prefix; say "provider": {first[0]!r} beside it')
    if sure.startswith(MEDIA):
        _check_media(given)


def _check_media(given: Mapping[str, Json]) -> None:
    for field in ("operation", "match"):
        if field in given:
            raise BadControl(field, "a call for media is no operation and has no JSON body; leave it out")
