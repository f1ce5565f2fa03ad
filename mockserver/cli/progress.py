"""A line on a terminal that says how far a long command is; nothing where nobody watches."""

from __future__ import annotations

import shutil
import sys
from types import TracebackType

_WIDTH = 20


class Progress:
    """The line, drawn over itself, and gone at the end."""

    def __init__(self) -> None:
        self._is_watched = sys.stderr.isatty()
        self._drawn = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            self._draw("")

    def show(self, done: int, total: int, text: str) -> None:
        """So much is done, and this comes next."""
        if not self._is_watched or not total:
            return
        full = _WIDTH * done // total
        self._draw(f"[{'#' * full}{'.' * (_WIDTH - full)}] {done}/{total} {text}")
        self._drawn = True

    def _draw(self, line: str) -> None:
        columns = shutil.get_terminal_size().columns - 1
        print(f"\r\x1b[2K{line[:columns]}", end="", file=sys.stderr, flush=True)
