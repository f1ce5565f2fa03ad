"""Adapters: one module per provider, found by the name of its document."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec

from mockserver.providers.base import Provider

GROUP = "persona_mock.providers"
BUILT_IN = ("kie", "crun", "evolink", "yuto")
# Modules beside the adapters that are none.
_NONE = ("base", "quirks")


def adapter_of(name: str) -> type[Provider] | None:
    """The adapter of that name: one of ours, else one that an installed package offers."""
    module = f"{__name__}.{name}"
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) and name not in _NONE and find_spec(module) is not None:
        found: type[Provider] = import_module(module).PROVIDER
        return found
    return _from_outside(name)


def _from_outside(name: str) -> type[Provider] | None:
    # Read only for a document that none of our own adapters serves: it looks at every installed package.
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name):
        loaded: type[Provider] = point.load()
        return loaded
    return None
