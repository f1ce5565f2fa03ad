"""`persona-mock check mock`: the contract cases against the mock, here in this process or at a URL."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.cli.address import url_of
from mockserver.cli.failure import DOES_NOT_ANSWER, DOES_NOT_HOLD, Failure
from mockserver.cli.options import settings_of
from mockserver.cli.progress import Progress
from mockserver.settings import Settings, UsageError

if TYPE_CHECKING:
    from contracts.case import Case, CaseFile
    from contracts.target import Target
    from mockserver.openapi.compiled import Document

_HERE = "http://127.0.0.1:4010"


def check_mock(args: argparse.Namespace) -> Any:
    """What the mock does otherwise than the cases say."""
    from contracts import mock
    from mockserver.domain.clock import today

    settings = _settings(args)
    try:
        documents, files = cases_of(args, settings)
        files = _only(args.only, files)
        with _target(args, settings, documents) as target, Progress() as progress:
            options = mock.Options(
                run=_run(args),
                token=settings.control_token if args.url else None,
                today=today(),
                max_age=args.max_age,
                progress=progress.show,
                is_shared=args.url is not None,
                command=_command(args),
                notes=_unused(args.cases, documents),
            )
            return mock.check(target, documents, files, options)
    except mock.Gone as error:
        far = f"{error.done} of {error.total} cases had run"
        raise Failure(DOES_NOT_ANSWER, f"{args.url} does not answer any more ({error}): {far}") from None
    except KeyboardInterrupt:
        raise Failure(DOES_NOT_HOLD, "interrupted before a case had run") from None


def _only(wanted: list[str] | None, files: dict[str, CaseFile]) -> dict[str, CaseFile]:
    """The cases that are named, one by one or by the name that a family of them has in its file."""
    if wanted is None:
        return files
    names = [name for file in files.values() for case in file.cases for name in _names(case)]
    for name in wanted:
        if name not in names:
            close = get_close_matches(name, dict.fromkeys(names), n=3, cutoff=0.5)
            fix = f"Close to it: {', '.join(close)}" if close else "A finding of `check mock` names its case"
            raise UsageError(f"there is no case {name}", where="--case", fix=fix)
    chosen = {
        provider: replace(file, cases=tuple(case for case in file.cases if {*_names(case)} & {*wanted}))
        for provider, file in files.items()
    }
    return {provider: file for provider, file in chosen.items() if file.cases}


def _names(case: Case) -> tuple[str, str]:
    return case.name, case.name.partition("/")[0]


def _command(args: argparse.Namespace) -> str:
    """How the same is checked again, but for a token."""
    said = [("--url", args.url), ("--cases", args.cases), *(("--specs", one) for one in args.specs or ())]
    words = [word for name, value in said if value is not None for word in (name, str(value))]
    return shlex.join(["persona-mock", "check", "mock", *words])


def _unused(place: Path | None, documents: Mapping[str, Document]) -> tuple[str, ...]:
    from contracts.casefile import unused

    return () if place is None else tuple(unused(place, documents))


def cases_of(args: argparse.Namespace, settings: Settings) -> tuple[dict[str, Document], dict[str, CaseFile]]:
    """The documents, and the cases of those that are asked for; UsageError where there are none."""
    from contracts.casefile import PACKAGED, load
    from mockserver.web.world import open_documents

    documents, folder = open_documents(settings), args.cases or PACKAGED
    if not folder.exists():
        fix = "Name a case file, or a folder of them"
        raise UsageError(f"{folder} is no folder and no file", where="--cases", fix=fix)
    if args.provider is not None and args.provider not in documents:
        known = ", ".join(documents)
        raise UsageError(where="--provider", got=repr(args.provider), wanted=f"one of {known}")
    wanted = documents if args.provider is None else {args.provider: documents[args.provider]}
    files = load(folder, wanted)
    if not files:
        passed = "".join(f"; {text}" for text in _unused(folder, documents))
        fix = "A case file is YAML, and its `provider` is the name of a document"
        raise UsageError(f"no cases for {', '.join(wanted)}{passed}", where=str(folder), fix=fix)
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
    from contracts.remote import Remote
    from mockserver.cli.control import Target as Control
    from mockserver.cli.control import read_object

    url = url_of(text)
    token = settings.control_token
    if "/_sandbox/" in url:
        fix = "Name the server; each case has a sandbox of its own"
        raise UsageError(where="--url", got=repr(text), wanted="an address without a sandbox", fix=fix)
    Control(url, token=token).call(
        "GET", "clock", holds=lambda content: "mode" in (read_object(content) or {})
    )
    return Remote(url)
