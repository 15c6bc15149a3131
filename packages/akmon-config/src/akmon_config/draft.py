"""Writes the AGENTS.md that ``akmon init`` makes: what was found in a project, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from akmon_config.detect.folder import SKIPPED, Folder
from akmon_config.detect.project import Project
from akmon_config.detect.tables import Kind
from akmon_core.text import one_line

_FOLDERS = 20
_KINDS: dict[Kind, str] = {
    "install": "set up",
    "build": "build",
    "test": "test",
    "check": "check everything",
    "lint": "lint",
    "types": "check types",
    "format": "format",
}
_PURPOSES = {
    "benchmarks": "benchmarks",
    "doc": "documentation",
    "docs": "documentation",
    "e2e": "end-to-end tests",
    "examples": "examples",
    "migrations": "changes of the database schema",
    "scripts": "scripts",
    "spec": "tests",
    "src": "source code",
    "test": "tests",
    "tests": "tests",
    "tools": "tools",
}
"""What folders of usual names hold; of others only the name is known."""
_DESCRIPTION = re.compile(
    r"""^\s{0,8}"?description"?\s{0,8}[:=]\s{0,8}["']([^"'\n]{3,300})["']""", re.MULTILINE
)
_DESCRIBING = ("pyproject.toml", "package.json", "Cargo.toml", "composer.json")


def draft(root: Path, project: Project) -> str:
    """Markdown of at most about 60 lines for the canonical folder ``root``."""
    folder = Folder(root)
    sections = [
        _head(folder, project),
        _section("Commands", _commands(project)),
        _section("Layout", [*_layout(folder), *project.notes]),
        _section("House rules", project.rules),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(folder: Folder, project: Project) -> str:
    lines = [f"# {one_line(folder.root.name, 80) or 'Project'}"]
    if description := _description(folder):
        lines.append(description)
    if project.languages:
        built = f", built with {project.manager}" if project.manager else ""
        used = f". It uses {_listed(project.frameworks)}" if project.frameworks else ""
        lines.append(f"Written in {_listed(project.languages)}{built}{used}.")
    return "\n\n".join(lines)


def _commands(project: Project) -> list[str]:
    if project.commands:
        return [f"{_KINDS[kind]}: `{command}`" for kind, command in project.commands.items()]
    return [
        "None are known yet. Note here what builds, tests and lints this project as soon as there is such."
    ]


def _layout(folder: Folder) -> Iterator[str]:
    names = [name for name in folder.folders() if name not in SKIPPED]
    for name in names[:_FOLDERS]:
        purpose = _PURPOSES.get(name.lower(), "")
        yield f"`{one_line(name, 60)}/`" + (f": {purpose}" if purpose else "")
    if (more := len(names) - _FOLDERS) > 0:
        yield f"and {more} more folders"
    if folder.has(".github/workflows/*.yml", ".github/workflows/*.yaml"):
        yield "`.github/workflows/`: what runs for each change"


def _description(folder: Folder) -> str:
    """What a manifest says of the project, on one line."""
    found = (_DESCRIPTION.search(folder.text(name)) for name in _DESCRIBING)
    text = next((match[1] for match in found if match), "")
    line = one_line(text, 300).replace("<!--", "").lstrip("#>-*` @")
    return line if not line or line.endswith((".", "!", "?")) else f"{line}."


def _section(title: str, lines: list[str] | tuple[str, ...]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {line}" for line in lines)]) if lines else ""


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
