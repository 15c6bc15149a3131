"""What import contracts cannot see: the core calls nothing that reads, writes or shows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "packages/akmon-core/src/akmon_core"
PURE_PATHS = {"PurePath", "PurePosixPath", "PureWindowsPath"}
TOUCHING = {"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__"}


def touches(source: str) -> list[str]:
    """The calls of built-in functions and the imports from pathlib that reach outside, by line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in TOUCHING:
                found.append(f"line {node.lineno}: {name}()")
            case ast.Import(names=names) if any(alias.name == "pathlib" for alias in names):
                found.append(f"line {node.lineno}: import pathlib (import PurePosixPath from it instead)")
            case ast.ImportFrom(module="pathlib", names=names):
                impure = {alias.name for alias in names} - PURE_PATHS
                found += [f"line {node.lineno}: pathlib.{name}" for name in sorted(impure)]
    return found


@pytest.mark.parametrize("module", sorted(CORE.rglob("*.py")), ids=lambda path: str(path.name))
def test_a_core_module_touches_nothing(module: Path) -> None:
    assert touches(module.read_text()) == []


def test_impure_code_would_be_noticed() -> None:
    source = (
        "import pathlib\nfrom pathlib import Path, PurePath\ndef f(x):\n    print(x)\n    return open(x)\n"
    )
    assert len(touches(source)) == 4
