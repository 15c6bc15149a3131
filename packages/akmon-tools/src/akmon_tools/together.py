"""Changes several files or none: what was done before one of them failed is put back."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_tools.anchored import open_folder, remove_file, stage_file
from akmon_tools.oserrors import reason
from akmon_tools.workspace import Workspace


class FileWrite(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one file. ``before`` and ``after`` are all of its bytes, None where there is none."""

    path: Path
    """Canonical."""
    before: bytes | None
    was: os.stat_result | None = None
    """Of the file before, if there is one."""
    after: bytes | None
    like: os.stat_result | None = None
    """Whose mode and owner the file gets, if not its own."""
    executable: bool | None = None


def write_together(workspace: Workspace, writes: Sequence[FileWrite]) -> None:
    """Makes all ``writes``. If one fails, all files are as they were, modes included; ``ToolError`` says so.

    All new content is on the disk before the first file is touched, so a full disk spoils nothing.
    """
    _Together(workspace, writes).run()


class _Together:
    def __init__(self, workspace: Workspace, writes: Sequence[FileWrite]) -> None:
        self._workspace = workspace
        self._writes = writes
        self._made: list[Path] = []
        self._staged: dict[Path, str] = {}
        self._done: list[FileWrite] = []

    def run(self) -> None:
        doing = None
        try:
            for doing in self._writes:
                self._stage(doing)
            for doing in self._in_order():
                self._replace(doing) if doing.after is not None else self._remove(doing)
        except OSError as error:
            lost = self._undo()
            name = self._workspace.show(doing.path) if doing else ""
            raise ToolError(
                f"cannot change {name}: {reason(error)}. "
                + (f"Could not be put back: {', '.join(lost)}." if lost else "Nothing was changed.")
            ) from None
        except BaseException:
            self._undo()
            raise

    def _in_order(self) -> list[FileWrite]:
        """What goes for good comes last, except where only the case of a name changes."""
        written = {str(write.path).casefold() for write in self._writes if write.after is not None}
        order = {True: 0, False: 2}
        return sorted(
            self._writes,
            key=lambda write: 1 if write.after is not None else order[str(write.path).casefold() in written],
        )

    def _stage(self, write: FileWrite) -> None:
        if write.after is None:
            return
        root, parts = self._workspace.anchor(write.path)
        self._made += [
            folder
            for folder in reversed(write.path.parents)
            if not folder.exists() and folder not in self._made
        ]
        with open_folder(root, parts[:-1], create=True) as folder:
            temporary = stage_file(folder, parts[-1], write.after, write.like)
            self._staged[write.path] = temporary
            if write.executable is not None and os.name == "posix":
                mode = os.stat(folder.at(temporary), dir_fd=folder.fd).st_mode
                mode = mode | (mode & 0o444) >> 2 if write.executable else mode & ~0o111
                os.chmod(folder.at(temporary), stat.S_IMODE(mode), dir_fd=folder.fd)

    def _replace(self, write: FileWrite) -> None:
        root, parts = self._workspace.anchor(write.path)
        with open_folder(root, parts[:-1]) as folder:
            name = folder.at(parts[-1])
            if write.before is None and _exists(name, folder.fd):
                raise FileExistsError("somebody else made it meanwhile")
            os.replace(folder.at(self._staged[write.path]), name, src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
        del self._staged[write.path]
        self._done.append(write)

    def _remove(self, write: FileWrite) -> None:
        remove_file(*self._workspace.anchor(write.path))
        self._done.append(write)

    def _undo(self) -> list[str]:
        """Puts everything back, and gives what could not be."""
        lost = []
        for path, temporary in self._staged.items():
            root, parts = self._workspace.anchor(path)
            with suppress(OSError):
                remove_file(root, (*parts[:-1], temporary))
        for write in sorted(self._done, key=lambda write: write.before is not None):  # room first
            try:
                self._put_back(write)
            except OSError as error:
                lost.append(f"{self._workspace.show(write.path)} ({reason(error)})")
        for path in reversed(self._made):
            root, parts = self._workspace.anchor(path)
            with suppress(OSError), open_folder(root, parts[:-1]) as folder:
                os.rmdir(folder.at(parts[-1]), dir_fd=folder.fd)
        return lost

    def _put_back(self, write: FileWrite) -> None:
        root, parts = self._workspace.anchor(write.path)
        if write.before is None:
            remove_file(root, parts)
            return
        with open_folder(root, parts[:-1]) as folder:
            temporary = stage_file(folder, parts[-1], write.before, write.was)
            os.replace(folder.at(temporary), folder.at(parts[-1]), src_dir_fd=folder.fd, dst_dir_fd=folder.fd)


def _exists(name: str, fd: int | None) -> bool:
    try:
        os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
