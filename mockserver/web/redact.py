"""Secrets as they may be shown: a digest to tell two apart, and a few letters to know one by."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from hashlib import sha256
from itertools import takewhile
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from mockserver.openapi.negotiation import is_json
from mockserver.openapi.payload import read_json, write_json
from mockserver.openapi.source import Json
from mockserver.openapi.violation import Violation
from mockserver.web.reply import Headers

# What was a credential in the place of a name was one of these before it was hidden: "password", say.
_NAMES = re.compile(
    r"authorization|cookie|token|secret|passw|passphrase|credential|signature|hmac"
    r"|(api|access|auth|private)[-_]?key|redacted-[0-9a-f]{16}",
    re.IGNORECASE,
)
_STAND_IN = re.compile(r"redacted-[0-9a-f]{16}")
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


# A server has few callers, and each calls often: to hash a key takes 1.5 µs. What is remembered here is shown
# to nobody, and goes with the process.
@lru_cache(maxsize=256)
def digest(credential: str) -> str:
    """What an account is known by: the same for the same credential, and no way back."""
    return sha256(credential.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def redacted(secret: str) -> str:
    """A secret's first letters and its digest; of a short one, the digest alone."""
    start = secret[:4] if len(secret) >= 16 else ""
    return f"{start}…({digest(secret)})"


def _blanked(secret: str) -> str:
    """A secret's stand-in where it must not break the grammar around it: a URL, a form, a text."""
    return secret if _STAND_IN.fullmatch(secret) else f"redacted-{digest(secret)}"


def _shown(secret: str) -> str:
    """A secret redacted, unless that was done before it was stored: its digest tells it still."""
    return secret if _STAND_IN.fullmatch(secret) else redacted(secret)


# A key stands in the path of an account, and in whatever was meant for one.
_ACCOUNT = re.compile(
    r"(/_mock/+(?!(?:clock|media|outcomes|requests|sandboxes|specs|tasks)/)[^/]*/).+",
    re.DOTALL | re.IGNORECASE,
)


def without_key(path: str) -> str:
    """A path that may be shown: the key of an account is left out."""
    hidden = (_ACCOUNT.sub(r"\1…", text) for text in (path, unquote(path)) if _ACCOUNT.search(text))
    return next(hidden, path)


# A shorter credential is no secret, and hiding it would blank every word that has it inside.
_LEAST = 8
# Nothing escapes these: not JSON, not a URL, not a form.
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")
# A violation quotes so much of a path, and of other texts as much as stands before an ellipsis.
_QUOTED = 300
_LONGEST_QUOTE = 5000
# More than these are no client's mistake, and looking for each takes its time.
_MOST = 50


class Credentials:
    """The credentials of one request, hidden wherever they stand in it beside their proper place."""

    def __init__(self, credentials: Iterable[str]) -> None:
        self._meant = {spelling: key for key in credentials for spelling in _spellings(key)}
        # Of a text that was cut there may be no more than the beginning.
        self._heads = [*{spelling[:_LEAST] for spelling in self._meant}]
        self._raw_heads = [head.encode("utf-8", "replace") for head in self._heads]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, sorted(self._meant, key=len, reverse=True))))

    def may_be_in(self, path: str, query: str) -> bool:
        """False for nearly every request, and quick: none of them is in either, however spelled."""
        told = f"{path}\n{query}"
        return bool(self._heads) and ("%" in told or any(head in told for head in self._heads))

    def hide(self, text: str) -> str:
        """A text without them, however they are spelled in it."""
        for head in self._heads:
            if head in text or "%" in text:
                return self._hidden(text)
        return text

    def _hidden(self, text: str) -> str:
        hidden = self._as_spelled(text)
        # A client may encode what needs no encoding.
        plain = unquote(hidden)
        clean = self._as_spelled(plain)
        return hidden if clean == plain else clean

    def _as_spelled(self, text: str) -> str:
        if not any(head in text for head in self._heads):
            return text
        hidden = self._pattern.sub(self._blank, text)
        return self._without_rest(hidden) if len(text) <= _LONGEST_QUOTE else hidden

    def _blank(self, found: re.Match[str]) -> str:
        return _blanked(self._meant[found[0]])

    def _without_rest(self, text: str) -> str:
        """A text that was cut inside of one: hidden is what is left of it."""
        for spelling, key in self._meant.items():
            pieces, start = [], 0
            for at, end in _cut_short(text, spelling):
                pieces += [text[start:at], _blanked(key)]
                start = end
            text = "".join((*pieces, text[start:]))
        return text

    def hide_in_headers(self, headers: Headers) -> Headers:
        """Headers without them, in whichever they stand."""
        told = "\n".join([value for _, value in headers])
        return headers if self.hide(told) == told else [(name, self.hide(value)) for name, value in headers]

    def hide_in_value(self, value: Json) -> Json:
        """A JSON value without them: names, texts, and a number that is one."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return {self.hide(key): self.hide_in_value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.hide_in_value(item) for item in value]
        if value is None or isinstance(value, bool):
            return value
        return _blanked(str(value)) if str(value) in self._meant else value

    def hide_in_body(self, raw: bytes, kind: str) -> bytes:
        """A body without them; JSON stays JSON, and one that holds none of them is left as it is."""
        if not self.may_be_in_body(raw):
            return raw
        payload = read_json(raw) if is_json(kind) else None
        if payload is None or payload.fault is not None:
            return self.hide(raw.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        hidden = self.hide_in_value(payload.value)
        # Of a name that stands twice the first value is not seen here, and is not to be kept.
        return raw if hidden == payload.value and not payload.duplicates else write_json(hidden)

    def may_be_in_body(self, raw: bytes) -> bool:
        """False for nearly every body, and quick; what needs no escape may be escaped all the same."""
        for head in self._raw_heads:
            if head in raw:
                return True
        return bool(self._meant) and (b"%" in raw or b"\\u00" in raw)


def _cut_short(text: str, whole: str) -> Iterator[tuple[int, int]]:
    """Where in a text the beginning of another one stands, and no more of it because the text was cut."""
    at = text.find(whole[:_LEAST])
    while at >= 0:
        end = at + _in_common(text[at : at + len(whole)], whole)
        if text[end : end + 1] == "…" or (end >= _QUOTED and text[end : end + 1] in ("", ".", ":", " ")):
            yield at, end
        at = text.find(whole[:_LEAST], end)


def _in_common(one: str, other: str) -> int:
    """How many letters two texts begin with alike."""
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in alike)


def _spellings(credential: str) -> Iterable[str]:
    """A credential as it may stand in a text, a URL, a form, JSON, and a pointer."""
    if _PLAIN.fullmatch(credential):
        return (credential,)
    escaped = [json.dumps(credential, ensure_ascii=bare)[1:-1] for bare in (True, False)]
    texts = [credential, *escaped, *(text.replace("/", "\\/") for text in escaped)]
    pointer = credential.replace("~", "~0").replace("/", "~1")
    return dict.fromkeys((*texts, pointer, quote(credential, ""), quote_plus(credential)))


def _sent_in(name: str, value: str) -> Iterator[str]:
    """What may be a credential in a header that holds one."""
    if name == "cookie":
        yield from (pair.partition("=")[2] for pair in value.split(";", _MOST))
        return
    word, _, rest = value.partition(" ")
    # Some send the scheme twice.
    while word.lower() in _SCHEMES and rest:
        value = rest.strip()
        if word.lower() == "basic":
            yield from _basic(value)
        word, _, rest = value.partition(" ")
    yield value
    if rest:
        yield from value.split(None, _MOST)


def _basic(text: str) -> Iterator[str]:
    """User and password, together and each alone."""
    try:
        decoded = base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except ValueError:
        return
    user, _, password = decoded.partition(":")
    yield from (decoded, user, password)


def _as_meant(text: str) -> str:
    """A key beyond ASCII as its owner wrote it: headers are read as Latin-1 and sent as UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _credentials(found: tuple[str, ...]) -> Credentials:
    bare = (text.strip(" \t\"'") for text in found)
    long = {text for text in bare if len(text) >= _LEAST}
    return Credentials(long if all(map(str.isascii, long)) else long.union(map(_as_meant, long)))


# What we say of our own answer is no secret.
_LABELS = frozenset(("x-mock-provider", "x-mock-operation", "x-mock-outcome", "x-mock-violation"))


class Redactor:
    """Hides credentials, by the names documents give them and by names that are plainly secret."""

    def __init__(self, documented: Iterable[tuple[str, str]] = ()) -> None:
        self._documented = frozenset((place, name.lower()) for place, name in documented)
        # The same few headers come with every call: to look them up takes 1 µs, to tell what they are 15.
        self._named = lru_cache(maxsize=1024)(self._is_named_secret)
        self._shown = lru_cache(maxsize=256)(self._header)
        self._known = lru_cache(maxsize=256)(_credentials)

    def _is_secret(self, place: str, name: str) -> bool:
        # What is as long as a body may be is not to be remembered.
        return self._named(place, name) if len(name) <= 100 else self._is_named_secret(place, name)

    def _is_named_secret(self, place: str, name: str) -> bool:
        return (place, name.lower()) in self._documented or _NAMES.search(name) is not None

    def credentials(self, headers: Headers, query: Iterable[tuple[str, str]]) -> Credentials:
        """What a request shows who calls with, from headers and the query's pairs as they were sent."""
        found = tuple(self._sent(headers, query))
        return self._known(found) if sum(map(len, found)) <= _LONGEST_QUOTE else _credentials(found)

    def _sent(self, headers: Headers, query: Iterable[tuple[str, str]]) -> Iterator[str]:
        for name, value in headers:
            if len(value) >= _LEAST and self._is_secret("header", name):
                yield from _sent_in(name, value.strip())
        for name, value in query:
            if len(value) >= _LEAST and self._is_secret_pair(name):
                yield from (value, unquote_plus(value))

    def headers(self, headers: Headers, *, ours: bool = False) -> Headers:
        """The headers with every credential hidden; the scheme's name before it stays."""
        if not ours:
            return [self._pair_shown(pair) for pair in headers]
        return [pair if pair[0] in _LABELS else self._pair_shown(pair) for pair in headers]

    def _pair_shown(self, pair: tuple[str, str]) -> tuple[str, str]:
        name, value = pair
        return name, self._shown(name, value) if len(value) <= _QUOTED else self._header(name, value)

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
        hide = value and self._is_secret_pair(unquote_plus(name) if "%" in name or "+" in name else name)
        return f"{name}{equals}{_blanked(value) if hide else value}"

    def _is_secret_pair(self, name: str) -> bool:
        return name.lower() == "key" or self._is_secret("query", name)

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
            return _shown(value) if secret and value else self._urls(value)
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
