"""Which calls the mock takes, which may really be made, and what the others are told."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from mockserver.openapi.hosts import HostAndPort, host_and_port, is_loopback
from mockserver.settings import HOST_AND_PORT, UsageError

PORTS = {"ftp": 21, "http": 80, "https": 443, "ws": 80, "wss": 443}


class Way(Enum):
    """Where a call goes that is not refused."""

    # To the mock, in the sandbox of the block.
    SANDBOX = auto()
    # To the mock at its own address: the client's call as it is, but past any proxy.
    MOCK = auto()
    # Wherever the client sends it.
    OUT = auto()


class Call(NamedTuple):
    """A call that a client is about to make; shown without its path, in which a token may stand."""

    method: str
    scheme: str
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS.get(self.scheme) else f":{self.port}"
        return f"{self.method} {self.scheme}://{host}{port}"

    def __repr__(self) -> str:
        return f"<Call {self}>"


def call_of(method: str, scheme: str, host: str, port: int | None, target: str) -> Call:
    """A call in the words of its URL; the port is the scheme's own where there is none."""
    # Some clients take a user for a part of the name: then it is another host, and the user not shown.
    _, at, name = host.rpartition("@")
    name = ("…@" if at else "") + name.strip("[]").rstrip(".").lower()
    path = target.partition("?")[0].partition("#")[0]
    return Call(method, scheme, name, port or PORTS.get(scheme, 0), path)


# An AssertionError, for libraries take an OSError, or an error of their own kind, for a bad network: they
# would try again, or raise another in its place. A client's own `except Exception` does catch this one: the
# block keeps it in `refused`.
class RealCall(AssertionError):
    """A call that would have gone to neither the mock nor an allowed host, and was not made.

    Its text names no path; `path` is the call's, without query.
    """

    def __init__(self, call: Call, mock: str, hosts: Iterable[str]) -> None:
        self.method, self.host, self.port, self.path = call.method, call.host, call.port, call.path
        # Loopback is where many things listen, so there a port is part of the name.
        name = f"[{call.host}]" if ":" in call.host else call.host
        self.name = f"{name}:{call.port}" if is_loopback(call.host) else name
        super().__init__(f"{call} was not sent: {self._why(mock, sorted(hosts))}")

    def _why(self, mock: str, hosts: list[str]) -> str:
        if self.host in hosts:
            return f"the mock answers HTTP only. Call http://{self.host}, https://{self.host} or {mock}"
        if "@" in self.host:
            return (
                "its client takes the user for a part of the host's name. Send user and password in a header"
            )
        return (
            f"{self.name} is not a documented host ({', '.join(hosts)}). If the call is meant, "
            f"pass allow=({self.name!r},) to intercept(); "
            f"if not, point the client at a documented host or at {mock}"
        )


class Reach:
    """Tells the calls that the mock takes from those that may be made, and refuses all others."""

    def __init__(self, hosts: Iterable[str], address: tuple[str, int], allow: Iterable[str] | None) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._mock = f"http://{address[0]}:{address[1]}"
        self._own = {(name, address[1]) for name in (address[0], "127.0.0.1", "localhost")}
        self._allowed = _allowed(allow, self._hosts)

    def way(self, call: Call) -> Way:
        """Where a call goes; RealCall if it may go nowhere."""
        place = call.host, call.port
        if place in self._own:
            # What is no HTTP would fail there, and may do so in the client's own words.
            return Way.MOCK if call.scheme == "http" else Way.OUT
        if call.host in self._hosts and call.scheme != "ftp":
            return Way.SANDBOX
        if place in self._allowed or (call.host, None) in self._allowed:
            return Way.OUT
        raise RealCall(call, self._mock, self._hosts)


def _allowed(allow: Iterable[str] | None, hosts: frozenset[str]) -> set[HostAndPort]:
    if isinstance(allow, str):
        fix = f"Pass a tuple: allow=({allow!r},)"
        raise UsageError(where="allow", got="one text", wanted="several", fix=fix)
    return {_read(text, hosts) for text in allow or ()}


def _read(text: str, hosts: frozenset[str]) -> HostAndPort:
    try:
        host, port = host_and_port(HOST_AND_PORT.from_value(text))
    except ValueError:
        fix = "Without scheme, path or user; an IPv6 address with a port in brackets: [::1]:8080"
        raise UsageError(where="allow", got=repr(text), wanted=HOST_AND_PORT.wanted, fix=fix) from None
    if host in hosts:
        what = f"{host} is a documented host, which the mock takes"
        raise UsageError(what, where="allow", fix="Call it outside of intercept()")
    return host, port
