"""`persona-mock outcomes` and `persona-mock routes`: what the documents hold, as tables and as JSON."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from mockserver.cli.main import main
from tests.cli.conftest import Command
from tests.specs import reading
from tests.web.calls import OUTCOMES, VOCABULARY

Shown = pytest.CaptureFixture[str]

MARK = r"(recorded|page only|reported|our choice|known to differ) \d{4}-\d\d-\d\d"

# Where a provider's bodies hold their code and their text.
ENVELOPES = {
    "kie": (("code",), ("msg",)),
    "crun": (("code",), ("message",)),
    "evolink": (("error", "code"), ("error", "message")),
    "yuto": (("code",), ("message",)),
}

# Where documents and observation differ: the answer in which it shows, and what is in force by itself.
QUIRKS = {
    ("kie", "generatePersona", "duplicate"): "kie.duplicate=refuse",
    ("kie", "generatePersona", "source-not-found"): "kie.unknown_source=422",
    ("kie", "generatePersona", "source-not-owned"): "kie.unknown_source=422",
    ("kie", "generatePersona", "insufficient-credits"): "kie.persona_price=1",
    ("kie", "getMusicDetails", "not-found"): "kie.unknown_task=null",
    ("kie", "getMusicDetails", "rate-limited"): "kie.poll_limit=off",
    ("crun", "generatePersona", "duplicate"): "crun.duplicate=refuse",
    ("evolink", "getTask", "success"): "evolink.link_hours=72",
    ("evolink", "getCredits", "unauthorized"): "evolink.credits_error=string",
    ("evolink", "getCredits", "rate-limited"): "evolink.credits_error=string",
    ("evolink", "getCredits", "server-error"): "evolink.credits_error=string",
    ("yuto", "submitMusic", "insufficient-credits"): "yuto.song_price=10",
    ("yuto", "generatePersona", "insufficient-credits"): "yuto.persona_price=100",
}


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the folder nor the environment of whoever runs the tests says anything."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PERSONA_MOCK_")]:
        monkeypatch.delenv(name)


def printed(capsys: Shown, *arguments: str) -> Any:
    """What a command prints as JSON."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def listed(capsys: Shown, *arguments: str) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """Each listed outcome with its status, code, message and quirk."""
    rows = printed(capsys, "outcomes", *arguments)["outcomes"]
    return {
        (row["provider"], row["operation"], row["outcome"]): (
            row["status"],
            row["code"],
            row["message"],
            row["quirk"],
        )
        for row in rows
    }


def expected(provider: str, operation: str, outcome: str) -> tuple[Any, ...]:
    """The same, from a plain reading of the document."""
    examples = reading.reply_examples(reading.operations(provider)[operation])
    shown = next(e for e in examples if e.marks.get("x-outcome") == outcome and "x-quirk" not in e.marks)
    code, message = (held(shown.value, steps) for steps in ENVELOPES[provider])
    if provider == "yuto" and outcome == "unauthorized":  # the gateway's door has a shape of its own
        code, message = shown.value["error"]["code"], shown.value["error"]["message"]
    return int(shown.status), code, message, QUIRKS.get((provider, operation, outcome))


def held(body: Any, steps: tuple[str, ...]) -> Any:
    """What a body holds at some steps; None where it has no such place."""
    for step in steps:
        body = body.get(step) if isinstance(body, dict) else None
    return body


def test_outcomes_lists_exactly_what_the_documents_mark(capsys: Shown) -> None:
    wanted = {
        (*operation, outcome): expected(*operation, outcome)
        for operation, outcomes in OUTCOMES.items()
        for outcome in outcomes
    }

    found = listed(capsys)

    assert found == wanted
    assert len(found) == len(printed(capsys, "outcomes")["outcomes"])


def test_some_outcomes_as_the_providers_print_them(capsys: Shown) -> None:
    found = listed(capsys)

    assert found["kie", "generatePersona", "duplicate"] == (
        200,
        409,
        "Persona already exists for this music",
        "kie.duplicate=refuse",
    )
    assert found["kie", "generateMusic", "rate-limited"] == (429, 429, "Request limit exceeded", None)
    assert found["kie", "getMusicDetails", "not-found"] == (200, 200, "success", "kie.unknown_task=null")
    assert found["crun", "generatePersona", "source-not-found"] == (200, 422, "task_id not found", None)
    assert found["evolink", "generatePersona", "vocal-window"] == (
        400,
        "invalid_request",
        "vocal_end - vocal_start must be between 10 and 30 seconds",
        None,
    )
    assert found["evolink", "getTask", "success"] == (200, None, None, "evolink.link_hours=72")
    assert found["yuto", "fetchTask", "not-found"] == (400, "task_not_exist", "task_not_exist", None)
    assert found["yuto", "submitMusic", "success"] == (200, "success", "", None)


@pytest.mark.parametrize(
    ("quirk", "pair", "shown"),
    [
        ("kie.duplicate=overwrite", ("generatePersona", "duplicate"), (200, 200, "success")),
        ("kie.unknown_task=404", ("getMusicDetails", "not-found"), (200, 404, "Resource not found")),
        ("kie.poll_limit=on", ("getMusicDetails", "rate-limited"), (200, 429, "Request limit exceeded")),
        ("crun.duplicate=same", ("generatePersona", "duplicate"), (200, 200, "success")),
        (
            "evolink.credits_error=integer",
            ("getCredits", "unauthorized"),
            (401, 401, "Invalid or expired token"),
        ),
    ],
)
def test_outcomes_shows_the_quirk_in_force_and_the_answer_that_it_brings(
    capsys: Shown, quirk: str, pair: tuple[str, str], shown: tuple[Any, ...]
) -> None:
    provider = quirk.partition(".")[0]

    found = listed(capsys, "--quirk", quirk)

    assert found[provider, *pair] == (*shown, quirk)
    assert len(found) == len(listed(capsys))


def test_outcomes_come_in_the_order_of_the_vocabulary(capsys: Shown) -> None:
    rows = printed(capsys, "outcomes")["outcomes"]

    for operation in OUTCOMES:
        names = [row["outcome"] for row in rows if (row["provider"], row["operation"]) == operation]
        assert names == [name for name in VOCABULARY if name in OUTCOMES[operation]]


def test_outcomes_of_one_provider(capsys: Shown) -> None:
    found = listed(capsys, "--provider", "evolink")

    assert {(provider, operation) for provider, operation, _ in found} == {
        operation for operation in OUTCOMES if operation[0] == "evolink"
    }


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [("auto", (200, 429, 200, 404)), ("envelope", (200, 200, 200, 404)), ("http", (409, 429, 455, 404))],
)
def test_outcomes_shows_the_statuses_of_the_mode(
    capsys: Shown, mode: str, statuses: tuple[int, int, int, int]
) -> None:
    found = listed(capsys, "--status", mode)

    shown = (
        found["kie", "generatePersona", "duplicate"],
        found["kie", "generatePersona", "rate-limited"],
        found["crun", "getBalance", "maintenance"],
        found["evolink", "getTask", "not-found"],
    )
    assert tuple(row[0] for row in shown) == statuses


def test_outcomes_is_a_table_without_json(capsys: Shown) -> None:
    assert main(["outcomes", "--provider", "kie"]) == 0

    head, *lines = (re.split(r" {2,}", line) for line in capsys.readouterr().out.splitlines())
    assert head == ["provider", "operation", "outcome", "status", "code", "message", "quirk", "mark"]
    lines = [line[:-1] if re.fullmatch(MARK, line[-1]) else line for line in lines]
    assert ["kie", "getCredits", "unauthorized", "200", "401", "You do not have access permissions"] in lines
    assert len(lines) == sum(len(found) for owner, found in OUTCOMES.items() if owner[0] == "kie")


def test_outcomes_say_how_sure_they_are(capsys: Shown) -> None:
    rows = printed(capsys, "outcomes")["outcomes"]
    marks = {(row["provider"], row["operation"], row["outcome"]): row["mark"] for row in rows}

    shown = [mark for mark in marks.values() if mark is not None]
    assert all(re.fullmatch(MARK, mark) for mark in shown)
    assert len(shown) > len(marks) / 2
    assert marks["kie", "generatePersona", "duplicate"] == "known to differ 2026-09-22"
    # The first persona of a track is not what is known to differ.
    assert marks["kie", "generatePersona", "success"] == "page only 2026-11-21"
    assert marks["kie", "generatePersona", "source-not-found"] == "reported 2026-11-21"
    assert marks["crun", "createTask", "success"] == "recorded 2026-08-08"
    assert marks["evolink", "generateMusic", "persona-not-found"] == "our choice 2026-11-21"


def test_help_says_what_marks_there_are(capsys: Shown) -> None:
    assert main(["outcomes", "--help"]) == 0

    told = " ".join(capsys.readouterr().out.split())
    assert "how sure it is: recorded live, read on a page, reported, our choice, or known to differ" in told


def test_the_mark_is_the_last_column_of_the_table(capsys: Shown) -> None:
    assert main(["outcomes", "--provider", "kie"]) == 0

    lines = capsys.readouterr().out.splitlines()
    line = next(line for line in lines if re.match(r"kie +generatePersona +duplicate ", line))
    assert re.search(r"  kie.duplicate=refuse +known to differ 2026-09-22$", line)
    assert lines[0].index("mark") == line.index("known to differ")


def test_what_no_case_shows_has_no_mark(capsys: Shown, tmp_path: Path) -> None:
    (tmp_path / "kie.yaml").write_text(PETS)

    (shown, *_) = printed(capsys, "outcomes", "--specs", ".")["outcomes"]
    assert main(["outcomes", "--specs", "."]) == 0

    assert (shown["provider"], shown["mark"]) == ("kie", None)
    assert capsys.readouterr().out.splitlines()[0].endswith("mark")


ROUTES = """
kie     generateMusic    POST /api/v1/generate
kie     extendMusic      POST /api/v1/generate/extend
kie     uploadCover      POST /api/v1/generate/upload-cover
kie     uploadExtend     POST /api/v1/generate/upload-extend
kie     getMusicDetails  GET  /api/v1/generate/record-info
kie     generatePersona  POST /api/v1/generate/generate-persona
kie     getCredits       GET  /api/v1/chat/credit
crun    createTask       POST /api/v1/client/job/CreateTask
crun    getTaskInfo      GET  /api/v1/client/job/TaskInfo
crun    generatePersona  POST /api/v1/client/job/suno-persona-generate
crun    estimateTask     POST /api/v1/client/job/EstimateTask
crun    estimateCredits  POST /api/v1/client/job/estimate-credits
crun    getBalance       GET  /api/v1/client/account/balance
crun    listModels       GET  /api/v1/client/job/Models
crun    getModel         GET  /api/v1/client/job/Models/{model}
crun    getUploadUrl     GET  /api/v1/client/files/upload-url
evolink generateMusic    POST /v1/audios/generations
evolink generatePersona  POST /v1/audios/generations
evolink getTask          GET  /v1/tasks/{task_id}
evolink getCredits       GET  /v1/credits
yuto    submitMusic      POST /suno/submit/music
yuto    fetchTask        GET  /suno/fetch/{task_id}
yuto    fetchTasks       POST /suno/fetch
yuto    generatePersona  POST /suno/persona/create/
yuto    uploadAudioUrl   POST /suno/uploads/audio-url
yuto    submitConcat     POST /suno/submit/concat
yuto    submitLyrics     POST /suno/submit/lyrics
yuto    generateLegacy   POST /suno/generate
yuto    getFeed          GET  /suno/feed/{clip_ids}
"""
LINES = [tuple(line.split()) for line in ROUTES.strip().splitlines()]


def test_routes_lists_every_operation_with_its_method_and_path(capsys: Shown) -> None:
    routes = printed(capsys, "routes")["routes"]

    assert sorted((r["provider"], r["operation"], r["method"], r["path"]) for r in routes) == sorted(LINES)
    assert {frozenset(route) for route in routes} == {frozenset({"provider", "operation", "method", "path"})}


def test_routes_of_one_provider_as_a_table(capsys: Shown) -> None:
    assert main(["routes", "--provider", "crun"]) == 0

    head, *lines = (tuple(line.split()) for line in capsys.readouterr().out.splitlines())
    assert head == ("provider", "operation", "method", "path")
    assert lines == [line for line in LINES if line[0] == "crun"]


PETS = """
openapi: 3.0.3
info: {title: Pets, version: '1'}
servers: [{url: https://pets.example/v2}]
paths:
  /pets/{id}:
    get:
      responses:
        '200': {description: a pet}
        '404': {description: none}
        default: {description: anything else}
"""


def test_any_document_is_listed_with_its_base_path_and_its_numbers(capsys: Shown, tmp_path: Path) -> None:
    (tmp_path / "pets.yaml").write_text(PETS)

    routes = printed(capsys, "routes", "--specs", str(tmp_path))["routes"]
    found = listed(capsys, "--specs", str(tmp_path))

    assert routes == [
        {"provider": "pets", "operation": "GET /pets/{id}", "method": "GET", "path": "/v2/pets/{id}"}
    ]
    assert found == {
        ("pets", "GET /pets/{id}", "success"): (200, None, None, None),
        ("pets", "GET /pets/{id}", "http-404"): (404, None, None, None),
        ("pets", "GET /pets/{id}", "http-default"): (500, None, None, None),
    }


def test_the_word_packaged_stands_for_the_built_in_documents(capsys: Shown, tmp_path: Path) -> None:
    (tmp_path / "pets.yaml").write_text(PETS)

    routes = printed(capsys, "routes", "--specs", str(tmp_path), "--specs", "packaged")["routes"]

    assert {route["provider"] for route in routes} == {"pets", "kie", "crun", "evolink", "yuto"}


@pytest.mark.parametrize("name", ["outcomes", "routes"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--provider", "suno"], "--provider: got 'suno', wanted one of crun, evolink, kie, yuto"),
        (["--specs", "nowhere"], "nowhere: no such folder"),
        (["--provider"], "expected one argument"),
        (["kie"], "unrecognized arguments: kie"),
    ],
)
def test_wrong_usage_is_code_2_in_words(capsys: Shown, name: str, arguments: list[str], said: str) -> None:
    code = main([name, *arguments])

    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert said in shown.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--quirk", "kie"], "--quirk: got 'kie', wanted PROVIDER.NAME=VALUE"),
        (["--status", "live"], "--status: got 'live', wanted one of envelope, http, auto"),
    ],
)
def test_an_option_of_outcomes_that_cannot_be_used_is_code_2(
    capsys: Shown, arguments: list[str], said: str
) -> None:
    code = main(["outcomes", *arguments])

    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert said in shown.err


@pytest.mark.parametrize("name", ["outcomes", "routes"])
def test_a_broken_document_is_code_2_with_file_line_and_reason(
    capsys: Shown, name: str, tmp_path: Path
) -> None:
    (tmp_path / "pets.yaml").write_text(
        PETS.replace("description: a pet", "description: a pet, $ref: '#/no'")
    )

    code = main([name, "--specs", str(tmp_path)])

    shown = capsys.readouterr()
    assert (code, shown.out) == (2, "")
    assert re.search(r"pets\.yaml:\d+: .*#/no", shown.err)


def test_settings_of_the_folder_and_the_environment_hold_here_too(command: Command, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.persona-mock]\nspecs = ["docs"]\nstatus = "http"\n')
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "pets.yaml").write_text(PETS)

    mine = command("routes", "--json")
    other = command("outcomes", "--json", PERSONA_MOCK_SPECS="packaged")

    assert [route["provider"] for route in json.loads(mine.stdout)["routes"]] == ["pets"]
    statuses = {row["code"]: row["status"] for row in json.loads(other.stdout)["outcomes"]}
    assert statuses[455] == 455
    assert (mine.stderr, other.stderr) == ("", "")
