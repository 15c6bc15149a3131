"""aimock, a scripted model server of independent make: starts it, and reads what it was sent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.request import urlopen

import msgspec

from tests.rigs.places import AIMOCK, PATIENCE

Fixture = dict[str, Any]

_LISTENING = "listening on "


class Aimock(msgspec.Struct, frozen=True):
    url: str
    """Without a path, such as ``http://127.0.0.1:4010``."""

    def journal(self) -> list[dict[str, Any]]:
        """The requests so far. aimock shows each, whatever its protocol, as a Chat Completions body."""
        with urlopen(f"{self.url}/__aimock/journal?method=POST", timeout=PATIENCE) as response:
            entries: list[dict[str, Any]] = json.load(response)
        return entries

    def openai(self) -> dict[str, str]:
        """The environment of a client that takes this for OpenAI."""
        return {"OPENAI_BASE_URL": f"{self.url}/v1", "OPENAI_API_KEY": "test"}

    def anthropic(self) -> dict[str, str]:
        return {"ANTHROPIC_BASE_URL": self.url, "ANTHROPIC_API_KEY": "test"}


def missing() -> str:
    """Why aimock cannot be started; empty if it can."""
    if shutil.which("node") is None:
        return "node is not installed"
    return "" if AIMOCK.exists() else "aimock is not installed: make rig-aimock"


@contextmanager
def serve(folder: Path, fixtures: Sequence[Fixture]) -> Iterator[Aimock]:
    """A server on a free port that plays ``fixtures``; a request that none of them expects gets a 400."""
    unexpected = {"message": "the script does not expect this request", "type": "invalid_request_error"}
    last = {"match": {"endpoint": "chat"}, "response": {"error": unexpected, "status": 400}}
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": [*fixtures, last]}))
    command = ["node", str(AIMOCK), "--port", "0", "--fixtures", str(file), "--validate-on-load"]
    env = {**os.environ, "AIMOCK_STRICT_TURN_INDEX": "1"}
    log = folder / "aimock.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=errors, text=True) as server,
    ):
        try:
            assert server.stdout is not None
            yield Aimock(_address(server.stdout, log))
        finally:
            server.terminate()


def _address(out: IO[str], log: Path) -> str:
    """Waits until the server says where it listens. What else it says is little, and stays in the pipe."""
    said = []
    for line in out:
        said.append(line)
        if _LISTENING in line:
            return line.partition(_LISTENING)[2].strip()
    raise AssertionError(f"aimock did not start:\n{''.join(said)}{log.read_text()}")
