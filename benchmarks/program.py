"""Runs the program that is measured, and what it is compared with, in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory


@dataclass(frozen=True)
class Ended:
    """One run of a process, in seconds and megabytes."""

    started: float
    seconds: float
    cpu: float
    memory: float
    output: bytes


@dataclass(frozen=True)
class Program:
    """An installation, by its folder of programs, and the folder that it works in."""

    binaries: Path
    home: Path

    def python(self, *arguments: str) -> Ended:
        return self.run(str(self.binaries / "python"), *arguments)

    def akmon(self, *arguments: str) -> Ended:
        return self.run(str(self.binaries / "akmon"), *arguments)

    def ask(self, port: int, *arguments: str) -> Ended:
        """A headless run with the model of the scripted server."""
        url = f"http://127.0.0.1:{port}/v1"
        return self.akmon("-p", "hi", "--openai-compatible-url", url, "--model", "m", *arguments)

    def run(self, *command: str) -> Ended:
        """Raises ``RuntimeError`` if the process fails."""
        with TemporaryDirectory() as folder, Path(folder, "out").open("w+b") as out:
            began = time.monotonic()
            process = subprocess.Popen(
                command,
                cwd=self.project,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            output = out.read()
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{output.decode(errors='replace')}")
        return Ended(began, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, output)

    @property
    def project(self) -> Path:
        return self.home / "project"

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of the person's own settings, and compiled modules are kept."""
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
        }


@dataclass
class Server:
    """The scripted server as a process."""

    port: int
    times: list[tuple[float, float]] = field(default_factory=list)
    """By request, once the server has ended: when it had come, and when its reply had gone."""


@contextmanager
def serving(*replies: bytes) -> Iterator[Server]:
    """A server that gives ``replies`` in order; it has ended, and its times are there, after the block."""
    with TemporaryDirectory() as folder:
        for number, reply in enumerate(replies):
            Path(folder, f"{number:06}").write_bytes(reply)
        process = subprocess.Popen(
            [sys.executable, "-S", str(Path(__file__).with_name("server.py")), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin
        assert process.stdout
        server = Server(int(process.stdout.readline()))
        try:
            yield server
        finally:
            process.stdin.close()
            server.times = [(came, gone) for came, gone in json.loads(process.stdout.read())]
            process.wait()
            process.stdout.close()


def middle(values: Sequence[float]) -> float:
    return median(values)
