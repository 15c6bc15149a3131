"""Collects instruction files with what they include, within bounds, and notes what could not be used.

``AGENTS.md`` and ``AKMON.md`` count in a folder, and ``CLAUDE.md`` where it has neither of them.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import msgspec

from akmon_config.banner import is_generated
from akmon_config.includes import included
from akmon_config.textfile import Refused, TextRead, read_text
from akmon_core.limits import (
    INCLUDE_DEPTH,
    INSTRUCTION_BYTES,
    INSTRUCTION_FILES,
    INSTRUCTION_WARNINGS,
    INSTRUCTIONS_BYTES,
)
from akmon_core.text import one_line, reveal

NAMES = ("AGENTS.md", "AKMON.md")
FALLBACK = "CLAUDE.md"

_DOCUMENTS = (".markdown", ".md", ".mdc", ".rst", ".txt")
"""Endings of names that are surely meant as files, so that a missing one is worth a word."""


class InstructionFile(msgspec.Struct, frozen=True):
    """One instruction file, or a file that one includes."""

    name: str
    """Its path from the project root, with ``~/`` from the home folder, else in full; fit to be shown."""
    text: str
    by: str = ""
    """The name of the file that includes it."""


class Found(msgspec.Struct, frozen=True):
    files: tuple[InstructionFile, ...] = ()
    """General before specific; what a file includes follows it."""
    warnings: tuple[str, ...] = ()


class Scope(msgspec.Struct, frozen=True):
    """Where a file may lead: into these canonical folders, and to ``~/`` if there is a home folder."""

    inside: tuple[Path, ...] | None
    home: Path | None = None


class Collector:
    """Reads files one after the other within the bounds, and notes what could not be used."""

    def __init__(self, root: Path, own_home: Path | None, room: int) -> None:
        self._root = root
        self._home = own_home
        self._left = room
        self._files: list[InstructionFile] = []
        self._warnings: dict[str, None] = {}
        self._seen: set[Path] = set()

    def found(self) -> Found:
        warnings = list(self._warnings)
        if (more := len(warnings) - INSTRUCTION_WARNINGS) > 0:
            warnings[INSTRUCTION_WARNINGS:] = [f"{more} more problems in instruction files"]
        return Found(tuple(self._files), tuple(warnings))

    def own(self, path: Path) -> None:
        """The user's own file, which may be a link to anywhere: many keep such files elsewhere."""
        if (read := self._read(path, None)) is None:
            return
        folders = (path.parent.resolve(), read.path.parent)
        self._take(path, read, Scope((*folders, *([self._home] if self._home else [])), self._home))

    def folder(self, folder: Path) -> None:
        names = [name for name in NAMES if os.path.lexists(folder / name)]
        if not names and os.path.lexists(folder / FALLBACK):
            names = [FALLBACK]
        scope = Scope((self._root,))
        reads = [(folder / name, self._read(folder / name, scope.inside)) for name in names]
        for path, read in reads:
            if read and not (len(reads) > 1 and is_generated(read.text)):
                self._take(path, read, scope)

    def _take(
        self, path: Path, read: TextRead, scope: Scope, by: str = "", chain: tuple[Path, ...] = ()
    ) -> None:
        if read.path in self._seen:
            return
        name = self._name(path)
        if len(self._files) == INSTRUCTION_FILES:
            self._warn(f"{name} is left out: at most {INSTRUCTION_FILES} instruction files are loaded.")
            return
        self._seen.add(read.path)
        text = self._fitting(name, read)
        if text.strip():
            self._files.append(InstructionFile(name, text, by))
        for target in included(read.text):
            self._include(target, path, scope, name, (*chain, read.path))

    def _include(self, target: str, path: Path, scope: Scope, by: str, chain: tuple[Path, ...]) -> None:
        """A refused one stays in the text as it is written."""
        shown = f"{by}: @{one_line(target, 200)}"
        if target.startswith("~/"):
            if scope.home is None:
                self._warn(f"{shown} is not included: only your own AGENTS.md may name files below ~.")
                return
            file = scope.home / target[2:]
        else:
            file = path.parent / target
        try:
            if file.is_dir():
                return
            read = read_text(file, INSTRUCTION_BYTES, scope.inside)
        except FileNotFoundError:
            if file.suffix.lower() in _DOCUMENTS:
                self._warn(f"{shown} is not included: there is no such file.")
            return
        except (Refused, OSError, ValueError) as error:
            self._warn(f"{shown} is not included: it {_why(error)}.")
            return
        if read.path in chain:
            self._warn(f"{shown} is not included again: the files include each other.")
        elif len(chain) > INCLUDE_DEPTH:
            self._warn(f"{shown} is not included: includes go at most {INCLUDE_DEPTH} files deep.")
        else:
            # What the user's own file leads to is not itself trusted with the whole home folder.
            narrow = Scope((read.path.parent,)) if scope.home else scope
            self._take(file, read, narrow, by, chain)

    def _read(self, path: Path, inside: Collection[Path] | None) -> TextRead | None:
        try:
            return read_text(path, INSTRUCTION_BYTES, inside)
        except FileNotFoundError:
            return None
        except (Refused, OSError) as error:
            self._warn(f"{self._name(path)} is not loaded: it {_why(error)}.")
            return None

    def _fitting(self, name: str, read: TextRead) -> str:
        """The text as far as there is room for it, with nothing invisible in it."""
        text = reveal(read.text)
        if text != read.text:
            self._warn(f"{name} holds invisible characters, which the model sees as <U+...>. Look at it.")
        if read.foreign:
            self._warn(f"{name} is not UTF-8 text and was read as Windows-1252. Save it as UTF-8.")
        if read.cut:
            self._warn(f"{name} is cut: it is larger than {INSTRUCTION_BYTES:,} bytes. Shorten or split it.")
        data = text.encode(errors="replace")
        if len(data) > self._left:
            text = data[: self._left].decode(errors="ignore")
            limit = f"{INSTRUCTIONS_BYTES:,} bytes"
            self._warn(
                f"{name} is cut: all instruction files together are larger than {limit}. Shorten them."
            )
        self._left = max(0, self._left - len(data))
        return text

    def _name(self, path: Path) -> str:
        path = Path(os.path.normpath(path))
        if path.is_relative_to(self._root):
            shown = path.relative_to(self._root).as_posix()
        elif self._home and path.is_relative_to(self._home):
            shown = f"~/{path.relative_to(self._home).as_posix()}"
        else:
            shown = str(path)
        return one_line(shown, 300)

    def _warn(self, warning: str) -> None:
        self._warnings[warning] = None


def _why(error: Exception) -> str:
    match error:
        case Refused():
            return str(error)
        case OSError():
            return f"cannot be read: {error.strerror}"
        case _:
            return "has a name that cannot be used"
