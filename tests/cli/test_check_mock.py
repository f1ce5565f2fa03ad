"""`persona-mock check mock`: here and at a URL, its reports, its exit codes, its progress line."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree import ElementTree

import httpx2
import jsonschema
import pytest
import xmlschema

import contracts.report
from contracts.casefile import PACKAGED
from mockserver.cli.main import main
from tests.cli.conftest import Command

Live = Callable[..., str]
Shown = pytest.CaptureFixture[str]

REPORT = Path(contracts.report.__file__).parent / "schema.json"
JUNIT = Path(__file__).parent.parent / "contracts" / "schemas" / "junit-used.xsd"
KIE = """\
provider: kie
pages:
  persona: {source: 'docs.kie.ai, suno-api', read: 2026-11-21}
live:
  song:
    request: generateMusic
    cost: 12
    task: /body/data/taskId
    poll: {operation: getMusicDetails, query: {taskId: '${song.task}'}}
    every: 30
    at-most: 900
    until: {body: {data: {status: SUCCESS}}}
    failed: {body: {data: {status: GENERATE_AUDIO_FAILED}}}
    ids: /body/data/response/sunoData/*/id
requests:
  generateMusic:
    operation: generateMusic
    body:
      prompt: A calm piano piece
      customMode: false
      instrumental: true
      model: V4_5
      callBackUrl: '${callback.url}'
  getCredits: {operation: getCredits}
cases:
  balance:
    fact: The balance of an account can be seen.
    page: persona
    where: [mock]
    given: {credits: 5}
    request: getCredits
    expect: {status: 200, code: 200, body: {data: BALANCE}}
  persona-of-a-song:
    fact: A song becomes a persona.
    page: persona
    where: [mock]
    given: {song: finished}
    request:
      operation: generatePersona
      body: {taskId: '${song.task}', audioId: '${song.id}', name: Neon, description: Warm}
    expect: {status: 200, code: 200, outcome: success}
    then:
    - request:
        operation: generatePersona
        body: {taskId: '${song.task}', audioId: '${song.id}', name: Neon, description: Warm}
      expect: {status: 200, code: 409, outcome: duplicate}
  song-in-time:
    fact: A song is finished after a while, and then told of.
    page: persona
    where: [mock]
    request: generateMusic
    expect: {status: 200}
    capture: {task: /body/data/taskId}
    then:
    - poll: {operation: getMusicDetails, query: {taskId: '${task}'}}
      every: 10
      at-most: 600
      until: {state: SUCCESS}
    - {after: 60}
    - {callback: {body: {data: {callbackType: text, task_id: '${task}'}}}}
    - {callback: {body: {data: {callbackType: first}}}}
    - {callback: {body: {data: {callbackType: complete}}}}
    - {no-callback: true}
  limit:
    fact: So many calls in so many seconds, and no more.
    page: persona
    where: [mock]
    given: {rate_limit: {count: 1, seconds: 10}}
    request: generateMusic
    expect: {status: 200}
    then:
    - {request: generateMusic, expect: {status: 429, outcome: rate-limited}}
"""
CRUN = """\
provider: crun
pages: {account: {source: 'crun, account', read: 2026-11-21}}
cases:
  balance:
    fact: The balance of an account can be seen.
    page: account
    where: [mock]
    request: {operation: getBalance}
    expect: {status: 200, outcome: success}
"""
FINE = "check mock: fine: 0 errors, 0 warnings, 4 checked, 4 passed, 0 skipped\n"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the folder nor the environment of whoever runs the tests says anything."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PERSONA_MOCK_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """A folder of cases that all hold."""
    folder = tmp_path / "cases"
    folder.mkdir()
    (folder / "kie.yaml").write_text(KIE.replace("BALANCE", "5"))
    return folder


@pytest.fixture
def wrong(cases: Path) -> Path:
    """One in which one does not."""
    (cases / "kie.yaml").write_text(KIE.replace("BALANCE", "6"))
    return cases


def checked(*arguments: str | Path) -> int:
    return main(["check", "mock", *map(str, arguments)])


# --- in this process ----------------------------------------------------------------------------------------


def test_cases_that_hold(cases: Path, capsys: Shown) -> None:
    assert checked("--cases", cases) == 0

    assert capsys.readouterr() == (FINE, "")


def test_a_case_that_does_not_hold(wrong: Path, capsys: Shown) -> None:
    assert checked("--cases", "cases") == 1

    out, err = capsys.readouterr()
    assert err == ""
    assert out == (
        "check mock: failed: 1 error, 0 warnings, 4 checked, 3 passed, 0 skipped\n\n"
        "error    kie getCredits balance  /body/data  body: wanted 6, got 5\n"
        "    /body/data: wanted 6, got 5\n"
        '    It answered 200 {"code":200,"msg":"success","data":5}\n'
        "    The rule: The balance of an account can be seen. (docs.kie.ai, suno-api, read 2026-11-21)\n"
        "    This case alone: persona-mock check mock --cases cases --provider kie --case balance\n"
        "    at cases/kie.yaml:26\n"
        "    curl http://127.0.0.1:4010/_sandbox/contract-kie-balance/kie/api/v1/chat/credit"
        ' -H "authorization: Bearer $KEY"\n'
    )


def test_json_is_the_whole_report(wrong: Path, capsys: Shown) -> None:
    assert checked("--cases", wrong, "--json") == 1

    report = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(json.loads(REPORT.read_text("utf-8"))).validate(report)
    (finding,) = report["findings"]
    assert report["summary"] == {"checked": 4, "passed": 3, "skipped": 0, "errors": 1, "warnings": 0}
    assert (finding["case"], finding["wanted"], finding["got"]) == ("balance", 6, 5)
    assert finding["where"]["line"] == 26


def test_junit_goes_to_a_file(wrong: Path, tmp_path: Path, capsys: Shown) -> None:
    assert checked("--cases", wrong, "--format", "junit", "--output", "report.xml") == 1

    assert capsys.readouterr().out == ""
    xmlschema.XMLSchema(str(JUNIT)).validate(str(tmp_path / "report.xml"))
    suite = ElementTree.parse(tmp_path / "report.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "0")
    assert len(suite.findall("testcase")) == 4
    assert [case.get("name") for case in suite.findall("testcase[failure]")] == ["balance"]


def test_one_provider_alone(cases: Path, capsys: Shown) -> None:
    (cases / "crun.yaml").write_text(CRUN)

    codes = [checked("--cases", cases, *only) for only in ((), ("--provider", "crun"))]

    out = capsys.readouterr().out
    assert codes == [0, 0]
    assert re.findall(r"(\d+) checked", out) == ["5", "1"]


def test_a_slip_in_the_cases_of_another_provider_does_not_matter(cases: Path, capsys: Shown) -> None:
    (cases / "crun.yaml").write_text(CRUN.replace("outcome: success", "outcome: sucess"))

    assert checked("--cases", cases, "--provider", "kie") == 0
    assert checked("--cases", cases) == 2

    assert "sucess is no outcome of getBalance" in capsys.readouterr().err


# --- which cases --------------------------------------------------------------------------------------------

FAMILY = """\
  family:
    fact: The balance of an account can be seen.
    page: persona
    where: [mock]
    for-each: [1, 2]
    given: {credits: '${each}'}
    request: getCredits
    expect: {status: 200, body: {data: '${each}'}}
"""


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (["balance"], 1),
        (["family"], 2),
        (["family/2"], 1),
        (["family/2", "family", "limit"], 3),
    ],
)
def test_cases_by_their_name(cases: Path, capsys: Shown, names: list[str], count: int) -> None:
    (cases / "kie.yaml").write_text(KIE.replace("BALANCE", "5") + FAMILY)

    assert checked("--cases", cases, *(word for name in names for word in ("--case", name))) == 0

    assert f" {count} checked, {count} passed, 0 skipped\n" in capsys.readouterr().out


def test_a_case_that_is_not_there(cases: Path, capsys: Shown) -> None:
    assert checked("--cases", cases, "--case", "balence") == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err == "persona-mock: --case: there is no case balence. Close to it: balance\n"


def test_the_command_in_a_finding_runs_its_case(wrong: Path, capsys: Shown, command: Command) -> None:
    checked("--cases", wrong, "--json")
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    alone = finding["message"].splitlines()[-1].removeprefix("This case alone: persona-mock ")

    done = command(*shlex.split(alone))

    assert done.returncode == 1
    assert done.stdout.startswith("check mock: failed: 1 error, 0 warnings, 1 checked, 0 passed, 0 skipped\n")


def test_a_single_file(cases: Path, capsys: Shown) -> None:
    (cases / "crun.yaml").write_text(CRUN)

    assert checked("--cases", cases / "crun.yaml") == 0

    assert " 1 checked, 1 passed" in capsys.readouterr().out


def test_files_that_are_passed_over_are_told(cases: Path, capsys: Shown) -> None:
    (cases / "crun.yml").write_text(CRUN)
    (cases / "lost.yml").write_text(CRUN.replace("provider: crun", "provider: krun"))

    assert checked("--cases", "cases", "--provider", "crun") == 0

    assert capsys.readouterr().out == (
        "check mock: fine: 0 errors, 0 warnings, 1 checked, 1 passed, 0 skipped\n\n"
        "note: cases/lost.yml is not used: krun is no provider that is served; did you mean crun?\n"
    )


def test_no_file_that_is_used_is_told_with_its_reason(cases: Path, capsys: Shown) -> None:
    (cases / "kie.yaml").write_text(KIE.replace("provider: kie", "provider: kai"))

    assert checked("--cases", "cases") == 2

    told = "cases/kie.yaml is not used: kai is no provider that is served; did you mean kie?"
    assert told in capsys.readouterr().err


def test_packaged_cases_are_named_where_they_are(
    capsys: Shown, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, file = "second-persona-for-one-song-is-refused", PACKAGED / "kie.yaml"
    url = live(clock="virtual", quirk=("kie.duplicate=overwrite",))
    shown = []

    for folder in (Path.cwd(), PACKAGED.parent):
        monkeypatch.chdir(folder)
        checked("--url", url, "--case", name, "--json")
        (finding,) = json.loads(capsys.readouterr().out)["findings"]
        shown.append(finding["where"]["file"])

    assert shown == [str(file), "cases/kie.yaml"]


WRONG = {
    "provider": (("--provider", "nobody"), "--provider: got 'nobody', wanted one of "),
    "folder": (("--cases", "nowhere"), "--cases: nowhere is no folder and no file"),
    "age": (("--max-age", "old"), "wanted a number of days such as 90d, got 'old'"),
    "negative age": (("--max-age=-5d",), "wanted a number of days such as 90d, got '-5d'"),
    "age beyond all days": (("--max-age", "²d"), "wanted a number of days such as 90d, got '²d'"),
    "address": (("--url", "127.0.0.1:4010"), "--url: got '127.0.0.1:4010', wanted a URL such as"),
    "sandbox": (("--url", "http://127.0.0.1:1/_sandbox/a"), "wanted an address without a sandbox"),
    "specs": (("--specs", "nowhere"), "nowhere"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_usage(cases: Path, capsys: Shown, kind: str) -> None:
    arguments, told = WRONG[kind]

    assert checked("--cases", cases, *arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert told in err


def test_old_marks_are_warnings(cases: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.domain.clock.today", lambda: "2027-02-20")

    codes = [checked("--cases", cases, "--max-age", age) for age in ("91d", "91", "90d", "0")]

    out = capsys.readouterr().out
    assert codes == [0, 0, 0, 0]
    assert re.findall(r"(\d+) warning", out) == ["0", "0", "1", "1"]
    assert "docs.kie.ai, suno-api, was read 91 days ago; 4 cases rest on it" in out


def test_settings_of_this_folder_do_not_change_what_is_checked(
    cases: Path, tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = 'quirk = ["kie.duplicate=overwrite"]\npace = "instant"\ncredits = 3\nclock = "real"\n'
    (tmp_path / "pyproject.toml").write_text(f"[tool.persona-mock]\n{said}")
    monkeypatch.setenv("PERSONA_MOCK_STATUS", "http")
    monkeypatch.setenv("PERSONA_MOCK_RATE_LIMITS", "off")

    assert checked("--cases", cases) == 0

    assert capsys.readouterr().out == FINE


def test_but_the_documents_are_those_of_this_folder(cases: Path, tmp_path: Path, capsys: Shown) -> None:
    (tmp_path / "mine").mkdir()
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Pets", "version": "1"},
        "paths": {
            "/pets": {
                "get": {
                    "operationId": "listPets",
                    "responses": {
                        "200": {
                            "description": "All.",
                            "content": {"application/json": {"example": ["Rex"]}},
                        }
                    },
                }
            }
        },
    }
    (tmp_path / "mine" / "pets.json").write_text(json.dumps(document))
    (tmp_path / "pyproject.toml").write_text('[tool.persona-mock]\nspecs = ["mine"]\n')
    (cases / "pets.yaml").write_text(
        CRUN.replace("crun", "pets")
        .replace("getBalance", "listPets")
        .replace("outcome: success", "outcome: success, body: [Rex]")
    )

    assert checked("--cases", cases) == 0

    assert "1 checked, 1 passed" in capsys.readouterr().out


# --- at a URL -----------------------------------------------------------------------------------------------


def test_a_server_with_a_virtual_clock_is_checked_just_as_one_of_our_own(
    live: Live, wrong: Path, capsys: Shown
) -> None:
    url = live(clock="virtual")

    codes = [checked("--cases", wrong, "--json"), checked("--cases", wrong, "--json", "--url", url)]

    here, there = (json.loads(line) for line in re.split(r"(?<=\n\})\n", capsys.readouterr().out)[:2])
    assert codes == [1, 1]
    assert there["summary"] == here["summary"]
    for report in (here, there):
        report["findings"][0].pop("reproduce")
        told = report["findings"][0].pop("message").splitlines()
        assert told[:-1][-1].startswith("The rule: ")
    assert told[-1].endswith(f" check mock --url {url} --cases {wrong} --provider kie --case balance")
    assert there["findings"] == here["findings"]


def test_a_server_with_a_real_clock_leaves_out_what_takes_time(
    live: Live, cases: Path, capsys: Shown
) -> None:
    assert checked("--cases", cases, "--url", live(clock="real")) == 0

    assert capsys.readouterr().out == (
        "check mock: fine: 0 errors, 0 warnings, 3 checked, 3 passed, 1 skipped\n\n"
        "note: 1 case skipped: it needs a virtual clock, and the target's is real (serve --clock virtual)\n"
    )


@pytest.mark.parametrize("pace", ["instant", "polls:1"])
def test_tasks_that_do_not_take_their_time(live: Live, cases: Path, capsys: Shown, pace: str) -> None:
    assert checked("--cases", cases, "--url", live(clock="virtual", pace=pace)) == 0

    assert capsys.readouterr().out.endswith(
        "note: 1 case skipped: it needs tasks that take their time, and the target has another --pace\n"
    )


def test_limits_that_are_off(live: Live, cases: Path, capsys: Shown) -> None:
    assert checked("--cases", cases, "--url", live(clock="virtual", rate_limits="off")) == 0

    assert capsys.readouterr().out.endswith("note: 1 case skipped: the target's rate limits are off\n")


def test_a_server_with_a_control_token(live: Live, cases: Path, capsys: Shown) -> None:
    url = live(clock="virtual", control_token="t0ken")
    there = ("--cases", cases, "--url", url)

    codes = [
        checked(*there, "--control-token", "t0ken"),
        checked(*there),
        checked(*there, "--control-token", "x"),
    ]

    out, err = capsys.readouterr()
    assert (codes, out) == ([0, 2, 2], FINE)
    assert err.count("Say its token with --control-token") == 2


def test_the_token_may_be_told_by_the_environment(
    live: Live, cases: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSONA_MOCK_CONTROL_TOKEN", "t0ken")

    assert checked("--cases", cases, "--url", live(clock="virtual", control_token="t0ken")) == 0

    assert capsys.readouterr().out == FINE


def test_nobody_there(cases: Path, capsys: Shown) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        code = checked("--cases", cases, "--url", url)

    assert code == 3
    assert capsys.readouterr().err.startswith(f"persona-mock: {url} does not answer (Connection refused)")


def test_a_token_that_is_not_its_own_reads_otherwise_than_none(
    live: Live, cases: Path, capsys: Shown
) -> None:
    url = live(clock="virtual", control_token="t0ken")

    assert checked("--cases", cases, "--url", url, "--control-token", "wr0ng") == 2

    assert capsys.readouterr().err == (
        f"persona-mock: {url} refused the call: the token that was said is not its own."
        " Say its token with --control-token\n"
    )


@pytest.fixture
def ending(live: Live) -> Iterator[tuple[str, list[str]]]:
    """Stands before a mock, and ends for good when the case `limit` begins; with what it was asked."""
    url, asked = live(clock="virtual"), list[str]()

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            asked.append(self.path)
            if any("kie-limit" in path for path in asked):
                return
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            reply = httpx2.request(self.command, url + self.path, content=body, headers=headers)
            self.send_response(reply.status_code)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.content)

        do_GET = do_POST = do_PATCH = do_DELETE = _pass_on  # noqa: N815 (named by the base class)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def test_a_server_that_goes_ends_the_check(ending: tuple[str, list[str]], cases: Path, capsys: Shown) -> None:
    url, asked = ending
    more = KIE[KIE.index("  balance:") :].replace("  balance:", "  after:").partition("  persona-of")[0]
    (cases / "kie.yaml").write_text((KIE + more).replace("BALANCE", "5"))

    assert checked("--cases", cases, "--url", url) == 3

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"persona-mock: {url} does not answer any more (")
    assert err.endswith("): 3 of 5 cases had run\n")
    assert not any("kie-after" in path for path in asked)


# --- interrupted --------------------------------------------------------------------------------------------


def test_an_interrupted_check_tells_what_it_found(
    environ: dict[str, str], tmp_path: Path, wrong: Path
) -> None:
    """Ctrl-C when the third of its cases is under way: the target says so, and waits."""
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    program = (
        "import sys\n"
        "from contracts.states import Sandbox\n"
        "from mockserver.cli.main import main\n"
        "begin = Sandbox.begin\n"
        "def waits(self, case):\n"
        "    if case.name == 'song-in-time':\n"
        f"        open({str(begun)!r}, 'w').close()\n"
        f"        open({str(begun)!r}).read()\n"
        "    begin(self, case)\n"
        "Sandbox.begin = waits\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    arguments = [sys.executable, "-c", program, "check", "mock", "--cases", str(wrong)]
    with subprocess.Popen(
        arguments, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        begun.read_text()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (1, "")
    assert out.startswith("check mock: failed: 2 errors, 0 warnings, 2 checked, 1 passed, 0 skipped\n")
    assert "unfinished-run" in out
    assert "interrupted: 2 cases of 4 had run" in out
    assert "/body/data: wanted 6, got 5" in out


@pytest.fixture
def stranger() -> Iterator[str]:
    """A server that is something else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_no_persona_mock(stranger: str, cases: Path, capsys: Shown) -> None:
    assert checked("--cases", cases, "--url", stranger) == 3

    assert f"{stranger} is no persona-mock" in capsys.readouterr().err


def test_sandboxes_are_gone_afterwards(live: Live, wrong: Path) -> None:
    url = live(clock="virtual")
    before = httpx2.get(f"{url}/_mock/sandboxes").json()

    assert checked("--cases", wrong, "--url", url) == 1

    assert httpx2.get(f"{url}/_mock/sandboxes").json() == before


def test_a_sandbox_of_somebody_else_is_not_taken_for_one_of_ours(live: Live, cases: Path) -> None:
    url = live(clock="virtual")
    theirs = f"{url}/_sandbox/contract-kie-balance/_mock/accounts/contract-key"
    httpx2.patch(theirs, json={"credits": 77})

    assert checked("--cases", cases, "--url", url) == 0

    assert httpx2.get(theirs).json()["credits"] == 77


def test_two_that_check_one_server_at_the_same_time_do_not_meet(
    live: Live, cases: Path, command: Command
) -> None:
    url = live(clock="virtual")

    with ThreadPoolExecutor(2) as both:
        runs = [both.submit(command, "check", "mock", "--cases", str(cases), "--url", url) for _ in range(2)]
        done = [run.result() for run in runs]

    assert [(one.returncode, one.stdout, one.stderr) for one in done] == [(0, FINE, "")] * 2


# --- the line that tells how far it is ----------------------------------------------------------------------


def test_nothing_is_told_where_nobody_watches(command: Command, cases: Path) -> None:
    done = command("check", "mock", "--cases", str(cases))

    assert (done.returncode, done.stdout, done.stderr) == (0, FINE, "")


def test_a_terminal_sees_how_far_it_is_and_nothing_of_it_at_the_end(
    environ: dict[str, str], cases: Path
) -> None:
    ours, theirs = pty.openpty()
    arguments = [sys.executable, "-m", "mockserver", "check", "mock", "--cases", str(cases)]
    done = subprocess.run(
        arguments,
        env={**environ, "COLUMNS": "60"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=60,
        check=False,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)

    drawn = shown.split("\r\x1b[2K")
    assert (done.returncode, done.stdout.decode()) == (0, FINE)
    assert drawn == [
        "",
        "[....................] 0/4 kie balance",
        "[#####...............] 1/4 kie persona-of-a-song",
        "[##########..........] 2/4 kie song-in-time",
        "[###############.....] 3/4 kie limit",
        "[####################] 4/4 ",
        "",
    ]


def test_a_narrow_terminal_is_not_overflown(environ: dict[str, str], cases: Path) -> None:
    ours, theirs = pty.openpty()
    arguments = [sys.executable, "-m", "mockserver", "check", "mock", "--cases", str(cases)]
    subprocess.run(
        arguments,
        env={**environ, "COLUMNS": "30"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=60,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert max(map(len, shown.split("\r\x1b[2K"))) == 29
