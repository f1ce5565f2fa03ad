"""Bad input at every provider: bodies, credentials, queries, connections; each meets its own refusal."""

from __future__ import annotations

import json
import logging
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import cycle
from typing import Any

import pytest

from tests.conftest import Client
from tests.random.asgi import Answer, call
from tests.web.calls import (
    CALLS,
    EVOLINK_PERSONA,
    KIE_SONG,
    NOBODYS,
    PROVIDERS,
    YUTO_PERSONA,
    Body,
    Call,
    about,
    credential,
    in_sandbox,
    planted,
    shared_app,
)

POSTS = [operation for operation, known in CALLS.items() if known.method == "POST"]
PERSONAS = [(provider, "generatePersona") for provider in PROVIDERS]
SUBMISSIONS = {
    "kie": "generateMusic",
    "crun": "createTask",
    "evolink": "generateMusic",
    "yuto": "submitMusic",
}
# Generous: the slowest of these takes a quarter of a second on one idle core.
SECONDS = 5


@pytest.fixture(scope="module")
def app() -> Any:
    return shared_app()


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


def post(
    client: Client, operation: tuple[str, str], raw: bytes, kind: str | None = "application/json"
) -> Any:
    """The bytes at an operation, with a good credential."""
    headers = credential(operation[0], "k") | ({"content-type": kind} if kind is not None else {})
    return client.post(CALLS[operation].path, content=raw, headers=headers)


def good(operation: tuple[str, str], ids: Any = NOBODYS) -> bytes:
    """A body with nothing wrong; without ids of ours it is about nobody's song."""
    return json.dumps(about(CALLS[operation].json, ids)).encode()


def with_field(operation: tuple[str, str], raw: bytes, ids: Any = NOBODYS) -> bytes:
    """A good body with one field more, its value as raw bytes."""
    return good(operation, ids)[:-1] + b', "zz": ' + raw + b"}"


def newest(client: Client) -> Any:
    return client.get("/_mock/requests?limit=1").json()["requests"][0]


def assert_refused_as(provider: str, answer: Any) -> None:
    """The shape in which each provider says that a request is invalid, written out by hand."""
    body = answer.json()
    if provider == "evolink":
        assert (answer.status_code, body.keys()) == (400, {"error"})
        assert {**body["error"], "message": ""} == {
            "code": "invalid_request",
            "message": "",
            "type": "invalid_request_error",
        }
        message = body["error"]["message"]
    elif provider == "yuto":
        assert (answer.status_code, body.keys()) == (400, {"code", "message", "data"})
        assert (body["code"], body["data"]) == ("invalid_request", None)
        message = body["message"]
    else:
        assert answer.status_code == 200
        assert body.keys() - {"errors"} == {"code", {"kie": "msg", "crun": "message"}[provider], "data"}
        assert (body["code"], body["data"]) == (422, None)
        message = body["msg" if provider == "kie" else "message"]
    assert message
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-mock-provider"] == provider
    assert answer.headers["x-mock-outcome"] == "invalid"


# --- bodies that are no JSON -------------------------------------------------------------------------------

DEEP = 100_000
UNREADABLE = {
    "no JSON": b"taskId=5c79be8e&name=Neon",
    "blanks": b" \r\n\t ",
    "one quote": b'"',
    "a comment": b'/* a comment */ {"name": "Neon"}',
    "single quotes": b"{'name': 'Neon'}",
    "trailing comma": b'{"name": "Neon",}',
    "two values": b'{"name": "Neon"} {"name": "Neon"}',
    "line break in a text": b'{"name": "Ne\non"}',
    "control character": b'{"name": "Ne\x00on"}',
    "unknown escape": rb'{"name": "\x41"}',
    "zero bytes": bytes(1000),
    "NaN": b'{"vocalStart": NaN}',
    "Infinity": b'{"vocalStart": Infinity}',
    "-Infinity": b'{"vocalStart": -Infinity}',
    "beyond a double": b'{"vocalStart": 1e999}',
    "below a double": b'{"vocalStart": -1e999}',
    "leading zero": b'{"vocalStart": 012}',
    "hexadecimal": b'{"vocalStart": 0x1F}',
    "5000 digits": b'{"vocalStart": ' + b"9" * 5000 + b"}",
    "5000 digits below zero": b'{"vocalStart": -' + b"9" * 5000 + b"}",
    "invalid UTF-8": b'{"name": "Neon \xff"}',
    "UTF-8 broken off": b'{"name": "Neon \xe2\x98"}',
    "overlong UTF-8": b'{"name": "\xc0\xaf"}',
    "Latin-1": '{"name": "Größe"}'.encode("latin-1"),
    "UTF-16": '{"name": "Neon"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"name": "Neon"}'.encode("utf-16-le"),
    "UTF-32": '{"name": "Neon"}'.encode("utf-32"),
    "byte order mark": b'\xef\xbb\xbf{"name": "Neon"}',
    "lone surrogate": rb'{"name": "\ud83d"}',
    "second half alone": rb'{"name": "\ude00"}',
    "halves the wrong way round": rb'{"name": "\ude00\ud83d"}',
    "lone surrogate in a key": rb'{"\ud83d": 1}',
    "raw surrogate": b'{"name": "\xed\xa0\x80"}',
    "65 lists": b"[" * 65 + b"]" * 65,
    "65 objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "65 in turn": b'{"a":[' * 32 + b"{}" + b"]}" * 32,
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep and open": b'[{"a":' * DEEP,
}


@pytest.mark.parametrize("operation", POSTS, ids=".".join)
def test_what_cannot_be_read_is_invalid_in_the_providers_words(
    client: Client, operation: tuple[str, str]
) -> None:
    for name, raw in UNREADABLE.items():
        began = time.monotonic()
        answer = post(client, operation, raw)

        assert answer.headers["x-mock-violation"] == "/body: wellFormed", name
        assert_refused_as(operation[0], answer)
        assert time.monotonic() - began < SECONDS, name


@pytest.mark.parametrize("operation", POSTS, ids=".".join)
def test_a_body_that_breaks_off_anywhere_is_invalid(client: Client, operation: tuple[str, str]) -> None:
    whole = good(operation)

    answers = [post(client, operation, whole[:end]) for end in range(1, len(whole), 7)]

    assert {answer.headers["x-mock-violation"] for answer in answers} == {"/body: wellFormed"}
    for answer in answers:
        assert_refused_as(operation[0], answer)


@pytest.mark.parametrize("operation", POSTS, ids=".".join)
def test_no_body_at_all_is_invalid(client: Client, operation: tuple[str, str]) -> None:
    answer = post(client, operation, b"")

    assert answer.headers["x-mock-violation"] == "/body: required"
    assert_refused_as(operation[0], answer)


@pytest.mark.parametrize("operation", POSTS, ids=".".join)
@pytest.mark.parametrize("raw", [b"[]", b'"Neon"', b"null", b"7", b"-0.5", b"true", b"[" * 64 + b"]" * 64])
def test_a_body_that_is_no_object_is_invalid(client: Client, operation: tuple[str, str], raw: bytes) -> None:
    answer = post(client, operation, raw)

    assert answer.headers["x-mock-violation"] == "/body: type"
    assert_refused_as(operation[0], answer)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": 1e999}', "1e999 is beyond the range of numbers"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number with too many digits"),
        (b'{"a": "\xff"}', "invalid UTF-8 at byte 7"),
        (rb'{"a": "\ud800"}', "a lone surrogate, which is half a character"),
        (b"[" * 65 + b"]" * 65, "nested deeper than 64 levels"),
        (b"[" * DEEP, "nested deeper than 64 levels"),
        (b'{"a":\n "b', "not JSON: Unterminated string starting at at line 2 column 2"),
    ],
)
def test_the_journal_says_why_a_body_cannot_be_read(client: Client, raw: bytes, reason: str) -> None:
    post(client, ("kie", "generatePersona"), raw)

    (violation,) = newest(client)["violations"]
    assert (violation["pointer"], violation["rule"]) == ("/body", "wellFormed")
    assert violation["got"] == violation["message"] == reason


def kept(client: Client) -> Any:
    """All that is kept of a sandbox, but for the number of its calls."""
    state = client.get("/_mock/state").json()
    state["ids"].pop("request", None)
    return state


@pytest.mark.parametrize("operation", POSTS, ids=".".join)
def test_a_broken_request_makes_nothing_charges_nothing_and_takes_no_id(
    client: Client, operation: tuple[str, str]
) -> None:
    whole = good(operation, planted(client, operation[0]))
    before = kept(client)

    for raw in (b"", b"{}", b"[]", whole[:-1], *UNREADABLE.values()):
        assert post(client, operation, raw).headers["x-mock-outcome"] == "invalid"
    post(client, operation, whole, "text/plain")
    client.post(CALLS[operation].path, content=whole)

    assert kept(client) == before


# --- bodies that only look bad -----------------------------------------------------------------------------


@pytest.mark.parametrize("operation", [o for o in POSTS if o[0] != "crun"], ids=".".join)
@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 63 + b"]" * 63,
        b'{"a":' * 63 + b"1" + b"}" * 63,
        rb'"\ud83d\ude00"',
        b"1e-999",
        b"1E+2",
        b"9" * 4000,
        b"0." + b"3" * 5000,
        b'"' + b"x" * 100_000 + b'"',
        '"größer ☃ 😀"'.encode(),
        rb'"[[[[{{{{\"\\ NaN Infinity \\ud800"',
    ],
    ids=range(10),
)
def test_what_only_looks_bad_is_taken(client: Client, operation: tuple[str, str], raw: bytes) -> None:
    ids = planted(client, operation[0])

    answer = post(client, operation, with_field(operation, raw, ids))

    assert answer.headers["x-mock-outcome"] == "success"
    assert "x-mock-violation" not in answer.headers


@pytest.mark.parametrize("operation", POSTS, ids=".".join)
@pytest.mark.parametrize(
    "kind", [None, "", "application/json", "APPLICATION/JSON", "application/json; charset=utf-8"]
)
def test_json_and_a_missing_content_type_are_read_as_json(
    client: Client, operation: tuple[str, str], kind: str | None
) -> None:
    ids = planted(client, operation[0])

    answer = post(client, operation, good(operation, ids), kind)

    assert answer.headers["x-mock-outcome"] == "success"


@pytest.mark.parametrize("operation", POSTS, ids=".".join)
@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/html",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/jsonp",
        "json",
        "*/*",
        "; charset=utf-8",
        "x" * 5000,
        "\xff/\xfe",
    ],
)
def test_a_content_type_that_is_not_json_is_invalid(
    client: Client, operation: tuple[str, str], kind: str
) -> None:
    headers: Any = {**credential(operation[0], "k"), "content-type": kind.encode("latin-1")}
    answer = client.post(CALLS[operation].path, content=good(operation), headers=headers)

    assert answer.headers["x-mock-violation"] == "/header/content-type: contentType"
    assert_refused_as(operation[0], answer)


# --- a key twice, and very many of everything --------------------------------------------------------------


@pytest.mark.parametrize("operation", PERSONAS, ids=".".join)
def test_of_a_key_that_stands_twice_the_last_one_counts_and_is_noted(
    client: Client, operation: tuple[str, str]
) -> None:
    raw = good(operation, planted(client, operation[0]))
    first = next(iter(CALLS[operation].json))

    answer = post(client, operation, b'{"%b": [], ' % first.encode() + raw[1:])

    assert answer.headers["x-mock-outcome"] == "success"
    assert answer.headers["x-mock-violation"] == f"/body/{first}: duplicateKey"
    assert [v["pointer"] for v in newest(client)["violations"]] == [f"/body/{first}"]


def test_a_key_is_the_same_however_it_is_written(client: Client) -> None:
    body = good(("kie", "generatePersona"))[:-1] + rb', "na\u006de": "Neon"}'

    answer = post(client, ("kie", "generatePersona"), body)

    assert answer.headers["x-mock-violation"] == "/body/name: duplicateKey"


def test_every_place_of_a_repeated_key_is_noted_in_the_order_of_the_body(client: Client) -> None:
    body = with_field(("yuto", "generatePersona"), b'[{"a/b": 1, "a/b": 2}, {"c": {"~": 1, "~": 2}}]')

    post(client, ("yuto", "generatePersona"), body)

    assert [(v["pointer"], v["rule"]) for v in newest(client)["violations"]] == [
        ("/body/zz/0/a~1b", "duplicateKey"),
        ("/body/zz/1/c/~0", "duplicateKey"),
    ]


MANY = 100_000
ENDLESS = {
    "one key over and over": b"{" + b",".join([b'"a":1'] * MANY) + b"}",
    "many keys twice": b"{" + b",".join(b'"%d":1,"%d":2' % (n, n) for n in range(25_000)) + b"}",
    "many objects with a key twice": b"[" + b",".join([b'{"a":1,"a":2}'] * 70_000) + b"]",
    "many keys": b"{" + b",".join(b'"k%d":1' % n for n in range(70_000)) + b"}",
    "many lists": b"[" + b",".join([b"[]"] * 300_000) + b"]",
    "many lists far down": b"[" * 63 + b"[]," * 330_000 + b"1" + b"]" * 63,
    "a long text": b'{"a":"' + b"x" * 1_000_000 + b'"}',
    "many escapes": b'{"a":"' + rb"\ud83d\ude00" * 85_000 + b'"}',
    "a long number": b'{"a":0.' + b"1" * 1_000_000 + b"}",
    "a long exponent": b'{"a":1e-' + b"1" * 1_000_000 + b"}",
    "quotes": b'"' * 1_000_000,
    "backslashes": b"\\" * 1_000_000,
    "open objects": b"{" * 1_000_000,
}


@pytest.mark.parametrize(("provider", "name"), list(zip(cycle(PROVIDERS), ENDLESS, strict=False)))
def test_a_megabyte_of_anything_is_invalid_soon(client: Client, provider: str, name: str) -> None:
    began = time.monotonic()
    answer = post(client, (provider, "generatePersona"), ENDLESS[name])
    seconds = time.monotonic() - began

    assert_refused_as(provider, answer)
    assert seconds < SECONDS


@pytest.mark.parametrize(
    ("operation", "body", "pointer"),
    [
        (("yuto", "generatePersona"), {**YUTO_PERSONA, "clips": [7] * 300_000}, "/body/clips/0"),
        (("yuto", "fetchTasks"), {"ids": [None] * 200_000}, "/body/ids/0"),
    ],
)
def test_of_very_many_violations_the_first_hundred_are_told(
    client: Client, operation: tuple[str, str], body: Body, pointer: str
) -> None:
    began = time.monotonic()
    answer = post(client, operation, json.dumps(body, separators=(",", ":")).encode())
    entry = newest(client)
    seconds = time.monotonic() - began

    assert_refused_as("yuto", answer)
    assert answer.headers["x-mock-violation"] == f"{pointer}: type"
    assert len(entry["violations"]) == 100
    assert seconds < SECONDS


def test_repeated_keys_do_not_crowd_out_the_violation_that_refuses(client: Client) -> None:
    twice = b",".join(b'"k%d":1,"k%d":2' % (n, n) for n in range(1000))
    answer = post(client, ("evolink", "generatePersona"), b"{" + twice + b"," + b'"model":"suno-persona"}')

    rules = [v["rule"] for v in newest(client)["violations"]]
    assert answer.headers["x-mock-outcome"] == "invalid"
    assert rules[:100] == ["duplicateKey"] * 100
    assert "required" in rules[100:]


def test_the_journal_shows_what_nobody_can_read(client: Client) -> None:
    bodies = [b"\xff\xfe", b"[" * DEEP, rb'{"token": "\ud800"}', b'{"token": "s3cret', bytes(3)]
    for body in bodies:
        post(client, ("kie", "generatePersona"), body)

    journal = client.get("/_mock/requests?full=true")

    shown = [entry["request"]["body"] for entry in journal.json()["requests"]]
    assert journal.status_code == 200
    assert shown[:2] == ["2 bytes of application/json", "[" * DEEP]
    assert "s3cret" not in journal.text


# --- who calls ---------------------------------------------------------------------------------------------

UNAUTHORIZED: dict[str, tuple[int, Any]] = {
    "kie": (200, {"code": 401, "msg": "You do not have access permissions", "data": None}),
    "crun": (200, {"code": 401, "message": "Unauthorized", "data": None}),
    "evolink": (
        401,
        {
            "error": {
                "code": "unauthorized",
                "message": "Invalid or expired token",
                "type": "authentication_error",
            }
        },
    ),
    "yuto": (
        401,
        {
            "error": {
                "message": "Invalid token (request id: 20260101000000000000000mockYuto)",
                "type": "new_api_error",
                "code": "",
            }
        },
    ),
}
BAD_BEARERS: list[list[str]] = [
    [],
    [""],
    [" "],
    ["k"],
    ["Bearer"],
    ["Bearer "],
    ["Bearer \t "],
    ["Bearer\tk"],
    ["Bearer=k"],
    ["Basic azpr"],
    ["Basic !!!"],
    ['Digest username="k"'],
    ["Bearer,"],
    ["Basic azpr", "Bearer k"],
    ["", "Bearer k"],
    ["\xff\xfe\xfd"],
    ["B\xe9arer k"],
    ["\u00a0"],
    ["x" * 60_000],
    ["Bearer" + "r" * 60_000],
]


def persona(app: Any, provider: str, headers: list[tuple[str, str]]) -> Answer:
    """A good persona call with these headers, as they travel."""
    known = CALLS[provider, "generatePersona"]
    return call(app, "POST", known.path, headers, json_of(known))


def json_of(known: Call) -> bytes:
    return json.dumps(known.json).encode()


@pytest.mark.parametrize("provider", ["kie", "evolink", "yuto"])
@pytest.mark.parametrize("values", BAD_BEARERS, ids=range(len(BAD_BEARERS)))
def test_a_malformed_authorization_is_unauthorized_in_the_providers_words(
    app: Any, provider: str, values: list[str]
) -> None:
    answer = persona(app, provider, [("authorization", value) for value in values])

    assert (answer.status, json.loads(answer.body)) == UNAUTHORIZED[provider]
    assert answer.headers["x-mock-outcome"] == "unauthorized"
    assert answer.headers["x-mock-violation"] == "/header/authorization: security"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("x-api-key", "")],
        [("x-api-key", " \t")],
        [("api-key", "k")],
        [("x_api_key", "k")],
        [("authorization", "k")],
        [("authorization", "Bearer k")],
    ],
)
def test_a_missing_key_is_unauthorized_in_the_words_of_crun(app: Any, headers: list[tuple[str, str]]) -> None:
    answer = persona(app, "crun", headers)

    assert (answer.status, json.loads(answer.body)) == UNAUTHORIZED["crun"]
    assert answer.headers["x-mock-violation"] == "/header/x-api-key: security"


@pytest.mark.parametrize("key", ["x" * 60_000, "\xff\xfe", "k, k", "mock-", "mock-nonsense", "0"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_odd_key_of_the_right_scheme_is_an_account_like_any_other(
    app: Any, provider: str, key: str
) -> None:
    known = CALLS[provider, SUBMISSIONS[provider]]

    answer = call(app, "POST", known.path, list(credential(provider, key).items()), json_of(known))

    assert (answer.headers["x-mock-outcome"], answer.status) == ("success", 200)


def test_a_long_key_is_kept_nowhere_whole(client: Client) -> None:
    key = "sk-" + "0123456789" * 6000
    known = CALLS["kie", "getCredits"]
    client.get(known.path, headers=credential("kie", key))
    client.get(known.path, headers={"authorization": key})

    journal = client.get("/_mock/requests?full=true").text

    assert "0123456789" not in journal
    assert len(journal) < 10_000


# --- queries -----------------------------------------------------------------------------------------------

KEY = [("authorization", "Bearer k")]
DETAILS = "/api/v1/generate/record-info"


@pytest.mark.parametrize(
    "query",
    [
        "taskId=5c&" + "x" * 60_000,
        "taskId=5c&" + "&".join(f"n{number}={number}" for number in range(10_000)),
        "&".join(["taskId=5c"] * 7_000),
        "taskId=first&taskId=second",
        "taskId=%ff%fe",
        "taskId=%ed%a0%80",
        "taskId=%zz",
        "taskId=100%",
        "taskId=%00",
        "taskId=a+b",
        "taskId=a=b=c",
        "taskId=5c&taskId[]=1&taskId[x]=2&[]=3",
        "taskId=5c&" + "%5B" * 1_000 + "=1",
        "?taskId=0&taskId=5c",
        "&&&=&=&taskId=5c&&",
        "taskId=5c;drop",
        "%74ask%49d=5c",
        "taskId=5c&__dynamic=perhaps",
        "taskId=5c&__code=",
        "taskId=5c&__unknown=1",
    ],
)
def test_an_absurd_query_with_the_parameter_in_it_is_answered(app: Any, query: str) -> None:
    began = time.monotonic()
    answer = call(app, "GET", f"{DETAILS}?{query}", KEY)

    # Nobody has such a task; that it is looked for shows that the parameter was read.
    assert (answer.status, answer.headers["x-mock-outcome"]) == (200, "not-found")
    assert "x-mock-violation" not in answer.headers
    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize(
    "query", ["%", "taskId[]=5c", "taskid=5c", "&&=&", "=5c", "taskId%3D5c", "x" * 60_000]
)
def test_an_absurd_query_without_the_parameter_is_invalid(app: Any, query: str) -> None:
    answer = call(app, "GET", f"{DETAILS}?{query}", KEY)

    assert json.loads(answer.body)["code"] == 422
    assert answer.headers["x-mock-violation"] == "/query/taskId: required"


@pytest.mark.parametrize(
    "wish",
    [
        "__code=abc",
        "__code=-1",
        "__code=0",
        "__code=200.0",
        "__code=4e2",
        "__code=%D9%A4%D9%A0%D9%A9",
        "__code=%C2%B2",
        "__code=" + "9" * 5000,
        "__code=" + "9" * 60_000,
        "__code=409%00",
        "__example=nope",
        "__example=" + "x" * 60_000,
        "__example=%ff",
    ],
)
def test_an_absurd_wish_is_undocumented(app: Any, wish: str) -> None:
    answer = call(app, "GET", f"{DETAILS}?taskId=5c&{wish}", KEY)

    assert (answer.status, answer.headers["x-mock-error"]) == (501, "outcome-undocumented")
    assert "success" in json.loads(answer.body)["outcomes"]


@pytest.mark.parametrize(
    "value", ["code=" + "9" * 5000, "code=\xff", "outcome=", "=", ";;,,", "code", 'code="', "a" * 60_000]
)
def test_an_absurd_prefer_header_does_no_harm(app: Any, value: str) -> None:
    answer = call(app, "GET", f"{DETAILS}?taskId=5c", [*KEY, ("prefer", value)])

    assert answer.headers.get("x-mock-error") in (None, "outcome-undocumented")
    assert answer.status in (200, 501)


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "abc", "\xb2", "", "1e9"])
def test_an_absurd_content_length_is_no_fault_of_ours(app: Any, length: str) -> None:
    answer = call(app, "GET", f"{DETAILS}?taskId=5c", [*KEY, ("content-length", length)])

    assert answer.status in (200, 413)
    assert answer.headers.get("x-mock-error") in (None, "too-large")


# --- connections -------------------------------------------------------------------------------------------

HEAD = b"POST /kie/api/v1/generate HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer k\r\n"
WHOLE = json.dumps(KIE_SONG).encode()
LENGTH = b"Content-Length: %d\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"Connection: close\r\n"


class Wire:
    """Raw bytes to a real server of the four providers."""

    def __init__(self, url: str) -> None:
        self._port = int(url.rpartition(":")[2])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), timeout=20)

    def sends(self, sent: bytes, *, ends: bool = False) -> bytes:
        """Everything that comes back until the server closes; `ends` says that we send no more."""
        with closing(self.connect()) as client:
            client.sendall(sent)
            if ends:
                client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))

    def drops(self, sent: bytes) -> None:
        """Send, and cut the connection with a reset."""
        client = self.connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with closing(client), suppress(ConnectionError):
            client.sendall(sent)

    def is_well(self) -> bool:
        answer = self.sends(HEAD + LAST + LENGTH % len(WHOLE) + b"\r\n" + WHOLE)
        return answer.startswith(b"HTTP/1.1 200 ") and b"x-mock-outcome: success" in answer.lower()


@pytest.fixture
def wire(live: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Wire]:
    """The server under attack: afterwards it answers the next good call, and nothing was printed."""
    wire = Wire(live(max_body=100_000, rate_limits="off"))
    yield wire
    assert wire.is_well()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert capfd.readouterr() == ("", "")


def outcomes(answer: bytes) -> list[bytes]:
    """What each of several answers on one connection was."""
    lines = answer.lower().split(b"\r\n")
    return [
        line.partition(b": ")[2] for line in lines if line.startswith((b"x-mock-outcome", b"x-mock-error"))
    ]


def test_bodies_nobody_can_read_are_refused_over_the_wire_too(wire: Wire) -> None:
    bodies = [b"{", b"\xff\xfe", b"[" * 99_000, b'{"a": NaN}', b"\x00" * 1000]
    requests = [HEAD + LENGTH % len(body) + b"\r\n" + body for body in bodies]

    answer = wire.sends(b"".join(requests) + HEAD + LAST + LENGTH % 0 + b"\r\n")

    assert outcomes(answer) == [b"invalid"] * (len(bodies) + 1)


def test_pipelined_calls_are_answered_in_their_order(wire: Wire) -> None:
    good, bad = WHOLE, b'{"taskId": 7}'
    balance = b"GET /kie/api/v1/chat/credit HTTP/1.1\r\nHost: mock\r\n\r\n"
    posts = [HEAD + LENGTH % len(body) + b"\r\n" + body for body in (good, bad, good)]

    answer = wire.sends(balance.join(posts) + HEAD + LAST + CHUNKED + b"0\r\n\r\n")

    expected = [b"success", b"unauthorized", b"invalid", b"unauthorized", b"success", b"invalid"]
    assert outcomes(answer) == expected


def test_a_body_shorter_than_announced_is_never_answered(wire: Wire) -> None:
    answer = wire.sends(HEAD + LENGTH % (len(WHOLE) + 1) + b"\r\n" + WHOLE, ends=True)

    assert answer == b""


def test_a_body_longer_than_announced_is_cut_there_and_the_rest_is_a_broken_request(wire: Wire) -> None:
    answer = wire.sends(HEAD + LENGTH % (len(WHOLE) - 1) + b"\r\n" + WHOLE + b"\r\n\r\n")

    assert outcomes(answer) == [b"invalid", b"bad-request"]


def test_a_call_in_chunks_of_one_byte_is_read_whole(wire: Wire) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in WHOLE)

    answer = wire.sends(HEAD + LAST + CHUNKED + chunks + b"0\r\n\r\n")

    assert outcomes(answer) == [b"success"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"zz\r\n",
        b"-1\r\n{}\r\n0\r\n\r\n",
        b"5\r\n{}\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\n{}",
        b"2\r\n{}garbage",
        b"\r\n\r\n",
        b"2 2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_garbage_for_chunks_is_a_bad_request(wire: Wire, garbage: bytes) -> None:
    answer = wire.sends(HEAD + CHUNKED + garbage)

    assert outcomes(answer) == [b"bad-request"]


@pytest.mark.parametrize(
    "length", [b"-1", b"+5", b"0x10", b"1, 2", b"5 5", b"\xb2", b"9" * 400, b"1.0", b"ten"]
)
def test_a_length_that_is_no_length_is_a_bad_request(wire: Wire, length: bytes) -> None:
    answer = wire.sends(HEAD + b"Content-Length: " + length + b"\r\n\r\n" + WHOLE)

    assert outcomes(answer) == [b"bad-request"]


def test_length_and_chunks_together_are_a_bad_request(wire: Wire) -> None:
    answer = wire.sends(HEAD + LENGTH % len(WHOLE) + CHUNKED + WHOLE)

    assert outcomes(answer) == [b"bad-request"]


def test_a_chunked_body_over_the_limit_is_refused_and_what_follows_is_answered(wire: Wire) -> None:
    chunk = b"2710\r\n" + b"x" * 10_000 + b"\r\n"

    answer = wire.sends(HEAD + CHUNKED + chunk * 30 + b"0\r\n\r\n" + HEAD + LAST + LENGTH % 2 + b"\r\n{}")

    assert outcomes(answer) == [b"too-large", b"invalid"]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /kie/api",
        HEAD,
        HEAD + b"X-Half: ",
        HEAD + LENGTH % 1000 + b"\r\n",
        HEAD + LENGTH % 1000 + b"\r\n" + WHOLE,
        HEAD + CHUNKED,
        HEAD + CHUNKED + b"40\r\n{",
        HEAD + b"Expect: 100-continue\r\n" + LENGTH % 1000 + b"\r\n",
        HEAD + LENGTH % len(WHOLE) + b"\r\n" + WHOLE,
    ],
    ids=range(10),
)
def test_connections_cut_at_any_point_hurt_nobody(wire: Wire, sent: bytes) -> None:
    for _ in range(20):
        wire.drops(sent)

    assert wire.is_well()


def test_connections_that_are_never_finished_keep_nobody_waiting(wire: Wire) -> None:
    halves = [HEAD, HEAD + LENGTH % 1000 + b"\r\n{", HEAD + CHUNKED + b"40\r\n{"]
    open_ones = [wire.connect() for _ in range(60)]
    for number, client in enumerate(open_ones):
        client.sendall(halves[number % 3])

    began = time.monotonic()
    well = wire.is_well()
    seconds = time.monotonic() - began

    for client in open_ones:
        client.close()
    assert well
    assert seconds < SECONDS


@pytest.mark.parametrize(
    "flood",
    [
        b"X-Many: v\r\n" * 100_000,
        b"X-Long: " + b"v" * 1_000_000 + b"\r\n",
        b"Cookie: " + b"a=b; " * 200_000 + b"\r\n",
        b"Authorization: Bearer k\r\n" * 10_000,
        b"".join(b"X-%d: v\r\n" % number for number in range(50_000)),
    ],
    ids=range(5),
)
@pytest.mark.parametrize("end", [b"\r\n", b""])
def test_a_flood_of_headers_at_a_providers_route_is_refused(wire: Wire, flood: bytes, end: bytes) -> None:
    with closing(wire.connect()) as client:
        with suppress(ConnectionError):
            client.sendall(HEAD + flood + end)
        answer = client.recv(65536)

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert outcomes(answer) == [b"headers-too-large"]


def test_a_long_query_is_answered_over_the_wire(wire: Wire) -> None:
    target = b"GET /api/v1/generate/record-info?taskId=5c&" + b"x" * 60_000

    answer = wire.sends(target + b" HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer k\r\n" + LAST + b"\r\n")

    assert outcomes(answer) == [b"not-found"]


def test_raw_bytes_in_a_target_are_a_bad_request(wire: Wire) -> None:
    answer = wire.sends(b"GET /api/v1/generate/record-info?taskId=\xff\xfe HTTP/1.1\r\nHost: mock\r\n\r\n")

    assert outcomes(answer) == [b"bad-request"]


def test_which_operation_is_meant_survives_a_bad_body_before_it(wire: Wire) -> None:
    head = HEAD.replace(b"/kie/api/v1/generate", b"/v1/audios/generations")
    persona = json.dumps(EVOLINK_PERSONA).encode()

    answer = wire.sends(
        head + LENGTH % 1 + b"\r\n{" + head + LAST + LENGTH % len(persona) + b"\r\n" + persona
    )

    names = [line for line in answer.split(b"\r\n") if line.lower().startswith(b"x-mock-operation")]
    assert [name.partition(b": ")[2] for name in names] == [b"generateMusic", b"generatePersona"]
