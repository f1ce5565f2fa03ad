"""The packaged documents read anew for the tests: plain YAML and a few lines of $ref, nothing of the engine.

What the engine and this file read alike is then in the documents, not in a habit the two share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

Json = Any

FOLDER = Path(__file__).parents[2] / "specs"
PROVIDERS = ("kie", "crun", "evolink", "yuto")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# Keywords whose subschemas speak about the same value; a condition (`if`, `not`) claims nothing about it.
IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
IN_PLACE = ("then", "else")


@dataclass(frozen=True)
class Operation:
    """One operation name of a provider and where its document describes it."""

    document: Json
    name: str
    method: str
    path: str
    item: Json
    node: Json


@dataclass(frozen=True)
class Example:
    """One named example of a reply, with the HTTP status it stands under."""

    status: str
    name: str
    marks: Json
    value: Json


@cache
def document(provider: str) -> Json:
    """Return the provider's document as plain data."""
    return yaml.load((FOLDER / f"{provider}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def resolved(root: Json, node: Json) -> Json:
    """Follow references until something else than a reference stands there."""
    while isinstance(node, dict) and "$ref" in node and set(node) <= {"$ref", "summary", "description"}:
        node = pointed(root, node["$ref"])
    return node


def pointed(root: Json, reference: str) -> Json:
    """Return what a local reference (`#/components/…`) points at."""
    found = root
    for step in reference.removeprefix("#/").split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        found = found[int(key)] if isinstance(found, list) else found[key]
    return found


@cache
def operations(provider: str) -> dict[str, Operation]:
    """Return the provider's operations by name; one path and method may carry several names."""
    root = document(provider)
    return {
        name: Operation(root, name, method, path, item, item[method])
        for path, item in root["paths"].items()
        for method in METHODS
        if method in item
        for name in names(item[method])
    }


def names(node: Json) -> list[str]:
    """Return the names one operation object goes by."""
    return [node["operationId"], *node.get("x-operations", {})]


def contents(operation: Operation, place: str) -> list[Json]:
    """Return the media type objects of `body`, `reply 200` or `callback`."""
    root, node = operation.document, operation.node
    if place == "body":
        carriers = [node.get("requestBody", {})]
    elif place == "callback":
        carriers = [sent.get("requestBody", {}) for sent in callbacks(operation)]
    else:
        carriers = [node["responses"].get(place.removeprefix("reply "), {})]
    return [media for carrier in carriers for media in resolved(root, carrier).get("content", {}).values()]


def callbacks(operation: Operation) -> list[Json]:
    """Return the operations a provider calls at the client's URL."""
    root = operation.document
    found = [resolved(root, callback) for callback in operation.node.get("callbacks", {}).values()]
    items = [resolved(root, item) for callback in found for item in callback.values()]
    return [item[method] for item in items for method in METHODS if method in item]


def parameters(operation: Operation, place: str) -> list[Json]:
    """Return the parameters of one place; `callback-header` is the header of what the provider sends."""
    if place == "callback-header":
        listed = [parameter for sent in callbacks(operation) for parameter in sent.get("parameters", [])]
        place = "header"
    else:
        listed = [*operation.item.get("parameters", []), *operation.node.get("parameters", [])]
    described = [resolved(operation.document, parameter) for parameter in listed]
    return [parameter for parameter in described if parameter["in"] == place]


def media_examples(root: Json, media: Json) -> list[tuple[str, Json]]:
    """Return the examples of a media type (or parameter) object as (name, Example Object)."""
    named = [(name, resolved(root, example)) for name, example in media.get("examples", {}).items()]
    return named + ([("example", {"value": media["example"]})] if "example" in media else [])


def reply_examples(operation: Operation) -> list[Example]:
    """Return the named examples of all replies to this operation name, in the document's order."""
    return [
        Example(str(status), name, example, example.get("value"))
        for status in operation.node["responses"]
        for media in contents(operation, f"reply {status}")
        for name, example in media_examples(operation.document, media)
        if example.get("x-operation", operation.name) == operation.name
    ]


def layers(root: Json, schema: Json) -> Iterator[Json]:
    """Yield a schema and all subschemas that speak about the same value."""
    if not isinstance(schema, dict):
        return
    yield schema
    if "$ref" in schema:
        yield from layers(root, pointed(root, schema["$ref"]))
    nested = [part for keyword in IN_PLACE_LISTS for part in schema.get(keyword, [])]
    nested += [schema[keyword] for keyword in IN_PLACE if keyword in schema]
    nested += schema.get("dependentSchemas", {}).values()
    for part in nested:
        yield from layers(root, part)


def reach(root: Json, schema: Json, steps: list[str]) -> list[Json]:
    """Return every subschema that describes the field at the end of the steps; `[]` is an array's items."""
    found = list(layers(root, schema))
    for step in steps:
        children = [
            part.get("items") if step == "[]" else part.get("properties", {}).get(step) for part in found
        ]
        found = [layer for child in children if isinstance(child, dict) for layer in layers(root, child)]
    return found


def validator(root: Json, schema: Json) -> Draft202012Validator:
    """Return a validator for a schema that may refer to anything in its document; formats are checked."""
    # A local reference looks from the root of the schema, so the document's own places stand there too.
    whole = {"allOf": [schema], "components": root.get("components", {}), "paths": root["paths"]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
