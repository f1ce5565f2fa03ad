"""Files that a command writes: whole, or not at all."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from mockserver.settings import UsageError


def write_output(path: Path, text: str) -> None:
    """Write what `--output` asks for; UsageError where that cannot be."""
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise _unwritable(path, error, "--output") from None


def see_writable(path: Path, where: str) -> None:
    """UsageError where a file could not be written later; nothing is left behind by trying."""
    # Met in functions only: this import would cost every start of any command 6 ms.
    import tempfile

    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not target.exists() or target.is_file():
            with tempfile.TemporaryFile(dir=target.parent):
                pass
    except OSError as error:
        raise _unwritable(path, error, where) from None


def _unwritable(path: Path, error: OSError, where: str) -> UsageError:
    fix = "Name a file in a folder that exists and may be written to"
    return UsageError(f"{path} cannot be written ({error.strerror})", where=where, fix=fix)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever reads half of it; what stood there stays when it fails (OSError)."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        # A device or a pipe is written to, never replaced; a folder is refused by the system.
        target.write_bytes(content)
    else:
        _replace(target, content)


def _replace(path: Path, content: bytes) -> None:
    import tempfile

    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".persona-mock.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(draft).chmod(_mode_of(path))
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _mode_of(path: Path) -> int:
    """Who may read a file: as it stood, else as a new one of this user."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask
