"""References: inside the document, into files beside it, and to names that schemas give themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import Client, MakeClient
from tests.stateless.conftest import Serve


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("references.yaml")


def test_every_part_of_an_operation_may_be_a_reference(client: Client) -> None:
    reply = client.post("/pets?trace=1", json={"id": 1, "name": "Rex"})

    assert (reply.status_code, reply.json()) == (201, {"id": 1, "name": "Rex"})
    assert reply.headers["x-left"] == "9"


@pytest.mark.parametrize(
    ("url", "body", "wrong"),
    [
        ("/pets", {"id": 1, "name": "Rex"}, "/query/trace: required"),
        ("/pets?trace=0", {"id": 1, "name": "Rex"}, "/query/trace: minimum"),
        ("/pets?trace=1", {"id": 0, "name": "Rex"}, "/body/id: minimum"),
        ("/pets?trace=1&beside=x", {"id": 1, "name": "Rex"}, "/query/beside: type"),
    ],
)
def test_what_a_reference_leads_to_is_checked(client: Client, url: str, body: object, wrong: str) -> None:
    reply = client.post(url, json=body)

    assert (reply.status_code, reply.json()) == (422, {"error": "no"})
    assert reply.headers["x-mock-violation"] == wrong


def test_files_beside_the_document_are_read_and_files_beside_those(client: Client) -> None:
    pet, small = client.get("/pets/10").json(), client.get("/pets/9")

    assert pet["kind"] == "from the deeper file"
    assert pet["id"] >= 10
    assert (small.status_code, small.headers["x-mock-violation"]) == (422, "/path/id: minimum")


def test_a_file_may_be_one_schema(client: Client) -> None:
    fine, long = client.post("/words", json="short"), client.post("/words", json="longer")

    assert fine.status_code == 204
    assert long.headers["x-mock-violation"] == "/body: maxLength"


def test_a_part_of_a_document_is_no_document_of_its_own(
    folder: Callable[..., str], make_client: MakeClient
) -> None:
    place = folder(
        main="""
            openapi: 3.1.0
            info: {title: t, version: "1"}
            paths:
              /a:
                get:
                  responses:
                    "200":
                      description: ok
                      content: {application/json: {schema: {$ref: "parts.yaml#/value"}}}
        """,
        parts="value: {$ref: '#/other'}\nother: {const: carried in}\n",
    )
    client = make_client(specs=(place,))

    assert client.get("/a").json() == "carried in"
    assert client.get("/_mock/health").json()["providers"] == ["main"]


def test_a_mapping_may_name_a_file_beside_the_document(
    folder: Callable[..., str], make_client: MakeClient
) -> None:
    place = folder(
        pets="""
            openapi: 3.1.0
            info: {title: t, version: "1"}
            paths:
              /pets:
                post:
                  requestBody:
                    content:
                      application/json:
                        schema:
                          oneOf: [{$ref: "parts.yaml#/Cat"}, {$ref: "parts.yaml#/Dog"}]
                          discriminator: {propertyName: kind, mapping: {cat: "parts.yaml#/Cat"}}
                  responses: {"201": {description: ok}}
        """,
        parts="""
            Cat: {type: object, required: [lives]}
            Dog: {type: object, required: [bark]}
        """,
    )
    client = make_client(specs=(place,))

    assert client.post("/pets", json={"kind": "cat", "lives": 9}).status_code == 201
    assert client.post("/pets", json={"kind": "Dog", "bark": 1}).status_code == 201
    assert client.post("/pets", json={"kind": "cat"}).headers["x-mock-violation"] == "/body/lives: required"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"word": "four"}, None),
        ({"word": "seven"}, "/body/word: maxLength"),
        ({"example": "seven"}, "/body/example: maxLength"),
        ({"size": 10}, None),
        ({"size": 11}, "/body/size: maximum"),
        ({"depth": 3}, None),
        ({"depth": 4}, "/body/depth: maximum"),
        ({"$id": 5, "$anchor": 5}, None),
        ({"$id": "text"}, "/body/$id: type"),
    ],
)
def test_schemas_are_found_by_the_names_they_give_themselves(
    serve: Serve, body: object, wrong: str | None
) -> None:
    reply = serve("anchors.yaml").post("/things", json=body)

    assert reply.headers.get("x-mock-violation") == wrong
    assert reply.status_code == (422 if wrong else 201)


def test_inside_a_schema_with_an_id_a_reference_starts_there(
    folder: Callable[..., str], make_client: MakeClient
) -> None:
    place = folder(
        ids="""
            openapi: 3.1.0
            info: {title: t, version: "1"}
            paths:
              /a:
                post:
                  requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Named"}}}}
                  responses: {"201": {description: ok}}
            components:
              schemas:
                Named:
                  $id: https://example.com/named
                  properties: {a: {$ref: "#/$defs/small"}, b: {$ref: "#/components/schemas/Large"}}
                  $defs: {small: {maximum: 1}}
                Large: {minimum: 100}
        """
    )
    client = make_client(specs=(place,))

    assert client.post("/a", json={"a": 2}).headers["x-mock-violation"] == "/body/a: maximum"
    assert client.post("/a", json={"b": 2}).headers["x-mock-violation"] == "/body/b: minimum"
    assert client.post("/a", json={"a": 1, "b": 100}).status_code == 201
