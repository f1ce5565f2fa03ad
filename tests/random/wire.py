"""The model's calls as each provider's wire has them, and what can be read in the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.random.model import PersonaCall, SongCall

Body = dict[str, Any]

AUDIO = "https://example.com/audio/tape.mp3"
CALLBACK = "https://example.com/callback"


class Request(NamedTuple):
    """Where a call goes, and with which body."""

    method: str
    path: str
    body: Body | None = None

    @property
    def template(self) -> str:
        """The path as the document has it."""
        plain = self.path.partition("?")[0]
        where = plain.rpartition("/")[0]
        return f"{where}/{{task_id}}" if where in ("/v1/tasks", "/suno/fetch") else plain


class Seen(NamedTuple):
    """What a poll shows: the state, the songs that are whole, and the persona that was made."""

    state: str
    songs: tuple[str, ...] = ()
    persona: str | None = None


@dataclass(frozen=True)
class Wire:
    """One provider's requests and readings."""

    song: Callable[[SongCall], Request]
    persona: Callable[[PersonaCall], Request]
    poll: Callable[[str], Request]
    task_of: Callable[[Body], str]
    persona_of: Callable[[Body], str]
    seen: Callable[[Body], Seen]
    code: Callable[[Body], Any]
    balance: Request | None = None
    balance_of: Callable[[Body], Any] | None = None


def _with(**fields: Any) -> Body:
    return {name: value for name, value in fields.items() if value is not None}


def _spoilt(body: Body, flaw: str | None, **flaws: Callable[[Body], Any]) -> Body:
    """The body with one thing in it wrong."""
    if flaw is not None:
        flaws[flaw](body)
    return body


def _named(call: PersonaCall, body: Body) -> Body:
    """The fields that all four have alike, perhaps spoilt."""
    body |= {"name": "Neon Siren", "description": "A smoky voice for the last hour of the night"}
    return _spoilt(
        body,
        call.flaw,
        missing=lambda it: it.pop("name"),
        wrong=lambda it: it.update(description=["smoky"]),
        misfit=lambda it: it.update(name="   "),
    )


# --- kie ---------------------------------------------------------------------------------------------------


def _kie_song(call: SongCall) -> Request:
    body = _with(
        prompt="[Verse]\nNeon rain on empty streets",
        customMode=call.is_custom,
        instrumental=False,
        model=call.model,
        style="Electronic Pop",
        title="Neon Rain",
        personaId=call.persona,
        personaModel="voice_persona" if call.has_voice else None,
        callBackUrl=CALLBACK,
    )
    spoilt = _spoilt(
        body,
        call.flaw,
        missing=lambda it: it.pop("callBackUrl"),
        wrong=lambda it: it.update(model="V9"),
        misfit=lambda it: it.update(prompt="la " * 2000),
    )
    return Request("POST", "/api/v1/generate", spoilt)


def _kie_persona(call: PersonaCall) -> Request:
    start, end = call.window
    body = _named(call, _with(taskId=call.task, audioId=call.song, vocalStart=start, vocalEnd=end))
    return Request("POST", "/api/v1/generate/generate-persona", body)


def _kie_seen(body: Body) -> Seen:
    data = body["data"]
    songs = (data["response"] or {}).get("sunoData") or []
    return Seen(data["status"], tuple(song["id"] for song in songs if song["audioUrl"]))


# --- crun --------------------------------------------------------------------------------------------------


def _crun_song(call: SongCall) -> Request:
    custom = {"title": "Midnight Neon", "tags": "moody, intimate", "lyrics": "[Verse]\nNeon on the water"}
    simple = {"prompt": "A calm song about the first snow"}
    song = {
        **_with(mode="custom" if call.is_custom else "simple", model=call.model, persona_id=call.persona),
        "instrumental": False,
        **(custom if call.is_custom else simple),
    }
    spoilt = _spoilt(
        song,
        call.flaw,
        missing=lambda it: it.pop("mode"),
        wrong=lambda it: it.update(model="v9"),
        misfit=lambda it: it.update(instrumental="no"),
    )
    body = {"model": "suno/music-generate", "callback_url": None, "input": spoilt}
    return Request("POST", "/api/v1/client/job/CreateTask", body)


def _crun_persona(call: PersonaCall) -> Request:
    start, end = call.window
    body = _named(call, _with(task_id=call.task, suno_id=call.song, vocal_start=start, vocal_end=end))
    return Request("POST", "/api/v1/client/job/suno-persona-generate", body)


def _crun_seen(body: Body) -> Seen:
    data = body["data"]
    songs = (data["result"] or {}).get("suno_data") or []
    return Seen(data["status"], tuple(song["suno_id"] for song in songs))


# --- evolink -----------------------------------------------------------------------------------------------


def _evolink_song(call: SongCall) -> Request:
    body = _with(
        model=call.model,
        custom_mode=call.is_custom,
        instrumental=False,
        prompt="[Verse]\nWindows down and nowhere to be",
        style="pop, upbeat",
        title="Summer Dreams",
        persona_id=call.persona,
        persona_model="voice_persona" if call.has_voice else None,
    )
    spoilt = _spoilt(
        body,
        call.flaw,
        missing=lambda it: it.pop("prompt"),
        wrong=lambda it: it.update(instrumental="no"),
        misfit=lambda it: it.update(prompt="la " * 2000),
    )
    return Request("POST", "/v1/audios/generations", spoilt)


def _evolink_persona(call: PersonaCall) -> Request:
    start, end = call.window
    source = _with(source_task_id=call.task, result_id=call.song, vocal_start=start, vocal_end=end)
    body = {"model": "suno-persona", "model_params": _named(call, source)}
    return Request("POST", "/v1/audios/generations", body)


def _evolink_seen(body: Body) -> Seen:
    made = body.get("result_data") or {}
    state = f"{body['status']} {body['progress']}"
    return Seen(state, tuple(song["result_id"] for song in made.get("songs", [])), made.get("persona_id"))


def _evolink_code(body: Body) -> Any:
    return body.get("error", {}).get("code") if set(body) == {"error"} else None


# --- yuto --------------------------------------------------------------------------------------------------


def _yuto_song(call: SongCall) -> Request:
    if call.kind == "upload":
        return Request("POST", "/suno/uploads/audio-url", {} if call.flaw else {"url": AUDIO})
    body = _with(
        mv=call.model,
        prompt="[Verse]\nSalt on the window",
        title="Salt",
        tags="electronic pop",
        generation_type="TEXT",
        task="artist_consistency" if call.persona and call.is_custom else None,
        persona_id=call.persona,
        artist_clip_id=call.root,
    )
    spoilt = _spoilt(
        body,
        call.flaw,
        missing=lambda it: it.pop("artist_clip_id" if "task" in it else "prompt"),
        wrong=lambda it: it.update(mv="chirp-v9"),
        misfit=lambda it: it.update(title=["Salt"]),
    )
    return Request("POST", "/suno/submit/music", spoilt)


def _yuto_persona(call: PersonaCall) -> Request:
    body = _named(call, {"root_clip_id": call.song, "clips": [call.song], "is_public": call.is_public})
    return Request("POST", "/suno/persona/create/", body)


def _yuto_seen(body: Body) -> Seen:
    task = body["data"]
    clips = task["data"] or []
    streams = bool(clips) and task["status"] == "IN_PROGRESS"
    whole = tuple(clip["id"] for clip in clips if clip["status"] == "complete")
    return Seen(task["status"] + " streaming" * streams, whole)


def _yuto_code(body: Body) -> Any:
    return body["error"]["code"] if "error" in body else body.get("code")


WIRES = {
    "kie": Wire(
        song=_kie_song,
        persona=_kie_persona,
        poll=lambda task: Request("GET", f"/api/v1/generate/record-info?taskId={task}"),
        task_of=lambda body: str(body["data"]["taskId"]),
        persona_of=lambda body: str(body["data"]["personaId"]),
        seen=_kie_seen,
        code=lambda body: body["code"],
        balance=Request("GET", "/api/v1/chat/credit"),
        balance_of=lambda body: body["data"],
    ),
    "crun": Wire(
        song=_crun_song,
        persona=_crun_persona,
        poll=lambda task: Request("GET", f"/api/v1/client/job/TaskInfo?task_id={task}"),
        task_of=lambda body: str(body["data"]["task_id"]),
        persona_of=lambda body: str(body["data"]["persona_id"]),
        seen=_crun_seen,
        code=lambda body: body["code"],
        balance=Request("GET", "/api/v1/client/account/balance"),
        balance_of=lambda body: body["data"]["balance"],
    ),
    "evolink": Wire(
        song=_evolink_song,
        persona=_evolink_persona,
        poll=lambda task: Request("GET", f"/v1/tasks/{task}"),
        task_of=lambda body: str(body["id"]),
        # The id of the task: the persona itself shows when that is final.
        persona_of=lambda body: str(body["id"]),
        seen=_evolink_seen,
        code=_evolink_code,
        balance=Request("GET", "/v1/credits"),
        balance_of=lambda body: body["data"]["token"]["remaining_credits"],
    ),
    "yuto": Wire(
        song=_yuto_song,
        persona=_yuto_persona,
        poll=lambda task: Request("GET", f"/suno/fetch/{task}"),
        task_of=lambda body: str(body["data"]),
        persona_of=lambda body: str(body["id"]),
        seen=_yuto_seen,
        code=_yuto_code,
    ),
}
