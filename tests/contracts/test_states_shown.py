"""Which task states a body shows, by the documents' own examples."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.states_shown import places, states_shown
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document, Operation
from mockserver.openapi.library import load_documents


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return load_documents(["packaged"], NAMES)


def operation(documents: dict[str, Document], provider: str, name: str) -> Operation:
    found = documents[provider].operation(name)
    assert found is not None
    return found


@pytest.mark.parametrize("provider", ["kie", "crun", "evolink", "yuto"])
def test_every_marked_example_shows_its_own_state_and_all_states_are_found(
    documents: dict[str, Document], provider: str
) -> None:
    for one in documents[provider].operations():
        marked = [example for example in one.examples() if example.state]

        shown = [states_shown(one, example.value) for example in marked]

        assert shown == [(example.state,) for example in marked]
        assert set(one.states) == {state for states in shown for state in states}


@pytest.mark.parametrize(
    ("provider", "name", "body", "states"),
    [
        ("kie", "getMusicDetails", {"code": 200, "data": {"status": "TEXT_SUCCESS"}}, ("TEXT_SUCCESS",)),
        # The message of a success reads as one of the states does, and stands elsewhere.
        ("crun", "getTaskInfo", {"message": "success", "data": {"status": "running"}}, ("running",)),
        (
            "yuto",
            "fetchTasks",
            {"data": [{"status": "QUEUED"}, {"status": "SUCCESS"}, {"status": "QUEUED"}]},
            ("QUEUED", "SUCCESS"),
        ),
        ("yuto", "getFeed", [{"status": "streaming"}, {"status": "complete"}], ("streaming", "complete")),
    ],
)
def test_states_are_read_at_their_place_in_order_and_each_once(
    documents: dict[str, Document], provider: str, name: str, body: Any, states: tuple[str, ...]
) -> None:
    assert states_shown(operation(documents, provider, name), body) == states


@pytest.mark.parametrize(
    "body",
    [
        None,
        "SUCCESS",
        [{"data": {"status": "SUCCESS"}}],
        {"data": None},
        {"data": {"status": ["SUCCESS"]}},
        {"data": {"status": "success"}},
        {"data": {"status": "NEVER_HEARD_OF"}},
        {"status": "SUCCESS", "data": {"state": "SUCCESS"}},
    ],
)
def test_nothing_undocumented_and_nothing_elsewhere_is_a_state(
    documents: dict[str, Document], body: Any
) -> None:
    assert states_shown(operation(documents, "kie", "getMusicDetails"), body) == ()


def test_an_operation_without_states_shows_none(documents: dict[str, Document]) -> None:
    submission = operation(documents, "evolink", "generateMusic")

    assert places(submission).paths == ()
    assert states_shown(submission, {"status": "pending"}) == ()
