"""The other end of a callback: a receiver that does as it was told, and songs that name it."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, TracebackType
from typing import Any, Final, NamedTuple

import httpx2

from tests.web.calls import send
from tests.web.steering import Control

Json = Any

SILENCE: Final = "silence"
PATIENCE = 20.0

KIE_SONG: Mapping[str, Json] = MappingProxyType(
    {
        "prompt": "[Verse]\nNeon on the water",
        "customMode": True,
        "instrumental": False,
        "model": "V5",
        "style": "dream pop",
        "title": "Neon",
    }
)
CRUN_INPUT: Mapping[str, Json] = MappingProxyType(
    {
        "mode": "custom",
        "model": "v5",
        "instrumental": False,
        "title": "Midnight Neon",
        "tags": "Western R&B, moody",
        "lyrics": "[Verse]\nNeon on the water, slow and low",
    }
)
EVOLINK_SONG: Mapping[str, Json] = MappingProxyType(
    {"model": "suno-v5-beta", "prompt": "A cheerful summer pop song about road trips"}
)
YUTO_SONG: Mapping[str, Json] = MappingProxyType(
    {"gpt_description_prompt": "a slow song about the sea at night", "mv": "chirp-v4"}
)


class Redirect(NamedTuple):
    """An answer that sends the caller elsewhere."""

    to: str
    status: int = 307


class Received(NamedTuple):
    """A request as it came; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    json: Json


Answer = int | str | Redirect


class Receiver:
    """Listens on loopback, keeps what comes, answers as scripted and then with 200."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._scripts: defaultdict[str | None, list[Answer]] = defaultdict(list)
        self._news = threading.Condition()
        self._released = threading.Event()
        self._usual: Answer = 200
        self._server = _server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Where callbacks go; any path is heard."""
        return f"http://127.0.0.1:{self.port}/hook"

    def script(self, *answers: Answer, path: str | None = None) -> None:
        """The next answers, one a request: a status, SILENCE until `release`, or a Redirect."""
        with self._news:
            self._scripts[path].extend(answers)

    def always(self, answer: Answer) -> None:
        """The answer to all that no script is for."""
        self._usual = answer

    def release(self) -> None:
        """End every silence."""
        self._released.set()

    def wait(self, count: int, timeout: float = PATIENCE) -> list[Received]:
        """What came, once it is as many as that; a failure if it does not become so many in time."""
        with self._news:
            enough = self._news.wait_for(lambda: len(self.received) >= count, timeout)
            assert enough, f"{len(self.received)} of {count} came: {[one.path for one in self.received]}"
            return list(self.received)

    def bodies(self, path: str | None = None) -> list[Json]:
        """The bodies that came, to one path or to all."""
        with self._news:
            return [one.json for one in self.received if path in (None, one.path)]

    def stages(self, path: str | None = None) -> list[str]:
        """Which of kie's stages came, in order."""
        return [body["data"]["callbackType"] for body in self.bodies(path)]

    def takes(self, one: Received) -> Answer:
        """Keep what came; says what to answer."""
        with self._news:
            self.received.append(one)
            self._news.notify_all()
            script = self._scripts[one.path] or self._scripts[None]
            return script.pop(0) if script else self._usual

    def keeps_silent(self) -> None:
        """Returns when the silence is over."""
        self._released.wait(PATIENCE)

    def close(self) -> None:
        """Stop listening."""
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)

    def __enter__(self) -> Receiver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _server(receiver: Receiver) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.takes(Received(self.path, headers, json.loads(body)))
            if answer == SILENCE:
                receiver.keeps_silent()
            self._answer(answer)

        def _answer(self, answer: Answer) -> None:
            status = (
                answer.status if isinstance(answer, Redirect) else 200 if isinstance(answer, str) else answer
            )
            try:
                self.send_response(status)
                if isinstance(answer, Redirect):
                    self.send_header("Location", answer.to)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                # Whoever waited too long has gone.
                self.close_connection = True

        def log_message(self, *args: Any) -> None:
            """Tests print nothing."""

    class Listening(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A caller that hung up is no news; what a test misses, it misses in `wait`."""

    return Listening(("127.0.0.1", 0), Handler)


# --- songs that name it ------------------------------------------------------------------------------------


def song(
    client: Any, provider: str, url: str | None, *, key: str = "k", fields: Json = None, **headers: str
) -> str:
    """Submit a song that names a callback URL (None: no field at all); its task."""
    reply = ordered(client, provider, url, key=key, fields=fields, **headers)
    assert reply.status_code == 200, reply.text
    body = reply.json()
    task: Json = {
        "kie": lambda: body["data"]["taskId"],
        "crun": lambda: body["data"]["task_id"],
        "evolink": lambda: body["id"],
        "yuto": lambda: body["data"],
    }[provider]()
    return str(task)


def ordered(
    client: Any, provider: str, url: str | None, *, key: str = "k", fields: Json = None, **headers: str
) -> httpx2.Response:
    """The submission of a song with its callback URL and further fields, and its reply, whatever it is."""
    more = dict(fields or {})
    if provider == "kie":
        body = {**KIE_SONG, **_named("callBackUrl", url), **more}
        return send(client, "kie", "generateMusic", key=key, json=body, **headers)
    if provider == "crun":
        task = {"model": "suno/music-generate", "input": {**CRUN_INPUT, **more}}
        return send(client, "crun", "createTask", key=key, json=task | _named("callback_url", url), **headers)
    if provider == "evolink":
        body = {**EVOLINK_SONG, **_named("callback_url", url), **more}
        return send(client, "evolink", "generateMusic", key=key, json=body, **headers)
    body = {**YUTO_SONG, **_named("notify_hook", url), **more}
    return send(client, "yuto", "submitMusic", key=key, json=body, **headers)


def _named(field: str, url: str | None) -> dict[str, Json]:
    return {} if url is None else {field: url}


def told(callbacks: Sequence[Json]) -> list[tuple[str, str]]:
    """Stage and state of each entry of GET callbacks."""
    return [(one["stage"], one["state"]) for one in callbacks]


# --- what the control API tells and does --------------------------------------------------------------------


def advance(control: Control, seconds: float) -> Json:
    """Move the clock on."""
    return control.post("/clock/advance", {"seconds": seconds})


def idle(control: Control) -> Json:
    """Move the clock until nothing is left to come."""
    return control.post("/clock/advance", {"until": "idle"})


def callbacks(control: Control) -> list[Json]:
    """Every callback that is kept."""
    found: list[Json] = control.get("/callbacks")["callbacks"]
    return found
