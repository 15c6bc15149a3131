"""Text files as they are on disk: encoding, byte-order mark, line ends and hash, kept on the way back."""

from __future__ import annotations

import codecs

import msgspec

from akmon_core.errors import ToolError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class TextFile(msgspec.Struct, frozen=True):
    """A file's text with its line ends as they are, and what is needed to write it back alike."""

    text: str
    encoding: str = "utf-8"
    bom: bytes = b""
    newline: str = "\n"
    r"""The line end that most lines have: ``\n`` or ``\r\n``."""
    sha256: str = ""
    """Of the bytes on disk."""

    def encode(self, text: str) -> bytes:
        """``text`` in this file's encoding. Raises ``ToolError`` if that cannot hold it."""
        try:
            return self.bom + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            char = f"U+{ord(text[error.start]):04X}"
            raise ToolError(
                f"the file is encoded in {self.encoding}, which has no {char}. "
                "Leave that character out, or convert the file to UTF-8 first."
            ) from None


NEW = TextFile("")
"""What a file that does not exist yet is written like."""


def hash_of(data: bytes) -> str:
    """SHA-256 in hex."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


def decode(data: bytes, name: str) -> TextFile:
    """The text of a file's bytes: by its mark, else UTF-8, else Latin-1. Raises ``ToolError`` for binary."""
    bom, encoding = mark_of(data)
    binary = ToolError(f"{name} is a binary file ({len(data)} bytes), not text.")
    if not bom and b"\0" in data:
        raise binary
    try:
        text = data[len(bom) :].decode(encoding)
    except UnicodeDecodeError:
        if bom:
            raise binary from None
        encoding = "latin-1"
        text = data.decode(encoding)
    return TextFile(text, encoding, bom, newline_of(text), hash_of(data))


def mark_of(start: bytes) -> tuple[bytes, str]:
    """The byte-order mark that a file begins with, and its encoding; none is UTF-8."""
    return next(((bom, encoding) for bom, encoding in _MARKS if start.startswith(bom)), (b"", "utf-8"))


def newline_of(text: str) -> str:
    crlf = text.count("\r\n")
    return "\r\n" if crlf > text.count("\n") - crlf else "\n"
