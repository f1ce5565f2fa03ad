"""Rows in columns, as commands print them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

# What is left of a column that is cut, however narrow the terminal.
_LEAST = 16
_GAP = 2


def columns(rows: Iterable[Sequence[str]], cut: int | None = None) -> str:
    """The rows as lines, each column as wide as its widest cell.

    On a terminal the column numbered `cut` is cut so that a line fits; what is piped is whole.
    """
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if cut is not None and sys.stdout.isatty():
        import shutil

        over = sum(widths) + _GAP * (len(widths) - 1) - shutil.get_terminal_size().columns
        widths[cut] = min(widths[cut], max(widths[cut] - over, _LEAST))
        for row in cells:
            row[cut] = _cut(row[cut], widths[cut])
    lines = (
        (" " * _GAP).join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
