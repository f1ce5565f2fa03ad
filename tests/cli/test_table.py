"""Tables on a terminal, which fit its width, and in a pipe, where they are whole."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.cli.conftest import Command

LONG = "A Persona has already been created from this result_id: 4fcc4507-a7ae-4441-ad8a-465c2f61d5bb"


@pytest.fixture
def terminal(environ: dict[str, str]) -> list[str]:
    """What `outcomes` of evolink prints on a terminal of 160 columns."""
    ours, theirs = pty.openpty()
    arguments = [sys.executable, "-m", "mockserver", "outcomes", "--provider", "evolink"]
    with subprocess.Popen(arguments, env={**environ, "COLUMNS": "160"}, stdout=theirs) as running:
        os.close(theirs)
        shown = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    assert running.returncode == 0
    return shown.decode().splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 10_000)
    except OSError:
        # So Linux says that nobody writes there any more.
        return b""


def test_the_message_is_cut_so_that_a_line_fits_a_terminal(terminal: list[str], command: Command) -> None:
    piped = command("outcomes", "--provider", "evolink").stdout.splitlines()

    assert max(map(len, terminal)) <= 160 < max(map(len, piped))
    assert len(terminal) == len(piped)
    (whole,) = [line for line in piped if LONG[:20] in line and "generatePersona" in line]
    (cut,) = [line for line in terminal if LONG[:12] in line and "generatePersona" in line]
    assert LONG in whole
    assert LONG not in cut
    # Only the message is.
    assert cut.split()[:5] == whole.split()[:5]
    assert cut.split()[-3:] == whole.split()[-3:]
    assert "..." in cut
