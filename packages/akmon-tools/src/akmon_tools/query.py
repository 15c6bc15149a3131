"""What is searched for, below one folder or in one file of it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Answer: TypeAlias = Literal["lines", "files", "count"]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Without a ``pattern`` every file matches, and ``answer`` is ``files``."""

    pattern: str = ""
    name: str = ""
    """Of the one file that is searched, whatever else holds."""
    glob: str = ""
    type: str = ""
    literal: bool = False
    multiline: bool = False
    """A dot matches a line end too."""
    context: int = 0
    """Lines shown around each that matches."""
    answer: Answer = "lines"
    without: tuple[str, ...] = ()
    """Folders not to go into: globs over paths as rules have them, which end in ``**``."""

    @property
    def across_lines(self) -> bool:
        return self.multiline or "\n" in self.pattern or (not self.literal and "\\n" in self.pattern)
