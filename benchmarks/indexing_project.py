"""Writes a project of made-up files with real code in them: functions of Python's standard library."""

from __future__ import annotations

import ast
import os
import re
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import dedent

PER_FOLDER = 100
_PER_FILE = 6
"""Functions in one file: about eight pieces."""
_FEWEST_LINES = 5
_FOLDERS = ("api", "core", "db", "jobs", "models", "net", "tests", "ui", "util", "web")
_HEAD = "import os\nimport re\nimport sys\n"
_OLD = 1_700_000_000
"""Seconds: when each file was last changed; long enough ago for the index to be sure of it."""


def make(root: Path, files: int) -> list[Path]:
    """Writes ``files`` files, ``PER_FOLDER`` in a folder, and gives their paths in order.

    They are the same each time with the same Python. Where its library has too few functions, they come again
    under other names, so that nearly no two pieces have the same text.
    """
    library = list(dict.fromkeys(_functions()))
    written = []
    for number in range(files):
        parts = [_function(library, number * _PER_FILE + at) for at in range(_PER_FILE)]
        folder = number // PER_FOLDER
        path = root / f"{_FOLDERS[folder % len(_FOLDERS)]}_{folder}" / f"{_name_of(parts[0])}_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, "\n\n".join([_HEAD, *parts]))
        written.append(path)
    return written


def write(path: Path, text: str, age: int = 0) -> None:
    """With a time of its last change that is ``age`` seconds later than that of all others."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (_OLD + age, _OLD + age))


def _functions() -> Iterator[str]:
    """The text of each function and method from its ``def`` on, at the margin."""
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted(library.rglob("*.py")):
        if "site-packages" in path.parts:
            continue
        try:
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text)
        except (SyntaxError, ValueError):  # there on purpose, for tests of the parser
            continue
        lines = text.splitlines()
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.FunctionDef)
                and (node.end_lineno or 0) - node.lineno >= _FEWEST_LINES - 1
            ):
                yield dedent("\n".join(lines[node.lineno - 1 : node.end_lineno])) + "\n"


def _function(library: Sequence[str], number: int) -> str:
    text, again = library[number % len(library)], number // len(library)
    return re.sub(r"def (\w+)", rf"def \1_{again}", text, count=1) if again else text


def _name_of(function: str) -> str:
    found = re.match(r"def (\w+)", function)
    return found[1].strip("_").lower() if found else "main"
