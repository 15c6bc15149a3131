"""Makes a session that begins like another one, which stays as it is."""

from __future__ import annotations

import shutil
import time

import msgspec

from akmon_core.errors import JournalError
from akmon_core.events import Envelope, Prompted, Renamed
from akmon_query.ids import new_session_id
from akmon_query.journal import FileJournal, delete_journal, read_records
from akmon_query.store import SessionInfo, find_session


def fork_session(info: SessionInfo, *, record: int = 0) -> SessionInfo:
    """A new session of the same project with the records of ``info`` up to that number; 0 is all.

    It has a journal of its own, and its own copy of the outputs that are kept beside it. A turn that is cut
    off is closed when the session is resumed. Raises ``JournalError``.
    """
    folder, session = info.path.parent, new_session_id(time.time())
    path = folder / f"{session}.jsonl"
    journal = FileJournal(path)
    try:
        last: Envelope | None = None
        asked = False
        for _, envelope, _ in read_records(info.path):
            if record and envelope.seq > record:
                break
            last = msgspec.structs.replace(envelope, session=session)
            journal.append(last, sync=False)
            asked = asked or isinstance(envelope.event, Prompted)
        if last and info.name:  # two sessions of one name could not be told apart
            renamed = Renamed(f"{info.name} (fork)")
            journal.append(
                Envelope(last.seq + 1, last.at, session, last.turn, last.cause, renamed), sync=False
            )
    finally:
        journal.close()
    if not asked:
        delete_journal(path)
        raise JournalError(f"session {info.id} holds nothing up to there that could be taken over")
    outputs = info.path.with_suffix(".outputs")
    try:
        if outputs.is_dir():
            shutil.copytree(outputs, path.with_suffix(".outputs"))
    except OSError as error:
        raise JournalError(f"the outputs of session {info.id} cannot be copied: {error}") from error
    return find_session(folder, session)
