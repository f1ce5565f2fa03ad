"""A caller and an answer, as far as kie and crun are alike: a code in the body, HTTP 200 around it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.conftest import Client

Body = dict[str, Any]

BASE = "http://127.0.0.1:4010"
START = 1767225600
DAY = 86400
CALLBACK = "https://example.com/callback"
UPLOAD = "https://example.com/audio/source.mp3"

HEX_ID = r"[0-9a-f]{32}"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NO_SONG = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP status, outcome, first violation, body."""

    status: int
    outcome: str | None
    violation: str | None
    body: Any

    @property
    def verdict(self) -> tuple[int, str | None, Any]:
        """All that a test of a refusal looks at."""
        return self.status, self.outcome, self.body

    @property
    def code(self) -> int:
        """The code in the body."""
        code: int = self.body["code"]
        return code

    @property
    def data(self) -> Any:
        """The data in the body."""
        return self.body["data"]

    @property
    def accepted(self) -> bool:
        """True for HTTP 200 around code 200, with data."""
        body = self.body
        return (self.status, body.get("code")) == (200, 200) and body["data"] is not None


class Caller:
    """One key of one provider, and the clock of its sandbox."""

    provider = ""

    def __init__(self, client: Client, key: str | None = "k", sandbox: str | None = None) -> None:
        self.client = client
        self.key = key
        self.sandbox = sandbox

    def credential(self) -> dict[str, str]:
        """The header that carries the key; none where there is no key."""
        raise NotImplementedError

    def send(self, method: str, path: str, *, prefer: Any = None, **options: Any) -> Answer:
        """One call to the provider."""
        headers = {**self.credential(), **self._aside(), **options.pop("headers", {})}
        if prefer is not None:
            headers["prefer"] = prefer
        reply = self.client.request(method, path, headers=headers, **options)
        marks = reply.headers
        return Answer(
            reply.status_code, marks.get("x-mock-outcome"), marks.get("x-mock-violation"), reply.json()
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a control call that went well."""
        options = {} if body is None else {"json": body}
        reply = self.client.request(method, f"/_mock{path}", headers=self._aside(), **options)
        assert reply.is_success, reply.text
        return reply.json()

    def advance(self, seconds: float) -> None:
        """Moves the virtual clock."""
        self.control("POST", "/clock/advance", {"seconds": seconds})

    def idle(self) -> None:
        """Moves the virtual clock until every task is final."""
        self.control("POST", "/clock/advance", {"until": "idle"})

    def plant(self, **fields: Any) -> Any:
        """A source task of this key that was made without a submission."""
        return self.control("POST", "/tasks", {"provider": self.provider, "key": self.key, **fields})

    def set_credits(self, balance: float) -> None:
        """Sets the balance of this key."""
        self.control("PATCH", f"/accounts/{self.key}", {"credits": balance})

    def tasks(self) -> Any:
        """Every task of the sandbox, whoever made it."""
        return self.control("GET", "/tasks")["tasks"]

    def download(self, url: str) -> httpx2.Response:
        """The file behind a URL that stood in a body."""
        assert url.startswith(BASE)
        return self.client.get(url.removeprefix(BASE))

    def _aside(self) -> dict[str, str]:
        return {} if self.sandbox is None else {"x-mock-sandbox": self.sandbox}


def edited(body: Body, without: Collection[str], changes: Body) -> Body:
    """The body with fields replaced, added or left out."""
    return {name: value for name, value in {**body, **changes}.items() if name not in without}
