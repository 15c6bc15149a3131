"""Instructions of a project and its user, with what they include, as text for the model.

They count in every folder from the project root down to the current one (see ``discover``), and in
further folders once the agent works there (see ``NearbyInstructions``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from akmon_config.instructionfiles import FALLBACK, NAMES, Collector, Found, InstructionFile
from akmon_config.paths import config_file, home
from akmon_core.errors import SettingsError
from akmon_core.limits import INSTRUCTIONS_BYTES, PIN_CHARS
from akmon_core.messages import Pin

FOREIGN_FOLDERS = frozenset(
    (
        *(".git", ".nox", ".tox", ".venv", "venv", "site-packages"),
        *("node_modules", "bower_components", "vendor", "third_party", "Pods"),
    )
)
"""Folders of other people's code, whose instruction files do not count here."""

_CLOSING = re.compile(r"<(?=/instructions)", re.IGNORECASE)
_INTRODUCTION = (
    "Instructions of the user and the project, general ones before specific ones. Where they disagree, the "
    "more specific ones count; what the user says in the conversation counts more than any of them."
)


def discover(cwd: Path, root: Path, environ: Mapping[str, str] = os.environ) -> Found:
    """What holds for work in ``cwd``, a folder in the project ``root``: the user's own file comes first.

    Never raises for what it finds: whatever cannot be used becomes a warning.
    """
    start = cwd.resolve()
    root = root.resolve() if start.is_relative_to(root.resolve()) else start
    collector = Collector(root, _home(environ), INSTRUCTIONS_BYTES)
    with suppress(SettingsError):  # without a home there is no file of the user's
        collector.own(config_file(environ).parent / NAMES[0])
    for folder in _down(root, start):
        collector.folder(folder)
    return collector.found()


def render(files: Iterable[InstructionFile]) -> str:
    """The text for the system prompt; empty without files."""
    blocks = [_framed(file) for file in files]
    return "\n\n".join([_INTRODUCTION, *blocks]) if blocks else ""


class NearbyInstructions:
    """Implements ``akmon_core.ports.Instructions``: each folder is looked at once.

    ``cwd`` is the folder in the project ``root`` whose instructions ``discover`` has already given.
    """

    def __init__(self, cwd: Path, root: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._cwd = cwd.resolve()
        self._root = root.resolve() if self._cwd.is_relative_to(root.resolve()) else self._cwd
        self._home = _home(environ)
        self._pins: dict[Path, tuple[Pin, ...]] = dict.fromkeys(_down(self._root, self._cwd), ())
        self._given = frozenset(self._pins)

    def near(self, path: str, known: Collection[str]) -> tuple[Pin, ...]:
        try:
            file = Path(os.path.realpath(self._cwd / path))
        except (OSError, ValueError):
            return ()
        if file == self._root or not file.is_relative_to(self._root):
            return ()
        if file.name in (*NAMES, FALLBACK) and file.parent not in self._given:
            self._pins.pop(file.parent, None)  # it may have just been written
        folders = _down(self._root, file.parent)
        return tuple(pin for folder in folders for pin in self._of(folder) if pin.name not in known)

    def _of(self, folder: Path) -> tuple[Pin, ...]:
        if folder not in self._pins:
            self._pins[folder] = self._load(folder)
        return self._pins[folder]

    def _load(self, folder: Path) -> tuple[Pin, ...]:
        if FOREIGN_FOLDERS.intersection(folder.relative_to(self._root).parts):
            return ()
        collector = Collector(self._root, self._home, INSTRUCTIONS_BYTES)
        collector.folder(folder)
        found = collector.found()
        if not found.files:
            return ()
        tops = [at for at, file in enumerate(found.files) if not file.by]
        ends = [*tops[1:], len(found.files)]
        pins = [self._pin(found.files[at:end]) for at, end in zip(tops, ends, strict=True)]
        if found.warnings:
            said = "\n".join(f"(akmon: {warning})" for warning in found.warnings)
            pins[-1] = Pin(pins[-1].name, f"{pins[-1].text}\n{said}"[:PIN_CHARS])
        return tuple(pins)

    def _pin(self, files: tuple[InstructionFile, ...]) -> Pin:
        """An instruction file with what it includes, or where it is if there is no room for it."""
        name = files[0].name
        text = "\n\n".join(map(_framed, files))
        given = sum(len(pin.text) for pins in self._pins.values() for pin in pins)
        if len(text) > min(PIN_CHARS, INSTRUCTIONS_BYTES - given):
            text = f"{name} has instructions for this folder that are too long to be shown: read them first."
        return Pin(f"instructions {name}", text)


def _framed(file: InstructionFile) -> str:
    """The text between marks that it cannot close itself."""
    by = f' included-by="{_quoted(file.by)}"' if file.by else ""
    text = _CLOSING.sub("&lt;", file.text.strip("\n"))
    return f'<instructions path="{_quoted(file.name)}"{by}>\n{text}\n</instructions>'


def _quoted(name: str) -> str:
    return name.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _home(environ: Mapping[str, str]) -> Path | None:
    try:
        return home(environ).resolve()
    except (SettingsError, OSError, RuntimeError):
        return None


def _down(root: Path, folder: Path) -> list[Path]:
    """The folders from ``root`` down to ``folder``, both included."""
    between = folder.relative_to(root).parts
    return [root.joinpath(*between[:length]) for length in range(len(between) + 1)]
