"""What happens in a sandbox, as a stream."""

from __future__ import annotations

from functools import partial

from mockserver.web.control.call import ControlCall
from mockserver.web.events import Position
from mockserver.web.reply import Reply

EVENT_STREAM = "text/event-stream"


def follow(call: ControlCall) -> Reply:
    """The events from now on, or behind the one that the client had last."""
    events, last = call.world.events, call.header.get("Last-Event-ID")
    position = Position.of(last) if last else events.latest(call.sandbox)
    stream = partial(events.follow, call.sandbox, position)
    return Reply(200, content_type=EVENT_STREAM, headers=[("cache-control", "no-store")], stream=stream)
