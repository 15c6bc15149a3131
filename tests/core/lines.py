"""Places what command lines name in a project at ``/p`` that has no links, as a workspace would."""

from __future__ import annotations

import posixpath

from akmon_core.commandline import read_command_line
from akmon_core.operands import named_files
from akmon_core.rules import Target
from akmon_core.tools import Effect

ROOT = "/p"


def located(line: str, folder: str = ROOT) -> Target:
    commands = read_command_line(line)
    operands = (named_files(commands) if commands else None) or ()
    return Target(
        Effect("run", line), operands=tuple(_placed(one.kind, one.path, folder) for one in operands)
    )


def _placed(kind: str, path: str, folder: str) -> Target:
    assert kind in ("read", "write")
    home = path.replace("~", "/home/me", 1) if path.startswith("~") else path
    full = posixpath.normpath(posixpath.join(folder, home))
    inside = full == ROOT or full.startswith(f"{ROOT}/")
    effect = Effect("read" if kind == "read" else "write", path)
    return Target(effect, full, posixpath.relpath(full, ROOT) if inside else None)
