"""Credentials as a document combines them: alternatives of schemes, each with its place in the request."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote_plus

from mockserver.openapi.parameters import Sent
from mockserver.openapi.source import Json


class Scheme(NamedTuple):
    """One way to show who calls."""

    name: str
    kind: str
    location: str = "header"
    key: str = "authorization"

    @property
    def pointer(self) -> str:
        """Where a violation of it is shown."""
        return f"/header/cookie/{self.key}" if self.location == "cookie" else f"/{self.location}/{self.key}"

    @property
    def word(self) -> str | None:
        """What stands before the credential in the Authorization header, if it stands there at all."""
        return None if self.kind in ("apiKey", "mutualTLS") else self.kind.title()

    @property
    def wanted(self) -> str:
        """What a caller has to send."""
        return f"Authorization: {self.word} …" if self.word else f"{self.key} in the {self.location}"

    def credential(self, sent: Sent) -> str | None:
        """The credential of this scheme in a request; None where there is none that could be meant."""
        kind = self.kind
        if kind == "mutualTLS":
            return "mutual-tls"  # a client certificate never reaches a server that speaks plain http
        text = sent.header(self.key) if self.location == "header" else _sent_text(self, sent)
        if text is None:
            return None
        if kind == "apiKey":
            return text.strip() or None
        word, _, rest = text.strip().partition(" ")
        if word.lower() != kind:
            return None
        return _basic(rest.strip()) if kind == "basic" else rest.strip() or None


def _sent_text(scheme: Scheme, sent: Sent) -> str | None:
    if scheme.location == "query":
        return next((unquote_plus(value) for name, value in sent.query if name == scheme.key), None)
    return next((value for name, value in sent.cookies() if name == scheme.key), None)


def _all_there(schemes: tuple[Scheme, ...], sent: Sent) -> bool:
    return None not in [scheme.credential(sent) for scheme in schemes]


def _basic(text: str) -> str | None:
    """`user:password`; the user alone where there is no password, as APIs take a key in Basic's clothes."""
    try:
        decoded = base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except ValueError:
        return None
    user, colon, password = decoded.partition(":")
    return (decoded if password else user) or None if colon else None


class Security(NamedTuple):
    """Alternatives, any of which will do; within one, every scheme has to be there."""

    alternatives: tuple[tuple[Scheme, ...], ...] = ()

    def caller(self, sent: Sent) -> tuple[bool, str | None]:
        """Whether the document lets the request in, and the credential it came with."""
        for schemes in self.alternatives:
            # One scheme is the rule, and takes no list: 0.15 µs.
            first = schemes[0].credential(sent) if schemes else None
            if first is not None and (len(schemes) == 1 or _all_there(schemes, sent)):
                return True, first
        return () in self.alternatives or not self.alternatives, None

    def missing(self, sent: Sent) -> Scheme | None:
        """The first scheme that a refused request lacks."""
        schemes = (scheme for alternative in self.alternatives for scheme in alternative)
        return next((scheme for scheme in schemes if scheme.credential(sent) is None), None)

    def challenge(self) -> str | None:
        """What a 401 says in WWW-Authenticate: each scheme of the Authorization header that would do."""
        schemes = (scheme for alternative in self.alternatives for scheme in alternative)
        words = dict.fromkeys(scheme.word for scheme in schemes if scheme.word)
        return ", ".join('Basic realm="*"' if word == "Basic" else word for word in words) or None

    def keys(self) -> frozenset[tuple[str, str]]:
        """Each place a credential may stand in, as (location, name)."""
        return frozenset((scheme.location, scheme.key) for schemes in self.alternatives for scheme in schemes)


def compile_security(requirements: Sequence[Mapping[str, Json]], schemes: Mapping[str, Json]) -> Security:
    """The security of an operation from its requirements and the document's schemes."""
    return Security(
        tuple(tuple(_scheme(name, schemes[name]) for name in requirement) for requirement in requirements)
    )


def _scheme(name: str, node: Mapping[str, Json]) -> Scheme:
    kind = node["type"]
    if kind == "apiKey":
        location, key = node.get("in", "header"), node.get("name", name)
        return Scheme(name, kind, location, key.lower() if location == "header" else key)
    if kind == "http":
        return Scheme(name, str(node.get("scheme", "bearer")).lower())
    return Scheme(name, "mutualTLS" if kind == "mutualTLS" else "bearer")
