"""Commits what the agent changed, and nothing that anybody else did."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import msgspec

from akmon_core.errors import ToolError
from akmon_core.files import FileChange, FileState, same
from akmon_core.rewinding import changed_paths, plan_rewind
from akmon_core.text import one_line, reveal
from akmon_tools.anchored import open_file, open_folder
from akmon_tools.git import Entry, Git, entry
from akmon_tools.oserrors import reason, tool_error
from akmon_tools.textfile import hash_of

_Marks: TypeAlias = tuple[int, ...]
"""What tells whether a file was touched; empty if there is none."""


class GitCommits:
    """Implements ``akmon_core.ports.Commits`` for the repository that has ``root`` in its working tree.

    A file is committed if all that was done to it since the last commit is the agent's doing. The working
    tree is not touched, what is staged of other files stays staged, and no hook and no filter is run.
    ``folders`` are further ones that the agent works in: no git is taken from there.
    """

    def __init__(self, root: Path, folders: Iterable[Path] = ()) -> None:
        self._root = root
        self._folders = tuple(folders)

    def commit(
        self, changes: Sequence[FileChange], message: str
    ) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """See the protocol; takes part of a second, so call it in a thread.

        Raises ``ToolError`` also if this is no repository, a merge or the like is not finished, another git
        is at work, or git does not know who commits. Then nothing has changed.
        """
        if not changes:
            return "", (), ()
        git = Git(self._root, self._folders)
        if what := git.under_way():
            raise ToolError(f"nothing was committed: {what} is not finished. Finish it and commit.")
        try:
            for _ in range(2):
                with git.locked(), tempfile.TemporaryDirectory(prefix="akmon-", dir=git.folder) as scratch:
                    done = _Commit(git, Path(scratch)).make(changes, message)
                if done is not None:
                    return done
        except OSError as error:
            raise tool_error(f"cannot commit in {git.top}", error) from None
        raise ToolError("nothing was committed: somebody else changed the repository meanwhile.")


class _File(msgspec.Struct, frozen=True):
    """A file that the agent changed."""

    name: str
    """From the root of the repository, with ``/``."""
    states: tuple[FileState | None, ...]
    """All that it has been, from before the first change; the last is what it is now."""
    marks: _Marks

    @property
    def made(self) -> bool:
        return not _missing(self.states[-1])


class _Commit:
    """One attempt, while the user's index is locked; ``scratch`` lies on the same file system as that."""

    def __init__(self, git: Git, scratch: Path) -> None:
        self._git = git
        self._head_id = git.head()
        self._new = scratch / "new"
        """An index of what is to be committed."""
        self._next = scratch / "next"
        """What the user's index becomes."""
        git("read-tree", "--no-sparse-checkout", self._head_id or "--empty", index=self._new)
        if git.index.exists():
            shutil.copy2(git.index, self._next)
        self._head = git.entries(self._new)
        self._index = git.entries(self._next)
        self._left: list[str] = []

    def make(
        self, changes: Sequence[FileChange], message: str
    ) -> tuple[str, tuple[str, ...], tuple[str, ...]] | None:
        """As ``GitCommits.commit``; None if something changed meanwhile."""
        files = self._fitting(self._own(self._admitted(self._changed(changes))))
        names = self._stage(files)
        if not names:
            return "", (), tuple(self._left)
        tree = self._git("write-tree", index=self._new).decode().strip()
        parent = ("-p", self._head_id) if self._head_id else ()
        commit = self._write(tree, parent, message)
        if any(_look(self._git.top, file.name)[1] != file.marks for file in files):
            return None
        if not self._point_to(commit, message):
            return None
        self._next.replace(self._git.index)
        return commit, names, tuple(self._left)

    # --- which files --------------------------------------------------------------------------------

    def _changed(self, changes: Sequence[FileChange]) -> Iterator[_File]:
        """The files that are not what they were before, and are what the agent left."""
        now: dict[str, tuple[FileState | None, _Marks]] = {}
        for path in changed_paths(changes):
            if name := self._name(path):
                try:
                    now[path] = _look(self._git.top, name)
                except OSError as error:
                    self._leave(name, f"it cannot be read: {reason(error)}")
        known = [change for change in changes if change.path in now]
        plan = plan_rewind(known, {path: state for path, (state, _) in now.items()})
        for conflict in plan.conflicts:
            self._leave(self._name(conflict.change.path), conflict.reason)
        order = list(now)
        for undo in sorted(plan.changes, key=lambda undo: order.index(undo.path)):
            chain = [change for change in known if change.path == undo.path]
            states = (chain[0].before, *(change.after for change in chain))
            if not same(states[-1], undo.before):
                states = states[:-1]  # the last change was not carried out
            yield _File(self._name(undo.path), (*states[:-1], undo.before), now[undo.path][1])

    def _name(self, path: str) -> str:
        if Path(path).is_relative_to(self._git.top):
            return Path(path).relative_to(self._git.top).as_posix()
        self._leave(path, "it is not in the repository")
        return ""

    def _admitted(self, changed: Iterable[_File]) -> list[_File]:
        """Those of ``changed`` that may be in the repository at all."""
        files = [file for file in changed if not self._left_for(file.name, self._inside(file.name))]
        new = [file.name for file in files if file.made and not self._known(file.name)]
        ignored = self._git.ignored(new) if new else set()
        filtered = self._git.filtered([file.name for file in files]) if files else {}

        def why(name: str) -> str:
            if name in ignored:
                return "git ignores it"
            return f"git converts it with the filter {filtered[name]}" if name in filtered else ""

        return [file for file in files if not self._left_for(file.name, why(file.name))]

    def _inside(self, name: str) -> str:
        """Why git cannot take a path; empty if it can."""
        if ".git" in name.lower().split("/"):
            return "it is one of git's own files"
        folders = list(PurePosixPath(name).parents)[:-1]
        nested = any(self._is_module(folder.as_posix()) for folder in folders)
        return "it is in another repository" if nested else ""

    def _is_module(self, folder: str) -> bool:
        known = (entry(index.get(folder)) for index in (self._head, self._index))
        module = any(each is not None and each.mode == "160000" for each in known)
        return module or os.path.lexists(self._git.top / folder / ".git")

    def _known(self, name: str) -> bool:
        return name in self._head or name in self._index

    def _own(self, files: Iterable[_File]) -> Iterator[_File]:
        """Those in which nothing that is not committed was done by anybody else."""
        contents = _Contents(self._git)
        for file in files:
            head, staged = (entry(index.get(file.name)) for index in (self._head, self._index))
            states = contents.since(head, file)
            if not states:
                self._leave(file.name, "it had changes that are not committed")
            elif staged and not staged.plain:
                self._leave(file.name, "git is told to leave it alone, or it is in conflict")
            elif staged != head and not any(contents.hold(staged, state, file.name) for state in states):
                self._leave(file.name, "something else is staged for it")
            else:
                yield file

    def _fitting(self, files: Iterable[_File]) -> list[_File]:
        """Those that take no place of anything else, such as a file that now is a folder."""
        files = list(files)
        gone = {file.name for file in files if not file.made}
        indexes = (list(self._head), list(self._index))

        def other(name: str) -> str:
            above = (folder.as_posix() for folder in list(PurePosixPath(name).parents)[:-1])
            around = (
                *filter(self._known, above),
                *(each for names in indexes for each in _below(name, names)),
            )
            taken = (each for each in around if each not in gone)
            return f"{reveal(each)} is in its place" if (each := next(taken, "")) else ""

        return [file for file in files if not file.made or not self._left_for(file.name, other(file.name))]

    def _left_for(self, name: str, why: str) -> bool:
        if why:
            self._leave(name, why)
        return bool(why)

    def _leave(self, name: str, why: str) -> None:
        self._left.append(f"{reveal(name)}: {why}")

    # --- the commit ---------------------------------------------------------------------------------

    def _stage(self, files: Collection[_File]) -> tuple[str, ...]:
        """Puts ``files`` into both indexes; gives the names of those that are not as in the last commit."""
        self._put(self._new, files)
        new = self._git.entries(self._new)
        names = {file.name for file in files if new.get(file.name) != self._head.get(file.name)}
        self._put(self._next, [file for file in files if file.name in names])
        after = self._git.entries(self._next)
        as_wanted = {name: new[name] for name in names if name in new}
        if (
            _without(self._head, names) | as_wanted != new
            or _without(self._index, names) | as_wanted != after
        ):
            raise ToolError("nothing was committed: git would have taken more than what was changed.")
        return tuple(file.name for file in files if file.name in names)

    def _put(self, index: Path, files: Collection[_File]) -> None:
        made = [file.name for file in files if file.made]
        self._git.stage(index, made, [file.name for file in files if not file.made])

    def _write(self, tree: str, parent: Sequence[str], message: str) -> str:
        try:
            return self._git("commit-tree", tree, *parent, given=message.encode()).decode().strip()
        except ToolError:
            for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
                if not self._git("var", who, fine=(0, 1, 128)):
                    raise ToolError(
                        "nothing was committed: git does not know who you are. Tell it with: "
                        "git config --global user.name 'Your Name' and "
                        "git config --global user.email you@example.com"
                    ) from None
            raise

    def _point_to(self, commit: str, message: str) -> bool:
        """Makes ``commit`` the last one; False if it does not follow that any more."""
        log = f"commit: {one_line(message.partition(chr(10))[0], 100)}"
        try:
            self._git("update-ref", "-m", log, "HEAD", commit, self._head_id)
        except ToolError:
            if self._git.head() == self._head_id:
                raise
            return False
        return True


class _Contents:
    """Compares what git keeps with what files were."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._kept: dict[str, bytes] = {}
        self._converted: dict[tuple[str, str], frozenset[str]] = {}

    def since(self, kept: Entry | None, file: _File) -> tuple[FileState | None, ...]:
        """What ``file`` has been from when it was ``kept`` on; empty if it never was."""
        states = file.states
        found = (at for at, state in enumerate(states) if self.hold(kept, state, file.name))
        return states[at:] if (at := next(found, None)) is not None else ()

    def hold(self, kept: Entry | None, state: FileState | None, name: str) -> bool:
        """Whether a file that is ``state`` is no change of ``kept``."""
        if kept is None or state is None or _missing(state):
            return kept is None and _missing(state)
        if state.kind == "link":
            return kept.mode == "120000" and self._content(kept) == os.fsencode(state.content)
        if kept.mode not in ("100644", "100755"):
            return False
        if self._modes and state.mode is not None and (kept.mode == "100755") != _executable(state.mode):
            return False
        return state.content == hash_of(self._content(kept)) or state.content in self._worked(kept, name)

    @cached_property
    def _modes(self) -> bool:
        """Whether the executable bit counts in this repository."""
        asked = self._git("config", "--type=bool", "--default=true", "core.fileMode")
        return asked.strip() == b"true"

    def _content(self, kept: Entry) -> bytes:
        if kept.id not in self._kept:
            self._kept[kept.id] = self._git("cat-file", "blob", kept.id)
        return self._kept[kept.id]

    def _worked(self, kept: Entry, name: str) -> frozenset[str]:
        """SHA-256 of what ``kept`` can be in a working tree by its line ends and encoding.

        Git may give a file either line end, and take both: those that it gives, and CRLF if it takes that.
        """
        key = (kept.id, name)
        if key not in self._converted:
            path = f"--path={name}"
            given = self._git("cat-file", "--filters", path, kept.id)
            crlf = self._content(kept).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            taken = self._git("hash-object", path, "--stdin", given=crlf).decode().strip() == kept.id
            self._converted[key] = frozenset(hash_of(each) for each in ((given, crlf) if taken else (given,)))
        return self._converted[key]


def _missing(state: FileState | None) -> bool:
    """Git knows no folders."""
    return state is None or state.kind == "folder"


def _executable(mode: int) -> bool:
    return bool(mode & stat.S_IXUSR)


def _without(index: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: line for name, line in index.items() if name not in names}


def _below(folder: str, names: Sequence[str]) -> Iterator[str]:
    """Those of ``names``, in the order of an index, that are in ``folder``."""
    start = f"{folder}/"
    for at in range(bisect_left(names, start), len(names)):
        if not names[at].startswith(start):
            return
        yield names[at]


def _look(top: Path, name: str) -> tuple[FileState | None, _Marks]:
    """What a file is now. Raises ``OSError``."""
    parts = tuple(name.split("/"))
    try:
        with open_folder(top, parts[:-1]) as folder:
            found = os.stat(folder.at(parts[-1]), dir_fd=folder.fd, follow_symlinks=False)
            marks = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode)
            mode = stat.S_IMODE(found.st_mode)
            if stat.S_ISLNK(found.st_mode):
                return FileState("link", os.readlink(folder.at(parts[-1]), dir_fd=folder.fd)), marks
        if stat.S_ISDIR(found.st_mode):
            return FileState("folder", mode=mode), ()
        with os.fdopen(open_file(top, parts), "rb") as file:
            import hashlib

            return FileState("file", hashlib.file_digest(file, "sha256").hexdigest(), mode), marks
    except (FileNotFoundError, NotADirectoryError):
        return None, ()
