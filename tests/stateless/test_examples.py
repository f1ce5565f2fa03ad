"""Bodies that a document shows: named, beside the schema, in the schema, in its properties."""

from __future__ import annotations

import pytest

from tests.conftest import Client
from tests.stateless.conftest import Serve


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("examples.yaml")


@pytest.fixture
def untrue(serve: Serve) -> Client:
    return serve("untrue/broken-examples.yaml", verify_responses=False)


def test_the_first_named_example_is_shown(client: Client) -> None:
    assert client.get("/named").json() == {"id": 1, "name": "Rex"}


def test_an_example_is_asked_for_by_name_through_a_reference_too(client: Client) -> None:
    header = client.get("/named", headers={"prefer": "example=cat"})
    query = client.get("/named?__example=cat")

    assert header.json() == query.json() == {"id": 2, "name": "Tom"}
    assert header.headers["x-mock-outcome"] == "success"


def test_an_example_of_another_response_brings_its_status(client: Client) -> None:
    reply = client.get("/named", headers={"prefer": "example=never"})

    assert (reply.status_code, reply.json()) == (404, {"error": "never was"})


def test_a_code_and_an_example_go_together(client: Client) -> None:
    both = client.get("/named", headers={"prefer": "code=404, example=never"})
    apart = client.get("/named", headers={"prefer": "code=404; example=dog"})

    assert (both.status_code, both.json()) == (404, {"error": "never was"})
    assert apart.status_code == 501


def test_an_example_of_one_media_type_only_comes_in_that_one(client: Client) -> None:
    reply = client.get("/named", headers={"prefer": "example=fish"})
    other = client.get("/named", headers={"prefer": "example=fish", "accept": "application/json"})

    assert (reply.headers["content-type"], reply.text) == ("application/xml", "<pet>fish</pet>")
    assert other.status_code == 406


def test_an_unknown_example_is_501_with_the_names_there_are(client: Client) -> None:
    reply = client.get("/named", headers={"prefer": "example=bird"})

    assert reply.status_code == 501
    assert reply.json()["examples"] == ["dog", "cat", "fish", "gone", "never"]


def test_an_example_beside_the_schema_is_shown(client: Client) -> None:
    assert client.get("/media").json() == {"id": 7, "name": "beside the schema"}


def test_an_example_of_the_schema_is_shown(client: Client) -> None:
    assert client.get("/schema").json() == {"id": 70}


def test_property_examples_make_up_the_body(client: Client) -> None:
    body = client.get("/properties").json()

    assert (body["id"], body["name"]) == (42, "Bello")
    assert 0 <= body["age"] <= 30


def test_an_example_may_be_false_or_null(client: Client) -> None:
    assert client.get("/falsy").text == "false"
    assert client.get("/null").text == "null"


def test_what_is_a_keyword_in_a_schema_is_data_in_an_example(client: Client) -> None:
    assert client.get("/verbatim").json() == {
        "$id": "5f0c",
        "$schema": "https://example.com/dialect",
        "$anchor": "here",
        "$ref": "other.yaml",
        "é": "☃",
    }


def test_dynamic_makes_another_body_every_time(client: Client) -> None:
    wish = {"prefer": "dynamic=true"}
    bodies = {client.get("/named", headers=wish).text for _ in range(4)}

    assert len(bodies) > 1
    assert client.get("/named").json() == {"id": 1, "name": "Rex"}


def test_an_example_that_breaks_its_schema_is_served_as_it_stands(untrue: Client) -> None:
    reply = untrue.get("/pets/dog")

    assert (reply.status_code, reply.json()) == (200, {"id": "not a number", "name": "Rex"})
    assert reply.headers["x-left"] == "none"


def test_verified_an_example_that_breaks_its_schema_is_a_loud_500(serve: Serve) -> None:
    strict = serve("untrue/broken-examples.yaml")

    problem = strict.get("/pets/dog")
    named = strict.get("/pets/dog", headers={"prefer": "example=bad"})
    fine = strict.get("/pets/dog", headers={"prefer": "example=good"})

    assert (problem.status_code, problem.headers["x-mock-error"]) == (500, "response-mismatch")
    assert problem.json()["operation"] == "getPet"
    assert (problem.json()["pointer"], problem.json()["wanted"]) == ("/body/id", "integer")
    assert (named.status_code, named.json()["pointer"]) == (500, "/body/error")
    assert (fine.status_code, fine.json()) == (404, {"error": "gone"})


def test_verified_a_header_or_a_text_that_breaks_its_schema_is_a_loud_500(serve: Serve) -> None:
    strict = serve("untrue/broken-examples.yaml")

    header, text = strict.get("/header"), strict.get("/codes")

    assert (header.status_code, header.json()["pointer"]) == (500, "/header/x-left")
    assert (text.status_code, text.json()["pointer"], text.json()["rule"]) == (500, "/body", "pattern")


def test_verified_a_text_that_stands_for_a_table_is_no_mismatch(serve: Serve) -> None:
    reply = serve("untrue/broken-examples.yaml").post("/pets/dog", json={"name": "Rex"})

    assert (reply.status_code, reply.text) == (201, "a,b")


def test_a_schema_that_nothing_can_keep_is_named_as_the_fault(untrue: Client) -> None:
    reply = untrue.get("/hopeless")

    assert (reply.status_code, reply.headers["x-mock-error"]) == (500, "response-mismatch")
    assert "getHopeless" in reply.json()["detail"]
