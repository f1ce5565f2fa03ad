"""Sockets of our own, and why one cannot be had."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import closing

import pytest

from mockserver.settings import UsageError
from mockserver.web.listen import listen, port_of


def test_port_0_picks_a_free_port_and_listens() -> None:
    (listening,) = listen("127.0.0.1", 0)

    with closing(listening):
        assert port_of(listening) > 0
        socket.create_connection(("127.0.0.1", port_of(listening)), timeout=10).close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is not an address of the machine")
def test_every_address_of_a_name_gets_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))
        for address in ("127.0.0.1", "127.0.0.2", "203.0.113.7")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    sockets = listen("mock.test", 0)

    places = [listening.getsockname() for listening in sockets]
    for listening in sockets:
        listening.close()
    assert [address for address, _ in places] == ["127.0.0.1", "127.0.0.2"]
    assert len({port for _, port in places}) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="who holds a port is seen through /proc")
def test_a_taken_port_names_its_holder_and_the_way_out() -> None:
    (first,) = listen("127.0.0.1", 0)

    with closing(first), pytest.raises(UsageError) as refused:
        listen("127.0.0.1", port_of(first))

    text = str(refused.value)

    assert f"process {os.getpid()} (" in text
    assert "--port 0" in text


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(UsageError, match=r"203\.0\.113\.7 is not an address of this machine"):
        listen("203.0.113.7", 0)


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no-such-host\.invalid has no address here"):
        listen("no-such-host.invalid", 0)
