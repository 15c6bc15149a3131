"""Short lists to choose from: settings, themes, modes."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_core.permissions import MODES, Mode
from akmon_core.text import exposed
from akmon_tui.dialogs.base import Done
from akmon_tui.dialogs.pane import block
from akmon_tui.dialogs.picker import Picker, Row
from akmon_tui.dialogs.steps import Steps
from akmon_tui.lines import Line, Piece, line
from akmon_tui.services import SettingRow
from akmon_tui.standing import about_mode


def settings_view(rows: Sequence[SettingRow]) -> Steps:
    """Every setting with its value and where that comes from. Its value is ``("setting", name)``."""
    listed = [Row(row.name, row, f"{row.value}  ({row.origin})", words=row.about) for row in rows]
    picker = Picker("Settings", listed, chooses="changes", preview=_about, empty="There are no settings.")
    return Steps(
        picker, lambda value: Done(("setting", value.name) if isinstance(value, SettingRow) else None)
    )


def theme_picker(names: Sequence[str], current: str) -> Picker:
    """Its value is the name of a theme. The app shows all in the theme of ``selected`` meanwhile."""
    return Picker("Theme", [Row(name, name) for name in names], current=current, preview=_sample)


def mode_picker(current: Mode | None) -> Picker:
    """Its value is a mode."""
    return Picker("Mode", [Row(mode, mode, about_mode(mode)) for mode in MODES], current=current)


def _about(row: Row, width: int) -> list[Line]:
    if not isinstance(row.value, SettingRow):
        return []
    setting = row.value
    return [
        *block(exposed(setting.name), width, "heading"),
        *block(exposed(setting.about), width),
        *block(exposed(f"{setting.value}, by {setting.origin}"), width, "dim"),
    ]


def _sample(_row: Row, _width: int) -> list[Line]:
    """A little of everything that has a colour."""
    return [
        (Piece("> ", "accent"), Piece("Fix the failing test.", "user")),
        line("Let me look at it first.", "thinking"),
        (
            Piece("The "),
            Piece("total", "bold"),
            Piece(" of "),
            Piece("add()", "code"),
            Piece(" is off by one."),
        ),
        (Piece("3 ", "number"), Piece("-    return a - b", "removed")),
        (Piece("3 ", "number"), Piece("+    return a + b", "added")),
        (
            Piece("def ", "keyword"),
            Piece("add", "name"),
            Piece('("a")  ', "string"),
            Piece("# both", "comment"),
        ),
        (
            Piece("3 passed ", "ok"),
            Piece("1 failed ", "error"),
            Piece("slow ", "warning"),
            Piece("allow?", "ask"),
        ),
    ]
