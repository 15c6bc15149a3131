"""Opens a journal again: folds it into the live state, and ends what a kill cut off."""

from __future__ import annotations

from akmon_core.events import Rewound
from akmon_query.checkpoints import Checkpoints
from akmon_query.ledger import Ledger
from akmon_query.turn import close_turn


def resume(ledger: Ledger, checkpoints: Checkpoints) -> bool:
    """Restores ``ledger`` from its journal. Whether there was anything in it.

    A turn that was running when its process ended is closed by the code that closes an interrupted one, and
    a rewind is carried out to its end.
    """
    ledger.restore()
    if ledger.state.running:
        checkpoints.was_cut_off()
        close_turn(ledger, "interrupted", "akmon was stopped before the turn ended")
    elif isinstance(last := ledger.recall(ledger.seq), Rewound):
        checkpoints.finish(last)
    return ledger.seq > 0
