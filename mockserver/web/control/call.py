"""A control call as its handler sees it, and how a handler refuses one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from mockserver.openapi.compiled import Operation
from mockserver.openapi.source import Json
from mockserver.web.world import World


class BadControl(Exception):
    """A control request that asks for what cannot be: the field, why, and what is allowed there."""

    def __init__(self, field: str, reason: str, allowed: Iterable[Json] | None = None) -> None:
        self.field = field
        self.reason = reason
        self.allowed = None if allowed is None else list(allowed)
        super().__init__(f"{field}: {reason}")


class Missing(Exception):
    """There is no such thing to show or to delete."""


class Conflict(Exception):
    """The server as it runs cannot do this: a slug, and what to do."""

    def __init__(self, slug: str, detail: str) -> None:
        self.slug = slug
        super().__init__(detail)


class ControlCall(NamedTuple):
    """The sandbox it acts on, and the values it came with."""

    world: World
    sandbox: str
    path: dict[str, Json]
    query: dict[str, Json]
    body: Json
    header: Mapping[str, Json] = MappingProxyType({})
    # Whether connections can be broken here, which a server of ours alone lets us do.
    has_wire: bool = True

    def provider(self, name: str | None) -> str | None:
        """A provider's name; BadControl where no document has it."""
        if name is not None and name not in self.world.documents:
            raise BadControl("provider", f"{name!r} is no provider here", self.world.documents)
        return name

    def operations(self, provider: str | None, name: str | None) -> list[Operation]:
        """The operations that a provider and a name mean; BadControl where there is none."""
        owners = [o for o in self.world.operations() if provider in (None, o.provider)]
        meant = [operation for operation in owners if name in (None, operation.name)]
        if not meant:
            raise BadControl("operation", f"{name!r} is no operation", dict.fromkeys(o.name for o in owners))
        return meant
