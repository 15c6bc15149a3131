"""Searches like ripgrep, where that is not installed: slower, in a process of its own that can be ended.

Prints what ripgrep prints with the options of ``akmon_tools.ripgrep``. The pattern is one of Python's, which
differs little; one that takes for ever in a file is given up.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from akmon_core.limits import (
    SEARCH_COLUMNS,
    SEARCH_FILE_BYTES,
    SEARCH_FILE_SECONDS,
    SEARCH_GLOBS,
    SEARCH_MATCHES,
)
from akmon_core.pathglobs import matches_path
from akmon_tools.filetypes import TYPES
from akmon_tools.gitignore import Ignored, path_regex, segment_regex
from akmon_tools.query import Query
from akmon_tools.textfile import mark_of

_IGNORE_FILES = (".rgignore", ".ignore", ".gitignore")
_SNIFFED = 65_536
_BRACES = re.compile(r"(?<!\\)\{([^{}]*)\}")
"""Without others in them."""


class Unusable(Exception):
    """What was asked for makes no sense; says why."""


def main() -> None:
    query = msgspec.json.decode(sys.argv[1], type=Query)
    try:
        search(query, sys.stdout.buffer)
    except Unusable as error:
        sys.stdout.write(str(error))
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(2)


def search(query: Query, out: BinaryIO) -> None:
    """Searches the working folder. Raises ``Unusable``."""
    pattern = _compile(query) if query.pattern else None
    for path in [query.name] if query.name else _files(query):
        name = b"./" + os.fsencode(path) + b"\0"
        if pattern is None:
            out.write(name)
            continue
        with _bounded(path):
            rows = _matches(pattern, path, query)
        if rows and query.answer == "files":
            out.write(name)
        elif rows:
            out.writelines(name + row + b"\n" for row in rows)


def _compile(query: Query) -> re.Pattern[str]:
    flags = re.MULTILINE | (re.DOTALL if query.multiline else 0)
    try:
        return re.compile(re.escape(query.pattern) if query.literal else query.pattern, flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise Unusable(f"not a regular expression of Python, which stands in for ripgrep: {error}") from None


@contextmanager
def _bounded(path: str) -> Iterator[None]:
    """Ends a match that would take for ever; Python's can be interrupted where there is such a timer."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGALRM, _expire)
    signal.setitimer(signal.ITIMER_REAL, SEARCH_FILE_SECONDS)
    try:
        yield
    except TimeoutError:
        raise Unusable(f"the pattern takes too long in {path}: use a simpler one") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _expire(*_: object) -> None:
    raise TimeoutError


# --- files ------------------------------------------------------------------------------------------


def _files(query: Query) -> Iterator[str]:
    return _walk(Ignored(Path.cwd(), _IGNORE_FILES), "", _Chosen(query))


def _walk(ignored: Ignored, base: str, chosen: _Chosen) -> Iterator[str]:
    try:
        with os.scandir(base or ".") as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError:  # may not be read, or was removed
        return
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        path = base + entry.name
        if entry.name == ".git" or not chosen.wants(path, is_folder, ignored):
            continue
        if is_folder and chosen.leaves_out(path):
            continue
        if is_folder:
            yield from _walk(ignored.folder((entry.name,)), f"{path}/", chosen)
        elif entry.is_file(follow_symlinks=False):
            yield path


class _Chosen:
    """Which entries a glob or a type, and the files that say what is ignored, let through."""

    def __init__(self, query: Query) -> None:
        name = query.glob.removeprefix("**/")
        self._without = query.without
        self._names = self._paths = None
        self._negated = False
        if query.type:
            if query.type not in TYPES:
                raise Unusable(f"unrecognized file type: {query.type}; known are {', '.join(TYPES)}")
            self._names = _regex(TYPES[query.type], anchored=False)
        elif "/" in name or name.startswith("!"):
            self._negated = query.glob.startswith("!")
            glob = query.glob.removeprefix("!")
            self._folders = glob.endswith("/")
            glob = glob.removesuffix("/")
            self._anchored = "/" in glob
            self._paths = _regex((glob.removeprefix("/"),), anchored=self._anchored)
        elif name:
            self._names = _regex((name,), anchored=False)

    def leaves_out(self, folder: str) -> bool:
        return any(matches_path(glob, folder.casefold()) for glob in self._without)

    def wants(self, path: str, is_folder: bool, ignored: Ignored) -> bool:
        name = path.rpartition("/")[2]
        if self._paths:
            matched = (is_folder or not self._folders) and self._paths.fullmatch(
                _bytewise(path if self._anchored else name)
            )
            if matched:
                return not self._negated
            if not is_folder and not self._negated:
                return False
        if ignored.ignores(name, is_folder):
            return False
        return is_folder or self._names is None or self._names.fullmatch(_bytewise(name)) is not None


def _regex(globs: tuple[str, ...], *, anchored: bool) -> re.Pattern[str]:
    translate = path_regex if anchored else segment_regex
    try:
        expanded = [translate(_bytewise(one)) for glob in globs for one in _expanded(glob)]
        return re.compile("|".join(f"(?:{regex})" for regex in expanded), re.DOTALL)
    except (ValueError, re.error) as error:
        raise Unusable(f"the glob {globs[0]} cannot be used: {error}") from None


def _expanded(glob: str) -> list[str]:
    """``glob`` without braces: one for each of its alternatives. Raises ``ValueError``."""
    globs = [glob]
    while any(map(_BRACES.search, globs)):
        globs = list(dict.fromkeys(opened for glob in globs for opened in _opened(glob)))
        if len(globs) > SEARCH_GLOBS:
            raise ValueError("too many alternatives")
    if re.search(r"(?<!\\)[{}]", globs[0]):
        raise ValueError("its braces do not match")
    return globs


def _opened(glob: str) -> list[str]:
    group = _BRACES.search(glob)
    if not group:
        return [glob]
    return [f"{glob[: group.start()]}{one}{glob[group.end() :]}" for one in group[1].split(",")]


def _bytewise(text: str) -> str:
    return text if text.isascii() else os.fsencode(text).decode("latin-1")


# --- lines ------------------------------------------------------------------------------------------


def _matches(pattern: re.Pattern[str], path: str, query: Query) -> list[bytes]:
    text = _text(path)
    if text is None:
        return []
    lines = text.split("\n")
    if not lines[-1]:
        del lines[-1]
    if query.across_lines:
        found, number = _across(pattern, text, len(lines))
    else:
        found = [at for at, line in enumerate(lines) if pattern.search(line)]
        number = len(found)
    if not found:
        return []
    if query.answer != "lines":
        return [b"%d" % number]
    return list(_rows(lines, found[: SEARCH_MATCHES + 1], query.context))


def _across(pattern: re.Pattern[str], text: str, total: int) -> tuple[list[int], int]:
    """The lines that matches touch, and how many matches there are."""
    found: set[int] = set()
    number = at = line = 0
    for match in pattern.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        if line >= total:
            break
        number += 1
        last = line + text.count("\n", at, max(match.end() - 1, at))
        found.update(range(line, min(last, total - 1) + 1))
    return sorted(found), number


def _rows(lines: list[str], found: list[int], context: int) -> Iterator[bytes]:
    matching = set(found)
    near = {at for one in found for at in range(max(one - context, 0), min(one + context + 1, len(lines)))}
    for at in sorted(near):
        raw = lines[at].encode(errors="surrogateescape")
        if len(raw) > SEARCH_COLUMNS:
            raw = raw[:SEARCH_COLUMNS] + b" [... omitted end of long line]"
        yield b"%d%b%b" % (at + 1, b":" if at in matching else b"-", raw)


def _text(path: str) -> str | None:
    """The text of a file; None if it is binary or cannot be read. What follows a NUL is not looked at."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - once a file
            data = file.read(SEARCH_FILE_BYTES)
    except OSError:
        return None
    bom, encoding = mark_of(data)
    if bom:
        return data[len(bom) :].decode(encoding, errors="replace")
    if b"\0" in data[:_SNIFFED]:
        return None
    return data.partition(b"\0")[0].decode(errors="surrogateescape")
