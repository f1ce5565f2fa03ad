"""The world of one case at a provider: what is given comes out of the account, and is paid for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.asking import call_of
from contracts.case import Case, Step
from contracts.filling import fill
from contracts.live.ledger import Ledger, OverBudget
from contracts.live.line import Line
from contracts.live.plan import Prices
from contracts.live.songs import Songs
from contracts.receiver import Box, Receiver
from contracts.states import Skipped
from contracts.target import Call, Reply

Json = Any

_NOWHERE = "https://example.com/callback"


class Visit:
    """The world of one case at a provider."""

    claims = False
    prefix = ""
    patience = 60.0
    silence = 5.0

    def __init__(
        self, line: Line, songs: Songs, ledger: Ledger, prices: Prices, receiver: Receiver | None
    ) -> None:
        self.target = line.target
        self.scope: dict[str, Json] = {}
        self.box: Box | None = None
        self._line, self._songs, self._ledger, self._prices = line, songs, ledger, prices
        self._receiver = receiver
        self._case: Case | None = None

    def begin(self, case: Case) -> None:
        """Take what is given from the account; Skipped where that would cost too much."""
        self._case = case
        if self._receiver is not None:
            self.box = self._receiver.box(case.given.get("receiver", []))
        self.scope["callback"] = {"url": self.box.url if self.box else _NOWHERE}
        try:
            self._ledger.afford(self._prices.own(case) + self._prices.most(case), "it")
            self._give(case)
            self._ledger.spend(self._prices.own(case), "it")
        except OverBudget as error:
            raise Skipped(str(error)) from None

    def _give(self, case: Case) -> None:
        if "persona" in case.given:
            self.scope |= self._songs.persona(self.scope)
        for name, song in case.songs.items():
            if not (name == "song" and "persona" in case.given):
                self.scope[name] = self._song(case, name, song)

    def _song(self, case: Case, name: str, song: Mapping[str, Json]) -> dict[str, Json]:
        # Two songs of one case are of two tasks.
        taken = frozenset(self.scope[one]["task"] for one in case.songs if one in self.scope)
        return self._songs.song(
            song, self.scope, whole=case.needs_twin(name), needs_id=case.needs_id(name), besides=taken
        )

    def key(self, whose: str) -> str | None:
        """The account's own key, or none."""
        return self._line.secret if whose == "own" else None

    def call(self, step: Step) -> tuple[Call, Reply]:
        """Make the call of a step; what it may cost against expectation is put down before."""
        request = fill(step.request, self.scope)
        whose, risk = request.get("key", "own"), self._prices.risk(step)
        try:
            self._ledger.spend(risk, "the call, were it accepted,")
        except OverBudget as error:
            raise Skipped(str(error)) from None
        call = call_of(request, self._line.runner.document, "", self.key(whose))
        reply = self._line.send(call, is_own=whose == "own" and "headers" not in request)
        if risk and self._line.is_refused(reply):
            self._ledger.give_back(risk)
        return call, reply

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._line.tell(f"{self._case.name if self._case else ''}: waiting {seconds:g} s")
        self._line.sleep(seconds)

    def settle(self) -> None:
        """Nothing: a provider sends when it does."""
