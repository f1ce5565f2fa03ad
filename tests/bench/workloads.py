"""What is asked of a server under load: six kinds of calls, each walking over many tasks where it has any."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.bench.wrk import Call

KEY = "bench"
PATIENCE = 600
# A store takes this many in one call at most.
_AT_ONCE = 100_000
# How many of the newest calls are looked at after a run.
_LOOKED_AT = 200


class Answer(NamedTuple):
    """Status, headers by their lower-case names, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The value of the body."""
        return json.loads(self.body)


def headers_of(call: Call) -> dict[str, str]:
    """The credential, and what the body is where there is one."""
    kind = {} if call.body is None else {"Content-Type": "application/json"}
    return {"Authorization": f"Bearer {KEY}", **kind}


# Whatever answers a call with some headers more: a server, or the application in this process.
Ask = Callable[[Call, Mapping[str, str]], Answer]


class Expected(NamedTuple):
    """Which answer a workload is about; `violates` for one that tells how the call broke its document."""

    status: int = 200
    outcome: str | None = "success"
    violates: bool = False


class Workload(NamedTuple):
    """Calls of one kind, and the answer to each of them."""

    name: str
    calls: tuple[Call, ...]
    expected: Expected = Expected()


class Given(NamedTuple):
    """Finished tasks spread over the store: kie's with a song each that has a persona, and evolink's."""

    kie: tuple[tuple[str, str], ...]
    evolink: tuple[tuple[str, str], ...]


def over_http(url: str) -> Ask:
    """A server, asked with urllib."""

    def ask(call: Call, headers: Mapping[str, str]) -> Answer:
        request = Request(url + call.path, call.body, {**headers_of(call), **headers}, method=call.method)
        try:
            with urlopen(request, timeout=PATIENCE) as reply:
                return Answer(reply.status, _lower(reply.headers), reply.read())
        except HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), error.read())

    return ask


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


# --- what the store holds before ----------------------------------------------------------------------------


def give(ask: Ask, tasks: int, shown: int) -> Given:
    """Fill a store with that many finished tasks, half of each provider, and know some of each."""
    shown = min(shown, tasks // 2)
    kie, evolink = (plant(ask, provider, tasks // 2, shown) for provider in ("kie", "evolink"))
    for persona in _personas(kie):
        answer = ask(persona, {})
        if answer.headers.get("x-mock-outcome") != "success":
            raise RuntimeError(f"no persona was made: {answer}")
    return Given(kie, evolink)


def plant(ask: Ask, provider: str, tasks: int, shown: int) -> tuple[tuple[str, str], ...]:
    """Plant that many tasks; the ids and first songs of some, spread evenly among them."""
    each, rest = divmod(tasks - shown, shown)
    planted = []
    for number in range(shown):
        _plant_many(ask, provider, each + (number < rest))
        one = control(ask, "POST", "/_mock/tasks", {"provider": provider, "key": KEY})
        planted.append((one["source_task"], one["songs"][0]))
    return tuple(planted)


def _plant_many(ask: Ask, provider: str, count: int) -> None:
    while count:
        some = min(count, _AT_ONCE)
        control(ask, "POST", "/_mock/tasks", {"provider": provider, "key": KEY, "count": some})
        count -= some


def control(ask: Ask, method: str, path: str, body: Any = None, sandbox: str | None = None) -> Any:
    """What a control call gives; RuntimeError where it is refused."""
    headers = {} if sandbox is None else {"X-Mock-Sandbox": sandbox}
    answer = ask(Call(method, path, None if body is None else json.dumps(body).encode()), headers)
    if answer.status != 200:
        raise RuntimeError(f"{method} {path}: answered {answer.status} {answer.body!r}")
    return answer.json


# --- the six ------------------------------------------------------------------------------------------------

SONG = {
    "prompt": "A calm piano piece for a rainy evening",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    # No host that may be called: noted as refused, and nothing goes out.
    "callBackUrl": "https://example.com/callback",
}
# Without the song, with an empty name, and a vocal window of 45 seconds.
INVALID = {
    "model": "suno-persona",
    "model_params": {
        "source_task_id": "task-unified-1774169216-ocqaqde7",
        "name": "",
        "description": "Modern electronic style with energetic beats and synthesizer tones",
        "vocal_start": 0,
        "vocal_end": 45,
    },
}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "A shop without an adapter", "version": "1"},
    "paths": {
        "/shelves/{shelf}/books": {
            "get": {
                "operationId": "listBooks",
                "parameters": [
                    {"name": "shelf", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                ],
                "responses": {
                    "200": {
                        "description": "Books.",
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/Books"},
                                "example": {"books": [{"id": 7, "title": "Salt and Light", "pages": 312}]},
                            }
                        },
                    }
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Books": {
                "type": "object",
                "required": ["books"],
                "properties": {"books": {"type": "array", "items": {"$ref": "#/components/schemas/Book"}}},
            },
            "Book": {
                "type": "object",
                "required": ["id", "title"],
                "properties": {
                    "id": {"type": "integer", "minimum": 1},
                    "title": {"type": "string", "minLength": 1},
                    "pages": {"type": "integer"},
                },
            },
        }
    },
}


def workloads(given: Given) -> list[Workload]:
    """Those that ask the packaged providers."""
    return [
        Workload("kie song", (_post("/api/v1/generate", SONG),)),
        Workload("kie persona duplicate", tuple(_personas(given.kie)), Expected(outcome="duplicate")),
        Workload(
            "kie poll",
            tuple(Call("GET", f"/api/v1/generate/record-info?taskId={task}") for task, _ in given.kie),
        ),
        Workload(
            "evolink invalid body",
            (_post("/v1/audios/generations", INVALID),),
            Expected(400, "invalid", violates=True),
        ),
        Workload("evolink poll", tuple(Call("GET", f"/v1/tasks/{task}") for task, _ in given.evolink)),
    ]


def stateless(count: int) -> Workload:
    """The one that asks `DOCUMENT`, over as many paths."""
    calls = (Call("GET", f"/shelves/shelf{number}/books?limit={number % 100}") for number in range(count))
    return Workload("stateless document", tuple(calls))


def write_document(folder: Path) -> tuple[str, ...]:
    """Write `DOCUMENT` into a folder; the options that serve it beside the packaged ones."""
    folder.mkdir()
    (folder / "shop.json").write_text(json.dumps(DOCUMENT), "utf-8")
    return "--specs", "packaged", "--specs", str(folder)


def _personas(songs: tuple[tuple[str, str], ...]) -> Iterator[Call]:
    words = {"name": "Neon", "description": "A warm voice for late nights"}
    for task, song in songs:
        yield _post("/api/v1/generate/generate-persona", {"taskId": task, "audioId": song, **words})


def _post(path: str, body: Mapping[str, Any]) -> Call:
    return Call("POST", path, json.dumps(body).encode())


# --- is it the answer that is meant? ------------------------------------------------------------------------


def check_answers(ask: Ask, workload: Workload) -> None:
    """Send the first, the middle and the last call; RuntimeError where an answer is of another kind."""
    for call in {workload.calls[0], workload.calls[len(workload.calls) // 2], workload.calls[-1]}:
        status, headers, body = ask(call, {})
        outcome, told = headers.get("x-mock-outcome"), "x-mock-violation" in headers
        if (status, outcome, told) != workload.expected:
            raise RuntimeError(f"{workload.name}: {call} was answered {status} {dict(headers)} {body!r}")


def check_journal(ask: Ask, workload: Workload) -> None:
    """RuntimeError where one of the newest calls in the journal had another answer."""
    newest = control(ask, "GET", f"/_mock/requests?limit={_LOOKED_AT}")["requests"]
    met = {(entry["status"], entry["outcome"]) for entry in newest}
    if met - {workload.expected[:2]}:
        raise RuntimeError(f"{workload.name}: the journal holds answers of {sorted(met)}")
