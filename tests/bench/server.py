"""Servers that are measured: processes of their own, ours and the bare one."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.bench.measure import ROOT, SECONDS, environ, free_port
from tests.bench.wrk import pinned

# Nothing a client does runs out: credits, calls a minute, the time that a song takes.
OURS = (
    *("-m", "mockserver", "serve", "--port", "0", "--url-file", "FILE", "--seed", "0"),
    *("--credits", "1000000000", "--rate-limits", "off", "--pace", "instant"),
)
BARE = ("-m", "tests.bench.bare", "PORT")


class Server(NamedTuple):
    """One that runs: where it listens, and its process."""

    url: str
    pid: int

    def resident(self) -> int:
        """The bytes of memory that it holds now."""
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():  # a system without /proc
            return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(self.pid)])) * 1024
        lines = status.read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))

    def busy(self) -> float:
        """The seconds of a processor that it has used so far; 0 on a system that does not tell."""
        stat = Path(f"/proc/{self.pid}/stat")
        if not stat.exists():
            return 0.0
        # Behind the name, which may hold anything: user and system time are the 14th and 15th of all.
        user, system = stat.read_text("utf-8").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def ours(*options: str, cores: Iterable[int] = (), before: Sequence[str] = ()) -> Iterator[Server]:
    """`persona-mock serve` with some options more; `before` stands before -m on Python's command line."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "url")
        command = [word.replace("FILE", str(file)) for word in (*before, *OURS, *options)]
        with _process(command, cores) as process:
            # The file appears whole, once the server listens.
            _wait_for(file.exists, process)
            yield Server(file.read_text("ascii").strip(), process.pid)


@contextmanager
def bare(*, cores: Iterable[int] = ()) -> Iterator[Server]:
    """Starlette and uvicorn that answer with fixed bytes."""
    port = free_port()
    with _process([word.replace("PORT", str(port)) for word in BARE], cores) as process:
        _wait_for(lambda: _answers(port), process)
        yield Server(f"http://127.0.0.1:{port}", process.pid)


@contextmanager
def _process(command: Sequence[str], cores: Iterable[int]) -> Iterator[subprocess.Popen[bytes]]:
    words = [*pinned(cores), sys.executable, *command]
    process = subprocess.Popen(words, cwd=ROOT, env=environ(), stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        # Asked to end, not killed: what looks at it from inside writes its file then.
        process.terminate()
        try:
            process.wait(SECONDS)
        finally:
            process.kill()


def _wait_for(is_up: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    began = time.perf_counter()
    while not is_up():
        if process.poll() is not None or time.perf_counter() - began > SECONDS:
            raise RuntimeError(f"no server came of {process.args!r}")
        time.sleep(0.01)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except ConnectionError:
        return False
    finally:
        connection.close()
    return True
