"""Every command and call in the README is run, and every reply compared; `…` stands for what varies."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BASE = "http://127.0.0.1:4010"


class Step(NamedTuple):
    """One command of a console block, and what it is said to print."""

    line: int
    command: str
    output: str


def _steps() -> Iterator[Step]:
    for block in re.finditer(r"^( *)```console\n(.*?)^ *```$", README, re.DOTALL | re.MULTILINE):
        start = README.count("\n", 0, block.start(2)) + 1
        indent = len(block[1])
        lines = [line[indent:] for line in block[2].splitlines()]
        command: tuple[int, str] | None = None
        output: list[str] = []
        for number, line in enumerate([*lines, "$ "]):
            if line.startswith("$ "):
                if command is not None:
                    yield Step(*command, "\n".join(output))
                command, output = (start + number, line[2:]), []
            else:
                output.append(line)


STEPS = list(_steps())


def test_the_readme_shows_the_commands_and_calls_a_user_starts_with() -> None:
    commands = " ".join(step.command for step in STEPS)

    assert "make serve" in commands
    assert "make test" in commands
    assert commands.count("curl ") >= 6


def test_every_console_command_does_what_the_readme_says(live: Callable[..., str], tmp_path: Path) -> None:
    # As the README starts it, so that the ids are those it shows.
    base_url = live(clock="virtual", seed=7)

    for step in STEPS:
        printed = _run(step.command, base_url, tmp_path)
        assert _as_pattern(step.output).fullmatch(printed.strip()), f"README.md:{step.line}: got\n{printed}"


def _run(command: str, base_url: str, folder: Path) -> str:
    words = shlex.split(command, comments=True)
    if words[0] == "curl":
        return _curl(words[1:], base_url)
    if words[0] == "make":
        return _make(words[1:])
    assert words[0] == "persona-mock", f"the README test cannot run {words[0]!r}"
    return _serve(words[2:], folder) if words[1] == "serve" else _persona_mock(words[1:])


def _curl(words: list[str], base_url: str) -> str:
    """What curl would print, for the options that the README uses."""
    method, headers, body, url = None, httpx2.Headers(), None, ""
    left = iter(words)
    for word in left:
        if word == "-X":
            method = next(left)
        elif word == "-H":
            name, _, value = next(left).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(left)
        else:
            assert word.startswith(BASE), f"curl {word!r}"
            url = word.replace(BASE, base_url)
    if body is not None:
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
    reply = httpx2.request(method or ("POST" if body else "GET"), url, headers=headers, content=body)
    return reply.text.replace(base_url, BASE)


def _make(targets: list[str]) -> str:
    """A target that make knows; running `make test` from a test would never end."""
    subprocess.run(["make", "-n", *targets], cwd=ROOT, check=True, capture_output=True)
    return ""


def _persona_mock(words: list[str]) -> str:
    command = [sys.executable, "-m", "mockserver", *words]
    return subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, env=_environment()
    ).stdout


PETS = """
openapi: 3.1.0
info: {title: Pets, version: '1'}
paths: {/pets: {get: {responses: {'200': {description: All of them.}}}}}
"""


def _serve(words: list[str], folder: Path) -> str:
    """Started in a folder that has one document in ./specs, asked what it serves, and ended."""
    (folder / "specs").mkdir(exist_ok=True)
    (folder / "specs" / "pets.yaml").write_text(PETS, "utf-8")
    command = [sys.executable, "-m", "mockserver", "serve", *words, "--url-file", "url"]
    environment = {**_environment(), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            while "Ctrl-C" not in process.stdout.readline():
                assert process.poll() is None
            health = httpx2.get((folder / "url").read_text().strip() + "/_mock/health").json()
        finally:
            process.terminate()
            process.stdout.read()
    assert process.returncode == 0
    own = {"pets"} if "--specs" in words else set()
    assert {*own, "kie", "crun", "evolink", "yuto"} == set(health["providers"])
    return ""


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PERSONA_MOCK_")}


def _as_pattern(output: str) -> re.Pattern[str]:
    lines = [
        ".*" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) for line in output.splitlines()
    ]
    return re.compile("\n".join(lines), re.DOTALL)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_the_house_fits_on_a_screen() -> None:
    house = README.partition("## The house")[2].partition("\n## ")[0]

    assert len(house.partition("Dependencies, each")[0].strip().splitlines()) <= 40


def test_every_runtime_dependency_is_named_with_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {re.split(r"[^A-Za-z0-9-]", item)[0] for item in project["dependencies"]}

    assert {name for name in names if f"**{name}**" not in README} == set()
