"""What a test leaves running does not reach the tests after it."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import MakeProject
from tests.plugin.project import Project, Run


@pytest.fixture(scope="module")
def project(make_project: MakeProject) -> Project:
    return make_project("late").write(
        "test_it.py",
        """
        import json
        import threading
        import urllib.error
        import urllib.request

        import pytest
        import songs

        OVER = threading.Event()
        ANSWERS = {"url": [], "header": [], "transport": []}


        def by_url(url, headers):
            call = urllib.request.Request(url + "/api/v1/chat/credit", headers=headers)
            try:
                with urllib.request.urlopen(call, timeout=10) as answer:
                    return answer.status, json.load(answer), answer.headers
            except urllib.error.HTTPError as error:
                with error:
                    return error.status, json.load(error), error.headers


        def keep_calling(way, call):
            def run():
                while not OVER.is_set():
                    try:
                        ANSWERS[way].append(call())
                    except Exception as error:
                        ANSWERS[way].append(error)
                    OVER.wait(0.005)
            threading.Thread(target=run, name=f"late {way}", daemon=True).start()


        def more(way, n=3):
            # Whole calls that began after now.
            before = len(ANSWERS[way])
            while len(ANSWERS[way]) < before + n + 1:
                OVER.wait(0.005)


        @pytest.fixture(scope="module", autouse=True)
        def end():
            yield
            OVER.set()
            for thread in threading.enumerate():
                if thread.name.startswith("late "):
                    thread.join(10)


        def test_1_leaves_callers(persona_mock):
            key = {"authorization": f"Bearer {persona_mock.kie.key}"}
            url = persona_mock.kie.url
            root, named = persona_mock.url.partition("/_sandbox")[0], {"x-mock-sandbox": persona_mock.sandbox}
            client = songs.kie(persona_mock)
            keep_calling("url", lambda: by_url(url, key))
            keep_calling("header", lambda: by_url(root + "/kie", {**key, **named}))
            keep_calling("transport", lambda: client.get("/api/v1/chat/credit"))
            for way in ANSWERS:
                more(way)
            assert ANSWERS["url"][-1][0] == ANSWERS["header"][-1][0] == 200
            assert ANSWERS["transport"][-1].status_code == 200


        @pytest.mark.persona_mock(strict=True)
        @pytest.mark.parametrize("n", range(3))
        def test_2_is_not_disturbed(persona_mock, n):
            assert songs.create_by_url(persona_mock)["code"] == 200
            for way in ANSWERS:
                more(way)
            assert [one.operation for one in persona_mock.requests] == ["generatePersona"]


        @pytest.mark.parametrize("way", ["url", "header"])
        def test_3_late_caller_is_told(persona_mock, way):
            more(way)
            status, problem, headers = ANSWERS[way][-1]
            assert status == 410, problem
            assert headers["X-Mock-Error"] and headers["Content-Type"] == "application/problem+json"
            assert "test_1_leaves_callers" in str(problem) and "over" in str(problem)


        def test_4_late_transport_gets_nowhere(persona_mock):
            more("transport")
            last = ANSWERS["transport"][-1]
            assert isinstance(last, Exception) or last.status_code == 410, last
            assert persona_mock.requests == []
        """,
    )


@pytest.fixture(scope="module")
def run(project: Project) -> Run:
    options = ("-p", "no:randomly", "-p", "no:cacheprovider", "--persona-mock-coverage=json:met.json")
    return project.run(*options)


def test_the_next_tests_are_not_disturbed_and_the_late_caller_is_told(run: Run) -> None:
    assert {name: run.told[name] for name in run.failing()} == {}
    assert len(run.cases) == 7


def test_late_calls_are_in_no_count(project: Project, run: Run) -> None:
    operations = project.json("met.json")["providers"]["kie"]["operations"]

    assert operations["generatePersona"]["outcomes"]["success"] == 3
    assert {name for name, n in operations["getCredits"]["outcomes"].items() if n} == {"success"}
    assert run.err == ""
