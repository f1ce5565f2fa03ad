"""Callers of an application they share, each in a sandbox of its own: as good as a server, and quick."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Client
from tests.providers.crun_calls import Crun
from tests.providers.kie_calls import Kie
from tests.web.calls import in_sandbox, shared_app


@pytest.fixture(scope="session")
def shared() -> Any:
    """The four providers."""
    return shared_app()


@pytest.fixture
def kie(shared: Any, request: pytest.FixtureRequest) -> Kie:
    """A key of kie."""
    return Kie(in_sandbox(shared, request.node.nodeid))


@pytest.fixture
def crun(shared: Any, request: pytest.FixtureRequest) -> Crun:
    """A key of crun."""
    return Crun(in_sandbox(shared, request.node.nodeid))


@pytest.fixture
def fresh(shared: Any, request: pytest.FixtureRequest) -> Client:
    """A client that knows nobody yet."""
    return in_sandbox(shared, request.node.nodeid)
