"""A thousand tests leave nothing behind: no thread, no open file or socket, no memory."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugin.conftest import MakeProject
from tests.plugin.project import Run

TESTS = 1000
EARLY = 200
MANY = f"""
    import gc
    import json
    import os
    import pathlib
    import resource
    import sys
    import threading
    import time
    from collections import Counter, deque

    import pytest
    import songs

    def open_files():
        # Each with what it is: a pipe, a socket, a path.
        found = []
        for number in os.listdir("/dev/fd"):
            try:
                found.append(os.readlink(f"/dev/fd/{{number}}").partition(":")[0])
            except OSError:
                pass
        return found


    def measured():
        gc.collect()
        of_ours = Counter(
            f"{{type(one).__module__}}.{{type(one).__name__}}"
            for one in gc.get_objects()
            if str(type(one).__module__).startswith("mockserver.")
        )
        return {{
            "threads": sorted(thread.name for thread in threading.enumerate()),
            "files": open_files(),
            "objects": of_ours,
            "blocks": sys.getallocatedblocks(),
            "kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        }}


    # Clients that nobody closes, though their tests are over.
    HELD = deque(maxlen=5)
    # Some have a world of their own behind the sandbox, and a clock that wakes up by itself.
    REAL = pytest.mark.persona_mock(clock="real", pace="instant", seed=3)


    @pytest.mark.parametrize("n", [pytest.param(n, marks=[REAL] * (n % 20 == 5)) for n in range({TESTS})])
    def test_it(persona_mock, n):
        song = persona_mock.kie.completed_song()
        assert songs.create(persona_mock, song).json()["code"] == 200
        if n % 10 == 0:
            assert songs.create_by_url(persona_mock, song)["code"] == 409
        if n % 10 == 1:
            assert songs.generate(persona_mock).json()["code"] == 200
            persona_mock.clock.finish_all()
            assert len(persona_mock.callbacks.wait(1)) >= 1
        if n % 20 == 5:
            assert songs.generate(persona_mock).json()["code"] == 200
            assert len(persona_mock.callbacks.wait(1)) >= 1
        if n % 10 == 2:
            with persona_mock.intercept():
                pass
        if n % 10 == 3:
            persona_mock.kie.next("maintenance")
            persona_mock.fault("latency", seconds=1)
        if n % 10 == 4:
            HELD.append(songs.kie(persona_mock))
            assert HELD[-1].get("/api/v1/chat/credit").status_code == 200
        if n in ({EARLY}, {TESTS - 1}):
            found = measured()
            # A server notices the end of a connection a little later than its client.
            looks = [time.sleep(0.02) or open_files() for _ in range(20)]
            found["files"] = min(looks, key=len)
            pathlib.Path(f"at-{{n}}.json").write_text(json.dumps(found))
"""
AT_THE_END = """
    import json, os, pathlib, threading

    URLS = []

    def pytest_runtest_makereport(item):
        if "persona_mock" in item.funcargs and not URLS:
            URLS.append(item.funcargs["persona_mock"].url)

    def pytest_sessionfinish(session):
        import socket, urllib.parse
        url = urllib.parse.urlsplit(URLS[0])
        with socket.socket() as call:
            refused = call.connect_ex((url.hostname, url.port))
        threads = sorted(thread.name for thread in threading.enumerate())
        pathlib.Path("at-end.json").write_text(json.dumps({"threads": threads, "refused": refused}))
"""


class Measured:
    """What was there early in the run, late in it, and at its end."""

    def __init__(self, run: Run, early: Any, late: Any, end: Any) -> None:
        self.run = run
        self.early = early
        self.late = late
        self.end = end


@pytest.fixture(scope="module")
def measured(make_project: MakeProject) -> Measured:
    project = make_project("many").write("test_it.py", MANY).write("conftest.py", AT_THE_END)
    run = project.run("-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-x")
    assert run.code == 0, run.out
    return Measured(run, *(project.json(f"at-{when}.json") for when in (EARLY, TESTS - 1, "end")))


def test_no_thread_is_left(measured: Measured) -> None:
    # The one that sends callbacks ends by itself when it has nothing to do, sooner or later.
    assert len(measured.late["threads"]) <= len(measured.early["threads"]) + 1 <= 4
    assert measured.end["threads"] == ["MainThread"]


def test_no_file_and_no_socket_is_left(measured: Measured) -> None:
    # Such a thread has three.
    assert len(measured.late["files"]) <= len(measured.early["files"]) + 3 <= 40
    assert measured.end["refused"] != 0


def test_no_object_of_ours_is_left(measured: Measured) -> None:
    before, after = measured.early["objects"], measured.late["objects"]

    # A handful may wait for a reply's end; a thing per test would be hundreds.
    grown = {name: count - before.get(name, 0) for name, count in after.items()}
    assert {name: more for name, more in grown.items() if more > 20} == {}


def test_no_memory_is_left(measured: Measured) -> None:
    tests = TESTS - 1 - EARLY

    # pytest keeps some reports of each test.
    assert (measured.late["blocks"] - measured.early["blocks"]) / tests < 100
    assert (measured.late["kilobytes"] - measured.early["kilobytes"]) / tests < 12
