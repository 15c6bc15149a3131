"""Opens a journal again: folds it into the live state, and closes a turn that a kill cut off."""

from __future__ import annotations

from akmon_query.ledger import Ledger
from akmon_query.turn import close_turn


def resume(ledger: Ledger) -> bool:
    """Restores ``ledger`` from its journal. Whether there was anything in it.

    A turn that was running when its process ended is closed by the code that closes an interrupted one.
    """
    ledger.restore()
    if ledger.state.running:
        close_turn(ledger, "interrupted", "akmon was stopped before the turn ended")
    return ledger.seq > 0
