"""What each style looks like: in the dark and the light theme, in 16 colours, and without any colour."""

from __future__ import annotations

from typing import NamedTuple


class Colour(NamedTuple):
    """One colour for terminals that know all, 256, or 16; the latter two as numbers of xterm's palette."""

    true: str
    """Six hexadecimal digits: red, green, blue."""
    many: int
    few: int = -1
    """0 to 15; -1 is none, as in many palettes it could not be read."""


class Look(NamedTuple):
    ink: Colour | None = None
    paper: Colour | None = None
    """The background. Text on it has an ink that suits it, whatever the terminal's own are."""
    also: str = ""
    """Attributes beside the colour, by name and separated by blanks."""
    few: str | None = None
    """These where there are 16 colours; None is as ``also``."""


class _Palette(NamedTuple):
    grey: Colour
    blue: Colour
    green: Colour
    red: Colour
    yellow: Colour
    purple: Colour
    cyan: Colour
    selected: tuple[Colour, Colour]
    """Ink and paper, here and below."""
    added: tuple[Colour, Colour]
    removed: tuple[Colour, Colour]
    added_word: tuple[Colour, Colour]
    removed_word: tuple[Colour, Colour]


ATTRIBUTES = {"bold": "1", "dim": "2", "italic": "3", "underline": "4", "reverse": "7", "strike": "9"}

BARE: dict[str, str] = {
    "bold": "bold",
    "dim": "dim",
    "italic": "italic",
    "strike": "strike",
    "underline": "underline",
    "code": "bold",
    "heading": "bold",
    "quote": "italic",
    "link": "underline",
    "accent": "bold",
    "user": "bold",
    "thinking": "dim italic",
    "ok": "",
    "error": "bold",
    "warning": "bold",
    "ask": "bold",
    "selected": "reverse",
    "added": "",
    "removed": "",
    "added-word": "bold underline",
    "removed-word": "reverse",
    "number": "dim",
    "keyword": "bold",
    "string": "",
    "comment": "dim",
    "name": "",
    "literal": "",
    "operator": "",
}
"""What carries the meaning where there is no colour. Signs in the text say the rest: + and - of diffs."""


def _looks(of: _Palette) -> dict[str, Look]:
    grey, slanted = Look(of.grey, few="dim"), Look(of.grey, also="italic", few="dim italic")
    return {
        **{name: Look(also=name) for name in ("bold", "italic", "strike", "underline")},
        "dim": grey,
        "code": Look(of.cyan),
        "heading": Look(of.blue, also="bold"),
        "quote": slanted,
        "link": Look(of.blue, also="underline"),
        "accent": Look(of.cyan, also="bold"),
        "user": Look(of.blue, also="bold"),
        "thinking": slanted,
        "ok": Look(of.green),
        "error": Look(of.red, also="bold"),
        "warning": Look(of.yellow),
        "ask": Look(of.purple, also="bold"),
        "selected": Look(*of.selected, few="reverse"),
        "added": Look(*of.added),
        "removed": Look(*of.removed),
        "added-word": Look(*of.added_word, "bold", "bold underline"),
        "removed-word": Look(*of.removed_word, "bold", "reverse"),
        "number": grey,
        "keyword": Look(of.red),
        "string": Look(of.green),
        "comment": slanted,
        "name": Look(of.purple),
        "literal": Look(of.blue),
        "operator": Look(of.cyan),
    }


DARK = _looks(
    _Palette(
        grey=Colour("8b949e", 246),
        blue=Colour("79c0ff", 117, 12),
        green=Colour("7ee787", 114, 2),
        red=Colour("ff7b72", 210, 1),
        yellow=Colour("e3b341", 179, 3),
        purple=Colour("d2a8ff", 183, 5),
        cyan=Colour("76d9e6", 116, 6),
        selected=(Colour("e6edf3", 255), Colour("1f3f66", 24)),
        added=(Colour("d5f5dc", 194, 2), Colour("12331d", 22)),
        removed=(Colour("ffdfdb", 224, 1), Colour("44191c", 52)),
        added_word=(Colour("ffffff", 231, 2), Colour("1f6b35", 28)),
        removed_word=(Colour("ffffff", 231, 1), Colour("8e2a2d", 88)),
    )
)

LIGHT = _looks(
    _Palette(
        grey=Colour("626b75", 242),
        blue=Colour("0550ae", 25, 4),
        green=Colour("116329", 22, 2),
        red=Colour("b3202c", 124, 1),
        yellow=Colour("7d4e00", 94, 3),
        purple=Colour("7339c4", 92, 5),
        cyan=Colour("136a73", 23, 6),
        selected=(Colour("1f2328", 235), Colour("cfe4ff", 189)),
        added=(Colour("0d3b1c", 22, 2), Colour("dcf7e2", 194)),
        removed=(Colour("6b0f16", 52, 1), Colour("ffe9e7", 224)),
        added_word=(Colour("06280f", 16, 2), Colour("9fe8b1", 157)),
        removed_word=(Colour("4d0609", 16, 1), Colour("ffc1bc", 217)),
    )
)
