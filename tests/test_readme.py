"""Every command, call and recipe in the README is run, every reply compared; `…` stands for what varies."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import httpx2
import pytest
import yaml

from mockserver.cli.main import _parser
from mockserver.testing import PersonaMock
from mockserver.testing.clock import Clock
from mockserver.testing.options import NAMES
from mockserver.testing.provider import Account, Planned, Provider, Task
from mockserver.testing.receiver import Receiver
from mockserver.testing.records import Song
from tests.parts import require

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BASE = "http://127.0.0.1:4010"


class Block(NamedTuple):
    """A fenced block: the line on which its text begins, its language, its text."""

    line: int
    language: str
    text: str


def _blocks() -> Iterator[Block]:
    for fence in re.finditer(r"^( *)```(.*)\n((?:.*\n)*?) *```$", README, re.MULTILINE):
        lines = [line.removeprefix(fence[1]) for line in fence[3].splitlines(keepends=True)]
        yield Block(README.count("\n", 0, fence.start(3)) + 1, fence[2], "".join(lines))


BLOCKS = list(_blocks())


def _of(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


class Step(NamedTuple):
    """One command of a console block, and what it is said to print."""

    line: int
    command: str
    output: str


def _steps() -> Iterator[Step]:
    for block in _of("console"):
        command: tuple[int, str] | None = None
        output: list[str] = []
        for number, line in enumerate([*block.text.splitlines(), "$ "]):
            if line.startswith("$ "):
                if command is not None:
                    yield Step(*command, "\n".join(output))
                command, output = (block.line + number, line[2:]), []
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
    said: dict[str, str] = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        said[name] = value
    if words[0] == "curl":
        return _curl(words[1:], base_url)
    if words[0] == "make":
        return _make(words[1:])
    if words[0] == "pytest":
        return _pytest(words[1:], folder / "neon")
    assert words[0] == "persona-mock", f"the README test cannot run {words[0]!r}"
    if words[1] == "serve":
        return _serve(words[2:], folder)
    return _persona_mock([word.replace(BASE, base_url) for word in words[1:]], said).replace(base_url, BASE)


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


def _persona_mock(words: list[str], said: dict[str, str]) -> str:
    command, environment = [sys.executable, "-m", "mockserver", *words], {**_environment(), **said}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


PROJECT = """
[tool.pytest.ini_options]
filterwarnings = ["error"]
asyncio_default_fixture_loop_scope = "function"
"""
NEON = """
import httpx

def test_neon_is_made(persona_mock):
    song = persona_mock.kie.completed_song()
    body = {"taskId": song.task_id, "audioId": song.audio_id, "name": "Neon"}
    url = f"{persona_mock.kie.url}/api/v1/generate/generate-persona"
    reply = httpx.post(url, json=body, headers={"Authorization": f"Bearer {song.key}"})
    assert reply.json()["code"] == 200
"""
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


def _pytest(words: list[str], folder: Path) -> str:
    """What pytest prints in a project whose one test has a client that forgets something."""
    folder.mkdir(exist_ok=True)
    (folder / "test_neon.py").write_text(NEON, "utf-8")
    return _pytest_in(folder, *words).stdout


def _pytest_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A pytest of somebody who has installed the package, in a project of their own."""
    (folder / "pyproject.toml").write_text(PROJECT)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *words]
    environment = _environment() | {"COLUMNS": "80", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


def _environment() -> dict[str, str]:
    foreign = ("PERSONA_MOCK_", "PYTEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def _as_pattern(output: str) -> re.Pattern[str]:
    lines = [
        ".*" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) for line in output.splitlines()
    ]
    return re.compile("\n".join(lines), re.DOTALL)


# --- recipes ------------------------------------------------------------------------------------------------


PYTHON = _of("python")
RECIPES = 12


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Of each python block what its tests complain of, from one run of pytest over all of them."""
    folder = tmp_path_factory.mktemp("recipes")
    for block in _of("js"):
        (folder / block.text.split()[1]).write_text(block.text, "utf-8")
    for block in PYTHON:
        _write(block, folder)
    run = _pytest_in(folder, "--junit-xml=report.xml", "--continue-on-collection-errors")
    found: dict[str, list[str]] = {"run": [run.stdout + run.stderr]}
    for case in ElementTree.parse(folder / "report.xml").iter("testcase"):
        # A file that cannot be imported has no class name, but is the name itself.
        module = re.findall(r"test_line_[0-9]+", f"{case.get('classname')} {case.get('name')}")[0]
        complaints = [part.text or "" for kind in ("failure", "error", "skipped") for part in case.iter(kind)]
        found.setdefault(module, []).extend(complaints)
    return found


def _write(block: Block, folder: Path) -> None:
    """The block as a file of its own, in which each line has the number that it has in the README."""
    text = "\n" * (block.line - 1) + block.text
    test = folder / f"{_module(block)}.py"
    # What defines nothing is a script.
    if "def " in text:
        test.write_text(text, "utf-8")
        return
    script = f"line_{block.line}.py"
    (folder / script).write_text(text, "utf-8")
    run = f"import runpy\n\ndef test_it_runs():\n    runpy.run_path({script!r}, run_name='__main__')\n"
    test.write_text(run, "utf-8")


def _module(block: Block) -> str:
    return f"test_line_{block.line}"


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: f"README.md:{block.line}")
def test_every_python_block_does_what_it_says(block: Block, verdicts: dict[str, list[str]]) -> None:
    if '"node"' in block.text:
        require("node")

    assert _module(block) in verdicts, f"README.md:{block.line}: no test of it ran\n{verdicts['run'][0]}"
    assert not verdicts[_module(block)], f"README.md:{block.line}: " + "\n".join(verdicts[_module(block)])


@pytest.mark.parametrize(
    "what",
    [
        "base_url=persona_mock.kie.url",
        "persona_mock.intercept()",
        'persona_mock(pace="polls:1")',
        'persona_mock(pace="instant")',
        "sleep=clock.advance",
        "sleep=persona_mock.clock.sleep",
        "persona_mock.callbacks.wait",
        'parametrize("outcome", outcomes("kie", "generatePersona"))',
        "unittest.TestCase",
        '"node"',
        'fault("latency"',
        "async def test_",
        "persona_mock_server.sandbox",
    ],
)
def test_there_is_a_recipe_with(what: str) -> None:
    assert len(PYTHON) >= RECIPES
    assert [block.line for block in PYTHON if what in block.text] != []


def test_nothing_stands_in_a_fence_that_no_test_runs() -> None:
    fences = re.findall(r"^ *(?:```|~~~)", README, re.MULTILINE)
    languages = Counter(block.language for block in BLOCKS)
    programs = [block.text.split()[1] for block in _of("js")]

    assert len(fences) == 2 * len(BLOCKS)
    # Without a language: the stream, which has no end, and the house.
    assert languages.pop("") == 2
    assert set(languages) == {"console", "python", "js", "yaml"}
    assert all(any(f'"{name}"' in block.text for block in PYTHON) for name in programs)


def test_the_scenario_is_one(tmp_path: Path) -> None:
    (scenario,) = [block for block in _of("yaml") if "outcomes:" in block.text]
    (tmp_path / "day.yaml").write_text(scenario.text, "utf-8")
    with PersonaMock() as mock:
        (tmp_path / "begin.json").write_text(httpx2.get(f"{mock.url}/_mock/state").text, "utf-8")

    with PersonaMock(scenario=tmp_path / "day.yaml", rate_limits="documented") as mock:
        assert mock.account("demo").credits == 25
        assert mock.clock.now == "2026-03-01T12:00:00Z"
        # The fault comes first, and stands.
        assert httpx2.get(f"{mock.kie.url}/api/v1/chat/credit").status_code == 504


def test_the_case_is_one_and_holds(tmp_path: Path) -> None:
    (shown,) = [block for block in _of("yaml") if "fact:" in block.text]
    packaged = yaml.safe_load((ROOT / "contracts/cases/kie.yaml").read_text("utf-8"))
    # As a text, for YAML of another version reads days as dates.
    written = json.dumps({**packaged, "cases": yaml.safe_load(shown.text)}, default=str)
    (tmp_path / "kie.yaml").write_text(written, "utf-8")

    said = _persona_mock(["check", "mock", "--cases", str(tmp_path)], {})

    assert said.startswith("check mock: fine: 0 errors, 0 warnings, 1 checked, 1 passed")


def test_the_case_is_the_one_of_its_file() -> None:
    (shown,) = [block for block in _of("yaml") if "fact:" in block.text]
    packaged = yaml.safe_load((ROOT / "contracts/cases/kie.yaml").read_text("utf-8"))["cases"]

    ((name, case),) = yaml.safe_load(shown.text).items()

    assert case == packaged[name]


def test_every_matcher_is_in_the_table() -> None:
    schema = json.loads((ROOT / "contracts/cases/schema.json").read_text("utf-8"))
    table = README.partition("| matcher |")[2].partition("\n\n")[0]

    known = {name for example in schema["$defs"]["match"]["examples"] for name in example}
    assert set(re.findall(r"\{(\$[a-z0-9-]+): ", table)) == known


WORKFLOWS = [block for block in _of("yaml") if "runs-on:" in block.text]


def test_the_workflows_ask_for_what_there_is() -> None:
    texts = [run for block in WORKFLOWS for run in _runs(yaml.safe_load(block.text))]

    commands = [
        shlex.split(found)
        for text in texts
        for found in re.findall(r"^ *(persona-mock [^>|\n]+)", text, re.MULTILINE)
    ]
    for _, *words in commands:
        _parser().parse_args(words)
    asked = {" ".join(words[1:3]) for words in commands}
    assert len(WORKFLOWS) == 3
    assert {
        "coverage coverage.json",
        "check specs",
        "check mock",
        "check drift",
        "check traffic",
        "check live",
    } <= asked


def _runs(workflow: dict[str, Any]) -> list[str]:
    return [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]


CREDITS = """
import httpx

def test_the_balance_is_read(persona_mock):
    headers = {"Authorization": f"Bearer {persona_mock.kie.key}"}
    reply = httpx.get(f"{persona_mock.kie.url}/api/v1/chat/credit", headers=headers)
    assert reply.json()["data"] == 1000
"""


def test_the_recipe_for_a_client_runs_its_tests_alone_and_counts_its_provider(tmp_path: Path) -> None:
    (workflow,) = [yaml.safe_load(one.text) for one in WORKFLOWS if "--persona-mock-strict" in one.text]
    (ours,) = [step["with"]["path"] for step in workflow["jobs"]["contract"]["steps"][1:2]]
    for folder, test in (("tests", CREDITS), (f"{ours}/tests", "raise SystemExit")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "test_credits.py").write_text(test, "utf-8")
    (words,) = [run.split() for run in _runs(workflow) if run.startswith("pytest ")]
    (asked,) = [run.split() for run in _runs(workflow) if run.startswith("persona-mock coverage ")]

    named = _pytest_in(tmp_path, *words[1:])
    bare = _pytest_in(tmp_path)
    command = [sys.executable, "-m", "mockserver", *asked[1:]]
    shares = [
        subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, env=_environment())
        for line in (command, [*command, "--fail-under", "0.5"])
    ]

    assert ("1 passed" in named.stdout, "1 passed" in bare.stdout) == (True, True)
    assert [share.returncode for share in shares] == [1, 0], shares
    assert "Required coverage of 60 % is not reached: 1 of " in shares[0].stderr


PERSONA_MOCK = f"""#!/bin/sh
PYTHONPATH={ROOT} exec {sys.executable} -m mockserver "$@"
"""


@pytest.fixture
def pull_request(tmp_path: Path) -> Callable[[], subprocess.CompletedProcess[str]]:
    """Runs what the mock's own workflow says of drift, in a clone whose base has the documents of here."""
    require("git")
    require("bash")
    (step,) = [run for one in WORKFLOWS for run in _runs(yaml.safe_load(one.text)) if "check drift" in run]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "persona-mock").write_text(PERSONA_MOCK, "utf-8")
    (tmp_path / "bin" / "persona-mock").chmod(0o755)
    shutil.copytree(ROOT / "specs", tmp_path / "clone" / "specs")
    who = ["-c", "user.name=n", "-c", "user.email=n@example.com"]
    for words in (
        ["init", "-q"],
        ["add", "."],
        [*who, "commit", "-q", "-m", "m"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path / "clone", check=True)

    def run() -> subprocess.CompletedProcess[str]:
        said = {"GITHUB_BASE_REF": "main", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
        path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environment = {**_environment(), **said, "PATH": path}
        command = ["bash", "-e", "-c", step]
        return subprocess.run(
            command, cwd=tmp_path / "clone", capture_output=True, text=True, env=environment
        )

    return run


def test_the_recipe_for_documents_tells_breaking_changes_and_those_that_are_gone(
    pull_request: Callable[[], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    summary, specs = tmp_path / "summary.md", tmp_path / "clone" / "specs"

    same = pull_request()
    assert (same.returncode, same.stderr) == (0, "")
    assert summary.read_text().count("check drift: none") == 4

    (specs / "kie.yaml").rename(specs / "new.yaml")
    gone = pull_request()
    assert (gone.returncode, gone.stderr) == (1, "")
    assert "specs/kie.yaml is gone" in summary.read_text()

    (specs / "kie.yaml").write_text(PETS, "utf-8")
    assert pull_request().returncode == 1
    assert "check drift: breaking" in summary.read_text()


# Not for a test: what the fixture itself calls.
INSIDE = {"start", "stop", "close", "complaint", "report", "remember", "is_strict", "receive"}


HANDLE = [PersonaMock, Provider, Task, Planned, Song, Account, Clock, Receiver]


@pytest.mark.parametrize("kind", HANDLE, ids=lambda kind: kind.__name__)
def test_all_of_the_handle_is_named(kind: type) -> None:
    names = {name for name in vars(kind) if not name.startswith("_")}

    assert names - INSIDE - _named() == set()


def test_all_options_are_named() -> None:
    assert set(NAMES) - _named() == set()


def _named() -> set[str]:
    """The words that the part about tests has in code."""
    section = README.partition("## In your tests")[2].partition("\n### ")[0]
    return set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", section))))


# --- the rest -----------------------------------------------------------------------------------------------


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
