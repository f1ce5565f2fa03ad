"""The warnings of `persona-mock serve` about examples that break their own schemas."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from urllib.request import urlopen

from tests.stateless.conftest import DOCUMENTS

ROOT = Path(__file__).parent.parent.parent
UNTRUE = DOCUMENTS / "untrue" / "broken-examples.yaml"
WARNINGS = {
    6: "the example 'example' breaks its own schema: wanted one of",
    13: "the example 'bad' breaks its own schema: wanted integer",
    19: "the example 'example' breaks its own schema: wanted object",
    24: "the example 'example' breaks its own schema: wanted integer",
    28: "the example 'example' breaks its own schema: /id wanted integer",
    46: "the example 'example' breaks its own schema: /name is required",
    59: "the example 'example' breaks its own schema: wanted integer",
    75: "the example 'example' breaks its own schema: wanted a text like",
    83: "the example 'example' breaks its own schema: wanted string",
    85: "the example 'example' breaks its own schema: /name is required",
    87: "the example 'bad' breaks its own schema: /error is required",
}


@contextmanager
def served(*specs: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The real command, listening, and its URL; it is ended in any case, and killed where it hangs."""
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--seed", "1"]
    options = [part for spec in specs for part in ("--specs", str(spec))]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    process = subprocess.Popen(
        command + options, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    watchdog = Timer(30, process.kill)
    watchdog.start()
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.communicate()
        watchdog.cancel()


def test_every_example_that_breaks_its_schema_is_warned_of_with_file_and_line() -> None:
    # The documents before it have nothing to be warned of: a warning about them would come first.
    with served(DOCUMENTS / "examples.yaml", DOCUMENTS / "directions.yaml", UNTRUE) as (process, url):
        answer = urlopen(f"{url}/media").read()
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in WARNINGS]
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=20)

    assert answer == b'{"id":7,"name":"beside the schema"}'
    start = f"persona-mock: warning: {UNTRUE}:"
    assert {line.partition(start)[0] for line in lines} == {""}
    found = dict(line.removeprefix(start).strip().split(": ", 1) for line in lines)
    assert {int(number): text for number, text in found.items()}.keys() == WARNINGS.keys()
    assert all(found[str(number)].startswith(text) for number, text in WARNINGS.items())
    assert (process.returncode, rest) == (0, "")


def test_a_broken_example_is_served_all_the_same() -> None:
    with served(UNTRUE) as (_, url):
        answer = urlopen(f"{url}/pets/dog").read()

    assert answer == b'{"id":"not a number","name":"Rex"}'


def test_a_server_may_be_stopped_before_the_look_begins() -> None:
    with served(UNTRUE) as (process, _):
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)

    assert process.returncode == 0
    assert "Traceback" not in errors
