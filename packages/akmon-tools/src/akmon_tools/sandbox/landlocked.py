"""Landlock with seccomp, for systems without namespaces: what is protected is put back after each command."""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from akmon_core.limits import SANDBOX_OOM_SCORE
from akmon_core.permissions import Sandboxing
from akmon_tools.oserrors import tool_error
from akmon_tools.processes import Launch
from akmon_tools.sandbox import landlock, seccomp
from akmon_tools.sandbox.box import SHARED, Places, Scratch, Watch, limits, own_caches, own_code, written

_LAUNCHER = Path(__file__).with_name("launcher.py")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts")


class Landlocked:
    """Has no network at all, as it has none of its own."""

    level: Sandboxing = "landlock"
    own = 0
    received = 0

    def __init__(
        self, places: Places, *, scratch: Path | None = None, aside: Path | None = None, why: str = ""
    ) -> None:
        """``scratch`` is where the folder for temporary files is made; ``aside`` takes what is in the way."""
        self.why = why
        self._places = places
        self._scratch = Scratch(scratch)
        self._watch = Watch(places, aside)
        self._filter = seccomp.program()
        self._readable: list[tuple[str, int]] | None = None
        self._notes: list[str] = []

    @property
    def environment(self) -> Mapping[str, str]:
        return own_caches(self._scratch.folder)

    @property
    def prelude(self) -> bytes:
        return limits()

    def outside(self, folder: Path) -> Path | None:
        return folder

    async def ready(self) -> None:
        """There is nothing to wait for."""

    def wrapped(self, launch: Launch) -> Launch:
        found, notes = self._watch.begin(all_of_it=True)
        self._notes += notes
        writable = (self._scratch.folder, *self._places.writable, *self._places.roots, *found.folders)
        order = {
            "cwd": os.fsencode(launch.cwd),
            "oom": SANDBOX_OOM_SCORE,
            "rules": [*self._reading(), *((str(place), landlock.WRITE) for place in writable)],
            "filter": self._filter,
            "argv": list(launch.argv),
            "env": dict(launch.env),
        }
        try:
            descriptor = written(marshal.dumps(order))
        except OSError as error:
            raise tool_error("cannot hand the sandbox its settings", error) from None
        return msgspec.structs.replace(
            launch,
            argv=(sys.executable, "-I", "-S", str(_LAUNCHER), str(descriptor)),
            inner=launch.argv,
            cwd=Path("/"),
            env={},
            descriptors=(*launch.descriptors, descriptor),
            handed=(descriptor,),
        )

    def settle(self, *, over: bool = True) -> tuple[str, ...]:
        notes = (*self._notes, *self._watch.settle(over=over))
        self._notes = []
        return notes

    async def close(self) -> None:
        self._scratch.close()

    def _reading(self) -> list[tuple[str, int]]:
        """Landlock only ever adds, so what is beside the hidden places is named one by one."""
        if self._readable is None:
            hidden = {*SHARED, Path("/dev"), *self._places.unreadable}
            above = {parent for place in hidden for parent in place.parents}
            readable = (*_readable(Path("/"), hidden, above), *own_code())
            devices = ((f"/dev/{name}", landlock.DEVICE) for name in _DEVICES)
            self._readable = [*((str(place), landlock.READ) for place in readable), *devices]
        return self._readable


def _readable(folder: Path, hidden: set[Path], above: set[Path]) -> Iterator[Path]:
    if folder in hidden:
        return
    if folder not in above:
        yield folder
        return
    try:
        with os.scandir(folder) as entries:
            below = [Path(entry.path) for entry in entries if not entry.is_symlink()]
    except OSError:
        return
    for each in below:
        yield from _readable(each, hidden, above)
