"""Requests held against the four documents: what each provider takes, what it refuses, and as what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.conftest import Client, MakeClient
from tests.web.calls import (
    CALLS,
    CRUN_PERSONA,
    CRUN_SONG,
    EVOLINK_PERSONA,
    EVOLINK_SONG,
    KIE_PERSONA,
    KIE_SONG,
    PROVIDERS,
    YUTO_PERSONA,
    YUTO_SONG,
    about,
    credential,
    in_sandbox,
    planted,
    send,
    shared_app,
)


@pytest.fixture(scope="module")
def app() -> Any:
    return shared_app()


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    """One store is enough here: it is about the verdict, and what a call finds is in its sandbox."""
    return in_sandbox(app, request.node.nodeid)


def but(base: dict[str, Any], without: str = "", /, **fields: Any) -> dict[str, Any]:
    """A body with some fields changed or added, and some left out."""
    return {key: value for key, value in {**base, **fields}.items() if key not in without.split()}


def judged(answer: httpx2.Response) -> tuple[str | None, str | None]:
    """The outcome, and the first violation as the header shows it."""
    return answer.headers.get("x-mock-outcome"), answer.headers.get("x-mock-violation")


def ours(client: Client, provider: str, body: Any, **more: Any) -> dict[str, str]:
    """The ids in a body, and the real ones: a finished task, its song, and its persona where one is named."""
    ids = planted(client, provider, **more)
    task, song = ids.values()
    known = {**ids, "t": task, "c": song}
    return {**known, "p": persona_of(client, provider, ids)} if '"p"' in json.dumps(body) else known


def persona_of(client: Client, provider: str, ids: dict[str, str]) -> str:
    """A persona made of that song."""
    made = send(client, provider, "generatePersona", ids=ids)
    assert made.headers["x-mock-outcome"] == "success", made.text
    client.post("/_mock/clock/advance", json={"until": "idle"})
    (persona,) = client.get("/_mock/accounts/k").json()["personas"]
    return str(persona)


def newest(client: Client) -> Any:
    """The newest entry of the journal."""
    return client.get("/_mock/requests?limit=1").json()["requests"][0]


# --- kie ---------------------------------------------------------------------------------------------------

CUSTOM = but(KIE_SONG, customMode=True, instrumental=False, style="Electronic Pop", title="Neon Rain")
COVER = {**CUSTOM, "uploadUrl": "https://example.com/audio/source.mp3"}
EXTEND = {
    "defaultParamFlag": True,
    "audioId": KIE_PERSONA["audioId"],
    "prompt": "The same theme, slower",
    "style": "Electronic Pop",
    "title": "Neon Rain, part two",
    # No song is shorter than 36 seconds.
    "continueAt": 30,
    "model": "V4_5",
    "callBackUrl": "https://example.com/callback",
}
UPLOAD = but(EXTEND, "audioId", uploadUrl="https://example.com/audio/source.mp3", instrumental=False)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("generateMusic", CUSTOM),
        ("generateMusic", but(KIE_SONG, prompt="x" * 500)),
        ("generateMusic", but(KIE_SONG, style="x" * 2000, title="x" * 200, vocalGender="x", styleWeight=7)),
        ("generateMusic", but(KIE_SONG, personaId="p", personaModel="voice_persona", duration=1)),
        ("generateMusic", but(CUSTOM, "prompt", instrumental=True)),
        ("generateMusic", but(CUSTOM, model="V4", prompt="x" * 3000, style="x" * 200, title="x" * 80)),
        ("generateMusic", but(CUSTOM, model="V5", prompt="x" * 5000, style="x" * 1000, title="x" * 80)),
        ("generateMusic", but(CUSTOM, model="V5_5", duration=10)),
        ("generateMusic", but(CUSTOM, model="V5_5", duration=360)),
        ("generateMusic", but(CUSTOM, model="V5", duration=9)),
        (
            "generateMusic",
            but(CUSTOM, vocalGender="f", styleWeight=0, weirdnessConstraint=1, audioWeight=0.65),
        ),
        ("generateMusic", but(CUSTOM, model="V5", personaId="p", personaModel="voice_persona")),
        ("generateMusic", but(CUSTOM, model="V4", personaId="p", personaModel="style_persona")),
        ("generateMusic", but(CUSTOM, model="V4", personaModel="voice_persona")),
        ("generateMusic", but(CUSTOM, somethingNew={"deep": [1]})),
        ("uploadCover", but(COVER, model="V4_5", title="x" * 100)),
        ("uploadCover", but(COVER, model="V4_5ALL", title="x" * 80)),
        ("extendMusic", EXTEND),
        ("extendMusic", but(EXTEND, "prompt style title continueAt", defaultParamFlag=False)),
        ("extendMusic", but(EXTEND, defaultParamFlag=False, continueAt=-5, title="x" * 500)),
        ("extendMusic", but(EXTEND, continueAt=0.01, title="x" * 100)),
        ("uploadExtend", UPLOAD),
        ("uploadExtend", but(UPLOAD, "prompt", instrumental=True)),
        ("uploadExtend", but(UPLOAD, "style title", defaultParamFlag=False)),
        ("generatePersona", KIE_PERSONA),
        ("generatePersona", but(KIE_PERSONA, name="x" * 5000, description="x" * 5000, style="")),
    ],
)
def test_kie_takes(client: Client, operation: str, body: dict[str, Any]) -> None:
    ids = ours(client, "kie", body, model="V4_5")

    answer = send(client, "kie", operation, json=body, ids=ids)

    assert (judged(answer), answer.json()["code"]) == (("success", None), 200)


@pytest.mark.parametrize(
    ("operation", "body", "violation"),
    [
        ("generateMusic", but(KIE_SONG, "customMode"), "/body/customMode: required"),
        ("generateMusic", but(KIE_SONG, "instrumental"), "/body/instrumental: required"),
        ("generateMusic", but(KIE_SONG, "model"), "/body/model: required"),
        ("generateMusic", but(KIE_SONG, "callBackUrl"), "/body/callBackUrl: required"),
        ("generateMusic", but(KIE_SONG, callBackUrl="my callback"), "/body/callBackUrl: format"),
        ("generateMusic", but(KIE_SONG, "prompt"), "/body/prompt: required"),
        ("generateMusic", but(KIE_SONG, prompt="x" * 501), "/body/prompt: maxLength"),
        ("generateMusic", but(KIE_SONG, model="V7"), "/body/model: enum"),
        ("generateMusic", but(KIE_SONG, model=None), "/body/model: type"),
        ("generateMusic", but(KIE_SONG, style=7), "/body/style: type"),
        ("generateMusic", but(KIE_SONG, customMode="false"), "/body/customMode: type"),
        ("generateMusic", but(CUSTOM, "style"), "/body/style: required"),
        ("generateMusic", but(CUSTOM, "title"), "/body/title: required"),
        ("generateMusic", but(CUSTOM, "prompt"), "/body/prompt: required"),
        ("generateMusic", but(CUSTOM, model="V3_5", prompt="x" * 3001), "/body/prompt: maxLength"),
        ("generateMusic", but(CUSTOM, model="V4", prompt="x" * 3001), "/body/prompt: maxLength"),
        ("generateMusic", but(CUSTOM, model="V5", prompt="x" * 5001), "/body/prompt: maxLength"),
        ("generateMusic", but(CUSTOM, model="V4", style="x" * 201), "/body/style: maxLength"),
        ("generateMusic", but(CUSTOM, model="V4_5", style="x" * 1001), "/body/style: maxLength"),
        ("generateMusic", but(CUSTOM, model="V5", title="x" * 81), "/body/title: maxLength"),
        ("generateMusic", but(CUSTOM, vocalGender="x"), "/body/vocalGender: enum"),
        ("generateMusic", but(CUSTOM, styleWeight=1.01), "/body/styleWeight: maximum"),
        ("generateMusic", but(CUSTOM, audioWeight=-0.01), "/body/audioWeight: minimum"),
        (
            "generateMusic",
            but(CUSTOM, model="V4_5", personaId="p", personaModel="voice_persona"),
            "/body/personaModel: enum",
        ),
        (
            "generateMusic",
            but(CUSTOM, model="V5", personaId="p", personaModel="other"),
            "/body/personaModel: enum",
        ),
        ("generateMusic", but(CUSTOM, model="V5_5", duration=9.9), "/body/duration: minimum"),
        ("generateMusic", but(CUSTOM, model="V5_5", duration=361), "/body/duration: maximum"),
        ("uploadCover", but(COVER, "uploadUrl"), "/body/uploadUrl: required"),
        ("uploadCover", but(COVER, model="V4_5", title="x" * 101), "/body/title: maxLength"),
        ("uploadCover", but(COVER, model="V4_5ALL", title="x" * 81), "/body/title: maxLength"),
        ("extendMusic", but(EXTEND, "defaultParamFlag"), "/body/defaultParamFlag: required"),
        ("extendMusic", but(EXTEND, "audioId", defaultParamFlag=False), "/body/audioId: required"),
        ("extendMusic", but(EXTEND, "prompt"), "/body/prompt: required"),
        ("extendMusic", but(EXTEND, "continueAt"), "/body/continueAt: required"),
        ("extendMusic", but(EXTEND, continueAt=0), "/body/continueAt: exclusiveMinimum"),
        ("extendMusic", but(EXTEND, model="V4", title="x" * 81), "/body/title: maxLength"),
        ("uploadExtend", but(UPLOAD, "continueAt", defaultParamFlag=False), "/body/continueAt: required"),
        ("uploadExtend", but(UPLOAD, "instrumental"), "/body/instrumental: required"),
        ("uploadExtend", but(UPLOAD, "prompt"), "/body/prompt: required"),
        ("uploadExtend", but(UPLOAD, "title"), "/body/title: required"),
        ("generatePersona", but(KIE_PERSONA, "taskId"), "/body/taskId: required"),
        ("generatePersona", but(KIE_PERSONA, name=" \t"), "/body/name: pattern"),
        ("generatePersona", but(KIE_PERSONA, description=""), "/body/description: minLength"),
        ("generatePersona", but(KIE_PERSONA, vocalStart=True), "/body/vocalStart: type"),
        ("generatePersona", but(KIE_PERSONA, style=None), "/body/style: type"),
    ],
)
def test_kie_refuses(client: Client, operation: str, body: dict[str, Any], violation: str) -> None:
    ids = ours(client, "kie", body)

    answer = send(client, "kie", operation, json=body, ids=ids)

    assert judged(answer) == ("invalid", violation)
    assert (answer.status_code, answer.json()["code"], answer.json()["data"]) == (200, 422, None)


def test_kie_without_call_back_url_has_that_one_violation(client: Client) -> None:
    answer = send(client, "kie", "generateMusic", json=but(KIE_SONG, "callBackUrl"))

    assert answer.json() == {"code": 422, "msg": "Please enter callBackUrl.", "data": None}
    assert [(v["pointer"], v["rule"]) for v in newest(client)["violations"]] == [
        ("/body/callBackUrl", "required")
    ]


@pytest.mark.parametrize(
    ("query", "violation"),
    [
        ("", "/query/taskId: required"),
        ("?taskId=", "/query/taskId: minLength"),
        ("?taskid=1", "/query/taskId: required"),
    ],
)
def test_kie_refuses_a_poll_without_a_task(client: Client, query: str, violation: str) -> None:
    answer = client.get(f"/api/v1/generate/record-info{query}", headers=credential("kie", "k"))

    assert judged(answer) == ("invalid", violation)


WINDOWS = [
    ({}, None),
    ({"vocalStart": 0, "vocalEnd": 10}, None),
    ({"vocalStart": 0, "vocalEnd": 30}, None),
    ({"vocalStart": 40.5, "vocalEnd": 60}, None),
    ({"vocalStart": 2.02, "vocalEnd": 32.02}, None),
    ({"vocalStart": 0.07, "vocalEnd": 10.07}, None),
    ({"vocalStart": 20}, None),
    ({"vocalEnd": 10}, None),
    ({"vocalEnd": 30}, None),
    ({"vocalStart": 0, "vocalEnd": 9.99}, "/body/vocalEnd"),
    ({"vocalStart": 0, "vocalEnd": 30.01}, "/body/vocalEnd"),
    ({"vocalStart": 30, "vocalEnd": 15}, "/body/vocalEnd"),
    ({"vocalStart": 15, "vocalEnd": 15}, "/body/vocalEnd"),
    ({"vocalStart": 25}, "/body/vocalStart"),
    ({"vocalStart": 20.01}, "/body/vocalStart"),
    ({"vocalEnd": 9}, "/body/vocalEnd"),
    ({"vocalEnd": 31}, "/body/vocalEnd"),
    ({"vocalStart": 0.5, "vocalEnd": 10**400}, "/body/vocalEnd"),
]


@pytest.mark.parametrize(("window", "pointer"), WINDOWS)
def test_the_window_of_kie_lasts_10_to_30_seconds_defaults_first(
    client: Client, window: dict[str, Any], pointer: str | None
) -> None:
    ids = planted(client, "kie")

    answer = send(client, "kie", "generatePersona", json={**KIE_PERSONA, **window}, ids=ids)

    wanted = ("vocal-window", f"{pointer}: difference") if pointer else ("success", None)
    assert judged(answer) == wanted


def test_a_refused_window_says_what_came_and_what_is_wanted(client: Client) -> None:
    answer = send(client, "kie", "generatePersona", json={**KIE_PERSONA, "vocalStart": 25})

    assert answer.json() == {
        "code": 422,
        "msg": "vocalEnd - vocalStart must be between 10 and 30 seconds",
        "data": None,
    }
    assert newest(client)["violations"] == [
        {
            "in": "body",
            "document": "kie",
            "pointer": "/body/vocalStart",
            "rule": "difference",
            "wanted": "10 to 30",
            "got": {**KIE_PERSONA, "vocalStart": 25},
            "message": "vocalEnd - vocalStart is 5, wanted 10 to 30",
        }
    ]


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("kie", but(KIE_PERSONA, name=" ", vocalStart=0, vocalEnd=5)),
        ("kie", but(KIE_PERSONA, vocalStart=-9, vocalEnd=-5)),
        ("crun", but(CRUN_PERSONA, "suno_id", vocal_start=9, vocal_end=5)),
        (
            "evolink",
            but(EVOLINK_PERSONA, model_params={"source_task_id": "task-unified-1", "vocal_start": 5}),
        ),
        (
            "evolink",
            {
                "model": "suno-persona",
                "model_params": {**EVOLINK_PERSONA["model_params"], "vocal_start": 5},
                "callback_url": "http://your-domain.com/hook",
            },
        ),
    ],
)
def test_a_plain_fault_beside_a_bad_window_is_invalid(
    client: Client, provider: str, body: dict[str, Any]
) -> None:
    answer = send(client, provider, "generatePersona", json=body)

    assert answer.headers["x-mock-outcome"] == "invalid"
    assert {"difference", "dependentRequired"} & {v["rule"] for v in newest(client)["violations"]}


# --- crun --------------------------------------------------------------------------------------------------


def crun_song(task: str, without: str = "", /, **fields: Any) -> dict[str, Any]:
    """A task of a model in custom mode, with its input changed."""
    sources: dict[str, Any] = {
        "suno/music-generate": {},
        "suno/music-extend": {"task_id": "task_12345678", "suno_id": "suno_abc123", "continue_at": 30},
        "suno/music-extend-upload": {
            "audio_url": "https://example.com/files/3f0c9a52.mp3",
            "continue_at": 30,
        },
        "suno/music-cover": {"audio_url": "https://example.com/files/3f0c9a52.mp3"},
    }
    custom = {"mode": "custom", "model": "v5", "title": "Midnight Neon", "tags": "R&B", "lyrics": "Neon"}
    return {"model": task, "input": but({**custom, **sources[task]}, without, **fields)}


GENERATE, PROLONG, UPLOADED, COVERED = (
    "suno/music-generate",
    "suno/music-extend",
    "suno/music-extend-upload",
    "suno/music-cover",
)


@pytest.mark.parametrize("operation", ["createTask", "estimateTask", "estimateCredits"])
@pytest.mark.parametrize(
    "body",
    [
        but(CRUN_SONG, "callback_url"),
        but(CRUN_SONG, callback_url=""),
        but(CRUN_SONG, callback_url="https://example.com/callbacks/crun"),
        but(CRUN_SONG, input={**CRUN_SONG["input"], "title": "x" * 500, "lyrics": "x" * 9000}),
        crun_song(GENERATE),
        crun_song(GENERATE, title="x" * 100, tags="x" * 1000, lyrics="x" * 5000),
        crun_song(GENERATE, "lyrics", instrumental=True),
        crun_song(GENERATE, instrumental=True, lyrics="x" * 9000),
        crun_song(PROLONG),
        crun_song(PROLONG, "continue_at title tags", mode="simple", prompt="On and on"),
        crun_song(UPLOADED, persona_id="p"),
        crun_song(COVERED, style_weight=0, audio_weight=1),
        {"model": "suno/music-video", "input": {}},
        {"model": "suno/sounds-generate", "input": {"prompt": 7}},
        {"model": "suno/vocal-separatio", "input": {"task_id": "task_12345678", "suno_id": "suno_abc123"}},
    ],
)
def test_crun_takes_a_task(client: Client, operation: str, body: dict[str, Any]) -> None:
    ids = ours(client, "crun", body)

    answer = send(client, "crun", operation, json=body, ids=ids)

    assert (judged(answer), answer.json()["code"]) == (("success", None), 200)


@pytest.mark.parametrize(
    ("body", "violation"),
    [
        (but(CRUN_SONG, "model"), "/body/model: required"),
        (but(CRUN_SONG, "input"), "/body/input: required"),
        (but(CRUN_SONG, input="a song"), "/body/input: type"),
        (but(CRUN_SONG, model="suno/vocal-separation"), "/body/model: enum"),
        (but(CRUN_SONG, callback_url="nowhere"), "/body/callback_url: format"),
        (but(CRUN_SONG, input={"mode": "simple", "model": "v5"}), "/body/input/prompt: required"),
        (but(CRUN_SONG, input={"mode": "simple", "prompt": "x"}), "/body/input/model: required"),
        (crun_song(GENERATE, mode="pro"), "/body/input/mode: enum"),
        (crun_song(GENERATE, model="v3.5"), "/body/input/model: enum"),
        (crun_song(GENERATE, "title"), "/body/input/title: required"),
        (crun_song(GENERATE, "tags"), "/body/input/tags: required"),
        (crun_song(GENERATE, "lyrics"), "/body/input/lyrics: required"),
        (crun_song(GENERATE, "lyrics", instrumental=False), "/body/input/lyrics: required"),
        (crun_song(GENERATE, title="x" * 101), "/body/input/title: maxLength"),
        (crun_song(GENERATE, tags="x" * 1001), "/body/input/tags: maxLength"),
        (crun_song(GENERATE, lyrics="x" * 5001), "/body/input/lyrics: maxLength"),
        (crun_song(GENERATE, vocal_gender="x"), "/body/input/vocal_gender: enum"),
        (crun_song(GENERATE, weirdness_constraint=1.1), "/body/input/weirdness_constraint: maximum"),
        (crun_song(PROLONG, "suno_id"), "/body/input/suno_id: required"),
        (crun_song(PROLONG, "continue_at"), "/body/input/continue_at: required"),
        (crun_song(UPLOADED, "audio_url"), "/body/input/audio_url: required"),
        (crun_song(UPLOADED, "continue_at"), "/body/input/continue_at: required"),
        (crun_song(UPLOADED, continue_at=-1), "/body/input/continue_at: minimum"),
        (crun_song(COVERED, audio_url="a file"), "/body/input/audio_url: format"),
        ({"model": "suno/music-video", "input": {"task_id": 7}}, "/body/input/task_id: type"),
    ],
)
def test_crun_refuses_a_task(client: Client, body: dict[str, Any], violation: str) -> None:
    answer = send(client, "crun", "createTask", json=body)

    assert judged(answer) == ("invalid", violation)
    assert (answer.status_code, answer.json()["code"], answer.json()["data"]) == (200, 422, None)


@pytest.mark.parametrize(
    ("fields", "outcome", "violation"),
    [
        ({"vocal_start": 12.5, "vocal_end": 64}, "success", None),
        ({"vocal_start": 12.5}, "success", None),
        ({"vocal_end": 1}, "success", None),
        ({"vocal_start": 0, "vocal_end": 0.01}, "success", None),
        ({"vocal_start": 5, "vocal_end": 5}, "vocal-window", "/body/vocal_end: difference"),
        ({"vocal_start": 5, "vocal_end": 4.99}, "vocal-window", "/body/vocal_end: difference"),
        ({"vocal_start": -1, "vocal_end": 20}, "invalid", "/body/vocal_start: minimum"),
        ({"name": "x" * 100, "description": "x" * 1000, "style": "x" * 1000}, "success", None),
        ({"name": "x" * 101}, "invalid", "/body/name: maxLength"),
        ({"name": "  "}, "invalid", "/body/name: pattern"),
        ({"description": "x" * 1001}, "invalid", "/body/description: maxLength"),
        ({"style": "x" * 1001}, "invalid", "/body/style: maxLength"),
        ({"suno_id": None}, "invalid", "/body/suno_id: type"),
    ],
)
def test_crun_judges_a_persona(
    client: Client, fields: dict[str, Any], outcome: str, violation: str | None
) -> None:
    ids = planted(client, "crun")

    answer = send(client, "crun", "generatePersona", json={**CRUN_PERSONA, **fields}, ids=ids)

    assert judged(answer) == (outcome, violation)


@pytest.mark.parametrize(
    ("path", "outcome", "violation"),
    [
        ("job/TaskInfo", "invalid", "/query/task_id: required"),
        ("files/upload-url?content_type=audio/mpeg", "invalid", "/query/ext: required"),
        ("files/upload-url?ext=.mp3", "invalid", "/query/content_type: required"),
        ("job/Models", "success", None),
        ("job/Models?operation=music-generate", "success", None),
    ],
)
def test_crun_judges_a_query(client: Client, path: str, outcome: str, violation: str | None) -> None:
    answer = client.get(f"/api/v1/client/{path}", headers=credential("crun", "k"))

    assert judged(answer) == (outcome, violation)


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("suno/music-generate", "success"),
        ("suno%2Fmusic-generate", "success"),
        ("suno%2fmusic-generate", "success"),
        ("plain", "not-found"),
        ("a/b/c", "not-found"),
    ],
)
def test_a_model_of_crun_may_be_written_with_its_slash_or_without(
    client: Client, path: str, outcome: str
) -> None:
    answer = client.get(f"/api/v1/client/job/Models/{path}", headers=credential("crun", "k"))

    assert (answer.headers["x-mock-operation"], *judged(answer)) == ("getModel", outcome, None)


SHELVES = """
openapi: 3.1.0
info: {title: Shelves, version: '1'}
paths:
  /shelves/{name}:
    get:
      parameters:
        - {name: name, in: path, required: true, x-slashes: allowed, schema: {enum: [a/b, plain]}}
      responses: {'200': {description: a shelf}, '422': {description: no shelf}}
"""


@pytest.mark.parametrize(
    ("path", "status"),
    [("a/b", 200), ("a%2Fb", 200), ("plain", 200), ("a/c", 422), ("a", 422), ("a/b/", 422)],
)
def test_a_parameter_with_slashes_is_the_rest_of_the_path(
    make_client: MakeClient, folder: Callable[..., str], path: str, status: int
) -> None:
    client = make_client(specs=(folder(shelves=SHELVES),))

    assert client.get(f"/shelves/{path}").status_code == status


# --- evolink -----------------------------------------------------------------------------------------------

LYRICAL = but(EVOLINK_SONG, custom_mode=True, style="pop, electronic", title="Summer Dreams")


def voiced(**fields: Any) -> dict[str, Any]:
    """A persona order with its parameters changed; None leaves one out."""
    changed = {**EVOLINK_PERSONA["model_params"], **fields}
    kept = {name: value for name, value in changed.items() if value is not None}
    return {"model": "suno-persona", "model_params": kept}


@pytest.mark.parametrize(
    "body",
    [
        but(EVOLINK_SONG, prompt="x" * 500),
        but(EVOLINK_SONG, style="x" * 2000, vocal_gender="x", persona_id="p", persona_model="other"),
        LYRICAL,
        but(LYRICAL, "prompt", instrumental=True),
        but(LYRICAL, model="suno-v4", prompt="x" * 3000, style="x" * 200, title="x" * 80, duration=120),
        but(LYRICAL, model="suno-v4.5plus", prompt="x" * 5000, style="x" * 1000, duration=240),
        but(LYRICAL, persona_id="p", persona_model="voice_persona"),
        but(LYRICAL, model="suno-v5", persona_id="p", persona_model="voice_persona"),
        but(LYRICAL, model="suno-v4-beta", persona_id="p", persona_model="style_persona"),
        but(LYRICAL, model="suno-v4-beta", persona_model="voice_persona"),
        but(LYRICAL, style_weight=0, weirdness_constraint=1, audio_weight=0.5),
    ],
)
def test_evolink_takes_a_song(client: Client, body: dict[str, Any]) -> None:
    ids = ours(client, "evolink", body)

    answer = send(client, "evolink", "generateMusic", json=body, ids=ids)

    assert (answer.headers["x-mock-operation"], *judged(answer)) == ("generateMusic", "success", None)


@pytest.mark.parametrize(
    ("body", "violation"),
    [
        (but(EVOLINK_SONG, "model"), "/body/model: required"),
        (but(EVOLINK_SONG, model="suno-v3.5-beta"), "/body/model: enum"),
        (but(EVOLINK_SONG, model="persona"), "/body/model: enum"),
        (but(EVOLINK_SONG, "prompt"), "/body/prompt: required"),
        (but(EVOLINK_SONG, prompt="x" * 501), "/body/prompt: maxLength"),
        (but(EVOLINK_SONG, title="x" * 81), "/body/title: maxLength"),
        (but(EVOLINK_SONG, style_weight=1.1), "/body/style_weight: maximum"),
        (but(EVOLINK_SONG, duration=29), "/body/duration: minimum"),
        (but(EVOLINK_SONG, duration=241), "/body/duration: maximum"),
        (but(EVOLINK_SONG, duration=60.5), "/body/duration: type"),
        (but(LYRICAL, "style"), "/body/style: required"),
        (but(LYRICAL, "title"), "/body/title: required"),
        (but(LYRICAL, "prompt"), "/body/prompt: required"),
        (but(LYRICAL, vocal_gender="x"), "/body/vocal_gender: enum"),
        (but(LYRICAL, model="suno-v4", prompt="x" * 3001), "/body/prompt: maxLength"),
        (but(LYRICAL, model="suno-v4-beta", style="x" * 201), "/body/style: maxLength"),
        (but(LYRICAL, model="suno-v4-beta", duration=121), "/body/duration: maximum"),
        (but(LYRICAL, prompt="x" * 5001), "/body/prompt: maxLength"),
        (but(LYRICAL, style="x" * 1001), "/body/style: maxLength"),
        (but(LYRICAL, model="suno-v4.5", persona_id="p", persona_model="voice_persona"), "/body/model: enum"),
    ],
)
def test_evolink_refuses_a_song(client: Client, body: dict[str, Any], violation: str) -> None:
    ids = ours(client, "evolink", body)

    answer = send(client, "evolink", "generateMusic", json=body, ids=ids)

    assert (answer.status_code, answer.headers["x-mock-operation"]) == (400, "generateMusic")
    assert judged(answer) == ("invalid", violation)
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "outcome", "violation"),
    [
        (voiced(), "success", None),
        (voiced(vocal_start=15, vocal_end=35, style="jazz"), "success", None),
        (voiced(vocal_start=2.02, vocal_end=32.02), "success", None),
        (voiced(vocal_start=0, vocal_end=10), "success", None),
        ({**voiced(), "callback_url": "https://your-domain.com/hook"}, "success", None),
        (voiced(vocal_start=5), "vocal-window", "/body/model_params/vocal_end: dependentRequired"),
        (voiced(vocal_end=30), "vocal-window", "/body/model_params/vocal_start: dependentRequired"),
        (voiced(vocal_start=0, vocal_end=9.9), "vocal-window", "/body/model_params/vocal_end: difference"),
        (voiced(vocal_start=0, vocal_end=30.1), "vocal-window", "/body/model_params/vocal_end: difference"),
        (voiced(vocal_start=30, vocal_end=10), "vocal-window", "/body/model_params/vocal_end: difference"),
        (voiced(vocal_start=-1, vocal_end=20), "invalid", "/body/model_params/vocal_start: minimum"),
        (voiced(source_task_id=None), "invalid", "/body/model_params/source_task_id: required"),
        (voiced(result_id="not-a-uuid"), "invalid", "/body/model_params/result_id: format"),
        (voiced(name=" "), "invalid", "/body/model_params/name: pattern"),
        (voiced(description=""), "invalid", "/body/model_params/description: minLength"),
        ({"model": "suno-persona"}, "invalid", "/body/model_params: required"),
        ({"model": "suno-persona", "model_params": []}, "invalid", "/body/model_params: type"),
    ],
)
def test_evolink_judges_a_persona(
    client: Client, body: dict[str, Any], outcome: str, violation: str | None
) -> None:
    ids = planted(client, "evolink")

    answer = send(client, "evolink", "generatePersona", json=body, ids=ids)

    assert answer.headers["x-mock-operation"] == "generatePersona"
    assert judged(answer) == (outcome, violation)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"suno-persona"', b'{"model": ["suno-persona"]}']
)
def test_a_body_that_names_no_persona_is_a_song_of_evolink(client: Client, body: bytes) -> None:
    answer = client.post("/v1/audios/generations", content=body, headers=credential("evolink", "k"))

    assert (answer.headers["x-mock-operation"], answer.status_code) == ("generateMusic", 400)


def test_an_id_of_evolink_begins_with_its_prefix(client: Client) -> None:
    answer = client.get("/v1/tasks/1774170584", headers=credential("evolink", "k"))

    assert judged(answer) == ("invalid", "/path/task_id: pattern")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_task_id")


@pytest.mark.parametrize(
    "url",
    [
        "https://your-domain.com/webhooks/suno-callback",
        "https://8.8.8.8/hook",
        "https://example.com:8443/" + "x" * 2022,
        "http://localhost/hook",
        "http://LOCALHOST:9/hook",
        "http://127.0.0.1:8080/hook",
        "http://127.8.9.1/hook",
        "http://[::1]:8080/hook",
        "https://127.0.0.1/hook",
    ],
)
def test_evolink_takes_https_and_this_machine_for_callbacks(client: Client, url: str) -> None:
    answer = send(client, "evolink", "generateMusic", json=but(EVOLINK_SONG, callback_url=url))

    assert judged(answer) == ("success", None)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://your-domain.com/hook", "https"),
        ("ftp://your-domain.com/hook", "https"),
        ("ftp://127.0.0.1/hook", "https"),
        ("https://10.0.0.1/hook", "https"),
        ("https://192.168.1.20:8443/hook", "https"),
        ("https://169.254.169.254/latest/meta-data", "https"),
        ("https://[fd00::1]/hook", "https"),
        ("https://[::ffff:10.0.0.1]/hook", "https"),
        ("http://receiver:8080/hook", "https"),
        ("not a url", "format"),
        ("/hook", "format"),
        ("https://example.com:8443/" + "x" * 2024, "maxLength"),
        ("", "format"),
    ],
)
def test_evolink_refuses_other_callbacks(client: Client, url: str, rule: str) -> None:
    for operation, body in (("generateMusic", EVOLINK_SONG), ("generatePersona", EVOLINK_PERSONA)):
        answer = send(client, "evolink", operation, json={**body, "callback_url": url})

        assert judged(answer) == ("invalid", f"/body/callback_url: {rule}")


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("http://receiver/hook", "success"),
        ("http://receiver:9999/hook", "success"),
        ("http://RECEIVER/hook", "success"),
        ("http://hooks.test:8080/hook", "success"),
        ("http://hooks.test:8081/hook", "invalid"),
        ("http://hooks.test/hook", "invalid"),
        ("http://plain.test/hook", "success"),
        ("http://loud.test:80/hook", "success"),
        ("https://10.0.0.5/hook", "success"),
        ("http://10.0.0.5/hook", "success"),
        ("http://[fd00::5]:81/hook", "success"),
        ("https://10.0.0.6/hook", "invalid"),
        ("ftp://receiver/hook", "invalid"),
    ],
)
def test_callback_allow_lets_further_hosts_have_plain_http(allowing: Client, url: str, outcome: str) -> None:
    answer = send(allowing, "evolink", "generateMusic", json=but(EVOLINK_SONG, callback_url=url))

    assert answer.headers["x-mock-outcome"] == outcome


@pytest.fixture(scope="module")
def allowing() -> Client:
    hosts = ("Receiver", "hooks.test:8080", "plain.test:80", "Loud.test:80", "10.0.0.5", "[fd00::5]:81")
    return Client(shared_app(callback_allow=hosts))


# --- yuto --------------------------------------------------------------------------------------------------

SUNG = {"mv": "chirp-v4", "prompt": "[Verse]\nSalt on the window", "title": "Harbour", "tags": "pop"}
WITH_PERSONA = but(SUNG, task="artist_consistency", mv="chirp-v4-tau", persona_id="p", artist_clip_id="c")
LONGER = but(SUNG, task="extend", continue_clip_id="c", continue_at=30, task_id="t")


@pytest.mark.parametrize("operation", ["submitMusic", "generateLegacy"])
@pytest.mark.parametrize(
    "body",
    [
        YUTO_SONG,
        {"prompt": ""},
        but(SUNG, generation_type="TEXT"),
        but(SUNG, generation_type="text"),
        but(SUNG, prompt="x" * 3000, tags="x" * 200),
        but(SUNG, mv="chirp-fenix", prompt="x" * 5000, tags="x" * 1000),
        but(SUNG, continue_clip_id=None, continue_at=None, infill_start_s=None, infill_end_s=None),
        but(SUNG, metadata={"control_sliders": {"style_weight": 1}, "vocal_gender": "m"}),
        but(SUNG, notify_hook=""),
        but(SUNG, notify_hook="http://example.com/hook"),
        LONGER,
        but(LONGER, task="upload_extend"),
        but(SUNG, task="cover", cover_clip_id="c"),
        but(SUNG, task="infill", infill_start_s=30, infill_end_s=45),
        WITH_PERSONA,
        but(WITH_PERSONA, mv="chirp-crow"),
    ],
)
def test_yuto_takes_a_song(client: Client, operation: str, body: dict[str, Any]) -> None:
    ids = ours(client, "yuto", body)

    answer = send(client, "yuto", operation, json=body, ids=ids)

    assert judged(answer) == ("success", None)


@pytest.mark.parametrize("operation", ["submitMusic", "generateLegacy"])
@pytest.mark.parametrize(
    ("body", "violation"),
    [
        ({"mv": "chirp-v4"}, "/body/prompt: required"),
        ({"gpt_description_prompt": ""}, "/body/prompt: required"),
        (but(SUNG, mv="chirp-v6"), "/body/mv: enum"),
        (but(SUNG, "mv", prompt="x" * 3001), "/body/prompt: maxLength"),
        (but(SUNG, tags="x" * 201), "/body/tags: maxLength"),
        (but(SUNG, mv="chirp-auk", prompt="x" * 5001), "/body/prompt: maxLength"),
        (but(SUNG, mv="chirp-auk", tags="x" * 1001), "/body/tags: maxLength"),
        (but(SUNG, generation_type="Text"), "/body/generation_type: enum"),
        (but(SUNG, task="remix"), "/body/task: enum"),
        (but(SUNG, notify_hook="my hook"), "/body/notify_hook: format"),
        (
            but(SUNG, metadata={"control_sliders": {"audio_weight": 1.1}}),
            "/body/metadata/control_sliders/audio_weight: maximum",
        ),
        (but(SUNG, metadata={"vocal_gender": "x"}), "/body/metadata/vocal_gender: enum"),
        (but(LONGER, "continue_clip_id"), "/body/continue_clip_id: required"),
        (but(LONGER, continue_clip_id=None), "/body/continue_clip_id: type"),
        (but(LONGER, "continue_at"), "/body/continue_at: required"),
        (but(LONGER, continue_at=-1), "/body/continue_at: minimum"),
        (but(SUNG, task="cover"), "/body/cover_clip_id: required"),
        (but(SUNG, task="infill", infill_start_s=30), "/body/infill_end_s: required"),
        (but(WITH_PERSONA, "persona_id"), "/body/persona_id: required"),
        (but(WITH_PERSONA, "artist_clip_id"), "/body/artist_clip_id: required"),
        (but(WITH_PERSONA, "mv"), "/body/mv: required"),
        (but(WITH_PERSONA, mv="chirp-v4"), "/body/mv: enum"),
    ],
)
def test_yuto_refuses_a_song(client: Client, operation: str, body: dict[str, Any], violation: str) -> None:
    ids = ours(client, "yuto", body)

    answer = send(client, "yuto", operation, json=body, ids=ids)

    assert (answer.status_code, *judged(answer)) == (400, "invalid", violation)


def test_yuto_wants_the_task_of_a_continued_clip_only_where_there_are_tasks(client: Client) -> None:
    body = but(LONGER, "task_id")
    ids = ours(client, "yuto", body)

    submitted, legacy = (
        send(client, "yuto", name, json=body, ids=ids) for name in ("submitMusic", "generateLegacy")
    )

    assert judged(submitted) == ("invalid", "/body/task_id: required")
    assert judged(legacy) == ("success", None)


@pytest.mark.parametrize(
    "path", ["/suno/persona/create/", "/suno/persona/create", "/yuto/suno/persona/create"]
)
@pytest.mark.parametrize(
    ("fields", "outcome", "violation"),
    [
        ({}, "success", None),
        ({"clips": ["another", YUTO_PERSONA["root_clip_id"]]}, "success", None),
        ({"clips": [YUTO_PERSONA["root_clip_id"]] * 2}, "success", None),
        ({"is_public": False}, "success", None),
        ({"clips": ["another"]}, "invalid", "/body/clips: member"),
        ({"root_clip_id": "another"}, "invalid", "/body/clips: member"),
        ({"clips": []}, "invalid", "/body/clips: minItems"),
        ({"clips": "54834687-5e79-4f08-8e14-cf188f15b598"}, "invalid", "/body/clips: type"),
        ({"clips": [YUTO_PERSONA["root_clip_id"], 7]}, "invalid", "/body/clips/1: type"),
        ({"is_public": "yes"}, "invalid", "/body/is_public: type"),
        ({"name": "\u00a0"}, "invalid", "/body/name: pattern"),
    ],
)
def test_yuto_judges_a_persona_with_and_without_the_last_slash(
    client: Client, path: str, fields: dict[str, Any], outcome: str, violation: str | None
) -> None:
    ids = planted(client, "yuto")
    _, another = planted(client, "yuto").values()
    body = about({**YUTO_PERSONA, **fields}, {**ids, "another": another})

    answer = client.post(path, json=body, headers=credential("yuto", "k"))

    assert (answer.headers["x-mock-operation"], *judged(answer)) == ("generatePersona", outcome, violation)


@pytest.mark.parametrize("name", ["root_clip_id", "name", "description", "clips", "is_public"])
def test_yuto_wants_every_field_of_a_persona(client: Client, name: str) -> None:
    answer = send(client, "yuto", "generatePersona", json=but(YUTO_PERSONA, name))

    assert judged(answer) == ("invalid", f"/body/{name}: required")


@pytest.mark.parametrize(
    ("operation", "body", "violation"),
    [
        ("fetchTasks", {}, "/body/ids: required"),
        ("fetchTasks", {"ids": "736a6f88"}, "/body/ids: type"),
        ("fetchTasks", {"ids": ["736a6f88", 7]}, "/body/ids/1: type"),
        ("fetchTasks", {"ids": [], "action": "SONG"}, "/body/action: enum"),
        ("uploadAudioUrl", {"url": "tape.mp3"}, "/body/url: format"),
        ("submitConcat", {"clip_id": ""}, "/body/clip_id: minLength"),
        ("submitConcat", {"clip_id": "c", "is_infill": "no"}, "/body/is_infill: type"),
        ("submitLyrics", {"prompt": ""}, "/body/prompt: minLength"),
    ],
)
def test_yuto_refuses_other_bodies(
    client: Client, operation: str, body: dict[str, Any], violation: str
) -> None:
    answer = send(client, "yuto", operation, json=body)

    assert (answer.status_code, *judged(answer)) == (400, "invalid", violation)


@pytest.mark.parametrize(
    ("ids", "outcome", "violation"),
    [("c,b", "success", None), ("c", "success", None), ("c,,b", "invalid", "/path/clip_ids/1: minLength")],
)
def test_yuto_takes_a_list_of_clips_in_the_path(
    client: Client, ids: str, outcome: str, violation: str | None
) -> None:
    _, clip = planted(client, "yuto").values()

    answer = client.get(f"/suno/feed/{ids.replace('c', clip)}", headers=credential("yuto", "k"))

    assert judged(answer) == (outcome, violation)


# --- who calls ---------------------------------------------------------------------------------------------

BEARER = ("kie", "evolink", "yuto")
SUBMISSIONS = {
    "kie": "generateMusic",
    "crun": "createTask",
    "evolink": "generateMusic",
    "yuto": "submitMusic",
}
UNAUTHORIZED = {"kie": (200, 401), "crun": (200, 401), "evolink": (401, "unauthorized"), "yuto": (401, "")}


@pytest.mark.parametrize(
    ("provider", "headers"),
    [
        *((provider, {}) for provider in PROVIDERS),
        *((provider, {"x-api-key": "k"}) for provider in BEARER),
        *((provider, {"authorization": "Bearer"}) for provider in BEARER),
        *((provider, {"authorization": "Bearer   "}) for provider in BEARER),
        ("kie", {"authorization": ""}),
        ("kie", {"authorization": "k"}),
        ("kie", {"authorization": "Basic azpr"}),
        ("kie", {"authorization": "Token k"}),
        ("kie", {"authorization": "Bearerk"}),
        ("kie", {"authorization": "Bearer:k"}),
        ("crun", {"authorization": "Bearer k"}),
        ("crun", {"x-api-key": ""}),
        ("crun", {"x-api-key": "  "}),
        ("crun", {"api-key": "k"}),
    ],
)
def test_a_call_without_a_usable_credential_is_unauthorized(
    client: Client, provider: str, headers: dict[str, str]
) -> None:
    call = CALLS[provider, "generatePersona"]

    answer = client.post(call.path, json=call.json, headers=headers)

    status, code = UNAUTHORIZED[provider]
    body = answer.json()
    header = "x-api-key" if provider == "crun" else "authorization"
    assert (answer.status_code, body["error"]["code"] if "error" in body else body["code"]) == (status, code)
    assert judged(answer) == ("unauthorized", f"/header/{header}: security")


@pytest.mark.parametrize(
    ("provider", "headers"),
    [
        ("kie", {"authorization": "bearer k"}),
        ("kie", {"Authorization": "BEARER k"}),
        ("kie", {"authorization": "Bearer    k"}),
        ("kie", {"authorization": "Bearer k with blanks"}),
        ("evolink", {"authorization": "Bearer sk-\u00fc".encode("latin-1")}),
        ("crun", {"X-API-KEY": "k"}),
        ("crun", {"x-api-key": "k", "authorization": "nonsense"}),
        ("yuto", {"authorization": "Bearer k", "x-api-key": ""}),
    ],
)
def test_any_credential_of_the_right_scheme_works(client: Client, provider: str, headers: Any) -> None:
    call = CALLS[provider, SUBMISSIONS[provider]]

    answer = client.post(call.path, json=call.json, headers=headers)

    assert judged(answer) == ("success", None)


def test_who_calls_is_asked_before_what_is_sent(client: Client) -> None:
    answer = client.post(CALLS["kie", "generatePersona"].path, json={"taskId": 7})

    assert judged(answer) == ("unauthorized", "/header/authorization: security")
    assert [v["pointer"] for v in newest(client)["violations"]] == [
        "/header/authorization",
        "/body/audioId",
        "/body/name",
        "/body/description",
        "/body/taskId",
    ]


# --- what every answer carries -----------------------------------------------------------------------------


@pytest.mark.parametrize("operation", CALLS, ids=".".join)
def test_every_answer_says_what_it_is(client: Client, operation: tuple[str, str]) -> None:
    ids = planted(client, operation[0])

    answer = send(client, *operation, ids=ids)

    names = ("x-mock-provider", "x-mock-operation", "x-mock-outcome", "x-mock-request-id")
    entry = newest(client)
    assert [answer.headers[name] for name in names] == [*operation, "success", entry["id"]]
    assert "x-mock-violation" not in answer.headers
    assert (entry["violations"], entry["because"], entry["status"]) == ([], "state", answer.status_code)


def test_every_answer_has_an_id_of_its_own(client: Client) -> None:
    ids = {send(client, *operation).headers["x-mock-request-id"] for operation in CALLS}

    assert len(ids) == len(CALLS)
    assert {entry["id"] for entry in client.get("/_mock/requests").json()["requests"]} == ids


@pytest.mark.parametrize("field", ["na\u00efve \u2603", "two\nlines", "x" * 3000, "\u2603" * 400])
def test_an_odd_pointer_is_safe_in_the_header(client: Client, field: str) -> None:
    body = but(SUNG, metadata={"control_sliders": {"style_weight": 2}})
    answer = client.post("/suno/submit/music", content=twice(body, field), headers=credential("yuto", "k"))

    shown = answer.headers["x-mock-violation"]
    assert len(shown) <= 500
    assert shown.isprintable()
    assert shown.isascii()


def twice(body: dict[str, Any], field: str) -> bytes:
    """The body with a further field, and that one twice."""
    name = json.dumps(field)
    return json.dumps(body)[:-1].encode() + f", {name}: 1, {name}: 2}}".encode()


# --- a key twice -------------------------------------------------------------------------------------------


def test_of_a_key_that_stands_twice_the_last_one_counts(client: Client) -> None:
    good = json.dumps(about(KIE_PERSONA, planted(client, "kie")))[1:].encode()
    path, headers = CALLS["kie", "generatePersona"].path, credential("kie", "k")

    last_is_good = client.post(path, content=b'{"name": 7, ' + good, headers=headers)
    last_is_bad = client.post(path, content=b"{" + good[:-1] + b', "name": 7}', headers=headers)

    assert last_is_good.headers["x-mock-outcome"] == "success"
    assert last_is_bad.headers["x-mock-outcome"] == "invalid"


def test_a_key_that_stands_twice_is_journaled_and_not_refused(client: Client) -> None:
    ids = planted(client, "evolink")
    body = json.dumps(about(EVOLINK_PERSONA, ids))[:-2] + ', "style": "a", "style": "b"}}'

    answer = client.post("/v1/audios/generations", content=body, headers=credential("evolink", "k"))

    assert judged(answer) == ("success", "/body/model_params/style: duplicateKey")
    assert newest(client)["violations"] == [
        {
            "in": "body",
            "document": "evolink",
            "pointer": "/body/model_params/style",
            "rule": "duplicateKey",
            "wanted": "one value",
            "got": "several",
            "message": "stands twice in one object; the last one counts",
        }
    ]


def test_which_operation_a_body_means_is_told_by_the_last_of_two_keys(client: Client) -> None:
    body = '{"model": "suno-v5-beta", ' + json.dumps(EVOLINK_PERSONA)[1:]

    answer = client.post("/v1/audios/generations", content=body, headers=credential("evolink", "k"))

    assert answer.headers["x-mock-operation"] == "generatePersona"
