"""Turns lines into text for a terminal: which colours it gets, and the escape sequences that make them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

from akmon_core.errors import SettingsError
from akmon_core.limits import LINK_CHARS
from akmon_tui.lines import Line
from akmon_tui.palettes import ATTRIBUTES, BARE, DARK, LIGHT, Colour, Look
from akmon_tui.terminal import is_dumb, shows_links

STYLES = tuple(BARE)
"""The names that ``Piece.style`` is made of."""

THEMES = ("dark", "light", "ansi")
"""``ansi`` keeps to the 16 colours that the person has chosen for the terminal."""

Depth: TypeAlias = Literal["dumb", "none", "16", "256", "true"]
"""``none`` is bold, underlined, dim and reverse only; ``dumb`` is not even that."""


class Theme(msgspec.Struct, frozen=True, kw_only=True):
    """How styles look on the terminal at hand."""

    name: str
    depth: Depth
    links: bool = False
    """Whether addresses become links that can be clicked."""
    codes: dict[str, str]
    """By name of a style: the numbers of its SGR sequence, separated by ``;``."""

    def encode(self, shown: Line) -> str:
        """``shown`` as text with escape sequences, which end in the state that they began in."""
        if self.depth == "dumb":
            return "".join(_clean(piece.text) for piece in shown)
        parts: list[str] = []
        codes = link = ""
        for piece in shown:
            wanted = self._codes(piece.style) if piece.style else ""
            if piece.link != link and self.links:
                parts.append(_link(piece.link))
                link = piece.link
            if wanted != codes:
                parts.append(f"\x1b[0;{wanted}m" if wanted and codes else f"\x1b[{wanted}m")
                codes = wanted
            parts.append(_clean(piece.text))
        if codes:
            parts.append("\x1b[m")
        if link:
            parts.append(_link(""))
        return "".join(parts)

    def _codes(self, style: str) -> str:
        """Unknown names are nothing. Styles that stand together are looked up once."""
        found = self.codes.get(style)
        if found is None:
            each = (self.codes.get(name, "") for name in style.split())
            found = self.codes[style] = ";".join(dict.fromkeys(codes for codes in each if codes))
        return found


def pick_theme(name: str, environ: Mapping[str, str]) -> Theme:
    """The theme of that name; ``auto`` is the one that suits what is behind the text.

    That is dark unless ``environ`` says otherwise. Raises ``SettingsError`` on other names.
    """
    depth = colour_depth(environ)
    if name == "auto":
        name = _background_in(environ) or "dark"
    if name not in THEMES:
        raise SettingsError(f"there is no theme {name!r}; choose one of auto, {', '.join(THEMES)}")
    if name == "ansi" and depth in ("256", "true"):
        depth = "16"
    looks = LIGHT if name == "light" else DARK
    codes = {style: _sgr(style, looks[style], depth) for style in STYLES}
    return Theme(name=name, depth=depth, links=shows_links(environ), codes=codes)


def colour_depth(environ: Mapping[str, str]) -> Depth:
    """How many colours the terminal that ``environ`` tells of is likely to have, and the person wants."""
    if is_dumb(environ):
        return "dumb"
    if environ.get("NO_COLOR"):
        return "none"
    depth = _depth(environ)
    match environ.get("FORCE_COLOR", "").lower():
        case "":
            return depth
        case "0" | "false" | "no":
            return "none"
        case "2":
            return "256"
        case "3":
            return "true"
        case _:
            return "16" if depth == "none" else depth


_TRUE_TERMS = re.compile(r"xterm-(?:kitty|ghostty)|alacritty|foot|wezterm|contour|rio\b|.*-direct\b")
_TRUE_PROGRAMS = ("iTerm.app", "WezTerm", "ghostty", "vscode", "Hyper", "rio", "Tabby")
_BARE_TERMS = ("vt52", "vt100", "vt102", "vt220", "vt320", "ansi-m", "xterm-mono")


def _depth(environ: Mapping[str, str]) -> Depth:
    term = environ.get("TERM", "")
    if environ.get("WT_SESSION") or (not term and environ.get("OS") == "Windows_NT"):
        return "true"
    # GNU screen inherits what is said of the terminal around it, and passes but its own colours on.
    inside_screen = term.startswith("screen") and not environ.get("TMUX")
    if not inside_screen:
        if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or _TRUE_TERMS.match(term):
            return "true"
        if environ.get("TERM_PROGRAM") in _TRUE_PROGRAMS:
            return "true"
    if "256" in term:
        return "256"
    return "none" if not term or term in _BARE_TERMS else "16"


def _background_in(environ: Mapping[str, str]) -> Literal["dark", "light", ""]:
    """``COLORFGBG`` is such as ``15;0``: the last number is the background's, in the palette of 16."""
    number = environ.get("COLORFGBG", "").rsplit(";", 1)[-1]
    if not number.isascii() or not number.isdigit() or int(number) > 15:
        return ""
    return "light" if int(number) == 7 or int(number) > 8 else "dark"


def _sgr(style: str, look: Look, depth: Depth) -> str:
    match depth:
        case "dumb":
            return ""
        case "none":
            return _attributes(BARE[style])
        case "16":
            return _joined(_attributes(look.also if look.few is None else look.few), _few(look.ink))
        case "256" | "true":
            return _joined(_attributes(look.also), _many(look.ink, depth, 38), _many(look.paper, depth, 48))


def _joined(*parts: str) -> str:
    return ";".join(part for part in parts if part)


def _attributes(names: str) -> str:
    return ";".join(ATTRIBUTES[name] for name in names.split())


def _few(colour: Colour | None) -> str:
    if not colour or colour.few < 0:
        return ""
    return str(30 + colour.few if colour.few < 8 else 82 + colour.few)


def _many(colour: Colour | None, depth: Depth, kind: int) -> str:
    """``kind`` is 38 for the ink, 48 for the paper."""
    if not colour:
        return ""
    if depth == "256":
        return f"{kind};5;{colour.many}"
    red, green, blue = bytes.fromhex(colour.true)
    return f"{kind};2;{red};{green};{blue}"


_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\ufffd")


def _clean(text: str) -> str:
    """``text``, which has no control characters, made so if it has some all the same: the last door."""
    return text if text.isprintable() else text.translate(_CONTROLS)


_ADDRESS = re.compile(r"(?:https?|file)://[!-~]+|mailto:[!-~]+")


@lru_cache(256)
def _link(address: str) -> str:
    """Begins a link; ends it where there is no address, or one that better is not opened by a click."""
    fine = len(address) <= LINK_CHARS and _ADDRESS.fullmatch(address)
    return f"\x1b]8;;{address if fine else ''}\x1b\\"
