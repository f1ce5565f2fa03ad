"""The songs and the persona that the cases of a run work with: made, shared, and used up one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.asking import call_of
from contracts.filling import fill
from contracts.live.ledger import Ledger, Song
from contracts.live.line import Line, shown
from contracts.states import Skipped, Unprepared
from contracts.target import Reply, Unanswered
from contracts.traffic import curl
from mockserver.openapi.problem import unescape

Json = Any

# Another song would be paid for in vain.
TOO_LATE = "the song was finished before its ids were told"


class Songs:
    """What an account has to work with, by the recipes of the case file; all of it stands in the ledger."""

    def __init__(self, line: Line, live: Mapping[str, Json], ledger: Ledger) -> None:
        self._line, self._live, self._ledger = line, live, ledger
        # Why no more songs, and no persona, are tried for.
        self._dead: str | None = None
        self._has_no_persona: str | None = None
        # The last call on the way to one of them, and its answer.
        self._shows: str | None = None
        self._told = ""

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
            self._ledger.keep()
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
        for song in list(self._ledger.songs):
            if not song.ids and self._dead is None:
                self._wait(song)
        return [song for song in self._ledger.songs if song.ids and song.task not in besides]

    def _new(self, scope: Mapping[str, Json]) -> Song:
        for _ in range(2):
            song = self._submitted(scope)
            if self._wait(song):
                return song
        raise self._no_song("two songs failed, one after the other")

    def _submitted(self, scope: Mapping[str, Json]) -> Song:
        if self._dead is not None:
            raise Skipped(self._dead)
        recipe = self._live["song"]
        self._ledger.spend(recipe["cost"], "a song")
        try:
            reply = self._recipe_call(recipe["request"], scope)
        except Unanswered:
            # It may have been taken, and nobody knows its task.
            self._dead = "no song could be made to work with"
            raise
        task = next(_all(reply.as_message(), recipe["task"]), None)
        if not _is_id(task) or self._line.is_refused(reply):
            raise self._no_song("a song was refused")
        song = Song(str(task))
        self._ledger.songs.append(song)
        self._ledger.keep()
        return song

    def _no_song(self, text: str) -> Unprepared:
        """Why there is none, told once; who comes later is passed over."""
        self._dead = "no song could be made to work with"
        return Unprepared(f"{text}: {self._told}", self._shows)

    def _wait(self, song: Song) -> bool:
        """Poll a task until it is finished; a failed one is struck off."""
        recipe = self._live["song"]
        for waited in self._waiting(recipe, "a song"):
            reply = self._polled(song)
            if self._line.runner.fits(recipe["until"], reply):
                song.ids = [str(one) for one in _all(reply.as_message(), recipe["ids"]) if _is_id(one)]
                song.fresh = list(song.ids)
                self._ledger.keep()
                if not song.ids:
                    raise self._no_song(f"a finished song names none at {recipe['ids']}")
                return True
            if self._line.runner.fits(recipe["failed"], reply):
                break
            if waited >= recipe["at-most"]:
                raise self._no_song(f"a song was not finished after {waited:g} s")
        self._ledger.songs.remove(song)
        self._ledger.keep()
        return False

    def _unfinished(self, scope: Mapping[str, Json], *, needs_id: bool) -> dict[str, Json]:
        """A song on its way, looked at as soon as its ids are told, if anybody asks for these."""
        song, recipe = self._submitted(scope), self._live["song"]
        if not needs_id:
            return {"task": song.task, "id": None, "ids": []}
        for waited in self._waiting({**recipe, "every": min(recipe["every"], 5)}, "a song to begin"):
            reply = self._polled(song)
            if any(self._line.runner.fits(recipe[end], reply) for end in ("until", "failed")):
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
            self._line.tell(f"waiting for {what}, {waited:g} s of at most {recipe['at-most']:g}")
            yield waited
            self._line.sleep(recipe["every"])
            waited += max(recipe["every"], 1)

    def _polled(self, song: Song) -> Reply:
        return self._recipe_call(self._live["song"]["poll"], {"song": {"task": song.task}})

    def _recipe_call(self, request: Mapping[str, Json], scope: Mapping[str, Json]) -> Reply:
        runner, document = self._line.runner, self._line.runner.document
        call = call_of(fill(request, scope), document, "", self._line.secret)
        reply = self._line.send(call, is_own=True)
        exchange, findings = runner.judged(call, reply, "", self._line.target.url)
        operation = document.operation(request["operation"])
        self._shows = curl.command(exchange, document, operation, runner.secrets(exchange))
        self._told = shown(reply)
        self._ledger.see(findings)
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
        recipe, persona = self._live["persona"], self._ledger.persona
        if persona is None:
            self._ledger.afford(recipe["cost"], "a persona")
            song = self.song({"state": "finished", "spent": True}, scope)
            self._ledger.spend(recipe["cost"], "a persona")
            reply = self._recipe_call(recipe["request"], {**scope, "song": song})
            told = "task" if "poll" in recipe else "id"
            persona = self._keep_persona(song, {told: self._one(reply, recipe[told])})
        return persona if "id" in persona["persona"] else self._awaited({**scope, **persona}, recipe)

    def _keep_persona(self, song: dict[str, Json], made: dict[str, Json]) -> dict[str, Json]:
        persona = self._ledger.persona = {"song": song, "persona": made}
        self._ledger.keep()
        return persona

    def _awaited(self, scope: dict[str, Json], recipe: Mapping[str, Json]) -> dict[str, Json]:
        """Poll a persona that is a task until its id is told; one that never is is struck off."""
        for waited in self._waiting(recipe, "a persona"):
            reply = self._recipe_call(recipe["poll"], scope)
            if self._line.runner.fits(recipe["until"], reply) or waited >= recipe["at-most"]:
                break
        self._ledger.persona = None
        self._ledger.keep()
        return self._keep_persona(scope["song"], {**scope["persona"], "id": self._one(reply, recipe["id"])})

    def _one(self, reply: Reply, pointer: str) -> Json:
        found = next(_all(reply.as_message(), pointer), None)
        if not _is_id(found):
            raise Unprepared(f"no persona was made: nothing at {pointer} of {self._told}", self._shows)
        return found


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
