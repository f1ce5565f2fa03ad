"""A violation: where a message breaks its document, what was wanted and what came."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from mockserver.openapi.source import Json, join

INVALID = "invalid"

MOST = 100
"""So many violations of one part of a message are told; a body of a megabyte may have half a million."""


class Violation(NamedTuple):
    """One broken rule. `outcome` is what it leads to; None when it is only worth noting."""

    where: str
    document: str
    pointer: str
    rule: str
    wanted: Json
    got: Json
    message: str
    outcome: str | None = INVALID

    def as_json(self) -> dict[str, Json]:
        """The violation as the journal shows it."""
        return {
            "in": self.where,
            "document": self.document,
            "pointer": self.pointer,
            "rule": self.rule,
            "wanted": self.wanted,
            "got": self.got,
            "message": self.message,
        }


def explain(errors: Iterable[Any], *, document: str, where: str, pointer: str) -> Iterator[Violation]:
    """A violation for each of jsonschema's first errors: the closest alternative speaks for a `oneOf`."""
    leaves = chain.from_iterable(map(_leaves, errors))
    for leaf in islice(leaves, MOST):
        yield _violation(leaf, document, where, pointer)


def _leaves(error: Any) -> Iterator[Any]:
    if error.validator in ("oneOf", "anyOf") and error.context:
        closest = _closest(error.context)
        if closest:
            for inner in closest:
                yield from _leaves(inner)
            return
    yield error


def _closest(context: Iterable[Any]) -> list[Any]:
    """The errors of the alternative that the value was most likely meant to be."""
    branches: dict[Any, list[Any]] = {}
    for error in context:
        branches.setdefault(error.schema_path[0], []).append(error)
    fitting = [errors for errors in branches.values() if not any(_is_of_another_kind(e) for e in errors)]
    return min(fitting, key=len) if fitting else []


def _is_of_another_kind(error: Any) -> bool:
    return not error.path and error.validator in ("type", "const", "enum")


def _violation(error: Any, document: str, where: str, pointer: str) -> Violation:
    rule = "false" if error.validator is None else str(error.validator)
    place = join(pointer, *error.absolute_path)
    missing = rule in ("required", "dependentRequired")
    wanted = "a value" if missing else _brief(_wanted(error))
    got = "nothing" if missing else _brief(error.instance)
    marks = error.schema.get("x-outcomes", {}) if isinstance(error.schema, dict) else {}
    outcome = getattr(error, "outcome", None) or marks.get(rule, INVALID)
    return Violation(where, document, place, rule, wanted, got, _sentence(error, rule, wanted, got), outcome)


def _wanted(error: Any) -> Json:
    return error.validator_value if error.validator != "additionalProperties" else "no such field"


def _sentence(error: Any, rule: str, wanted: Json, got: Json) -> str:
    if hasattr(error, "outcome"):
        return str(error.message)
    phrase = _PHRASES.get(rule)
    if phrase is None:
        return _cut(str(error.message))
    if "{" not in phrase:
        return phrase
    # As JSON, the text "1" is told from the number.
    exact = _json(got)
    told = exact if _is_like(got, wanted) else _text(got)
    return phrase.format(wanted=_text(wanted), got=told, json=exact)


def _is_like(got: Json, wanted: Json) -> bool:
    """True for a text that reads like a value that was wanted and is none."""
    if not isinstance(got, str) or isinstance(wanted, str):
        return False
    values = wanted if isinstance(wanted, list) else [wanted]
    return got in [_text(value) for value in values if not isinstance(value, str)]


_PHRASES = {
    "required": "is required",
    "dependentRequired": "is required beside the other field",
    "type": "wanted {wanted}, got {json}",
    "enum": "wanted one of {wanted}, got {got}",
    "const": "wanted {wanted}, got {got}",
    "maxLength": "wanted at most {wanted} characters, got {got}",
    "minLength": "wanted at least {wanted} characters, got {got}",
    "pattern": "wanted a text like {wanted}, got {got}",
    "format": "wanted the format {wanted}, got {got}",
    "minimum": "wanted at least {wanted}, got {got}",
    "maximum": "wanted at most {wanted}, got {got}",
    "exclusiveMinimum": "wanted more than {wanted}, got {got}",
    "exclusiveMaximum": "wanted less than {wanted}, got {got}",
    "minItems": "wanted at least {wanted} items, got {got}",
    "maxItems": "wanted at most {wanted} items, got {got}",
    "minProperties": "wanted at least {wanted} of its fields, got {got}",
    "maxProperties": "wanted at most {wanted} of its fields, got {got}",
    "multipleOf": "wanted a multiple of {wanted}, got {got}",
    "uniqueItems": "wanted no item twice, got {got}",
    "contains": "wanted an item like {wanted}, got {got}",
    "oneOf": "wanted exactly one of the documented alternatives, got {got}",
    "anyOf": "wanted one of the documented alternatives, got {got}",
    "not": "wanted anything but {wanted}, got {got}",
    "additionalProperties": "is not a documented field",
    "false": "nothing is allowed here, got {got}",
}


# `json.dumps` makes an encoder for every call that asks for more than the usual: 1.2 µs of 2.
_json = json.JSONEncoder(ensure_ascii=False).encode
_json_of_any = json.JSONEncoder(ensure_ascii=False, default=str).encode


def _text(value: Json) -> str:
    return value if isinstance(value, str) else _json(value)


def _brief(value: Json) -> Json:
    """The value itself where it is short; else how much of it there is, and how it begins."""
    if isinstance(value, str):
        return value if len(value) <= 120 else f"{len(value)} characters: {value[:80]}…"
    if isinstance(value, (dict, list)):
        return _brief_of_many(value)
    return value


def _brief_of_many(value: Json) -> Json:
    size = len(value)
    if size <= 20:
        text = _json_of_any(value)
        if len(text) <= 400:
            return value
    noun = "fields" if isinstance(value, dict) else "items"
    return f"{'an object' if isinstance(value, dict) else 'an array'} of {size} {noun}"


def _cut(text: str) -> str:
    return text if len(text) <= 300 else text[:299] + "…"
