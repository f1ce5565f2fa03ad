"""Programs beside Python that some tests need; CI installs them, and takes a skip for a failure."""

from __future__ import annotations

import shutil

import pytest


def require(program: str) -> None:
    """Skip the test where a program is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
