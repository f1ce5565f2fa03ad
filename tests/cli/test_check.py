"""`persona-mock check`: questions, formats, files and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockserver.cli.main import main

Shown = pytest.CaptureFixture[str]

PETS = """\
openapi: 3.1.0
info: {title: Pets, version: '1'}
paths:
  /pets:
    get:
      responses:
        '200':
          description: All of them.
          content:
            application/json:
              schema: {type: array, items: {type: string}}
              example: EXAMPLE
"""


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder with one document whose example is no list."""
    (tmp_path / "pets.yaml").write_text(PETS.replace("EXAMPLE", "5"), "utf-8")
    return tmp_path


def test_our_own_documents_are_fine(capsys: Shown) -> None:
    assert main(["check", "specs"]) == 0

    assert "0 errors, 0 warnings" in capsys.readouterr().out


def test_a_broken_example_is_exit_code_1_with_file_and_line(pets: Path, capsys: Shown) -> None:
    assert main(["check", "specs", str(pets)]) == 1

    out = capsys.readouterr().out
    assert "broken-example" in out
    assert "pets.yaml:12" in out


@pytest.mark.parametrize("spelled", [("--format", "json"), ("--json",)])
def test_json_is_the_whole_report(pets: Path, capsys: Shown, spelled: tuple[str, ...]) -> None:
    assert main(["check", "specs", str(pets), *spelled]) == 1

    report = json.loads(capsys.readouterr().out)
    assert (report["version"], report["command"], report["summary"]["errors"]) == (1, "check specs", 1)
    assert [finding["rule"] for finding in report["findings"]] == ["broken-example"]


@pytest.mark.parametrize("kind", ["text", "json", "junit", "github", "sarif", "markdown"])
def test_every_format_goes_to_a_file_too(pets: Path, tmp_path: Path, capsys: Shown, kind: str) -> None:
    file = tmp_path / "report"
    assert main(["check", "specs", str(pets), "--format", kind]) == 1
    printed = capsys.readouterr().out

    assert main(["check", "specs", str(pets), "--format", kind, "--output", str(file)]) == 1

    assert capsys.readouterr().out == ""
    assert file.read_text("utf-8") == printed


def test_a_file_that_cannot_be_written_is_wrong_usage(pets: Path, capsys: Shown) -> None:
    assert main(["check", "specs", str(pets), "--output", str(pets / "none" / "report")]) == 2

    assert "--output" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path: Path, capsys: Shown) -> None:
    assert main(["check", "specs", str(tmp_path / "none")]) == 2

    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("check",), ("check", "nothing"), ("check", "specs", "--format", "pdf")])
def test_what_is_no_question_is_wrong_usage(words: tuple[str, ...], capsys: Shown) -> None:
    assert main(words) == 2

    assert "usage: persona-mock check" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["none.har", "."])
def test_traffic_that_is_not_there_is_wrong_usage(tmp_path: Path, capsys: Shown, name: str) -> None:
    assert main(["check", "traffic", str(tmp_path / name)]) == 2

    assert "is no file that can be read" in capsys.readouterr().err
