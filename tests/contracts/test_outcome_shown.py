"""Which outcome an answer is, where nobody says it: status, code and message as the providers write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contracts.outcome_shown import Outcomes
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return load_documents(["packaged"], NAMES)


def told(documents: dict[str, Document], provider: str, name: str, status: int, *body: Any) -> str | None:
    document = documents[provider]
    operation = document.operation(name)
    assert operation is not None
    return Outcomes(document, operation).told(status, *body)


def kie(code: int, message: str, data: Any = None) -> dict[str, Any]:
    return {"code": code, "msg": message, "data": data}


def evolink(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "type": "invalid_request_error"}}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, kie(200, "success", {"personaId": "a1", "name": "N", "description": "D"}), "success"),
        # The code counts, whichever status it travels under.
        (200, kie(401, "You do not have access permissions"), "unauthorized"),
        (401, kie(401, "Log in first"), "unauthorized"),
        (422, kie(422, "Music does not exist"), "source-not-found"),
        # Of two that answer alike, the first of the vocabulary.
        (200, kie(451, "Failed to fetch the music data"), "access-denied"),
        # A state or an id at the end is another one each time.
        (200, kie(422, "Music generation is not complete: TEXT_SUCCESS"), "source-unfinished"),
        (200, kie(422, "Music generation failed: SENSITIVE_WORD_ERROR"), "source-failed"),
        # Two words in common are no reason for a specific one.
        (200, kie(422, "Music generation quota is used up"), "invalid"),
        (200, kie(422, "name: at most 100 characters"), "invalid"),
        # Only one has this code.
        (200, kie(409, "Once is enough"), "duplicate"),
        (200, kie(299, "whatever"), None),
        (500, "<h1>Bad day</h1>", "server-error"),
        (503, "<h1>Bad day</h1>", None),
    ],
)
def test_kie_is_told_by_its_code_then_by_its_message(
    documents: dict[str, Document], status: int, body: Any, outcome: str | None
) -> None:
    assert told(documents, "kie", "generatePersona", status, body) == outcome


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {"id": "task-unified-1", "status": "pending"}, "success"),
        (401, evolink("unauthorized", "Invalid or expired token"), "unauthorized"),
        (400, evolink("invalid_request", "name is too long"), "invalid"),
        (
            400,
            evolink("invalid_request", "A Persona has already been created from this result_id: 9e9e"),
            "duplicate",
        ),
        (
            400,
            evolink(
                "invalid_request",
                "Source task does not exist or does not belong to the current user: task-unified-9-q",
            ),
            "source-not-found",
        ),
        (
            400,
            evolink("invalid_request", "Source task is not completed, its status is pending: task-unified-2"),
            "source-unfinished",
        ),
        (418, evolink("teapot", "short and stout"), None),
    ],
)
def test_evolink_is_told_by_its_status_then_by_its_message(
    documents: dict[str, Document], status: int, body: Any, outcome: str | None
) -> None:
    assert told(documents, "evolink", "generatePersona", status, body) == outcome


@pytest.mark.parametrize(
    ("provider", "name", "body", "outcome"),
    [
        ("kie", "getMusicDetails", kie(200, "success"), "not-found"),
        ("kie", "getMusicDetails", kie(200, "success", {"status": "PENDING"}), "success"),
        # Documents and observation differ here: either is understood.
        ("kie", "getMusicDetails", kie(404, "no such task"), "not-found"),
        ("kie", "getMusicDetails", kie(422, "taskId: too short"), "invalid"),
        ("yuto", "getFeed", [], "not-found"),
        ("yuto", "getFeed", [{"status": "complete"}], "success"),
    ],
)
def test_an_unknown_task_that_reads_like_a_success_is_not_found(
    documents: dict[str, Document], provider: str, name: str, body: Any, outcome: str
) -> None:
    assert told(documents, provider, name, 200, body) == outcome


def test_of_two_messages_that_begin_alike_the_same_one_counts(folder: Callable[..., str]) -> None:
    notes = """
openapi: 3.1.0
info: {title: Notes, version: '1'}
x-envelope: {message: /why}
paths:
  /notes:
    get:
      operationId: listNotes
      responses:
        '400':
          description: no
          content:
            application/json:
              examples:
                many: {x-outcome: invalid, value: {why: 'the note is too long to be kept'}}
                one: {x-outcome: duplicate, value: {why: the note is too long}}
"""
    documents = load_documents([folder(notes=notes)], NAMES)

    said = ["the note is too long", "the note is too long to be kept", "the note is too long to be read"]
    outcomes = [told(documents, "notes", "listNotes", 400, {"why": text, "id": 1}) for text in said]

    assert outcomes == ["duplicate", "invalid", "invalid"]


def test_a_code_narrows_what_a_status_leaves_open(documents: dict[str, Document]) -> None:
    said = {"code": "clip_not_found", "message": "clip_not_found", "data": None}
    other = {"code": "clip_not_found", "message": "who?", "data": None}
    general = {"code": "invalid_request", "message": "who?", "data": None}

    outcomes = [told(documents, "yuto", "generatePersona", 400, body) for body in (said, other, general)]

    # Of two specific ones none is guessed.
    assert outcomes == ["source-not-found", None, "invalid"]


def test_without_a_body_the_status_tells_unless_refusals_travel_under_it(
    documents: dict[str, Document],
) -> None:
    assert told(documents, "evolink", "getTask", 200) == "success"
    assert told(documents, "evolink", "getTask", 403) == "access-denied"
    assert told(documents, "kie", "getMusicDetails", 429) == "rate-limited"
    assert told(documents, "kie", "getMusicDetails", 200) is None


def test_a_foreign_document_is_told_by_its_statuses(folder: Callable[..., str]) -> None:
    pets = """
openapi: 3.1.0
info: {title: Pets, version: '1'}
paths:
  /pets:
    get:
      operationId: listPets
      responses:
        '200': {description: all}
        '418': {description: teapot}
        4XX: {description: other}
"""
    documents = load_documents([folder(pets=pets)], NAMES)

    outcomes = [told(documents, "pets", "listPets", status, {"any": 1}) for status in (200, 418, 404, 500)]

    assert outcomes == ["success", "http-418", "http-4XX", None]
