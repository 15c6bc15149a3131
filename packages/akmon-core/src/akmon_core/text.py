"""Text for people: cut to size, and with nothing in it that could steer a terminal."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence

import msgspec

from akmon_core.events import CacheBroken
from akmon_core.messages import ToolCall
from akmon_core.stream import Retrying

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor moves
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating-system commands: titles, links, clipboard
    r"|[PX^_][^\x1b]*(?:\x1b\\)?"  # strings that only terminals read
    r"|[ -/]*[0-~])"
)
_PLAIN = re.compile(r"[\x20-\x7e\n\t\xa0-\xac\xae-\u02ff]*\Z")


def neutralise(text: str) -> str:
    """``text`` without escape sequences, and with other control and invisible characters made visible.

    Newlines and tabs stay; a carriage return within a line keeps what a terminal would show last.
    """
    if _PLAIN.match(text):
        return text
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    return "".join(_visible(char) for char in text)


def reveal(text: str) -> str:
    """``text`` with every control and invisible character made visible, and nothing left out."""
    return text if _PLAIN.match(text) else "".join(_visible(char) for char in text)


def plain(text: str) -> str:
    """``text`` without escape sequences, and without control and invisible characters but newline and tab."""
    if _PLAIN.match(text):
        return text
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if _visible(char) == char)


def _visible(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs"):
        return char
    return char if char in "\u200c\u200d" else f"<U+{ord(char):04X}>"


def one_line(text: str, width: int) -> str:
    """The start of ``text`` on one line of at most ``width`` characters."""
    line = " ".join(neutralise(text[: width * 4]).split())
    return line if len(line) <= width and len(text) <= width * 4 else line[: width - 1] + "…"


def describe_call(call: ToolCall, width: int = 100) -> str:
    """A call on one line for people: the tool and its first argument, such as ``shell pytest -q``."""
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        arguments = call.arguments
    if isinstance(arguments, dict):
        arguments = next((value for value in arguments.values() if isinstance(value, str)), "")
    return one_line(f"{call.name} {arguments}".strip(), width)


def describe_retry(retrying: Retrying, width: int = 100) -> str:
    """What comes next after a failed model call, when, and why, on one line."""
    coming = f"attempt {retrying.attempt} of {retrying.attempts}"
    if retrying.model:
        coming = f"{retrying.model} takes over"
    elif retrying.wait:
        coming += f" in {math.ceil(retrying.wait - retrying.passed)} s"
    return one_line(f"{coming}: {retrying.reason}", width)


def describe_cache_break(broken: CacheBroken) -> str:
    """That a prompt was paid for again, and why, on one line."""
    tokens = f"up to {broken.tokens:,} tokens"
    return one_line(f"the provider read {tokens} of the prompt anew: {broken.cause}", 200)


def from_folder(path: str, folder: str) -> str:
    """``path`` as seen from ``folder`` where it lies below it; else as it is."""
    folder = folder.rstrip("/\\")
    below = folder and path.startswith(folder) and path[len(folder) : len(folder) + 1] in ("/", "\\")
    return path[len(folder) + 1 :] if below else path


def name_files(paths: Sequence[str], folder: str = "", most: int = 3) -> str:
    """The first of some files, as seen from ``folder``: ``a.py, b.py (+3 more)``."""
    names = ", ".join(from_folder(path, folder) for path in paths[:most])
    return f"{names} (+{len(paths) - most:,} more)" if len(paths) > most else names
