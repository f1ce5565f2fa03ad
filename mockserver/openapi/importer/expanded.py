"""The form in which a documentation tool writes one operation out, turned back into OpenAPI.

Under `paths` stand the operation's `path`, `method`, `servers`, `request` and `response`; each schema is a
list of alternatives, its properties wrapped in `allOf`, its `required` named `requiredProperties`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.openapi.importer.clean import Tell, free
from mockserver.openapi.importer.page import Block
from mockserver.openapi.problem import Json, join
from mockserver.openapi.vocabulary import METHODS

PLACEHOLDER = "_mintlify/placeholder"
_OPERATION = ("summary", "description", "operationId", "tags", "externalDocs", "callbacks", "deprecated")
_OF_PARAMETER = ("description", "deprecated")
_MADE_UP = re.compile(r"<(string|number|integer|boolean|any|unknown|object|array|file|null)>")


def is_expanded(data: Mapping[str, Json]) -> bool:
    """Whether a block is in that form."""
    paths = data.get("paths")
    return isinstance(paths, dict) and all(isinstance(paths.get(key), str) for key in ("path", "method"))


def standard(block: Block, tell: Tell) -> tuple[dict[str, Json], dict[str, str]]:
    """The block as an OpenAPI document, and where in the block each of its places came from."""
    collapse = _Collapse(block, tell)
    return collapse.document(), collapse.places


class _Collapse:
    def __init__(self, block: Block, tell: Tell) -> None:
        self._block = block
        self._page: dict[str, Json] = block.data["paths"]
        self._tell = tell
        components = self._mapped(block.data.get("components"), "/components")
        self._components: dict[str, Any] = {
            **components,
            "schemas": dict(self._mapped(components.get("schemas"), "/components/schemas")),
        }
        self._schemes: dict[str, Json] = dict(
            self._mapped(components.get("securitySchemes"), "/components/securitySchemes")
        )
        self.places: dict[str, str] = {}

    def document(self) -> dict[str, Json]:
        path, method = self._page["path"], self._page["method"].lower()
        path = path if path.startswith("/") else f"/{path}"
        kind = self._page.get("type", "path")
        if kind not in ("path", "webhook"):
            self._tell("/paths/type", f"{kind!r} is neither path nor webhook, read as path")
        is_hook = kind == "webhook"
        root = "/webhooks" if is_hook else "/paths"
        path = path.lstrip("/") if is_hook else path
        if method not in METHODS:
            self._tell("/paths/method", f"{method!r} is no method of HTTP, read as post")
            method = "post"
        pointer = join(root, path, method)
        self.places[pointer] = self.places[join(root, path)] = "/paths"
        self._tell_unknown(self._page, "/paths", _PAGE)
        operation = self._operation(pointer)
        rest = {key: value for key, value in self._block.data.items() if key not in ("paths", "openapi")}
        servers = {"servers": self._page["servers"]} if self._page.get("servers") else {}
        self.places["/servers"] = "/paths/servers"
        if self._schemes:
            self._components["securitySchemes"] = self._schemes
        parts = {name: part for name, part in self._components.items() if part}
        return {
            **rest,
            "openapi": "3.1.0",
            **servers,
            root[1:]: {path: {method: operation}},
            "components": parts,
        }

    def _operation(self, pointer: str) -> dict[str, Json]:
        spoken = {"summary": self._block.heading, "description": self._block.lead}
        operation: dict[str, Json] = {key: value for key, value in spoken.items() if value}
        operation.update({key: self._page[key] for key in _OPERATION if self._page.get(key)})
        request = self._mapped(self._page.get("request"), "/paths/request")
        self._tell_unknown(request, "/paths/request", ("security", "parameters", "body"))
        if security := self._security(request.get("security")):
            operation["security"] = security
        if parameters := list(self._parameters(request.get("parameters"), pointer)):
            operation["parameters"] = parameters
        if body := self._body(self._mapped(request.get("body"), "/paths/request/body"), pointer):
            operation["requestBody"] = body
        if responses := self._responses(self._mapped(self._page.get("response"), "/paths/response"), pointer):
            operation["responses"] = responses
        return operation

    def _mapped(self, value: Json, place: str) -> dict[str, Json]:
        """A mapping as it stands; anything else is told, and gives an empty one."""
        if not isinstance(value, dict) and value is not None:
            self._tell(place, "left out, for it is no mapping")
        return _mapping(value)

    def _entries(self, value: Json, place: str) -> list[dict[str, Json]]:
        """The schemas of a list, or the one that stands alone."""
        for index, entry in enumerate(value if isinstance(value, list) else []):
            if not isinstance(entry, dict):
                self._tell(join(place, index), "left out, for it is no schema")
        if value is not None and not isinstance(value, (dict, list)):
            self._tell(place, "left out, for it is no list of schemas")
        return _alternatives(value)

    def _tell_unknown(self, value: Mapping[str, Json], place: str, known: tuple[str, ...]) -> None:
        for key in value:
            if key not in known:
                self._tell(join(place, key), "left out, for it belongs to the documentation tool")

    # --- security -------------------------------------------------------------------------------------------

    def _security(self, entries: Json) -> list[dict[str, Json]]:
        found = []
        if not isinstance(entries, list) and entries is not None:
            self._tell("/paths/request/security", "left out, for it is no list")
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            place = f"/paths/request/security/{index}"
            entry = self._mapped(entry, place)
            self._tell_unknown(entry, place, ("title", "parameters", "cookie"))
            found.append(self._requirement(entry, place))
        return found if any(found) else []

    def _requirement(self, entry: dict[str, Json], place: str) -> dict[str, Json]:
        schemes = list(self._schemes_of(entry, place))
        titles = re.split(r"\s*(?:&|,|\+| and )\s*", str(entry.get("title") or ""))
        if len(schemes) == 1:
            titles = [str(entry.get("title") or "")]
        named = len(titles) == len(schemes)
        requirement: dict[str, Json] = {}
        for index, (key, scheme) in enumerate(schemes):
            requirement[self._scheme_name(titles[index] if named and titles[index] else key, scheme)] = []
        return requirement

    def _scheme_name(self, wanted: str, scheme: dict[str, Json]) -> str:
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", wanted).strip("_") or "auth"
        if self._schemes.get(name, scheme) != scheme:
            name = free(name, self._schemes)
        self._schemes[name] = scheme
        return name

    def _schemes_of(self, entry: dict[str, Json], place: str) -> Iterator[tuple[str, dict[str, Json]]]:
        inner = join(place, "parameters")
        groups = {"cookie": entry.get("cookie"), **self._mapped(entry.get("parameters"), inner)}
        for location, group in groups.items():
            for key, given in self._mapped(group, join(inner, location)).items():
                where = join(place, "parameters", location, key)
                yield key, self._scheme(location, key, dict(self._mapped(given, where)), where)

    def _scheme(self, location: str, key: str, scheme: dict[str, Json], place: str) -> dict[str, Json]:
        kind = scheme.get("type")
        if kind == "apiKey":
            return {**scheme, "in": location, "name": key}
        if kind == "http" and "scheme" in scheme:
            return scheme
        if (kind == "oauth2" and "flows" in scheme) or (
            kind == "openIdConnect" and "openIdConnectUrl" in scheme
        ):
            return scheme
        told = {"description": scheme["description"]} if "description" in scheme else {}
        if key.lower() == "authorization":
            self._tell(place, f"{kind!r} without what it needs, read as a bearer token")
            return {**told, "type": "http", "scheme": "bearer"}
        self._tell(place, f"{kind!r} without what it needs, read as an API key")
        return {**told, "type": "apiKey", "in": location, "name": key}

    # --- parameters and bodies ------------------------------------------------------------------------------

    def _parameters(self, groups: Json, pointer: str) -> Iterator[dict[str, Json]]:
        count = 0
        for location, group in self._mapped(groups, "/paths/request/parameters").items():
            place = join("/paths/request/parameters", location)
            if location not in ("path", "query", "header", "cookie"):
                self._tell(place, "left out, for it is no place of a parameter")
                continue
            for name, given in self._mapped(group, place).items():
                target = join(pointer, "parameters", count)
                given = self._mapped(given, join(place, name))
                yield self._parameter(location, name, given, join(place, name), target)
                count += 1

    def _parameter(
        self, location: str, name: str, given: dict[str, Json], place: str, target: str
    ) -> dict[str, Json]:
        self.places[target] = place
        alternatives = self._entries(given.get("schema", given.get("schemaArray")), join(place, "schema"))
        lifted: dict[str, Json] = {"name": name, "in": location}
        if location == "path" or any(one.get("required") is True for one in alternatives):
            lifted["required"] = True
        for key in _OF_PARAMETER:
            values = [one[key] for one in alternatives if one.get(key)]
            if values and all(value == values[0] for value in values):
                lifted[key] = values[0]
                alternatives = [{k: v for k, v in one.items() if k != key} for one in alternatives]
        rest = {key: value for key, value in given.items() if key not in ("schema", "schemaArray")}
        schema = self._schema(alternatives, join(place, "schema"), join(target, "schema"))
        return {**lifted, **rest, "schema": schema}

    def _body(self, body: dict[str, Json], pointer: str) -> dict[str, Json]:
        target = join(pointer, "requestBody")
        self.places[target] = "/paths/request/body"
        content, required = {}, False
        for media, given in body.items():
            place = join("/paths/request/body", media)
            entry = self._mapped(given, place)
            required = required or any(
                one.get("required") is True for one in _alternatives(entry.get("schemaArray"))
            )
            if media == PLACEHOLDER:
                self._tell(place, "left out, for it stands for a body that the page does not describe")
            else:
                content[media] = self._media(entry, place, join(target, "content", media))
        if not content:
            return {}
        described = [
            entry["description"] for entry in map(_mapping, body.values()) if entry.get("description")
        ]
        told = {"description": described[0]} if described else {}
        return {**told, **({"required": True} if required else {}), "content": content}

    def _responses(self, responses: dict[str, Json], pointer: str) -> dict[str, Json]:
        found = {}
        for status, medias in responses.items():
            place, target = join("/paths/response", status), join(pointer, "responses", status)
            self.places[target] = place
            found[status] = self._response(self._mapped(medias, place), place, target)
        return found

    def _response(self, medias: dict[str, Json], place: str, target: str) -> dict[str, Json]:
        content: dict[str, Json] = {}
        descriptions = []
        for media, given in medias.items():
            entry = self._mapped(given, join(place, media))
            descriptions.append(entry.get("description"))
            if media == PLACEHOLDER:
                self._placeholder(entry, join(place, media))
            else:
                content[media] = self._media(entry, join(place, media), join(target, "content", media))
        told = list(dict.fromkeys(str(one) for one in descriptions if one))
        for other in told[1:]:
            self._tell(place, f"a second description left out: {other[:60]!r}")
        description = {"description": told[0]} if told else {}
        return {**description, **({"content": content} if content else {})}

    def _placeholder(self, entry: dict[str, Json], place: str) -> None:
        self._tell(place, "left out, for it stands for a body that the page does not describe")
        self._tell_unknown(entry, place, ("schemaArray", "examples", "description"))
        for name in self._mapped(entry.get("examples"), join(place, "examples")):
            self._tell(join(place, "examples", name), "left out with its placeholder")
        for index, one in enumerate(self._entries(entry.get("schemaArray"), join(place, "schemaArray"))):
            inner = join(place, "schemaArray", index)
            for key in one:
                if key not in ("type", "description") or one[key] not in ("any", entry.get("description")):
                    self._tell(join(inner, key), "left out with its placeholder")

    def _media(self, entry: dict[str, Json], place: str, target: str) -> dict[str, Json]:
        self.places[target] = place
        known = ("schemaArray", "examples", "example", "encoding", "description")
        self._tell_unknown(entry, place, known)
        media: dict[str, Json] = {}
        if alternatives := self._entries(entry.get("schemaArray"), join(place, "schemaArray")):
            media["schema"] = self._schema(alternatives, join(place, "schemaArray"), join(target, "schema"))
        if examples := self._examples(entry.get("examples"), join(place, "examples")):
            media["examples"] = examples
        media.update({key: entry[key] for key in ("example", "encoding") if key in entry})
        return media

    def _examples(self, examples: Json, place: str) -> dict[str, Json]:
        kept = {}
        for name, example in self._mapped(examples, place).items():
            word = _made_up(example)
            if word is None:
                kept[name] = example if isinstance(example, dict) else {"value": example}
            else:
                self._tell(join(place, name), f"left out, for the tool made it up: it says {word}")
        return kept

    # --- schemas --------------------------------------------------------------------------------------------

    def _schema(self, alternatives: list[dict[str, Json]], place: str, target: str) -> Json:
        if len(alternatives) == 1:
            return self._shared(alternatives[0], join(place, 0), target)
        # The tool writes oneOf and anyOf alike; anyOf takes whatever either would.
        return {
            "anyOf": [
                self._shared(one, join(place, index), join(target, "anyOf", index))
                for index, one in enumerate(alternatives)
            ]
        }

    def _shared(self, entry: dict[str, Json], place: str, target: str) -> Json:
        """A schema where it stands, or a reference to it where it says which of the components it was."""
        ref = entry.get("refIdentifier")
        match = re.fullmatch(r"#/components/schemas/([A-Za-z0-9._-]+)", ref) if isinstance(ref, str) else None
        if match is None:
            if ref is not None:
                self._tell(join(place, "refIdentifier"), f"{ref!r} left out, for it names no schema")
            return self._plain(entry, place, target)
        name = match[1]
        schema = self._plain(entry, place, join("/components/schemas", name))
        known = self._components["schemas"].setdefault(name, schema)
        return {"$ref": ref} if known == schema else self._plain(entry, place, target)

    def _plain(self, entry: dict[str, Json], place: str, target: str) -> dict[str, Json]:
        self.places[target] = place
        schema = {
            key: value
            for key, value in entry.items()
            if key not in ("refIdentifier", "requiredProperties")
            and not (key == "required" and isinstance(value, bool))
        }
        if entry.get("requiredProperties") is not None:
            schema["required"] = entry["requiredProperties"]
        if isinstance(entry.get("properties"), dict):
            inner = join(target, "properties")
            schema["properties"] = {
                name: self._unwrapped(value, join(place, "properties", name), join(inner, name))
                for name, value in entry["properties"].items()
            }
        for key in ("items", "additionalProperties"):
            if key in entry:
                schema[key] = self._unwrapped(entry[key], join(place, key), join(target, key))
        return schema

    def _unwrapped(self, value: Json, place: str, target: str) -> Json:
        """What the tool wrapped in an `allOf` of one."""
        if (
            not isinstance(value, dict)
            or not isinstance(value.get("allOf"), list)
            or len(value["allOf"]) != 1
        ):
            return value
        inner = value["allOf"][0]
        if not isinstance(inner, dict) or (value.keys() - {"allOf"}) & inner.keys():
            return value
        self.places[target] = join(place, "allOf", 0)
        return {**inner, **{key: item for key, item in value.items() if key != "allOf"}}


_PAGE = ("path", "method", "servers", "request", "response", "type", *_OPERATION)


def _made_up(value: Json) -> str | None:
    """A word such as `<string>`, which stands for a value where the page has no example."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and _MADE_UP.fullmatch(one):
            return one
        waiting.extend(one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
    return None


def _alternatives(value: Json) -> list[dict[str, Json]]:
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, dict)]


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
