"""Examples that carry an outcome say by which code a client knows it; such a code is no mere example."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.drift.change import Change, canonical, listing, mapping
from contracts.drift.document import Operation, Side
from mockserver.openapi.source import Json, at, join

# By which status and which code in the body an outcome is known.
Codes = dict[str, set[tuple[str, str]]]


def outcomes(old: Side, new: Side, before: Operation, after: Operation) -> Iterator[Change]:
    """The outcomes of an operation that clients know by another code now."""
    codes, now = _codes(old, before), _codes(new, after)
    for outcome in sorted(codes.keys() & now.keys()):
        lost, gained = codes[outcome] - now[outcome], now[outcome] - codes[outcome]
        if not gained:
            continue
        values = _told(codes[outcome]), _told(now[outcome])
        text = f"outcome {outcome} was told by {values[0]}, now by {values[1]}"
        place = join(after.pointer, "responses")
        if lost == codes[outcome]:
            text = f"{text}: clients that look for the old code miss it"
            yield Change(
                "breaking", "outcome-code-changed", text, "/status", *values, place, None, "response"
            )
        else:
            text = f"{text}: clients that know only the old ones may stumble"
            yield Change("careless", "outcome-code-added", text, "/status", *values, place, None, "response")


def _codes(side: Side, operation: Operation) -> Codes:
    found: Codes = {}
    pointer = join(operation.pointer, "responses")
    for status, node in mapping(operation.node.get("responses")).items():
        response, place = side.through(node, join(pointer, status))
        for kind, media in mapping(response.get("content")).items():
            base = join(place, "content", kind, "examples")
            for name, item in mapping(mapping(media).get("examples")).items():
                example, _ = side.through(item, join(base, name))
                outcome = example.get("x-outcome")
                # A quirk shows what an answer may look like on request, not what it does look like.
                if isinstance(outcome, str) and "x-quirk" not in example:
                    found.setdefault(outcome, set()).add((status, _code(side, example.get("value"))))
    return found


def _code(side: Side, body: Json) -> str:
    pointers = mapping(side.source.data.get("x-envelope")).get("code")
    for pointer in pointers if isinstance(pointers, list) else listing([pointers]):
        try:
            return canonical(at(body, str(pointer)))
        except LookupError:
            continue
    return ""


def _told(codes: set[tuple[str, str]]) -> str:
    return " or ".join(f"{status} with code {code}" if code else status for status, code in sorted(codes))
