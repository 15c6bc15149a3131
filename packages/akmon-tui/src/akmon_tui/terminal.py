"""What a terminal can do beside showing text, and the escape sequences for it: title, notice, progress, copy.

All functions give text to be written. It is empty where the terminal is not known to understand it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from akmon_core.limits import CLIPBOARD_BYTES, NOTICE_CHARS, WINDOW_TITLE_CHARS
from akmon_core.text import one_line

Notices: TypeAlias = Literal["", "bell", "osc9", "osc99", "osc777"]
"""How a terminal can be made to call the person."""


class Terminal(msgspec.Struct, frozen=True, kw_only=True):
    """What the terminal at hand is likely to understand."""

    dumb: bool = False
    """It cannot move its cursor; nothing of this may be written to it."""
    titles: bool = False
    notices: Notices = ""
    progress: bool = False
    copies: bool = False
    reflows: bool = True
    """Whether it wraps what it shows anew when its width changes."""


def terminal_of(environ: Mapping[str, str]) -> Terminal:
    """Judges by what terminals are known to put into the environment."""
    if is_dumb(environ):
        return Terminal(dumb=True)
    return Terminal(
        titles=not _is_console(environ),
        notices=_notices(environ),
        progress=_shows_progress(environ),
        copies=not _is_console(environ),
        reflows=_reflows(environ),
    )


def is_dumb(environ: Mapping[str, str]) -> bool:
    """Whether no escape sequence may be written at all."""
    return environ.get("TERM", "") in ("dumb", "unknown")


def title(terminal: Terminal, text: str) -> str:
    """Names the window or tab."""
    return f"\x1b]2;{one_line(text, WINDOW_TITLE_CHARS)}\x07" if terminal.titles else ""


def keep_title(terminal: Terminal) -> str:
    """Remembers the title that there is, for ``put_title_back``. Terminals that cannot do so ignore it."""
    return "\x1b[22;2t" if terminal.titles else ""


def put_title_back(terminal: Terminal) -> str:
    return "\x1b[23;2t" if terminal.titles else ""


def bell(terminal: Terminal) -> str:
    return "" if terminal.dumb else "\a"


def notify(terminal: Terminal, text: str) -> str:
    """Calls the person: with ``text`` where that can be shown outside the window, else by the bell."""
    # A semicolon would end the text, or make it another of the commands that share the number.
    said = one_line(text, NOTICE_CHARS).replace(";", ",")
    match terminal.notices:
        case "osc9":
            return f"\x1b]9;{said}\x07"
        case "osc99":
            return f"\x1b]99;;{said}\x1b\\"
        case "osc777":
            return f"\x1b]777;notify;akmon;{said}\x1b\\"
        case "bell":
            return bell(terminal)
        case "":
            return ""


def progress(terminal: Terminal, state: Literal["none", "busy", "error"] | int) -> str:
    """Shows in the tab or task bar how far things are; a number is percent, ``busy`` is without one."""
    if not terminal.progress:
        return ""
    match state:
        case "none":
            return "\x1b]9;4;0\x1b\\"
        case "busy":
            return "\x1b]9;4;3\x1b\\"
        case "error":
            return "\x1b]9;4;2;100\x1b\\"
        case percent:
            return f"\x1b]9;4;1;{min(100, max(0, percent))}\x1b\\"


def copy(terminal: Terminal, text: str) -> str:
    """Puts ``text`` into the clipboard of the machine that the terminal runs on, also over ssh.

    Empty if that is too long, as terminals drop it without a word. In tmux it takes ``set-clipboard on``
    or ``external``, which is the default since 2.6; no passthrough is needed.
    """
    raw = text.encode("utf-8", "replace")
    if not terminal.copies or not raw or len(raw) > CLIPBOARD_BYTES:
        return ""
    return f"\x1b]52;c;{base64.b64encode(raw).decode()}\x07"


def shows_links(environ: Mapping[str, str]) -> bool:
    """Whether links (OSC 8) work, or at least do no harm; others may print them as garbage."""
    if is_dumb(environ) or _inside_screen(environ):
        return False
    if environ.get("TMUX"):
        return environ.get("TERM_PROGRAM") == "tmux" and _version(environ) >= (3, 4)
    if environ.get("TERM_PROGRAM") in _LINKING_PROGRAMS or environ.get("TERM", "").startswith(_LINKING_TERMS):
        return True
    marks = ("WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID", "DOMTERM")
    vte = environ.get("VTE_VERSION", "")  # 5000 is 0.50, the first that has them
    return any(environ.get(mark) for mark in marks) or (vte.isdecimal() and int(vte) >= 5000)


_LINKING_PROGRAMS = ("iTerm.app", "WezTerm", "ghostty", "vscode", "Hyper", "rio", "Tabby", "WarpTerminal")
_LINKING_TERMS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour")


def _notices(environ: Mapping[str, str]) -> Notices:
    if environ.get("TMUX") or _inside_screen(environ):
        return "bell"  # multiplexers pass nothing else on
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if environ.get("KITTY_WINDOW_ID") or term == "xterm-kitty":
        return "osc99"
    if program in ("iTerm.app", "WezTerm", "ghostty") or term == "xterm-ghostty":
        return "osc9"
    if term.startswith(("foot", "rxvt-unicode")):
        return "osc777"
    return "bell"


def _shows_progress(environ: Mapping[str, str]) -> bool:
    """Where it is not known, or not yet, it would be a notification with numbers for its text."""
    if environ.get("TMUX") or _inside_screen(environ):
        return False
    if environ.get("WT_SESSION") or environ.get("ConEmuANSI") == "ON":
        return True
    match environ.get("TERM_PROGRAM", ""):
        case "ghostty":
            return _version(environ) >= (1, 2)
        case "WezTerm":
            return _version(environ) >= (20250209,)
        case "iTerm.app":
            return _version(environ) >= (3, 6, 6)
        case _:
            return False


def _reflows(environ: Mapping[str, str]) -> bool:
    """All of today's do but xterm, the console and GNU screen."""
    return not (_inside_screen(environ) or _is_console(environ) or _inside_xterm(environ))


def _inside_screen(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("STY")) or (
        environ.get("TERM", "").startswith("screen") and not environ.get("TMUX")
    )


def _inside_xterm(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("XTERM_VERSION")) and not environ.get("TMUX")


def _is_console(environ: Mapping[str, str]) -> bool:
    """The system's own, or that of Emacs, which print sequences that they do not know."""
    return environ.get("TERM", "").startswith(("linux", "eterm"))


def _version(environ: Mapping[str, str]) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,9}", environ.get("TERM_PROGRAM_VERSION", ""))[:3])
