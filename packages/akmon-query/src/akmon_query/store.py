"""Finds the sessions of a project by their journals: newest, by id, by the start of an id, or by name."""

from __future__ import annotations

from pathlib import Path

import msgspec

from akmon_core.errors import JournalError
from akmon_core.events import ModelChosen, Prompted, SessionStarted
from akmon_core.messages import Text
from akmon_query.journal import read_records


class SessionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the start of a journal tells."""

    id: str
    path: Path
    started: float
    """Seconds since 1970-01-01 UTC."""
    changed: float
    name: str
    provider: str
    model: str
    cwd: str
    prompt: str
    """The first thing that was asked."""


def list_sessions(folder: Path) -> list[SessionInfo]:
    """The sessions in ``folder`` that were asked anything, last used first."""
    infos = (_info(path) for path in folder.glob("*.jsonl"))
    return sorted((info for info in infos if info and info.prompt), key=lambda info: -info.changed)


def find_session(folder: Path, wanted: str = "") -> SessionInfo:
    """The session meant by ``wanted``: id, unique start of an id, or name; empty is the last used one.

    Raises ``JournalError`` if there is none or more than one.
    """
    sessions = list_sessions(folder)
    if not sessions:
        raise JournalError('there is no session of this project yet. Start one with: akmon "what to do"')
    if not wanted:
        return sessions[0]
    found = (
        [info for info in sessions if info.id == wanted]
        or [info for info in sessions if info.name == wanted]
        or [info for info in sessions if info.id.startswith(wanted)]
    )
    if len(found) == 1:
        return found[0]
    if not found:
        raise JournalError(
            f"no session of this project is called {wanted!r}. See them with: akmon sessions list"
        )
    ids = ", ".join(info.id for info in found)
    raise JournalError(f"{wanted!r} means more than one session: {ids}. Give more of the id.")


def _info(path: Path) -> SessionInfo | None:
    name, cwd, provider, model, prompt, started = "", "", "", "", "", 0.0
    try:
        changed = path.stat().st_mtime
        for _, envelope, _ in read_records(path):
            match envelope.event:
                case SessionStarted():
                    started, name, cwd = envelope.at, envelope.event.name, envelope.event.cwd
                case ModelChosen():
                    provider, model = envelope.event.provider, envelope.event.model
                case Prompted(message):
                    prompt = " ".join(part.text for part in message.parts if isinstance(part, Text))
                    break
                case _:
                    pass
    except (OSError, JournalError):
        return None
    return SessionInfo(
        id=path.stem,
        path=path,
        started=started,
        changed=changed,
        name=name,
        provider=provider,
        model=model,
        cwd=cwd,
        prompt=prompt,
    )
