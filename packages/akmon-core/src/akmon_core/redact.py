"""Takes secrets out of text before it is stored, shown or read by a model.

Two kinds are found: keys that are known, in any text, also where they stand as base64, hexadecimal digits or
percent-encoded; and what surely is a secret by its form (``akmon_core.secretpatterns``). The time that it
takes grows with the length of the text and no faster.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator

from akmon_core.limits import REDACTED_AT_ONCE, SECRET_CHARS, SECRET_CHARS_MIN
from akmon_core.secretpatterns import PATTERNS

REDACTED = "[redacted]"

_WORDS = re.compile(r"(?:[a-z]+|[A-Z]+|[A-Z][a-z]+)(?:[-_ .](?:[a-z]+|[A-Z]+|[A-Z][a-z]+))*\Z")
_WORDS_CHARS = 24
_PATH = re.compile(r"(?:~|\.{0,2})/[\w./ @+-]*\Z|[A-Za-z]:\\")
_NO_SECRET = re.compile(r"[0-9., :-]*\Z|\[redacted\b")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^@]*\Z")

_KEY_BLOCK_HEAD = 500
"""Characters before the first line of a private key, or of its last one."""

_Found = tuple[int, int, str]
"""Where a secret stands in a text, and what takes its place."""


def hides(value: str) -> bool:
    """Whether ``value`` can be told from ordinary text, so that it may be taken out wherever it stands.

    It has at least ``SECRET_CHARS_MIN`` characters and is no number, path, address without a password or
    short row of plain words such as ``not-needed``.
    """
    if len(value) < SECRET_CHARS_MIN or _NO_SECRET.match(value):
        return False
    if len(value) < _WORDS_CHARS and _WORDS.match(value):
        return False
    return not (_PATH.match(value) or _ADDRESS.match(value))


class Redactor:
    """Replaces secrets. ``known`` are the values of keys; those that ordinary text may hold do not count."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self.add(*known)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"

    def add(self, *values: str) -> None:
        """Knows more keys from here on, such as one that was just fetched."""
        forms = {*self._forms, *(form for value in values for form in _forms(value.strip()))}
        # A key that begins with another one goes first, so that nothing of it is left.
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def __call__(self, text: str) -> str:
        """``text`` with the keys that are known, and whatever surely looks like one, replaced."""
        return self._without(text, 0, len(text))

    def known(self, text: str) -> str:
        """``text`` with the keys that are known replaced."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, REDACTED)
        return text

    def stream(self) -> RedactingStream:
        """For bytes that come in pieces."""
        return RedactingStream(self)

    def _without(self, text: str, start: int, end: int, found: list[_Found] | None = None) -> str:
        found = self._found(text) if found is None else found
        if not found:
            return text if (start, end) == (0, len(text)) else text[start:end]
        pieces: list[str] = []
        for first, last, instead in found:
            if first >= end:
                break
            pieces += (text[start:first], instead)
            start = last
        return "".join([*pieces, text[start:end]])

    def _found(self, text: str) -> list[_Found]:
        """Where the secrets are, in order, with those that overlap made one."""
        spans = sorted([*_literal(text, self._forms), *_by_form(text)])
        merged: list[_Found] = []
        for start, end, instead in spans:
            if merged and start < merged[-1][1]:
                first, last, before = merged[-1]
                merged[-1] = (first, max(last, end), before)
            else:
                merged.append((start, end, instead))
        return merged


class RedactingStream:
    """Redacts bytes that come in pieces, whatever their encoding: secrets are ASCII, or known.

    What follows the last line end is held back, up to ``REDACTED_AT_ONCE`` bytes, as a secret may go on in
    the next piece.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        """What is sure by now of all that was fed."""
        self._held += chunk
        if not (b"\n" in chunk or b"\r" in chunk or len(self._held) > REDACTED_AT_ONCE):
            return b""
        text = self._held.decode("latin-1")
        found = self._redactor._found(text)
        cut = _safe_cut(text, found)
        self._held = bytearray(text[cut:].encode("latin-1"))
        return self._redactor._without(text, 0, cut, found).encode("latin-1")

    def rest(self) -> bytes:
        """What was held back."""
        text, self._held = self._held.decode("latin-1"), bytearray()
        return self._redactor(text).encode("latin-1")


def _safe_cut(text: str, found: list[_Found]) -> int:
    """How much of ``text`` no secret can be part of that goes on behind it."""
    size = len(text)
    cut = _before_key_block(text, max(text.rfind("\n"), text.rfind("\r")) + 1, found)
    if size - cut > REDACTED_AT_ONCE:
        cut = size - SECRET_CHARS
    spanning = next((start for start, end, _ in found if start < cut < end), cut)
    return spanning if size - spanning <= 2 * REDACTED_AT_ONCE else size


def _before_key_block(text: str, cut: int, found: list[_Found]) -> int:
    """``cut``, or the start of a private key before it whose end has not come yet."""
    block = text.rfind("-----BEGIN ", 0, cut)
    if block < 0 or "-----END " in text[block:cut] or "PRIVATE KEY" not in text[block : block + 80]:
        return cut
    reached = next((end for start, end, _ in found if start == block), block)
    return block if cut - reached <= _KEY_BLOCK_HEAD else cut


def _literal(text: str, forms: tuple[str, ...]) -> Iterator[_Found]:
    for form in forms:
        at = text.find(form)
        while at >= 0:
            yield at, at + len(form), REDACTED
            at = text.find(form, at + len(form))


def _by_form(text: str) -> Iterator[_Found]:
    for pattern in PATTERNS:
        if not any(lead in text for lead in pattern.leads):
            continue
        group = min(pattern.regex.groups, 1)
        for match in pattern.regex.finditer(text):
            yield match.start(group), match.end(group), f"[redacted: {pattern.kind}]"


def _forms(value: str) -> Iterator[str]:
    """How a key may stand in a text: as it is, as JSON, as UTF-8 read byte by byte, and encoded."""
    lines = value.splitlines()
    for each in (value, *lines) if len(lines) > 1 else lines:
        if not hides(each):
            continue
        yield each
        raw = each.encode("utf-8", "surrogateescape")
        yield raw.decode("latin-1")
        yield each.replace("\\", "\\\\").replace('"', '\\"')
        yield from _percent(raw)
        yield from (raw.hex(), raw.hex().upper())
        yield from _base64(raw)


def _percent(raw: bytes) -> Iterator[str]:
    for kept in (b"-._~", b"-._~/", b"-._*"):
        coded = [chr(byte) if _plain(byte, kept) else f"%{byte:02X}" for byte in raw]
        yield "".join(coded)
        yield "".join(piece.lower() if len(piece) > 1 else piece for piece in coded)


def _plain(byte: int, kept: bytes) -> bool:
    return bytes((byte,)).isalnum() or byte in kept


def _base64(raw: bytes) -> Iterator[str]:
    """What the base64 of a text has of ``raw`` in it, wherever ``raw`` begins in a group of three bytes."""
    for before in range(3):
        coded = b2a_base64(b"\0" * before + raw, newline=False).decode().rstrip("=")
        first = (0, 2, 3)[before]
        last = len(coded) if (before + len(raw)) % 3 == 0 else len(coded) - 1
        inner = coded[first:last]
        if len(inner) >= SECRET_CHARS_MIN:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
