"""Has what is typed kept while it is typed, so that it outlives the program."""

from __future__ import annotations

import asyncio
from pathlib import Path

from akmon_tui.composer.drafts import Draft
from akmon_tui.composer.prompt import Composer

_SECONDS = 1.0
"""How long something typed may wait to be kept: not each key is worth a file."""


class Keeping:
    """Keeps drafts of ``composer`` in ``folder``; None keeps none."""

    def __init__(self, composer: Composer, folder: Path | None) -> None:
        self._composer = composer
        self._folder = folder
        self._draft: Draft | None = None
        self._timer: asyncio.TimerHandle | None = None
        composer.buffer.on_text_changed += self._typed

    def begin(self, session: str) -> bool:
        """From now on for that session; whether something came back that had not been sent."""
        self.close()
        if self._folder is None:
            return False
        self._draft = Draft(self._folder, session)
        if not self._composer.is_empty:
            self._save()
            return False
        text = self._draft.load()
        if text:
            self._composer.stage(text)
        return bool(text)

    def close(self) -> None:
        if self._draft:
            self._save()
            self._draft.close()
        self._draft = None

    def _typed(self, _: object) -> None:
        if self._composer.is_empty:  # as what was sent must not come back
            self._save()
        elif self._draft and not self._timer:
            self._timer = asyncio.get_running_loop().call_later(_SECONDS, self._save)

    def _save(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._draft:
            self._draft.save(self._composer.text)
