"""Earlier prompts of a project, kept in a file over sessions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from prompt_toolkit.history import History as _History

from akmon_core.limits import HISTORY_BYTES
from akmon_tui.cells import whole


class History(_History):
    """Prompts in a file in prompt_toolkit's format. They may hold secrets, so nobody else may read it.

    Without a file, or where it fails, they are kept in memory.
    """

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self._path = path
        self._unsaved: list[str] = []
        """Those that are in no file, last one first."""
        self.lost = ""
        """Why prompts are kept in memory only, if they should not."""
        if path:
            with self._in_memory_on_failure(path):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                path.touch(mode=0o600)

    def entries(self) -> Sequence[str]:
        """All prompts, last one first. The first call reads the file."""
        if not self._loaded:
            self._loaded_strings = list(self.load_history_strings())
            self._loaded = True
        return self._loaded_strings

    def append_string(self, string: str) -> None:
        """Keeps a prompt, unless it is the same as the last one."""
        if self._loaded_strings[:1] != [string]:
            super().append_string(string)

    def load_history_strings(self) -> Iterable[str]:
        """Those before this program began and since, last one first."""
        saved: list[str] = []
        if self._path:
            with self._in_memory_on_failure(self._path):
                saved = _read(self._path)
        return _without_repeats([*self._unsaved, *reversed(saved)])

    def store_string(self, string: str) -> None:
        if not self._path:
            self._unsaved.insert(0, string)
            return
        lines = "".join(f"+{line}\n" for line in whole(string).split("\n"))
        try:
            _append(self._path, f"\n# {datetime.now()}\n{lines}")  # noqa: DTZ005 - as the person's clock says
        except OSError as error:
            self.lost = f"{self._path}: {error.strerror}"
            self._unsaved.insert(0, string)

    @contextmanager
    def _in_memory_on_failure(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.lost = f"{path}: {error.strerror}"


def _append(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(text.encode())


def _read(path: Path) -> list[str]:
    """The entries at the end of the file, oldest first. Each line of one begins with ``+``."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - HISTORY_BYTES))
        text = file.read(HISTORY_BYTES).decode("utf-8", "replace")
    if size > HISTORY_BYTES:
        text = text.partition("\n#")[2]
    found: list[str] = []
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith("+"):
            lines.append(line[1:])
        elif lines:
            found.append("\n".join(lines))
            lines = []
    return [*found, "\n".join(lines)] if lines else found


def _without_repeats(strings: Iterable[str]) -> Iterator[str]:
    last = None
    for string in strings:
        if string != last:
            yield string
        last = string
