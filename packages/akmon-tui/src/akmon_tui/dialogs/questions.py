"""Which dialog a question of the session opens."""

from __future__ import annotations

from akmon_core.events import PermissionAsked, QuestionAsked
from akmon_tui.dialogs.choice import Choice
from akmon_tui.dialogs.permission import Permission
from akmon_tui.view import View, Waiting


def question_dialog(waiting: Waiting, view: View) -> Permission | Choice:
    """Its value is the command that answers; None where the person left without an answer."""
    match waiting.event:
        case PermissionAsked() as asked:
            return Permission(asked, view, waiting.agent)
        case QuestionAsked() as asked:
            return Choice(asked, waiting.agent)
