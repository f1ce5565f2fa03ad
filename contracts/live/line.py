"""One line to a provider: calls at its pace, made again where that is safe, the key in no answer."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

from contracts.live.pace import Pace
from contracts.run import Runner
from contracts.target import Call, Reply, Target, Unanswered

Json = Any

_PASSING = (502, 503, 504)
_TRIES = 3
# So many calls in a row that are limited or fail, after all tries, and the run ends.
_MOST_TROUBLE = 5
# Nobody waits longer for a limit to be over, in seconds.
_PATIENCE = 120.0
# A shorter key is no secret, and hiding it would blank every word that has it inside.
_LEAST = 8
_LONGEST = 300


class Refused(Exception):
    """The provider does not take the key."""


class Ended(Exception):
    """There is no sense in going on, with the reason."""


class Line:
    """Calls with one credential, and what was noticed of them."""

    def __init__(
        self,
        runner: Runner,
        target: Target,
        key: str,
        pace: Pace,
        *,
        hide: Callable[[Json], Json],
        tell: Callable[[str], None],
        sleep: Callable[[float], None],
    ) -> None:
        self.runner, self.target, self.secret, self.pace = runner, target, key, pace
        self.tell, self.sleep, self._hide = tell, sleep, hide
        self.was_answered = False
        self.is_let_in = False
        # Why the last call was not answered that was not.
        self.silence = ""
        self.trouble = 0
        # How often a call was made again, by why.
        self.again: dict[str, int] = {}

    def send(self, call: Call, *, is_own: bool) -> Reply:
        """The answer to a call; one that changes nothing is made again where the network failed."""
        for rest in reversed(range(_TRIES)):
            self.pace.before(call.method)
            try:
                reply = self._hidden(self.target.send(call))
            except Unanswered as error:
                self.silence = str(error)
                if not self._may_repeat(call, rest, f"no answer came ({error})"):
                    raise
                continue
            self.was_answered = True
            if self._is_limited(reply) and rest:
                self._repeat("too many calls at once", self._asked_to_wait(reply))
            elif reply.status not in _PASSING or not self._may_repeat(call, rest, f"HTTP {reply.status}"):
                break
        self._see_trouble(reply)
        self._see_key(reply, is_own=is_own)
        return reply

    def _see_trouble(self, reply: Reply) -> None:
        """Count answers in a row that tell nothing of the document: they are no reason to go on and on."""
        limited = self._is_limited(reply)
        self.trouble = self.trouble + 1 if limited or reply.status >= 500 else 0
        if self.trouble >= _MOST_TROUBLE:
            what = (
                "takes no more calls for now" if limited else f"answers every call with HTTP {reply.status}"
            )
            raise Ended(f"{self.runner.document.name} {what}")

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
        self.tell(f"{reason}: waiting {seconds:g} s")
        self.sleep(seconds)

    def _is_limited(self, reply: Reply) -> bool:
        return 429 in (reply.status, self.code(reply))

    def _asked_to_wait(self, reply: Reply) -> float:
        """The seconds that a limit asks for; Ended where that is more than anybody waits."""
        told = reply.header("retry-after")
        seconds = self.pace.window if told is None else _seconds(told, reply.header("date"), self.pace.window)
        if seconds > _PATIENCE:
            raise Ended(f"{self.runner.document.name} asks to be left alone for {seconds:g} s")
        return seconds

    def code(self, reply: Reply) -> Json:
        """The code in a body."""
        return self.runner.document.envelope.read(reply.json)[0]

    def _see_key(self, reply: Reply, *, is_own: bool) -> None:
        """Notice at the first call that the key opens nothing, instead of in every case."""
        if not is_own or self.is_let_in:
            return
        if 401 in (reply.status, self.code(reply)):
            raise Refused(shown(reply))
        self.is_let_in = reply.status < 500 and not self._is_limited(reply)

    def is_refused(self, reply: Reply) -> bool:
        """True where a call was surely not accepted; of any other, nobody knows whether it cost something."""
        code = self.code(reply)
        told = type(code) is int and 200 <= reply.status < 300
        return 400 <= (code if told else reply.status) < 500


def _seconds(told: str, now: str | None, otherwise: float) -> float:
    """What Retry-After says, in seconds or as a moment, seen from the moment of the answer."""
    if told.isdecimal():
        return float(told)
    try:
        until = parsedate_to_datetime(told)
        return max((until - parsedate_to_datetime(now or "")).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return otherwise


def shown(reply: Reply) -> str:
    """An answer on a line."""
    return f"HTTP {reply.status} {reply.body.decode('utf-8', 'replace')[:_LONGEST]}"
