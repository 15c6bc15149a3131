"""Finds every process of a command, also those that left its session, and ends them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from akmon_core.text import one_line

TAG = "AKMON_CALL"
"""The variable that marks the processes of a call; what they start inherits it."""
_ROUNDS = 100
"""A command can fork while it is being found, so its processes are looked for until there are no new ones."""
_ENDED = (b"Z", b"X")


class Process(msgspec.Struct, frozen=True, order=True):
    """A living process. ``start`` tells it from a later one with its id; its unit is the system's."""

    start: int
    pid: int


class Tree(Protocol):
    """The processes of a command."""

    def find(self) -> list[Process]:
        """Those that live, oldest first."""
        ...

    def ask(self) -> None:
        """Asks them to end."""
        ...

    def kill(self) -> None:
        """Makes them end, and whatever they start meanwhile. They may still be dying afterwards."""
        ...

    def reaped(self) -> None:
        """The first process is gone, and its id may be given to another."""
        ...

    def folder(self) -> str | None:
        """Where the command itself is, if that can be known."""
        ...


class ProcTree:
    """Looks through ``/proc``: by session, by parent, and by a tag in the environment.

    What leaves the session, its parents and its environment all at once (``env -i setsid program &``) is not
    found.
    """

    def __init__(
        self,
        leader: int | None,
        tag: str,
        argv: Sequence[str] = (),
        inner: Sequence[str] = (),
        polite: int = 0,
    ) -> None:
        """``leader`` is the first process, or None if all are known by ``tag`` alone.

        As long as it still runs ``argv`` it is asked to end with the signal ``polite``. With ``inner`` the
        command is the process which runs this; those that run ``argv`` hold it in, and end when it has.
        """
        self._leader = leader
        self._tag = tag.encode()
        self._line = _line(inner or argv)
        self._holder = _line(argv) if inner else b"?"
        self._polite = polite
        self._known: set[Process] = set()
        stat = _stat(leader) if leader else None
        self._since = stat.start if stat else 0

    def reaped(self) -> None:
        self._leader = None

    def find(self) -> list[Process]:
        table = [stat for name in os.listdir("/proc") if name.isdigit() and (stat := _stat(int(name)))]  # noqa: PTH208
        children: dict[int, list[_Stat]] = {}
        for stat in table:
            children.setdefault(stat.parent, []).append(stat)
        waiting = [stat for stat in table if self._is_ours(stat)]
        found: dict[int, _Stat] = {}
        while waiting:
            stat = waiting.pop()
            if stat.pid not in found:
                found[stat.pid] = stat
                waiting += children.get(stat.pid, [])
        self._known = {Process(stat.start, stat.pid) for stat in found.values() if stat.state not in _ENDED}
        return sorted(self._known)

    def _is_ours(self, stat: _Stat) -> bool:
        if stat.start < self._since or stat.state in _ENDED:
            return False
        if self._leader and self._leader in (stat.pid, stat.session):
            return True
        if Process(stat.start, stat.pid) in self._known:
            return True
        return bool(self._tag) and self._tag in _read(f"/proc/{stat.pid}/environ")

    def ask(self) -> None:
        lines = {process: _read(f"/proc/{process.pid}/cmdline") for process in self.find()}
        begun = any(line != self._holder for line in lines.values())
        for process, line in lines.items():  # parents first, so that none goes on when its child has ended
            own = self._polite and line == self._line and self._is_command(process)
            if line != self._holder or not begun:
                _send((process,), self._polite if own else signal.SIGTERM)

    def folder(self) -> str | None:
        others = (each for each in sorted(self._known) if not self._holds(each.pid))
        command = next((process for process in others if self._is_command(process)), None)
        return working_folder(command.pid if command else self._leader or 0)

    def _is_command(self, process: Process) -> bool:
        """The command itself, and no child of it that has not become another program yet."""
        if process.pid == self._leader:
            return True
        stat = _stat(process.pid)
        return stat is not None and self._holds(stat.parent)

    def _holds(self, pid: int) -> bool:
        return _read(f"/proc/{pid}/cmdline") == self._holder

    def kill(self) -> None:
        killed: set[Process] = set()
        for _ in range(_ROUNDS):
            found = self._freeze()
            if found <= killed:
                return
            _send(found, signal.SIGKILL)
            killed |= found

    def _freeze(self) -> set[Process]:
        """What is stopped cannot start anything while the others are found."""
        frozen: set[Process] = set()
        for _ in range(_ROUNDS):
            new = set(self.find()) - frozen
            if not new:
                break
            _send(new, signal.SIGSTOP)
            frozen |= new
        return frozen


def _line(argv: Sequence[str]) -> bytes:
    """As ``/proc`` shows it."""
    return b"".join(os.fsencode(word) + b"\0" for word in argv)


class GroupTree:
    """A process group, where there is no ``/proc``: what leaves the group is not found."""

    def __init__(self, leader: int) -> None:
        self._leader = leader

    def find(self) -> list[Process]:
        return [Process(0, self._leader)] if self._signal(0) else []

    def ask(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def reaped(self) -> None:
        """A group keeps its id for as long as it has members."""

    def folder(self) -> str | None:
        return working_folder(self._leader)

    def _signal(self, number: int) -> bool:
        try:
            os.killpg(self._leader, number)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of dead ones
            return False
        return True


class WindowsTree:
    """Windows knows the children of a process as long as it lives."""

    def __init__(self, leader: int) -> None:
        self._leader: int | None = leader

    def find(self) -> list[Process]:
        return [Process(0, self._leader)] if self._leader else []

    def ask(self) -> None:
        """There is no way to ask that a program without a window would hear."""

    def kill(self) -> None:
        import subprocess

        if self._leader:
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(self._leader)], capture_output=True, check=False
            )

    def reaped(self) -> None:
        self._leader = None

    def folder(self) -> str | None:
        return None


def tree_of(
    leader: int, tag: str, argv: Sequence[str], inner: Sequence[str], polite: int, *, portable: bool
) -> Tree:
    """The tree of a process that leads its own session; ``portable`` does without ``/proc``."""
    if sys.platform == "win32":
        return WindowsTree(leader)
    if portable or not Path("/proc/self/stat").exists():
        return GroupTree(leader)
    return ProcTree(leader, tag, argv, inner, polite)


def kill_tagged(tag: str) -> None:
    """Ends all processes with ``tag`` in their environment, where these can be read."""
    if Path("/proc/self/environ").exists():
        ProcTree(None, tag).kill()


def command_line(process: Process, width: int = 60) -> str:
    """What a process runs, on one line; empty if that cannot be known."""
    return one_line(
        _read(f"/proc/{process.pid}/cmdline").replace(b"\0", b" ").decode(errors="replace"), width
    )


def working_folder(pid: int) -> str | None:
    """Where a process is, if that can be known."""
    with suppress(OSError):
        return os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115
    return None


class _Stat(msgspec.Struct, frozen=True):
    pid: int
    state: bytes
    parent: int
    session: int
    start: int


def _stat(pid: int) -> _Stat | None:
    fields = _read(f"/proc/{pid}/stat").rsplit(b") ", 1)[-1].split()
    if len(fields) < 20:
        return None
    return _Stat(pid, fields[0], int(fields[1]), int(fields[3]), int(fields[19]))


def _read(path: str) -> bytes:
    """A file of ``/proc``; empty if the process has ended or is another user's."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _send(processes: Iterable[Process], number: int) -> None:
    for process in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)
