"""Keeps the whole output of commands in files, as only the ends of a long one are shown."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import BinaryIO

from akmon_core.errors import ToolError
from akmon_core.limits import OUTPUTS_BYTES
from akmon_core.redact import Redactor
from akmon_tools.oserrors import tool_error

PREFIX = "output:"
"""Begins a path that means an output: ``output:3``. A file of that name is ``./output:3``."""


class Outputs:
    """Numbered files in ``folder``, which is made with the first; by default one that goes with the process.

    Readable by the user alone, and without secrets: whoever writes one takes them out with ``redactor``.
    """

    def __init__(self, folder: Path | None = None, redactor: Redactor | None = None) -> None:
        self.redactor = redactor or Redactor()
        self._folder = folder
        self._own: weakref.finalize[..., Outputs] | None = None
        self._last: int | None = None

    def open_new(self, untrusted: str = "") -> tuple[int, BinaryIO]:
        """The next number and its file, to be written (without secrets) and closed. Raises ``ToolError``.

        ``untrusted`` says where the text is from, if anybody may have written it.
        """
        try:
            folder = self._made()
            self._make_room(folder)
            number = (self._newest(folder) if self._last is None else self._last) + 1
            self._last = number
            path = folder / str(number)
            if untrusted:
                self.mark(number, untrusted)
            path.touch(mode=0o600)
            return number, path.open("wb", buffering=0)
        except OSError as error:
            raise tool_error("cannot keep the output of a command", error) from None

    def path(self, number: int) -> Path:
        """The file of an output. Raises ``ToolError`` if it is not kept (any more)."""
        path = self._folder and self._folder / str(number)
        if not (path and path.is_file()):
            raise ToolError(f"there is no output {number} (any more).")
        return path

    def mark(self, number: int, untrusted: str) -> None:
        """Keeps where the text of an output is from, if anybody may have written it. Raises ``ToolError``."""
        mark = _mark_of(self._made() / str(number))
        try:
            mark.touch(mode=0o600)
            mark.write_text(untrusted, "utf-8")
        except OSError as error:
            raise tool_error("cannot keep the output of a command", error) from None

    def untrusted(self, number: int) -> str:
        """Where the text of an output is from, if anybody may have written it."""
        mark = self._folder and _mark_of(self._folder / str(number))
        return mark.read_text("utf-8") if mark and mark.is_file() else ""

    def close(self) -> None:
        """Deletes the files if their folder goes with the process."""
        if self._own:
            self._own()
            self._own = self._folder = self._last = None

    def _made(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="akmon-"))
            self._own = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    def _newest(self, folder: Path) -> int:
        return max((int(path.name) for path in folder.iterdir() if path.name.isdecimal()), default=0)

    def _make_room(self, folder: Path) -> None:
        """Removes the oldest beyond ``OUTPUTS_BYTES``."""
        paths = sorted(
            (path for path in folder.iterdir() if path.name.isdecimal()), key=lambda p: -int(p.name)
        )
        total = 0
        for path in paths:
            total += path.stat().st_size
            if total > OUTPUTS_BYTES:
                path.unlink()
                _mark_of(path).unlink(missing_ok=True)


def _mark_of(path: Path) -> Path:
    return path.with_suffix(".untrusted")


def delete_outputs(folder: Path) -> None:
    """Deletes all outputs of a session; nothing happens if there are none."""
    shutil.rmtree(folder, ignore_errors=True)
