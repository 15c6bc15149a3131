"""The spec workflow: three documents that a person reviews, then one task at a time. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from akmon_core.errors import SettingsError
from akmon_core.specs import DOCUMENTS, Document, Task, name_problem, tasks_of

Phase: TypeAlias = Literal["requirements", "design", "tasks", "implement"]
PHASES: tuple[Phase, ...] = get_args(Phase)

_WRAPPED = re.compile(r"```(?:markdown|md)?\n(?P<text>.*)\n```", re.DOTALL)


def check_name(feature: str) -> str:
    """``feature`` if it can be the name of a folder everywhere. Raises ``SettingsError``."""
    if feature in (*PHASES, "status"):
        raise SettingsError(f"name the feature first: akmon spec FEATURE {feature}")
    if problem := name_problem(feature):
        raise SettingsError(problem)
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


def unwrapped(answer: str) -> str:
    """A document without the code fence that some models put around all of it."""
    text = answer.strip()
    found = _WRAPPED.fullmatch(text)
    return found["text"].strip() if found else text


def not_done(answer: str, task: str) -> bool:
    """Whether the answer says, as it was asked to, that ``task`` is not done."""
    return bool(re.search(rf"^\W*{re.escape(task)}: not done\b", answer, re.MULTILINE | re.IGNORECASE))
