"""Sandboxes: see them, empty one, dispose of one."""

from __future__ import annotations

from mockserver.openapi.source import Json
from mockserver.web.control.call import ControlCall, Missing
from mockserver.web.world import read_tally


def listed(call: ControlCall) -> Json:
    """The sandboxes that hold anything."""
    return {"sandboxes": [_line(call, name) for name in call.world.store.sandboxes()]}


def _line(call: ControlCall, name: str) -> Json:
    requests, violations = call.world.store.run(name, read_tally)
    return {"name": name, "requests": requests, "violations": violations}


def reset(call: ControlCall) -> Json:
    """Forget everything of this sandbox."""
    call.world.agenda.drop(call.sandbox)
    return {"reset": call.sandbox}


def delete(call: ControlCall) -> Json:
    """Dispose of a sandbox."""
    name = call.path["name"]
    if name not in call.world.store.sandboxes():
        raise Missing(f"There is no sandbox {name!r}")
    call.world.agenda.drop(name)
    return {"deleted": name}
