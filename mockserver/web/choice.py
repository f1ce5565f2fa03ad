"""Which documented answer is meant: by outcome, by number or by the name of an example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from mockserver.openapi.compiled import SUCCESS, Answer, Document, Example, Operation, Response
from mockserver.openapi.source import Json
from mockserver.web.prefer import Preferences


class Choice(NamedTuple):
    """One answer of an operation: its outcome, the status that documents it, the example to show if any."""

    outcome: str
    status: int
    response: Response | None
    example: Example | None = None
    counted: str | None = None
    invented: bool = False
    # The task states of a living body; of an example it is the one it is marked with.
    living: tuple[str, ...] | None = None
    # The living body, and its bytes where they are known.
    body: Json = None
    raw: bytes | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """The task states that the body shows; an invented one may show any."""
        if self.living is not None:
            return self.living
        state = self.example.state if self.example and not self.invented else None
        return (state,) if state else ()

    def showing(self, body: Json, states: tuple[str, ...]) -> Choice:
        """The same answer with a body of the state's in place of the example's."""
        # In so many words, for `_replace` takes 2 µs.
        outcome, status, response, example, counted, invented, *_ = self
        return Choice(outcome, status, response, example, counted, invented, states, body)

    def to_be_invented(self) -> Choice:
        """The same answer with a made-up body, where it is a success."""
        if self.living is None or self.example is None:
            return self._replace(invented=True)
        return self._replace(invented=True, example=self.example._replace(value=self.body))


class Undocumented(Exception):
    """The operation documents nothing of the kind."""

    def __init__(self, wish: str, operation: Operation) -> None:
        self.wish = wish
        self.documented = list(operation.answers)
        self.examples = list(dict.fromkeys(example.name for example in operation.examples()))
        super().__init__(wish)


@lru_cache(maxsize=4096)
def by_outcome(operation: Operation, outcome: str) -> Choice:
    """The answer to an outcome; Undocumented where the operation has none."""
    answer = operation.answers.get(outcome)
    if answer is not None:
        return _choice(outcome, answer)
    found = None if operation.marked else _by_status(operation, outcome)
    if found is None:
        raise Undocumented(f"outcome={outcome}", operation)
    return found


def documents(operation: Operation, outcome: str) -> bool:
    """True when the operation can have the outcome, be it by a range of statuses or by `default`."""
    try:
        by_outcome(operation, outcome)
    except Undocumented:
        return False
    return True


_STATUSES = {"unauthorized": 401, "invalid": 422}


def _by_status(operation: Operation, outcome: str) -> Choice | None:
    """An outcome that no response is named for, by the range or `default` that its status falls under."""
    if outcome in _STATUSES:
        return refusal(operation, outcome, _STATUSES[outcome])
    status = _http(outcome.removeprefix("http-")) if outcome.startswith("http-") else None
    response = operation.response(status) if status else None
    if status is None or response is None:
        return None
    for name, answer in operation.answers.items():
        if answer.response is response and answer.status == status:
            return _choice(name, answer)
    return Choice(outcome, status, response, None, f"http-{response.status}")


def refusal(operation: Operation, outcome: str, status: int) -> Choice | None:
    """A status that no response names, answered by its range or `default`, unless that is the success."""
    response = operation.response(status)
    success = operation.answers.get(SUCCESS)
    if operation.marked or response is None or (success and success.response is response):
        return None
    return Choice(outcome, status, response, None, f"http-{response.status}")


def asked(document: Document, operation: Operation, wish: Preferences) -> Choice:
    """The answer that a Prefer header asks for; Undocumented where the operation has none."""
    if wish.example:
        return _by_example(document, operation, wish)
    return _by_word(document, operation, wish)


def _by_word(document: Document, operation: Operation, wish: Preferences) -> Choice:
    if wish.outcome:
        return by_outcome(operation, wish.outcome)
    return by_code(document, operation, wish.code or "")


def by_code(document: Document, operation: Operation, code: str) -> Choice:
    """The answer to a number: an HTTP status, or the code in a documented body."""
    success = operation.answers.get(SUCCESS)
    if success and not operation.marked and str(success.status) == code:
        return _choice(SUCCESS, success)
    for outcome, answer in operation.answers.items():
        if str(answer.status) == code and answer.response and answer.response.status == code:
            return _choice(outcome, answer)
        if any(_body_code(document, example) == code for example in answer.examples[:1]):
            return _choice(outcome, answer)
    for example in operation.examples():
        aside = example.outcome is None or example.quirk is not None
        if aside and _body_code(document, example) == code:
            return _shown(document, operation, example, code)
    if (status := _http(code)) is not None:
        response = operation.response(status)
        if response is not None and not (operation.marked and response.status == "default"):
            return Choice(f"http-{code}", status, response, None, f"http-{response.status}")
    raise Undocumented(f"code={code}", operation)


def _http(code: str) -> int | None:
    """The status that a number is, where it can be one; it came with the request and may be anything."""
    return int(code) if re.fullmatch("[2-5][0-9]{2}", code) else None


def _body_code(document: Document, example: Example) -> str | None:
    code = document.envelope.read(example.value)[0]
    return None if code is None else str(code)


def _by_example(document: Document, operation: Operation, wish: Preferences) -> Choice:
    """The example of that name; of the outcome or with the code that is asked for beside it, if any."""
    within = _by_word(document, operation, wish) if wish.outcome or wish.code else None
    for example in operation.examples():
        if example.name != wish.example:
            continue
        if within is None:
            return _shown(document, operation, example)
        beside = within.response is not None and within.response.status == example.status
        if _fits(document, example, within, wish, beside):
            label = example.outcome or (within.outcome if beside else None)
            return _shown(document, operation, example, str(within.status), label)
    raise Undocumented(wish.as_text(), operation)


def _fits(document: Document, example: Example, within: Choice, wish: Preferences, beside: bool) -> bool:
    if wish.outcome:
        return beside and example.outcome in (None, within.outcome)
    is_range = not example.status.isdecimal()
    return wish.code in (example.status, _body_code(document, example)) or (beside and is_range)


def _status(operation: Operation, example: Example) -> int:
    if example.status.isdecimal():
        return int(example.status)
    answers = (a for a in operation.answers.values() if a.response and a.response.status == example.status)
    return next((answer.status for answer in answers), 200)


def _shown(
    document: Document, operation: Operation, example: Example, code: str = "", outcome: str | None = None
) -> Choice:
    """A named example: under its marked outcome, or the one its response stands for, or its number."""
    is_range = not example.status.isdecimal()
    status = (_http(code) if is_range else None) or _status(operation, example)
    response = next(r for r in operation.responses if r.status == example.status)
    label = outcome or example.outcome or _label(operation, example) or _number(document, example, status)
    return Choice(
        label, status, response, example, None if label in operation.answers else f"http-{example.status}"
    )


def _number(document: Document, example: Example, status: int) -> str:
    """An answer without an outcome goes by the number in its body, else by its status."""
    code = _body_code(document, example) or ""
    return f"http-{code if code.isdecimal() else status}"


def _label(operation: Operation, example: Example) -> str | None:
    if operation.marked:
        return None
    outcomes: Iterator[str] = (
        outcome
        for outcome, answer in operation.answers.items()
        if answer.response is not None and answer.response.status == example.status
    )
    return next(outcomes, None)


def _choice(outcome: str, answer: Answer) -> Choice:
    """A range or `default` is counted under its name, and answered under a status."""
    known = outcome.removeprefix("http-").isdecimal() or not outcome.startswith("http-")
    label, counted = (outcome, None) if known else (f"http-{answer.status}", outcome)
    return Choice(label, answer.status, answer.response, next(iter(answer.examples), None), counted)
