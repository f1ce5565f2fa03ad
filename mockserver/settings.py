"""Settings: every value a server runs with, and where each came from (flag, environment, file or default)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

ENVIRONMENT_PREFIX = "PERSONA_MOCK_"
FILE = "pyproject.toml"
TABLE = "persona-mock"
PACKAGED = "packaged"
OFF = "none"
LARGEST_SEED = 2**63 - 1
MOST_CREDITS = 10**12


class UsageError(Exception):
    """The tool is set up wrongly: what, where, what was got, what is wanted, and the next step."""

    def __init__(
        self, what: str = "", *, where: str = "", got: str = "", wanted: str = "", fix: str = ""
    ) -> None:
        self.what, self.where, self.got, self.wanted, self.fix = what, where, got, wanted, fix
        super().__init__(self._text())

    def _text(self) -> str:
        place = f"{self.where}: " if self.where else ""
        facts = [self.what] if self.what else []
        facts += [f"got {self.got}"] if self.got else []
        facts += [f"wanted {self.wanted}"] if self.wanted else []
        fix = f". {self.fix}" if self.fix else ""
        return place + ", ".join(facts) + fix


# --- what a value may be -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """How one sort of value is read: from text (flag, environment), and typed (file, Python)."""

    wanted: str
    from_text: Callable[[str], Any]
    from_value: Callable[[Any], Any]


def _whole(low: int, high: int) -> Kind:

    def from_text(text: str) -> int:
        # int() alone would also take "1_0", " 7" and digits of other scripts.
        if not re.fullmatch(r"[0-9]{1,20}", text):
            raise ValueError
        return from_value(int(text))

    def from_value(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError
        return value

    return Kind(f"a whole number from {low} to {high}", from_text, from_value)


def _text(wanted: str, read: Callable[[str], Any]) -> Kind:
    def from_value(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError
        return read(value)

    return Kind(wanted, read, from_value)


def _matching(wanted: str, pattern: str) -> Kind:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError
        return text

    return _text(wanted, read)


def _one_of(*words: str) -> Kind:
    return _matching(f"one of {', '.join(words)}", "|".join(words))


def _read_flag(text: str) -> bool:
    word = text.lower()
    if word not in ("true", "1", "yes", "false", "0", "no"):
        raise ValueError
    return word in ("true", "1", "yes")


def _keep_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


_UNITS = {
    "": 1,
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}


def _read_size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,15}) ?([A-Za-z]*)", text)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError
    return _keep_size(int(match[1]) * _UNITS[match[2].lower()])


def _keep_size(value: Any) -> int:
    if isinstance(value, str):
        return _read_size(value)
    if type(value) is not int or value < 1:
        raise ValueError
    return value


def _read_host(text: str) -> str:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?", bare):
        return bare
    return str(ip_address(bare))


def _read_url(text: str) -> str:
    parts = urlsplit(text)
    # `.port` is read for its check of the number.
    if parts.port == 0 or parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError
    if "?" in text or "#" in text or not re.fullmatch(r"[!-~]+", text):
        raise ValueError
    return text.rstrip("/")


def _read_path(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError
    return Path(text)


def _keep_path(value: Any) -> Path:
    if not isinstance(value, str | Path):
        raise ValueError
    return _read_path(str(value))


def _read_folder(text: str) -> str:
    return str(_read_path(text))


def _keep_folder(value: Any) -> str:
    return str(_keep_path(value))


class Factor(float):
    """A pace as a factor, `real` being 1; it prints as it was typed."""

    typed: str

    def __new__(cls, typed: str) -> Factor:
        made = super().__new__(cls, 1.0 if typed == "real" else float(typed))
        made.typed = typed
        return made

    def __str__(self) -> str:
        return self.typed


DEFAULT_PACE = Factor("20")
# Beyond these a task's due moments would leave the calendar, or fall on one another.
_SLOWEST, _FASTEST = 1e-6, 1e9
_LONGEST_WAIT = 3600


def _read_pace(text: str) -> str | Factor:
    if text == "instant" or re.fullmatch(r"polls:[1-9][0-9]{0,5}", text, re.ASCII):
        return text
    if not re.fullmatch(r"real|([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        raise ValueError
    factor = Factor(text)
    if not _SLOWEST <= factor <= _FASTEST:
        raise ValueError
    return factor


def _keep_pace(value: Any) -> str | Factor:
    if isinstance(value, str | Factor):
        return _read_pace(str(value))
    if type(value) not in (int, float):
        raise ValueError
    return _read_pace(repr(value).removesuffix(".0"))


def _read_seconds(text: str) -> int | float:
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,6})?", text, re.ASCII):
        raise ValueError
    return _keep_seconds(float(text) if "." in text else int(text))


def _keep_seconds(value: Any) -> int | float:
    if type(value) not in (int, float) or not 0 < value <= _LONGEST_WAIT:
        raise ValueError
    seconds: int | float = value
    return seconds


def _read_credits(text: str) -> int | float:
    match = re.fullmatch(r"([0-9]+)(?:\.([0-9]{1,6}))?", text)
    if match is None:
        raise ValueError
    whole, decimals = match[1].lstrip("0"), (match[2] or "").rstrip("0")
    # Fifteen digits are what a float surely keeps.
    if len(whole + decimals) > 15 or float(text) > MOST_CREDITS:
        raise ValueError
    return float(text) if decimals else int(whole or "0")


def _keep_credits(value: Any) -> int | float:
    if type(value) not in (int, float):
        raise ValueError
    text = str(value) if type(value) is int else f"{value:.6f}"
    if float(text) != value:
        raise ValueError
    return _read_credits(text)


_NAME = r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?"
_ADDRESS = r"[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*"
_PORT = r":(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

PATH = Kind("a path", _read_path, _keep_path)
FOLDER = Kind(f"a folder of OpenAPI documents, or the word {PACKAGED}", _read_folder, _keep_folder)
FLAG = Kind("true or false", _read_flag, _keep_flag)
SIZE = Kind("a size such as 1048576, 512KiB or 1MB, at least 1 byte", _read_size, _keep_size)
HOST = _text("a host name or IP address, without scheme or port", _read_host)
HOST_NAME = _matching("a host name or IP address, without scheme or port", rf"{_NAME}|\[?{_ADDRESS}\]?")
HOST_AND_PORT = _matching("HOST or HOST:PORT", rf"({_NAME}|\[{_ADDRESS}\])({_PORT})?|{_ADDRESS}")
PUBLIC_URL = _text("a URL such as https://mock.example.test, without query or user name", _read_url)
PACE = Kind(
    "instant, real, polls:N with N from 1 to 999999, or a factor: a positive number such as 20, 0.5 or 1000"
    " (at least 0.000001, at most 1e9)",
    _read_pace,
    _keep_pace,
)
WAIT = Kind(f"a number of seconds above 0, at most {_LONGEST_WAIT}", _read_seconds, _keep_seconds)
CREDITS = Kind(
    f"a number from 0 to {MOST_CREDITS} with at most 6 decimals, and 15 digits in all",
    _read_credits,
    _keep_credits,
)
QUIRK = _matching("PROVIDER.NAME=VALUE, such as kie.duplicate=overwrite", r"[A-Za-z0-9_-]+\.[a-z_]+=.+")
TOKEN = _matching(f"visible characters without blanks, or the word {OFF}", r"[!-~]+")


# --- the table of options ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Option:
    """One option: its flag, its environment twin, its key in the file, and what it may be."""

    name: str
    kind: Kind
    help: str
    metavar: str = ""
    repeatable: bool = False

    @property
    def field(self) -> str:
        """Its name as a field of Settings."""
        return self.name.replace("-", "_")

    @property
    def flag(self) -> str:
        """Its name on the command line, as help and errors show it."""
        return f"--{self.name}"

    @property
    def variable(self) -> str:
        """Its environment twin."""
        return ENVIRONMENT_PREFIX + self.field.upper()

    @property
    def is_flag(self) -> bool:
        """Has it no value of its own, so that `--no-NAME` is its opposite?"""
        return self.kind is FLAG


OPTIONS = (
    Option("host", HOST, "address to listen on", "HOST"),
    Option("port", _whole(0, 65535), "port to listen on; 0 picks a free one", "PORT"),
    Option("url-file", PATH, "write the URL to this file once the server listens", "FILE"),
    Option("public-url", PUBLIC_URL, "used in every URL the mock writes, whatever Host a request had", "URL"),
    Option(
        "specs",
        FOLDER,
        f"serve the documents of this folder instead; repeatable; `{PACKAGED}` stands for the built-in ones",
        "DIR",
        repeatable=True,
    ),
    Option(
        "pace",
        PACE,
        "how many times as fast as the provider a task runs; real: as fast; instant: it is final at once;"
        " polls:N: each of its states is shown N times, whatever the clock says",
        "instant|real|FACTOR|polls:N",
    ),
    Option("clock", _one_of("real", "virtual"), "virtual: time stands still until advanced", "real|virtual"),
    Option("seed", _whole(0, LARGEST_SEED), "repeats ids and invented content; drawn when absent", "N"),
    Option("credits", CREDITS, "what a new account starts with", "N"),
    Option(
        "rate-limits",
        _one_of("documented", "off"),
        "documented: what a provider refuses after so many calls is refused here; off: nothing is counted",
        "documented|off",
    ),
    Option(
        "status",
        _one_of("envelope", "http", "auto"),
        "HTTP status of providers whose body holds the code: always 200, that code, or as they do live",
        "envelope|http|auto",
    ),
    Option(
        "scenario",
        PATH,
        "what every sandbox begins with: a YAML file, or the name of a shipped one, as a-bad-day",
        "FILE",
    ),
    Option(
        "quirk",
        QUIRK,
        "choose where documents and observation differ, as kie.duplicate=overwrite; repeatable",
        "PROVIDER.NAME=VALUE",
        repeatable=True,
    ),
    Option("verify-responses", FLAG, "check every answer against its document before it leaves"),
    Option(
        "callback-allow",
        HOST_AND_PORT,
        "a host, besides loopback, that callbacks may go to; repeatable",
        "HOST[:PORT]",
        repeatable=True,
    ),
    Option(
        "callback-timeout",
        WAIT,
        "how long a receiver is waited for under a virtual clock; under a real one as the provider does",
        "SECONDS",
    ),
    Option(
        "allow-host",
        HOST_NAME,
        "a further Host name the control API accepts; repeatable",
        "NAME",
        repeatable=True,
    ),
    Option(
        "control-token",
        TOKEN,
        "what control calls send as X-Mock-Token; drawn when listening beyond loopback, unless `none`",
        "TOKEN|none",
    ),
    Option("journal-size", _whole(0, 10_000_000), "calls each sandbox's journal keeps", "N"),
    Option("max-body", SIZE, "largest request body", "SIZE"),
    Option("access-log", FLAG, "print a line per request"),
    Option("log-format", _one_of("text", "json"), "how lines on stdout are written", "text|json"),
    Option("cors", FLAG, "answer browsers of any origin on provider routes"),
)
_MAY_BE_ABSENT = ("url_file", "public_url", "scenario", "control_token")


def _read(option: Option, raw: Any, where: str, read: Callable[[Any], Any]) -> Any:
    """The value of one option; a repeatable one is a tuple."""
    if not option.repeatable:
        return _read_one(option, raw, where, read)
    if isinstance(raw, str) or not isinstance(raw, Iterable):
        raise _misfit(option, raw, where, f"a list, each item {option.kind.wanted}")
    return tuple(_read_one(option, item, where, read) for item in raw)


def _read_one(option: Option, raw: Any, where: str, read: Callable[[Any], Any]) -> Any:
    try:
        return read(raw)
    except ValueError:
        raise _misfit(option, raw, where, option.kind.wanted) from None


def _misfit(option: Option, raw: Any, where: str, wanted: str) -> UsageError:
    got = "something else" if option.kind is TOKEN else repr(raw)
    return UsageError(where=where, got=got, wanted=wanted, fix="`persona-mock serve --help` explains it")


# --- settings ----------------------------------------------------------------------------------------------


class _Drawn(int):
    """A seed that nobody gave; known by its type until its source is noted."""


def _draw_seed() -> int:
    return _Drawn(secrets.randbelow(2**32))


def is_loopback(host: str) -> bool:
    """Is this host name or address one that only this machine can reach?"""
    try:
        return ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        name = host.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost")


@dataclass(frozen=True)
class Settings:
    """Every value a server runs with; `Settings()` is the defaults, and each value knows its source."""

    host: str = "127.0.0.1"
    port: int = 4010
    url_file: Path | None = None
    public_url: str | None = None
    specs: tuple[str, ...] = (PACKAGED,)
    # A factor is a Factor after construction; any number that may be one is taken.
    # Else `instant`, or `polls:N`.
    pace: float | str = DEFAULT_PACE
    clock: Literal["real", "virtual"] = "real"
    seed: int = field(default_factory=_draw_seed)
    # An int where it is whole.
    credits: int | float = 1000
    rate_limits: Literal["documented", "off"] = "documented"
    status: Literal["envelope", "http", "auto"] = "auto"
    scenario: Path | None = None
    quirk: tuple[str, ...] = ()
    verify_responses: bool = False
    callback_allow: tuple[str, ...] = ()
    callback_timeout: int | float = 2
    allow_host: tuple[str, ...] = ()
    # After construction None means that control calls need no token.
    control_token: str | None = None
    journal_size: int = 1000
    max_body: int = 1024**2
    access_log: bool = False
    log_format: Literal["text", "json"] = "text"
    cors: bool = True
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        sources = {option.field: self._origin(option) for option in OPTIONS}
        if isinstance(self.seed, _Drawn):
            object.__setattr__(self, "seed", int(self.seed))
        for option in OPTIONS:
            self._check(option)
        self._settle_token(sources)
        object.__setattr__(self, "sources", MappingProxyType(sources))

    def _origin(self, option: Option) -> str:
        """Where a value came from, as far as it was said; what differs from the default was handed in."""
        if option.field in self.sources:
            return self.sources[option.field]
        if isinstance(getattr(self, option.field), _Drawn):
            return "drawn"
        return "default" if getattr(self, option.field) == default_of(option) else "argument"

    def _check(self, option: Option) -> None:
        value = getattr(self, option.field)
        if value is not None or option.field not in _MAY_BE_ABSENT:
            checked = _read(option, value, f"Settings({option.field}=…)", option.kind.from_value)
            object.__setattr__(self, option.field, checked)

    def _settle_token(self, sources: dict[str, str]) -> None:
        if self.control_token == OFF:
            object.__setattr__(self, "control_token", None)
        elif (
            self.control_token is None
            and sources["control_token"] == "default"
            and not is_loopback(self.host)
        ):
            object.__setattr__(self, "control_token", secrets.token_urlsafe(18))
            sources["control_token"] = "drawn"

    @classmethod
    def load(cls, flags: Mapping[str, Any], environ: Mapping[str, str], folder: Path) -> Settings:
        """What flags, environment and the folder's pyproject.toml give, in that order of weight."""
        values: dict[str, Any] = {}
        sources: dict[str, str] = {}
        for layer in (_of_file(folder / FILE), _of_environment(environ), _of_flags(flags)):
            for option, value, source in layer:
                values[option.field], sources[option.field] = value, source
        return cls(**values, sources=sources)

    @property
    def polls(self) -> int:
        """How many polls show each state of a task; 0 where time moves it on."""
        word, _, count = str(self.pace).partition(":")
        return int(count) if word == "polls" else 0

    @property
    def url(self) -> str:
        """Where the server listens, once `port` is the real one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """What every URL that the mock writes begins with; no slash at its end."""
        return self.public_url or self.url


def default_of(option: Option) -> Any:
    """What an option is when nobody says it; None where it is drawn or absent."""
    return _DEFAULTS[option.field]


_DEFAULTS = {item.name: None if item.default is MISSING else item.default for item in fields(Settings)}


# --- the three layers --------------------------------------------------------------------------------------

_Layer = Iterator[tuple[Option, Any, str]]


def _of_flags(flags: Mapping[str, Any]) -> _Layer:
    """Flags as argparse leaves them: text, lists of text, or a bool; None where one was not given."""
    for option in OPTIONS:
        raw = flags.get(option.field)
        if raw is not None:
            read = option.kind.from_value if option.is_flag else option.kind.from_text
            yield option, _read(option, raw, option.flag, read), f"flag {_spelled(option, raw)}"


def _spelled(option: Option, raw: Any) -> str:
    return f"--no-{option.name}" if raw is False else option.flag


def _of_environment(environ: Mapping[str, str]) -> _Layer:
    for option in OPTIONS:
        text = environ.get(option.variable, "")
        # An empty variable counts as unset: compose files and shells hand on empty ones for absent ones.
        if text:
            raw = [item.strip() for item in text.split(",") if item.strip()] if option.repeatable else text
            value = _read(option, raw, option.variable, option.kind.from_text)
            yield option, value, f"environment {option.variable}"


def _of_file(path: Path) -> _Layer:
    """The folder's [tool.persona-mock], each key held to its option's type."""
    said: dict[str, str] = {}
    for key, raw in _table(path).items():
        option, opposite = _option_of_key(key, path)
        where = f"{path.name} [tool.{TABLE}] {key}"
        if option.field in said:
            raise UsageError(
                f"says again what {said[option.field]} says", where=where, fix="Keep one of the two"
            )
        said[option.field] = key
        value = _read(option, raw, where, option.kind.from_value)
        yield option, not value if opposite else value, where


def _option_of_key(key: str, path: Path) -> tuple[Option, bool]:
    """The option a key names, and whether it is named by its opposite."""
    known = {option.name: (option, False) for option in OPTIONS}
    known |= {f"no-{option.name}": (option, True) for option in OPTIONS if option.is_flag}
    if key in known:
        return known[key]
    from difflib import get_close_matches

    close = get_close_matches(key.replace("_", "-"), known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Known keys: {', '.join(known)}"
    raise UsageError(f"unknown key {key}", where=f"{path.name} [tool.{TABLE}]", fix=hint)


def _table(path: Path) -> dict[str, Any]:
    """[tool.persona-mock] of a pyproject.toml; empty where the file or the table is not there."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError("cannot be read", where=path.name, got=error.strerror or str(error)) from None
    # Without the word there is no table: nothing to parse, and a broken file is somebody else's business.
    if TABLE.encode() not in content:
        return {}
    table = _parsed(content, path).get("tool", {})
    table = table.get(TABLE, {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(where=f"{path.name} tool.{TABLE}", got=repr(table), wanted="a table")
    return table


def _parsed(content: bytes, path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(content.decode())
    except ValueError as error:
        raise UsageError("is not TOML", where=path.name, got=str(error)) from None


# --- shown -------------------------------------------------------------------------------------------------


def described(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Each option's name, its value as text (a token hidden), and where it came from."""
    for option in OPTIONS:
        value = getattr(settings, option.field)
        yield option.name, _shown(option, value), settings.sources[option.field]


def _shown(option: Option, value: Any) -> str:
    if option.kind is TOKEN:
        return "(hidden)" if value else OFF
    if option.kind is CREDITS:
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value) or "-"
    return "-" if value is None else str(value)
