"""evolink: one address for songs and personas, both of them tasks; real statuses around one error object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mockserver.domain.credits import CREDIT, shown
from mockserver.domain.ids import alnum, hex32, uuid4
from mockserver.domain.model import (
    BalanceView,
    Command,
    Fault,
    PersonaUse,
    Refusal,
    ShowBalance,
    ShowTask,
    Song,
    Submit,
    Task,
    TaskView,
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

SONG, PERSONA = "generate", "persona"
PERSONA_MODEL = "suno-persona"
SONG_SECONDS, PERSONA_SECONDS = 120, 15
HOUR = 3600
# A poll shows no song before the end, but a callback tells of the first one as soon as it is there.
STAGES = (
    Stage("pending", "waiting", 0),
    Stage("processing", "running", 10, 30, tells="text"),
    Stage("processing", "running", 40, 60, "first", "first"),
    Stage("processing", "running", 80, 90, "first"),
    Stage("completed", "finished", 100, 100, "all", "complete"),
)
# How many songs are known at the stages of a callback that come before the end.
KNOWN = {"text": 0, "first": 1}
# The codes are the documented ones. The words of the first and of the cancelled stand in the document, too.
_FAILURES = {
    "service_error": "The music service is temporarily unavailable. Please try again later.",
    "content_policy_violation": "The request was refused by the content policy.",
    "invalid_parameters": "The parameters do not fit together.",
    "image_processing_error": "The image could not be processed.",
    "image_dimension_mismatch": "The image does not have the expected dimensions.",
    "request_cancelled": "The request was cancelled.",
    "generation_failed_no_content": "The generation ended without a result.",
    "generation_timeout": "The generation took too long.",
    "quota_exceeded": "The quota was used up.",
    "resource_exhausted": "There is no capacity left. Please try again later.",
    "service_unavailable": "The service is unavailable. Please try again later.",
    "resource_not_found": "A resource of the request could not be found.",
    "unknown_error": "An unknown error occurred.",
}
FAILURES = tuple(FailureKind(code, "failed", code, message) for code, message in _FAILURES.items())
ON_SALE = (
    Model("suno-v5-beta", "5", "suno-v5-beta"),
    Model("suno-v4.5plus-beta", "4.5plus", "suno-v4.5plus-beta"),
    Model("suno-v4.5all-beta", "4.5all", "suno-v4.5all-beta"),
    Model("suno-v4.5-beta", "4.5", "suno-v4.5-beta"),
    Model("suno-v4-beta", "4", "suno-v4-beta"),
)
# The former names still work; tasks show the names that they were mapped to.
FORMER = tuple(Model(model.name.removesuffix("-beta"), model.version, model.name) for model in ON_SALE)
MODELS = (*ON_SALE, *FORMER, Model("suno-v3.5-beta", "3.5", "suno-v3.5-beta", retired=True))
SHOWN = {model.name: model.shown for model in MODELS if not model.retired}


def _kinds(link_hours: int) -> dict[str, Kind]:
    files = ("audio.mp3", "stream.mp3", "cover.jpeg")
    song = Kind(SONG, SONG_SECONDS, 10 * CREDIT, retention=link_hours * HOUR, files=files)
    persona = Kind(
        PERSONA,
        PERSONA_SECONDS,
        CREDIT,
        songs=0,
        suits_persona=False,
        is_persona=True,
        model=PERSONA_MODEL,
        # E15: one final delivery.
        tells_end=True,
    )
    return {SONG: song, PERSONA: persona}


class Evolink:
    """Translates between evolink's wire and the domain."""

    name: ClassVar[str] = "evolink"
    quirks: ClassVar[tuple[Quirk, ...]] = (
        # The credits page prints `code: 401` where every other page prints a word.
        Quirk("credits_error", ("string", "integer"), "getCredits", "unauthorized"),
        # 72 hours on the page of songs, 24 on older ones.
        Quirk("link_hours", ("72", "24"), "getTask", "success"),
    )
    forms = Forms(
        task=lambda m, second: f"task-unified-{second:010d}-{alnum(m, 8)}",
        song=lambda m, _: uuid4(m),
        persona=lambda m, _: hex32(m),
    )
    models = MODELS

    def __init__(self, quirks: Mapping[str, str]) -> None:
        self.policy = Policy(
            stages=STAGES,
            kinds=_kinds(int(quirks["link_hours"])),
            failures=FAILURES,
            progress="steps",
            oldest_source=(4,),
            persona_task=PERSONA,
            hides_foreign=False,
            hides_songs=True,
            webhook=Webhook(timeout=10, retries=(1, 2, 4)),
        )

    # --- reading --------------------------------------------------------------------------------------------

    def read(self, call: Call) -> Command:
        """The command that a valid request means."""
        if call.operation == "generateMusic":
            return _song(call.body)
        if call.operation == "generatePersona":
            params, callback = call.body["model_params"], texts(call.body, "callback_url")
            return persona_of(params, "source_task_id", "result_id", call.body)._replace(callback=callback)
        if call.operation == "getTask":
            return ShowTask(call.path["task_id"])
        return ShowBalance()

    def is_model_rule(self, call: Call, fault: Fault) -> bool:
        """E12: voices are for the newest model."""
        return call.operation == "generateMusic" and _has_no_voices(fault)

    def plant(self, kind: str, model: Model) -> Submit:
        """A song in custom mode, with a voice; or a persona."""
        if kind == PERSONA:
            return Submit(kind, PERSONA_MODEL, {"model": PERSONA_MODEL, "model_params": dict(_SOME_PERSONA)})
        return _song({"model": model.shown, **_SOME_SONG})

    def poll(self, task: str) -> Call:
        """The task's own address."""
        return Call("getTask", path={"task_id": task})

    def failure(self, code: Any, message: str) -> FailureKind | None:
        """One of the documented error codes, with words of one's own."""
        if not isinstance(code, str) or code not in _FAILURES:
            return None
        return FailureKind(code, "failed", code, message or _FAILURES[code])

    def wording(self, call: Call) -> tuple[str, ...]:
        """The texts of a song."""
        return all_texts(call.body, "prompt", "title", "style") if call.operation == "generateMusic" else ()

    # --- writing --------------------------------------------------------------------------------------------

    def write(self, call: Call, view: View, context: Context) -> Written:
        """The answer that tells of a view."""
        if view.balance is not None:
            return Written(_balance(view.balance))
        task = view.tasks[0]
        if call.operation == "getTask":
            return Written(self._details(task, context), states=(task.moment.name,))
        return Written(self._ordered(task.task))

    def _ordered(self, task: Task) -> dict[str, Any]:
        """A task as its order is answered: waiting, however soon it will be done."""
        kind = self.policy.kinds[task.kind]
        return {
            "created": whole_seconds(task.created),
            "id": task.id,
            "model": PERSONA_MODEL if kind.is_persona else task.model,
            "object": "audio.generation.task",
            "progress": STAGES[0].progress,
            "status": STAGES[0].name,
            "task_info": {"can_cancel": not kind.is_persona, "estimated_time": int(kind.seconds)},
            "type": "audio",
            "usage": {
                "billing_rule": "per_call",
                "credits_reserved": shown(kind.price),
                "user_group": "default",
            },
        }

    def _details(self, view: TaskView, context: Context) -> dict[str, Any]:
        moment = view.moment
        body = {**self._ordered(view.task), "progress": moment.progress, "status": moment.name}
        if moment.is_final:
            body["task_info"] = {"can_cancel": False}
        if moment.failure:
            failure = moment.failure
            body["error"] = {"code": failure.code, "message": failure.message, "type": "task_error"}
        elif moment.is_final:
            body |= _results(view.task, context)
        return body

    def refuse(self, call: Call, refusal: Refusal, sample: Any) -> Any:
        """The document's body, in the words of what happened."""
        # E7: of a poll only the id can be wrong, and for that the document has its own sentence.
        message = None if call.operation == "getTask" else _message(refusal)
        return sample if message is None else with_message(sample, ("error", "message"), message)

    # --- callbacks ------------------------------------------------------------------------------------------

    def heard(self, stage: str, view: TaskView, context: Context) -> Any:
        """E16: what a poll shows, and before the end the songs that are known by then."""
        if stage not in KNOWN:
            return self._details(view, context)
        return self._details(view, context) | _songs(view.task.songs[: KNOWN[stage]], context)

    def signature(self, body: Any, key: str, timestamp: int) -> dict[str, str]:
        """Nothing is signed."""
        return {}


PROVIDER = Evolink


# --- requests -----------------------------------------------------------------------------------------------


def _song(body: Mapping[str, Any]) -> Submit:
    # In simple mode the prompt describes the song, and of the creative fields only the title counts.
    custom = body.get("custom_mode") is True
    has_vocals = body.get("instrumental") is not True
    words = texts(body, "prompt") if custom else None
    persona = texts(body, "persona_id") if custom else ""
    return Submit(
        kind=SONG,
        model=SHOWN.get(body["model"], body["model"]),
        request=body,
        title=texts(body, "title"),
        tags=texts(body, "style") if custom else "",
        text=words if has_vocals else "",
        persona=PersonaUse(persona) if persona else None,
        callback=texts(body, "callback_url"),
    )


_SOME_SONG: Mapping[str, Any] = {
    "custom_mode": True,
    "instrumental": False,
    "prompt": "[Verse]\nNeon rain on empty streets",
    "style": "electronic pop",
    "title": "Neon Rain",
}
_SOME_PERSONA: Mapping[str, Any] = {
    "source_task_id": "task-unified-1774169216-ocqaqde7",
    "result_id": "4fcc4507-a7ae-4441-ad8a-465c2f61d5bb",
    "name": "Neon Voice",
    "description": "Electronic pop, warm and close",
}


# --- bodies -------------------------------------------------------------------------------------------------


def _results(task: Task, context: Context) -> dict[str, Any]:
    """What a task has made; a persona has no media."""
    if task.kind == PERSONA:
        return {"results": [], "result_data": {"persona_id": task.persona}}
    return _songs(task.songs, context)


def _songs(songs: tuple[Song, ...], context: Context) -> dict[str, Any]:
    shown = [_track(song, context) for song in songs]
    return {"results": [song["audio_url"] for song in shown], "result_data": {"songs": shown}}


def _track(song: Song, context: Context) -> dict[str, Any]:
    files = context.folder(song.id)
    return {
        "result_id": song.id,
        "title": song.title,
        "tags": song.tags,
        "duration": song.duration,
        "audio_url": f"{files}audio.mp3",
        "stream_audio_url": f"{files}stream.mp3",
        "image_url": f"{files}cover.jpeg",
    }


def _balance(view: BalanceView) -> dict[str, Any]:
    # A key is an account of its own, so it has what its user has.
    held = {"remaining_credits": shown(view.credits), "used_credits": shown(view.used)}
    return {
        "data": {"token": {**held, "unlimited_credits": False}, "user": held},
        "message": "",
        "success": True,
    }


# --- refusals -----------------------------------------------------------------------------------------------

# E5: word for word the same, so that nobody learns of another key's tasks.
_NO_SOURCE = "Source task does not exist or does not belong to the current user: {task}"
_WORDS: Mapping[Outcome, str] = {
    Outcome.SOURCE_NOT_FOUND: _NO_SOURCE,
    Outcome.SOURCE_NOT_OWNED: _NO_SOURCE,
    Outcome.SOURCE_UNFINISHED: "Source task is not completed, its status is {state}: {task}",
    Outcome.SOURCE_FAILED: "Source task has failed and has no songs: {task}",
    Outcome.SOURCE_IS_PERSONA: "Source task must not be a suno-persona task: {task}",
    Outcome.SOURCE_MODEL_UNSUPPORTED: "Source task model must be suno-v4 or above, not {model}: {task}",
    Outcome.DUPLICATE: "A Persona has already been created from this result_id: {song}",
    Outcome.PERSONA_NOT_FOUND: "Persona does not exist or does not belong to the current user: {persona}",
}
_NO_SONG = "Song does not exist in the source task {task}: {song}"
_NO_VOICE = "persona_model voice_persona requires model suno-v5-beta"


def _message(refusal: Refusal) -> str | None:
    """What happened, where the document's example cannot know it."""
    facts = refusal.facts
    if refusal.outcome is Outcome.SOURCE_NOT_FOUND and facts.get("missing") == "song":
        return _NO_SONG.format(**facts)
    if refusal.outcome in _WORDS:
        return _WORDS[refusal.outcome].format(**facts)
    return _complaint(facts["fault"]) if refusal.outcome is Outcome.INVALID else None


def _complaint(fault: Fault) -> str:
    name = ".".join(fault.path) or fault.where
    if is_blank(fault):
        return f"{name} is required"
    return _NO_VOICE if _has_no_voices(fault) else complaint(fault, name)


def _has_no_voices(fault: Fault) -> bool:
    """True where a model is refused although it is on sale: for its want of voices alone."""
    return fault.path == ("model",) and isinstance(fault.got, str) and fault.got in SHOWN
