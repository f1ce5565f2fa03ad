"""Response coverage of recorded traffic: which documented outcomes and task states have its clients met?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from contracts.outcome_shown import Outcomes
from contracts.states_shown import Places, places
from contracts.traffic import bodies, is_preflight, recorded
from contracts.traffic.asked import Asked
from contracts.traffic.exchange import Exchange, Flaw, Message
from contracts.traffic.locate import Elsewhere, Found, Locator
from mockserver import coverage
from mockserver.coverage import Documented
from mockserver.openapi.compiled import Document, Media, Operation
from mockserver.openapi.negotiation import essence, find_media
from mockserver.openapi.payload import OPAQUE, Payload

ELSEWHERE, UNKNOWN, UNREADABLE = "for other hosts", "to unknown routes", "that cannot be read"
UNANSWERED, UNTOLD = "without an answer", "with an answer that is none of the document's"
PREFLIGHT: Final = "of a browser's own before a call"

# What our mock says in its own name, and others in theirs.
_PROBLEM = "application/problem+json"


class NoTraffic(ValueError):
    """A file of which nothing could be read."""

    def __init__(self, flaw: Flaw) -> None:
        self.flaw = flaw
        super().__init__(flaw.message)


class Covering:
    """Counts what the exchanges of some files met; nothing of a file is kept."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self._documents = documents
        self._locator = Locator(documents)
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        self._meanings: dict[tuple[str, str], _Meaning] = {}
        self.missed: Counter[str] = Counter()
        self.flaws: list[tuple[Path, Flaw]] = []

    def read(self, file: Path) -> None:
        """Count a file; NoTraffic where it is none, and a flaw is noted where it breaks off."""
        is_traffic = False
        for item in recorded.items(file):
            if isinstance(item, Exchange):
                is_traffic = True
                self._count(item)
            elif item.exchange is not None:
                is_traffic = True
                self.missed[UNREADABLE] += 1
            elif is_traffic:
                self.flaws.append((file, item))
            else:
                raise NoTraffic(item)

    def report(self) -> dict[str, Any]:
        """What was met, as `GET coverage` says it."""
        documented = [
            Documented(one.provider, one.name, tuple(one.answers), one.states)
            for document in self._documents.values()
            for one in document.operations()
        ]
        return coverage.report(documented, self._counts)

    def _count(self, exchange: Exchange) -> None:
        if exchange.aside is not None or exchange.answer_aside is not None or exchange.status is None:
            self.missed[UNANSWERED] += 1
            return
        found = self._locator.find(exchange)
        if isinstance(found, Found):
            self._count_answer(_operation(found, exchange), found.document, exchange, exchange.status)
        elif isinstance(found, Elsewhere):
            self.missed[ELSEWHERE] += 1
        else:
            self.missed[PREFLIGHT if is_preflight(exchange) else UNKNOWN] += 1

    def _count_answer(
        self, operation: Operation, document: Document, exchange: Exchange, status: int
    ) -> None:
        payload = _body(exchange.response, operation, document)
        meaning = self._meaning(document, operation)
        outcome = None if payload.fault else meaning.outcome(exchange, status, payload)
        if outcome is None:
            self.missed[UNTOLD] += 1
            return
        self._counts["outcomes", operation.provider, operation.name, outcome] += 1
        # Where our mock has made a body up, its journal has no state.
        shows = not exchange.is_ours or exchange.state is not None
        for state in meaning.places.shown(payload.value) if shows else ():
            self._counts["states", operation.provider, operation.name, state] += 1

    def _meaning(self, document: Document, operation: Operation) -> _Meaning:
        key = (operation.provider, operation.name)
        if key not in self._meanings:
            known = _Meaning(operation, Outcomes(document, operation), places(operation))
            self._meanings[key] = known
        return self._meanings[key]


class _Meaning(NamedTuple):
    """What the answers of one operation mean."""

    operation: Operation
    outcomes: Outcomes
    places: Places

    def outcome(self, exchange: Exchange, status: int, payload: Payload) -> str | None:
        """What our mock says it is, else what the answer itself tells."""
        said = exchange.response.header("x-mock-outcome") or exchange.outcome
        return said if said in self.operation.answers else self.outcomes.told(status, payload.value)


def _operation(found: Found, exchange: Exchange) -> Operation:
    """The one that our mock says it was, else the one that the request's body means."""
    said = exchange.response.header("x-mock-operation")
    named = (operation for operation in found.route.operations() if operation.name == said)
    return next(named, None) or Asked(found, exchange).operation


def _body(message: Message, operation: Operation, document: Document) -> Payload:
    """The body of an answer, OPAQUE where there is none to be read; a fault where none is documented so."""
    body, told = message.body, message.header("content-type") or message.body.media
    if body.is_empty or not body.is_kept:
        return Payload(OPAQUE)
    known = {name: media for response in operation.responses for name, media in response.media.items()}
    # Chrome's word for an answer without a type.
    content_type = told if told and told != "x-unknown" else bodies.usual_type(known)
    is_strange = essence(content_type) == _PROBLEM and _PROBLEM not in map(essence, known)
    if known and (is_strange or find_media(content_type, known) is None):
        return Payload(fault=f"the content type {essence(content_type)} is not documented")
    return bodies.read(body, content_type, Media(content_type, "", None), document.source)
