"""A server of any app on a thread, and the raw bytes that it answers with."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from mockserver.web.listen import listen, port_of
from mockserver.web.server import Server


class Serving:
    """A running server."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port

    def connect(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def exchange(self, sent: bytes) -> bytes:
        """Everything that comes back until the server closes the connection."""
        with closing(self.connect()) as client:
            client.sendall(sent)
            return rest(client)


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[Serving]:
    """Serve an app on a free port; options are the server's."""
    listening, sockets = threading.Event(), listen("127.0.0.1", 0)
    server = Server(app, sockets, on_listening=listening.set, **options)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert listening.wait(10)
        yield Serving(server, port_of(sockets[0]))
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


def rest(client: socket.socket) -> bytes:
    """What comes until the other side ends."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def until(client: socket.socket, mark: bytes) -> bytes:
    """What comes up to the piece that ends a mark."""
    received = b""
    while mark not in received:
        chunk = client.recv(65536)
        assert chunk, f"closed after {received!r}"
        received += chunk
    return received
