"""Recognises pictures by their first bytes, and tells how large they are in pixels."""

from __future__ import annotations

import msgspec

from akmon_core.limits import IMAGE_BYTES, IMAGE_PIXELS
from akmon_core.messages import Image


class Picture(msgspec.Struct, frozen=True):
    """A picture file: a media type such as ``image/png``, and its size; 0 is unknown."""

    media_type: str
    width: int
    height: int
    whole: bool
    """Its end is there as well."""
    size: int
    """Of the file in bytes."""

    def __str__(self) -> str:
        pixels = f"{self.width}x{self.height} pixels" if self.width and self.height else "of unknown size"
        return f"{self.media_type.removeprefix('image/').upper()} image, {pixels}, {self.size:,} bytes"

    @property
    def unfit(self) -> str:
        """Why a provider would refuse it, and every later request with it; empty if none would."""
        if not (self.width and self.height and self.whole):
            return "it is damaged"
        if max(self.width, self.height) > IMAGE_PIXELS:
            return f"more than {IMAGE_PIXELS:,} pixels on a side; make a smaller one with a command"
        if self.size * 4 > IMAGE_BYTES * 3:
            return f"more than {IMAGE_BYTES * 3 // 4:,} bytes; make a smaller one with a command"
        return ""


def picture_of(data: bytes) -> Picture | None:
    """What ``data``, all of a file or its first kilobytes, is as a picture; None if it is none."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _picture("png", data, _number(data[16:20]), _number(data[20:24]), b"IEND" in data[-64:])
    if data[:6] in (b"GIF87a", b"GIF89a"):
        width, height = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
        return _picture("gif", data, width, height, b";" in data[-16:])
    if data.startswith(b"\xff\xd8\xff"):
        return _picture("jpeg", data, *_jpeg_size(data), b"\xff\xd9" in data[2:])
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        whole = len(data) >= int.from_bytes(data[4:8], "little") + 8
        return _picture("webp", data, *_webp_size(data), whole)
    return None


def image_of(picture: Picture, data: bytes) -> Image:
    import base64

    return Image(picture.media_type, base64.b64encode(data).decode())


def _picture(kind: str, data: bytes, width: int, height: int, whole: bool) -> Picture:
    return Picture(f"image/{kind}", width, height, whole, len(data))


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """From the frame header, the first segment of its kind."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fills up
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _number(data[at + 7 : at + 9]), _number(data[at + 5 : at + 7])
        else:
            at += 2 + max(_number(data[at + 2 : at + 4]), 2)
    return 0, 0


def _webp_size(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
            return width, height
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
            return width, height
    return 0, 0
