"""Finds the sessions of a project by their journals: newest, by id, by the start of an id, or by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from akmon_core.codec import decode_record
from akmon_core.errors import JournalError
from akmon_core.events import Event, ModelChosen, Prompted, Renamed, SessionStarted
from akmon_core.messages import Text
from akmon_core.models import Effort
from akmon_query.journal import read_records

_BLOCK_BYTES = 2**20
"""Of a journal that is looked through at a time."""
_CHOSEN, _RENAMED = b'"event":{"type":"model_chosen"', b'"event":{"type":"renamed"'
"""What records of these kinds have in them, and no others: in a text each quotation mark has a backslash."""


class SessionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal tells of its session as a whole."""

    id: str
    path: Path
    started: float
    """Seconds since 1970-01-01 UTC."""
    changed: float
    name: str
    """Its last one."""
    provider: str
    model: str
    """The one chosen last."""
    effort: Effort | None = None
    """How much that is asked to think."""
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
    sessions = list_sessions(folder) if wanted else _newest(folder)
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


def _newest(folder: Path) -> list[SessionInfo]:
    """The last used session that was asked anything, without a look at all the others."""
    for path in sorted(folder.glob("*.jsonl"), key=_changed, reverse=True):
        if (info := _info(path)) and info.prompt:
            return [info]
    return []


def _changed(path: Path) -> float:
    """Seconds since 1970-01-01 UTC; 0.0 if the file is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _info(path: Path) -> SessionInfo | None:
    name, cwd, prompt, started = "", "", "", 0.0
    chosen = ModelChosen("", "")
    try:
        changed = path.stat().st_mtime
        for _, envelope, _ in read_records(path):
            match envelope.event:
                case SessionStarted():
                    started, name, cwd = envelope.at, envelope.event.name, envelope.event.cwd
                case Prompted(message):
                    prompt = " ".join(part.text for part in message.parts if isinstance(part, Text))
                    break
                case _:
                    pass
        for event in _choices(path):
            match event:
                case ModelChosen():
                    chosen = event
                case Renamed():
                    name = event.name
    except (OSError, JournalError):
        return None
    return SessionInfo(
        id=path.stem,
        path=path,
        started=started,
        changed=changed,
        name=name,
        provider=chosen.provider,
        model=chosen.model,
        effort=chosen.effort,
        cwd=cwd,
        prompt=prompt,
    )


def _choices(path: Path) -> Iterator[ModelChosen | Renamed]:
    """The main agent's models and the names, each kind in its order.

    They may stand anywhere, so all of the file is read, but only these records are decoded: that takes half a
    millisecond for each megabyte.
    """
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            block += file.readline()  # to the end of a line
            for kind in (_CHOSEN, _RENAMED):
                for line in _lines_with(kind, block):
                    event = _event_of(line)
                    if isinstance(event, ModelChosen | Renamed):
                        yield event


def _lines_with(kind: bytes, block: bytes) -> Iterator[bytes]:
    at = block.find(kind)
    while at >= 0:
        start, end = block.rfind(b"\n", 0, at) + 1, block.find(b"\n", at)
        end = len(block) if end < 0 else end
        yield block[start:end]
        at = block.find(kind, end)


def _event_of(line: bytes) -> Event | None:
    """What the main agent's record in ``line`` says; None if it is no such record."""
    try:
        envelope, _ = decode_record(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return None if envelope.agent else envelope.event
