"""One provider in one sandbox, and what a test finds and plans there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.openapi.compiled import Document
from mockserver.settings import UsageError
from mockserver.testing.records import Record, Song
from mockserver.web.control.tasks import DEFAULT_KEY

if TYPE_CHECKING:
    from mockserver.testing.handle import PersonaMock

Ask = Callable[..., Any]
"""A control call by its name: `ask(where, name, body, **path)`."""


class Provider:
    """One provider in one sandbox."""

    def __init__(self, name: str, document: Document, mock: PersonaMock, ask: Ask) -> None:
        self.name = name
        self._document = document
        self._mock = mock
        self._ask = ask

    @property
    def url(self) -> str:
        """What a client takes for this provider's base URL."""
        return f"{self._mock.url}/{self.name}{self._document.base}"

    @property
    def key(self) -> str:
        """A credential with an account that songs are planted for."""
        return DEFAULT_KEY

    def completed_song(
        self,
        *,
        model: str | float | None = None,
        key: str | None = None,
        status: str | None = None,
        kind: str | None = None,
        error: str | Mapping[str, Any] | None = None,
    ) -> Song:
        """A song that is there already, free of charge: finished, unless another status is asked for."""
        __tracebackhide__ = True
        asked = {"model": model, "key": key, "status": status, "kind": kind, "error": error}
        body = {"provider": self.name, **_said(asked)}
        made = self._ask(f"{self.name}.completed_song", "plantTask", body)
        return Song(self.name, made["source_task"], made["songs"], made["key"], made["view"])

    def task(self, id: str) -> Task:
        """A task of this provider by its id; UsageError where there is none."""
        __tracebackhide__ = True
        found = self._ask(f"{self.name}.task", "showTask", id=id)
        if found["provider"] != self.name:
            raise UsageError(f"{id!r} is a task of {found['provider']}", where=f"{self.name}.task")
        return Task(id, self._ask)

    def next(
        self,
        outcome: str,
        times: int = 1,
        operation: str | None = None,
        match: Mapping[str, Any] | None = None,
        delay: float | None = None,
        error: str | Mapping[str, Any] | None = None,
    ) -> Planned:
        """Queue an outcome for the next calls that document it, or that operation's, or that match."""
        __tracebackhide__ = True
        more = {"operation": operation, "match": match, "delay": delay, "error": error}
        return self._planned("next", outcome, {"times": times, **_said(more)})

    def always(
        self,
        outcome: str,
        operation: str | None = None,
        match: Mapping[str, Any] | None = None,
        delay: float | None = None,
        error: str | Mapping[str, Any] | None = None,
    ) -> Planned:
        """Let an outcome stand until it is removed or the sandbox is reset."""
        __tracebackhide__ = True
        more = {"operation": operation, "match": match, "delay": delay, "error": error}
        return self._planned("always", outcome, {"times": None, **_said(more)})

    def _planned(self, where: str, outcome: str, more: dict[str, Any]) -> Planned:
        __tracebackhide__ = True
        if not isinstance(more.get("match", {}), Mapping):
            wanted = "a dict, of which the body of a call has to hold all"
            raise UsageError(where=f"{self.name}.{where}(match=…)", got=repr(more["match"]), wanted=wanted)
        body = {"provider": self.name, "outcome": outcome, **more}
        made = self._ask(f"{self.name}.{where}", "addOutcome", body)
        return Planned(made["id"], "Outcome", self._ask)

    def outcomes(self, operation: str) -> list[str]:
        """The outcomes that an operation documents; it may be asked before the mock is started."""
        __tracebackhide__ = True
        found = self._document.operation(operation)
        if found is None:
            known = ", ".join(one.name for one in self._document.operations())
            raise UsageError(f"{self.name} has no operation {operation!r}", fix=f"It has {known}")
        return list(found.answers)

    def __repr__(self) -> str:
        return f"<{self.name} of {self._mock!r}>"


class _Looked:
    """Something of the sandbox that is looked at anew each time."""

    def __init__(self, ask: Ask, what: str, **path: str) -> None:
        self._ask = ask
        self._what = what
        self._path = path

    def _shown(self) -> Record:
        return Record(self._ask(self._what, f"show{self._what.title()}", **self._path))


class Task(_Looked):
    """A task as it stands now."""

    def __init__(self, id: str, ask: Ask) -> None:
        super().__init__(ask, "task", id=id)
        self.id = id

    @property
    def provider(self) -> str:
        """Whose task it is."""
        return str(self._shown().provider)

    @property
    def status(self) -> str:
        """waiting, running, finished or failed."""
        return str(self._shown().status)

    @property
    def state(self) -> str:
        """The status in the provider's own words."""
        return str(self._shown().state)

    @property
    def progress(self) -> int:
        """How far it has come, in percent."""
        return int(self._shown().progress)

    @property
    def view(self) -> Any:
        """The body that the provider's poll gives now."""
        return self._shown().view

    @property
    def audio_ids(self) -> list[str]:
        """The ids of its songs."""
        return list(self._shown().songs)

    @property
    def error(self) -> Record | None:
        """How it failed: name, code and message; None where it has not."""
        found = self._shown().error
        return None if found is None else Record(found)

    def push(self, status: str, progress: int | None = None) -> Task:
        """Move it to a state: waiting, running, finished, failed, or one of the provider's own names."""
        __tracebackhide__ = True
        self._ask("task.push", "pushTask", {"status": status, **_said({"progress": progress})}, id=self.id)
        return self

    def finish(self) -> Task:
        """Move it to its end."""
        __tracebackhide__ = True
        return self.push("finished")

    def fail(self, error: str | Mapping[str, Any] | None = None) -> Task:
        """Let it fail: as the provider's failure of that name, as a code with a message, or as is usual."""
        __tracebackhide__ = True
        body = {"status": "failed", **_said({"error": error})}
        self._ask("task.fail", "pushTask", body, id=self.id)
        return self

    def __repr__(self) -> str:
        return f"<task {self.id}>"


class Planned:
    """An outcome or a fault that waits for its calls."""

    def __init__(self, id: str, what: str, ask: Ask) -> None:
        self.id = id
        self._what = what
        self._ask = ask

    @property
    def left(self) -> int | None:
        """For how many calls it still waits; None where it stands for any number."""
        listed = self._ask("left", f"list{self._what}s")[f"{self._what.lower()}s"]
        found = next((one for one in listed if one["id"] == self.id), None)
        left: int | None = 0 if found is None else found["left"]
        return left

    def remove(self) -> None:
        """Let it wait no more; nothing where it is used up already."""
        if self.left != 0:
            self._ask("remove", f"delete{self._what}", id=self.id)

    def __repr__(self) -> str:
        return f"<{self._what.lower()} {self.id}, {self.left} left>"


class Account(_Looked):
    """The account behind one credential, for all providers."""

    def __init__(self, key: str, ask: Ask) -> None:
        super().__init__(ask, "account", key=key)
        self.key = key

    @property
    def credits(self) -> float:
        """Its balance."""
        balance: float = self._shown().credits
        return balance

    @property
    def tasks(self) -> list[str]:
        """The ids of its tasks."""
        return list(self._shown().tasks)

    @property
    def personas(self) -> list[str]:
        """The ids of its personas."""
        return list(self._shown().personas)

    def change(
        self,
        *,
        credits: float | None = None,
        rate_limit: Mapping[str, Any] | None = None,
        webhook_hmac_key: str | None = None,
    ) -> Account:
        """Give it a balance, a rate limit `{"count": 5, "seconds": 60}`, a key that signs its callbacks."""
        asked = {"credits": credits, "rate_limit": rate_limit, "webhookHmacKey": webhook_hmac_key}
        self._ask("account.change", "changeAccount", _said(asked), key=self.key)
        return self


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}
