"""Reads the instruction files of other tools in a project, within bounds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

import msgspec

from akmon_config.banner import is_generated
from akmon_config.formats import FORMATS, TARGET, Source, aider_reads
from akmon_config.textfile import Refused, TextRead, read_text
from akmon_core.limits import IMPORT_BYTES, IMPORT_FILES, IMPORT_FOLDERS
from akmon_core.text import one_line, reveal

_OWN = (TARGET, "AKMON.md")


class Scanned(msgspec.Struct, frozen=True):
    sources: tuple[Source, ...]
    generated: tuple[str, ...]
    """Files that ``akmon export`` wrote, which are no sources."""
    warnings: tuple[str, ...]


def scan(root: Path, tools: Iterable[str] = tuple(FORMATS)) -> Scanned:
    """What the ``tools`` (keys of ``FORMATS``) have in the canonical folder ``root``; each file once."""
    scanner = _Scanner(root)
    for tool in tools:
        for pattern in FORMATS[tool].reads:
            for name in _matching(root, pattern):
                if tool == "aider":
                    scanner.aider(name)
                else:
                    scanner.add(name)
    return scanner.scanned()


class _Scanner:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen = {(root / name).resolve() for name in _OWN}
        self._sources: list[Source] = []
        self._generated: list[str] = []
        self._warnings: list[str] = []

    def scanned(self) -> Scanned:
        return Scanned(tuple(self._sources), tuple(self._generated), tuple(self._warnings))

    def add(self, name: str) -> None:
        read = self._read(name)
        if read is None or read.path in self._seen:
            return
        self._seen.add(read.path)
        if is_generated(read.text):
            self._generated.append(name)
        elif len(self._sources) == IMPORT_FILES:
            self._warn(name, f"is left out: at most {IMPORT_FILES} files are imported")
        else:
            self._sources.append(Source(name, self._whole(name, read)))

    def aider(self, name: str) -> None:
        """Its settings name the files to be read."""
        read = self._read(name)
        if read is None or is_generated(read.text):
            return
        for path in aider_reads(read.text)[:IMPORT_FILES]:
            if os.path.lexists(self._root / path):
                self.add(os.path.normpath(path).replace(os.sep, "/"))
            else:
                self._warn(name, f"names {one_line(path, 200)}, which is not there")

    def _read(self, name: str) -> TextRead | None:
        try:
            return read_text(self._root / name, IMPORT_BYTES, (self._root,))
        except FileNotFoundError:
            return None
        except Refused as error:
            self._warn(name, f"is not imported: it {error}")
            return None

    def _whole(self, name: str, read: TextRead) -> str:
        text = reveal(read.text)
        if text != read.text:
            self._warn(name, "holds invisible characters, which are now shown as <U+...>: look at them")
        if read.foreign:
            self._warn(name, "is not UTF-8 text and was read as Windows-1252")
        if read.cut:
            self._warn(name, f"is cut: it is larger than {IMPORT_BYTES:,} bytes")
            text += f"\n(The rest of {name} is left out: it is larger than {IMPORT_BYTES:,} bytes.)\n"
        return text

    def _warn(self, name: str, problem: str) -> None:
        self._warnings.append(f"{one_line(name, 200)} {problem}.")


def _matching(root: Path, pattern: str) -> Iterator[str]:
    """The files that ``pattern`` names, in order; no linked folder below the first one is entered."""
    below, _, names = pattern.rpartition("/")
    if "*" not in pattern:
        if _is_file(root / pattern):
            yield pattern
        return
    depth = IMPORT_FOLDERS if below.endswith("**") else 1
    for folder, folders, files in islice(os.walk(root / below.removesuffix("/**")), depth):
        folders.sort()
        inside = Path(folder).relative_to(root)
        for name in sorted(files):
            if fnmatchcase(name, names):
                yield (inside / name).as_posix()


def _is_file(path: Path) -> bool:
    return os.path.lexists(path) and not path.is_dir()
