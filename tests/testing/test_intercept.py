"""Client libraries inside a block: documented hosts are the mock, allowed ones themselves, others refused."""

from __future__ import annotations

import gc
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from mockserver.settings import UsageError
from mockserver.testing.intercept import Interceptor, RealCall
from mockserver.testing.intercept.reach import call_of
from tests.testing.clients import CLIENTS, SESSIONS, Answer, Ask, Client, Session
from tests.testing.conftest import HOSTS, Elsewhere, Served

KIE = "https://api.kie.ai/api/v1/chat/credit"
CRUN = "https://api.crun.ai/api/v1/client/account/balance"
GENERATE = "https://api.kie.ai/api/v1/generate"
SONG = {
    "prompt": "rain",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    "callBackUrl": "https://me.example.com/done",
}
JSON = {"Authorization": "Bearer k", "Content-Type": "application/json"}
IN_PROCESS = tuple(name for name in CLIENTS if name.startswith("httpx"))
# Raw http.client asks no environment for a proxy.
PROXIED = tuple(name for name in CLIENTS if name != "http.client")


@pytest.fixture(params=CLIENTS)
def call(request: pytest.FixtureRequest) -> Client:
    return CLIENTS[request.param]


@pytest.fixture(params=SESSIONS)
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    made = SESSIONS[request.param]()
    yield made
    made.close()


def test_a_documented_host_is_the_mock(call: Client, served: Served, left: list[str]) -> None:
    with served.block():
        answer = call(Ask(KIE))

    assert answer.status == 200
    assert answer.json == {"code": 200, "msg": "success", "data": 1000}
    assert answer.url == KIE
    assert served.paths() == ["kie /api/v1/chat/credit"]
    assert left == []


@pytest.mark.parametrize(
    ("url", "met"),
    [
        (KIE.replace("https", "http"), "kie /api/v1/chat/credit"),
        (KIE.replace("api.kie.ai", "api.kie.ai:8443"), "kie /api/v1/chat/credit"),
        (KIE.replace("api.kie.ai", "API.Kie.AI"), "kie /api/v1/chat/credit"),
        (KIE.replace("api.kie.ai", "api.kie.ai."), "kie /api/v1/chat/credit"),
        (CRUN, "crun /api/v1/client/account/balance"),
    ],
)
def test_each_provider_is_met_at_any_port_with_and_without_tls(
    call: Client, served: Served, left: list[str], url: str, met: str
) -> None:
    with served.block():
        answer = call(Ask(url))

    assert answer.json["code"] == 200
    assert (served.paths(), left) == ([met], [])


def test_the_call_is_that_of_the_client(call: Client, served: Served) -> None:
    url = "https://api.kie.ai/api/v1/generate/record-info?taskId=a-b"

    with served.block():
        call(Ask(url, headers={"Authorization": "Bearer k", "X-Own": "kept"}))

    (met,) = served.control("GET", "requests?full=true")["requests"]
    headers = {name.lower(): value for name, value in met["request"]["headers"]}
    assert headers["host"] == "api.kie.ai"
    assert headers["x-own"] == "kept"
    assert "taskId=a-b" in json.dumps(met)


def test_the_sandbox_is_that_of_the_block_whatever_the_client_says(call: Client, served: Served) -> None:
    with served.block():
        call(Ask(KIE, headers={"Authorization": "Bearer k", "X-Mock-Sandbox": "elsewhere"}))

    assert served.paths() == ["kie /api/v1/chat/credit"]


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_body_goes_to_the_mock_whole_or_in_pieces(call: Client, served: Served, in_pieces: bool) -> None:
    text = json.dumps(SONG).encode()
    body: Any = iter([text[:20], text[20:]]) if in_pieces else text

    with served.block():
        answer = call(Ask(GENERATE, "POST", JSON, body))

    assert answer.json["code"] == 200
    assert answer.json["data"]["taskId"]


def test_another_host_is_refused_before_anything_leaves(
    call: Client, served: Served, left: list[str]
) -> None:
    ask = Ask("https://files.example.com/a/%3F.mp3?token=secret", headers={"Authorization": "Bearer hidden"})

    with served.block(), pytest.raises(RealCall) as refused:
        call(ask)

    assert str(refused.value) == (
        "GET https://files.example.com was not sent: files.example.com is not a documented host "
        "(api.crun.ai, api.crunai.com, api.evolink.ai, api.kie.ai, api.yutoai.net). If the call is meant, "
        "pass allow=('files.example.com',) to intercept(); if not, point the client at a documented host "
        f"or at http://127.0.0.1:{served.port}"
    )
    error = refused.value
    assert (error.method, error.host, error.port) == ("GET", "files.example.com", 443)
    assert error.path == "/a/%3F.mp3"
    assert left == []


def test_a_token_in_a_path_is_not_shown(call: Client, served: Served) -> None:
    block = served.block()

    with block, pytest.raises(RealCall) as refused:
        call(Ask("https://api.telegram.org/bot123:AAsecret/sendMessage"))

    shown = [f"{one!s} {one!r} {one.args}" for one in (refused.value, *block.refused)]
    assert len(shown) == 2
    assert all("api.telegram.org" in text and "AAsecret" not in text for text in shown)


def test_a_call_shows_whom_it_calls_and_no_path() -> None:
    call = call_of("POST", "https", "api.telegram.org", 8443, "/bot123:AAsecret/sendMessage?key=hidden")

    assert (call.path, str(call)) == ("/bot123:AAsecret/sendMessage", "POST https://api.telegram.org:8443")
    assert repr(call) == "<Call POST https://api.telegram.org:8443>"


def test_a_user_before_a_host_is_not_shown(served: Served, left: list[str]) -> None:
    # urllib takes the user for a part of the host's name.
    with served.block(), pytest.raises(RealCall) as refused:
        urllib.request.urlopen("http://aasecret@files.example.com/a", timeout=5)

    assert "aasecret" not in f"{refused.value!r} {refused.value.host} {refused.value.name}"
    assert str(refused.value) == (
        "GET http://…@files.example.com was not sent: its client takes the user for a part "
        "of the host's name. Send user and password in a header"
    )
    assert left == []


def test_another_port_of_this_machine_is_refused(call: Client, served: Served, elsewhere: Elsewhere) -> None:
    with served.block(), pytest.raises(RealCall, match=rf"allow=\('127\.0\.0\.1:{elsewhere.port}',\)"):
        call(Ask(f"http://127.0.0.1:{elsewhere.port}/a"))

    assert elsewhere.met == []


def test_an_allowed_host_is_really_called(call: Client, served: Served, elsewhere: Elsewhere) -> None:
    with served.block(allow=(f"127.0.0.1:{elsewhere.port}",)):
        answer = call(Ask(f"http://127.0.0.1:{elsewhere.port}/a"))

    assert (answer.status, answer.body, elsewhere.met) == (200, b"real", ["/a"])


def test_the_mock_s_own_address_is_allowed(call: Client, served: Served) -> None:
    with served.block():
        answer = call(Ask(f"http://127.0.0.1:{served.port}/_sandbox/here/kie/api/v1/chat/credit"))

    assert answer.json["code"] == 200


# http.client follows no redirect.
@pytest.mark.parametrize("client", PROXIED)
def test_a_redirect_from_an_allowed_host_is_held_to_the_same_rule(
    client: str, served: Served, elsewhere: Elsewhere, left: list[str]
) -> None:
    start = f"http://127.0.0.1:{elsewhere.port}/to?"

    with served.block(allow=("127.0.0.1",)):
        answer = CLIENTS[client](Ask(f"{start}{KIE}", headers={"x-api-key": "k"}))
        with pytest.raises(RealCall, match=r"GET http://files\.example\.com was not sent"):
            CLIENTS[client](Ask(f"{start}http://files.example.com/a"))

    # Most clients take the credential away when the host changes: the mock may answer that it lacks one.
    assert answer.json["code"] in (200, 401)
    assert served.paths() == ["kie /api/v1/chat/credit"]
    assert left == []


@pytest.mark.parametrize("proxy", ["http://user:pass@127.0.0.1:1", "https://127.0.0.1:1"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("client", PROXIED)
def test_a_proxy_of_the_environment_changes_nothing(
    client: str, scheme: str, proxy: str, served: Served, left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    with served.block():
        answer = CLIENTS[client](Ask(KIE.replace("https", scheme)))
        with pytest.raises(RealCall, match=r"files\.example\.com"):
            CLIENTS[client](Ask(f"{scheme}://files.example.com/a"))

    assert answer.json["code"] == 200
    assert served.paths() == ["kie /api/v1/chat/credit"]
    assert left == []


@pytest.mark.parametrize("proxy", ["http://user:pass@127.0.0.1:1", "https://127.0.0.1:1"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("client", PROXIED)
def test_the_mock_s_own_address_is_called_past_a_proxy_of_the_environment(
    client: str, host: str, proxy: str, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    headers = {"Authorization": "Bearer k", "X-Mock-Sandbox": "by-header"}

    with served.block():
        by_path = CLIENTS[client](Ask(f"http://{host}:{served.port}/_sandbox/by-path/kie/api/v1/chat/credit"))
        by_header = CLIENTS[client](
            Ask(f"http://{host}:{served.port}/kie/api/v1/chat/credit", "GET", headers)
        )
        media = CLIENTS[client](Ask(f"http://{host}:{served.port}/_mock/media/kie/example/audio.mp3"))
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name)
    met = {sandbox: len(served.paths(sandbox)) for sandbox in ("by-path", "by-header", "here")}
    served.control("DELETE", "sandboxes/by-path")
    served.control("DELETE", "sandboxes/by-header")

    assert (by_path.json["code"], by_header.json["code"], media.status) == (200, 200, 200)
    assert len(media.body) > 1000
    # The client's call as it is: the sandbox that it names, not that of the block.
    assert met == {"by-path": 1, "by-header": 1, "here": 0}


@pytest.mark.parametrize("client", PROXIED)
def test_an_allowed_host_is_called_through_the_proxy_of_the_environment(
    client: str, served: Served, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{elsewhere.port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    with served.block(allow=("files.example.com",)):
        answer = CLIENTS[client](Ask("http://files.example.com/a"))

    assert (answer.body, elsewhere.met) == (b"real", ["http://files.example.com/a"])


def test_after_the_block_a_documented_host_is_itself_again(
    call: Client, served: Served, left: list[str]
) -> None:
    with served.block():
        call(Ask(KIE))

    with pytest.raises(Exception, match=r".*") as failed:
        call(Ask(KIE))

    assert not isinstance(failed.value, RealCall)
    assert "api.kie.ai" in left
    assert len(served.paths()) == 1


def test_kept_connections_belong_to_one_side_of_a_block(
    session: Session, served: Served, elsewhere: Elsewhere
) -> None:
    ask = Ask(f"http://127.0.0.2:{elsewhere.port}/kie/api/v1/chat/credit")
    hosts = ("127.0.0.2",)

    before = [session.call(ask).body for _ in range(2)]
    with served.block(hosts=hosts):
        inside = [session.call(ask) for _ in range(2)]
    between = [session.call(ask).body for _ in range(2)]
    with served.block(hosts=hosts):
        again = session.call(ask)
    after = session.call(ask).body

    assert {*before, *between, after} == {b"real"}
    assert [answer.json["code"] for answer in (*inside, again)] == [200, 200, 200]
    assert (len(served.paths()), len(elsewhere.met)) == (3, 5)


def test_a_client_that_outlives_its_block_leaves_no_socket_open(served: Served) -> None:
    made = [SESSIONS[name]() for name in SESSIONS]

    with served.block():
        answers = [client.call(Ask(KIE.replace("https", "http"))) for client in made]
    for client in made:
        client.close()
    del made, client
    gc.collect()

    assert [answer.status for answer in answers] == [200] * len(SESSIONS)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="a look at what is open needs /dev/fd")
def test_a_client_that_stays_open_keeps_no_connection_to_the_mock(session: Session, served: Served) -> None:
    def opened() -> int:
        gc.collect()
        return len(os.listdir("/dev/fd"))

    before = opened()
    with served.block():
        for _ in range(3):
            session.call(Ask(KIE.replace("https", "http")))
    # The mock's side of a connection ends a moment after ours.
    until = time.monotonic() + 5
    while opened() > before and time.monotonic() < until:
        time.sleep(0.01)

    assert opened() <= before


def test_a_download_is_whole(call: Client, served: Served) -> None:
    with served.block():
        answer = call(Ask(f"http://127.0.0.1:{served.port}/_mock/media/kie/example/audio.mp3"))

    assert answer.status == 200
    assert len(answer.body) > 1000


def test_a_reply_may_be_read_on_behind_the_block(served: Served) -> None:
    with served.block(), requests.Session() as client:
        got = client.get(KIE, headers={"Authorization": "Bearer k"}, stream=True)

    with got:
        assert got.json()["code"] == 200


@pytest.mark.parametrize("client", CLIENTS)
def test_a_slow_reply_meets_the_client_s_own_timeout(client: str, served: Served) -> None:
    is_in_process = client in IN_PROCESS
    served.control("POST", "faults", body={"fault": "latency", "seconds": 60})
    began = time.monotonic()

    with served.block(), pytest.raises(Exception, match=r"(?i)time|^$") as failed:
        CLIENTS[client](Ask(KIE, timeout=30 if is_in_process else 0.3))

    assert any("Timeout" in kind.__name__ for kind in type(failed.value).__mro__) or "timed out" in str(
        failed.value
    )
    # Without a socket nobody has to wait for it.
    assert time.monotonic() - began < 10


# --- what is allowed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["files.example.com", "Files.Example.COM:443", "FILES.example.com"])
def test_an_allowed_host_is_named_in_any_case_with_or_without_port(
    text: str, served: Served, left: list[str]
) -> None:
    with served.block(allow=(text,)), pytest.raises(requests.ConnectionError):
        requests.get("https://files.example.com/a", timeout=5)

    assert left == ["files.example.com"]


@pytest.mark.parametrize("text", ["[::1]", "::1", "[::1]:9"])
def test_an_allowed_host_may_be_an_ipv6_address(text: str, served: Served, left: list[str]) -> None:
    with served.block(allow=(text,)), pytest.raises(requests.ConnectionError):
        requests.get("http://[::1]:9/a", timeout=5)

    assert left == ["::1"]


def test_a_host_allowed_at_one_port_is_refused_at_another(served: Served, left: list[str]) -> None:
    with served.block(allow=("files.example.com:8443",)), pytest.raises(RealCall):
        requests.get("https://files.example.com/a", timeout=5)

    assert left == []


@pytest.mark.parametrize(
    "text",
    ["https://files.example.com", "files.example.com/a", "u@example.com", "*", "", "a:0", "a:99999", 7],
)
def test_what_is_no_host_is_not_allowed(text: Any, served: Served) -> None:
    with pytest.raises(UsageError, match=r"allow: got .*, wanted HOST or HOST:PORT"):
        served.block(allow=(text,))


def test_none_allows_nothing(served: Served, left: list[str]) -> None:
    block = Interceptor(served.app, ("127.0.0.1", served.port), HOSTS, "here", allow=None)

    with block, pytest.raises(RealCall):
        requests.get("https://files.example.com/a", timeout=5)

    assert left == []


def test_one_text_is_not_taken_for_many(served: Served) -> None:
    with pytest.raises(UsageError, match=r"allow=\('files\.example\.com',\)"):
        served.block(allow="files.example.com")


def test_a_documented_host_cannot_be_allowed(served: Served) -> None:
    with pytest.raises(UsageError, match=r"api\.kie\.ai is a documented host"):
        served.block(allow=("api.kie.ai:443",))


def test_a_refusal_that_a_client_catches_is_kept_by_its_block(served: Served) -> None:
    block = served.block()

    with block, suppress(Exception):
        requests.get("https://files.example.com/a", timeout=5)

    assert [type(one) for one in block.refused] == [RealCall]
    assert [one.host for one in block.refused] == ["files.example.com"]


def test_a_refusal_is_no_error_that_libraries_expect(served: Served) -> None:
    calls: list[Callable[[], Answer]] = [
        partial(CLIENTS[name], Ask("http://files.example.com/a")) for name in CLIENTS
    ]

    with served.block():
        for call in calls:
            with pytest.raises(RealCall) as refused:
                call()
            assert type(refused.value).__mro__[1] is AssertionError
