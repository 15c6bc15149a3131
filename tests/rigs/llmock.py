"""llmock, a server of independent make that breaks replies on purpose and grades the client."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec

from tests.rigs.places import PATIENCE, RIGS, answers

PROGRAM = RIGS / "llmock" / "bin" / "llmock"


class Llmock(msgspec.Struct, frozen=True):
    url: str
    """Without a path."""

    def break_next(self, *behaviours: dict[str, Any]) -> None:
        """What goes wrong with the requests that come, in this order."""
        body = json.dumps({"behaviors": behaviours}).encode()
        kind = {"content-type": "application/json"}
        urlopen(Request(f"{self.url}/_llmock/scenario", body, kind), timeout=PATIENCE).close()

    def reset(self) -> None:
        """Forgets what it was asked, and what it was to break."""
        urlopen(Request(f"{self.url}/_llmock/reset", b""), timeout=PATIENCE).close()

    def verdict(self) -> dict[str, Any]:
        """Its judgement of all requests so far: calls, attempts, findings."""
        with urlopen(f"{self.url}/_llmock/verdict", timeout=PATIENCE) as response:
            verdict: dict[str, Any] = json.load(response)
        return verdict


def missing() -> str:
    """Why llmock cannot be started; empty if it can."""
    return "" if (RIGS / "llmock" / ".installed").exists() else "llmock is not installed: make rig-llmock"


@contextmanager
def serve(folder: Path, *arguments: str) -> Iterator[Llmock]:
    """A server on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(PROGRAM), "serve", "--port", str(port), "--log-level", "warning", *arguments]
    with (
        (folder / "llmock.log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process,
    ):
        try:
            answers(f"http://127.0.0.1:{port}/health", process)
            yield Llmock(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
