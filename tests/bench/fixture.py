"""What the fixture costs a test, and the plugin a run that does not use it, beside the same without them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from tests.bench.measure import environ

TESTS = 300
EMPTY, MOCK, MARKED = "an empty fixture", "persona_mock", "persona_mock, marked"
WITHOUT, WITH = "pytest without the plugin", "pytest with it, unused"

# Set-up and tear-down of every test, as pytest itself times them.
_CONFTEST = """
import json, pathlib, pytest

SECONDS = {}

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when != "call":
        kind, _, number = item.name.removeprefix("test_").rpartition("_")
        SECONDS.setdefault(kind, {}).setdefault(number, []).append(call.duration)
    return report

def pytest_sessionfinish(session):
    pathlib.Path("seconds.json").write_text(json.dumps({
        kind: [sum(both) for both in tests.values()] for kind, tests in SECONDS.items()
    }))
"""
_HEAD = '''
import pytest

@pytest.fixture
def empty():
    yield

def test_first(persona_mock):
    """Starts the server, which all share."""
'''
# One of each kind in turn: what slows the machine down slows all of them.
_THREE = """
def test_empty_{n}(empty): pass
def test_mock_{n}(persona_mock): pass
@pytest.mark.persona_mock(pace="instant", seed={n})
def test_marked_{n}(persona_mock): pass
"""
_KINDS = {"empty": EMPTY, "mock": MOCK, "marked": MARKED}
_PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")


# The seconds of every run, by what was run.
Times = dict[str, list[float]]


def measured(folder: Path, runs: int) -> dict[str, Times]:
    """The seconds of each kind of test, and of each kind of run."""
    plain, kinds = folder / "plain", folder / "kinds"
    plain.mkdir()
    kinds.mkdir()
    times: Times = {WITHOUT: [], WITH: []}
    for run in range(-1, runs):
        for name, seconds in times.items():
            took = whole_run(plain, plugin=name == WITH)
            if run >= 0:
                seconds.append(took)
    return {"set-up and tear-down of a test": around_a_test(kinds), "a whole run of one empty test": times}


def beside(title: str, rivals: Times) -> str:
    """Each in milliseconds, and by how much it is over the first."""
    first = median(next(iter(rivals.values())))
    lines = [f"{title:<34}{'median':>11}{'most':>11}{'over':>11}"]
    for name, seconds in rivals.items():
        middle, most = median(seconds), max(seconds)
        lines.append(
            f"{name:<34}{middle * 1000:>8.2f} ms{most * 1000:>8.2f} ms{(middle - first) * 1000:>8.2f} ms"
        )
    return "\n".join(lines)


def around_a_test(folder: Path) -> dict[str, list[float]]:
    """The seconds of set-up and tear-down together, of every test of each kind, in one run."""
    (folder / "conftest.py").write_text(_CONFTEST)
    (folder / "test_kinds.py").write_text(_HEAD + "".join(_THREE.format(n=n) for n in range(TESTS)))
    _run(folder, "-p", "no:randomly")
    seconds = json.loads((folder / "seconds.json").read_text())
    return {name: seconds[kind] for kind, name in _KINDS.items()}


def whole_run(folder: Path, *, plugin: bool) -> float:
    """The seconds that a run of one empty test takes."""
    (folder / "nothing.py").write_text("")
    (folder / "test_one.py").write_text("def test_one(): pass\n")
    began = time.perf_counter()
    # Other plugins, which come with the environment, would only add noise; an empty one takes the place of
    # ours, for pytest looks through all packages for one that is named.
    _run(folder, "-p", "persona_mock" if plugin else "nothing", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    return time.perf_counter() - began


def _run(folder: Path, *options: str, **variables: str) -> None:
    done = subprocess.run(
        [sys.executable, *_PYTEST, *options],
        cwd=folder,
        env={**environ(), **variables},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"pytest ended with {done.returncode} in the bench:\n{done.stdout}{done.stderr}")
