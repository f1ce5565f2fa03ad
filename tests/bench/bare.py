"""What everything is measured against: Starlette and uvicorn that answer with fixed bytes."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BODY = b'{"code":200,"msg":"success","data":100}'


async def answer(request: Request) -> Response:
    return Response(BODY, media_type="application/json")


def main() -> None:
    """Serve on the port of the command line, with the quickest loop and parser."""
    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        # The quickest that uvicorn has, so that what is measured beside it has nothing to hide behind.
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
