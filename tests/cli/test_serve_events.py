"""`persona-mock serve` ends at once, though somebody listens to its events."""

from __future__ import annotations

import signal
import socket
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Start
from tests.cli.test_serve import url_from

SECONDS = 30
# Answers under way are given ten seconds to end; a stream is not waited for.
AT_ONCE = 5


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_an_open_stream_does_not_hold_the_end_up(start: Start, tmp_path: Path, end: signal.Signals) -> None:
    process = start("serve", "--port", "0", "--url-file", "url")
    port = int(url_from(tmp_path / "url", process).rpartition(":")[2])
    with closing(socket.create_connection(("127.0.0.1", port), timeout=SECONDS)) as client:
        client.sendall(b"GET /_mock/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = b""
        while b": events of" not in heard:
            heard += client.recv(1000)
        began = time.monotonic()

        process.send_signal(end)

        while more := client.recv(1000):
            heard += more
        _, faults = process.communicate(timeout=SECONDS)
    assert (process.returncode, faults) == (0, "")
    assert heard.endswith(b"\r\n0\r\n\r\n")
    assert time.monotonic() - began < AT_ONCE
