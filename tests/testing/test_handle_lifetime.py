"""The handle without pytest: how it begins, how it ends, and what is left of it, whatever happens inside."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import textwrap
import threading
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from mockserver.settings import UsageError
from mockserver.testing import ContractBroken, PersonaMock, Server
from tests.testing.songs import client_of, look, make_persona, order, persona_body, run, threads_of_mocks
from tests.web.calls import credential


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Every test here ends the threads that it began."""
    before = threads_of_mocks()
    yield
    assert threads_of_mocks() - before == set()


NOT_STARTED = "this mock is not started, or has ended. Use it in a `with` statement"


def is_open(url: str) -> bool:
    """Does anybody listen there?"""
    parts = urlsplit(url)
    with socket.socket() as asking:
        return asking.connect_ex((parts.hostname or "", parts.port or 0)) == 0


def bad_request(mock: PersonaMock) -> None:
    """A call that breaks its document."""
    with client_of(mock) as client:
        client.post("/api/v1/generate", json={"prompt": 7}, headers=credential("kie", "k"))


# --- beginning and end --------------------------------------------------------------------------------------


def test_a_block_gives_a_running_mock_and_ends_it() -> None:
    with PersonaMock() as mock:
        url = mock.url
        song = mock.kie.completed_song()
        made = make_persona(mock, "kie", song.task_id, song.audio_id)
        assert made.json()["code"] == 200
        assert is_open(url)

    assert not is_open(url)


def test_start_gives_the_handle_itself_and_stop_ends_it() -> None:
    mock = PersonaMock()

    started = mock.start()
    url = mock.url
    is_up = is_open(url)
    mock.stop()

    assert started is mock
    assert is_up
    assert not is_open(url)


def test_stop_may_be_called_twice_and_before_the_start() -> None:
    mock = PersonaMock()

    mock.stop()
    mock.start()
    mock.stop()
    mock.stop()


def test_a_stopped_mock_may_begin_again_and_is_empty() -> None:
    mock = PersonaMock()
    with mock:
        first = mock.kie.completed_song()
        look(mock, "kie", first.task_id)

    with mock:
        assert mock.requests == []
        with pytest.raises(UsageError, match="No task"):
            mock.task(first.task_id)
        assert mock.kie.completed_song().task_id == first.task_id


USES: dict[str, Callable[[PersonaMock], Any]] = {
    "url": lambda mock: mock.url,
    "kie.url": lambda mock: mock.kie.url,
    "completed_song": lambda mock: mock.kie.completed_song(),
    "task": lambda mock: mock.task("x"),
    "kie.task": lambda mock: mock.kie.task("x"),
    "next": lambda mock: mock.kie.next("duplicate"),
    "always": lambda mock: mock.kie.always("duplicate"),
    "fault": lambda mock: mock.fault("latency", seconds=1),
    "clock": lambda mock: mock.clock.advance(1),
    "requests": lambda mock: mock.requests,
    "violations": lambda mock: mock.violations,
    "callbacks": lambda mock: mock.callbacks.url,
    "coverage": lambda mock: mock.coverage,
    "account": lambda mock: mock.account("k").credits,
    "reset": lambda mock: mock.reset(),
    "asgi": lambda mock: mock.asgi,
    "transport": lambda mock: mock.transport(),
    "async_transport": lambda mock: mock.async_transport(),
    "intercept": lambda mock: mock.intercept(),
}


@pytest.mark.parametrize("use", USES)
def test_before_the_start_it_says_how_to_start(use: str) -> None:
    with pytest.raises(UsageError, match=NOT_STARTED):
        USES[use](PersonaMock())


def test_after_the_end_it_says_how_to_start() -> None:
    with PersonaMock() as mock:
        kie, clock, account = mock.kie, mock.clock, mock.account("k")
        task = mock.task(kie.completed_song().task_id)
    held: list[Callable[[], Any]] = [
        kie.completed_song,
        lambda: clock.advance(1),
        lambda: account.credits,
        lambda: task.status,
        lambda: kie.url,
    ]

    for use in [*(lambda u=u: u(mock) for u in USES.values()), *held]:
        with pytest.raises(UsageError, match=NOT_STARTED):
            use()


def test_what_needs_no_server_works_before_the_start() -> None:
    mock = PersonaMock(seed=7, sandbox="mine", strict=True)

    assert (mock.seed, mock.sandbox, mock.is_strict) == (7, "mine", True)
    assert "duplicate" in mock.kie.outcomes("generatePersona")
    assert mock.kie.key == "mock-key"
    assert repr(mock) == "<PersonaMock sandbox 'mine'>"


def test_starting_twice_is_an_error_and_the_first_goes_on() -> None:
    with PersonaMock() as mock:
        with pytest.raises(UsageError, match="started already"):
            mock.start()

        assert look(mock, "kie", mock.kie.completed_song().task_id)["code"] == 200


def test_a_refused_start_leaves_nothing_behind() -> None:
    for options in ({"sandbox": "a b"}, {"quirks": {"kie.nope": 1}}, {"scenario": "nowhere.yaml"}):
        mock = PersonaMock(**options)
        with pytest.raises(UsageError):
            mock.start()
        with pytest.raises(UsageError, match=NOT_STARTED):
            _ = mock.url


# --- several at once ----------------------------------------------------------------------------------------


def test_two_at_once_know_nothing_of_each_other() -> None:
    with PersonaMock() as one, PersonaMock(seed=1) as other:
        song = one.kie.completed_song()
        refused = make_persona(other, "kie", song.task_id, song.audio_id)
        accepted = make_persona(one, "kie", song.task_id, song.audio_id)
        one.clock.advance(60)

        assert refused.headers["x-mock-outcome"] == "source-not-found"
        assert accepted.headers["x-mock-outcome"] == "success"
        assert [len(one.requests), len(other.requests)] == [1, 1]
        assert (one.clock.now, other.clock.now) == ("2026-01-01T00:01:00Z", "2026-01-01T00:00:00Z")
        assert urlsplit(one.url).port != urlsplit(other.url).port


def test_the_end_of_one_leaves_the_other_alone() -> None:
    with PersonaMock() as outer:
        with PersonaMock() as inner:
            inner.kie.completed_song()

        assert make_persona(outer, "kie", "0" * 32, "x").json()["code"] == 422


def test_many_threads_may_each_have_one() -> None:
    def story(number: int) -> tuple[int, int]:
        with PersonaMock(seed=number) as mock:
            song = mock.kie.completed_song()
            made = make_persona(mock, "kie", song.task_id, song.audio_id)
            return made.json()["code"], len(mock.requests)

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(story, range(8)))

    assert told == [(200, 1)] * 8


def test_threads_may_share_one() -> None:
    with PersonaMock() as mock, ThreadPoolExecutor(8) as pool:
        songs = list(pool.map(lambda _: mock.kie.completed_song(), range(24)))
        made = list(pool.map(lambda song: make_persona(mock, "kie", song.task_id, song.audio_id), songs))

        assert len({song.task_id for song in songs}) == 24
        assert [answer.json()["code"] for answer in made] == [200] * 24
        assert len(mock.requests) == 24


# --- where it may be used -----------------------------------------------------------------------------------


def test_it_works_inside_an_asyncio_program() -> None:
    async def program() -> list[Any]:
        with PersonaMock() as mock:
            song = mock.kie.completed_song()
            body = persona_body("kie", song.task_id, song.audio_id)
            async with httpx2.AsyncClient(headers=credential("kie", song.key)) as client:
                url = f"{mock.kie.url}/api/v1/generate/generate-persona"
                answers = await asyncio.gather(*(client.post(url, json=body) for _ in range(3)))
            return [sorted(one.json()["code"] for one in answers), mock.requests[-1].outcome]

    assert asyncio.run(program()) == [[200, 409, 409], "duplicate"]


def test_it_works_in_a_thread_that_is_not_the_main_one() -> None:
    told: list[Any] = []

    def work() -> None:
        with PersonaMock() as mock:
            told.append(look(mock, "yuto", mock.yuto.completed_song().task_id)["code"])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)

    assert told == ["success"]


def run_unittest(
    test: Callable[[unittest.TestCase, PersonaMock], None], **options: Any
) -> unittest.TestResult:
    """Run a unittest twice, each time with a mock of its own that a cleanup stops."""

    class OfUnittest(unittest.TestCase):
        def setUp(self) -> None:
            self.mock = PersonaMock(**options).start()
            self.addCleanup(self.mock.stop)

        def test_one(self) -> None:
            test(self, self.mock)

        def test_other(self) -> None:
            test(self, self.mock)

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(OfUnittest).run(result)
    return result


def test_a_unittest_starts_it_and_stops_it_by_a_cleanup() -> None:
    def second_persona_is_refused(case: unittest.TestCase, mock: PersonaMock) -> None:
        song = mock.kie.completed_song(model="V4_5")
        codes = [make_persona(mock, "kie", song.task_id, song.audio_id).json()["code"] for _ in range(2)]
        case.assertListEqual(codes, [200, 409])  # noqa: PT009 - a unittest says it so

    result = run_unittest(second_persona_is_refused)

    assert (result.testsRun, result.errors, result.failures) == (2, [], [])


def test_a_strict_mock_fails_the_unittest_whose_cleanup_stops_it() -> None:
    result = run_unittest(lambda case, mock: bad_request(mock), strict=True)

    assert (len(result.failures), result.errors) == (2, [])
    assert "POST /api/v1/generate (kie generateMusic)" in result.failures[0][1]


def test_a_script_that_forgets_to_stop_it_still_ends(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import urllib.request
            from mockserver.testing import PersonaMock

            mock = PersonaMock().start()
            print(urllib.request.urlopen(mock.url + "/_mock/health").status)
            """
        )
    )

    ended = subprocess.run(
        [sys.executable, "-W", "error", str(script)], capture_output=True, text=True, timeout=20, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "200\n", "")


# --- exceptions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"strict": True}, {"strict": True, "strict_outcomes": True}])
def test_an_exception_inside_the_block_comes_out_as_it_was(options: dict[str, Any]) -> None:
    mine, urls = ZeroDivisionError("mine"), []

    def story(mock: PersonaMock) -> None:
        urls.append(mock.url)
        bad_request(mock)
        mock.kie.next("duplicate")
        raise mine

    with pytest.raises(ZeroDivisionError) as caught:
        run(story, **options)

    assert caught.value is mine
    assert caught.value.__context__ is None
    assert not is_open(urls[0])


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_whatever_leaves_the_block_the_server_goes(error: type[BaseException]) -> None:
    urls = []

    def story(mock: PersonaMock) -> None:
        urls.append(mock.url)
        bad_request(mock)
        raise error

    with pytest.raises(error):
        run(story, strict=True)

    assert not is_open(urls[0])


# --- strict -------------------------------------------------------------------------------------------------


def complaint(story: Callable[[PersonaMock], object], **options: Any) -> str:
    """What a strict mock says at the end of a story."""
    with pytest.raises(ContractBroken) as caught:
        run(story, **options)
    assert isinstance(caught.value, AssertionError)
    return str(caught.value)


def test_a_strict_mock_tells_at_its_end_which_request_broke_the_document() -> None:
    urls = []

    def story(mock: PersonaMock) -> None:
        urls.append(mock.url)
        bad_request(mock)

    text = complaint(story, strict=True)

    assert "POST /api/v1/generate (kie generateMusic)" in text
    assert "/body/prompt: type: wanted string, got 7" in text
    assert not is_open(urls[0])


def test_a_strict_mock_has_nothing_against_requests_that_keep_the_document() -> None:
    with PersonaMock(strict=True, strict_outcomes=True) as mock:
        order(mock, "kie")
        make_persona(mock, "kie", "0" * 32, "unknown")


def test_a_strict_mock_remembers_what_came_before_a_reset() -> None:
    mock = PersonaMock(strict=True).start()
    with client_of(mock) as client:
        client.get("/kie/api/v1/nowhere")

    mock.reset()

    assert mock.requests == []
    with pytest.raises(ContractBroken, match="GET /kie/api/v1/nowhere"):
        mock.stop()


def test_without_strict_a_broken_request_is_only_listed() -> None:
    with PersonaMock() as mock:
        bad_request(mock)

        assert mock.violations


def test_queued_outcomes_that_nobody_met_are_told_of_where_that_was_asked_for() -> None:
    def story(mock: PersonaMock) -> None:
        mock.kie.next("duplicate", times=3, operation="generatePersona")
        mock.crun.always("maintenance")
        make_persona(mock, "kie", "x", "y")

    text = complaint(story, strict_outcomes=True)

    assert "duplicate for kie generatePersona: 2 of 3 left" in text
    assert "maintenance" not in text


def test_queued_outcomes_that_were_met_or_removed_are_no_complaint() -> None:
    with PersonaMock(strict_outcomes=True) as mock:
        mock.kie.next("duplicate", operation="generatePersona")
        mock.crun.next("maintenance").remove()
        make_persona(mock, "kie", "x", "y")


def test_strict_outcomes_alone_does_not_judge_requests() -> None:
    with PersonaMock(strict_outcomes=True) as mock:
        bad_request(mock)


def test_both_complaints_come_together() -> None:
    def story(mock: PersonaMock) -> None:
        bad_request(mock)
        mock.yuto.next("server-error")

    text = complaint(story, strict=True, strict_outcomes=True)

    assert "/body/prompt" in text
    assert "server-error for yuto: 1 of 1 left" in text


def test_close_ends_a_strict_mock_without_a_word() -> None:
    mock = PersonaMock(strict=True).start()
    url = mock.url
    bad_request(mock)

    mock.close()

    assert not is_open(url)


def test_a_strict_complaint_shows_no_key() -> None:
    key = "sk-very-secret-4711"

    def story(mock: PersonaMock) -> None:
        with client_of(mock) as client:
            body = {"prompt": 7, "apiKey": key}
            client.post(f"/api/v1/generate?key={key}", json=body, headers=credential("kie", key))

    assert key not in complaint(story, strict=True)


# --- nothing is left ----------------------------------------------------------------------------------------


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files as Linux shows them")
def test_twenty_beginnings_and_ends_leave_no_thread_and_no_open_file() -> None:
    def story() -> None:
        with PersonaMock(pace="instant") as mock, httpx2.Client(transport=mock.transport()) as inside:
            order(mock, "kie", mock.callbacks.url)
            mock.clock.finish_all()
            assert len(mock.callbacks.wait(3)) == 3
            assert inside.get(mock.kie.url + "/api/v1/chat/credit").json()["code"] == 401

    story()
    files = open_files()

    for _ in range(20):
        story()

    assert open_files() <= files


def test_a_client_that_is_not_closed_keeps_no_thread_beyond_the_block() -> None:
    before = threads_of_mocks()

    with PersonaMock() as mock:
        transport = mock.transport()
        client = httpx2.Client(transport=transport, base_url=mock.kie.url)
        client.get("/api/v1/chat/credit")

    # It ends by itself; nobody waits for it.
    for thread in threads_of_mocks() - before:
        thread.join(5)
    assert threads_of_mocks() - before == set()
    client.close()


def test_sandboxes_with_settings_of_their_own_leave_no_thread() -> None:
    before = threads_of_mocks()

    with Server() as server:
        for pace in ("instant", "polls:1") * 5:
            with server.sandbox("mine", pace=pace) as mock:
                order(mock, "kie", mock.callbacks.url)
                mock.clock.finish_all()
                assert len(mock.callbacks.wait(3)) == 3

        names = sorted(thread.name for thread in threads_of_mocks() - before)
        assert names in (["persona-mock"], ["agenda", "persona-mock"])
