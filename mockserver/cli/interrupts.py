"""Ctrl-C and SIGTERM while a command works on something that is worth a report."""

from __future__ import annotations

import signal
import threading
from types import TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """SIGTERM breaks off as Ctrl-C does; as soon as the work is over, neither does."""

    def __init__(self) -> None:
        self.count = 0
        self._is_over = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                # Who started us may have seen to it that one is ignored.
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def end(self) -> None:
        """The work is over: what came of it is written, whoever is impatient."""
        self._is_over = True

    def _interrupt(self, *_: object) -> None:
        if self._is_over:
            return
        self.count += 1
        # The second is impatience, and the report is being made; whoever says it again means it.
        if self.count != 2:
            raise KeyboardInterrupt
