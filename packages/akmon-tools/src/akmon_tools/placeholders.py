"""Notices text that a model left out and named instead, such as ``// ... rest of the code unchanged``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from akmon_core.errors import ToolError
from akmon_core.text import one_line

_COMMENT = re.compile(
    r"(?P<open><!--)\s*(?P<html>.*?)\s*-->"
    r"|\{?/\*+\s*(?P<block>.*?)\s*\*+/\}?"
    r"|(?P<mark>#+|//+|--|;+|%+)\s*(?P<line>.*)"
    r"|(?P<bare>[\[(<].*[\])>]|(?:\.{3}|…)\s.*|.*\s(?:\.{3}|…))"
)
_DOTS = r"(?:\.{3,}|…)"
_CODE = (
    r"(?:code|file|function|method|class|implementation|content|import|line|logic|body|document|section|script"
    r"|template|component|style|markup|definition|statement|declaration|text)(?:e?s)?"
)
_THING = (
    rf"(?:{_CODE}|(?:test|case|field|propert(?:y|ie)|item|entr(?:y|ie)|handler|route|rule|setting|option)s?)"
)
_STAYS = (
    r"(?:(?:is|are|remains?|stays?|left|kept|goes|continues?)\s+)?(?:the\s+same|unchanged|unmodified|untouched|intact"
    r"|as\s+(?:is|before|it\s+was|they\s+were)|omitted(?:\s+for\s+brevity)?|not\s+shown|here)"
)
_REST = rf"(?:the\s+)?(?:rest|remainder)(?:\s+of\s+(?:(?:the|this|your)\s+)?(?:\w+\s+){{0,2}}{_THING})?"
_EXISTING = r"(?:the\s+)?(?:existing|remaining|unchanged)\s+(?:\w+\s+)?"
_SAID = re.compile(
    rf"(?:{_REST}|{_EXISTING}{_CODE})\s+{_STAYS}"
    rf"|(?:{_CODE}\s+)?omitted\s+for\s+brevity"
    rf"|(?:keep|leave)\s+(?:{_REST}|{_EXISTING}{_CODE})(?:\s+{_STAYS})?",
    re.IGNORECASE,
)
"""Says by itself that something was left out."""
_BEFORE_DOTS = re.compile(rf"{_REST}|{_EXISTING}{_THING}(?:\s+{_STAYS})?", re.IGNORECASE)
_AFTER_DOTS = re.compile(
    rf"{_BEFORE_DOTS.pattern}|(?:all\s+)?(?:the\s+)?(?:other|previous|same|original|current)\s+(?:\w+\s+)?{_THING}"
    rf"(?:\s+{_STAYS})?|(?:{_THING}\s+)?(?:unchanged|omitted|truncated|snip(?:ped)?)|{_THING}"
    r"|(?:the\s+)?(?:same|rest)(?:\s+as\s+(?:before|above))?|as\s+before|existing|no\s+changes?(?:\s+here)?",
    re.IGNORECASE,
)
_PROSE = {".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc", ".org", ".tex"}
_LONGEST = 200
"""Characters; a longer line says something."""


def refuse_placeholder(name: str, new: str, *known: str) -> None:
    """Raises ``ToolError`` if a line of ``new``, which none of ``known`` has, stands for text left out.

    ``name`` is that of the file: what is an example in a document would be left out in code.
    """
    for line in _placeholders(new, prose=PurePath(name).suffix.lower() in _PROSE):
        if not any(_has_line(text, line) for text in known):
            raise ToolError(
                f"nothing was changed: the line “{one_line(line, 80)}” stands for text that was left out "
                "and would replace it. Give the whole text, or change only the lines that differ."
            )


def has_placeholder(old: str) -> bool:
    return any(_placeholders(old, prose=False)) or "..." in (line.strip() for line in old.split("\n"))


def _placeholders(text: str, prose: bool) -> Iterator[str]:
    if not (
        "..." in text
        or "…" in text
        or re.search("rest|existing|remain|unchanged|brevity", text, re.IGNORECASE)
    ):
        return
    lines = [line.strip() for line in text.split("\n")]
    fenced = False
    for n, line in enumerate(lines):
        fenced = fenced != (prose and line.startswith(("```", "~~~")))
        if (
            not fenced
            and len(line) <= _LONGEST
            and _stands_for_more(line, [*lines[max(n - 1, 0) : n], *lines[n + 1 : n + 2]], prose)
        ):
            yield line


def _stands_for_more(line: str, around: Sequence[str], prose: bool) -> bool:
    found = _COMMENT.fullmatch(line)
    if not found or (prose and not found["open"] and not found["bare"]):
        return False
    said = next(part for part in found.group("html", "block", "line", "bare") if part is not None).strip(
        "[](){}<> \t"
    )
    words = " ".join(re.sub(r"[()\[\],:;-]", " ", said).split())
    words = re.sub(rf"^{_DOTS}\s*|\s*{_DOTS}$|[.!]$", "", words)
    if not words:
        in_comment = found["mark"] and any(near.startswith(found["mark"]) for near in around)
        return bool(re.fullmatch(_DOTS, said)) and not in_comment
    if _SAID.fullmatch(words):
        return True
    if re.match(_DOTS, said):
        return bool(_AFTER_DOTS.fullmatch(words)) and not (found["bare"] and " " not in words)
    return said.endswith(("...", "…")) and bool(_BEFORE_DOTS.fullmatch(words))


def _has_line(text: str, wanted: str) -> bool:
    return wanted in text and any(line.strip() == wanted for line in text.split("\n"))
