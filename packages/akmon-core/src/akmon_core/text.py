"""Text for people: cut to size, and with nothing in it that could steer a terminal."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import msgspec

from akmon_core.events import Attached, CacheBroken
from akmon_core.messages import Image, ToolCall
from akmon_core.stream import Retrying

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor moves
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating-system commands: titles, links, clipboard
    r"|[PX^_][^\x1b]*(?:\x1b\\)?"  # strings that only terminals read
    r"|[ -/]*[0-~])"
)
_PLAIN = re.compile(r"[\x20-\x7e\n\t\xa1-\xac\xae-\u02ff]*\Z")
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that control something, or that nobody sees."""
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters and marks that show as nothing, by the Unicode property Default_Ignorable_Code_Point."""
_HIDDEN = re.compile(
    "[\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U000e0000-\U000e0fff]"
)
_LOOKALIKES = re.compile(r"[\u0370-\u052f\u1c80-\u1c8f\u1f00-\u1fff\u2de0-\u2dff\ua640-\ua69f\uff21-\uff5a]")
"""Greek, Cyrillic and full-width Latin letters."""
_MIXED = re.compile(r"(?<![^\W_])[^\W_]*[\u0370-\u052f\u1f00-\u1fff\ua640-\ua69f\uff21-\uff5a][^\W_]*")
_HOSTS = re.compile(r"://(?:[^\s/@<>\"']*+@)?([^\s/:?#<>\"'`()|;&]{1,253}+)(?!<xn--|<no host)")
_REPEATED = re.compile(r"(<U\+[0-9A-F]{4,6}>)\1{3,}")
_OF_SERVER = re.compile(r"mcp__(\w[\w-]*?)__(.+)", re.DOTALL)
_FRAMES = re.compile(
    r"^(?:</?untrusted .*|The user chose the prompt .*, which reads:)(?:\n|\Z)", re.MULTILINE
)
"""Lines that tell a model where text of others begins and ends, and what it is."""
_BLANKS = re.compile(r" {61,}|\t{10,}|\n{6,}")
"""Rows that are longer than code is indented, and push what follows out of sight."""


def neutralise(text: str) -> str:
    """``text`` without escape sequences, and with other control and invisible characters made visible.

    Newlines and tabs stay; a carriage return within a line keeps what a terminal would show last.
    """
    if _PLAIN.match(text):
        return text
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    return _made_visible(text)


def reveal(text: str) -> str:
    """``text`` with every control and invisible character named, and nothing left out or changed besides."""
    return text if _PLAIN.match(text) else _made_visible(text)


def exposed(text: str) -> str:
    """``text`` as a person must see it who is to allow it: nothing is left out, and nothing hides.

    Every control, invisible and unusual blank character is named, as are letters that look like others in
    the same word; of long rows of blanks and line ends the number is told; a host that is not ASCII is
    followed by what the name system knows it as.
    """
    if not _PLAIN.match(text):
        text = _made_visible(text)
        text = _HOSTS.sub(_with_punycode, text)
        text = _MIXED.sub(_unmixed, text)
        text = _REPEATED.sub(_counted, "".join(_revealed(char) for char in text))
    return _BLANKS.sub(_count_blanks, text)


def plain(text: str) -> str:
    """``text`` without escape sequences, and without control and invisible characters but newline and tab."""
    if _PLAIN.match(text):
        return text
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if _visible(char) == char)


def without_escapes(text: str) -> str:
    """``text`` without escape sequences, and with everything else in it."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def json_escaped(text: str) -> str:
    """JSON that says the same and has no character that steers a terminal or cannot be seen.

    JSON itself leaves those above U+001F as they are.
    """
    return text if text.isascii() and "\x7f" not in text else _HIDDEN.sub(_as_json, text)


def _made_visible(text: str) -> str:
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char in "\n\t" or (unicodedata.category(char) not in _UNSEEN and char not in _BLANK_LETTERS):
        return char if not "\U000e0100" <= char <= "\U000e01ef" else _named(char)
    return char if char in "\u200c\u200d" else _named(char)


def _revealed(char: str) -> str:
    unusual = char in "\u200c\u200d\u2800" or (
        char != " " and unicodedata.category(char) in ("Zs", "Cn", "Co")
    )
    return _named(char) if unusual or "\ufe00" <= char <= "\ufe0f" else char


def _named(char: str) -> str:
    return f"<U+{ord(char):04X}>"


def _unmixed(match: re.Match[str]) -> str:
    """A word of Latin letters with some among them that only look so."""
    word = match[0]
    if not any(char.isascii() and char.isalpha() for char in word):
        return word
    return "".join(_named(char) if _LOOKALIKES.match(char) else char for char in word)


def _with_punycode(match: re.Match[str]) -> str:
    host = match[1]
    if host.isascii():
        return match[0]
    try:
        return f"{match[0]}<{host.encode('idna').decode()}>"
    except UnicodeError:
        return f"{match[0]}<no host name>"


def _counted(match: re.Match[str]) -> str:
    one = match[1]
    return f"{one[:-1]} x {len(match[0]) // len(one)}>"


def _count_blanks(match: re.Match[str]) -> str:
    blanks = match[0]
    match blanks[0]:
        case " ":
            return f"<{len(blanks)} spaces>"
        case "\t":
            return f"<{len(blanks)} tabs>"
        case _:
            return f"\n<{len(blanks) - 1} empty lines>\n"


def _as_json(match: re.Match[str]) -> str:
    raw = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{raw[at]:02x}{raw[at + 1]:02x}" for at in range(0, len(raw), 2))


def one_line(text: str, width: int) -> str:
    """The start of ``text`` on one line of at most ``width`` characters."""
    line = " ".join(neutralise(text[: width * 4]).split())
    return line if len(line) <= width and len(text) <= width * 4 else line[: width - 1] + "…"


def tool_label(name: str) -> str:
    """A tool as people know it: of ``mcp__github__create_issue`` this is ``github · create_issue``."""
    of_server = _OF_SERVER.fullmatch(name)
    return f"{of_server[1]} · {of_server[2]}" if of_server else name


class _Relayed(msgspec.Struct):
    name: str
    arguments: dict[str, Any] = {}


def meant_call(call: ToolCall) -> ToolCall:
    """The call of a server's tool that a ``use_tool`` stands for; any other call itself."""
    if call.name != "use_tool":
        return call
    try:
        relayed = msgspec.json.decode(call.arguments, type=_Relayed)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return call
    if not _OF_SERVER.fullmatch(relayed.name):
        return call
    return ToolCall(call.id, relayed.name, msgspec.json.encode(relayed.arguments).decode())


def describe_call(call: ToolCall, width: int = 100, *, to_model: bool = False) -> str:
    """A call on one line: the tool and its first argument, such as ``shell pytest -q``.

    A model knows the tools of servers by other names than people do.
    """
    call = call if to_model else meant_call(call)
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        arguments = call.arguments
    if isinstance(arguments, dict):
        arguments = next((value for value in arguments.values() if isinstance(value, str)), "")
    name = call.name if to_model else tool_label(call.name)
    return one_line(f"{name} {arguments}".strip(), width)


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


def describe_attached(name: str, text: str, images: int = 0) -> str:
    """What was added to a prompt, on one line: ``attached docs:file:///a.md, 12 lines, 1 image``."""
    text = _FRAMES.sub("", text).strip("\n")
    lines = text.count("\n") + 1 if text else 0
    sizes = [f"{count:,} {unit}{'s' * (count != 1)}" for count, unit in ((lines, "line"), (images, "image"))]
    said = [one_line(f"attached {name}", 200), *(size for size in sizes if not size.startswith("0 "))]
    return ", ".join(said)


def attached_note(event: Attached) -> str:
    images = sum(isinstance(part, Image) for part in event.message.parts)
    return describe_attached(event.name, event.message.text, images)


def from_folder(path: str, folder: str) -> str:
    """``path`` as seen from ``folder`` where it lies below it; else as it is."""
    folder = folder.rstrip("/\\")
    below = folder and path.startswith(folder) and path[len(folder) : len(folder) + 1] in ("/", "\\")
    return path[len(folder) + 1 :] if below else path


def name_files(paths: Sequence[str], folder: str = "", most: int = 3) -> str:
    """The first of some files, as seen from ``folder``: ``a.py, b.py (+3 more)``."""
    names = ", ".join(from_folder(path, folder) for path in paths[:most])
    return f"{names} (+{len(paths) - most:,} more)" if len(paths) > most else names
