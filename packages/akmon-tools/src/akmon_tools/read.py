"""The tool that reads a text file, or a range of its lines."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.limits import EDITABLE_BYTES, LINE_CHARS, READ_BYTES, READ_LINES
from akmon_core.text import reveal
from akmon_core.tools import Effect, FileSeen, ToolContext, ToolOutput
from akmon_tools.nearest import not_found
from akmon_tools.textfile import TextFile, mark_of
from akmon_tools.workspace import Workspace

_SLOW_BYTES = 1_000_000
_SNIFFED = 8_192
_RECORD = re.compile(r"record:([0-9]{1,15})\Z")
"""A path that means a record of the session's journal; a file of that name is ``./record:57``."""


class ReadArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[str, Meta(description="From the working directory, or absolute.")]
    offset: Annotated[int, Meta(ge=1, description="The first line, from 1.")] = 1
    limit: Annotated[int, Meta(ge=1)] = READ_LINES


class Page(msgspec.Struct, frozen=True):
    """Numbered lines, and what the reader should know of the rest."""

    text: str
    lines: int
    note: str = ""


class ReadTool:
    name = "read"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = ReadArguments

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def effects(self, arguments: ReadArguments) -> tuple[Effect, ...]:
        return () if _RECORD.match(arguments.path) else (Effect("read", arguments.path),)

    async def run(self, arguments: ReadArguments, context: ToolContext) -> ToolOutput:
        if record := _RECORD.match(arguments.path):
            return _read_record(int(record[1]), arguments, context)
        path = self._workspace.resolve(arguments.path)
        try:
            size = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            raise not_found(self._workspace, path) from None
        if path.is_dir():
            raise ToolError(f"{self._workspace.show(path)} is a folder: use list for its entries.")
        if size <= _SLOW_BYTES:
            return self._read(path, size, arguments)
        import asyncio

        return await asyncio.to_thread(self._read, path, size, arguments)

    def _read(self, path: Path, size: int, arguments: ReadArguments) -> ToolOutput:
        if size > EDITABLE_BYTES:
            return _output(self._page_of_large(path, arguments))
        file = self._workspace.read_text(path)
        page = _page_of(file, self._workspace.show(path), arguments)
        return _output(page, FileSeen(str(path), file.sha256))

    def _page_of_large(self, path: Path, arguments: ReadArguments) -> Page:
        """Streams up to the end of the range, so that neither memory nor the rest of the file matters."""
        fd = self._workspace.open(path)
        with os.fdopen(fd, "rb") as binary:
            start = binary.read(_SNIFFED)
            bom, encoding = mark_of(start)
            if not bom and b"\0" in start:
                raise ToolError(f"{self._workspace.show(path)} is a binary file, not text.")
            binary.seek(len(bom))
            stream = io.TextIOWrapper(binary, encoding=encoding, errors="replace", newline="\n")
            lines = _cut_lines(stream)
            for skipped in range(arguments.offset - 1):
                if next(lines, None) is None:
                    raise _past_end(self._workspace.show(path), skipped, arguments.offset)
            page = _page(lines, arguments)
            if not page.lines:
                raise _past_end(self._workspace.show(path), arguments.offset - 1, arguments.offset)
            note = "" if next(lines, None) is None and not page.note else _more(page, arguments, "")
            return msgspec.structs.replace(page, note=note)


def _read_record(number: int, arguments: ReadArguments, context: ToolContext) -> ToolOutput:
    text = context.recall(number)
    if text is None:
        raise ToolError(f"there is no record {number} in this session that could be read.")
    return _output(_page_of(TextFile(text), arguments.path, arguments))


def _output(page: Page, *files: FileSeen) -> ToolOutput:
    return ToolOutput(f"{page.text}{page.note}", summary=_lines_read(page), files=files)


def _page_of(file: TextFile, name: str, arguments: ReadArguments) -> Page:
    lines = file.text.removesuffix("\n").split("\n") if file.text else []
    if not lines:
        return Page("", 0, f"[{name} is empty]")
    if arguments.offset > len(lines):
        raise _past_end(name, len(lines), arguments.offset)
    page = _page(lines[arguments.offset - 1 :], arguments)
    last = arguments.offset + page.lines - 1
    note = _more(page, arguments, f" of {len(lines)}") if last < len(lines) else ""
    if file.encoding == "latin-1":
        note += "\n[not UTF-8: shown as Latin-1]"
    return msgspec.structs.replace(page, note=note)


def _page(lines: Iterable[str], arguments: ReadArguments) -> Page:
    """As many numbered lines as the caps allow, at least one if there is one."""
    shown: list[str] = []
    size = 0
    limit = min(arguments.limit, READ_LINES)
    for number, line in enumerate(lines, arguments.offset):
        row = f"{number:>6}\t{_shorten(line.removesuffix(chr(13)))}"
        size += len(row.encode(errors="replace")) + 1
        if shown and size > READ_BYTES:
            return Page("\n".join(shown), len(shown), note="full")
        shown.append(row)
        if len(shown) == limit:
            break
    return Page("\n".join(shown), len(shown))


def _shorten(line: str) -> str:
    if len(line) <= LINE_CHARS:
        return reveal(line)
    return f"{reveal(line[:LINE_CHARS])}… [line cut after {LINE_CHARS} characters]"


def _cut_lines(stream: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a stream without their ends, each only as far as it will be shown."""
    while line := stream.readline(LINE_CHARS + 1):
        rest = line
        while not rest.endswith("\n") and (rest := stream.readline(_SLOW_BYTES)):
            pass
        yield line.removesuffix("\n")


def _more(page: Page, arguments: ReadArguments, total: str) -> str:
    last = arguments.offset + page.lines - 1
    return f"\n[lines {arguments.offset}-{last}{total}; go on with offset={last + 1}]"


def _past_end(name: str, lines: int, offset: int) -> ToolError:
    return ToolError(f"{name} has {lines} lines; offset {offset} is past its end.")


def _lines_read(page: Page) -> str:
    return f"{page.lines} line{'s' * (page.lines != 1)} read"
