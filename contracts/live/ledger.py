"""What a run has spent, made and found so far, kept in a file so that another run can go on from there."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from contracts.case import Case
from contracts.finding import Finding, Where
from contracts.live.plan import Stock
from contracts.run import Ran

try:
    import fcntl
except ImportError:  # no such locks on Windows
    fcntl = None  # type: ignore[assignment]

Json = Any
FORMAT = 1
# What stands in place of a case's name where none was run yet.
MAKING = "making a song"


class OverBudget(Exception):
    """Something would cost more than is left."""


class Unkept(Exception):
    """The book cannot be written any more, so that nothing may be spent."""


class UnfitFile(ValueError):
    """A file that no run of this kind can go on from."""


@dataclass(slots=True)
class Song:
    """A task of ours, and those of its songs of which no persona was made yet."""

    task: str
    ids: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Ledger:
    """The book of one run; each entry is on disk before what it stands for is sent."""

    run: Mapping[str, str]
    budget: float | None = None
    file: Path | None = None
    # Takes what must not be kept out of any text.
    hide: Callable[[Json], Json] = lambda value: value
    spent: float = 0
    songs: list[Song] = field(default_factory=list)
    persona: dict[str, Json] | None = None
    done: dict[str, Json] = field(default_factory=dict)
    # What the answers on the way to a song or a persona broke of the document.
    seen: list[Finding] = field(default_factory=list)

    @property
    def stock(self) -> Stock:
        """What there is to work with."""
        fresh = sum(len(song.fresh) for song in self.songs)
        begun = sum(1 for song in self.songs if not song.ids)
        return Stock(fresh, len(self.songs), int(self.persona is not None), begun)

    def spend(self, credits: float, what: str) -> None:
        """Put down what is about to be spent; OverBudget where that is too much."""
        if not credits:
            return
        self.afford(credits, what)
        self.spent += credits
        self.keep()

    def give_back(self, credits: float) -> None:
        """Strike off what was put down and not spent after all."""
        self.spent -= credits
        self.keep()

    def see(self, findings: Iterable[Finding]) -> None:
        """Put down what is wrong with the answers on the way to a song, each slip once."""
        known = {(one.rule, one.operation, one.pointer) for one in self.seen}
        for finding in findings:
            if (finding.rule, finding.operation, finding.pointer) not in known:
                self.seen.append(replace(finding, case=MAKING))

    def afford(self, credits: float, what: str) -> None:
        """OverBudget where so much is not left."""
        if self.budget is not None and credits and self.spent + credits > self.budget:
            left = max(self.budget - self.spent, 0)
            raise OverBudget(f"{what} may cost {credits:g} credits, and {left:g} of {self.budget:g} are left")

    def note(self, ran: Ran, day: str) -> None:
        """Put down what came of a case on a day."""
        self.done[ran.case.name] = {
            "case": digest(ran.case),
            "day": day,
            "skipped": ran.skipped,
            "findings": self._plain(ran.findings),
        }
        self.keep()

    def _plain(self, findings: Iterable[Finding]) -> list[Json]:
        return [asdict(without(finding, self.hide)) for finding in findings]

    def known(self, case: Case) -> Ran | None:
        """What came of a case in the run before; None where it has not run, or is another by now."""
        entry = self.done.get(case.name)
        if entry is None or entry["case"] != digest(case):
            return None
        return Ran(case, tuple(map(_finding, entry["findings"])), entry["skipped"])

    def days(self, today: str) -> Mapping[str, str]:
        """The day on which each case was run, those of which nothing stands here today."""
        days: dict[str, str] = defaultdict(lambda: today)
        days.update((name, entry["day"]) for name, entry in self.done.items())
        return days

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep the file to one run at a time; UnfitFile where another has it."""
        if self.file is None or fcntl is None:
            yield
            return
        # Beside it, for the book itself is replaced with each entry.
        with open(f"{self.file}.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UnfitFile("another run is using it") from None
            try:
                yield
            finally:
                Path(lock.name).unlink(missing_ok=True)

    def keep(self) -> None:
        """Write the book, whole or not at all; Unkept with the reason where that fails."""
        if self.file is None:
            return
        text = json.dumps(self._data(), indent=2) + "\n"
        draft = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        try:
            draft.write_text(text, "utf-8")
            draft.replace(self.file)
        except BaseException as error:
            with suppress(OSError):
                draft.unlink()
            if isinstance(error, OSError):
                raise Unkept(f"{self.file}: {error.strerror}") from None
            raise

    def _data(self) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "run": dict(self.run),
            "spent": self.spent,
            "songs": [asdict(song) for song in self.songs],
            "persona": self.persona,
            "seen": self._plain(self.seen),
            "cases": self.done,
        }

    def go_on(self, text: str) -> None:
        """Take up what another run has kept; UnfitFile with the reason where it cannot be."""
        if not text.strip():
            # Somebody made the file, and no run has written to it yet.
            return
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                raise UnfitFile(f"its format is {data['format']}, wanted {FORMAT}")
            for name, value in self.run.items():
                if data["run"].get(name) != value:
                    raise UnfitFile(f"it is of another {name}")
            self._take(data)
        except UnfitFile:
            raise
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            raise UnfitFile("it is not what an interrupted check wrote") from None

    def _take(self, data: Json) -> None:
        spent, songs, persona = data["spent"], [Song(**song) for song in data["songs"]], data["persona"]
        seen = [_finding(one) for one in data["seen"]]
        for entry in data["cases"].values():
            _see(isinstance(entry["case"], str) and isinstance(entry["skipped"], str | None))
            date.fromisoformat(entry["day"])
            for one in entry["findings"]:
                _finding(one)
        _see(type(spent) in (int, float) and 0 <= spent < math.inf)
        _see(all(isinstance(one, str) for song in songs for one in (song.task, *song.ids, *song.fresh)))
        _see(all(type(one) is list for song in songs for one in (song.ids, song.fresh)))
        _see(persona is None or bool(persona["song"]["id"] and persona["persona"].keys() & {"id", "task"}))
        self.spent, self.songs, self.persona, self.seen = spent, songs, persona, seen
        self.done = dict(data["cases"])


def _see(fits: bool) -> None:
    if not fits:
        raise ValueError


def _finding(data: Json) -> Finding:
    finding = Finding(**{**data, "where": Where(**data["where"])})
    _see(finding.severity in ("error", "warning"))
    _see(all(isinstance(one, str) for one in (finding.rule, finding.message)))
    return finding


def without(finding: Finding, hide: Callable[[Json], Json]) -> Finding:
    """A finding with nothing in it that is to be hidden; what stands in our own files is no secret."""
    told = ("message", "pointer", "wanted", "got", "reproduce")
    return replace(finding, **{name: hide(getattr(finding, name)) for name in told})


def digest(case: Case) -> str:
    """A word for what a case says: another one once the case is changed."""
    parts = [case.given, [{**asdict(step), "pointer": None} for step in case.steps]]
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=8).hexdigest()


def account(key: str) -> str:
    """A word for a credential that does not tell it."""
    return hashlib.blake2b(key.encode(), person=b"persona-mock", digest_size=8).hexdigest()
