"""The message of a commit that akmon makes of what a turn changed. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from akmon_core.text import plain

WIDTH = 72
"""Of each line, as is usual for git."""
BODY_LINES = 10
_CHARS = 4 * WIDTH * BODY_LINES
"""Looked at of a text."""

_MARKUP = re.compile(r"(?:#{1,6}|[-*>])\s+")
_SENTENCE = re.compile(r"(?<=[.!?])\s")
_BULLET = re.compile(r"[-*+] |\d+[.)] ")
_NO_TEXT = re.compile(r"#|---|diff -|Index: |\(cherry picked |[A-Za-z0-9-]+\s*:(?!//)")
"""How a line begins that tools take for a comment, a patch or a trailer."""


def message_for(prompt: str, answer: str, files: Sequence[str], model: str) -> str:
    """What the user asked for as the subject, then the first paragraph of ``answer``, then ``model``.

    ``files`` are what is committed: they make the subject if the prompt has no words. ``model`` is
    ``provider/model``.
    """
    body = _body(answer)
    return "\n\n".join([_subject(prompt, files), *([body] if body else []), _trailer(model)]) + "\n"


def _subject(prompt: str, files: Sequence[str]) -> str:
    lines = (_MARKUP.sub("", line.strip(), count=1) for line in plain(prompt[:_CHARS]).split("\n"))
    line = next((line for line in lines if _has_words(line)), "")
    sentence = next((each for each in _SENTENCE.split(line) if _has_words(each)), _change_of(files))
    subject = " ".join(sentence.split())
    if subject.startswith("#"):  # an editor of the message would take it for a comment
        subject = f"akmon: {subject}"
    return _cut(subject if subject.endswith("..") else subject.removesuffix("."), WIDTH)


def _has_words(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _change_of(files: Sequence[str]) -> str:
    first = " ".join(plain(files[0][:_CHARS]).split()) if files else ""
    if not first:
        return "Change files"
    more = len(files) - 1
    tail = f" and {more} more" if more else ""
    return f"Change {_cut(first, WIDTH - len('Change ') - len(tail))}{tail}"


def _cut(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    start = text[:width]
    return f"{start[: start.rfind(' ')] if ' ' in start else start[:-1]}…"


def _body(answer: str) -> str:
    """The first paragraph that says something, as lines of text."""
    for paragraph in re.split(r"\n[ \t]*\n", plain(answer[:_CHARS])):
        lines = [line.strip() for line in paragraph.split("\n")]
        if lines[0].startswith(("```", "~~~")):
            return ""
        said = [line for line in lines if _has_words(line) and not line.startswith("#")]
        if said:
            wrapped = [each for item in _items(said) for each in textwrap.wrap(item, WIDTH - 2)]
            more = ["…"] if len(wrapped) > BODY_LINES else []
            return "\n".join(_harmless(each) for each in [*wrapped[: BODY_LINES - len(more)], *more])
    return ""


def _items(lines: Iterable[str]) -> list[str]:
    """Lines that go on are joined; each item of a list stays by itself."""
    items: list[str] = []
    for line in lines:
        if items and not _BULLET.match(line):
            items[-1] += f" {line}"
        else:
            items.append(line)
    return items


def _harmless(line: str) -> str:
    return f"  {line}" if _NO_TEXT.match(line) else line


def _trailer(model: str) -> str:
    name = " ".join(re.sub(r"[<>()]", "", plain(model[:_CHARS])).split())
    return f"Co-authored-by: akmon{f' ({name})' if name else ''} <akmon@localhost>"
