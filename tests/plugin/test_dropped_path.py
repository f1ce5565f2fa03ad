"""Clients that drop the path of a base URL: they reach the test that runs, and no shared state."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import MakeProject
from tests.plugin.project import Run

TESTS = """
    import asyncio
    import json
    import urllib.request
    from urllib.parse import urljoin

    import aiohttp
    import pytest

    DETAILS = "/api/v1/generate/record-info"
    BALANCE = "/api/v1/chat/credit"


    def by_urljoin(mock, path):
        headers = {"authorization": f"Bearer {mock.kie.key}"}
        call = urllib.request.Request(urljoin(mock.kie.url, path), headers=headers)
        assert "_sandbox" not in call.full_url
        with urllib.request.urlopen(call, timeout=10) as answer:
            return json.load(answer)


    def by_aiohttp(mock, path):
        async def called():
            headers = {"authorization": f"Bearer {mock.kie.key}"}
            async with aiohttp.ClientSession(mock.kie.url + "/", headers=headers) as session:
                async with session.get(path) as answer:
                    assert "_sandbox" not in str(answer.url)
                    return await answer.json()

        return asyncio.run(called())


    def test_without_a_test_s_own_it_is_default_too(persona_mock_server):
        with urllib.request.urlopen(persona_mock_server.url + "/_mock/requests") as answer:
            assert json.load(answer) == {"requests": []}


    ways = pytest.mark.parametrize("way", [by_urljoin, by_aiohttp])


    @ways
    @pytest.mark.parametrize("turn", range(2))
    def test_alone(persona_mock, way, turn):
        assert persona_mock.requests == []
        persona_mock.account().change(credits=turn)
        assert way(persona_mock, BALANCE)["data"] == turn
        assert [one.sandbox for one in persona_mock.requests] == [persona_mock.sandbox]


    @ways
    @pytest.mark.persona_mock(strict_outcomes=True)
    def test_queued(persona_mock, way):
        persona_mock.kie.next("maintenance")
        assert way(persona_mock, BALANCE)["code"] == 455


    @ways
    @pytest.mark.persona_mock(strict=True)
    def test_strict(persona_mock, way):
        way(persona_mock, DETAILS)


    @ways
    def test_shown(persona_mock, way):
        way(persona_mock, BALANCE)
        assert False


    def test_default_is_still_a_sandbox(persona_mock):
        root = persona_mock.url.partition("/_sandbox/")[0]
        headers = {"authorization": f"Bearer {persona_mock.kie.key}"}
        named = {**headers, "x-mock-sandbox": "default"}
        for url, sent in ((f"{root}/_sandbox/default", headers), (root, named)):
            with urllib.request.urlopen(urllib.request.Request(url + BALANCE, headers=sent)) as answer:
                assert answer.status == 200
        assert persona_mock.requests == []
"""


@pytest.fixture(scope="module")
def run(make_project: MakeProject) -> Run:
    project = make_project("dropped").write("test_it.py", TESTS)
    return project.run("-p", "no:cacheprovider", "-p", "no:randomly")


def test_each_test_is_alone_and_meets_what_it_queued(run: Run) -> None:
    meant = {
        f"{test}[{way}]" for test in ("test_strict", "test_shown") for way in ("by_urljoin", "by_aiohttp")
    }

    assert run.failing() == meant, run.out
    assert len(run.cases) == 12


@pytest.mark.parametrize("way", ["by_urljoin", "by_aiohttp"])
def test_a_strict_test_is_told_of_its_broken_request(run: Run, way: str) -> None:
    told = run.told[f"test_strict[{way}]"]

    assert "GET /api/v1/generate/record-info" in told
    assert "/query/taskId" in told


@pytest.mark.parametrize("way", ["by_urljoin", "by_aiohttp"])
def test_a_failing_test_shows_its_calls(run: Run, way: str) -> None:
    part = run.part(f"test_shown[{way}]")

    assert "GET /api/v1/chat/credit (kie getCredits) -> 200" in part
