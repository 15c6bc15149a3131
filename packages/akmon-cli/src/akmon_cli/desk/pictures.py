"""Pictures for the model: from a file that the person names, and from the system's clipboard."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from akmon_core.errors import ToolError
from akmon_core.limits import CLIPBOARD_SECONDS, IMAGE_BYTES
from akmon_core.messages import Image
from akmon_core.text import one_line

_KINDS = "PNG, JPEG, GIF or WebP"
_APPLE = "the clipboard as «class PNGf»"
_WINDOWS = (
    "Add-Type -AssemblyName System.Windows.Forms,System.Drawing; "
    "$i = [System.Windows.Forms.Clipboard]::GetImage(); if ($i) { "
    "$m = New-Object System.IO.MemoryStream; $i.Save($m, [System.Drawing.Imaging.ImageFormat]::Png); "
    "[Convert]::ToBase64String($m.ToArray()) }"
)


def picture_in(path: str, folder: Path) -> Image:
    """The picture in the file ``path``, as seen from ``folder``.

    Raises ``AkmonError`` if it cannot be read or is none that models take.
    """
    shown = one_line(path, 200)
    place = folder / Path(path).expanduser()
    try:
        descriptor = os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ToolError(f"{shown} is no file. Name a picture: {_KINDS}.")
            data = file.read(IMAGE_BYTES + 1)
    except (OSError, ValueError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ToolError(f"cannot read {shown}: {why}. Name a picture: {_KINDS}.") from None
    return _image(data, shown)


def _image(data: bytes, shown: str) -> Image:
    from akmon_tools.images import image_of, picture_of

    if len(data) > IMAGE_BYTES:
        raise ToolError(f"{shown} is larger than {IMAGE_BYTES:,} bytes. Make a smaller one of it first.")
    picture = picture_of(data)
    if picture is None:
        raise ToolError(f"{shown} is no picture that models take. They take {_KINDS}.")
    if picture.unfit:
        raise ToolError(f"{shown} cannot be shown to a model: {picture.unfit}.")
    return image_of(picture, data)


async def clipboard_picture(
    root: Path, environ: Mapping[str, str] = os.environ, *, seconds: float = CLIPBOARD_SECONDS
) -> Image | None:
    """The picture in the clipboard, by the first program that gives one; None if there is none.

    No program below ``root`` is started, and none has longer than ``seconds``. Raises ``AkmonError`` for a
    picture that models do not take.
    """
    for argv in _programs(environ):
        program = _found(argv[0], root, environ)
        if program and (data := await _output(program, argv[1:], seconds)):
            return _image(data, "the picture in the clipboard")
    return None


def _programs(environ: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Command lines that print the picture, in the order in which they are tried."""
    if environ.get("WAYLAND_DISPLAY"):
        yield ("wl-paste", "--type", "image/png")
    if environ.get("DISPLAY"):
        yield ("xclip", "-selection", "clipboard", "-t", "image/png", "-o")
    if sys.platform == "darwin":
        yield ("pngpaste", "-")
        yield ("osascript", "-e", _APPLE)
    if sys.platform == "win32" or environ.get("WSL_DISTRO_NAME"):
        yield ("powershell.exe", "-NoProfile", "-STA", "-Command", _WINDOWS)


def _found(name: str, root: Path, environ: Mapping[str, str]) -> str:
    """The path of a program outside of the project; empty if there is none."""
    for folder in os.get_exec_path(dict(environ)):
        program = shutil.which(name, path=folder) if Path(folder).is_absolute() else None
        places = (Path(program), Path(program).resolve()) if program else ()
        if program and not any(place.is_relative_to(root) for place in places):
            return program
    return ""


async def _output(program: str, arguments: tuple[str, ...], seconds: float) -> bytes:
    """What a program prints, as a picture's bytes; nothing if it fails or takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return b""
    assert process.stdout
    try:
        async with asyncio.timeout(seconds):
            data = await _all(process.stdout)
            code = await process.wait() if len(data) <= IMAGE_BYTES * 2 else 0
    except TimeoutError:
        return b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _decoded(data) if code == 0 else b""


async def _all(stream: asyncio.StreamReader) -> bytes:
    """All of it, or a little more than can be of use."""
    data = bytearray()
    while len(data) <= IMAGE_BYTES * 2 and (piece := await stream.read(65_536)):
        data += piece
    return bytes(data)


def _decoded(data: bytes) -> bytes:
    """AppleScript prints a picture in hexadecimal digits, and the one for PowerShell in base64."""
    import base64
    import binascii

    text = data.strip()
    try:
        if text.startswith("«data PNGf".encode()):
            return bytes.fromhex(text.decode().removeprefix("«data PNGf").removesuffix("»"))
        if text.startswith(b"iVBORw0KGgo"):  # how every PNG begins in base64
            return base64.b64decode(text)
    except (ValueError, binascii.Error):
        return b""
    return data
