"""What a person is asked, as lines: may a call run, and whatever the model wants to know. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from akmon_core.events import PermissionAsked, QuestionAsked
from akmon_core.text import exposed, neutralise
from akmon_core.tools import DiffView, TextView
from akmon_tui.asking import (
    arguments_of,
    held_by,
    how_to_answer,
    led_elsewhere,
    may_allow_writes,
    who_asks,
)
from akmon_tui.plain.spans import Span
from akmon_tui.standing import REMOVE
from akmon_tui.view import View, Waiting

_LONG = 20
"""Lines of a question above which its beginning may have left the screen."""
_MANY = 4_000
"""Characters above which the same may be, as long lines are wrapped."""


def question(waiting: Waiting, view: View) -> list[Span]:
    """All of a question. The keys that answer one for permission are a line of their own, ``answers``."""
    asker = f"{exposed(waiting.agent)}: " if waiting.agent else ""
    match waiting.event:
        case PermissionAsked() as asked:
            return _permission(asker, asked, view)
        case QuestionAsked() as asked:
            return _choice(asker, asked)


def answers(asked: PermissionAsked) -> Span:
    """The keys that answer ``asked``."""
    writes = "   a all writes" if may_allow_writes(asked) else ""
    always = "   r always" if asked.rule else ""
    return Span(f"y once   s this for the session{writes}{always}   n no")


def diff_lines(diff: DiffView) -> list[Span]:
    head = Span(f"  {exposed(diff.path)} +{diff.added} -{diff.removed}")
    return [head, *(Span(f"  {line}") for line in exposed(diff.diff).split("\n"))]


def _permission(asker: str, asked: PermissionAsked, view: View) -> list[Span]:
    """Everything that would happen, nothing left out, and why it is asked."""
    body = [*_effects(asked, view.folder), *_change(asked)]
    lines = [Span(""), Span(f"{asker}{who_asks(asked)} asks for permission"), *body]
    characters = sum(len(span.text) for span in body)
    if characters > _MANY:
        lines.append(Span(f"These are {characters:,} characters. Scroll up to read them all, or deny."))
    elif len(body) > _LONG:
        lines.append(Span(f"These are {len(body)} lines. Scroll up to read them all."))
    if held := held_by(asked, view):
        lines.append(Span(held))
    lines.append(Span(f"Asked because {exposed(asked.reason)}."))
    if asked.rule:
        lines.append(Span(f"always saves {exposed(asked.rule)} in your settings, for this project;"))
        lines.append(Span(f"  {REMOVE} takes it back."))
    return lines


def _choice(asker: str, asked: QuestionAsked) -> list[Span]:
    first, *more = neutralise(asked.question).split("\n")
    lines = [Span(""), Span(f"{asker}{first}"), *(Span(line) for line in more)]
    for number, option in enumerate(asked.options, start=1):
        first, *more = neutralise(option).split("\n")
        lines += [Span(f"  {number}  {first}"), *(Span(f"     {line}") for line in more)]
    lines.append(Span(how_to_answer(asked)))
    return lines


def _effects(asked: PermissionAsked, folder: str) -> Iterable[Span]:
    for effect in asked.effects:
        first, *more = exposed(effect.target).split("\n")
        yield Span(f"  {effect.kind} {first}")
        yield from (Span(f"  {' ' * len(effect.kind)} {line}") for line in more)
    for leads in led_elsewhere(asked, folder):
        yield Span(f"  {leads}")


def _change(asked: PermissionAsked) -> Iterable[Span]:
    match asked.view:
        case DiffView() as diff:
            return diff_lines(diff)
        case TextView(text):
            return [Span(f"  {line}") for line in exposed(text).split("\n")]
        case None:
            arguments = arguments_of(asked)
            return [Span(f"  {line}") for line in exposed(arguments).split("\n")] if arguments else []
