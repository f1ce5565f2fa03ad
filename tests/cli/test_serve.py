"""`persona-mock serve` as a process: its settings, its start, its end."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.cli.conftest import Command, Start

SECONDS = 30
# Whatever is asked to end does not take longer than this.
AT_ONCE = 5
PACE = (
    "instant, real, polls:N with N from 1 to 999999, or a factor: a positive number such as 20, 0.5 or 1000"
    " (at least 0.000001, at most 1e9)"
)
QUIRK = "PROVIDER.NAME=VALUE, such as kie.duplicate=overwrite"
HELP = "`persona-mock serve --help` explains it"


# --- settings ----------------------------------------------------------------------------------------------


def test_print_config_shows_each_value_and_its_source(command: Command, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.persona-mock]\nclock = "virtual"\nstatus = "http"\n')
    flags = [
        "--port",
        "0",
        "--no-cors",
        "--specs",
        "mine",
        "--specs",
        "packaged",
        "--control-token",
        "s3cret",
        "--pace",
        "real",
        "--quirk",
        "kie.duplicate=overwrite",
        "--quirk",
        "evolink.link_hours=24",
    ]

    variables = {"PERSONA_MOCK_CLOCK": "real", "PERSONA_MOCK_SEED": "7", "PERSONA_MOCK_CREDITS": "0.5"}

    done = command("serve", *flags, "--print-config", **variables)

    rows = {
        cells[0]: tuple(cells[1:])
        for cells in (re.split(r" {2,}", line) for line in done.stdout.splitlines())
    }
    assert (done.returncode, done.stderr) == (0, "")
    assert rows["port"] == ("0", "flag --port")
    assert rows["cors"] == ("false", "flag --no-cors")
    assert rows["specs"] == ("mine,packaged", "flag --specs")
    assert rows["clock"] == ("real", "environment PERSONA_MOCK_CLOCK")
    assert rows["pace"] == ("real", "flag --pace")
    assert rows["credits"] == ("0.5", "environment PERSONA_MOCK_CREDITS")
    assert rows["quirk"] == ("kie.duplicate=overwrite,evolink.link_hours=24", "flag --quirk")
    assert rows["seed"] == ("7", "environment PERSONA_MOCK_SEED")
    assert rows["status"] == ("http", "pyproject.toml [tool.persona-mock] status")
    assert rows["host"] == ("127.0.0.1", "default")
    assert rows["control-token"] == ("(hidden)", "flag --control-token")
    assert "s3cret" not in done.stdout


@pytest.mark.parametrize("flag", ["--cors", "--no-cors", "--access-log", "--verify-responses"])
def test_a_flag_turns_a_switch_whatever_the_file_says(command: Command, tmp_path: Path, flag: str) -> None:
    name, wanted = flag.removeprefix("--").removeprefix("no-"), "--no-" not in flag
    (tmp_path / "pyproject.toml").write_text(f"[tool.persona-mock]\n{name} = {str(not wanted).lower()}\n")

    done = command("serve", flag, "--print-config")

    assert re.search(rf"^{name} +{str(wanted).lower()} +flag {flag}$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("flags", "variables", "said"),
    [
        (["--port", "70000"], {}, "--port: got '70000', wanted a whole number from 0 to 65535"),
        (["--clock", "fast"], {}, "--clock: got 'fast', wanted one of real, virtual"),
        (["--max-body", "much"], {}, "--max-body: got 'much', wanted a size"),
        (["--pace", "0"], {}, f"--pace: got '0', wanted {PACE}. {HELP}"),
        (["--pace", "polls:0"], {}, f"--pace: got 'polls:0', wanted {PACE}. {HELP}"),
        (["--credits", "-1"], {}, "--credits: got '-1', wanted a number from 0 to 1000000000000"),
        (["--quirk", "kie"], {}, f"--quirk: got 'kie', wanted {QUIRK}. {HELP}"),
        ([], {"PERSONA_MOCK_PACE": "nan"}, f"PERSONA_MOCK_PACE: got 'nan', wanted {PACE}"),
        ([], {"PERSONA_MOCK_QUIRK": "kie.duplicate=refuse,x"}, "PERSONA_MOCK_QUIRK: got 'x', wanted"),
        (
            ["--quirk", "kie.zz=1"],
            {},
            "--quirk: 'kie.zz' is no quirk. Known: kie.duplicate=refuse or overwrite; ",
        ),
        (
            ["--print-config", "--quirk", "crun.duplicate=409"],
            {},
            "--quirk: crun.duplicate cannot be '409', wanted ",
        ),
        (
            ["--quirk", "kie.persona_price=1e9999999"],
            {},
            "--quirk: kie.persona_price cannot be '1e9999999', ",
        ),
        (
            ["--quirk", "yuto.song_price=1_0"],
            {},
            "--quirk: yuto.song_price cannot be '1_0', wanted 10 or any ",
        ),
        (
            ["--quirk", "yuto.song_price=-1"],
            {},
            "--quirk: yuto.song_price cannot be '-1', wanted 10 or any other",
        ),
        ([], {"PERSONA_MOCK_SEED": "abc"}, "PERSONA_MOCK_SEED: got 'abc', wanted a whole number"),
        (["--print-config"], {"PERSONA_MOCK_CORS": "maybe"}, "PERSONA_MOCK_CORS: got 'maybe'"),
    ],
)
def test_a_bad_value_is_code_2_in_one_line(
    command: Command, flags: list[str], variables: dict[str, str], said: str
) -> None:
    done = command("serve", *flags, **variables)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"persona-mock: {said}")
    assert done.stderr.count("\n") == 1


HOSTS = ("a", "mock.example", "127.0.0.1", "[::1]")


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("port", ["65536", "99999", "655350", "0"])
def test_a_port_that_is_none_cannot_be_allowed(command: Command, host: str, port: str) -> None:
    done = command("serve", "--callback-allow", f"{host}:{port}", "--print-config")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"persona-mock: --callback-allow: got '{host}:{port}', wanted HOST or HOST:"
    )
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("host", HOSTS)
def test_the_last_port_there_is_can_be_allowed(command: Command, host: str) -> None:
    done = command("serve", "--callback-allow", f"{host}:65535", "--print-config")

    assert (done.returncode, done.stderr) == (0, "")
    shown = rf"^callback-allow +{re.escape(host)}:65535 +flag --callback-allow$"
    assert re.search(shown, done.stdout, re.MULTILINE)


def test_a_bad_key_of_the_file_is_code_2(command: Command, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.persona-mock]\nprot = 1\n")

    done = command("serve")

    assert done.returncode == 2
    assert done.stderr == (
        "persona-mock: pyproject.toml [tool.persona-mock]: unknown key prot. Did you mean port?\n"
    )


# --- start -------------------------------------------------------------------------------------------------


def wait_for(what: Callable[[], Any]) -> Any:
    """Its first true value; the test fails if that takes too long."""
    end = time.monotonic() + SECONDS
    while not (value := what()):
        assert time.monotonic() < end, "waited too long"
        select.select([], [], [], 0.01)
    return value


def url_from(file: Path, process: subprocess.Popen[str]) -> str:
    def url() -> str:
        assert process.poll() is None, process.communicate()
        return file.read_text() if file.exists() else ""

    written: str = wait_for(url)
    assert written.endswith("\n")
    return written.strip()


@pytest.fixture
def served(start: Start, tmp_path: Path) -> tuple[str, subprocess.Popen[str]]:
    process = start("serve", "--port", "0", "--url-file", "url", "--seed", "7")
    return url_from(tmp_path / "url", process), process


def test_start_prints_url_providers_seed_and_a_curl_and_sigterm_a_summary(
    served: tuple[str, subprocess.Popen[str]],
) -> None:
    url, process = served

    process.send_signal(signal.SIGTERM)
    shown, faults = process.communicate(timeout=SECONDS)

    assert (process.returncode, faults) == (0, "")
    assert url in shown.splitlines()[0]
    for name in ("kie", "crun", "evolink", "yuto"):
        assert re.search(rf"^{name} +{url}/{name} +[1-9][0-9]*$", shown, re.MULTILINE)
    assert re.search(r"^seed +7$", shown, re.MULTILINE)
    assert "curl " in shown
    assert re.search(r"requests?\b", shown.split("Ctrl-C ends it.")[1])


def test_the_printed_curl_works(served: tuple[str, subprocess.Popen[str]]) -> None:
    _, process = served
    assert process.stdout is not None
    line = next(line for line in process.stdout if line.startswith("Try it: "))

    done = subprocess.run(
        ["bash", "-c", line.strip().removeprefix("Try it: ") + " --silent --fail-with-body"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_ctrl_c_ends_with_code_0_and_no_traceback(served: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = served
    with suppress(OSError):
        urlopen(Request(f"{url}/kie/api/v1/chat/credit", headers={"Authorization": "Bearer k"})).close()

    process.send_signal(signal.SIGINT)
    shown, faults = process.communicate(timeout=SECONDS)

    assert (process.returncode, faults) == (0, "")
    assert "Traceback" not in shown


def test_json_lines_carry_the_start_and_the_end(start: Start, tmp_path: Path) -> None:
    process = start("serve", "--port", "0", "--url-file", "url", "--log-format", "json")
    url = url_from(tmp_path / "url", process)

    process.send_signal(signal.SIGTERM)
    shown, _ = process.communicate(timeout=SECONDS)

    first, last = (json.loads(line) for line in shown.splitlines())
    assert (first["event"], first["url"], last["event"]) == ("listening", url, "stopped")
    assert {"name", "url", "operations"} == set(first["providers"][0])


def test_beyond_loopback_the_drawn_token_is_printed_and_works(start: Start, tmp_path: Path) -> None:
    process = start("serve", "--host", "0.0.0.0", "--port", "0", "--url-file", "url")
    port = url_from(tmp_path / "url", process).rpartition(":")[2]
    assert process.stdout is not None
    line = next(line for line in process.stdout if line.startswith("control token"))
    token = line.split()[2]

    with urlopen(
        Request(f"http://127.0.0.1:{port}/_mock/health", headers={"X-Mock-Token": token}), timeout=SECONDS
    ) as answer:
        assert json.load(answer)["status"] == "ok"


def test_a_taken_port_names_its_holder_and_the_way_out(command: Command) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]

        done = command("serve", "--port", str(port))

    assert done.returncode == 2
    assert done.stderr.startswith(f"persona-mock: --port: port {port} on 127.0.0.1 is taken")
    assert "--port 0" in done.stderr
    if sys.platform == "linux":
        assert f"process {os.getpid()} (" in done.stderr


def test_a_url_file_that_cannot_be_written_is_code_2(command: Command, tmp_path: Path) -> None:
    done = command("serve", "--port", "0", "--url-file", "no/such/folder/url")

    assert done.returncode == 2
    assert "persona-mock: --url-file: no/such/folder/url cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_url_file_that_is_a_pipe_is_written_to(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "url")
    start("serve", "--port", "0", "--url-file", "url")

    # Opening waits for the writer.
    written = (tmp_path / "url").read_text()

    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9][0-9]*\n", written)
    assert (tmp_path / "url").is_fifo()


def test_a_url_file_that_is_a_folder_is_code_2_and_leaves_no_draft(command: Command, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()

    done = command("serve", "--port", "0", "--url-file", "taken")

    assert done.returncode == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_a_broken_document_is_code_2_with_file_and_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "broken.yaml").write_text("openapi: 3.1.0\ninfo: {title: [\n")

    done = command("serve", "--port", "0", "--specs", "docs")

    assert done.returncode == 2
    assert re.match(r"persona-mock: .*broken\.yaml:\d+: ", done.stderr)
    assert "Traceback" not in done.stderr


# --- end ---------------------------------------------------------------------------------------------------


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
    except ConnectionError:
        return True
    return False


def test_sigterm_drains_the_request_under_way(served: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = served
    port = int(url.rpartition(":")[2])
    head = (
        b"POST /kie/api/v1/generate/generate-persona HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer k\r\n"
        b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    )
    with closing(socket.create_connection(("127.0.0.1", port), timeout=SECONDS)) as client:
        client.sendall(head)
        # The server asks for the body: the request is under way.
        assert client.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: refuses(port))
        client.sendall(b"{}")
        answer = client.recv(65536)
    _, faults = process.communicate(timeout=SECONDS)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"x-mock-operation: generatepersona" in answer.lower()
    assert (process.returncode, faults) == (0, "")


def test_a_second_ctrl_c_does_not_wait(served: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = served
    port = int(url.rpartition(":")[2])
    head = b"POST /kie/api/v1/generate HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", port), timeout=SECONDS)) as client:
        client.sendall(head)
        assert client.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        process.send_signal(signal.SIGINT)
        wait_for(lambda: refuses(port))
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, faults = process.communicate(timeout=SECONDS)

    assert time.monotonic() - began < 5
    assert (process.returncode, faults) == (0, "")


CREDIT = "/kie/api/v1/chat/credit"
SONG = {
    "prompt": "A calm piano piece for a rainy evening",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    "callBackUrl": "https://10.0.0.1/nobody",
}


def asked(url: str, path: str, body: Any = None, **headers: str) -> Any:
    """The JSON of an answer."""
    data = None if body is None else json.dumps(body).encode()
    sent = {"Authorization": "Bearer k", "Content-Type": "application/json", **headers}
    with urlopen(Request(url + path, data=data, headers=sent), timeout=SECONDS) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    ("fault", "headers"),
    [
        ({"fault": "latency", "seconds": 3600}, {}),
        ({"fault": "slow-body", "seconds": 3600}, {}),
        (None, {"Prefer": "delay=500"}),
        ({"fault": "latency", "seconds": 3600, "times": None}, {"Prefer": "delay=500"}),
    ],
    ids=["latency", "slow-body", "prefer", "both"],
)
def test_sigterm_answers_at_once_what_is_delayed(
    served: tuple[str, subprocess.Popen[str]], fault: Any, headers: dict[str, str]
) -> None:
    url, process = served
    if fault:
        asked(url, "/_mock/faults", fault)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asked, url, "/kie/api/v1/generate", SONG, **headers)
        # Its task is made, so all that it waits for is the delay.
        wait_for(lambda: asked(url, "/_mock/tasks")["tasks"])
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        body = answer.result(SECONDS)
    _, faults = process.communicate(timeout=SECONDS)

    assert (process.returncode, faults) == (0, "")
    assert time.monotonic() - began < AT_ONCE
    assert (body["code"], body["msg"]) == (200, "success")


def test_sigterm_ends_a_walk_of_the_clock_that_waits_for_a_receiver(start: Start, tmp_path: Path) -> None:
    flags = ("--clock", "virtual", "--callback-timeout", "60")
    process = start("serve", "--port", "0", "--url-file", "url", *flags)
    url = url_from(tmp_path / "url", process)
    with closing(socket.create_server(("127.0.0.1", 0))) as receiver, ThreadPoolExecutor(1) as pool:
        receiver.settimeout(SECONDS)
        silent = f"http://127.0.0.1:{receiver.getsockname()[1]}/"
        asked(url, "/kie/api/v1/generate", {**SONG, "callBackUrl": silent})
        walk = pool.submit(asked, url, "/_mock/clock/advance", {"until": "idle"})
        with closing(receiver.accept()[0]):
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            counts = walk.result(SECONDS)
            _, faults = process.communicate(timeout=SECONDS)

    assert (process.returncode, faults) == (0, "")
    assert time.monotonic() - began < AT_ONCE
    assert (counts["delivered"], counts["gave_up"]) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "never", "whole"),
    [
        ("text", f"^GET {CREDIT} - ", f"^GET {CREDIT} 200 "),
        ("json", '"status": null, ', '"status": 200, '),
    ],
)
@pytest.mark.parametrize("fault", ["empty", "reset"])
def test_the_access_log_gives_no_status_to_a_reply_that_never_came(
    start: Start, tmp_path: Path, kind: str, never: str, whole: str, fault: str
) -> None:
    process = start("serve", "--port", "0", "--url-file", "url", "--access-log", "--log-format", kind)
    url = url_from(tmp_path / "url", process)
    asked(url, "/_mock/faults", {"fault": fault})

    with pytest.raises(ConnectionError):
        asked(url, CREDIT)
    came = asked(url, CREDIT)
    process.send_signal(signal.SIGTERM)
    shown, faults = process.communicate(timeout=SECONDS)

    assert (came["code"], faults) == (200, "")
    first, second = (
        line for line in shown.splitlines() if re.match(f"GET {CREDIT} |.*{CREDIT}.*duration", line)
    )
    assert re.search(never, first)
    assert re.search(whole, second)


# --- bad bytes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status", "slug"),
    [
        (b"\x00garbage\xff\r\n\r\n", b"400", b"bad-request"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000 + b"\r\n", b"431", b"headers-too-large"),
        (b"GET /" + b"a" * 1_000_000, b"414", b"uri-too-long"),
    ],
)
def test_bad_bytes_get_a_problem_and_the_server_lives(
    served: tuple[str, subprocess.Popen[str]], sent: bytes, status: bytes, slug: bytes
) -> None:
    url, process = served
    with closing(
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=SECONDS)
    ) as client:
        client.sendall(sent)
        answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nx-mock-error: " + slug + b"\r\n" in answer
    with urlopen(f"{url}/_mock/health", timeout=SECONDS) as health:
        assert health.status == 200
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=SECONDS)[1] == ""
