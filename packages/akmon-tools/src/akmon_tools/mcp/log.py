"""Keeps what a server prints on standard error: bounded, private, without secrets and escape sequences."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from akmon_core.limits import MCP_LOG_BURST_BYTES, MCP_LOG_BYTES, MCP_LOG_SECONDS
from akmon_core.ports import Redactor
from akmon_core.text import neutralise, one_line

_FLAGS = os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_LAST_CHARS = 200


class ServerLog:
    """The log of one server. It is opened for each write, as several sessions may write to the same file.

    What comes in a flood is thinned out before it is looked at, so that it costs little. A disk that is full
    or a folder that is gone loses lines and raises nothing.
    """

    def __init__(self, folder: Path | None, name: str, redactor: Redactor) -> None:
        """``folder`` is made when there is something to write; None keeps nothing."""
        self._path = folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', name)[:100]}.log" if folder else None
        self._redactor = redactor
        self._held = bytearray()
        self._dropped = 0
        self._timer: asyncio.TimerHandle | None = None
        self._last = ""

    @property
    def path(self) -> str:
        """The file; empty if there is none."""
        return str(self._path) if self._path and os.path.exists(self._path) else ""  # noqa: PTH110  (raises nothing)

    @property
    def last(self) -> str:
        """The last line that was printed since the last note, for a message; empty if none was."""
        self._flush(whole=False)
        return self._last

    def feed(self, chunk: bytes) -> None:
        """Takes what the server has printed. Needs a running loop."""
        self._held += chunk
        if (over := len(self._held) - MCP_LOG_BURST_BYTES) > 0:
            self._dropped += over
            del self._held[:over]
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MCP_LOG_SECONDS, self._flush)

    def note(self, text: str) -> None:
        """Writes a line of our own. What was printed before it is not the last any more."""
        self._flush(whole=False)
        self._last = ""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._write(f"--- {now} {one_line(self._redactor(text), 1000)}\n")

    def close(self) -> None:
        """Writes what is held back. The log can be used again."""
        self._flush(whole=False)

    def _flush(self, *, whole: bool = True) -> None:
        """Writes what is there; with ``whole`` without a line that has not ended, as a secret may go on."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        end = self._held.rfind(b"\n") + 1 if whole else len(self._held)
        if not end and len(self._held) >= MCP_LOG_BURST_BYTES:
            end = len(self._held)
        if not end:
            return
        text = neutralise(self._redactor(bytes(self._held[:end]).decode(errors="replace")))
        del self._held[:end]
        if lines := [line for line in text.split("\n") if line.strip()]:
            self._last = one_line(lines[-1], _LAST_CHARS)
        if self._dropped:
            text = f"[{self._dropped} bytes left out]\n{text}"
            self._dropped = 0
        self._write(text if text.endswith("\n") else text + "\n")

    def _write(self, text: str) -> None:
        if self._path is None:
            return
        data = text.encode(errors="replace")[-MCP_LOG_BYTES:]
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, _FLAGS | os.O_RDWR | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                if file.seek(0, os.SEEK_END) + len(data) > MCP_LOG_BYTES:
                    file.seek(-min(file.tell(), MCP_LOG_BYTES // 2), os.SEEK_END)
                    newest = file.read().split(b"\n", 1)[-1]
                    file.truncate(0)
                    data = (newest + data)[-MCP_LOG_BYTES:]
                file.write(data)
