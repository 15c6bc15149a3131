"""Says how good answers are: whether a right place is among the first ten, and how far in front."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

import msgspec

from benchmarks.questions import Answer, Question

FIRST = 10


class Place(msgspec.Struct, frozen=True):
    """What a search answers with."""

    path: str
    first: int
    last: int
    symbol: str | None = None
    """What it defines, or the headings it stands below; None if it was cut by lines."""


Way: TypeAlias = Callable[[str], Sequence[Place]]
"""A search: the best places for a question."""


class Score(msgspec.Struct, frozen=True):
    mrr: float
    """Of the first ten: the mean of 1 / the rank of the first right place, and 0 without one."""
    recall: float
    """The part of the questions with a right place among the first ten."""


def score(root: Path, asked: Sequence[Question], way: Way) -> Score:
    ranks = [_rank(root, each.answers, way(each.question)) for each in asked]
    found = [rank for rank in ranks if rank]
    return Score(sum(1 / rank for rank in found) / len(ranks), len(found) / len(ranks))


def _rank(root: Path, answers: Iterable[Answer], places: Sequence[Place]) -> int:
    """From 1; 0 if none is right."""
    for rank, place in enumerate(places[:FIRST], 1):
        if any(place.path == answer.path and _is(root, answer, place) for answer in answers):
            return rank
    return 0


def _is(root: Path, answer: Answer, place: Place) -> bool:
    if place.symbol is not None:
        return place.symbol.rpartition(" > ")[2] == answer.symbol
    lines = _beginnings(root / answer.path).get(answer.symbol, [])
    return any(place.first <= line <= place.last for line in lines)


@cache
def _beginnings(path: Path) -> dict[str, list[int]]:
    """The lines on which what a file defines begins, by symbol; headings of Markdown are symbols, too."""
    text = path.read_text(encoding="utf-8")
    found: dict[str, list[int]] = {"": [1]}
    if path.suffix == ".md":
        for number, line in enumerate(text.split("\n"), 1):
            if line.startswith("#"):
                found.setdefault(line.lstrip("#").strip(), []).append(number)
    else:
        _define(ast.parse(text), "", found)
    return found


def _define(node: ast.AST, scope: str, found: dict[str, list[int]]) -> None:
    for child in ast.iter_child_nodes(node):
        inner = scope
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{scope}.{child.name}".lstrip(".")
            found.setdefault(inner, []).append(child.lineno)
        _define(child, inner, found)
