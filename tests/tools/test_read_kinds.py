"""Reading what is not plain UTF-8: other encodings, pictures, notebooks, outputs of commands."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from akmon_core.limits import CELL_OUTPUT_BYTES, IMAGE_BYTES, IMAGE_PIXELS, NOTEBOOK_IMAGES, READ_BYTES
from akmon_tools.outputs import Outputs
from akmon_tools.read import ReadTool


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 3, height: int = 2, padding: int = 0) -> bytes:
    rows = zlib.compress(b"\0" * (min(width, 10) + 1) * min(height, 10)) + b"\0" * padding
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


GIF = b"GIF89a\x05\x00\x04\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0"
    b"\xff\xff\xc2\x00\x0b\x08\x00\x07\x00\x09\x01\x01\x11\x00\xff\xda\x00\x02\0\xff\xd9"
)
WEBP_X = b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0\x0b\0\0\x0c\0\0"
WEBP_L = (
    b"RIFF"
    + struct.pack("<I", 18)
    + b"WEBPVP8L"
    + struct.pack("<I", 5)
    + b"\x2f"
    + struct.pack("<I", 19 | 6 << 14)
    + b"\0"
)
WEBP = (
    b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8 " + struct.pack("<I", 10) + b"\0\0\0\x9d\x01\x2a\x15\0\x16\0"
)


@pytest.mark.parametrize(
    ("data", "kind", "pixels"),
    [
        (png(), "png", "3x2"),
        (GIF, "gif", "5x4"),
        (JPEG, "jpeg", "9x7"),
        (WEBP_X, "webp", "12x13"),
        (WEBP_L, "webp", "20x7"),
        (WEBP, "webp", "21x22"),
    ],
)
def test_a_picture_is_shown_whatever_its_name(hands: Any, data: bytes, kind: str, pixels: str) -> None:
    (hands.root / "logo.txt").write_bytes(data)
    output = hands("read", path="logo.txt")
    (image,) = output.images
    assert (image.media_type, base64.b64decode(image.data)) == (f"image/{kind}", data)
    assert output.text == f"[logo.txt: {kind.upper()} image, {pixels} pixels, {len(data)} bytes]"
    assert len(output.files) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (png()[:-15], "damaged"),
        (png(0, 2), "damaged"),
        (JPEG[:20], "damaged"),
        (WEBP_X[:-1], "damaged"),
        (png(IMAGE_PIXELS + 1, 1), "pixels on a side"),
        (png(padding=IMAGE_BYTES * 3 // 4), "bytes; make a smaller one"),
    ],
)
def test_a_picture_that_providers_refuse_is_only_named(hands: Any, data: bytes, reason: str) -> None:
    (hands.root / "a.png").write_bytes(data)
    output = hands("read", path="a.png")
    assert not output.images
    assert "not shown" in output.text
    assert reason in output.text


def test_a_model_that_cannot_see_is_told_what_the_picture_is(hands: Any) -> None:
    (hands.root / "a.png").write_bytes(png())
    hands.tools["read"] = ReadTool(hands.workspace, images=False)
    output = hands("read", path="a.png")
    assert not output.images
    assert "PNG image, 3x2 pixels" in output.text
    assert "cannot look at images" in output.text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_text_with_a_mark_of_its_encoding_is_read(hands: Any, encoding: str) -> None:
    (hands.root / "a.txt").write_bytes("naïve 😀\r\nzwei\r\n".encode(encoding))
    assert hands("read", path="a.txt").text == "     1\tnaïve 😀\n     2\tzwei"


def test_big_endian_text_with_a_mark_is_read_also_where_it_is_large(hands: Any) -> None:
    text = "\ufeff" + "naïve 😀\n" * 700_000
    (hands.root / "a.txt").write_bytes(text.encode("utf-16-be"))
    assert hands("read", path="a.txt", limit=1).text.startswith("     1\tnaïve 😀\n[lines 1-1; go on")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_text_in_utf_16_without_a_mark_is_called_binary(hands: Any, encoding: str) -> None:
    (hands.root / "a.txt").write_bytes("plain words\n".encode(encoding))
    assert "binary" in hands.refused("read", path="a.txt")


def test_a_pdf_is_named_with_what_to_do(hands: Any) -> None:
    (hands.root / "a.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n")
    assert "pdftotext" in hands.refused("read", path="a.pdf")


def test_an_output_of_a_command_is_read_in_ranges_and_needs_no_permission(hands: Any) -> None:
    outputs = Outputs(hands.out / "outputs")
    number, file = outputs.open_new()
    with file:
        file.write(b"".join(b"line %d\n" % line for line in range(1, 100_001)))
    tool = hands.tools["read"] = ReadTool(hands.workspace, outputs)
    output = hands("read", path=f"output:{number}", offset=99_999)
    assert output.text == " 99999\tline 99999\n100000\tline 100000"
    assert tool.effects(hands.parsed("read", {"path": f"output:{number}"})) == ()
    assert "no output 7" in hands.refused("read", path="output:7")
    empty, file = outputs.open_new()
    file.close()
    assert hands("read", path=f"output:{empty}").text == f"[output:{empty} is empty]"


@pytest.mark.parametrize(
    "path", ["output:1/../../out/secret.txt", "output:", "output:-1", "output:1\n", "output:x"]
)
def test_what_only_begins_like_an_output_is_a_path(hands: Any, path: str) -> None:
    tool = hands.tools["read"]
    assert [effect.target for effect in tool.effects(hands.parsed("read", {"path": path}))] == [path]
    assert "CANARY" not in hands.refused("read", path=path)


# --- notebooks --------------------------------------------------------------------------------------


def notebook(*cells: dict[str, Any]) -> str:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def code(source: str | list[str], *outputs: dict[str, Any], count: int | None = 1) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": source,
        "outputs": outputs,
        "execution_count": count,
        "metadata": {},
    }


def shown(hands: Any, text: str, **arguments: Any) -> Any:
    (hands.root / "a.ipynb").write_text(text)
    return hands("read", path="a.ipynb", **arguments)


def test_a_notebook_is_shown_as_cells(hands: Any) -> None:
    output = shown(
        hands,
        notebook(
            {"cell_type": "markdown", "source": ["# Title\n", "words"], "metadata": {}},
            code("1 + 1", {"output_type": "execute_result", "data": {"text/plain": ["2"]}}, count=3),
            code("print()", {"output_type": "stream", "name": "stdout", "text": ["a\n", "b\x1b[31mc\n"]}),
            code("x", {"output_type": "error", "ename": "NameError", "traceback": ["\x1b[1mTrace"]}),
            code("show", {"output_type": "display_data", "data": {"text/html": "<b>"}}, count=None),
        ),
    )
    assert output.text == (
        "--- cell 1: markdown\n# Title\nwords\n"
        "--- cell 2: code [3]\n1 + 1\n--- output\n2\n"
        "--- cell 3: code [1]\nprint()\n--- output\na\nbc\n"
        "--- cell 4: code [1]\nx\n--- output\nTrace\n"
        "--- cell 5: code\nshow\n--- output\n[text/html]\n"
        "[a notebook, shown as cells; to edit it means to edit its JSON text]"
    )
    assert output.summary == "5 cells read"
    assert len(output.files) == 1


def test_cells_are_counted_by_offset_and_limit_and_capped(hands: Any) -> None:
    text = notebook(*(code(f"cell_{number} = '{'x' * 5_000}'") for number in range(1, 41)))
    assert "cell_7 =" in shown(hands, text, offset=7, limit=1).text
    assert shown(hands, text, offset=7, limit=1).text.endswith("[cells 7-7 of 40; go on with offset=8]")
    assert len(shown(hands, text).text.encode()) < READ_BYTES + 300
    assert "has 40 cells; offset 41" in hands.refused("read", path="a.ipynb", offset=41)


def test_long_outputs_and_cells_are_shortened(hands: Any) -> None:
    long = {"output_type": "stream", "text": "y" * 1_000_000}
    assert shown(hands, notebook(code("a", long))).text.count("y") <= CELL_OUTPUT_BYTES
    assert len(shown(hands, notebook(code("z" * 1_000_000))).text.encode()) < READ_BYTES + 300


def test_pictures_in_outputs_are_named_and_the_first_are_shown(hands: Any) -> None:
    picture = {"output_type": "display_data", "data": {"image/png": base64.b64encode(png()).decode()}}
    broken = {"output_type": "display_data", "data": {"image/png": "!", "image/svg+xml": "<svg>"}}
    text = notebook(code("a", *[picture] * 6), code("b", broken))
    output = shown(hands, text)
    assert len(output.images) == NOTEBOOK_IMAGES
    assert output.text.count("[PNG image, 3x2 pixels") == 6
    assert "[image/png]\n[image/svg+xml]" in output.text
    hands.tools["read"] = ReadTool(hands.workspace, images=False)
    assert not hands("read", path="a.ipynb").images


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"cells": 1, "nbformat": 4}', '{"worksheets": []}', '{"cells": [{}], "nbformat": 4}']
)
def test_what_is_no_notebook_is_shown_as_text(hands: Any, text: str) -> None:
    assert shown(hands, text).text == f"     1\t{text}"


def test_a_notebook_without_cells_is_said_to_be_so(hands: Any) -> None:
    assert shown(hands, notebook()).text == "[a.ipynb is a notebook without cells]"


def test_outputs_go_to_the_tools_of_a_session(hands: Any, tmp_path: Path) -> None:
    assert "no output 1" in hands.refused("read", path="output:1")
