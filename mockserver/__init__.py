"""A mock of four song-persona services, and of any OpenAPI document; public names load when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.domain.clock import VirtualClock
    from mockserver.settings import Settings
    from mockserver.web.app import create_app

__version__ = "0.1.0"
__all__ = ["Settings", "VirtualClock", "__version__", "create_app"]

_HOMES = {
    "Settings": "mockserver.settings",
    "VirtualClock": "mockserver.domain.clock",
    "create_app": "mockserver.web.app",
}


def __getattr__(name: str) -> Any:
    """A public name, from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mockserver' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
