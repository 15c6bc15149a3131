"""What keys do in the composer, as a table. All others edit text the way prompt_toolkit has them do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, Protocol

from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Always, Condition, FilterOrBool, to_filter
from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.keys import Keys

from akmon_tui.composer.pastes import pasted_path
from akmon_tui.composer.prompt import Composer, takes_commands


class Actions(Protocol):
    """What keys ask of the screen."""

    def send(self) -> None: ...

    def complete(self) -> bool:
        """Completes the word before the cursor; False if there is nothing to complete."""
        ...

    def choose(self, step: int) -> bool:
        """Goes up (-1) or down (1) in the menu of completions; False if none is open."""
        ...

    def queue(self) -> None: ...

    def unqueue(self) -> bool:
        """Takes the last of what waits back into the composer; False if nothing waits."""
        ...

    def interrupt(self) -> bool:
        """Stops what is going on, such as a turn or a menu; False if nothing is."""
        ...

    def rewind(self) -> None: ...
    def clear(self) -> None: ...
    def quit(self) -> None: ...
    def cycle_mode(self) -> None: ...
    def history_search(self) -> None: ...
    def expand(self) -> None: ...
    def todos(self) -> None: ...
    def external_editor(self) -> None: ...
    def paste_image(self) -> None: ...

    def paste_path(self, path: str, text: str) -> None:
        """Adds the image at ``path``; if there is none, ``text`` was pasted as text."""
        ...

    def redraw(self) -> None: ...
    def suspend(self) -> None: ...
    def help(self) -> None: ...

    def say(self, text: str) -> None:
        """Tells the person why something was not done."""
        ...


class _Pressed(NamedTuple):
    actions: Actions
    composer: Composer
    event: KeyPressEvent


When = Literal["", "empty", "typing"]
"""Always, while nothing is typed, or while keys are not vi's commands."""


class Key(NamedTuple):
    """Keys that do the same; without ``do`` it is one that prompt_toolkit, or the text itself, has."""

    name: str
    """As people know them."""
    about: str
    keys: tuple[tuple[str, ...], ...] = ()
    """Each as the names that prompt_toolkit has for the keys to press one after the other."""
    do: Callable[[_Pressed], object] | None = None
    when: When = ""


def bindings(actions: Actions, composer: Composer, active: FilterOrBool = True) -> KeyBindings:
    """The table as prompt_toolkit takes it, for an application whose only buffer is the composer's.

    ``active`` is false while something else takes the keys.
    """
    ANSI_SEQUENCES.update(_SEQUENCES)
    holds = {
        "": Always(),
        "empty": Condition(lambda: composer.is_empty),
        "typing": ~Condition(takes_commands),
    }
    found = KeyBindings()
    for key in TABLE:
        for keys in key.keys if key.do else ():
            found.add(*keys, filter=to_filter(active) & holds[key.when])(_handler(key.do, actions, composer))
    _add_escape(found, actions, composer, active)
    commands = to_filter(active) & Condition(takes_commands)
    found.add("c-r", filter=commands, save_before=lambda _: False)(_redo)  # which prompt_toolkit's vi lacks
    return found


def _handler(
    do: Callable[[_Pressed], object] | None, actions: Actions, composer: Composer
) -> Callable[[KeyPressEvent], None]:
    def handle(event: KeyPressEvent) -> None:
        if do:
            do(_Pressed(actions, composer, event))

    return handle


def _add_escape(found: KeyBindings, actions: Actions, composer: Composer, active: FilterOrBool) -> None:
    """Escape acts at once, unless a key came in one piece with it: so terminals send Alt and a key."""
    armed = False
    alone = Condition(lambda: not _queued())

    @found.add("escape", filter=to_filter(active), eager=alone, save_before=lambda _: False)
    def _press(event: KeyPressEvent) -> None:
        nonlocal armed
        if _leaves_typing(event):
            return
        stopped = actions.interrupt()
        rewinds = armed and event.is_repeat and composer.is_empty and not stopped
        armed = composer.is_empty and not stopped and not rewinds
        if rewinds:
            actions.rewind()


def _queued() -> bool:
    """Whether more keys came together with the one that is looked at."""
    from prompt_toolkit.application import get_app

    return bool(get_app().key_processor.input_queue)


def _leaves_typing(event: KeyPressEvent) -> bool:
    """Escape first ends what an editor ends with it: a selection, an argument, typing in vi's sense."""
    buffer, vi = event.current_buffer, event.app.vi_state
    selected = buffer.selection_state is not None
    buffer.exit_selection()
    if event.app.editing_mode != EditingMode.VI:
        return selected
    typing = vi.input_mode != InputMode.NAVIGATION
    pending = vi.operator_func is not None or vi.waiting_for_digraph
    if vi.input_mode in (InputMode.INSERT, InputMode.REPLACE):
        buffer.cursor_position += buffer.document.get_cursor_left_position()
    vi.input_mode = InputMode.NAVIGATION
    return typing or pending or selected


def _redo(event: KeyPressEvent) -> None:
    event.current_buffer.redo()


def _enter(pressed: _Pressed) -> None:
    document = pressed.composer.buffer.document
    if document.char_before_cursor == "\\" and document.is_cursor_at_the_end_of_line:
        pressed.composer.buffer.delete_before_cursor()
        _newline(pressed)
    else:
        pressed.actions.send()


def _newline(pressed: _Pressed) -> None:
    pressed.composer.buffer.insert_text("\n")


def _tab(pressed: _Pressed) -> None:
    if not pressed.actions.complete():
        pressed.actions.queue()


def _up(pressed: _Pressed) -> None:
    actions, composer = pressed.actions, pressed.composer
    if not actions.choose(-1) and not (composer.is_empty and actions.unqueue()):
        composer.up()


def _down(pressed: _Pressed) -> None:
    if not pressed.actions.choose(1):
        pressed.composer.down()


def _paste(pressed: _Pressed) -> None:
    text = pressed.event.data
    if path := pasted_path(text):
        pressed.actions.paste_path(path, text)
    elif refused := pressed.composer.paste(text):
        pressed.actions.say(refused)


TABLE = (
    Key("Enter", "send; while a turn runs, say it at once", (("c-m",),), _enter),
    Key("Alt+Enter", "new line; also Ctrl+J, Shift+Enter, \\ Enter", (("escape", "c-m"), ("c-j",)), _newline),
    Key("Tab", "complete; while a turn runs, say it afterwards", (("c-i",),), _tab),
    Key("Esc", "stop the turn; twice while nothing runs: go back"),
    Key("Ctrl+C", "clear; stop; twice: quit", (("c-c",), ("<sigint>",)), lambda it: it.actions.clear()),
    Key("Ctrl+D", "quit, while nothing is typed", (("c-d",),), lambda it: it.actions.quit(), "empty"),
    Key("Shift+Tab", "next mode", (("s-tab",),), lambda it: it.actions.cycle_mode()),
    Key("Up", "row above, what waits, or an earlier prompt", (("up",),), _up),
    Key("Down", "row below, or a later prompt", (("down",),), _down),
    Key("Ctrl+R", "find an earlier prompt", (("c-r",),), lambda it: it.actions.history_search(), "typing"),
    Key("Ctrl+O", "last output, whole", (("c-o",),), lambda it: it.actions.expand()),
    Key("Ctrl+T", "to-dos", (("c-t",),), lambda it: it.actions.todos()),
    Key(
        "Ctrl+G", "write in your editor", (("c-g",), ("c-x", "c-e")), lambda it: it.actions.external_editor()
    ),
    Key("Ctrl+V", "image of the clipboard", (("c-v",),), lambda it: it.actions.paste_image(), "typing"),
    Key("Alt+V", "the same", (("escape", "v"),), lambda it: it.actions.paste_image()),
    Key("Paste", "long text is folded; once more: unfolded", (("<bracketed-paste>",),), _paste),
    Key("Ctrl+_", "undo"),
    Key("Ctrl+L", "draw the screen anew", (("c-l",),), lambda it: it.actions.redraw()),
    Key("Ctrl+Z", "leave to the shell; fg comes back", (("c-z",),), lambda it: it.actions.suspend()),
    Key("/", "commands"),
    Key("@", "names a file"),
    Key("!", "runs a shell command; !! hides it from the model"),
    Key("?", "keys, while nothing is typed", (("?",),), lambda it: it.actions.help(), "empty"),
)

KEYS = tuple((key.name, key.about) for key in TABLE)
"""The names of all keys, and what they do."""

_SEQUENCES: Mapping[str, Keys | tuple[Keys, ...]] = {
    "\x1b[13;2u": Keys.ControlJ,
    "\x1b[27;2;13~": Keys.ControlJ,
    "\x1b[13;3u": Keys.ControlJ,
    "\x1b[27;3;13~": Keys.ControlJ,
    "\x1b[13u": Keys.ControlM,
    "\x1b[27u": Keys.Escape,
    "\x1b[9;2u": Keys.BackTab,
    "\x1b[27;2;9~": Keys.BackTab,
}
"""Shift+Enter, Alt+Enter, and what else terminals send for them where they can tell such keys apart."""
