"""What was found, as text for people and models, and as data for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from akmon_core.text import neutralise, one_line
from akmon_index.build import Progress
from akmon_index.values import Hit

SNIPPET_LINES = 12
_LINE_CHARS = 200
_BAR = 24
_BAR_SECONDS = 0.1


def place_of(hit: Hit) -> str:
    """Such as ``src/a.py:3-9  Session.send``."""
    symbol = f"  {one_line(hit.symbol, 120)}" if hit.symbol else ""
    return f"{one_line(hit.path, 400)}:{hit.first}-{hit.last}{symbol}"


def snippet(hit: Hit, lines: int = SNIPPET_LINES) -> str:
    """Its first lines, each cut to a width; how many are left out, if any are."""
    found = neutralise(hit.text).split("\n")
    shown = [line[:_LINE_CHARS] + ("…" if len(line) > _LINE_CHARS else "") for line in found[:lines]]
    left = len(found) - len(shown)
    return "\n".join([*shown, *([f"… {left} more lines"] if left > 0 else [])])


def as_text(hit: Hit) -> str:
    return f"{place_of(hit)}\n{snippet(hit)}"


def as_data(hit: Hit) -> dict[str, Any]:
    return {
        "path": hit.path,
        "first": hit.first,
        "last": hit.last,
        "symbol": hit.symbol,
        "language": hit.language,
        "score": round(hit.score, 6),
        "by": hit.by,
        "text": hit.text,
    }


def said(progress: Progress) -> str:
    """Such as ``12,000 of 78,603 files indexed``."""
    what = "files indexed" if progress.what == "files" else "pieces embedded"
    return f"{progress.done:,} of {progress.total:,} {what}"


class Bar:
    """Progress on standard error, if that is a terminal; elsewhere nothing is said."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._open = False
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self._shown or (now < self._next and progress.done < progress.total):
            return
        self._next = now + _BAR_SECONDS
        filled = _BAR * progress.done // max(progress.total, 1)
        self._draw(f"\r[{'#' * filled}{'.' * (_BAR - filled)}] {said(progress)}\x1b[K")
        self._open = True

    def close(self) -> None:
        """Removes it, so that what is said next stands alone."""
        if self._open:
            self._draw("\r\x1b[K")
            self._open = False

    def _draw(self, text: str) -> None:
        """Past the guard of the stream, which lets nothing move the cursor: this is all our own."""
        sys.stderr.flush()
        sys.stderr.buffer.write(text.encode("ascii"))
        sys.stderr.buffer.flush()


def throttled(show: Callable[[str], None], seconds: float = 1.0) -> Callable[[Progress], None]:
    """Says how far it is at most once in ``seconds``, and not at all if it is done before."""
    start = [time.monotonic() + seconds]

    def report(progress: Progress) -> None:
        if time.monotonic() >= start[0] and progress.done < progress.total:
            start[0] = time.monotonic() + seconds
            show(f"{said(progress)}\n")

    return report
