"""config, doctor, completion and demo."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from akmon_core.permissions import MODES
from tests.e2e.program import Place, Ran, sound


def test_config_shows_every_setting_with_its_origin(place: Place) -> None:
    file = place.home / ".config" / "akmon" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('max_turns = 7\nallow = ["shell(make *)"]\n')
    env = {
        "AKMON_MAX_BUDGET_USD": "2.5",
        "ANTHROPIC_API_KEY": "sk-ant-canary",
        "OPENAI_BASE_URL": "http://u:canary@h/v1",
    }
    ran = place.akmon("config", "--permission-mode", "plan", "--allow", "read", env=env)
    assert (ran.code, ran.err) == (0, "")
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in ran.out.splitlines()}
    assert rows["max_turns"] == f"7 (user file {file})"
    assert rows["allow"] == f"shell(make *), read (user file {file} + flag --allow)"
    assert rows["max_budget_usd"] == "2.5 (environment AKMON_MAX_BUDGET_USD)"
    assert rows["permission_mode"] == "plan (flag --permission-mode)"
    assert rows["anthropic_api_key"] == "set (environment ANTHROPIC_API_KEY)"
    assert rows["model"] == "not set (default)"
    assert "canary" not in ran.out
    entries = json.loads(place.akmon("config", "--json", env=env).out)
    assert {"key": "max_turns", "value": "7", "origin": f"user file {file}"} in entries
    assert "canary" not in str(entries)


def test_config_says_what_of_the_project_file_is_ignored_or_waits(place: Place) -> None:
    (place.project / ".akmon").mkdir()
    (place.project / ".akmon" / "config.toml").write_text('allow = ["shell"]\nadd_dirs = ["/"]\n')
    ran = place.akmon("config")
    assert ran.code == 0
    assert "allow waits until you trust this folder: akmon trust" in ran.err
    assert "ignored: add_dirs" in ran.err


def test_config_path_names_the_files(place: Place) -> None:
    place.play("say ok", "hi")
    ran = place.akmon("config", "path")
    assert str(place.home / ".config" / "akmon" / "config.toml") in ran.out
    assert str(place.project / ".akmon" / "config.toml") in ran.out
    assert str(place.journal().parent) in ran.out


def test_doctor_checks_what_akmon_needs(place: Place) -> None:
    ran = place.akmon("doctor")
    assert (ran.code, ran.err) == (0, "")
    for name in (
        "python",
        "ripgrep",
        "bash",
        "git",
        "terminal",
        "project",
        "sessions",
        "settings",
        "model",
        "sandbox",
    ):
        assert f" {name} " in ran.out
    assert "warning  model     no model is configured" in ran.out
    checks = json.loads(place.akmon("doctor", "--json").out)["checks"]
    assert {check["status"] for check in checks} == {"ok", "warning"}
    chosen = place.akmon("doctor", "-m", "openai/gpt-5", env={"OPENAI_API_KEY": "sk-canary"})
    assert "ok       model     openai/gpt-5" in chosen.out
    assert "canary" not in chosen.out


def test_doctor_works_where_settings_are_broken(place: Place) -> None:
    ran = place.akmon("doctor", env={"AKMON_MAX_TURNS": "many"})
    assert ran.code == 1
    assert "failed   settings  AKMON_MAX_TURNS" in ran.out
    assert "ok       sessions" in ran.out


def test_doctor_says_what_settings_are_ignored(place: Place) -> None:
    (place.project / ".akmon").mkdir()
    (place.project / ".akmon" / "config.toml").write_text('add_dirs = ["/"]\n')
    ran = place.akmon("doctor")
    assert ran.code == 0
    assert re.search("^warning  settings  .*ignored: add_dirs$", ran.out, re.MULTILINE)


def test_doctor_says_where_sessions_cannot_be_kept(place: Place) -> None:
    ran = place.akmon("doctor", env={"AKMON_STATE_DIR": "/proc/nowhere"})
    assert ran.code == 1
    assert re.search(
        "^failed   sessions  cannot write in /proc/nowhere/.*: No such file", ran.out, re.MULTILINE
    )
    assert "Set AKMON_STATE_DIR to a folder that can be written." in ran.out


def complete(place: Place, line: str) -> set[str]:
    """What bash offers at the end of ``line``."""
    script = """
        set -eu
        source completion.bash
        COMP_LINE=$1 COMP_POINT=${#1}
        read -ra COMP_WORDS <<< "$1"
        [[ $1 == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _shtab_akmon
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    ran = subprocess.run(
        ["bash", "-c", script, "bash", line],
        cwd=place.project,
        env=place.env,
        check=False,
        capture_output=True,
    )
    assert ran.stderr == b""
    return set(ran.stdout.decode().split())


def test_bash_completes_subcommands_options_and_values(place: Place) -> None:
    completion = place.akmon("completion", "bash")
    assert (completion.code, completion.err) == (0, "")
    (place.project / "completion.bash").write_text(completion.out)
    assert complete(place, "akmon ses") == {"sessions"}
    assert complete(place, "akmon --max-b") == {"--max-budget-usd"}
    assert complete(place, "akmon ses") == {"sessions"}
    assert complete(place, "akmon sessions ") == {"list", "show", "export", "delete"}
    assert complete(place, "akmon sessions export --format ") == {"markdown", "json", "html"}
    assert "--keep" in complete(place, "akmon demo --")
    assert complete(place, "akmon completion z") == {"zsh"}
    (place.project / "folder").mkdir()
    assert complete(place, "akmon -C fo") == complete(place, "akmon --add-dir fo") == {"folder"}
    assert complete(place, "akmon --permission-mode ") == set(MODES)


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_get_a_completion_too(place: Place, shell: str) -> None:
    ran = place.akmon("completion", shell)
    assert ran.code == 0
    assert "akmon" in ran.out


def check_demo(ran: Ran, project: Path) -> None:
    assert ran.code == 0
    assert ran.out.startswith("Fixed.")
    assert "the model is scripted" in ran.err
    assert "failed: exit 1" in ran.err
    assert "The test failed before and passes now" in ran.err
    assert str(project) in ran.err


def test_the_demo_repairs_a_failing_test_and_says_that_its_model_is_scripted(place: Place) -> None:
    kept = place.folder / "kept"
    ran = place.akmon("demo", "--keep", str(kept))
    check_demo(ran, kept)
    tests = subprocess.run(["python3", "-m", "unittest"], cwd=kept, check=False, capture_output=True)
    assert tests.returncode == 0
    assert sound(place.journal()).outcome == "completed"
    assert place.akmon("sessions", "show", "demo", cwd=kept).code == 0


def test_the_demo_leaves_nothing_behind_but_its_session(place: Place) -> None:
    scratch = place.folder / "scratch"
    scratch.mkdir()
    check_demo(place.akmon("demo", env={"TMPDIR": str(scratch)}), scratch)
    assert list(scratch.iterdir()) == list(place.project.iterdir()) == []


def test_the_demo_needs_neither_git_nor_python_on_the_path(place: Place) -> None:
    programs = place.folder / "bin"
    programs.mkdir()
    for name in ("bash", "sh"):
        (programs / name).symlink_to(shutil.which(name) or "")
    check_demo(place.akmon("demo", env={"PATH": str(programs), "TMPDIR": str(place.folder)}), place.folder)


def test_the_demo_does_not_work_in_a_folder_that_is_there(place: Place) -> None:
    (place.project / "mine").write_text("x")
    ran = place.akmon("demo", "--keep", str(place.project))
    assert (ran.code, ran.out) == (2, "")
    assert f"cannot make the folder {place.project}: File exists. Name a new one." in ran.err
    assert [path.name for path in place.project.iterdir()] == ["mine"]
