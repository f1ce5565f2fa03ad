"""The pytest plugin: fixtures, marker, options. Nothing of the mock is imported before a test asks for it."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.testing.handle import PersonaMock
    from mockserver.testing.live import Server
    from mockserver.testing.summary import Summary

MARKER = "persona_mock"
_SUMMARY: pytest.StashKey[Summary] = pytest.StashKey()
_OUTPUT = "persona_mock_coverage"
_MARKER_HELP = (
    "persona_mock(pace=, clock=, status=, seed=, scenario=, quirks=, rate_limits=, credits=, specs=, "
    "verify_responses=, callback_allow=, callback_timeout=, journal_size=, max_body=, cors=, strict=, "
    "strict_outcomes=): what the fixture persona_mock is like in this test"
)


# --- options ------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin."""
    group = parser.getgroup("persona-mock", "persona-mock, the fixture persona_mock")
    group.addoption(
        "--persona-mock-coverage",
        action="append",
        nargs="?",
        const="term",
        type=_report,
        metavar="term|html[:FILE]|json[:FILE]",
        help="tell which documented outcomes and task states the tests met; repeatable",
    )
    group.addoption(
        "--persona-mock-fail-under",
        type=_percent,
        metavar="N",
        help="fail if less than N percent of them were met",
    )
    group.addoption(
        "--persona-mock-strict",
        action="store_true",
        help="a request that breaks its document fails the test that sent it",
    )


def _report(text: str) -> tuple[str, str | None]:
    """A way to tell of coverage, and the file for it."""
    kind, colon, file = text.partition(":")
    if kind in ("html", "json") and (file or not colon):
        return kind, file or f"persona-mock-coverage.{kind}"
    if text == "term":
        return kind, None
    raise _misfit(
        f"wanted term, html, html:FILE, json or json:FILE, got {text!r}. "
        "Where a path follows the option, write --persona-mock-coverage=term"
    )


def _percent(text: str) -> float:
    from mockserver.coverage.required import read_share

    try:
        return read_share(text)
    except ValueError as error:
        raise _misfit(str(error)) from None


def _misfit(text: str) -> Exception:
    # pytest's own parser is argparse's.
    from argparse import ArgumentTypeError

    return ArgumentTypeError(text)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and begin to count where that was asked for."""
    config.addinivalue_line("markers", _MARKER_HELP)
    reports = config.getoption("persona_mock_coverage")
    least = config.getoption("persona_mock_fail_under")
    if reports or least is not None:
        from mockserver.testing.live import WATCHERS
        from mockserver.testing.summary import Summary

        summary = Summary(reports or [], least, config.invocation_params.dir)
        config.stash[_SUMMARY] = summary
        WATCHERS.add(summary.add)
        config.add_cleanup(lambda: WATCHERS.remove(summary.add))


# --- fixtures -----------------------------------------------------------------------------------------------


class _Held:
    """The mock of a test that runs."""

    def __init__(self, mock: PersonaMock) -> None:
        self.mock = mock
        # Its calls; those up to its end, where it has ended.
        self.told = mock.report

    def end(self) -> None:
        """Forget the sandbox, but for what the failure of a fixture that ended before is to show."""
        try:
            self.told = self.mock.remember()
        finally:
            self.mock.close()


_HELD: pytest.StashKey[_Held] = pytest.StashKey()
_SERVER: pytest.StashKey[Server] = pytest.StashKey()
# How many calls each sandbox had seen when a test began.
_SEEN: pytest.StashKey[dict[str, int]] = pytest.StashKey()
# Nothing more is held against a test that failed, was skipped, or was told already.
_JUDGED: pytest.StashKey[bool] = pytest.StashKey()


@pytest.fixture(scope="session")
def persona_mock_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server of this process: `sandbox(name, **options)` gives a handle for a scope of your own."""
    from mockserver.openapi.source import DocumentError
    from mockserver.settings import UsageError
    from mockserver.testing.live import Server

    config, reason = request.config, ""
    try:
        server = Server(project=config.rootpath, strict=config.getoption("persona_mock_strict")).start()
    except (UsageError, DocumentError) as error:
        reason = str(error)
    if reason:
        # Not while it is handled: a second traceback would hide the reason.
        pytest.fail(reason, pytrace=False)
    config.stash[_SERVER] = server
    yield server
    del config.stash[_SERVER]
    server.stop()


@pytest.fixture
def persona_mock(request: pytest.FixtureRequest, persona_mock_server: Server) -> Iterator[PersonaMock]:
    """A fresh provider world for this test: kie, crun, evolink and yuto, with a virtual clock and seed 0."""
    # A project may have a server fixture of its own under this name.
    request.config.stash[_SERVER] = persona_mock_server
    held = _Held(_begun(request, persona_mock_server))
    request.node.stash[_HELD] = held
    complaint = None
    try:
        yield held.mock
        # What came since the test's own end, as from the teardown of another fixture.
        complaint = None if request.node.stash[_JUDGED] else held.mock.complaint()
    finally:
        held.end()
    if complaint:
        pytest.fail(complaint, pytrace=False)


def _begun(request: pytest.FixtureRequest, server: Server) -> PersonaMock:
    from mockserver.openapi.source import DocumentError
    from mockserver.settings import UsageError
    from mockserver.testing.handle import PersonaMock

    options, name = _options(request), server.free_name(_name(request.node))
    try:
        return PersonaMock(server=server, sandbox=name, **options).start(in_front=True)
    except (UsageError, DocumentError) as error:
        reason = str(error).replace("PersonaMock", f"@pytest.mark.{MARKER}", 1)
    pytest.fail(reason, pytrace=False)


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the markers say, the nearest last."""
    from mockserver.testing.options import NAMES, unknown

    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(MARKER))):
        if marker.args:
            pytest.fail(f"@pytest.mark.{MARKER} takes keywords only, got {marker.args!r}", pytrace=False)
        for name in marker.kwargs:
            if name not in NAMES:
                pytest.fail(str(unknown(name, f"@pytest.mark.{MARKER}")), pytrace=False)
        options |= marker.kwargs
    if isinstance(options.get("scenario"), str | Path):
        options["scenario"] = _found(options["scenario"], request)
    if isinstance(specs := options.get("specs"), str | Path):
        specs = (specs,)
    if isinstance(specs, list | tuple):
        options["specs"] = tuple(str(_found(one, request)) for one in specs)
    return options


def _found(name: str | Path, request: pytest.FixtureRequest) -> Path:
    """What lies beside the test or below the root; else it is left to be found, or not, as it stands."""
    file = Path(name)
    beside = (request.path.parent / file, request.config.rootpath / file)
    return next((place for place in beside if place.exists()), file)


def _name(item: pytest.Item) -> str:
    """A sandbox named after a test; not after its folder, which depends on where pytest was started."""
    from hashlib import blake2b

    path, _, test = item.nodeid.partition("::")
    if item.get_closest_marker("xdist_group") and test.rfind("@") > test.rfind("]"):
        # Some versions of pytest-xdist write the group behind the name.
        test = test.rpartition("@")[0]
    whole = f"{path.rpartition('/')[2]}::{test}"
    name, bracket, parameters = test.partition("[")
    shown = re.sub(r"[^A-Za-z0-9._-]+", "-", name.rpartition("::")[2] + bracket + parameters)
    return f"{shown.strip('-')[:50]}-{blake2b(whole.encode(), digest_size=4).hexdigest()}"


# --- the end of a test --------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note how far each sandbox is when a test begins."""
    item.stash[_JUDGED] = False
    if server := item.config.stash.get(_SERVER, None):
        item.stash[_SEEN] = {room.name: room.calls_noted for room in server.rooms()}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail the test in which a strict sandbox has seen what it was not to see."""
    return (yield from _judged(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail the test at whose end a strict sandbox of another scope has; the next one is not told of it."""
    return (yield from _judged(item))


def _judged(item: pytest.Item) -> Generator[None, Any, Any]:
    try:
        result = yield
    except BaseException:
        _judge(item)
        raise
    complaint = _judge(item)
    if complaint and not item.stash.get(_JUDGED, False):
        pytest.fail(complaint, pytrace=False)
    return result


def _judge(item: pytest.Item) -> str:
    """What the sandboxes that are open have against the test; they forget it then."""
    server, held = item.config.stash.get(_SERVER, None), item.stash.get(_HELD, None)
    complaints = [held.mock.complaint()] if held is not None else []
    if server is not None:
        from mockserver.testing.strict import broken

        complaints += [broken(room.take_broken()) for room in server.rooms()]
    return "\n\n".join(text for text in complaints if text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a failed test the calls that it made."""
    report = yield
    held = item.stash.get(_HELD, None)
    if report.failed:
        report.sections.extend(_sections(item, held))
    if not report.passed:
        item.stash[_JUDGED] = True
    if report.when == "teardown" and held is not None:
        del item.stash[_HELD]
    return report


def _sections(item: pytest.Item, held: _Held | None) -> Iterator[tuple[str, str]]:
    """The calls in the test's own sandbox, and those that it made in others."""
    if held is not None:
        yield f"persona-mock {held.mock.sandbox}", held.told()
    server, seen = item.config.stash.get(_SERVER, None), item.stash.get(_SEEN, {})
    if server is None:
        return
    from mockserver.testing.exchanges import told

    for room in server.rooms():
        before = seen.get(room.name, 0)
        if room.calls_noted > before and (held is None or room.name != held.mock.sandbox):
            yield f"persona-mock {room.name}", told(room, since=before)


# --- coverage -----------------------------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what was met to the process that tells of it, or tell of it."""
    summary = session.config.stash.get(_SUMMARY, None)
    is_tried_only = session.config.getoption("collectonly") or session.config.getoption("setupplan", False)
    if summary is None or is_tried_only:
        return
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_OUTPUT] = summary.reports
        return
    if not summary.finish(session.config.rootpath) and session.exitstatus in (
        pytest.ExitCode.OK,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist met."""
    if summary := node.config.stash.get(_SUMMARY, None):
        summary.take(getattr(node, "workeroutput", {}).get(_OUTPUT))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell which documented outcomes and task states were met."""
    summary = config.stash.get(_SUMMARY, None)
    if summary is None or summary.report is None:
        return
    terminalreporter.section(summary.title, sep="-")
    for line, is_bad in summary.lines(terminalreporter._tw.fullwidth):
        terminalreporter.write_line(line, red=is_bad)
