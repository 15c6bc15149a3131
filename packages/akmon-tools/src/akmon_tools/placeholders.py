"""Notices text that a model left out and named instead, such as ``// ... rest of the code unchanged``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from akmon_core.errors import ToolError
from akmon_core.text import one_line

_COMMENT = re.compile(
    r"(?P<html><!--)\s*(?P<a>.*?)\s*-->"
    r"|\{?/\*+\s*(?P<b>.*?)\s*\*+/\}?"
    r"|(?:#+|//+|--|;+|%+|'|REM)\s*(?P<c>.*)"
    r"|(?P<bare>[\[(<].*[\])>]|(?:\.{3}|…).*|.*(?:\.{3}|…))",
    re.IGNORECASE | re.DOTALL,
)
_DOTS = r"(?:\.{3,}|…)"
_THING = (
    r"(?:code|file|function|method|class|implementation|content|import|line|logic|test|case|field|propert(?:y|ie)"
    r"|item|entr(?:y|ie)|section|part|body|document|stuff|handler|route|definition|config(?:uration)?|style|rule"
    r"|element|markup|text|setting|component|statement|variable|declaration|option|value|step|key)s?"
)
_LEFT = (
    r"(?:the\s+)?(?:rest|remaining|remainder|existing|unchanged|previous|other|same|original"
    r"|all\s+other|current)"
)
_STAYS = (
    r"(?:(?:is|are|remains?|stays?|stay|kept|left|continues?)\s+)?"
    r"(?:the\s+same|unchanged|as\s+(?:is|before|it\s+was|they\s+were)"
    r"|untouched|intact|omitted(?:\s+for\s+brevity)?|not\s+shown|unmodified|(?:goes|continues|stays)\s+here|here)"
)
_OF = rf"(?:\s+of\s+(?:the|this|your|my)?\s*(?:\w+\s+){{0,2}}{_THING})?"
_WHAT = rf"{_LEFT}{_OF}(?:\s+(?:\w+\s+)?{_THING})?"
_SAID = re.compile(
    rf"(?:{_WHAT}\s+{_STAYS}"
    rf"|(?:{_THING}\s+)?(?:unchanged|omitted(?:\s+for\s+brevity)?|truncated|snip(?:ped)?)"
    rf"|no\s+changes?(?:\s+(?:here|below|above|needed))?"
    rf"|(?:keep|leave)\s+(?:the\s+)?(?:existing|rest|remaining|other){_OF}(?:\s+{_THING})?(?:\s+{_STAYS})?"
    r"|(?:the\s+)?rest\s+unchanged)",
    re.IGNORECASE,
)
_HINTED = re.compile(
    rf"(?:{_WHAT}(?:\s+{_STAYS})?|same\s+as\s+(?:before|above)|etc|and\s+so\s+on|snip(?:ped)?|{_THING}|as\s+before)",
    re.IGNORECASE,
)
_PROSE = {".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc", ".org", ".tex"}


def refuse_placeholder(name: str, new: str, *known: str) -> None:
    """Raises ``ToolError`` if a line of ``new``, which none of ``known`` has, stands for text left out."""
    prose = PurePath(name).suffix.lower() in _PROSE
    for line in _code_lines(new) if prose else new.split("\n"):
        meant = line.strip()
        if not _stands_for_more(meant, prose) or any(_has_line(text, meant) for text in known):
            continue
        raise ToolError(
            f"nothing was changed: the line “{one_line(meant, 80)}” stands for text that was left out, and "
            "would replace it. Give the whole text, or change only the lines that differ with edit."
        )


def has_placeholder(old: str) -> bool:
    return any(_stands_for_more(line.strip(), prose=False) for line in old.split("\n"))


def _stands_for_more(line: str, prose: bool) -> bool:
    found = _COMMENT.fullmatch(line) if len(line) < 200 else None
    if not found or (prose and not found["html"] and not found["bare"]):
        return False
    said = next(part for part in (found["a"], found["b"], found["c"], found["bare"]) if part is not None)
    said = said.strip("[](){}<> \t")
    words = re.sub(rf"^{_DOTS}\s*|\s*{_DOTS}$|[.!]$", "", re.sub(r"[()\[\],:;-]", " ", said))
    words = " ".join(words.split())
    dots = bool(re.match(_DOTS, said) or re.search(rf"{_DOTS}$", said))
    if found["bare"]:
        return bool(words) and bool(
            _SAID.fullmatch(words) or (dots and re.fullmatch(_WHAT, words, re.IGNORECASE))
        )
    return bool(_SAID.fullmatch(words) or (dots and (not words or _HINTED.fullmatch(words))))


def _code_lines(text: str) -> Iterator[str]:
    """The lines of a document that are not examples of code."""
    fenced = False
    for line in text.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced:
            yield line


def _has_line(text: str, wanted: str) -> bool:
    return wanted in text and any(line.strip() == wanted for line in text.split("\n"))
