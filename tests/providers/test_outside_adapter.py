"""A fifth provider is one document and one adapter, which an installed package may bring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import MakeClient

ADAPTER = """
from mockserver.domain.credits import shown
from mockserver.domain.ids import uuid4
from mockserver.domain.model import ShowBalance
from mockserver.domain.policy import FailureKind, Policy, Stage
from mockserver.domain.service import Forms
from mockserver.providers.base import Written
from mockserver.providers.quirks import Quirk


class NewOne:
    name = "newone"
    quirks = (Quirk("unit", ("credits", "cents"), "showBalance", "success"),)
    models = ()
    forms = Forms(task=lambda m, _: uuid4(m), song=lambda m, _: uuid4(m), persona=lambda m, _: uuid4(m))

    def __init__(self, quirks):
        self.unit = quirks["unit"]
        stages = (Stage("done", "finished", 0, 100, "all"),)
        self.policy = Policy(stages=stages, kinds={}, failures=(FailureKind("no", "no", None, "no"),))

    def read(self, call):
        return ShowBalance()

    def write(self, call, view, context):
        left = shown(view.balance.credits)
        return Written({"left": left if self.unit == "credits" else left * 100})

    def refuse(self, call, refusal, sample):
        return sample

    def is_model_rule(self, call, fault):
        return False

    def wording(self, call):
        return ()
"""
DOCUMENT = """
openapi: 3.1.0
info: {title: New one, version: '1'}
components:
  securitySchemes: {key: {type: http, scheme: bearer}}
security: [{key: []}]
paths:
  /balance:
    get:
      operationId: showBalance
      responses:
        '200':
          description: What is left.
          content:
            application/json:
              schema: {type: object, required: [left], properties: {left: {type: number}}}
              examples: {some: {x-outcome: success, value: {left: 3}}}
        '401':
          description: No key.
          content:
            application/json:
              schema: {type: object}
              examples: {none: {x-outcome: unauthorized, value: {error: no key}}}
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with an adapter, as pip would leave it."""
    place = tmp_path / "site"
    (place / "newone_mock-1.0.dist-info").mkdir(parents=True)
    (place / "newone_mock.py").write_text(ADAPTER, "utf-8")
    (place / "newone_mock-1.0.dist-info" / "METADATA").write_text(
        "Name: newone-mock\nVersion: 1.0\n", "utf-8"
    )
    entry = "[persona_mock.providers]\nnewone = newone_mock:NewOne\nnew-one = newone_mock:NewOne\n"
    (place / "newone_mock-1.0.dist-info" / "entry_points.txt").write_text(entry, "utf-8")
    monkeypatch.syspath_prepend(str(place))


@pytest.mark.usefixtures("installed")
def test_the_adapter_of_an_installed_package_brings_its_document_to_life(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    client = make_client(specs=(folder(newone=DOCUMENT),))
    client.request("PATCH", "/_mock/accounts/key", json={"credits": 41.5})

    reply = client.get("/balance", headers={"authorization": "Bearer key"})

    assert reply.json() == {"left": 41.5}
    assert reply.headers["x-mock-outcome"] == "success"
    assert client.get("/balance").json() == {"error": "no key"}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("quirks", "left"), [((), 2), (("newone.unit=cents",), 200)])
def test_its_quirks_are_switches_like_any(
    make_client: MakeClient, folder: Callable[..., str], quirks: tuple[str, ...], left: int
) -> None:
    client = make_client(specs=(folder(newone=DOCUMENT),), credits=2, quirk=quirks)

    assert client.get("/balance", headers={"authorization": "Bearer key"}).json() == {"left": left}


@pytest.mark.usefixtures("installed")
def test_its_name_is_the_documents_whatever_that_is(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    client = make_client(specs=(folder(**{"new-one": DOCUMENT}),), credits=2)

    assert client.get("/balance", headers={"authorization": "Bearer key"}).json() == {"left": 2}


def test_without_one_the_document_answers_its_examples(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    client = make_client(specs=(folder(newone=DOCUMENT),))

    reply = client.get("/balance", headers={"authorization": "Bearer key"})

    assert reply.json() == {"left": 3}


def test_a_document_of_a_providers_name_that_marks_nothing_is_somebody_elses(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    unmarked = DOCUMENT.replace("x-outcome: success, ", "").replace("x-outcome: unauthorized, ", "")
    client = make_client(specs=(folder(kie=unmarked),))

    reply = client.get("/balance", headers={"authorization": "Bearer key"})

    assert reply.json() == {"left": 3}
