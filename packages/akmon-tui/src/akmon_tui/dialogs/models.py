"""Which model answers, and how much it may think."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_core.commands import ChooseModel
from akmon_core.models import Effort
from akmon_tui.amounts import short
from akmon_tui.dialogs.base import Dialog, Done
from akmon_tui.dialogs.picker import Picker, Row
from akmon_tui.dialogs.steps import Steps
from akmon_tui.services import ModelChoice


def model_picker(choices: Sequence[ModelChoice], current: str = "") -> Steps:
    """Its value is a ``ChooseModel``. ``current`` is the ``provider/id`` in use."""
    providers = list(dict.fromkeys(choice.provider for choice in choices))

    def place(choice: ModelChoice) -> tuple[bool, int]:
        return (bool(choice.missing), providers.index(choice.provider))

    rows = [_row(choice) for choice in sorted(choices, key=place)]
    now = next((each for each in choices if f"{each.provider}/{each.id}" == current), None)
    return Steps(Picker("Model", rows, current=now, empty="No provider lists any model."), _then)


def _row(choice: ModelChoice) -> Row:
    window = f"{short(choice.window)} tokens" if choice.window else "window unknown"
    parts = (window, ", ".join(choice.abilities), choice.price or "unpriced", choice.detail)
    detail = " · ".join(part for part in parts if part)
    return Row(choice.id, choice, detail, choice.missing, choice.provider)


def _then(value: object) -> Dialog | Done:
    if not isinstance(value, ModelChoice):
        return Done(None)
    chosen = ChooseModel(value.id, value.provider)
    return _efforts(chosen, value.efforts) if value.efforts else Done(chosen)


def _efforts(chosen: ChooseModel, efforts: Sequence[Effort]) -> Picker:
    levels = [Row(level, ChooseModel(chosen.model, chosen.provider, level)) for level in efforts]
    keep = Row("as it is", chosen, "keeps the effort that is set")
    return Picker(f"Effort of {chosen.model}", [keep, *levels])
