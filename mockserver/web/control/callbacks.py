"""Callbacks: see what was sent, to whom and with which answer; send one again."""

from __future__ import annotations

from mockserver.openapi.source import Json
from mockserver.web.control.call import Conflict, ControlCall, Missing


def listed(call: ControlCall) -> Json:
    """All that are kept, oldest first."""
    return {"callbacks": [callback.as_json() for callback in call.world.agenda.callbacks(call.sandbox)]}


def redeliver(call: ControlCall) -> Json:
    """Send one again that has ended, and wait for its first answer where nothing of its task comes before."""
    id = call.path["id"]
    found = call.world.agenda.callback(call.sandbox, id)
    if found is None:
        raise Missing(f"No callback {id!r} in the sandbox {call.sandbox!r}")
    if found.is_due:
        raise Conflict("callback-is-due", f"The callback {id!r} is still being delivered. Wait for its end")
    sent = call.world.agenda.send_again(call.sandbox, id)
    if sent is None:
        raise Missing(f"The callback {id!r} is not kept any more")
    return sent.as_json()
