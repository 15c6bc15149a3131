"""Reads the hunks of unified diffs, also where their line counts are wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, pairwise, takewhile

from akmon_core.errors import ToolError
from akmon_core.text import one_line
from akmon_tools.patches.hunks import Hunk, HunkHead, hunk_head

BETWEEN = ("Index: ", "=====", "diff ", "Only in ")
"""How lines begin that may stand between two files and say nothing."""
SIGNATURE = "-- "
"""Ends a mail, as ``git format-patch`` writes them."""
_UNENDED = "\\"


def begins_file(lines: Sequence[str], at: int) -> bool:
    """Whether the part about a file begins here."""
    if lines[at].startswith("diff --git "):
        return True
    following = [line[:4] for line in lines[at : at + 3]]
    return following[:2] == ["--- ", "+++ "] and (len(following) < 3 or following[2].startswith("@@"))


def read_hunks(lines: Sequence[str], at: int, name: str) -> tuple[tuple[Hunk, ...], int]:
    """The hunks that begin at a line, and the line after them. Raises ``ToolError``."""
    hunks: list[Hunk] = []
    while (here := _past_blanks(lines, at)) < len(lines) and lines[here].startswith("@@"):
        if lines[here].startswith("@@@"):
            raise ToolError(f"{name}: this is the combined diff of a merge, which cannot be applied.")
        head = hunk_head(lines[here])
        at = _counted(lines, here + 1, head) or _scanned(lines, here + 1)
        hunks.append(_hunk(len(hunks) + 1, head, lines[here + 1 : at]))
    return tuple(hunks), at


def _hunk(number: int, head: HunkHead, body: Sequence[str]) -> Hunk:
    body = list(body)
    if head.old is None or _counts(body) != (head.old, head.new):
        while body and not body[-1]:
            body.pop()
    marked = {line[0] if line else " " for line, after in pairwise(body) if after[:1] == _UNENDED}
    lines = [line for line in body if line[:1] != _UNENDED]
    return Hunk(
        number=number,
        lines=tuple((line[0], line[1:]) if line else (" ", "") for line in lines),
        start=head.start,
        inserts=head.old == 0,
        anchors=(head.anchor,) if head.anchor else (),
        old_unended=bool(marked & {"-", " "}),
        new_unended=bool(marked & {"+", " "}),
    )


def _counts(body: Sequence[str]) -> tuple[int, int]:
    signs = [line[0] if line else " " for line in body]
    return sum(sign in " -" for sign in signs), sum(sign in " +" for sign in signs)


def _counted(lines: Sequence[str], at: int, head: HunkHead) -> int:
    """The line after the hunk whose body begins here, if the counts of its head are right; else 0."""
    if head.old is None or head.new is None:
        return 0
    old, new = head.old, head.new
    while at < len(lines) and (old > 0 or new > 0):
        sign = lines[at][:1] or " "
        if sign not in " -+\\":
            return 0
        old -= sign in " -"
        new -= sign in " +"
        at += 1
    if at < len(lines) and lines[at][:1] == _UNENDED:
        at += 1
    after = _past_blanks(lines, at)
    fits = old == new == 0 and (after == len(lines) or not _in_hunk(lines, after))
    return at if fits else 0


def _scanned(lines: Sequence[str], at: int) -> int:
    """The line after the hunk whose body begins here, by what its lines look like."""
    return next(
        (here for here in range(at, len(lines)) if lines[here] and not _in_hunk(lines, here)), len(lines)
    )


def _in_hunk(lines: Sequence[str], at: int) -> bool:
    """Whether a line that is not empty is one of a hunk's."""
    return lines[at][0] in " -+\\" and not begins_file(lines, at) and not _ends_mail(lines, at)


def _ends_mail(lines: Sequence[str], at: int) -> bool:
    """Whether a mail ends here, with its signature and perhaps the next mail after it."""
    if lines[at] != SIGNATURE:
        return False
    rest = takewhile(lambda line: not line.startswith("From "), lines[at + 1 :])
    return len(list(islice(filter(None, rest), 2))) == 1


def _past_blanks(lines: Sequence[str], at: int) -> int:
    return next((here for here in range(at, len(lines)) if lines[here]), len(lines))


def stray(name: str, hunks: int, line: str) -> ToolError:
    """That a line belongs to nothing."""
    return ToolError(
        f"{name}: each line of a hunk begins with a space, - or +, "
        f"but after hunk {hunks} stands: {one_line(line, 80)}"
    )
