"""Parts of a file, and answers for those who have it already, as RFC 9110 has them."""

from __future__ import annotations

import email
import email.policy
import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.web.media.ranges import MOST_RANGES, answer_with
from mockserver.web.reply import Headers, Reply
from mockserver.web.request import Incoming

BODY = b"0123456789"
TAG = '"tag"'
# Half a second is cut: headers know whole ones.
MADE = 1_767_225_600.5
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
LATER = "Thu, 01 Jan 2026 00:00:01 GMT"
EARLIER = "Wed, 31 Dec 2025 23:59:59 GMT"


def ask(method: str = "GET", *, body: bytes = BODY, made: float | None = MADE, **said: str) -> Reply:
    """The answer to a call with these headers."""
    return asked(method, [(name.replace("_", "-"), value) for name, value in said.items()], body, made)


def asked(method: str, headers: Headers, body: bytes = BODY, made: float | None = MADE) -> Reply:
    """The answer to a call with these headers, as they came."""
    incoming = Incoming(method, "/_mock/media/kie/song/audio.mp3", b"", headers)
    return answer_with(incoming, body, "audio/mpeg", TAG, made)


def told(reply: Reply, name: str) -> str | None:
    return next((value for key, value in reply.headers if key == name), None)


def parts(reply: Reply) -> list[tuple[str, str, bytes]]:
    """Type, range and bytes of each part, as another reader of multipart sees them."""
    assert reply.content_type is not None
    whole = b"Content-Type: " + reply.content_type.encode() + b"\r\n\r\n" + reply.body
    message = email.message_from_bytes(whole, policy=email.policy.HTTP)
    assert message.is_multipart()
    assert not message.defects
    found = []
    for part in message.iter_parts():
        assert isinstance(part, EmailMessage)
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        found.append((part["content-type"], part["content-range"], payload))
    return found


# --- whole -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_without_conditions_all_of_it_is_sent(method: str) -> None:
    reply = ask(method)

    assert reply == Reply(
        200,
        b"0123456789",
        "audio/mpeg",
        [
            ("accept-ranges", "bytes"),
            ("etag", '"tag"'),
            ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
            ("cache-control", "no-cache"),
        ],
    )


def test_what_has_no_date_says_none() -> None:
    assert told(ask(made=None), "last-modified") is None


# --- one range ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "sent", "shown"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-4", b"4", "bytes 4-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=0-", b"0123456789", "bytes 0-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
        ("bytes=9-9", b"9", "bytes 9-9/10"),
        ("bytes=0000002-0000003", b"23", "bytes 2-3/10"),
        ("Bytes= 0-1", b"01", "bytes 0-1/10"),
        ("bytes=,, 0-1 ,", b"01", "bytes 0-1/10"),
        (f"bytes=8-{'9' * 5000}", b"89", "bytes 8-9/10"),
        (f"bytes=-{'9' * 5000}", b"0123456789", "bytes 0-9/10"),
    ],
)
def test_a_range_is_sent_alone(spec: str, sent: bytes, shown: str) -> None:
    reply = ask(range=spec)

    assert (reply.status, reply.body, reply.content_type) == (206, sent, "audio/mpeg")
    assert told(reply, "content-range") == shown
    assert (told(reply, "etag"), told(reply, "accept-ranges")) == (TAG, "bytes")


@pytest.mark.parametrize(
    "spec", ["bytes=10-", "bytes=10-20", "bytes=-0", f"bytes={'9' * 5000}-", "bytes=11-12,-0"]
)
def test_a_range_beyond_the_end_is_refused_with_the_size(spec: str) -> None:
    reply = ask(range=spec)

    assert (reply.status, told(reply, "content-range")) == (416, "bytes */10")
    assert told(reply, "x-mock-error") == "range-not-satisfiable"


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=5-4",
        "bytes=a-b",
        "bytes=1",
        "bytes=1-2-3",
        "bytes=+1-2",
        "bytes=1 - 2",
        "bytes=0x1-2",
        "bytes=1_0-",
        "bytes=²-",
        "bytes=0-1;2-3",
        "bytes=0-1,nonsense",
        "bytes=0-1,5-4",
        "items=0-3",
        "seconds=0-3",
        "0-3",
    ],
)
def test_a_range_that_is_none_is_ignored(spec: str) -> None:
    assert (ask(range=spec).status, ask(range=spec).body) == (200, BODY)


def test_two_range_headers_are_ignored() -> None:
    assert asked("GET", [("range", "bytes=0-1"), ("range", "bytes=4-5")]).status == 200


def test_two_headers_of_tags_are_one_list() -> None:
    assert asked("GET", [("if-none-match", '"other"'), ("if-none-match", TAG)]).status == 304


def test_a_head_has_no_ranges() -> None:
    reply = ask("HEAD", range="bytes=0-3")

    assert (reply.status, reply.body, told(reply, "content-range")) == (200, BODY, None)


@pytest.mark.parametrize("spec", ["bytes=0-", "bytes=-1", "bytes=5-6"])
def test_nothing_has_no_ranges(spec: str) -> None:
    assert ask(body=b"", range=spec).status == 200


# --- several ranges ----------------------------------------------------------------------------------------


def test_several_ranges_are_sent_as_parts() -> None:
    reply = ask(range="bytes=0-1, 4-5,-2")

    boundary = (reply.content_type or "").removeprefix("multipart/byteranges; boundary=")
    assert reply.status == 206
    assert reply.body.decode() == (
        f"--{boundary}\r\nContent-Type: audio/mpeg\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n"
        f"--{boundary}\r\nContent-Type: audio/mpeg\r\nContent-Range: bytes 4-5/10\r\n\r\n45\r\n"
        f"--{boundary}\r\nContent-Type: audio/mpeg\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n"
        f"--{boundary}--\r\n"
    )
    assert told(reply, "content-range") is None
    assert told(reply, "etag") == TAG


def test_another_reader_finds_the_parts_in_the_order_they_were_asked_for() -> None:
    reply = ask(range="bytes=-2,0-1,99-100,4-4")

    assert parts(reply) == [
        ("audio/mpeg", "bytes 8-9/10", b"89"),
        ("audio/mpeg", "bytes 0-1/10", b"01"),
        ("audio/mpeg", "bytes 4-4/10", b"4"),
    ]


def test_ranges_that_overlap_are_sent_once() -> None:
    reply = ask(range="bytes=7-8,0-3,2-4,8-9,1-1")

    assert [(shown, sent) for _, shown, sent in parts(reply)] == [
        ("bytes 7-9/10", b"789"),
        ("bytes 0-4/10", b"01234"),
    ]


@pytest.mark.parametrize(
    "spec", ["bytes=0-3,2-5", "bytes=0-5,2-3", "bytes=0-2,3-5", "bytes=0-5,50-60", "bytes=3-5,0-2"]
)
def test_of_several_ranges_one_is_left(spec: str) -> None:
    reply = ask(range=spec)

    assert (reply.status, reply.body, reply.content_type) == (206, b"012345", "audio/mpeg")
    assert told(reply, "content-range") == "bytes 0-5/10"


def test_too_many_ranges_are_ignored() -> None:
    body = bytes(1000)
    some = ",".join(f"{at * 4}-{at * 4}" for at in range(MOST_RANGES))

    reply = ask(body=body, range=f"bytes={some}")
    flooded = ask(body=body, range=f"bytes={some},999-999")

    assert (reply.status, len(parts(reply))) == (206, MOST_RANGES)
    assert (flooded.status, flooded.body) == (200, body)


def test_the_same_question_has_the_same_bytes_as_answer() -> None:
    assert ask(range="bytes=0-1,4-5") == ask(range="bytes=0-1,4-5")


SPEC = st.tuples(st.none() | st.integers(0, 30), st.none() | st.integers(0, 30)).filter(
    lambda pair: pair != (None, None)
)


@given(st.lists(SPEC, min_size=1, max_size=6), st.integers(1, 20))
def test_what_is_sent_is_what_the_ranges_name(pairs: list[tuple[int | None, int | None]], size: int) -> None:
    body = bytes(range(size))
    specs = ",".join("-".join("" if end is None else str(end) for end in pair) for pair in pairs)
    wrong = any(first is not None and last is not None and last < first for first, last in pairs)
    wanted = set()
    for first, last in pairs:
        if first is None:
            wanted |= set(body[max(size - (last or 0), 0) :])
        else:
            wanted |= set(body[first : size if last is None else last + 1])

    reply = ask(body=body, range=f"bytes={specs}")

    if wrong:
        assert reply.status == 200
    elif not wanted:
        assert reply.status == 416
    else:
        multipart = (reply.content_type or "").startswith("multipart")
        sent = b"".join(part for _, _, part in parts(reply)) if multipart else reply.body
        assert (reply.status, sorted(sent)) == (206, sorted(wanted))


# --- If-Range ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("known", "status"), [(TAG, 206), (DATE, 206)])
def test_a_range_of_what_the_client_has_is_sent(known: str, status: int) -> None:
    assert ask(range="bytes=5-", if_range=known).status == status


@pytest.mark.parametrize("known", ['"other"', f"W/{TAG}", "tag", EARLIER, LATER, "nonsense", "", "*"])
def test_a_range_of_something_else_is_sent_whole(known: str) -> None:
    reply = ask(range="bytes=5-", if_range=known)

    assert (reply.status, reply.body) == (200, BODY)


def test_a_range_beyond_the_end_of_something_else_is_sent_whole() -> None:
    assert ask(range="bytes=50-", if_range='"other"').status == 200


def test_a_date_says_nothing_of_what_has_none() -> None:
    assert ask(made=None, range="bytes=5-", if_range=DATE).status == 200


# --- what the client has already ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("known", [TAG, f"W/{TAG}", f'"a,b", {TAG}', f'"x",{TAG},"y"', "*"])
def test_what_the_client_has_is_not_sent_again(method: str, known: str) -> None:
    reply = ask(method, if_none_match=known)

    assert (reply.status, reply.body, reply.content_type) == (304, b"", None)
    assert (told(reply, "etag"), told(reply, "cache-control")) == (TAG, "no-cache")


@pytest.mark.parametrize("known", ['"other"', "tag", '"ta', f'"a{TAG}'])
def test_what_the_client_does_not_have_is_sent(known: str) -> None:
    assert ask(if_none_match=known).status == 200


@pytest.mark.parametrize(
    "since",
    [
        DATE,
        LATER,
        "Thursday, 01-Jan-26 00:00:00 GMT",
        "Thu Jan  1 00:00:00 2026",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ],
)
def test_what_has_not_changed_since_is_not_sent_again(since: str) -> None:
    assert ask(if_modified_since=since).status == 304


@pytest.mark.parametrize(
    "since",
    [
        EARLIER,
        "",
        "yesterday",
        "1767225600",
        "Thu, 99 Jan 2026 00:00:00 GMT",
        "Thu, 01 Jan 99999 00:00:00 GMT",
        f"Thu, 01 Jan {'9' * 20} 00:00:00 GMT",
        "0",
    ],
)
def test_what_has_changed_since_or_a_date_that_is_none_sends_it(since: str) -> None:
    assert ask(if_modified_since=since).status == 200


def test_a_date_without_a_zone_is_not_of_this_machines_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        # In the zone of New York this would be hours later.
        reply = ask(if_modified_since="Wed Dec 31 23:59:59 2025")
    time.tzset()

    assert reply.status == 200


def test_a_tag_counts_before_a_date() -> None:
    assert ask(if_none_match='"other"', if_modified_since=LATER).status == 200
    assert ask(if_none_match=TAG, if_modified_since=EARLIER).status == 304


def test_what_the_client_has_is_not_sent_in_part_either() -> None:
    assert ask(if_none_match=TAG, range="bytes=0-3").status == 304


@pytest.mark.parametrize(
    "said",
    [{"if-match": '"other"'}, {"if-match": f"W/{TAG}"}, {"if-unmodified-since": EARLIER}],
)
def test_a_file_that_is_not_the_one_meant_is_refused(said: dict[str, str]) -> None:
    reply = asked("GET", list(said.items()))

    assert (reply.status, told(reply, "x-mock-error")) == (412, "precondition-failed")


@pytest.mark.parametrize(
    "said",
    [
        {"if-match": TAG},
        {"if-match": f'"other", {TAG}'},
        {"if-match": "*"},
        {"if-match": TAG, "if-unmodified-since": EARLIER},
        {"if-unmodified-since": DATE},
        {"if-unmodified-since": "nonsense"},
    ],
)
def test_a_file_that_is_the_one_meant_is_sent(said: dict[str, str]) -> None:
    assert asked("GET", list(said.items())).status == 200


CONDITIONS = ["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"]
ODD = st.text() | st.text('bytes=0123456789-, "tagW/*:') | st.text("0123456789 :,-Jan2026GMT+")


@given(st.dictionaries(st.sampled_from(CONDITIONS), ODD))
def test_no_header_is_too_odd(said: dict[str, str]) -> None:
    assert asked("GET", list(said.items())).status in (200, 206, 304, 412, 416)
