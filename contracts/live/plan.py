"""What a run against a provider will do and what that costs, before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import ceil
from typing import Any, NamedTuple

from contracts.case import Case, CaseFile, Step
from contracts.counted import counted
from mockserver.openapi.compiled import Document

Json = Any

_TRACKS = 2


class Left(NamedTuple):
    """A case that is not run, and why."""

    case: Case
    reason: str


class Needs(NamedTuple):
    """What cases need beside what they buy themselves, and what all of it costs."""

    songs: int
    personas: int
    credits: float
    # What the songs and the personas are of it.
    given: float = 0.0


class Plan(NamedTuple):
    """Which cases are run, in this order, with how many songs, for how many credits at most."""

    provider: str
    cases: tuple[Case, ...]
    left: tuple[Left, ...]
    needs: Needs
    prices: Prices
    budget: float | None = None
    # By the runs before, of the same budget.
    spent: float = 0.0

    @property
    def cost(self) -> float:
        """The credits that it takes where the provider keeps its promises."""
        return self.needs.credits

    def lines(self) -> Iterator[str]:
        """The plan as it is read."""
        yield f"{self.provider}: {counted(len(self.cases), 'case')}, {counted(self.cost, 'credit')}"
        yield from self._limit()
        if made := self._made():
            yield f"  {counted(self.needs.given, 'credit')}: {made} to work with"
        for case in self.cases:
            if cost := self.prices.own(case):
                yield f"  {counted(cost, 'credit')}: {case.name}"
        for reason, count in Counter(left.reason for left in self.left).most_common():
            yield f"  not run, {counted(count, 'case')}: {reason}"

    def _limit(self) -> Iterator[str]:
        if self.budget is not None:
            before = f", {self.spent:g} of them spent before" if self.spent else ""
            yield f"  never more than {self.budget + self.spent:g}, whatever the answers{before}"
        elif self.cases:
            yield "  more only where a song fails or a refusal is none; --max-credits N is a limit"

    def _made(self) -> str:
        needs = (self.needs.songs, "song"), (self.needs.personas, "persona")
        return " and ".join(counted(number, noun) for number, noun in needs if number)


class Stock(NamedTuple):
    """What is there already, of a run that was interrupted."""

    # Songs that no persona was made of.
    fresh: int = 0
    # Songs at all.
    songs: int = 0
    personas: int = 0
    # Of these, tasks that were not finished when it was interrupted.
    begun: int = 0


def plan(
    file: CaseFile,
    *,
    prices: Prices,
    is_near: bool,
    budget: float | None,
    stock: Stock = Stock(),  # noqa: B008 - a tuple
    done: frozenset[str] = frozenset(),
    spent: float = 0.0,
) -> Plan:
    """Every case that can be run for the budget, free ones first; those that were done are left out."""
    budget = None if budget is None else max(budget, 0)
    reasons = {case.name: against(case, file.live, is_near) for case in file.cases}
    left = [Left(case, reason) for case in file.cases if (reason := reasons[case.name])]
    chosen: list[Case] = []
    for case in sorted(_to_run(file.cases, reasons, done), key=lambda case: _turn(case, prices)):
        cost = _cost([*chosen, case], file.live, stock, prices).credits
        if budget is None or cost + prices.most(case) <= budget:
            chosen.append(case)
        else:
            left.append(Left(case, _too_much(cost, budget)))
    needs = _cost(chosen, file.live, stock, prices)
    return Plan(file.provider, tuple(chosen), tuple(left), needs, prices, budget, spent)


def _to_run(cases: Iterable[Case], reasons: Mapping[str, str | None], done: frozenset[str]) -> list[Case]:
    return [case for case in cases if not reasons[case.name] and case.name not in done]


def _too_much(cost: float, budget: float) -> str:
    if cost <= budget:
        return f"were it accepted, it would cost more than the {budget:g} allowed"
    return f"it would cost more than the {budget:g} credits allowed"


def _turn(case: Case, prices: Prices) -> tuple[int, float]:
    """What costs nothing first; then what a song is only looked at for; then what uses songs up."""
    cost = prices.own(case)
    if not case.songs:
        return (3 if cost else 0), cost
    unfinished = any(song["state"] == "unfinished" for song in case.songs.values())
    spends = any(song.get("spent") for song in case.songs.values()) or "persona" in case.given
    # A song that is looked at unfinished serves the others once it is.
    return (1 if unfinished else 4 if spends else 2), cost


def _cost(cases: Iterable[Case], live: Mapping[str, Json], stock: Stock, prices: Prices) -> Needs:
    own, singles, whole, unfinished, at_once, personas = 0.0, 0, 0, 0, 0, 0
    for case in cases:
        own += prices.own(case)
        personas = max(personas, int("persona" in case.given))
        at_once = max(at_once, len(case.songs))
        for name, song in case.songs.items():
            unfinished += song["state"] == "unfinished"
            if song.get("spent"):
                twin = case.needs_twin(name)
                whole, singles = whole + twin, singles + (not twin)
    personas = max(0, personas - stock.personas)
    short = max(0, singles + personas - stock.fresh - stock.begun * _tracks(live))
    songs = max(whole + ceil(short / _tracks(live)), unfinished, at_once - stock.songs)
    price = songs * _price(live, "song") + personas * _price(live, "persona")
    return Needs(songs, personas, own + price, price)


def _tracks(live: Mapping[str, Json]) -> int:
    """How many songs come of one task."""
    found: int = live.get("song", {}).get("tracks", _TRACKS)
    return found


def _price(live: Mapping[str, Json], what: str) -> float:
    price: float = live.get(what, {}).get("cost", 0)
    return price


class Prices:
    """What calls cost where they are accepted, as the case file says; the highest where it does not."""

    def __init__(self, file: CaseFile, document: Document) -> None:
        self._known: dict[str, float] = dict(file.live.get("prices", {}))
        for what in ("song", "persona"):
            if what in file.live:
                self._known.setdefault(file.live[what]["request"]["operation"], _price(file.live, what))
        costs = [case.cost for case in file.cases]
        self._highest = max([*self._known.values(), *costs], default=0.0)
        self._reads = {one.name for one in document.operations() if one.method in ("GET", "HEAD")}

    def own(self, case: Case) -> float:
        """What a case costs beside what is given: what it says, or more where its calls are said to."""
        calls = (step for step in case.steps if _is_accepted(step))
        return max(case.cost, sum(self._of(step) * step.times for step in calls))

    def risk(self, step: Step) -> float:
        """What a call costs that is accepted where the case wants it refused."""
        return 0.0 if _is_accepted(step) else self._of(step)

    def most(self, case: Case) -> float:
        """The highest risk that a case takes."""
        return max(map(self.risk, case.steps))

    def _of(self, step: Step) -> float:
        if step.request is None or step.request.get("key", "own") != "own":
            return 0.0
        name = step.operation
        if name is None:
            # What is no operation by its name may be one by its address.
            return 0.0 if step.request.get("method", "GET") in ("GET", "HEAD") else self._highest
        return 0.0 if name in self._reads else self._known.get(name, self._highest)


def _is_accepted(step: Step) -> bool:
    return isinstance(step.expect, dict) and step.expect.get("outcome") in ("success", "task-failed")


# --- what nobody can bring about at a provider --------------------------------------------------------------


def against(case: Case, live: Mapping[str, Json], is_near: bool) -> str | None:
    """Why a case cannot be run at a provider, if it cannot."""
    return next(_reasons(case, live, is_near), None)


def _reasons(case: Case, live: Mapping[str, Json], is_near: bool) -> Iterator[str]:
    if "outcome" in case.given:
        yield f"nobody can bring about {case.given['outcome']} on demand"
    yield from (text for name, text in _NOT_OURS.items() if name in case.given)
    for song in case.songs.values():
        yield from _song_reasons(song, live)
    if "persona" in case.given and not {"song", "persona"} <= live.keys():
        yield "the case file does not say how a persona is made"
    if any(step.request and step.request.get("key") == "other" for step in case.steps):
        yield "it needs a second account"
    if any(step.after for step in case.steps):
        yield "time is not ours to move"
    if "live" not in case.where:
        yield "it is for a mock alone"
    if (case.hears or "receiver" in case.given) and not is_near:
        yield "a provider cannot reach a receiver on this machine"


_NOT_OURS = {
    "credits": "the balance of the account is not ours to set",
    "rate_limit": "the limit of the account is not ours to set",
    "webhook_key": "the account's key for callbacks is not ours to set",
    "after": "time is not ours to move",
}


def _song_reasons(song: Mapping[str, Json], live: Mapping[str, Json]) -> Iterator[str]:
    if song["state"] not in ("finished", "unfinished"):
        yield "a song of such a state cannot be had on demand"
    if "owner" in song:
        yield "it needs a second account"
    if "model" in song or "kind" in song:
        yield "it needs a song of a kind that is not made here"
    if "song" not in live:
        yield "the case file does not say how a song is made"
