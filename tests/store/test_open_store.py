from __future__ import annotations

import pytest

from mockserver.store import UnknownStore, open_store
from mockserver.store.memory import MemoryStore


def test_memory_is_opened_unless_told() -> None:
    assert isinstance(open_store(), MemoryStore)
    assert isinstance(open_store("memory"), MemoryStore)


def test_opened_stores_share_nothing() -> None:
    first, second = open_store(), open_store()

    first.run("alice", lambda tx: tx.put("k", b""))

    assert second.sandboxes() == []


def test_log_size_reaches_the_store() -> None:
    store = open_store("memory", log_size=1)

    store.append("alice", "journal", b"a")
    store.append("alice", "journal", b"b")

    assert store.read("alice", "journal") == [(2, b"b")]


def test_log_bytes_reach_the_store() -> None:
    store = open_store("memory", log_bytes=1)

    store.append("alice", "journal", b"a")
    store.append("alice", "journal", b"b")

    assert store.read("alice", "journal") == [(2, b"b")]


@pytest.mark.parametrize("url", ["", "Memory", "memory:", "disk"])
def test_unknown_store_is_refused_with_the_one_we_have(url: str) -> None:
    with pytest.raises(UnknownStore) as caught:
        open_store(url)

    assert str(caught.value) == f"Unknown store {url!r}; known: memory"
    assert isinstance(caught.value, ValueError)
    assert (caught.value.url, caught.value.known) == (url, ("memory",))
