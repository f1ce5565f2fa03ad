"""`persona-mock serve`: one server on one port, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import gc
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from mockserver.cli.files import write_whole
from mockserver.cli.options import add_options, settings_of
from mockserver.cli.table import columns
from mockserver.settings import Settings, UsageError, described

EXAMPLE = "Example: persona-mock serve --port 0 --clock virtual --seed 7"


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "serve",
        help="answer as the providers do, on one port",
        description="Serve every provider on one port. Each option is also an environment variable"
        " (PERSONA_MOCK_PORT) and a key of [tool.persona-mock] in ./pyproject.toml; a flag wins over the"
        " environment, and that over the file.",
        epilog=EXAMPLE,
        allow_abbrev=False,
    )
    add_options(parser)
    parser.add_argument("--print-config", action="store_true", help="show each value and its source, and end")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until stopped, then say what was met."""
    with _sigterm_like_ctrl_c(), _collecting_once_ready() as ready:
        settings = settings_of(args)
        if args.print_config:
            from mockserver.web.living import quirks_in_force

            quirks_in_force(settings.quirk)
            print(columns(described(settings)))
        else:
            _serve(settings, ready)
    return 0


def _serve(settings: Settings, ready: Callable[[], None]) -> None:
    # The port comes first: the app writes URLs, so it must know which one port 0 became.
    from mockserver.web.listen import listen, port_of

    sockets = listen(settings.host, settings.port)
    try:
        settings = replace(settings, port=port_of(sockets[0]))
        _run(settings, sockets, ready)
    finally:
        for listening in sockets:
            listening.close()


def _run(settings: Settings, sockets: list[Any], ready: Callable[[], None]) -> None:
    from mockserver.web.app import create_app
    from mockserver.web.server import Server

    app = create_app(settings, warn=_warn)
    mock = app.state.mock

    def on_listening() -> None:
        ready()
        _write_url(settings)
        _announce(settings, mock)

    direct = app.state.direct
    Server(app, sockets, direct=direct, on_listening=on_listening, on_stopping=mock.stop).run()
    summary = mock.summary()
    _say(settings, summary, {"event": "stopped", "summary": summary})


@contextmanager
def _sigterm_like_ctrl_c() -> Iterator[None]:
    """Until the server takes the signals, and after it gave them back, SIGTERM ends us as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _collecting_once_ready() -> Iterator[Callable[[], None]]:
    """No garbage collection while we start: what is made then stays, and is never looked through again.

    And little afterwards: hardly anything of ours goes in circles, but what is remembered of requests and
    the journal are many small objects, and to look through them all stopped every call for 20 ms.
    """
    usual = gc.get_threshold()

    def ready() -> None:
        gc.freeze()
        gc.set_threshold(*_SELDOM)
        gc.enable()

    gc.disable()
    try:
        yield ready
    finally:
        gc.set_threshold(*usual)
        gc.enable()


# New objects until the youngest are looked through, and how often that until the older and the oldest are.
_SELDOM = (10_000, 20, 100)


# --- what is printed ---------------------------------------------------------------------------------------


def _say(settings: Settings, text: str, record: dict[str, Any]) -> None:
    """One thing said on stdout: as text, or as a JSON line where lines are JSON."""
    print(json.dumps(record) if settings.log_format == "json" else text, flush=True)


def _warn(text: str) -> None:
    """One thing that is odd in a document and does not stop it."""
    print(f"persona-mock: warning: {text}", file=sys.stderr, flush=True)


def _announce(settings: Settings, mock: Any) -> None:
    for warning in mock.warnings:
        _warn(warning)
    _say(settings, _screen(settings, mock), _record(settings, mock))


def _screen(settings: Settings, mock: Any) -> str:
    from mockserver import __version__

    lines = [f"persona-mock {__version__} listens on {settings.url}", ""]
    rows = [(name, settings.base_url + path, str(count)) for name, path, count in mock.providers]
    lines += [columns([("provider", "base URL", "operations"), *rows]), ""]
    lines += [columns(_facts(settings)), "", f"Try it: {mock.curl(settings.base_url)}", "Ctrl-C ends it."]
    return "\n".join(lines)


def _facts(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.public_url:
        yield "public URL", settings.public_url
    drawn = settings.sources["seed"] == "drawn"
    yield "seed", f"{settings.seed}" + (f" (drawn; --seed {settings.seed} repeats it)" if drawn else "")
    if settings.scenario is not None:
        yield "scenario", str(settings.scenario)
    if settings.sources["control_token"] == "drawn":
        yield "control token", f"{settings.control_token} (drawn; control calls send it as X-Mock-Token)"


def _record(settings: Settings, mock: Any) -> dict[str, Any]:
    from mockserver import __version__

    providers = [
        {"name": name, "url": settings.base_url + path, "operations": count}
        for name, path, count in mock.providers
    ]
    return {
        "event": "listening",
        "version": __version__,
        "url": settings.url,
        "public_url": settings.base_url,
        "seed": settings.seed,
        "scenario": None if settings.scenario is None else str(settings.scenario),
        # A token that was given is a secret of whoever gave it.
        "control_token": settings.control_token if settings.sources["control_token"] == "drawn" else None,
        "providers": providers,
    }


# --- the URL file ------------------------------------------------------------------------------------------


def _write_url(settings: Settings) -> None:
    """Write the URL whole or not at all: whoever waits for the file never reads half of it."""
    if settings.url_file is None:
        return
    try:
        write_whole(settings.url_file, f"{settings.url}\n".encode())
    except OSError as error:
        fix = "Name a file in a folder that exists and may be written to"
        raise UsageError(
            f"{settings.url_file} cannot be written ({error.strerror})", where="--url-file", fix=fix
        ) from None
