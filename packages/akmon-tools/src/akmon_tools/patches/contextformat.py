"""Reads patches in the context-anchored format: ``*** Begin Patch``, files, hunks without line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from akmon_core.errors import ToolError
from akmon_core.text import one_line
from akmon_tools.patches.hunks import Action, Entry, Hunk, hunk_head

BEGIN = "*** Begin Patch"
END = "*** End Patch"
_MOVE = "*** Move to:"
_END_OF_FILE = "*** End of File"
_FILES: dict[str, Action] = {
    "*** Add File:": "add",
    "*** Delete File:": "delete",
    "*** Update File:": "update",
}
_HEREDOC = re.compile(r"(?:[\w./-]+\s+)*<<-?\s*['\"]?(\w+)['\"]?$")


def unwrap(text: str) -> list[str]:
    """The lines of a patch without a code fence or here-document around it, or a ``\\r`` on every line."""
    lines = text.split("\n")
    if all(line.endswith("\r") for line in lines if line):
        lines = [line.removesuffix("\r") for line in lines]
    for _ in range(2):
        lines = _unwrapped(_without_blanks(lines))
    return lines


def _without_blanks(lines: list[str]) -> list[str]:
    """Without the blank lines before and the empty ones after; a line of blanks may be a line of a hunk."""
    first, last = 0, len(lines)
    while first < last and not lines[first].strip():
        first += 1
    while last > first and not lines[last - 1]:
        last -= 1
    return lines[first:last]


def _unwrapped(lines: list[str]) -> list[str]:
    if len(lines) < 2:
        return lines
    first, last = lines[0].strip(), lines[-1].strip()
    heredoc = _HEREDOC.match(first)
    fenced = first.startswith("```") and last == "```"
    return lines[1:-1] if fenced or (heredoc and heredoc[1] == last) else lines


def is_anchored(lines: Sequence[str]) -> bool:
    """Whether the first line that belongs to any format belongs to this one."""
    for line in lines:
        if line.startswith((BEGIN, *_FILES)):
            return True
        if line.startswith(("diff --git ", "--- ", "+++ ")):
            return False
    return False


def parse_anchored(lines: Sequence[str]) -> tuple[Entry, ...]:
    """What a patch says about each file. Raises ``ToolError`` with what is wrong where."""
    return tuple(_entry(head, body) for head, body in _sections(_inner(lines)))


def _inner(lines: Sequence[str]) -> Sequence[str]:
    """What lies between the markers; a marker at the very beginning or end may be missing."""
    begins = [at for at, line in enumerate(lines) if line.rstrip() == BEGIN]
    ends = [at for at, line in enumerate(lines) if line.rstrip() == END]
    if len(begins) > 1 or len(ends) > 1:
        raise ToolError(f"a patch has one {BEGIN} and one {END}: put all files between them.")
    first = begins[0] + 1 if begins else 0
    last = ends[0] if ends else len(lines)
    for line in (*lines[: max(first - 1, 0)], *lines[last + 1 :]):
        if line.strip():
            raise ToolError(f"there is text outside of the patch: {one_line(line, 80)}. Leave it out.")
    return lines[first:last]


def _sections(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    head, body = "", list[str]()
    for line in lines:
        if line.startswith(tuple(_FILES)):
            if head:
                yield head, body
            head, body = line, []
        elif head:
            body.append(line)
        elif line.strip():
            raise ToolError(
                f"a patch begins with the file it is about, such as *** Update File: src/a.py, "
                f"but here stands: {one_line(line, 80)}"
            )
    if head:
        yield head, body


def _entry(head: str, body: list[str]) -> Entry:
    label = next(label for label in _FILES if head.startswith(label))
    action, path = _FILES[label], head[len(label) :].strip()
    if not path:
        raise ToolError(f"{label} names no file.")
    match action:
        case "add":
            return Entry(action=action, path=path, hunks=_added(path, body))
        case "delete":
            if any(line.strip() for line in body):
                raise ToolError(f"{path}: lines follow {label}, which takes none.")
            return Entry(action=action, path=path)
        case _:
            return _update(path, body)


def _added(path: str, body: list[str]) -> tuple[Hunk, ...]:
    while body and not body[-1]:
        body.pop()
    for line in body:
        if line and not line.startswith("+"):
            raise ToolError(
                f"{path}: each line of an added file begins with +, but here stands: {one_line(line, 80)}"
            )
    if not body:
        return ()
    return (Hunk(number=1, lines=tuple(("+", line[1:]) for line in body), inserts=True, start=0),)


def _update(path: str, body: list[str]) -> Entry:
    target = ""
    if body and body[0].startswith(_MOVE):
        target = body.pop(0)[len(_MOVE) :].strip()
        if not target:
            raise ToolError(f"{path}: {_MOVE} names no file.")
    hunks = tuple(_hunks(path, body))
    if not hunks and not target:
        raise ToolError(f"{path}: the patch says no change of it.")
    return Entry(action="move" if target else "update", path=path, target=target, hunks=hunks)


def _hunks(path: str, body: list[str]) -> Iterator[Hunk]:
    at, number = 0, 0
    while at < len(body):
        if not body[at]:
            at += 1
            continue
        number += 1
        heads = []
        while at < len(body) and body[at].startswith("@@"):
            heads.append(hunk_head(body[at]))
            at += 1
        first = at
        while at < len(body) and not body[at].startswith(("@@", "***")):
            at += 1
        lines = _lines(path, number, body[first:at])
        at_end = at < len(body) and body[at].rstrip() == _END_OF_FILE
        at += at_end
        if at < len(body) and body[at].startswith("***") and not at_end:
            raise ToolError(f"{path}, hunk {number}: cannot read the line {one_line(body[at], 80)}")
        yield Hunk(
            number=number,
            lines=lines,
            start=next((head.start for head in heads if head.start is not None), None),
            inserts=any(head.old == 0 for head in heads),
            anchors=tuple(head.anchor for head in heads if head.anchor),
            at_end=at_end,
        )


def _lines(path: str, number: int, lines: list[str]) -> tuple[tuple[str, str], ...]:
    """A line that is empty altogether is an empty one of the file, or at the end stands between hunks."""
    while lines and not lines[-1]:
        lines.pop()
    for line in lines:
        if line and line[0] not in " -+":
            raise ToolError(
                f"{path}, hunk {number}: each line begins with a space, - or +, "
                f"but here stands: {one_line(line, 80)}"
            )
    return tuple((line[0], line[1:]) if line else (" ", "") for line in lines)
