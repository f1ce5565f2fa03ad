"""kie: `{code, msg, data}` under HTTP 200, camelCase, personas at once."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar

from mockserver.domain.credits import CREDIT, counted, shown
from mockserver.domain.ids import hex32, uuid4
from mockserver.domain.model import (
    Command,
    Fault,
    PersonaUse,
    Refusal,
    ShowBalance,
    ShowTask,
    SourceUse,
    Submit,
    TaskView,
    View,
)
from mockserver.domain.outcome import Outcome
from mockserver.domain.policy import DAY, FailureKind, Kind, Limit, Policy, Stage, Webhook
from mockserver.domain.records import sorted_text
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

SECONDS = 120
PRICE = 12 * CREDIT
KINDS = {
    "generateMusic": "generate",
    "extendMusic": "extend",
    "uploadCover": "upload-cover",
    "uploadExtend": "upload-extend",
}
SUBMISSIONS = Limit(20, seconds=10)
POLLS = Limit(3, seconds=1)
FILES = ("audio.mp3", "source.mp3", "stream.mp3", "source-stream.mp3", "cover.jpeg", "source.jpeg")
STAGES = (
    Stage("PENDING", "waiting", 0),
    Stage("TEXT_SUCCESS", "running", 25, heard="streams", tells="text"),
    Stage("FIRST_SUCCESS", "running", 60, heard="first", tells="first"),
    Stage("SUCCESS", "finished", 100, 100, "all", "complete"),
)
# The codes are the documented ones; which state goes with which is the document's choice.
FAILURES = (
    FailureKind("GENERATE_AUDIO_FAILED", "GENERATE_AUDIO_FAILED", None, "Audio generation failed"),
    FailureKind("GENERATE_AUDIO_FAILED", "GENERATE_AUDIO_FAILED", 408, "Audio generation timed out"),
    FailureKind("GENERATE_AUDIO_FAILED", "GENERATE_AUDIO_FAILED", 500, "Server Error"),
    FailureKind("GENERATE_AUDIO_FAILED", "GENERATE_AUDIO_FAILED", 501, "Audio generation failed"),
    FailureKind(
        "GENERATE_AUDIO_FAILED",
        "GENERATE_AUDIO_FAILED",
        531,
        "Audio generation failed, the credits were refunded",
    ),
    FailureKind("CREATE_TASK_FAILED", "CREATE_TASK_FAILED", None, "The task could not be created", after=10),
    FailureKind(
        "CREATE_TASK_FAILED", "CREATE_TASK_FAILED", 413, "Uploaded audio matches an existing work", after=10
    ),
    FailureKind("CALLBACK_EXCEPTION", "CALLBACK_EXCEPTION", None, "Callback failed"),
    FailureKind(
        "SENSITIVE_WORD_ERROR",
        "SENSITIVE_WORD_ERROR",
        400,
        "The lyrics contain copyrighted material",
        after=10,
    ),
)
# Recorded: V4, V5, V5_5. The others are those of the same models elsewhere; the V6 names are ours.
MODELS = (
    Model("V3_5", "3.5", "chirp-v3-5", retired=True),
    Model("V4", "4", "chirp-v4"),
    Model("V4_5", "4.5", "chirp-auk"),
    Model("V4_5PLUS", "4.5plus", "chirp-bluejay"),
    Model("V4_5ALL", "4.5all", "chirp-auk-turbo"),
    Model("V5", "5", "chirp-crow"),
    Model("V5_5", "5.5", "chirp-fenix"),
    Model("V6", "6", "chirp-v6"),
    Model("V6_MINI", "6mini", "chirp-v6-mini"),
    Model("V6_WILD", "6wild", "chirp-v6-wild"),
)
CHIRP = {model.name: model.shown for model in MODELS}


def _kinds() -> dict[str, Kind]:
    # Covers of uploads are kept a day longer than everything else.
    days = {"upload-cover": 15}
    return {
        kind: Kind(kind, SECONDS, PRICE, retention=days.get(kind, 14) * DAY, files=FILES)
        for kind in KINDS.values()
    }


class Kie:
    """Translates between kie's wire and the domain."""

    name: ClassVar[str] = "kie"
    quirks: ClassVar[tuple[Quirk, ...]] = (
        # Documented 409; a report of 2026-09-22 saw the same id come back under the new name.
        Quirk("duplicate", ("refuse", "overwrite"), "generatePersona", "duplicate"),
        # Recorded 422 on the persona call; the documents list 404 as well.
        Quirk("unknown_source", ("422", "404"), "generatePersona", "source-not-found"),
        # Recorded code 200 with data null on record-info; 422 on a newer route; 404 in the documents.
        Quirk("unknown_task", ("null", "422", "404"), "getMusicDetails", "not-found"),
        # K31: stated as advice; nobody has recorded a refusal.
        Quirk("poll_limit", ("off", "on"), "getMusicDetails", "rate-limited"),
        Quirk("persona_price", ("1",), "generatePersona", "insufficient-credits", is_number=True),
    )
    forms = Forms(task=lambda m, _: hex32(m), song=lambda m, _: uuid4(m), persona=lambda m, _: hex32(m))
    models = MODELS

    def __init__(self, quirks: Mapping[str, str]) -> None:
        self.policy = Policy(
            stages=STAGES,
            kinds=_kinds(),
            failures=FAILURES,
            oldest_source=(4,),
            persona_price=counted(quirks["persona_price"]),
            duplicate="overwrite" if quirks["duplicate"] == "overwrite" else "refuse",
            expires_sources=True,
            submissions=SUBMISSIONS,
            polls=POLLS if quirks["poll_limit"] == "on" else None,
            # K23: after how long it is tried again is told nowhere.
            webhook=Webhook(timeout=15, retries=(1, 2, 4), only_200=True, signs=True),
        )

    # --- reading --------------------------------------------------------------------------------------------

    def read(self, call: Call) -> Command:
        """The command that a valid request means."""
        if call.operation in KINDS:
            return _submission(KINDS[call.operation], call.body)
        if call.operation == "generatePersona":
            return persona_of(call.body, "taskId", "audioId", call.body)
        if call.operation == "getMusicDetails":
            return ShowTask(call.query["taskId"])
        return ShowBalance()

    def is_model_rule(self, call: Call, fault: Fault) -> bool:
        """K14: voices are for V5 and V5_5."""
        return fault.field == "personaModel" and fault.rule == "enum" and fault.got == "voice_persona"

    def plant(self, kind: str, model: Model) -> Submit:
        """A song in custom mode, with a voice."""
        body: dict[str, Any] = {
            "callBackUrl": "https://example.com/callback",
            "model": model.name,
            "prompt": "[Verse]\nNeon rain on empty streets",
            "style": "Electronic Pop",
            "title": "Neon Rain",
        }
        if kind in ("generate", "upload-cover"):
            body |= {"customMode": True, "instrumental": False}
        else:
            body |= {"defaultParamFlag": True, "continueAt": 60}
        if kind == "extend":
            body["audioId"] = "e231c8ad-5c1e-4a6e-9a55-6f2b8cadc7dc"
        if kind == "upload-extend":
            body["instrumental"] = False
        if kind.startswith("upload"):
            body["uploadUrl"] = "https://example.com/audio/source.mp3"
        return Submit(kind, model.name, body, body["title"], body["style"], body["prompt"])

    def poll(self, task: str) -> Call:
        """record-info."""
        return Call("getMusicDetails", query={"taskId": task})

    def failure(self, code: Any, message: str) -> FailureKind | None:
        """One of the documented error codes, or none, with words of one's own."""
        known = next((kind for kind in FAILURES if kind.code == code), None)
        if known is None:
            return None
        return FailureKind(known.name, known.state, known.code, message or known.message, known.after)

    def wording(self, call: Call) -> tuple[str, ...]:
        """The texts of the four song calls."""
        return all_texts(call.body, "prompt", "title", "style") if call.operation in KINDS else ()

    # --- writing --------------------------------------------------------------------------------------------

    def write(self, call: Call, view: View, context: Context) -> Written:
        """The answer that tells of a view."""
        if view.persona is not None:
            persona = view.persona.persona
            data = {"personaId": persona.id, "name": persona.name, "description": persona.description}
            repeated = view.persona.repeated
            return Written(_success(data), Outcome.DUPLICATE if repeated else Outcome.SUCCESS)
        if view.balance is not None:
            return Written(_success(shown(view.balance.credits)))
        task = view.tasks[0]
        if call.operation in KINDS:
            return Written(_success({"taskId": task.task.id}))
        return Written(_success(_details(task, context)), states=(task.moment.name,))

    def refuse(self, call: Call, refusal: Refusal, sample: Any) -> Any:
        """The document's body, in the words of what happened."""
        message = _message(refusal)
        return sample if message is None else with_message(sample, ("msg",), message)

    # --- callbacks ------------------------------------------------------------------------------------------

    def heard(self, stage: str, view: TaskView, context: Context) -> Any:
        """What is told of a stage: the tracks that are ready, or why there will be none."""
        code, message = (200, _TOLD[stage]) if stage in _TOLD else _reason(view)
        data = {
            "callbackType": stage,
            "task_id": view.task.id,
            "data": _ready(stage, view, context) if code == 200 else None,
        }
        return {"code": code, "msg": message, "data": data}

    def signature(self, body: Any, key: str, timestamp: int) -> dict[str, str]:
        """The moment and the base64 of an HMAC-SHA256 over the task and that moment."""
        signed = f"{body['data']['task_id']}.{timestamp}"
        digest = hmac.digest(key.encode(), signed.encode(), "sha256")
        return {
            "X-Webhook-Timestamp": str(timestamp),
            "X-Webhook-Signature": b64encode(digest).decode(),
        }


PROVIDER = Kie


# --- requests -----------------------------------------------------------------------------------------------


def _submission(kind: str, body: Mapping[str, Any]) -> Submit:
    # Without custom mode only the prompt counts; with the flag off an extension goes on as its source did.
    custom = body["customMode" if kind in ("generate", "upload-cover") else "defaultParamFlag"] is True
    silent = body.get("instrumental") is True
    words = texts(body, "prompt") if custom else ("" if silent else None)
    return Submit(
        kind=kind,
        model=body["model"],
        request=body,
        title=texts(body, "title") if custom else "",
        tags=texts(body, "style") if custom else "",
        text=words,
        source=_source(body, custom) if kind == "extend" else None,
        persona=PersonaUse(body["personaId"]) if custom and body.get("personaId") else None,
        callback=texts(body, "callBackUrl"),
    )


def _source(body: Mapping[str, Any], custom: bool) -> SourceUse:
    return SourceUse(
        song=body["audioId"],
        model=body["model"],
        continue_at=body["continueAt"] if custom else None,
        inherits=not custom,
    )


# --- bodies -------------------------------------------------------------------------------------------------


def _success(data: Any) -> dict[str, Any]:
    return {"code": 200, "msg": "success", "data": data}


# The other codes of a failure are those of its callback alone.
_RECORDED = (400, 408, 413)


def _details(view: TaskView, context: Context) -> dict[str, Any]:
    task, moment = view.task, view.moment
    failure = moment.failure
    return {
        "taskId": task.id,
        "parentMusicId": task.parent,
        # Recorded: the keys come back in alphabetical order.
        "param": sorted_text(dict(task.request)),
        "response": _response(view, context),
        "status": moment.name,
        "type": CHIRP.get(task.model, task.model),
        "operationType": task.kind.replace("-", "_"),
        "errorCode": failure.code if failure and failure.code in _RECORDED else None,
        "errorMessage": failure.message if failure else None,
        "createTime": task.created // 1000,
    }


def _response(view: TaskView, context: Context) -> dict[str, Any] | None:
    if view.moment.failure or view.moment.heard == "nothing":
        return None
    tracks = [_track(view, index, context) for index in range(len(view.task.songs))]
    return {"taskId": view.task.id, "sunoData": tracks}


def _track(view: TaskView, index: int, context: Context) -> dict[str, Any]:
    task, heard = view.task, view.moment.heard
    song = task.songs[index]
    is_complete = heard == "all" or (heard == "first" and index == 0)
    files = context.folder(song.id)
    return {
        "id": song.id,
        "audioUrl": f"{files}audio.mp3" if is_complete else "",
        "sourceAudioUrl": f"{files}source.mp3" if is_complete else "",
        "streamAudioUrl": f"{files}stream.mp3",
        "sourceStreamAudioUrl": f"{files}source-stream.mp3",
        "imageUrl": f"{files}cover.jpeg",
        "sourceImageUrl": f"{files}source.jpeg",
        "prompt": song.text,
        "modelName": CHIRP.get(task.model, task.model),
        "title": song.title,
        "tags": song.tags,
        "createTime": task.created // 1000,
        "duration": song.duration if is_complete else None,
    }


# --- callbacks ----------------------------------------------------------------------------------------------

# The first of them is ours; the others are documented.
_TOLD = {
    "text": "Text generated successfully.",
    "first": "First track generated successfully.",
    "complete": "All generated successfully.",
}
_FAILED = (501, "Audio generation failed")
# What record-info says of the states that have no code of their own.
_UNCODED = frozenset(kind.message for kind in FAILURES if kind.code is None)
# A track is spelled with underscores here, but for createTime.
_UNDERSCORED = {
    "audioUrl": "audio_url",
    "sourceAudioUrl": "source_audio_url",
    "streamAudioUrl": "stream_audio_url",
    "sourceStreamAudioUrl": "source_stream_audio_url",
    "imageUrl": "image_url",
    "sourceImageUrl": "source_image_url",
    "modelName": "model_name",
}


def _reason(view: TaskView) -> tuple[int | str, str]:
    failure = view.moment.failure
    assert failure is not None
    if failure.code is not None:
        return failure.code, failure.message
    # Without a code it is the usual one, in its documented words or in those that were asked for.
    return _FAILED if failure.message in _UNCODED else (_FAILED[0], failure.message)


def _ready(stage: str, view: TaskView, context: Context) -> list[dict[str, Any]]:
    # K20: no tracks with the text.
    count = {"text": 0, "first": 1}.get(stage)
    places = range(len(view.task.songs[:count]))
    return [_underscored(_track(view, index, context)) for index in places]


def _underscored(track: Mapping[str, Any]) -> dict[str, Any]:
    return {_UNDERSCORED.get(name, name): value for name, value in track.items()}


# --- refusals -----------------------------------------------------------------------------------------------

# Recorded with its dot; the other missing fields read alike.
_MISSING = {"callBackUrl": "Please enter callBackUrl."}
_CALLED = {"style": "music style"}
_REASONS = {
    "other-model": "model must equal the model of the source track: {model}",
    "continue-outside": "continueAt must be greater than 0 and less than the duration of the source track",
}


def _message(refusal: Refusal) -> str | None:
    """What happened, where the document's example cannot know it."""
    facts = refusal.facts
    if refusal.outcome is Outcome.SOURCE_UNFINISHED:
        return f"Music generation is not complete: {facts['state']}"
    if refusal.outcome is Outcome.SOURCE_FAILED:
        return f"Music generation failed: {facts['state']}"
    if "fault" in facts:
        return _complaint(facts["fault"]) if refusal.outcome is Outcome.INVALID else None
    if "reason" in facts:
        return _REASONS[facts["reason"]].format(**facts)
    return None


def _complaint(fault: Fault) -> str:
    name = fault.field
    if fault.rule == "required" or fault.got is None or (fault.rule == "format" and fault.got == ""):
        return _MISSING.get(name, f"{name} cannot be null")
    if is_blank(fault):
        return f"{name} cannot be blank"
    if fault.rule == "enum" and name == "personaModel" and fault.got == "voice_persona":
        return "personaModel voice_persona is only available for V5 and V5_5"
    if fault.rule == "exclusiveMaximum":
        return "continueAt must be greater than 0 and less than the duration of the uploaded audio"
    if fault.rule == "enum":
        return f"{name} must be one of: {', '.join(map(str, fault.wanted))}"
    return complaint(fault, _CALLED.get(name, name) if fault.rule == "maxLength" else name)
