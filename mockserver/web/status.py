"""The HTTP status of a reply whose body holds a numeric code too."""

from __future__ import annotations

from mockserver.openapi.compiled import Envelope
from mockserver.openapi.source import Json


def http_status(envelope: Envelope, documented: int, code: Json, mode: str) -> int:
    """What `--status` makes of the status that the document gives an answer, and the code in its body."""
    if mode == "auto" or not envelope.is_numeric or type(code) is not int:
        return documented
    if mode == "envelope":
        return 200
    return code if 400 <= code <= 599 else documented
