"""Git at work in a sandbox, in all the places where the parts of a repository can lie."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.tools.sandbox.held import CHOICES, held, in_a_sandbox

pytestmark = in_a_sandbox


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "A")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.com")


def git(folder: Path, *arguments: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_CONFIG")}
    command = ["git", "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, check=True, text=True).stdout


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


COMMIT = (
    "echo a >a && git add a && git commit -qm second && git checkout -qb other && git log --oneline | wc -l"
)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_commit_works_and_git_status_is_clean(tmp_path: Path, choice: str) -> None:
    repository = made(tmp_path.resolve() / "r")
    with held(choice, repository) as box:
        assert box(COMMIT).startswith("2\n")
        assert box("git status --porcelain") == "(no output)\n[exit 0]"
    assert git(repository, "log", "--format=%s", "other") == "second\nfirst\n"
    assert sorted(os.listdir(repository)) == [".git", "a"]  # noqa: PTH208


@pytest.mark.parametrize("choice", CHOICES)
def test_a_commit_works_in_a_worktree_whose_repository_lies_elsewhere(tmp_path: Path, choice: str) -> None:
    main = made(tmp_path.resolve() / "main")
    tree, other = tmp_path.resolve() / "tree", tmp_path.resolve() / "other"
    git(main, "worktree", "add", "-q", str(tree))
    git(main, "worktree", "add", "-q", str(other))
    before = (main / ".git" / "config").read_text()
    with held(choice, tree) as box:
        assert box(COMMIT.replace("other", "third")).startswith("2\n")
        box(f"echo x >{main}/.git/hooks/pre-commit; echo '[a]' >>{main}/.git/config; echo x >{main}/new")
        box(f"echo x >{main}/.git/worktrees/tree/commondir; echo x >{tree}/.git")
    assert git(tree, "log", "--format=%s", "third") == "second\nfirst\n"
    assert (main / ".git" / "config").read_text() == before
    assert not (main / ".git" / "hooks" / "pre-commit").exists()
    assert not (main / "new").exists()


@pytest.mark.parametrize("choice", CHOICES)
def test_a_commit_works_in_a_submodule_by_itself_and_inside_its_parent(tmp_path: Path, choice: str) -> None:
    library, parent = made(tmp_path.resolve() / "lib"), made(tmp_path.resolve() / "parent")
    git(parent, "submodule", "--quiet", "add", str(library), "sub/lib")
    git(parent, "commit", "-qm", "with a submodule")
    hook = parent / ".git" / "modules" / "sub" / "lib" / "hooks" / "pre-commit"
    for root in (parent / "sub" / "lib", parent):
        with held(choice, root) as box:
            commit = f"cd {parent}/sub/lib && echo {root.name} >a && git add a && git commit -qm more"
            text = box(f"{commit}; echo x >{hook}")
            assert "[exit" in text
        assert git(parent / "sub" / "lib", "status", "--porcelain") == ""
        assert not hook.exists()
    assert git(parent / "sub" / "lib", "log", "--format=%s", "-2") == "more\nmore\n"


@pytest.mark.parametrize("choice", CHOICES)
def test_a_file_that_only_claims_to_be_a_worktree_opens_nothing(tmp_path: Path, choice: str) -> None:
    victim = made(tmp_path.resolve() / "victim")
    project = tmp_path.resolve() / "project"
    project.mkdir()
    (project / ".git").write_text(f"gitdir: {victim}/.git\n")
    with held(choice, project) as box:
        box("git commit -q --allow-empty -m evil")
        box(f"echo x >{victim}/.git/HEAD")
    assert git(victim, "log", "--format=%s", "main") == "first\n"


@pytest.mark.parametrize("choice", CHOICES)
def test_a_new_repository_inside_may_be_made_but_not_with_hooks(tmp_path: Path, choice: str) -> None:
    repository = made(tmp_path.resolve() / "r")
    with held(choice, repository) as box:
        assert "[exit 0" in box("git init -q fresh && cd fresh && git commit -q --allow-empty -m a; cd ..")
        assert box("git -C fresh log --format=%s") == "a\n[exit 0]"
        text = box("git init -q bad; echo x >bad/.git/hooks/pre-commit; git -C bad config core.fsmonitor ./x")
        assert text.count("is protected: what the command put there was moved to") == 2
    assert not (repository / "bad" / ".git" / "config").exists()
    assert not (repository / "bad" / ".git" / "hooks" / "pre-commit").exists()
    assert git(repository / "fresh", "log", "--format=%s") == "a\n"


@pytest.mark.parametrize("choice", CHOICES)
def test_a_repository_cannot_be_told_to_find_its_settings_elsewhere(tmp_path: Path, choice: str) -> None:
    repository = made(tmp_path.resolve() / "r")
    with held(choice, repository) as box:
        text = box(
            "cp -r .git /tmp/x 2>/dev/null; echo ../evil >.git/commondir; ln -s ../evil .git/config.worktree"
        )
        assert "commondir is protected" in text
        assert "config.worktree is protected" in text
    assert not (repository / ".git" / "commondir").exists()
    assert not os.path.lexists(repository / ".git" / "config.worktree")


@pytest.mark.parametrize("choice", CHOICES)
def test_the_folder_that_git_takes_hooks_from_is_protected_too(tmp_path: Path, choice: str) -> None:
    repository = made(tmp_path.resolve() / "r")
    (repository / "tools" / "hooks").mkdir(parents=True)
    git(repository, "config", "core.hooksPath", "tools/hooks")
    with held(choice, repository) as box:
        box("echo x >tools/hooks/pre-commit; echo y >tools/other")
    assert list((repository / "tools" / "hooks").iterdir()) == []
    assert (repository / "tools" / "other").exists()


@pytest.mark.parametrize("choice", CHOICES)
def test_a_repository_can_be_begun_in_the_root_and_gets_no_hooks(choice: str, tmp_path: Path) -> None:
    root = tmp_path.resolve() / "fresh"
    root.mkdir()
    with held(choice, root) as box:
        assert "[exit 0" in box("git init -q && git commit -q --allow-empty -m a && git log --oneline")
        assert (root / ".git/config").exists()
    other = tmp_path.resolve() / "other"
    other.mkdir()
    with held(choice, other) as box:
        text = box("git init -q; echo x >.git/hooks/pre-commit; git config core.fsmonitor ./x")
        assert "is protected" in text
        assert not (other / ".git/hooks/pre-commit").exists()
        config = other / ".git/config"
        assert not config.exists() or "fsmonitor" not in config.read_text()
