"""Plausible strings: by the format, by the pattern, by the property's name, and of the right length."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from random import Random

from mockserver.openapi.pattern import PatternError, string_for
from mockserver.openapi.sample.shape import Dead, Shape

LARGEST = 1_000_000
_TRIES = 60
_HEX = "0123456789abcdef"
_CODE = "abcdefghijklmnopqrstuvwxyz0123456789"
# fmt: off
_WORDS = (
    "amber", "anchor", "aurora", "autumn", "ballad", "beacon", "breeze", "canyon", "cedar", "chorus",
    "cobalt", "coral", "dawn", "delta", "drift", "echo", "ember", "fable", "falcon", "fern", "garden",
    "glacier", "golden", "harbor", "hazel", "indigo", "island", "ivory", "jasper", "juniper", "lantern",
    "lilac", "linen", "lumen", "maple", "marble", "meadow", "melody", "midnight", "mirror", "mosaic",
    "neon", "nimbus", "north", "oak", "ocean", "opal", "orchid", "paper", "pearl", "pebble", "pine",
    "prairie", "quartz", "quiet", "raven", "refrain", "river", "saffron", "sage", "silver", "sky",
    "slate", "solar", "spruce", "summer", "thistle", "tide", "timber", "topaz", "velvet", "violet",
    "wander", "willow", "winter", "zephyr",
)
# fmt: on
_FIRST = (
    "Ada",
    "Bela",
    "Clara",
    "Dario",
    "Edith",
    "Farid",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Kira",
    "Leo",
    "Mina",
)
_LAST = (
    "Abel",
    "Berger",
    "Castro",
    "Duval",
    "Eriksen",
    "Fontaine",
    "Grant",
    "Haddad",
    "Ito",
    "Jansen",
    "Keller",
)
_CITIES = ("Lisbon", "Oslo", "Kyoto", "Toronto", "Nairobi", "Porto", "Vienna", "Lima", "Utrecht", "Ghent")
_COUNTRIES = ("Portugal", "Norway", "Japan", "Canada", "Kenya", "Austria", "Peru", "Netherlands", "Belgium")

Maker = Callable[[Random], str]


def texts(shape: Shape, name: str, rng: Random, turn: int = 0) -> Iterator[str]:
    """Candidates for a string, the most plausible first; each has the asked length."""
    low, high = shape.min_length, shape.max_length
    if low > LARGEST or (high is not None and high < low):
        raise Dead(f"no string of {low} to {high} characters is made")
    makers = [_formatted(known, low, high) for known in shape.formats if known in _FORMATS]
    if not makers and not shape.patterns:
        makers.append(lambda rng: _fitted(_named(name, rng), low, high, rng))
    if turn and not shape.formats and not shape.patterns:
        yield _numbered(turn, low, high)
    for _ in range(4):
        for maker in makers:
            yield maker(rng)
    yield from _patterned(shape, rng)
    yield from _ends(low, high)


def _numbered(turn: int, low: int, high: int | None) -> str:
    """A different string for every turn, as far as the length lets them differ."""
    digits = ""
    while turn:
        turn, digit = divmod(turn, len(_CODE))
        digits = _CODE[digit] + digits
    return digits.rjust(low, _CODE[0])[-high if high else 0 :]


def _patterned(shape: Shape, rng: Random) -> Iterator[str]:
    """Strings for the patterns: for one of them alone, and where there are more, for one beside the other."""
    try:
        for _ in range(_TRIES if shape.patterns else 0):
            made = [
                string_for(pattern, rng, shape.min_length, shape.max_length) for pattern in shape.patterns
            ]
            texts = [text for text in made if text is not None]
            yield from texts
            if len(shape.patterns) > 1:
                parts = [string_for(pattern, rng) or "" for pattern in shape.patterns]
                yield from ("".join(parts), "".join(reversed(parts)))
    except PatternError as error:
        raise Dead(str(error)) from None


def _ends(low: int, high: int | None) -> Iterator[str]:
    """The shortest and the longest string."""
    yield "a" * low
    if high is not None and high <= LARGEST:
        yield "a" * high


def known_name(name: str) -> bool:
    """True when the name alone says what a string under it looks like."""
    return _maker(name) is not None


def words_of(name: str) -> list[str]:
    """The words of a property's name, in lower case, whatever style it is written in."""
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).replace("-", "_").replace(" ", "_").lower().split("_")


def _maker(name: str) -> Maker | None:
    words = words_of(name)
    for start in range(len(words)):
        tail = "_".join(words[start:])
        found = _NAMES.get(tail) or (_NAMES.get(tail[:-1]) if tail.endswith("s") else None)
        if found:
            return found
    return None


def _named(name: str, rng: Random) -> str:
    return (_maker(name) or _phrase)(rng)


def _fitted(text: str, low: int, high: int | None, rng: Random) -> str:
    """The text cut or continued, at a word where that goes, to be low to high characters long."""
    parts = [text]
    length = len(text)
    while length < low:
        parts.append(_word(rng))
        length += len(parts[-1]) + 1
    text = " ".join(parts)
    if high is None or len(text) <= high:
        return text
    cut = text[:high].rsplit(" ", 1)[0].strip() if " " in text[:high] else text[:high]
    return cut if low <= len(cut) else text[:high].rstrip().ljust(max(low, 0), "a")[:high]


def _word(rng: Random) -> str:
    return rng.choice(_WORDS)


def _phrase(rng: Random) -> str:
    return f"{_word(rng)} {_word(rng)}"


def _title(rng: Random) -> str:
    return _phrase(rng).title()


def _sentence(rng: Random) -> str:
    return f"{_word(rng).capitalize()} {_word(rng)} and {_word(rng)} {_word(rng)}."


def _hex(rng: Random, length: int) -> str:
    return "".join(rng.choice(_HEX) for _ in range(length))


def _full_name(rng: Random) -> str:
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def _email(rng: Random) -> str:
    return f"{rng.choice(_FIRST)}.{rng.choice(_LAST)}@example.com".lower()


def _url(rng: Random) -> str:
    return f"https://example.com/{_word(rng)}/{_hex(rng, 8)}"


def _file_url(ending: str) -> Maker:
    return lambda rng: f"{_url(rng)}.{ending}"


def _date(rng: Random) -> str:
    return f"{rng.randint(2024, 2026)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def _clock(rng: Random) -> str:
    return f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}Z"


def _moment(rng: Random) -> str:
    return f"{_date(rng)}T{_clock(rng)}"


def _uuid(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _phone(rng: Random) -> str:
    return f"+1202555{rng.randint(100, 199):04}"


def _ipv4(rng: Random) -> str:
    return f"192.0.2.{rng.randint(1, 254)}"


def _ipv6(rng: Random) -> str:
    return f"2001:db8::{rng.randint(1, 0xFFFF):x}"


def _one_of(*values: str) -> Maker:
    return lambda rng: rng.choice(values)


def _street(rng: Random) -> str:
    return f"{rng.randint(1, 200)} {_word(rng).title()} Street"


_NAMES: Mapping[str, Maker] = {
    **dict.fromkeys(
        ("name", "full_name", "display_name", "author", "owner", "artist", "customer"), _full_name
    ),
    **dict.fromkeys(("first_name", "given_name", "firstname"), _one_of(*_FIRST)),
    **dict.fromkeys(("last_name", "family_name", "surname", "lastname"), _one_of(*_LAST)),
    **dict.fromkeys(
        ("username", "user_name", "login", "handle", "nickname"), lambda rng: _email(rng).split("@")[0]
    ),
    **dict.fromkeys(("title", "subject", "headline", "label", "caption", "model_name"), _title),
    **dict.fromkeys(
        ("description", "summary", "text", "comment", "content", "body", "bio", "note"), _sentence
    ),
    **dict.fromkeys(("prompt", "lyrics", "lyric", "about", "reason", "detail", "details"), _sentence),
    **dict.fromkeys(("email", "mail", "email_address"), _email),
    **dict.fromkeys(("url", "uri", "link", "href", "website", "homepage", "webhook", "location"), _url),
    **dict.fromkeys(
        ("image_url", "avatar", "avatar_url", "photo_url", "cover_url", "thumbnail"), _file_url("jpg")
    ),
    **dict.fromkeys(("image_large_url", "photo", "image"), _file_url("jpg")),
    **dict.fromkeys(("audio_url", "stream_url", "audio"), _file_url("mp3")),
    **dict.fromkeys(("video_url", "video"), _file_url("mp4")),
    **dict.fromkeys(("created_at", "updated_at", "deleted_at", "finished_at", "started_at", "at"), _moment),
    **dict.fromkeys(("created", "updated", "timestamp", "datetime", "time", "expires"), _moment),
    **dict.fromkeys(("date", "day", "birthday", "birthdate"), _date),
    **dict.fromkeys(("uuid", "guid"), _uuid),
    **dict.fromkeys(
        ("id", "key", "token", "secret", "hash", "checksum", "signature"), lambda rng: _hex(rng, 16)
    ),
    **dict.fromkeys(("phone", "phone_number", "mobile", "telephone", "fax"), _phone),
    **dict.fromkeys(("city", "town"), _one_of(*_CITIES)),
    **dict.fromkeys(("street", "address", "street_address", "line1"), _street),
    **dict.fromkeys(
        ("zip", "zip_code", "zipcode", "postal_code", "postcode"), lambda rng: f"{rng.randint(10000, 99999)}"
    ),
    "country": _one_of(*_COUNTRIES),
    "country_code": _one_of("PT", "NO", "JP", "CA", "KE", "AT"),
    "company": lambda rng: f"{rng.choice(_LAST)} & {rng.choice(_LAST)}",
    **dict.fromkeys(("currency", "currency_code"), _one_of("EUR", "USD", "JPY", "GBP")),
    **dict.fromkeys(("language", "locale", "lang"), _one_of("en", "de", "fr", "pt")),
    **dict.fromkeys(("timezone", "time_zone", "tz"), _one_of("Europe/Lisbon", "Asia/Tokyo", "America/Lima")),
    **dict.fromkeys(("color", "colour"), lambda rng: f"#{_hex(rng, 6)}"),
    "version": lambda rng: f"{rng.randint(1, 4)}.{rng.randint(0, 9)}.{rng.randint(0, 9)}",
    "slug": lambda rng: f"{_word(rng)}-{_word(rng)}",
    **dict.fromkeys(("tag", "category", "genre", "style", "keyword", "type", "kind", "group", "mood"), _word),
    **dict.fromkeys(("status", "state"), _one_of("active", "pending", "done")),
    **dict.fromkeys(("message", "msg"), _sentence),
    **dict.fromkeys(
        ("price", "amount", "cost", "total"), lambda rng: f"{rng.randint(1, 99)}.{rng.randint(0, 99):02}"
    ),
    "code": lambda rng: _hex(rng, 6).upper(),
    **dict.fromkeys(("filename", "file_name", "file"), lambda rng: f"{_word(rng)}.txt"),
    "path": lambda rng: f"/{_word(rng)}/{_word(rng)}",
    **dict.fromkeys(("host", "hostname", "domain"), lambda rng: f"{_word(rng)}.example.com"),
    **dict.fromkeys(("ip", "ip_address"), _ipv4),
    **dict.fromkeys(("mime_type", "content_type", "media_type"), _one_of("application/json", "image/jpeg")),
    "password": lambda rng: f"{_word(rng).title()}-{rng.randint(100, 999)}",
}


def _formatted(known: str, low: int, high: int | None) -> Maker:
    make, shortest, lengthen = _FORMATS[known]

    def maker(rng: Random) -> str:
        text = make(rng)
        if high is not None and len(text) > high:
            text = shortest
        return lengthen(text, low) if len(text) < low else text

    return maker


def _as_is(text: str, low: int) -> str:
    return text


def _padded(text: str, low: int) -> str:
    return text.ljust(low, "a")


def _pathed(text: str, low: int) -> str:
    return text + "/".ljust(low - len(text), "a")


def _longer_host(text: str, low: int) -> str:
    """More labels in front, none of them over 63 characters."""
    while len(text) < low:
        text = f"{'a' * max(1, min(60, low - len(text) - 1))}.{text}"
    return text


def _longer_email(text: str, low: int) -> str:
    local, _, domain = text.rpartition("@")
    local = local.ljust(min(64, low - len(domain) - 1), "a")
    return f"{local}@{_longer_host(domain, low - len(local) - 1)}"


def _longer_base64(text: str, low: int) -> str:
    # Whole groups in front keep the padding at the end.
    return "YWFh" * -(-(low - len(text)) // 4) + text


def _longer_moment(text: str, low: int) -> str:
    """More digits after the second: the one place where a time may grow."""
    missing = low - len(text)
    return f"{text[:-1]}.{'0' * max(1, missing - 1)}Z" if missing else text


_FORMATS: Mapping[str, tuple[Maker, str, Callable[[str, int], str]]] = {
    "date-time": (_moment, "2025-01-01T00:00:00Z", _longer_moment),
    "date": (_date, "2025-01-01", _as_is),
    "time": (_clock, "00:00:00Z", _longer_moment),
    "duration": (
        lambda rng: f"PT{rng.randint(1, 59)}M",
        "P1D",
        lambda text, low: "PT1M".replace("1", "1" * (low - 3)),
    ),
    "email": (_email, "a@b", _longer_email),
    "idn-email": (_email, "a@b", _longer_email),
    "hostname": (lambda rng: f"{_word(rng)}.example.com", "a", _longer_host),
    "idn-hostname": (lambda rng: f"{_word(rng)}.example.com", "a", _longer_host),
    "ipv4": (_ipv4, "1.1.1.1", _as_is),
    "ipv6": (_ipv6, "::1", lambda text, low: "2001:0db8:0000:0000:0000:0000:0000:0001"),
    "uri": (_url, "a:b", _pathed),
    "url": (_url, "a:b", _pathed),
    "uri-reference": (lambda rng: f"/{_word(rng)}/{_hex(rng, 8)}", "", _pathed),
    "iri": (_url, "a:b", _pathed),
    "iri-reference": (lambda rng: f"/{_word(rng)}/{_hex(rng, 8)}", "", _pathed),
    "uri-template": (lambda rng: f"https://example.com/{_word(rng)}/{{id}}", "", _padded),
    "uuid": (_uuid, "", _as_is),
    "json-pointer": (lambda rng: f"/{_word(rng)}/0", "", _pathed),
    "relative-json-pointer": (lambda rng: f"1/{_word(rng)}", "0", _pathed),
    "regex": (lambda rng: f"^{_word(rng)}$", "", lambda text, low: text + "a*".ljust(low - len(text), "a")),
    "byte": (lambda rng: base64.b64encode(_phrase(rng).encode()).decode(), "", _longer_base64),
    "base64": (lambda rng: base64.b64encode(_phrase(rng).encode()).decode(), "", _longer_base64),
    "int32": (lambda rng: str(rng.randint(1, 9999)), "1", lambda text, low: text.ljust(low, "0")),
    "int64": (lambda rng: str(rng.randint(1, 9999)), "1", lambda text, low: text.ljust(low, "0")),
    "decimal": (lambda rng: f"{rng.randint(1, 99)}.50", "1", lambda text, low: text.ljust(low, "0")),
    "password": (_NAMES["password"], "", _padded),
    "phone": (_phone, "1", lambda text, low: text.ljust(low, "0")),
    "color": (_NAMES["color"], "red", _as_is),
}
