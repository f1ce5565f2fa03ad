"""Callbacks: what is to be sent, in order per task, until it is received or given up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mockserver.domain.clock import iso
from mockserver.domain.pages import walk
from mockserver.domain.policy import Webhook
from mockserver.domain.ports import Tx
from mockserver.domain.records import pack, seconds, unpack


class Attempt(NamedTuple):
    """One try: when it began, the receiver's status, and what went wrong where something did."""

    at: int
    status: int | None
    error: str | None


class Callback(NamedTuple):
    """What is told of one step of a task: to whom, what, and how far it has come."""

    id: str
    number: int
    provider: str
    task: str
    account: str
    stage: str
    url: str
    payload: Any
    state: str = "due"
    reason: str | None = None
    attempts: tuple[Attempt, ...] = ()
    # How many of the attempts belong to the present delivery; another begins when it is sent again.
    tries: int = 0
    # What was done to it on purpose.
    is_received: bool = False
    twice: bool = False
    badly_signed: bool = False
    delay: float = 0.0

    @property
    def is_due(self) -> bool:
        """True until it is delivered, given up or refused."""
        return self.state == "due"

    def as_json(self) -> dict[str, Any]:
        """The callback as the control API lists it."""
        return {
            "id": self.id,
            "task": self.task,
            "provider": self.provider,
            "stage": self.stage,
            "url": shown_url(self.url),
            "state": self.state,
            "reason": self.reason,
            "attempts": [attempt_as_json(attempt) for attempt in self.attempts],
            "payload": self.payload,
        }


def attempt_as_json(attempt: Attempt) -> dict[str, Any]:
    """An attempt as lists and events show it."""
    return {"at": iso(seconds(attempt.at)), "status": attempt.status, "error": attempt.error}


def shown_url(url: str) -> str:
    """The URL without a name and a password in it."""
    scheme, mark, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}***@{authority.rpartition('@')[2]}{slash}{path}" if "@" in authority else url


# --- keeping ------------------------------------------------------------------------------------------------


def keep(tx: Tx, callback: Callback) -> Callback:
    """Keep a new callback."""
    number = tx.count("callback-count")
    numbered = callback._replace(number=number)
    tx.put(f"callback-id/{numbered.id}", b"%d" % number)
    _put(tx, numbered)
    return numbered


def number(tx: Tx, many: int) -> int:
    """The place of the first of so many callbacks that are kept elsewhere."""
    return tx.count("callback-count", many) - many + 1


def keep_ended(tx: Tx, callback: Callback) -> None:
    """Keep, by itself from now on, a callback that has its number and was kept elsewhere."""
    tx.put(f"callback-id/{callback.id}", b"%d" % callback.number)
    _put(tx, callback)


def next_number(tx: Tx) -> int:
    """The place in the order of making that the next callback will have."""
    return int(tx.get("callback-count") or b"0") + 1


def hold(tx: Tx, callback: Callback) -> None:
    """Let a callback change places with the next one of its task."""
    tx.put(_held_key(callback), b"%d" % callback.number)


def line_up(tx: Tx, callback: Callback, now: int) -> None:
    """Put a callback behind those of its task, and behind itself the one that it changes places with."""
    _line_up(tx, callback, f"{callback.number:012d}/0", now)
    let_go(tx, callback, now)


def let_go(tx: Tx, callback: Callback, now: int) -> None:
    """Line up, behind a callback, the one that waits to change places with it."""
    if held := tx.get(_held_key(callback)):
        tx.delete(_held_key(callback))
        _line_up(tx, _of_number(tx, int(held)), f"{callback.number:012d}/1", now)


def let_all_go(tx: Tx, now: int) -> None:
    """Line up every callback that waits for the next one of its task: that may never come."""
    for _, held in list(walk(tx, "callback-held/")):
        let_go(tx, _of_number(tx, int(held)), now)


def holds(tx: Tx, provider: str, task: str) -> bool:
    """True while a callback of a task waits for the next one."""
    return tx.get(f"callback-held/{provider}/{task}") is not None


def _held_key(callback: Callback) -> str:
    return f"callback-held/{callback.provider}/{callback.task}"


def _line_up(tx: Tx, callback: Callback, place: str, now: int) -> None:
    is_first = not tx.scan(_line(callback), limit=1)
    tx.put(_line(callback) + place, b"%d" % callback.number)
    if is_first:
        _schedule(tx, callback.number, now)


def _line(callback: Callback) -> str:
    return f"callback-line/{callback.provider}/{callback.task}/"


def _schedule(tx: Tx, number: int, at: int) -> None:
    tx.put(f"callback-due/{at:020d}/{number:012d}", b"")


def _put(tx: Tx, callback: Callback) -> None:
    tx.put(f"callback/{callback.number:012d}", pack(callback._asdict()))
    _count_ended(tx, callback)


def forget(tx: Tx, most: int) -> None:
    """Forget the oldest of the callbacks that have ended, where there are more than so many."""
    over = int(tx.get("callback-ended-count") or b"0") - most
    if over <= 0:
        return
    for key, id in tx.scan("callback-ended/", limit=over):
        number = key.partition("/")[2]
        for forgotten in (key, f"callback/{number}", f"callback-id/{id.decode()}"):
            tx.delete(forgotten)
    tx.put("callback-ended-count", b"%d" % most)


def _count_ended(tx: Tx, callback: Callback) -> None:
    """Keep account of the callbacks that have ended, oldest first."""
    key = f"callback-ended/{callback.number:012d}"
    more = (not callback.is_due) - (tx.get(key) is not None)
    if callback.is_due:
        tx.delete(key)
    else:
        tx.put(key, callback.id.encode())
    if more:
        tx.count("callback-ended-count", more)


def _read(record: bytes) -> Callback:
    fields = unpack(record)
    return Callback(**{**fields, "attempts": tuple(Attempt(*attempt) for attempt in fields["attempts"])})


def _of_number(tx: Tx, number: int) -> Callback:
    record = tx.get(f"callback/{number:012d}")
    assert record is not None
    return _read(record)


# --- looking ------------------------------------------------------------------------------------------------


def find(tx: Tx, id: str) -> Callback | None:
    """The callback of that id, as it stands."""
    number = tx.get(f"callback-id/{id}")
    return _of_number(tx, int(number)) if number else None


def listed(tx: Tx) -> Iterator[Callback]:
    """Every callback still kept, oldest first."""
    for _, record in walk(tx, "callback/"):
        yield _read(record)


def first_due(tx: Tx) -> int | None:
    """The moment of the next attempt, of any callback."""
    found = tx.scan("callback-due/", limit=1)
    return int(found[0][0].split("/")[1]) if found else None


# --- sending ------------------------------------------------------------------------------------------------


def take_due(tx: Tx, now: int, limit: int) -> list[Callback]:
    """The callbacks whose next attempt is due by now; each is whoever's who has taken it."""
    taken: list[Callback] = []
    for key, _ in tx.scan("callback-due/", limit=limit):
        _, at, number = key.split("/")
        if int(at) > now:
            break
        tx.delete(key)
        tx.put(_sending_key(int(number)), b"")
        taken.append(_of_number(tx, int(number)))
    return taken


def take_back(tx: Tx, now: int) -> None:
    """Let be due again what was being sent when a server ended: it may have arrived, or not."""
    for key, _ in walk(tx, "callback-sending/"):
        tx.delete(key)
        _schedule(tx, int(key.partition("/")[2]), now)


def _sending_key(number: int) -> str:
    return f"callback-sending/{number:012d}"


def answered(tx: Tx, callback: Callback, attempt: Attempt, webhook: Webhook, now: int) -> Callback:
    """A callback after an attempt: received, to be tried again, or given up."""
    tx.delete(_sending_key(callback.number))
    after = callback._replace(attempts=(*callback.attempts, attempt), tries=callback.tries + 1)
    if is_received(webhook, attempt) and callback.twice and not callback.is_received:
        # It arrives once more, as if the first time had gone unnoticed.
        return _again(tx, after._replace(is_received=True, tries=0), now)
    if is_received(webhook, attempt) or callback.is_received:
        return end(tx, after, "delivered", None, now)
    if after.tries > len(webhook.retries):
        return end(tx, after, "gave-up", _why(attempt, webhook), now)
    return _again(tx, after, now + round(webhook.retries[after.tries - 1] * 1_000_000))


def is_received(webhook: Webhook, attempt: Attempt) -> bool:
    """True for an answer that the provider takes for a receipt."""
    if attempt.status is None or attempt.error is not None:
        return False
    return attempt.status == 200 if webhook.only_200 else 200 <= attempt.status < 300


def _why(attempt: Attempt, webhook: Webhook) -> str:
    wanted = "200" if webhook.only_200 else "2xx"
    last = attempt.error or f"the receiver answered {attempt.status}, wanted {wanted}"
    return f"given up after {len(webhook.retries) + 1} attempts: {last}"


def _again(tx: Tx, callback: Callback, at: int) -> Callback:
    _put(tx, callback)
    _schedule(tx, callback.number, at)
    return callback


def end(tx: Tx, callback: Callback, state: str, reason: str | None, now: int) -> Callback:
    """A callback with which nothing more happens; the next one of its task has its turn."""
    ended = callback._replace(state=state, reason=reason)
    tx.delete(_sending_key(ended.number))
    _put(tx, ended)
    for key, number in walk(tx, _line(ended)):
        if int(number) == ended.number:
            tx.delete(key)
    following = tx.scan(_line(ended), limit=1)
    if following:
        _schedule(tx, int(following[0][1]), now)
    return ended


def send_again(tx: Tx, callback: Callback, now: int) -> Callback:
    """An ended callback, due once more behind whatever its task still has to send."""
    due = callback._replace(state="due", reason=None, tries=0, twice=False, is_received=False, delay=0.0)
    _put(tx, due)
    again = int(tx.get("callback-again") or b"0") + 1
    tx.put("callback-again", b"%d" % again)
    _line_up(tx, due, f"{next_number(tx) - 1:012d}/2/{again:012d}", now)
    return due
