"""Reads a text file that a project brought along: within bounds, and never by a link that leads out of it."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Collection
from pathlib import Path

import msgspec

from akmon_core.permissions import may_hold_secrets

_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Refused(Exception):
    """A file is there and is not read; the message says why, to follow the name of the file."""


class TextRead(msgspec.Struct, frozen=True):
    """The text of a file with ``\\n`` at the end of its lines."""

    path: Path
    """Links resolved."""
    text: str
    cut: bool = False
    """Whether the file is larger than what was asked for; its last, partial line is left out then."""
    foreign: bool = False
    """Whether it is not UTF-8: it was read as Windows-1252."""


def read_text(path: Path, cap: int, inside: Collection[Path] | None = None) -> TextRead:
    """At most ``cap`` bytes of a text file.

    Links are followed only into one of the folders ``inside``, which are canonical; None is anywhere.
    Raises ``FileNotFoundError`` if there is no such file, ``Refused`` if it is not to be read.
    """
    try:
        real = Path(os.path.realpath(path, strict=True))
        _check(path, real, inside)
        data = _read(real, cap + 1)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise Refused("leads to a file that is not there") from None
        raise FileNotFoundError(str(path)) from None
    except IsADirectoryError:
        raise Refused("is a folder") from None
    except OSError as error:
        raise Refused(f"cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL byte, or what is no text
        raise Refused("has a name that cannot be used") from None
    text, foreign = _decode(data[:cap], final=len(data) <= cap)
    cut = len(data) > cap
    if cut and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    return TextRead(real, text, cut, foreign)


def _check(path: Path, real: Path, inside: Collection[Path] | None) -> None:
    if may_hold_secrets(path.name) or may_hold_secrets(real.name):
        raise Refused("may hold secrets")
    if inside is None:
        return
    around = [folder for folder in inside if real.is_relative_to(folder)]
    if not around:
        raise Refused("leads outside the project")
    if any(".git" in real.relative_to(folder).parts for folder in around):
        raise Refused("is one of git's own files")


def _read(real: Path, size: int) -> bytes:
    """Opening must not wait, as it would for a pipe."""
    with os.fdopen(os.open(real, _FLAGS), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Refused("is not a regular file")
        return file.read(size)


def _decode(data: bytes, *, final: bool) -> tuple[str, bool]:
    """The text by its byte-order mark, else UTF-8, else Windows-1252; and whether it is that."""
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    if encoding == "utf-8" and b"\0" in data:
        raise Refused("is not a text file")
    foreign = False
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data[len(mark) :], final=final)
    except UnicodeDecodeError:
        if mark:
            raise Refused("is not a text file") from None
        text, foreign = data.decode("cp1252", errors="replace"), True
    return text.replace("\r\n", "\n").replace("\r", "\n"), foreign
