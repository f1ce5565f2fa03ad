"""Documents of an unusual make that are right all the same."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mockserver.openapi.source import DocumentError
from tests.conftest import MakeClient
from tests.stateless.conftest import Serve


def test_names_may_be_in_any_script(serve: Serve) -> None:
    client = serve("odd.json")

    encoded = client.get("/gr%C3%B6%C3%9Fe/n%C3%A4h")
    plain = client.get("/größe/näh")
    wrong = client.get("/größe/näh?farbe=blau")
    right = client.get("/größe/näh", params={"farbe": "grün"})
    long = client.get("/größe/näher")

    assert encoded.json() == plain.json() == right.json() == {"größe": "☃"}
    assert wrong.headers["x-mock-violation"] == "/query/farbe: enum"
    assert long.headers["x-mock-violation"] == "/path/n%C3%A4me: maxLength"


def test_an_operation_without_an_id_goes_by_method_and_path(serve: Serve) -> None:
    client = serve("odd.json")

    reply = client.post("/silent")
    journal = client.get("/_mock/requests").json()["requests"]

    assert reply.headers["x-mock-operation"] == "POST /silent"
    assert journal[-1]["operation"] == "POST /silent"


def test_a_default_without_content_is_an_empty_200(serve: Serve) -> None:
    reply = serve("odd.json").post("/silent")

    assert (reply.status_code, reply.content) == (200, b"")


def test_an_operation_without_responses_has_nothing_to_say(serve: Serve) -> None:
    reply = serve("odd.json").get("/mute")

    assert (reply.status_code, reply.headers["x-mock-error"]) == (501, "no-response")


def test_a_document_that_only_calls_out_has_no_routes(serve: Serve) -> None:
    client = serve("webhooks.yaml")

    assert client.get("/_mock/health").json()["providers"] == ["webhooks"]
    assert client.get("/newPet").status_code == 404
    assert client.get("/_mock/specs/webhooks").json()["webhooks"].keys() == {"newPet"}


@pytest.mark.parametrize("content", ["paths: {}", "components: {schemas: {A: {type: string}}}"])
def test_a_document_of_no_operations_hinders_no_other(
    serve: Serve, folder: Callable[..., str], make_client: MakeClient, content: str
) -> None:
    place = folder(parts=f"openapi: 3.1.0\ninfo: {{title: t, version: '1'}}\n{content}\n")

    client = make_client(specs=(place,))

    assert client.get("/_mock/health").json()["providers"] == ["parts"]


def test_a_long_chain_of_references_is_no_deep_nesting(
    folder: Callable[..., str], make_client: MakeClient
) -> None:
    links = {
        f"Link{n}": {"type": "object", "properties": {"next": {"$ref": f"#/components/schemas/Link{n + 1}"}}}
        for n in range(1000)
    }
    first = {"application/json": {"schema": {"$ref": "#/components/schemas/Link0"}}}
    operation = {
        "requestBody": {"content": first},
        "responses": {"200": {"description": "ok", "content": first}},
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "chain", "version": "1"},
        "paths": {"/chain": {"post": operation}},
        "components": {"schemas": {**links, "Link1000": {"type": "object"}}},
    }
    client = make_client(specs=(folder(chain=json.dumps(document)),))

    right, wrong = client.post("/chain", json={"next": {"next": {}}}), client.post("/chain", json={"next": 5})

    assert (right.status_code, right.json().keys()) == (200, {"next"})
    assert wrong.headers["x-mock-violation"] == "/body/next: type"


def shown(text: str) -> str:
    """A JSON document of one operation, which shows an example."""
    content = f'{{"application/json": {{"example": {text}}}}}'
    responses = f'{{"200": {{"description": "ok", "content": {content}}}}}'
    paths = f'{{"/shown": {{"get": {{"responses": {responses}}}}}}}'
    return f'{{"openapi": "3.1.0", "info": {{"title": "t", "version": "1"}}, "paths": {paths}}}'


def test_half_a_character_is_written_as_an_escape(
    folder: Callable[..., str], make_client: MakeClient
) -> None:
    client = make_client(specs=(folder(half=shown('"\\ud800 and \\u2603"')),))

    assert client.get("/shown").content == b'"\\ud800 and \\u2603"'


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_json_does_not_know_is_a_fault_of_the_document(
    folder: Callable[..., str], make_client: MakeClient, number: str
) -> None:
    place = folder(odd=shown(number))

    with pytest.raises(DocumentError, match=r"odd\.json:1: "):
        make_client(specs=(place,))
