"""Folders of files, what git says of the difference of two, and the patch tool at work on one."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from akmon_core.tools import ToolContext
from akmon_tools.patch import PatchArguments, PatchTool
from akmon_tools.workspace import Workspace

_PLAIN = "* -text -ident -filter !diff -working-tree-encoding\n"
"""Attributes with which git takes every byte as it is, whatever a tree's own ones say."""


def write(folder: Path, files: Mapping[str, tuple[bytes, bool]]) -> Path:
    """Makes ``files``, each with its content and whether it is executable, in a new folder."""
    folder.mkdir(parents=True)
    for name, (data, executable) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o755 if executable else 0o644)
    return folder


def tree(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """Every file below a folder, with its content and whether its owner may execute it."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def same(one: Path, other: Path) -> bool:
    """Whether two folders have the same files; says how they differ if not."""
    a, b = tree(one), tree(other)
    different = sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
    assert not different, different
    return True


def git_diff(old: Path, new: Path, *options: str) -> str:
    """What ``git diff`` says about two folders, which are left as they are."""
    with tempfile.TemporaryDirectory() as home:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_DIR": f"{home}/git",
        }

        def git(*arguments: str, tree: Path) -> bytes:
            command = ["git", "-c", "core.autocrlf=false", "-c", "core.fileMode=true", *arguments]
            return subprocess.run(
                command, cwd=tree, env={**env, "GIT_WORK_TREE": str(tree)}, capture_output=True, check=True
            ).stdout

        git("init", "-q", tree=old)
        Path(home, "git", "info").mkdir(exist_ok=True)
        Path(home, "git", "info", "attributes").write_text(_PLAIN)
        trees = []
        for folder in (old, new):
            git("read-tree", "--empty", tree=folder)
            git("add", "-A", "-f", ".", tree=folder)
            trees.append(git("write-tree", tree=folder).decode().strip())
        return git("diff", *options, *trees, tree=old).decode()


def apply(folder: Path, patch: str) -> None:
    """Has the tool apply ``patch`` in ``folder``. Raises ``ToolError``."""
    tool = PatchTool(Workspace([folder]))
    context = ToolContext(call_id="c1", files={}, progress=print)
    asyncio.run(tool.run(PatchArguments(patch), context))
