"""What a server holds: documents, settings, store, clock, ids, journal; made once, handed around."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, unquote, urlsplit

from mockserver import coverage
from mockserver.coverage import Documented
from mockserver.domain.clock import RealClock, VirtualClock
from mockserver.domain.ids import Ids
from mockserver.domain.media import Expired, Found, Unknown
from mockserver.domain.outcome import NAMES
from mockserver.domain.pages import walk
from mockserver.domain.ports import Clock, Store, Tx
from mockserver.domain.records import let_go
from mockserver.openapi.compiled import Document, Operation
from mockserver.openapi.hosts import is_loopback
from mockserver.openapi.library import load_documents
from mockserver.settings import Settings
from mockserver.store import open_store
from mockserver.web.agenda import Agenda
from mockserver.web.events import Events
from mockserver.web.journal import Journal
from mockserver.web.living import Living, marks_in_force, open_living, quirks_in_force
from mockserver.web.locate import DEFAULT_SANDBOX, Locator
from mockserver.web.redact import Redactor
from mockserver.web.request import host_of
from mockserver.web.stateless import Stateless

T = TypeVar("T")

# Of each call one thing is counted, and of one that shows several states the others beside it.
_CALLS, _FURTHER = "coverage/calls/", "coverage/states/"


@dataclass(frozen=True)
class World:
    """Everything that the answer to a request may depend on."""

    settings: Settings
    documents: dict[str, Document]
    living: dict[str, Living]
    store: Store
    clock: Clock
    ids: Ids
    locator: Locator
    journal: Journal
    events: Events
    agenda: Agenda
    redactor: Redactor
    stateless: Stateless
    own_hosts: frozenset[str]

    @property
    def warnings(self) -> list[str]:
        """What is odd in the documents and does not stop them."""
        return [str(warning) for document in self.documents.values() for warning in document.warnings]

    @property
    def providers(self) -> list[tuple[str, str, int]]:
        """Each provider: its name, the path that leads to it alone, and how many operations it has."""
        return [
            (document.name, "/" + quote(document.name) + document.base, sum(1 for _ in document.operations()))
            for document in self.documents.values()
        ]

    def on(self, store: Store) -> World:
        """The same world on another store."""
        journal, events = Journal(store, self.redactor, self.settings.journal_size), Events(store)
        agenda = Agenda(store, self.clock, self.ids, self.living, events, self.settings)
        return replace(self, store=store, journal=journal, events=events, agenda=agenda)

    def stop(self) -> None:
        """Let go of whoever listens to events or waits for receivers: the server is about to end."""
        self.events.close()
        self.agenda.stop()
        # What is remembered to be quick is nobody's any more.
        let_go()
        for living in self.living.values():
            living.finals.clear()

    async def run(self, sandbox: str, work: Callable[[Tx], T]) -> T:
        """Do some work in a transaction."""
        return await self.stored(lambda: self.store.run(sandbox, work))

    async def stored(self, use: Callable[[], T]) -> T:
        """What uses the store: done at once, or off the event loop where the store may block."""
        if not self.store.may_block:
            return use()
        from starlette.concurrency import run_in_threadpool

        return await run_in_threadpool(use)

    def operation(self, provider: str, name: str) -> Operation | None:
        """An operation by its provider and name."""
        document = self.documents.get(provider)
        return document.operation(name) if document else None

    def operations(self) -> Iterator[Operation]:
        """Every operation of every provider."""
        for document in self.documents.values():
            yield from document.operations()

    def coverage(self, sandbox: str) -> dict[str, Any]:
        """What of the documents this sandbox has met."""
        documented = [Documented(o.provider, o.name, tuple(o.answers), o.states) for o in self.operations()]
        return coverage.report(documented, self.store.run(sandbox, read_counts))

    def media(self, tx: Tx, sandbox: str, provider: str, song: str, role: str) -> Found | Expired | Unknown:
        """What has become of a file of a song."""
        living = self.living.get(provider)
        return living.media(tx, sandbox, song, role) if living else Unknown()

    def curl(self, base_url: str) -> str:
        """One call that works, to copy and paste."""
        kie = self.operation("kie", "getCredits")
        if kie is not None:
            return f'curl -H "Authorization: Bearer demo" {base_url}{kie.path}'
        simple = next((o for o in self.operations() if o.method == "GET" and "{" not in o.path), None)
        path = f"/{quote(simple.provider)}{simple.full_path}" if simple else "/_mock/health"
        return f"curl {base_url}{path}"

    def summary(self) -> str:
        """What happened while the server ran, on one screen."""
        lines = []
        for sandbox in self.store.sandboxes() or [DEFAULT_SANDBOX]:
            requests, violations = self.store.run(sandbox, read_tally)
            met = self.coverage(sandbox)
            lines.append(
                f"  {sandbox:<20} {requests:>8} requests {violations:>6} with spec violations"
                f"   coverage {met['covered']}/{met['total']} ({met['percent']} %)"
            )
        more = [f"  … and {len(lines) - 20} more sandboxes"] if len(lines) > 20 else []
        return "\n".join(["Summary, by sandbox:", *lines[:20], *more])


def open_documents(settings: Settings) -> dict[str, Document]:
    """The documents as some settings have them read; DocumentError where they cannot be served."""
    allowed = frozenset(settings.callback_allow)
    return load_documents(settings.specs, NAMES, allowed, marks_in_force(quirks_in_force(settings.quirk)))


def open_world(
    settings: Settings,
    *,
    store: Store | None = None,
    clock: Clock | None = None,
    documents: dict[str, Document] | None = None,
) -> World:
    """The world that some settings describe, with documents that were opened already or are opened now."""
    quirks = quirks_in_force(settings.quirk)
    if documents is None:
        documents = open_documents(settings)
    redactor = Redactor(place for document in documents.values() for place in document.secrets())
    kept = store or open_store("memory", log_size=settings.journal_size)
    own = _own_hosts(settings)
    time = clock or (VirtualClock() if settings.clock == "virtual" else RealClock())
    ids = Ids(settings.seed)
    living = open_living(documents, settings, quirks, time, ids)
    events = Events(kept)
    return World(
        settings=settings,
        documents=documents,
        living=living,
        store=kept,
        clock=time,
        ids=ids,
        locator=Locator(documents, own),
        journal=Journal(kept, redactor, settings.journal_size),
        events=events,
        agenda=Agenda(kept, time, ids, living, events, settings),
        redactor=redactor,
        stateless=Stateless(settings.seed),
        own_hosts=own,
    )


def _own_hosts(settings: Settings) -> frozenset[str]:
    public = urlsplit(settings.base_url).hostname or ""
    return frozenset((public, settings.host, *(host_of(host) for host in settings.allow_host)))


def is_own_host(world: World, host: str) -> bool:
    """True for a name under which the control API may be reached."""
    return is_loopback(host) or host in world.own_hosts


# --- counters in the store ----------------------------------------------------------------------------------


class Counted(NamedTuple):
    """What is counted of a call: whether it broke its document, and what its client met, "" for nothing."""

    violated: bool
    provider: str = ""
    operation: str = ""
    outcome: str = ""
    state: str = ""


def count_key(met: Counted) -> str:
    """The record that counts such calls: one for all, and not one for each number that is read from it."""
    return _met_key(_CALLS, *met)


def count_states(tx: Tx, provider: str, operation: str, states: Iterable[str]) -> None:
    """Further states that one answer shows, one more each."""
    for state in states:
        tx.count(_met_key(_FURTHER, False, provider, operation, "", state))


# There are as many as documented outcomes and states; to write one takes 6 µs.
@lru_cache(maxsize=4096)
def _met_key(folder: str, violated: bool, *names: str) -> str:
    return "/".join((f"{folder}{violated:d}", *(quote(name, safe="") for name in names)))


def _read_met(tx: Tx, folder: str) -> Iterator[tuple[Counted, int]]:
    for key, value in walk(tx, folder):
        violated, *names = key[len(folder) :].split("/")
        yield Counted(violated == "1", *map(unquote, names)), int(value)


def read_counts(tx: Tx) -> dict[tuple[str, str, str, str], int]:
    """How often each outcome and state was met."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for met, times in (*_read_met(tx, _CALLS), *_read_met(tx, _FURTHER)):
        if met.outcome:
            counts["outcomes", met.provider, met.operation, met.outcome] += times
        if met.state:
            counts["states", met.provider, met.operation, met.state] += times
    return dict(counts)


def read_tally(tx: Tx) -> tuple[int, int]:
    """How many requests there were, and how many broke their document."""
    calls = list(_read_met(tx, _CALLS))
    return sum(times for _, times in calls), sum(times for met, times in calls if met.violated)
