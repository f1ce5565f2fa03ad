"""Bodies made from a schema: valid, plausible, and the same for the same seed."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

import pytest

from tests.conftest import Client
from tests.stateless.conftest import Serve


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("generated.yaml", seed=3)


def test_a_generated_body_keeps_every_rule_of_its_schema(client: Client) -> None:
    order = client.get("/orders/1").json()

    assert str(UUID(order["id"])) == order["id"].lower()
    assert re.fullmatch("[A-Z]{3}-[0-9]{4}", order["number"])
    assert 3 <= len(order["customer"]["name"]) <= 12
    assert re.fullmatch(r"[^@\s]+@[^@\s]+", order["customer"]["email"])
    assert 2 <= len(order["lines"]) <= 3
    assert len({str(line) for line in order["lines"]}) == len(order["lines"])
    assert {len(line["sku"]) for line in order["lines"]} == {8}
    assert {line["amount"] for line in order["lines"]} <= {3, 6, 9}
    assert order["status"] in ("open", "paid", "sent")
    assert 0 < order["total"] < 1000
    assert datetime.fromisoformat(order["placedAt"]).tzinfo is not None
    assert order["site"].startswith("http")
    assert "secret" not in order


def test_the_same_seed_gives_the_same_body_on_another_server(serve: Serve, client: Client) -> None:
    again = serve("generated.yaml", seed=3)

    first, second, other = client.get("/orders/1"), client.get("/orders/1"), again.get("/orders/1")

    assert first.content == second.content == other.content


def test_another_seed_gives_another_body(serve: Serve, client: Client) -> None:
    other = serve("generated.yaml", seed=4)

    assert client.get("/orders/1").content != other.get("/orders/1").content


def test_dynamic_bodies_differ_and_repeat_with_the_seed(serve: Serve) -> None:
    def three() -> list[bytes]:
        client = serve("generated.yaml", seed=5)
        return [client.get("/orders/1?__dynamic=true").content for _ in range(3)]

    assert three() == three()
    assert len(set(three())) == 3
