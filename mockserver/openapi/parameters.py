"""Parameters as they travel: every place and style of OpenAPI, read into JSON values by their schema."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote, unquote_plus

from mockserver.openapi.negotiation import is_json
from mockserver.openapi.pattern import matches
from mockserver.openapi.payload import OPAQUE, read_json
from mockserver.openapi.schemas import Place, Schemas, parts
from mockserver.openapi.source import Json, Source, escape, join
from mockserver.openapi.violation import Violation

_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}
_IGNORED_HEADERS = ("accept", "content-type", "authorization")  # OpenAPI 3.1, 4.8.12.1


class Parameter(NamedTuple):
    """One documented parameter of an operation."""

    name: str
    location: str
    required: bool
    style: str
    explode: bool
    place: Place | None
    as_json: bool = False
    may_be_empty: bool = False
    takes_slashes: bool = False

    @property
    def pointer(self) -> str:
        """Where a violation of it is shown."""
        name = escape(self.name)
        if self.location == "cookie":
            return f"/header/cookie/{name}"
        return f"/{self.location}/{name.lower() if self.location == 'header' else name}"

    @property
    def where(self) -> str:
        """The part of the message that it stands in; a cookie is a header."""
        return "header" if self.location == "cookie" else self.location


class Sent(NamedTuple):
    """What a request holds besides its body; values are kept as sent, to be split before decoding.

    `by_name` may hold what `joined` makes of the headers: with it a header is found in 0.1 µs, not in 0.4.
    """

    path: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    headers: Sequence[tuple[str, str]]
    by_name: Mapping[str, str] | None = None

    def header(self, name: str) -> str | None:
        """All values of a header as one, or None."""
        if self.by_name is not None:
            return self.by_name.get(name)
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None

    def cookies(self) -> Iterator[tuple[str, str]]:
        """Each cookie by name, as sent."""
        for name, value in self.headers:
            if name == "cookie":
                for pair in value.split(";"):
                    key, _, text = pair.strip().partition("=")
                    yield key, text


def joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Each header by its name, all its values as one."""
    found = dict(headers)
    if len(found) != len(headers):
        for name in found:
            found[name] = ", ".join([value for key, value in headers if key == name])
    return found


def split_query(query: bytes) -> list[tuple[str, str]]:
    """The pairs of a query string: names decoded, values as sent."""
    text = query.decode("latin-1")
    if "%" in text or "+" in text:
        pairs = [part.partition("=") for part in text.split("&") if part]
        return [(unquote_plus(name), value) for name, _, value in pairs]
    if "&" not in text:  # nearly every query: 0.4 µs, where the way above takes 0.8
        name, _, value = text.partition("=")
        return [(name, value)] if text else []
    return [(part.partition("=")[0], part.partition("=")[2]) for part in text.split("&") if part]


def compile_parameter(pointer: str, node: Json) -> Parameter | None:
    """The parameter of a document's node; None for a header that OpenAPI says is to be ignored."""
    location = node["in"]
    if location == "header" and node["name"].lower() in _IGNORED_HEADERS:
        return None
    style = node.get("style", _STYLES.get(location, "form"))
    place, as_json = None, False
    if "schema" in node:
        place = Place(join(pointer, "schema"), node["schema"])
    elif node.get("content"):
        media = next(iter(node["content"]))
        as_json = is_json(media)
        if "schema" in node["content"][media]:
            place = Place(join(pointer, "content", media, "schema"), node["content"][media]["schema"])
    return Parameter(
        name=node["name"],
        location=location,
        required=node.get("required") is True or location == "path",
        style=style,
        explode=node.get("explode", style in ("form", "deepObject")),
        place=place,
        as_json=as_json,
        may_be_empty=node.get("allowEmptyValue") is True,
        takes_slashes=node.get("x-slashes") == "allowed",
    )


def violations(parameters: Iterable[Parameter], sent: Sent, schemas: Schemas) -> Iterator[Violation]:
    """Every way in which the parameters of a request break the document."""
    for parameter in parameters:
        yield from _Reader(parameter, schemas).given(sent, {})


class Absent(Exception):
    """The request does not hold the parameter."""


def read(parameter: Parameter, sent: Sent, source: Source) -> Json:
    """What a request gives a parameter; Absent where it gives nothing, ValueError where it cannot be read."""
    return _read(parameter, sent, _Shape(source, parameter.place.node if parameter.place else True))


def values(parameters: Iterable[Parameter], sent: Sent, source: Source) -> dict[str, dict[str, Json]]:
    """What a request gives its parameters, by place and name; missing and unreadable ones are left out."""
    found: dict[str, dict[str, Json]] = {"path": {}, "query": {}}
    for parameter in parameters:
        with suppress(Absent, ValueError):
            found.setdefault(parameter.location, {})[parameter.name] = read(parameter, sent, source)
    return found


Values: TypeAlias = Mapping[str, Mapping[str, Json]]
_Found: TypeAlias = dict[str, dict[str, Json]]

_EMPTY: Mapping[str, Json] = MappingProxyType({})
_NONE: tuple[tuple[Violation, ...], Values] = ((), MappingProxyType({"path": _EMPTY, "query": _EMPTY}))


class Readers:
    """The parameters of an operation, each with its reader, so that a request is read in one pass."""

    def __init__(self, parameters: Sequence[Parameter], schemas: Schemas) -> None:
        self._parameters = parameters
        self._schemas = schemas

    @cached_property
    def _readers(self) -> list[_Reader]:
        # Made at the first call: a document has many operations that are never called.
        return [_compiled(parameter, self._schemas) for parameter in self._parameters]

    def read(self, sent: Sent) -> tuple[tuple[Violation, ...], Values]:
        """What `violations` and `values` say of a request; both are to be read only."""
        if not self._parameters:
            return _NONE
        found: _Found = {"path": {}, "query": {}}
        broken: list[Violation] = []
        for reader in self._readers:
            reader.read(sent, found, broken)
        return tuple(broken), found


class _Reader:
    """Reads a parameter of any place and style."""

    def __init__(self, parameter: Parameter, schemas: Schemas) -> None:
        self._parameter = parameter
        self._schemas = schemas

    @cached_property
    def _shape(self) -> _Shape:
        # Kept, for to find all parts of a schema takes 3 µs.
        return _Shape(self._schemas.source, self._parameter.place.node if self._parameter.place else True)

    def read(self, sent: Sent, found: _Found, broken: list[Violation]) -> None:
        """Put what a request gives among the values, and what that breaks among the violations."""
        broken.extend(self.given(sent, found))

    def given(self, sent: Sent, found: _Found) -> Iterator[Violation]:
        """Every way in which what a request gives breaks the document; the value is put among the others."""
        parameter = self._parameter
        excused = parameter.may_be_empty and (parameter.name, "") in sent.query
        try:
            value = _read(parameter, sent, self._shape)
        except Absent:
            if parameter.required and not excused:
                yield self._violation("required", "a value", "nothing", "is required")
            return
        except ValueError as error:
            if not excused:
                yield self._violation("style", f"style {parameter.style}", "something else", str(error))
            return
        found.setdefault(parameter.location, {})[parameter.name] = value
        if parameter.place is not None and not excused:
            yield from self._schemas.violations(
                parameter.place, value, where=parameter.where, pointer=parameter.pointer, direction="request"
            )

    def _violation(self, rule: str, wanted: Json, got: Json, message: str) -> Violation:
        parameter, name = self._parameter, self._schemas.source.name
        return Violation(parameter.where, name, parameter.pointer, rule, wanted, got, message)


class _TextReader(_Reader):
    """Reads a parameter that is one text with plain limits: 0.7 µs, where any other takes 10 and more."""

    def __init__(self, parameter: Parameter, schemas: Schemas, accepts: Callable[[str], bool]) -> None:
        super().__init__(parameter, schemas)
        self._name, self._location = parameter.name, parameter.location
        self._may_lack = not parameter.required
        self._accepts = accepts
        self._text = _TEXTS[parameter.location]

    def read(self, sent: Sent, found: _Found, broken: list[Violation]) -> None:
        """The same as of any parameter; one that breaks something is read once more, to say what."""
        text = self._text(self._name, sent)
        if text is None and self._may_lack:
            return
        if text is None or not self._accepts(text):
            super().read(sent, found, broken)
        elif self._location == "header":
            found.setdefault("header", {})[self._name] = text
        else:
            found[self._location][self._name] = text


def _query_text(name: str, sent: Sent) -> str | None:
    found = None
    for key, value in sent.query:
        if key == name:
            found = value
    return found if found is None or ("%" not in found and "+" not in found) else unquote_plus(found)


def _path_text(name: str, sent: Sent) -> str | None:
    text = sent.path[name]
    return unquote(text) if "%" in text else text


def _header_text(name: str, sent: Sent) -> str | None:
    return sent.header(name.lower())


_TEXTS = {"query": _query_text, "path": _path_text, "header": _header_text}
_LIMITS = {"type", "minLength", "maxLength", "pattern"}
_HARMLESS = {"description", "title", "example", "examples", "default", "deprecated", "x-outcomes"}


def _compiled(parameter: Parameter, schemas: Schemas) -> _Reader:
    accepts = _acceptor(parameter)
    return _TextReader(parameter, schemas, accepts) if accepts else _Reader(parameter, schemas)


def _acceptor(parameter: Parameter) -> Callable[[str], bool] | None:
    """Whether a text is fine as it is, where that takes no validator to tell; None where it does."""
    node = parameter.place.node if parameter.place else {}
    is_usual = parameter.location in _TEXTS and parameter.style == _STYLES[parameter.location]
    if not is_usual or parameter.as_json or not isinstance(node, dict):
        return None
    if node.get("type", "string") != "string" or not node.keys() <= _LIMITS | _HARMLESS:
        return None
    return _within(node.get("minLength", 0), node.get("maxLength", math.inf), node.get("pattern"))


def _within(least: float, most: float, pattern: str | None) -> Callable[[str], bool]:
    def accepts(text: str) -> bool:
        return least <= len(text) <= most and (pattern is None or matches(pattern, text))

    return accepts


def meant(
    example: Json, place: Place, source: Source, *, explode: bool = False, as_json: bool = False
) -> Json:
    """What an example of a parameter or header stands for: itself, or the value of its text."""
    if not isinstance(example, str):
        return example
    parameter = Parameter("x", "header", True, "simple", explode, place, as_json)
    try:
        return read(parameter, Sent({}, (), (("x", example),)), source)
    except ValueError:
        return example


def _read(parameter: Parameter, sent: Sent, shape: _Shape) -> Json:
    if parameter.as_json:
        return _read_json(parameter, sent)
    if parameter.location == "query" and parameter.style == "deepObject":
        return _deep_object(parameter, sent, shape)
    if parameter.location in ("query", "cookie") and parameter.explode and shape.kind != "primitive":
        return _exploded_form(parameter, sent, shape)
    raw = _raw(parameter, sent)
    if parameter.location == "path":
        raw = _unprefixed(parameter, raw)
    return _READERS[shape.kind](parameter, raw, shape)


def _raw(parameter: Parameter, sent: Sent) -> str:
    if parameter.location == "path":
        return sent.path[parameter.name]
    if parameter.location == "header":
        found = sent.header(parameter.name.lower())
    else:
        found = next((value for _, value in reversed(_pairs(parameter, sent, parameter.name))), None)
    if found is None:
        raise Absent
    return found


def _pairs(parameter: Parameter, sent: Sent, name: str | None = None) -> list[tuple[str, str]]:
    pairs = sent.query if parameter.location == "query" else list(sent.cookies())
    return [pair for pair in pairs if name is None or pair[0] == name]


def _read_json(parameter: Parameter, sent: Sent) -> Json:
    payload = read_json(_decoded(parameter, _raw(parameter, sent)).encode())
    if payload.fault:
        raise ValueError(payload.fault)
    return payload.value


def _decoded(parameter: Parameter, text: str) -> str:
    if parameter.location == "query":
        return unquote_plus(text)
    return text if parameter.location == "header" else unquote(text)


# --- styles -------------------------------------------------------------------------------------------------

_PREFIXES = {"label": ".", "matrix": ";"}
_SEPARATORS = {"spaceDelimited": r"%20|\+| ", "pipeDelimited": r"\||%7[cC]"}
_ENCODED_COMMA = "%2[cC]"


def _unprefixed(parameter: Parameter, raw: str) -> str:
    prefix = _PREFIXES.get(parameter.style)
    if prefix is None:
        return raw
    if not raw.startswith(prefix):
        raw = unquote(raw)
    if not raw.startswith(prefix):
        raise ValueError(f"the style {parameter.style} begins with {prefix}")
    return raw[1:]


def _primitive(parameter: Parameter, raw: str, shape: _Shape) -> Json:
    if parameter.style == "matrix":
        raw = raw.removeprefix(parameter.name).removeprefix("=")
    return shape.value(_decoded(parameter, raw))


def _array(parameter: Parameter, raw: str, shape: _Shape) -> Json:
    if parameter.style == "matrix" and parameter.explode:
        parts = [part.partition("=")[2] for part in raw.split(";")]
    elif parameter.style == "label" and parameter.explode:
        parts = raw.split(".")
    else:
        if parameter.style == "matrix":
            raw = raw.partition("=")[2]
        parts = _split(parameter, raw, ",")
    parts = [part.strip() for part in parts] if parameter.location == "header" else parts
    return [shape.item(_decoded(parameter, part)) for part in parts]


def _split(parameter: Parameter, raw: str, separator: str) -> list[str]:
    """The parts of a delimited list; an encoded comma divides it too, but where a plain one does."""
    pattern = _SEPARATORS.get(parameter.style, re.escape(separator))
    if separator == "," and "," not in raw and pattern == "," and parameter.location != "header":
        pattern = _ENCODED_COMMA  # clients that encode a list as a whole
    return re.split(pattern, raw) if raw else []


def _object(parameter: Parameter, raw: str, shape: _Shape) -> Json:
    separator = {"label": ".", "matrix": ";"}.get(parameter.style, ",") if parameter.explode else ","
    if parameter.style == "matrix" and not parameter.explode:
        raw = raw.partition("=")[2]
    parts = _split(parameter, raw, separator)
    if parameter.explode:
        pairs = [(name, text) for name, _, text in (part.strip().partition("=") for part in parts)]
    elif len(parts) % 2:
        raise ValueError("an object is sent as name,value,name,value")
    else:
        pairs = list(zip(parts[::2], parts[1::2], strict=True))
    return {
        _decoded(parameter, name.strip()): shape.member(
            _decoded(parameter, name.strip()), _decoded(parameter, text)
        )
        for name, text in pairs
    }


_READERS = {"primitive": _primitive, "array": _array, "object": _object}


def _exploded_form(parameter: Parameter, sent: Sent, shape: _Shape) -> Json:
    if shape.kind == "array":
        values = [_decoded(parameter, value) for _, value in _pairs(parameter, sent, parameter.name)]
        if not values:
            raise Absent
        return [shape.item(value) for value in values]
    known = shape.members()
    pairs = [(name, value) for name, value in _pairs(parameter, sent) if name in known]
    if not pairs:
        raise Absent
    return {name: shape.member(name, _decoded(parameter, value)) for name, value in pairs}


_DEEP = re.compile(r"\[([^\]]*)\]")
_INDEX = re.compile("[0-9]*")


def _deep_object(parameter: Parameter, sent: Sent, shape: _Shape) -> Json:
    result: dict[str, Json] = {}
    found = False
    for name, raw in sent.query:
        if name.startswith(parameter.name + "["):
            found = True
            keys = _DEEP.findall(name[len(parameter.name) :])
            if not keys:
                raise ValueError(f"a deep object is sent as {parameter.name}[name]=value")
            _set_deep(result, keys, unquote_plus(raw), shape)
    if not found:
        raise Absent
    return result


def _set_deep(target: dict[str, Json], keys: list[str], text: str, shape: _Shape) -> None:
    *outer, last = keys
    for key in outer:
        shape = shape.below(key)
        if shape.kind == "array" and key is outer[-1] and _INDEX.fullmatch(last):
            last = key  # list[]=1 and list[0]=1 are other spellings of list=1
            break
        target = _inner(target, key, {})
    else:
        shape = shape.below(last)
    if shape.kind == "array":
        _inner(target, last, []).append(shape.item(text))
    else:
        target[last] = shape.value(text)


def _inner(target: dict[str, Json], key: str, empty: Json) -> Json:
    """The object or list under a key, made where there is none yet."""
    inner = target.setdefault(key, empty)
    if type(inner) is not type(empty):
        raise ValueError(f"{key} is given a value and fields at once")
    return inner


# --- forms --------------------------------------------------------------------------------------------------


def coerce_fields(
    fields: Sequence[tuple[str, str]], schema: Json, source: Source, encoding: Mapping[str, Json]
) -> dict[str, Json]:
    """The fields of a form as one object; a name that stands more than once is a list, as an array's is."""
    shape = _Shape(source, schema)
    result: dict[str, Json] = {}
    for name, text in fields:
        member = shape.below(name)
        as_json = is_json(encoding.get(name, {}).get("contentType", ""))
        if member.kind == "array":
            values = _items(member, text, as_json)
            result[name] = [*_as_list(result.get(name, [])), *values]
        elif as_json or member.kind == "object":
            result[name] = _json_or_text(text)
        elif name in result:
            result[name] = [*_as_list(result[name]), member.value(text)]
        else:
            result[name] = member.value(text)
    return result


def coerce_form(
    pairs: Sequence[tuple[str, str]], schema: Json, source: Source, encoding: Mapping[str, Json]
) -> dict[str, Json]:
    """The pairs of a URL-encoded form as one object, each field in the style that `encoding` gives it."""
    shape = _Shape(source, schema)
    styled: dict[str, Json] = {}
    taken: set[str] = set()
    for name, node in encoding.items():
        if node.keys() & {"style", "explode"}:
            own = [pair for pair in pairs if pair[0] == name or pair[0].startswith(f"{name}[")]
            taken.update(key for key, _ in own)
            with suppress(Absent):
                styled[name] = _read(_as_parameter(name, node), Sent({}, own, ()), shape.below(name))
    rest = [(name, unquote_plus(value)) for name, value in pairs if name not in taken]
    return {**coerce_fields(rest, schema, source, encoding), **styled}


def _as_parameter(name: str, node: Mapping[str, Json]) -> Parameter:
    style = node.get("style", "form")
    return Parameter(name, "query", False, style, node.get("explode", style in ("form", "deepObject")), None)


def _items(shape: _Shape, text: str, as_json: bool) -> list[Json]:
    """The items that one field of a list brings: itself, or those of a list in JSON."""
    if as_json or shape.items().kind == "object":
        return _as_list(_json_or_text(text))
    return [shape.item(text)]


def _as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _json_or_text(text: str) -> Json:
    payload = read_json(text.encode("utf-8", "replace"))
    return text if payload.fault else payload.value


# --- texts into values --------------------------------------------------------------------------------------

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,400})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,400})(\.[0-9]{1,400})?([eE][-+]?[0-9]{1,3})?")
_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


class _Shape:
    """What a schema makes of a text."""

    def __init__(self, source: Source, node: Json) -> None:
        self._source = source
        self._parts = list(parts(source, node))
        self._types = _types(self._parts)

    @property
    def kind(self) -> str:
        if "array" in self._types:
            return "array"
        return "object" if "object" in self._types else "primitive"

    def value(self, text: str) -> Json:
        return coerce(text, self._types)

    def items(self) -> _Shape:
        return _Shape(self._source, next((part["items"] for part in self._parts if "items" in part), True))

    def item(self, text: str) -> Json:
        return self.items().value(text)

    def member(self, name: str, text: str) -> Json:
        return self.below(name).value(text)

    def below(self, name: str) -> _Shape:
        for part in self._parts:
            if name in part.get("properties", {}):
                return _Shape(self._source, part["properties"][name])
        extra = next((p["additionalProperties"] for p in self._parts if "additionalProperties" in p), True)
        return _Shape(self._source, extra)

    def members(self) -> set[str]:
        return {name for part in self._parts for name in part.get("properties", {})}


def types_of(schema: Json, source: Source) -> frozenset[str]:
    """The types that a schema names, itself or in what applies beside it; none where anything goes."""
    return _types(list(parts(source, schema)))


def _types(found_parts: list[dict[str, Any]]) -> frozenset[str]:
    found: set[str] = set()
    for part in found_parts:
        given = part.get("type", ())
        found.update([given] if isinstance(given, str) else given)
        if "type" not in part:
            values = [*part.get("enum", ()), *([part["const"]] if "const" in part else ())]
            found.update(_JSON_TYPES.get(type(value), "null") for value in values)
        if part.get("nullable"):
            found.add("null")
    return frozenset(found)


def coerce_text(text: str, schema: Json, source: Source) -> Json:
    """The value of a body that is a text; OPAQUE where it stands for an object or a list, as XML does."""
    types = types_of(schema, source)
    if types & {"object", "array"} and "string" not in types:
        return OPAQUE
    return coerce(text, types)


def coerce(text: str, types: frozenset[str]) -> Json:
    """The value a text stands for where these types are wanted; the text itself where it is none of them."""
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text) if re.search("[.eE]", text) else int(text)
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if "null" in types and text in ("", "null") and "string" not in types:
        return None
    return text
