"""A listener on this machine that counts who comes, over TCP and UDP on one port."""

from __future__ import annotations

import socket
import threading


class Listener:
    """Counts in ``hits`` every connection and every datagram; close it at the end."""

    def __init__(self) -> None:
        self.hits = 0
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        for loop in (self._accept, self._receive):
            threading.Thread(target=loop, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            self.hits += 1
            connection.close()

    def _receive(self) -> None:
        while True:
            try:
                data = self._udp.recv(4096)
            except OSError:
                return
            if data == b"\0close":
                return
            self.hits += 1

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"\0close", ("127.0.0.1", self.port))
        self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        self._udp.close()
