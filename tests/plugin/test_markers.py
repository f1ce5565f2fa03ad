"""The marker: each of its options has an effect, the nearest one wins, and misuse is explained."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import MakeProject
from tests.plugin.project import Run

EFFECTS = """
    import json
    import urllib.request

    import pytest
    import songs
    from mockserver.testing import PersonaMock


    def ask(mock, path):
        with urllib.request.urlopen(mock.url + path, timeout=10) as answer:
            return json.load(answer)


    def polled(mock, times):
        task = songs.generate(mock).json()["data"]["taskId"]
        return [songs.details(mock, taskId=task).json()["data"]["status"] for _ in range(times)]


    def persona_of(mock):
        return songs.create(mock).json()["data"]["personaId"]


    def test_defaults(persona_mock):
        assert len(set(polled(persona_mock, 8))) == 1
        assert ask(persona_mock, "/_mock/clock")["mode"] == "virtual"
        assert ask(persona_mock, "/_mock/clock")["now"].startswith("2026-01-01T00:00:00")
        assert persona_mock.seed == 0
        assert {songs.generate(persona_mock).json()["code"] for _ in range(40)} == {200}


    @pytest.mark.persona_mock(pace="instant")
    def test_pace_instant(persona_mock):
        assert polled(persona_mock, 1) == ["SUCCESS"]


    @pytest.mark.persona_mock(pace="polls:2")
    def test_pace_polls(persona_mock):
        states = polled(persona_mock, 12)
        assert states[0] == states[1] == "PENDING" and states[-1] == "SUCCESS"
        assert len(set(states)) >= 3


    @pytest.mark.persona_mock(clock="real")
    def test_clock(persona_mock):
        assert ask(persona_mock, "/_mock/clock")["mode"] == "real"


    @pytest.mark.parametrize(("status", "code"), [
        pytest.param("http", 409, marks=pytest.mark.persona_mock(status="http")),
        pytest.param("envelope", 200, marks=pytest.mark.persona_mock(status="envelope")),
        pytest.param("auto", 200, marks=pytest.mark.persona_mock(status="auto")),
    ])
    def test_status(persona_mock, status, code):
        song = persona_mock.kie.completed_song()
        answers = [songs.create(persona_mock, song) for _ in range(2)]
        assert answers[1].status_code == code and answers[1].json()["code"] == 409


    @pytest.mark.persona_mock(seed=7)
    def test_seed(persona_mock):
        assert persona_mock.seed == 7
        made = persona_of(persona_mock)
        with PersonaMock(sandbox=persona_mock.sandbox, seed=7) as same:
            assert persona_of(same) == made
        with PersonaMock(sandbox=persona_mock.sandbox) as other:
            assert persona_of(other) != made


    @pytest.mark.persona_mock(scenario="a-poor-account")
    def test_scenario_of_ours(persona_mock):
        assert persona_mock.account("demo").credits == 25
        assert persona_mock.account("another").credits == 1000


    @pytest.mark.persona_mock(scenario="beside.yaml")
    def test_scenario_beside_the_test(persona_mock):
        assert persona_mock.account("me").credits == 11


    @pytest.mark.persona_mock(scenario="scenarios/below.yaml")
    def test_scenario_below_the_root(persona_mock):
        assert persona_mock.account("me").credits == 22


    @pytest.mark.persona_mock(scenario="scenarios/below.yaml")
    def test_reset_begins_with_the_scenario_or_without(persona_mock):
        persona_mock.account("me").change(credits=1)
        persona_mock.reset()
        assert persona_mock.account("me").credits in (22, 1000)


    @pytest.mark.parametrize("form", [
        pytest.param("dict", marks=pytest.mark.persona_mock(quirks={"kie.duplicate": "overwrite"})),
        pytest.param("list", marks=pytest.mark.persona_mock(quirks=["kie.duplicate=overwrite"])),
    ])
    def test_quirks(persona_mock, form):
        song = persona_mock.kie.completed_song()
        assert [songs.create(persona_mock, song).json()["code"] for _ in range(2)] == [200, 200]


    @pytest.mark.persona_mock(rate_limits="documented")
    def test_rate_limits(persona_mock):
        codes = [songs.generate(persona_mock).json()["code"] for _ in range(40)]
        assert codes[0] == 200 and codes[-1] in (429, 430)
        assert persona_mock.requests[-1].outcome == "rate-limited"
"""
LEVELS = """
    import pytest

    pytestmark = pytest.mark.persona_mock(seed=1, status="http")


    def seen(mock):
        import songs
        song = mock.kie.completed_song()
        return mock.seed, [songs.create(mock, song).status_code for _ in range(2)][1]


    def test_of_the_module(persona_mock):
        assert seen(persona_mock) == (1, 409)


    @pytest.mark.persona_mock(seed=2)
    class TestClass:
        def test_of_the_class(self, persona_mock):
            assert seen(persona_mock) == (2, 409)

        @pytest.mark.persona_mock(seed=3)
        def test_of_the_function(self, persona_mock):
            assert seen(persona_mock) == (3, 409)

        @pytest.mark.persona_mock(status="envelope")
        @pytest.mark.persona_mock(seed=4)
        def test_of_several(self, persona_mock):
            assert seen(persona_mock) == (4, 200)

        @pytest.mark.persona_mock(seed=6)
        @pytest.mark.persona_mock(seed=5)
        def test_nearest_of_several(self, persona_mock):
            assert seen(persona_mock) == (5, 409)
"""
# Each misuse with words that its message must have.
MISUSES = {
    "pase='instant'": ["pase", "pace"],
    "banana='red'": ["banana", "pace", "strict_outcomes"],
    "pace='fast'": ["pace", "fast", "instant", "polls:N"],
    "pace='polls:0'": ["pace", "polls:0"],
    "clock='sundial'": ["clock", "sundial", "virtual", "real"],
    "status='maybe'": ["status", "maybe", "envelope", "http", "auto"],
    "seed='x'": ["seed", "'x'"],
    "scenario='nowhere.yaml'": ["nowhere.yaml"],
    "scenario='broken.yaml'": ["broken.yaml"],
    "quirks={'kie.nope': 'x'}": ["kie.nope", "kie.duplicate"],
    "quirks={'kie.duplicate': 'perhaps'}": ["kie.duplicate", "perhaps", "overwrite"],
    "quirks=3": ["quirks", "3"],
    "rate_limits='some'": ["rate_limits", "some", "documented", "off"],
    "strict='no'": ["strict", "no"],
    "strict_outcomes='no'": ["strict_outcomes", "no"],
    "'instant'": ["instant", "keyword"],
}


def misused() -> str:
    lines = ["import pytest"]
    for n, arguments in enumerate(MISUSES):
        lines += [f"@pytest.mark.persona_mock({arguments})", f"def test_misuse_{n}(persona_mock): pass"]
        lines += [f"def test_between_{n}(persona_mock): assert persona_mock.kie.url"]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def run(make_project: MakeProject) -> Run:
    project = make_project("marked").write("sub/test_effects.py", EFFECTS).write("test_levels.py", LEVELS)
    project.write("sub/beside.yaml", "accounts: [{key: me, credits: 11}]\n")
    project.write("scenarios/below.yaml", "accounts: [{key: me, credits: 22}]\n")
    project.write("test_misuse.py", misused()).write("broken.yaml", "accounts: [{key: me, credit: 22}]\n")
    options = ("-p", "no:cacheprovider", "--strict-markers", "--import-mode=importlib", "-o", "pythonpath=.")
    # From a folder that is neither the root nor beside a test, so that nothing is found by chance.
    return project.run(*options, "..", folder="scenarios")


def test_every_option_has_its_effect(run: Run) -> None:
    effects = {name: how for name, how in run.cases.items() if not name.startswith(("test_mis", "test_betw"))}

    assert {name: run.told[name] for name, how in effects.items() if how != "passed"} == {}
    assert len(effects) == 20


def test_misuse_fails_just_that_test(run: Run) -> None:
    numbers = range(len(MISUSES))

    assert [n for n in numbers if run.cases[f"test_misuse_{n}"] not in ("failed", "error")] == []
    assert [n for n in numbers if run.cases[f"test_between_{n}"] != "passed"] == []


@pytest.mark.parametrize(("n", "arguments"), list(enumerate(MISUSES)), ids=str)
def test_misuse_is_explained_in_one_message(run: Run, n: int, arguments: str) -> None:
    told = run.told[f"test_misuse_{n}"]

    assert [word for word in MISUSES[arguments] if word not in told] == []
    assert len(told.strip().splitlines()) <= 4, told
    assert not [word for word in (".py:", "Traceback", "During handling") if word in told], told
