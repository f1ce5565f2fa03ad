"""Where state is kept: stores behind the port of the domain."""

from __future__ import annotations

from mockserver.domain.ports import Store
from mockserver.store.memory import LOG_BYTES, MemoryStore

KNOWN = ("memory",)


class UnknownStore(ValueError):
    """The store that was asked for is none we have."""

    def __init__(self, url: str) -> None:
        super().__init__(f"Unknown store {url!r}; known: {', '.join(KNOWN)}")
        self.url = url
        self.known = KNOWN


def open_store(url: str = "memory", *, log_size: int = 1000, log_bytes: int = LOG_BYTES) -> Store:
    """Return the store of this name, its logs bounded to so many entries and so many bytes each."""
    if url not in KNOWN:
        raise UnknownStore(url)
    return MemoryStore(log_size, log_bytes)
