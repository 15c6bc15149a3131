r"""What a search printed, as the files that match: parsed in bulk, the newest first.

Ripgrep and its stand-in print alike: ``./name``, NUL and ``12:text`` for a line, ``12-text`` for one around
it; ``./name`` and NUL for a file; ``./name``, NUL and a number for a count.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from akmon_tools.query import Answer

Files = dict[bytes, list[bytes]]
"""Rows by the name of their file from the folder that was searched."""

_ROW = re.compile(rb"(\d+)([:-])(.*)", re.DOTALL)
_BINARY = re.compile(rb"(?s)(.*): (?:WARNING: stopped searching )?binary file")


def parse(output: bytes, answer: Answer) -> Files:
    """The files in what was printed. Of one that turned out to be binary, nothing is known."""
    match answer:
        case "files":
            return {_name(name): [] for name in output.split(b"\0") if name}
        case "count":
            return _counts(output)
        case "lines":
            return _rows(output)


def newest_first(folder: Path, files: Files) -> list[bytes]:
    """The names, by the time of the last change and then by name."""
    base = os.fsencode(folder) + b"/"

    def age(name: bytes) -> tuple[int, bytes]:
        try:
            return -os.lstat(base + name).st_mtime_ns, name
        except OSError:  # removed meanwhile
            return 0, name

    return sorted(files, key=age)


def read_row(row: bytes) -> tuple[int, bool, str]:
    """Number, whether it matches or is only near, and text of a line."""
    parts = _ROW.match(row)
    if not parts:
        return 0, False, ""
    return int(parts[1]), parts[2] == b":", parts[3].removesuffix(b"\r").decode(errors="replace")


def matching(rows: list[bytes]) -> int:
    """How many of the rows match."""
    return sum(1 for row in rows if (parts := _ROW.match(row)) and parts[2] == b":")


def _rows(output: bytes) -> Files:
    files: Files = {}
    rows: list[bytes] = []
    start = b"\0"  # begins no line
    broken = b""
    for line in output.split(b"\n"):
        if line.startswith(start):
            rows.append(line[len(start) :])
            continue
        name, end, row = line.partition(b"\0")
        if not end:
            if _BINARY.match(line):
                broken = b""
            elif broken or line.startswith(b"./"):  # a name with a line end in it
                broken += line + b"\n"
            continue
        name, broken = broken + name, b""
        start = name + b"\0"
        rows = files.setdefault(_name(name), [])
        rows.append(row)
    return files


def _counts(output: bytes) -> Files:
    files: Files = {}
    name, *rest = output.split(b"\0")
    for part in rest:
        count, _, following = part.partition(b"\n")
        files[_name(name)] = [count]
        name = following
    return files


def _name(raw: bytes) -> bytes:
    return raw.removeprefix(b"./")
