"""What all tests of a run met, of every process, and how it is told at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mockserver import __version__, coverage
from mockserver.coverage.page import page
from mockserver.coverage.required import is_reached, verdict
from mockserver.coverage.table import table
from mockserver.openapi.source import DocumentError
from mockserver.settings import UsageError


class Summary:
    """Collects the coverage of each process; writes and tells it once."""

    def __init__(self, wanted: Sequence[tuple[str, str | None]], least: float | None, folder: Path) -> None:
        self._wanted = wanted
        self._least = least
        self._folder = folder
        self._problems: list[str] = []
        self._written: list[str] = []
        self.reports: list[dict[str, Any]] = []
        self.report: dict[str, Any] | None = None

    def add(self, report: dict[str, Any]) -> None:
        """Take what a server of this process met."""
        self.reports.append(report)

    def take(self, reports: list[dict[str, Any]] | None) -> None:
        """Take what another process met; None where it ended without a word."""
        if reports is None:
            self._problems.append("A worker ended early: what its tests met is not counted here")
        self.reports.extend(reports or ())

    def finish(self, project: Path) -> bool:
        """Put it together and write the files; False where too little was met, or a file not written."""
        try:
            self.report = coverage.merged(self.reports or [_nothing(project)])
        except (UsageError, DocumentError) as error:
            self.report, self._problems = coverage.merged([]), [str(error)]
            return False
        written = [self._write(kind, file) for kind, file in self._wanted if file is not None]
        return all(written) and is_reached(self.report, self._least)

    @property
    def title(self) -> str:
        """What stands over it."""
        return "persona-mock: response coverage"

    def lines(self, width: int) -> Iterator[tuple[str, bool]]:
        """What is told in the terminal, line by line, and whether it is bad."""
        assert self.report is not None
        if any(kind == "term" for kind, _ in self._wanted):
            yield from ((line, False) for line in table(self.report, width=width).splitlines())
        yield from ((line, False) for line in self._written)
        yield from ((line, True) for line in self._problems)
        if self._least is not None:
            yield verdict(self.report, self._least), not is_reached(self.report, self._least)

    def _write(self, kind: str, name: str) -> bool:
        assert self.report is not None
        text = page(self.report, version=__version__) if kind == "html" else coverage.as_json(self.report)
        file = self._folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        except OSError as error:
            self._problems.append(f"Coverage cannot be written to {name} ({error.strerror or error})")
            return False
        self._written.append(f"Coverage {kind.upper()} written to {name}")
        return True


def _nothing(project: Path) -> dict[str, Any]:
    """The coverage of a run in which no test used the mock."""
    from mockserver.testing.live import Server

    return Server(project=project).coverage()
