"""Commands that a project names itself: targets of make, recipes of just, scripts of a manifest."""

from __future__ import annotations

from collections.abc import Iterator

from akmon_config.detect.folder import Folder
from akmon_config.detect.tables import TASKS, Kind

_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_JUSTFILES = ("justfile", "Justfile", ".justfile")
_NO_TESTS = "no test specified"
"""In what npm puts where no test is written yet."""
_RUNS = {
    "npm": {"test": "npm test", "*": "npm run {}"},
    "yarn": {"*": "yarn {}"},
    "pnpm": {"test": "pnpm test", "*": "pnpm {}"},
    "bun": {"*": "bun run {}"},
    "deno": {"*": "deno task {}"},
    "Composer": {"*": "composer {}"},
}
_SCRIPTS = {
    "Node": ("package.json", "scripts"),
    "Deno": ("deno.json", "tasks"),
    "PHP": ("composer.json", "scripts"),
}
_OWN = {"yarn": ("install", "check"), "pnpm": ("install", "ci", "setup"), "Composer": ("install", "check")}
"""Names that a package manager keeps for itself, so that they do not call a script."""


def runner_commands(folder: Folder) -> Iterator[tuple[Kind, str]]:
    """What make and just offer; make comes first."""
    if name := _first(folder, _MAKEFILES):
        yield from _tasks(_targets(folder.text(name)), "make {}")
    if name := _first(folder, _JUSTFILES):
        yield from _tasks(_recipes(folder.text(name)), "just {}")


def script_commands(folder: Folder, ecosystem: str, manager: str) -> Iterator[tuple[Kind, str]]:
    """What the scripts of a manifest offer."""
    if ecosystem not in _SCRIPTS:
        return
    name, key = _SCRIPTS[ecosystem]
    scripts = folder.json(name).get(key)
    if not isinstance(scripts, dict):
        return
    own = _OWN.get(manager, ("install",))
    names = {
        script for script, text in scripts.items() if script not in own and _NO_TESTS not in str(text)[:1_000]
    }
    runs = _RUNS.get(manager, _RUNS["npm"])
    for kind, called in _tasks(names, "{}"):
        yield kind, runs.get(called, runs["*"]).format(called)


def _tasks(names: set[str], command: str) -> Iterator[tuple[Kind, str]]:
    for kind, usual in TASKS.items():
        if name := next((name for name in usual if name in names), ""):
            yield kind, command.format(name)


def _targets(text: str) -> set[str]:
    names: set[str] = set()
    for head in _heads(text):
        names.update(head.split())
    return names


def _recipes(text: str) -> set[str]:
    """Recipes that can be called without arguments."""
    names: set[str] = set()
    for head in _heads(text):
        name, *parameters = head.removeprefix("@").split() or [""]
        if all("=" in parameter or parameter.startswith("*") for parameter in parameters):
            names.add(name)
    return names


def _heads(text: str) -> Iterator[str]:
    """What stands before the colon in the lines that begin a target or recipe."""
    for line in text.split("\n"):
        head, colon, rest = line.partition(":")
        if colon and not line[0].isspace() and not rest.startswith(("=", ":=")):
            yield head


def _first(folder: Folder, names: tuple[str, ...]) -> str:
    return next((name for name in names if folder.has(name)), "")
