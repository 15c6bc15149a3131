"""Questions with known answers out of real code: a function's first sentence, and the function without it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.questions import Answer

LEAST_WORDS = 3
_SENTENCE = re.compile(r"(.+?[.!?])(?:\s|\Z)")


class _Function(msgspec.Struct, frozen=True):
    symbol: str
    sentence: str
    rows: range
    """Of its documentation, from 0."""


def strip(source: Path, target: Path) -> dict[str, tuple[Answer, ...]]:
    """Copies the Python files below ``source`` without the documentation of functions that have some.

    Gives the functions by the first sentences of what was left out, those of ``LEAST_WORDS`` words at least.
    Paths begin with the name of ``target``.
    """
    found: dict[str, tuple[Answer, ...]] = {}
    for path in sorted(source.rglob("*.py")):
        try:
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text)
        except (ValueError, SyntaxError):  # files for tests of such errors
            continue
        lines = text.split("\n")
        name = (target.name / path.relative_to(source)).as_posix()
        left_out: set[int] = set()
        for each in _documented(tree, lines, ""):
            left_out.update(each.rows)
            if len(each.sentence.split()) >= LEAST_WORDS:
                found[each.sentence] = (*found.get(each.sentence, ()), Answer(name, each.symbol))
        copy = target.parent / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        kept = [line for row, line in enumerate(lines) if row not in left_out]
        copy.write_text("\n".join(kept), encoding="utf-8")
    return found


def _documented(node: ast.AST, lines: list[str], scope: str) -> Iterator[_Function]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _documented(child, lines, scope)
            continue
        symbol = f"{scope}.{child.name}".lstrip(".")
        yield from _documented(child, lines, symbol)
        text = ast.get_docstring(child)
        if text and not isinstance(child, ast.ClassDef) and (rows := _own_rows(child, lines)):
            yield _Function(symbol, first_sentence(text), rows)


def _own_rows(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> range | None:
    """Those of its documentation, if nothing else stands there and something is left without it."""
    first = function.body[0]
    row, end = first.lineno - 1, (first.end_lineno or first.lineno) - 1
    alone = not lines[row][: first.col_offset].strip() and lines[end].rstrip().endswith(("'", '"'))
    return range(row, end + 1) if alone and len(function.body) > 1 else None


def first_sentence(text: str) -> str:
    """Of a documentation, in one line.

    >>> first_sentence("Reads a file. Then\\nmore.")
    'Reads a file.'
    """
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    match = _SENTENCE.match(paragraph)
    return match[1] if match else paragraph
