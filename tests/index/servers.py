"""An embedding server over real HTTP that answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Answer: TypeAlias = Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]
"""Status, headers and body, to the JSON of a request."""


class Server:
    """Answers each request by ``answer``, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer = ollama
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.asked.append((self.path, headers, body))
                status, more, sent = server.answer(body)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def vectors_of(texts: Sequence[str]) -> list[list[float]]:
    """Not of length 1, as some servers give them."""
    return [[3.0 * len(text), 4.0 * len(text), 0.0] for text in texts]


def ollama(body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, json.dumps({"model": "m", "embeddings": vectors_of(body["input"])}).encode()


def openai(body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """In an order of its own, which the protocol allows."""
    rows = [{"index": at, "embedding": row} for at, row in enumerate(vectors_of(body["input"]))]
    return 200, {}, json.dumps({"object": "list", "data": rows[::-1], "model": "m"}).encode()
