"""Calls to the control API of a mock that runs somewhere: what it answers, or why there is no answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from mockserver.cli.failure import DOES_NOT_ANSWER, DOES_NOT_HOLD, Failure
from mockserver.settings import UsageError, is_loopback

TIMEOUT = 30.0
JSON, PROBLEM = "application/json", "application/problem+json"
_LARGEST_PROBLEM = 2**20
Replies = Callable[[bytes], bool]


class _Answer(NamedTuple):
    status: int
    media: str
    content: bytes

    @property
    def problem(self) -> dict[str, Any] | None:
        """The problem that it is, which a mock gives with its reason; None for anything else."""
        value = read_object(self.content) if self.media == PROBLEM else None
        return value if value and isinstance(value.get("detail"), str) else None


@dataclass(frozen=True)
class Target:
    """A mock's address, the sandbox that is meant, and the token that its control calls want."""

    url: str
    sandbox: str = "default"
    token: str | None = None

    def call(self, method: str, path: str, body: bytes | None = None, *, holds: Replies) -> bytes:
        """The JSON of a reply that holds what it must; Failure or UsageError where none is to be had."""
        place = self.url if self.sandbox == "default" else f"{self.url}/_sandbox/{quote(self.sandbox)}"
        request = Request(f"{place}/_mock/{path}", body, self._headers(body), method=method)
        answer = self._fetched(request)
        if answer.status == 200 and answer.media == JSON and holds(answer.content):
            return answer.content
        raise self._fault(request, answer)

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {"Accept": JSON}
        headers |= {"X-Mock-Token": self.token} if self.token else {}
        return headers | ({"Content-Type": JSON} if body is not None else {})

    def _fetched(self, request: Request) -> _Answer:
        try:
            with _sent(request) as response:
                media = response.headers.get_content_type()
                return _Answer(response.status or 0, media, _content(response, media))
        except (OSError, HTTPException, ValueError) as error:
            text = (
                f"{self.url} does not answer ({_reason(error)}). Start one with `persona-mock serve`,"
                " or name another with --url"
            )
            raise Failure(DOES_NOT_ANSWER, text) from None

    def _fault(self, request: Request, answer: _Answer) -> Exception:
        """What an answer means that is not the wanted one."""
        problem = answer.problem or {}
        detail = _printable(problem.get("detail") or "no reason given")
        if answer.status == 401 and self.token:
            detail = "the token that was said is not its own"
        if answer.status == 401:
            return UsageError(
                f"{self.url} refused the call: {detail}", fix="Say its token with --control-token"
            )
        if not problem or answer.status in (404, 405):
            return self._stranger(request, answer)
        if answer.status == 403:
            return UsageError(f"{self.url} refused the call: {detail}")
        if answer.status >= 500:
            return Failure(DOES_NOT_ANSWER, f"{self.url} failed with {answer.status}: {detail}")
        return Failure(DOES_NOT_HOLD, f"{self.url} refused: {detail}{_place(problem, detail)}")

    def _stranger(self, request: Request, answer: _Answer) -> Failure:
        call = f"{request.get_method()} {request.full_url} answered {answer.status} {answer.media}"
        wanted = "--url wants the address that `persona-mock serve` prints"
        return Failure(DOES_NOT_ANSWER, f"{self.url} is no persona-mock ({call}). {wanted}")


def _sent(request: Request) -> HTTPResponse | HTTPError:
    try:
        response: HTTPResponse = _opener(request.host).open(request, timeout=TIMEOUT)
        return response
    except HTTPError as answer:
        # urllib raises what it was answered; it reads like any other response.
        return answer


class _Unmoved(HTTPRedirectHandler):
    """Follows nothing: a mock never sends callers elsewhere, and a token is not for elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(authority: str) -> OpenerDirector:
    # This machine is reached directly, whatever proxy the environment names.
    near = is_loopback(urlsplit(f"//{authority}").hostname or "")
    return build_opener(_Unmoved, *([ProxyHandler({})] if near else []))


def _content(response: HTTPResponse | HTTPError, media: str) -> bytes:
    if response.status == 200:
        return response.read() if media == JSON else b""
    return response.read(_LARGEST_PROBLEM)


def _reason(error: Exception) -> str:
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, TimeoutError):
        return f"nothing came for {TIMEOUT:g} s"
    if isinstance(error, IncompleteRead):
        return "its answer breaks off"
    if isinstance(error, HTTPException) and not isinstance(error, OSError):
        return "what came is not HTTP"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _place(problem: dict[str, Any], detail: str) -> str:
    field = _printable(str(problem.get("field") or ""))
    return f" (field {field})" if field and not detail.startswith(f"{field}:") else ""


def _printable(text: str) -> str:
    """A text of the server's on one line, without what would steer a terminal."""
    return re.sub(r"\s+", " ", "".join(char if char.isprintable() else " " for char in text))[:2000]


def read_object(content: bytes) -> dict[str, Any] | None:
    """The JSON object that some bytes are; None for anything else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
