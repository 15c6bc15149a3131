"""The spec workflow: three documents that a person reviews, then one task at a time. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

import msgspec

from akmon_core.errors import SettingsError

Document: TypeAlias = Literal["requirements", "design", "tasks"]
Phase: TypeAlias = Literal["requirements", "design", "tasks", "implement"]
DOCUMENTS: tuple[Document, ...] = get_args(Document)
PHASES: tuple[Phase, ...] = get_args(Phase)

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME_CHARS = 60
_TASK = re.compile(r"\s*[-*] \[(?P<box>[ xX])\] \**(?P<id>T-\d+)\b[.:*]*\s*(?P<title>.*)")
_HEADING = re.compile(r"#{1,6} ")
_FENCED = re.compile(r"\s*(```|~~~)")
_WRAPPED = re.compile(r"```(?:markdown|md)?\n(?P<text>.*)\n```", re.DOTALL)


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


def check_name(feature: str) -> str:
    """``feature`` if it can be the name of a folder everywhere. Raises ``SettingsError``."""
    if feature in (*PHASES, "status"):
        raise SettingsError(f"name the feature first: akmon spec FEATURE {feature}")
    if not _NAME.fullmatch(feature) or len(feature) > _NAME_CHARS:
        raise SettingsError(
            f"{feature!a} is no name for a feature. Write small letters, digits and single hyphens, "
            f"at most {_NAME_CHARS} of them, such as csv-export."
        )
    return feature


def next_phase(documents: Mapping[Document, str]) -> Phase | None:
    """What comes next, by the ``documents`` that there are; None if every task is done."""
    for document in DOCUMENTS:
        if document not in documents:
            return document
    return "implement" if open_task(documents["tasks"]) else None


def open_task(tasks: str) -> Task | None:
    """The first task that is not done."""
    return next((task for task in tasks_of(tasks) if not task.done), None)


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


def unwrapped(answer: str) -> str:
    """A document without the code fence that some models put around all of it."""
    text = answer.strip()
    found = _WRAPPED.fullmatch(text)
    return found["text"].strip() if found else text


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


def not_done(answer: str, task: str) -> bool:
    """Whether the answer says, as it was asked to, that ``task`` is not done."""
    return bool(re.search(rf"^\W*{re.escape(task)}: not done\b", answer, re.MULTILINE | re.IGNORECASE))
