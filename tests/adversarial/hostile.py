"""Configures MCP servers that are up to something (``programs/hostile.py``, and sites)."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from tests.adversarial.arena import Arena

PROGRAM = Path(__file__).parent / "programs" / "hostile.py"


def plot(arena: Arena, name: str, **plot: Any) -> dict[str, Any]:
    """The entry of a server that does what ``plot`` says; the same one whatever it says."""
    file = arena.folder / f"{name}.plot"
    file.write_text(json.dumps(plot))
    return {"command": sys.executable, "args": ["-IS", str(PROGRAM), str(file)]}


def tool(name: str, does: str = "echo", given: Any = None, **says: Any) -> dict[str, Any]:
    return {"name": name, "does": does, "with": given, **says}


def configure(arena: Arena, **servers: dict[str, Any]) -> None:
    """In the person's own file."""
    file = arena.home / ".config" / "akmon" / "mcp.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"mcpServers": servers}))


def processes(arena: Arena) -> list[int]:
    """The ids of all that hostile servers have been."""
    return [int(line) for file in arena.folder.glob("*.pids") for line in file.read_text().split()]


class Asked(NamedTuple):
    """A request that a site got."""

    method: str
    path: str
    authorization: str


class Site:
    """Answers with what ``answer`` says: a status, headers and a body."""

    def __init__(self, answer: Callable[[Asked], tuple[int, dict[str, str], str]]) -> None:
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(answer))
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(
        self, answer: Callable[[Asked], tuple[int, dict[str, str], str]]
    ) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                asked = Asked(self.command, self.path, self.headers.get("authorization", ""))
                site.asked.append(asked)
                status, headers, body = answer(asked)
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            do_POST = do_DELETE = do_GET  # noqa: N815  (what the library calls them)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


@contextmanager
def site(answer: Callable[[Asked], tuple[int, dict[str, str], str]]) -> Iterator[Site]:
    running = Site(answer)
    try:
        yield running
    finally:
        running.close()
