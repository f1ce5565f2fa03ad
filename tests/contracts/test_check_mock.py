"""`check mock` from outside: small case files against the real application, and against spoilt ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from contracts import mock
from contracts.casefile import load
from contracts.finding import Checked, Finding, Where
from contracts.inside import Inside
from contracts.receiver import Box, Receiver
from contracts.target import Call, Reply, Target, Unanswered
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents
from mockserver.settings import Settings
from mockserver.web.app import create_app

URL = "http://127.0.0.1:4010"
# Cases follow from line 31 on.
HEAD = """\
provider: kie
pages:
  persona: {source: 'docs.kie.ai, suno-api', read: 2026-11-21}
live:
  song:
    request: generateMusic
    cost: 12
    task: /body/data/taskId
    poll: {operation: getMusicDetails, query: {taskId: '${song.task}'}}
    every: 30
    at-most: 900
    until: {body: {data: {status: SUCCESS}}}
    failed: {body: {data: {status: GENERATE_AUDIO_FAILED}}}
    ids: /body/data/response/sunoData/*/id
  persona: {request: generatePersona, cost: 1, id: /body/data/personaId}
requests:
  generatePersona:
    operation: generatePersona
    body: {taskId: '${song.task}', audioId: '${song.id}', name: Neon, description: Warm}
  generateMusic:
    operation: generateMusic
    body:
      prompt: A calm piano piece
      customMode: false
      instrumental: true
      model: V4_5
      callBackUrl: '${callback.url}'
  getCredits: {operation: getCredits}
  getMusicDetails: {operation: getMusicDetails, query: {taskId: '${task}'}}
cases:
"""
RULE = "The rule: One thing leads to another. (docs.kie.ai, suno-api, read 2026-11-21)"
SONG = "given: {song: finished}"

Asgi = Callable[..., Any]
Check = Callable[..., Checked]


def case(*lines: str, name: str = "one") -> str:
    """A case of these lines; its request stands in line 35 where nothing is given, else in line 36."""
    told = ["fact: One thing leads to another.", "page: persona", "where: [mock]", *lines]
    return f"  {name}:\n" + "".join(f"    {line}\n" for line in told)


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return load_documents(["packaged"], NAMES)


@pytest.fixture(scope="module")
def target(documents: dict[str, Document]) -> Iterator[Target]:
    with Inside(create_app(Settings(clock="virtual", seed=0), documents=dict(documents)), URL) as inside:
        yield inside


@pytest.fixture
def application(documents: dict[str, Document]) -> Asgi:
    """One for a test that spoils it."""
    return create_app(Settings(clock="virtual", seed=0), documents=dict(documents))


@pytest.fixture
def check(tmp_path: Path, documents: dict[str, Document], target: Target) -> Check:
    """Checks cases against the application, or against another target."""

    def run(*cases: str, at: Target = target, head: str = HEAD, **options: Any) -> Checked:
        (tmp_path / "kie.yaml").write_text(head + "".join(cases), "utf-8")
        return mock.check(at, documents, load(tmp_path, documents), mock.Options(**options))

    return run


@pytest.fixture
def found(check: Check) -> Callable[..., Finding]:
    """The one thing that is wrong."""

    def run(*lines: str, **options: Any) -> Finding:
        checked = check(case(*lines), **options)
        assert checked.notes == ()
        (finding,) = checked.findings
        assert (checked.checked, checked.passed, checked.skipped, checked.is_fine) == (1, 0, 0, False)
        return finding

    return run


Found = Callable[..., Finding]

# --- what holds ---------------------------------------------------------------------------------------------


def test_a_case_that_holds(check: Check) -> None:
    checked = check(
        case(
            SONG,
            "request: generatePersona",
            "expect: {status: 200, code: 200, outcome: success, headers: {content-type: {$contains: json}},",
            "  body: {data: {personaId: {$pattern: '^[0-9a-f]{32}$'}, name: Neon}}}",
        )
    )

    (told,) = checked.told
    assert checked == Checked("check mock", checked=1, passed=1, told=(told,))
    assert (told.document, told.operation, told.skipped) == ("kie", "generatePersona", None)


def test_what_is_given_is_there(check: Check) -> None:
    shown = "expect: {status: 200, code: 200}"
    persona = "{operation: generatePersona, body: {taskId: '${SONG.task}', audioId: '${SONG.id}',"
    persona += " name: Neon, description: Warm}}"

    checked = check(
        case("given: {credits: 7.5}", "request: getCredits", "expect: {body: {data: 7.5}}", name="credits"),
        case(
            "given: {credits: 0}",
            "request: generateMusic",
            "expect: {outcome: insufficient-credits}",
            name="no-credits",
        ),
        case(
            "given: {songs: {mine: finished, theirs: {state: finished, owner: other}}}",
            f"request: {persona.replace('SONG', 'mine')}",
            shown,
            "then:",
            f"- {{request: {persona.replace('SONG', 'theirs')}, expect: {{outcome: source-not-owned}}}}",
            name="songs",
        ),
        case(
            "given: {song: {state: failed, error: SENSITIVE_WORD_ERROR}}",
            "request: {operation: getMusicDetails, query: {taskId: '${song.task}'}}",
            "expect: {state: SENSITIVE_WORD_ERROR}",
            name="failed",
        ),
        case(
            "given: {song: {state: unfinished}}",
            "request: {operation: getMusicDetails, query: {taskId: '${song.task}'}}",
            "expect: {state: TEXT_SUCCESS}",
            name="unfinished",
        ),
        case(
            "given: {song: finished}",
            "request: {use: generatePersona, set: {/body/audioId: '${song.ids.1}'}}",
            shown,
            name="twin",
        ),
        case(
            "given: {song: finished, persona: made}",
            "request: {use: generateMusic, set: {/body/personaId: '${persona.id}', /body/model: V5}}",
            shown,
            name="persona",
        ),
        case(
            "given: {song: finished, after: 1296000}",
            "request: generatePersona",
            "expect: {outcome: source-expired}",
            name="later",
        ),
        case(
            "given: {outcome: maintenance}",
            "request: getCredits",
            "expect: {outcome: maintenance}",
            "then:",
            "- {request: getCredits, expect: {outcome: success}}",
            name="outcome",
        ),
        case(
            "given: {rate_limit: {count: 2, seconds: 10}}",
            "request: generateMusic",
            "times: 2",
            "expect: {outcome: success}",
            "then:",
            "- {request: generateMusic, expect: {outcome: rate-limited}}",
            "- {after: 10, request: generateMusic, expect: {outcome: success}}",
            name="limit",
        ),
        case("request: {use: getCredits, key: none}", "expect: {outcome: unauthorized}", name="nobody"),
        case("request: {method: GET, url: '/api/v1/nö thing'}", "expect: {status: 404}", name="elsewhere"),
        case("request: {operation: generateMusic, raw: '{'}", "expect: {outcome: invalid}", name="no-json"),
    )

    assert [(one.case, one.message) for one in checked.findings] == []
    assert (checked.passed, checked.skipped) == (13, 0)


def test_a_song_from_its_submission_to_its_callbacks(check: Check) -> None:
    checked = check(
        case(
            "given: {webhook_key: s3cret, receiver: [500]}",
            "request: generateMusic",
            "expect: {status: 200}",
            "capture: {task: /body/data/taskId}",
            "then:",
            "- {poll: getMusicDetails, every: 5, at-most: 600, until: {state: SUCCESS},",
            "  capture: {at: /body/data}}",
            "- {after: 60}",
            "- {callback: {body: {data: {callbackType: text, task_id: '${task}'}}}}",
            "- callback:",
            "    headers:",
            "      x-webhook-signature:",
            "        $hmac-sha256:",
            "          {key: s3cret, of: [/body/data/task_id, ., /header/x-webhook-timestamp]}",
            "    body: {data: {callbackType: text, task_id: '${at.taskId}'}}",
            "- {callback: {body: {data: {callbackType: first}}}}",
            "- {callback: {body: {data: {callbackType: complete}}}}",
            "- {no-callback: true}",
        )
    )

    assert [one.message for one in checked.findings] == []


# --- what does not ------------------------------------------------------------------------------------------

WRONG = {
    "status": ("expect: {status: 201}", "status", "/status", 201, 200),
    "code": ("expect: {status: 200, code: 409}", "code", "/body/code", 409, 200),
    "message": ("expect: {message: {$contains: no}}", "message", "/body/msg", {"$contains": "no"}, "success"),
    "outcome": ("expect: {outcome: duplicate}", "outcome", "/header/x-mock-outcome", "duplicate", "success"),
    "header": (
        "expect: {headers: {Content-Type: text/html}}",
        "header",
        "/header/content-type",
        "text/html",
        "application/json",
    ),
    "missing header": ("expect: {headers: {x-nothing: a}}", "header", "/header/x-nothing", "a", None),
    "body": ("expect: {body: {data: {name: Noon}}}", "body", "/body/data/name", "Noon", "Neon"),
    "missing field": ("expect: {body: {data: {nothing: a}}}", "body", "/body/data/nothing", "a", None),
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_answer_that_is_not_as_expected(found: Found, kind: str) -> None:
    expect, rule, pointer, wanted, got = WRONG[kind]

    finding = found(SONG, "request: generatePersona", expect)

    assert (finding.severity, finding.rule, finding.pointer) == ("error", rule, pointer)
    assert (finding.wanted, finding.got) == (wanted, got)
    assert (finding.document, finding.operation, finding.case) == ("kie", "generatePersona", "one")
    assert finding.where == Where(finding.where.file, 31)
    assert str(finding.where.file).endswith("/kie.yaml")
    told = finding.message.splitlines()
    assert told[0].startswith(f"{pointer}: wanted ")
    assert told[1].startswith('It answered 200 {"code":200,"msg":"success","data":{"personaId":"')
    assert told[2] == RULE
    assert finding.reproduce is not None
    assert finding.reproduce.startswith(f"curl -X POST {URL}/_sandbox/contract-kie-one/kie/api/v1/")
    assert '"authorization: Bearer $' in finding.reproduce
    assert "contract-key" not in finding.reproduce + finding.message


def test_a_state_that_is_not_as_expected(found: Found) -> None:
    request = "request: {operation: getMusicDetails, query: {taskId: '${song.task}'}}"

    finding = found(SONG, request, "expect: {state: PENDING}")

    assert (finding.rule, finding.pointer) == ("state", "/body/data/status")
    assert (finding.wanted, finding.got, finding.operation) == ("PENDING", "SUCCESS", "getMusicDetails")


def test_all_that_differs_is_told_in_one_finding(found: Found) -> None:
    fields = ", ".join(f"f{number}: 1" for number in range(7))

    finding = found(SONG, "request: generatePersona", f"expect: {{status: 201, body: {{{fields}}}}}")

    first = finding.message.splitlines()[0]
    assert first.startswith("/status: wanted 201, got 200; /body/f0: wanted 1, got nothing; /body/f1")
    assert first.endswith("/body/f3: wanted 1, got nothing; and 3 more")
    assert (finding.rule, finding.pointer) == ("status", "/status")


def test_a_later_step_is_named_by_its_own_line_and_call(found: Found) -> None:
    finding = found(
        SONG,
        "request: generatePersona",
        "expect: {status: 200}",
        "then:",
        "- {request: getCredits, expect: {body: {data: 1000}}}",
        "- {request: getCredits, expect: {status: 418}}",
    )

    assert (finding.rule, finding.operation, finding.got) == ("body", "getCredits", 999)
    assert finding.where.line == 39
    assert finding.reproduce is not None
    assert finding.reproduce.startswith(
        "curl http://127.0.0.1:4010/_sandbox/contract-kie-one/kie/api/v1/chat/credit "
    )


def test_each_of_many_times_counts(found: Found) -> None:
    finding = found(SONG, "request: generatePersona", "times: 2", "expect: {status: 200, code: 200}")

    assert (finding.rule, finding.wanted, finding.got) == ("code", 200, 409)


def test_what_is_to_be_kept_and_is_not_there(found: Found) -> None:
    finding = found("request: getCredits", "expect: {status: 200}", "capture: {left: /body/data/left}")

    assert (finding.rule, finding.pointer, finding.wanted) == ("body", "/body/data/left", "a value")


def test_a_poll_that_never_ends(found: Found) -> None:
    finding = found(
        "given: {song: {state: failed}}",
        "request: getCredits",
        "expect: {status: 200}",
        "then:",
        "- poll: {operation: getMusicDetails, query: {taskId: '${song.task}'}}",
        "  every: 10",
        "  at-most: 60",
        "  until: {state: SUCCESS}",
    )

    assert finding.message.startswith("60 s later still /body/data/status: wanted SUCCESS, got ")
    assert (finding.rule, finding.operation, finding.where.line) == ("state", "getMusicDetails", 39)


def heard(found: Found, *steps: str, given: str = "{credits: 100}") -> Finding:
    return found(
        f"given: {given}",
        "request: generateMusic",
        "expect: {status: 200}",
        "then:",
        "- {after: 600}",
        *steps,
    )


def test_a_callback_that_is_otherwise(found: Found) -> None:
    finding = heard(found, "- {callback: {body: {data: {callbackType: complete}}}}")

    assert (finding.rule, finding.pointer) == ("callback", "/callback/body/data/callbackType")
    assert (finding.wanted, finding.got, finding.where.line) == ("complete", "text", 40)
    assert "It answered" not in finding.message


def test_a_callback_with_another_header(found: Found) -> None:
    finding = heard(found, "- {callback: {headers: {x-webhook-signature: {$type: string}}}}")

    assert (finding.rule, finding.pointer) == ("callback", "/callback/header/x-webhook-signature")


def test_one_callback_too_many(found: Found) -> None:
    finding = heard(found, "- {callback: {body: {code: 200}}}", "- {no-callback: true}")

    assert (finding.rule, finding.pointer, finding.where.line) == ("callback", "/callback", 41)
    assert finding.wanted == "no further callback"
    assert finding.got["body"]["data"]["callbackType"] == "first"


def test_a_callback_that_does_not_come(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contracts.states.Sandbox.patience", 0.05)
    three = ["- {callback: {body: {code: 200}}}"] * 3

    finding = heard(found, *three, "- {callback: {body: {code: 200}}}")

    assert (finding.rule, finding.pointer, finding.wanted) == ("callback", "/callback", "a callback")
    assert (finding.got, finding.where.line) == (None, 43)
    assert finding.message.startswith("/callback: wanted a callback, got nothing\nThe rule: ")


HEARD = (
    "request: generateMusic",
    "expect: {status: 200}",
    "then:",
    "- {after: 600}",
    "- {callback: {body: {code: 200}}}",
)


def elsewhere(_: Receiver, answers: list[int]) -> Box:
    """A receiver that no callback may go to."""
    return Box("http://192.0.2.1/callback", answers)


def test_callbacks_that_a_target_elsewhere_cannot_send_here(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Receiver, "box", elsewhere)

    checked = check(case(*HEARD), case("request: getCredits", "expect: {status: 200}", name="two"))

    assert (checked.passed, checked.skipped, checked.is_fine) == (1, 1, True)
    assert checked.notes == ("1 case skipped: the target's callbacks do not reach this machine",)


def test_callbacks_of_a_mock_of_our_own_have_to_come(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Receiver, "box", elsewhere)
    monkeypatch.setattr("contracts.states.Sandbox.patience", 0.05)

    finding = found(*HEARD, is_shared=False, run="ours")

    assert (finding.rule, finding.wanted) == ("callback", "a callback")


def test_what_cannot_be_given(found: Found) -> None:
    finding = found(
        "given: {song: {state: finished, kind: symphony}}", "request: getCredits", "expect: {status: 200}"
    )

    assert (finding.rule, finding.operation, finding.where.line) == ("given", "getCredits", 35)
    assert finding.message.startswith(
        "what is given could not be brought about: POST /_mock/tasks was refused: "
    )
    assert "symphony" in finding.message
    assert finding.message.endswith(RULE)


def test_a_persona_that_is_not_made(found: Found) -> None:
    finding = found(
        "given: {song: {state: failed}, persona: made}", "request: getCredits", "expect: {status: 200}"
    )

    assert finding.rule == "given"
    assert "no persona was made: nothing at /body/data/personaId of {" in finding.message


def test_a_name_that_stands_for_nothing_when_it_is_needed(found: Found) -> None:
    finding = found(
        SONG,
        "request: {use: generatePersona, set: {/body/audioId: '${song.ids.7}'}}",
        "expect: {status: 200}",
    )

    assert (finding.rule, finding.where.line) == ("unknown-name", 31)
    assert finding.message == f"${{song.ids.7}} stands for nothing\n{RULE}"


def test_a_case_that_fails_leaves_the_others_as_they_are(check: Check) -> None:
    wrong = case("request: getCredits", "expect: {status: 500}", name="wrong")
    right = case("request: getCredits", "expect: {status: 200}", name="right")

    checked = check(wrong, right, wrong.replace("wrong:", "wrong-too:"))

    assert [one.case for one in checked.findings] == ["wrong", "wrong-too"]
    assert (checked.checked, checked.passed) == (3, 1)


def test_live_cases_do_not_run_here(check: Check) -> None:
    checked = check(
        case("request: getCredits", "expect: {status: 500}", name="there").replace("[mock]", "[live]"),
        case("request: getCredits", "expect: {status: 200}", name="here"),
    )

    assert (checked.checked, checked.passed, checked.skipped) == (1, 1, 0)


def test_every_sandbox_is_gone_afterwards(check: Check, target: Target) -> None:
    check(
        case(SONG, "request: generatePersona", "expect: {status: 200}"),
        case("request: getCredits", "expect: {status: 500}", name="wrong"),
    )

    left = target.send(Call("GET", "/_mock/sandboxes")).json
    assert [one for one in left["sandboxes"] if "contract" in str(one)] == []


def test_names_too_long_for_a_sandbox_stay_apart(check: Check) -> None:
    spent = (
        "request: generateMusic",
        "expect: {code: 200}",
        "then:",
        "- {request: getCredits, expect: {body: {data: 988}}}",
    )

    checked = check(
        case(*spent, name="a" * 80 + "-1"), case(*spent, name="a" * 80 + "-2"), is_shared=False, run="long"
    )

    assert (checked.passed, checked.findings) == (2, ())


def test_progress_is_told_before_each_case(check: Check) -> None:
    told: list[tuple[int, int, str]] = []
    cases = [case("request: getCredits", "expect: {status: 200}", name=name) for name in ("a", "b")]

    check(*cases, progress=lambda *what: told.append(what))

    assert told == [(0, 2, "kie a"), (1, 2, "kie b"), (2, 2, "")]


# --- targets that are set up otherwise ----------------------------------------------------------------------

OWN_TASK = (
    "request: generateMusic",
    "expect: {code: 200}",
    "capture: {task: /body/data/taskId}",
    "then:",
    "- {request: getMusicDetails, expect: {state: PENDING}}",
)
NO_PACE = "1 case skipped: it needs tasks that take their time, and the target has another --pace"


@pytest.fixture
def set_up(documents: dict[str, Document]) -> Iterator[Callable[..., Target]]:
    """An application that somebody set up: `set_up(credits=5)`."""
    with ExitStack() as stack:

        def made(**said: Any) -> Target:
            app = create_app(Settings(**{"clock": "virtual", "seed": 0, **said}), documents=dict(documents))
            return stack.enter_context(Inside(app, URL))

        yield made


SetUp = Callable[..., Target]


@pytest.mark.parametrize("clock", ["virtual", "real"])
@pytest.mark.parametrize("pace", ["instant", "polls:1", "polls:2"])
def test_a_task_of_its_own_is_not_looked_at_where_another_pace_decides(
    check: Check, set_up: SetUp, clock: str, pace: str
) -> None:
    checked = check(
        case(*OWN_TASK),
        case("request: generateMusic", "expect: {code: 200}", name="two"),
        at=set_up(clock=clock, pace=pace),
    )

    assert (checked.passed, checked.skipped, checked.findings) == (1, 1, ())
    assert checked.notes == (NO_PACE,)


def test_a_song_on_its_way_is_looked_at_once_where_looking_moves_it(check: Check, set_up: SetUp) -> None:
    look = "{operation: getMusicDetails, query: {taskId: '${song.task}'}}"
    given = ("given: {song: unfinished}", f"request: {look}", "expect: {state: TEXT_SUCCESS}")

    checked = check(
        case(*given, name="once"),
        case(*given, "times: 2", name="twice"),
        case(*given, "then:", f"- {{request: {look}, expect: {{state: TEXT_SUCCESS}}}}", name="again"),
        at=set_up(pace="polls:1"),
    )

    assert (checked.passed, checked.skipped, checked.findings) == (1, 2, ())


def test_a_task_of_its_own_is_looked_at_with_a_real_clock(check: Check, set_up: SetUp) -> None:
    checked = check(case(*OWN_TASK), at=set_up(clock="real"))

    assert (checked.passed, checked.findings, checked.notes) == (1, (), ())


EVOLINK = """\
provider: evolink
pages: {persona: {source: 'evolink, api manual', read: 2026-11-21}}
live:
  persona:
    request: persona
    cost: 1
    task: /body/id
    poll: {operation: getTask, path: {task_id: '${persona.task}'}}
    every: 5
    at-most: 300
    until: {body: {status: completed}}
    id: /body/result_data/persona_id
requests:
  persona:
    operation: generatePersona
    body:
      model: suno-persona
      model_params: {source_task_id: '${song.task}', result_id: '${song.id}', name: Neon, description: Warm}
cases:
  persona-is-there:
    fact: A persona is a task.
    page: persona
    where: [mock]
    given: {song: finished, persona: made}
    request: {operation: getTask, path: {task_id: '${persona.task}'}}
    expect: {status: 200, state: completed}
"""


def test_a_persona_that_is_waited_for_takes_time(
    tmp_path: Path, documents: dict[str, Document], set_up: SetUp
) -> None:
    (tmp_path / "evolink.yaml").write_text(EVOLINK)
    files = load(tmp_path, documents)

    there, here = (
        mock.check(set_up(clock=clock), documents, files, mock.Options()) for clock in ("real", "virtual")
    )

    assert [one.message for one in here.findings] == []
    assert (here.passed, here.skipped) == (1, 0)
    assert (there.passed, there.skipped, there.findings) == (0, 1, ())


def test_callbacks_are_tried_with_a_url_that_arrives_here(check: Check) -> None:
    head = HEAD.replace("'${callback.url}'", "https://example.com/callback")
    mine = "request: {use: generateMusic, set: {/body/callBackUrl: '${callback.url}'}}"

    checked = check(case(mine, *HEARD[1:]), head=head)

    assert (checked.passed, checked.skipped, checked.notes) == (1, 0, ())


def test_songs_of_a_scenario_tell_nothing_of_the_pace(check: Check, set_up: SetUp, tmp_path: Path) -> None:
    scenario = tmp_path / "songs.json"
    scenario.write_text('{"tasks": [{"provider": "kie", "status": "finished"}]}')

    checked = check(case(*OWN_TASK), case(*HEARD, name="heard"), at=set_up(scenario=scenario))

    assert (checked.passed, checked.skipped, checked.findings) == (2, 0, ())


def test_accounts_have_what_cases_reckon_with(check: Check, set_up: SetUp) -> None:
    checked = check(
        case("request: generateMusic", "expect: {code: 200}", name="one"),
        case("request: getCredits", "expect: {body: {data: 1000}}", name="two"),
        case("request: {use: getCredits, key: other}", "expect: {body: {data: 1000}}", name="other"),
        case("given: {credits: 7}", "request: getCredits", "expect: {body: {data: 7}}", name="given"),
        case(*OWN_TASK, name="paced"),
        at=set_up(credits=5),
    )

    assert (checked.passed, checked.findings, checked.notes) == (5, (), ())


def test_statuses_of_another_setting_are_told(check: Check, set_up: SetUp) -> None:
    checked = check(case("request: getCredits", "expect: {status: 200}"), at=set_up(status="http"))

    assert checked.notes == (
        (
            "the target seems to differ in its settings:"
            " a call without a key gets HTTP 401, by the document 200 (--status)"
        ),
    )


def test_outcomes_that_stand_are_told(check: Check, set_up: SetUp, tmp_path: Path) -> None:
    scenario = tmp_path / "day.json"
    scenario.write_text(
        '{"outcomes": [{"provider": "kie", "operation": "getCredits", "outcome": "maintenance"}]}'
    )

    checked = check(case("request: getCredits", "expect: {code: 200}"), at=set_up(scenario=scenario))

    assert len(checked.findings) == 1
    assert checked.notes == (
        "the target seems to differ in its settings: a fresh sandbox has outcomes that stand",
    )


# --- ends before the end ------------------------------------------------------------------------------------


class Ending:
    """A target that comes to an end at a call of a certain path."""

    url = URL

    def __init__(self, target: Target, path: str, error: type[BaseException]) -> None:
        self._target, self._path, self._error = target, path, error
        self._ended = False

    def send(self, call: Call) -> Reply:
        """The answer of the target, while there is one."""
        self._ended = self._ended or self._path in call.target
        if self._ended:
            raise self._error("Connection refused")
        return self._target.send(call)


THREE = [case("request: getCredits", "expect: {code: 200}", name=name) for name in ("a", "b", "c")]


def test_a_target_that_goes_is_told_at_once(check: Check, target: Target) -> None:
    with pytest.raises(mock.Gone, match="Connection refused") as raised:
        check(*THREE, at=Ending(target, "contract-kie-b/kie", Unanswered))

    assert (raised.value.done, raised.value.total) == (1, 3)


def test_a_target_that_never_was_there(check: Check, target: Target) -> None:
    with pytest.raises(mock.Gone) as raised:
        check(*THREE, at=Ending(target, "/", Unanswered))

    assert (raised.value.done, raised.value.total) == (0, 3)


def test_an_interruption_leaves_what_was_found(check: Check, target: Target) -> None:
    wrong = case("request: getCredits", "expect: {code: 500}", name="wrong")

    checked = check(wrong, *THREE, at=Ending(target, "contract-kie-b/kie", KeyboardInterrupt))

    ended, found = checked.findings
    assert (checked.checked, checked.passed, checked.is_fine) == (2, 1, False)
    assert (ended.severity, ended.rule, found.case) == ("error", "unfinished-run", "wrong")
    assert ended.message == "interrupted: 2 cases of 4 had run"


def test_nothing_checked_is_told(check: Check) -> None:
    checked = check(
        case("request: getCredits", "expect: {status: 500}").replace("[mock]", "[live]"), notes=("more",)
    )

    assert (checked.checked, checked.is_fine) == (0, True)
    assert checked.notes == ("more", "1 case can run at the provider only")


def test_a_finding_names_the_command_that_runs_its_case_alone(found: Found) -> None:
    finding = found("request: getCredits", "expect: {status: 500}", command="persona-mock check mock")

    last = finding.message.splitlines()[-1]
    assert last == "This case alone: persona-mock check mock --provider kie --case one"


# --- marks --------------------------------------------------------------------------------------------------


def test_an_old_mark_is_a_warning(check: Check) -> None:
    lines = ("request: getCredits", "expect: {status: 200}")
    recorded = ("mark: {recorded: 2026-08-23}", *lines)

    checked = check(
        case(*lines, name="read"),
        case(*recorded, name="seen"),
        today="2026-11-22",
        max_age=90,
    )

    (finding,) = checked.findings
    assert (finding.severity, finding.rule, finding.case) == ("warning", "stale-mark", "seen")
    assert finding.message == "its mark is 91 days old (recorded 2026-08-23)"
    assert (finding.where.line, checked.is_fine, checked.passed) == (37, True, 2)


# --- applications that are spoilt ---------------------------------------------------------------------------


def spoilt(application: Asgi, wrong: Callable[[Asgi], Asgi]) -> Asgi:
    """The application, but for the calls for credits, which go elsewhere."""
    other = wrong(application)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        chosen = other if scope["type"] == "http" and scope["path"].endswith("/chat/credit") else application
        await chosen(scope, receive, send)

    return app


def raises(_: Asgi) -> Asgi:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("out of tune")

    return app


def says_nothing(_: Asgi) -> Asgi:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    return app


def breaks_off(_: Asgi) -> Asgi:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})

    return app


def answers(body: bytes, content_type: bytes = b"application/json") -> Callable[[Asgi], Asgi]:
    def made(_: Asgi) -> Asgi:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            headers = [(b"content-type", content_type), (b"x-mock-outcome", b"success")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return app

    return made


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (raises, "no answer came: the application raised RuntimeError: out of tune"),
        (says_nothing, "no answer came: the application gave no answer"),
        (breaks_off, "no answer came: the application gave no answer"),
    ],
)
def test_no_answer_is_a_finding(
    found: Found, application: Asgi, wrong: Callable[[Asgi], Asgi], told: str
) -> None:
    with Inside(spoilt(application, wrong), URL) as target:
        finding = found("request: getCredits", "expect: {status: 200}", at=target)

    assert (finding.rule, finding.operation, finding.where.line) == ("unanswered", "getCredits", 31)
    assert finding.message == f"{told}\n{RULE}"


def test_a_header_that_cannot_be_sent(found: Found) -> None:
    finding = found("request: {use: getCredits, headers: {x-a: 日本}}", "expect: {status: 200}")

    assert finding.message.startswith("no answer came: HTTP cannot carry '日本' in a header\n")


def test_an_answer_that_takes_too_long(found: Found, application: Asgi) -> None:
    def waits(_: Asgi) -> Asgi:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await receive()

        return app

    with Inside(spoilt(application, waits), URL, timeout=0.3) as target:
        finding = found("request: getCredits", "expect: {status: 200}", at=target)

    assert finding.message.startswith("no answer came: nothing came for 0.3 s\n")


@pytest.mark.parametrize(
    ("body", "rule", "pointer"),
    [
        (b'{"code":200,"msg":"success"}', "required", "/body/data"),
        (b'{"code":200,"msg":"success","data":"many"}', "type", "/body/data"),
        (b"{", "wellFormed", "/body"),
    ],
)
def test_an_answer_that_breaks_its_document_whatever_the_case_says(
    found: Found, application: Asgi, body: bytes, rule: str, pointer: str
) -> None:
    with Inside(spoilt(application, answers(body)), URL) as target:
        finding = found("request: getCredits", "expect: {status: 200}", at=target)

    assert (finding.severity, finding.rule, finding.pointer) == ("error", rule, pointer)
    assert (finding.document, finding.operation, finding.case) == ("kie", "getCredits", "one")
    assert (str(finding.where.file)[-8:], finding.where.line) == ("kie.yaml", 31)
    assert finding.message.endswith(RULE)
    assert "contract-key" not in str(finding)


def test_a_key_that_comes_back_is_not_shown(found: Found, application: Asgi) -> None:
    echo = answers(b'{"code":200,"msg":"hello contract-key","data":5}')

    with Inside(spoilt(application, echo), URL) as target:
        finding = found("request: getCredits", "expect: {message: success}", at=target)

    assert (finding.rule, finding.got) == ("message", "hello ***")
    assert 'It answered 200 {"code":200,"msg":"hello ***","data":5}' in finding.message
    assert "contract-key" not in str(finding)


def test_what_a_poll_breaks_often_is_told_once(check: Check, application: Asgi) -> None:
    with Inside(spoilt(application, answers(b'{"code":200,"msg":"success","data":"many"}')), URL) as target:
        checked = check(case("request: getCredits", "times: 5", "expect: {status: 200}"), at=target)

    assert [one.rule for one in checked.findings] == ["type"]


def test_an_application_that_does_nothing_but_raise(check: Check) -> None:
    with Inside(raises(None), URL) as target:  # type: ignore[arg-type]
        checked = check(
            case("request: getCredits", "expect: {status: 200}", name="a"),
            case(SONG, "request: generatePersona", "expect: {status: 200}", name="b"),
            at=target,
            is_shared=False,
        )

    assert [(one.rule, one.case) for one in checked.findings] == [("unanswered", "a"), ("unanswered", "b")]


def test_an_application_without_a_control_api(check: Check) -> None:
    with Inside(answers(b"[]")(None), URL) as target:  # type: ignore[arg-type]
        checked = check(case(SONG, "request: generatePersona", "expect: {status: 200}"), at=target)

    (finding,) = checked.findings
    assert finding.rule == "given"
    assert "POST /_mock/tasks was answered with no JSON object" in finding.message


def test_an_application_that_does_not_start() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no strings"})

    with pytest.raises(Exception, match="no strings"), Inside(app, URL):
        pass
