"""What detection sees of a project: names of files, and their text, within bounds and read once."""

from __future__ import annotations

import os
import re
from collections import Counter
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from akmon_config.textfile import Refused, read_text
from akmon_core.limits import DETECT_ENTRIES, DETECT_FOLDERS, MANIFEST_BYTES

SKIPPED = frozenset(
    (
        *("node_modules", "bower_components", "vendor", "third_party", "Pods", "venv", "site-packages"),
        *("target", "build", "dist", "out", "bin", "obj", "_build", "deps", "coverage", "__pycache__"),
    )
)
"""Folders of other people's code and of what was built; hidden ones are left out as well."""

SUFFIXES = {
    ".py": "Python",
    ".pyi": "Python",
    ".ts": "TypeScript",
    ".tsx": "TypeScript",
    ".mts": "TypeScript",
    ".js": "JavaScript",
    ".jsx": "JavaScript",
    ".mjs": "JavaScript",
    ".cjs": "JavaScript",
    ".rs": "Rust",
    ".go": "Go",
    ".java": "Java",
    ".kt": "Kotlin",
    ".scala": "Scala",
    ".php": "PHP",
    ".rb": "Ruby",
    ".ex": "Elixir",
    ".exs": "Elixir",
    ".cs": "C#",
    ".fs": "F#",
    ".swift": "Swift",
    ".c": "C",
    ".cc": "C++",
    ".cpp": "C++",
    ".cxx": "C++",
    ".hpp": "C++",
    ".zig": "Zig",
    ".dart": "Dart",
    ".sh": "Shell",
    ".bash": "Shell",
    ".lua": "Lua",
    ".hs": "Haskell",
    ".ml": "OCaml",
    ".clj": "Clojure",
    ".erl": "Erlang",
    ".r": "R",
    ".jl": "Julia",
    ".tf": "Terraform",
}


class Folder:
    """``root`` is canonical."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lists: dict[str, list[os.DirEntry[str]]] = {}
        self._texts: dict[str, str] = {}

    def files(self, pattern: str) -> list[str]:
        """The files that ``pattern`` names: a glob over names, with at most plain folders before it."""
        below, _, names = pattern.rpartition("/")
        prefix = f"{below}/" if below else ""
        found = (entry.name for entry in self._entries(below) if fnmatchcase(entry.name, names))
        return [prefix + name for name in found]

    def has(self, *patterns: str) -> bool:
        return any(self.files(pattern) for pattern in patterns)

    def folders(self) -> list[str]:
        """The names of the folders at the root, hidden ones and links left out."""
        return [entry.name for entry in self._entries("") if _is_own_folder(entry)]

    def text(self, name: str) -> str:
        """The start of a file; empty if it is not there or not to be read."""
        if name not in self._texts:
            try:
                self._texts[name] = read_text(self.root / name, MANIFEST_BYTES, (self.root,)).text
            except (FileNotFoundError, Refused):
                self._texts[name] = ""
        return self._texts[name]

    def matches(self, patterns: str, needle: str) -> bool:
        """Whether one of the files that the ``patterns`` name is there, and has ``needle`` in it if given."""
        names = [name for pattern in patterns.split() for name in self.files(pattern)]
        if not needle:
            return bool(names)
        return any(re.search(needle, self.text(name)) for name in names)

    def json(self, name: str) -> dict[str, Any]:
        """A file's JSON object; empty if there is none."""
        try:
            value = msgspec.json.decode(self.text(name) or "{}")
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @cached_property
    def languages(self) -> Counter[str]:
        """How many files of each language there are, in as many folders as may be looked into."""
        counted: Counter[str] = Counter()
        waiting, looked, seen = [""], 0, 0
        while waiting and looked < DETECT_FOLDERS and seen < DETECT_ENTRIES:
            below = waiting.pop(0)
            entries = self._entries(below)
            looked, seen = looked + 1, seen + len(entries)
            for entry in entries:
                if _is_own_folder(entry) and entry.name not in SKIPPED:
                    waiting.append(f"{below}/{entry.name}" if below else entry.name)
                elif language := SUFFIXES.get(os.path.splitext(entry.name)[1].lower()):  # noqa: PTH122
                    counted[language] += 1
        return counted

    def _entries(self, below: str) -> list[os.DirEntry[str]]:
        if below not in self._lists:
            try:
                real = (self.root / below).resolve()
                with os.scandir(real) as entries:
                    inside = real.is_relative_to(self.root)
                    some = [entry for entry, _ in zip(entries, range(DETECT_ENTRIES), strict=False)]
                    self._lists[below] = sorted(some, key=lambda entry: entry.name) if inside else []
            except (OSError, RuntimeError):
                self._lists[below] = []
        return self._lists[below]


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith("."):
        return False
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
