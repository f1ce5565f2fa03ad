"""A project of somebody else: a folder of tests, and a Python that has the wheel and not the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any
from xml.etree import ElementTree

# What such a project has of its own: how it calls kie. Of the mock it knows a transport and a URL.
SONGS = '''
"""The client of this project."""

import json
import urllib.request

import httpx

PERSONA = "/api/v1/generate/generate-persona"


def about(song, **changes):
    body = {"taskId": song.task_id, "audioId": song.audio_id, "name": "Neon", "description": "Warm voice"}
    return {**body, **changes}


def kie(mock, key=None):
    headers = {"authorization": f"Bearer {key or mock.kie.key}"}
    return httpx.Client(transport=mock.transport(), base_url=mock.kie.url, headers=headers)


def create(mock, song=None, **changes):
    with kie(mock) as client:
        return client.post(PERSONA, json=about(song or mock.kie.completed_song(), **changes))


def details(mock, **query):
    with kie(mock) as client:
        return client.get("/api/v1/generate/record-info", params=query)


def generate(mock, **changes):
    body = {"prompt": "Rain", "customMode": False, "instrumental": True, "model": "V4_5"}
    with kie(mock) as client:
        return client.post("/api/v1/generate", json={**body, "callBackUrl": mock.callbacks.url, **changes})


def create_by_url(mock, song=None, **changes):
    data = json.dumps(about(song or mock.kie.completed_song(), **changes)).encode()
    headers = {"authorization": f"Bearer {mock.kie.key}", "content-type": "application/json"}
    call = urllib.request.Request(mock.kie.url + PERSONA, data, headers, method="POST")
    with urllib.request.urlopen(call, timeout=10) as answer:
        return json.load(answer)
'''


@dataclass(frozen=True)
class Run:
    """A run of pytest that has ended."""

    code: int
    out: str
    err: str
    cases: dict[str, str]
    """How each test ended, by its name: passed, failed, error or skipped."""
    told: dict[str, str]
    """What each test that did not pass was told, traceback and all."""

    def part(self, name: str) -> str:
        """What the terminal shows of one test that did not pass: from its heading to the next."""
        parts = re.split(r"^_{3,} (?:ERROR at \w+ of )?(\S.*?) _{3,}$", self.out, flags=re.MULTILINE)
        found = dict(zip(parts[1::2], parts[2::2], strict=True))
        return re.split(r"^={3,} .* ={3,}$", found[name], maxsplit=1, flags=re.MULTILINE)[0]

    def failing(self) -> set[str]:
        """The tests that did not pass."""
        return {name for name, how in self.cases.items() if how != "passed"}

    def counted(self) -> dict[str, int]:
        """How many tests ended in which way."""
        ways = list(self.cases.values())
        return {way: ways.count(way) for way in ways}


class Project:
    """A folder of tests, and a way to run them."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder = folder
        self._python = python
        # Nothing of ours; pytest-asyncio warns where this is not said.
        self.write("pytest.ini", "[pytest]\nasyncio_default_fixture_loop_scope = function\n")
        self.write("songs.py", SONGS)

    def write(self, name: str, text: str) -> Project:
        """Add a file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), "utf-8")
        return self

    def read(self, name: str) -> str:
        """The text of a file."""
        return (self.folder / name).read_text("utf-8")

    def json(self, name: str) -> Any:
        """What a JSON file holds."""
        return json.loads(self.read(name))

    def files(self) -> set[str]:
        """Every file but compiled ones."""
        found = (file.relative_to(self.folder) for file in self.folder.rglob("*") if file.is_file())
        return {file.as_posix() for file in found if "__pycache__" not in file.parts}

    def run(
        self,
        *options: str,
        python: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
        folder: str = ".",
        report: bool = True,
    ) -> Run:
        """Run pytest in the folder, warnings being errors; `python` are options of the interpreter."""
        junit = self.folder.parent / f"{self.folder.name}.xml"
        junit.unlink(missing_ok=True)
        command = [str(self._python), *python, "-m", "pytest", "-W", "error", "--tb=short", *options]
        done = subprocess.run(
            [*command, f"--junitxml={junit}"] if report else command,
            cwd=self.folder / folder,
            env={**_environ(), **(environ or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr, *_read(junit))


def _environ() -> dict[str, str]:
    """The environment, without what was said to the run that we are part of."""
    ours = ("PYTEST_", "PYTHON", "PERSONA_MOCK_", "COV_", "COVERAGE_", "VIRTUAL_ENV", "CI", "COLUMNS")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _read(junit: Path) -> tuple[dict[str, str], dict[str, str]]:
    cases: dict[str, str] = {}
    told: dict[str, str] = {}
    if junit.exists():
        for name, how, text in _cases(ElementTree.parse(junit)):
            cases[name] = how
            told[name] = told.get(name, "") + text
    return cases, told


def _cases(tree: ElementTree.ElementTree[Any]) -> Iterator[tuple[str, str, str]]:
    ways = {"failure": "failed", "error": "error", "skipped": "skipped"}
    for case in tree.iter("testcase"):
        name = str(case.get("name"))
        bad = [child for child in case if child.tag in ways]
        yield name, ways[bad[0].tag] if bad else "passed", "\n".join(child.text or "" for child in bad)
