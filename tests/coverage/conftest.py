"""A report as a world gives it after a few calls."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeClient

KEY = {"Authorization": "Bearer key"}


@pytest.fixture
def real(make_client: MakeClient) -> Any:
    """What a world reports: kie's getCredits met twice, one state of evolink's getTask, nothing else."""
    client = make_client()
    client.get("/kie/api/v1/chat/credit", headers=KEY)
    client.get("/kie/api/v1/chat/credit")
    song = client.post("/_mock/tasks", json={"provider": "evolink", "key": "key"}).json()
    client.get(f"/evolink/v1/tasks/{song['source_task']}", headers=KEY)
    return client.get("/_mock/coverage").json()
