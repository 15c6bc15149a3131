"""The folders that a session works in: which paths lie inside, and reading and writing text there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from akmon_core.errors import SettingsError, ToolError
from akmon_core.limits import EDITABLE_BYTES, SECRETS_ENTRIES, WRITE_BYTES
from akmon_core.operands import Operand, operands_of
from akmon_core.permissions import Rule, Target, may_hold_secrets
from akmon_core.rules import reading_rules, unreadable_globs, withheld
from akmon_core.text import one_line, reveal
from akmon_core.tools import Effect
from akmon_tools.anchored import open_file, replace_file
from akmon_tools.oserrors import reason, tool_error
from akmon_tools.textfile import NEW, TextFile, decode, hash_of


class Workspace:
    """``roots`` are the canonical folders that may be touched, ``cwd`` the one that paths start from.

    A folder inside another one is no root of its own: a path has one name from its root, which rules match.
    Raises ``SettingsError`` if a root is no folder, or the cwd (by default the first folder) lies in none.
    """

    def __init__(
        self,
        roots: Iterable[str | Path],
        cwd: str | Path | None = None,
        rules: Iterable[Rule] = (),
    ) -> None:
        """``rules`` may keep some files from being read."""
        self._rules = tuple(rule for rule in rules if rule.decision != "allow")
        folders = tuple(dict.fromkeys(_folder(root) for root in roots))
        if not folders:
            raise SettingsError("a workspace needs at least one folder.")
        self.roots: tuple[Path, ...] = tuple(
            folder for folder in folders if set(folder.parents).isdisjoint(folders)
        )
        self.cwd: Path = folders[0] if cwd is None else _folder(cwd)
        if self._place(self.cwd) is None:
            raise SettingsError(f"the folder {self.cwd} is outside the project; --add-dir can add it.")

    # --- paths --------------------------------------------------------------------------------------

    def resolve(self, path: str | Path) -> Path:
        """The canonical path: from the cwd, ``~`` expanded, links followed, also if it does not exist.

        Raises ``ToolError`` if it lies outside every root or is no regular file or folder.
        """
        shown = one_line(str(path), 200)
        try:
            canonical = self._canonical(path)
        except (OSError, ValueError, RuntimeError) as error:
            raise tool_error(f"cannot use the path {shown}", error) from None
        if self._place(canonical) is None:
            leads = "" if str(canonical) == str(path) else f" (it leads to {canonical})"
            raise ToolError(
                f"{shown} is outside the project{leads}. "
                "Work inside it, or ask the person to start akmon with --add-dir for that folder."
            )
        with suppress(OSError):
            mode = canonical.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise ToolError(f"{shown} is a pipe, socket or device; only regular files can be used.")
        return canonical

    def locate(self, effects: tuple[Effect, ...], folder: str = "") -> tuple[Target, ...]:
        """Implements ``akmon_core.ports.Locator``. A path that cannot be resolved counts as outside."""
        return tuple(
            self._command(effect, folder) if effect.kind == "run" else self._target(effect)
            for effect in effects
        )

    def show(self, path: Path) -> str:
        """``path`` as the model should name it: from the cwd where it lies below, else in full."""
        return visible_name(
            path.relative_to(self.cwd).as_posix() if path.is_relative_to(self.cwd) else str(path)
        )

    @property
    def project(self) -> Path:
        """The nearest folder with a ``.git`` entry, from the working folder to its root; else that folder."""
        root, _ = self.anchor(self.cwd)
        inside = (folder for folder in (self.cwd, *self.cwd.parents) if folder.is_relative_to(root))
        return next((folder for folder in inside if os.path.lexists(folder / ".git")), self.cwd)

    def anchor(self, path: Path) -> tuple[Path, tuple[str, ...]]:
        """The first root that contains a resolved ``path``, and the parts of the path below it."""
        place = self._place(path)
        if place is None:
            raise ToolError(f"{path} is outside the project.")
        root, relative = place
        return root, relative.parts

    def withholds(self, tool: str, path: str | Path, asked: Path) -> bool:
        """Whether rules keep ``tool`` from showing ``path``, which it has come across because of ``asked``.

        What they would have asked about is shown if ``asked`` itself is something of the kind, as then it has
        been asked about. Both are canonical; links are taken by where they lead too.
        """
        if not self._rules:
            return False
        decisions = {self._said(tool, Path(path))}
        if os.path.islink(path):  # noqa: PTH114
            decisions.add(self._said(tool, Path(os.path.realpath(path))))
        if "deny" in decisions:
            return True
        return "ask" in decisions and self._said(tool, asked) == "allow"

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Globs over paths from the roots: what rules deny reading."""
        return unreadable_globs(self._rules)

    def _said(self, tool: str, path: Path) -> str:
        place = self._place(path)
        return withheld(self._rules, tool, place[1].as_posix()) if place else "allow"

    def _canonical(self, path: str | Path, folder: str = "") -> Path:
        text = str(path)
        if "\0" in text:
            raise ValueError("it contains a NUL byte")
        text.encode()  # what is not UTF-8 could neither be recorded nor named by the model
        text = os.path.join(self.cwd, folder, os.path.expanduser(text))  # noqa: PTH111, PTH118
        try:
            return Path(os.path.realpath(text, strict=True))
        except (FileNotFoundError, NotADirectoryError):
            canonical = Path(os.path.realpath(text))
        with suppress(FileNotFoundError, NotADirectoryError):
            canonical.stat()  # a link that leads in a circle fails here
        return canonical

    def _place(self, canonical: Path) -> tuple[Path, Path] | None:
        for root in self.roots:
            if canonical.is_relative_to(root):
                return root, canonical.relative_to(root)
        return None

    def _command(self, effect: Effect, folder: str) -> Target:
        """A command with the places of the files that it names, if it can be read."""
        operands = operands_of(effect.target)
        placed = tuple(self._operand(operand, folder) for operand in operands)
        return Target(effect, os.path.realpath(folder or self.cwd), operands=placed)

    def _operand(self, operand: Operand, folder: str) -> Target:
        target = self._target(Effect(operand.kind, operand.path), folder)
        if operand.below and target.relative is not None and (secret := self._secret_below(target.path)):
            return self._target(Effect(operand.kind, secret))
        if operand.follows and target.relative is not None:
            linked = (self._target(Effect(operand.kind, link)) for link in _links_in(target.path))
            return next((each for each in linked if self._is_delicate(each)), target)
        return target

    def _is_delicate(self, target: Target) -> bool:
        if target.relative is None or may_hold_secrets(target.relative):
            return True
        return bool(reading_rules(self._rules)) and self._said("read", Path(target.path)) != "allow"

    def _secret_below(self, folder: str) -> str:
        """What is denied first, as what only may hold secrets is asked about."""
        if reading_rules(self._rules):
            found = secret_below(folder, lambda path: self._said("read", Path(path)) != "allow")
            if found:
                return found
        return secret_below(folder)

    def _target(self, effect: Effect, folder: str = "") -> Target:
        if effect.kind not in ("read", "write"):
            return Target(effect)
        try:
            canonical = self._canonical(effect.target, folder)
            str(canonical).encode()  # a link may lead to a name that is not UTF-8
        except (OSError, ValueError, RuntimeError) as error:
            return Target(effect, problem=reason(error))
        place = self._place(canonical)
        return Target(effect, str(canonical), place and place[1].as_posix())

    # --- content ------------------------------------------------------------------------------------

    def open(self, path: Path) -> int:
        """A descriptor for reading the file at a resolved ``path``. Raises ``ToolError``."""
        try:
            return open_file(*self.anchor(path))
        except OSError as error:
            raise tool_error(f"cannot read {self.show(path)}", error) from None

    def read_bytes(self, path: Path) -> bytes:
        """All of a file of at most ``EDITABLE_BYTES``. Raises ``ToolError``."""
        with os.fdopen(self.open(path), "rb") as file:
            data = file.read(EDITABLE_BYTES + 1)
        if len(data) > EDITABLE_BYTES:
            raise ToolError(
                f"{self.show(path)} is larger than {EDITABLE_BYTES:,} bytes: "
                "read a part of it with offset and limit, or change it with a command."
            )
        return data

    def read_text(self, path: Path) -> TextFile:
        """The text of the file at a resolved ``path``. Raises ``ToolError``."""
        return decode(self.read_bytes(path), self.show(path))

    def write_text(self, path: Path, text: str, like: TextFile = NEW) -> str:
        """Replaces or makes the file at a resolved ``path``, encoded as ``like``, and gives its SHA-256.

        All or nothing, see ``akmon_tools.anchored.replace_file``. Raises ``ToolError``.
        """
        data = self._encode(path, text, like)
        try:
            replace_file(*self.anchor(path), data)
        except OSError as error:
            raise tool_error(f"cannot write {self.show(path)}", error) from None
        return hash_of(data)

    def hash_of(self, path: Path, text: str, like: TextFile = NEW) -> str:
        """The SHA-256 that ``write_text`` would give, and nothing is written. Raises ``ToolError``."""
        return hash_of(self._encode(path, text, like))

    def _encode(self, path: Path, text: str, like: TextFile) -> bytes:
        data = like.encode(text)
        if len(data) > WRITE_BYTES:
            raise ToolError(f"cannot write {self.show(path)}: {len(data):,} bytes exceed {WRITE_BYTES:,}.")
        return data


def secret_below(folder: str, is_secret: Callable[[str], bool] = may_hold_secrets) -> str:
    """A file below ``folder`` that ``is_secret``, by default by its name; empty if there is none.

    What git keeps of its own is not looked at. Of a folder with too many entries, or that cannot be read, it
    is the folder's own ``.env``, whether that exists or not.
    """
    seen = 0
    unread: list[OSError] = []
    for at, folders, files in os.walk(folder, onerror=unread.append):
        seen += len(folders) + len(files)
        paths = (os.path.join(at, name) for name in files)  # noqa: PTH118
        if found := next(filter(is_secret, paths), None):
            return found
        if seen > SECRETS_ENTRIES or unread:
            return os.path.join(folder, ".env")  # noqa: PTH118
        folders[:] = [name for name in folders if name != ".git"]
    return ""


def _links_in(folder: str) -> list[str]:
    """The symbolic links right in a folder, as a comparison of two folders follows them."""
    with suppress(OSError), os.scandir(folder) as entries:
        return [entry.path for entry in entries if entry.is_symlink()]
    return []


def visible_name(name: str) -> str:
    """A name or path on one line, with nothing in it that cannot be seen."""
    return reveal(name).replace("\n", "<U+000A>").replace("\t", "<U+0009>")


def _folder(path: str | Path) -> Path:
    try:
        canonical = Path(path).expanduser().resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise SettingsError(f"cannot use {path} as a project folder: {error}.") from None
    if not canonical.is_dir():
        raise SettingsError(f"cannot use {path} as a project folder: it is a file.")
    return canonical
