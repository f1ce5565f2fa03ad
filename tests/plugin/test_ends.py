"""However a test ends, the next one begins as if it had not been."""

from __future__ import annotations

from tests.plugin.project import Project

QUIET = ("-p", "no:cacheprovider", "-p", "no:randomly")


def test_an_interception_that_nobody_left_ends_with_its_test(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import http.client
        import http.server
        import threading
        import urllib.request

        import httpx
        import pytest
        import requests
        import urllib3

        OWNERS = (
            http.client.HTTPConnection,
            httpx.HTTPTransport,
            httpx.AsyncHTTPTransport,
            urllib3.connection.HTTPConnection,
            urllib3.connectionpool.HTTPConnectionPool,
        )


        def functions():
            return {f"{owner}.{name}": found for owner in OWNERS for name, found in vars(owner).items()}


        REAL = functions()


        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"real")

            def log_message(self, *_):
                pass


        @pytest.fixture
        def elsewhere():
            with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
                threading.Thread(target=server.serve_forever, args=(0.01,)).start()
                yield f"http://127.0.0.1:{server.server_port}/"
                server.shutdown()


        def test_1_never_leaves(persona_mock):
            persona_mock.intercept().__enter__()
            persona_mock.intercept().__enter__()
            assert requests.get("https://api.kie.ai/api/v1/chat/credit").status_code == 200
            assert functions() != REAL


        def test_2_meets_the_real_functions(elsewhere):
            assert {name for name, found in functions().items() if found is not REAL[name]} == set()
            with urllib.request.urlopen(elsewhere) as answer:
                assert answer.read() == b"real"
            assert httpx.get(elsewhere).text == requests.get(elsewhere).text == "real"
        """,
    )

    run = project.run(*QUIET)

    assert run.counted() == {"passed": 2}, run.out


def test_a_broken_request_is_told_of_its_own_test_or_where_that_was_skipped_of_none(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest
        import songs


        @pytest.fixture
        def not_here(persona_mock):
            songs.create(persona_mock, name=7)
            pytest.skip("of no interest")


        @pytest.fixture(scope="module")
        def world(persona_mock_server):
            with persona_mock_server.sandbox("world") as mock:
                yield mock


        @pytest.fixture
        def not_there(world):
            songs.create(world, name=7)
            pytest.skip("of no interest")


        def test_skipped(not_here):
            pass


        def test_skipped_too(not_there):
            pass


        def test_next(world, persona_mock):
            pass


        @pytest.fixture
        def says_goodbye_badly(world):
            yield
            songs.create(world, name=7)


        def test_goodbye(says_goodbye_badly):
            pass


        @pytest.fixture
        def fails_at_its_end(world):
            yield
            songs.create(world, name=7)
            raise OSError("no such luck")


        def test_goodbye_too(fails_at_its_end):
            pass


        def test_after_that(world):
            pass
        """,
    )

    run = project.run(*QUIET, "--persona-mock-strict")

    assert run.cases == {
        "test_skipped": "skipped",
        "test_skipped_too": "skipped",
        "test_next": "passed",
        "test_goodbye": "error",
        "test_goodbye_too": "error",
        "test_after_that": "passed",
    }, run.out
    # Those that were skipped have no error beside.
    assert " 4 passed, 2 skipped, 2 errors " in run.out
    assert "/body/name" in run.told["test_goodbye"]
    assert "no such luck" in run.told["test_goodbye_too"]


def test_examples_of_hypothesis_are_alone_in_sandboxes_of_their_own_or_after_a_reset(
    project: Project,
) -> None:
    project.write(
        "test_it.py",
        """
        import songs
        from hypothesis import HealthCheck, given, settings
        from hypothesis import strategies as st

        some = settings(max_examples=5, database=None, deadline=None)
        shared = settings(some, suppress_health_check=[HealthCheck.function_scoped_fixture])


        @some
        @given(credits=st.integers(0, 9))
        def test_scopes(persona_mock_server, credits):
            with persona_mock_server.sandbox("example", credits=credits) as mock:
                assert mock.account().credits == credits
                assert mock.requests == []
                songs.create_by_url(mock)


        @shared
        @given(credits=st.integers(0, 9))
        def test_reset(persona_mock, credits):
            persona_mock.reset()
            assert persona_mock.requests == []
            songs.create_by_url(persona_mock)
        """,
    )

    run = project.run(*QUIET)

    assert run.cases == {"test_scopes": "passed", "test_reset": "passed"}, run.out
