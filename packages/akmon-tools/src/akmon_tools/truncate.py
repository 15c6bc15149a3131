"""Long output within a cap: its head and its tail, and a note of how much is missing between them."""

from __future__ import annotations

from collections.abc import Callable

_NOTE = "\n[... {:,} bytes left out{} ...]\n"
_NOTE_BYTES = 60
"""The longest note, without where the rest is."""


def truncate(text: str, cap: int, where: Callable[[], str] = str) -> str:
    """``text`` in at most ``cap`` bytes of UTF-8. If it is cut, ``where`` says where all of it is."""
    if len(text) * 4 <= cap or _size(text) <= cap:
        return text
    half = len(text) // 2
    return join(text[:half], text[half:], 0, cap, where())


def join(head: str, tail: str, missing: int, cap: int, where: str = "") -> str:
    """The start of ``head`` and the end of ``tail`` in at most ``cap`` bytes, cut between lines if possible.

    ``missing`` is how many bytes were already left out between the two; ``where`` says where they are.
    """
    where = f"; {where}" if where else ""
    room = cap - _NOTE_BYTES - _size(where)
    if room <= 0:
        return _start(head, max(cap, 0))
    end = _end(tail, room // 2)
    start = _start(head, room - _size(end))
    missing += _size(head) - _size(start) + _size(tail) - _size(end)
    return start.rstrip("\n") + _NOTE.format(missing, where) + end


class HeadTail:
    """Takes any amount of output and keeps the first and the last ``cap // 2`` bytes of it."""

    def __init__(self, cap: int) -> None:
        self._half = cap // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.size = 0
        self.lines = 0
        """Line ends seen, plus one if the output does not end with one."""
        self._open_line = False

    def feed(self, chunk: bytes) -> None:
        if not chunk:
            return
        self.size += len(chunk)
        self.lines += chunk.count(b"\n") - self._open_line
        self._open_line = not chunk.endswith(b"\n")
        self.lines += self._open_line
        room = self._half - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > 4 * self._half:
            del self._tail[: len(self._tail) - self._half]

    @property
    def head(self) -> bytes:
        return bytes(self._head)

    @property
    def tail(self) -> bytes:
        return bytes(self._tail[-self._half :]) if self._half else b""

    @property
    def missing(self) -> int:
        """Bytes kept in neither."""
        return self.size - len(self.head) - len(self.tail)

    def text(self, cap: int, clean: Callable[[str], str] = str, where: Callable[[], str] = str) -> str:
        """What was kept as text in at most ``cap`` bytes, after ``clean``.

        If something is left out, ``where`` says where all of it is.
        """
        if not self.missing:
            return truncate(clean((self.head + self.tail).decode(errors="replace")), cap, where)
        head, tail = (clean(part.decode(errors="replace")) for part in (self.head, self.tail))
        return join(head, tail, self.missing, cap, where())


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))


def _start(text: str, cap: int) -> str:
    kept = text[:cap].encode(errors="replace")[:cap].decode(errors="ignore")
    line_end = kept.rfind("\n") + 1
    return kept[:line_end] if len(kept) < len(text) and line_end > len(kept) // 2 else kept


def _end(text: str, cap: int) -> str:
    if cap <= 0:
        return ""
    kept = text[-cap:].encode(errors="replace")[-cap:].decode(errors="ignore")
    line_start = kept.find("\n") + 1
    return kept[line_start:] if len(kept) < len(text) and 0 < line_start < len(kept) // 2 else kept
