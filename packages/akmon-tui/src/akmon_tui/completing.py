"""The menu below the composer: follows what is typed, and puts what is chosen into it."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.document import Document

from akmon_tui.completion import Menu, Resources
from akmon_tui.composer.prompt import Composer
from akmon_tui.fuzzy import Finder
from akmon_tui.lines import Line
from akmon_tui.slash import SLASHES
from akmon_tui.slash.table import Table
from akmon_tui.view import View


class Completing:
    """A menu for a composer."""

    def __init__(self, composer: Composer, wants_files: Callable[[], object]) -> None:
        """``wants_files`` is called when files are asked for that are not known; ``know`` takes them."""
        self._composer = composer
        self._wants_files = wants_files
        self._menu = Menu(SLASHES)
        self._asked = False
        """For the files, which have not come yet."""

    def offer(self, table: Table) -> None:
        """Has these slash commands in the menu."""
        self._menu.table = table

    def know(self, files: Finder) -> None:
        """Has these files in the menu."""
        self._menu.files = files
        self._asked = False

    def know_resources(self, resources: Resources) -> None:
        """Has what servers offer to read in the menu."""
        self._menu.resources = resources

    def forget_files(self) -> None:
        """Files may have come and gone."""
        self._menu.files = None
        self._asked = False

    def lines(self, view: View, width: int, height: int) -> list[Line]:
        """The menu for what is typed now."""
        self._follow(view)
        return self._menu.lines(width, height)

    def enter(self) -> bool:
        """Takes the choice, if the person has made one; otherwise Enter sends."""
        self._follow()
        return not self._menu.is_settled and self.accept()

    def accept(self) -> bool:
        """Takes the choice; False if there is none."""
        self._follow()
        if not self._menu.items:
            return False
        before = self._composer.buffer.document
        after = Document(*self._menu.accept())
        if after == before:
            return False
        self._composer.buffer.save_to_undo_stack()
        self._composer.buffer.document = after
        return True

    def move(self, step: int) -> bool:
        """Up (-1) or down (1); False if there is no menu."""
        self._follow()
        if not self._menu.items:
            return False
        if step < 0:
            self._menu.up()
        else:
            self._menu.down()
        return True

    def close(self) -> bool:
        """Whether there was a menu."""
        self._follow()
        was_open = self._menu.is_open
        self._menu.close()
        return was_open

    def _follow(self, view: View | None = None) -> None:
        document = self._composer.buffer.document
        self._menu.update(document.text, document.cursor_position, view)
        if self._menu.is_loading and not self._asked:
            self._asked = True
            self._wants_files()
