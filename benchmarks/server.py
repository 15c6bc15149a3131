"""A scripted model server: gives prepared replies in order and notes when each request came.

Run as a process of its own: ``python server.py FOLDER`` prints its port, and at the end of its input the
times as JSON. It reads nothing of a request but its length, and encodes nothing: its part in what is
measured is the time between a request's last byte and the last byte of the reply, which it knows.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from itertools import count
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"


class Server:
    """Request ``n`` gets the reply in file ``n`` of ``folder``; the last one answers all that follow."""

    def __init__(self, folder: Path) -> None:
        self._replies = [path.read_bytes() for path in sorted(folder.iterdir())]
        self._numbers = count()
        self.times: list[tuple[float, float]] = []
        """By request: when it had come whole, and when the reply had been handed to the system."""
        self.socket = socket.create_server(("127.0.0.1", 0))

    def accept(self) -> None:
        while True:
            connection, _ = self.socket.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        buffer = bytearray(1_000_000)
        with connection:
            while _receive(connection, buffer):
                came = time.monotonic()
                number = min(next(self._numbers), len(self._replies) - 1)
                connection.sendall(self._replies[number])
                self.times.append((came, time.monotonic()))


def _receive(connection: socket.socket, buffer: bytearray) -> bool:
    """Takes in one whole request. False if the client has gone."""
    head = b""
    while _END not in head:
        size = connection.recv_into(buffer)
        if not size:
            return False
        head += buffer[:size]
    found = _LENGTH.search(head)
    missing = int(found[1]) if found else 0
    missing -= len(head) - head.index(_END) - len(_END)
    while missing > 0:
        missing -= connection.recv_into(buffer, min(missing, len(buffer)))
    return True


def main() -> None:
    server = Server(Path(sys.argv[1]))
    threading.Thread(target=server.accept, daemon=True).start()
    print(server.socket.getsockname()[1], flush=True)
    sys.stdin.read()
    print(json.dumps(server.times))


if __name__ == "__main__":
    main()
