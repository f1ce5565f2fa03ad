"""`persona-mock state`: what it sends, what it prints, and how it ends when something is wrong."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mockserver.cli import control
from mockserver.cli.main import main

Shown = pytest.CaptureFixture[str]

EXPORT = b'{"format":1,"sandbox":"default","accounts":[{"credits":0.5}]}'
IMPORTED = b'{"imported":{"sandbox":"default","accounts":2,"tasks":5,"personas":1}}'
JSON, PROBLEM = "application/json", "application/problem+json; charset=utf-8"
HEALTH = b'{"status":"ok","version":"1","providers":[],"store":"memory"}'


class Call(NamedTuple):
    """One call as it came in."""

    method: str
    path: str
    token: str | None
    body: bytes


class Reply(NamedTuple):
    """What the fake answers."""

    status: int
    media: str
    body: bytes
    location: str | None = None


class Fake(ThreadingHTTPServer):
    """A server whose every answer is written by hand."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: list[Call] = []
        self.replies: dict[str, Reply] = {"GET /_mock/health": Reply(200, JSON, HEALTH)}
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def answers(self, call: str, body: bytes, status: int = 200, media: str = JSON) -> None:
        """From now on `METHOD /path` is answered so."""
        self.replies[call] = Reply(status, media, body)

    def refuses(self, call: str, status: int, detail: Any, **facts: Any) -> None:
        """From now on `METHOD /path` is answered with a problem."""
        body = json.dumps({"type": "about:blank", "status": status, "detail": detail, **facts}).encode()
        self.answers(call, body, status, PROBLEM)


class Handler(BaseHTTPRequestHandler):
    """Notes a call, and answers as the fake was told."""

    server: Fake

    def answer(self) -> None:
        """The reply to any method."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.calls.append(Call(self.command, self.path, self.headers["x-mock-token"], body))
        unknown = Reply(404, "text/html", b"<h1>Not here</h1>")
        reply = self.server.replies.get(f"{self.command} {self.path}", unknown)
        self.send_response(reply.status)
        self.send_header("content-type", reply.media)
        self.send_header("content-length", str(len(reply.body)))
        if reply.location:
            self.send_header("location", reply.location)
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_PUT = do_POST = answer  # noqa: N815 - the names are the base's

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base's
        """Nothing is printed."""


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the folder nor the environment of whoever runs the tests says anything."""
    monkeypatch.chdir(tmp_path)
    proxies = [name for name in os.environ if name.lower().endswith("_proxy")]
    for name in [*proxies, *(name for name in os.environ if name.startswith("PERSONA_MOCK_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def fake() -> Iterator[Fake]:
    """A server that answers what the test says."""
    with Fake() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture
def raw() -> Iterator[Callable[[bytes | None], str]]:
    """A socket that answers any call with these bytes, or, for None, never; gives its URL."""
    with contextlib.ExitStack() as stack:

        def start(answer: bytes | None) -> str:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            done = threading.Event()
            thread = threading.Thread(target=_serve_once, args=(listening, answer, done), daemon=True)
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(done.set)
            return f"http://127.0.0.1:{listening.getsockname()[1]}"

        yield start


def _serve_once(listening: socket.socket, answer: bytes | None, done: threading.Event) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(65536)
        if answer is None:
            done.wait(30)
        else:
            connection.sendall(answer)


def ended(capsys: Shown, code: int, *arguments: str) -> str:
    """What a command that ends with this code, and prints nothing else, says on stderr, in one line."""
    found = main(["state", *arguments])

    shown = capsys.readouterr()
    assert (found, shown.out) == (code, ""), shown.err
    assert shown.err.startswith("persona-mock: ")
    assert shown.err.count("\n") == 1
    return shown.err


# --- export ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_an_export_is_printed_as_it_came_and_ends_its_line(
    fake: Fake, capsysbinary: pytest.CaptureFixture[bytes], ending: bytes
) -> None:
    fake.answers("GET /_mock/state", EXPORT + ending)

    code = main(["state", "export", "--url", fake.url])

    assert (code, capsysbinary.readouterr()) == (0, (EXPORT + b"\n", b""))
    assert fake.calls == [Call("GET", "/_mock/state", None, b"")]


def test_an_export_is_written_to_a_file_byte_for_byte(fake: Fake, tmp_path: Path, capsys: Shown) -> None:
    odd = b'{"format":1,  "name":"\xc3\xa9\\u00e9\r\n"}'
    fake.answers("GET /_mock/state", odd)
    (tmp_path / "state.json").write_text("before")

    code = main(["state", "export", "-o", "state.json", "--url", fake.url])

    assert (code, capsys.readouterr()) == (0, ("", ""))
    assert (tmp_path / "state.json").read_bytes() == odd
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_a_link_stays_one_and_its_file_is_written(fake: Fake, tmp_path: Path) -> None:
    fake.answers("GET /_mock/state", EXPORT)
    (tmp_path / "link").symlink_to("state.json")

    code = main(["state", "export", "--output", "link", "--url", fake.url])

    assert code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "state.json").read_bytes() == EXPORT


def test_a_pipe_is_written_to_and_not_replaced(fake: Fake, tmp_path: Path) -> None:
    fake.answers("GET /_mock/state", EXPORT)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    code = main(["state", "export", "-o", "pipe", "--url", fake.url])

    written = os.read(reader, 65536)
    os.close(reader)
    assert (code, written) == (0, EXPORT)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("file", ["no/such/folder/state.json", "taken", "", "nul\0"])
def test_a_file_that_cannot_be_written_is_code_2(
    fake: Fake, tmp_path: Path, capsys: Shown, file: str
) -> None:
    fake.answers("GET /_mock/state", EXPORT)
    (tmp_path / "taken").mkdir()

    said = ended(capsys, 2, "export", "-o", file, "--url", fake.url)

    assert said.startswith(f"persona-mock: --output: {file} cannot be written (")
    assert said.endswith(". Name a file that can be written\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_a_write_that_fails_leaves_the_file_before_and_no_draft(
    fake: Fake, tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    fake.answers("GET /_mock/state", EXPORT)
    (tmp_path / "state.json").write_text("before")
    monkeypatch.setattr(os, "replace", full)

    said = ended(capsys, 2, "export", "-o", "state.json", "--url", fake.url)

    assert "state.json cannot be written (No space left on device)" in said
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("state.json", "before")]


def test_a_refused_export_leaves_the_file_before(fake: Fake, tmp_path: Path, capsys: Shown) -> None:
    fake.refuses("GET /_mock/state", 500, "something broke")
    (tmp_path / "state.json").write_text("before")

    said = ended(capsys, 3, "export", "-o", "state.json", "--url", fake.url)

    assert said == f"persona-mock: {fake.url} failed with 500: something broke\n"
    assert (tmp_path / "state.json").read_text() == "before"


def test_a_reader_who_left_is_no_error(fake: Fake, monkeypatch: pytest.MonkeyPatch, capfd: Shown) -> None:
    fake.answers("GET /_mock/state", EXPORT)
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing, "w") as unread:
        monkeypatch.setattr("sys.stdout", unread)
        code = main(["state", "export", "--url", fake.url])

    assert (code, capfd.readouterr().err) == (0, "")


# --- import ------------------------------------------------------------------------------------------------


def test_an_import_sends_the_file_and_says_what_was_taken_in(
    fake: Fake, tmp_path: Path, capsys: Shown
) -> None:
    fake.answers("PUT /_mock/state", IMPORTED)
    (tmp_path / "state.json").write_bytes(EXPORT + b"\n")

    code = main(["state", "import", "state.json", "--url", fake.url])

    said = "Imported into sandbox default: 2 accounts, 5 tasks, 1 persona\n"
    assert (code, capsys.readouterr()) == (0, (said, ""))
    assert fake.calls[-1] == Call("PUT", "/_mock/state", None, EXPORT + b"\n")


def test_a_dash_imports_from_stdin_whatever_its_bytes(
    fake: Fake, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.answers("PUT /_mock/state", IMPORTED)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\x00\r\n")))

    code = main(["state", "import", "-", "--url", fake.url])

    assert code == 0
    assert fake.calls[-1].body == b"\xff\x00\r\n"


def test_an_import_prints_the_reply_as_json(fake: Fake, tmp_path: Path, capsys: Shown) -> None:
    fake.answers("PUT /_mock/state", IMPORTED)
    (tmp_path / "state.json").write_bytes(EXPORT)

    code = main(["state", "import", "state.json", "--json", "--url", fake.url])

    assert code == 0
    assert json.loads(capsys.readouterr().out) == json.loads(IMPORTED)


@pytest.mark.parametrize(
    ("detail", "field", "said"),
    [
        ("wanted a number from 0", "accounts/0/credits", "wanted a number from 0 (field accounts/0/credits)"),
        ("format: wanted 1", "format", "format: wanted 1"),
        ("not JSON", None, "not JSON"),
        ("two\nlines\x1b[2J\u2028", "a\nb", "two lines [2J  (field a b)"),
    ],
)
def test_a_refused_file_is_code_1_with_reason_and_place(
    fake: Fake, tmp_path: Path, capsys: Shown, detail: str, field: str | None, said: str
) -> None:
    fake.refuses("PUT /_mock/state", 422, detail, **({"field": field} if field else {}))
    (tmp_path / "state.json").write_text("not JSON")

    found = ended(capsys, 1, "import", "state.json", "--url", fake.url)

    assert found == f"persona-mock: {fake.url} refused: {said}\n"


@pytest.mark.parametrize("file", ["missing.json", ".", "nul\0", ""])
def test_a_file_that_cannot_be_read_is_code_2_and_nothing_is_sent(
    fake: Fake, capsys: Shown, file: str
) -> None:
    said = ended(capsys, 2, "import", file, "--url", fake.url)

    assert said.startswith(f"persona-mock: state import: {file} cannot be read (")
    assert said.endswith(". Name a file that can be read\n")
    assert fake.calls == []


def test_no_state_is_sent_to_who_is_no_mock_or_wants_a_token(
    fake: Fake, tmp_path: Path, capsys: Shown
) -> None:
    (tmp_path / "state.json").write_bytes(EXPORT)
    fake.answers("GET /_mock/health", b"<h1>Welcome</h1>", media="text/html")
    stranger = ended(capsys, 3, "import", "state.json", "--url", fake.url)
    fake.refuses("GET /_mock/health", 401, "Control calls need the token")

    keeper = ended(capsys, 2, "import", "state.json", "--url", fake.url)

    assert "is no persona-mock" in stranger
    assert "--control-token" in keeper
    assert {call.body for call in fake.calls} == {b""}


# --- reset -------------------------------------------------------------------------------------------------


def test_a_reset_says_which_sandbox(fake: Fake, capsys: Shown) -> None:
    fake.answers("POST /_sandbox/alice/_mock/reset", b'{"reset":"alice"}')

    code = main(["state", "reset", "--sandbox", "alice", "--url", fake.url])
    plain = capsys.readouterr().out
    assert main(["state", "reset", "--sandbox", "alice", "--json", "--url", fake.url]) == 0

    assert (code, plain) == (0, "Reset sandbox alice\n")
    assert json.loads(capsys.readouterr().out) == {"reset": "alice"}
    assert fake.calls[0] == Call("POST", "/_sandbox/alice/_mock/reset", None, b"")


def test_a_real_mock_is_reset(live: Callable[..., str], capsys: Shown) -> None:
    url = live(control_token="s3cret")

    code = main(["state", "reset", "--url", url, "--sandbox", "alice", "--control-token", "s3cret"])

    assert (code, capsys.readouterr()) == (0, ("Reset sandbox alice\n", ""))


# --- which mock, which sandbox, which token ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("tail", "arguments", "path"),
    [
        ("", [], "/_mock/reset"),
        ("/", [], "/_mock/reset"),
        ("", ["--sandbox", "default"], "/_mock/reset"),
        ("", ["--sandbox", "a.b_C-1"], "/_sandbox/a.b_C-1/_mock/reset"),
        ("/_sandbox/alice", [], "/_sandbox/alice/_mock/reset"),
        ("/_sandbox/alice/", [], "/_sandbox/alice/_mock/reset"),
        ("/_sandbox/%61lice", [], "/_sandbox/alice/_mock/reset"),
        ("/_sandbox/alice", ["--sandbox", "alice"], "/_sandbox/alice/_mock/reset"),
        ("/base/_sandbox/alice", [], "/base/_sandbox/alice/_mock/reset"),
        ("/base", ["--sandbox", "alice"], "/base/_sandbox/alice/_mock/reset"),
    ],
)
def test_url_and_sandbox_lead_to_one_place(fake: Fake, tail: str, arguments: list[str], path: str) -> None:
    fake.answers(f"POST {path}", b'{"reset":"it"}')

    code = main(["state", "reset", "--url", fake.url + tail, *arguments])

    assert (code, [call.path for call in fake.calls]) == (0, [path])


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_without_a_url_it_is_the_mock_that_serve_would_start(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str
) -> None:
    fake.answers("POST /_mock/reset", b'{"reset":"default"}')
    (tmp_path / "pyproject.toml").write_text(f'[tool.persona-mock]\nhost = "{host}"\n')
    monkeypatch.setenv("PERSONA_MOCK_PORT", str(fake.port))

    code = main(["state", "reset"])

    # No token that nobody gave is sent.
    assert (code, fake.calls) == (0, [Call("POST", "/_mock/reset", None, b"")])


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:1"), ("::", "http://[::1]:1"), ("::1", "http://[::1]:1")],
)
def test_the_address_of_the_settings_is_named(
    capsys: Shown, monkeypatch: pytest.MonkeyPatch, host: str, url: str
) -> None:
    monkeypatch.setenv("PERSONA_MOCK_HOST", host)
    monkeypatch.setenv("PERSONA_MOCK_PORT", "1")

    assert ended(capsys, 3, "reset").startswith(f"persona-mock: {url} does not answer (")


@pytest.mark.parametrize("by", ["flag", "environment", "file"])
def test_the_token_is_that_of_the_settings(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by: str
) -> None:
    fake.answers("GET /_mock/state", EXPORT)
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.persona-mock]\ncontrol-token = "{"s3cret" if by == "file" else "other"}"\n'
    )
    if by == "environment":
        monkeypatch.setenv("PERSONA_MOCK_CONTROL_TOKEN", "s3cret")
    flags = ["--control-token", "s3cret"] if by == "flag" else []

    code = main(["state", "export", "--url", fake.url, *flags])

    assert (code, fake.calls[0].token) == (0, "s3cret")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "127.0.0.1:4010"], "--url: got '127.0.0.1:4010', wanted a URL such as https://"),
        (["--url", "http://[::1"], "--url: got 'http://[::1', wanted a URL"),
        (["--url", "http://me:secret@mock.example"], "wanted a URL such as"),
        (["--url", ""], "--url: got '', wanted a URL"),
        (["--sandbox", "a/b"], "--sandbox: got 'a/b', wanted a sandbox's name: 1 to 64 letters"),
        (["--sandbox", ""], "--sandbox: got '', wanted a sandbox's name"),
        (["--sandbox", "a" * 65], "wanted a sandbox's name"),
        (["--url", "http://127.0.0.1:1/_sandbox/a%20b"], "--url: got 'a b', wanted a sandbox's name"),
        (
            ["--url", "http://127.0.0.1:1/_sandbox/alice", "--sandbox", "bob"],
            "--sandbox: got 'bob', wanted alice, as --url has it. Keep one of the two",
        ),
        (["--control-token", "two words"], "--control-token: got something else, wanted visible characters"),
    ],
)
def test_wrong_usage_is_code_2_in_words(capsys: Shown, arguments: list[str], said: str) -> None:
    assert said in ended(capsys, 2, "reset", *arguments)


def test_port_0_names_no_mock(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONA_MOCK_PORT", "0")

    said = ended(capsys, 2, "reset")

    assert said == (
        "persona-mock: --url: port 0 says where no mock listens."
        " Say the address that `persona-mock serve` printed\n"
    )


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_no_proxy_stands_before_this_machine(fake: Fake, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    fake.answers("POST /_mock/reset", b'{"reset":"default"}')
    monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert main(["state", "reset", "--url", fake.url]) == 0


def test_a_mock_elsewhere_is_reached_through_the_proxy(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.answers("POST http://mock.example/_mock/reset", b'{"reset":"default"}')
    monkeypatch.setenv("http_proxy", fake.url)

    assert main(["state", "reset", "--url", "http://mock.example"]) == 0


# --- no answer, and strange answers ------------------------------------------------------------------------


def test_nobody_there_is_code_3_with_the_address_and_the_next_step(capsys: Shown) -> None:
    said = ended(capsys, 3, "export", "--url", "http://127.0.0.1:1")

    assert said == (
        "persona-mock: http://127.0.0.1:1 does not answer (Connection refused)."
        " Start one with `persona-mock serve`, or name another with --url\n"
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "Remote end closed connection without response"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "what came is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"a" * 100_000, "what came is not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n" + EXPORT,
            "its answer breaks off",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "its answer breaks off",
        ),
    ],
)
def test_an_answer_that_is_none_is_code_3(
    raw: Callable[[bytes | None], str], capsys: Shown, answer: bytes, said: str
) -> None:
    url = raw(answer)

    found = ended(capsys, 3, "export", "--url", url)

    assert found.startswith(
        f"persona-mock: {url} does not answer ({said}). Start one with `persona-mock serve`"
    )


def test_silence_is_code_3(
    raw: Callable[[bytes | None], str], capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = raw(None)
    waits = control.TIMEOUT
    monkeypatch.setattr(control, "TIMEOUT", 0.1)

    said = ended(capsys, 3, "reset", "--url", url)

    assert waits == 30
    assert said.startswith(f"persona-mock: {url} does not answer (nothing came for 0.1 s)")


@pytest.mark.parametrize("host", ["a" * 80, "a..b"])
def test_a_host_that_can_be_none_is_code_3(capsys: Shown, host: str) -> None:
    assert "does not answer (" in ended(capsys, 3, "reset", "--url", f"http://{host}:1")


@pytest.mark.parametrize(
    ("status", "media", "body"),
    [
        (200, "text/html", EXPORT),
        (200, JSON, b"[1]"),
        (200, JSON, b'{"hello":1}'),
        (200, JSON, b""),
        (204, JSON, b""),
        (404, "text/html", b"<h1>Not here</h1>"),
        (404, PROBLEM, b'{"detail":"No control call GET /_mock/state"}'),
        (405, PROBLEM, b'{"detail":"takes PUT"}'),
        (400, JSON, b'{"detail":"no"}'),
        (422, PROBLEM, b'{"detail":1}'),
        (422, PROBLEM, b"{"),
        (422, PROBLEM, b"[" * 100_000),
        (500, "text/plain", b"oh"),
    ],
)
def test_a_server_that_is_something_else_is_code_3(
    fake: Fake, capsys: Shown, tmp_path: Path, status: int, media: str, body: bytes
) -> None:
    fake.answers("GET /_mock/state", body, status, media)

    said = ended(capsys, 3, "export", "-o", "state.json", "--url", fake.url)

    kind = media.split(";")[0]
    assert said.startswith(
        f"persona-mock: {fake.url} is no persona-mock (GET {fake.url}/_mock/state answered {status} {kind}). "
    )
    assert "`persona-mock serve`" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("body", [b"{}", b'{"imported":1}', b'{"imported":', b'{"reset":["default"]}'])
def test_a_reply_without_its_news_is_code_3(fake: Fake, capsys: Shown, tmp_path: Path, body: bytes) -> None:
    fake.answers("PUT /_mock/state", body)
    fake.answers("POST /_mock/reset", body)
    (tmp_path / "state.json").write_bytes(EXPORT)

    assert "is no persona-mock" in ended(capsys, 3, "import", "state.json", "--url", fake.url)
    assert "is no persona-mock" in ended(capsys, 3, "reset", "--url", fake.url)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("tail", ["/elsewhere", "http://[", None])
def test_a_token_is_not_carried_elsewhere(fake: Fake, capsys: Shown, status: int, tail: str | None) -> None:
    fake.replies["GET /_mock/state"] = Reply(status, "text/html", b"moved", tail)

    ended(capsys, 3, "export", "--url", fake.url, "--control-token", "s3cret")

    assert [call.path for call in fake.calls] == ["/_mock/state"]


@pytest.mark.parametrize(("status", "media"), [(401, PROBLEM), (401, "text/html")])
def test_a_token_that_is_wanted_is_code_2_with_its_option(
    fake: Fake, capsys: Shown, status: int, media: str
) -> None:
    fake.answers("GET /_mock/state", b'{"detail":"Control calls need the token"}', status, media)

    said = ended(capsys, 2, "export", "--url", fake.url, "--control-token", "wr0ng")

    assert said.startswith(f"persona-mock: {fake.url} refused the call: ")
    assert said.endswith(". Say its token with --control-token\n")
    assert "wr0ng" not in said


def test_a_forbidden_call_is_code_2_with_its_reason(fake: Fake, capsys: Shown) -> None:
    fake.refuses("GET /_mock/state", 403, "The control API does not answer to the Host 'x'; see --allow-host")

    assert "see --allow-host" in ended(capsys, 2, "export", "--url", fake.url)


# --- help --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["export", "import", "reset"])
def test_help_shows_an_example(capsys: Shown, name: str) -> None:
    assert main(["state", name, "--help"]) == 0

    assert f"Example: persona-mock state {name} " in capsys.readouterr().out
