"""What is given in a case, brought about at a mock: by its control API, in a sandbox of the case's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import quote

from contracts.asking import call_of
from contracts.case import Case, Step
from contracts.filling import fill
from contracts.receiver import Box, Receiver
from contracts.target import Call, Reply, Target, Unanswered
from mockserver.openapi.compiled import Document
from mockserver.openapi.problem import at

Json = Any

_KEYS = {"own": "contract-key", "other": "contract-other-key", "none": None}
# What an unfinished song is called by the control API; names of the provider's own go as they are.
_STATES = {"unfinished": "running"}


class Skipped(Exception):
    """A case that cannot run here, with the reason."""


class Unprepared(Exception):
    """What is given could not be brought about; where a call shows it, with that call as a curl."""

    def __init__(self, text: str, reproduce: str | None = None) -> None:
        super().__init__(text)
        self.reproduce = reproduce


class World(Protocol):
    """Where one case runs: what is given there, whom it calls, and how time passes."""

    target: Target
    prefix: str
    scope: dict[str, Json]
    # True where the target says which outcome it means.
    claims: bool
    # How many seconds a callback may take to come once it is due; how long to listen that none does.
    patience: float
    silence: float
    box: Box | None

    def begin(self, case: Case) -> None:
        """Bring about what is given, and put it in scope; Skipped or Unprepared where that cannot be."""

    def key(self, whose: str) -> str | None:
        """A credential: the account's own, another's, or none."""

    def call(self, step: Step) -> tuple[Call, Reply]:
        """Make the call of a step."""

    def pause(self, seconds: float) -> None:
        """Let time pass."""

    def settle(self) -> None:
        """See that what was due has been sent."""


class Sandbox:
    """A world at a mock: it plants, sets and moves time as cases ask."""

    claims = True
    # What was due has arrived when the clock has moved.
    patience = 1.0
    silence = 0.0

    def __init__(
        self,
        target: Target,
        document: Document,
        live: Mapping[str, Json],
        name: str,
        receiver: Receiver,
        token: str | None = None,
        *,
        credits: float | None = None,
    ) -> None:
        self.target, self._document, self._live = target, document, live
        place = f"/_sandbox/{quote(name)}"
        self.prefix, self._control = f"{place}/{quote(document.name)}", f"{place}/_mock/"
        self.scope: dict[str, Json] = {}
        self.box: Box | None = None
        self._name, self._receiver, self._token = name, receiver, token
        # What accounts have at first, where the mock would give them something else.
        self._credits = credits

    # --- what is given --------------------------------------------------------------------------------------

    def begin(self, case: Case) -> None:
        """Bring about what is given; Unprepared where the mock will not have it."""
        given = case.given
        self.listen(given.get("receiver", []))
        for key in filter(None, _KEYS.values()) if self._credits is not None else ():
            self.control("PATCH", f"accounts/{key}", {"credits": self._credits})
        for name, song in case.songs.items():
            self.scope[name] = self._planted(song)
        if "persona" in given:
            self.scope["persona"] = self._made(self._live["persona"])
        self._change_account(given)
        if "after" in given:
            self.pause(given["after"])
        if "outcome" in given:
            self._queue(given, case.steps[0])

    def listen(self, answers: list[int]) -> None:
        """Have a URL of its own for callbacks, answered with these statuses first."""
        self.box = self._receiver.box(answers)
        self.scope["callback"] = {"url": self.box.url}

    def _planted(self, song: Mapping[str, Json]) -> dict[str, Json]:
        state = song["state"]
        wanted = {
            "provider": self._document.name,
            "status": _STATES.get(state, state),
            "key": self.key(song.get("owner", "own")),
        }
        wanted |= {name: song[name] for name in ("model", "kind", "error") if name in song}
        planted = self.control("POST", "tasks", wanted)
        ids = planted["songs"]
        return {"task": planted["source_task"], "ids": ids, "id": ids[0] if ids else None}

    def _made(self, recipe: Mapping[str, Json]) -> dict[str, Json]:
        """A persona of the song, made as a client makes one."""
        _, reply = self.ask(recipe["request"])
        message = reply.as_message()
        made: dict[str, Json] = {}
        if "poll" in recipe:
            made = self.scope["persona"] = {"task": _found(message, recipe["task"], "persona")}
            self.pause(recipe["at-most"])
            message = self.ask(recipe["poll"])[1].as_message()
        return {**made, "id": _found(message, recipe["id"], "persona")}

    def _change_account(self, given: Mapping[str, Json]) -> None:
        names = {"credits": "credits", "rate_limit": "rate_limit", "webhook_key": "webhookHmacKey"}
        change = {theirs: given[ours] for ours, theirs in names.items() if ours in given}
        if change:
            self.control("PATCH", f"accounts/{self.key('own')}", change)

    def _queue(self, given: Mapping[str, Json], first: Step) -> None:
        wish = {"provider": self._document.name, "operation": first.operation, "outcome": given["outcome"]}
        wish |= {"error": given["error"]} if "error" in given else {}
        self.control("POST", "outcomes", wish)

    # --- calls ----------------------------------------------------------------------------------------------

    def key(self, whose: str) -> str | None:
        """A credential of this world."""
        return _KEYS[whose]

    def call(self, step: Step) -> tuple[Call, Reply]:
        """Make the call of a step."""
        return self.ask(step.request)

    def ask(self, request: Mapping[str, Json]) -> tuple[Call, Reply]:
        """Make a request, its names filled in."""
        filled = fill(request, self.scope)
        call = call_of(filled, self._document, self.prefix, self.key(filled.get("key", "own")))
        return call, self.target.send(call)

    def control(self, method: str, path: str, body: Json = None) -> Json:
        """A call to the control API; Unprepared with its reason where it is refused."""
        headers = [("content-type", "application/json"), *self._token_header()]
        sent = None if body is None else json.dumps(body).encode()
        reply = self.target.send(Call(method, self._control + path, headers, sent))
        if reply.status >= 400:
            told = reply.json
            reason = told.get("detail") if isinstance(told, dict) else None
            raise Unprepared(f"{method} /_mock/{path} was refused: {reason or reply.status}")
        if not isinstance(reply.json, dict):
            raise Unprepared(f"{method} /_mock/{path} was answered with no JSON object")
        return reply.json

    # --- time -----------------------------------------------------------------------------------------------

    def pause(self, seconds: float) -> None:
        """Move the virtual clock."""
        self.control("POST", "clock/advance", {"seconds": seconds})

    def settle(self) -> None:
        """Have what is due at this moment sent."""
        self.control("POST", "clock/advance", {"seconds": 0})

    def end(self) -> None:
        """Leave nothing behind; where nobody answers, nothing can be done about it."""
        with suppress(Unanswered):
            self.target.send(Call("DELETE", f"/_mock/sandboxes/{quote(self._name)}", self._token_header()))

    def _token_header(self) -> list[tuple[str, str]]:
        return [("x-mock-token", self._token)] if self._token else []


def _found(message: Json, pointer: str, what: str) -> Json:
    try:
        return at(message, pointer)
    except KeyError:
        shown = json.dumps(message.get("body"), ensure_ascii=False)[:300]
        raise Unprepared(f"no {what} was made: nothing at {pointer} of {shown}") from None
