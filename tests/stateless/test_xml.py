"""XML: an object written by its schema, and bodies that are taken as they come."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.conftest import Client
from tests.stateless.conftest import Serve


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("xml.yaml")


def test_an_object_is_written_as_xml_where_that_is_asked_for(client: Client) -> None:
    reply = client.get("/pet", headers={"accept": "application/xml"})

    pet = ElementTree.fromstring(reply.content)
    assert reply.headers["content-type"] == "application/xml"
    assert (pet.tag, pet.attrib) == ("animal", {"id": "5"})
    assert pet.findtext("name") == "Rex & Co <1>"
    assert [tag.text for tag in pet.findall("tags/tag")] == ["big", "brown"]


def test_the_same_object_is_json_where_that_is_asked_for(client: Client) -> None:
    reply = client.get("/pet", headers={"accept": "application/json"})

    assert reply.json() == {"id": 5, "name": "Rex & Co <1>", "tags": ["big", "brown"]}


def test_an_xml_request_is_taken_as_it_comes(client: Client) -> None:
    for content in (b"<animal id='5'/>", b"<animal>", b"\xff"):
        reply = client.post("/pet", content=content, headers={"content-type": "application/xml"})

        assert reply.status_code == 204
        assert "x-mock-violation" not in reply.headers
