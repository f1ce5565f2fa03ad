"""One run of wrk: a list of calls over and over, and how many came back, how fast and of which kind."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

CONNECTIONS = 32
# Longer than any pause of a server, so that a slow answer is measured and not given up.
PATIENCE = "30s"
MARK = "bench "
ADVICE = "the bench needs wrk, and it cannot be had here: install it (apt-get install wrk, brew install wrk)"

# What the calls are made of is escaped by its bytes, so that no body can end the text it stands in.
_SCRIPT = """{headers}
local calls, at = {{}}, 0
function init()
{calls}
end
-- The same calls for whoever is measured, one after the other.
function request()
  at = at % #calls + 1
  return calls[at]
end
function done(summary, latency)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("\\n{mark}%d %d %d %d %.1f %.1f\\n", summary.duration, summary.requests, lost,
    errors.status, latency:percentile(50), latency:percentile(99)))
end
"""


class Call(NamedTuple):
    """One HTTP request; its path holds the query."""

    method: str
    path: str
    body: bytes | None = None


class Run(NamedTuple):
    """What came of a run: answers a second, milliseconds to an answer, and the answers over 399.

    `cpu` is the server's microseconds for each, which do not grow where others use the same core.
    """

    per_second: float
    p50: float
    p99: float
    requests: int
    refused: int
    cpu: float = 0.0


def ensure() -> str:
    """Where wrk is, installed on the way if apt-get can; RuntimeError where it cannot be had."""
    found = shutil.which("wrk")
    if found is None:
        _install()
        found = shutil.which("wrk")
    if found is None:
        raise RuntimeError(ADVICE)
    return found


def _install() -> None:
    get, sudo = shutil.which("apt-get"), shutil.which("sudo")
    if get is None or (os.geteuid() != 0 and sudo is None):
        return
    # sudo is not to ask for a password in the middle of a run.
    as_root = [] if os.geteuid() == 0 or sudo is None else [sudo, "-n"]
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "wrk"]):
        subprocess.run([*as_root, get, *words], stdout=subprocess.DEVNULL, check=False)


def drive(
    url: str, calls: Sequence[Call], headers: Mapping[str, str], seconds: int, cores: Iterable[int] = ()
) -> Run:
    """Send the calls for some seconds over 32 connections; RuntimeError where any got no answer."""
    with tempfile.TemporaryDirectory() as folder:
        lua = Path(folder, "calls.lua")
        lua.write_text(script(calls, headers), "ascii")
        command = [ensure(), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
        command += ["--timeout", PATIENCE, "-s", str(lua), url]
        done = subprocess.run([*pinned(cores), *command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"wrk ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return read(done.stdout)


def pinned(cores: Iterable[int]) -> list[str]:
    """What stands before a command that is to keep to these cores; nothing where there are none."""
    listed = ",".join(map(str, cores))
    return ["taskset", "--cpu-list", listed] if listed and shutil.which("taskset") else []


def read(output: str) -> Run:
    """The run that wrk tells of; RuntimeError for one with calls that were lost."""
    line = next((line for line in output.splitlines() if line.startswith(MARK)), None)
    if line is None:
        raise RuntimeError(f"wrk told no figures:\n{output}")
    duration, requests, lost, refused, p50, p99 = map(float, line.removeprefix(MARK).split())
    if lost or not requests:
        raise RuntimeError(f"{lost:.0f} socket errors and {requests:.0f} answers:\n{output}")
    # wrk counts in microseconds.
    return Run(requests / duration * 1e6, p50 / 1000, p99 / 1000, int(requests), int(refused))


def script(calls: Sequence[Call], headers: Mapping[str, str]) -> str:
    """The Lua of a run: each call is made once, before it begins."""
    heads = "\n".join(f"wrk.headers[{_text(name)}] = {_text(value)}" for name, value in headers.items())
    made = "\n".join(
        f"  calls[{number}] = wrk.format({_text(method)}, {_text(path)}, nil, {_text(body)})"
        for number, (method, path, body) in enumerate(calls, 1)
    )
    return _SCRIPT.format(headers=heads, calls=made, mark=MARK)


def _text(value: str | bytes | None) -> str:
    """A Lua literal."""
    if value is None:
        return "nil"
    raw = value.encode() if isinstance(value, str) else value
    plain = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03d}" for byte in raw)
    return f'"{"".join(plain)}"'
