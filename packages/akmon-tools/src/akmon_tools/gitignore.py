"""Which entries of a folder .gitignore files leave out, for a walk that goes down folder by folder.

A verdict is about the entry itself: what lies in an ignored folder is left out by not going there. That is
what git does, and what keeps rules of nested folders right; a matcher of whole paths cannot, because there a
rule about a folder also speaks for the files in it and overrules others that name them.
"""

from __future__ import annotations

import os
import re
import stat
from functools import lru_cache
from pathlib import Path
from typing import Final

from akmon_core.limits import IGNORE_FILE_BYTES

FILES: Final = (".gitignore",)
_OPEN = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-\\/:-@\\[-`{-~",
    "space": " \\t-\\r",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
"""POSIX classes, as git takes them, for a set of a regular expression."""


class Ignored:
    """The rules in force in one folder: ``Ignored(root)``, then ``folder`` for each folder that is entered.

    Rules of folders above count from the top of the repository that ``root`` lies in, and so does its
    ``.git/info/exclude``; a repository inside another one begins anew with git's own files. Rules of deeper
    folders win, and of one file the last. A file of rules that is a link, or cannot be read, has none.
    Reads each of ``files`` once a folder, of which an earlier one wins. Nothing is cached: make a new one
    for each walk.
    """

    __slots__ = ("_files", "_levels", "path")

    def __init__(self, root: str | Path, files: tuple[str, ...] = FILES) -> None:
        self.path = str(root)
        self._files = files
        self._levels: tuple[tuple[tuple[_Rules, str], ...], ...] = ((),) * (len(files) + 1)
        """By kind of file, ``.git/info/exclude`` as the last: rules of the folders from here up, and the
        path from there to here, with a slash at its end."""
        top, *below = _from_repository(root)
        self._read(top)
        for name in below:
            self._enter(name)

    def folder(self, parts: tuple[str, ...]) -> Ignored:
        """The rules of the folder ``parts`` below this one."""
        inner = object.__new__(Ignored)
        inner.path, inner._files, inner._levels = self.path, self._files, self._levels
        for name in parts:
            inner._enter(name)
        return inner

    def ignores(self, name: str, is_folder: bool) -> bool:
        """Whether the entry ``name`` of this folder is left out. A link is no folder."""
        name = _bytewise(name)
        for levels in self._levels:
            for rules, prefix in levels:
                verdict = rules.verdict(name, prefix, is_folder)
                if verdict is not None:
                    return verdict
        return False

    def _enter(self, name: str) -> None:
        path = f"{self.path}{os.sep}{name}" if not self.path.endswith(os.sep) else self.path + name
        if os.path.lexists(f"{path}{os.sep}.git"):
            own = [".git" in file for file in (*self._files, ".git")]
            self._levels = tuple(() if git else levels for git, levels in zip(own, self._levels, strict=True))
        if any(self._levels):
            self._levels = tuple(
                tuple((rules, f"{prefix}{_bytewise(name)}/") for rules, prefix in levels)
                for levels in self._levels
            )
        self._read(path)

    def _read(self, path: str) -> None:
        self.path = path
        for kind, file in enumerate((*self._files, f".git{os.sep}info{os.sep}exclude")):
            text = _text_of(f"{path}{os.sep}{file}")
            rules = _rules_of(text) if text else None
            if rules:
                levels = list(self._levels)
                levels[kind] = ((rules, ""), *levels[kind])
                self._levels = tuple(levels)


class _Rules:
    """The rules of one file. Most entries match none, so that is found out first."""

    __slots__ = ("_endings", "_names", "_paths", "_patterns", "_rules")

    def __init__(self, rules: list[_Rule]) -> None:
        self._rules = rules[::-1]
        names = [rule for rule in rules if not rule.anchored]
        self._names = frozenset(rule.glob for rule in names if not _MAGIC.search(rule.glob))
        self._endings = frozenset(rule.glob[1:] for rule in names if _ENDING.fullmatch(rule.glob))
        magic = [rule for rule in names if _MAGIC.search(rule.glob) and not _ENDING.fullmatch(rule.glob)]
        self._patterns = _any([rule.regex for rule in magic])
        self._paths = _any([rule.regex for rule in rules if rule.anchored])

    def verdict(self, name: str, prefix: str, is_folder: bool) -> bool | None:
        """True is left out, False is kept, None is not named."""
        dot = name.rfind(".")
        if not (
            name in self._names
            or (dot >= 0 and name[dot:] in self._endings)
            or (self._patterns and self._patterns.fullmatch(name))
            or (self._paths and self._paths.fullmatch(prefix + name))
        ):
            return None
        for rule in self._rules:
            if (is_folder or not rule.folders) and rule.matches(name, prefix):
                return not rule.negated
        return None


class _Rule:
    __slots__ = ("anchored", "folders", "glob", "negated", "regex")

    def __init__(self, glob: str, negated: bool) -> None:
        self.negated = negated
        self.folders = glob.endswith("/")
        glob = glob.removesuffix("/")
        self.anchored = "/" in glob
        self.glob = glob.removeprefix("/")
        self.regex = path_regex(self.glob) if self.anchored else segment_regex(self.glob)

    def matches(self, name: str, prefix: str) -> bool:
        return re.fullmatch(self.regex, prefix + name if self.anchored else name, re.DOTALL) is not None


_MAGIC = re.compile(r"[*?\[\\]")
_ENDING = re.compile(r"\*\.[^*?\[\\./]+")


def path_regex(glob: str) -> str:
    """A regular expression for whole paths: ``**`` as a part is any folders. Raises ``ValueError``.

    It cannot take long: what lies between two wildcards matches where it first can, and is not tried again.
    """
    *groups, last = _groups(glob.split("/"))
    if not groups:
        return "/".join(segment_regex(part) for part in last)
    first, *middle = groups
    found = "".join(segment_regex(part) + "/" for part in first)
    for parts in middle:
        found += f"(?>(?:[^/]+/)*?{''.join(segment_regex(part) + '/' for part in parts)})"
    if not last:
        return found + "(?s:.+)"
    return f"{found}(?:[^/]+/)*?{'/'.join(segment_regex(part) for part in last)}"


def _groups(parts: list[str]) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    for part in parts:
        if part != "**":
            groups[-1].append(part)
        elif groups[-1] or len(groups) == 1:
            groups.append([])
    return groups


def segment_regex(glob: str) -> str:
    """A regular expression for one part of a path. Raises ``ValueError`` if the glob never matches."""
    first, *chunks = _chunks(glob)
    if not chunks:
        return first
    *middle, last = chunks
    return f"{first}{''.join(f'(?>[^/]*?{chunk})' for chunk in middle)}[^/]*{last}(?![^/])"


def _chunks(glob: str) -> list[str]:
    """What lies between stars, as regular expressions."""
    chunks = [""]
    position = 0
    while position < len(glob):
        char = glob[position]
        position += 1
        if char == "*":
            if chunks[-1] or len(chunks) == 1:
                chunks.append("")
            continue
        if char == "?":
            chunks[-1] += "[^/]"
        elif char == "[":
            found, position = _set(glob, position)
            chunks[-1] += found
        elif char == "\\":
            if position == len(glob):
                raise ValueError("a backslash at the end")
            chunks[-1] += re.escape(glob[position])
            position += 1
        else:
            chunks[-1] += re.escape(char)
    return chunks


def _set(glob: str, position: int) -> tuple[str, int]:
    """The set that begins after the bracket at ``position``, and where it ends."""
    negated = glob[position : position + 1] in ("!", "^")
    position += negated
    found = ""
    first = True
    while first or glob[position : position + 1] != "]":
        first = False
        low, position, single = _member(glob, position)
        if (
            single
            and glob[position : position + 1] == "-"
            and glob[position + 1 : position + 2] not in ("", "]")
        ):
            high, position = _char(glob, position + 1)
            found += f"{_escape(low)}-{_escape(high)}" if low <= high else _escape(low)  # as git has it
            continue
        found += _escape(low) if single else low
    return f"(?!/)[{'^' * negated}{found}]" if found else _nothing(negated), position + 1


def _member(glob: str, position: int) -> tuple[str, int, bool]:
    """One member of a set, where it ends, and whether it is one character."""
    if name := re.compile(r"\[:([a-z]+):\]").match(glob, position):
        if name[1] not in _CLASSES:
            raise ValueError("an unknown class of characters")
        return _CLASSES[name[1]], name.end(), False
    return *_char(glob, position), True


def _char(glob: str, position: int) -> tuple[str, int]:
    position += glob[position : position + 1] == "\\"
    if position >= len(glob):
        raise ValueError("a set without an end")
    return glob[position], position + 1


def _escape(char: str) -> str:
    return f"\\{char}" if char in "\\]^-[&|~" else char


def _nothing(negated: bool) -> str:
    return "[^/]" if negated else "(?!)"


def _any(regexes: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{regex})" for regex in regexes), re.DOTALL) if regexes else None


@lru_cache(maxsize=256)  # the same files are read in every walk
def _rules_of(text: str) -> _Rules | None:
    rules: list[_Rule] = []
    for line in text.split("\n"):
        glob = _stripped(line)
        negated = glob.startswith("!")
        glob = glob[negated:]
        if not glob.strip("/") or (glob.startswith("#") and not negated):
            continue
        try:
            rules.append(_Rule(glob, negated))
        except ValueError:  # never matches, as in git
            continue
    return _Rules(rules) if rules else None


def _stripped(line: str) -> str:
    """Without the blanks at its end that no backslash keeps."""
    line = line.removesuffix("\r")
    bare = line.rstrip(" ")
    backslashes = len(bare) - len(bare.rstrip("\\"))
    return bare + " " if backslashes % 2 and bare != line else bare


def _bytewise(name: str) -> str:
    """``name`` with a character for each of its bytes, as git compares them."""
    return name if name.isascii() else os.fsencode(name).decode("latin-1")


def _text_of(path: str) -> str:
    try:
        fd = os.open(path, _OPEN)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return ""
        return os.read(fd, IGNORE_FILE_BYTES).removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    finally:
        os.close(fd)


def _from_repository(root: str | Path) -> list[str]:
    """The top of the repository that ``root`` lies in, and the names from there to it; else only ``root``."""
    path = Path(root).absolute()
    for above in (path, *path.parents):
        if os.path.lexists(above / ".git"):
            return [str(above), *path.relative_to(above).parts]
    return [str(path)]
