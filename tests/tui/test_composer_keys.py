"""Keys in the composer, as a terminal sends them, through prompt_toolkit's own application."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prompt_toolkit.application import Application
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.layout import BufferControl, Layout, Window
from prompt_toolkit.output import DummyOutput

from akmon_tui.composer.keys import KEYS, TABLE, bindings
from akmon_tui.composer.prompt import Composer, Sent
from akmon_tui.lines import text_of

LONG = "\n".join(f"row {number}" for number in range(10_000))


class Asked:
    """Writes down what keys ask for."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self.asked: list[str] = []
        self.sent: list[Sent] = []
        self.busy = False
        self.menu = False
        self.waiting: list[str] = []

    def send(self) -> None:
        self.sent.append(self._composer.take())

    def complete(self) -> bool:
        self.asked.append("complete")
        return not self.busy

    def choose(self, step: int) -> bool:
        if self.menu:
            self.asked.append(f"choose {step}")
        return self.menu

    def queue(self) -> None:
        self.asked.append("queue")

    def unqueue(self) -> bool:
        if self.waiting:
            self._composer.stage(self.waiting.pop())
            return True
        return False

    def interrupt(self) -> bool:
        was, self.busy = self.busy, False
        self.asked.append("interrupt" if was else "escape")
        return was

    def clear(self) -> None:
        self._composer.clear()

    def rewind(self) -> None:
        self.asked.append("rewind")

    def quit(self) -> None:
        self.asked.append("quit")

    def cycle_mode(self) -> None:
        self.asked.append("mode")

    def history_search(self) -> None:
        self.asked.append("history")

    def expand(self) -> None:
        self.asked.append("expand")

    def todos(self) -> None:
        self.asked.append("todos")

    def external_editor(self) -> None:
        self.asked.append("editor")

    def paste_image(self) -> None:
        self.asked.append("image")

    def paste_path(self, path: str, text: str) -> None:
        self.asked.append(f"path {path}")

    def redraw(self) -> None:
        self.asked.append("redraw")

    def suspend(self) -> None:
        self.asked.append("suspend")

    def help(self) -> None:
        self.asked.append("help")

    def say(self, text: str) -> None:
        self.asked.append(text)


class Desk:
    """A composer that has taken keys. Each of ``pieces`` arrives as one, after the one before."""

    def __init__(self, *pieces: str, vim: bool = False, history: Path | None = None, **state: object) -> None:
        self.composer = Composer(history)
        self.actions = Asked(self.composer)
        self.active = True
        self.shown = ""
        for name, value in state.items():
            setattr(self.actions, name, value)
        asyncio.run(self._press(pieces, vim))

    async def _press(self, pieces: tuple[str, ...], vim: bool) -> None:
        with create_pipe_input() as pipe:
            app: Application[None] = Application(
                layout=Layout(Window(BufferControl(self.composer.buffer))),
                key_bindings=bindings(self.actions, self.composer, Condition(lambda: self.active)),
                editing_mode=EditingMode.VI if vim else EditingMode.EMACS,
                input=pipe,
                output=DummyOutput(),
            )
            app.ttimeoutlen = 0.01
            app.timeoutlen = 3600  # what acts only after a wait would not act here
            worked = asyncio.Event()
            app.key_processor.after_key_press += lambda _: worked.set()
            running = asyncio.ensure_future(app.run_async(handle_sigint=False))
            for piece in pieces:
                worked.clear()
                await asyncio.to_thread(pipe.send_text, piece)
                await asyncio.wait_for(worked.wait(), 60)
                await asyncio.sleep(0)
            self.shown = app.context.run(self._frame) if app.context else ""
            app.exit()
            await running

    def _frame(self) -> str:
        return "\n".join(text_of(each) for each in self.composer.frame(60, 8).lines)

    @property
    def text(self) -> str:
        return self.composer.text

    @property
    def asked(self) -> list[str]:
        return self.actions.asked


def test_enter_sends_what_is_typed() -> None:
    desk = Desk("hello\r")
    assert desk.actions.sent == [Sent("hello")]
    assert desk.text == ""


@pytest.mark.parametrize(
    "key", ["\x1b\r", "\n", "\\\r", "\x1b[13;2u", "\x1b[27;2;13~", "\x1b[13;3u"], ids=repr
)
def test_each_of_these_is_a_new_line_and_sends_nothing(key: str) -> None:
    desk = Desk("a", key, "b")
    assert (desk.text, desk.actions.sent) == ("a\nb", [])


def test_new_lines_work_in_vi_mode_too() -> None:
    desk = Desk("a", "\x1b\r", "b", "\n", "c", vim=True)
    assert desk.text == "a\nb\nc"


def test_escape_acts_at_once_and_twice_goes_back() -> None:
    assert Desk("\x1b", busy=True).asked == ["interrupt"]
    assert Desk("\x1b", "\x1b").asked == ["escape", "escape", "rewind"]


def test_escapes_of_terminals_that_tell_them_apart_go_back_even_in_one_piece() -> None:
    assert Desk("\x1b[27u\x1b[27u").asked == ["escape", "escape", "rewind"]


def test_a_key_that_comes_in_one_piece_with_escape_is_lost_to_neither() -> None:
    desk = Desk("ab", "\x1bx", vim=True)
    assert desk.text == "a"


def test_an_escape_that_stopped_something_is_none_of_the_two() -> None:
    assert Desk("\x1b", "\x1b", busy=True).asked == ["interrupt", "escape"]
    assert Desk("\x1b", "\x1b", "\x1b", busy=True).asked == ["interrupt", "escape", "escape", "rewind"]


def test_escapes_with_text_or_another_key_between_do_not_go_back() -> None:
    assert Desk("x", "\x1b", "\x1b").asked == ["escape", "escape"]
    assert Desk("\x1b", "x", "\x7f", "\x1b").asked == ["escape", "escape"]


def test_escape_first_ends_typing_in_vi_mode_and_then_stops() -> None:
    desk = Desk("abc", "\x1b", "x", vim=True, busy=True)
    assert (desk.text, desk.asked) == ("ab", [])
    assert Desk("abc", "\x1b", "\x1b", vim=True, busy=True).asked == ["interrupt"]


def test_vi_commands_work_and_are_shown_by_the_sign() -> None:
    desk = Desk("one two", "\x1b", "0", "d", "w", vim=True)
    assert (desk.text, desk.shown) == ("two", ": two")
    assert Desk("one", "\x1b", "d", "d", vim=True).text == ""
    assert Desk("!ls", "\x1b", vim=True).shown == "!: ls"
    assert Desk("one", vim=True).shown == "> one"


def test_undo_and_redo_in_vi_mode_are_not_taken_by_the_history() -> None:
    desk = Desk("one", "\x1b", "x", "u", "\x12", vim=True)
    assert (desk.text, desk.asked) == ("on", [])


def test_control_keys_ask_for_what_the_table_says() -> None:
    keys = "\x1b[Z", "\x12", "\x0f", "\x14", "\x07", "\x18\x05", "\x16", "\x1bv", "\x0c", "\x1a", "?", "\x04"
    asked = ["mode", "history", "expand", "todos", "editor", "editor", "image", "image", "redraw", "suspend"]
    assert Desk(*keys).asked == [*asked, "help", "quit"]


def test_keys_for_an_empty_composer_are_text_in_another_one() -> None:
    desk = Desk("a", "?", "\x01", "\x04")
    assert (desk.text, desk.asked) == ("?", [])


def test_tab_completes_or_queues() -> None:
    assert Desk("a", "\t").asked == ["complete"]
    assert Desk("a", "\t", busy=True).asked == ["complete", "queue"]


def test_control_c_clears_and_undo_brings_it_back() -> None:
    assert Desk("abc", "\x03").text == ""
    assert Desk("abc", "\x03", "\x1f").text == "abc"


def test_up_takes_back_what_waits_before_it_looks_into_the_history() -> None:
    desk = Desk("earlier\r", "\x1b[A", waiting=["later"])
    assert desk.text == "later"
    assert Desk("earlier\r", "\x1b[A").text == "earlier"
    assert Desk("earlier\r", "\x1b[A", "\x1b[B").text == ""


def test_up_and_down_go_through_a_menu_that_is_open() -> None:
    desk = Desk("earlier\r", "\x1b[A", "\x1b[B", menu=True)
    assert (desk.text, desk.asked) == ("", ["choose -1", "choose 1"])


def test_readline_keys_edit() -> None:
    assert Desk("one two", "\x17", "\x19", "\x19").text == "one twotwo"
    assert Desk("one two", "\x1bb", "X").text == "one Xtwo"
    assert Desk("one two", "\x01", "\x0b", "\x1f").text == "one two"


def test_a_paste_of_ten_thousand_lines_is_one_character_for_keys() -> None:
    paste = f"\x1b[200~{LONG}\x1b[201~"
    desk = Desk("see ", paste, " now")
    assert desk.shown == "> see [pasted #1: 10,000 lines] now"
    assert desk.text == f"see {LONG} now"
    assert Desk("see ", paste, "\x7f").text == "see "
    assert Desk("see ", paste, "\x7f", "\x1f").text == f"see {LONG}"
    assert Desk("see ", paste, "\x1b[D", "x").text == f"see x{LONG}"
    assert Desk("see ", paste, "\r").actions.sent == [Sent(f"see {LONG}")]


def test_a_newline_in_a_paste_does_not_send() -> None:
    assert Desk("\x1b[200~a\rb\r\x1b[201~").text == "a\nb\n"


def test_the_path_of_a_dropped_image_is_asked_for() -> None:
    assert Desk("\x1b[200~'/a/my file.png' \x1b[201~").asked == ["path /a/my file.png"]


def test_keys_do_nothing_of_this_while_something_else_takes_them() -> None:
    class Elsewhere(Desk):
        async def _press(self, pieces: tuple[str, ...], vim: bool) -> None:
            self.active = False
            await super()._press(pieces, vim)

    desk = Elsewhere("a", "\x0f", "\x14")
    assert desk.asked == []


def test_prompts_are_found_again_in_the_next_session(tmp_path: Path) -> None:
    Desk("one\r", "two\r", "two\r", history=tmp_path / "history")
    desk = Desk("\x1b[A", "\x1b[A", history=tmp_path / "history")
    assert desk.text == "one"


def test_the_table_names_each_key_once() -> None:
    assert len({name for name, _ in KEYS}) == len(KEYS)
    pressed = [keys for key in TABLE for keys in key.keys]
    assert len(set(pressed)) == len(pressed)
