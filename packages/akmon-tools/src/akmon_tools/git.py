"""Runs git without what a repository may bring along: hooks, prompts, network, another place to work in."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import GIT_LOCK_SECONDS, GIT_SECONDS
from akmon_core.text import one_line
from akmon_tools.environment import command_environment
from akmon_tools.oserrors import tool_error
from akmon_tools.programs import find_git
from akmon_tools.workspace import Workspace

_IDENTITY = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
_OPTIONS = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "commit.gpgSign=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "i18n.commitEncoding=utf-8"),
    *("-c", "protocol.allow=never"),
    *("-c", "user.useConfigOnly=true"),
)
_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "sequencer": "a cherry-pick or revert",
    "BISECT_LOG": "a bisect",
}
"""What git keeps in its folder while something of several steps is not finished."""
_WAIT = 0.1


class Entry(msgspec.Struct, frozen=True):
    """A file in an index, as ``entry`` reads it."""

    mode: str
    """``100644``, ``100755`` (executable), ``120000`` (a link) or ``160000`` (a submodule)."""
    id: str
    """Of its content."""
    plain: bool
    """False for one that is in conflict, or that git is told to leave alone."""


def entry(line: str | None) -> Entry | None:
    """A value of ``Git.entries`` in parts."""
    if line is None:
        return None
    tag, mode, content, stage = line.split(" ")
    return Entry(mode, content, plain=(tag, stage) == ("H", "0"))


class Git:
    """The repository that has the folder ``root`` in its working tree. Every method raises ``ToolError``.

    A git program in that tree or in one of ``folders`` is never run. The home folder and what is above it
    count only for a ``root`` that is there itself, as for the root of a project.
    """

    def __init__(self, root: Path, folders: Iterable[Path] = ()) -> None:
        self.top = _top(root)
        self._environment = _environment(os.environ)
        self._program = find_git(Workspace((self.top, *folders)))
        found = os.fsdecode(self("rev-parse", "--show-toplevel", "--absolute-git-dir")).split("\n")
        if not os.path.samefile(found[0], self.top):  # noqa: PTH121
            raise ToolError(f"the working tree of {self.top} is somewhere else: {one_line(found[0], 200)}.")
        self.folder = Path(found[1])
        self.index = self.top / os.fsdecode(self("rev-parse", "--git-path", "index")).removesuffix("\n")

    def __call__(
        self, *arguments: str, given: bytes = b"", index: Path | None = None, fine: Collection[int] = (0,)
    ) -> bytes:
        """What git prints, if it ends with a code that is ``fine``; ``index`` is used in place of its own."""
        environment = self._environment | ({"GIT_INDEX_FILE": str(index)} if index else {})
        command = (self._program, *_OPTIONS, *arguments)
        try:
            done = subprocess.run(
                command,
                cwd=self.top,
                env=environment,
                input=given,
                capture_output=True,
                timeout=GIT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ToolError(f"git {arguments[0]} took longer than {GIT_SECONDS:.0f} seconds.") from None
        except OSError as error:
            raise tool_error(f"cannot start {self._program}", error) from None
        if done.returncode not in fine:
            said = one_line(done.stderr.decode(errors="replace"), 500)
            raise ToolError(f"git {arguments[0]} failed: {said or f'exit code {done.returncode}'}")
        return done.stdout

    def head(self) -> str:
        """The id of the last commit; empty before the first one."""
        return self("rev-parse", "--verify", "--quiet", "HEAD^{commit}", fine=(0, 1)).decode().strip()

    def under_way(self) -> str:
        """What of several steps is not finished, such as a merge; empty if nothing."""
        return next((what for name, what in _UNDER_WAY.items() if (self.folder / name).exists()), "")

    def entries(self, index: Path) -> dict[str, str]:
        """What ``entry`` takes, by path and in their order, of all files in an index; it can be very many."""
        lines = os.fsdecode(self("ls-files", "-s", "-v", "-z", index=index)).split("\0")[:-1]
        return {name: fields for fields, _, name in (line.partition("\t") for line in lines)}

    def ignored(self, names: Collection[str]) -> set[str]:
        """Those of ``names`` that are not to be in the repository."""
        given = _lines(f"./{name}" for name in names)  # a leading colon would have a meaning
        found = _names(self("check-ignore", "-z", "--stdin", given=given, fine=(0, 1)))
        return {name.removeprefix("./") for name in found}

    def filtered(self, names: Collection[str]) -> dict[str, str]:
        """Which of ``names`` a program of the user's settings would convert, with the filter's name."""
        asked = self("config", "-z", "--name-only", "--get-regexp", r"^filter\.", fine=(0, 1))
        filters = {name.split(".", 1)[1].rpartition(".")[0] for name in _names(asked)}
        if not filters:
            return {}
        found = _names(self("check-attr", "-z", "--stdin", "filter", given=_lines(names)))
        pairs = zip(found[::3], found[2::3], strict=True)
        return {name: value for name, value in pairs if value in filters}

    def stage(self, index: Path, made: Collection[str], gone: Collection[str]) -> None:
        """Takes files into an index as they are in the working tree, and others out of it."""
        if gone:
            self("update-index", "--force-remove", "-z", "--stdin", given=_lines(gone), index=index)
        if made:
            self("update-index", "--add", "-z", "--stdin", given=_lines(made), index=index)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps every other git from changing the user's index, as git itself does."""
        lock = self.index.with_name(f"{self.index.name}.lock")
        deadline = time.monotonic() + GIT_LOCK_SECONDS
        while True:
            try:
                os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                break
            except FileExistsError:
                if time.monotonic() > deadline:
                    raise ToolError(f"another git is at work in {self.top} ({lock} exists).") from None
                time.sleep(_WAIT)
            except OSError as error:
                raise tool_error(f"cannot write to {self.folder}", error) from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _top(root: Path) -> Path:
    root = root.resolve()
    outside = {Path.home(), *Path.home().parents} - {root}
    for folder in (root, *root.parents):
        if folder in outside:
            break
        if os.path.lexists(folder / ".git"):
            return folder
    raise ToolError(f"{root} is not in a git repository.")


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value for name, value in inherited.items() if not name.startswith("GIT_") or name in _IDENTITY
    }
    return command_environment(kept) | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}


def _lines(names: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(name) + b"\0" for name in names)


def _names(output: bytes) -> list[str]:
    return [os.fsdecode(name) for name in output.split(b"\0")[:-1]]
