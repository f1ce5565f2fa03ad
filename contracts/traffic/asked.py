"""What a recorded request asks for: its body read, and the operation that the body means."""

from __future__ import annotations

from contracts.traffic import bodies
from contracts.traffic.exchange import Exchange
from contracts.traffic.locate import Found
from mockserver.openapi.compiled import Media, Operation
from mockserver.openapi.negotiation import find_media
from mockserver.openapi.payload import OPAQUE, Payload


class Asked:
    """A request at its route; `media` is None where its body is none that is documented, or not there."""

    def __init__(self, found: Found, exchange: Exchange) -> None:
        self._document, self._request = found.document, exchange.request
        self.media, self.payload = self._read(found.route.operation)
        self.operation = self._meant(found)

    def content_type(self, operation: Operation) -> str:
        """What the body says it is, else what an operation takes."""
        documented = operation.body.media if operation.body else {}
        told = self._request.header("content-type") or self._request.body.media
        return told or bodies.usual_type(documented)

    def _read(self, operation: Operation) -> tuple[Media | None, Payload]:
        body = self._request.body
        if operation.body is None or body.is_empty:
            return None, Payload(OPAQUE)
        content_type = self.content_type(operation)
        name = find_media(content_type, operation.body.media)
        if name is None or not body.is_kept:
            return None, Payload(OPAQUE)
        media = operation.body.media[name]
        return media, bodies.read(body, content_type, media, self._document.source)

    def _meant(self, found: Found) -> Operation:
        """The operation that the body means, where several share a path and method."""
        if self.payload.fault is None and self.payload.value is not OPAQUE:
            for operation, place in found.route.variants:
                if self._document.schemas.allows(place, self.payload.value, "request"):
                    return operation
        return found.route.operation
