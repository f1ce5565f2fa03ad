"""`persona-mock serve --scenario`: by flag, variable and file; what is wrong in it is one line and code 2."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.cli.conftest import Command, Start
from tests.cli.test_serve import url_from

SECONDS = 30


def asked(url: str, path: str, key: str = "demo") -> Any:
    """The JSON body of a GET call."""
    with urlopen(Request(url + path, headers={"Authorization": f"Bearer {key}"}), timeout=SECONDS) as answer:
        return json.load(answer)


def test_a_server_begins_with_its_scenario(start: Start, tmp_path: Path) -> None:
    (tmp_path / "day.yaml").write_text("accounts: [{key: demo, credits: 7}]\n")
    process = start("serve", "--port", "0", "--url-file", "url", "--scenario", "day.yaml")
    url = url_from(tmp_path / "url", process)

    credits = [asked(url, "/kie/api/v1/chat/credit", key)["data"] for key in ("demo", "other")]
    process.send_signal(signal.SIGTERM)
    shown, faults = process.communicate(timeout=SECONDS)

    assert credits == [7, 1000]
    assert (process.returncode, faults) == (0, "")
    assert re.search(r"^scenario +day\.yaml$", shown, re.MULTILINE)


def test_a_shipped_one_is_found_from_any_folder(start: Start, tmp_path: Path) -> None:
    process = start("serve", "--port", "0", "--url-file", "url", "--scenario", "a-poor-account")
    url = url_from(tmp_path / "url", process)

    assert asked(url, "/kie/api/v1/chat/credit")["data"] == 25


def test_print_config_shows_it_and_where_it_came_from(command: Command, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.persona-mock]\nscenario = "a-bad-day"\n')

    from_file = command("serve", "--print-config")
    from_environment = command("serve", "--print-config", PERSONA_MOCK_SCENARIO="b.yaml")

    file = r"^scenario +a-bad-day +pyproject\.toml \[tool\.persona-mock\] scenario$"
    assert re.search(file, from_file.stdout, re.MULTILINE)
    variable = r"^scenario +b\.yaml +environment PERSONA_MOCK_SCENARIO$"
    assert re.search(variable, from_environment.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "outcomes:\n- outcome: invalid\n  times: 0\n",
            "day.yaml:3 outcomes[0].times: wanted at least 1, got 0",
        ),
        (
            "clock: {now: '2027-01-01'}\n",
            "day.yaml:1 clock: The clock is real and cannot be moved. Run with --clock virtual to move it",
        ),
        ("tasks: [\n", "day.yaml:1: not YAML: "),
        (
            None,
            "--scenario: day.yaml cannot be read (No such file or directory). Name a file, or one of the shi",
        ),
    ],
)
def test_what_cannot_be_is_one_line_and_code_2(
    command: Command, tmp_path: Path, text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / "day.yaml").write_text(text)

    done = command("serve", "--port", "0", "--scenario", "day.yaml")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"persona-mock: {said}")
    assert done.stderr.count("\n") == 1
