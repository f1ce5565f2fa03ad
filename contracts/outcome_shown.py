"""Which documented outcome an answer is, where only its status and its body tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from mockserver.domain.outcome import NAMES, Outcome
from mockserver.openapi.compiled import SUCCESS, Document, Operation
from mockserver.openapi.payload import OPAQUE
from mockserver.openapi.source import Json

SPECIFIC: Final = frozenset(NAMES[NAMES.index(Outcome.SOURCE_NOT_FOUND) :])
"""Outcomes that share their status and code with a more general one: only their message tells them."""

_LEAST = 12
"""So many characters, and half of the example's, make the beginning of a message; what follows is an id."""


class _Known(NamedTuple):
    """One way in which the document shows an outcome."""

    outcome: str
    response: str | None
    code: Json = None
    message: Json = None
    body: Json = OPAQUE
    # False where it stands for another choice than the one that is made between documents and observation.
    is_usual: bool = True


class Outcomes:
    """The outcomes of one operation, as its document shows them."""

    def __init__(self, document: Document, operation: Operation) -> None:
        self._envelope, self._operation = document.envelope, operation
        order = list(operation.answers)
        self._known = sorted(self._shown(), key=lambda known: order.index(known.outcome))

    def told(self, status: int, body: Json = OPAQUE) -> str | None:
        """The outcome of an answer, None where it is none that is documented, or may be several.

        A body that is not known is OPAQUE. A task that is accepted only to fail is a `success`: nothing in
        the answer tells the two apart, and later polls are not asked.
        """
        code, message = self._envelope.read(body)
        fitting = self._fitting(status, code, is_known=body is not OPAQUE)
        same = (known.outcome for known in fitting if known.body is not OPAQUE and known.body == body)
        return next(same, None) or _said(fitting, message) or _most_general(fitting)

    def _shown(self) -> Iterator[_Known]:
        answers = self._operation.answers
        examples = [example for example in self._operation.examples() if example.outcome in answers]
        for example in examples:
            assert example.outcome is not None
            is_usual = example.quirk is None or example in answers[example.outcome].examples
            code, message = self._envelope.read(example.value)
            yield _Known(example.outcome, example.status, code, message, example.value, is_usual)
        for outcome in answers.keys() - {example.outcome for example in examples}:
            response = answers[outcome].response
            yield _Known(outcome, response.status if response else None)

    def _fitting(self, status: int, code: Json, *, is_known: bool) -> list[_Known]:
        """Those whose code it is, or whose status where the body has no code of theirs."""
        response = self._operation.response(status)
        of_status = [known for known in self._known if response and known.response == response.status]
        if not self._envelope.is_numeric:
            return [known for known in of_status if known.code == code] or of_status
        if type(code) is int:
            return [known for known in self._known if known.code == code]
        if not is_known and any(known.outcome == SUCCESS for known in of_status):
            return []  # refusals travel under this status too
        return [known for known in self._known if known.code == status] or of_status


def _said(fitting: Sequence[_Known], message: Json) -> str | None:
    """The outcome whose example says the same, or else begins as the message does for longest."""
    if not isinstance(message, str):
        return None
    texts = [(known.outcome, known.message) for known in fitting if isinstance(known.message, str)]
    # Of two that share as much, the shorter one is the message itself.
    shares = [(_shared(text, message), -len(text), outcome) for outcome, text in texts]
    length, _, outcome = max(shares, key=lambda share: share[:2], default=(0, 0, None))
    return outcome if length else None


def _shared(example: str, message: str) -> int:
    """How long a beginning two messages share; 0 where it is too short to say the same."""
    pairs = enumerate(zip(example, message, strict=False))
    length = next((at for at, (one, other) in pairs if one != other), min(len(example), len(message)))
    is_whole = length == len(example)
    return length if is_whole or (length >= _LEAST and 2 * length >= len(example)) else 0


def _most_general(fitting: Sequence[_Known]) -> str | None:
    """The first that no message is needed for; a specific one only where it is the only one."""
    usual = [known for known in fitting if known.is_usual] or fitting
    names = dict.fromkeys(known.outcome for known in usual)
    general = [name for name in names if name not in SPECIFIC]
    return general[0] if general else next(iter(names)) if len(names) == 1 else None
