"""What stands behind a planted task is a request that its provider would have taken."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import MakeClient
from tests.web.calls import credential

CRUN = "/api/v1/client/job/CreateTask"
EVOLINK = "/v1/audios/generations"
YUTO = "/suno/submit/music"
PATHS = {
    "kie generate": "/api/v1/generate",
    "kie extend": "/api/v1/generate/extend",
    "kie upload-cover": "/api/v1/generate/upload-cover",
    "kie upload-extend": "/api/v1/generate/upload-extend",
    **{f"crun {kind}": CRUN for kind in ("generate", "extend", "upload-extend", "upload-cover")},
    **{f"crun {kind}": CRUN for kind in ("video", "sounds", "vocals")},
    "evolink generate": EVOLINK,
    "evolink persona": EVOLINK,
    **{f"yuto {kind}": YUTO for kind in ("generate", "extend", "upload-extend", "cover", "infill", "stems")},
    "yuto upload": "/suno/uploads/audio-url",
    "yuto concat": "/suno/submit/concat",
    "yuto lyrics": "/suno/submit/lyrics",
}


@pytest.mark.parametrize("what", PATHS)
def test_the_request_of_a_planted_task_keeps_the_document(make_client: MakeClient, what: str) -> None:
    client = make_client()
    provider, kind = what.split()
    client.post("/_mock/tasks", json={"provider": provider, "kind": kind, "key": "k"})
    request: Any = client.get("/_mock/state").json()["tasks"][-1]["request"]

    reply = client.post(PATHS[what], json=request, headers=credential(provider, "k"))

    assert "x-mock-violation" not in reply.headers
    assert reply.headers["x-mock-outcome"] in ("success", "source-not-found")
