"""Listening sockets: bound by us, so that a port that cannot be had is explained."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from mockserver.settings import UsageError

BACKLOG = 2048
_LISTENING = "0A"
_PROC = Path("/proc")


class Address(NamedTuple):
    """One resolved address of a host."""

    family: socket.AddressFamily
    place: tuple[Any, ...]

    def at_port(self, port: int) -> tuple[Any, ...]:
        """What a socket of this family is bound to."""
        return (self.place[0], port, *self.place[2:])


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on every address of the host, all on one port; UsageError where that cannot be."""
    addresses = _addresses(host)
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            # Port 0 is settled by the first address; the others follow it.
            wanted = port_of(sockets[0]) if sockets else port
            sockets += _listening(address, wanted, optional=bool(sockets))
    except OSError as error:
        _close(sockets)
        raise _refusal(error, host, port) from None
    return sockets


def port_of(listening: socket.socket) -> int:
    """The port a socket got."""
    port: int = listening.getsockname()[1]
    return port


def _addresses(host: str) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        reason = error.strerror or str(error)
        fix = "Listen on 127.0.0.1 for this machine only, on 0.0.0.0 for every network"
        raise UsageError(f"{host} has no address here ({reason})", where="--host", fix=fix) from None
    return list(dict.fromkeys(Address(family, place) for family, _, _, _, place in found))


def _listening(address: Address, port: int, *, optional: bool) -> Iterator[socket.socket]:
    """One listening socket, or none where a further address of the host does not exist on this machine."""
    try:
        # Said in so many words, for asyncio sends small writes at once on a socket that says so only.
        opened = socket.socket(address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError:
        if optional:
            return
        raise
    try:
        _prepare(opened)
        opened.bind(address.at_port(port))
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        if optional and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return
        raise
    yield opened


def _prepare(opened: socket.socket) -> None:
    opened.setblocking(False)
    # Elsewhere than on POSIX this option would let two servers share one port.
    if os.name == "posix":
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if opened.family == socket.AF_INET6:
        # `::` then means every address, as it does for other servers.
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)


def _close(sockets: list[socket.socket]) -> None:
    for opened in sockets:
        opened.close()


# --- why a port cannot be had ------------------------------------------------------------------------------


def _refusal(error: OSError, host: str, port: int) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        holder = _holder(port)
        what = f"port {port} on {host} is taken" + (f" by {holder}" if holder else "")
        return UsageError(what, where="--port", fix="Stop it, or run with --port 0 to get a free port")
    if error.errno in (errno.EACCES, errno.EPERM):
        fix = "Use a port from 1024 up, or --port 0 to get a free one"
        return UsageError(f"port {port} is reserved for privileged users here", where="--port", fix=fix)
    if error.errno == errno.EADDRNOTAVAIL:
        fix = "Listen on 127.0.0.1 for this machine only, on 0.0.0.0 for every network"
        return UsageError(f"{host} is not an address of this machine", where="--host", fix=fix)
    what = f"cannot listen on {host}, port {port} ({error.strerror or error})"
    return UsageError(what, where="--host", fix="Try --host 127.0.0.1 --port 0")


def _holder(port: int) -> str:
    """Process id and command of whoever listens on a port; empty where the system does not show it."""
    inodes = set(_inodes(port))
    if not inodes:
        return ""
    links = {f"socket:[{inode}]" for inode in inodes}
    return next((_named(process) for process in _processes() if _opens(process, links)), "")


def _inodes(port: int) -> Iterator[str]:
    """The kernel's numbers of the sockets that listen on a port (Linux)."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                cells = line.split()
                if cells[3] == _LISTENING and int(cells[1].rpartition(":")[2], 16) == port:
                    yield cells[9]


def _processes() -> list[Path]:
    try:
        return [entry for entry in _PROC.iterdir() if entry.name.isdigit()]
    except OSError:
        return []


def _opens(process: Path, links: set[str]) -> bool:
    # A process of another user does not show its files, and one may end while we look.
    with suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                if os.readlink(descriptor) in links:
                    return True
    return False


def _named(process: Path) -> str:
    command = ""
    with suppress(OSError):
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        command = " ".join(words).strip()[:120]
    return f"process {process.name}" + (f" ({command})" if command else "")
