"""One of each dialog, for the tests of all of them."""

from __future__ import annotations

from collections.abc import Callable

from akmon_core.commands import Rewind
from akmon_core.events import FilesChanged, PermissionAsked, Prompted, QuestionAsked
from akmon_core.files import FileChange, FileState
from akmon_core.messages import Text, ToolCall, User
from akmon_core.tools import DiffView, Effect, TextView
from akmon_tui.dialogs.base import Dialog, Press
from akmon_tui.dialogs.confirm import trust_dialog
from akmon_tui.dialogs.keyhelp import KeysHelp
from akmon_tui.dialogs.models import model_picker
from akmon_tui.dialogs.pager import Pager
from akmon_tui.dialogs.questions import question_dialog
from akmon_tui.dialogs.rewinding import rewind_picker
from akmon_tui.dialogs.servers import ServersDialog
from akmon_tui.dialogs.sessions import SessionPicker
from akmon_tui.dialogs.tables import mode_picker, settings_view, theme_picker
from akmon_tui.lines import line
from akmon_tui.services import ModelChoice, SessionChoice, SettingRow
from akmon_tui.view import View, Waiting, show
from tests.tui.serverscenes import SERVERS, asks_a_server

NOW = 1_800_000_000.0
COMMAND = "\n".join(f"install -m 644 build/part{number}.so /usr/lib/part{number}.so" for number in range(40))
DIFF = "@@ -1,3 +1,3 @@\n import os\n-total = add(1, 2)\n+total = add(1, 3)\n print(total)"
MODELS = (
    ModelChoice(
        provider="anthropic",
        id="claude-sonnet-5-5",
        window=200_000,
        price="$3 in, $15 out",
        abilities=("images", "thinking"),
        efforts=("low", "medium", "high"),
    ),
    ModelChoice(
        provider="openai",
        id="gpt-6",
        window=400_000,
        price="$2 in, $10 out",
        missing="there is no key: akmon auth login openai",
    ),
    ModelChoice(provider="ollama", id="qwen4:8b", window=32_768, detail="5.2 GB"),
)


def asks(
    command: str, rule: str = "", agent: str = "", *, view: DiffView | TextView | None = None
) -> Waiting:
    call = ToolCall("call-1", "shell", "{}")
    reason = "default mode asks before running a command"
    return Waiting(PermissionAsked(call, (Effect("run", command),), reason, view, rule), agent)


def a_write() -> Waiting:
    call = ToolCall("call-1", "edit", "{}")
    diff = DiffView("src/total.py", DIFF, 1, 1)
    paths = {"src/total.py": "/srv/shared/total.py"}
    asked = PermissionAsked(call, (Effect("write", "src/total.py"),), "it lies outside", diff, paths=paths)
    return Waiting(asked)


def a_question(text: str = "Which database shall it be?\nBoth work here.") -> Waiting:
    return Waiting(
        QuestionAsked("call-1", text, ("SQLite", "PostgreSQL, with a\nserver of its own")), "task-1"
    )


def a_conflict() -> Waiting:
    text = "These files would lose what someone else did to them:\n  a.py: it was changed since"
    return Waiting(QuestionAsked("rewind-7", text, ("Keep them as they are", "Overwrite them", "Do nothing")))


def gone_far() -> View:
    """Two prompts, the second of which changed two files."""
    view = View(folder="/p")
    one, two = FileState("file", "1"), FileState("file", "2")
    changes = (FileChange("/p/a.py", one, two), FileChange("/p/new.py", None, two))
    for event in (
        Prompted(User((Text("Say hello."),), record=3)),
        Prompted(User((Text("Make the tests pass.\nAll of them."),), record=8)),
        FilesChanged(changes, "call-1"),
    ):
        view = show(view, event)
    return view


def sessions() -> SessionPicker:
    picker = SessionPicker(
        [
            SessionChoice(
                id="s1", name="parser", prompt="Fix the parser", model="claude-sonnet-5-5", changed=NOW - 120
            ),
            SessionChoice(
                id="s2", name="", prompt="What does\nthis do?", model="qwen4:8b", changed=NOW - 9_000
            ),
        ],
        NOW,
    )
    picker.set_preview("s1", "> Fix the parser\n\nIt is fixed: the loop ended too early.")
    return picker


def of_the_rewind() -> Dialog:
    view = gone_far()
    dialog = rewind_picker(view.places, view.changed, view.folder)
    dialog.press(Press("enter"))
    return dialog


def why_not() -> Dialog:
    dialog = question_dialog(asks("rm -rf build"), View(sandbox="none"))
    for key in ("m", *"use make"):
        dialog.press(Press(key))
    return dialog


def a_rule() -> Dialog:
    dialog = question_dialog(asks("pytest -q", "shell(pytest *)"), View(sandbox="bubblewrap"))
    for key in ("r", "c-u", "enter"):
        dialog.press(Press(key))
    return dialog


KEYS = [("Enter", "sends, or steers what runs"), ("Esc", "interrupts"), ("Ctrl+C", "clears; twice quits")] * 5
SETTINGS = [
    SettingRow(name="theme", value="dark", origin="default", about="The colours of the screen."),
    SettingRow(name="model", value="claude-sonnet-5-5", origin="~/.config", about="Which model answers."),
]

SCENES: dict[str, Callable[[], Dialog]] = {
    "permission": lambda: question_dialog(
        asks("pytest -q tests/a.py", "shell(pytest *)", "task-1"), View(sandbox="bubblewrap")
    ),
    "permission_long": lambda: question_dialog(asks(COMMAND), View(sandbox="none")),
    "permission_write": lambda: question_dialog(a_write(), View(folder="/p")),
    "permission_message": why_not,
    "permission_rule": a_rule,
    "choice": lambda: question_dialog(a_question(), View()),
    "rewind_conflict": lambda: question_dialog(a_conflict(), View()),
    "models": lambda: model_picker(MODELS, "anthropic/claude-sonnet-5-5"),
    "sessions": sessions,
    "rewind": lambda: rewind_picker(gone_far().places, gone_far().changed, "/p"),
    "rewind_what": of_the_rewind,
    "settings": lambda: settings_view(SETTINGS),
    "themes": lambda: theme_picker(["dark", "light"], "dark"),
    "modes": lambda: mode_picker("default"),
    "trust": lambda: trust_dialog("/home/me/p", "Its files would run:\n  hook: make format\n  server: npx x"),
    "pager": lambda: Pager("shell pytest -q", [line(f"tests/a.py line {at}") for at in range(60)]),
    "permission_server": lambda: question_dialog(asks_a_server(), View(sandbox="bubblewrap")),
    "servers": lambda: ServersDialog(lambda: SERVERS),
    "server": lambda: ServersDialog(lambda: SERVERS, "docs"),
    "server_changed": lambda: ServersDialog(lambda: SERVERS, "github"),
    "server_failed": lambda: ServersDialog(lambda: SERVERS, "tickets"),
    "keys": lambda: KeysHelp(KEYS),
}

REWINDS = {"both": Rewind(8), "files": Rewind(8, "files"), "conversation": Rewind(8, "conversation")}
