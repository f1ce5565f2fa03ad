"""One server for many tests: a thread, a free port, and in it a sandbox of its own for each who asks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import quote

from mockserver import coverage
from mockserver.coverage import Documented
from mockserver.openapi.compiled import Document
from mockserver.settings import Settings, UsageError
from mockserver.testing.documents import documents_of
from mockserver.testing.options import Given, Options, defaults
from mockserver.testing.room import Call, CountingStore, Counts, Room, RoomStore, say_closed
from mockserver.web import server as web
from mockserver.web.app import create_app, open_begun
from mockserver.web.listen import listen, port_of
from mockserver.web.locate import DEFAULT_SANDBOX, SANDBOX, SANDBOX_NAME, BadSandbox
from mockserver.web.request import Incoming, Receive, Scope, Send
from mockserver.web.world import World

if TYPE_CHECKING:
    from mockserver.testing.handle import PersonaMock

HOST = "127.0.0.1"
_START_SECONDS = 30.0
_END_SECONDS = 5.0
# How long the end waits for answers under way: whoever asked for them is a test that is over.
_DRAIN_SECONDS = 0.5

Ended = Callable[[dict[str, Any]], None]


class Watchers:
    """Who is told, when a server of this process ends, what its clients met."""

    def __init__(self) -> None:
        self._told: list[Ended] = []

    def add(self, ended: Ended) -> None:
        """Tell this one from now on."""
        self._told.append(ended)

    def remove(self, ended: Ended) -> None:
        """Tell this one no more."""
        self._told.remove(ended)

    def tell(self, server: Server) -> None:
        """Tell everyone; a report is only made where somebody listens."""
        for ended in tuple(self._told):
            ended(server.coverage())


# The process's and not a server's: servers that tests start by hand know nothing of the run that they are
# part of, and count in it all the same.
WATCHERS = Watchers()


class Server:
    """The mock on a thread and a port of its own; each sandbox may have settings of its own.

    `project` is the folder whose pyproject.toml says which documents there are; by default the current one.
    """

    def __init__(self, *, project: Path | None = None, **options: Unpack[Given]) -> None:
        self.options = defaults(project or Path.cwd()).with_(options, "Server")
        self._store = CountingStore(self.options.settings.journal_size)
        self._documented: dict[tuple[str, str], Documented] = {}
        self._noted: dict[str, Document] | None = None
        self._guard = threading.Lock()
        self._rooms: dict[str, Room] = {}
        # Whose room a call is for that names none, and comes while there is one.
        self._front: str | None = None
        # Those who had a room: who still calls there is told that its test is over.
        self._left: set[str] = set()
        self._met: Counts = Counter()
        self._main: Any = None
        self._server: web.Server | None = None
        self._thread: threading.Thread | None = None

    # --- beginning and end ----------------------------------------------------------------------------------

    def start(self) -> Server:
        """Listen on a free port; returns when it answers."""
        if self.is_running:
            raise UsageError("this server is started already", where=self.url)
        documents = self._documents(self.options.settings)
        sockets = listen(HOST, 0)
        settings = replace(self.options.settings, port=port_of(sockets[0]))
        self.options = self.options._replace(settings=settings)
        try:
            self._main = create_app(settings, store=self._store, documents=documents)
            listens = threading.Event()
            # Clients in our own process call one by one: then a call takes 35 us on uvloop, 28 on asyncio. To
            # import uvloop takes 4 ms and more.
            self._server = web.Server(
                self.app, sockets, loop="asyncio", on_listening=listens.set, on_stopping=self._stop_worlds
            )
        except BaseException:
            sockets[0].close()
            raise
        self._server.drain_seconds = _DRAIN_SECONDS
        self._thread = threading.Thread(target=self._server.run, name="persona-mock", daemon=True)
        self._thread.start()
        if not listens.wait(_START_SECONDS):
            raise RuntimeError(f"the mock did not listen within {_START_SECONDS:g} s")
        return self

    def stop(self) -> None:
        """End the server and give back its port; what is left of its sandboxes is forgotten."""
        server, thread, self._server, self._thread = self._server, self._thread, None, None
        if server is None or thread is None:
            return
        server.stop()
        thread.join(_END_SECONDS)
        for listening in server.listeners:
            listening.close()
        WATCHERS.tell(self)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _stop_worlds(self) -> None:
        for world in [self._main.state.mock, *(room.world for room in self.rooms())]:
            world.stop()

    # --- what there is --------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """True between start and stop."""
        return self._server is not None

    @property
    def url(self) -> str:
        """The base URL; its root is the sandbox `default`, or that of the test that runs."""
        self._check_runs()
        return self.options.settings.url

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        self._check_runs()
        return HOST, self.options.settings.port

    def _check_runs(self) -> None:
        if not self.is_running:
            fix = "Use it in a `with` statement, or between start() and stop()"
            raise UsageError("this server is not started, or has ended", where="Server", fix=fix)

    @contextmanager
    def sandbox(self, name: str, **options: Unpack[Given]) -> Iterator[PersonaMock]:
        """A fresh sandbox with a handle on it, forgotten at the end; for scopes other than a test's."""
        # Imported late: the handle starts servers of its own where it is given none.
        from mockserver.testing.handle import PersonaMock

        with PersonaMock(server=self, sandbox=name, **options) as mock:
            yield mock

    def coverage(self) -> dict[str, Any]:
        """What all sandboxes together have met of the documents, those included that are forgotten by now."""
        # Each pair is shown, also where no test came to need the documents.
        self._documents(self.options.settings)
        counts = self._met + self._store.all_counts()
        for room in self.rooms():
            counts.update(room.counts())
        return coverage.report(self._documented.values(), counts)

    # --- rooms ----------------------------------------------------------------------------------------------

    def rooms(self) -> list[Room]:
        """Those in use."""
        with self._guard:
            return list(self._rooms.values())

    def free_name(self, name: str) -> str:
        """This name, or one like it that no sandbox in use has."""
        with self._guard:
            tries = (name, *(f"{name[:60]}-{n}" for n in range(2, 1000)))
            return next(one for one in tries if one not in self._rooms)

    def enter(self, name: str, options: Options, *, in_front: bool = False) -> Room:
        """A room with an empty sandbox; UsageError where the name is none, or somebody is in it.

        The one in front also takes the calls that name no sandbox.
        """
        self._check_runs()
        if not _is_name(name):
            wanted = "1 to 64 letters, digits, dots, underscores and hyphens"
            raise UsageError(where="sandbox", got=repr(name), wanted=wanted)
        room = self._made(name, options)
        with self._guard:
            if name in self._rooms:
                raise UsageError(f"the sandbox {name!r} is in use", fix="Give this one another name")
            self._rooms[name] = room
            self._left.discard(name)
            self._front = name if in_front else self._front
        return room

    def leave(self, name: str) -> None:
        """Forget a sandbox and all that is under way in it."""
        with self._guard:
            room = self._rooms.pop(name, None)
            self._left.add(name)
            self._front = None if self._front == name else self._front
        if room is not None:
            room.leave()
            with self._guard:
                self._met.update(room.counts())

    def url_of(self, name: str) -> str:
        """The base URL of a sandbox."""
        return self.url if name == DEFAULT_SANDBOX else f"{self.url}{SANDBOX}{quote(name)}"

    def _made(self, name: str, options: Options) -> Room:
        settings = options.settings
        store = RoomStore(name, settings.journal_size)
        main: World = self._main.state.mock
        if settings == self.options.settings and settings.scenario is None:
            world = main.on(store)
        else:
            world = open_begun(settings, store=store, documents=self._documents(settings))
        return Room(name, self.url_of(name), options, world, store)

    def _documents(self, settings: Settings) -> dict[str, Document]:
        documents = documents_of(settings)
        with self._guard:
            # Nearly always the same ones again: each test with a marker of its own asks.
            if documents is not self._noted:
                for document in documents.values():
                    self._note_documented(document)
                self._noted = documents
        return documents

    def _note_documented(self, document: Document) -> None:
        for one in document.operations():
            known = self._documented.get((one.provider, one.name), Documented("", "", (), ()))
            outcomes = tuple(dict.fromkeys((*known.outcomes, *one.answers)))
            states = tuple(dict.fromkeys((*known.states, *one.states)))
            self._documented[one.provider, one.name] = Documented(one.provider, one.name, outcomes, states)

    # --- the application ------------------------------------------------------------------------------------

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand each call to the room of its sandbox."""
        if scope["type"] != "http":
            await self._main(scope, receive, send)
            return
        incoming = Incoming.of(scope)
        try:
            target = self._main.state.mock.locator.target(incoming)
        except BadSandbox:
            await self._main(scope, receive, send)
            return
        name, front = target.sandbox, self._front
        if front is not None and self._is_for_front(incoming):
            # Some clients drop the path of a base URL, and with it the name of the sandbox. It is not left to
            # chance whose state they then meet.
            name = front
            scope = {**scope, "headers": [*scope["headers"], (b"x-mock-sandbox", name.encode())]}
        room = self._rooms.get(name)
        if room is not None:
            call = Call(scope, receive, send, incoming, target)
            await room.answer(call, over_port=threading.current_thread() is self._thread)
        elif name in self._left:
            await say_closed(name, incoming, send)
        else:
            await self._main(scope, receive, send)

    def _is_for_front(self, incoming: Incoming) -> bool:
        """True for a call that names no sandbox, unless the root is a sandbox that somebody asked for."""
        names_one = incoming.header("x-mock-sandbox") is not None or incoming.raw_path.startswith(SANDBOX)
        return not names_one and DEFAULT_SANDBOX not in self._rooms


def _is_name(name: object) -> bool:
    return isinstance(name, str) and SANDBOX_NAME.fullmatch(name) is not None
