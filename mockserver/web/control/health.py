"""GET health."""

from __future__ import annotations

from mockserver import __version__
from mockserver.openapi.source import Json
from mockserver.web.control.call import ControlCall


def show(call: ControlCall) -> Json:
    """Is it up, and what does it serve?"""
    world = call.world
    return {
        "status": "ok",
        "version": __version__,
        "providers": list(world.documents),
        "store": world.store.name,
    }
