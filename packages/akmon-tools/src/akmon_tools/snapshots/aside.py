"""Has ``find`` look at a part of a large project's folders at the same time, on Linux.

A survey of tens of thousands of files is as many system calls, which threads of Python cannot make side by
side to any gain. What ``find`` prints of a folder is only compared with what it printed the last time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sized
from typing import Final

_PROGRAMS = ("/usr/bin/find", "/bin/find")
_PRINTED = r"%d %i %C@ %s %f\0"
"""Depth, inode, time of the last change of the entry, size, name. Of the folder itself the depth is 0."""
_FEW: Final = 10_000
"""Entries up to which a survey is over before another process has started."""
_SHARE = 0.55
_ARGUMENT_BYTES = 1_000_000
"""Half of what Linux takes."""


class Aside:
    """For the folders below ``root``; of the first time in a process it can tell nothing.

    Where there are no more than ``few`` entries it does nothing.
    """

    def __init__(self, root: str, few: int = _FEW) -> None:
        self._root = root
        self._few = few
        self._last: dict[str, bytes] = {}
        self._now: dict[str, bytes] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._output = -1
        self._program = next((path for path in _PROGRAMS if os.access(path, os.X_OK)), "")
        self.folders: dict[str, None] = {}
        """Those that are being looked at."""

    def start(self, folders: Mapping[str, Sized]) -> None:
        """Begins to look at some of ``folders``, whose entries are given, if that is worth the while."""
        self.folders, self._now = {}, {}
        if sys.platform != "linux" or not self._program or sum(map(len, folders.values())) <= self._few:
            return
        self.folders = _part(folders)
        self._output = os.memfd_create("akmon", os.MFD_CLOEXEC)
        command = [self._program, *(f"./{folder}" for folder in self.folders)]
        try:
            self._process = subprocess.Popen(
                [*command, "-maxdepth", "1", "-printf", _PRINTED],
                cwd=self._root,
                env={"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            self.stop()
            self.folders = {}

    def unchanged(self, folders: Collection[str]) -> set[str]:
        """Waits, and gives those of ``folders`` whose entries are as they were the last time.

        Only what is looked at otherwise after this can be compared the next time.
        """
        if self._process is None:
            return set()
        self._process.wait()
        with os.fdopen(os.dup(self._output), "rb") as file:
            file.seek(0)
            printed = (b"\0" + file.read()).split(b"\x000 ")[1:]
        self.stop()
        if len(printed) != len(self.folders):  # one has gone; or it is another kind of ``find``
            return set()
        found = dict(zip(self.folders, printed, strict=True))
        self._now = {folder: found[folder] for folder in folders}
        return {folder for folder, text in self._now.items() if self._last.get(folder) == text}

    def settle(self) -> None:
        """What was found has been taken in."""
        self._last, self._now = self._now, {}

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._output >= 0:
            os.close(self._output)
            self._output = -1


def _part(folders: Mapping[str, Sized]) -> dict[str, None]:
    """The last of ``folders``, with the share of their entries that is to be looked at here."""
    entries = int(_SHARE * sum(map(len, folders.values())))
    room = _ARGUMENT_BYTES
    part = []
    for folder in reversed(tuple(folders)):
        entries -= len(folders[folder])
        room -= 4 * len(folder) + 16  # a character has up to four bytes
        if entries < 0 or room < 0:
            break
        if folder:
            part.append(folder)
    return dict.fromkeys(reversed(part))
