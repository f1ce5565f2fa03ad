"""Control calls made as a user makes them, every reply held against the mock's own openapi.json."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import mockserver.web.control
from tests.conftest import Client

URI = "urn:control"
DOCUMENT: Any = yaml.safe_load(
    Path(mockserver.web.control.__file__).with_name("openapi.yaml").read_text("utf-8")
)


class Control:
    """The control API of one sandbox; a reply that its document does not allow fails the test."""

    def __init__(self, client: Client, sandbox: str | None = None) -> None:
        self.client = client
        self.base = f"/_sandbox/{sandbox}/_mock" if sandbox else "/_mock"

    def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """One call, whatever its status."""
        reply = self.client.request(method, self.base + path, **options)
        keep_document(reply, method, path)
        return reply

    def get(self, path: str, **options: Any) -> Any:
        """The body of a call that went well."""
        return self._well("GET", path, options)

    def post(self, path: str, body: Any = None) -> Any:
        """The body of a call that went well."""
        return self._well("POST", path, {} if body is None else {"json": body})

    def delete(self, path: str) -> Any:
        """The body of a call that went well."""
        return self._well("DELETE", path, {})

    def _well(self, method: str, path: str, options: dict[str, Any]) -> Any:
        reply = self.call(method, path, **options)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def refused(self, method: str, path: str, **options: Any) -> tuple[int, str, Any]:
        """Status, slug and body of a call that the mock refuses."""
        reply = self.call(method, path, **options)
        assert reply.status_code >= 400, reply.text
        return reply.status_code, reply.headers["x-mock-error"], reply.json()

    def requests(self, **query: Any) -> list[Any]:
        """The journal."""
        found: list[Any] = self.get("/requests", params=query)["requests"]
        return found


def keep_document(reply: httpx2.Response, method: str, path: str) -> None:
    """Fail unless the reply is one that openapi.json documents for this call."""
    responses = f"{_operation(method, path)}/responses"
    node = _at(responses)
    status = str(reply.status_code) if str(reply.status_code) in node else "default"
    pointer = f"{responses}/{status}"
    pointer = _at(pointer).get("$ref", "#" + pointer)[1:]
    ((kind, _),) = _at(pointer)["content"].items()
    assert reply.headers["content-type"] == kind
    _validator(f"{pointer}/content/{kind.replace('/', '~1')}/schema").validate(reply.json())


def _operation(method: str, path: str) -> str:
    wanted = path.partition("?")[0]
    for template, item in DOCUMENT["paths"].items():
        pattern = re.sub(r"\{[^}]*\}", "[^/]+", template)
        if re.fullmatch(pattern, wanted) and method.lower() in item:
            return f"/paths/{template.replace('/', '~1')}/{method.lower()}"
    raise AssertionError(f"{method} {wanted} is no documented control call")


def _at(pointer: str) -> Any:
    node = DOCUMENT
    for part in pointer.split("/")[1:]:
        node = node[part.replace("~1", "/")]
    return node


@cache
def _validator(pointer: str) -> Draft202012Validator:
    resource: Any = Resource.opaque(DOCUMENT)
    registry: Any = Registry()
    return Draft202012Validator(
        {"$ref": f"{URI}#{quote(pointer, safe='/~{}')}"}, registry=registry.with_resource(URI, resource)
    )
