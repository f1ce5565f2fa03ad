"""crun: `{code, message, data}` under HTTP 200, one submission for seven models, personas at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from mockserver.domain.credits import CREDIT, shown
from mockserver.domain.ids import uuid4
from mockserver.domain.model import (
    BalanceView,
    Command,
    Estimate,
    Fault,
    LookUp,
    OpenUpload,
    PersonaUse,
    Refusal,
    ShowBalance,
    ShowTask,
    Song,
    SourceUse,
    Submit,
    Task,
    TaskView,
    UploadView,
    View,
)
from mockserver.domain.outcome import Outcome
from mockserver.domain.policy import FailureKind, Kind, Policy, Stage, Webhook
from mockserver.domain.records import whole_seconds
from mockserver.domain.service import Forms
from mockserver.domain.versions import Model
from mockserver.providers.base import (
    Call,
    Context,
    Written,
    all_texts,
    complaint,
    is_blank,
    persona_of,
    texts,
    with_message,
)
from mockserver.providers.quirks import Quirk

SECONDS = 86
# Observed for songs; of the other three models no price is known.
PRICE = 12 * CREDIT
SONG_KINDS = {
    "suno/music-generate": "generate",
    "suno/music-extend": "extend",
    "suno/music-extend-upload": "upload-extend",
    "suno/music-cover": "upload-cover",
}
OTHER_KINDS = {
    "suno/music-video": "video",
    "suno/sounds-generate": "sounds",
    "suno/vocal-separatio": "vocals",
}
KINDS = SONG_KINDS | OTHER_KINDS
# What the models that sing nothing make instead.
FILES = {"video": ("video.mp4",), "sounds": ("audio.mp3",), "vocals": ("vocals.mp3", "instrumental.mp3")}
SONG_FILES = ("audio.mp3", "cover.jpeg", "cover-large.jpeg")
# The models that work on a track of an earlier task; all but the first may do without.
ON_A_TRACK = ("extend", "video", "vocals")
STAGES = (
    Stage("pending", "waiting", 0),
    Stage("running", "running", 10),
    Stage("success", "finished", 100, 100, "all", "complete"),
)
# A failed task shows no code; this is the one that its words have elsewhere.
FAILED = FailureKind("failed", "failed", 501, "Generation Failed")
# Documented: v5, shown as sunov5. Seen live: v5.5. The others are made in their likeness.
MODELS = tuple(
    Model(name, name.removeprefix("v").replace("-", ""), f"suno{name}")
    for name in ("v4", "v4.5", "v4.5-plus", "v4.5-all", "v5", "v5.5")
)
SHOWN = {model.name: model.shown for model in MODELS}
# What a task is shown to be made with where its input names no version.
USUAL = "v5"
EXTENSION = r"\.?[A-Za-z0-9]{1,16}"


def _kinds() -> dict[str, Kind]:
    songs = {kind: Kind(kind, SECONDS, PRICE, files=SONG_FILES) for kind in SONG_KINDS.values()}
    others = {
        kind: Kind(kind, SECONDS, PRICE, songs=1, suits_persona=False, files=files)
        for kind, files in FILES.items()
    }
    return songs | others


class Crun:
    """Translates between crun's wire and the domain."""

    name: ClassVar[str] = "crun"
    quirks: ClassVar[tuple[Quirk, ...]] = (
        # No 409 in the page's list of codes: 422 is the nearest, but the same id again may be meant as well.
        Quirk("duplicate", ("refuse", "same"), "generatePersona", "duplicate"),
    )
    forms = Forms(
        task=lambda m, _: uuid4(m),
        song=lambda m, _: uuid4(m),
        persona=lambda m, _: f"persona_{m[:6].hex()}",
    )
    models = MODELS

    def __init__(self, quirks: Mapping[str, str]) -> None:
        self.policy = Policy(
            stages=STAGES,
            kinds=_kinds(),
            failures=(FAILED,),
            persona_price=0,
            duplicate="same" if quirks["duplicate"] == "same" else "refuse",
            refuses_empty=True,
            # No page tells how callbacks are sent: as at kie, with any 2xx taken for an answer.
            webhook=Webhook(timeout=15, retries=(1, 2, 4)),
        )

    # --- reading --------------------------------------------------------------------------------------------

    def read(self, call: Call) -> Command:
        """The command that a valid request means; a refusal for an upload whose name would not be safe."""
        match call.operation:
            case "createTask":
                return _submission(call.body)
            case "generatePersona":
                return persona_of(call.body, "task_id", "suno_id", call.body)
            case "getTaskInfo":
                return ShowTask(call.query["task_id"])
            case "estimateTask" | "estimateCredits":
                return Estimate(KINDS[call.body["model"]])
            case "getUploadUrl":
                return OpenUpload(call.query["content_type"], _extension(call.query["ext"]))
            case "listModels" | "getModel":
                return LookUp()
        return ShowBalance()

    def is_model_rule(self, call: Call, fault: Fault) -> bool:
        """Never: every model sings with every persona."""
        return False

    def plant(self, kind: str, model: Model) -> Submit:
        """A song in custom mode with a voice, or what is made from one."""
        name = next(name for name, known in KINDS.items() if known == kind)
        body = {"model": name, "callback_url": None, "input": _planted(kind, model)}
        return _submission(body)._replace(model=model.name)

    def poll(self, task: str) -> Call:
        """TaskInfo."""
        return Call("getTaskInfo", query={"task_id": task})

    def failure(self, code: Any, message: str) -> FailureKind | None:
        """A failure in these words; no code is shown, so any that is one will do."""
        if code is not None and not isinstance(code, int | str):
            return None
        return FailureKind(FAILED.name, FAILED.state, code, message or FAILED.message)

    def wording(self, call: Call) -> tuple[str, ...]:
        """The texts of the four models that sing."""
        if call.operation != "createTask" or call.body["model"] not in SONG_KINDS:
            return ()
        return all_texts(call.body["input"], "prompt", "lyrics", "title", "tags")

    # --- writing --------------------------------------------------------------------------------------------

    def write(self, call: Call, view: View, context: Context) -> Written:
        """The answer that tells of a view; a refusal for a model that the catalogue does not list."""
        if view.persona is not None:
            body = _success({"persona_id": view.persona.persona.id})
            return Written(body, Outcome.DUPLICATE if view.persona.repeated else Outcome.SUCCESS)
        if call.operation == "getTaskInfo":
            return Written(_success(_info(view.tasks[0], context)), states=(view.tasks[0].moment.name,))
        return Written(_success(_data(call, view, context)))

    def refuse(self, call: Call, refusal: Refusal, sample: Any) -> Any:
        """The document's body, in the words of what happened."""
        message = _message(refusal)
        if message is None:
            return sample
        body = with_message(sample, ("message",), message)
        # Seen beside the message of a field; what is wrong with a source stands in the message alone.
        body.pop("errors", None)
        return {**body, "errors": [message]} if "fault" in refusal.facts else body

    # --- callbacks ------------------------------------------------------------------------------------------

    def heard(self, stage: str, view: TaskView, context: Context) -> Any:
        """What a poll answers."""
        return _success(_info(view, context))

    def signature(self, body: Any, key: str, timestamp: int) -> dict[str, str]:
        """Nothing is signed."""
        return {}


PROVIDER = Crun


# --- requests -----------------------------------------------------------------------------------------------


def _submission(body: Mapping[str, Any]) -> Submit:
    kind, input_ = KINDS[body["model"]], body["input"]
    source = _source(input_) if kind in ON_A_TRACK else None
    callback = texts(body, "callback_url")
    if kind not in SONG_KINDS.values():
        return Submit(kind, _version(input_), body, source=source, callback=callback)
    # Each mode has fields of its own and ignores the other's, a persona too.
    custom, silent = input_["mode"] == "custom", input_.get("instrumental") is True
    words = texts(input_, "lyrics") if custom else None
    return Submit(
        kind=kind,
        model=input_["model"],
        request=body,
        title=texts(input_, "title") if custom else "",
        tags=texts(input_, "tags") if custom else "",
        text="" if silent else words,
        source=source,
        persona=PersonaUse(input_["persona_id"]) if custom and input_.get("persona_id") else None,
        callback=callback,
    )


def _version(input_: Mapping[str, Any]) -> str:
    # An open object may hold anything under this name.
    given = texts(input_, "model")
    return given if given in SHOWN else USUAL


def _source(input_: Mapping[str, Any]) -> SourceUse | None:
    task, song = input_.get("task_id"), input_.get("suno_id")
    return None if task is None and song is None else SourceUse(song=song, task=task)


def _extension(given: str) -> str:
    # It becomes part of a URL, so it may not lead anywhere else.
    if not re.fullmatch(EXTENSION, given):
        fault = Fault("query", ("ext",), "pattern", EXTENSION, given, "not an extension")
        raise Refusal(Outcome.INVALID, fault=fault)
    return given.removeprefix(".")


_SONG = {
    "instrumental": False,
    "title": "Midnight Neon",
    "tags": "Western R&B, moody, intimate",
    "lyrics": "[Verse]\nNeon on the water, slow and low",
}


def _planted(kind: str, model: Model) -> dict[str, Any]:
    track = {"task_id": "task_12345678", "suno_id": "suno_abc123"} if kind in ON_A_TRACK else {}
    if kind not in SONG_KINDS.values():
        return track or {"prompt": "Rain on a tin roof"}
    upload = {"audio_url": "https://example.com/audio/source.mp3"} if kind.startswith("upload") else {}
    start = {"continue_at": 30} if kind.endswith("extend") else {}
    return {**track, **upload, **start, "mode": "custom", "model": model.name, **_SONG}


# --- bodies -------------------------------------------------------------------------------------------------


def _success(data: Any) -> dict[str, Any]:
    return {"code": 200, "message": "success", "data": data}


def _data(call: Call, view: View, context: Context) -> Any:
    if view.tasks:
        return {"task_id": view.tasks[0].task.id}
    if view.balance is not None:
        return _credits(call.operation, view.balance)
    if view.upload is not None:
        return _place(view.upload, context)
    models = context.sample("listModels")["data"]["models"]
    return _model(models, call.path["model"]) if call.path else _list(models, call.query)


def _info(view: TaskView, context: Context) -> dict[str, Any]:
    task, moment = view.task, view.moment
    created = whole_seconds(task.created)
    ended = whole_seconds(moment.since) if moment.is_final else None
    return {
        "task_id": task.id,
        "provider": "Suno",
        "model_version": SHOWN.get(task.model, task.model),
        "status": moment.name,
        "param": _param(task.request),
        "create_at": created,
        "result": _result(view, context),
        "duration_s": None if ended is None else ended - created,
        "complete_at": ended,
        # They are given back when a task fails.
        "credits": 0 if moment.failure else shown(task.charged),
        "source": "api",
    }


def _param(request: Mapping[str, Any]) -> dict[str, Any]:
    return {name: request.get(name) for name in ("model", "callback_url", "input")}


def _result(view: TaskView, context: Context) -> dict[str, Any] | None:
    if not view.moment.is_final:
        return None
    if view.moment.failure:
        return {"message": view.moment.failure.message}
    if view.task.kind in FILES:
        return {"media_urls": _files(view.task, context), "media_info": {}}
    tracks = [_track(song, context) for song in view.task.songs]
    # As it was observed: every track, and one cover.
    urls = [track["suno_audio_url"] for track in tracks] + [track["suno_image_url"] for track in tracks[:1]]
    return {"media_urls": urls, "media_info": {}, "suno_data": tracks}


def _files(task: Task, context: Context) -> list[str]:
    return [context.media(song.id, role) for song in task.songs for role in FILES[task.kind]]


def _track(song: Song, context: Context) -> dict[str, Any]:
    return {
        "suno_id": song.id,
        "title": song.title,
        "duration": song.duration,
        "suno_audio_url": context.media(song.id, "audio.mp3"),
        "suno_image_url": context.media(song.id, "cover.jpeg"),
        "suno_image_large_url": context.media(song.id, "cover-large.jpeg"),
    }


def _credits(operation: str, balance: BalanceView) -> dict[str, Any]:
    if operation == "estimateTask":
        return {
            "estimated_credits": shown(balance.price),
            "balance": shown(balance.credits),
            "affordable": balance.credits >= balance.price,
        }
    if operation == "estimateCredits":
        return {"credits": shown(balance.price), "estimated": True}
    return {"balance": shown(balance.credits)}


def _place(upload: UploadView, context: Context) -> dict[str, Any]:
    url = context.upload(upload.id, upload.name)
    return {"presigned_url": f"{url}?signature={upload.signature}", "file_url": url}


def _list(models: list[Any], query: Mapping[str, Any]) -> dict[str, Any]:
    modality, operation = query.get("modality"), query.get("operation")
    found = [model for model in models if not modality or model["modality"] == modality]
    found = [model for model in found if not operation or operation in model["operations"]]
    return {"total": len(found), "models": found}


def _model(models: list[Any], name: str) -> Any:
    found = next((model for model in models if model["model"] == name), None)
    if found is None:
        raise Refusal(Outcome.NOT_FOUND, model=name)
    return found


# --- refusals -----------------------------------------------------------------------------------------------

_REASONS = {
    "unfit-source": (
        "task_id must be a task of suno/music-generate, suno/music-extend, suno/music-extend-upload or "
        "suno/music-cover"
    ),
}


def _message(refusal: Refusal) -> str | None:
    """What happened, where the document's example cannot know it."""
    facts = refusal.facts
    if refusal.outcome in (Outcome.SOURCE_NOT_FOUND, Outcome.SOURCE_NOT_OWNED):
        # Another account's task looks like none at all.
        return "suno_id not found" if facts["missing"] == "song" else "task_id not found"
    if refusal.outcome is not Outcome.INVALID:
        return None
    return _complaint(facts["fault"]) if "fault" in facts else _REASONS[facts["reason"]]


def _complaint(fault: Fault) -> str:
    name = ".".join(fault.path) or fault.where
    return f"{name} is required" if is_blank(fault) else complaint(fault, name)
