"""GET coverage."""

from __future__ import annotations

from mockserver.openapi.source import Json
from mockserver.web.control.call import ControlCall


def show(call: ControlCall) -> Json:
    """Of all documented outcomes and task states, which this sandbox has met."""
    return call.world.coverage(call.sandbox)
