"""Secrets as they may be shown: a digest to tell two apart, and a few letters to know one by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import unquote, unquote_plus

from mockserver.openapi.source import Json
from mockserver.openapi.violation import Violation
from mockserver.web.reply import Headers

_NAMES = re.compile(
    r"authorization|cookie|token|secret|passw|passphrase|credential|signature|hmac"
    r"|(api|access|auth|private)[-_]?key",
    re.IGNORECASE,
)
_SCHEMES = frozenset(("basic", "bearer", "digest", "token", "apikey", "negotiate", "hmac"))
# What these rules say they got are our own words, never the caller's.
_WORDED = frozenset(("security", "required", "dependentRequired", "style"))

# Possessive and bounded quantifiers keep each of these linear: a body may be a megabyte of anything.
_PAIR = re.compile(r"([?&;])([^?=&;#\s\"'<>]++)=([^&;#\s\"'<>]++)")
_USER = re.compile(r"(?<=://)[^/?#\s\"'<>@]++@")
# A text that was meant for a URL, whatever stands in it that no URL may hold; and the fields of such texts.
_WHOLE_USER = re.compile(r"\A([A-Za-z][A-Za-z0-9+.-]{0,20}://)[^/?#]*@", re.DOTALL)
_MEANT_USER = re.compile(r"\A((?:[A-Za-z][A-Za-z0-9+.-]{0,20}:(?=/))?+/*+)[^@]*:.*@", re.DOTALL)
_ADDRESSES = re.compile(r"(url|uri|hook)\Z", re.IGNORECASE)
_FIELD = re.compile(
    r"""(?<![\w.%~\[\]-])([\w.%~\[\]-]++)(["']?\s*+[:=]\s*+)"""
    r"""("(?:[^"\\]++|\\.)*+"?|'(?:[^'\\]++|\\.)*+'?|[^\s&,;<>"'}\]][^&,;<>"'}\]\r\n]*+)""",
    re.DOTALL,
)
_ELEMENT = re.compile(r"<([\w:.-]++)[^<>]*+>([^<]++)")
_PART = re.compile(
    r'name="?([^"\r\n;]{1,200}+)"?[^\r\n]{0,300}+(?:\r?\n[^\r\n]{1,300}+){0,9}+\r?\n\r?\n(.*?)(?=\r?\n--|\Z)',
    re.DOTALL,
)


def digest(credential: str) -> str:
    """What an account is known by: the same for the same credential, and no way back."""
    return sha256(credential.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def redacted(secret: str) -> str:
    """A secret's first letters and its digest; of a short one, the digest alone."""
    start = secret[:4] if len(secret) >= 16 else ""
    return f"{start}…({digest(secret)})"


def _blanked(secret: str) -> str:
    """A secret's stand-in where it must not break the grammar around it: a URL, a form, a text."""
    return f"redacted-{digest(secret)}"


# A key stands in the path of an account, and in whatever was meant for one.
_ACCOUNT = re.compile(
    r"(/_mock/+(?!(?:clock|media|outcomes|requests|sandboxes|specs|tasks)/)[^/]*/).+",
    re.DOTALL | re.IGNORECASE,
)


def without_key(path: str) -> str:
    """A path that may be shown: the key of an account is left out."""
    hidden = (_ACCOUNT.sub(r"\1…", text) for text in (path, unquote(path)) if _ACCOUNT.search(text))
    return next(hidden, path)


class Redactor:
    """Hides credentials, by the names documents give them and by names that are plainly secret."""

    def __init__(self, documented: Iterable[tuple[str, str]] = ()) -> None:
        self._documented = frozenset((place, name.lower()) for place, name in documented)

    def _is_secret(self, place: str, name: str) -> bool:
        return (place, name.lower()) in self._documented or _NAMES.search(name) is not None

    def headers(self, headers: Headers) -> Headers:
        """The headers with every credential hidden; the scheme's name before it stays."""
        return [(name, self._header(name, value)) for name, value in headers]

    def _header(self, name: str, value: str) -> str:
        if not value or not self._is_secret("header", name):
            return self._urls(value)
        word, _, rest = value.strip().partition(" ")
        if word.lower() in _SCHEMES and rest.strip():
            return f"{word} {redacted(rest.strip())}"
        return redacted(value.strip())

    def query(self, query: str) -> str:
        """A query string with every credential in it hidden."""
        return "&".join(self._pair(*part.partition("=")) for part in query.split("&"))

    def _pair(self, name: str, equals: str, value: str) -> str:
        named = unquote_plus(name)
        hide = value and (named.lower() == "key" or self._is_secret("query", named))
        return f"{name}{equals}{_blanked(value) if hide else value}"

    def _urls(self, text: str) -> str:
        """A text, the user names and the credentials of the URLs in it hidden."""
        if "://" not in text:
            return text
        text = _WHOLE_USER.sub(r"\1redacted@", text)
        text = _USER.sub("redacted@", text)
        return _PAIR.sub(lambda found: found[1] + self._pair(found[2], "=", found[3]), text)

    def body(self, value: Json, secret: str = "") -> Json:
        """A JSON body with every field hidden whose name is plainly secret, and all that is in it."""
        if isinstance(value, dict):
            names = {key: key if _NAMES.search(key) else secret for key in value}
            return {key: self.body(_addressed(key, item), names[key]) for key, item in value.items()}
        if isinstance(value, list):
            return [self.body(item, secret) for item in value]
        if isinstance(value, str):
            return redacted(value) if secret and value else self._urls(value)
        # Tokens are counted too, and a balance may stand under that name: a number there tells nothing.
        hide = secret and "token" not in secret.lower() and type(value) in (int, float)
        return redacted(str(value)) if hide else value

    def text(self, text: str) -> str:
        """A body that is no JSON value (a form, XML, JSON that broke off), as well as it can be told."""
        text = _PART.sub(self._hidden, text)
        text = _ELEMENT.sub(self._hidden, text)
        return self._urls(_FIELD.sub(self._hidden, text))

    def _hidden(self, found: re.Match[str]) -> str:
        name, value = found[1], found[found.re.groups]
        if not value or not self._is_secret("query", unquote_plus(name)):
            return found[0]
        quote = value[0] if value[0] in "\"'" else ""
        start = found.start(found.re.groups) - found.start()
        return f"{found[0][:start]}{quote}{_blanked(value.strip(quote or None))}{quote}"

    def violation(self, violation: Violation) -> Violation:
        """A violation that may be shown: what came is hidden where it was secret."""
        if violation.rule in _WORDED:
            return violation
        shown = self._got(violation)
        if shown == violation.got:
            return violation
        text = f"breaks the rule {violation.rule}, got {shown}"
        return violation._replace(got=shown, message=text)

    def _got(self, violation: Violation) -> Json:
        got = violation.got
        _, place, *names = violation.pointer.split("/")
        if not any(self._is_secret(place, name) for name in names):
            return self.body(_addressed(names[-1] if names else "", got))
        return redacted(got if isinstance(got, str) else repr(got))


def _addressed(name: str, value: Json) -> Json:
    """What stands in a field for an address, without a name and a password before its last @."""
    if isinstance(value, str) and "@" in value and _ADDRESSES.search(name):
        return _MEANT_USER.sub(r"\1redacted@", value)
    return value
