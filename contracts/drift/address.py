"""Where clients turn to and how they show who they are: servers and security."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from urllib.parse import urlsplit

from contracts.drift.change import Change, listing, mapping
from contracts.drift.document import Operation, Side, base, urls
from mockserver.openapi.source import Json, join

# A way in: what must be shown at once, each with its scopes. An empty one lets everybody in.
Way = Mapping[str, frozenset[str]]


def servers(old: Json, new: Json, place: str, *, is_moved: bool = False) -> Iterator[Change]:
    """What a changed list of servers means to clients that have an address of the old one.

    `is_moved` says that the base path went into the paths or came out of them: the addresses are compared
    as a whole elsewhere, and only the hosts here.
    """
    before, after = urls(old), urls(new)
    lost = [url for url in before if url not in after]
    known = {base(url) for url in after}
    if is_moved and lost:
        text = "the base path is written in another place, as a part of the paths or of the server"
        yield Change("documentation", "base-path-moved", text, "/path", before, after, place)
    for url in () if is_moved else lost:
        if base(url) not in known:
            text = f"the base path was {base(url) or '/'}: clients that call it find nothing there"
            yield Change("breaking", "base-path-changed", text, "/path", url, after, place)
    hosts_before, hosts_after = _hosts(before), _hosts(after)
    if hosts_before and hosts_after and not hosts_before & hosts_after:
        text = f"{', '.join(sorted(hosts_before))} is gone: clients call a host that is no longer named"
        yield Change("breaking", "server-changed", text, "/path", before, after, place)
    elif hosts_before - hosts_after and hosts_after:
        text = f"{', '.join(sorted(hosts_before - hosts_after))} is gone: clients of that host must move"
        yield Change("careless", "server-removed", text, "/path", before, after, place)
    elif [url for url in after if url not in before] and not lost:
        yield Change("compatible", "server-added", "a new server", "/path", before, after, place)


def _hosts(found: list[str]) -> frozenset[str]:
    parts = [urlsplit(url) for url in found]
    return frozenset(f"{part.scheme}://{part.netloc}" for part in parts if part.netloc)


def own_servers(side: Side, operation: Operation) -> Json:
    """The servers that an operation or its path names for itself; None where the document's hold."""
    return operation.servers


# --- security -----------------------------------------------------------------------------------------------


def security(old: list[Way], new: list[Way], place: str) -> Iterator[Change]:
    """Whoever came in before must come in still: by each old way, one of the new ones must be open."""
    shut = [way for way in old if not any(_opens(way, one) for one in new)]
    opened = [way for way in new if not any(_opens(way, one) for one in old)]
    texts = (" or ".join(map(_told, old)), " or ".join(map(_told, new)))
    for way in shut:
        rule = "security-tightened" if way else "security-added"
        text = f"{_told(way)} is no longer enough, wanted {texts[1]}: clients that show no more are refused"
        yield Change("breaking", rule, text, _pointer(way, new), *texts, place, None, "request")
    if opened or (not shut and _ways_differ(old, new)):
        text = f"security was {texts[0]}, now it is {texts[1]}: clients notice nothing"
        yield Change("compatible", "security-relaxed", text, _pointer({}, opened or new), *texts, place)


def ways(side: Side, operation: Operation) -> list[Way]:
    """The ways in that an operation has, by what they are and not by what the document calls them."""
    given = operation.node.get("security", side.source.data.get("security"))
    schemes = mapping(mapping(side.source.data.get("components")).get("securitySchemes"))
    found = [way for requirement in listing(given) for way in _read(side, schemes, mapping(requirement))]
    return found or [{}]


def _read(side: Side, schemes: Mapping[str, Json], requirement: Mapping[str, Json]) -> Iterator[Way]:
    """A requirement, once for each of the flows by which it can be met."""
    names = [_shown(side, schemes, name) for name in requirement]
    scopes = [frozenset(map(str, listing(one))) for one in requirement.values()]
    for chosen in product(*names):
        yield dict(zip(chosen, scopes, strict=True))


def _shown(side: Side, schemes: Mapping[str, Json], name: str) -> list[str]:
    node, _ = side.through(schemes.get(name), "")
    flows = mapping(node.get("flows")) if node.get("type") == "oauth2" else {}
    return [_flow(flow, mapping(flows[flow])) for flow in sorted(flows)] or [_scheme(side, schemes, name)]


def _flow(name: str, node: Mapping[str, Json]) -> str:
    places = [str(node[key]) for key in ("authorizationUrl", "tokenUrl") if key in node]
    return f"oauth2 {name} at {' and '.join(places)}" if places else f"oauth2 {name}"


def _scheme(side: Side, schemes: Mapping[str, Json], name: str) -> str:
    node, _ = side.through(schemes.get(name), "")
    kind = node.get("type")
    if kind == "apiKey":
        place = node.get("in")
        key = str(node.get("name"))
        return f"key in {place} {key.lower() if place == 'header' else key}"
    if kind == "http":
        return f"http {str(node.get('scheme')).lower()}"
    if kind == "oauth2":
        return f"oauth2 {name}"
    if kind == "openIdConnect":
        return f"OpenID Connect {node.get('openIdConnectUrl')}"
    return str(kind) if kind else f"{name} (unknown)"


def _opens(shown: Way, wanted: Way) -> bool:
    return all(name in shown and scopes <= shown[name] for name, scopes in wanted.items())


def _pointer(shown: Way, wanted: list[Way]) -> str:
    """Where in a request the first thing is to be shown that is not shown yet."""
    missing = next((name for way in wanted for name in way if name not in shown), "")
    _, is_key, place = missing.partition("key in ")
    if is_key:
        return join("", *place.split(" ", 1))
    return "/header/authorization"


def _ways_differ(old: list[Way], new: list[Way]) -> bool:
    return {_told(way) for way in old} != {_told(way) for way in new}


def _told(way: Way) -> str:
    if not way:
        return "no credential"
    return " and ".join(
        f"{name} {sorted(scopes)}" if scopes else name for name, scopes in sorted(way.items())
    )
