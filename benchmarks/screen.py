"""What the screen costs: until it is there, per key, at rest, while a reply streams, in a long session."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.program import Program, middle
from benchmarks.screen_words import WORDS
from benchmarks.table import Figure

_ROOT = Path(__file__).parents[1]
_ROWS, _COLUMNS = 24, 80
_KEYS = 200


class Near:
    """The near end of a terminal that a program runs in."""

    def __init__(self, program: Program, command: Sequence[str]) -> None:
        self._near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=far,
            stdout=far,
            stderr=far,
            cwd=program.project,
            env={**program.environ, "TERM": "xterm-256color", "PYTHONPATH": str(_ROOT)},
            start_new_session=True,
        )
        os.close(far)
        self.written = 0

    def press(self, keys: str) -> None:
        os.write(self._near, keys.encode())

    def read(self, seconds: float) -> bytes:
        """What is written within that time; returns as soon as something is."""
        if not select.select([self._near], [], [], seconds)[0]:
            return b""
        data = os.read(self._near, 1 << 16)
        self.written += len(data)
        return data

    def until(self, wanted: bytes, seconds: float = 60.0) -> float:
        """Seconds from the start until ``wanted`` was written."""
        seen, end = b"", time.perf_counter() + seconds
        while wanted not in seen:
            data = self.read(end - time.perf_counter())
            if not data:
                raise RuntimeError(f"{wanted!r} did not come: {seen[-2000:]!r}")
            seen += data
        return time.perf_counter() - self.began

    def drain(self, seconds: float) -> bytes:
        """All that is written for that long."""
        end, seen = time.perf_counter() + seconds, b""
        while (left := end - time.perf_counter()) > 0:
            seen += self.read(left)
        return seen

    @property
    def cpu(self) -> float:
        """Seconds of a core used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> float:
        """Resident, in MB."""
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._near)


@contextmanager
def _near(program: Program, *command: str) -> Iterator[Near]:
    near = Near(program, command)
    try:
        yield near
    finally:
        near.close()


def figures(program: Program, rounds: int) -> Iterator[Figure]:
    empty, first = [], []
    for _ in range(rounds):
        empty += [program.python("-c", "pass").seconds for _ in range(3)]
        with _near(program, *_akmon(program, "http://127.0.0.1:9/v1")) as near:
            first.append(near.until(b"> "))
    base = middle(empty)
    yield Figure("composer on the screen / python -c pass", middle(first) / base, "x", 25)
    yield Figure("composer on the screen", middle(first) * 1000, "ms")
    yield from _idle(program)
    yield from _streaming(program)
    yield from _keys(program)
    yield from _long(program)


def _akmon(program: Program, url: str) -> list[str]:
    return [str(program.binaries / "akmon"), "--openai-compatible-url", url, "--model", "m"]


def _play(program: Program, rate: float, seconds: float, messages: int) -> list[str]:
    return [
        str(program.binaries / "python"),
        "-m",
        "benchmarks.screen_play",
        str(rate),
        str(seconds),
        str(messages),
    ]


def _idle(program: Program) -> Iterator[Figure]:
    nowhere = _akmon(program, "http://127.0.0.1:9/v1")  # which nobody asks as long as nobody says anything
    with _near(program, *nowhere) as near:
        near.until(b"> ")
        near.drain(4)
        before = near.cpu
        near.drain(5)
        yield Figure("CPU at rest, of a core", (near.cpu - before) / 5 * 100, "%", 0)


def _streaming(program: Program) -> Iterator[Figure]:
    """100 tokens a second, each a delta, for ten seconds."""
    with _near(program, *_play(program, 100, 12, 0)) as near:
        near.until(b"quick")
        before, began, written = near.cpu, time.perf_counter(), near.written
        near.drain(10)
        seconds = time.perf_counter() - began
        yield Figure("CPU at 100 tokens/s, of a core", (near.cpu - before) / seconds * 100, "%", 15)
        visible = seconds * 100 * sum(len(word) + 1 for word in WORDS) / len(WORDS)
        yield Figure("bytes written / visible text", (near.written - written) / visible, "x", 3)


def _keys(program: Program) -> Iterator[Figure]:
    """From a key to the byte that shows it, while 500 deltas/s stream, with 10,000 messages before."""
    with _near(program, *_play(program, 500, 60, 10_000)) as near:
        near.until(b"quick brown fox jumps over a lazy dog and", 120)
        near.drain(1)
        waits = sorted(_key(near, key) for key in _alphabet())
        yield Figure("key to paint at 500 deltas/s, p50", waits[len(waits) // 2] * 1000, "ms")
        yield Figure("key to paint at 500 deltas/s, p99", waits[len(waits) * 99 // 100] * 1000, "ms", 16)


def _alphabet() -> Iterator[str]:
    """Characters that the stream does not contain."""
    for number in range(_KEYS):
        yield chr(0x4E00 + number)


def _key(near: Near, key: str) -> float:
    near.drain(0.037)
    began = time.perf_counter()
    near.press(key)
    seen, wanted = b"", key.encode()
    while wanted not in seen:
        seen += near.read(5)
    return time.perf_counter() - began


def _long(program: Program) -> Iterator[Figure]:
    with _near(program, *_play(program, 100, 2, 0)) as near:
        near.drain(4)
        small = near.memory
    with _near(program, *_play(program, 100, 2, 10_000)) as near:
        near.until(b"quick brown fox jumps over a lazy dog and", 120)
        near.drain(4)
        yield Figure("memory after 10,000 messages / at the start", near.memory / small, "x", 1.5)
        yield Figure("memory after 10,000 messages", near.memory, "MB")
