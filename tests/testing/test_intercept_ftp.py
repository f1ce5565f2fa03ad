"""FTP inside a block: it is no way past the rule for other hosts, and the mock does not speak it."""

from __future__ import annotations

import ftplib
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest

from mockserver.testing.intercept import RealCall
from tests.testing.conftest import Elsewhere, Served


class Files(NamedTuple):
    """An FTP server, as far as a client gets before it asks for a file."""

    port: int
    met: list[str]


@pytest.fixture
def files() -> Iterator[Files]:
    met: list[str] = []

    def talk() -> None:
        # The listener ends where nobody came.
        with suppress(OSError), listener.accept()[0] as came, came.makefile("rw", newline="\r\n") as lines:
            lines.write("220 here\n")
            lines.flush()
            for line in lines:
                met.append(line.split()[0])
                lines.write("500 no\n" if line.startswith("CWD") else "230 fine\n")
                lines.flush()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield Files(listener.getsockname()[1], met)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FTP_PROXY", "ftp_proxy"):
        monkeypatch.delenv(name, raising=False)


def opened(url: str) -> Any:
    # urlopen would keep the proxies of its first call.
    return urllib.request.build_opener().open(url, timeout=5)


def test_ftp_to_another_host_is_refused_before_anything_leaves(served: Served, left: list[str]) -> None:
    with served.block(), pytest.raises(RealCall) as by_urllib:
        opened("ftp://me:hidden@files.example.com/a;AAsecret")
    with served.block(), pytest.raises(RealCall) as by_hand:
        ftplib.FTP("files.example.com", "me", "hidden")

    for refused in (by_urllib.value, by_hand.value):
        assert str(refused).startswith("FTP ftp://files.example.com was not sent: files.example.com is not a")
        assert (refused.method, refused.host, refused.port) == ("FTP", "files.example.com", 21)
        assert "allow=('files.example.com',)" in str(refused)
        assert "hidden" not in str(refused)
    assert left == []


@pytest.mark.parametrize("client", [ftplib.FTP, ftplib.FTP_TLS])
def test_ftp_to_a_port_of_this_machine_is_refused(client: type, served: Served, files: Files) -> None:
    with served.block(), pytest.raises(RealCall, match=rf"^FTP ftp://127\.0\.0\.1:{files.port} was not"):
        opened(f"ftp://127.0.0.1:{files.port}/x")
    with served.block(), pytest.raises(RealCall), client() as connection:
        connection.connect("127.0.0.1", files.port)

    assert files.met == []


def test_an_allowed_host_is_really_called_by_ftp(served: Served, files: Files) -> None:
    with served.block(allow=(f"127.0.0.1:{files.port}",)), ftplib.FTP() as connection:
        connection.connect("127.0.0.1", files.port, timeout=5)
        answer = connection.login()

    assert (answer, files.met) == ("230 fine", ["USER", "QUIT"])


def test_an_allowed_host_is_called_by_its_name(
    served: Served, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    # urllib looks a name up itself, and gives ftplib an address.
    monkeypatch.setattr(socket, "gethostbyname", {"files.example.com": "127.0.0.1"}.__getitem__)

    with served.block(allow=("files.example.com",)):
        with pytest.raises(urllib.error.URLError, match=r"500 no"):
            opened(f"ftp://files.example.com:{files.port}/x")
        with pytest.raises(RealCall), ftplib.FTP() as connection:
            connection.connect("127.0.0.1", files.port)

    assert files.met[0] == "USER"


def test_a_documented_host_answers_no_ftp(served: Served, left: list[str]) -> None:
    for call in (lambda: opened("ftp://api.kie.ai/x"), lambda: ftplib.FTP("api.kie.ai")):
        with served.block(), pytest.raises(RealCall) as refused:
            call()
        assert str(refused.value) == (
            "FTP ftp://api.kie.ai was not sent: the mock answers HTTP only. "
            f"Call http://api.kie.ai, https://api.kie.ai or http://127.0.0.1:{served.port}"
        )

    assert left == []


def test_ftp_through_a_proxy_is_held_to_the_same_rule(
    served: Served, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ftp_proxy", f"http://127.0.0.1:{elsewhere.port}")
    monkeypatch.delenv("no_proxy", raising=False)

    with served.block(allow=("127.0.0.1", "files.example.com")):
        with opened("ftp://files.example.com/a") as got:
            allowed = got.read()
        with pytest.raises(RealCall, match=r"^GET ftp://other\.example\.com was not sent"):
            opened("ftp://other.example.com/a")
        with pytest.raises(RealCall, match=r"^GET ftp://api\.kie\.ai was not sent"):
            opened("ftp://api.kie.ai/a")

    assert (allowed, elsewhere.met) == (b"real", ["ftp://files.example.com/a"])


def test_behind_the_block_ftp_is_itself_again(served: Served, left: list[str]) -> None:
    with served.block():
        pass

    with pytest.raises(OSError, match=r"nobody is looked up"):
        ftplib.FTP("files.example.com")

    assert left == ["files.example.com"]
