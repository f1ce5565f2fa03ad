"""Which answers an operation documents: a status may be told of its own, by its range, or by default."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from contracts.drift.change import Change, Effect
from mockserver.openapi.source import Json


def breadth(status: str) -> int:
    """How many statuses a key of `responses` may stand for: one, a hundred, or any."""
    return 2 if status == "default" else 1 if status.endswith("XX") else 0


def told_by(status: str, old: Collection[str], new: Collection[str]) -> list[str]:
    """Under which keys of the new document the answers are told that this key of the old one told of."""
    taken_out = [key for key in new if _first(key, old) == status]
    if breadth(status) and taken_out:
        return taken_out
    found = _first(status, new)
    return [found] if found else []


def _first(status: str, known: Collection[str]) -> str | None:
    """The closest of the known keys that tells of a status."""
    keys = (status, *(() if breadth(status) else (status[:1] + "XX",)))
    # Beside a success of its own, default is what everybody means by it: any failure.
    is_default_meant = _is_failure(status) or not any(_is_success(key) for key in known)
    return next((key for key in (*keys, *("default",) * is_default_meant) if key in known), None)


def _is_failure(status: str) -> bool:
    return status == "default" or status[:1] in "45"


def _is_success(status: str) -> bool:
    return not _is_failure(status)


def status_changes(
    status: str, others: list[str], old: Collection[str], new: Collection[str], place: str
) -> Iterator[Change]:
    """What clients notice where a status is no longer told as it was."""
    if status in others:
        for other in others:
            if other not in old:
                text = f"answer {other} is told of its own now, {status} told of it before"
                yield _change("documentation", "told", text, status, other, place)
    elif not others:
        text = f"answer {status} is gone: clients that wait for it never see it"
        yield _change("breaking", "removed", text, status, [*new], place)
    elif others == ["default"] and _is_success(status):
        text = (
            f"answer {status} is gone, only default may still stand for it: "
            "nothing promises clients the success they wait for"
        )
        yield _change("breaking", "removed", text, status, [*new], place)
    elif all(breadth(other) > breadth(status) for other in others):
        yield _told_by_a_wider_one(status, others[0], old, place)
    else:
        yield _narrowed(status, others, old, place)


def _told_by_a_wider_one(status: str, other: str, old: Collection[str], place: str) -> Change:
    if other in old:
        text = f"answer {status} is no longer told of its own: {other} tells of it, as of others before"
        return _change("documentation", "told", text, status, other, place)
    text = f"answer {status} is told by {other} now: clients that know {status} see nothing new"
    return _change("compatible", "widened", text, status, other, place)


def _narrowed(status: str, others: list[str], old: Collection[str], place: str) -> Change:
    told = " and ".join(sorted(others))
    if status == "default":
        text = f"default is gone, {told} is left of it: nothing describes an answer with another status"
        return _change("careless", "narrowed", text, status, others, place)
    if status == "2XX" and "200" not in (*others, *old):
        text = (
            f"answer {status} is {told} only: a client that takes all of the range goes on, "
            "one that waits for 200 never sees it"
        )
        return _change("careless", "narrowed", text, status, others, place)
    text = f"answer {status} is {told} only: clients that take all of the range notice nothing"
    return _change("compatible", "narrowed", text, status, others, place)


def _change(effect: Effect, what: str, text: str, old: Json, new: Json, place: str) -> Change:
    return Change(effect, f"response-status-{what}", text, "/status", old, new, place, None, "response")
