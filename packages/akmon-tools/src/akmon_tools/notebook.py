"""A Jupyter notebook as its cells: what was written and, shortened, what came out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import msgspec

from akmon_core.limits import CELL_OUTPUT_BYTES, NOTEBOOK_IMAGES, READ_BYTES
from akmon_core.messages import Image
from akmon_core.text import neutralise, reveal
from akmon_tools.images import image_of, picture_of
from akmon_tools.numbered import Page, Range, go_on, past_end
from akmon_tools.truncate import truncate


class _Output(msgspec.Struct):
    output_type: str = ""
    text: str | list[str] = ""
    data: dict[str, Any] = {}
    ename: str = ""
    evalue: str = ""
    traceback: list[str] = []


class _Cell(msgspec.Struct):
    cell_type: str
    source: str | list[str]
    execution_count: int | None = None
    outputs: list[_Output] = []


class Notebook(msgspec.Struct):
    """Cells of the format of version 4, what is read of them."""

    cells: list[_Cell]
    nbformat: int


def notebook_of(text: str) -> Notebook | None:
    """The notebook that ``text`` is; None if it is none of a known form."""
    try:
        return msgspec.json.decode(text, type=Notebook)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def page_of_cells(
    notebook: Notebook, name: str, wanted: Range, *, images: bool
) -> tuple[Page, tuple[Image, ...]]:
    """A page of cells, as ``wanted`` counts them, and the first pictures in it. Raises ``ToolError``."""
    total = len(notebook.cells)
    if not total:
        return Page("", 0, f"[{name} is a notebook without cells]"), ()
    if wanted.offset > total:
        raise past_end(name, total, "cells", wanted.offset)
    seen: list[Image] = []
    shown: list[str] = []
    size = 0
    for number, cell in enumerate(notebook.cells[wanted.offset - 1 :][: wanted.limit], wanted.offset):
        pictures: list[Image] = []
        block = truncate(_cell(number, cell, pictures), READ_BYTES)
        size += len(block.encode(errors="replace")) + 1
        if shown and size > READ_BYTES:
            break
        shown.append(block)
        seen += pictures
    note = "\n[a notebook, shown as cells; to edit it means to edit its JSON text]"
    if wanted.offset + len(shown) <= total:
        note += go_on("cells", wanted.offset, len(shown), total)
    return Page("\n".join(shown), len(shown), note), tuple(seen[:NOTEBOOK_IMAGES] if images else ())


def _cell(number: int, cell: _Cell, pictures: list[Image]) -> str:
    run = f" [{cell.execution_count}]" if cell.execution_count else ""
    rows = [f"--- cell {number}: {cell.cell_type}{run}", reveal(_joined(cell.source)).rstrip("\n")]
    outputs = "\n".join(part for output in cell.outputs for part in _parts(output, pictures))
    if outputs:
        rows += ["--- output", truncate(outputs, CELL_OUTPUT_BYTES)]
    return "\n".join(rows)


def _parts(output: _Output, pictures: list[Image]) -> Iterator[str]:
    if output.ename:
        yield neutralise("\n".join(output.traceback) or f"{output.ename}: {output.evalue}").rstrip("\n")
        return
    text = _joined(output.text) or _joined(output.data.get("text/plain"))
    if text:
        yield neutralise(text).rstrip("\n")
    for kind, value in output.data.items():
        if kind.startswith("image/"):
            yield _picture(kind, value, pictures)
        elif kind != "text/plain" and not text:
            yield f"[{reveal(kind)}]"


def _picture(kind: str, value: object, pictures: list[Image]) -> str:
    try:
        data = base64.b64decode(_joined(value), validate=False)
    except (binascii.Error, ValueError):
        return f"[{reveal(kind)}]"
    picture = picture_of(data)
    if picture is None:
        return f"[{reveal(kind)}]"
    if not picture.unfit:
        pictures.append(image_of(picture, data))
    return f"[{picture}]"


def _joined(value: object) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
