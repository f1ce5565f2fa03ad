"""An independent reading of a document: does an answer keep it? By another validator than the engine's."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import yaml

from tests.random.asgi import Answer

Json = Any


@cache
def document(file: Path) -> Json:
    """The document, its schemas told in the words of JSON Schema 2020-12."""
    data = json.loads(json.dumps(yaml.safe_load(file.read_text("utf-8")), default=str))
    return _answering(_modern(data) if str(data["openapi"]).startswith("3.0") else data)


def _answering(node: Json) -> Json:
    """OpenAPI's words about answers: write-only fields are not owed, a discriminator picks one."""
    if isinstance(node, list):
        return [_answering(item) for item in node]
    if not isinstance(node, dict):
        return node
    new = {key: _answering(value) for key, value in node.items()}
    if isinstance(new.get("required"), list) and isinstance(new.get("properties"), dict):
        secret = {name for name, item in new["properties"].items() if _is_write_only(item)}
        new["required"] = [name for name in new["required"] if name not in secret]
    if "discriminator" in new and "oneOf" in new:
        new["anyOf"] = new.pop("oneOf")
    return new


def _is_write_only(schema: Json) -> bool:
    return isinstance(schema, dict) and schema.get("writeOnly") is True


def _modern(node: Json) -> Json:
    """OpenAPI 3.0's own words for null and exclusive bounds, put as JSON Schema has them."""
    if isinstance(node, list):
        return [_modern(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node and isinstance(node["$ref"], str):
        return {"$ref": node["$ref"]}
    new = {key: _modern(value) for key, value in node.items()}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if new.get(exclusive) is True:
            new[exclusive] = new.pop(bound)
        elif new.get(exclusive) is False:
            del new[exclusive]
    if new.pop("nullable", None) is True:
        return {"anyOf": [{"type": "null"}, new]}
    return new


def complaint(file: Path, path: str, method: str, answer: Answer) -> str | None:
    """Why the answer is outside the document; None where it is inside."""
    data = document(file)
    response, pointer = _response(data, path, method, answer.status)
    if response is None:
        return f"HTTP {answer.status} is not documented"
    if not answer.body:
        return None
    content = response.get("content", {})
    kind = _documented(answer.headers.get("content-type", ""), content)
    if kind is None:
        return f"{answer.headers.get('content-type')} is not documented for {answer.status}"
    if "schema" not in content[kind] or not kind.endswith("json"):
        return None
    place = f"{pointer}/content/{kind.replace('~', '~0').replace('/', '~1')}/schema"
    error = next(iter(_validator(file, place).iter_errors(json.loads(answer.body))), None)
    return f"{list(error.instance_path)}: {error.message}" if error else None


def _documented(sent: str, content: Json) -> str | None:
    """The documented media type, or range of them, that a content type is of."""
    plain = sent.partition(";")[0].strip()
    ranges = (plain.partition("/")[0] + "/*", "*/*")
    return next((kind for kind in (sent, plain, *ranges) if kind in content), None)


def _response(data: Json, path: str, method: str, status: int) -> tuple[Json, str]:
    pointer = f"#/paths/{path.replace('~', '~0').replace('/', '~1')}"
    item, pointer = _followed(data, data["paths"][path], pointer)
    responses = item[method.lower()]["responses"]
    for key in (str(status), f"{status // 100}XX", "default"):
        if key in responses:
            return _followed(data, responses[key], f"{pointer}/{method.lower()}/responses/{key}")
    return None, pointer


def _followed(data: Json, node: Json, pointer: str) -> tuple[Json, str]:
    while "$ref" in node:
        pointer = node["$ref"]
        node = data
        for key in pointer.split("/")[1:]:
            node = node[key.replace("~1", "/").replace("~0", "~")]
    return node, pointer


@cache
def _validator(file: Path, place: str) -> Any:
    root = copy.copy(document(file))
    root["$ref"] = quote(place, safe="#/~")
    return jsonschema_rs.Draft202012Validator(root, validate_formats=False)
