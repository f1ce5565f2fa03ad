"""The application: wiring only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.routing import Router
from starlette.types import Lifespan

from mockserver.domain.ports import Clock, Store
from mockserver.openapi.compiled import Document
from mockserver.settings import Settings
from mockserver.web.endpoint import Endpoint
from mockserver.web.examine import Warn, examine
from mockserver.web.world import World, open_world


def create_app(
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    clock: Clock | None = None,
    documents: dict[str, Document] | None = None,
    warn: Warn | None = None,
) -> Starlette:
    """The mock as an ASGI application; DocumentError or UsageError where settings cannot be served.

    The first tells of their documents, the second of their scenario.
    `documents` may be those of another app with the same specs, quirks and allowed hosts: they are read once.
    `warn` is told, once the server runs, of each example in a document that breaks its own schema.
    """
    world = open_begun(settings or Settings(), store=store, clock=clock, documents=documents)
    app = Starlette()
    # The default of a router without routes: a Mount would not match a path with a line break in it.
    endpoint = Endpoint(world)
    app.router = Router(redirect_slashes=False, default=endpoint, lifespan=_lifespan(world, warn))
    app.state.mock = world
    # For a server that can do without the way through ASGI.
    app.state.direct = endpoint
    return app


def open_begun(
    settings: Settings,
    *,
    store: Store | None = None,
    clock: Clock | None = None,
    documents: dict[str, Document] | None = None,
) -> World:
    """The world that some settings describe, its sandboxes begun as their scenario says."""
    world = open_world(settings, store=store, clock=clock, documents=documents)
    if settings.scenario is None:
        return world
    from mockserver.web.scenario import begin

    return begin(world, settings.scenario)


def _lifespan(world: World, warn: Warn | None) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        look = asyncio.create_task(examine(world, warn)) if warn else None
        world.events.open()
        await world.stored(world.agenda.open)
        yield
        world.events.close()
        world.agenda.close()
        if look is not None:
            look.cancel()
            with suppress(asyncio.CancelledError):
                await look

    return lifespan
