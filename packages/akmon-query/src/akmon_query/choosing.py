"""Has another model answer in a session: opens it, renews what depends on it, and lets go of the old one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeAlias

import msgspec

from akmon_core.commands import ChooseModel
from akmon_core.errors import JournalError, SettingsError
from akmon_core.events import ModelChosen, Noticed
from akmon_core.models import Effort, Model
from akmon_core.tools import AnyTool
from akmon_query.checkpoints import to_its_end
from akmon_query.ledger import Ledger
from akmon_query.prompts import usable_tokens
from akmon_query.turn import Driver


class Wanted(msgspec.Struct, frozen=True):
    """A model as somebody has named it, and how much it may think."""

    model: str
    provider: str = ""
    effort: Effort | None = None


class Fitted(msgspec.Struct, frozen=True):
    """A model, and the tools as it needs them."""

    model: Model
    tools: Mapping[str, AnyTool]


Reopen: TypeAlias = Callable[[Wanted], Fitted]
"""Opens a model by the rules of the session. Raises ``SettingsError``."""


class Choosing:
    """What a session asks its model through: a driver, which another choice makes anew."""

    def __init__(
        self,
        ledger: Ledger,
        build: Callable[[Fitted], Driver],
        fitted: Fitted,
        wanted: Wanted,
        reopen: Reopen | None = None,
    ) -> None:
        """``wanted`` is how ``fitted`` was named; without ``reopen`` there is no other choice."""
        self.driver = build(fitted)
        self._ledger = ledger
        self._build = build
        self._model = fitted.model
        self._wanted = wanted
        self._reopen = reopen

    async def choose(self, command: ChooseModel) -> None:
        """Reports a ``ModelChosen``, or a ``Noticed`` on why everything stays as it was."""
        try:
            wanted, fitted, note = self._opened(command)
        except SettingsError as error:
            self._stays(str(error))
            return
        facts = fitted.model.facts
        try:
            self._ledger.report(ModelChosen(facts.provider, facts.id, usable_tokens(facts), wanted.effort))
        except JournalError as error:
            self._stays(str(error))
            await to_its_end(fitted.model.close())
            return
        old, self._model, self._wanted = self._model, fitted.model, wanted
        self.driver = self._build(fitted)
        if note:
            self._ledger.report(Noticed(note))
        with suppress(asyncio.CancelledError):  # the choice is made, so there is nothing left to interrupt
            await to_its_end(old.close())

    def _opened(self, command: ChooseModel) -> tuple[Wanted, Fitted, str]:
        """How the model is named, the model, and what a person should know of it."""
        now = self._wanted
        if self._reopen is None:
            raise SettingsError(
                "a program gave the session its model as an object. Name another one when opening a session."
            )
        if self._ledger.broken:
            raise SettingsError(self._ledger.broken)
        provider = command.provider or ("" if command.model else now.provider)
        wanted = Wanted(command.model or now.model, provider, command.effort or now.effort)
        try:
            return wanted, self._reopen(wanted), ""
        except SettingsError as error:
            if command.effort or not wanted.effort:
                raise
            without = msgspec.structs.replace(wanted, effort=None)
            fitted = self._reopen(without)
            return without, fitted, f"it thinks as much as it does by itself: {error}"

    def _stays(self, why: str) -> None:
        state = self._ledger.state
        self._ledger.report(Noticed(f"the model stays {state.provider}/{state.model}: {why}"))
