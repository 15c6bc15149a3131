"""Sets one version everywhere: the packages, their pins on each other, and the lock file.

Usage: python tools/bump.py 1.2.3
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")

# What stands before a version, by the files that state it.
BEFORE_VERSION = {
    "pyproject.toml": r'^version = "|"akmon(?:-[a-z]+)?(?:\[[a-z,]+\])?==',
    "packages/*/pyproject.toml": r'^version = "|"akmon(?:-[a-z]+)?(?:\[[a-z,]+\])?==',
    "packages/*/src/*/__init__.py": r'^__version__ = "',
    "uv.lock": r'^name = "akmon(?:-[a-z]+)?"\nversion = "',
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not VERSION.fullmatch(arguments[0]):
        print("usage: python tools/bump.py VERSION, such as 1.2.3 or 1.2.3rc1", file=sys.stderr)
        return 2
    bumped = {
        path: with_version(path, before, arguments[0])
        for pattern, before in BEFORE_VERSION.items()
        for path in ROOT.glob(pattern)
    }
    for path, text in bumped.items():
        path.write_text(text)
    return 0


def with_version(path: Path, before: str, version: str) -> str:
    """The text of ``path`` with each version replaced that follows ``before``. Exits if there is none."""
    text, count = re.subn(f"({before})[^\"';, ]+", rf"\g<1>{version}", path.read_text(), flags=re.MULTILINE)
    if not count:
        sys.exit(f"{path} states no version, so nothing was changed. Give it one and run this again.")
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
