"""How a command ends when it was used rightly and still could not do its work."""

from __future__ import annotations

DOES_NOT_HOLD, DOES_NOT_ANSWER = 1, 3


class Failure(Exception):
    """What went wrong, in words, and the exit code that says so."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)
