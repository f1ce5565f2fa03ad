"""yuto: the bare Suno object; tasks in `{code, message, data}`, real HTTP statuses, personas at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Any, ClassVar
from urllib.parse import unquote

from mockserver.domain import words
from mockserver.domain.clock import MICROS
from mockserver.domain.credits import counted
from mockserver.domain.ids import uuid4
from mockserver.domain.lifecycle import begins
from mockserver.domain.model import (
    Command,
    CreatePersona,
    Fault,
    Moment,
    PersonaUse,
    PersonaView,
    Refusal,
    ShowSongs,
    ShowTask,
    ShowTasks,
    SongView,
    SourceUse,
    Submit,
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
    texts,
    with_message,
)
from mockserver.providers.quirks import Quirk

SONG_SECONDS, OTHER_SECONDS = 90, 20
LYRICS = "lyrics"
# What `task` says of a song request, and the kind of task that comes of it.
KINDS = {
    "artist_consistency": "generate",
    "extend": "extend",
    "upload_extend": "upload-extend",
    "cover": "cover",
    "infill": "infill",
    "gen_stem": "stems",
}
FILES = ("audio.mp3", "stream.mp3", "cover.jpeg", "cover-large.jpeg", "video.mp4", "avatar.webp")
STARTED = Stage("IN_PROGRESS", "running", 25)
STAGES = (
    Stage("NOT_START", "waiting", 0),
    Stage("SUBMITTED", "waiting", 5),
    Stage("QUEUED", "waiting", 10),
    STARTED,
    Stage("IN_PROGRESS", "running", 60, heard="streams"),
    Stage("SUCCESS", "finished", 100, 100, "all", "complete"),
)
FAILED = FailureKind("generation_failed", "FAILURE", "generation_failed", "the music could not be generated")
# Of one version the plain name comes first: it is the one that a neutral version means.
MODELS = (
    Model("chirp-v3-0", "3", "v3"),
    Model("chirp-v3-5", "3.5", "v3.5"),
    Model("chirp-v4", "4", "v4"),
    Model("chirp-auk", "4.5", "v4.5"),
    Model("chirp-auk-turbo", "4.5all", "v4.5-all"),
    Model("chirp-bluejay", "4.5plus", "v4.5+"),
    Model("chirp-crow", "5", "v5"),
    Model("chirp-fenix", "5.5", "v5.5"),
    Model("chirp-v3-5-tau", "3.5", "v3.5"),
    Model("chirp-v4-tau", "4", "v4"),
    Model("chirp-v3-5-upload", "3.5", "v3.5"),
    Model("chirp-v4-upload", "4", "v4"),
)
VERSIONS = {model.name: model.shown for model in MODELS}
USUAL = "chirp-v3-0"
OF_UPLOADS = "chirp-v4-upload"


def _kinds(price: int) -> dict[str, Kind]:
    # Parting a song into stems is a song request like the others: two clips, at the price of a song.
    songs = {kind: Kind(kind, SONG_SECONDS, price, files=FILES) for kind in KINDS.values()}
    return songs | {
        "upload": Kind("upload", OTHER_SECONDS, songs=1, is_upload=True, model=OF_UPLOADS, files=FILES),
        "concat": Kind("concat", OTHER_SECONDS, songs=1, files=FILES),
        LYRICS: Kind(LYRICS, OTHER_SECONDS, songs=0, suits_persona=False, model=USUAL),
    }


class Yuto:
    """Translates between yuto's wire and the domain."""

    name: ClassVar[str] = "yuto"
    quirks: ClassVar[tuple[Quirk, ...]] = (
        # The family's prices, scaled; none is printed.
        Quirk("song_price", ("10",), "submitMusic", "insufficient-credits", is_number=True),
        Quirk("persona_price", ("100",), "generatePersona", "insufficient-credits", is_number=True),
    )
    forms = Forms(task=lambda m, _: uuid4(m), song=lambda m, _: uuid4(m), persona=lambda m, _: uuid4(m))
    models = MODELS

    def __init__(self, quirks: Mapping[str, str]) -> None:
        self.policy = Policy(
            stages=STAGES,
            kinds=_kinds(counted(quirks["song_price"])),
            failures=(FAILED,),
            progress="climbs",
            persona_price=counted(quirks["persona_price"]),
            once_per_song=False,
            shares_public=True,
            refuses_empty=True,
            # The family tells nothing of the timing: one more try, any 2xx taken for an answer.
            webhook=Webhook(timeout=15, retries=(1,)),
        )

    # --- reading --------------------------------------------------------------------------------------------

    def read(self, call: Call) -> Command:
        """The command that a valid request means."""
        body = call.body
        match call.operation:
            case "submitMusic" | "generateLegacy":
                return _song_request(call)
            case "generatePersona":
                return _persona(body)
            case "fetchTask":
                return ShowTask(call.path["task_id"])
            case "fetchTasks":
                return ShowTasks(tuple(body["ids"]), self._kinds_of(body.get("action")))
            case "getFeed":
                return ShowSongs(tuple(call.path["clip_ids"]))
            case "uploadAudioUrl":
                return Submit("upload", OF_UPLOADS, body, title=_file_name(body["url"]))
            case "submitConcat":
                # The whole song is called and sung as the clip that it ends with, and by its model.
                source = SourceUse(song=body["clip_id"], inherits=True)
                return Submit("concat", "", body, source=source)
        return Submit(LYRICS, USUAL, body, callback=texts(body, "notify_hook"))

    def _kinds_of(self, action: str | None) -> frozenset[str] | None:
        if action is None:
            return None
        return frozenset(kind for kind in self.policy.kinds if _action(kind) == action)

    def is_model_rule(self, call: Call, fault: Fault) -> bool:
        """Y9: a persona is sung with by a tau model or by one newer than v4."""
        # A name that is no model's at all breaks the field's own rule.
        return _is_about_mv(fault) and str(fault.got) in VERSIONS

    def plant(self, kind: str, model: Model) -> Submit:
        """A song in custom mode, or what is made from one or from nothing."""
        operation, body = _planted(kind, model)
        command = self.read(Call(operation, body))
        assert isinstance(command, Submit)
        return command if command.model else command._replace(model=model.name)

    def poll(self, task: str) -> Call:
        """The fetch by id."""
        return Call("fetchTask", path={"task_id": task})

    def failure(self, code: Any, message: str) -> FailureKind | None:
        """A failure in these words: fail_reason is a free text, and a clip's error_type any name."""
        if code is None:
            return FailureKind(FAILED.name, FAILED.state, FAILED.code, message or FAILED.message)
        if not isinstance(code, str) or not code:
            return None
        return FailureKind(code, FAILED.state, code, message or FAILED.message)

    def wording(self, call: Call) -> tuple[str, ...]:
        """The texts of the two song calls."""
        if call.operation not in _SONG_REQUESTS:
            return ()
        return all_texts(call.body, "prompt", "gpt_description_prompt", "title", "tags")

    # --- writing --------------------------------------------------------------------------------------------

    def write(self, call: Call, view: View, context: Context) -> Written:
        """The answer that tells of a view."""
        match call.operation:
            case "generatePersona":
                assert view.persona is not None
                return Written(_persona_object(view.persona, call.body["clips"], context))
            case "fetchTask":
                (task,) = view.tasks
                return Written(_success(_task(task, context)), states=(task.moment.name,))
            case "fetchTasks":
                shown = [_task(task, context) for task in view.tasks]
                return Written(_success(shown), states=_states(shown))
            case "getFeed":
                clips = [_clip(song, context) for song in view.songs]
                return Written(clips, Outcome.SUCCESS if clips else Outcome.NOT_FOUND, _states(clips))
            case "generateLegacy":
                return Written(_clips(view.tasks[0], context))
        return Written(_success(view.tasks[0].task.id))

    def refuse(self, call: Call, refusal: Refusal, sample: Any) -> Any:
        """The document's body, in the words of what happened."""
        if refusal.outcome in (Outcome.SOURCE_NOT_FOUND, Outcome.SOURCE_NOT_OWNED):
            code = "task_not_exist" if refusal.facts["missing"] == "task" else "clip_not_found"
            return {**sample, "code": code, "message": code}
        message = _message(call, refusal)
        return sample if message is None else with_message(sample, ("message",), message)

    # --- callbacks ------------------------------------------------------------------------------------------

    def heard(self, stage: str, view: TaskView, context: Context) -> Any:
        """The bare task."""
        return _task(view, context)

    def signature(self, body: Any, key: str, timestamp: int) -> dict[str, str]:
        """Nothing is signed."""
        return {}


PROVIDER = Yuto


# --- requests -----------------------------------------------------------------------------------------------


def _song_request(call: Call) -> Submit:
    body: Mapping[str, Any] = call.body
    task, source = body.get("task"), _source(body)
    if call.operation == "generateLegacy":
        # The older twin hands out no task and tells nobody of one.
        body = {name: value for name, value in body.items() if name != "notify_hook"}
    return Submit(
        kind=KINDS[task] if task else ("extend" if source else "generate"),
        model=body.get("mv", USUAL),
        request=body,
        title=texts(body, "title"),
        tags=texts(body, "tags"),
        text=_lyrics(body),
        source=source,
        persona=_sung_with(body) if task == "artist_consistency" else None,
        callback=texts(body, "notify_hook"),
    )


def _lyrics(body: Mapping[str, Any]) -> str | None:
    # Without lyrics of the caller's own a description has some written, unless nobody is to sing.
    about = texts(body, "gpt_description_prompt") and body.get("make_instrumental") is not True
    return texts(body, "prompt") or (None if about else "")


def _source(body: Mapping[str, Any]) -> SourceUse | None:
    """The clip to work on; like the gateway, a task_id is looked at beside a clip only."""
    inherits = body.get("task") == "gen_stem" or "prompt" not in body
    if body.get("task") == "cover":
        return SourceUse(song=body["cover_clip_id"], inherits=inherits)
    if not body.get("continue_clip_id"):
        return None
    return SourceUse(song=body["continue_clip_id"], task=body.get("task_id") or None, inherits=inherits)


def _sung_with(body: Mapping[str, Any]) -> PersonaUse:
    return PersonaUse(body["persona_id"], song=body["artist_clip_id"])


def _persona(body: Mapping[str, Any]) -> CreatePersona:
    root = body["root_clip_id"]
    return CreatePersona(
        song=root,
        name=body["name"],
        description=body["description"],
        is_public=body["is_public"],
        beside=tuple(clip for clip in dict.fromkeys(body["clips"]) if clip != root),
        request=body,
    )


def _file_name(url: str) -> str:
    return PurePosixPath(unquote(url.partition("?")[0])).stem


_SOME_SONG = {
    "prompt": "[Verse]\nNeon rain on empty streets",
    "title": "Neon Rain",
    "tags": "electronic pop",
    "generation_type": "TEXT",
}
_SOME_TASK = "736a6f88-bd29-4b1e-b110-37132a5325ac"
_SOME_CLIP = "54834687-5e79-4f08-8e14-cf188f15b598"
_ON_A_CLIP = {"task_id": _SOME_TASK, "continue_clip_id": _SOME_CLIP}
_MODES: Mapping[str, Mapping[str, Any]] = {
    "generate": {},
    "extend": {"task": "extend", **_ON_A_CLIP, "continue_at": 30},
    "upload-extend": {"task": "upload_extend", **_ON_A_CLIP, "continue_at": 10},
    "cover": {"task": "cover", "cover_clip_id": _SOME_CLIP},
    "infill": {"task": "infill", **_ON_A_CLIP, "infill_start_s": 10, "infill_end_s": 25},
    "stems": {"task": "gen_stem", **_ON_A_CLIP},
}
_OTHERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "upload": ("uploadAudioUrl", {"url": "https://example.com/audio/tape.mp3"}),
    "concat": ("submitConcat", {"clip_id": _SOME_CLIP, "is_infill": False}),
    LYRICS: ("submitLyrics", {"prompt": "neon rain on empty streets"}),
}


def _planted(kind: str, model: Model) -> tuple[str, Mapping[str, Any]]:
    if kind in _OTHERS:
        return _OTHERS[kind]
    return "submitMusic", {"mv": model.name, **_SOME_SONG, **_MODES[kind]}


# --- tasks --------------------------------------------------------------------------------------------------


def _success(data: Any) -> dict[str, Any]:
    return {"code": "success", "message": "", "data": data}


def _states(shown: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one["status"] for one in shown))


def _action(kind: str) -> str:
    return "LYRICS" if kind == LYRICS else "MUSIC"


def _task(view: TaskView, context: Context) -> dict[str, Any]:
    task, moment = view.task, view.moment
    return {
        "task_id": task.id,
        "notify_hook": texts(task.request, "notify_hook"),
        "action": _action(task.kind),
        "status": moment.name,
        "fail_reason": moment.failure.message if moment.failure else "",
        "submit_time": whole_seconds(task.created),
        "start_time": _start_time(view),
        "finish_time": whole_seconds(task.ends) if moment.is_final else 0,
        "progress": f"{100 if moment.is_final else moment.progress}%",
        "data": _made(view, context),
    }


def _start_time(view: TaskView) -> int:
    task, moment = view.task, view.moment
    begun = begins(task, STARTED, STAGES)
    # A task may fail before it has started.
    if moment.status == "waiting" or (moment.failure and moment.failure.at < begun):
        return 0
    # One that was pushed on has not started before it was submitted.
    return whole_seconds(max(begun, task.created))


def _made(view: TaskView, context: Context) -> list[dict[str, Any]]:
    if view.task.kind == LYRICS:
        return [_lyrics_object(view)] if view.moment.status == "finished" else []
    is_silent = view.moment.heard == "nothing" and not view.moment.failure
    return [] if is_silent else _clips(view, context)


def _lyrics_object(view: TaskView) -> dict[str, Any]:
    """A title and a text that are always the same for the same task; they are no song of it."""
    material = _digest(view.task.id)
    about = texts(view.task.request, "prompt").strip()
    drawn = [(uuid4(material), material)]
    [made] = words.compose(drawn, title=about[:80].capitalize(), tags="", text=None)
    return {"id": made.id, "status": "complete", "title": made.title, "text": made.text}


# --- clips --------------------------------------------------------------------------------------------------


def _clips(view: TaskView, context: Context) -> list[dict[str, Any]]:
    return [_clip(SongView(song, index, view), context) for index, song in enumerate(view.task.songs)]


def _clip(view: SongView, context: Context) -> dict[str, Any]:
    song, task = view.song, view.of.task
    status = _clip_status(view.of.moment)
    clip = {
        "id": song.id,
        **_links(song.id, status, context),
        "major_model_version": VERSIONS.get(task.model, task.model),
        "model_name": task.model,
        "metadata": _metadata(view, status),
        "status": status,
        "title": song.title,
    }
    return {**clip, **_rest(view, context)} if status == "complete" else clip


def _clip_status(moment: Moment) -> str:
    if moment.is_final:
        return "error" if moment.failure else "complete"
    if moment.heard == "streams":
        return "streaming"
    return "submitted" if moment.name in ("NOT_START", "SUBMITTED") else "queued"


def _links(song: str, status: str, context: Context) -> dict[str, str]:
    roles = {"audio_url": "", "video_url": "", "image_url": "", "image_large_url": ""}
    if status in ("streaming", "complete"):
        roles |= {"image_url": "cover.jpeg", "image_large_url": "cover-large.jpeg"}
        roles["audio_url"] = "stream.mp3" if status == "streaming" else "audio.mp3"
        roles["video_url"] = "video.mp4" if status == "complete" else ""
    return {name: context.media(song, role) if role else "" for name, role in roles.items()}


def _metadata(view: SongView, status: str) -> dict[str, Any]:
    song, task, failure = view.song, view.of.task, view.of.moment.failure
    return {
        "tags": song.tags,
        "prompt": song.text,
        "gpt_description_prompt": texts(task.request, "gpt_description_prompt") or None,
        "type": "upload" if task.kind == "upload" else "gen",
        "duration": song.duration if status == "complete" else None,
        "refund_credits": failure is not None,
        "stream": True,
        "error_type": str(failure.code or failure.name) if failure else None,
        "error_message": failure.message if failure else None,
    }


def _rest(view: SongView, context: Context) -> dict[str, Any]:
    """What a finished clip shows besides: its account, its counts, and five fields of newer recordings."""
    song, task = view.song, view.of.task
    name = _display_name(task.account)
    return {
        "is_liked": False,
        "user_id": uuid4(_digest("user", task.account)),
        "display_name": name,
        "handle": name.lower(),
        "is_handle_updated": False,
        "avatar_image_url": context.media(song.id, "avatar.webp"),
        "is_trashed": False,
        "created_at": _iso(task.created),
        "play_count": 0,
        "upvote_count": 0,
        "is_public": False,
        "clip_id": song.id,
        "state": "succeeded",
        "duration": song.duration,
        "tags": song.tags,
        "prompt": song.text,
    }


_FIRST = ("Sensory", "Velvet", "Distant", "Golden", "Restless", "Quiet", "Electric", "Northern")
_SECOND = ("Recorders", "Harmonics", "Echoes", "Pianos", "Choruses", "Cymbals", "Meters", "Tapes")


def _display_name(account: str) -> str:
    number = int.from_bytes(_digest("name", account)[:4], "big")
    return f"{_FIRST[number % 8]}{_SECOND[number // 8 % 8]}{1000 + number // 64 % 9000}"


def _digest(*parts: str) -> bytes:
    return blake2b("\n".join(parts).encode(), digest_size=32).digest()


def _iso(moment: int) -> str:
    seconds, micros = divmod(moment, MICROS)
    whole = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{whole.isoformat()}.{micros // 1000:03}Z"


# --- personas -----------------------------------------------------------------------------------------------


def _persona_object(view: PersonaView, asked: list[str], context: Context) -> dict[str, Any]:
    persona, shown = view.persona, {song.song.id: song for song in (view.root, *view.beside)}
    root = _clip(view.root, context)
    return {
        "id": persona.id,
        "name": persona.name,
        "description": persona.description,
        "root_clip_id": persona.song,
        "clip": root,
        "user_display_name": root["display_name"],
        "user_handle": root["handle"],
        "user_image_url": root["avatar_image_url"],
        "persona_clips": [
            {"clip": _clip(shown[id], context), "id": _number(persona.id, id)} for id in dict.fromkeys(asked)
        ],
    }


def _number(persona: str, clip: str) -> int:
    """The number of a clip in a persona: eight digits, as the page's own."""
    return 10_000_000 + int.from_bytes(_digest(persona, clip)[:8], "big") % 90_000_000


# --- refusals -----------------------------------------------------------------------------------------------

_SONG_REQUESTS = ("submitMusic", "generateLegacy")


def _message(call: Call, refusal: Refusal) -> str | None:
    """What happened, where the document's example cannot know it."""
    facts = refusal.facts
    if refusal.outcome is Outcome.SOURCE_UNFINISHED:
        return f"{_source_field(call)} is not complete: {_clip_status(facts['moment'])}"
    if refusal.outcome is Outcome.SOURCE_FAILED:
        return f"{_source_field(call)} has failed: {_clip_status(facts['moment'])}"
    if refusal.outcome is Outcome.PERSONA_NOT_FOUND and facts.get("reason") == "other-root":
        return "artist_clip_id is not the clip that persona_id was made from"
    if refusal.outcome is Outcome.INVALID and "fault" in facts:
        return _complaint(call, facts["fault"])
    return None


def _source_field(call: Call) -> str:
    if call.operation in _SONG_REQUESTS:
        return "cover_clip_id" if call.body.get("task") == "cover" else "continue_clip_id"
    return "clip_id" if call.operation == "submitConcat" else "root_clip_id"


def _complaint(call: Call, fault: Fault) -> str:
    if fault.rule in ("member", "minItems"):
        return "clips must contain root_clip_id"
    if fault.rule == "difference":
        return "infill_end_s must be greater than infill_start_s"
    if call.operation == "getFeed" and is_blank(fault):
        return "clip_ids must not hold an empty id"
    when = _when(call)
    if _is_missing(fault):
        return _missing(call, _named(fault)) or f"{_named(fault)} is required{when}"
    sung = _is_about_mv(fault) and str(fault.got) in VERSIONS
    return complaint(fault, _named(fault)) + (when if sung else "")


def _missing(call: Call, name: str) -> str | None:
    """The gateway's own words for two of the fields."""
    if name == "prompt" and call.operation in (*_SONG_REQUESTS, "submitLyrics"):
        return "prompt_empty"
    return "task id is empty" if name == "task_id" and call.operation in _SONG_REQUESTS else None


def _when(call: Call) -> str:
    """Which kind of song wants it: of itself none wants anything but words."""
    if call.operation not in _SONG_REQUESTS or not isinstance(call.body, dict):
        return ""
    task = texts(call.body, "task")
    return f" when task is {task}" if task in KINDS else ""


def _is_missing(fault: Fault) -> bool:
    return fault.rule == "required" or is_blank(fault) or (fault.rule == "format" and fault.got == "")


def _is_about_mv(fault: Fault) -> bool:
    return fault.field == "mv" and fault.rule == "enum"


def _named(fault: Fault) -> str:
    """The field as it is spelled on the wire; an item goes by its place in its list."""
    *before, last = fault.path or (fault.where,)
    return f"{before[-1]}[{last}]" if before and last.isdigit() else last
