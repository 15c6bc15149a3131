"""Lists to choose from, the pager and the help: what is found, shown and chosen."""

from __future__ import annotations

import pytest

from akmon_core.commands import ChooseModel, Rewind
from akmon_core.events import FilesChanged, Prompted, Rewound
from akmon_core.files import FileChange, FileState
from akmon_core.messages import Text, User
from akmon_tui.dialogs.base import Done, Press
from akmon_tui.dialogs.keyhelp import KeysHelp
from akmon_tui.dialogs.models import model_picker
from akmon_tui.dialogs.pager import Pager
from akmon_tui.dialogs.pane import Key
from akmon_tui.dialogs.picker import Picker, Row
from akmon_tui.dialogs.rewinding import rewind_picker
from akmon_tui.dialogs.sessions import ago
from akmon_tui.dialogs.tables import mode_picker, settings_view, theme_picker
from akmon_tui.lines import line
from akmon_tui.places import changes_since
from akmon_tui.view import View, show
from tests.tui.dialogscenes import MODELS, SETTINGS, gone_far, sessions
from tests.tui.test_dialogs_questions import pressed, seen

ROWS = [Row(f"row {number}", number, "even" if number % 2 == 0 else "odd") for number in range(100)]


def test_typing_shrinks_the_list_and_enter_takes_what_is_marked() -> None:
    picker = Picker("Rows", ROWS)
    assert pressed(picker, *"odd 7") is None
    assert "1 of 14" in seen(picker)
    assert pressed(picker, "down", "enter") == Done(17)


def test_letters_in_their_order_find_a_row_where_no_word_does() -> None:
    assert pressed(Picker("Rows", [Row("claude-sonnet", 1), Row("gpt", 2)]), *"clsn", "enter") == Done(1)


def test_nothing_is_chosen_where_nothing_matches() -> None:
    picker = Picker("Rows", ROWS)
    assert pressed(picker, *"zzz", "enter", "down", "enter") is None
    assert "Nothing matches zzz." in seen(picker)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("end",), 99),
        (("end", "home"), 0),
        (("down", "down", "up"), 1),
        (("up",), 0),
        (("pagedown", "pageup"), 0),
        (("c-n",), 1),
    ],
)
def test_keys_move_in_a_list(keys: tuple[str, ...], value: int) -> None:
    assert pressed(Picker("Rows", ROWS), *keys, "enter") == Done(value)


def test_a_list_begins_at_what_holds_now() -> None:
    picker = Picker("Rows", ROWS, current=50)
    assert "▸• row 50" in seen(picker, 40, 8)


def test_what_cannot_be_chosen_says_why() -> None:
    picker = Picker("Rows", [Row("x", 1, disabled="there is no key")])
    assert pressed(picker, "enter") is None
    assert "x: there is no key" in seen(picker)


def test_an_extra_key_comes_with_the_row() -> None:
    picker = Picker("Rows", ROWS, extra=[Key("delete", "deletes")])
    assert pressed(picker, "down", "delete") == Done(("delete", 1))


# --- models -----------------------------------------------------------------------------------------


def test_a_model_with_efforts_asks_for_one() -> None:
    model, provider = "claude-sonnet-5-5", "anthropic"
    picker = model_picker(MODELS)
    assert pressed(picker, "enter", "down", "enter") == Done(ChooseModel(model, provider, "low"))
    assert pressed(model_picker(MODELS), "enter", "enter") == Done(ChooseModel(model, provider))
    assert pressed(model_picker(MODELS), "enter", "escape", *"qwen", "enter") == Done(
        ChooseModel("qwen4:8b", "ollama")
    )


def test_a_model_without_a_key_says_what_is_missing() -> None:
    picker = model_picker(MODELS)
    assert pressed(picker, *"gpt", "enter") is None
    assert "gpt-6: there is no key: akmon auth login openai" in seen(picker)


# --- sessions ---------------------------------------------------------------------------------------


def test_a_session_is_found_by_its_name_or_its_prompt() -> None:
    assert pressed(sessions(), *"this do", "enter") == Done("s2")
    assert pressed(sessions(), *"parser", "enter") == Done("s1")


def test_a_preview_is_wanted_until_it_is_there() -> None:
    picker = sessions()
    wanted = [picker.wants]
    pressed(picker, "down")
    wanted.append(picker.wants)
    picker.set_preview("s2", "")
    wanted.append(picker.wants)
    assert wanted == [None, "s2", None]
    assert "Nothing was said." in seen(picker, 120, 30)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5.0, "just now"),
        (59.0, "just now"),
        (60.0, "1 min ago"),
        (7_300.0, "2 h ago"),
        (86_400.0, "1 day ago"),
        (2_000_000.0, "23 days ago"),
    ],
)
def test_how_long_ago(seconds: float, words: str) -> None:
    assert ago(seconds) == words


# --- going back -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        (("enter", "enter"), Rewind(8)),
        (("enter", "down", "enter"), Rewind(8, "files")),
        (("enter", "end", "enter"), Rewind(8, "conversation")),
        (("down", "enter", "enter"), Rewind(3)),
        (("enter", "escape", "down", "enter", "enter"), Rewind(3)),
    ],
)
def test_a_rewind_goes_back_to_a_prompt_in_what_is_chosen(keys: tuple[str, ...], command: Rewind) -> None:
    view = gone_far()
    assert pressed(rewind_picker(view.places, view.changed, "/p"), *keys) == Done(command)


def test_a_rewind_says_what_becomes_of_which_files() -> None:
    view = gone_far()
    picker = rewind_picker(view.places, view.changed, "/p")
    assert "2 files changed since" in seen(picker)
    pressed(picker, "enter")
    shown = seen(picker, 120, 30)
    assert "restore  a.py" in shown
    assert "remove   new.py" in shown


def test_files_that_are_what_they_were_count_no_longer() -> None:
    one, two = FileState("file", "1"), FileState("file", "2")
    view = gone_far()
    view = show(view, FilesChanged((FileChange("/p/a.py", two, one),), "call-2"), "task-1")
    assert [change.path for change in changes_since(view.changed, view.places[0])] == ["/p/new.py"]


def test_a_rewind_of_files_is_counted_from_the_places_before_it() -> None:
    one, two = FileState("file", "1"), FileState("file", "2")
    undo = (FileChange("/p/a.py", two, one), FileChange("/p/new.py", two, None))
    view = show(gone_far(), Rewound(record=12, to=8, conversation=True, changes=undo))
    before, rewind = view.places
    assert changes_since(view.changed, before) == ()
    assert len(changes_since(view.changed, rewind)) == 2


def test_a_resumed_session_does_not_claim_to_know_all_changes() -> None:
    view = View(places=gone_far().places)
    assert "files as they were then" in seen(rewind_picker(view.places, view.changed))
    view = show(view, Prompted(User((Text("more"),), record=20)))
    view = show(view, FilesChanged((FileChange("/p/a.py", None, FileState("file")),), "call-9"))
    shown = seen(rewind_picker(view.places, view.changed))
    assert "1 file changed since" in shown
    assert "1 or more files changed since" in shown


# --- short lists, help and pager --------------------------------------------------------------------


def test_short_lists_give_what_is_chosen() -> None:
    assert pressed(settings_view(SETTINGS), *"model", "enter") == Done(("setting", "model"))
    assert pressed(mode_picker("default"), "down", "enter") == Done("accept-edits")
    themes = theme_picker(["dark", "light"], "dark")
    pressed(themes, "down")
    assert themes.selected is not None
    assert themes.selected.value == "light"
    assert pressed(themes, "enter") == Done("light")


def test_help_on_keys_is_in_columns_where_there_is_room() -> None:
    help_on_keys = KeysHelp([("Enter", "sends"), ("Esc", "interrupts"), ("?", "this")])
    assert "Enter  sends        Esc    interrupts   ?      this" in seen(help_on_keys)
    assert "Enter  sends\nEsc    interrupts" in seen(help_on_keys, 20)


def pager() -> Pager:
    return Pager(
        "Output", [line(f"line {number} {'needle' if number in (30, 70) else ''}") for number in range(99)]
    )


def test_a_pager_finds_forwards_backwards_and_around_the_ends() -> None:
    text = pager()
    pressed(text, "/", *"NEEDLE", "enter")
    assert seen(text).split("\n")[1].startswith("line 30 ")
    pressed(text, "n")
    assert seen(text).split("\n")[1].startswith("line 70 ")
    assert "match 2 of 2" in seen(text)
    pressed(text, "n")
    assert seen(text).split("\n")[1].startswith("line 30 ")
    pressed(text, "N")
    assert seen(text).split("\n")[1].startswith("line 70 ")


def test_a_pager_says_that_there_is_no_match() -> None:
    text = pager()
    pressed(text, "/", *"gone", "enter")
    assert "There is no match." in seen(text)


@pytest.mark.parametrize(
    ("keys", "first"), [(("G",), "line 77 "), (("G", "g"), "line 0 "), (("j", "j", "k"), "line 1 ")]
)
def test_keys_move_in_a_pager(keys: tuple[str, ...], first: str) -> None:
    text = pager()
    pressed(text, *keys)
    assert seen(text).split("\n")[1].startswith(first)


@pytest.mark.parametrize("key", ["q", "escape", "c-o", "c-c"])
def test_a_pager_is_left(key: str) -> None:
    assert pager().press(Press(key)) == Done(None)
