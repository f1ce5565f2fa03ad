"""The command line as a whole: help, version, wrong usage."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mockserver import __version__
from mockserver.cli.main import main

COMMANDS = ("serve", "routes", "outcomes", "state")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--help"])

    shown = capsys.readouterr().out
    assert code == 0
    assert [name for name in COMMANDS if not re.search(rf"^ +{name} ", shown, re.MULTILINE)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main([name, "--help"])

    assert code == 0
    assert f"Example: persona-mock {name}" in capsys.readouterr().out


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--version"])

    assert (code, capsys.readouterr().out) == (0, f"persona-mock {__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["srve"],
        ["serve", "--prot", "1"],
        ["serve", "--por", "1"],
        ["serve", "extra"],
        ["serve", "--port"],
        ["serve", "--pace"],
        ["state"],
        ["state", "save"],
        ["state", "import"],
        ["state", "export", "file"],
        ["state", "reset", "--sand", "alice"],
    ],
)
def test_wrong_usage_is_code_2_with_a_word_about_it(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(arguments)

    assert code == 2
    assert "error: " in capsys.readouterr().err


def test_help_loads_neither_the_server_nor_the_checks(tmp_path: Path) -> None:
    look = (
        "import sys; from mockserver.cli.main import main; assert main(['serve', '--help']) == 0;"
        "assert not {'starlette', 'uvicorn', 'contracts', 'urllib.request'} & set(sys.modules)"
    )
    root = str(Path(__file__).parent.parent.parent)

    subprocess.run(
        [sys.executable, "-c", look], cwd=tmp_path, env={"PYTHONPATH": root}, check=True, capture_output=True
    )
