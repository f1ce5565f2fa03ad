"""The handle that a test holds: one sandbox, with its providers, its clock, its journal and its callbacks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Unpack
from weakref import WeakSet

from mockserver.openapi.compiled import Document
from mockserver.settings import UsageError
from mockserver.testing import exchanges, strict
from mockserver.testing.bound import Bound
from mockserver.testing.clock import Clock
from mockserver.testing.conversation import App
from mockserver.testing.documents import documents_of
from mockserver.testing.intercept import Interceptor
from mockserver.testing.live import Server
from mockserver.testing.options import Given, Options, defaults
from mockserver.testing.provider import Account, Planned, Provider, Task
from mockserver.testing.receiver import Receiver
from mockserver.testing.records import Record, Request, Violation
from mockserver.testing.requests import Requests
from mockserver.testing.room import Room
from mockserver.testing.strict import ContractBroken
from mockserver.testing.transport import async_transport, sync_transport
from mockserver.web.control.call import BadControl, Conflict, Missing
from mockserver.web.control.dispatch import carry_out
from mockserver.web.control.tasks import DEFAULT_KEY
from mockserver.web.locate import DEFAULT_SANDBOX

# Refusals that would otherwise name a flag of the command.
_IN_OUR_WORDS = {
    "clock-is-real": 'The clock is real and cannot be moved. Ask for clock="virtual", as is usual here',
    "rate-limits-off": 'Rate limits are off here. Ask for rate_limits="documented" to have this one kept',
}


class PersonaMock:
    """A fresh provider world: four providers, virtual time, nothing shared with anybody.

    With pytest it is the fixture persona_mock; without, `with PersonaMock() as mock:`, or start() and stop().
    Options are those of the marker: pace, clock, status, seed, scenario, quirks, rate_limits, strict,
    strict_outcomes; and credits, specs, verify_responses, callback_allow, callback_timeout, max_body, cors.
    """

    def __init__(
        self,
        *,
        server: Server | None = None,
        sandbox: str = DEFAULT_SANDBOX,
        **options: Unpack[Given],
    ) -> None:
        self.sandbox = sandbox
        self._shared = server
        base = server.options if server is not None else defaults(Path.cwd())
        self._options: Options = base.with_(options, "PersonaMock")
        # One of its own has the options for its root too.
        self._server = server or Server(**_without_strictness(options))
        self._open: Room | None = None
        self._transports: WeakSet[Any] = WeakSet()
        self._blocks: list[Interceptor] = []

    # --- beginning and end ----------------------------------------------------------------------------------

    def start(self, *, in_front: bool = False) -> PersonaMock:
        """Begin with an empty sandbox, on a server of its own unless one was given.

        The one in front takes calls to the server that name no sandbox, as the fixture's does.
        """
        if self._open is not None:
            raise UsageError("this mock is started already", where=repr(self))
        if self._shared is None:
            self._server.start()
            port = self._server.options.settings.port
            self._options = self._options.with_port(port)
        try:
            self._open = self._server.enter(self.sandbox, self._options, in_front=in_front)
        except BaseException:
            self._end_server()
            raise
        self._open.receiver.hint = self._hint
        return self

    def stop(self) -> None:
        """Forget the sandbox; ContractBroken where it was to be strict, and was not met as it wanted."""
        complaint = self.complaint()
        self.close()
        if complaint is not None:
            raise ContractBroken(complaint)

    def close(self) -> None:
        """Forget the sandbox without a word about what it saw."""
        if self._open is None:
            return
        self._open = None
        blocks, self._blocks = self._blocks, []
        try:
            for block in blocks:
                block.end()
            for transport in list(self._transports):
                transport.halt()
        finally:
            self._server.leave(self.sandbox)
            self._end_server()

    def _end_server(self) -> None:
        if self._shared is None:
            self._server.stop()

    def __enter__(self) -> PersonaMock:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What the test itself found is not to be hidden.
        if error is None:
            self.stop()
        else:
            self.close()

    def reset(self) -> None:
        """Forget all that was made, asked for and called, and stand at the first moment again."""
        self._ask("reset", "resetSandbox")
        self.callbacks.clear()

    # --- providers ------------------------------------------------------------------------------------------

    @property
    def kie(self) -> Provider:
        """The provider kie."""
        return self.provider("kie")

    @property
    def crun(self) -> Provider:
        """The provider crun."""
        return self.provider("crun")

    @property
    def evolink(self) -> Provider:
        """The provider evolink."""
        return self.provider("evolink")

    @property
    def yuto(self) -> Provider:
        """The provider yuto."""
        return self.provider("yuto")

    def provider(self, name: str) -> Provider:
        """The provider that a document is named for."""
        __tracebackhide__ = True
        documents = self._documents()
        if name not in documents:
            raise UsageError(f"there is no provider {name!r}", fix=f"There are {', '.join(documents)}")
        return Provider(name, documents[name], self, self._ask)

    def _documents(self) -> Mapping[str, Document]:
        # What a document says can be asked before the start: `parametrize` does.
        return documents_of(self._options.settings) if self._open is None else self._room.world.documents

    # --- what there is --------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The base URL of this sandbox, for a client with a prefix of its own or several providers."""
        return self._running.url_of(self.sandbox)

    @property
    def seed(self) -> int:
        """What ids and invented content follow from, beside the sandbox's name."""
        return self._options.settings.seed

    @property
    def is_strict(self) -> bool:
        """True where a request that breaks its document fails the test."""
        return self._options.strict

    @property
    def clock(self) -> Clock:
        """The time of this sandbox."""
        return Clock(self._room.world, self.sandbox, self._ask)

    @property
    def requests(self) -> Sequence[Request]:
        """Every call that reached this sandbox by now, oldest first, credentials hidden."""
        self._room.settle()
        journal = self._room.world.journal
        return Requests(journal, journal.entries(self.sandbox))

    @property
    def violations(self) -> list[Violation]:
        """Every way in which those calls broke their documents, oldest first."""
        return [violation for request in self.requests for violation in request.violations]

    @property
    def callbacks(self) -> Receiver:
        """The receiver of this sandbox: give its `url` to a request, then look at what came."""
        return self._room.receiver

    @property
    def coverage(self) -> Record:
        """What of the documents this sandbox has met."""
        return Record(self._room.world.coverage(self.sandbox))

    def task(self, id: str) -> Task:
        """A task by its id; UsageError where there is none."""
        __tracebackhide__ = True
        return Task(self._ask("task", "showTask", id=id)["id"], self._ask)

    def account(self, key: str = DEFAULT_KEY) -> Account:
        """The account behind a credential; one that was never seen begins as the provider would have it."""
        if not _is_credential(key):
            raise UsageError(where="account(key=…)", got=repr(key), wanted="a credential, as a text")
        return Account(key, self._ask)

    def fault(self, name: str, **fields: Any) -> Planned:
        """Let something go wrong around the next call or callback it fits: `fault("latency", seconds=5)`.

        Fields: provider, operation, path, match, probability, times (None: always), and those of that fault.
        """
        __tracebackhide__ = True
        made = self._ask("fault", "addFault", {"fault": name, **fields})
        return Planned(made["id"], "Fault", self._ask)

    # --- ways in --------------------------------------------------------------------------------------------

    @property
    def asgi(self) -> App:
        """The application, bound to this sandbox."""
        return Bound(self._running.app, self.sandbox)

    def transport(self) -> Any:
        """A transport for a Client of httpx or httpx2: no socket, and a client's timeout comes at once."""
        made = sync_transport(self.asgi)
        self._transports.add(made)
        return made

    def async_transport(self) -> Any:
        """A transport for an AsyncClient of httpx or httpx2, as `transport` is one for a Client."""
        made = async_transport(self.asgi)
        self._transports.add(made)
        return made

    def intercept(self, allow: Iterable[str] | None = ()) -> Interceptor:
        """Send calls to the documented hosts here, and let none out but to the mock and to `allow`.

        For httpx, httpx2, requests, urllib3, aiohttp and urllib, wherever in this process they are used.
        """
        server = self._running
        hosts = self._room.world.locator.hosts
        block = Interceptor(self.asgi, server.address, hosts, self.sandbox, allow)
        self._blocks.append(block)
        return block

    # --- what a strict test is told -------------------------------------------------------------------------

    def complaint(self) -> str | None:
        """What a strict sandbox has against the calls since this was last asked; None for nothing."""
        if self._open is None:
            return None
        found = [
            strict.broken(self._open.take_broken()),
            strict.unused(self._queued()) if self._options.strict_outcomes else None,
        ]
        return "\n\n".join(text for text in found if text) or None

    def report(self) -> str:
        """The calls of this sandbox, short and without secrets, as a failed test shows them."""
        return exchanges.told(self._open, self._refused()) if self._open else "the test ended its mock itself"

    def remember(self) -> Callable[[], str]:
        """What gives the calls of now at any later time: it is written only where somebody asks for it."""
        return exchanges.remembered(self._open, self._refused()) if self._open else self.report

    def _refused(self) -> list[str]:
        return [str(one) for block in self._blocks for one in block.refused]

    def _queued(self) -> list[Record]:
        return [Record(one) for one in self._ask("outcomes", "listOutcomes")["outcomes"]]

    # --- inside ---------------------------------------------------------------------------------------------

    @property
    def _running(self) -> Server:
        _ = self._room
        return self._server

    @property
    def _room(self) -> Room:
        if self._open is None:
            fix = "Use it in a `with` statement, or between start() and stop()"
            if self._shared is not None:
                fix = "The test it was made for is over: ask for the fixture in the test that runs"
            raise UsageError("this mock is not started, or has ended", where=repr(self), fix=fix)
        return self._open

    def _ask(self, where: str, name: str, body: Any = None, **path: Any) -> Any:
        """Make a control call on this sandbox; what cannot be is told in the words of the handle."""
        # A test is shown its own line, and not ours.
        __tracebackhide__ = True
        try:
            return carry_out(self._room.world, self.sandbox, name, _as_json(body, where), path)
        except BadControl as error:
            allowed = [] if error.allowed is None else [str(one) for one in error.allowed]
            fix = f"Allowed: {', '.join(allowed)}" if allowed else ""
            raise UsageError(error.reason, where=f"{where}({error.field}=…)", fix=fix) from None
        except (Missing, Conflict) as error:
            reason = _IN_OUR_WORDS.get(getattr(error, "slug", ""), str(error))
            raise UsageError(reason, where=where) from None

    def _hint(self) -> str:
        """What to do about callbacks that do not come."""
        waiting = [one for one in self._ask("tasks", "listTasks")["tasks"] if one["final"] is None]
        refused = [one for one in self.callbacks.deliveries if one.state == "refused"]
        if refused:
            return f"The mock refused to call back: {_allowing(refused[-1].reason)}"
        if self.clock.mode == "virtual" and self.clock.is_ahead:
            return "More is to come, but time stands still: call clock.advance(seconds) or clock.finish_all()"
        count = "1 task is" if len(waiting) == 1 else f"{len(waiting)} tasks are"
        unfinished = f"{count} not final yet. " if waiting else ""
        return f"{unfinished}`callbacks.deliveries` tells what was sent; did the request name the URL?"

    def __repr__(self) -> str:
        return f"<PersonaMock sandbox {self.sandbox!r}>"


def _allowing(reason: str) -> str:
    """Why a callback was refused, with the option of a test in place of the command's flag."""
    names = re.findall(r"--callback-allow (\S+)", reason)
    return re.sub(r"start with --callback-allow .*", f"ask for callback_allow={json.dumps(names)}", reason)


def _is_credential(key: object) -> bool:
    return isinstance(key, str) and key != ""


def _as_json(value: Any, where: str) -> Any:
    """A value as the control API would get it; UsageError for one that no JSON can hold."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        fix = "Give numbers that are finite, texts, lists and dicts"
        raise UsageError(str(error), where=where, fix=fix) from None


def _without_strictness(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if not name.startswith("strict")}


def outcomes(provider: str, operation: str, *, specs: Iterable[str | Path] = ()) -> list[str]:
    """The outcomes that an operation documents, in the order of the vocabulary; for `parametrize`."""
    chosen: dict[str, Any] = {"specs": tuple(specs)} if specs else {}
    return PersonaMock(**chosen).provider(provider).outcomes(operation)
