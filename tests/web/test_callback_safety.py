"""Whom callbacks reach: loopback and what is allowed, judged by address, and nobody by way of a redirect."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.conftest import Client
from tests.web.calls import PROVIDERS, in_sandbox, send, shared_app
from tests.web.receiver import Receiver, Redirect, callbacks, idle, ordered, song, told
from tests.web.steering import Control
from tests.web.stories import poll, state_of

Json = Any
Live = Callable[..., str]
Address = tuple[str, int]

FINAL = {"kie": "SUCCESS", "crun": "success", "evolink": "completed", "yuto": "SUCCESS"}
PRIVATE = "10.0.0.1"


@pytest.fixture(scope="module")
def app() -> Any:
    return shared_app()


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


@pytest.fixture
def control(client: Client) -> Control:
    return Control(client)


class Wires:
    """Every connection that is begun in this process, and where those to a foreign address end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[Address] = []
        self.instead: dict[Address, Address] = {}
        self._real: Any = socket.socket.connect
        wires = self

        def connected(sock: socket.socket, address: Any) -> Any:
            return wires.connected(sock, address)

        monkeypatch.setattr(socket.socket, "connect", connected)
        monkeypatch.setattr(socket.socket, "connect_ex", connected)

    def connected(self, sock: socket.socket, address: Any) -> Any:
        place = (address[0], address[1])
        self.begun.append(place)
        assert place in self.instead or address[0] in ("127.0.0.1", "::1"), f"a call to {place}"
        return self._real(sock, self.instead.get(place, address))


@pytest.fixture
def wires(monkeypatch: pytest.MonkeyPatch) -> Wires:
    return Wires(monkeypatch)


class Names:
    """Names that resolve as a test says; all others, and addresses, as ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.known: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        real = socket.getaddrinfo
        names = self

        def resolved(host: Any, port: Any, *more: Any, **options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name not in names.known:
                return real(host, port, *more, **options)
            if options.get("flags", 0) & socket.AI_NUMERICHOST:
                raise socket.gaierror(socket.EAI_NONAME, "not an address")
            names.asked.append(name)
            answers = names.known[name]
            addresses = answers.pop(0) if len(answers) > 1 else answers[0]
            return [_entry(address, port) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", resolved)

    def __setitem__(self, name: str, addresses: list[str]) -> None:
        self.known[name] = [addresses]

    def changes(self, name: str, *answers: list[str]) -> None:
        """The name resolves to the first answer, then to the next."""
        self.known[name] = list(answers)


def _entry(address: str, port: Any) -> Any:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, int(port or 0), 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port or 0))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


def allowing(*hosts: str) -> Client:
    return Client(shared_app(callback_allow=hosts))


# --- refused, never called ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/hook",
        "http://192.168.1.1:8080/hook",
        "http://172.16.0.1/hook",
        "http://[::ffff:10.0.0.1]/hook",
        "http://[fe80::1]/hook",
        "http://[fd00::1]/hook",
        "http://[64:ff9b::a00:1]/hook",
        "http://[2002:a00:1::]/hook",
        "http://[::]:4010/hook",
        "http://0.0.0.0:4010/hook",
        "http://167772161/hook",
        "http://0x0a000001/hook",
        "http://012.0.0.1/hook",
        "http://93.184.216.34/hook",
        "https://10.0.0.1/hook",
    ],
)
def test_an_address_that_is_not_loopback_is_refused_and_never_called(
    client: Client, control: Control, wires: Wires, url: str
) -> None:
    task = song(client, "kie", url)
    counts = idle(control)

    found = callbacks(control)
    assert told(found) == [("text", "refused"), ("first", "refused"), ("complete", "refused")]
    assert wires.begun == []
    assert all("--callback-allow" in one["reason"] or "0.0.0.0" in url or "::]" in url for one in found)
    assert all(one["reason"] for one in found)
    assert {one["url"] for one in found} == {url}
    assert (counts["delivered"], counts["now"]) == (0, "2026-01-01T00:02:00Z")
    assert state_of("kie", poll(client, "kie", task, "k").json()) == "SUCCESS"
    assert control.get("/accounts/k")["credits"] == 988


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_refused_callback_leaves_the_task_as_it_is_at_every_provider(
    client: Client, control: Control, wires: Wires, names: Names, provider: str
) -> None:
    names["hooks.example"] = [PRIVATE]
    task = song(client, provider, "https://hooks.example/hook")

    idle(control)

    assert {state for _, state in told(callbacks(control))} == {"refused"}
    assert wires.begun == []
    assert state_of(provider, poll(client, provider, task, "k").json()) == FINAL[provider]


def test_a_name_that_is_neither_loopback_nor_allowed_is_refused_without_being_looked_up(
    client: Client, control: Control, wires: Wires, names: Names, receiver: Receiver
) -> None:
    names["hooks.example"] = ["127.0.0.1"]
    song(client, "crun", f"http://hooks.example:{receiver.port}/hook")

    idle(control)

    (one,) = callbacks(control)
    assert (one["state"], wires.begun, names.asked) == ("refused", [], [])
    assert "hooks.example" in one["reason"]
    assert "--callback-allow hooks.example" in one["reason"]


@pytest.mark.parametrize("name", ["localhost", "LocalHost", "hooks.localhost"])
@pytest.mark.parametrize(
    "addresses",
    [
        [PRIVATE],
        ["127.0.0.1", PRIVATE],
        [PRIVATE, "127.0.0.1"],
        ["::1", "fd00::1"],
        ["::ffff:10.0.0.1"],
        ["169.254.169.254"],
        ["93.184.216.34"],
        ["0.0.0.0"],
    ],
)
def test_a_loopback_name_is_judged_by_all_that_it_resolves_to(
    client: Client,
    control: Control,
    wires: Wires,
    names: Names,
    receiver: Receiver,
    addresses: list[str],
    name: str,
) -> None:
    names[name.lower()] = addresses
    song(client, "crun", f"http://{name}:{receiver.port}/hook")

    idle(control)

    (one,) = callbacks(control)
    assert (one["state"], wires.begun, receiver.received) == ("refused", [], [])
    bad = next(address for address in addresses if address not in ("127.0.0.1", "::1"))
    assert bad.removeprefix("::ffff:") in one["reason"]
    assert names.asked == [name.lower()]


def test_a_loopback_name_is_called_at_the_address_that_was_checked(
    client: Client, control: Control, wires: Wires, names: Names, receiver: Receiver
) -> None:
    names.changes("localhost", ["127.0.0.1"], [PRIVATE])
    song(client, "crun", f"http://localhost:{receiver.port}/hook")

    idle(control)

    assert told(callbacks(control)) == [("complete", "delivered")]
    assert (wires.begun, names.asked) == ([("127.0.0.1", receiver.port)], ["localhost"])
    assert receiver.received[0].headers["host"] == f"localhost:{receiver.port}"


def test_a_name_that_moves_away_between_attempts_is_checked_again(
    client: Client, control: Control, wires: Wires, names: Names, receiver: Receiver
) -> None:
    names.changes("localhost", ["127.0.0.1"], [PRIVATE])
    receiver.script(500)
    song(client, "crun", f"http://localhost:{receiver.port}/hook")

    idle(control)

    (one,) = callbacks(control)
    assert (one["state"], PRIVATE in one["reason"]) == ("refused", True)
    assert wires.begun == [("127.0.0.1", receiver.port)]


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/hook", "http://localhost:{}/hook", "http://127.1:{}/h"])
def test_spellings_of_loopback_are_called(
    client: Client, control: Control, receiver: Receiver, url: str
) -> None:
    song(client, "crun", url.format(receiver.port))

    idle(control)

    assert (told(callbacks(control)), len(receiver.received)) == ([("complete", "delivered")], 1)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_redirect_is_not_followed(
    client: Client, control: Control, receiver: Receiver, wires: Wires, provider: str, status: int
) -> None:
    receiver.always(Redirect("http://10.0.0.1/secrets?token=hidden", status))
    song(client, provider, receiver.url)

    idle(control)

    assert set(wires.begun) == {("127.0.0.1", receiver.port)}
    assert len(wires.begun) == len(receiver.received) >= 2
    for one in callbacks(control):
        assert one["state"] == "gave-up"
        assert {attempt["status"] for attempt in one["attempts"]} == {status}
        assert "redirect" in one["reason"]
        assert "10.0.0.1" in one["reason"]
        assert "hidden" not in str(one["attempts"]) + one["reason"]


def test_a_redirect_to_another_path_of_the_receiver_is_not_followed_either(
    client: Client, control: Control, receiver: Receiver
) -> None:
    receiver.script(Redirect(f"http://127.0.0.1:{receiver.port}/elsewhere"))
    song(client, "crun", receiver.url)

    idle(control)

    assert [one.path for one in receiver.received] == ["/hook", "/hook"]
    assert told(callbacks(control)) == [("complete", "delivered")]


def test_a_url_with_a_password_is_refused_and_shown_without_it(
    client: Client, control: Control, receiver: Receiver, wires: Wires
) -> None:
    song(client, "kie", f"http://alice:opensesame@127.0.0.1:{receiver.port}/hook")

    idle(control)

    found = callbacks(control)
    assert {one["state"] for one in found} == {"refused"}
    shown = str([[one["reason"], one["url"], one["attempts"]] for one in found])
    assert f"127.0.0.1:{receiver.port}/hook" in shown
    assert "alice" not in shown
    assert "opensesame" not in shown
    assert (wires.begun, receiver.received) == ([], [])


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/hook", "file:///etc/passwd", "gopher://127.0.0.1:70/x"])
def test_only_http_and_https_are_spoken(client: Client, control: Control, wires: Wires, url: str) -> None:
    ordered(client, "kie", url)

    idle(control)

    assert {state for _, state in told(callbacks(control))} <= {"refused"}
    assert wires.begun == []


def test_a_refused_callback_is_refused_again_when_it_is_sent_again(
    client: Client, control: Control, wires: Wires
) -> None:
    song(client, "crun", "http://10.0.0.1/hook")
    idle(control)

    again = control.post(f"/callbacks/{callbacks(control)[0]['id']}/redeliver")

    assert (again["state"], wires.begun) == ("refused", [])


# --- evolink's own door ------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://example.com/hook", "http://10.0.0.1/hook", "http://hooks.example/x"])
def test_evolink_takes_no_http_but_loopback(client: Client, control: Control, url: str) -> None:
    reply = ordered(client, "evolink", url)

    idle(control)

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request")
    assert "callback_url" in reply.json()["error"]["message"]
    assert (callbacks(control), control.get("/tasks")["tasks"]) == ([], [])


@pytest.mark.parametrize("url", ["https://10.0.0.1/hook", "https://169.254.169.254/", "https://[fd00::1]/x"])
def test_evolink_takes_no_internal_address(client: Client, control: Control, wires: Wires, url: str) -> None:
    reply = ordered(client, "evolink", url)

    idle(control)

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request")
    assert (callbacks(control), wires.begun) == ([], [])


def test_evolink_takes_loopback_http_as_no_violation(
    client: Client, control: Control, receiver: Receiver
) -> None:
    reply = ordered(client, "evolink", receiver.url)

    idle(control)

    assert (reply.status_code, "x-mock-violation" in reply.headers) == (200, False)
    assert len(receiver.received) == 3


def test_evolink_takes_http_of_an_allowed_host(wires: Wires, names: Names, receiver: Receiver) -> None:
    client = allowing("hooks.example")
    names["hooks.example"] = [PRIVATE]
    wires.instead[PRIVATE, receiver.port] = ("127.0.0.1", receiver.port)

    reply = ordered(client, "evolink", f"http://hooks.example:{receiver.port}/hook")
    idle(Control(client))

    assert (reply.status_code, len(receiver.received)) == (200, 3)


# --- --callback-allow --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["hooks.example", "hooks.example:{}", "HOOKS.Example:{}"])
def test_an_allowed_host_is_called_at_the_address_it_resolves_to(
    wires: Wires, names: Names, receiver: Receiver, form: str
) -> None:
    client = allowing(form.format(receiver.port))
    names.changes("hooks.example", [PRIVATE], ["10.0.0.2"])
    wires.instead[PRIVATE, receiver.port] = ("127.0.0.1", receiver.port)
    song(client, "crun", f"http://hooks.example:{receiver.port}/hook")

    idle(Control(client))

    assert told(callbacks(Control(client))) == [("complete", "delivered")]
    assert (wires.begun, len(receiver.received)) == ([(PRIVATE, receiver.port)], 1)


@pytest.mark.parametrize("form", ["hooks.example:1", "other.example", "example", "10.0.0.2"])
def test_what_is_allowed_allows_nothing_else(
    wires: Wires, names: Names, receiver: Receiver, form: str
) -> None:
    client = allowing(form)
    names["hooks.example"] = [PRIVATE]
    song(client, "crun", f"http://hooks.example:{receiver.port}/hook")

    idle(Control(client))

    assert told(callbacks(Control(client))) == [("complete", "refused")]
    assert wires.begun == []


def test_an_allowed_address_is_called(wires: Wires, receiver: Receiver) -> None:
    client = allowing(f"{PRIVATE}:{receiver.port}")
    wires.instead[PRIVATE, receiver.port] = ("127.0.0.1", receiver.port)
    song(client, "crun", f"http://{PRIVATE}:{receiver.port}/hook", key="a")
    song(client, "crun", f"http://{PRIVATE}:1/hook", key="b")

    idle(Control(client))

    assert told(callbacks(Control(client))) == [("complete", "delivered"), ("complete", "refused")]
    assert wires.begun == [(PRIVATE, receiver.port)]


def test_loopback_needs_no_allowing_and_loses_nothing_by_it(receiver: Receiver) -> None:
    client = allowing(f"127.0.0.1:{receiver.port}")
    song(client, "crun", receiver.url)

    with Receiver() as other:
        song(client, "crun", other.url)
        idle(Control(client))

        assert (len(receiver.received), len(other.received)) == (1, 1)


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1"])
def test_an_allowed_name_does_not_reach_what_nobody_should(wires: Wires, names: Names, address: str) -> None:
    client = allowing("hooks.example")
    names["hooks.example"] = [address]
    song(client, "crun", "http://hooks.example/hook")

    idle(Control(client))

    (one,) = callbacks(Control(client))
    assert (one["state"], wires.begun, address in one["reason"]) == ("refused", [], True)


def test_an_allowed_host_that_redirects_is_not_followed(
    wires: Wires, names: Names, receiver: Receiver
) -> None:
    client = allowing("hooks.example")
    names["hooks.example"] = [PRIVATE]
    wires.instead[PRIVATE, receiver.port] = ("127.0.0.1", receiver.port)
    receiver.always(Redirect("http://169.254.169.254/"))
    song(client, "yuto", f"http://hooks.example:{receiver.port}/hook")

    idle(Control(client))

    assert told(callbacks(Control(client))) == [("complete", "gave-up")]
    assert set(wires.begun) == {(PRIVATE, receiver.port)}


# --- the mock itself, and nobody at all --------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/_mock/reset", "/_mock/clock/advance", "/_sandbox/default/_mock/reset"])
def test_a_callback_to_the_mocks_own_control_api_changes_nothing(
    live: Live, connect: Callable[[str], httpx2.Client], path: str
) -> None:
    url = live(clock="virtual")
    client = connect(url)
    control = Control(client)  # type: ignore[arg-type]
    other = control.post("/tasks", {"provider": "crun"})["source_task"]
    task = song(client, "kie", url + path)

    counts = idle(control)

    found = callbacks(control)
    assert told(found) == [("text", "gave-up"), ("first", "gave-up"), ("complete", "gave-up")]
    assert {attempt["status"] for one in found for attempt in one["attempts"]} == {403}
    assert (counts["delivered"], counts["gave_up"]) == (0, 3)
    assert {one["id"] for one in control.get("/tasks")["tasks"]} == {task, other}
    assert state_of("kie", poll(client, "kie", task, "k").json()) == "SUCCESS"


def test_a_callback_to_the_mocks_own_provider_routes_does_no_harm(
    live: Live, connect: Callable[[str], httpx2.Client]
) -> None:
    url = live(clock="virtual")
    client = connect(url)
    control = Control(client)  # type: ignore[arg-type]
    task = song(client, "crun", f"{url}/api/v1/generate")

    idle(control)

    assert [one["id"] for one in control.get("/tasks")["tasks"]] == [task]
    assert len(callbacks(control)) == 1


@pytest.mark.parametrize("url", ["https://localhost/noop", "http://localhost:1/", "http://127.0.0.1:9/x"])
def test_a_dead_url_is_given_up_with_a_reason(client: Client, control: Control, url: str) -> None:
    task = song(client, "kie", url)

    began = time.monotonic()
    counts = idle(control)
    took = time.monotonic() - began

    found = callbacks(control)
    assert told(found) == [("text", "gave-up"), ("first", "gave-up"), ("complete", "gave-up")]
    assert all("refused" in one["reason"] and len(one["attempts"]) == 4 for one in found)
    assert {attempt["status"] for one in found for attempt in one["attempts"]} == {None}
    assert (counts["gave_up"], took < 10) == (3, True)
    assert state_of("kie", poll(client, "kie", task, "k").json()) == "SUCCESS"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_takes_a_dead_url(client: Client, control: Control, provider: str) -> None:
    task = song(client, provider, "https://localhost/noop")

    idle(control)

    assert {one["state"] for one in callbacks(control)} == {"gave-up"}
    assert state_of(provider, poll(client, provider, task, "k").json()) == FINAL[provider]


def test_a_name_that_does_not_resolve_is_given_up_with_a_reason(
    wires: Wires, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    client = allowing("hooks.example")
    control = Control(client)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    task = song(client, "kie", "https://hooks.example/hook")

    idle(control)

    found = callbacks(control)
    assert {one["state"] for one in found} == {"gave-up"}
    assert all("resolve" in one["reason"] and len(one["attempts"]) == 4 for one in found)
    assert wires.begun == []
    assert control.get(f"/tasks/{task}")["status"] == "finished"


def test_dead_urls_do_not_slow_the_api(live: Live, connect: Callable[[str], httpx2.Client]) -> None:
    client = connect(live(clock="real", pace=600, rate_limits="off"))

    began = time.monotonic()
    tasks = [song(client, "kie", "https://localhost/noop", key="k") for _ in range(20)]
    shown = [poll(client, "kie", task, "k").status_code for task in tasks]
    took = time.monotonic() - began

    assert (shown, took < 10) == ([200] * 20, True)


@pytest.mark.parametrize("operation", ["extendMusic", "uploadCover", "uploadExtend"])
def test_the_other_songs_of_kie_are_kept_from_private_addresses_too(
    client: Client, control: Control, wires: Wires, operation: str
) -> None:
    common = {"callBackUrl": "http://10.0.0.1/hook", "model": "V4"}
    source = control.post("/tasks", {"provider": "kie", "key": "k", "model": "4"})["songs"][0]
    body = {
        "extendMusic": {"defaultParamFlag": False, "audioId": source},
        "uploadCover": {
            "uploadUrl": "https://example.com/a.mp3",
            "prompt": "Rain",
            "customMode": False,
            "instrumental": True,
        },
        "uploadExtend": {
            "uploadUrl": "https://example.com/a.mp3",
            "prompt": "On",
            "defaultParamFlag": False,
            "instrumental": True,
            "continueAt": 30,
        },
    }[operation]
    reply = send(client, "kie", operation, json={**common, **body})

    idle(control)

    assert reply.headers["x-mock-outcome"] == "success", reply.text
    assert told(callbacks(control)) == [("text", "refused"), ("first", "refused"), ("complete", "refused")]
    assert wires.begun == []


def test_an_address_that_cannot_be_read_is_refused_again_when_it_is_sent_again(
    client: Client, control: Control
) -> None:
    song(client, "kie", "http://user:hunter2@127.0.0.1:9/hook")
    idle(control)
    [before, *_] = callbacks(control)

    again = control.post(f"/callbacks/{before['id']}/redeliver")

    assert before["state"] == "refused"
    assert (again["state"], again["reason"], again["attempts"]) == ("refused", before["reason"], [])
