"""What is typed and not sent yet, kept in a file so that it outlives a crash."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from akmon_tui.cells import whole

_SUFFIX = ".draft"
_LOCKS = sys.platform != "win32"
"""Where a file can be locked, and put in another's place while it is open."""


class Draft:
    """The draft of one session among those of its project, which lie in one ``folder``. Only its owner
    reads it.

    While a program holds a draft its file is locked, so that no other one takes it for left behind.
    """

    def __init__(self, folder: Path, session: str) -> None:
        self._folder = folder
        self._path = folder / f"{session}{_SUFFIX}"
        self._held: int | None = None
        """The open file, which is locked."""
        self.lost = ""
        """Why drafts are not kept, if they are not."""

    def save(self, text: str) -> None:
        """Keeps ``text`` in place of what was kept; an empty one is none."""
        if not text.strip():
            self.forget()
            return
        with self._harmless():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".draft-")
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(whole(text).encode())
            self._hold(descriptor)
            Path(name).replace(self._path)

    def load(self) -> str:
        """What was kept for this session, or else the last thing that one that is over left behind, which
        becomes this one's. Empty if there is nothing."""
        for path in [self._path, *self._others()]:
            with self._harmless():
                if text := self._taken(path):
                    return text
        return ""

    def forget(self) -> None:
        """What was typed is sent, or deleted."""
        with self._harmless():
            self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Leaves the draft, if there is one, for a later session."""
        if self._held is not None:
            os.close(self._held)
        self._held = None

    def _taken(self, path: Path) -> str:
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return ""
        with os.fdopen(os.dup(descriptor), "rb") as file:
            text = file.read().decode("utf-8", "replace")
        if not self._hold(descriptor):
            return ""
        path.replace(self._path)
        return text

    def _others(self) -> list[Path]:
        """Last changed first."""
        found: list[tuple[float, Path]] = []
        with self._harmless():
            found = [(path.stat().st_mtime, path) for path in self._folder.glob(f"*{_SUFFIX}")]
        return [path for _, path in sorted(found, reverse=True) if path != self._path]

    def _hold(self, descriptor: int) -> bool:
        """Locks the open file in place of the one before; False if another program holds it."""
        if not _lock(descriptor):
            os.close(descriptor)
            return False
        self.close()
        self._held = descriptor
        if not _LOCKS:
            self.close()
        return True

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.lost = f"{self._folder}: {error.strerror}"


def _lock(descriptor: int) -> bool:
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
