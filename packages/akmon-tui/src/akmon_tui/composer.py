"""The prompt line: several lines of input, history, and what ends the conversation."""

from __future__ import annotations

from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from akmon_tui.render import Span
from akmon_tui.screen import Screen


class Composer:
    """Reads what the person wants to say."""

    def __init__(self, screen: Screen, history: Path | None) -> None:
        self._screen = screen
        self._session: PromptSession[str] = PromptSession(
            "> ",
            multiline=True,
            prompt_continuation="  ",
            key_bindings=_bindings(),
            history=_history(history, screen),
            complete_while_typing=False,
        )

    async def read(self) -> str | None:
        """The next prompt; None to end. Ctrl+C clears the line, and pressed twice on an empty one ends."""
        warned = False
        while True:
            try:
                return whole(await self._session.prompt_async())
            except EOFError:
                return None
            except KeyboardInterrupt:
                if self._session.default_buffer.text:
                    warned = False
                elif warned:
                    return None
                else:
                    warned = True
                    self._screen.write([Span("Press Ctrl+C again to end.", "dim")])


async def ask_line(message: str) -> str | None:
    """One line, empty if the person has nothing to say; None if Ctrl+C was pressed."""
    session: PromptSession[str] = PromptSession(message, history=InMemoryHistory())
    try:
        return whole(await session.prompt_async())
    except EOFError:
        return ""
    except KeyboardInterrupt:
        return None


class _History(FileHistory):
    def store_string(self, string: str) -> None:
        super().store_string(whole(string))


def _history(path: Path | None, screen: Screen) -> History:
    """Prompts may hold secrets: nobody else may read the file."""
    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError as error:
        screen.write([Span(f"The history is not kept: {path}: {error.strerror}.", "dim")])
        return InMemoryHistory()
    return _History(path)


def whole(text: str) -> str:
    """Bytes that are no UTF-8 arrive as halves of characters, which nothing could store or send."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def _send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    @bindings.add("c-j")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings
