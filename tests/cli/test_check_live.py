"""`persona-mock check live` as it is typed, against our own server in the place of a provider."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx2
import pytest

from contracts.live.ledger import Ledger
from mockserver.cli.main import main
from tests.contracts.live.standin import COST, KEY, RUN, SMALL

Live = Callable[..., str]
Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIE_KEY", KEY)
    cases = tmp_path / "cases"
    cases.mkdir()
    # No patience is asked for: tasks are final at once here.
    text = SMALL.replace("gap: 1", "gap: 0").replace("  submissions: {count: 3, seconds: 10}\n", "")
    (cases / "kie.yaml").write_text(text, "utf-8")


@pytest.fixture
def url(live: Live) -> str:
    """A server at which every task is final at once."""
    return live(pace="instant", credits=1000)


def words(url: str, *more: str) -> list[str]:
    """What is typed."""
    there = ["--base-url", f"{url}/kie", "--cases", "cases"]
    return ["check", "live", "--provider", "kie", "--key-env", "KIE_KEY", *there, *more]


def requests(url: str) -> list[dict[str, Any]]:
    """What has come to the server."""
    found: list[dict[str, Any]] = httpx2.get(f"{url}/_mock/requests?limit=1000").json()["requests"]
    return found


def spent(url: str) -> float:
    """What was paid there, by its own book."""
    accounts = httpx2.get(f"{url}/_mock/state").json()["accounts"]
    return sum(1000 - float(account["credits"]) for account in accounts)


def stands(url: str, operation: str, outcome: str) -> None:
    """An operation meets an outcome from now on."""
    body = {"provider": "kie", "operation": operation, "outcome": outcome, "times": None}
    assert httpx2.post(f"{url}/_mock/outcomes", json=body).status_code < 300


def test_two_runs_at_once_do_not_share_a_file(url: str, tmp_path: Path, capsys: Shown) -> None:
    with Ledger({}, file=tmp_path / "kept.json").alone():
        code = main(words(url, "--yes", "--resume", "kept.json"))

    assert code == 2
    assert "kept.json cannot be resumed: another run is using it" in capsys.readouterr().err
    assert requests(url) == []


def test_a_run_that_goes_on_tells_the_whole_limit(url: str, tmp_path: Path, capsys: Shown) -> None:
    main(words(url, "--yes", "--max-credits", "14", "--resume", "kept.json"))
    before = spent(url)
    capsys.readouterr()

    code = main(words(url, "--yes", "--max-credits", "40", "--resume", "kept.json"))

    said = capsys.readouterr().out
    assert code == 0
    assert f"  never more than 40, whatever the answers, {before:g} of them spent before" in said
    assert not list(tmp_path.glob("*.lock"))


# --- plan and report ----------------------------------------------------------------------------------------


def test_plan_and_report_of_a_provider_that_is_fine(url: str, capsys: Shown) -> None:
    code = main(words(url, "--yes"))

    shown = capsys.readouterr()
    assert (code, shown.err) == (0, "")
    lines = shown.out.split("\n")
    assert lines[0] == f"Plan for {url}/kie"
    assert lines[1] == f"kie: {RUN} cases, {COST} credits"
    assert "  12 credits: persona-sings" in lines
    assert f"{COST} credits were spent, at most" in shown.out
    assert "no mark is renewed, for this is not kie itself" in shown.out
    assert spent(url) == COST
    assert KEY not in shown.out


def test_a_difference_is_found_with_a_curl_that_shows_it(url: str, capsys: Shown) -> None:
    stands(url, "generatePersona", "maintenance")

    code = main(words(url, "--yes"))

    shown = capsys.readouterr()
    assert code == 1
    assert "kie generatePersona song-becomes-a-persona" in shown.out.replace("  ", " ")
    assert "wanted 200, got 455" in shown.out
    assert f"curl -X POST {url}/kie/api/v1/generate/generate-persona" in shown.out
    assert KEY not in shown.out


def test_a_report_for_a_machine_stands_alone(url: str, tmp_path: Path, capsys: Shown) -> None:
    codes = [main(words(url, "--yes", "--max-credits", "0", "--json"))]
    as_json = capsys.readouterr()
    codes.append(main(words(url, "--yes", "--max-credits", "0", "--format", "junit")))
    as_junit = capsys.readouterr()
    codes.append(main(words(url, "--yes", "--max-credits", "0", "--output", "report.txt")))
    to_file = capsys.readouterr()

    assert codes == [0, 0, 0]
    told = json.loads(as_json.out)
    assert (told["command"], told["summary"]["checked"]) == ("check live", 2)
    (suite,) = ElementTree.fromstring(as_junit.out)
    assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
    assert int(suite.get("tests", "")) - int(suite.get("skipped", "")) == 2
    assert "it would cost more than the 0 credits allowed" in as_junit.out
    assert to_file.out == ""
    assert "2 " in (tmp_path / "report.txt").read_text()
    assert all(one.err.startswith(f"Plan for {url}/kie\n") for one in (as_json, as_junit, to_file))


def test_old_marks_are_warnings(url: str, tmp_path: Path, capsys: Shown) -> None:
    file = tmp_path / "cases" / "kie.yaml"
    fact = "    fact: The balance is a number.\n"
    file.write_text(file.read_text().replace(fact, fact + "    mark: {recorded: 2026-01-01}\n"))

    code = main(words(url, "--yes", "--max-credits", "0", "--max-age", "90d", "--json"))

    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert code == 0
    assert (finding["severity"], finding["rule"]) == ("warning", "stale-mark")
    assert finding["case"] == "balance-is-a-number"


def test_without_credits_only_what_is_free_is_done(url: str, capsys: Shown) -> None:
    code = main(words(url, "--yes", "--max-credits", "0"))

    assert code == 0
    assert "never more than 0, whatever the answers" in capsys.readouterr().out
    assert {one["operation"] for one in requests(url)} == {"getCredits"}
    assert spent(url) == 0


@pytest.mark.parametrize("limit", ["13", "14.5", "38"])
def test_a_limit_is_kept(url: str, limit: str) -> None:
    main(words(url, "--yes", "--max-credits", limit))

    assert 0 < spent(url) <= float(limit)


def test_a_limit_is_kept_where_more_is_needed_than_was_planned(url: str, capsys: Shown) -> None:
    stands(url, "generateMusic", "task-failed")

    code = main(words(url, "--yes", "--max-credits", "13"))

    assert code == 0
    assert "12 credits were spent, at most" in capsys.readouterr().out
    assert [one["operation"] for one in requests(url)].count("generateMusic") == 1


# --- wrong usage: nothing is sent ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "the environment variable KIE_KEY is not set"),
        ("", "the environment variable KIE_KEY is not set"),
        (" \n", "the environment variable KIE_KEY is not set"),
        ("secret\r\nx-other: 1", "what KIE_KEY holds cannot travel in a header"),
        ("sécret", "what KIE_KEY holds cannot travel in a header"),
    ],
)
def test_a_key_that_is_none_ends_it_before_anything_is_sent(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: Shown, key: str | None, reason: str
) -> None:
    monkeypatch.delenv("KIE_KEY") if key is None else monkeypatch.setenv("KIE_KEY", key)

    code = main(words(url, "--yes"))

    shown = capsys.readouterr()
    assert (code, shown.out, requests(url)) == (2, "", [])
    assert reason in shown.err
    assert "cret" not in shown.err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--base-url", "http://api.example.com"], "a key does not travel over plain HTTP"),
        (["--base-url", "ftp://127.0.0.1"], "--base-url"),
        (["--base-url", "https://user:word@api.example.com"], "--base-url"),
        (["--max-credits", "-1"], "wanted a number of credits, 0 or more"),
        (["--max-credits", "nan"], "wanted a number of credits, 0 or more"),
        (["--max-credits", "many"], "wanted a number of credits, 0 or more"),
        (["--max-age", "soon"], "wanted a number of days"),
        (["--provider", "nobody"], "one of crun, evolink, kie, yuto"),
        (["--provider", "crun"], "no cases for crun"),
        (["--cases", "elsewhere"], "elsewhere is no folder"),
        (["--resume", "."], "Is a directory"),
        (["--resume", "nowhere/kept.json"], "No such file or directory"),
    ],
)
def test_wrong_usage_says_what_is_wrong(url: str, capsys: Shown, options: list[str], reason: str) -> None:
    code = main(words(url, "--yes", *options))

    shown = capsys.readouterr()
    assert (code, shown.out, requests(url)) == (2, "", [])
    assert reason in shown.err


def test_where_nobody_answers_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setattr("mockserver.cli.check_live.time.sleep", lambda _: None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"

        code = main(words(nowhere, "--yes", "--max-credits", "0"))

    shown = capsys.readouterr()
    assert code == 3
    reason = "does not answer (Connection refused). Say where kie is with --base-url"
    assert f"{nowhere}/kie {reason}" in shown.err


def test_where_somebody_is_who_does_not_answer_no_other_address_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setattr("mockserver.cli.check_live.time.sleep", lambda _: None)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        there = f"http://127.0.0.1:{listening.getsockname()[1]}"
        hangs_up = threading.Thread(target=hang_up, args=(listening,), daemon=True)
        hangs_up.start()

        code = main(words(there, "--yes", "--max-credits", "0"))

        listening.shutdown(socket.SHUT_RDWR)
        hangs_up.join(10)
    err = capsys.readouterr().err
    assert code == 3
    assert err.startswith(f"persona-mock: {there}/kie does not answer (")
    assert "--base-url" not in err


def hang_up(listening: socket.socket) -> None:
    """Take every call, and say nothing to any."""
    with suppress(OSError):
        while True:
            listening.accept()[0].close()


@pytest.mark.parametrize("options", [["--yes"], []])
def test_a_report_that_could_not_be_written_is_seen_before_anything_is_sent(
    url: str, capsys: Shown, options: list[str]
) -> None:
    code = main(words(url, *options, "--output", "nowhere/report.json"))

    shown = capsys.readouterr()
    assert (code, shown.out, requests(url)) == (2, "", [])
    assert shown.err.startswith(
        "persona-mock: --output: nowhere/report.json cannot be written (No such file or directory)."
    )


@pytest.mark.parametrize("given", ["sk-live-3f9aB2c7d8", "sk_live_3f9a", "Bearer abc", "A" * 65, ""])
def test_a_key_in_place_of_its_variable_is_not_shown(url: str, capsys: Shown, given: str) -> None:
    code = main(words(url, "--yes", "--key-env", given))

    shown = capsys.readouterr()
    assert (code, shown.out, requests(url)) == (2, "", [])
    reason = "wanted the NAME of a variable such as KIE_KEY; what was given is not shown"
    assert shown.err == f"persona-mock: --key-env: {reason}\n"


def test_a_variable_that_is_set_may_have_any_name(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("kie_key2", KEY)

    assert main(words(url, "--yes", "--max-credits", "0", "--key-env", "kie_key2")) == 0


# --- asking -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stdin", [None, io.StringIO("y\n")])
def test_where_nobody_can_be_asked_nothing_is_sent(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: Shown, stdin: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)

    code = main(words(url))

    shown = capsys.readouterr()
    assert (code, requests(url)) == (2, [])
    assert "nobody is there to be asked. Add --yes" in shown.err
    assert f"kie: {RUN} cases, {COST} credits" in shown.err


def test_where_there_is_nothing_to_do_nobody_is_asked(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    main(words(url, "--yes", "--resume", "kept.json"))
    before = len(requests(url))

    code = main(words(url, "--resume", "kept.json"))

    shown = capsys.readouterr()
    assert (code, shown.err, len(requests(url))) == (0, "", before)
    assert f"  done before: {RUN} cases, {COST} credits" in shown.out


class Terminal:
    """The command on a terminal, and somebody who reads what is on it."""

    def __init__(self, arguments: list[str], environ: dict[str, str], folder: Path, *, piped: bool) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mockserver", *arguments],
            cwd=folder,
            env={**environ, "KIE_KEY": KEY, "COLUMNS": "200"},
            stdin=slave,
            stdout=subprocess.PIPE if piped else slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def until(self, text: str) -> None:
        """Read until a text stands there."""
        while text not in self.text:
            self._read()

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def end(self) -> tuple[int, str]:
        """Read to the end; the exit code, and what came through the pipe."""
        try:
            while True:
                self._read()
        except OSError:
            # So a terminal on Linux says that nobody writes to it any more.
            pass
        piped = self.process.stdout.read().decode() if self.process.stdout else ""
        if self.process.stdout:
            self.process.stdout.close()
        os.close(self._master)
        return self.process.wait(30), piped

    def _read(self) -> None:
        read = os.read(self._master, 65536)
        if not read:
            raise EOFError(self.text)
        self.text += read.decode("utf-8", "replace")


@pytest.fixture
def terminal(environ: dict[str, str], tmp_path: Path) -> Callable[..., Terminal]:
    """Types a command on a terminal; with `piped` its standard output goes elsewhere."""

    def run(arguments: list[str], *, piped: bool = False) -> Terminal:
        return Terminal(arguments, environ, tmp_path, piped=piped)

    return run


@pytest.mark.parametrize("typed", ["n\n", "\n", "\x04", "yesterday\n"])
def test_who_does_not_agree_pays_nothing(
    url: str, terminal: Callable[..., Terminal], tmp_path: Path, typed: str
) -> None:
    shown = terminal(words(url, "--resume", "kept.json"))
    shown.until("Go on? [y/N] ")
    shown.type(typed)

    assert shown.end() == (0, "")
    assert f"kie: {RUN} cases, {COST} credits" in shown.text
    assert shown.text.endswith("\r\nNothing was sent.\r\n")
    assert requests(url) == []
    assert not (tmp_path / "kept.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_breaks_off_while_asked_pays_nothing(
    url: str, terminal: Callable[..., Terminal], number: signal.Signals
) -> None:
    shown = terminal(words(url))
    shown.until("Go on? [y/N] ")
    shown.process.send_signal(number)

    assert shown.end() == (1, "")
    assert shown.text.endswith("\r\npersona-mock: interrupted, nothing was run\r\n")
    assert requests(url) == []


def test_who_agrees_sees_how_far_it_is(url: str, terminal: Callable[..., Terminal]) -> None:
    shown = terminal(words(url), piped=True)
    shown.until("Go on? [y/N] ")
    shown.type(" Yes\n")

    code, report = shown.end()
    # The plan is where the question is, though the report goes elsewhere.
    assert shown.text.startswith(f"Plan for {url}/kie")
    assert "Plan" not in report
    assert code == 0
    assert f"[{'.' * 20}] 0/{RUN} balance-is-a-number" in shown.text
    assert "waiting for a song, 0 s of at most 300" in shown.text
    assert shown.text.endswith("\r\x1b[2K")
    assert KEY not in shown.text + report


# --- interruptions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_report_and_a_file_to_go_on_from(
    live: Live, terminal: Callable[..., Terminal], tmp_path: Path, capsys: Shown, number: signal.Signals
) -> None:
    url = live(clock="virtual", credits=1000)
    kept = tmp_path / "kept.json"
    # Time stands still there: the song is waited for until somebody has had enough.
    shown = terminal(words(url, "--yes", "--resume", "kept.json"), piped=True)
    shown.until("waiting for a song, 0 s of at most 300")
    # Broken off while it connects, Python's own client would warn of a socket left open.
    while "getMusicDetails" not in [one["operation"] for one in requests(url)]:
        pass
    shown.process.send_signal(number)
    code, report = shown.end()
    first = json.loads(kept.read_text("utf-8"))
    httpx2.post(f"{url}/_mock/clock/advance", json={"seconds": 300})

    again = main(words(url, "--yes", "--resume", "kept.json", "--max-credits", "13"))

    assert (code, again) == (1, 0)
    assert "interrupted: 4 cases of the plan not run; --resume kept.json goes on from there" in report
    assert "Traceback" not in shown.text
    assert (first["spent"], len(first["songs"]), len(first["cases"])) == (12, 1, 3)
    assert "done before: 3 cases, 12 credits" in capsys.readouterr().out
    assert [one["operation"] for one in requests(url)].count("generateMusic") == 1
    assert spent(url) == json.loads(kept.read_text("utf-8"))["spent"] == 13
    assert KEY not in kept.read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "its format is 2, wanted 1"),
        ({"run": {"provider": "crun"}}, "it is of another provider"),
        ({"spent": "much"}, "it is not what an interrupted check wrote"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_and_left_alone(
    url: str, tmp_path: Path, capsys: Shown, change: dict[str, Any], reason: str
) -> None:
    kept = tmp_path / "kept.json"
    main(words(url, "--yes", "--max-credits", "0", "--resume", "kept.json"))
    kept.write_text(json.dumps(json.loads(kept.read_text()) | change))
    before, count = kept.read_text(), len(requests(url))

    code = main(words(url, "--yes", "--resume", "kept.json"))

    assert (code, kept.read_text(), len(requests(url))) == (2, before, count)
    assert f"kept.json cannot be resumed: {reason}" in capsys.readouterr().err


def test_a_file_of_another_address_or_account_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    main(words(url, "--yes", "--max-credits", "0", "--resume", "kept.json"))
    elsewhere = main(words(f"{url}/_sandbox/a", "--yes", "--resume", "kept.json"))
    address = capsys.readouterr().err
    monkeypatch.setenv("KIE_KEY", "somebody-elses")
    others = main(words(url, "--yes", "--resume", "kept.json"))

    assert (elsewhere, others) == (2, 2)
    assert "it is of another address" in address
    assert "it is of another account" in capsys.readouterr().err
