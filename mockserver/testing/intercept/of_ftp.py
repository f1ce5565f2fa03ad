"""ftplib, and urllib.request, which opens ftp URLs through it: held to the same rule as other calls."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextvars import ContextVar
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from mockserver.testing.intercept.reach import call_of
from mockserver.testing.intercept.seam import Current, Function, Seam

# urllib looks a name up before ftplib connects, so that the name is judged there and the address not again.
_JUDGED = ContextVar("judged", default=False)


def seams(ftplib: ModuleType) -> Iterator[Seam]:
    """Where ftplib opens a connection."""
    yield Seam(ftplib.FTP, "connect", _connect)


def url_seams(urllib_request: ModuleType) -> Iterator[Seam]:
    """Where urllib opens an ftp URL, before it looks the host up."""
    yield Seam(urllib_request.FTPHandler, "ftp_open", _ftp_open)


def _connect(original: Function, current: Current) -> Function:
    @functools.wraps(original)
    def connect(self: Any, host: str = "", port: int = 0, *args: Any, **more: Any) -> Any:
        block = current()
        if block is not None and not _JUDGED.get():
            block.way(call_of("FTP", "ftp", host or self.host, port if port > 0 else self.port, ""))
        return original(self, host, port, *args, **more)

    return connect


def _ftp_open(original: Function, current: Current) -> Function:
    @functools.wraps(original)
    def ftp_open(self: Any, req: Any) -> Any:
        block = current()
        # A URL without a host has an error of its own.
        if block is None or not req.host:
            return original(self, req)
        parts = urlsplit(f"ftp://{req.host}")
        block.way(call_of("FTP", "ftp", unquote(parts.hostname or ""), parts.port, req.selector))
        judged = _JUDGED.set(True)
        try:
            return original(self, req)
        finally:
            _JUDGED.reset(judged)

    return ftp_open
