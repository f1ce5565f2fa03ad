"""Where callbacks of a case arrive: a server on this machine, with a path for each case."""

from __future__ import annotations

import json
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from types import TracebackType
from typing import Any, NamedTuple

Json = Any


class Heard(NamedTuple):
    """One call of a provider to a receiver."""

    headers: dict[str, str]
    body: bytes

    def as_message(self) -> dict[str, Json]:
        """The call as pointers speak of it."""
        try:
            body = json.loads(self.body)
        except ValueError:
            body = None
        return {"header": self.headers, "body": body}


class Box:
    """What one case hears at its own URL, and what it answers: these statuses first, then 200."""

    def __init__(self, url: str, answers: list[int]) -> None:
        self.url = url
        self._answers = deque(answers)
        self._heard: deque[Heard] = deque()
        self._changed = Condition()

    def take(self, heard: Heard) -> int:
        """Keep a call; the status that it is answered with."""
        with self._changed:
            self._heard.append(heard)
            self._changed.notify_all()
            return self._answers.popleft() if self._answers else 200

    def next(self, timeout: float) -> Heard | None:
        """The oldest call that was not looked at yet; None where none comes in time."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._heard), timeout)
            return self._heard.popleft() if self._heard else None


class Receiver:
    """The server behind the boxes; it begins to listen with the first of them."""

    def __init__(self) -> None:
        self._boxes: dict[str, Box] = {}
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Receiver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def box(self, answers: list[int]) -> Box:
        """A new URL, and what comes to it."""
        server = self._server = self._server or self._started()
        path = f"/callbacks/{len(self._boxes) + 1}"
        box = self._boxes[path] = Box(f"http://127.0.0.1:{server.server_address[1]}{path}", answers)
        return box

    def _started(self) -> ThreadingHTTPServer:
        boxes = self._boxes

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                box = boxes.get(self.path)
                self.send_response(box.take(Heard(headers, body)) if box else 404)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing: what came is in the box."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.05,), name="receiver", daemon=True).start()
        return server
