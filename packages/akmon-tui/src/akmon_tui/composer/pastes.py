"""What is pasted into a prompt: long text and images, each as one character that stands for it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import msgspec

from akmon_core.limits import FOLDED_CHARS, FOLDED_LINES
from akmon_core.messages import Image
from akmon_core.text import one_line, without_escapes
from akmon_tui.cells import whole

_FIRST, _LAST = 0x10F000, 0x10FFFD
"""Private characters that nothing else is known to use: fonts have theirs below."""
_MARKS = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
_PICTURE = re.compile(r".+\.(?:png|jpe?g|gif|webp)", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_LABEL = re.compile(r"(\[image #\d+: ([^\n]*?)\])")
_NAME = 60


class _Paste(msgspec.Struct, frozen=True):
    label: str
    text: str


class _Picture(msgspec.Struct, frozen=True):
    label: str
    image: Image


class Pastes:
    """What the marks in a text stand for. They are kept until it is sent, as undoing may bring one back."""

    def __init__(self) -> None:
        self._held: dict[str, _Paste | _Picture] = {}
        self._texts = self._images = 0
        self.labels: dict[str, str] = {}
        """What is shown for each mark."""

    def fold(self, text: str) -> str:
        """``text``, or the mark that stands for it if it is long."""
        lines = text.count("\n") + (not text.endswith("\n"))
        if (lines <= FOLDED_LINES and len(text) <= FOLDED_CHARS) or self._is_full:
            return text
        self._texts += 1
        size = f"{lines:,} lines" if lines > 1 else f"{len(text):,} characters"
        return self._add(_Paste(f"[pasted #{self._texts}: {size}]", text))

    def picture(self, image: Image, name: str) -> str:
        """The mark that stands for an image; its label where there are too many."""
        self._images += 1
        label = f"[image #{self._images}: {one_line(name, _NAME)}]"
        return label if self._is_full else self._add(_Picture(label, image))

    def pasted(self, mark: str) -> str | None:
        """The long text that ``mark`` stands for, if it does."""
        held = self._held.get(mark)
        return held.text if isinstance(held, _Paste) else None

    def expanded(self, text: str) -> str:
        """``text`` with long texts in place of their marks, and images by their labels."""
        return _MARKS.sub(self._content, text)

    def labelled(self, text: str) -> str:
        """``text`` with labels in place of all marks."""
        return _MARKS.sub(lambda match: self.labels.get(match[0], match[0]), text)

    def marked(self, text: str) -> str:
        """``text`` with marks again where labels of images stand."""
        for mark, held in self._held.items():
            if isinstance(held, _Picture):
                text = text.replace(held.label, mark)
        return text

    def restored(self, text: str, images: Sequence[Image]) -> str:
        """``text`` that was sent with ``images``, with marks in place of their labels again."""
        left = list(images)
        for label in dict.fromkeys(_LABEL.findall(text)):
            if left:
                text = text.replace(label[0], self.picture(left.pop(0), label[1]))
        return " ".join([text, *(self.picture(image, "image") for image in left)])

    def images(self, text: str) -> tuple[Image, ...]:
        """Those whose marks are in ``text``, each once."""
        found = (self._held.get(mark) for mark in dict.fromkeys(_MARKS.findall(text)))
        return tuple(held.image for held in found if isinstance(held, _Picture))

    @property
    def _is_full(self) -> bool:
        return len(self._held) > _LAST - _FIRST

    def _add(self, held: _Paste | _Picture) -> str:
        mark = chr(_FIRST + len(self._held))
        self._held[mark] = held
        self.labels[mark] = held.label
        return mark

    def _content(self, match: re.Match[str]) -> str:
        match self._held.get(match[0]):
            case _Paste(text=text):
                return text
            case _Picture(label=label):
                return label
            case _:
                return match[0]


def cleaned(text: str) -> str:
    """What is pasted as it is kept: one kind of line end, no escape sequences, and none of our own marks.

    Other control characters stay; they are shown by their names.
    """
    text = whole(text).replace("\r\n", "\n").replace("\r", "\n")
    return _MARKS.sub("\ufffd", without_escapes(text).replace("\x1b", "").replace("\0", ""))


def pasted_path(text: str) -> str | None:
    """The path, if ``text`` is that of one image, as terminals paste a file that is dropped on them.

    They quote it, put backslashes before blanks, or make it a ``file:`` address.
    """
    text = text.strip()
    if "\n" in text or "\r" in text or not _PICTURE.fullmatch(text.rstrip("'\"")):
        return None
    path = text.strip("'\"") if _DRIVE.match(text.lstrip("'\"")) else _unquoted(text)
    if path.lower().startswith("file://"):
        path = unquote(urlsplit(path).path)
    absolute = path.startswith(("/", "~/")) or _DRIVE.match(path)
    return path if absolute and _PICTURE.fullmatch(path) else None


def _unquoted(text: str) -> str:
    """A word of a shell as what it stands for; what is none stays, such as a path with plain blanks."""
    try:
        words = shlex.split(text)
    except ValueError:
        return text
    return words[0] if len(words) == 1 else text
