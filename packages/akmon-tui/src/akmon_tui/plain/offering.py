"""When keys begin to answer a question: the person has had time to see it, and types nothing else."""

from __future__ import annotations

import time

from akmon_core.events import PermissionAsked
from akmon_tui.view import Waiting


class Offer:
    """For one question at a time. ``quiet`` is how many seconds without a key have to pass before."""

    def __init__(self, quiet: float, asked: Waiting | None = None) -> None:
        self._quiet = quiet
        self._asked = asked
        self._since = time.monotonic()
        self.made = False
        """Whether the question has its keys."""

    def of(self, asked: Waiting | None) -> Offer:
        """The one for the question that takes the place of this one's."""
        return Offer(self._quiet, asked)

    def restart(self) -> None:
        """Something was pressed that is no answer: the question waits anew."""
        self._since = time.monotonic()
        self.made = False

    def due(self, begun: bool) -> float | None:
        """Seconds until it may be made; None if nothing is to be, or not as long as a line is ``begun``.

        A question of the model opens a line, which answers nothing before Enter: it need not wait.
        """
        if self._asked is None or self.made or begun:
            return None
        if not isinstance(self._asked.event, PermissionAsked):
            return 0.0
        return max(0.0, self._since + self._quiet - time.monotonic())
