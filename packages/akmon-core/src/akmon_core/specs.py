"""The documents of a spec as files say them: their names, and the tasks in them. Pure."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias, get_args

import msgspec

Document: TypeAlias = Literal["requirements", "design", "tasks"]
DOCUMENTS: tuple[Document, ...] = get_args(Document)
FOLDER = (".akmon", "specs")
"""Below the project; a folder for each feature, with a file such as ``design.md`` for each document."""

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME_CHARS = 60
_RESERVED = (*DOCUMENTS, "implement", "status")
"""What ``akmon spec FEATURE`` may be followed by."""
_TASK = re.compile(r"\s*[-*] \[(?P<box>[ xX])\] \**(?P<id>T-\d+)\b[.:*]*\s*(?P<title>.*)")
_HEADING = re.compile(r"#{1,6} ")
_FENCED = re.compile(r"\s*(```|~~~)")


class Task(msgspec.Struct, frozen=True):
    """A task of ``tasks.md``."""

    id: str
    """Such as ``T-3``."""
    title: str
    done: bool
    text: str
    """Its lines, as they stand."""
    section: str
    """The heading that it stands under, and what that says before its first task."""


def name_problem(feature: str) -> str:
    """Why ``feature`` cannot be the name of a folder everywhere; empty if it can."""
    if feature in _RESERVED:
        return f"{feature} is the name of a phase, not of a feature."
    if _NAME.fullmatch(feature) and len(feature) <= _NAME_CHARS:
        return ""
    return (
        f"{feature[: 2 * _NAME_CHARS]!a} is no name for a feature. Write small letters, digits and single "
        f"hyphens, at most {_NAME_CHARS} of them, such as csv-export."
    )


def tasks_of(text: str) -> tuple[Task, ...]:
    """The tasks of a ``tasks.md``, in order. What stands in a code block is none."""
    tasks: list[Task] = []
    section: list[str] = []
    lines: list[str] | None = None
    """Of the last task, while it goes on."""
    fenced = False
    for line in text.splitlines():
        fenced ^= bool(_FENCED.match(line))
        found = None if fenced else _TASK.match(line)
        if found:
            lines = [line]
            tasks.append(_task(found, "\n".join(section).strip(), line))
        elif not fenced and _HEADING.match(line):
            lines, section = None, [line]
        elif lines is None:
            section.append(line)
        else:
            lines.append(line)
            tasks[-1] = msgspec.structs.replace(tasks[-1], text="\n".join(lines).rstrip())
    return tuple(tasks)


def _task(found: re.Match[str], section: str, line: str) -> Task:
    title = found["title"].strip("* ")
    return Task(id=found["id"], title=title, done=found["box"] != " ", text=line, section=section)


def ticked(text: str, task: str) -> str:
    """``text`` with the box of ``task`` ticked, and nothing else changed."""
    lines = text.splitlines(keepends=True)
    fenced = False
    for at, line in enumerate(lines):
        fenced ^= bool(_FENCED.match(line))
        found = None if fenced else _TASK.match(line)
        if found and found["id"] == task and found["box"] == " ":
            box = found.start("box")
            lines[at] = f"{line[:box]}x{line[box + 1 :]}"
            break
    return "".join(lines)


def problem(document: Document, text: str) -> str:
    """Why ``text`` cannot be that document; empty if it can."""
    if not text.strip():
        return "it is empty"
    if document != "tasks":
        return ""
    ids = [task.id for task in tasks_of(text)]
    if not ids:
        return "it has no task: a line such as `- [ ] T-1 Read the file`"
    twice = sorted({each for each in ids if ids.count(each) > 1})
    return f"a task is there twice: {', '.join(twice)}" if twice else ""
