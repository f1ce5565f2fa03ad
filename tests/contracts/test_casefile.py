"""Case files: every slip is told with its file, line and key, and what good ones become."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.case import Case, CaseFile, Mark, Page
from contracts.casefile import load
from mockserver.cli.main import main
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents
from mockserver.openapi.problem import DocumentError

Shown = pytest.CaptureFixture[str]

# Cases follow from line 16 on.
HEAD = """\
provider: kie
pages:
  persona: {source: 'docs.kie.ai, suno-api/generate-persona', read: 2026-11-21}
live:
  persona: {request: generatePersona, cost: 1, id: /body/data/personaId}
requests:
  generatePersona:
    operation: generatePersona
    body: {taskId: '${song.task}', audioId: '${song.id}', name: Neon, description: Warm}
  getCredits: {operation: getCredits}
  getMusicDetails: {operation: getMusicDetails, query: {taskId: '${song.task}'}}
  first: {use: second}
  second: {use: first}
cases:
# one after the other
"""
GOOD = """\
  one:
    fact: A song becomes a persona.
    page: persona
    where: [mock, live]
    given: {song: {state: finished, spent: true}}
    request: generatePersona
    expect: {status: 200, code: 200, outcome: success}
"""


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return load_documents(["packaged"], NAMES)


@pytest.fixture
def read(tmp_path: Path, documents: dict[str, Document]) -> Read:
    return Read(tmp_path, documents)


class Read:
    """Writes a case file, and reads it."""

    def __init__(self, folder: Path, documents: dict[str, Document]) -> None:
        self.folder, self._documents = folder, documents

    def __call__(self, text: str | bytes, name: str = "kie.yaml") -> dict[str, CaseFile]:
        content = text.encode() if isinstance(text, str) else text
        (self.folder / name).write_bytes(content)
        return load(self.folder, self._documents)

    def cases(self, text: str) -> dict[str, Case]:
        return {case.name: case for case in self(HEAD + text)["kie"].cases}

    def problems(self, text: str | bytes, name: str = "kie.yaml") -> list[str]:
        """What is told, the folder left out."""
        with pytest.raises(DocumentError) as raised:
            self(text, name)
        return [str(problem).replace(f"{self.folder}/", "") for problem in raised.value.problems]


# --- slips --------------------------------------------------------------------------------------------------

SLIPS = {
    "unknown key": (
        "    expect: {status: 200, code: 200, outcome: success}",
        "    expect: {status: 200, kode: 200, outcome: success}",
        "kie.yaml:22: cases.one.expect.kode: is not a documented field",
    ),
    "wrong type": ("page: persona", "page: 5", "kie.yaml:18: cases.one.page: wanted string, got 5"),
    "missing key": ("    page: persona\n", "", "kie.yaml:16: cases.one.page: is required"),
    "unknown place": (
        "where: [mock, live]",
        "where: [mock, life]",
        'kie.yaml:19: cases.one.where[1]: wanted one of ["mock", "live"], got life',
    ),
    "no day": (
        "page: persona",
        "page: persona\n    mark: {recorded: 2026-13-45}",
        "kie.yaml:19: cases.one.mark.recorded: wanted the format date, got 2026-13-45",
    ),
    "unknown page": (
        "page: persona",
        "page: persna",
        "kie.yaml:18: cases.one.page: persna is no page; did you mean persona?",
    ),
    "unknown operation": (
        "request: generatePersona",
        "request: {operation: generatePersonas}",
        (
            "kie.yaml:21: cases.one.request: generatePersonas is no operation of kie;"
            " did you mean generatePersona?"
        ),
    ),
    "no operation": (
        "request: generatePersona",
        "request: {body: {}}",
        "kie.yaml:21: cases.one.request: names no operation, and no method and url",
    ),
    "url without method": (
        "request: generatePersona",
        "request: {url: /api/v1/nothing}",
        "kie.yaml:21: cases.one.request: a request with a url of its own names its method",
    ),
    "unknown outcome": (
        "outcome: success",
        "outcome: sucess",
        (
            "kie.yaml:22: cases.one.expect.outcome: sucess is no outcome of generatePersona;"
            " did you mean success?"
        ),
    ),
    "unknown state": (
        "    request: generatePersona\n    expect: {status: 200, code: 200, outcome: success}",
        "    request: getMusicDetails\n    expect: {status: 200, state: SUCCES}",
        (
            "kie.yaml:22: cases.one.expect.state: SUCCES is no task state of getMusicDetails;"
            " did you mean SUCCESS?"
        ),
    ),
    "state where none are documented": (
        "outcome: success",
        "state: SUCCESS",
        "kie.yaml:22: cases.one.expect.state: generatePersona shows no task states",
    ),
    "unknown request": (
        "request: generatePersona",
        "request: generatePersonna",
        (
            "kie.yaml:21: cases.one.request: generatePersonna is no name of `requests`;"
            " did you mean generatePersona?"
        ),
    ),
    "unknown request that is changed": (
        "request: generatePersona",
        "request: {use: nothing, set: {/body/name: x}}",
        (
            "kie.yaml:21: cases.one.request: nothing is no name of `requests`; known:"
            " generatePersona, getCredits, getMusicDetails, first, second"
        ),
    ),
    "request that uses itself": (
        "request: generatePersona",
        "request: first",
        "kie.yaml:13: requests.second: first uses itself",
    ),
    "name that nothing gives": (
        "{song: {state: finished, spent: true}}\n    request: generatePersona",
        "{credits: 5}\n    request: getMusicDetails",
        "kie.yaml:21: cases.one.request: uses ${song.task}, which nothing gives or captures before it",
    ),
    "name in an expectation": (
        "code: 200",
        "code: '${code}'",
        "kie.yaml:22: cases.one.expect: uses ${code}, which nothing gives or captures before it",
    ),
    "name before its capture": (
        "outcome: success}",
        "outcome: success, body: {data: '${credits}'}}\n    capture: {credits: /body/data}",
        "kie.yaml:22: cases.one.expect: uses ${credits}, which nothing gives or captures before it",
    ),
    "name in a later step": (
        "outcome: success}",
        "outcome: success}\n    then:\n    - {request: getCredits, expect: {body: {data: '${left}'}}}",
        "kie.yaml:24: cases.one.then[0].expect: uses ${left}, which nothing gives or captures before it",
    ),
    "name in what is given": (
        "spent: true}",
        "spent: true}, webhook_key: '${key}'",
        "kie.yaml:20: cases.one.given: uses ${key}, which nothing gives or captures before it",
    ),
    "name that ends nowhere": (
        "code: 200",
        "code: '${song.task'",
        "kie.yaml:22: cases.one.expect: has a ${ that begins no name: ${song.task",
    ),
    "repeated nothing": (
        "request: generatePersona",
        "request: {use: generatePersona, set: {/body/name: {$repeat: [x, many]}}}",
        'kie.yaml:21: cases.one.request: $repeat wants a text and how often, got ["x", "many"]',
    ),
    "unknown matcher": (
        "code: 200",
        "code: {$like: 200}",
        "kie.yaml:22: cases.one.expect.code.$like: $like is no matcher; known: $type, $pattern,",
    ),
    "matcher with a wrong argument": (
        "code: 200",
        "code: {$type: text}",
        "kie.yaml:22: cases.one.expect.code.$type: $type wants one of string, number, integer,",
    ),
    "expression that ends too soon": (
        "code: 200",
        "message: {$pattern: '['}",
        "kie.yaml:22: cases.one.expect.message.$pattern: $pattern wants a regular expression",
    ),
    "ends that are no numbers": (
        "code: 200",
        "code: {$between: [a, b]}",
        "kie.yaml:22: cases.one.expect.code.$between: $between wants two numbers",
    ),
    "signature without a key": (
        "code: 200",
        "message: {$hmac-sha256: {key: 5, of: [a]}}",
        "kie.yaml:22: cases.one.expect.message.$hmac-sha256: $hmac-sha256 wants a key, and of which parts",
    ),
    "schema that is nowhere": (
        "code: 200",
        "body: {$schema: '#/components/schemas/Nothing'}",
        "kie.yaml:22: cases.one.expect.body.$schema: $schema wants a schema, or a reference into",
    ),
    "size that is no number": (
        "code: 200",
        "body: {data: {$size: many}}",
        "kie.yaml:22: cases.one.expect.body.data.$size: $size wants a number of items",
    ),
    "slip in an expression": (
        "code: 200",
        "body: {data: {$pattern: 'a[b'}}",
        (
            "kie.yaml:22: cases.one.expect.body.data.$pattern: $pattern wants a regular expression,"
            " and a[b is none: unterminated character set at position 1"
        ),
    ),
    "status that is a text": (
        "status: 200",
        "status: OK",
        'kie.yaml:22: cases.one.expect.status: wanted a number such as 200, or a matcher, got "OK"',
    ),
    "status that is a fraction": (
        "status: 200",
        "status: 200.5",
        "kie.yaml:22: cases.one.expect.status: wanted",
    ),
    "unknown state of a song": (
        "state: finished, spent: true",
        "state: finnished, spent: true",
        "kie.yaml:20: cases.one.given.song: finnished is no state of a song of kie; did you mean finished?",
    ),
    "unknown state of one of several songs": (
        "song: {state: finished, spent: true}",
        "song: finished, songs: {other: sung}",
        "kie.yaml:20: cases.one.given.songs.other: sung is no state of a song of kie; known: finished,",
    ),
    "callback that nobody asks for": (
        "outcome: success}",
        "outcome: success}\n    then:\n    - callback: {body: {code: 200}}",
        "kie.yaml:24: cases.one.then[0].callback: no request of the case gives ${callback.url}",
    ),
    "matcher inside a matcher": (
        "code: 200",
        "body: {data: {$each: {$one-of: [{$size: 2}, {$sise: 1}]}}}",
        "kie.yaml:22: cases.one.expect.body.data.$each.$one-of[1].$sise: $sise is no matcher; known: $type,",
    ),
    "matcher beside plain fields": (
        "code: 200",
        "body: {code: 200, $size: 3}",
        "kie.yaml:22: cases.one.expect.body.$size: $size stands beside plain fields; an object has either",
    ),
    "matcher of a callback": (
        "outcome: success}",
        (
            "outcome: success}\n    then:\n"
            "    - request: {use: getCredits, headers: {x-hook: '${callback.url}'}}\n"
            "      expect: {status: 200}\n    - callback: {body: {$sise: 3}}"
        ),
        "kie.yaml:26: cases.one.then[1].callback.body.$sise: $sise is no matcher; known: $type,",
    ),
    "left out and not there": (
        "request: generatePersona",
        "request: {use: generatePersona, without: [/body/style]}",
        "kie.yaml:21: cases.one.request.without[0]: /body/style is not there to be left out",
    ),
    "set in no part": (
        "request: generatePersona",
        "request: {use: generatePersona, set: {name: x}}",
        "kie.yaml:21: cases.one.request.set.name: name begins with none of /body, /query, /path, /header",
    ),
    "set below a text": (
        "request: generatePersona",
        "request: {use: generatePersona, set: {/body/name/first: x}}",
        "kie.yaml:21: cases.one.request.set./body/name/first: /body/name/first is no place in the request",
    ),
    "set beside a list's items": (
        "request: generatePersona",
        "request: {operation: generatePersona, body: [a], set: {/body/x: b}}",
        "kie.yaml:21: cases.one.request.set./body/x: /body/x is no place in the request",
    ),
    "part that is no object": (
        "request: generatePersona",
        "request: {use: getMusicDetails, set: {/query: 5}}",
        "kie.yaml:21: cases.one.request.set./query: /query is an object of names and values",
    ),
    "error without a failed task": (
        "spent: true}",
        "spent: true}, outcome: success, error: SENSITIVE_WORD_ERROR",
        "kie.yaml:20: cases.one.given.error: belongs to `outcome: task-failed`",
    ),
    "outcome that cannot be": (
        "spent: true}",
        "spent: true}, outcome: task-failed",
        "kie.yaml:20: cases.one.given.outcome: task-failed is no outcome of generatePersona;",
    ),
    "persona without song": (
        "    given: {song: {state: finished, spent: true}}\n    request: generatePersona",
        "    given: {persona: made}\n    request: getCredits",
        "kie.yaml:20: cases.one.given.persona: a persona is made of `song`, which is not given",
    ),
    "step that is none": (
        "outcome: success}",
        "outcome: success}\n    then:\n    - {request: getCredits}",
        "kie.yaml:24: cases.one.then[0].expect: is required",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_told_once_with_its_line_and_key(read: Read, slip: str) -> None:
    right, wrong, told = SLIPS[slip]
    assert GOOD.count(right) == 1

    (problem,) = read.problems(HEAD + GOOD.replace(right, wrong))

    assert problem.startswith(told)


def test_a_persona_wants_to_know_how_one_is_made(read: Read) -> None:
    text = (HEAD + GOOD).replace("  persona: {request: generatePersona, cost: 1, id", "  gap: 1 #")

    (problem,) = read.problems(text.replace("spent: true}", "spent: true}, persona: made"))

    assert problem == "kie.yaml:20: cases.one.given.persona: /live/persona does not say how one is made"


def test_what_is_said_of_live_is_looked_through_as_well(read: Read) -> None:
    recipe = (
        "{request: {operation: generatePersona, body: {taskId: '${songs.task}'}}, cost: 1, id: /body/data}"
    )
    text = (HEAD + GOOD).replace("{request: generatePersona, cost: 1, id: /body/data/personaId}", recipe)

    (problem,) = read.problems(text)

    assert problem == (
        "kie.yaml:5: live.persona.request: uses ${songs.task}, which nothing gives or captures before it"
    )


def test_what_stands_in_a_path_is_said(read: Read) -> None:
    text = (HEAD + GOOD).replace("provider: kie", "provider: evolink").split("live:")[0]
    case = GOOD.split("    given:")[0].replace("A song becomes a persona.", "A task can be looked at.")
    asked = "    request: {operation: getTask, path: {id: a}}\n    expect: {status: 404}\n"

    (problem,) = read.problems(f"{text}cases:\n{case}{asked}", "evolink.yaml")

    assert problem == (
        "evolink.yaml:9: cases.one.request: the operation has task_id in its path, which is not said"
    )


def test_two_items_of_a_for_each_that_are_alike(read: Read) -> None:
    items = "    for-each: [{name: a, code: 200}, {name: a, code: 201}]\n    where:"

    (problem,) = read.problems(HEAD + GOOD.replace("    where:", items))

    assert problem == "kie.yaml:19: cases.one.for-each[1]: a stands there already"


def test_a_field_that_an_item_does_not_have(read: Read) -> None:
    text = GOOD.replace("code: 200", "code: '${each.code}'")
    items = "    for-each: [{name: a, code: 200}, {name: b}]\n    where:"

    (problem,) = read.problems(HEAD + text.replace("    where:", items))

    assert problem == "kie.yaml:19: cases.one.for-each[1]: there is no ${each.code}"


def test_what_an_item_puts_in_place_keeps_the_format_too(read: Read) -> None:
    text = GOOD.replace("    where:", "    for-each: [{name: a, n: 5}, {name: b, n: many}]\n    where:")

    (problem,) = read.problems(HEAD + text.replace("spent: true}", "spent: true}, credits: '${each.n}'"))

    assert problem == 'kie.yaml:21: cases.one.given.credits: wanted number, got "many" (for-each b)'


def test_each_outside_of_a_for_each_is_a_wrong_value(read: Read) -> None:
    (problem,) = read.problems(HEAD + GOOD.replace("spent: true}", "spent: true}, credits: '${each}'"))

    assert problem == 'kie.yaml:20: cases.one.given.credits: wanted number, got "${each}"'


def test_several_slips_of_several_files_are_told_at_once_in_their_order(read: Read) -> None:
    (read.folder / "crun.yaml").write_text("provider: crun\npages: {}\ncases: {}\n")
    wrong = GOOD.replace("page: persona", "page: x").replace("code: 200", "code: {$like: 1}")

    problems = read.problems(HEAD + wrong + wrong.replace("one:", "two:"))

    assert [problem.partition(": ")[0] for problem in problems] == [
        "crun.yaml:2",
        "crun.yaml:3",
        "kie.yaml:18",
        "kie.yaml:22",
        "kie.yaml:25",
        "kie.yaml:29",
    ]


def test_a_case_name_that_is_there_twice(read: Read) -> None:
    (problem,) = read.problems(HEAD + GOOD + GOOD)

    assert problem.startswith("kie.yaml:23: ")
    assert "one" in problem


def test_two_files_for_one_provider(read: Read) -> None:
    (read.folder / "kie-too.yaml").write_text(HEAD + GOOD)

    (problem,) = read.problems(HEAD + GOOD)

    assert problem.startswith("kie.yaml:1: kie has its cases in ")
    assert problem.endswith("kie-too.yaml")


def test_what_is_no_yaml(read: Read) -> None:
    (problem,) = read.problems("provider: kie\npages: {persona: [}\n")

    assert problem.startswith("kie.yaml:2: ")


def test_what_is_not_utf_8(read: Read) -> None:
    assert read.problems(b"provider: k\xefe\n") == ["kie.yaml: cannot be read: it is not UTF-8"]


@pytest.mark.parametrize("text", ["", "- a\n", "5\n", "cases: {}\n"])
def test_what_is_no_case_file(read: Read, text: str) -> None:
    assert all(problem.startswith("kie.yaml") for problem in read.problems(text))


def test_a_provider_that_is_not_served_is_passed_over(read: Read) -> None:
    (read.folder / "other.yaml").write_text("provider: other\nwhatever: it says\n")

    assert list(read(HEAD + GOOD)) == ["kie"]


# --- what good files become ---------------------------------------------------------------------------------


def test_a_case_as_it_stands(read: Read) -> None:
    case = read.cases(GOOD)["one"]

    assert (case.provider, case.fact) == ("kie", "A song becomes a persona.")
    assert case.page == Page("docs.kie.ai, suno-api/generate-persona", "2026-11-21")
    assert case.where == {"mock", "live"}
    assert case.songs == {"song": {"state": "finished", "spent": True}}
    assert (case.takes_time, case.hears, case.cost) == (False, False, 0)
    assert (case.line(), case.line("/cases/one/expect/code")) == (16, 22)
    assert list(case.pairs()) == [("generatePersona", "success")]
    assert case.steps[0].request == {
        "operation": "generatePersona",
        "body": {"taskId": "${song.task}", "audioId": "${song.id}", "name": "Neon", "description": "Warm"},
    }


def test_a_request_that_changes_another_leaves_it_as_it_was(read: Read) -> None:
    request = """{use: generatePersona, without: [/body/audioId], key: other,
      set: {/body/name: Other, /body/a/b: 1, /header/x-a: y, /query: {q: 1}}}"""

    cases = read.cases(
        GOOD.replace("request: generatePersona", f"request: {request}") + GOOD.replace("one", "two")
    )

    assert cases["one"].steps[0].request == {
        "operation": "generatePersona",
        "body": {"taskId": "${song.task}", "name": "Other", "description": "Warm", "a": {"b": 1}},
        "headers": {"x-a": "y"},
        "query": {"q": 1},
        "key": "other",
    }
    assert cases["two"].steps[0].request["body"]["name"] == "Neon"


def test_a_for_each_is_a_case_for_each_of_its_items(read: Read) -> None:
    text = GOOD.replace("code: 200", "code: '${each.code}'").replace(
        "spent: true}", "spent: true}, credits: '${each.n}'"
    )
    items = "    for-each: [{name: none, n: 0, code: 402}, {name: 5, n: 5, code: 200}]\n    where:"

    cases = read.cases(text.replace("    where:", items))

    assert [*cases] == ["one/none", "one/5"]
    assert [case.given["credits"] for case in cases.values()] == [0, 5]
    assert [case.steps[0].expect["code"] for case in cases.values()] == [402, 200]
    assert cases["one/5"].steps[0].request["body"]["taskId"] == "${song.task}"


def test_an_item_may_stand_for_any_part_of_a_case(read: Read) -> None:
    item = "{name: a, receiver: [500], set: {/body/name: x}, left: /body/audioId, times: 2}"
    text = GOOD.replace("    where:", f"    for-each: [{item}]\n    times: '${{each.times}}'\n    where:")
    request = "request: {use: generatePersona, set: '${each.set}', without: ['${each.left}']}"

    cases = read.cases(
        text.replace("request: generatePersona", request).replace(
            "spent: true}", "spent: true}, receiver: '${each.receiver}'"
        )
    )

    step = cases["one/a"].steps[0]
    assert cases["one/a"].given["receiver"] == [500]
    assert (step.times, step.request["body"]) == (
        2,
        {"taskId": "${song.task}", "name": "x", "description": "Warm"},
    )


def test_an_item_that_is_a_slip_does_not_hide_another(read: Read) -> None:
    text = GOOD.replace("    where:", "    for-each: [a, b]\n    wear: '${each}'\n    where:")

    (problem,) = read.problems(HEAD + text)

    assert problem == "kie.yaml:20: cases.one.wear: is not a documented field"


def test_every_kind_of_step(read: Read) -> None:
    then = """\
    then:
    - {after: 30}
    - request: {use: getCredits, headers: {x-hook: '${callback.url}'}}
      times: 3
      expect: {status: 200}
      capture: {left: /body/data}
      after: 5
    - {poll: getMusicDetails, every: 10, at-most: 300, until: {state: SUCCESS}}
    - {callback: {body: {code: 200, data: '${left}'}}}
    - {no-callback: true}
"""

    case = read.cases(GOOD + then)["one"]

    kinds = [(step.kind, step.pointer.removeprefix("/cases/one"), step.after) for step in case.steps]
    assert kinds == [
        ("call", "", 0),
        ("wait", "/then/0", 30),
        ("call", "/then/1", 5),
        ("poll", "/then/2", 0),
        ("callback", "/then/3", 0),
        ("silence", "/then/4", 0),
    ]
    assert (case.steps[2].times, case.steps[2].capture) == (3, {"left": "/body/data"})
    assert (case.steps[3].every, case.steps[3].at_most) == (10, 300)
    assert (case.takes_time, case.hears) == (True, True)
    assert list(case.states()) == [("getMusicDetails", "SUCCESS")]


@pytest.mark.parametrize(
    ("written", "mark", "shown"),
    [
        ("page", Mark("page", "2026-11-21"), "page only 2026-11-21"),
        ("{recorded: 2026-08-23}", Mark("recorded", "2026-08-23"), "recorded 2026-08-23"),
        (
            "{differs: overwrites, seen: 2026-09-22}",
            Mark("differs", "2026-09-22", "overwrites"),
            "known to differ 2026-09-22",
        ),
    ],
)
def test_a_mark_says_how_sure_a_case_is(read: Read, written: str, mark: Mark, shown: str) -> None:
    case = read.cases(GOOD.replace("    where:", f"    mark: {written}\n    where:"))["one"]

    assert (case.mark, str(case.mark)) == (mark, shown)


def test_without_a_mark_the_page_is_all_there_is(read: Read) -> None:
    assert read.cases(GOOD)["one"].mark == Mark("page", "2026-11-21")


# --- from the command line ----------------------------------------------------------------------------------


def test_a_slip_is_wrong_usage(tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kie.yaml").write_text(HEAD + GOOD.replace("page: persona", "page: x"))

    code = main(["check", "mock", "--cases", "."])

    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err == "persona-mock: kie.yaml:18: cases.one.page: x is no page; known: persona\n"


@pytest.mark.parametrize(
    ("folder", "told"),
    [("nothing", "--cases: nothing is no folder"), (".", "no cases for crun, evolink, kie, yuto")],
)
def test_no_case_files_are_wrong_usage(
    folder: str, told: str, tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["check", "mock", "--cases", folder]) == 2

    assert told in capsys.readouterr().err
