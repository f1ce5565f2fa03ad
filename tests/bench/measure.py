"""From starting a process to its first answer, in seconds."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SECONDS = 60


@dataclass(frozen=True)
class Case:
    """A server to start, and the first call it is to answer with 200."""

    name: str
    command: tuple[str, ...]
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def first_answer(case: Case) -> float:
    """Start the server, ask until it answers, end it; the seconds from the start to the answer."""
    port = free_port()
    command = [sys.executable, *(word.replace("PORT", str(port)) for word in case.command)]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environ(), stdout=subprocess.DEVNULL)
    try:
        while not _answered(case, port):
            if process.poll() is not None or time.perf_counter() - began > SECONDS:
                raise RuntimeError(f"{case.name}: no answer from {' '.join(command)}")
            time.sleep(0.001)
        return time.perf_counter() - began
    finally:
        process.kill()
        process.wait()


def _answered(case: Case, port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET" if case.body is None else "POST", case.path, case.body, dict(case.headers))
        response = connection.getresponse()
        response.read()
    except ConnectionError:
        return False
    finally:
        connection.close()
    if response.status != 200 or response.headers.get("X-Mock-Outcome", "success") != "success":
        raise RuntimeError(f"{case.name}: answered {response.status} {dict(response.headers)}")
    return True


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


def environ() -> dict[str, str]:
    """Ours without settings, and with byte code kept: that of installed packages is there already."""
    ours = ("PERSONA_MOCK_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
