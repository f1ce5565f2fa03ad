"""Each row of fields.yaml, a reading of the facts by hand, is found in the packaged documents.

What a row says about a request is proved: a valid body is changed at that field and judged again.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.specs import reading
from tests.specs.reading import Json, Operation

TABLE = yaml.safe_load(Path(__file__).with_name("fields.yaml").read_text(encoding="utf-8"))
GROUP_KEYS = {
    "operation", "about", "call", "base", "trailing_slash", "statuses", "codes", "answers", "printed",
}  # fmt: skip
STEP = 0.01
MISSING = object()


@dataclass(frozen=True)
class Case:
    """One row at one place of one operation, with one choice of the values it lists under `given`."""

    group: Json
    place: str
    under: str
    row: Json
    given: Json

    @property
    def provider(self) -> str:
        """The provider's name."""
        return str(self.group["operation"].split()[0])

    @property
    def operation(self) -> Operation:
        """The operation as its document describes it."""
        return found(self.group["operation"])

    @property
    def steps(self) -> list[str]:
        """The way from the place's root to the field."""
        return steps(f"{self.under}.{self.row['field']}")

    @property
    def title(self) -> str:
        """What a failure calls this row."""
        row = self.row
        aspects = [f"{key}={row[key]}" for key in row if key not in ("field", "given", "without")]
        aspects += [f"{key}:{value}" for key, value in self.given.items()]
        aspects += [f"without:{field}" for field in row.get("without", [])]
        where = [self.group["operation"], self.group.get("about"), self.place, self.under]
        field = row["field"] or "(whole)"
        return f"{' '.join(filter(None, where))} {field} [{', '.join(aspects)}]"


def found(operation: str) -> Operation:
    """Return an operation by `<provider> <name>`."""
    provider, name = operation.split()
    return reading.operations(provider)[name]


def steps(field: str) -> list[str]:
    """Split `a.b[].c` into its steps `a b [] c`."""
    return [step for step in field.replace("[]", ".[]").split(".") if step]


def rows() -> Iterator[Case]:
    """Yield every row of the table, once per choice under its `given`."""
    for group in TABLE["groups"]:
        for key in [key for key in group if key not in GROUP_KEYS]:
            place, _, under = key.partition(" at ")
            for row in group[key]:
                for given in choices(row.get("given", {})):
                    yield Case(group, place, under, row, given)


def choices(given: Json) -> Iterator[Json]:
    """Yield each combination of the values listed under `given`."""
    listed = [value if isinstance(value, list) else [value] for value in given.values()]
    for values in itertools.product(*listed):
        yield dict(zip(given, values, strict=True))


def titled(entries: list[tuple[str, Any]]) -> list[Any]:
    """Turn (title, entry) pairs into pytest parameters; titles that repeat are counted."""
    seen: Counter[str] = Counter()
    params = []
    for long_title, entry in entries:
        title = long_title[:200]
        seen[title] += 1
        params.append(pytest.param(entry, id=title if seen[title] == 1 else f"{title} #{seen[title]}"))
    return params


def grouped(key: str) -> list[Any]:
    """Return the entries of one group key as pytest parameters, each with its group."""
    pairs = [(group, entry) for group in TABLE["groups"] if key in group for entry in as_list(group[key])]
    return titled([(f"{group['operation']} {entry}", (group, entry)) for group, entry in pairs])


def as_list(value: Json) -> list[Json]:
    """Return a list as it is and anything else as a list of one."""
    return value if isinstance(value, list) else [value]


# Values inside plain data, by steps.


def value_at(value: Json, way: list[str]) -> Json:
    """Return what stands at the end of the way (of an array: its first item), or MISSING."""
    for step in way:
        if step == "[]":
            value = value[0] if isinstance(value, list) and value else MISSING
        else:
            value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
    return value


def values_at(value: Json, way: list[str]) -> list[Json]:
    """Return all values at the end of the way, through every item of every array."""
    held = [value]
    for step in way:
        if step == "[]":
            held = [item for items in held if isinstance(items, list) for item in items]
        else:
            held = [node[step] for node in held if isinstance(node, dict) and step in node]
    return held


def placed(value: Json, way: list[str], new: Json) -> Json:
    """Return a copy that holds `new` at the end of the way; objects on the way are made."""
    if not way:
        return new
    if way[0] == "[]":
        return [placed(value[0] if value else {}, way[1:], new), *(value or [])[1:]]
    value = dict(value) if isinstance(value, dict) else {}
    value[way[0]] = placed(value.get(way[0], {}), way[1:], new)
    return value


def taken(value: Json, way: list[str]) -> Json:
    """Return a copy without the field at the end of the way."""
    rest = copy.deepcopy(value)
    holder = value_at(rest, way[:-1])
    if isinstance(holder, dict):
        holder.pop(way[-1], None)
    return rest


def same(left: Json, right: Json) -> bool:
    """Tell whether two JSON values are one; true is not 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def holds(whole: Json, part: Json) -> bool:
    """Tell whether `part` is a part of `whole`: objects may have more fields."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and holds(whole[key], part[key]) for key in part)
    return same(whole, part)


# What the document says at a row's place.


def described(case: Case) -> list[Json]:
    """Return every subschema that describes the row's field."""
    operation = case.operation
    if case.place in ("query", "path", "header", "callback-header"):
        return [layer for parameter in named(case) for layer in layers(case, parameter.get("schema", {}))]
    roots = [media.get("schema", {}) for media in reading.contents(operation, case.place)]
    ways = alternatives(case)
    return [part for root in roots for way in ways for part in reading.reach(operation.document, root, way)]


def alternatives(case: Case) -> list[list[str]]:
    """Return the ways a row allows: `at a or b` leaves the choice to the document."""
    return [steps(f"{under}.{case.row['field']}") for under in case.under.split(" or ")]


def layers(case: Case, schema: Json) -> list[Json]:
    """Return a schema's layers with references followed."""
    return list(reading.layers(case.operation.document, schema))


def named(case: Case) -> list[Json]:
    """Return the parameters that carry the row's name."""
    wanted = case.row["field"].lower()
    return [p for p in reading.parameters(case.operation, case.place) if p["name"].lower() == wanted]


def bodies(case: Case) -> list[Json]:
    """Return the values of all named examples at the row's place."""
    root = case.operation.document
    if case.place in ("query", "path", "header", "callback-header"):
        carriers = named(case)
    else:
        carriers = reading.contents(case.operation, case.place)
    examples = [example for carrier in carriers for _, example in reading.media_examples(root, carrier)]
    return [example["value"] for example in examples]


def shown(case: Case) -> list[Json]:
    """Return all values printed for the field: samples of its schema and what named examples hold there."""
    samples = [value for part in described(case) for value in part.get("examples", [])]
    samples += [part["example"] for part in described(case) if "example" in part]
    if case.place in ("query", "path", "header", "callback-header"):
        return samples + bodies(case)
    ways = alternatives(case)
    return samples + [value for body in bodies(case) for way in ways for value in values_at(body, way)]


def listed(case: Case) -> list[Json]:
    """Return all values the field's schema names as allowed."""
    parts = described(case)
    return [v for part in parts for v in part.get("enum", [])] + [p["const"] for p in parts if "const" in p]


# A request body, changed and judged.


def body(case: Case) -> Json:
    """Return the group's base as this row wants it."""
    start = case.group["base"]
    for field in case.row.get("without", []):
        start = taken(start, steps(field))
    for field, value in case.given.items():
        start = placed(start, steps(field), value)
    return start


def violations(case: Case, value: Json) -> list[str]:
    """Return what the operation's request schema has against a body."""
    errors = judge(case.group["operation"]).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in errors]


@cache
def judge(operation: str, place: str = "body") -> Draft202012Validator:
    """Return the validator of an operation's request (or of another place)."""
    described = found(operation)
    media = reading.contents(described, place)[0]
    return reading.validator(described.document, media["schema"])


def accepted(case: Case, value: Json) -> Iterator[str]:
    """Complain unless the field may hold the value."""
    for violation in violations(case, placed(body(case), case.steps, value)):
        yield f"refuses {short(value)}: {violation[:300]}"


def refused(case: Case, value: Json) -> Iterator[str]:
    """Complain if the field may hold the value."""
    if not violations(case, placed(body(case), case.steps, value)):
        yield f"accepts {short(value)}"


def short(value: Json) -> str:
    """Show a value in few characters."""
    text = repr(value)
    return text if len(text) < 60 else f"{text[:20]}… ({len(text) - 2} characters)"


def text(case: Case, length: int) -> str:
    """Return a text of just that length which keeps the field's format."""
    start = "https://example.com/" if any(part.get("format") == "uri" for part in described(case)) else ""
    return start + "a" * (length - len(start))


# The aspects of a row. Each yields what is wrong.


def field(case: Case) -> Iterator[str]:
    if case.place.endswith("header"):
        if not named(case) and f"`{case.row['field']}`" not in prose(case):
            yield "the document does not name this header"
    elif not described(case):
        yield "the document does not describe this field"


def prose(case: Case) -> str:
    """Return the operation's description: the place for a header that OpenAPI has no parameter for."""
    return str(case.operation.node.get("description", ""))


def kind(case: Case) -> Iterator[str]:
    wanted = case.row["type"] if isinstance(case.row["type"], list) else [case.row["type"]]
    stated = {name for part in described(case) for name in as_list(part.get("type", []))}
    main = {name for entry in wanted if entry != "null" for name in entry.split("|")}
    if "null" in wanted and "null" not in stated:
        yield f"type {stated}: null is not allowed"
    if main and (stated - {"null"} - main or not stated & main):
        yield f"type {stated}, not {wanted}"
    if case.place == "body" and main:
        yield from refused(case, "text" if main & {"object", "array"} else {})


def form(case: Case) -> Iterator[str]:
    if all(part.get("format") != case.row["format"] for part in described(case)):
        yield f"no format {case.row['format']}"
    if case.place == "body":
        yield from refused(case, "not one")


def required(case: Case) -> Iterator[str]:
    if case.place in ("query", "path", "header"):
        if any(parameter.get("required", False) != case.row["required"] for parameter in named(case)):
            yield f"required is not {case.row['required']}"
    elif case.place == "body":
        yield from required_of_body(case)
    else:
        yield from required_of_reply(case)


def required_of_body(case: Case) -> Iterator[str]:
    without = taken(body(case), case.steps)
    broken = violations(case, without)
    if case.row["required"] and violations(case, body(case)):
        yield f"the base is refused: {violations(case, body(case))}"
    if case.row["required"] and not broken:
        yield "a body without it is accepted"
    if not case.row["required"] and broken:
        yield f"a body without it is refused: {broken}"


def required_of_reply(case: Case) -> Iterator[str]:
    pairs = [(value, way) for value in bodies(case) for way in alternatives(case)]
    held = [(value, way) for value, way in pairs if value_at(value, way) is not MISSING]
    if not held:
        yield "no example holds it"
    elif judge(case.group["operation"], case.place).is_valid(taken(*held[0])):
        yield "a reply without it is valid"


def sole(case: Case) -> Iterator[str]:
    broken = violations(case, taken(body(case), case.steps))
    if len(broken) != 1 or f"{case.row['field']!r} is a required property" not in broken[0]:
        yield f"leaving it out breaks {broken}"


def limit(case: Case) -> Iterator[str]:
    for keyword, bound in case.row["limit"].items():
        if case.place == "body":
            inside, outside = edges(case, keyword, bound)
            yield from accepted(case, inside)
            yield from refused(case, outside)
        elif all(part.get(keyword) != bound for part in described(case)):
            yield f"no {keyword} {bound}"


def edges(case: Case, keyword: str, bound: Json) -> tuple[Json, Json]:
    """Return the last value inside a limit and the first one outside."""
    if keyword == "maxLength":
        return text(case, bound), text(case, bound + 1)
    whole = all(part.get("type", "integer") == "integer" for part in described(case))
    step = 1 if whole else STEP
    return {
        "minimum": (bound, bound - step),
        "maximum": (bound, bound + step),
        "exclusiveMinimum": (bound + step, bound),
    }[keyword]


def free(case: Case) -> Iterator[str]:
    yield from accepted(case, text(case, 20_000))


def default(case: Case) -> Iterator[str]:
    if not any("default" in part and same(part["default"], case.row["default"]) for part in described(case)):
        yield f"no default {case.row['default']}"


def enum(case: Case) -> Iterator[str]:
    wanted, named_values = case.row["enum"], listed(case)
    for value in wanted:
        if value not in named_values:
            yield f"{value} is not listed"
    if case.place != "body":
        yield from (f"{value} is listed too" for value in named_values if value not in wanted)
        return
    for value in wanted:
        yield from accepted(case, value)
    for value in ["no-such-value", *(value for value in named_values if value not in wanted)]:
        yield from refused(case, value)


def values(case: Case) -> Iterator[str]:
    known = listed(case) + shown(case)
    yield from (f"{value} is not mentioned" for value in case.row["values"] if value not in known)
    parts = described(case)
    checks = [reading.validator(case.operation.document, part) for part in parts[:1]]
    for value in case.row["values"]:
        if not any(check.is_valid(value) for check in checks):
            yield f"{value} is not allowed"


def allows(case: Case) -> Iterator[str]:
    for value in case.row["allows"]:
        yield from accepted(case, value)


def refuses(case: Case) -> Iterator[str]:
    for value in case.row["refuses"]:
        yield from refused(case, value)


def needs(case: Case) -> Iterator[str]:
    both = placed(body(case), case.steps, case.row.get("example", "1b2d"))
    yield from (f"refused with {case.row['needs']}: {violation}" for violation in violations(case, both))
    if not violations(case, taken(both, steps(case.row["needs"]))):
        yield f"accepted without {case.row['needs']}"


def rule(case: Case) -> Iterator[str]:
    stated = [entry for part in described(case) for entry in part.get("x-rules", [])]
    told = [{key: value for key, value in entry.items() if value is not False} for entry in stated]
    if not any(same(entry, case.row["rule"]) for entry in told):
        yield f"x-rules are {stated}"


def outcomes(case: Case) -> Iterator[str]:
    stated = [part["x-outcomes"] for part in described(case) if "x-outcomes" in part]
    if case.row["outcomes"] not in stated:
        yield f"x-outcomes are {stated}"


def example(case: Case) -> Iterator[str]:
    wanted = case.row["example"]
    if case.place == "header" and f"`{wanted}`" in prose(case):
        return
    if not any(same(value, wanted) for value in shown(case)):
        yield f"{wanted!r} is printed nowhere; there are {short(shown(case))}"


def slashes(case: Case) -> Iterator[str]:
    if any(parameter.get("x-slashes") != case.row["slashes"] for parameter in named(case)):
        yield "x-slashes is not set"


ASPECTS: dict[str, Callable[[Case], Iterator[str]]] = {
    "field": field,
    "type": kind,
    "format": form,
    "required": required,
    "sole": sole,
    "limit": limit,
    "free": free,
    "default": default,
    "enum": enum,
    "values": values,
    "allows": allows,
    "refuses": refuses,
    "needs": needs,
    "rule": rule,
    "outcomes": outcomes,
    "example": example,
    "slashes": slashes,
}


@pytest.mark.parametrize("case", titled([(case.title, case) for case in rows()]))
def test_row_stands_in_the_document(case: Case) -> None:
    assert case.row.keys() <= ASPECTS.keys() | {"given", "without"}, "the table has a key that nothing reads"

    aspects = [aspect for aspect in case.row if aspect in ASPECTS]
    wrong = [f"{aspect}: {line}" for aspect in aspects for line in ASPECTS[aspect](case)]

    assert not wrong


@pytest.mark.parametrize("entry", grouped("base"))
def test_base_of_a_group_is_valid(entry: tuple[Json, Json]) -> None:
    group, _ = entry

    violations = [error.message for error in judge(group["operation"]).iter_errors(group["base"])]

    assert not violations


@pytest.mark.parametrize("entry", grouped("call"))
def test_operation_stands_at_its_path(entry: tuple[Json, str]) -> None:
    group, call = entry
    operation = found(group["operation"])

    stated = f"{operation.method.upper()} {operation.path}"

    assert re.sub(r"\{.*?\}", "{}", stated).rstrip("/") == re.sub(r"\{.*?\}", "{}", call).rstrip("/")


@pytest.mark.parametrize("entry", grouped("trailing_slash"))
def test_path_with_and_without_its_slash_is_one_operation(entry: tuple[Json, str]) -> None:
    group, wanted = entry

    assert found(group["operation"]).item["x-trailing-slash"] == wanted


@pytest.mark.parametrize("entry", grouped("statuses"))
def test_http_status_is_described(entry: tuple[Json, str]) -> None:
    group, status = entry

    assert status in found(group["operation"]).node["responses"]


@pytest.mark.parametrize("entry", grouped("codes"))
def test_body_code_is_listed_and_shown(entry: tuple[Json, int]) -> None:
    group, code = entry
    operation = found(group["operation"])
    places = [f"reply {status}" for status in operation.node["responses"]]
    replies = [media["schema"] for place in places for media in reading.contents(operation, place)]

    parts = [part for schema in replies for part in reading.reach(operation.document, schema, ["code"])]
    listed = [value for part in parts for value in [*part.get("enum", []), part.get("const")]]
    shown = [example.value["code"] for example in reading.reply_examples(operation)]

    assert code in listed
    assert code in shown


@pytest.mark.parametrize("entry", grouped("answers"))
def test_answer_is_a_marked_example(entry: tuple[Json, Json]) -> None:
    group, wanted = entry
    examples = [e for e in reading.reply_examples(found(group["operation"])) if marked(e.marks, wanted)]

    if "outcome" in wanted and "state" not in wanted:
        examples = examples[:1]  # the first of an outcome's examples is the one it stands for

    assert examples, "no example carries these marks"
    assert any(answers(e, wanted) for e in examples), [(e.status, e.value) for e in examples]


def marked(marks: Json, wanted: Json) -> bool:
    """Tell whether an example carries the marks of a row; one that names no outcome takes any."""
    if "outcome" not in wanted:
        return True
    quirk, state = marks.get("x-quirk"), marks.get("x-state")
    if marks.get("x-outcome") != wanted["outcome"] or quirk != wanted.get("quirk"):
        return False
    return "state" not in wanted or state == wanted["state"]


def answers(example: reading.Example, wanted: Json) -> bool:
    """Tell whether an example has the status, the fields and the texts of a row."""
    if example.status != wanted.get("status", example.status) or not holds(example.value, wanted["body"]):
        return False
    texts = {way: value_at(example.value, steps(way)) for way in wanted.get("like", {})}
    return all(isinstance(t, str) and re.search(wanted["like"][way], t) for way, t in texts.items())


@pytest.mark.parametrize("entry", grouped("printed"))
def test_printed_body_is_an_example_word_for_word(entry: tuple[Json, Json]) -> None:
    group, printed = entry
    operation = found(group["operation"])
    contents = reading.contents(operation, printed["in"])
    examples = [e for media in contents for _, e in reading.media_examples(operation.document, media)]

    assert any(same(example["value"], printed["value"]) for example in examples)


@pytest.mark.parametrize("row", TABLE["documents"], ids=lambda row: row["provider"])
def test_document_names_servers_and_credentials(row: Json) -> None:
    root = reading.document(row["provider"])
    schemes = list(root["components"]["securitySchemes"].values())

    assert [server["url"] for server in root["servers"]][: len(row["servers"])] == row["servers"]
    assert any(holds(scheme, row["security"]) for scheme in schemes)
    assert row["sample"] in str(schemes)
    for part, pointer in row["envelope"].items():
        assert pointer in as_list(root["x-envelope"][part])
