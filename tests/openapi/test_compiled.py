"""A document compiled: its operations, what each can answer, and faults that show only then."""

from __future__ import annotations

import pytest

from mockserver.openapi.compiled import Envelope, Operation
from tests.openapi.conftest import Faults, Read

HEAD = 'openapi: 3.1.0\ninfo: {title: t, version: "1"}\n'
OK = "responses: {'200': {description: ok}}"


def paths(text: str, head: str = HEAD) -> str:
    """A document whose paths begin in line 4."""
    return f"{head}paths:\n" + "".join(f"  {line}\n" for line in text.splitlines())


def only(read: Read, text: str) -> Operation:
    (operation,) = read(text).operations()
    return operation


# --- faults that show only then ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f"/a:\n  get: {{operationId: x, {OK}}}\n/b:\n  post:\n    operationId: x\n    {OK}",
            "7: the operationId 'x' stands at GET /a already",
        ),
        (
            f"/a:\n  get: {{{OK}}}\n/b:\n  get: {{operationId: GET /a, {OK}}}",
            "7: the operationId 'GET /a' stands at GET /a already",
        ),
        (
            f"/a/{{x}}:\n  get: {{{OK}}}\n/a/{{y}}:\n  get: {{{OK}}}",
            "7: GET /a/{y} fits the same paths as /a/{x}",
        ),
        (
            f"/a/{{x}}.{{y}}:\n  get: {{{OK}}}\n/a/{{y}}.{{x}}:\n  get: {{{OK}}}",
            "7: GET /a/{y}.{x} fits the same paths as /a/{x}.{y}",
        ),
        (
            f"/a/:\n  x-trailing-slash: optional\n  get: {{{OK}}}\n/a:\n  get: {{{OK}}}",
            "8: GET /a fits the same paths as /a/",
        ),
        (
            f"/a/{{x}}:\n  get:\n    parameters:\n    - {{name: y, in: path, schema: {{}}}}\n    {OK}",
            "5: the path /a/{x} has no {y} for its path parameter",
        ),
        (
            f"/a:\n  parameters: [{{name: y, in: path, schema: {{}}}}]\n  get: {{{OK}}}",
            "6: the path /a has no {y} for its path parameter",
        ),
    ],
)
def test_operations_that_stand_in_each_others_way_are_fatal(faults: Faults, text: str, told: str) -> None:
    assert faults(paths(text)) == [f"doc.yaml:{told}"]


def test_base_paths_that_make_two_paths_the_same_are_fatal(faults: Faults) -> None:
    text = (
        f"/v1/a:\n  get: {{{OK}}}\n  servers: [{{url: /}}]\n/a:\n  get: {{{OK}}}\n  servers: [{{url: /v1}}]"
    )

    (fault,) = faults(paths(text))

    assert fault == "doc.yaml:8: GET /v1/a fits the same paths as /v1/a"


def test_all_that_shows_only_then_is_told_at_once(faults: Faults) -> None:
    text = f"/a/{{x}}: {{get: {{operationId: o, {OK}}}}}\n/a/{{y}}: {{get: {{operationId: o, {OK}}}}}"

    assert [fault.partition(":")[2] for fault in faults(paths(text))] == [
        "5: the operationId 'o' stands at GET /a/{x} already",
        "5: GET /a/{y} fits the same paths as /a/{x}",
    ]


# --- operations --------------------------------------------------------------------------------------------


def test_every_method_of_every_path_is_an_operation_in_the_order_of_the_document(read: Read) -> None:
    text = (
        f"/b:\n  post: {{operationId: made, {OK}}}\n  get: {{{OK}}}\n/a: {{trace: {{{OK}}}}}\nx-c: {{get: 7}}"
    )

    document = read(paths(text))

    assert [(o.name, o.method, o.path) for o in document.operations()] == [
        ("GET /b", "GET", "/b"),
        ("made", "POST", "/b"),
        ("TRACE /a", "TRACE", "/a"),
    ]
    assert document.operation("made") is not None
    assert document.operation("nope") is None


def test_a_path_item_may_be_a_reference_with_more_beside_it(read: Read) -> None:
    item = f"components: {{pathItems: {{I: {{get: {{{OK}}}, parameters: [{{name: q, in: query}}]}}}}}}\n"
    text = paths(f"/a:\n  $ref: '#/components/pathItems/I'\n  post: {{{OK}}}") + item

    document = read(text)

    assert [operation.name for operation in document.operations()] == ["GET /a", "POST /a"]
    assert [[p.name for p in operation.parameters] for operation in document.operations()] == [["q"], ["q"]]


def test_a_parameter_of_the_operation_stands_in_for_that_of_the_path(read: Read) -> None:
    text = (
        "/a:\n  parameters: [{name: q, in: query, required: true}, {name: q, in: header}]\n"
        f"  get: {{parameters: [{{name: q, in: query}}], {OK}}}"
    )

    operation = only(read, paths(text))

    assert [(p.location, p.required) for p in operation.parameters] == [("query", False), ("header", False)]


@pytest.mark.parametrize(
    ("servers", "base"),
    [
        ("[]", ""),
        ("[{url: /}]", ""),
        ("[{url: /v1/}]", "/v1"),
        ("[{url: v1}]", "/v1"),
        ("[{url: 'https://api.example.com'}]", ""),
        ("[{url: 'https://api.example.com/v2/x'}, {url: /v1}]", "/v2/x"),
        ("[{url: '/{v}', variables: {v: {default: v3}}}]", "/v3"),
        ("[{url: 'http://[::1/v1'}]", ""),
    ],
)
def test_an_operation_stands_under_the_path_of_its_first_server(read: Read, servers: str, base: str) -> None:
    assert only(read, paths(f"/a: {{get: {{{OK}}}}}", f"{HEAD}servers: {servers}\n")).full_path == f"{base}/a"


def test_hosts_are_those_of_the_servers_but_this_machines(read: Read) -> None:
    servers = (
        "[{url: 'https://API.example.com:8443/v1'}, {url: 'http://localhost:3000'}, {url: 'http://[::1]'}]"
    )

    assert read(paths(f"/a: {{get: {{{OK}}}}}", f"{HEAD}servers: {servers}\n")).hosts == {"api.example.com"}


# --- what the answers mean ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statuses", "success"),
    [
        ("'204', '201', '404'", 201),
        ("'2XX', '404'", 200),
        ("default, '404'", 200),
        ("'2XX', default", 200),
    ],
)
def test_success_is_the_lowest_status_that_says_so(read: Read, statuses: str, success: int) -> None:
    responses = ", ".join(f"{status}: {{description: d}}" for status in statuses.split(", "))

    operation = only(read, paths(f"/a: {{get: {{responses: {{{responses}}}}}}}"))

    assert operation.answers["success"].status == success


def test_a_document_without_marks_has_outcomes_by_status(read: Read) -> None:
    statuses = ("200", "302", "400", "401", "422", "5XX", "x-note", "default")
    responses = ", ".join(f"'{status}': {{description: d}}" for status in statuses)

    operation = only(read, paths(f"/a: {{get: {{responses: {{{responses}}}}}}}"))

    assert {name: answer.status for name, answer in operation.answers.items()} == {
        "success": 200,
        "unauthorized": 401,
        "invalid": 422,
        "http-302": 302,
        "http-400": 400,
        "http-5XX": 500,
        "http-default": 500,
    }


MARKED = """
/a:
  get:
    operationId: o
    responses:
      '409':
        description: d
        content:
          application/json:
            examples:
              again: {x-outcome: duplicate, value: {code: 409, message: twice}}
              oldest: {value: {code: 410}}
      '200':
        description: d
        content:
          application/json:
            examples:
              done: {x-outcome: success, x-state: finished, value: {code: 200}}
              waits: {x-outcome: success, x-state: waiting, value: {code: 200}}
              other: {x-outcome: success, x-operation: another, value: {code: 200}}
              odd: {x-outcome: invalid, x-quirk: strict=no, value: {code: 200}}
""".strip()


def test_a_document_with_marks_has_the_outcomes_that_are_marked_in_the_order_of_the_vocabulary(
    read: Read,
) -> None:
    operation = only(read, paths(MARKED, f"{HEAD}x-envelope: {{code: /code, message: [/text, /message]}}\n"))

    assert {name: answer.status for name, answer in operation.answers.items()} == {
        "success": 200,
        "duplicate": 409,
    }
    assert [example.name for example in operation.answers["success"].examples] == ["done", "waits"]
    assert list(operation.answers) == ["success", "duplicate"]
    assert operation.states == ("finished", "waiting")
    assert operation.marked


def test_an_envelope_says_where_code_and_message_are(read: Read) -> None:
    document = read(paths(MARKED, f"{HEAD}x-envelope: {{code: /code, message: [/text, /message]}}\n"))

    assert document.envelope.is_numeric
    assert document.envelope.read({"code": 409, "message": "twice"}) == (409, "twice")
    assert document.envelope.read({"text": "first", "message": "second"}) == (None, "first")
    assert document.envelope.read([]) == (None, None)


def test_an_envelope_of_words_has_no_number() -> None:
    envelope = Envelope(("/error/code",), ())

    assert envelope.read({"error": {"code": "nope"}}) == ("nope", None)
    assert not envelope.is_numeric


@pytest.mark.parametrize(
    ("status", "found"), [(404, "404"), (410, "4XX"), (503, "default"), (200, "200"), (299, "default")]
)
def test_the_response_of_a_status_is_its_own_or_its_ranges_or_the_default(
    read: Read, status: int, found: str
) -> None:
    responses = (
        "{'200': {description: d}, '404': {description: d}, 4XX: {description: d}, default: {description: d}}"
    )

    response = only(read, paths(f"/a: {{get: {{responses: {responses}}}}}")).response(status)

    assert response is not None
    assert response.status == found
