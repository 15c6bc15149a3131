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
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.tools import ToolSpec

MESSAGE = 4
"""Tokens that a message costs besides its text: role and delimiters (OpenAI's cookbook counts 3 to 4)."""
CALL = 8
"""Tokens that a call or a result costs besides name, arguments and text: its id and delimiters."""
TOOL = 8
"""Tokens that a tool costs besides its name, description and schema."""
IMAGE = 1_500
"""Tokens of one image: Anthropic counts width * height / 750, about 1,600 for the largest that it does not
scale down; OpenAI 765 to 1,105 in tiles of 512 pixels, or at most 1,536 patches."""
SEALED_BYTES = 650
"""Bytes of encrypted reasoning that are not reasoning; codex takes this figure for OpenAI's."""

WHOLE = 40_000
"""Characters up to which all of a text is measured."""
SAMPLES = 32
"""Samples, evenly spread, that stand for a longer text."""
KEPT = 64
"""Texts of that size whose weight is remembered; most of them are in the session's memory anyway."""
LONG = 20
"""Characters of a piece that is not worth keeping, as no other text will have its like."""
RATIO_MIN, RATIO_MAX = 0.5, 3.0
"""What one tokenizer may differ from another; a report beyond that is not of this prompt."""

# Kinds of character: a lower, A upper, 0 digit; w Latin with the accents of Western Europe, v with others;
# y Cyrillic, g Greek, r Armenian, Hebrew and Georgian, h Arabic, C Han, J kana, K Hangul, T Thai, D other
# letters, m marks; P punctuation, S symbols, E emoji, X the rest. ASCII punctuation and spaces stand for
# themselves, escape for all control characters.
_RANGES = (
    (0xA0, "X"), (0xA1, "\t"), (0xC0, "S"), (0x100, "w"), (0x250, "v"), (0x300, "X"), (0x370, "m"),
    (0x400, "g"), (0x530, "y"), (0x600, "r"), (0x780, "h"), (0x900, "X"), (0xE00, "D"), (0xE80, "T"),
    (0x1000, "X"), (0x10A0, "D"), (0x1100, "r"), (0x1200, "K"), (0x1780, "X"), (0x1800, "D"),
    (0x1E00, "X"), (0x1F00, "w"), (0x2000, "g"), (0x2070, "P"), (0x2E80, "S"), (0x3000, "C"),
    (0x3040, "P"), (0x3100, "J"), (0x3130, "X"), (0x3190, "K"), (0x3400, "S"), (0xA000, "C"),
    (0xAC00, "X"), (0xD7B0, "K"), (0xF900, "X"), (0xFB00, "C"), (0xFE00, "h"), (0xFE10, "m"),
    (0xFF00, "X"), (0xFF61, "P"), (0xFFA0, "J"), (0xFFE0, "K"), (0x1F000, "X"), (0x1FB00, "E"),
)  # fmt: skip


_ASCII = "\x1b" * 9 + "\t\n\x1b\x1b\n" + "\x1b" * 18 + " !\"#$%&'()*+,-./0000000000:;<=>?@" + "A" * 26
_ASCII += "[\\]^_`" + "a" * 26 + "{|}~\x1b"


def _kinds() -> str:
    """The kind of every code point up to the last range; ``str.translate`` leaves others as they are."""
    kinds = _ASCII
    for end, kind in _RANGES:
        kinds += kind * (end - len(kinds))
    return kinds


_KINDS = _kinds()
_PIECE = re.compile(
    r"(?=[aA0/+_-]{20})(?=(?:[aA/+_-]{0,12}0{1,8}){3})[aA0/+_-]{20,}=*"  # base64, hashes, uuids
    r"|[^\naA0wvygrhCJKDTmPSEX]?(?:A*[awv]+|A+)(?:'aa?(?![awv]))?"
    r"|0{1,3}"
    r"|[^\naA0wvygrhCJKDTmPSEX]?(?:[yg]+|r+|h+|[Dm]+|K+|T+)"
    r"|[CJ]+"
    r"| ?[^\saA0wvygrhCJKDTmPSEX]+[\n/]*"
    r"| ?P+\n*| ?S+\n*| ?E+\n*|X+"
    r"|[ \t\n]*\n+|\s+(?!\S)|\s+"
)

# What words of 1, 2, 3 ... characters cost; beyond the table a third of a token per character more.
_SPACED = (1.0, 1.0, 1.04, 1.03, 1.03, 1.03, 1.07, 1.09, 1.11, 1.13, 1.21, 1.25, 1.3, 1.45, 1.7)
_BARE = (1.0, 1.01, 1.1, 1.09, 1.07, 1.13, 1.24, 1.26, 1.55, 1.7, 1.75, 1.85, 2.1, 2.4, 2.8)
_CAPITAL_SPACED = (1.0, 1.03, 1.04, 1.04, 1.14, 1.2, 1.2, 1.3, 1.4, 1.4, 1.6, 1.7, 1.75, 1.8, 1.9)
_CAPITAL_BARE = (1.0, 1.03, 1.1, 1.06, 1.04, 1.07, 1.1, 1.11, 1.2, 1.25, 1.25, 1.3, 1.45, 1.5, 1.6)
_UPPER_SPACED = (1.0, 1.0, 1.08, 1.3, 1.4, 1.25, 1.25, 1.4, 1.5, 1.5, 1.6, 1.7, 1.8, 2.0, 2.2)
_UPPER_BARE = (1.0, 1.03, 1.34, 1.6, 1.6, 1.8, 2.1, 2.3, 2.3, 2.8, 3.0, 3.3, 3.6, 3.9, 4.2)
# A word with accents also carries what its neighbours without any cost more than English words.
_ACCENTED = (1.0, 1.2, 1.2, 1.25, 1.6, 1.75, 2.0, 2.3, 2.5, 2.6, 2.7, 3.0, 3.3, 3.6, 3.9)
_PER_LETTER = 0.33

_JOINED = "_.-(,'"
"""Punctuation that is mostly one token with the word after it."""
_HALF_JOINED = "/=[\t<#^)%*"

_FUSED = frozenset(
    ('":"', '","', '":{"', '":["', '},{"', '"},{"', "></", '"></', '":', '",', '{"', "():", "());", "')")
)
"""Runs of punctuation that are frequent in data and code, and one token."""

# Other scripts: first token, then tokens per character, with a space before and without.
_SCRIPTS = {
    "y": (0.6, 0.165, 0.9, 0.25),
    "g": (0.3, 0.33, 0.6, 0.49),
    "r": (0.4, 0.27, 0.6, 0.4),
    "h": (0.25, 0.27, 0.5, 0.37),
    "K": (0.7, 0.46, 0.3, 0.75),
    "D": (0.4, 0.29, 0.4, 0.55),
    "m": (0.4, 0.29, 0.4, 0.55),
    "T": (0.5, 0.4, 0.5, 0.4),
}


def weigh_text(text: str) -> int:
    """Estimated tokens of ``text``, within about a tenth of o200k_base. Any ``str`` will do.

    About a millisecond per 10 kB, and no more than four for a longer text.
    """
    if len(text) <= WHOLE:
        return round(_known_measure(text))
    size = WHOLE // SAMPLES
    last = len(text) - size
    starts = (last * sample // (SAMPLES - 1) for sample in range(SAMPLES))
    return round(sum(_measure(text[start : start + size]) for start in starts) * len(text) / (size * SAMPLES))


def _measure(text: str) -> float:
    shapes = Counter(_PIECE.findall(text.translate(_KINDS)))
    return sum(
        (_known_price(shape) if len(shape) < LONG else _price(shape)) * times
        for shape, times in shapes.items()
    )


# A result is weighed where it is cut, where it is recorded and wherever the prompt is made shorter.
_known_measure = lru_cache(maxsize=KEPT)(_measure)


def _price(shape: str) -> float:
    """Tokens that a piece of this shape costs on average."""
    last = shape[-1]
    if len(shape) >= LONG and "0" in shape:
        return _random(shape)
    if last in "aAwv":
        return _word(shape)
    if last in "CJ":
        return _ideographs(shape)
    if last in _SCRIPTS:
        return _script(shape)
    if last == "0":
        return 1.0
    if shape.isspace():
        lines = shape.count("\n")
        return 1.0 + lines // 16 + (len(shape) - lines) // 80
    return _symbols(shape)


_known_price = lru_cache(maxsize=8_192)(_price)


def _random(shape: str) -> float:
    """Base64 and the like breaks wherever the kind of character changes, and within."""
    runs = len(re.findall(r"a+|A+|0+|[^aA0]", shape))
    if "a" not in shape and "A" not in shape:
        return len(shape) / 3 + runs / 2
    if "a" in shape and "A" in shape:
        return 0.11 * len(shape) + 0.87 * runs
    return 0.28 * len(shape) + 0.6 * runs


def _word(shape: str) -> float:
    first = shape[0]
    word = shape if first in "aAwv" else shape[1:]
    word, apostrophe, _ = word.partition("'")
    after = 0.95 if apostrophe else 0.0
    spaced = first == " "
    if first == "\\":  # escaped: the backslash and its letter are one token, the word stands behind them
        return after + 1.0 + (_letters(word[1:], spaced=False) if len(word) > 1 else 0.0)
    if spaced or first in "aAwv":
        return after + _letters(word, spaced)
    return (
        after
        + _letters(word, spaced=False)
        + (0.1 if first in _JOINED else 0.4 if first in _HALF_JOINED else 0.8)
    )


def _letters(word: str, spaced: bool) -> float:
    if "w" in word or "v" in word:
        return _at(_ACCENTED, len(word)) + (0.0 if len(word) < 6 else 1.6 if "v" in word else 1.0)
    capitals = word.count("A")
    if not capitals:
        return _at(_SPACED if spaced else _BARE, len(word))
    if capitals == len(word) and capitals > 1:
        return _at(_UPPER_SPACED if spaced else _UPPER_BARE, len(word))
    if capitals == 1:
        return _at(_CAPITAL_SPACED if spaced else _CAPITAL_BARE, len(word))
    return 1.6 + 0.1 * len(word)


def _at(table: tuple[float, ...], length: int) -> float:
    return table[length - 1] if length <= len(table) else table[-1] + _PER_LETTER * (length - len(table))


def _script(shape: str) -> float:
    first, each, first_bare, each_bare = _SCRIPTS[shape[-1]]
    spaced = shape[0] not in _SCRIPTS
    if spaced:
        return max(1.0, first + each * (len(shape) - 1)) + (0.0 if shape[0] == " " else 0.5)
    return max(1.0, first_bare + each_bare * len(shape))


def _ideographs(shape: str) -> float:
    return max(1.0, 0.3 + 0.68 * len(shape))


def _symbols(shape: str) -> float:
    body = shape.strip()
    if body in _FUSED:
        return 1.0
    if not body.isascii():  # some are beyond the ranges
        return sum(0.5 if char < "\x80" else 2.5 for char in body)
    if body[0] in "EX":
        return (1.4 if body[0] == "E" else 2.0) * len(body)
    if body[0] in "PS":
        return 0.4 + 0.6 * len(body)
    runs = [match[0] for match in re.finditer(r"(.)\1*", body)]
    if len(runs) == 1:
        return 1.0 + len(body) // (2 if body[0] == "\x1b" else 64)
    return max(1.0, sum(map(_run, runs)) - 0.2)


def _run(run: str) -> float:
    """What one sign, however often, adds to the punctuation around it."""
    if run[0] == "\x1b":
        return 1.45 + 0.5 * len(run)
    return 0.45 if len(run) < 3 else 1.0


class Gauge(msgspec.Struct, frozen=True):
    """What the last request weighed here and what the provider counted for it: the measure of the next."""

    reported: int = 0
    """Tokens of the last request's prompt, as the provider counted them; 0 is no report."""
    weighed: int = 0
    """What that prompt weighed here."""

    @property
    def ratio(self) -> float:
        """The provider's tokens per token of ours, within reason."""
        if not self.reported or not self.weighed:
            return 1.0
        return min(max(self.reported / self.weighed, RATIO_MIN), RATIO_MAX)

    def tokens(self, weighed_now: int) -> int:
        """Estimated tokens of a prompt that weighs ``weighed_now``; never below 0.

        A longer prompt is what was counted plus what was added. A shorter one is a share of what was counted.
        """
        if not self.reported or not self.weighed:
            return max(weighed_now, 0)
        if weighed_now < self.weighed:
            return round(self.reported * max(weighed_now, 0) / self.weighed)
        return self.reported + round((weighed_now - self.weighed) * self.ratio)


def weigh(message: Message) -> int:
    """Estimated tokens of a message within a prompt."""
    match message:
        case User(parts=parts):
            return MESSAGE + sum(_weigh_part(part) for part in parts)
        case Assistant(parts=replied):
            return MESSAGE + sum(_weigh_part(part) for part in replied)
        case ToolResult(text=text, images=images):
            return MESSAGE + CALL + weigh_text(text) + IMAGE * len(images)


def _weigh_part(part: Text | Image | Thinking | ToolCall) -> int:
    match part:
        case Text(text=text):
            return weigh_text(text)
        case Image():
            return IMAGE
        case Thinking(text=text, signature=signature):
            return max(weigh_text(text), _weigh_sealed(signature))
        case ToolCall(name=name, arguments=arguments):
            return CALL + weigh_text(name) + weigh_text(arguments)


def _weigh_sealed(signature: str) -> int:
    """What is counted is the reasoning, not the base64 of its cipher text: about four bytes to a token.

    The text shown beside it may be a summary, so the larger of the two is taken.
    """
    return max(len(signature) * 3 // 4 - SEALED_BYTES, 0) // 4


def weigh_tools(specs: Iterable[ToolSpec]) -> int:
    """Estimated tokens of the tools that a request offers."""
    return sum(
        TOOL
        + weigh_text(spec.name)
        + weigh_text(spec.description)
        + weigh_text(msgspec.json.encode(spec.parameters).decode())
        for spec in specs
    )
