"""Detects a project by the tables: languages, frameworks, package manager, commands, house rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

import msgspec

from akmon_config.detect.folder import Folder
from akmon_config.detect.runners import runner_commands, script_commands
from akmon_config.detect.tables import ECOSYSTEMS, HOUSE_RULES, LAST_COMMANDS, Command, Ecosystem, Kind, Rule
from akmon_core.text import one_line

_SHARE = 5
"""A language without a manifest counts as one of the project's if one file in so many is written in it."""
_FRAMEWORKS = 8
_MANIFESTS = 10
_COMPOUND = re.compile(r"[&|;<>$`\n]")


class Project(msgspec.Struct, frozen=True):
    """What is known of a project; everything is empty where nothing is."""

    languages: tuple[str, ...] = ()
    """The main one first."""
    frameworks: tuple[str, ...] = ()
    manager: str = ""
    """The package manager of the main language."""
    commands: dict[Kind, str] = {}
    """Lines for a shell at the root, in the order of the kinds."""
    rules: tuple[str, ...] = ()
    """House rules that files at the root stand for, a sentence each."""
    notes: tuple[str, ...] = ()
    """Further facts: parts of the project that are built on their own."""


def detect(root: Path) -> Project:
    """Looks at the files in ``root``: runs nothing, follows no link out of it, raises nothing."""
    folder = Folder(root.resolve())
    present = sorted(
        (eco for eco in ECOSYSTEMS if folder.has(*eco.markers.split())),
        key=lambda eco: -sum(folder.languages[language] for language in eco.languages),
    )
    frameworks = dict.fromkeys(name for eco in present for name in _frameworks(folder, eco))
    return Project(
        languages=tuple(_languages(folder, present)),
        frameworks=tuple(frameworks)[:_FRAMEWORKS],
        manager=_first(folder, present[0].managers) if present else "",
        commands=_commands(folder, present),
        rules=tuple(rule.value for rule in HOUSE_RULES if folder.matches(rule.files, rule.needle)),
        notes=tuple(_parts(folder)),
    )


def check_command(project: Project) -> str:
    """The one plain command that checks a change; empty if there is none, or only a compound one."""
    wanted: tuple[Kind, ...] = ("test", "check", "types", "lint")
    known = (project.commands.get(kind, "") for kind in wanted)
    return next((command for command in known if command and not _COMPOUND.search(command)), "")


def _languages(folder: Folder, present: Iterable[Ecosystem]) -> Iterator[str]:
    counted = folder.languages
    built: list[str] = []
    for eco in present:
        files = sum(counted[language] for language in eco.languages)
        built += [name for name in eco.languages if counted[name] and counted[name] * _SHARE >= files]
        built += [] if counted else eco.languages[:1]
    much = [name for name, files in counted.items() if files * _SHARE >= counted.total()]
    names = dict.fromkeys([*built, *much])
    yield from sorted(names, key=lambda name: -counted[name])


def _frameworks(folder: Folder, eco: Ecosystem) -> Iterator[str]:
    files, pattern = eco.listed
    for name, package in eco.frameworks:
        if folder.matches(files, pattern.format(package)):
            yield name


def _commands(folder: Folder, present: Iterable[Ecosystem]) -> dict[Kind, str]:
    """The project's own runner goes before what is usual in its languages."""
    found: dict[Kind, str] = {}
    for kind, command in runner_commands(folder):
        found.setdefault(kind, command)
    for eco in present:
        manager, run = _first(folder, eco.managers), _first(folder, eco.runs)
        for kind, command in script_commands(folder, eco.name, manager):
            found.setdefault(kind, command)
        for kind, command in _by_rules(folder, eco.commands):
            found.setdefault(kind, command.format(manager=manager, run=run))
    for kind, command in _by_rules(folder, LAST_COMMANDS):
        found.setdefault(kind, command)
    return {kind: found[kind] for kind in get_args(Kind) if kind in found}


def _by_rules(folder: Folder, rules: Iterable[Command]) -> Iterator[tuple[Kind, str]]:
    return ((rule.kind, rule.value) for rule in rules if folder.matches(rule.files, rule.needle))


def _first(folder: Folder, rules: Iterable[Rule]) -> str:
    return next((rule.value for rule in rules if folder.matches(rule.files, rule.needle)), "")


def _parts(folder: Folder) -> Iterator[str]:
    """Folders at the root that have a manifest of their own."""
    left = _MANIFESTS
    for name in folder.folders():
        names = [eco.name for eco in ECOSYSTEMS if folder.has(*(f"{name}/{m}" for m in eco.markers.split()))]
        if names and left:
            left -= 1
            yield f"`{one_line(name, 60)}/` is built on its own ({', '.join(names)})."
