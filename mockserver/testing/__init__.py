"""The mock inside somebody's tests, with pytest or without; names load when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.settings import UsageError
    from mockserver.testing.clock import Clock
    from mockserver.testing.handle import PersonaMock, outcomes
    from mockserver.testing.intercept import Interceptor, RealCall
    from mockserver.testing.live import Server
    from mockserver.testing.provider import Account, Planned, Provider, Task
    from mockserver.testing.receiver import Callback, Receiver
    from mockserver.testing.records import Request, Song, Violation
    from mockserver.testing.requests import Requests
    from mockserver.testing.strict import ContractBroken

__all__ = [
    "Account",
    "Callback",
    "Clock",
    "ContractBroken",
    "Interceptor",
    "PersonaMock",
    "Planned",
    "Provider",
    "RealCall",
    "Receiver",
    "Request",
    "Requests",
    "Server",
    "Song",
    "Task",
    "UsageError",
    "Violation",
    "outcomes",
]

_HOMES = {
    "Account": "provider",
    "Callback": "receiver",
    "Clock": "clock",
    "ContractBroken": "strict",
    "Interceptor": "intercept",
    "PersonaMock": "handle",
    "Planned": "provider",
    "Provider": "provider",
    "RealCall": "intercept",
    "Receiver": "receiver",
    "Request": "records",
    "Requests": "requests",
    "Server": "live",
    "Song": "records",
    "Task": "provider",
    "Violation": "records",
    "outcomes": "handle",
}

# Hidden from who checks types: every name would pass for one of ours.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A public name, from the module that defines it."""
        if name == "UsageError":
            return getattr(import_module("mockserver.settings"), name)
        if name not in _HOMES:
            raise AttributeError(f"module 'mockserver.testing' has no attribute {name!r}")
        return getattr(import_module(f"mockserver.testing.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
