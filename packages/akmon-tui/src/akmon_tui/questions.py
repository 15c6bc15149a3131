"""What a person is asked, as lines: may a call run, and whatever the model wants to know. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from akmon_core.events import PermissionAsked, QuestionAsked
from akmon_core.text import neutralise, reveal
from akmon_core.tools import DiffView, TextView
from akmon_tui.spans import Span, Style
from akmon_tui.view import Waiting

_LONG = 20
"""Lines of a question above which its beginning may have left the screen."""


def question(waiting: Waiting) -> list[Span]:
    """All of a question, and how to answer it."""
    asker = f"{reveal(waiting.agent)}: " if waiting.agent else ""
    match waiting.event:
        case PermissionAsked() as asked:
            return _permission(asker, asked)
        case QuestionAsked() as asked:
            return _choice(asker, asked)


def may_allow_writes(asked: PermissionAsked) -> bool:
    """Allowing all writes answers only a question about writes."""
    kinds = {effect.kind for effect in asked.effects}
    return "write" in kinds and kinds <= {"read", "write"}


def answer_text(asked: QuestionAsked, line: str) -> str:
    """What a typed line answers: the option of that number, or what it says. Empty leaves it to the model."""
    line = line.strip()
    numbers = {str(number): option for number, option in enumerate(asked.options, start=1)}
    return numbers.get(line.rstrip("."), line)


def diff_lines(diff: DiffView) -> list[Span]:
    head = Span(f"  {reveal(diff.path)} +{diff.added} -{diff.removed}", "bold")
    return [head, *(Span(f"  {line}", _diff_style(line)) for line in reveal(diff.diff).split("\n"))]


def _permission(asker: str, asked: PermissionAsked) -> list[Span]:
    """Everything that would happen, nothing left out, and why it is asked."""
    body = [*_effects(asked), *_change(asked)]
    lines = [Span(""), Span(f"{asker}{reveal(asked.call.name)} asks for permission", "ask"), *body]
    if len(body) > _LONG:
        lines.append(Span(f"These are {len(body)} lines. Scroll up to read them all.", "ask"))
    lines.append(Span(f"Asked because {reveal(asked.reason)}.", "dim"))
    writes = "   a all writes" if may_allow_writes(asked) else ""
    lines.append(Span(f"y once   s this for the session{writes}   n no", "ask"))
    return lines


def _choice(asker: str, asked: QuestionAsked) -> list[Span]:
    first, *more = neutralise(asked.question).split("\n")
    lines = [Span(""), Span(f"{asker}{first}", "ask"), *(Span(line, "ask") for line in more)]
    for number, option in enumerate(asked.options, start=1):
        first, *more = neutralise(option).split("\n")
        lines += [Span(f"  {number}  {first}"), *(Span(f"     {line}") for line in more)]
    lines.append(Span(_how_to_answer(asked), "dim"))
    return lines


def _how_to_answer(asked: QuestionAsked) -> str:
    if asked.call_id.startswith("rewind-"):
        return "A number; Enter alone keeps them as they are."
    how = "A number, or an answer of your own" if asked.options else "Your answer"
    return f"{how}; Enter alone leaves it to the model."


def _effects(asked: PermissionAsked) -> Iterable[Span]:
    for effect in asked.effects:
        first, *more = reveal(effect.target).split("\n")
        yield Span(f"  {effect.kind} {first}", "bold")
        yield from (Span(f"  {' ' * len(effect.kind)} {line}", "bold") for line in more)


def _change(asked: PermissionAsked) -> Iterable[Span]:
    match asked.view:
        case DiffView() as diff:
            return diff_lines(diff)
        case TextView(text):
            return [Span(f"  {line}") for line in reveal(text).split("\n")]
        case None:
            return []


def _diff_style(line: str) -> Style:
    styles: dict[str, Style] = {"+": "added", "-": "removed", "@": "dim"}
    return styles.get(line[:1], "")
