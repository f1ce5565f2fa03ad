"""Which marks a run renews: of what held at the provider itself, and on which day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from contracts.case import Case, CaseFile, Mark
from contracts.counted import counted
from contracts.run import Ran


class Renewed:
    """The entries of a case file, in the light of what came of their cases, and of the day of each."""

    def __init__(self, file: CaseFile, ran: Sequence[Ran], days: Mapping[str, str]) -> None:
        self._file, self._days = file, days
        self._held = {one.case.name for one in ran if one.holds}
        self._clean = {one.case.name for one in ran if one.holds and not one.findings}
        self._differed = {one.case.name for one in ran if one.findings} & self._held

    def lines(self) -> Iterator[str]:
        """The marks as they are to stand in the file."""
        known = {entry(case) for case in self._file.cases if case.mark.kind == "differs"}
        held, again = self._held_entries(), self._seen_again()
        for day in sorted(set(held.values())):
            names = [name for name, on in held.items() if on == day]
            yield f"marks renewed, {{recorded: {day}}}: {', '.join(names)}"
        if past := [name for name in held if name in known]:
            yield f"known to differ until today, and it holds: {', '.join(past)}"
        for name, day in again.items():
            yield f"known to differ, seen again {day}: {name}"

    def elsewhere(self) -> Iterator[str]:
        """What is said instead where the target is not the provider."""
        number = len(self._held_entries())
        if number:
            held = f"{counted(number, 'case')} of its file hold{'s' if number == 1 else ''}"
            yield f"no mark is renewed, for this is not {self._file.provider} itself; {held}"

    def remarked(self, case: Case) -> Case:
        """A case with the mark that it has now."""
        days = {**self._held_entries(), **self._seen_again()}
        day = days.get(entry(case))
        return case if day is None else replace(case, mark=Mark("recorded", day))

    def _held_entries(self) -> dict[str, str]:
        """The entries of which every case ran, and held; each with the oldest day of these."""
        return self._whole(self._clean)

    def _seen_again(self) -> dict[str, str]:
        """Those that are known to differ, and did."""
        known = {entry(case) for case in self._file.cases if case.mark.kind == "differs"}
        differed = {name.partition("/")[0] for name in self._differed}
        return {name: day for name, day in self._whole(self._held).items() if name in known & differed}

    def _whole(self, held: set[str]) -> dict[str, str]:
        broken = {entry(case) for case in self._file.cases if case.name not in held}
        days: dict[str, str] = {}
        for case in self._file.cases:
            if case.name in held and entry(case) not in broken:
                day = self._days[case.name]
                days[entry(case)] = min(day, days.get(entry(case), day))
        return days


def entry(case: Case) -> str:
    """What a case is called in its file, where one entry may stand for several."""
    return case.name.partition("/")[0]
