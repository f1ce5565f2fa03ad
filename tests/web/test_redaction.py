"""Secrets never come out again: not in the journal, in problems, in the store, nor on stdout."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen
from uuid import uuid4

import httpx2
import pytest

from mockserver.domain.ports import Store, Tx
from mockserver.settings import Settings
from mockserver.web.app import create_app
from tests.conftest import Client, MakeClient
from tests.web.steering import Control

SECRET = "Zq7vXw2KpL9sRt4B"
CREDIT = "/kie/api/v1/chat/credit"
PERSONA = "/kie/api/v1/generate/generate-persona"
SONG = {
    "prompt": "A calm piano piece for a rainy evening",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    "callBackUrl": "https://example.com/callback",
}
KEY = {"Authorization": "Bearer key"}
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
PART = "--b\r\nContent-Disposition: form-data; {}\r\n\r\n{}\r\n--b--\r\n"

OWN = """
openapi: 3.1.0
info: {title: Own, version: '1'}
paths:
  /header: {get: {operationId: byHeader, security: [{header: []}], responses: {'200': {description: fine}}}}
  /query: {get: {operationId: byQuery, security: [{query: []}], responses: {'200': {description: fine}}}}
  /cookie: {get: {operationId: byCookie, security: [{cookie: []}], responses: {'200': {description: fine}}}}
  /basic: {get: {operationId: byBasic, security: [{basic: []}], responses: {'200': {description: fine}}}}
  /bearer: {get: {operationId: byBearer, security: [{bearer: []}], responses: {'200': {description: fine}}}}
  /narrow:
    get:
      operationId: narrow
      parameters:
        - {name: X-Session-Token, in: header, schema: {type: string, maxLength: 3}}
        - {name: sid, in: cookie, schema: {type: string, maxLength: 3}}
        - {name: client_secret, in: query, schema: {type: string, maxLength: 3}}
      responses: {'200': {description: fine}}
  /body:
    post:
      operationId: send
      requestBody:
        content:
          application/json: {schema: {$ref: '#/components/schemas/Body'}}
          application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/Body'}}
          multipart/form-data: {schema: {$ref: '#/components/schemas/Body'}}
          application/xml: {}
          text/plain: {}
      responses:
        '200':
          description: fine
          content: {application/json: {example: {access_token: Zq7vXw2KpL9sRt4B, kind: bearer}}}
components:
  securitySchemes:
    header: {type: apiKey, in: header, name: X-Shop}
    query: {type: apiKey, in: query, name: k}
    cookie: {type: apiKey, in: cookie, name: sid}
    basic: {type: http, scheme: basic}
    bearer: {type: http, scheme: bearer}
  schemas:
    Body:
      type: object
      properties:
        password: {type: string, maxLength: 30}
        login: {type: object, properties: {secret: {maxLength: 30}}, maxProperties: 2}
        auth: {oneOf: [{type: integer}, {type: object, required: [user]}]}
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A document with every kind of credential, and the packaged ones."""
    specs = tmp_path_factory.mktemp("own")
    (specs / "own.yaml").write_text(OWN, "utf-8")
    return create_app(
        Settings(seed=0, clock="virtual", verify_responses=True, specs=("packaged", str(specs)))
    )


@pytest.fixture
def own(app: Any) -> Client:
    """A client of them, in a sandbox of its own."""
    return Client(app, {"X-Mock-Sandbox": uuid4().hex})


def told(client: Client, *replies: httpx2.Response) -> str:
    """All that can be read of some calls: their replies, and everything the control API shows."""
    control = Control(client)
    paths = ["/requests", "/requests?full=true", "/outcomes", "/coverage", "/sandboxes", "/clock"]
    paths += [f"/requests/{entry['id']}" for entry in control.requests()]
    shown = [json.dumps(control.get(path), ensure_ascii=False) for path in paths]
    return "\n".join(shown + [f"{reply.text}\n{reply.headers}" for reply in replies])


# --- credentials -------------------------------------------------------------------------------------------

BASIC = base64.b64encode(f"user:{SECRET}".encode()).decode()

CREDENTIALS: list[tuple[str, dict[str, str]]] = [
    (CREDIT, {"Authorization": f"Bearer {SECRET}"}),
    (CREDIT, {"Authorization": f"bearer   {SECRET}"}),
    (CREDIT, {"Authorization": SECRET}),
    (CREDIT, {"Authorization": f"{SECRET} {SECRET}"}),
    (CREDIT, {"Authorization": f"Odd {SECRET}"}),
    ("/crun/api/v1/client/account/balance", {"x-api-key": SECRET}),
    ("/crun/api/v1/client/account/balance", {"X-API-Key": f"word {SECRET}"}),
    ("/own/header", {"X-Shop": SECRET}),
    ("/own/header", {"X-Shop": f"word {SECRET}"}),
    (f"/own/query?k={SECRET}", {}),
    (f"/own/query?a=1&%6B={SECRET}&b=2", {}),
    ("/own/cookie", {"Cookie": f"sid={SECRET}"}),
    ("/own/cookie", {"Cookie": f"theme=dark; sid={SECRET}; other={SECRET}"}),
    ("/own/basic", {"Authorization": f"Basic {BASIC}"}),
    ("/own/bearer", {"Authorization": f"Bearer {SECRET}"}),
    (CREDIT, {"Proxy-Authorization": f"Basic {BASIC}"}),
    (CREDIT, {"X-Auth-Key": SECRET}),
    (CREDIT, {"X-Mock-Token": SECRET}),
    (f"{CREDIT}?api%5Fkey={SECRET}&access_token={SECRET}", {}),
    (f'{CREDIT}?token="{SECRET}"', {}),
    (CREDIT, {"Referer": f"https://page.test/?token={SECRET}&k={SECRET}"}),
    (CREDIT, {"Referer": f"https://user:{SECRET}@page.test/"}),
    (f"/no/such/path?api_key={SECRET}", {"Authorization": f"Bearer {SECRET}"}),
]


@pytest.mark.parametrize(("path", "headers"), CREDENTIALS)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_credential_is_told_nowhere(own: Client, method: str, path: str, headers: dict[str, str]) -> None:
    reply = own.request(method, path, headers=headers)

    text = told(own, reply)

    assert SECRET not in text
    assert BASIC not in text
    assert len(Control(own).requests()) == 1


def in_store(tx: Tx) -> str:
    records = tx.scan("", limit=10_000)
    return "\n".join(f"{key} {value.decode()}" for key, value in records)


def test_a_credential_is_not_in_the_store(
    make_client: MakeClient, folder: Callable[..., str], store: Store
) -> None:
    client = make_client(specs=("packaged", folder(own=OWN)), store=store)
    for path, headers in CREDENTIALS:
        client.get(path, headers=headers)
    song = client.post("/kie/api/v1/generate", json=SONG, headers={"Authorization": f"Bearer {SECRET}"})
    assert song.json()["code"] == 200

    entries = store.newest("default", "journal", 100)
    logged = repr(entries)
    kept = store.run("default", in_store)

    assert len(entries) > len(CREDENTIALS)
    assert digest_of(SECRET) in kept
    assert SECRET not in logged + kept
    assert BASIC not in logged + kept


# --- a credential in its place, and by mistake elsewhere ----------------------------------------------------

PLAIN = "sk-live-SECRET-4711"
ODD = 'sk/live+"SECRET"\\é~ 4711'
LEAKS = ("SECRET", "sk-live-SEC", base64.b64encode(f"user-of-mine:{PLAIN}".encode()).decode(), "user-of-mine")
BEARER = {"Authorization": f"Bearer {PLAIN}"}
BASIC_PLAIN = {"Authorization": f"Basic {LEAKS[2]}"}
HELD = f"redacted-{sha256(PLAIN.encode()).hexdigest()[:16]}"


@pytest.fixture
def mixed(make_client: MakeClient, folder: Callable[..., str], store: Store) -> Client:
    """A client of all documents whose sandbox nobody else has, on each store."""
    return make_client(specs=("packaged", folder(own=OWN)), store=store)


def kept(store: Store) -> str:
    """What the logs of the sandbox hold: the journal as it is stored, and the stream of events."""
    logs = [store.newest("default", log, 1000) for log in ("journal", "events")]
    return repr(logs)


def assert_told_nowhere(client: Client, store: Store) -> Any:
    """The one entry of the journal, after a look at all that shows it."""
    text = told(client) + kept(store)
    assert [leak for leak in LEAKS if leak in text] == []
    (entry,) = Control(client).requests(full="true")
    return entry


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", f"/yuto/suno/fetch/{PLAIN}", BEARER),
        ("GET", f"/kie/api/v1/{PLAIN}/credit", BEARER),
        ("GET", f"/crun/api/v1/{PLAIN}", {"x-api-key": PLAIN}),
        ("GET", f"/crun/api/v1/client/account/balance?id={PLAIN}", {"X-API-Key": PLAIN}),
        ("GET", f"/evolink/v1/tasks/{PLAIN}", BEARER),
        ("GET", f"/evolink/v1/tasks/a%20{PLAIN}", {"Authorization": f"bearer  {PLAIN}"}),
        ("GET", f"/kie/api/v1/generate/record-info?taskId={PLAIN}", BEARER),
        ("DELETE", f"/kie/api/v1/generate/record-info?taskId={PLAIN}", BEARER),
        ("GET", f"{CREDIT}?{PLAIN}", BEARER),
        ("GET", f"{CREDIT}?a={PLAIN.replace('s', '%73', 1)}&b=%25", BEARER),
        ("GET", f"{CREDIT}/{PLAIN.replace('-', '%2d')}", BEARER),
        ("GET", f"{CREDIT}/{PLAIN}", {"Authorization": PLAIN}),
        ("GET", f"{CREDIT}/{PLAIN}", {"Authorization": f"Odd {PLAIN}"}),
        ("GET", f"{CREDIT}/{PLAIN}", {"Authorization": f"Bearer Bearer {PLAIN}"}),
        ("GET", f"{CREDIT}/{PLAIN}", {"Authorization": f'Bearer "{PLAIN}"'}),
        ("GET", f"{CREDIT}/{PLAIN}", {"Cookie": f"a=b; session={PLAIN}"}),
        ("GET", f"{CREDIT}/{PLAIN}?api_key={PLAIN}", {}),
        ("GET", f"/own/query/{PLAIN}?k={PLAIN}", {}),
        ("GET", f"/own/header/{PLAIN}", {"X-Shop": PLAIN}),
        ("GET", f"{CREDIT}/{PLAIN}", {**BEARER, "Referer": f"https://page.test/{PLAIN}", "X-Trace": PLAIN}),
        ("GET", f"/own/basic/{PLAIN}", BASIC_PLAIN),
        ("GET", "/own/basic/user-of-mine", BASIC_PLAIN),
        ("GET", f"/own/basic/user-of-mine:{PLAIN}", BASIC_PLAIN),
        ("GET", f"/own/basic/{LEAKS[2]}?a={LEAKS[2].replace('=', '%3D')}", BASIC_PLAIN),
        ("GET", "/kie/" + "a" * 281 + f"/{PLAIN}", BEARER),
        ("GET", f"/kie/{PLAIN}/sk-live-/" + "a" * 252 + f"/{PLAIN}", BEARER),
    ],
)
def test_a_credential_in_the_path_or_the_query_is_told_nowhere(
    mixed: Client, store: Store, method: str, path: str, headers: dict[str, str]
) -> None:
    reply = mixed.request(method, path, headers=headers)

    entry = assert_told_nowhere(mixed, store)
    assert "redacted-" in entry["path"] + entry["request"]["query"]
    assert reply.headers["x-mock-request-id"] == entry["id"]


def test_what_stands_around_a_credential_stays_readable(mixed: Client, store: Store) -> None:
    reply = mixed.get(f"/kie/api/v1/{PLAIN}/credit?page=2&a={PLAIN}", headers=BEARER)

    entry = assert_told_nowhere(mixed, store)
    (violation,) = entry["violations"]
    assert entry["path"] == f"/kie/api/v1/{HELD}/credit"
    assert entry["request"]["query"] == f"page=2&a={HELD}"
    assert violation["got"] == f"/kie/api/v1/{HELD}/credit"
    assert violation["message"].startswith(f"No operation GET /kie/api/v1/{HELD}/credit. Closest: ")
    assert entry["response"]["body"]["detail"] == violation["message"]
    # The client is told what it sent.
    assert PLAIN in reply.json()["detail"]


BODIES: list[tuple[str, str]] = [
    ("application/json", '{"model": "KEY"}'),
    ("application/json", '{"customMode": true, "style": ["KEY", {"a KEY": 1, "b": "x KEY"}]}'),
    ("application/json", '{"KEY": "hunter22"}'),
    ("application/json", '{"model": "first KEY", "model": "V5"}'),
    ("application/json", r'{"model": "\u0073k-live-SECRET-4711"}'),
    ("application/json", '{"note": "{\\"a\\": \\"KEY\\"}", "é": "é", "n": 1.5}'),
    ("application/json", '{"callBackUrl": "https://page.test/done/KEY?x=KEY"}'),
    ("application/json", '{"model": "KEY"'),
    ("application/json", '{"model": "' + "a" * 59 + ' KEY and more and more and more and more and more"}'),
    ("application/json", '{"model": "' + "a" * 70 + 'KEY and more and more and more and more and more"}'),
    (FORM, "a=b&c=KEY"),
    (FORM, "a=b&c=sk%2Dlive%2DSECRET%2D4711"),
    ("text/plain", "my key is KEY, a secret"),
    ("application/xml", "<a><b>KEY</b></a>"),
    (MULTIPART, PART.format('name="a"', "KEY")),
]


@pytest.mark.parametrize("path", ["/kie/api/v1/generate", "/own/body"])
@pytest.mark.parametrize(("kind", "content"), BODIES)
def test_a_credential_in_a_body_is_told_nowhere(
    mixed: Client, store: Store, path: str, kind: str, content: str
) -> None:
    sent = content.replace("KEY", PLAIN).encode()
    mixed.post(path, content=sent, headers={**BEARER, "Content-Type": kind})

    entry = assert_told_nowhere(mixed, store)
    assert "hunter22" not in told(mixed)
    assert entry["path"] == path


@pytest.mark.parametrize(
    ("place", "kind", "content"),
    [
        (place, kind, content)
        for place in ("path", "query", "body")
        for kind, content in [
            ("application/json", json.dumps({"model": ODD, ODD: "x"})),
            ("application/json", json.dumps({"model": ODD}, ensure_ascii=False)),
            ("application/json", json.dumps({"model": ODD}).replace("/", r"\/")),
            ("application/json", json.dumps({"model": json.dumps({"inside": ODD})})),
            (FORM, urlencode({"model": ODD})),
            ("text/plain", ODD),
        ]
    ],
)
def test_a_credential_that_has_to_be_escaped_is_told_nowhere(
    mixed: Client, store: Store, place: str, kind: str, content: str
) -> None:
    headers = {"Authorization": b"Bearer " + ODD.encode(), "Content-Type": kind.encode()}
    path = {"path": f"/kie/{quote(ODD, '')}", "query": f"{CREDIT}?{urlencode({'a': ODD})}"}
    mixed.post(path.get(place, "/kie/api/v1/generate"), content=content.encode(), headers=headers)

    entry = assert_told_nowhere(mixed, store)
    assert "redacted-" in json.dumps(entry["request"] if place != "body" else entry["request"]["body"])
    if place == "body" and kind == "application/json":
        assert "model" in entry["request"]["body"]


def test_a_credential_whose_slashes_are_escaped_is_told_nowhere(mixed: Client, store: Store) -> None:
    # PHP writes JSON so.
    content = rb'{"model": "sk\/live\/SECRET\/4711"}'
    headers = {"Authorization": "Bearer sk/live/SECRET/4711", "Content-Type": "application/json"}
    mixed.post("/own/body", content=content, headers=headers)

    entry = assert_told_nowhere(mixed, store)
    assert entry["request"]["body"] == {"model": f"redacted-{digest_of('sk/live/SECRET/4711')}"}


def test_a_credential_that_a_body_holds_in_base64_is_not_in_what_is_wrong_with_it(
    mixed: Client, store: Store
) -> None:
    inside = base64.b64encode(PLAIN.encode()).decode()
    part = PART.format('name="login"\r\nContent-Transfer-Encoding: base64', inside)
    headers = {**BEARER, "Content-Type": MULTIPART, "Prefer": "code=200"}
    mixed.post("/own/body", content=part.encode(), headers=headers)

    entry = assert_told_nowhere(mixed, store)
    assert [violation["got"] for violation in entry["violations"]] == [HELD]


def test_a_credential_is_not_in_the_checks(mixed: Client, store: Store) -> None:
    mixed.post("/kie/api/v1/generate", json={**SONG, "model": PLAIN}, headers=BEARER)

    entry = assert_told_nowhere(mixed, store)
    assert HELD in json.dumps(entry["checks"])


def test_a_credential_under_a_secret_name_keeps_its_digest(mixed: Client, store: Store) -> None:
    mixed.post("/own/body", json={"password": PLAIN, "other": PLAIN}, headers=BEARER)

    entry = assert_told_nowhere(mixed, store)
    assert entry["request"]["body"] == {"password": HELD, "other": HELD}


def test_a_number_that_is_a_credential_is_told_nowhere(mixed: Client) -> None:
    body = {"a": 4711471147, "b": 47114711470, "c": True}
    mixed.post("/own/body", json=body, headers={"Authorization": "Bearer 4711471147"})

    (entry,) = Control(mixed).requests(full="true")

    shown = entry["request"]["body"]
    assert shown == {**body, "a": f"redacted-{digest_of('4711471147')}"}


@pytest.mark.parametrize("key", ["k", "key", "demo", "credit", "api/v1", "generat", "generate-me"])
def test_a_short_key_or_half_of_a_long_one_blanks_no_words(mixed: Client, key: str) -> None:
    body = {**SONG, "prompt": "generate a demo of my api/v1 credit key"}
    mixed.post("/kie/api/v1/generate", json=body, headers={"Authorization": f"Bearer {key}"})

    (entry,) = Control(mixed).requests(full="true")

    assert entry["path"] == "/kie/api/v1/generate"
    assert entry["request"]["body"] == body
    assert entry["outcome"] == "success"


def test_a_body_without_a_credential_is_stored_as_it_came(mixed: Client, store: Store) -> None:
    content = b'{ "a": 1.50, "b": "100%", "c": "caf\\u00e9", "d": "\\n" }'
    mixed.post("/own/body", content=content, headers={**BEARER, "Content-Type": "application/json"})

    [(_, entry)] = store.newest("default", "journal", 10)

    assert content in entry


@pytest.mark.parametrize("path", [f"/kie/api/v1/{PLAIN}", f"/yuto/suno/fetch/{PLAIN}", "/own/body"])
def test_the_reply_is_the_same_whether_or_not_the_key_stands_elsewhere(mixed: Client, path: str) -> None:
    replies = [
        mixed.post(path, json={"login": PLAIN}, headers={"Authorization": f"Bearer {key}"})
        for key in (PLAIN, "another-key-of-mine")
    ]

    one, other = replies
    assert (one.status_code, one.content) == (other.status_code, other.content)
    assert "redacted" not in one.text


def test_no_event_tells_a_credential(live: Callable[..., str]) -> None:
    with httpx2.Client(base_url=live(), headers=BEARER, timeout=20) as client:
        client.get(f"/yuto/suno/fetch/{PLAIN}")
        client.get(f"/kie/api/v1/{PLAIN}/credit")
        client.post("/kie/api/v1/generate", json={**SONG, "model": PLAIN})
        listed = client.get("/_mock/requests?full=true")
        last = listed.json()["requests"][-1]["id"]
        shown = [listed.text]
        with client.stream("GET", "/_mock/events", headers={"Last-Event-ID": "0"}) as stream:
            for line in stream.iter_lines():
                shown.append(line)
                if line.startswith("data: ") and last in line:
                    break

    text = "\n".join(shown)
    assert "SECRET" not in text
    assert text.count(f"/kie/api/v1/{HELD}/credit") >= 2


def digest_of(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("path", "header", "value", "credential"),
    [
        (CREDIT, "authorization", f"Bearer {SECRET}", SECRET),
        (CREDIT, "authorization", f"bearer  {SECRET}", SECRET),
        ("/crun/api/v1/client/account/balance", "x-api-key", SECRET, SECRET),
    ],
)
def test_an_account_is_known_by_its_digest(
    own: Client, path: str, header: str, value: str, credential: str
) -> None:
    own.get(path, headers={header: value})

    (entry,) = Control(own).requests(full="true")

    digest = digest_of(credential)
    assert entry["checks"][0]["facts"]["account"] == digest
    assert digest in dict(map(tuple, entry["request"]["headers"]))[header]


def test_two_keys_are_told_apart(client: Client) -> None:
    for key in ("one", "two", "one"):
        client.get(CREDIT, headers={"Authorization": f"Bearer {key}"})

    accounts = [e["checks"][0]["facts"]["account"] for e in Control(client).requests(full="true")]

    assert accounts[0] == accounts[2] != accounts[1]


def test_the_scheme_and_what_is_no_secret_stay_readable(own: Client) -> None:
    own.get(f"{CREDIT}?taskId=t1", headers={"Authorization": "Bearer key", "X-Trace": "abc def"})

    (entry,) = Control(own).requests(full="true")

    headers = dict(map(tuple, entry["request"]["headers"]))
    assert headers["authorization"].startswith("Bearer ")
    assert headers["x-trace"] == "abc def"
    assert entry["request"]["query"] == "taskId=t1"


# --- bodies ------------------------------------------------------------------------------------------------

NAMES = [
    "password",
    "client_secret",
    "api_key",
    "apiKey",
    "API-KEY",
    "accessKey",
    "refreshToken",
    "webhookHmacKey",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_looking_field_is_told_nowhere(own: Client, name: str) -> None:
    bodies: list[Any] = [{name: SECRET}, {"a": [{name: SECRET}]}, {name: [SECRET]}, {name: {"value": SECRET}}]
    replies = [own.post("/own/body", json=body) for body in bodies]

    assert [reply.status_code for reply in replies[:1]] == [200]
    journal = told(own)
    assert SECRET not in journal
    assert name in journal


def test_numbers_are_hidden_but_not_where_tokens_are_counted(own: Client) -> None:
    own.post("/own/body", json={"secret": 73519462, "token": {"remaining": 4711}, "max_tokens": 100})

    (entry,) = Control(own).requests(full="true")

    assert "73519462" not in json.dumps(entry)
    assert entry["request"]["body"]["token"] == {"remaining": 4711}
    assert entry["request"]["body"]["max_tokens"] == 100


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (FORM, f"user=me&password={SECRET}"),
        (FORM, f"login%5Bsecret%5D={SECRET}&api%5Fkey={SECRET}"),
        (MULTIPART, PART.format('name="password"', SECRET)),
        (
            MULTIPART,
            PART.format('name="token"; filename="f"\r\nContent-Type: text/plain', f"{SECRET}\r\n{SECRET}"),
        ),
        ("application/xml", f"<login><user>me</user><password>{SECRET}</password></login>"),
        ("application/xml", f'<login token="{SECRET}"/>'),
        ("text/plain", f"user: me\npassword: {SECRET}\n"),
        ("text/plain", f"see https://me:{SECRET}@host.test/?api_key={SECRET}"),
        ("application/json", f'{{"password": "{SECRET}"'),
        ("application/json", f'{{"password": "a \\" {SECRET}", "token":\n"{SECRET}'),
        ("application/json", f"{{'password': '{SECRET}'}}"),
        ("application/json", f"{{password: {SECRET}}}"),
        ("application/json", f'{{"n": NaN, "login": {{"secret": "{SECRET}"}}}}'),
        ("text/csv", f"password={SECRET}"),
    ],
)
def test_a_secret_in_a_body_of_another_kind_is_told_nowhere(own: Client, kind: str, content: str) -> None:
    reply = own.post("/own/body", content=content.encode(), headers={"Content-Type": kind})

    journal = told(own, reply) if reply.status_code != 200 else told(own)

    (entry,) = Control(own).requests(full="true")
    assert isinstance(entry["request"]["body"], str)
    assert SECRET not in journal


def test_a_secret_in_an_answer_is_hidden_in_the_journal(own: Client) -> None:
    reply = own.post("/own/body", json={})

    (entry,) = Control(own).requests(full="true")

    assert reply.json() == {"access_token": SECRET, "kind": "bearer"}
    assert entry["response"]["body"]["kind"] == "bearer"
    assert SECRET not in told(own)


def test_a_secret_in_a_callback_address_is_hidden_and_the_rest_is_not(client: Client) -> None:
    address = f"https://me:{SECRET}@page.test/done?token={SECRET}&order=7"
    client.post(PERSONA, json={"callBackUrl": address}, headers={"Authorization": "Bearer key"})

    (entry,) = Control(client).requests(full="true")

    shown = entry["request"]["body"]["callBackUrl"]
    assert SECRET not in told(client)
    assert shown.startswith("https://redacted@page.test/done?token=")
    assert shown.endswith("&order=7")


@pytest.mark.parametrize(
    "address",
    [
        "http://user:{} @127.0.0.1/h",
        'http://user:{}"@127.0.0.1/h',
        "http://user:<{}>@127.0.0.1/h",
        "http://us er:{}@127.0.0.1/h",
        "http://us\ner:{}@127.0.0.1/h",
        "http://user:{}@",
        "http://user:{}@127.0.0.1:port/h",
        "http://user:{}@10.0.0.1/h",
    ],
    ids=repr,
)
def test_a_password_in_a_callback_address_is_told_nowhere_though_it_be_no_address(
    live: Callable[..., str], address: str
) -> None:
    song = {**SONG, "callBackUrl": address.format(SECRET)}
    with httpx2.Client(base_url=live(pace="instant"), headers=KEY, timeout=20) as client:
        client.post("/kie/api/v1/generate", json=song)
        client.post(PERSONA, json=song)
        for task in client.get("/_mock/tasks").json()["tasks"]:
            client.get(f"/kie/api/v1/generate/record-info?taskId={task['id']}")
        entries = client.get("/_mock/requests").json()["requests"]
        paths = ["requests?full=true", "callbacks", *(f"requests/{entry['id']}" for entry in entries)]
        shown = [client.get(f"/_mock/{path}").text for path in paths]
        with client.stream("GET", "/_mock/events", headers={"Last-Event-ID": "0"}) as stream:
            for line in stream.iter_lines():
                shown.append(line)
                if line.startswith("data: ") and entries[-1]["id"] in line:
                    break

    assert SECRET not in "\n".join(shown)
    assert len(entries) >= 2
    assert "redacted@" in shown[0]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"password": SECRET * 2}, "/body/password"),
        ({"login": {"secret": SECRET * 2}}, "/body/login/secret"),
        ({"login": {"secret": SECRET, "a": 1, "b": 2}}, "/body/login"),
        ({"auth": {"token": SECRET}}, "/body/auth/user"),
        ({"auth": [{"password": SECRET}]}, "/body/auth"),
        ({"auth": [{"password": SECRET}] * 30}, "/body/auth"),
    ],
)
def test_a_secret_that_breaks_its_rule_is_told_nowhere(own: Client, body: Any, pointer: str) -> None:
    reply = own.post("/own/body", json=body)

    (entry,) = Control(own).requests()

    assert (reply.status_code, reply.json()["type"]) == (422, "urn:persona-mock:invalid-request")
    assert pointer in [violation["pointer"] for violation in entry["violations"]]
    assert SECRET not in told(own, reply)


def test_a_parameter_that_breaks_its_rule_is_told_nowhere(own: Client) -> None:
    headers = {"X-Session-Token": SECRET, "Cookie": f"sid={SECRET}"}
    reply = own.get(f"/own/narrow?client_secret={SECRET}", headers=headers)

    (entry,) = Control(own).requests()

    pointers = {"/header/x-session-token", "/header/cookie/sid", "/query/client_secret"}
    assert {violation["pointer"] for violation in entry["violations"]} == pointers
    assert SECRET not in told(own, reply)


def test_a_value_that_is_no_secret_is_told_as_it_came(own: Client) -> None:
    own.post("/own/body", json={"login": "nobody"})

    (entry,) = Control(own).requests()

    assert (entry["violations"][0]["got"], "nobody" in entry["violations"][0]["message"]) == ("nobody", True)


def test_a_megabyte_of_anything_is_read_in_no_time(own: Client) -> None:
    for text in ("a", "?", '"', 'x="', 'name="x', "<a ", "://", "a: ", "\\"):
        own.post("/own/body", content=(text * 300_000)[:300_000], headers={"Content-Type": "text/plain"})

    entries = Control(own).requests(full="true")

    assert len(entries) == 9


# --- stdout ------------------------------------------------------------------------------------------------

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Starts `persona-mock serve` and gives the process and its URL."""
    started: list[subprocess.Popen[str]] = []

    def run(*flags: str) -> tuple[subprocess.Popen[str], str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PERSONA_MOCK_")}
        command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--log-format", "json", *flags]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**kept, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        return process, json.loads(line)["url"] if line.startswith("{") else line.split()[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def request(url: str, path: str, headers: dict[str, str], body: bytes | None = None) -> str:
    try:
        with urlopen(Request(url + path, data=body, headers=headers), timeout=20) as reply:
            return str(reply.read().decode())
    except HTTPError as error:
        with error:
            return error.read().decode()


@pytest.mark.parametrize("kind", ["json", "text"])
def test_nothing_that_serve_prints_holds_a_secret(
    serve: Callable[..., tuple[subprocess.Popen[str], str]], tmp_path: Path, kind: str
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.yaml").write_text(OWN, "utf-8")
    flags = ["--access-log", "--log-format", kind, "--specs", "packaged", "--specs", "own"]
    process, url = serve(*flags, "--control-token", SECRET)

    for path, headers in CREDENTIALS:
        if " " not in path and '"' not in path:
            request(url, path, headers)
    request(url, "/own/body", {"Content-Type": FORM}, f"password={SECRET}".encode())
    request(url, "/own/body", {"Content-Type": "application/json"}, f'{{"password": "{SECRET}'.encode())
    control = [request(url, "/_mock/health", headers) for headers in ({}, {"X-Mock-Token": SECRET})]
    process.send_signal(signal.SIGTERM)
    printed, faults = process.communicate(timeout=30)

    assert faults == ""
    assert "byQuery" in printed
    assert "/own/query" in printed
    assert SECRET not in printed + "".join(control)
    assert BASIC not in printed


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_access_log_hides_a_key_that_stands_in_a_path(
    make_client: MakeClient, capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    client = make_client(access_log=True, log_format=log_format)
    key = "sk-live-distinctive-4711"

    client.get(f"/yuto/suno/fetch/{key}", headers={"Authorization": f"Bearer {key}"})

    line = capsys.readouterr().out
    assert "/yuto/suno/fetch/redacted-" in line
    assert key not in line
