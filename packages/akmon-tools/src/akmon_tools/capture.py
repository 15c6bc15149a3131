"""Takes what a command prints: shows it as it comes, keeps its ends for the model and all of it in a file."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import BinaryIO

from akmon_core.errors import ToolError
from akmon_core.limits import OUTPUT_FILE_BYTES, SHELL_OUTPUT_BYTES
from akmon_core.text import neutralise
from akmon_tools.oserrors import reason
from akmon_tools.outputs import PREFIX, Outputs
from akmon_tools.truncate import HeadTail

_PROGRESS_BYTES = 4_096
"""What is shown at most of one burst of output while a command runs."""
_LINE_BYTES = 4_096
"""A line that is longer than this is no progress bar."""


class Capture:
    """The output of one command, without secrets. ``cap`` bounds its memory, ``file_cap`` its file, in bytes.

    There is a file only if something had to be left out of what the model reads.
    """

    def __init__(
        self, outputs: Outputs, cap: int = SHELL_OUTPUT_BYTES, file_cap: int = OUTPUT_FILE_BYTES
    ) -> None:
        self.size = 0
        self._outputs = outputs
        self._redacting = outputs.redactor.stream()
        self._cap = cap
        self._file_cap = file_cap
        self._new = HeadTail(cap)
        self._redrawn = Redrawn()
        self._start: bytearray | None = bytearray()
        self._file: BinaryIO | None = None
        self._where = ""
        self._number = 0

    def feed(self, chunk: bytes) -> bytes:
        """Gives what may be shown by now: an open line is held back, as a key may go on in it."""
        self.size += len(chunk)
        return self._take(self._redacting.feed(chunk))

    def flush(self) -> bytes:
        """Gives the open line as well."""
        return self._take(self._redacting.rest())

    def new(self) -> tuple[str, int]:
        """What came since the last time, clean and within the cap, and its number of lines."""
        self.flush()
        self._new.feed(self._redrawn.rest())
        new, self._new = self._new, HeadTail(self._cap)
        return new.text(self._cap, clean, self._all_of_it), new.lines

    def mark(self, source: str) -> None:
        """Its file, if there is one, is not to be trusted either: ``source`` is where it may be from."""
        if self._number:
            self._outputs.mark(self._number, source)

    def close(self) -> None:
        self.flush()
        self._close_file()

    def _close_file(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _take(self, chunk: bytes) -> bytes:
        self._new.feed(self._redrawn.feed(chunk))
        if self._start is None:
            self._keep(chunk)
            return chunk
        self._start += chunk
        if len(self._start) > self._cap:
            self._to_file()
        return chunk

    def _all_of_it(self) -> str:
        """Where the whole output is, in words."""
        if self._start is not None:
            self._to_file()
        return self._where

    def _to_file(self) -> None:
        start, self._start = self._start, None
        self._kept = 0
        try:
            self._number, self._file = self._outputs.open_new()
        except ToolError as error:
            self._where = str(error).rstrip(".")
            return
        self._where = f"all of it is in {PREFIX}{self._number}"
        self._name = f"{PREFIX}{self._number}"
        self._keep(bytes(start or b""))

    def _keep(self, chunk: bytes) -> None:
        if self._file is None:
            return
        room = self._file_cap - self._kept
        try:
            self._file.write(chunk[:room])
        except OSError as error:
            self._stop_keeping(f", as {reason(error)}")
            return
        self._kept += min(len(chunk), room)
        if len(chunk) > room:
            self._stop_keeping("")

    def _stop_keeping(self, why: str) -> None:
        self._where = f"only its first {self._kept:,} bytes are in {self._name}{why}"
        self._close_file()


class Progress:
    """Shows whole lines of output as they come; of a burst only its last ones, as nobody reads faster."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, chunk: bytes) -> None:
        text = self._rest + self._decoder.decode(chunk)
        lines, newline, self._rest = text.rpartition("\n")
        self._rest = self._rest[-_PROGRESS_BYTES:]
        if newline:
            self._show(clean(_last_lines(lines)) + "\n")

    def close(self) -> None:
        if rest := self._rest + self._decoder.decode(b"", final=True):
            self._show(clean(rest))


class Redrawn:
    """Lines that are drawn again and again, as progress bars are, become their last state.

    So a progress bar does not use up the room of what is kept.
    """

    def __init__(self) -> None:
        self._line = b""

    def feed(self, chunk: bytes) -> bytes:
        """The lines that are complete; the last one is held back, as it may still be drawn anew."""
        lines, newline, line = (self._line + chunk).rpartition(b"\n")
        line = _last_state(line)
        if len(line) > _LINE_BYTES:
            lines, newline, line = lines + newline, line, b""
        self._line = line
        return _last_states(lines) + newline

    def rest(self) -> bytes:
        rest, self._line = self._line, b""
        return rest


def _last_states(lines: bytes) -> bytes:
    if b"\r" not in lines:
        return lines
    return b"\n".join(_last_state(line).rstrip(b"\r") for line in lines.split(b"\n"))


def _last_state(line: bytes) -> bytes:
    """An open line; a return at its end waits for what is drawn over it."""
    state = line.rstrip(b"\r")
    return line[state.rfind(b"\r") + 1 :]


def clean(text: str) -> str:
    """``text`` as a terminal would show it at the end, with nothing that could steer one."""
    return neutralise(_typed_over(text) if "\b" in text else text)


def _typed_over(text: str) -> str:
    """Backspaces go back within their line, and what follows is written over what was there."""
    done: list[str] = []
    column = 0
    line: list[str] = []
    for char in text:
        if char == "\n":
            done += [*line, char]
            line, column = [], 0
        elif char == "\b":
            column = max(column - 1, 0)
        else:
            line[column : column + 1] = [char]
            column += 1
    return "".join([*done, *line])


def _last_lines(text: str) -> str:
    if len(text) <= _PROGRESS_BYTES:
        return text
    return text[-_PROGRESS_BYTES:].partition("\n")[2] or text[-_PROGRESS_BYTES:]
