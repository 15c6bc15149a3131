"""Questions of the session: what answers them, what does not, and that all of them can be read."""

from __future__ import annotations

import pytest

from akmon_core.commands import Answer, Respond
from akmon_core.events import QuestionAsked
from akmon_tui.dialogs.base import Dialog, Done, Press
from akmon_tui.dialogs.confirm import Confirm
from akmon_tui.dialogs.questions import question_dialog
from akmon_tui.lines import text_of
from akmon_tui.view import View, Waiting
from tests.tui.dialogscenes import COMMAND, a_conflict, a_question, a_write, asks


def pressed(dialog: Dialog, *keys: str, width: int = 80, height: int = 24) -> Done | None:
    """What comes of ``keys``, with a frame shown before each, as on a screen."""
    for key in keys:
        dialog.frame(width, height)
        if done := dialog.press(Press(key)):
            return done
    return None


def seen(dialog: Dialog, width: int = 80, height: int = 24) -> str:
    return "\n".join(text_of(each) for each in dialog.frame(width, height).lines)


def permission(rule: str = "shell(pytest *)", agent: str = "task-1") -> Dialog:
    return question_dialog(asks("pytest -q tests/a.py", rule, agent), View())


@pytest.mark.parametrize(("key", "answer"), [("y", "once"), ("Y", "once"), ("s", "session"), ("n", "deny")])
def test_one_key_answers(key: str, answer: str) -> None:
    done = pressed(permission(), key)
    assert done is not None
    assert isinstance(done.value, Answer)
    assert (done.value.call_id, done.value.answer, done.value.agent) == ("call-1", answer, "task-1")


@pytest.mark.parametrize("key", ["enter", "c-m", " ", "a", "x", "f1"])
def test_no_other_key_answers(key: str) -> None:
    assert pressed(permission(), key, key) is None


def test_all_writes_are_offered_for_a_write_only() -> None:
    assert pressed(question_dialog(a_write(), View()), "a") == Done(Answer("call-1", "writes"))
    assert "all writes" not in seen(permission())


def test_a_paste_answers_nothing() -> None:
    assert permission().press(Press("<bracketed-paste>", "y")) is None


def test_the_proposed_rule_is_saved_as_it_is_or_edited() -> None:
    assert pressed(permission(agent=""), "r", "enter") == Done(Answer("call-1", "always"))
    narrower = pressed(permission(agent=""), "r", *["backspace"] * 2, *"-q *)", "enter")
    assert narrower == Done(Answer("call-1", "always", rule="shell(pytest -q *)"))


def test_a_rule_that_allows_too_much_is_refused_with_a_reason_and_stays_to_be_corrected() -> None:
    dialog = permission()
    assert pressed(dialog, "r", "c-u", *"shell(*)", "enter") is None
    assert "would allow anything" in " ".join(seen(dialog).split())
    assert "Rule: shell(*)" in seen(dialog)
    assert pressed(dialog, "escape") is None
    assert "Rule:" not in seen(dialog)
    assert pressed(dialog, "y") is not None


def test_without_a_proposed_rule_always_is_not_offered() -> None:
    dialog = permission(rule="")
    assert pressed(dialog, "r", "enter") is None
    assert "always" not in seen(dialog)


@pytest.mark.parametrize("key", ["m", "N", "tab", "c-i"])
def test_a_denial_can_say_why(key: str) -> None:
    done = pressed(permission(agent=""), key, *"use make", "enter")
    assert done == Done(Answer("call-1", "deny", "use make"))


def test_enter_on_an_empty_message_does_nothing() -> None:
    dialog = permission()
    assert pressed(dialog, "m", "enter", "y", "escape") is None
    assert "Why not" not in seen(dialog)


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (30, 4)], ids=str)
def test_every_line_of_a_long_command_can_be_reached_and_is_counted(size: tuple[int, int]) -> None:
    dialog = question_dialog(asks(COMMAND), View())
    rows: list[str] = []
    for _ in range(400):
        rows += seen(dialog, *size).split("\n")[1:]
        dialog.press(Press("down"))
    shown = " ".join(" ".join(rows).split())
    for number in range(40):
        assert f"/usr/lib/part{number}.so" in shown
    top = seen(question_dialog(asks(COMMAND), View()), *size)
    assert "line 1 of " in top or "lines 1–" in top


def test_what_was_never_on_the_screen_is_allowed_only_after_a_warning() -> None:
    dialog = question_dialog(asks(COMMAND), View())
    assert pressed(dialog, "y") is None
    assert "were not on the screen yet" in seen(dialog)
    assert pressed(dialog, "y") == Done(Answer("call-1", "once"))


def test_the_end_key_shows_not_all() -> None:
    assert pressed(question_dialog(asks(COMMAND), View()), "end", "y", height=12) is None


def test_who_has_read_all_allows_with_one_key() -> None:
    assert pressed(question_dialog(asks(COMMAND), View()), *["pagedown"] * 5, "y") is not None


def test_a_long_command_is_denied_with_one_key() -> None:
    assert pressed(question_dialog(asks(COMMAND), View()), "n") == Done(Answer("call-1", "deny"))


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("echo \u202egnp.exe", "<U+202E>"),
        ("echo " + "\u3000" * 94 + "; touch pwned", "touch pwned"),
        ("curl https://\u0430pple.com/x", "<U+0430>"),
    ],
    ids=["TU-035", "TU-038", "TU-040"],
)
def test_what_would_run_is_shown_with_all_that_hides(command: str, wanted: str) -> None:
    assert wanted in seen(question_dialog(asks(command), View()), 80, 24)


def test_a_question_says_where_a_link_leads_and_what_holds_a_command_in() -> None:
    assert "src/total.py is /srv/shared/total.py" in seen(question_dialog(a_write(), View(folder="/p")))
    assert "There is no sandbox" in seen(question_dialog(asks("make"), View(sandbox="none")))


# --- questions of the model -------------------------------------------------------------------------

POSTGRES = "PostgreSQL, with a\nserver of its own"


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (("enter",), ""),
        (("1", "enter"), "SQLite"),
        (("2", ".", "enter"), POSTGRES),
        (("down", "down", "down", "enter"), POSTGRES),
        (("down", "down", "up", "enter"), "SQLite"),
        (("down", "up", "enter"), ""),
        ((*"both", "enter"), "both"),
        (("down", *"3 of them", "enter"), "3 of them"),
    ],
)
def test_a_question_is_answered_by_number_arrows_or_words(keys: tuple[str, ...], answer: str) -> None:
    assert pressed(question_dialog(a_question(), View()), *keys) == Done(Respond("call-1", answer, "task-1"))


def test_escape_answers_no_question() -> None:
    assert pressed(question_dialog(a_question(), View()), "escape") == Done(None)


def test_a_rewind_says_what_enter_does() -> None:
    assert "Enter alone keeps them as they are." in seen(question_dialog(a_conflict(), View()))


def test_the_chosen_option_is_brought_into_sight() -> None:
    options = tuple(f"option {number}" for number in range(1, 31))
    dialog = question_dialog(Waiting(QuestionAsked("1", "Which?", options)), View())
    pressed(dialog, *["down"] * 25, width=40, height=12)
    assert "▸ 25  option 25" in seen(dialog, 40, 12)


@pytest.mark.parametrize(("key", "value"), [("y", True), ("n", False), ("enter", False), ("escape", None)])
def test_only_y_says_yes(key: str, value: bool | None) -> None:
    assert pressed(Confirm("Really?", ["It deletes all."]), key) == Done(value)
