"""Every store that has to pass the suite in this folder, by the name shown in a test's id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mockserver.domain.ports import Store
from mockserver.store.memory import MemoryStore
from tests.store.hostile import HostileStore

# Called with log_size and log_bytes, or with nothing for the default.
STORES: Final[dict[str, Callable[..., Store]]] = {"memory": MemoryStore, "hostile": HostileStore}
