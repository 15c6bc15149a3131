"""The tool that reads a file: text in numbered lines, pictures, notebooks as cells; a folder as a list."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.limits import EDITABLE_BYTES, READ_LINES
from akmon_core.messages import Image
from akmon_core.tools import Effect, FileSeen, ToolContext, ToolOutput
from akmon_tools.images import Picture, image_of, picture_of
from akmon_tools.list import list_folder
from akmon_tools.nearest import not_found
from akmon_tools.notebook import notebook_of, page_of_cells
from akmon_tools.numbered import Page, Range, page_of, page_of_stream
from akmon_tools.outputs import PREFIX, Outputs
from akmon_tools.textfile import decode, hash_of, mark_of
from akmon_tools.workspace import Workspace

_SLOW_BYTES = 1_000_000
_SNIFFED = 8_192
_KEPT = re.compile(rf"(record:|{PREFIX})([0-9]{{1,15}})\Z")
"""A path that means a record of the session's journal or an output; such a file is ``./record:57``."""


class ReadArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[str, Meta(description="From the working directory, or absolute.")]
    offset: Annotated[int, Meta(ge=1, description="The first line, from 1.")] = 1
    limit: Annotated[int, Meta(ge=1)] = READ_LINES


class ReadTool:
    """``images`` says whether the model can look at pictures; else it is told what they are."""

    name = "read"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = ReadArguments

    def __init__(self, workspace: Workspace, outputs: Outputs | None = None, *, images: bool = True) -> None:
        self._workspace = workspace
        self._outputs = outputs or Outputs()
        self._images = images

    def effects(self, arguments: ReadArguments) -> tuple[Effect, ...]:
        return () if _KEPT.match(arguments.path) else (Effect("read", arguments.path),)

    async def run(self, arguments: ReadArguments, context: ToolContext) -> ToolOutput:
        wanted = Range(arguments.offset, arguments.limit)
        if kept := _KEPT.match(arguments.path):
            return self._read_kept(kept[1], int(kept[2]), arguments.path, wanted, context)
        path = self._workspace.resolve(arguments.path)
        try:
            size = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            raise not_found(self._workspace, path) from None
        if path.is_dir():
            return list_folder(self._workspace, path, self.name)
        if size <= _SLOW_BYTES:
            return self._read(path, size, wanted)
        import asyncio

        return await asyncio.to_thread(self._read, path, size, wanted)

    def _read_kept(
        self, kind: str, number: int, path: str, wanted: Range, context: ToolContext
    ) -> ToolOutput:
        if kind == PREFIX:
            with self._outputs.path(number).open("rb") as file:
                output = _output(_page_of_large(file, path, wanted))
            return msgspec.structs.replace(output, untrusted=self._outputs.untrusted(number))
        text = context.recall(number)
        if text is None:
            raise ToolError(f"there is no record {number} in this session that could be read.")
        return _output(page_of(text, path, wanted))

    def _read(self, path: Path, size: int, wanted: Range) -> ToolOutput:
        name = self._workspace.show(path)
        if size > EDITABLE_BYTES:
            with os.fdopen(self._workspace.open(path), "rb") as file:
                return _output(_page_of_large(file, name, wanted))
        data = self._workspace.read_bytes(path)
        if picture := picture_of(data):
            return self._look(picture, data, path)
        _refuse_pdf(data, name)
        text = decode(data, name)
        seen = FileSeen(str(path), text.sha256)
        if path.suffix == ".ipynb" and (notebook := notebook_of(text.text)):
            page, images = page_of_cells(notebook, name, wanted, images=self._images)
            return _output(page, seen, what="cell", images=images)
        page = page_of(text.text, name, wanted)
        if text.encoding == "latin-1":
            page = msgspec.structs.replace(page, note=page.note + "\n[not UTF-8: shown as Latin-1]")
        return _output(page, seen)

    def _look(self, picture: Picture, data: bytes, path: Path) -> ToolOutput:
        unfit = picture.unfit if self._images else "this model cannot look at images"
        text = f"[{self._workspace.show(path)}: {picture}{f'; not shown: {unfit}' if unfit else ''}]"
        images = () if unfit else (image_of(picture, data),)
        return ToolOutput(
            text, images=images, summary=str(picture), files=(FileSeen(str(path), hash_of(data)),)
        )


def _page_of_large(file: io.BufferedReader, name: str, wanted: Range) -> Page:
    """Streams up to the end of the range, so that neither memory nor the rest of the file matters."""
    start = file.read(_SNIFFED)
    if not start:
        return Page("", 0, f"[{name} is empty]")
    bom, encoding = mark_of(start)
    _refuse_pdf(start, name)
    if (not bom and b"\0" in start) or picture_of(start):
        raise ToolError(f"{name} is a large binary file, not text.")
    file.seek(len(bom))
    with io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="\n") as stream:
        return page_of_stream(stream, name, wanted)


def _refuse_pdf(start: bytes, name: str) -> None:
    if start.startswith(b"%PDF-"):
        raise ToolError(f"{name} is a PDF: get its text with a command, such as pdftotext.")


def _output(page: Page, *files: FileSeen, what: str = "line", images: tuple[Image, ...] = ()) -> ToolOutput:
    summary = f"{page.lines} {what}{'s' * (page.lines != 1)} read"
    return ToolOutput(f"{page.text}{page.note}", summary=summary, files=files, images=images)
