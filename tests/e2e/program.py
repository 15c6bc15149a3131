"""The real akmon process in a scratch project with an empty home, and what came of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import msgspec

from akmon_core.events import DurableEvent
from akmon_core.state import State, replay
from akmon_query.journal import read_records
from akmon_query.testing import check_well_formed
from tests.chain import broken_links

PROGRAM = Path(sys.executable).with_name("akmon")
PATIENCE = 60.0
"""Seconds after which a process that should have ended counts as hanging."""

T = TypeVar("T")


class Ran(msgspec.Struct, frozen=True):
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object that it must be."""
        value: dict[str, Any] = msgspec.json.decode(self.out.encode())
        assert isinstance(value, dict)
        return value

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as one JSON object per line."""
        values = [msgspec.json.decode(line.encode()) for line in self.out.splitlines()]
        assert all(isinstance(value, dict) for value in values)
        return values


class Running:
    """A process that was started; killed at the latest when its place is left."""

    def __init__(self, process: subprocess.Popen[bytes], patience: float = PATIENCE) -> None:
        self.process = process
        self._patience = patience

    @property
    def out(self) -> IO[bytes]:
        assert self.process.stdout
        return self.process.stdout

    def until(self, wanted: bytes) -> bytes:
        """Reads standard output up to a line that contains ``wanted``, and gives that line."""
        for line in self.out:
            if wanted in line:
                return line
        raise AssertionError(f"{wanted!r} did not come: {self.wait().err}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> Ran:
        out, err = self.process.communicate(timeout=self._patience)
        return Ran(self.process.returncode, out.decode(), err.decode())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


class Place:
    """An empty home and a project, and ``akmon`` started there with little in its environment."""

    def __init__(self, folder: Path, patience: float = PATIENCE) -> None:
        self.folder = folder
        self._patience = patience
        self.home = folder / "home"
        self.project = folder / "project"
        self.home.mkdir()
        self.project.mkdir()
        self.env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8"}
        self._scripts = 0
        self._running: list[Running] = []

    def script(self, text: str) -> str:
        """The id of a model that plays ``text``."""
        self._scripts += 1
        path = self.folder / f"model-{self._scripts}.script"
        path.write_text(text, encoding="utf-8")
        return f"scripted:{path}"

    def start(
        self,
        *arguments: str | bytes,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        env: Mapping[str, str] | None = None,
        cwd: Path | bytes | None = None,
        stdout: int | IO[bytes] = subprocess.PIPE,
        shell: str = "",
    ) -> Running:
        """Starts ``akmon ARGUMENTS``, by ``shell`` if given: a command line in which "$@" stands for it."""
        process = subprocess.Popen(
            [*(("sh", "-c", shell, "sh") if shell else ()), str(PROGRAM), *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**self.env, **(env or {})},
            cwd=cwd or self.project,
            start_new_session=True,
        )
        self._running.append(Running(process, self._patience))
        return self._running[-1]

    def akmon(
        self,
        *arguments: str | bytes,
        piped: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | bytes | None = None,
        shell: str = "",
    ) -> Ran:
        """Runs ``akmon ARGUMENTS`` to its end, with ``piped`` on its standard input."""
        stdin = subprocess.DEVNULL if piped is None else subprocess.PIPE
        running = self.start(*arguments, stdin=stdin, env=env, cwd=cwd, shell=shell)
        out, err = running.process.communicate(piped, timeout=self._patience)
        return Ran(running.process.returncode, out.decode(), err.decode())

    def play(self, script: str, *arguments: str | bytes, **how: Any) -> Ran:
        """Runs ``akmon -m scripted:FILE -p ARGUMENTS``."""
        return self.akmon("-m", self.script(script), "-p", *arguments, **how)

    def journals(self) -> list[Path]:
        return sorted(self.home.glob(".local/state/akmon/sessions/*/*.jsonl"))

    def journal(self) -> Path:
        (path,) = self.journals()
        return path

    def newest(self) -> Path:
        """The journal that was written to last."""
        return max(self.journals(), key=lambda path: path.stat().st_mtime_ns)

    def end(self) -> None:
        for running in self._running:
            if running.process.poll() is None:
                running.kill()


def sound(journal: Path) -> State:
    """The state that a journal adds up to. Fails if a link is broken or a call lacks its result."""
    assert broken_links(journal) == []
    state = replay(cast("DurableEvent", envelope.event) for _, envelope, _ in read_records(journal))
    assert not state.open_calls
    check_well_formed(state.history)
    return state


def kinds(journal: Path) -> list[str]:
    """The kinds of a journal's events, in order."""
    return [_tag(envelope.event) for _, envelope, _ in read_records(journal)]


def _tag(event: object) -> str:
    return str(msgspec.to_builtins(event)["type"])


def wait_for(what: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """What ``what`` gives as soon as that is something."""
    for _ in _looks(patience):
        if found := what():
            return found
    raise AssertionError("it did not come")


def _looks(patience: float) -> Iterator[None]:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        yield
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs: one that nobody has collected yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")
