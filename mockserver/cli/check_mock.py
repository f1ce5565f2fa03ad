"""`persona-mock check mock`: the contract cases against the mock, here in this process or at a URL."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mockserver.cli.options import settings_of
from mockserver.cli.progress import Progress
from mockserver.settings import PUBLIC_URL, Settings, UsageError

if TYPE_CHECKING:
    from contracts.case import CaseFile
    from contracts.target import Target
    from mockserver.openapi.compiled import Document

_HERE = "http://127.0.0.1:4010"


def check_mock(args: argparse.Namespace) -> Any:
    """What the mock does otherwise than the cases say."""
    from contracts import mock
    from mockserver.domain.clock import today

    settings = _settings(args)
    documents, files = cases_of(args, settings)
    with _target(args, settings, documents) as target, Progress() as progress:
        options = mock.Options(
            run=_run(args),
            token=settings.control_token if args.url else None,
            today=today(),
            max_age=args.max_age,
            progress=progress.show,
            is_shared=args.url is not None,
        )
        return mock.check(target, documents, files, options)


def cases_of(args: argparse.Namespace, settings: Settings) -> tuple[dict[str, Document], dict[str, CaseFile]]:
    """The documents, and the cases of those that are asked for; UsageError where there are none."""
    from contracts.casefile import PACKAGED, load
    from mockserver.web.world import open_documents

    documents, folder = open_documents(settings), args.cases or PACKAGED
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", where="--cases", fix="Name a folder of case files")
    if args.provider is not None and args.provider not in documents:
        known = ", ".join(documents)
        raise UsageError(where="--provider", got=repr(args.provider), wanted=f"one of {known}")
    wanted = documents if args.provider is None else {args.provider: documents[args.provider]}
    files = load(folder, wanted)
    if not files:
        fix = "Case files are YAML, named after their provider"
        raise UsageError(f"no cases for {', '.join(wanted)}", where=str(folder), fix=fix)
    return documents, files


def _settings(args: argparse.Namespace) -> Settings:
    """How the mock is run here: as it is without any option, whatever this folder says of serving."""
    said = settings_of(args)
    kept = {"specs": said.specs, "control_token": said.control_token} if args.url else {"specs": said.specs}
    return replace(Settings(clock="virtual", seed=0), **kept)


def _run(args: argparse.Namespace) -> str:
    """What this run's sandboxes begin with: somebody else may check the same server at the same time."""
    import secrets

    return f"contract-{secrets.token_hex(4)}" if args.url else "contract"


@contextmanager
def _target(
    args: argparse.Namespace, settings: Settings, documents: Mapping[str, Document]
) -> Iterator[Target]:
    if args.url is not None:
        yield _remote(args.url, settings)
        return
    from contracts.inside import Inside
    from mockserver.web.app import create_app

    with Inside(create_app(settings, documents=dict(documents)), _HERE) as target:
        yield target


def _remote(text: str, settings: Settings) -> Target:
    """A mock that listens somewhere; Failure or UsageError where there is none, or it lets nobody in."""
    from contracts.target import Remote
    from mockserver.cli.control import Target as Control
    from mockserver.cli.control import read_object

    try:
        url: str = PUBLIC_URL.from_text(text)
    except ValueError:
        fix = "`persona-mock serve` prints its address"
        raise UsageError(where="--url", got=repr(text), wanted=PUBLIC_URL.wanted, fix=fix) from None
    token = settings.control_token
    if "/_sandbox/" in url:
        fix = "Name the server; each case has a sandbox of its own"
        raise UsageError(where="--url", got=repr(text), wanted="an address without a sandbox", fix=fix)
    Control(url, token=token).call(
        "GET", "clock", holds=lambda content: "mode" in (read_object(content) or {})
    )
    return Remote(url)
