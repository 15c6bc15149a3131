"""Where files go and where a project begins."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_config.paths import (
    cache_dir,
    checkpoints_file,
    config_file,
    data_dir,
    home,
    project_root,
    sessions_dir,
    state_dir,
)
from akmon_core.errors import SettingsError


def test_files_lie_below_home_by_default() -> None:
    environ = {"HOME": "/home/ada"}
    assert config_file(environ) == Path("/home/ada/.config/akmon/config.toml")
    assert state_dir(environ) == Path("/home/ada/.local/state/akmon")
    assert cache_dir(environ) == Path("/home/ada/.cache/akmon")
    assert data_dir(environ) == Path("/home/ada/.local/share/akmon")


def test_the_xdg_folders_are_respected() -> None:
    environ = {
        "HOME": "/home/ada",
        "XDG_CONFIG_HOME": "/etc/ada",
        "XDG_STATE_HOME": "/var/ada",
        "XDG_DATA_HOME": "/srv/ada",
        "XDG_CACHE_HOME": "/tmp/ada",
    }
    assert config_file(environ) == Path("/etc/ada/akmon/config.toml")
    assert state_dir(environ) == Path("/var/ada/akmon")
    assert data_dir(environ) == Path("/srv/ada/akmon")
    assert cache_dir(environ) == Path("/tmp/ada/akmon")


def test_a_relative_or_empty_xdg_folder_counts_as_unset() -> None:
    environ = {"HOME": "/home/ada", "XDG_CONFIG_HOME": "conf", "XDG_STATE_HOME": "", "XDG_DATA_HOME": "."}
    assert data_dir(environ) == Path("/home/ada/.local/share/akmon")
    assert config_file(environ) == Path("/home/ada/.config/akmon/config.toml")
    assert state_dir(environ) == Path("/home/ada/.local/state/akmon")


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_without_a_home_variable_the_user_database_is_asked(environ: dict[str, str]) -> None:
    assert home(environ) == Path(pwd.getpwuid(os.getuid()).pw_dir)


def test_the_state_and_cache_folders_can_be_chosen_and_need_no_home_then() -> None:
    assert state_dir({"AKMON_STATE_DIR": "/var/akmon", "XDG_STATE_HOME": "/x"}) == Path("/var/akmon")
    assert cache_dir({"AKMON_CACHE_DIR": "/var/akmon", "XDG_CACHE_HOME": "/x"}) == Path("/var/akmon")


def test_a_relative_folder_is_refused_rather_than_wandering_with_the_cwd() -> None:
    with pytest.raises(SettingsError, match=r"AKMON_STATE_DIR must be an absolute path"):
        state_dir({"AKMON_STATE_DIR": "state", "HOME": "/home/ada"})
    with pytest.raises(SettingsError, match=r"AKMON_CACHE_DIR must be an absolute path"):
        cache_dir({"AKMON_CACHE_DIR": "cache", "HOME": "/home/ada"})


@pytest.mark.skipif(os.getuid() != 0, reason="only root can take on a user number that nobody has")
def test_a_user_without_any_home_gets_a_clear_error() -> None:
    code = (
        "import os\n"
        "from akmon_config.paths import state_dir\n"
        "from akmon_config.load import load\n"
        "from akmon_core.errors import SettingsError\n"
        "from pathlib import Path\n"
        "def warnings(): return load({}, environ={}, cwd=Path('/'), root=Path('/')).warnings\n"
        "warnings()  # loads what the other user may not be able to read\n"
        "os.setuid(54321)\n"
        "try: state_dir({})\n"
        "except SettingsError as error: print(error)\n"
        "print(state_dir({'AKMON_STATE_DIR': '/s'}))\n"
        "print(warnings())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "no home folder is known. Set HOME to an absolute path. "
        "Or set AKMON_STATE_DIR to the folder that sessions go to."
    )
    assert lines[1] == "/s"
    assert "no user file is read" in lines[2]


def test_the_nearest_git_entry_marks_the_root(tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "inner"
    deep = inner / "src" / "deep"
    deep.mkdir(parents=True)
    (outer / ".git").mkdir()
    assert project_root(deep, {"HOME": "/nowhere"}) == outer.resolve()
    (inner / ".git").write_text("gitdir: ../.git/worktrees/inner\n")
    assert project_root(deep, {"HOME": "/nowhere"}) == inner.resolve()


def test_without_a_git_entry_the_root_is_where_one_stands(tmp_path: Path) -> None:
    folder = tmp_path / "plain" / "sub"
    folder.mkdir(parents=True)
    assert project_root(folder, {"HOME": str(tmp_path)}) == folder.resolve()


def test_home_and_what_is_above_it_are_no_project_from_below(tmp_path: Path) -> None:
    own = tmp_path / "ada"
    below = own / "notes"
    below.mkdir(parents=True)
    (own / ".git").mkdir()
    (tmp_path / ".git").mkdir()
    assert project_root(below, {"HOME": str(own)}) == below.resolve()
    assert project_root(own, {"HOME": str(own)}) == own.resolve()


def test_a_linked_home_and_a_linked_cwd_are_seen_through(tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / "notes").mkdir(parents=True)
    (real / ".git").mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    assert project_root(link / "notes", {"HOME": str(link)}) == (real / "notes").resolve()


def test_a_dangling_git_link_counts_as_an_entry_and_nothing_is_run(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").symlink_to(tmp_path / "gone")
    assert project_root(tmp_path / "sub", {"HOME": "/nowhere", "PATH": ""}) == tmp_path.resolve()


def test_a_session_folder_is_readable_and_stable() -> None:
    folder = sessions_dir(Path("/state"), Path("/home/ada/My Project!"))
    assert folder == sessions_dir(Path("/state"), Path("/home/ada/My Project!"))
    assert folder.parent == Path("/state/sessions")
    assert folder.name.startswith("My-Project-")
    assert folder != sessions_dir(Path("/state"), Path("/home/bob/My Project!"))


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_any_root_gives_one_plain_folder_name(name: str) -> None:
    folder = sessions_dir(Path("/state"), Path("/") / name)
    assert folder.parent == Path("/state/sessions")
    assert folder.name.isascii()
    assert folder.name.isprintable()
    assert not folder.name.startswith((".", "-"))
    assert len(folder.name) <= 49


def test_checkpoints_are_named_as_the_folder_of_the_sessions_is() -> None:
    root = Path("/home/ada/My Project!")
    name = sessions_dir(Path("/state"), root).name
    assert checkpoints_file(Path("/cache"), root) == Path(f"/cache/checkpoints/{name}.db")


def test_a_root_with_bytes_that_are_no_text_has_a_folder_too() -> None:
    assert sessions_dir(Path("/s"), Path(os.fsdecode(b"/tmp/\xff\xfe"))).name.startswith("root-")


def test_paths_are_cheap_to_import() -> None:
    code = "import sys, akmon_config.paths, akmon_config.load; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
