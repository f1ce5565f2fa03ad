"""The documents as served."""

from __future__ import annotations

from urllib.parse import quote

from mockserver.openapi.compiled import Document
from mockserver.openapi.source import Json
from mockserver.web.control.call import ControlCall, Missing


def listed(call: ControlCall) -> Json:
    """A line for each."""
    return {"specs": [_line(document) for document in call.world.documents.values()]}


def _line(document: Document) -> Json:
    info = document.source.data["info"]
    return {
        "provider": document.name,
        "title": str(info["title"]),
        "version": str(info["version"]),
        "openapi": str(document.source.data["openapi"]),
        "operations": [operation.name for operation in document.operations()],
        "url": f"/_mock/specs/{quote(document.name)}",
    }


def show(call: ControlCall) -> Json:
    """One of them, whole."""
    name = call.path["provider"]
    document = call.world.documents.get(name)
    if document is None:
        raise Missing(f"No document is named {name!r}. Known: {', '.join(call.world.documents)}")
    return document.source.data
