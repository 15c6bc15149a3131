"""A project of other people, with a bug in it that it once really had.

toolz 1.0.0 from PyPI. Before its issue 387 was solved, ``partition_all`` looked for padding with
``tuple.index``, which compares the caller's items with it, and some items do not like to be compared.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

from tests.rigs.places import PATIENCE, TOOLZ, Ran

MODULE = "toolz/itertoolz.py"
BUG = "            yield prev[:prev.index(no_pad)]\n"
FIX = "            yield prev[:next(i for i, item in enumerate(prev) if item is no_pad)]\n"
FAILING = "toolz/tests/test_itertoolz.py::test_partition_all"

_SOUND_BEGINS = "            # Get first index of no_pad"
_SOUND_ENDS = "            yield prev[:lo]\n"


def missing() -> str:
    """Why there is no project; empty if there is one."""
    return "" if TOOLZ.exists() else "the source of toolz is not here: make rig-project"


def unpack(folder: Path) -> Path:
    """The project with the bug in it, in a new folder inside ``folder``."""
    with tarfile.open(TOOLZ) as archive:
        archive.extractall(folder, filter="data")
    project = folder / "toolz-1.0.0"
    module = project / MODULE
    text = module.read_text()
    begins = text.index(_SOUND_BEGINS)
    ends = text.index(_SOUND_ENDS) + len(_SOUND_ENDS)
    module.write_text(text[:begins] + BUG + text[ends:])
    return project


def run_tests(project: Path) -> Ran:
    """The project's own tests, run by themselves."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "toolz"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def sources(project: Path) -> dict[str, bytes]:
    """All files of the project by their path, without what test runs leave."""
    return {
        str(file.relative_to(project)): file.read_bytes()
        for file in project.rglob("*")
        if file.is_file() and not {".pytest_cache", "__pycache__"} & set(file.parts)
    }
