"""What a test may ask of its world: settings under the names that tests use, and how strict it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict

from mockserver.settings import Settings, UsageError


class Given(TypedDict, total=False):
    """The options, by the names that the marker and the handle take."""

    pace: float | str
    clock: Literal["virtual", "real"]
    status: Literal["envelope", "http", "auto"]
    seed: int
    scenario: str | Path | None
    quirks: Mapping[str, str] | Iterable[str] | str
    rate_limits: Literal["documented", "off"] | bool
    credits: float
    specs: Iterable[str | Path] | str | Path
    verify_responses: bool
    callback_allow: Iterable[str] | str
    callback_timeout: float
    journal_size: int
    max_body: int | str
    cors: bool
    strict: bool
    strict_outcomes: bool


# The field of the settings that each option is.
_FIELDS = {
    "pace": "pace",
    "clock": "clock",
    "status": "status",
    "seed": "seed",
    "scenario": "scenario",
    "quirks": "quirk",
    "rate_limits": "rate_limits",
    "credits": "credits",
    "specs": "specs",
    "verify_responses": "verify_responses",
    "callback_allow": "callback_allow",
    "callback_timeout": "callback_timeout",
    "journal_size": "journal_size",
    "max_body": "max_body",
    "cors": "cors",
}
_STRICT = ("strict", "strict_outcomes")
NAMES = (*_FIELDS, *_STRICT)
# What the project's own pyproject.toml says of these holds in its tests too; the rest a test says itself.
_OF_PROJECT = (
    "specs",
    "quirk",
    "status",
    "credits",
    "verify_responses",
    "callback_allow",
    "max_body",
    "cors",
)
# Long enough that a test finds every call it made.
_JOURNAL = 10_000


class Options(NamedTuple):
    """The settings of a world, and what fails the test besides its own checks."""

    settings: Settings
    strict: bool = False
    strict_outcomes: bool = False

    def with_(self, given: Mapping[str, Any], where: str) -> Options:
        """These options with others laid over them; UsageError for one that cannot be."""
        for name in given:
            if name not in NAMES:
                raise unknown(name, where)
        fields = {
            _FIELDS[name]: _read(name, value, where) for name, value in given.items() if name in _FIELDS
        }
        settings = _settings(self.settings, fields, where) if fields else self.settings
        strict = {name: _flag(name, given[name], where) for name in _STRICT if given.get(name) is not None}
        return self._replace(settings=settings, **strict)

    def with_port(self, port: int) -> Options:
        """These options for a server on that port."""
        return self._replace(settings=replace(self.settings, port=port))


def defaults(project: Path | None = None) -> Options:
    """What holds where a test says nothing: virtual time, seed 0, no rate limits, its own documents."""
    ours = Settings(clock="virtual", seed=0, rate_limits="off", journal_size=_JOURNAL)
    return Options(ours if project is None else replace(ours, **_of_project(project)))


def _of_project(folder: Path) -> dict[str, Any]:
    said = Settings.load({}, {}, folder)
    fields = {name: getattr(said, name) for name in _OF_PROJECT if said.sources[name] != "default"}
    if "specs" in fields:
        fields["specs"] = tuple(_inside(folder, one) for one in fields["specs"])
    return fields


def _inside(folder: Path, specs: str) -> str:
    """A folder of documents, found from wherever pytest was started."""
    place = folder / specs
    return str(place) if place.exists() else specs


def _read(name: str, value: Any, where: str) -> Any:
    if name == "quirks" and isinstance(value, Mapping):
        return tuple(f"{quirk}={choice}" for quirk, choice in value.items())
    if name in ("quirks", "specs", "callback_allow"):
        return _several(name, value, where)
    if name == "rate_limits" and isinstance(value, bool):
        return "documented" if value else "off"
    return value


def _several(name: str, value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, str | Path):
        return (str(value),)
    if not isinstance(value, Iterable):
        raise _misfit(name, value, "a list of texts", where)
    return tuple(map(str, value))


def _flag(name: str, value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _misfit(name, value, "True or False", where)
    return value


def _misfit(name: str, value: Any, wanted: str, where: str) -> UsageError:
    return UsageError(where=f"{where}({name}=…)", got=repr(value), wanted=wanted)


def _settings(before: Settings, fields: dict[str, Any], where: str) -> Settings:
    try:
        return replace(before, **fields)
    except UsageError as error:
        place = error.where.replace("Settings(", f"{where}(").replace("(quirk=", "(quirks=")
        raise UsageError(
            error.what, where=place, got=error.got, wanted=error.wanted, fix="README.md lists the options"
        ) from None


def unknown(name: str, where: str) -> UsageError:
    """The refusal of an option that there is not."""
    close = get_close_matches(name, NAMES, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(NAMES)}"
    return UsageError(f"{name} is no option", where=where, fix=hint)
