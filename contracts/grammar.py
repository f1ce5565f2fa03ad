"""What stands in an OpenAPI document, thing by thing, and what the meta-schema asks of each beyond its keys.

The keys and the plain values are the grammar of `mockserver.openapi.vocabulary`; a server can live without
what is asked here, a valid document cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from mockserver.openapi.source import Json, Source, join, pointer_of, unescape
from mockserver.openapi.vocabulary import KINDS, METHODS, SCHEMAS


class Fault(NamedTuple):
    """Something wrong at a pointer of a document."""

    rule: str
    pointer: str
    reason: str
    wanted: Json = None
    got: Json = None
    is_error: bool = True


class Thing(NamedTuple):
    """An object of a document: what kind it is, where it stands, and what kind of thing it is a part of."""

    kind: str
    node: dict[str, Json]
    pointer: str
    holder: str

    @property
    def key(self) -> str:
        """The last word of its pointer: a path, a media type, a field."""
        return unescape(self.pointer.rpartition("/")[2])


class _Step(NamedTuple):
    kind: str
    node: Json
    pointer: str
    holder: str


# --- every thing of a document ------------------------------------------------------------------------------

HOLDERS = frozenset(("response", "header", "request body", "parameter", "schema"))
_MAPS = {
    "paths": "path item",
    "responses": "response",
    "callback": "path item",
    "headers": "header",
    "pattern properties": "schema",
}
# Words that are maps of the author's own names, in which `x-…` is a name like any other.
_OWN_NAMES = frozenset(("headers", "pattern properties"))
# Kinds whose other keys count beside a `$ref`.
_GO_ON = frozenset(("schema", "path item"))


def things(source: Source) -> Iterator[Thing]:
    """Every object of a document by its grammar, each once per kind of holder; a broken document will do."""
    waiting = [_Step("document", source.data, "", "")]
    seen: set[tuple[int, str, str]] = set()
    while waiting:
        step = waiting.pop()
        mark = (id(step.node), step.kind, step.holder)
        if isinstance(step.node, (dict, list)) and mark not in seen:
            seen.add(mark)
            if isinstance(step.node, dict) and step.kind[0] not in "[{":
                yield Thing(*step)
            waiting.extend(reversed(list(_below(source, step))))


def _below(source: Source, step: _Step) -> Iterator[_Step]:
    kind, node, pointer, holder = step
    if isinstance(node, list):
        if kind[0] == "[":
            for index, item in enumerate(node):
                yield _step(kind[1:-1], item, join(pointer, index), holder)
        return
    ref = node.get("$ref")
    if isinstance(ref, str) and kind[0] not in "[{":
        target = resolved(source, ref)
        if target is not None:
            yield _step(kind, target, pointer_of(ref), holder)
        if kind not in _GO_ON or (kind == "schema" and source.version == "3.0"):
            return
    for key, item in node.items():
        inner = _kind_of(kind, key, source.version)
        if inner is not None:
            yield _step(inner, item, join(pointer, key), holder)


def _step(kind: str, node: Json, pointer: str, holder: str) -> _Step:
    return _Step(kind, node, pointer, kind if kind in HOLDERS else holder)


def _kind_of(kind: str, key: str, version: str) -> str | None:
    """What stands under a key of a thing of some kind; None where nothing with keys can be below it."""
    if kind.startswith("["):
        return None
    if kind.startswith("{"):
        return kind[1:-1]
    if kind in _MAPS:
        return None if key.startswith("x-") and kind not in _OWN_NAMES else _MAPS[kind]
    inner = (SCHEMAS[version] if kind == "schema" else KINDS.get(kind, {})).get(key)
    return None if inner in (None, "any", "text", "flag", "prose") else inner


def resolved(source: Source, ref: str) -> Json:
    """What a reference leads to; None where it leads nowhere."""
    try:
        return source.resolve(ref)
    except LookupError:
        return None


def followed(source: Source, node: Json, pointer: str) -> tuple[dict[str, Json], str]:
    """A node, or what its `$ref` leads to, and where that stands; empty where it leads nowhere."""
    try:
        found, place = source.through(node, pointer)
    except LookupError:
        return {}, pointer
    return (found, place) if isinstance(found, dict) else ({}, place)


# --- operations as they are written -------------------------------------------------------------------------


class Written(NamedTuple):
    """An operation of `paths` as it is written, with what its path item shares with it."""

    method: str
    path: str
    node: dict[str, Json]
    pointer: str
    item: dict[str, Json]
    item_pointer: str

    @property
    def names(self) -> list[str]:
        """Its operationId, or else its method and path, and the names of its variants."""
        name = self.node.get("operationId")
        variants = self.node.get("x-operations")
        first = name if isinstance(name, str) and name else f"{self.method} {self.path}"
        return [first, *(variants if isinstance(variants, dict) else ())]


def written(source: Source) -> list[Written]:
    """Every operation of `paths` that is an object at all, in the order of the document."""
    paths = source.data.get("paths")
    found: list[Written] = []
    for path, beside in paths.items() if isinstance(paths, dict) else ():
        if isinstance(beside, dict) and not path.startswith("x-"):
            found.extend(_of_path(source, path, beside))
    return found


def _of_path(source: Source, path: str, beside: dict[str, Json]) -> Iterator[Written]:
    pointer = join("/paths", path)
    item, inner = followed(source, beside, pointer)
    own = {key: value for key, value in beside.items() if key != "$ref"}
    for method in METHODS:
        node = own.get(method, item.get(method))
        if isinstance(node, dict):
            home = pointer if method in own else inner
            yield Written(method.upper(), path, node, join(home, method), {**item, **own}, inner)


# --- what the meta-schema asks beside the keys --------------------------------------------------------------

_Demand = Callable[[Thing, str], Iterator[Fault]]


def demands(thing: Thing, version: str) -> Iterator[Fault]:
    """What a thing breaks of the meta-schema, the keys and plain values aside."""
    if "$ref" in thing.node and thing.kind != "path item" and (thing.kind, version) != ("schema", "3.1"):
        return
    yield from _too_new(thing, version)
    if thing.kind in _NEEDED:
        yield from _needed(thing, _NEEDED[thing.kind])
    for demand in _DEMANDS.get(thing.kind, ()):
        yield from demand(thing, version)


_NEEDED: Mapping[str, tuple[str, ...]] = {
    "tag": ("name",),
    "external docs": ("url",),
    "server variable": ("default",),
    "response": ("description",),
}


def _needed(thing: Thing, keys: Iterable[str], pointer: str = "", node: Json = None) -> Iterator[Fault]:
    held = thing.node if node is None else node
    for key in keys:
        if key not in held:
            yield _fault(pointer or thing.pointer, f"a {thing.kind} needs `{key}`", f"`{key}`", "nothing")


def _fault(pointer: str, reason: str, wanted: Json = None, got: Json = None) -> Fault:
    return Fault("meta-schema", pointer, reason, wanted, got)


# Known to the grammar of every version, but not to each version.
_LATER: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("document", "3.0"): ("webhooks", "jsonSchemaDialect"),
    ("info", "3.0"): ("summary",),
    ("components", "3.0"): ("pathItems",),
    ("response", "3.0"): ("summary",),
    ("response", "3.1"): ("summary",),
}


def _too_new(thing: Thing, version: str) -> Iterator[Fault]:
    for key in _LATER.get((thing.kind, version), ()):
        if key in thing.node:
            reason = f"unknown keyword `{key}` in a {thing.kind} of OpenAPI {version}"
            yield Fault("unknown-keyword", join(thing.pointer, key), reason, None, key, is_error=False)


def _not_both(*keys: str) -> _Demand:
    def not_both(thing: Thing, _: str) -> Iterator[Fault]:
        if all(key in thing.node for key in keys):
            words = " and ".join(f"`{key}`" for key in keys)
            yield _fault(join(thing.pointer, keys[1]), f"{words} exclude each other", "one of them", "both")

    return not_both


def _one_of(*keys: str) -> _Demand:
    both = _not_both(*keys)

    def one_of(thing: Thing, version: str) -> Iterator[Fault]:
        yield from both(thing, version)
        if not any(key in thing.node for key in keys):
            words = " or ".join(f"`{key}`" for key in keys)
            yield _fault(thing.pointer, f"a {thing.kind} needs {words}", words, "neither")

    return one_of


def _one_content(thing: Thing, _: str) -> Iterator[Fault]:
    content = thing.node.get("content")
    if isinstance(content, dict) and len(content) != 1:
        reason = f"the `content` of a {thing.kind} has exactly one media type, got {len(content)}"
        yield _fault(join(thing.pointer, "content"), reason, 1, len(content))


_STYLES = {
    "path": ("matrix", "label", "simple"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}


def _parameter(thing: Thing, _: str) -> Iterator[Fault]:
    location, style = thing.node.get("in"), thing.node.get("style")
    if location == "path" and thing.node.get("required") is not True:
        got = thing.node.get("required", "nothing")
        yield _fault(thing.pointer, "a path parameter needs `required: true`", True, got)
    fitting = _STYLES.get(location) if isinstance(location, str) else None
    if fitting and isinstance(style, str) and style not in fitting:
        reason = f"the style {style!r} is none for a parameter in {location}; known: {', '.join(fitting)}"
        yield _fault(join(thing.pointer, "style"), reason, list(fitting), style)


def _info(thing: Thing, version: str) -> Iterator[Fault]:
    for key, texts in (("contact", ("name", "url", "email")), ("license", ("name", "url"))):
        part, pointer = thing.node.get(key, {}), join(thing.pointer, key)
        if not isinstance(part, dict):
            yield _fault(pointer, f"`{key}` is a mapping", "a mapping", part)
        else:
            yield from (
                _fault(join(pointer, name), f"`{name}` is a text, got {part[name]}", "a text", part[name])
                for name in texts
                if name in part and not isinstance(part[name], str)
            )
    named = thing.node.get("license")
    if isinstance(named, dict) and "name" not in named:
        yield _fault(join(thing.pointer, "license"), "a license needs `name`", "`name`", "nothing")


def _components(thing: Thing, _: str) -> Iterator[Fault]:
    for section in KINDS["components"]:
        names = thing.node.get(section)
        for name in names if isinstance(names, dict) else ():
            if not re.fullmatch(r"[a-zA-Z0-9._-]+", name):
                wanted = "letters, digits and . _ -"
                reason = f"{name!r} cannot be the name of a component; wanted {wanted}"
                yield _fault(join(thing.pointer, section, name), reason, wanted, name)


def _requirement(thing: Thing, _: str) -> Iterator[Fault]:
    for name, scopes in thing.node.items():
        if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
            reason = f"the scopes of {name!r} are a list of texts, as in `{name}: []`"
            yield _fault(join(thing.pointer, name), reason, "a list of texts", scopes)


def _responses(thing: Thing, _: str) -> Iterator[Fault]:
    if not any(not status.startswith("x-") for status in thing.node):
        yield Fault("no-response", thing.pointer, "no response is documented", "a response", "none")


_BY_TYPE = {
    "apiKey": ("name", "in"),
    "http": ("scheme",),
    "oauth2": ("flows",),
    "openIdConnect": ("openIdConnectUrl",),
}
_BY_FLOW = {
    "implicit": ("authorizationUrl", "scopes"),
    "password": ("tokenUrl", "scopes"),
    "clientCredentials": ("tokenUrl", "scopes"),
    "authorizationCode": ("authorizationUrl", "tokenUrl", "scopes"),
}


def _security_scheme(thing: Thing, version: str) -> Iterator[Fault]:
    kind, flows = thing.node.get("type"), thing.node.get("flows")
    if isinstance(kind, str):
        yield from _needed(thing._replace(kind=f"{kind} {thing.kind}"), _BY_TYPE.get(kind, ()))
    if kind == "apiKey" and thing.node.get("in") == "path":
        yield _fault(join(thing.pointer, "in"), "an API key is in query, header or cookie", None, "path")
    if kind == "mutualTLS" and version == "3.0":
        yield _fault(join(thing.pointer, "type"), "OpenAPI 3.0 has no mutualTLS", None, kind)
    for name, flow in flows.items() if isinstance(flows, dict) else ():
        if name in _BY_FLOW and isinstance(flow, dict):
            named = thing._replace(kind=f"{name} flow")
            yield from _needed(named, _BY_FLOW[name], join(thing.pointer, "flows", name), flow)


def _schema(thing: Thing, version: str) -> Iterator[Fault]:
    filled = ("allOf", "anyOf", "oneOf", "prefixItems")
    for key in (*filled, "required", "enum") if version == "3.0" else filled:
        if thing.node.get(key) == []:
            reason = f"`{key}` is empty; wanted one item at least"
            yield _fault(join(thing.pointer, key), reason, "one item at least", [])
    names = thing.node.get("required")
    if isinstance(names, list) and len(set(map(str, names))) != len(names):
        yield _fault(join(thing.pointer, "required"), "`required` names a field twice", "each once", names)
    if version == "3.0" and thing.node.get("type") == "null":
        reason = "OpenAPI 3.0 has no type null; write `nullable: true`"
        yield _fault(join(thing.pointer, "type"), reason, "nullable: true", "null")


_shown_once = _not_both("example", "examples")
_DEMANDS: Mapping[str, tuple[_Demand, ...]] = {
    "info": (_info,),
    "components": (_components,),
    "requirement": (_requirement,),
    "responses": (_responses,),
    "security scheme": (_security_scheme,),
    "schema": (_schema,),
    "parameter": (_parameter, _one_of("schema", "content"), _one_content, _shown_once),
    "header": (_one_of("schema", "content"), _one_content, _shown_once),
    "media type": (_shown_once,),
    "example": (_not_both("value", "externalValue"),),
    "link": (_one_of("operationRef", "operationId"),),
}
