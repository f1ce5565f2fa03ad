"""`persona-mock check`: questions, formats, files and exit codes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts import documents, report
from contracts.finding import Checked
from mockserver.cli.interrupts import Interrupts
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


@pytest.mark.parametrize("name", ["none/report", "pets.yaml/report", ".", "a" * 300])
def test_where_the_report_cannot_go_is_seen_before_anything_is_done(
    pets: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown, name: str
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr("contracts.documents.check", asked.append)

    code = main(["check", "specs", str(pets), "--output", str(pets / name)])

    assert (code, asked, os.listdir(pets)) == (2, [], ["pets.yaml"])
    assert "cannot be written (" in capsys.readouterr().err


def test_a_report_whose_folder_is_gone_by_then_is_printed(
    pets: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    folder = pets / "reports"
    folder.mkdir()
    while_checking(monkeypatch, folder.rmdir)

    code = main(["check", "specs", str(pets), "--json", "--output", str(folder / "report.json")])

    shown = capsys.readouterr()
    assert code == 2
    assert json.loads(shown.out)["summary"]["errors"] == 1
    assert f"--output: {folder}/report.json cannot be written (No such file or directory)" in shown.err


def test_a_report_goes_to_a_device_too(pets: Path) -> None:
    assert main(["check", "specs", str(pets), "--output", os.devnull]) == 1


# --- interrupted --------------------------------------------------------------------------------------------


def while_checking(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something happens while documents are checked."""
    check = documents.check

    def checked(folder: Path | None) -> Checked:
        happens()
        return check(folder)

    monkeypatch.setattr(documents, "check", checked)


def while_writing(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something happens while the report is made."""
    write = report.FORMATS["text"]

    def written(checked: Checked) -> str:
        happens()
        return write(checked)

    monkeypatch.setattr(report, "FORMATS", {**report.FORMATS, "text": written})


@pytest.fixture
def _signals_stay() -> Iterator[None]:
    """Whatever takes the signals before a command takes them after it."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.usefixtures("_signals_stay")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_breaks_off_is_told_that_nothing_was_found_out(
    pets: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown, number: signal.Signals
) -> None:
    while_checking(monkeypatch, lambda: signal.raise_signal(number))

    code = main(["check", "specs", str(pets)])

    shown = capsys.readouterr()
    assert (code, shown.out, shown.err) == (1, "", "persona-mock: interrupted, nothing was run\n")


@pytest.mark.usefixtures("_signals_stay")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_report_that_is_being_written_is_not_broken_off(
    pets: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown, number: signal.Signals
) -> None:
    while_writing(monkeypatch, lambda: signal.raise_signal(number))

    code = main(["check", "specs", str(pets)])

    assert code == 1
    assert "broken-example" in capsys.readouterr().out


def test_a_second_ctrl_c_does_not_lose_what_the_first_one_left() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    assert interrupts.count == 3


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts():
            signal.raise_signal(signal.SIGINT)

            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


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
