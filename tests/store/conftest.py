from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from mockserver.domain.ports import Store
from tests.store.table import STORES


@pytest.fixture(params=STORES)
def make_store(request: pytest.FixtureRequest) -> Callable[..., Store]:
    return STORES[request.param]


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Iterator[Store]:
    store = make_store()
    yield store
    store.close()


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads change as often as the interpreter allows, so that a missing lock shows."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)
