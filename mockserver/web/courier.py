"""The one place that calls out: a callback is POSTed once, and only to a receiver that may be called."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from string import punctuation
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import httptools

from mockserver import __version__
from mockserver.openapi.hosts import host_and_port, is_loopback
from mockserver.web.reply import header_text

# By this header the mock's own control API knows a callback, and does not let one steer it.
CALLBACK_MARK = "x-mock-callback"
HEAD_BYTES = 64 * 1024
BODY_BYTES = 64 * 1024
URL_CHARACTERS = 2048
# How long a receiver may go on sending after the head of its answer: a close at once would be a broken pipe
# to it.
LINGER_SECONDS = 0.5

Address = IPv4Address | IPv6Address
# What `getaddrinfo` answers, and a function that answers so.
Found = Sequence[tuple[int, int, int, str, tuple[Any, ...]]]
Resolve = Callable[[str, int], Awaitable[Found]]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Answer(NamedTuple):
    """What became of one call: the receiver's status, or why there is none, or why it may not be called."""

    status: int | None
    error: str | None
    refused: str | None = None


class _Refused(Exception):
    """This callback is not sent."""


class _Unanswered(Exception):
    """There is no answer."""


async def look_up(host: str, port: int) -> Found:
    """All addresses of a host, as this machine resolves it."""
    with suppress(OSError):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return await asyncio.wrap_future(_asked(host, port))


def _asked(host: str, port: int) -> Future[Found]:
    """A look-up on a thread that nobody waits for at the end: a name server may hang for long."""
    found: Future[Found] = Future()

    def ask() -> None:
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            _settle(found.set_exception, error)
        else:
            _settle(found.set_result, addresses)

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    return found


def _settle(tell: Callable[[Any], None], what: Any) -> None:
    # Nobody waits for it any more, or the loop of whoever did has ended.
    with suppress(InvalidStateError, RuntimeError):
        tell(what)


class Allowed:
    """The hosts that may be called besides loopback: each HOST or HOST:PORT."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        self._hosts = frozenset((_plain(host), port) for host, port in map(host_and_port, entries))

    def names(self, host: str, port: int) -> bool:
        """True where the host is named, for this port or for all."""
        return not self._hosts.isdisjoint({(_plain(host), None), (_plain(host), port)})


def refusal(url: str, allowed: Allowed) -> str | None:
    """Why a receiver is not even looked up; None for one whose addresses decide."""
    try:
        _check_host(_receiver(url), allowed)
    except _Refused as refused:
        return str(refused)
    return None


def receiver_of(url: str) -> str:
    """The host and port of a URL; "" for one that cannot be read, and so is never called."""
    with suppress(_Refused):
        receiver = _receiver(url)
        return f"{receiver.host}:{receiver.port}"
    return ""


async def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    timeout: float,
    allowed: Allowed,
    resolve: Resolve = look_up,
) -> Answer:
    """Send it once: the receiver's status, or why there is none; `refused` where nothing may be sent."""
    deadline = asyncio.get_running_loop().time() + timeout
    try:
        receiver = _receiver(url)
        request = _head(receiver, headers, len(body)) + body
        async with asyncio.timeout_at(deadline):
            addresses = await _addresses(receiver, allowed, resolve)
            reader, writer = await _connect(receiver, addresses)
        return await _exchange(reader, writer, request, deadline)
    except _Refused as refusal:
        return Answer(None, None, str(refusal))
    except _Unanswered as failure:
        return Answer(None, str(failure))
    except TimeoutError:
        return Answer(None, f"no answer within {timeout:g} s")
    except OSError as error:
        return Answer(None, _why(error))
    except Exception as error:
        # Whoever sends callbacks goes on with the next one, whatever this one was. The text of an error that
        # nobody expected may hold a secret of the URL.
        return Answer(None, f"the callback could not be sent ({type(error).__name__})")


# --- the URL -----------------------------------------------------------------------------------------------


class _Receiver(NamedTuple):
    """Who is called: `host` is bare, `authority` is what the Host header says."""

    secure: bool
    host: str
    port: int
    authority: str
    target: str


_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::(.*))?", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9._-]{1,254}")
_NO_HOST = "the callback URL has no host that can be read"
_PORTS = {"http": 80, "https": 443}


def _receiver(url: str) -> _Receiver:
    scheme, authority, path, query = _parts(url)
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise _Refused(_NO_HOST)
    name = _name(found[1])
    port = _port(found[2]) or _PORTS[scheme]
    shown = name if port == _PORTS[scheme] else f"{name}:{port}"
    target = quote((path or "/") + (f"?{query}" if query else ""), safe=punctuation)
    return _Receiver(scheme == "https", name.strip("[]").lower(), port, shown, target)


def _parts(url: str) -> tuple[str, str, str, str]:
    """Scheme, authority, path and query. No reason repeats the URL, for secrets may stand in it."""
    if len(url) > URL_CHARACTERS:
        raise _Refused(f"the callback URL has {len(url)} characters; {URL_CHARACTERS} are allowed")
    if not url.isprintable() or " " in url or "\\" in url:
        raise _Refused("the callback URL holds a blank, a backslash or a character that cannot be shown")
    try:
        scheme, authority, path, query, _ = urlsplit(url)
    except ValueError:
        raise _Refused(_NO_HOST) from None
    if scheme not in _PORTS:
        raise _Refused("the callback URL is neither http nor https")
    if "@" in authority:
        raise _Refused("the callback URL holds a user name or a password, which is not sent; leave it out")
    return scheme, authority, path, query


def _name(written: str) -> str:
    """The host as it is written, a name of other letters encoded, an IPv6 address in brackets."""
    try:
        if written.startswith("["):
            IPv6Address(written[1:-1])
            return written
        name = written.encode("idna").decode("ascii")
    except ValueError:
        raise _Refused(_NO_HOST) from None
    if not _NAME.fullmatch(name):
        raise _Refused(_NO_HOST)
    return name


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise _Refused("the port of the callback URL is no number from 1 to 65535")
    return int(text)


# --- who may be called -------------------------------------------------------------------------------------

_THIS_NETWORK = IPv4Network("0.0.0.0/8")
_NAT64 = IPv6Network("64:ff9b::/96")
# Where clouds tell a machine its secrets, besides the link-local 169.254.169.254.
_METADATA = frozenset((IPv4Address("100.100.100.200"), IPv6Address("fd00:ec2::254")))


async def _addresses(receiver: _Receiver, allowed: Allowed, resolve: Resolve) -> list[str]:
    """The receiver's addresses, asked for once, for the next answer may differ; all of them may be called."""
    _check_host(receiver, allowed)
    try:
        found = await resolve(receiver.host, receiver.port)
    except OSError as error:
        raise _Unanswered(f"name does not resolve: {error.strerror or error}") from None
    addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
    if not addresses:
        raise _Unanswered("name does not resolve: it has no address")
    for address in addresses:
        _check(receiver, address, allowed)
    return addresses


def _check_host(receiver: _Receiver, allowed: Allowed) -> None:
    """Refuse a name of somebody else's that nobody allowed.

    It is not looked up either: the mock works offline, and a question to a name server tells who asks.
    """
    host = receiver.host
    if not (allowed.names(host, receiver.port) or _is_own(host)):
        raise _Refused(
            f"{host} is no loopback host. To let callbacks go there, start with --callback-allow {host}"
        )


def _is_own(host: str) -> bool:
    """True for a name of this machine, and for an address however it is spelled: that is looked at next."""
    if is_loopback(host.removesuffix(".")):
        return True
    with suppress(OSError):
        return bool(socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST))
    return False


def _check(receiver: _Receiver, text: str, allowed: Allowed) -> None:
    """Refuse an address that is neither this machine's nor one that the allow list lets this host have."""
    host, port = receiver.host, receiver.port
    address = _address(text)
    listed = allowed.names(host, port)
    special = _is_special(address) and not allowed.names(str(address), port)
    if (listed or address.is_loopback) and not special:
        return
    needed = dict.fromkeys(([] if listed else [host]) + ([str(address)] if special else []))
    fix = " ".join(f"--callback-allow {name}" for name in needed)
    what = host if host == str(address) else f"{host} is {address}, which"
    why = "called only where it is named itself" if listed else "no loopback address"
    raise _Refused(f"{what} is {why}. To let callbacks go there, start with {fix}")


def _address(text: str) -> Address:
    """The address that is reached: without a zone, and an IPv4 address where it is mapped into IPv6."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        raise _Refused("the host of the callback URL has an address that cannot be read") from None
    return getattr(address, "ipv4_mapped", None) or address


def _is_special(address: Address) -> bool:
    """True for what no name should stand for: a network's own addresses, those of many and of nobody."""
    carried = _carried(address)
    if carried is not None:
        return carried.is_loopback or _is_special(carried)
    if address.is_loopback:
        return False
    unusual = address.is_unspecified or address.is_multicast or address.is_link_local or address.is_reserved
    return unusual or address in _THIS_NETWORK or address in _METADATA


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address that a gateway finds in an IPv6 one."""
    if isinstance(address, IPv4Address):
        return None
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour


def _plain(host: str) -> str:
    """A host in the one form in which it is compared."""
    with suppress(_Refused):
        return str(_address(host))
    with suppress(UnicodeError):
        host = host.encode("idna").decode("ascii")
    return host.lower().removesuffix(".")


# --- the call ----------------------------------------------------------------------------------------------

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t -~\x80-\xff]*")


def _head(receiver: _Receiver, headers: Mapping[str, str], length: int) -> bytes:
    ours = {
        "Host": receiver.authority,
        "User-Agent": f"persona-mock/{__version__}",
        CALLBACK_MARK: "1",
        "Content-Length": str(length),
        "Connection": "close",
    }
    taken = {*(name.lower() for name in ours), "transfer-encoding"}
    theirs = {name: value for name, value in headers.items() if name.lower() not in taken}
    lines = [f"{name}: {value}" for name, value in {**ours, **theirs}.items()]
    if not all(map(_HEADER.fullmatch, lines)):
        raise _Refused("a header of the callback holds a character that no header may hold")
    return "\r\n".join([f"POST {receiver.target} HTTP/1.1", *lines, "", ""]).encode("latin-1")


async def _connect(receiver: _Receiver, addresses: list[str]) -> Connection:
    """A connection to the first address that takes one; the certificate is checked for the URL's host."""
    context = ssl.create_default_context() if receiver.secure else None
    name = receiver.host.removesuffix(".") if receiver.secure else None
    why = ""
    for address in addresses:
        try:
            # Numeric: the name is not resolved a second time.
            return await asyncio.open_connection(
                address, receiver.port, ssl=context, server_hostname=name, flags=socket.AI_NUMERICHOST
            )
        except ssl.SSLError:
            # Somebody is there. What another address says would hide what is wrong with this one.
            raise
        except OSError as error:
            why = _why(error)
    raise _Unanswered(why)


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, deadline: float
) -> Answer:
    try:
        # Not drained: a receiver may answer before it has read all, and close.
        writer.write(request)
        async with asyncio.timeout_at(deadline):
            reading = await _read_head(reader)
        await _part(reader, writer, reading, deadline)
        return _answer(reading)
    finally:
        writer.transport.abort()


async def _part(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reading: _Reading, deadline: float
) -> None:
    """Let the receiver say the rest, and close; the answer is known, so nothing here can go wrong."""
    until = min(deadline, asyncio.get_running_loop().time() + LINGER_SECONDS)
    with suppress(OSError):
        async with asyncio.timeout_at(until):
            await _read_body(reader, reading)
            writer.close()
            await writer.wait_closed()


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason.replace('_', ' ').lower() if error.reason else error}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "the receiver broke the connection off"
    return f"no connection: {os.strerror(error.errno) if error.errno else error}"


# --- the answer --------------------------------------------------------------------------------------------


class _Reading:
    """An answer as it comes in: its status as soon as its head is whole. Interim answers are passed over."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.location = b""
        self.ended = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take what came; _Unanswered where it is not HTTP."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if self.status is None:
                raise _Unanswered("the receiver's answer is not HTTP") from None
            self.ended = True

    def on_message_begin(self) -> None:
        """Called by the parser."""
        if self.status is None:
            self.location = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser, for trailers too."""
        if self.status is None and name.lower() == b"location":
            self.location = value

    def on_headers_complete(self) -> None:
        """Called by the parser, and again for what some receivers send after their answer."""
        status = self._parser.get_status_code()
        # Nothing of HTTP comes after 101.
        interim = 100 <= status < 200 and status != 101
        if self.status is None and not interim:
            self.status = status

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.ended = self.status is not None


async def _read_head(reader: asyncio.StreamReader) -> _Reading:
    reading = _Reading()
    left = HEAD_BYTES
    while reading.status is None:
        if not left:
            raise _Unanswered(f"the head of the receiver's answer is over {HEAD_BYTES} bytes")
        data = await reader.read(left)
        if not data:
            when = "within its answer" if left < HEAD_BYTES else "without an answer"
            raise _Unanswered(f"the receiver closed the connection {when}")
        reading.feed(data)
        left -= len(data)
    return reading


async def _read_body(reader: asyncio.StreamReader, reading: _Reading) -> None:
    left = BODY_BYTES
    while left and not reading.ended:
        data = await reader.read(left)
        if not data:
            return
        reading.feed(data)
        left -= len(data)


def _answer(reading: _Reading) -> Answer:
    status = reading.status
    if status is None or status < 100:
        return Answer(None, "the receiver's answer is not HTTP")
    if status == 101:
        return Answer(status, "the receiver switches to another protocol, for which it was not asked")
    if 300 <= status < 400:
        where = _where(reading.location.decode("utf-8", "replace"))
        return Answer(status, f"the receiver redirects to {where}; redirects are not followed")
    return Answer(status, None)


def _where(location: str) -> str:
    """Where a redirect leads, as it may be shown: without user names and queries, in which secrets stand."""
    try:
        scheme, authority, path, _, _ = urlsplit(location)
    except ValueError:
        return "a place that cannot be read"
    start = f"{scheme}:" * bool(scheme) + f"//{authority.rpartition('@')[2]}" * bool(authority)
    return header_text(start + re.sub(r"[^/]*@", "", path), 200) or "a place it does not name"
