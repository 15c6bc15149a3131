"""How many tokens a prompt is likely to be: estimated from the text, corrected by what the provider counted.

A byte-pair tokenizer first splits a text into pieces (a word with the space before it, up to three
digits, a run of punctuation) and then spends one token or a few on each. The split can be made by a
regular expression; what a piece costs depends mostly on its shape: which kinds of character, how many.
So a text is mapped to kinds of character, split, and the shapes are counted and priced. The prices
are means over a corpus of prose, code, data and some twenty languages, measured with o200k_base, the
tokenizer of OpenAI's models since GPT-4o.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from akmon_core.messages import Assistant, Message, Text, Thinking, ToolResult, User
from akmon_core.tools import ToolSpec

MESSAGE = 4
"""Tokens that a message costs besides its text: role and delimiters (OpenAI's cookbook counts 3 to 4)."""
CALL = 8
"""Tokens that a call or a result costs besides name, arguments and text: its id and delimiters."""
TOOL = 8
"""Tokens that a tool costs besides its name, description and schema."""
IMAGE = 1_500
"""Tokens of one image: Anthropic counts width * height / 750, at most about 1,600 for one it does not
scale down; OpenAI about 765 to 1,445 for a screenshot at high detail."""
SEALED = 0.19
"""Tokens per character of encrypted reasoning: about three quarters of base64 are bytes, of which
about four make a token; the provider counts the reasoning, not the cipher text."""

WHOLE = 40_000
"""Characters up to which all of a text is measured."""
SAMPLES = 32
"""Samples, evenly spread, that stand for a longer text."""

# Kinds of character: a lower, A upper, 0 digit; w Latin with accents, y Cyrillic, g Greek, r Armenian,
# Hebrew and Georgian, h Arabic, C Han, J kana, K Hangul, T Thai and Lao, D other letters, m marks; P
# punctuation, S symbols, E emoji, X the rest. ASCII punctuation and spaces stand for themselves.
_RANGES = (
    (0xA1, "X"), (0xC0, "S"), (0x250, "w"), (0x300, "X"), (0x370, "m"), (0x400, "g"), (0x530, "y"),
    (0x600, "r"), (0x780, "h"), (0x900, "X"), (0xE00, "D"), (0x1000, "T"), (0x10A0, "D"), (0x1100, "r"),
    (0x1200, "K"), (0x1E00, "D"), (0x1F00, "w"), (0x2000, "g"), (0x2070, "P"), (0x2E80, "S"),
    (0x3000, "C"), (0x3040, "P"), (0x3100, "J"), (0x3130, "X"), (0x3190, "K"), (0x3400, "S"),
    (0xA000, "C"), (0xAC00, "X"), (0xD7B0, "K"), (0xF900, "X"), (0xFB00, "C"), (0xFF00, "X"),
    (0xFF61, "P"), (0xFFA0, "J"), (0xFFE0, "K"), (0x1F000, "X"), (0x1FB00, "E"), (0x20000, "X"),
    (0x32000, "C"), (0x110000, "X"),
)  # fmt: skip


def _ascii(char: str) -> str:
    if char.islower():
        return "a"
    if char.isupper():
        return "A"
    if char.isdigit():
        return "0"
    if char in "\r\n":
        return "\n"
    return char if char.isprintable() or char == "\t" else "X"


class _Kinds(dict[int, str]):
    """The kind of every code point; those past ASCII are looked up when they are first met."""

    def __missing__(self, code: int) -> str:
        kind = next(kind for end, kind in _RANGES if code < end)
        self[code] = kind
        return kind


_KINDS = _Kinds({code: _ascii(chr(code)) for code in range(128)})
_PIECE = re.compile(
    r"(?=(?:[aA/+_-]{0,12}0{1,8}){3})[aA0/+_-]{20,}=*"  # base64, hashes, uuids
    r"|[^\naA0wygrhCJKDTmPSEX]?(?:A*[aw]+|A+)(?:'aa?(?![aw]))?"
    r"|0{1,3}"
    r"|[^\naA0wygrhCJKDTmPSEX]?(?:[yg]+|r+|h+|[Dm]+|K+|T+)"
    r"|[CJ]+"
    r"| ?[^\saA0wygrhCJKDTmPSEX]+[\n/]*"
    r"|[ \t\n]*\n+|\s+(?!\S)|\s+"
    r"| ?P+\n*| ?S+\n*| ?E+\n*|X+"
)


class Gauge(msgspec.Struct, frozen=True):
    reported: int = 0
    weighed: int = 0

    @property
    def ratio(self) -> float:
        if not (self.reported and self.weighed):
            return 1.0
        return min(max(self.reported / self.weighed, 0.5), 3.0)

    def tokens(self, weighed_now: int) -> int:
        if not self.reported:
            return weighed_now
        return max(0, int(self.reported + (weighed_now - self.weighed) * self.ratio))


def weigh_text(text: str) -> int:
    return -(-len(text) // 4)


def weigh(message: Message) -> int:
    match message:
        case User(parts):
            return 4 + sum(weigh_text(p.text) if isinstance(p, Text) else 1500 for p in parts)
        case Assistant(parts):
            return 4 + sum(
                weigh_text(p.text) if isinstance(p, Text | Thinking) else 8 + weigh_text(p.arguments)
                for p in parts
            )
        case ToolResult(text=text):
            return 4 + weigh_text(text) + 1500 * len(message.images)


def weigh_tools(specs: Iterable[ToolSpec]) -> int:
    return sum(weigh_text(s.description + str(s.parameters)) for s in specs)
