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

    logged = b"\n".join(data for _, data in store.newest("default", "journal", 100)).decode()
    kept = store.run("default", in_store)

    assert logged.count("\n") >= len(CREDENTIALS)
    assert digest_of(SECRET) in kept
    assert SECRET not in logged + kept
    assert BASIC not in logged + kept


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
