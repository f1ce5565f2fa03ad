"""The keywords and x- marks we act on: each is known here, and an unknown one is named with file and line.

The tables below are a grammar of OpenAPI. A kind of object maps its keys to what stands behind them:
another kind, `[kind]` a list of them, `{kind}` a map of them, `any`, or a plain type (`text`, `flag`, …).
`prose` is a text that nothing depends on: one that is no text is odd, and stops no document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal, NamedTuple

from mockserver.openapi.pattern import PatternError, compiled
from mockserver.openapi.source import BUNDLED, Json, Source, join, pointer_of, unescape

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_DESCRIBED = {"summary": "prose", "description": "prose"}

KINDS: Mapping[str, Mapping[str, str]] = {
    "document": {
        "openapi": "text",
        "info": "info",
        "jsonSchemaDialect": "text",
        "servers": "[server]",
        "paths": "paths",
        "webhooks": "{path item}",
        "components": "components",
        "security": "[requirement]",
        "tags": "[tag]",
        "externalDocs": "external docs",
        "x-envelope": "envelope",
        "x-files": "any",
    },
    "info": {
        **_DESCRIBED,
        **dict.fromkeys(("title", "version", "termsOfService"), "prose"),
        "contact": "any",
        "license": "any",
    },
    "server": {"url": "text", "description": "prose", "variables": "{server variable}"},
    "server variable": {"enum": "[any]", "default": "any", "description": "prose"},
    "tag": {"name": "prose", "description": "prose", "externalDocs": "external docs"},
    "external docs": {"url": "prose", "description": "prose"},
    "components": {
        "schemas": "{schema}",
        "responses": "{response}",
        "parameters": "{parameter}",
        "examples": "{example}",
        "requestBodies": "{request body}",
        "headers": "{header}",
        "securitySchemes": "{security scheme}",
        "links": "{link}",
        "callbacks": "{callback}",
        "pathItems": "{path item}",
    },
    "path item": {
        **_DESCRIBED,
        "$ref": "any",
        "servers": "[server]",
        "parameters": "[parameter]",
        **dict.fromkeys(METHODS, "operation"),
        "x-trailing-slash": "optional",
    },
    "operation": {
        **_DESCRIBED,
        "tags": "[prose]",
        "externalDocs": "external docs",
        "operationId": "text",
        "parameters": "[parameter]",
        "requestBody": "request body",
        "responses": "responses",
        "callbacks": "{callback}",
        "deprecated": "flag",
        "security": "[requirement]",
        "servers": "[server]",
        "x-operations": "{variant}",
    },
    "variant": {"when": "schema", "description": "prose"},
    "parameter": {
        "name": "text",
        "in": "location",
        "description": "prose",
        "style": "style",
        **dict.fromkeys(("required", "deprecated", "allowEmptyValue", "explode", "allowReserved"), "flag"),
        "schema": "schema",
        "example": "any",
        "examples": "{example}",
        "content": "{media type}",
        "x-slashes": "allowed",
    },
    "header": {
        "description": "prose",
        "style": "style",
        **dict.fromkeys(("required", "deprecated", "allowEmptyValue", "explode", "allowReserved"), "flag"),
        "schema": "schema",
        "example": "any",
        "examples": "{example}",
        "content": "{media type}",
    },
    "request body": {"description": "prose", "content": "{media type}", "required": "flag"},
    "media type": {
        "schema": "schema",
        "example": "any",
        "examples": "{example}",
        "encoding": "{encoding}",
    },
    "encoding": {
        "contentType": "text",
        "style": "style",
        "headers": "headers",
        "explode": "flag",
        "allowReserved": "flag",
    },
    "response": {
        **_DESCRIBED,
        "headers": "headers",
        "content": "{media type}",
        "links": "{link}",
    },
    "example": {
        **_DESCRIBED,
        "value": "any",
        "externalValue": "text",
        "x-outcome": "outcome",
        "x-state": "text",
        "x-operation": "text",
        "x-quirk": "quirk",
    },
    "link": {
        "operationRef": "text",
        "operationId": "text",
        "parameters": "any",
        "requestBody": "any",
        "description": "prose",
        "server": "server",
    },
    "security scheme": {
        **dict.fromkeys(("description", "bearerFormat", "openIdConnectUrl"), "prose"),
        **dict.fromkeys(("name", "scheme"), "text"),
        "type": "scheme type",
        "in": "location",
        "flows": "any",
    },
    "envelope": {"code": "pointers", "message": "pointers"},
    "xml": {
        **dict.fromkeys(("name", "namespace", "prefix"), "text"),
        "attribute": "flag",
        "wrapped": "flag",
    },
    "discriminator": {"propertyName": "text", "mapping": "{mapped schema}"},
}

_SCHEMA_COMMON = {
    **_DESCRIBED,
    "title": "prose",
    "format": "text",
    "type": "schema type",
    "enum": "[any]",
    "default": "any",
    "example": "any",
    "multipleOf": "step",
    **dict.fromkeys(("minimum", "maximum"), "number"),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), "count"
    ),
    "pattern": "pattern",
    "uniqueItems": "flag",
    "required": "[text]",
    "properties": "{schema}",
    "additionalProperties": "schema",
    "items": "schema",
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), "[schema]"),
    "not": "schema",
    **dict.fromkeys(("readOnly", "writeOnly", "deprecated"), "flag"),
    "discriminator": "discriminator",
    "xml": "xml",
    "externalDocs": "external docs",
    "x-outcomes": "{outcome}",
    "x-rules": "[rule]",
}

SCHEMAS: Mapping[str, Mapping[str, str]] = {
    "3.0": {
        **_SCHEMA_COMMON,
        "nullable": "flag",
        "exclusiveMinimum": "flag",
        "exclusiveMaximum": "flag",
    },
    "3.1": {
        **_SCHEMA_COMMON,
        **dict.fromkeys(("$schema", "$anchor", "$dynamicAnchor", "$id"), "text"),
        "$comment": "prose",
        "$dynamicRef": "dynamic reference",
        **dict.fromkeys(("contentEncoding", "contentMediaType"), "text"),
        "contentSchema": "schema",
        "$vocabulary": "any",
        "$defs": "{schema}",
        "definitions": "{schema}",
        "const": "any",
        "examples": "[any]",
        "exclusiveMinimum": "number",
        "exclusiveMaximum": "number",
        "minContains": "count",
        "maxContains": "count",
        "prefixItems": "[schema]",
        "contains": "schema",
        "patternProperties": "pattern properties",
        "propertyNames": "schema",
        "dependentRequired": "{[text]}",
        "dependentSchemas": "{schema}",
        **dict.fromkeys(("if", "then", "else", "unevaluatedItems", "unevaluatedProperties"), "schema"),
    },
}

# What JSON Schema cannot say, and the engine checks: rules.py has one function for each of these names.
RULES: Mapping[str, Mapping[str, str]] = {
    "difference": {
        "of": "pair",
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum"), "number"),
        "defaults": "flag",
        "outcome": "outcome",
    },
    "https": {"outcome": "outcome"},
    "member": {"of": "pair", "outcome": "outcome"},
}

REFERABLE = frozenset(
    (
        "schema",
        "response",
        "parameter",
        "example",
        "request body",
        "header",
        "security scheme",
        "link",
        "callback",
    )
)
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "document": ("openapi", "info"),
    "info": ("title", "version"),
    "server": ("url",),
    "parameter": ("name", "in"),
    "request body": ("content",),
    "variant": ("when",),
    "security scheme": ("type",),
    "discriminator": ("propertyName",),
}
_TYPES = ("null", "boolean", "object", "array", "number", "string", "integer")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_IN_PLACE = ("allOf", "anyOf", "oneOf")


# What a note finds broken, by the names that `check specs` uses; "meta-schema" is the grammar itself.
Rule = Literal[
    "meta-schema",
    "unknown-keyword",
    "unresolved-ref",
    "circular-ref",
    "unknown-security-scheme",
    "unknown-outcome",
    "unknown-rule",
]


class Note(NamedTuple):
    """Something to say of a place in a document; a fatal one stops it from being served."""

    pointer: str
    reason: str
    fatal: bool
    rule: Rule
    # What should stand there, where that can be said in a few words.
    wanted: str | None = None


def _is(kind: type | tuple[type, ...]) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, kind) and not isinstance(value, bool)


def _one_of(*words: str) -> tuple[Callable[[Json], bool], str]:
    return lambda value: isinstance(value, str) and value in words, f"one of {', '.join(words)}"


_PLAIN: Mapping[str, tuple[Callable[[Json], bool], str]] = {
    "prose": (_is(str), "a text"),
    "text": (_is(str), "a text"),
    "flag": (lambda value: isinstance(value, bool), "true or false"),
    "number": (_is((int, float)), "a number"),
    "count": (lambda value: _is(int)(value) and value >= 0, "a whole number from 0"),
    "step": (lambda value: _is((int, float))(value) and value > 0, "a number above 0"),
    "pair": (lambda value: isinstance(value, list) and [*map(type, value)] == [str, str], "two field names"),
    "location": _one_of("query", "header", "path", "cookie"),
    "style": _one_of("matrix", "label", "simple", "form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "scheme type": _one_of("apiKey", "http", "mutualTLS", "oauth2", "openIdConnect"),
    "optional": (lambda value: value == "optional", "`optional`"),
    "allowed": (lambda value: value == "allowed", "`allowed`"),
    "pointers": (lambda value: isinstance(value, (str, list)), "a JSON pointer or a list of them"),
    "quirk": (lambda value: isinstance(value, str) and "=" in value, "NAME=VALUE"),
}


@dataclass
class Walk:
    """One walk over a document by the grammar: every note it gives rise to."""

    source: Source
    outcomes: frozenset[str]
    notes: list[Note] = field(default_factory=list)
    marked: bool = False
    _seen: set[tuple[str, int]] = field(default_factory=set)
    _led: dict[tuple[str, str], bool] = field(default_factory=dict)
    _references: list[tuple[str, str]] = field(default_factory=list)
    _waiting: list[tuple[str, Json, str]] = field(default_factory=list)

    def run(self) -> list[Note]:
        """Walk the whole document, then everything it took in from files beside it."""
        self._object("document", self.source.data, "")
        # What is referred to waits for its turn: a long chain of references is no deep nesting.
        while self._waiting:
            self._value(*self._waiting.pop())
        wanted = ("paths",) if self.source.version == "3.0" else ("paths", "webhooks", "components")
        if not any(key in self.source.data for key in wanted):
            self._fatal("", f"no `paths`: OpenAPI {self.source.version} wants {' or '.join(wanted)}")
        self.notes.extend(_circles(self.source, self._references))
        return [note._replace(fatal=True) if self._is_strict(note) else note for note in self.notes]

    def _is_strict(self, note: Note) -> bool:
        return self.marked and not note.pointer.startswith("/x-files")

    def _fatal(self, pointer: str, reason: str, rule: Rule = "meta-schema") -> None:
        self.notes.append(Note(pointer, reason, True, rule))

    def _wants(
        self, pointer: str, wanted: str, got: Json, rule: Rule = "meta-schema", *, fatal: bool = True
    ) -> None:
        self.notes.append(Note(pointer, f"wanted {wanted}, got {_shown(got)}", fatal, rule, wanted))

    def _value(self, kind: str, value: Json, pointer: str) -> None:
        if kind == "any":
            return
        if kind in _PLAIN:
            fits, wanted = _PLAIN[kind]
            if not fits(value):
                self._wants(pointer, wanted, value, fatal=kind != "prose")
        elif kind.startswith("["):
            self._list(kind[1:-1], value, pointer)
        elif kind.startswith("{"):
            self._map(kind[1:-1], value, pointer)
        elif special := getattr(self, "_" + kind.replace(" ", "_"), None):
            special(value, pointer)
        else:
            self._object(kind, value, pointer)

    def _list(self, kind: str, value: Json, pointer: str) -> None:
        if not isinstance(value, list):
            self._wants(pointer, "a list", value)
            return
        for index, item in enumerate(value):
            self._value(kind, item, join(pointer, index))

    def _map(self, kind: str, value: Json, pointer: str) -> None:
        if not isinstance(value, dict):
            self._wants(pointer, "a mapping", value)
            return
        for key, item in value.items():
            self._value(kind, item, join(pointer, key))

    def _object(self, kind: str, value: Json, pointer: str, keys: Mapping[str, str] | None = None) -> None:
        keys = KINDS[kind] if keys is None else keys
        if not isinstance(value, dict):
            self._wants(pointer, _article(kind), value)
            return
        if (kind, id(value)) in self._seen:
            return
        self._seen.add((kind, id(value)))
        referable = kind in REFERABLE
        if referable and "$ref" in value and not self._reference(kind, value, pointer):
            return
        for key in _NEEDED.get(kind, ()):
            if key not in value and "$ref" not in value:
                self._fatal(pointer, f"{_article(kind)} needs `{key}`")
        for key, item in value.items():
            if key in keys:
                self._value(keys[key], item, join(pointer, key))
            elif not key.startswith("x-") and not (referable and key == "$ref"):
                reason = _unknown_keyword(key, kind, keys)
                self.notes.append(Note(join(pointer, key), reason, False, "unknown-keyword"))

    def _reference(self, kind: str, value: dict[str, Json], pointer: str) -> bool:
        """Check where a reference leads, and say whether its siblings count."""
        ref = value["$ref"]
        place = join(pointer, "$ref")
        if not isinstance(ref, str):
            self._wants(place, "a reference", ref, "unresolved-ref")
            return False
        self._references.append((pointer, ref))
        if not self._leads(kind, ref):
            self._fatal(place, _lost(ref), "unresolved-ref")
        return kind == "schema" and self.source.version == "3.1"

    def _leads(self, kind: str, ref: str) -> bool:
        """Whether a reference leads anywhere; what it leads to is walked once."""
        if (kind, ref) not in self._led:
            try:
                self._waiting.append((kind, self.source.resolve(ref), pointer_of(ref)))
                self._led[kind, ref] = True
            except LookupError:
                self._led[kind, ref] = False
        return self._led[kind, ref]

    # --- kinds with a rule of their own ---------------------------------------------------------------------

    def _paths(self, value: Json, pointer: str) -> None:
        if not isinstance(value, dict):
            self._wants(pointer, "a mapping of paths", value)
            return
        for path, item in value.items():
            if path.startswith("x-"):
                continue
            if not path.startswith("/"):
                self._fatal(join(pointer, path), f"the path {path!r} does not begin with /")
            self._value("path item", item, join(pointer, path))

    def _path_item(self, value: Json, pointer: str) -> None:
        self._object("path item", value, pointer)
        if isinstance(value, dict) and "$ref" in value:
            self._reference("path item", value, pointer)

    def _responses(self, value: Json, pointer: str) -> None:
        if not isinstance(value, dict):
            self._wants(pointer, "a mapping of responses", value)
            return
        for status, response in value.items():
            if status.startswith("x-"):
                continue
            if status != "default" and not re.fullmatch(r"[1-5]([0-9][0-9]|XX)", status):
                wanted = "200, 4XX or default"
                reason = f"{status!r} is no status: wanted {wanted}"
                self.notes.append(Note(join(pointer, status), reason, True, "meta-schema", wanted))
            self._value("response", response, join(pointer, status))

    def _callback(self, value: Json, pointer: str) -> None:
        if isinstance(value, dict) and "$ref" in value:
            self._reference("callback", value, pointer)
            return
        self._map("path item", {k: v for k, v in value.items() if not k.startswith("x-")}, pointer)

    def _requirement(self, value: Json, pointer: str) -> None:
        if not isinstance(value, dict):
            self._wants(pointer, "a mapping of security schemes", value)
            return
        components = self.source.data.get("components")
        known = components.get("securitySchemes", {}) if isinstance(components, dict) else {}
        known = known if isinstance(known, dict) else {}
        for name in value:
            if name not in known:
                reason = f"no security scheme is named {name!r}{_known(name, known)}"
                self._fatal(join(pointer, name), reason, "unknown-security-scheme")

    def _outcome(self, value: Json, pointer: str) -> None:
        self.marked = True
        if not isinstance(value, str) or value not in self.outcomes:
            reason = f"{_shown(value)} is no outcome{_known(value, sorted(self.outcomes))}"
            self._fatal(pointer, reason, "unknown-outcome")

    def _rule(self, value: Json, pointer: str) -> None:
        name = value.get("rule") if isinstance(value, dict) else None
        if not isinstance(name, str) or name not in RULES:
            self._fatal(pointer, f"{_shown(name)} is no rule{_known(name, RULES)}", "unknown-rule")
            return
        keys = RULES[name]
        if "of" in keys and "of" not in value:
            self._fatal(pointer, f"the rule {name!r} needs `of`: two field names", "unknown-rule")
        for key, item in value.items():
            if key in keys:
                self._value(keys[key], item, join(pointer, key))
            elif key != "rule":
                reason = f"the rule {name!r} has no `{key}`{_known(key, keys)}"
                self._fatal(join(pointer, key), reason, "unknown-rule")

    def _schema(self, value: Json, pointer: str) -> None:
        if isinstance(value, bool):
            return
        self._object("schema", value, pointer, SCHEMAS[self.source.version])

    def _schema_type(self, value: Json, pointer: str) -> None:
        given = value if isinstance(value, list) and self.source.version == "3.1" else [value]
        for name in given:
            if name not in _TYPES:
                self._fatal(pointer, f"{_shown(name)} is no type{_known(name, _TYPES)}")

    def _dynamic_reference(self, value: Json, pointer: str) -> None:
        """Those that name an anchor of the document were made plain when it was read."""
        if not isinstance(value, str) or not self._leads("schema", value):
            self._fatal(pointer, _lost(str(value)), "unresolved-ref")

    def _mapped_schema(self, value: Json, pointer: str) -> None:
        """A schema by its reference, or by the name it has in the components."""
        if not isinstance(value, str):
            self._wants(pointer, "the name of a schema", value)
            return
        ref = value if "/" in value else f"#/components/schemas/{value}"
        try:
            self.source.resolve(ref)
        except LookupError:
            self._fatal(pointer, _lost(value), "unresolved-ref")

    def _headers(self, value: Json, pointer: str) -> None:
        self._map("header", value, pointer)
        for name in value if isinstance(value, dict) else ():
            if not _HEADER_NAME.fullmatch(name):
                self._fatal(join(pointer, name), f"{_shown(name)} cannot be the name of a header")

    def _pattern_properties(self, value: Json, pointer: str) -> None:
        self._map("schema", value, pointer)
        for pattern in value if isinstance(value, dict) else ():
            self._pattern(pattern, join(pointer, pattern))

    def _pattern(self, value: Json, pointer: str) -> None:
        if not isinstance(value, str):
            self._wants(pointer, "a pattern", value)
            return
        try:
            compiled(value)
        except PatternError as error:
            self._fatal(pointer, str(error))


def _lost(ref: str) -> str:
    if re.match(r"[a-z][a-z0-9+.-]*:", ref, re.IGNORECASE):
        return f"$ref {ref!r} is outside this folder, and nothing is fetched; put a copy beside the document"
    if ref.startswith(f"#/{BUNDLED}/"):
        key, _, inner = ref[len(BUNDLED) + 3 :].partition("/")
        written = f"{unescape(key)}#/{inner}"
        return f"$ref {written!r} refers to nothing in that file"
    return f"$ref {ref!r} refers to nothing in this document"


def _unknown_keyword(key: str, kind: str, known: Iterable[str]) -> str:
    return f"unknown keyword `{key}` in {_article(kind)}{_meant(key, tuple(known))}"


def _known(name: Json, known: Iterable[str]) -> str:
    """The words to choose from, and the one that was most likely meant."""
    words = tuple(known)
    meant = _meant(name, words) if isinstance(name, str) else ""
    return f"{meant}; known: {', '.join(words) or 'none'}"


@lru_cache(maxsize=256)
def _meant(name: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.75)
    return f" (did you mean `{close[0]}`?)" if close else ""


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeio" else f"a {kind}"


def _shown(value: Json) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = "null" if value is None else repr(value) if isinstance(value, str) else str(value).lower()
    return text if len(text) <= 60 else text[:57] + "…"


# --- circles ------------------------------------------------------------------------------------------------


def _circles(source: Source, references: list[tuple[str, str]]) -> Iterator[Note]:
    """References that come back to themselves without passing through a property or an item."""
    done: set[str] = set()
    for pointer, ref in references:
        if ref not in done:
            trail = _circle(source, ref, done)
            if trail:
                done.update(trail)
                reason = f"$ref in a circle: {' → '.join(trail)}"
                yield Note(join(pointer, "$ref"), reason, True, "circular-ref")


def _circle(source: Source, start: str, done: set[str]) -> list[str] | None:
    trail: dict[str, None] = {}
    stack: list[tuple[str, bool]] = [(start, False)]
    while stack:
        ref, leaving = stack.pop()
        if leaving:
            del trail[ref]
            done.add(ref)
        elif ref in trail:
            refs = list(trail)
            return [*refs[refs.index(ref) :], ref]
        elif ref not in done:
            trail[ref] = None
            stack.append((ref, True))
            stack.extend((other, False) for other in _in_place(source, ref))
    return None


def _in_place(source: Source, ref: str) -> list[str]:
    """The references that apply to the very value which `ref` describes."""
    try:
        nodes = [source.resolve(ref)]
    except LookupError:
        return []
    found: list[str] = []
    seen: set[int] = set()
    while nodes:
        node = nodes.pop()
        if not isinstance(node, dict) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node.get("$ref"), str):
            found.append(node["$ref"])
        for keyword in _IN_PLACE:
            nodes.extend(node[keyword] if isinstance(node.get(keyword), list) else ())
        nodes.extend(node[key] for key in ("not", "if", "then", "else") if key in node)
        dependent = node.get("dependentSchemas")
        nodes.extend(dependent.values() if isinstance(dependent, dict) else ())
    return found
