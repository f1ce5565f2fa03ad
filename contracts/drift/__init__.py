"""What changed between two documents, and does it break clients?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from contracts.drift.address import servers
from contracts.drift.change import Change, canonical, mapping
from contracts.drift.document import (
    Operation,
    Pairs,
    Side,
    in_full,
    is_moved,
    is_same,
    paired,
    read,
    webhooks_of,
)
from contracts.drift.operations import Comparison
from contracts.drift.schemas import Schemas
from contracts.finding import Checked, Finding, Verdict, Where
from mockserver.openapi.source import DocumentError, Problem, nested_too_deeply

_SHARED = ("components", "x-files", "x-envelope", "openapi")
_DOCUMENT_TEXTS = ("info", "tags", "externalDocs", "jsonSchemaDialect")


def compare(old: Path, new: Path) -> Checked:
    """Every change from one document to the other with what clients notice of it, and the verdict.

    DocumentError where one of them is no OpenAPI 3.0 or 3.1 document at all.
    """
    before, after = read(old), read(new)
    try:
        found = _compared(before, after)
    except RecursionError:
        raise DocumentError([nested_too_deeply(after.source)]) from None
    return _checked(before, after, found)


class _Compared(NamedTuple):
    """How many operations there were, how many of them break nobody, and all that changed."""

    operations: int
    unbroken: int
    changes: list[Change]


def _compared(old: Side, new: Side) -> _Compared:
    comparison = Comparison(old, new, Schemas(old.reader, new.reader))
    pairs = paired(old, new)
    same = is_same(old, new, (*_SHARED, "security"))
    each = [
        list(_once(found))
        for found in chain(
            _each(comparison, pairs, same),
            _hooks(comparison, webhooks_of(old), webhooks_of(new)),
        )
    ]
    unbroken = sum(1 for found in each if all(change.effect != "breaking" for change in found))
    return _Compared(len(each), unbroken, [*_document(old, new, pairs), *chain.from_iterable(each)])


def _each(comparison: Comparison, pairs: Pairs, same: bool) -> Iterator[Iterable[Change]]:
    # Where base paths moved, the paths alone do not tell which operation is meant.
    shown = in_full if is_moved(pairs) else lambda _, one: one
    left = [shown(comparison.new, new) for _, new in pairs if new]
    for old, new in pairs:
        if old and new:
            unchanged = same and old.is_written_as(new)
            yield () if unchanged else comparison.operation(old, new)
        elif old:
            yield [_gone(shown(comparison.old, old), "operation", left)]
        elif new:
            yield [_come(shown(comparison.new, new), "operation")]


def _hooks(
    comparison: Comparison, old: dict[tuple[str, str], Operation], new: dict[tuple[str, str], Operation]
) -> Iterator[Iterable[Change]]:
    for key in dict.fromkeys((*old, *new)):
        if key not in new:
            yield [_gone(old[key], "webhook", new.values())]
        elif key not in old:
            yield [_come(new[key], "webhook")]
        else:
            yield comparison.webhook(old[key], new[key])


def _gone(one: Operation, what: str, left: Iterable[Operation]) -> Change:
    place = next((other.item_pointer for other in left if other.key[1] == one.key[1]), "")
    name = f"{one.method.upper()} {one.path}"
    why = (
        "clients that call it find nothing"
        if what == "operation"
        else "clients that wait for it never see it"
    )
    at = "/method" if place else "/path"
    place = place or ("/paths" if what == "operation" else "/webhooks")
    return Change("breaking", f"{what}-removed", f"{name} is gone: {why}", at, name, None, place, one.name)


def _come(one: Operation, what: str) -> Change:
    name = f"{one.method.upper()} {one.path}"
    text = f"{name} is new: clients notice nothing"
    return Change("compatible", f"{what}-added", text, "/path", None, name, one.pointer, one.name)


def _document(old: Side, new: Side, pairs: Pairs) -> Iterator[Change]:
    """What changed for every operation alike."""
    before, after = old.source.data, new.source.data
    both = [(one, other) for one, other in pairs if one and other]
    # Where every operation names its own servers, they are compared with it.
    if not both or any(one.servers is None and other.servers is None for one, other in both):
        moved = is_moved(pairs)
        yield from servers(before.get("servers"), after.get("servers"), "/servers", is_moved=moved)
    for key in _DOCUMENT_TEXTS:
        if canonical(before.get(key)) != canonical(after.get(key)):
            yield Change("documentation", "text-changed", f"`{key}` changed", place="/" + key)
    for key in dict.fromkeys((*before, *after)):
        if (
            key.startswith("x-")
            and key not in _SHARED
            and canonical(before.get(key)) != canonical(after.get(key))
        ):
            yield Change("documentation", "text-changed", f"`{key}` changed", place="/" + key)
    yield from _schemes(old, new)
    envelopes = before.get("x-envelope"), after.get("x-envelope")
    if canonical(envelopes[0]) != canonical(envelopes[1]):
        text = "where the code stands in an answer changed: clients look for it in another place"
        yield Change(
            "breaking", "envelope-changed", text, "/body", *envelopes, "/x-envelope", None, "response"
        )


def _schemes(old: Side, new: Side) -> Iterator[Change]:
    before, after = (mapping(side.source.data.get("components")) for side in (old, new))
    known = mapping(before.get("securitySchemes"))
    for name, scheme in mapping(after.get("securitySchemes")).items():
        texts = [mapping(one).get("description") for one in (known.get(name), scheme)]
        if name in known and texts[0] != texts[1]:
            place = f"/components/securitySchemes/{name}"
            yield Change(
                "documentation", "text-changed", f"security {name}: `description` changed", place=place
            )


def _once(changes: Iterable[Change]) -> Iterator[Change]:
    """Changes without those that say the same of the same place, as two alternatives of a schema may."""
    seen: set[str] = set()
    for change in changes:
        said = f"{change.operation} {change.rule} {change.pointer} {change.reason}"
        if said not in seen:
            seen.add(said)
            yield change


# --- what is told -------------------------------------------------------------------------------------------


def _checked(old: Side, new: Side, found: _Compared) -> Checked:
    told = [change for change in found.changes if change.effect in ("breaking", "careless")]
    rest = [change for change in found.changes if change.effect in ("compatible", "documentation")]
    return Checked(
        command="check drift",
        checked=found.operations,
        passed=found.unbroken,
        findings=[*(_finding(change, new) for change in told), *_faults(old), *_faults(new)],
        verdict=_verdict(found.changes),
        notes=[_note(change) for change in rest],
    )


def _verdict(changes: list[Change]) -> Verdict:
    effects = {change.effect for change in changes}
    if "breaking" in effects:
        return "breaking"
    if effects & {"careless", "compatible"}:
        return "compatible"
    return "documentation" if effects else "none"


def _finding(change: Change, new: Side) -> Finding:
    problem = new.source.problem(change.place, change.reason)
    return Finding(
        severity="error" if change.effect == "breaking" else "warning",
        rule=change.rule,
        message=change.reason,
        document=new.source.name,
        operation=change.operation,
        pointer=change.pointer or None,
        wanted=change.old,
        got=change.new,
        where=Where(problem.file, problem.line, side=change.side),
    )


def _faults(side: Side) -> Iterator[Finding]:
    for problem in side.problems:
        yield _fault(side, problem)


def _fault(side: Side, problem: Problem) -> Finding:
    text = f"{problem.reason}; compared as far as it goes"
    where = Where(problem.file, problem.line)
    return Finding("warning", "document-fault", text, document=side.source.name, where=where)


def _note(change: Change) -> str:
    place = " ".join(part for part in (change.operation, change.pointer) if part)
    return f"{change.effect}: {place}: {change.reason}" if place else f"{change.effect}: {change.reason}"
