"""Documents made for size: many operations in one file, many files in one folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OPERATIONS = 3000

Node = dict[str, Any]


def large_document(operations: int = OPERATIONS) -> Node:
    """A document of that many operations, with a schema, two parameters and two responses each."""
    numbers = range(operations)
    return {
        "openapi": "3.1.0",
        "info": {"title": "A document made for its size", "version": "1"},
        "paths": {f"/groups/{{group}}/part{number}": _item(number) for number in numbers},
        "components": {
            "schemas": {"Error": _error(), **{f"Part{number}": _part(number) for number in numbers}}
        },
    }


def small_document(number: int) -> Node:
    """One of many: three operations, of which `GET /shared` is in each of them."""
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Document {number}", "version": "1"},
        "paths": {
            "/shared": {"get": _shown({"document": number})},
            f"/only{number}": {"get": _shown({"only": number})},
            f"/only{number}/{{id}}": {
                "get": {"parameters": [_in("path", "id", {"type": "string"})], **_shown({})}
            },
        },
    }


def write_large(folder: Path, suffix: str) -> Path:
    """The large document as `large.yaml` or `large.json` in a folder."""
    document = large_document()
    file = folder / f"large{suffix}"
    file.write_text(json.dumps(document, indent=1) if suffix == ".json" else as_yaml(document), "utf-8")
    return file


def write_many(folder: Path, count: int = 30) -> None:
    """That many small documents in a folder, YAML and JSON in turn."""
    for number in range(count):
        document = small_document(number)
        suffix, text = (".json", json.dumps(document)) if number % 2 else (".yaml", as_yaml(document))
        (folder / f"document{number}{suffix}").write_text(text, "utf-8")


def as_yaml(document: Node) -> str:
    """A document as YAML in block style, as people write it."""
    return "\n".join(_lines(document, "")) + "\n"


def _lines(node: Node, indent: str) -> Iterator[str]:
    for key, value in node.items():
        name = json.dumps(key) if key[0].isdigit() or "{" in key else key
        if isinstance(value, dict) and value:
            yield f"{indent}{name}:"
            yield from _lines(value, indent + "  ")
        else:
            # What JSON writes on one line is YAML too.
            yield f"{indent}{name}: {json.dumps(value)}"


def _item(number: int) -> Node:
    return {
        "summary": f"One part of a group, number {number}",
        "parameters": [_in("path", "group", {"type": "string", "maxLength": 40})],
        "get": {
            "operationId": f"getPart{number}",
            "summary": f"Read part {number}",
            "description": f"Answers with part {number} as it was last written, and with where it came from. "
            * 4,
            "tags": ["parts"],
            "parameters": [_in("query", "limit", {"type": "integer", "minimum": 1, "maximum": 100})],
            "responses": {
                "200": _response(
                    f"#/components/schemas/Part{number}", {"id": number, "name": f"part {number}"}
                ),
                "404": _response("#/components/schemas/Error", {"message": "no such part"}),
            },
        },
    }


def _response(ref: str, example: Any) -> Node:
    content = {"application/json": {"schema": {"$ref": ref}, "example": example}}
    return {"description": "What is known of it.", "content": content}


def _shown(example: Any) -> Node:
    return {
        "responses": {"200": {"description": "ok", "content": {"application/json": {"example": example}}}}
    }


def _in(place: str, name: str, schema: Node) -> Node:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _error() -> Node:
    return {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}


def _part(number: int) -> Node:
    return {
        "type": "object",
        "description": f"Part {number}: what it is called, how large it is, and whose it is. " * 3,
        "required": ["id", "name"],
        "properties": {
            "id": {"type": "integer", "minimum": 0},
            "name": {"type": "string", "minLength": 1, "maxLength": 200},
            "size": {"type": "number", "minimum": 0},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 40}},
            "owner": {"type": "object", "properties": {"email": {"type": "string", "format": "email"}}},
        },
    }
