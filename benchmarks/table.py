"""The figures as a table, and whether they are within their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure. Without a limit it is there for orientation."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def over(self) -> bool:
        return self.limit is not None and self.value > self.limit


def show(figures: Sequence[Figure]) -> str:
    """The table, as Markdown."""
    rows = [("figure", "measured", "limit", ""), *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [_line(row, widths) for row in rows]
    rule = "|".join(["", "-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:3])])
    lines.insert(1, f"{rule}|{'-' * (widths[3] + 2)}|")
    return "\n".join(lines)


def _row(figure: Figure) -> tuple[str, str, str, str]:
    limit = "" if figure.limit is None else _amount(figure.limit, figure.unit)
    verdict = "" if figure.limit is None else "over" if figure.over else "ok"
    return (figure.name, _amount(figure.value, figure.unit), limit, verdict)


def _amount(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {unit}"


def _line(row: tuple[str, str, str, str], widths: Sequence[int]) -> str:
    name, value, limit, verdict = row
    return f"| {name:<{widths[0]}} | {value:>{widths[1]}} | {limit:>{widths[2]}} | {verdict:<{widths[3]}} |"
