"""Settings: what may be said, where, and what wins."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from mockserver.settings import OPTIONS, Settings, UsageError, default_of, described, is_loopback

QUIRKS = ("kie.duplicate=overwrite", "kie.persona_price=2")


def load(
    folder: Path, flags: dict[str, Any] | None = None, environ: dict[str, str] | None = None, file: str = ""
) -> Settings:
    if file:
        (folder / "pyproject.toml").write_text(f"[tool.persona-mock]\n{file}\n")
    return Settings.load(flags or {}, environ or {}, folder)


def shown(settings: Settings) -> dict[str, tuple[str, str]]:
    """Each option as `--print-config` prints it, with its source."""
    return {name: (value, source) for name, value, source in described(settings)}


# --- the table ---------------------------------------------------------------------------------------------


def test_every_field_has_its_option_and_every_option_its_field() -> None:
    names = [item.name for item in fields(Settings) if item.name != "sources"]

    assert [option.field for option in OPTIONS] == names


def test_every_default_is_a_value_its_option_takes() -> None:
    settings = Settings()

    for option in OPTIONS:
        if default_of(option) is not None:
            assert getattr(settings, option.field) == default_of(option)


def test_defaults_are_those_documented() -> None:
    settings = Settings()

    assert (settings.host, settings.port, settings.specs) == ("127.0.0.1", 4010, ("packaged",))
    assert (settings.clock, settings.status, settings.log_format) == ("real", "auto", "text")
    assert (settings.pace, settings.credits, settings.quirk) == (20, 1000, ())
    assert (settings.journal_size, settings.max_body) == (1000, 1_048_576)
    assert (settings.verify_responses, settings.access_log, settings.cors) == (False, False, True)
    assert (settings.url_file, settings.public_url, settings.control_token) == (None, None, None)
    assert settings.scenario is None
    assert (settings.callback_allow, settings.allow_host) == ((), ())


# --- what wins ---------------------------------------------------------------------------------------------


def test_a_flag_wins_over_the_environment_that_over_the_file_and_that_over_the_default(
    tmp_path: Path,
) -> None:
    file = 'port = 1\nclock = "virtual"\nseed = 3'
    environ = {"PERSONA_MOCK_PORT": "2", "PERSONA_MOCK_CLOCK": "real"}

    settings = load(tmp_path, {"port": "4"}, environ, file)

    assert (settings.port, settings.clock, settings.seed, settings.status) == (4, "real", 3, "auto")
    assert settings.sources["port"] == "flag --port"
    assert settings.sources["clock"] == "environment PERSONA_MOCK_CLOCK"
    assert settings.sources["seed"] == "pyproject.toml [tool.persona-mock] seed"
    assert settings.sources["status"] == "default"


def test_a_repeated_flag_replaces_the_list_of_the_environment(tmp_path: Path) -> None:
    settings = load(tmp_path, {"specs": ["mine", "packaged"]}, {"PERSONA_MOCK_SPECS": "theirs"})

    assert settings.specs == ("mine", "packaged")


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("HOST", "[::1]", "host", "::1"),
        ("PORT", "0", "port", 0),
        ("URL_FILE", "out/url", "url_file", Path("out/url")),
        ("PUBLIC_URL", "https://mock.example/base/", "public_url", "https://mock.example/base"),
        ("SPECS", "packaged, ./mine", "specs", ("packaged", "mine")),
        ("CLOCK", "virtual", "clock", "virtual"),
        ("SEED", "7", "seed", 7),
        ("PACE", "instant", "pace", "instant"),
        ("PACE", "real", "pace", 1.0),
        ("PACE", "0.5", "pace", 0.5),
        ("PACE", "polls:3", "pace", "polls:3"),
        ("CALLBACK_TIMEOUT", "0.5", "callback_timeout", 0.5),
        ("CREDITS", "12.5", "credits", 12.5),
        ("QUIRK", "kie.duplicate=overwrite, kie.persona_price=2", "quirk", QUIRKS),
        ("RATE_LIMITS", "off", "rate_limits", "off"),
        ("STATUS", "http", "status", "http"),
        ("SCENARIO", "a/day.yaml", "scenario", Path("a/day.yaml")),
        ("VERIFY_RESPONSES", "yes", "verify_responses", True),
        ("CALLBACK_ALLOW", "a.example,[::1]:80", "callback_allow", ("a.example", "[::1]:80")),
        ("ALLOW_HOST", "mock,mock.internal", "allow_host", ("mock", "mock.internal")),
        ("CONTROL_TOKEN", "s3cret", "control_token", "s3cret"),
        ("JOURNAL_SIZE", "5", "journal_size", 5),
        ("MAX_BODY", "512KiB", "max_body", 524_288),
        ("MAX_BODY", "1MB", "max_body", 1_000_000),
        ("ACCESS_LOG", "1", "access_log", True),
        ("LOG_FORMAT", "json", "log_format", "json"),
        ("CORS", "false", "cors", False),
        ("CORS", "NO", "cors", False),
    ],
)
def test_every_option_has_an_environment_twin(
    tmp_path: Path, variable: str, text: str, field: str, value: Any
) -> None:
    settings = load(tmp_path, environ={f"PERSONA_MOCK_{variable}": text})

    assert getattr(settings, field) == value
    assert settings.sources[field] == f"environment PERSONA_MOCK_{variable}"


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("port = 0", "port", 0),
        ('specs = ["mine", "packaged"]', "specs", ("mine", "packaged")),
        ('url-file = "url"', "url_file", Path("url")),
        ('scenario = "a-bad-day"', "scenario", Path("a-bad-day")),
        ("verify-responses = true", "verify_responses", True),
        ("no-verify-responses = true", "verify_responses", False),
        ("cors = false", "cors", False),
        ("no-cors = true", "cors", False),
        ("no-cors = false", "cors", True),
        ("max-body = 2048", "max_body", 2048),
        ('pace = "instant"', "pace", "instant"),
        ('pace = "real"', "pace", 1.0),
        ('pace = "40"', "pace", 40.0),
        ("pace = 40", "pace", 40.0),
        ("pace = 0.25", "pace", 0.25),
        ("credits = 0", "credits", 0),
        ("credits = 0.5", "credits", 0.5),
        ('quirk = ["kie.duplicate=overwrite", "kie.persona_price=2"]', "quirk", QUIRKS),
        ('max-body = "2KiB"', "max_body", 2048),
        ('control-token = "none"', "control_token", None),
    ],
)
def test_the_file_takes_flag_names_and_typed_values(
    tmp_path: Path, line: str, field: str, value: Any
) -> None:
    settings = load(tmp_path, file=line)

    assert getattr(settings, field) == value
    assert settings.sources[field].startswith("pyproject.toml [tool.persona-mock] ")


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    settings = load(tmp_path, environ={"PERSONA_MOCK_PORT": "", "PERSONA_MOCK_SPECS": ""})

    assert (settings.port, settings.specs) == (4010, ("packaged",))
    assert settings.sources["port"] == "default"


def test_a_folder_without_a_file_or_a_table_gives_the_defaults(tmp_path: Path) -> None:
    without_file = load(tmp_path).port
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'other'\n")

    assert (without_file, load(tmp_path).port) == (4010, 4010)


def test_a_broken_file_that_is_not_about_us_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")

    assert load(tmp_path).port == 4010


# --- bad input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("host", ""),
        ("host", "http://127.0.0.1"),
        ("host", "127.0.0.1:4010"),
        ("host", "a host"),
        ("port", "65536"),
        ("port", "-1"),
        ("port", "4010.0"),
        ("port", "1_0"),
        ("port", "٣"),
        ("port", "9" * 5000),
        ("url_file", " "),
        ("public_url", "mock.example"),
        ("public_url", "ftp://mock.example"),
        ("public_url", "http://mock.example:99999"),
        ("public_url", "http://mock.example/?q"),
        ("public_url", "http://user:secret@mock.example"),
        ("specs", [""]),
        ("clock", "Virtual"),
        ("seed", "-1"),
        ("seed", "9223372036854775808"),
        ("rate_limits", "none"),
        ("status", "http|auto"),
        ("callback_allow", ["http://a.example"]),
        ("callback_allow", ["a.example:0"]),
        ("callback_allow", ["a.example/path"]),
        ("allow_host", ["a.example:80"]),
        ("allow_host", ["a b"]),
        ("control_token", ""),
        ("control_token", "with blank"),
        ("journal_size", "-1"),
        ("max_body", "0"),
        ("max_body", "1.5MiB"),
        ("max_body", "1 parsec"),
        ("log_format", "xml"),
        ("pace", ""),
        ("pace", "0"),
        ("pace", "0.0"),
        ("pace", "-1"),
        ("pace", "nan"),
        ("pace", "inf"),
        ("pace", "1e400"),
        ("pace", "1e-400"),
        ("pace", "9" * 5000),
        ("pace", "fast"),
        ("pace", "Instant"),
        ("pace", "20x"),
        ("pace", "1_0"),
        ("pace", "polls:0"),
        ("pace", "polls:"),
        ("pace", "polls:1.5"),
        ("pace", "polls:x"),
        ("pace", "polls:-1"),
        ("pace", "polls:1000000"),
        ("callback_timeout", "0"),
        ("callback_timeout", "-1"),
        ("callback_timeout", "nan"),
        ("callback_timeout", "3601"),
        ("credits", ""),
        ("credits", "-1"),
        ("credits", "nan"),
        ("credits", "inf"),
        ("credits", "1e3"),
        ("credits", "1_000"),
        ("credits", "0.0000001"),
        ("credits", "1000000000001"),
        ("credits", "1000000000000.5"),
        ("credits", "123456789012.3456"),
        ("credits", "9" * 5000),
        ("credits", "many"),
        ("quirk", ["kie"]),
        ("quirk", ["kie.duplicate"]),
        ("quirk", ["kie.duplicate="]),
        ("quirk", ["duplicate=overwrite"]),
        ("quirk", ["kie.Duplicate=overwrite"]),
        ("quirk", ["kie duplicate=overwrite"]),
    ],
)
def test_a_flag_that_cannot_be_used_says_what_is_wanted(tmp_path: Path, field: str, text: Any) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, {field: text})

    assert refused.value.where == f"--{field.replace('_', '-')}"
    assert refused.value.wanted
    assert refused.value.wanted in str(refused.value)


def test_a_variable_that_cannot_be_used_is_named_with_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, environ={"PERSONA_MOCK_CORS": "maybe"})

    assert str(refused.value) == (
        "PERSONA_MOCK_CORS: got 'maybe', wanted true or false. `persona-mock serve --help` explains it"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('port = "4010"', "port: got '4010', wanted a whole number from 0 to 65535"),
        ("port = true", "port: got True, wanted a whole number from 0 to 65535"),
        ("port = 4010.0", "port: got 4010.0, wanted a whole number"),
        ("seed = -1", "seed: got -1, wanted a whole number from 0"),
        ("cors = 1", "cors: got 1, wanted true or false"),
        ('no-cors = "true"', "no-cors: got 'true', wanted true or false"),
        ('specs = "mine"', "specs: got 'mine', wanted a list, each item a folder"),
        ("specs = [1]", "specs: got 1, wanted a folder"),
        ("pace = true", "pace: got True, wanted instant, real, polls:N"),
        ("pace = 0", "pace: got 0, wanted instant, real, polls:N"),
        ("pace = nan", "pace: got nan, wanted instant, real, polls:N"),
        ("pace = -inf", "pace: got -inf, wanted instant, real, polls:N"),
        ('pace = "polls:0"', "pace: got 'polls:0', wanted instant, real, polls:N"),
        ('credits = "1000"', "credits: got '1000', wanted a number from 0 to 1000000000000"),
        ("credits = true", "credits: got True, wanted a number"),
        ("credits = -0.5", "credits: got -0.5, wanted a number"),
        ("credits = inf", "credits: got inf, wanted a number"),
        ("credits = nan", "credits: got nan, wanted a number"),
        ("credits = 1.0000001", "credits: got 1.0000001, wanted a number"),
        ('quirk = "kie.duplicate=overwrite"', "quirk: got 'kie.duplicate=overwrite', wanted a list"),
        ('quirk = ["kie"]', "quirk: got 'kie', wanted PROVIDER.NAME=VALUE, such as kie.duplicate=overwrite"),
        ("clock = 1", "clock: got 1, wanted one of real, virtual"),
        ("prot = 1", "unknown key prot. Did you mean port?"),
        ("url_file = 'a'", "unknown key url_file. Did you mean url-file?"),
        ("no-port = 1", "unknown key no-port"),
        ("zzzz = 1", "unknown key zzzz. Known keys: host, port, "),
        ("cors = true\nno-cors = true", "no-cors: says again what cors says"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_with_its_file(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, file=line)

    assert str(refused.value).startswith("pyproject.toml [tool.persona-mock]")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[tool]\npersona-mock = 1\n", "tool.persona-mock: got 1, wanted a table"),
        ("[tool.persona-mock]\nport = \n", "is not TOML, got Invalid value (at line 2"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "pyproject.toml").write_text(content)

    with pytest.raises(UsageError) as refused:
        load(tmp_path)

    assert str(refused.value).startswith("pyproject.toml")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("port", 70_000),
        ("port", "4010"),
        ("host", None),
        ("clock", "vrtual"),
        ("specs", "mine"),
        ("seed", None),
        ("pace", None),
        ("pace", 0),
        ("pace", 10**400),
        ("pace", [20]),
        ("credits", None),
        ("credits", 10**400),
        ("credits", -1),
        ("quirk", {"kie.duplicate": "overwrite"}),
    ],
)
def test_settings_made_in_python_are_checked_too(field: str, value: Any) -> None:
    with pytest.raises(UsageError, match=rf"Settings\({field}=…\): got "):
        Settings(**{field: value})


def test_a_token_that_cannot_be_used_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path, {"control_token": "my secret"})

    assert "my secret" not in str(refused.value)


# --- pace and credits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "factor"),
    [("20", 20), ("real", 1), ("1", 1), ("0.50", 0.5), (".5", 0.5), ("1e3", 1000), ("0.000001", 1e-6)],
)
def test_a_pace_is_a_factor_that_prints_as_it_was_typed(tmp_path: Path, typed: str, factor: float) -> None:
    settings = load(tmp_path, {"pace": typed})

    assert (settings.pace, isinstance(settings.pace, float)) == (factor, True)
    assert shown(settings)["pace"] == (typed, "flag --pace")
    assert shown(replace(settings, port=1))["pace"] == (typed, "flag --pace")


@pytest.mark.parametrize(("pace", "text"), [(20, "20"), (0.5, "0.5"), (1e-5, "1e-05"), ("real", "real")])
def test_a_pace_handed_in_as_a_number_is_shown_as_one(pace: Any, text: str) -> None:
    settings = Settings(pace=pace)

    assert shown(settings)["pace"][0] == text
    assert settings.sources["pace"] == ("default" if pace == 20 else "argument")


def test_an_instant_pace_is_that_word(tmp_path: Path) -> None:
    settings = load(tmp_path, {"pace": "instant"})

    assert settings.pace == "instant"
    assert shown(settings)["pace"] == ("instant", "flag --pace")


@pytest.mark.parametrize(
    ("typed", "value", "text"),
    [
        ("0", 0, "0"),
        ("007", 7, "7"),
        ("1000", 1000, "1000"),
        ("2.0", 2, "2"),
        ("2.50", 2.5, "2.5"),
        ("0.000001", 0.000001, "0.000001"),
        ("123456789.123456", 123456789.123456, "123456789.123456"),
        ("1000000000000", 10**12, "1000000000000"),
        ("1000000000000.000000", 10**12, "1000000000000"),
    ],
)
def test_credits_are_whole_where_they_can_be(tmp_path: Path, typed: str, value: float, text: str) -> None:
    settings = load(tmp_path, {"credits": typed})

    assert (settings.credits, type(settings.credits)) == (value, type(value))
    assert shown(settings)["credits"] == (text, "flag --credits")


@pytest.mark.parametrize("credits_", [5.0, 1e12])
def test_credits_handed_in_as_a_whole_float_are_whole(credits_: float) -> None:
    settings = Settings(credits=credits_)

    assert (settings.credits, type(settings.credits)) == (credits_, int)


# --- seed and token ----------------------------------------------------------------------------------------


def test_a_seed_is_drawn_when_absent_and_kept_when_given() -> None:
    assert len({Settings().seed for _ in range(5)}) > 1
    assert Settings().sources["seed"] == "drawn"
    assert (Settings(seed=0).seed, Settings(seed=0).sources["seed"]) == (0, "argument")


def test_a_copy_with_another_port_keeps_seed_token_and_sources() -> None:
    first = Settings(host="0.0.0.0")

    second = replace(first, port=1)

    assert (second.seed, second.control_token) == (first.seed, first.control_token)
    assert second.sources["seed"] == second.sources["control_token"] == "drawn"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST", "mock.localhost"]
)
def test_on_loopback_no_token_is_wanted(host: str) -> None:
    assert is_loopback(host)
    assert Settings(host=host).control_token is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "mock.example", "localhost.example"])
def test_beyond_loopback_a_token_is_drawn_unless_turned_off(host: str) -> None:
    drawn = Settings(host=host).control_token

    assert drawn is not None
    assert len(drawn) >= 20
    assert drawn != Settings(host=host).control_token
    assert Settings(host=host, control_token="none").control_token is None
    assert replace(Settings(host=host, control_token="none"), port=1).control_token is None
    assert Settings(host=host, control_token="mine").control_token == "mine"


# --- shown -------------------------------------------------------------------------------------------------


def test_urls_are_written_from_the_public_url_or_else_host_and_port() -> None:
    assert Settings(port=80).base_url == "http://127.0.0.1:80"
    assert Settings(host="::1", port=80).base_url == "http://[::1]:80"
    assert Settings(public_url="https://mock.example/").base_url == "https://mock.example"
    assert Settings(public_url="https://mock.example/").url == "http://127.0.0.1:4010"


def test_a_token_is_hidden_where_settings_are_shown() -> None:
    settings = Settings(control_token="s3cret", allow_host=("a", "b"))

    found = shown(settings)

    assert "s3cret" not in str(found)
    assert found["control-token"] == ("(hidden)", "argument")
    assert found["allow-host"] == ("a,b", "argument")
    assert found["cors"] == ("true", "default")
