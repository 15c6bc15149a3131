"""What holds a command in: the interface that the shell tool knows, and what its implementations share."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from akmon_core.limits import SANDBOX_FILE_BYTES, SANDBOX_OOM_SCORE
from akmon_core.permissions import Sandboxing
from akmon_tools.sandbox.guard import Guard
from akmon_tools.sandbox.protected import Protected, Survey

if TYPE_CHECKING:
    from akmon_tools.processes import Launch


class Sandbox(Protocol):
    """Holds the commands of one session."""

    @property
    def level(self) -> Sandboxing: ...

    @property
    def why(self) -> str:
        """Why it is not a better one, in words; empty if it is the best."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that commands get besides, such as where temporary files go."""
        ...

    @property
    def prelude(self) -> bytes:
        """Lines of bash to be run before a command: what it may use up."""
        ...

    @property
    def own(self) -> int:
        """Where all that a command has started ends with it: the processes that are always there, its shell
        among them. 0 where what it has left goes on."""
        ...

    @property
    def received(self) -> int:
        """Bytes that commands have got over the network so far."""
        ...

    def outside(self, folder: Path) -> Path | None:
        """Where the folder lies that a command sees as ``folder``; None if it would not be there."""
        ...

    async def ready(self) -> None:
        """To be awaited before each command. Raises ``ToolError``."""
        ...

    def wrapped(self, launch: Launch) -> Launch:
        """``launch`` held in. Raises ``ToolError``; else a ``settle`` must follow, whatever happens."""
        ...

    def settle(self, *, over: bool = True) -> tuple[str, ...]:
        """After a command has ended: what was done about what it did, for the model and the record.

        ``over`` is whether nothing of it runs any more.
        """
        ...

    async def close(self) -> None: ...


class Unheld:
    """Nothing holds commands in: none of the mechanisms works here, or the person has switched it off."""

    own = 0
    received = 0
    """Nobody knows, as it does not come through akmon."""
    prelude = b""
    environment: Mapping[str, str] = {}

    def __init__(self, level: Sandboxing, why: str) -> None:
        self.level = level
        self.why = why

    def outside(self, folder: Path) -> Path | None:
        return folder

    async def ready(self) -> None:
        """There is nothing to wait for."""

    def wrapped(self, launch: Launch) -> Launch:
        return launch

    def settle(self, *, over: bool = True) -> tuple[str, ...]:
        return ()

    async def close(self) -> None:
        """There is nothing to let go of."""


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """What commands of a session may write, and what they may not read. Canonical paths."""

    roots: tuple[Path, ...]
    writable: tuple[Path, ...] = ()
    unreadable: tuple[Path, ...] = ()


class Scratch:
    """A folder for temporary files, for the user and one session alone; it goes with the session."""

    def __init__(self, above: Path | None = None) -> None:
        if above:
            above.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="akmon-", dir=above)).resolve()
        self.close = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


class Watch:
    """The protected files while commands run: they may overlap, and none may profit from another."""

    def __init__(self, places: Places, aside: Path | None) -> None:
        self._survey = Survey(places.roots)
        self.placeholders = self._survey.placeholders
        self._guard = Guard(places.roots, aside)
        self._running = 0

    def begin(self, *, all_of_it: bool) -> tuple[Protected, tuple[str, ...]]:
        """What is to be protected now. ``all_of_it`` looks after everything, not only after links."""
        notes: tuple[str, ...] = ()
        found = self._survey.look()
        if self._running:
            notes = self._guard.settle(found)
            found = self._survey.look() if notes else found
        else:
            self._guard.take(found, found.entries if all_of_it else found.links)
        self._running += 1
        return found, notes

    def settle(self, *, over: bool) -> tuple[str, ...]:
        """``begin`` must have been called as often as ``over`` was said."""
        notes = self._guard.settle(self._survey.look())
        self._running -= over
        if not self._running:
            self.placeholders.release()
        return notes


SHARED = (Path("/tmp"), Path("/var/tmp"), Path("/run"))
"""Belong to all users and programs, so that commands get their own, or none."""


def own_code() -> tuple[Path, ...]:
    """Where this interpreter and this package are, as far as that is in what commands else do not see."""
    places = dict.fromkeys((Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parent))
    return tuple(place for place in places if any(place.is_relative_to(shared) for shared in SHARED))


def own_caches(scratch: Path) -> dict[str, str]:
    """Where programs put what they would put in the home folder, which cannot be written."""
    cache = scratch / ".cache"
    return {
        "TMPDIR": str(scratch),
        "XDG_CACHE_HOME": str(cache),
        "npm_config_cache": str(cache / "npm"),
        "COREPACK_HOME": str(cache / "corepack"),
    }


def limits() -> bytes:
    """As bash sets them: no core files, data of a process within the machine's memory, files of some size.

    Not the address space: Node, Java and Go reserve far more of that than they use.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    return (
        f"builtin ulimit -c 0; builtin ulimit -d {memory}; builtin ulimit -f {SANDBOX_FILE_BYTES // 1024}\n"
        f"{{ builtin echo {SANDBOX_OOM_SCORE} >/proc/self/oom_score_adj; }} 2>/dev/null\n"
    ).encode()


def written(data: bytes) -> int:
    """A descriptor from which ``data`` can be read."""
    descriptor = os.memfd_create("akmon")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
