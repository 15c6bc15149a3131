"""Names of files for completion, branches, differences, pictures and slash commands: from real ones."""

from __future__ import annotations

import asyncio
import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from akmon_cli.desk.branches import branch_of, diff_of
from akmon_cli.desk.files import project_files
from akmon_cli.desk.pictures import clipboard_picture, picture_in
from akmon_cli.desk.usercommands import user_commands
from akmon_core.errors import AkmonError
from akmon_core.rules import parse_rule

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def write(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        put(root / name.replace("__", "/").replace("_md", ".md"), text)


def put(path: Path, content: str | bytes = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def git(folder: Path, *arguments: str) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=trunk")
    subprocess.run(["git", *who, *arguments], cwd=folder, env=env, check=True, capture_output=True)


# --- files ----------------------------------------------------------------------------------------


def test_files_are_listed_without_what_is_ignored_secret_or_linked(tmp_path: Path) -> None:
    for name in (
        "a.py",
        "src/b.py",
        "src/deep/c.py",
        ".github/w.yml",
        "build/out",
        "src/x.log",
        "n/.git/HEAD",
    ):
        put(tmp_path / name)
    for name in (".env", ".env.example", "keys/id_rsa", "keys/server.PEM", "keys/a.pub", "credentials.json"):
        put(tmp_path / name)
    put(tmp_path / ".git" / "config")
    put(tmp_path / ".gitignore", "build/\n*.log\n")
    put(tmp_path / "src" / ".ignore", "deep\n")
    put(tmp_path / "bad\x1b[2Jname")
    (tmp_path / "link").symlink_to(tmp_path / "a.py")
    os.mkfifo(tmp_path / "pipe")
    assert project_files(tmp_path) == [
        *(".env.example", ".gitignore", "a.py"),
        *(".github/w.yml", "keys/a.pub", "src/.ignore", "src/b.py"),
    ]
    assert project_files(tmp_path, most=2) == [".env.example", ".gitignore"]
    assert project_files(tmp_path / "none") == []


def test_files_that_rules_keep_from_being_read_are_not_named(tmp_path: Path) -> None:
    for name in ("a.py", "vault/deep/b", "docs/plan.priv", "docs/c.md", "Vault2/x"):
        put(tmp_path / name)
    rules = [
        parse_rule("read(vault/**)", "deny"),
        parse_rule("read(**/*.priv)", "ask"),
        parse_rule("read(docs/**)", "allow"),
        parse_rule("write(a.py)", "deny"),
    ]
    assert project_files(tmp_path, rules) == ["a.py", "Vault2/x", "docs/c.md"]
    assert project_files(tmp_path, [parse_rule("read(VAULT2/**)", "deny")])[-1] == "vault/deep/b"


# --- git ------------------------------------------------------------------------------------------


def test_the_branch_is_read_without_git_also_in_a_worktree(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    assert branch_of(root) == ""
    git(root, "init")
    assert branch_of(root) == "trunk"
    put(root / "a")
    git(root, "add", "a")
    git(root, "commit", "-m", "one")
    git(root, "checkout", "-b", "feature/x")
    git(root, "worktree", "add", "../other", "-b", "beside")
    assert branch_of(root) == "feature/x"
    assert branch_of(tmp_path / "other") == "beside"
    git(root, "checkout", "--detach")
    assert len(branch_of(root)) == 7
    put(root / ".git" / "HEAD", "ref: refs/heads/\x1b[2Jevil\n")
    assert branch_of(root) == "evil"
    (root / ".git" / "HEAD").unlink()
    os.mkfifo(root / ".git" / "HEAD")
    assert branch_of(root) == ""


def test_the_difference_is_that_from_the_last_commit_and_runs_nothing(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    with pytest.raises(AkmonError, match="not in a git repository"):
        diff_of(root)
    git(root, "init")
    put(root / "a.txt", "one\n")
    git(root, "add", "a.txt")
    assert "+one" in diff_of(root)
    git(root, "commit", "-m", "one")
    assert diff_of(root) == ""
    ran = tmp_path / "ran"
    touch = put(tmp_path / "touch.sh", f"#!/bin/sh\ntouch {ran}\ncat\n")
    touch.chmod(0o700)
    put(root / ".gitattributes", "*.txt filter=evil diff=evil\n")
    for name in ("filter.evil.clean", "filter.evil.process", "diff.evil.command", "diff.evil.textconv"):
        git(root, "config", name, str(touch))
    for name in ("diff.external", "core.fsmonitor"):
        git(root, "config", name, str(touch))
    git(root, "config", "filter.evil.required", "true")
    git(root, "config", "color.ui", "always")
    put(root / "a.txt", "two\n")
    assert diff_of(root).splitlines()[-3:] == ["@@ -1 +1 @@", "-one", "+two"]
    assert not ran.exists()


def test_a_very_long_difference_is_cut_at_a_line(tmp_path: Path) -> None:
    git(tmp_path, "init")
    put(tmp_path / "a.txt", "0123456789\n" * 200_000)
    git(tmp_path, "add", "a.txt")
    lines = diff_of(tmp_path).splitlines()
    assert lines[-1].startswith("[the rest is left out: ")
    assert lines[-2] == "+0123456789"
    assert len(lines) < 100_000


# --- pictures -------------------------------------------------------------------------------------


def test_a_picture_is_read_from_the_folder_that_one_works_in(tmp_path: Path) -> None:
    put(tmp_path / "a.png", PNG)
    image = picture_in("a.png", tmp_path)
    assert (image.media_type, base64.b64decode(image.data)) == ("image/png", PNG)
    assert picture_in(str(tmp_path / "a.png"), Path("/")) == image


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not a picture", "a.png is no picture that models take. They take PNG, JPEG"),
        (PNG[:-8], "it is damaged"),
        (PNG[:33] + b"\0" * 5_000_000 + PNG[33:], "is larger than 5,000,000 bytes"),
        (PNG[:33] + b"\0" * 4_000_000 + PNG[33:], "more than 3,750,000 bytes"),
        (None, "cannot read a.png: No such file"),
    ],
)
def test_what_no_model_takes_is_refused_with_the_reason(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        put(tmp_path / "a.png", content)
    with pytest.raises(AkmonError) as refused:
        picture_in("a.png", tmp_path)
    assert words in str(refused.value)


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "a\0b"):
        with pytest.raises(AkmonError, match="Name a picture"):
            picture_in(name, tmp_path)


def program(folder: Path, name: str, script: str) -> None:
    path = put(folder / name, f"#!{sys.executable}\nimport sys\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_the_picture_in_the_clipboard_comes_from_whatever_program_gives_one(tmp_path: Path) -> None:
    project, programs = tmp_path / "project", tmp_path / "bin"
    put(tmp_path / "a.png", PNG)
    show = f"sys.stdout.buffer.write(open({str(tmp_path / 'a.png')!r}, 'rb').read())"
    environ = {"PATH": f"{project}:{programs}", "DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}

    def pasted(**more: str) -> bytes | None:
        image = asyncio.run(clipboard_picture(project, environ | more, seconds=60))
        return base64.b64decode(image.data) if image else None

    assert pasted() is None
    program(project, "wl-paste", show)
    assert pasted() is None  # it lies in the project
    program(programs, "wl-paste", "sys.exit(1)")
    assert pasted() is None
    program(programs, "xclip", f"assert sys.argv[-1] == '-o'\n{show}")
    assert pasted() == PNG
    assert pasted(DISPLAY="") is None
    program(programs, "wl-paste", "print('text')")
    with pytest.raises(AkmonError, match="the picture in the clipboard is no picture"):
        pasted()
    program(programs, "wl-paste", "while True: sys.stdout.write('x' * 100_000)")
    with pytest.raises(AkmonError, match="the picture in the clipboard is larger than"):
        pasted()


# --- commands -------------------------------------------------------------------------------------


REVIEW = "---\ndescription: Look at it\nargument-hint: [FILE]\n---\nReview $1.\n"


def test_commands_come_from_all_their_folders_and_the_person_s_own_win(tmp_path: Path) -> None:
    root, home = tmp_path / "project", tmp_path / "home"
    write(
        root,
        **{
            ".akmon__commands__review_md": REVIEW,
            ".akmon__commands__fix_md": "the project's",
            ".agents__commands__fix_md": "of agents",
            ".agents__commands__tidy_md": '---\ndescription: "a, b"\n---\nTidy \x1b[2Jup: !`rm -rf /`',
            ".claude__commands__old_md": "# From another tool\nDo it.",
            ".claude__commands__bad name_md": "x",
            ".claude__commands__empty_md": "---\ndescription: nothing\n---\n",
            ".claude__commands__note.txt": "x",
        },
    )
    put(root / ".claude" / "commands" / "binary.md", b"\xff\xfe\0")
    put(root / ".claude" / "commands" / "large.md", "x" * 70_000)
    secret = put(tmp_path / "secret.md", "secret")
    (root / ".claude" / "commands" / "link.md").symlink_to(secret)
    (root / ".claude" / "commands" / "folder.md").mkdir()
    put(home / ".config" / "akmon" / "commands" / "fix.md", "mine")
    found = {each.name: each for each in user_commands(root, {"HOME": str(home)})}
    assert [*found] == ["fix", "old", "review", "tidy"]
    assert (found["review"].about, found["review"].hint) == ("Look at it", "[FILE]")
    assert found["review"].text == "Review $1."
    assert found["review"].origin == ".akmon/commands/review.md"
    assert found["fix"].text == "mine"
    assert found["old"].about == "# From another tool"
    assert (found["tidy"].about, found["tidy"].text) == ("a, b", "Tidy up: !`rm -rf /`")
    assert user_commands(tmp_path / "nowhere", {}) == []
