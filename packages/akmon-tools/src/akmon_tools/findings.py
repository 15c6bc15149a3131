"""What a search found as text for the model: the files changed last come first."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from akmon_core.limits import LIST_ENTRIES, READ_BYTES, SEARCH_MATCHES
from akmon_core.permissions import may_hold_secrets
from akmon_core.text import reveal
from akmon_core.tools import ToolOutput
from akmon_tools.found import Files, matching, newest_first, read_row
from akmon_tools.query import Query
from akmon_tools.ripgrep import Found
from akmon_tools.workspace import visible_name

_NARROW = "narrow the pattern, path or glob"


class Report:
    """Of files that may hold secrets only the names are told, unless one was asked for by its name."""

    def __init__(self, folder: Path, prefix: str, query: Query) -> None:
        self._folder = folder
        self._prefix = prefix
        self._query = query
        self._hidden: list[str] = []

    def of(self, found: Found) -> ToolOutput:
        files = found.files
        match self._query.answer:
            case "lines":
                return self._lines(files, found.more)
            case "files":
                names = self._open(newest_first(self._folder, files))
                return self._names([self._title(name) for name in names], found)
            case "count":
                names = self._open(sorted(files, key=lambda name: (-int(files[name][0]), name)))
                return self._names(
                    [f"{self._title(name)}: {files[name][0].decode()}" for name in names], found
                )

    def _names(self, rows: list[str], found: Found) -> ToolOutput:
        text = "\n".join(rows) or "[no matches]"
        total = f"{'at least ' * found.more}{len(found.files):,}"
        cut = found.more or len(found.files) > len(rows) + len(self._hidden)
        if cut:
            text += f"\n[only {len(rows)} of {total} files are shown; {_NARROW}]"
        return ToolOutput(text + self._unshown(), summary=f"{len(rows)}{'+' * cut} files")

    def _lines(self, files: Files, more: bool) -> ToolOutput:
        rows: list[str] = []
        matches = blocks = size = 0
        cut = more
        for name in self._open(newest_first(self._folder, files)):
            if matches >= SEARCH_MATCHES or size > READ_BYTES:
                cut = True
                break
            block, hits = self._block(files[name], SEARCH_MATCHES - matches, READ_BYTES - size)
            cut = cut or hits < matching(files[name])
            matches += hits
            blocks += 1
            size += sum(map(len, block))
            rows += [self._title(name), *block]
        text = "\n".join(rows) or "[no matches]"
        if cut:
            text += f"\n[only {matches} of {_total(files, more)} matches are shown; {_NARROW}]"
        summary = f"{matches}{'+' * cut} matches in {blocks} files"
        return ToolOutput(text + self._unshown(), summary=summary)

    def _block(self, raw: list[bytes], hits: int, room: int) -> tuple[list[str], int]:
        """The rows of one file, as many as there is room for, and how many of them match."""
        rows: list[str] = []
        shown = last = 0
        for number, matches, text in map(read_row, raw):
            if room < 0 or (matches and shown == hits):
                break
            if last and self._query.context and number > last + 1:
                rows.append("    --")
            rows.append(f"{number:>6}{':' if matches else '-'} {reveal(text)}")
            room -= len(rows[-1].encode(errors="replace")) + 1
            shown += matches
            last = number
        return rows, shown

    def _open(self, names: Iterable[bytes]) -> Iterator[bytes]:
        """The first of the names, without those that may hold secrets."""
        return islice(filter(self._is_open, names), LIST_ENTRIES)

    def _is_open(self, name: bytes) -> bool:
        text = os.fsdecode(name)
        if self._query.name or not may_hold_secrets(text):
            return True
        self._hidden.append(text)
        return False

    def _title(self, name: bytes) -> str:
        return self._prefix + visible_name(os.fsdecode(name))

    def _unshown(self) -> str:
        if not self._hidden:
            return ""
        names = ", ".join(map(visible_name, self._hidden[:10]))
        return f"\n[not shown, as these may hold secrets: {names}]"


def _total(files: Files, more: bool) -> str:
    """How many lines match, as far as that is known: no more are printed of one file than can be shown."""
    counts = [matching(rows) for rows in files.values()]
    known = not more and max(counts, default=0) <= SEARCH_MATCHES
    return f"{'' if known else 'at least '}{sum(counts):,}"
