"""The documents beside this file, each served by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Client, MakeClient

DOCUMENTS = Path(__file__).parent / "documents"

Serve = Callable[..., Client]


@pytest.fixture
def serve(make_client: MakeClient) -> Serve:
    """`serve("security.yaml")`: a client of that document, or of several; keyword arguments are settings."""

    def start(*files: str, **settings: Any) -> Client:
        return make_client(specs=tuple(str(DOCUMENTS / file) for file in files), **settings)

    return start
