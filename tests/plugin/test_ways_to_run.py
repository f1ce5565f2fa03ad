"""The fixture under whatever a project does with pytest: classes, async tests, scopes, choices of tests."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import MakeProject
from tests.plugin.project import Project, Run

STYLES = """
    import unittest

    import anyio
    import httpx
    import pytest
    import pytest_asyncio
    import songs


    class TestOfUnittest(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def world(self, persona_mock):
            self.mock = persona_mock

        def test_first(self):
            self.assertEqual(self.mock.requests, [])
            self.assertEqual(songs.create(self.mock).json()["code"], 200)

        def test_second(self):
            self.assertEqual(self.mock.requests, [])
            self.assertEqual(songs.create(self.mock).json()["code"], 200)

        def test_dirty_unittest(self):
            songs.create(self.mock, name=7)


    async def create(mock, client, **changes):
        headers = {"authorization": f"Bearer {mock.kie.key}"}
        body = songs.about(mock.kie.completed_song(), **changes)
        answer = await client.post(mock.kie.url + songs.PERSONA, json=body, headers=headers)
        return answer.json()["code"]


    @pytest.mark.asyncio
    async def test_asyncio(persona_mock):
        async with httpx.AsyncClient(transport=persona_mock.async_transport()) as client:
            assert await create(persona_mock, client) == 200
        async with httpx.AsyncClient() as client:
            assert await create(persona_mock, client) == 200
        persona_mock.clock.advance(100)
        assert [one.outcome for one in persona_mock.requests] == ["success", "success"]


    @pytest.mark.asyncio
    async def test_dirty_asyncio(persona_mock):
        async with httpx.AsyncClient(transport=persona_mock.async_transport()) as client:
            await create(persona_mock, client, name=7)


    @pytest_asyncio.fixture
    async def client(persona_mock):
        async with httpx.AsyncClient(transport=persona_mock.async_transport()) as client:
            yield client


    @pytest.mark.asyncio
    async def test_async_fixture(persona_mock, client):
        assert await create(persona_mock, client) == 200


    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(request):
        return request.param


    @pytest.mark.anyio
    async def test_anyio(persona_mock, anyio_backend):
        async with httpx.AsyncClient(transport=persona_mock.async_transport()) as client:
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(create, persona_mock, client)
        async with httpx.AsyncClient() as client:
            assert await create(persona_mock, client) == 200
        assert len(persona_mock.account().personas) == 4


    @pytest.mark.anyio
    async def test_dirty_anyio(persona_mock, anyio_backend):
        async with httpx.AsyncClient(transport=persona_mock.async_transport()) as client:
            await create(persona_mock, client, name=7)


    @pytest.fixture(scope="class")
    def world(persona_mock_server):
        with persona_mock_server.sandbox("of-the-class", seed=3) as mock:
            yield mock, mock.kie.completed_song()


    class TestScope:
        @pytest.mark.parametrize("n", range(3))
        def test_shared(self, world, persona_mock, n):
            mock, song = world
            code = songs.create(mock, song).json()["code"]
            assert code == (200 if len(mock.requests) == 1 else 409)
            assert persona_mock.requests == []


    def test_two_at_once(persona_mock, request):
        again = request.getfixturevalue("persona_mock")
        assert again is persona_mock


    def test_late_request(request):
        assert songs.create(request.getfixturevalue("persona_mock")).json()["code"] == 200


    @pytest.mark.usefixtures("persona_mock")
    def test_by_name_only():
        pass
"""
SCOPE = """
    import pytest
    import songs


    @pytest.fixture(scope="module")
    def world(persona_mock_server):
        with persona_mock_server.sandbox("strict", strict=True) as mock:
            yield mock


    def test_of_a_strict_scope(world):
        songs.create(world, name=7)
"""
ORDER = """
    import songs

    def test_a(persona_mock):
        songs.create(persona_mock)

    def test_b(persona_mock):
        songs.create(persona_mock, name=7)

    def test_c(persona_mock):
        songs.create(persona_mock)
"""


@pytest.fixture(scope="module")
def styles(make_project: MakeProject) -> Run:
    project = make_project("styles").write("test_it.py", STYLES).write("test_scope.py", SCOPE)
    return project.run("-p", "no:cacheprovider", "--persona-mock-strict", python=("-X", "dev"))


def test_clean_tests_of_each_style_pass(styles: Run) -> None:
    clean = {name: how for name, how in styles.cases.items() if "dirty" not in name and "strict" not in name}

    assert {name: styles.told[name] for name, how in clean.items() if how != "passed"} == {}
    assert len(clean) == 12


@pytest.mark.parametrize(
    "test",
    ["test_dirty_unittest", "test_dirty_asyncio", "test_dirty_anyio[asyncio]", "test_dirty_anyio[trio]"],
)
def test_strictness_holds_in_each_style(styles: Run, test: str) -> None:
    assert styles.cases[test] == "failed"
    assert "/body/name" in styles.told[test]
    assert "generate-persona" in styles.told[test]


def test_an_own_scope_is_as_strict_as_it_says(styles: Run) -> None:
    assert styles.cases["test_of_a_strict_scope"] == "failed"
    assert "/body/name" in styles.told["test_of_a_strict_scope"]


def test_nothing_is_left_open_in_any_style(styles: Run) -> None:
    assert [line for line in styles.out.splitlines() if "Warning" in line] == []
    assert styles.err == ""


def test_first_failure_and_choices_and_last_failed(project: Project) -> None:
    project.write("test_it.py", ORDER)
    options = ("-p", "no:randomly", "--persona-mock-strict")

    first = project.run(*options, "-x")
    last = project.run(*options, "--lf")
    chosen = project.run(*options, "-k", "test_c or test_a", "--persona-mock-coverage=json:chosen.json")

    assert first.cases == {"test_a": "passed", "test_b": "failed"}
    assert last.cases == {"test_b": "failed"}
    assert chosen.cases == {"test_a": "passed", "test_c": "passed"}
    met = project.json("chosen.json")["providers"]["kie"]["operations"]["generatePersona"]["outcomes"]
    assert (met["success"], met["invalid"]) == (2, 0)


def test_a_keyboard_interrupt_ends_the_run_cleanly(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import songs

        def test_a(persona_mock):
            songs.create_by_url(persona_mock)

        def test_b(persona_mock):
            songs.create_by_url(persona_mock)
            raise KeyboardInterrupt

        def test_c(persona_mock):
            assert False
        """,
    )

    # Too little was met as well, which is not to hide the worse end.
    options = ("--persona-mock-coverage=json:met.json", "--persona-mock-fail-under=50")
    run = project.run("-p", "no:randomly", "-p", "no:cacheprovider", *options)

    assert run.code == 2, run.out
    assert run.err == ""
    assert "INTERNALERROR" not in run.out
    met = project.json("met.json")["providers"]["kie"]["operations"]["generatePersona"]["outcomes"]
    assert met["success"] == 2


def test_a_broken_document_of_the_project_fails_with_its_name(project: Project) -> None:
    project.write("pyproject.toml", '[tool.persona-mock]\nspecs = ["packaged", "mine"]\n')
    project.write("mine/pets.yaml", "openapi: 3.1.0\ninfo: {title: Pets\n")
    project.write("test_it.py", "def test_it(persona_mock):\n    pass\n\ndef test_other():\n    pass\n")

    run = project.run("-p", "no:cacheprovider")

    assert run.cases == {"test_it": "error", "test_other": "passed"}, run.out
    assert "pets.yaml" in run.told["test_it"]
