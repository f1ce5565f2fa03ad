"""Which blocks are active in this process, and which of them a call belongs to."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from mockserver.testing.intercept import of_aiohttp, of_ftp, of_http, of_httpx, of_urllib3
from mockserver.testing.intercept.seam import Seam, Seams

if TYPE_CHECKING:
    from mockserver.testing.intercept.block import Interceptor

SEAMS: Mapping[str, Callable[[ModuleType], Iterable[Seam]]] = MappingProxyType(
    {
        "aiohttp": of_aiohttp.seams,
        "ftplib": of_ftp.seams,
        "http.client": of_http.seams,
        "httpx": of_httpx.seams,
        "httpx2": of_httpx.seams,
        "urllib.request": of_ftp.url_seams,
        "urllib3": of_urllib3.seams,
    }
)


class Active:
    """The blocks that are active, and the functions that stand in while there are any."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        # Replaced, never changed, so that it is read without the guard. The newest is the last.
        self._blocks: dict[object, Interceptor] = {}
        self._entered: ContextVar[tuple[object, ...]] = ContextVar("entered", default=())
        self._seams = Seams(self.current)
        self._imports = _Imports(self._imported)

    def current(self) -> Interceptor | None:
        """The innermost block that the caller has entered; for a thread that entered none, the newest."""
        blocks = self._blocks
        for key in reversed(self._entered.get()):
            if key in blocks:
                return blocks[key]
        return blocks[next(reversed(blocks))] if blocks else None

    def enter(self, block: Interceptor) -> object:
        """Begin a block; what is returned ends it."""
        key = object()
        _wait_for_imports()
        with self._guard:
            if not self._blocks:
                self._stand_in()
            self._blocks = {**self._blocks, key: block}
        # Only keys: a context may live longer than its block, and would keep its app alive.
        self._entered.set((*self._still_active(), key))
        return key

    def leave(self, key: object) -> None:
        """End a block, in whatever order, on whatever thread."""
        with self._guard:
            self._blocks = {kept: block for kept, block in self._blocks.items() if kept is not key}
            if not self._blocks:
                self._stand_back()
        self._entered.set(self._still_active())

    def _still_active(self) -> tuple[object, ...]:
        return tuple(key for key in self._entered.get() if key in self._blocks)

    def _stand_in(self) -> None:
        # First, so that no import slips through between the two.
        sys.meta_path.insert(0, self._imports)
        try:
            for name in SEAMS:
                self._place(name)
        except BaseException:
            self._stand_back()
            raise

    def _stand_back(self) -> None:
        # Somebody may have given meta_path another list meanwhile.
        if self._imports in sys.meta_path:
            sys.meta_path.remove(self._imports)
        self._seams.put_back()

    def _place(self, name: str) -> None:
        # Libraries that nobody has imported are not called.
        module = sys.modules.get(name)
        if module is not None:
            self._seams.place(SEAMS[name](module))

    def _imported(self, name: str) -> None:
        with self._guard:
            if self._blocks:
                self._place(name)


def _wait_for_imports() -> None:
    """Let other threads finish what they are importing: half a module has nothing to replace yet."""
    for name in SEAMS:
        if name in sys.modules:
            with suppress(ImportError):
                import_module(name)


class _Imports(MetaPathFinder):
    """Tells when a client library has been imported; who finds and loads it is as without us."""

    def __init__(self, imported: Callable[[str], None]) -> None:
        self._imported = imported

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in SEAMS:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Telling(spec.loader, self._imported)
        return spec


class _Telling(Loader):
    """Loads as another loader does, which then has the module to itself, and tells when it is there."""

    def __init__(self, loader: Loader, imported: Callable[[str], None]) -> None:
        self._loader = loader
        self._imported = imported

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        known: Any = module
        known.__loader__ = known.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._imported(module.__name__)


# The one thing here that is the process's and not a block's: a class of a library has one set of functions,
# whichever thread or test calls them, so whoever replaces them has to know of all blocks.
ACTIVE = Active()
