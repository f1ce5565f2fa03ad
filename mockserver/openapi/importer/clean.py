"""One OpenAPI document into a clean 3.1 one: old forms made new, foreign keys left out, each of them told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from mockserver.openapi.pattern import PatternError, compiled
from mockserver.openapi.problem import Json, at, join
from mockserver.openapi.source import pointer_of
from mockserver.openapi.vocabulary import KINDS, METHODS, REFERABLE, SCHEMAS

Tell: TypeAlias = Callable[[str, str], None]
VERSION = "3.1.0"

# What stands first in an object; the rest follows as the grammar has it.
_FIRST: Mapping[str, tuple[str, ...]] = {
    "document": ("openapi", "info", "servers", "security", "tags", "externalDocs", "x-envelope", "paths"),
    "info": ("title", "version"),
    "operation": ("operationId", "tags", "summary", "description", "deprecated", "security", "servers"),
    "parameter": ("name", "in", "required", "description"),
    "request body": ("description", "required"),
    "tag": ("name",),
    "schema": ("$ref", "type", "format", "title", "description"),
    "security scheme": ("type", "description", "scheme", "bearerFormat", "in", "name"),
}
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_ANNOTATIONS = frozenset(
    ("title", "description", "example", "examples", "default", "deprecated", "readOnly", "writeOnly", "xml")
)
_APPLIES = ("allOf", "anyOf", "oneOf")
_TYPES = frozenset(("null", "boolean", "object", "array", "number", "string", "integer"))


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_FITS: Mapping[str, tuple[Callable[[Json], bool], str]] = {
    "flag": (lambda value: isinstance(value, bool), "true or false"),
    "number": (_is_number, "a number"),
    "count": (_is_count, "a whole number from 0"),
    "step": (lambda value: _is_number(value) and value > 0, "a number above 0"),
}


class Cleaner:
    """One walk over a document by the grammar of the keywords; `renames` leads references to new names."""

    def __init__(self, data: dict[str, Json], tell: Tell, renames: Mapping[str, str] | None = None) -> None:
        self._data = data
        self._old = str(data.get("openapi", "")).startswith("3.0")
        self._tell = tell
        self._renames = dict(renames or {})

    def document(self) -> dict[str, Json]:
        """The clean document; what the walk leaves out it tells."""
        self._renames.update(self._odd_names())
        clean: dict[str, Json] = self._object("document", {**self._data, "openapi": VERSION}, "")
        if not isinstance(clean.get("info", {}), dict):
            self._tell("/info", "left out, for it is no mapping")
            del clean["info"]
        if "paths" not in clean and not clean.keys() & {"webhooks", "components"}:
            clean["paths"] = {}
        for section, components in _mapping(clean.get("components")).items():
            clean["components"][section] = {
                self._renamed(section, name): value for name, value in _mapping(components).items()
            }
        whole: dict[str, Json] = ordered("document", clean)
        return whole

    # --- names of components --------------------------------------------------------------------------------

    def _odd_names(self) -> dict[str, str]:
        """Names that components may not have, such as `Page«Song»`, and the ones they get."""
        renames = {}
        for section, components in _mapping(self._data.get("components")).items():
            taken = set(_mapping(components))
            for name in _mapping(components):
                if not _NAME.fullmatch(name) and not section.startswith("x-"):
                    new = free(re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("_") or "Unnamed", taken)
                    taken.add(new)
                    renames[f"#/components/{section}/{name}"] = f"#/components/{section}/{new}"
                    self._tell(
                        join("/components", section, name), f"renamed {new}, for a name holds no such signs"
                    )
        return renames

    def _renamed(self, section: str, name: str) -> str:
        ref = f"#/components/{section}/{name}"
        return self._renames.get(ref, ref).rpartition("/")[2] if ref in self._renames else name

    def _led(self, ref: str) -> str:
        if not self._renames:
            return ref
        try:
            plain = "#" + pointer_of(ref)
        except KeyError:
            return ref
        for old, new in self._renames.items():
            if plain == old or plain.startswith(old + "/"):
                return new + plain[len(old) :]
        return ref

    # --- the walk -------------------------------------------------------------------------------------------

    def _value(self, kind: str, value: Json, pointer: str) -> Json:
        if kind.startswith("["):
            items = value if isinstance(value, list) else []
            if not isinstance(value, list):
                self._tell(pointer, "left out, for it is no list")
            return [self._value(kind[1:-1], item, join(pointer, index)) for index, item in enumerate(items)]
        if kind.startswith("{"):
            return self._map(kind[1:-1], value, pointer)
        special = getattr(self, "_" + kind.replace(" ", "_"), None)
        if special is not None:
            return special(value, pointer)
        return self._object(kind, value, pointer) if kind in KINDS else value

    def _map(self, kind: str, value: Json, pointer: str) -> Json:
        if not isinstance(value, dict):
            self._tell(pointer, "left out, for it is no mapping")
            return {}
        return {key: self._value(kind, item, join(pointer, key)) for key, item in value.items()}

    def _object(self, kind: str, value: Json, pointer: str, keys: Mapping[str, str] | None = None) -> Json:
        keys = KINDS[kind] if keys is None else keys
        if not isinstance(value, dict):
            return value
        clean: dict[str, Json] = {}
        for key, item in value.items():
            place = join(pointer, key)
            if key == "$ref" and (kind in REFERABLE or key in keys):
                clean[key] = self._led(item) if isinstance(item, str) else item
            elif key not in keys:
                self._tell(place, f"left out, {_foreign(key, kind)}")
            elif item is None and keys[key] != "any":
                continue
            elif self._fits(keys[key], item, place):
                clean[key] = self._value(keys[key], item, place)
        return ordered(kind, clean)

    def _fits(self, kind: str, item: Json, place: str) -> bool:
        fits, wanted = _FITS.get(kind, (None, ""))
        if fits is None or fits(item):
            return kind != "pattern" or self._is_pattern(item, place)
        self._tell(place, f"left out, for it is {item!r} and not {wanted}")
        return False

    def _is_pattern(self, item: Json, place: str) -> bool:
        try:
            compiled(item)
        except (PatternError, TypeError) as error:
            self._tell(place, f"left out: {error}")
            return False
        return True

    # --- kinds with a rule of their own ---------------------------------------------------------------------

    def _prose(self, value: Json, pointer: str) -> Json:
        # `version: 1.0` is a number in YAML, and a text to whoever wrote it.
        return value if isinstance(value, str) else str(value)

    _text = _prose

    def _paths(self, value: Json, pointer: str) -> Json:
        if not isinstance(value, dict):
            return value
        clean = self._items(value, pointer)
        return {path: self._templated(path, item, join(pointer, path)) for path, item in clean.items()}

    def _items(self, value: Json, pointer: str) -> dict[str, Json]:
        clean = {}
        for path, item in _mapping(value).items():
            place = join(pointer, path)
            if path.startswith("x-"):
                self._tell(place, f"left out, {_foreign(path, 'paths')}")
            else:
                clean[path] = self._value("path item", item, place)
        return clean

    def _templated(self, path: str, item: Json, pointer: str) -> Json:
        """Every name in braces is a parameter, also where the page forgot to say so."""
        for method in METHODS:
            operation = _mapping(item).get(method)
            if not isinstance(operation, dict):
                continue
            declared = [*self._names(item.get("parameters")), *self._names(operation.get("parameters"))]
            for name in dict.fromkeys(re.findall(r"\{([^{}]+)\}", path)):
                if name not in declared and None not in declared:
                    added = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                    operation.setdefault("parameters", []).append(added)
                    item[method] = ordered("operation", operation)
                    self._tell(
                        join(pointer, method), f"the path's {{{name}}} was no parameter, and is one now"
                    )
        return item

    def _names(self, parameters: Json) -> Iterable[str | None]:
        """The names of path parameters; None for one that is not to be found."""
        for parameter in parameters if isinstance(parameters, list) else ():
            node = parameter
            if isinstance(node, dict) and "$ref" in node:
                try:
                    node = at(self._data, pointer_of(node["$ref"]))
                except (KeyError, TypeError, AttributeError):
                    node = None
            if not isinstance(node, dict):
                yield None
            elif node.get("in") == "path":
                yield node.get("name")

    def _parameter(self, value: Json, pointer: str) -> Json:
        clean = self._object("parameter", value, pointer)
        if isinstance(clean, dict) and "$ref" not in clean:
            if clean.get("in") == "path" and clean.get("required") is not True:
                clean["required"] = True
                self._tell(pointer, "required now, as every parameter of a path is")
            if not clean.keys() & {"schema", "content"}:
                clean["schema"] = {}
            clean = self._one_example(ordered("parameter", clean), pointer)
        return clean

    def _header(self, value: Json, pointer: str) -> Json:
        clean = self._object("header", value, pointer)
        if isinstance(clean, dict) and not clean.keys() & {"$ref", "schema", "content"}:
            clean["schema"] = {}
        return self._one_example(clean, pointer)

    def _media_type(self, value: Json, pointer: str) -> Json:
        return self._one_example(self._object("media type", value, pointer), pointer)

    def _one_example(self, clean: Json, pointer: str) -> Json:
        """`example` and `examples` exclude each other; where both are, the first joins the others."""
        if isinstance(clean, dict) and "example" in clean and isinstance(clean.get("examples"), dict):
            value = clean.pop("example")
            if all(_mapping(one).get("value") != value for one in clean["examples"].values()):
                clean["examples"] = {
                    free("example", set(clean["examples"])): {"value": value},
                    **clean["examples"],
                }
        return clean

    def _responses(self, value: Json, pointer: str) -> Json:
        if not isinstance(value, dict):
            return value
        clean = {}
        for status, response in value.items():
            place = join(pointer, status)
            if status.startswith("x-"):
                self._tell(place, f"left out, {_foreign(status, 'responses')}")
            else:
                # Some pages write 4xx, which the grammar does not have.
                known = status.upper() if re.fullmatch("[1-5][xX]{2}", status) else status
                clean[known] = self._described(self._value("response", response, place), known)
        return clean

    def _response(self, value: Json, pointer: str) -> Json:
        return self._described(self._object("response", value, pointer), "")

    def _described(self, response: Json, status: str) -> Json:
        if isinstance(response, dict) and "$ref" not in response and not response.get("description"):
            known = status.isdecimal() and int(status) in set(HTTPStatus)
            return {"description": HTTPStatus(int(status)).phrase if known else "", **_bare(response)}
        return response

    def _callback(self, value: Json, pointer: str) -> Json:
        if isinstance(value, dict) and "$ref" in value:
            return self._object("callback", value, pointer, {})
        return self._items(value, pointer)

    def _headers(self, value: Json, pointer: str) -> Json:
        return self._map("header", value, pointer)

    def _pattern_properties(self, value: Json, pointer: str) -> Json:
        clean = self._map("schema", value, pointer)
        return {key: item for key, item in clean.items() if self._is_pattern(key, join(pointer, key))}

    def _requirement(self, value: Json, pointer: str) -> Json:
        if not isinstance(value, dict):
            return value
        return {self._renamed("securitySchemes", name): scopes or [] for name, scopes in value.items()}

    def _mapped_schema(self, value: Json, pointer: str) -> Json:
        if not isinstance(value, str):
            return value
        return self._led(value) if "/" in value else self._renamed("schemas", value)

    # --- schemas --------------------------------------------------------------------------------------------

    def _schema(self, value: Json, pointer: str) -> Json:
        if not isinstance(value, dict):
            return value
        schema = self._alone(value, pointer) if self._old and "$ref" in value else dict(value)
        self._lead_somewhere(schema, pointer)
        # What is neither true nor false stays, to be told as a key that OpenAPI 3.1 does not have.
        nullable = isinstance(schema.get("nullable"), bool) and schema.pop("nullable")
        self._limit(schema, "exclusiveMinimum", "minimum", pointer)
        self._limit(schema, "exclusiveMaximum", "maximum", pointer)
        self._type(schema, pointer)
        if isinstance(schema.get("required"), bool):
            required = str(schema.pop("required")).lower()
            self._tell(
                join(pointer, "required"), f"left out: `required: {required}` in a schema says nothing"
            )
        clean = self._object("schema", schema, pointer, SCHEMAS["3.1"])
        return _with_null(_with_examples(clean)) if nullable else _with_examples(clean)

    def _alone(self, schema: dict[str, Json], pointer: str) -> dict[str, Json]:
        """In OpenAPI 3.0 nothing counts that stands beside a $ref; in 3.1 it would."""
        for key in schema:
            if key not in ("$ref", "summary", "description") and not key.startswith("x-"):
                self._tell(join(pointer, key), "left out: beside a $ref it says nothing in OpenAPI 3.0")
        return {key: schema[key] for key in ("$ref", "description") if key in schema}

    def _lead_somewhere(self, schema: dict[str, Json], pointer: str) -> None:
        ref = schema.get("$ref")
        if not isinstance(ref, str):
            return
        reason = "leads nowhere in this block"
        if ref.startswith("#/"):
            try:
                at(self._data, pointer_of(ref))
            except KeyError:
                self._tell(join(pointer, "$ref"), f"{ref!r} left out: it {reason}")
                del schema["$ref"]
        elif re.match(r"[^#:]+\.(ya?ml|json)\b", ref):
            self._tell(join(pointer, "$ref"), f"{ref!r} left out: it leads to another file")
            del schema["$ref"]

    def _limit(self, schema: dict[str, Json], exclusive: str, inclusive: str, pointer: str) -> None:
        """`exclusiveMinimum: true` beside `minimum: 3` is now `exclusiveMinimum: 3`."""
        if not isinstance(schema.get(exclusive), bool):
            return
        if not schema.pop(exclusive):
            return
        if _is_number(schema.get(inclusive)):
            schema[exclusive] = schema.pop(inclusive)
        else:
            self._tell(join(pointer, exclusive), f"left out: true says nothing without `{inclusive}`")

    def _type(self, schema: dict[str, Json], pointer: str) -> None:
        if "type" not in schema:
            return
        kind = schema.pop("type")
        given = kind if isinstance(kind, list) else [kind]
        types = [known for one in given if (known := _plain_type(one)) is not None]
        if "file" in given:
            schema.setdefault("format", "binary")
        for one in given:
            if one != "any" and _plain_type(one) is None:
                self._tell(join(pointer, "type"), f"{one!r} left out, for it is no type")
        if types and "any" not in given:
            schema["type"] = list(dict.fromkeys(types)) if isinstance(kind, list) else types[0]

    def _discriminator(self, value: Json, pointer: str) -> Json:
        return self._object(
            "discriminator", {"propertyName": value} if isinstance(value, str) else value, pointer
        )


def _plain_type(name: Json) -> str | None:
    if name is None:
        return "null"
    if name == "file":
        return "string"
    # The expanded form writes `enum<string>`.
    match = re.fullmatch(r"enum<(\w+)>", name) if isinstance(name, str) else None
    name = match[1] if match else name
    return name if isinstance(name, str) and name in _TYPES else None


def _with_examples(schema: dict[str, Json]) -> dict[str, Json]:
    if "example" not in schema:
        return schema
    example = schema.pop("example")
    others = schema.get("examples", [])
    schema["examples"] = others if example in others else [example, *others]
    ordered_schema: dict[str, Json] = ordered("schema", schema)
    return ordered_schema


def _with_null(schema: dict[str, Json]) -> dict[str, Json]:
    """What `nullable: true` meant: null passes, whatever else the schema says."""
    if any(key in schema for key in (*_APPLIES, "const", "not")):
        rest = {key: item for key, item in schema.items() if key not in _ANNOTATIONS}
        kept = {key: item for key, item in schema.items() if key in _ANNOTATIONS}
        ordered_schema: dict[str, Json] = ordered("schema", {**kept, "anyOf": [rest, {"type": "null"}]})
        return ordered_schema
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = types if "null" in types else [*types, "null"]
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema


def ordered(kind: str, value: Json) -> Any:
    """An object with its keys in the order of the grammar; what that does not know comes last."""
    if not isinstance(value, dict):
        return value
    keys = SCHEMAS["3.1"] if kind == "schema" else KINDS.get(kind, {})
    order = dict.fromkeys((*_FIRST.get(kind, ()), *keys))
    known = {key: value[key] for key in order if key in value}
    return {**known, **{key: item for key, item in value.items() if key not in known}}


def _foreign(key: str, kind: str) -> str:
    if key.startswith("x-"):
        return "an extension that nothing here acts on"
    return f"for OpenAPI 3.1 has no such key in {'an' if kind[0] in 'aeio' else 'a'} {kind}"


def _bare(response: dict[str, Json]) -> dict[str, Json]:
    return {key: item for key, item in response.items() if key != "description"}


def with_info(document: dict[str, Json]) -> dict[str, Json]:
    """The document with the title and version that it must have; for a missing title, the host."""
    given = _mapping(document.get("info"))
    info = ordered("info", {"title": _title(document), "version": "0", **given})
    whole: dict[str, Json] = ordered("document", {**document, "info": info})
    return whole


def _title(document: dict[str, Json]) -> str:
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    url = first.get("url") if isinstance(first, dict) else None
    host = re.sub(r"^[a-z]+://|[/:].*$", "", url) if isinstance(url, str) else ""
    return host or "Imported API"


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def free(name: str, taken: Iterable[str]) -> str:
    """A name that is not taken: the one asked for, or with the first number that makes it new."""
    known = set(taken)
    number, new = 2, name
    while new in known:
        new, number = f"{name}{number}", number + 1
    return new
