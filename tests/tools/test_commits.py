"""Commits of what the agent changed, in real repositories: that, all of that, and nothing else."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import sleep

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.errors import ToolError
from akmon_core.files import FileChange, FileState
from akmon_tools.commits import GitCommits


class Repository:
    """A repository with a user, and an agent whose changes are recorded as a session does it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.changes: list[FileChange] = []

    def git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=self.root, capture_output=True, check=False)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout.decode()

    def put(self, name: str, content: str | bytes, mode: int = 0o644) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)

    def commit(self, **files: str) -> str:
        """The user's commit of everything."""
        for name, content in files.items():
            self.put(name.replace("__", "/"), content)
        self.git("add", "-A")
        self.git("commit", "-qm", "user")
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def agent(self, *names: str, sure: bool = True) -> Recording:
        """What happens to these paths inside of it is the agent's doing."""
        return Recording(self, names, sure)

    def write(self, name: str, content: str | bytes) -> None:
        """The agent writes a file."""
        with self.agent(name):
            self.put(name, content)

    def remove(self, name: str) -> None:
        with self.agent(name):
            (self.root / name).unlink()

    def finish(self, message: str = "change\n") -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """The end of a turn."""
        done = GitCommits(self.root).commit(self.changes, message)
        self.changes.clear()
        return done

    def refused(self) -> str:
        before = self.everything()
        with pytest.raises(ToolError) as caught:
            self.finish()
        assert self.everything() == before
        return str(caught.value)

    def committed(self) -> dict[str, str]:
        """What the last commit did: the letter that git has for it, by path."""
        shown = self.git("show", "--format=", "--name-status", "--no-renames", "-z", "HEAD").split("\0")[:-1]
        return dict(zip(shown[1::2], shown[::2], strict=True))

    def status(self) -> str:
        return self.git("status", "--porcelain", "-z")

    def everything(self) -> tuple[str, ...]:
        return (
            self.git("for-each-ref"),
            self.git("ls-files", "-s", "-v", "-z"),
            self.git("diff", "--cached", "--binary"),
            self.git("diff", "--binary"),
            self.status(),
        )


class Recording:
    def __init__(self, repository: Repository, names: tuple[str, ...], sure: bool) -> None:
        self._repository = repository
        self._paths = [repository.root / name for name in names]
        self._sure = sure

    def __enter__(self) -> None:
        self._before = [state_of(path) for path in self._paths]

    def __exit__(self, *_: object) -> None:
        for path, before in zip(self._paths, self._before, strict=True):
            self._repository.changes.append(FileChange(str(path), before, state_of(path), sure=self._sure))


def state_of(path: Path) -> FileState | None:
    if path.is_symlink():
        return FileState("link", str(path.readlink()))
    if path.is_dir():
        return FileState("folder")
    if not path.exists():
        return None
    return FileState("file", hashlib.sha256(path.read_bytes()).hexdigest(), stat.S_IMODE(path.stat().st_mode))


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user who has told git who they are, and nothing else."""
    folder = tmp_path_factory.mktemp("home").resolve()
    (folder / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_")) or name == "EMAIL"]:
            environment.delenv(name)
        environment.setenv("HOME", str(folder))
        yield folder


Make = Callable[[str], "Repository"]


def new_repository(root: Path) -> Repository:
    root.mkdir(parents=True)
    repository = Repository(root)
    repository.git("init", "-q", "-b", "main")
    return repository


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return lambda name: new_repository(tmp_path.resolve() / name)


@pytest.fixture
def repo(make: Make) -> Repository:
    repository = make("repo")
    repository.commit(a="one\n", b="two\n", src__c="three\n")
    return repository


# --- what is committed --------------------------------------------------------------------------------


def test_new_changed_and_removed_files_are_committed_and_clean_afterwards(repo: Repository) -> None:
    parent = repo.head()
    repo.write("a", "1\n")
    repo.write("new/folder/d", "4\n")
    repo.remove("b")
    commit, files, left = repo.finish("Do it\n\nBecause.\n")
    assert (commit, set(files), left) == (repo.head(), {"a", "new/folder/d", "b"}, ())
    assert repo.committed() == {"a": "M", "new/folder/d": "A", "b": "D"}
    assert repo.status() == ""
    assert (
        repo.git("log", "-1", "--format=%P|%an|%ae|%cn|%B")
        == f"{parent}|Ada|ada@example.com|Ada|Do it\n\nBecause.\n\n"
    )
    assert repo.git("reflog", "-1", "--format=%gs") == "commit: Do it\n"
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert repo.git("diff-files", "--name-only") == "", "the index knows the files as they are"
    assert [path.name for path in (repo.root / ".git").glob("*akmon*")] == []
    assert not (repo.root / ".git/index.lock").exists()


def test_several_changes_of_one_file_are_one_net_change(repo: Repository) -> None:
    for content in ("1\n", "2\n", "3\n"):
        repo.write("a", content)
    repo.write("passing", "x")
    repo.remove("passing")
    repo.write("b", "other\n")
    repo.write("b", "two\n")
    assert repo.finish()[1:] == (("a",), ())
    assert repo.git("show", "HEAD:a") == "3\n"


def test_nothing_is_committed_where_nothing_changed(repo: Repository) -> None:
    before = repo.everything()
    assert repo.finish() == ("", (), ())
    repo.write("a", "1\n")
    repo.write("a", "one\n")
    assert repo.finish() == ("", (), ())
    assert repo.everything() == before


def test_a_rename_is_a_removal_and_a_new_file(repo: Repository) -> None:
    with repo.agent("a", "moved/a"):
        (repo.root / "moved").mkdir()
        (repo.root / "a").rename(repo.root / "moved/a")
    repo.finish()
    assert repo.git("show", "--format=", "--name-status", "-M", "HEAD") == "R100\ta\tmoved/a\n"


def test_the_executable_bit_is_committed_alone_and_with_content(repo: Repository) -> None:
    with repo.agent("a"):
        (repo.root / "a").chmod(0o755)
    with repo.agent("run"):
        repo.put("run", "#!/bin/sh\n", 0o755)
    assert set(repo.finish()[1]) == {"a", "run"}
    assert repo.git("ls-tree", "HEAD", "a", "run").count("100755") == 2


def test_where_the_executable_bit_does_not_count_it_stays_as_it_was(repo: Repository) -> None:
    repo.git("update-index", "--chmod=+x", "a")
    repo.git("commit", "-qm", "bit")
    repo.git("config", "core.fileMode", "false")
    repo.write("a", "1\n")
    assert repo.finish()[1:] == (("a",), ())
    assert repo.git("ls-tree", "HEAD", "a").startswith("100755")


def test_links_are_committed_as_links(repo: Repository) -> None:
    (repo.root / "old").symlink_to("a")
    repo.commit()
    with repo.agent("old", "new", "b"):
        (repo.root / "old").unlink()
        (repo.root / "old").symlink_to("b")
        (repo.root / "new").symlink_to("nowhere/at all")
        (repo.root / "b").unlink()
        (repo.root / "b").symlink_to("a")
    repo.finish()
    assert repo.committed() == {"old": "M", "new": "A", "b": "T"}
    assert repo.git("show", "HEAD:new") == "nowhere/at all"
    assert repo.status() == ""


@pytest.mark.parametrize(
    "name",
    ["with space", "line\nend", "-dash", "ünï¢ødé/日本", "*", ":(top)a", "tab\there", '"quoted"', "#x"],
)
def test_any_name_will_do(repo: Repository, name: str) -> None:
    repo.put("bystander", "x")
    repo.write(name, "new\n")
    assert repo.finish()[1:] == ((name,), ())
    assert repo.committed() == {name: "A"}
    repo.write(name, "newer\n")
    repo.finish()
    assert repo.committed() == {name: "M"}
    repo.remove(name)
    repo.finish()
    assert repo.committed() == {name: "D"}
    assert repo.status() == "?? bystander\0"


def test_a_file_becomes_a_folder_and_back(repo: Repository) -> None:
    with repo.agent("a", "a/x"):
        (repo.root / "a").unlink()
        repo.put("a/x", "inside\n")
    repo.finish()
    assert repo.committed() == {"a": "D", "a/x": "A"}
    with repo.agent("a/x", "a"):
        (repo.root / "a/x").unlink()
        (repo.root / "a").rmdir()
        repo.put("a", "flat\n")
    repo.finish()
    assert repo.committed() == {"a": "A", "a/x": "D"}
    assert repo.status() == ""


def test_the_first_commit_of_a_repository(make: Make) -> None:
    repo = make("empty")
    repo.put("mine", "x")
    repo.git("add", "mine")
    repo.write("a", "1\n")
    assert repo.finish()[1:] == (("a",), ())
    assert repo.git("ls-tree", "-r", "--name-only", "HEAD") == "a\n"
    assert repo.git("log", "-1", "--format=%P") == "\n"
    assert repo.status() == "A  mine\0"


def test_on_a_detached_head_the_branch_stays_where_it_is(repo: Repository) -> None:
    main = repo.head()
    repo.git("checkout", "-q", "--detach")
    repo.write("a", "1\n")
    assert repo.finish()[0] == repo.head() != main
    assert repo.git("rev-parse", "main").strip() == main


def test_in_a_linked_worktree_and_from_a_folder_below(repo: Repository) -> None:
    main = repo.head()
    repo.git("worktree", "add", "-q", "../linked", "-b", "side")
    linked = Repository(repo.root.parent / "linked")
    linked.write("src/c", "3\n")
    linked.write("a", "1\n")
    commit, files, left = GitCommits(linked.root / "src").commit(linked.changes, "x\n")
    assert (set(files), left) == ({"src/c", "a"}, ())
    assert linked.head() == commit == repo.git("rev-parse", "side").strip()
    assert (repo.head(), repo.status(), linked.status()) == (main, "", "")


def test_in_a_sparse_checkout_with_a_sparse_index(repo: Repository) -> None:
    repo.commit(far__x="x\n", far__deep__y="y\n")
    repo.git("sparse-checkout", "set", "--cone", "--sparse-index", "src")
    assert not (repo.root / "far").exists()
    repo.write("src/c", "3\n")
    repo.write("src/new", "4\n")
    repo.write("far/x", "not what is there\n")
    repo.write("far/z", "5\n")
    _, files, left = repo.finish()
    assert set(files) == {"src/c", "src/new", "far/z"}
    assert left == ("far/x: it had changes that are not committed",)
    assert repo.committed() == {"src/c": "M", "src/new": "A", "far/z": "A"}
    assert repo.git("show", "HEAD:far/deep/y") == "y\n"


def test_with_a_split_index(repo: Repository) -> None:
    repo.git("update-index", "--split-index")
    repo.put("b", "staged\n")
    repo.git("add", "b")
    repo.write("a", "1\n")
    repo.finish()
    assert repo.committed() == {"a": "M"}
    assert repo.status() == "M  b\0"


# --- line ends and encodings --------------------------------------------------------------------------


@pytest.mark.parametrize("autocrlf", ["true", "input", "false"])
@pytest.mark.parametrize("attributes", ["", "* text=auto\n", "*.txt eol=crlf\n", "*.txt text eol=lf\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_are_kept_as_git_keeps_them(
    repo: Repository, autocrlf: str, attributes: str, end: str
) -> None:
    repo.git("config", "core.autocrlf", autocrlf)
    if attributes:
        repo.put(".gitattributes", attributes)
    repo.put("t.txt", f"one{end}two{end}")
    repo.commit()
    repo.write("t.txt", f"one{end}2{end}")
    repo.write("u.txt", f"new{end}")
    expected = [repo.git("hash-object", f"--path={name}", name).strip() for name in ("t.txt", "u.txt")]
    assert repo.finish()[1:] == (("t.txt", "u.txt"), ())
    assert repo.git("rev-parse", "HEAD:t.txt", "HEAD:u.txt").split() == expected
    assert repo.git("show", "--format=", "--numstat", "HEAD", "--", "t.txt") == "1\t1\tt.txt\n"
    assert repo.status() == ""


def test_crlf_that_is_committed_stays_though_git_would_convert_it(repo: Repository) -> None:
    repo.put("t.txt", "one\r\ntwo\r\n")
    repo.commit()
    repo.git("config", "core.autocrlf", "true")
    repo.write("t.txt", "one\r\n2\r\n")
    repo.finish()
    assert repo.git("show", "--format=", "--numstat", "HEAD") == "1\t1\tt.txt\n"


def test_line_ends_that_the_user_changed_are_the_users(repo: Repository) -> None:
    repo.put("a", "one\r\n")
    repo.write("a", "one\r\ntwo\r\n")
    assert repo.finish() == ("", (), ("a: it had changes that are not committed",))


def test_a_file_that_is_kept_in_another_encoding(repo: Repository) -> None:
    repo.put(".gitattributes", "*.u16 working-tree-encoding=UTF-16\n")
    repo.put("t.u16", "één\n".encode("utf-16"))
    repo.commit()
    repo.write("t.u16", "twéé\n".encode("utf-16"))
    repo.finish()
    assert repo.git("show", "HEAD:t.u16") == "twéé\n"
    assert repo.status() == ""


# --- what is left out ---------------------------------------------------------------------------------


def left_of(repo: Repository) -> str:
    """Why the only changed file is left out; the agent's other file is committed all the same."""
    repo.write("other", "x\n")
    mine = repo.git("ls-files", "-s", "-v", "-z").replace("\0", "\n").splitlines()
    _, files, (left,) = repo.finish()
    assert files == ("other",)
    assert repo.committed() == {"other": "A"}
    now = repo.git("ls-files", "-s", "-v", "-z").replace("\0", "\n").splitlines()
    assert [line for line in now if not line.endswith("\tother")] == mine
    return left


def test_a_file_with_changes_of_the_user(repo: Repository) -> None:
    repo.put("a", "one\nmine\n")
    repo.write("a", "one\nmine\nits\n")
    assert left_of(repo) == "a: it had changes that are not committed"


def test_a_file_that_the_user_had_made_or_removed(repo: Repository) -> None:
    repo.put("untracked", "mine\n")
    repo.write("untracked", "its\n")
    assert left_of(repo) == "untracked: it had changes that are not committed"
    (repo.root / "a").unlink()
    repo.write("a", "its\n")
    assert repo.finish() == ("", (), ("a: it had changes that are not committed",))


def test_a_file_whose_mode_the_user_had_changed(repo: Repository) -> None:
    (repo.root / "a").chmod(0o755)
    with repo.agent("a"):
        (repo.root / "a").write_text("1\n")
    assert left_of(repo) == "a: it had changes that are not committed"


def test_a_file_for_which_something_is_staged(repo: Repository) -> None:
    repo.put("a", "staged\n")
    repo.git("add", "a")
    repo.put("a", "one\n")
    repo.write("a", "1\n")
    assert left_of(repo) == "a: something else is staged for it"


def test_what_is_staged_is_not_lost_where_the_agent_went_back_to_the_commit(repo: Repository) -> None:
    repo.put("a", "staged\n")
    repo.git("add", "a")
    repo.write("a", "one\n")
    repo.write("a", "1\n")
    assert left_of(repo) == "a: something else is staged for it"
    assert repo.git("show", ":a") == "staged\n"


def test_a_new_file_that_was_announced_to_git(repo: Repository) -> None:
    repo.write("new", "x\n")
    repo.git("add", "-N", "new")
    assert left_of(repo) == "new: something else is staged for it"


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_a_file_that_git_is_told_to_leave_alone(repo: Repository, flag: str) -> None:
    repo.git("update-index", flag, "a")
    repo.write("a", "1\n")
    assert left_of(repo) == "a: git is told to leave it alone, or it is in conflict"


def test_a_file_that_was_changed_after_the_agent_or_in_between(repo: Repository) -> None:
    repo.write("a", "1\n")
    repo.put("a", "1\nmine\n")
    assert left_of(repo) == "a: it was changed since"
    repo.write("b", "1\n")
    repo.put("b", "mine\n")
    repo.write("b", "1\nmine\n")
    assert repo.finish() == ("", (), ("b: someone else changed it in between",))


def test_a_file_of_which_nobody_knows_who_changed_it(repo: Repository) -> None:
    with repo.agent("a", sure=False):
        repo.put("a", "1\n")
    assert left_of(repo) == "a: it was changed while nobody looked, perhaps by someone else"


def test_a_file_that_git_ignores_unless_it_is_tracked(repo: Repository) -> None:
    repo.put("kept.log", "x")
    repo.commit()
    repo.put(".gitignore", "*.log\n")
    repo.commit()
    repo.write("new.log", "x")
    repo.write("kept.log", "y")
    assert repo.finish()[1:] == (("kept.log",), ("new.log: git ignores it",))


def test_files_of_nested_repositories_and_submodules(repo: Repository, make: Make) -> None:
    make("sub").commit(s="s\n")
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", "../sub", "module")
    repo.git("commit", "-qm", "module")
    repo.git("init", "-q", "nested")
    repo.git("worktree", "add", "-q", "trees/one", "-b", "side")
    repo.write("module/s", "changed\n")
    repo.write("nested/n", "new\n")
    repo.write("trees/one/a", "1\n")
    repo.write("a", "1\n")
    _, files, left = repo.finish()
    assert files == ("a",)
    assert {line.split(": ")[1] for line in left} == {"it is in another repository"}
    assert len(left) == 3
    assert repo.committed() == {"a": "M"}


def test_a_file_in_a_submodule_that_is_not_there(repo: Repository, make: Make) -> None:
    make("sub").commit(s="s\n")
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", "../sub", "module")
    repo.git("commit", "-qm", "module")
    repo.git("submodule", "deinit", "-q", "-f", "module")
    repo.write("module/x", "new\n")
    assert left_of(repo) == "module/x: it is in another repository"


def test_files_outside_the_repository_and_of_git_itself(repo: Repository) -> None:
    repo.write("../elsewhere", "x")
    repo.write(".git/info/exclude", "*\n")
    (repo.root / ".git/info/exclude").write_text("")
    repo.changes[-1] = FileChange(
        str(repo.root / ".git/info/exclude"), None, state_of(repo.root / ".git/info/exclude")
    )
    repo.changes[0] = FileChange(str(repo.root.parent / "elsewhere"), None, repo.changes[0].after)
    repo.write("a", "1\n")
    _, files, left = repo.finish()
    assert files == ("a",)
    assert left == (
        f"{repo.root.parent / 'elsewhere'}: it is not in the repository",
        ".git/info/exclude: it is one of git's own files",
    )


def test_a_file_that_a_program_of_the_users_settings_converts_and_the_program_is_not_run(
    repo: Repository,
) -> None:
    ran = repo.root.parent / "ran"
    repo.put(".gitattributes", "*.bin filter=big\n*.ipynb filter=unknown\n")
    repo.commit()
    repo.git("config", "filter.big.clean", f"touch '{ran}'; cat")
    repo.git("config", "filter.big.smudge", f"touch '{ran}'; cat")
    repo.write("x.bin", "1\n")
    repo.write("x.ipynb", "1\n")
    _, files, left = repo.finish()
    assert (files, left) == (("x.ipynb",), ("x.bin: git converts it with the filter big",))
    assert not ran.exists()


def test_a_file_in_conflict(repo: Repository) -> None:
    repo.put("a", "stash\n")
    repo.git("stash", "-q")
    repo.commit(a="other\n")
    with pytest.raises(AssertionError):
        repo.git("stash", "pop")
    repo.write("a", "solved\n")
    assert "a: " in left_of(repo)


def test_a_file_in_the_place_of_a_folder_or_the_other_way_round(repo: Repository) -> None:
    repo.commit(d__own="x\n")
    repo.put("a", "mine\n")
    repo.put("d/mine", "staged\n")
    repo.git("add", "d/mine")
    with repo.agent("a", "a/x", "d/own", "d"):
        (repo.root / "a").unlink()
        repo.put("a/x", "inside\n")
        shutil.rmtree(repo.root / "d")
        repo.put("d", "flat\n")
    _, files, left = repo.finish()
    assert files == ("d/own",)
    assert left == (
        "a: it had changes that are not committed",
        "a/x: a is in its place",
        "d: d/mine is in its place",
    )
    assert repo.git("show", ":d/mine") == "staged\n"


def test_a_file_that_is_reached_through_a_link_now(repo: Repository) -> None:
    repo.write("src/c", "3\n")
    (repo.root / "src").rename(repo.root / "real")
    (repo.root / "src").symlink_to("real")
    assert left_of(repo) == "src/c: it was changed since"


# --- what the agent did with git itself ---------------------------------------------------------------


def test_what_the_agent_staged_itself_is_committed(repo: Repository) -> None:
    with repo.agent("a", "moved", "b"):
        repo.git("mv", "a", "moved")
        repo.git("rm", "-q", "b")
    repo.write("new", "1\n")
    repo.git("add", "new")
    repo.write("new", "2\n")
    assert set(repo.finish()[1]) == {"a", "moved", "b", "new"}
    assert repo.git("show", "HEAD:new") == "2\n"
    assert repo.status() == ""


def test_what_the_agent_committed_itself_is_not_committed_again(repo: Repository) -> None:
    repo.write("a", "1\n")
    repo.write("b", "2\n")
    repo.git("commit", "-qam", "its own")
    repo.write("a", "11\n")
    assert repo.finish()[1:] == (("a",), ())
    repo.write("a", "111\n")
    repo.git("commit", "-qam", "its own")
    assert repo.finish() == ("", (), ())


# --- the user's work stays as it is -------------------------------------------------------------------

CONTENTS = ("one\n", "two\n", "", "a\r\nb\r\n", "long\n" * 50)
NAMES = ("t0", "t1", "d/t2", "d/e/t3", "u0", "d/u1", "v/u2")
"""The first four are committed."""
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(("put", "remove", "add", "add -N", "rm --cached", "chmod")),
        st.sampled_from(NAMES),
        st.sampled_from(CONTENTS),
    ),
    max_size=8,
)


def play(repo: Repository, action: str, name: str, content: str) -> None:
    path = repo.root / name
    tracked = bool(repo.git("ls-files", "--", name))
    match action:
        case "put":
            repo.put(name, content)
        case "remove" if path.exists():
            path.unlink()
        case "chmod" if path.exists():
            path.chmod(0o755)
        case "add" if path.exists() or tracked:
            repo.git("add", "-A", "--", name)
        case "add -N" if path.exists() and not tracked:
            repo.git("add", "-N", "--", name)
        case "rm --cached" if tracked:
            repo.git("rm", "-q", "--cached", "-f", "--", name)


def lines(output: str, without: set[str]) -> list[str]:
    return [line for line in output.split("\0") if not any(line.endswith(name) for name in without)]


@settings(max_examples=40)
@given(
    users=ACTIONS,
    agents=st.lists(
        st.tuples(st.sampled_from(("x0", "d/x1", "w/x2", "y0", "d/y1")), st.sampled_from((*CONTENTS, None))),
        min_size=1,
        max_size=6,
    ),
)
def test_whatever_the_user_has_staged_and_changed_stays_so_and_the_commit_is_exactly_the_agents(
    tmp_path_factory: pytest.TempPathFactory,
    users: list[tuple[str, str, str]],
    agents: list[tuple[str, str | None]],
) -> None:
    repo = new_repository(tmp_path_factory.mktemp("law").resolve() / "repo")
    for name in (*NAMES[:4], "y0", "d/y1"):
        repo.put(name, f"{name}\n")
    repo.commit()
    tree = repo.git("ls-tree", "-r", "-z", "HEAD")
    for action in users:
        play(repo, *action)
    own = {"x0", "d/x1", "w/x2", "y0", "d/y1"}
    before = [lines(repo.git("ls-files", "-s", "-v", "-z"), own), lines(repo.status(), own)]
    staged, unstaged = repo.git("diff", "--cached", "--binary"), repo.git("diff", "--binary")
    for name, content in agents:
        if content is not None:
            repo.write(name, content)
        elif (repo.root / name).exists():
            repo.remove(name)
    _, files, left = repo.finish()
    assert left == ()
    assert [lines(repo.git("ls-files", "-s", "-v", "-z"), own), lines(repo.status(), own)] == before
    assert (repo.git("diff", "--cached", "--binary"), repo.git("diff", "--binary")) == (staged, unstaged)
    expected = {line.split("\t")[1]: line for line in tree.split("\0")[:-1]}
    for name in own:
        expected.pop(name, None)
        if (repo.root / name).exists():
            expected[name] = f"100644 blob {repo.git('hash-object', '--', name).strip()}\t{name}"
    assert {
        line.split("\t")[1]: line for line in repo.git("ls-tree", "-r", "-z", "HEAD").split("\0")[:-1]
    } == expected
    assert set(files) == (set(repo.committed()) if files else set())
    assert not [line for line in repo.status().split("\0") if line[3:] in own]


# --- when nothing is committed ------------------------------------------------------------------------


def test_where_there_is_no_repository(tmp_path: Path) -> None:
    change = FileChange(str(tmp_path / "a"), None, FileState("file", "0"))
    with pytest.raises(ToolError, match="is not in a git repository"):
        GitCommits(tmp_path).commit([change], "x\n")


def test_a_repository_of_the_home_folder_is_not_that_of_a_folder_in_it(home: Path) -> None:
    repo = Repository(home)
    repo.git("init", "-q")
    try:
        (home / "project").mkdir()
        repo.write("project/a", "1\n")
        with pytest.raises(ToolError, match="project is not in a git repository"):
            GitCommits(home / "project").commit(repo.changes, "x\n")
        assert repo.finish()[1] == ("project/a",)
    finally:
        shutil.rmtree(home / ".git")


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("merge", "-q", "side"), "a merge"),
        (("rebase", "-q", "side"), "a rebase"),
        (("cherry-pick", "side"), "a cherry-pick"),
        (("revert", "--no-edit", "HEAD~1"), "a revert"),
    ],
)
def test_while_something_of_several_steps_is_not_finished(
    repo: Repository, command: tuple[str, ...], what: str
) -> None:
    repo.git("checkout", "-q", "-b", "side")
    repo.commit(a="side\n")
    repo.git("checkout", "-q", "main")
    repo.commit(a="between\n")
    repo.commit(a="main\n")
    with pytest.raises(AssertionError):
        repo.git(*command)
    repo.write("new", "x\n")
    assert repo.refused() == f"nothing was committed: {what} is not finished. Finish it and commit."


def test_while_a_bisect_goes_on(repo: Repository) -> None:
    repo.commit(a="1\n")
    repo.git("bisect", "start")
    repo.write("new", "x\n")
    assert "a bisect is not finished" in repo.refused()


def test_while_another_git_holds_the_index_its_lock_stays(repo: Repository) -> None:
    repo.write("a", "1\n")
    lock = repo.root / ".git/index.lock"
    lock.write_text("theirs")
    assert "another git is at work" in repo.refused()
    assert lock.read_text() == "theirs"


def test_a_lock_that_goes_soon_is_waited_for(repo: Repository) -> None:
    repo.write("a", "1\n")
    lock = repo.root / ".git/index.lock"
    lock.write_text("theirs")
    timer = threading.Timer(0.2, lock.unlink)
    timer.start()
    assert repo.finish()[1] == ("a",)
    timer.join()


def test_a_branch_that_is_locked(repo: Repository) -> None:
    repo.write("a", "1\n")
    (repo.root / ".git/refs/heads/main.lock").write_text("")
    assert "git update-ref failed" in repo.refused()
    assert not (repo.root / ".git/index.lock").exists()


def test_without_an_identity_it_is_said_how_to_give_one(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    repo.write("a", "1\n")
    said = repo.refused()
    assert "git config --global user.name 'Your Name'" in said
    assert "git config --global user.email you@example.com" in said
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Grace")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "grace@example.com")
    repo.finish()
    assert repo.git("log", "-1", "--format=%an %ae") == "Grace grace@example.com\n"


# --- at the same time as others ----------------------------------------------------------------------


class Meanwhile:
    """Does something again and again in a thread."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._stop = threading.Event()
        self._failed: list[Exception] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.is_set() and not self._failed:
            try:
                self._act()
            except (AssertionError, OSError) as error:
                self._failed.append(error)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        assert self._failed == []


def test_commits_that_are_made_meanwhile_are_not_lost(repo: Repository) -> None:
    theirs: list[str] = []

    def commit() -> None:
        head = repo.head()
        made = repo.git("commit-tree", "HEAD^{tree}", "-p", head, "-m", f"theirs {len(theirs)}").strip()
        with suppress(AssertionError):  # the agent was faster
            repo.git("update-ref", "HEAD", made, head)
            theirs.append(made)
        sleep(0.1)

    ours: list[str] = []
    with Meanwhile(commit):
        for number in range(12):
            repo.write("a", f"{number}\n")
            try:
                ours.append(repo.finish()[0])
            except ToolError as error:
                assert "somebody else changed the repository" in str(error)  # noqa: PT017
    repo.write("a", "last\n")
    ours.append(repo.finish()[0])
    history = repo.git("rev-list", "HEAD").split()
    assert {*ours, *theirs} <= set(history)
    assert len(history) == len({*ours, *theirs}) + 1
    for commit_id in ours:
        assert repo.git("diff-tree", "-r", "--name-only", f"{commit_id}~", commit_id) == "a\n"


def test_what_somebody_writes_meanwhile_is_never_committed(repo: Repository) -> None:
    contents = iter(range(1_000_000))

    def write() -> None:
        repo.put("a", f"theirs {next(contents)}\n")
        repo.put("a", "agent\n")

    repo.write("a", "agent\n")
    changes = list(repo.changes)
    for _ in range(12):
        with Meanwhile(write), suppress(ToolError):
            GitCommits(repo.root).commit(changes, "x\n")
        assert repo.git("show", "HEAD:a") in ("one\n", "agent\n")
        repo.git("reset", "-q", "--soft", repo.git("rev-list", "--max-parents=0", "HEAD").strip())
        repo.git("reset", "-q")


# --- nothing of the repository or the environment is run or obeyed -------------------------------------


def test_no_hook_no_monitor_and_no_signature(repo: Repository) -> None:
    ran = repo.root.parent / "ran"
    hooks = ("pre-commit", "commit-msg", "post-commit", "reference-transaction", "post-index-change")
    for hook in hooks:
        repo.put(f".git/hooks/{hook}", f"#!/bin/sh\ntouch '{ran}'\n", 0o755)
    repo.put(".git/monitor", f"#!/bin/sh\ntouch '{ran}'\n", 0o755)
    repo.write("a", "1\n")
    repo.git("config", "commit.gpgSign", "true")
    repo.git("config", "gpg.program", str(repo.root / ".git/monitor"))
    repo.git("config", "core.fsmonitor", str(repo.root / ".git/monitor"))
    repo.git("config", "core.editor", str(repo.root / ".git/monitor"))
    assert repo.finish()[1] == ("a",)
    assert not ran.exists()


def test_a_git_in_the_project_is_not_run(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    further = repo.root.parent / "further"
    ran = repo.root.parent / "ran"
    for folder in (repo.root / "bin", further):
        folder.mkdir()
        (folder / "git").write_text(f"#!/bin/sh\ntouch '{ran}'\n")
        (folder / "git").chmod(0o755)
    path = os.environ["PATH"]
    repo.write("a", "1\n")
    monkeypatch.setenv("PATH", os.pathsep.join([str(repo.root / "bin"), str(further), path]))
    commit, files, _ = GitCommits(repo.root, [further]).commit(repo.changes, "x\n")
    monkeypatch.setenv("PATH", path)
    assert (commit, files) == (repo.head(), ("a",))
    assert not ran.exists()


def test_variables_do_not_lead_git_elsewhere(
    repo: Repository, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make("other")
    repo.write("a", "1\n")
    with monkeypatch.context() as environment:
        environment.setenv("GIT_DIR", str(other.root / ".git"))
        environment.setenv("GIT_INDEX_FILE", str(other.root / "index"))
        environment.setenv("GIT_AUTHOR_DATE", "2001-01-01T00:00:00")
        assert repo.finish()[1] == ("a",)
    assert other.git("for-each-ref") == ""
    assert not repo.git("log", "-1", "--format=%ai").startswith("2001")


def test_a_working_tree_that_is_said_to_be_elsewhere(repo: Repository, make: Make) -> None:
    repo.write("a", "1\n")
    repo.git("config", "core.worktree", str(make("other").root))
    with pytest.raises(ToolError, match="is somewhere else"):
        repo.finish()
