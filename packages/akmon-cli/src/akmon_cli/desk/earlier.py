"""Earlier sessions of the project: to choose one, and to look into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from akmon_core.events import Prompted, Replied, Steered
from akmon_core.limits import PREVIEW_CHARS
from akmon_core.text import neutralise, one_line
from akmon_query.journal import read_records
from akmon_query.store import find_session, list_sessions
from akmon_tui.services import SessionChoice

_FIRST, _LAST = 2, 4


def session_choices(folder: Path, present: str) -> list[SessionChoice]:
    """The sessions kept in ``folder`` that were asked anything, but the ``present`` one; last used first."""
    return [
        SessionChoice(
            id=info.id,
            name=one_line(info.name, 100),
            prompt=one_line(info.prompt, 200),
            model=one_line(f"{info.provider}/{info.model}", 100),
            changed=info.changed,
        )
        for info in list_sessions(folder)
        if info.id != present
    ]


def preview_of(folder: Path, session: str) -> str:
    """The first two and the last four messages of a session, as Markdown. Raises ``JournalError``."""
    said = list(_said(find_session(folder, session).path))
    if len(said) > _FIRST + _LAST:
        left_out = len(said) - _FIRST - _LAST
        said = [*said[:_FIRST], f"*({left_out:,} more messages)*", *said[-_LAST:]]
    return "\n\n".join(said)


def _said(path: Path) -> Iterator[str]:
    """What the person and the main agent said; each message shortened."""
    for _, envelope, _ in read_records(path):
        if envelope.agent:
            continue
        match envelope.event:
            case Prompted(message) | Steered(message) if message.text.strip():
                yield f"**You:** {_cut(message.text)}"
            case Replied(message) if message.text.strip():
                yield _cut(message.text)
            case _:
                pass


def _cut(text: str) -> str:
    text = neutralise(text[: PREVIEW_CHARS * 2]).strip()
    return text if len(text) <= PREVIEW_CHARS else f"{text[:PREVIEW_CHARS].rstrip()} …"
