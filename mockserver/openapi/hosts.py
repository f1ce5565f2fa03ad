"""Which hosts are this machine's own, and which belong to no public network."""

from __future__ import annotations

import ipaddress

HostAndPort = tuple[str, int | None]


def host_and_port(text: str) -> HostAndPort:
    """The parts of `HOST`, `HOST:PORT` or a bare IPv6 address; the host without brackets, in lower case."""
    host, _, port = text.rpartition(":")
    if not host or text.endswith("]") or (":" in host and not host.endswith("]")):
        return text.strip("[]").lower(), None
    return host.strip("[]").lower(), int(port)


def is_loopback(host: str) -> bool:
    """True for this machine's own names and addresses."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def is_internal(host: str) -> bool:
    """True for an address that no public network routes to."""
    address = _address(host)
    return address is not None and not address.is_global


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
