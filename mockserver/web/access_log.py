"""A line per request on stdout, for those who ask for it."""

from __future__ import annotations

import json

from mockserver.web.redact import without_key
from mockserver.web.reply import ID, Reply, header_text
from mockserver.web.request import Incoming
from mockserver.web.world import World


def write(world: World, incoming: Incoming, reply: Reply, started: float) -> None:
    """Print one request as text or as a line of JSON; what may hold a key, as a query does, is left out."""
    labels = dict(reply.lines)
    path = world.redactor.credentials(incoming.headers, incoming.pairs).hide(without_key(incoming.raw_path))
    fields = {
        "method": incoming.method,
        "path": header_text(path, 300),
        # 0 stands for an answer of which not a byte was sent.
        "status": reply.status or None,
        "provider": labels.get("x-mock-provider"),
        "operation": labels.get("x-mock-operation"),
        "outcome": labels.get("x-mock-outcome") or labels.get("x-mock-error"),
        "id": labels.get(ID),
        "duration_ms": round((world.clock.elapsed() - started) * 1000, 3),
    }
    if world.settings.log_format == "json":
        print(json.dumps(fields), flush=True)
        return
    named = " ".join(str(fields[key]) for key in ("provider", "operation", "outcome") if fields[key])
    print(
        f"{fields['method']} {fields['path']} {fields['status'] or '-'} {named} {fields['duration_ms']} ms",
        flush=True,
    )
