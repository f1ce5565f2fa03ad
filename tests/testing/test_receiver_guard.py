"""Who may call the receiver of a sandbox, how much, and what becomes of a caller who breaks off."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import httpx2
import pytest

from mockserver.testing import PersonaMock, Server
from tests.testing.songs import NO_TLS

LARGEST = 16 * 1024**2


@pytest.fixture(scope="module")
def world() -> Iterator[Server]:
    """One server for all tests of this module."""
    with Server() as server:
        yield server


@pytest.fixture
def mock(world: Server) -> Iterator[PersonaMock]:
    """A sandbox of this test alone."""
    with world.sandbox("here") as mock:
        yield mock


def post(
    mock: PersonaMock, content: bytes = b"{}", headers: Mapping[str, str] | None = None
) -> httpx2.Response:
    """A call of the receiver."""
    return httpx2.post(mock.callbacks.url, content=content, headers=headers, verify=NO_TLS, timeout=30)


@pytest.mark.parametrize(
    ("headers", "slug"),
    [
        ({"host": "evil.example.com"}, "forbidden-host"),
        ({"host": "127.0.0.1.evil.example.com"}, "forbidden-host"),
        ({"origin": "https://evil.example.com"}, "cross-site"),
        ({"origin": "null"}, "cross-site"),
        ({"sec-fetch-site": "cross-site"}, "cross-site"),
    ],
    ids=str,
)
def test_pages_and_foreign_names_are_refused_and_not_counted(
    mock: PersonaMock, headers: dict[str, str], slug: str
) -> None:
    mock.callbacks.respond(500)

    answer = post(mock, headers=headers)

    assert (answer.status_code, answer.headers["x-mock-error"]) == (403, slug)
    assert len(mock.callbacks) == 0
    # What was to be answered to a callback still is.
    assert post(mock).status_code == 500


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:80"])
def test_names_of_this_machine_are_taken(mock: PersonaMock, host: str) -> None:
    assert post(mock, headers={"host": host}).status_code == 200
    assert len(mock.callbacks) == 1


def test_a_body_over_the_limit_is_refused_and_not_counted(mock: PersonaMock) -> None:
    assert post(mock, b"x" * (LARGEST + 1)).status_code == 413
    assert len(mock.callbacks) == 0

    assert post(mock, b"x" * LARGEST).status_code == 200
    assert len(mock.callbacks) == 1


def test_a_caller_who_breaks_off_is_no_error(mock: PersonaMock, caplog: pytest.LogCaptureFixture) -> None:
    parts = urlsplit(mock.callbacks.url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 100\r\n\r\n"

    with caplog.at_level(logging.DEBUG):
        with socket.create_connection((parts.hostname, parts.port)) as call:
            call.sendall(head.encode() + b"{")
            # So that it is at its body when the end comes.
            time.sleep(0.05)
        assert post(mock).status_code == 200

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert len(mock.callbacks) == 1
