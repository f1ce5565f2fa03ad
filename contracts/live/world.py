"""What is given in a case, brought about at a provider: songs are made, shared, and used up one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from contracts.case import Case, Step
from contracts.filling import fill
from contracts.live.ledger import Ledger, OverBudget, Song
from contracts.live.pace import Pace
from contracts.live.plan import Prices
from contracts.receiver import Box, Receiver
from contracts.run import Runner
from contracts.states import Skipped, Unprepared
from contracts.target import Call, Reply, Target, Unanswered, call_of
from contracts.traffic import curl
from mockserver.openapi.compiled import SUCCESS
from mockserver.openapi.problem import unescape

Json = Any

_NOWHERE = "https://example.com/callback"
_PASSING = (502, 503, 504)
_TRIES = 3
# Another song would be paid for in vain.
TOO_LATE = "the song was finished before its ids were told"
# A shorter key is no secret, and hiding it would blank every word that has it inside.
_LEAST = 8
_LONGEST = 300


class Refused(Exception):
    """The provider does not take the key."""


class Account:
    """The account that the cases run with: its credential, its songs, its persona, and what they cost."""

    def __init__(
        self,
        runner: Runner,
        target: Target,
        key: str,
        live: Mapping[str, Json],
        ledger: Ledger,
        pace: Pace,
        prices: Prices,
        tell: Callable[[str], None],
        sleep: Callable[[float], None],
        hide: Callable[[Json], Json],
    ) -> None:
        self.runner, self.target, self.secret, self.live = runner, target, key, live
        self._hide = hide
        self.ledger, self.pace, self.prices, self.tell, self.sleep = ledger, pace, prices, tell, sleep
        self.was_answered = False
        self.is_let_in = False
        # How often a call was made again, by why.
        self.again: dict[str, int] = {}
        # Why no more songs, and no persona, are tried for.
        self._dead: str | None = None
        self._has_no_persona: str | None = None
        # The last call on the way to one of them, and its answer.
        self._shows: str | None = None
        self._told = ""

    # --- calls ----------------------------------------------------------------------------------------------

    def send(self, call: Call, *, is_own: bool) -> Reply:
        """The answer to a call; one that changes nothing is made again where the network failed."""
        for rest in reversed(range(_TRIES)):
            self.pace.before(call.method)
            try:
                reply = self._hidden(self.target.send(call))
            except Unanswered as error:
                if not self._may_repeat(call, rest, f"no answer came ({error})"):
                    raise
                continue
            self.was_answered = True
            if self._is_limited(reply) and rest:
                self._repeat("too many calls at once", self._asked_to_wait(reply))
            elif reply.status not in _PASSING or not self._may_repeat(call, rest, f"HTTP {reply.status}"):
                break
        self._see_key(reply, is_own=is_own)
        return reply

    def _hidden(self, reply: Reply) -> Reply:
        """An answer in which the key does not stand, so that nothing made of it can tell a part of it."""
        if len(self.secret) < _LEAST:
            return reply
        # As latin-1, any bytes are a text and come back as they were.
        body = self._hide(reply.body.decode("latin-1")).encode("latin-1")
        return Reply(reply.status, [(name, self._hide(value)) for name, value in reply.headers], body)

    def _may_repeat(self, call: Call, rest: int, reason: str) -> bool:
        # Whether one that may have cost something was taken, nobody knows.
        if call.method != "GET" or not rest:
            return False
        self._repeat(reason, 1.0)
        return True

    def _repeat(self, reason: str, seconds: float) -> None:
        self.again[reason] = self.again.get(reason, 0) + 1
        self.sleep(seconds)

    def _is_limited(self, reply: Reply) -> bool:
        return 429 in (reply.status, self.code(reply))

    def _asked_to_wait(self, reply: Reply) -> float:
        told = reply.header("retry-after") or ""
        return min(float(told), 120.0) if told.isdecimal() else self.pace.window

    def code(self, reply: Reply) -> Json:
        """The code in a body."""
        return self.runner.document.envelope.read(reply.json)[0]

    def _see_key(self, reply: Reply, *, is_own: bool) -> None:
        """Notice at the first call that the key opens nothing, instead of in every case."""
        if not is_own or self.is_let_in:
            return
        if 401 in (reply.status, self.code(reply)):
            raise Refused(_shown(reply))
        self.is_let_in = reply.status < 500 and not self._is_limited(reply)

    def is_refused(self, reply: Reply, name: str | None) -> bool:
        """True where a call was surely not accepted; of any other, nobody knows whether it cost something."""
        if 400 <= reply.status < 500:
            return True
        told = self.code(reply) is not None and 200 <= reply.status < 300
        return told and name is not None and not self.is_success(reply, name)

    def is_success(self, reply: Reply, name: str | None) -> bool:
        """True where a call was accepted, by status and by the body's code."""
        document = self.runner.document
        operation = document.operation(name) if name else None
        if not 200 <= reply.status < 300 or operation is None or not document.envelope.is_numeric:
            return 200 <= reply.status < 300
        answer = operation.answers.get(SUCCESS)
        if answer is None or not answer.examples:
            return True
        return bool(self.code(reply) == document.envelope.read(answer.examples[0].value)[0])

    # --- songs ----------------------------------------------------------------------------------------------

    def song(
        self,
        wish: Mapping[str, Json],
        scope: Mapping[str, Json],
        *,
        whole: bool = False,
        needs_id: bool = True,
        besides: frozenset[str] = frozenset(),
    ) -> dict[str, Json]:
        """A song as a case wants it; `whole` where it speaks of its twin too, none of the tasks `besides`."""
        if wish["state"] == "unfinished":
            return self._unfinished(scope, needs_id=needs_id)
        spends = bool(wish.get("spent"))
        song = self._finished(scope, spends=spends, whole=whole, besides=besides)
        # Who only looks takes the first, who makes a persona of it the last.
        chosen = song.ids[0] if whole or not song.fresh else song.fresh[-1 if spends else 0]
        if spends:
            song.fresh = [] if whole else [one for one in song.fresh if one != chosen]
            self.ledger.keep()
        return {"task": song.task, "id": chosen, "ids": song.ids}

    def _finished(
        self, scope: Mapping[str, Json], *, spends: bool, whole: bool, besides: frozenset[str]
    ) -> Song:
        """A finished song, of ours if one will do; else one more is made."""
        known = self._known(besides)
        fit = [song for song in known if (song.fresh == song.ids if whole else song.fresh)]
        if fit:
            # Those that are begun are used up first.
            return min(fit, key=lambda song: len(song.fresh)) if spends else fit[0]
        if known and not spends:
            return known[0]
        return self._new(scope)

    def _known(self, besides: frozenset[str]) -> list[Song]:
        """The finished songs of ours; those that are on their way are waited for."""
        for song in list(self.ledger.songs):
            if not song.ids and self._dead is None:
                self._wait(song)
        return [song for song in self.ledger.songs if song.ids and song.task not in besides]

    def _new(self, scope: Mapping[str, Json]) -> Song:
        for _ in range(2):
            song = self._submitted(scope)
            if self._wait(song):
                return song
        raise self._no_song("two songs failed, one after the other")

    def _submitted(self, scope: Mapping[str, Json]) -> Song:
        if self._dead is not None:
            raise Skipped(self._dead)
        recipe = self.live["song"]
        self.ledger.spend(recipe["cost"], "a song")
        try:
            reply = self._recipe_call(recipe["request"], scope)
        except Unanswered:
            # It may have been taken, and nobody knows its task.
            self._dead = "no song could be made to work with"
            raise
        task = next(_all(reply.as_message(), recipe["task"]), None)
        if not _is_id(task) or self.is_refused(reply, recipe["request"]["operation"]):
            raise self._no_song("a song was refused")
        song = Song(str(task))
        self.ledger.songs.append(song)
        self.ledger.keep()
        return song

    def _no_song(self, text: str) -> Unprepared:
        """Why there is none, told once; who comes later is passed over."""
        self._dead = "no song could be made to work with"
        return Unprepared(f"{text}: {self._told}", self._shows)

    def _wait(self, song: Song) -> bool:
        """Poll a task until it is finished; a failed one is struck off."""
        recipe = self.live["song"]
        for waited in self._waiting(recipe, "a song"):
            reply = self._polled(song)
            if self.runner.fits(recipe["until"], reply):
                song.ids = [str(one) for one in _all(reply.as_message(), recipe["ids"]) if _is_id(one)]
                song.fresh = list(song.ids)
                self.ledger.keep()
                if not song.ids:
                    raise self._no_song(f"a finished song names none at {recipe['ids']}")
                return True
            if self.runner.fits(recipe["failed"], reply):
                break
            if waited >= recipe["at-most"]:
                raise self._no_song(f"a song was not finished after {waited:g} s")
        self.ledger.songs.remove(song)
        self.ledger.keep()
        return False

    def _unfinished(self, scope: Mapping[str, Json], *, needs_id: bool) -> dict[str, Json]:
        """A song on its way, looked at as soon as its ids are told, if anybody asks for these."""
        song, recipe = self._submitted(scope), self.live["song"]
        if not needs_id:
            return {"task": song.task, "id": None, "ids": []}
        for waited in self._waiting({**recipe, "every": min(recipe["every"], 5)}, "a song to begin"):
            reply = self._polled(song)
            if any(self.runner.fits(recipe[end], reply) for end in ("until", "failed")):
                break
            if ids := [str(one) for one in _all(reply.as_message(), recipe["ids"]) if _is_id(one)]:
                return {"task": song.task, "id": ids[0], "ids": ids}
            if waited >= recipe["at-most"]:
                raise self._no_song(f"a song was not finished after {waited:g} s")
        raise Skipped(TOO_LATE)

    def _waiting(self, recipe: Mapping[str, Json], what: str) -> Iterator[float]:
        """The seconds waited so far, one after another, until whoever asks has seen enough."""
        waited = 0.0
        while True:
            self.tell(f"waiting for {what}, {waited:g} s of at most {recipe['at-most']:g}")
            yield waited
            self.sleep(recipe["every"])
            waited += max(recipe["every"], 1)

    def _polled(self, song: Song) -> Reply:
        return self._recipe_call(self.live["song"]["poll"], {"song": {"task": song.task}})

    def _recipe_call(self, request: Mapping[str, Json], scope: Mapping[str, Json]) -> Reply:
        call = call_of(fill(request, scope), self.runner.document, "", self.secret)
        reply = self.send(call, is_own=True)
        exchange, findings = self.runner.judged(call, reply, "", self.target.url)
        document, operation = self.runner.document, self.runner.document.operation(request["operation"])
        self._shows = curl.command(exchange, document, operation, self.runner.secrets(exchange))
        self._told = _shown(reply)
        self.ledger.see(findings)
        return reply

    # --- personas -------------------------------------------------------------------------------------------

    def persona(self, scope: dict[str, Json]) -> dict[str, Json]:
        """The persona that all cases share, made of a song of its own."""
        if self._has_no_persona is not None:
            raise Skipped(self._has_no_persona)
        try:
            return self._persona(scope)
        except (Unprepared, Unanswered):
            self._has_no_persona = "no persona could be made to work with"
            raise

    def _persona(self, scope: dict[str, Json]) -> dict[str, Json]:
        recipe, persona = self.live["persona"], self.ledger.persona
        if persona is None:
            self.ledger.afford(recipe["cost"], "a persona")
            song = self.song({"state": "finished", "spent": True}, scope)
            self.ledger.spend(recipe["cost"], "a persona")
            reply = self._recipe_call(recipe["request"], {**scope, "song": song})
            told = "task" if "poll" in recipe else "id"
            persona = self._keep_persona(song, {told: self._one(reply, recipe[told])})
        return persona if "id" in persona["persona"] else self._awaited({**scope, **persona}, recipe)

    def _keep_persona(self, song: dict[str, Json], made: dict[str, Json]) -> dict[str, Json]:
        persona = self.ledger.persona = {"song": song, "persona": made}
        self.ledger.keep()
        return persona

    def _awaited(self, scope: dict[str, Json], recipe: Mapping[str, Json]) -> dict[str, Json]:
        """Poll a persona that is a task until its id is told; one that never is is struck off."""
        for waited in self._waiting(recipe, "a persona"):
            reply = self._recipe_call(recipe["poll"], scope)
            if self.runner.fits(recipe["until"], reply) or waited >= recipe["at-most"]:
                break
        self.ledger.persona = None
        self.ledger.keep()
        return self._keep_persona(scope["song"], {**scope["persona"], "id": self._one(reply, recipe["id"])})

    def _one(self, reply: Reply, pointer: str) -> Json:
        found = next(_all(reply.as_message(), pointer), None)
        if not _is_id(found):
            raise Unprepared(f"no persona was made: nothing at {pointer} of {self._told}", self._shows)
        return found


class Visit:
    """The world of one case at a provider."""

    claims = False
    prefix = ""
    patience = 60.0
    silence = 5.0

    def __init__(self, account: Account, receiver: Receiver | None) -> None:
        self.target = account.target
        self.scope: dict[str, Json] = {}
        self.box: Box | None = None
        self._account, self._receiver = account, receiver
        self._case: Case | None = None

    def begin(self, case: Case) -> None:
        """Take what is given from the account; Skipped where that would cost too much."""
        account, self._case = self._account, case
        if self._receiver is not None:
            self.box = self._receiver.box(case.given.get("receiver", []))
        self.scope["callback"] = {"url": self.box.url if self.box else _NOWHERE}
        try:
            account.ledger.afford(case.cost + account.prices.most(case), "it")
            if "persona" in case.given:
                self.scope |= account.persona(self.scope)
            for name, song in case.songs.items():
                if not (name == "song" and "persona" in case.given):
                    self.scope[name] = self._song(case, name, song)
            if case.cost:
                account.ledger.spend(case.cost, "it")
        except OverBudget as error:
            raise Skipped(str(error)) from None

    def _song(self, case: Case, name: str, song: Mapping[str, Json]) -> dict[str, Json]:
        # Two songs of one case are of two tasks.
        taken = frozenset(self.scope[one]["task"] for one in case.songs if one in self.scope)
        return self._account.song(
            song, self.scope, whole=case.needs_twin(name), needs_id=case.needs_id(name), besides=taken
        )

    def key(self, whose: str) -> str | None:
        """The account's own key, or none."""
        return self._account.secret if whose == "own" else None

    def call(self, step: Step) -> tuple[Call, Reply]:
        """Make the call of a step; what it may cost against expectation is put down before."""
        account = self._account
        request = fill(step.request, self.scope)
        whose, risk = request.get("key", "own"), account.prices.risk(step)
        try:
            account.ledger.spend(risk, "the call, were it accepted,")
        except OverBudget as error:
            raise Skipped(str(error)) from None
        call = call_of(request, account.runner.document, "", self.key(whose))
        reply = account.send(call, is_own=whose == "own" and "headers" not in request)
        if risk and account.is_refused(reply, step.operation):
            account.ledger.give_back(risk)
        return call, reply

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._account.tell(f"{self._case.name if self._case else ''}: waiting {seconds:g} s")
        self._account.sleep(seconds)

    def settle(self) -> None:
        """Nothing: a provider sends when it does."""


def _all(message: Json, pointer: str) -> Iterator[Json]:
    """Everything at a pointer in which * is any item."""
    values = [message]
    for part in pointer.split("/")[1:]:
        values = [item for value in values for item in _inside(value, part)]
    yield from values


def _inside(value: Json, part: str) -> list[Json]:
    if part == "*":
        return value if isinstance(value, list) else []
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return [value[int(part)]]
    key = unescape(part)
    return [value[key]] if isinstance(value, dict) and key in value else []


def _is_id(value: Json) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _shown(reply: Reply) -> str:
    return f"HTTP {reply.status} {reply.body.decode('utf-8', 'replace')[:_LONGEST]}"
