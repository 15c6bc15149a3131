"""Opens a journal again: folds it into the live state, and ends what a kill cut off."""

from __future__ import annotations

from akmon_core.events import ModeChanged, Noticed, Rewound, ToolFinished, ToolStarted
from akmon_core.permissions import Mode
from akmon_query.checkpoints import Checkpoints, changes_in
from akmon_query.ledger import Ledger
from akmon_query.turn import close_turn


def resume(ledger: Ledger, checkpoints: Checkpoints) -> bool:
    """Restores ``ledger`` from its journal. Whether there was anything in it.

    A turn that was running when its process ended is closed by the code that closes an interrupted one, and
    a rewind is carried out to its end. What is wrong with the journal is told to whoever listens first.
    """
    ledger.restore()
    for damage in ledger.damage:
        ledger.report(Noticed(damage))
    if ledger.altered:
        _revoke(ledger)
    if ledger.state.running:
        began = ledger.state.marks[-1].record if ledger.state.marks else 1
        checkpoints.tidy(changes_in(ledger, began))
        if _was_watched(ledger, began):
            checkpoints.recover(ledger, began)
        close_turn(ledger, "interrupted", "akmon was stopped before the turn ended")
    elif isinstance(last := ledger.recall(ledger.seq), Rewound):
        checkpoints.finish(last)
    return ledger.seq > 0


def _revoke(ledger: Ledger) -> None:
    """Nobody has consented to what stands in a journal that is not what was written."""
    state = ledger.state
    mode: Mode = state.mode if state.mode in ("plan", "deny-all") else "default"
    if state.grants or mode != state.mode:
        ledger.report(ModeChanged(mode, revoked=True))
        ledger.report(Noticed(f"so nothing is allowed for the session any more, and the mode is {mode}"))


def _was_watched(ledger: Ledger, began: int) -> bool:
    """Whether a call was cut off, of whichever agent, that may have changed any file."""
    running: set[tuple[str, str]] = set()
    for envelope in ledger.since(began):
        match envelope.event:
            case ToolStarted(call_id, watched=True):
                running.add((envelope.agent, call_id))
            case ToolFinished(result):
                running.discard((envelope.agent, result.call_id))
            case _:
                pass
    return bool(running)
