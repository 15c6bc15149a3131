"""Keys that a command prints or a keyring has: real programs, and a keyring made for the test."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import keyring
import keyring.backend
import keyring.errors
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_config.load import shown
from akmon_config.secrets import CommandKey, key_source
from akmon_config.settings import FIELDS
from akmon_core.errors import SettingsError
from tests.config.places import Place

KEY = "sk-SeCrEt-0123456789"
SECRETS = [key for key in FIELDS if key.endswith(("_key", "_token"))]


def program(folder: Path, text: str) -> str:
    """``command:`` with a shell script that does ``text``."""
    path = folder / "a script"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return f"command:{shlex.quote(str(path))}"


def fetch(text: str) -> str:
    source = key_source(text)
    assert source
    return source()


def failure(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        fetch(text)
    assert KEY not in str(caught.value)
    return str(caught.value)


# Commands -----------------------------------------------------------------------------------------


def test_the_first_line_that_a_command_prints_is_the_key(tmp_path: Path) -> None:
    assert fetch(program(tmp_path, f"echo '  {KEY} '; echo second; echo noise >&2")) == KEY
    assert fetch(f"command:printf {KEY}") == KEY
    assert fetch(f"command:printf '{KEY}\\r\\n'") == KEY


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), min_size=1, max_size=3)
)
def test_words_reach_the_program_as_a_shell_would_split_them(words: list[str]) -> None:
    script = "import sys; print('-'.join(sys.argv[1:]))"
    line = shlex.join([sys.executable, "-c", script, "", *words])
    assert fetch(f"command:{line}") == "-".join(["", *words])


def test_no_shell_reads_the_line() -> None:
    assert fetch("command:echo $HOME;id|*&&`id`") == "$HOME;id|*&&`id`"


def test_a_command_runs_at_home_without_input_or_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    program(tmp_path, 'cat; (: < /dev/tty) 2>/dev/null && echo terminal; echo "at:$PWD"')
    assert fetch("command:'~/a script'") == f"at:{tmp_path}"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo locked >&2; exit 3", 'failed with exit code 3. It said: "locked".'),
        (f"echo {KEY}; echo bad {KEY} >&2; exit 1", 'failed with exit code 1. It said: "bad …".'),
        ("exit 1", "failed with exit code 1. Run the line"),
        (":", "printed no key on its first line"),
        (f"echo; echo {KEY}", "printed no key on its first line"),
        (
            "echo please log in first",
            "printed something else than a key on its first line: it should be one word",
        ),
        ("printf 'schl\\303\\274ssel'", "printed something else than a key"),
        ("printf '\\377\\376'", "printed something else than a key"),
        ("printf 'a\\033[2Jb'", "printed something else than a key"),
        ("printf '\\033[31mred' >&2; exit 1", 'It said: "red".'),
        ("kill -9 $$", "failed with exit code -9"),
    ],
)
def test_a_command_without_a_key_says_why_and_what_to_do(tmp_path: Path, script: str, said: str) -> None:
    message = failure(program(tmp_path, script))
    assert message.startswith(f"the command {tmp_path}/a script for a key ")
    assert said in message
    assert message.endswith("Run the line that stands in your settings file in a terminal.")


def test_a_command_that_is_not_there_is_named_without_its_arguments(tmp_path: Path) -> None:
    message = failure(f"command:no-such-program --password {KEY}")
    assert message.startswith("the command no-such-program for a key cannot be run: No such file")
    assert "Permission denied" in failure(f"command:{tmp_path} {KEY}")


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    line = program(
        tmp_path,
        f"echo {KEY}\nsleep 1000 &\necho $! > {pids}.new; mv {pids}.new {pids}\necho hm {KEY} >&2; wait",
    )
    source = key_source(line)
    assert isinstance(source, CommandKey)
    with pytest.raises(SettingsError, match=r"did not end within 2 seconds") as caught:
        CommandKey(source.words, seconds=2)()
    assert KEY not in str(caught.value)
    killed = int(pids.read_text())
    while not ended(killed):  # a signal arrives when the system gets to it
        sleep(0.01)


def ended(pid: int) -> bool:
    """Whether a process has gone; one that nobody collects yet counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] in "ZX"
    except FileNotFoundError:
        return True


def test_what_a_command_leaves_running_holds_nobody_up(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    try:
        assert fetch(program(tmp_path, f"sleep 1000 & echo $! > {pid}; echo {KEY}")) == KEY
    finally:
        os.kill(int(pid.read_text()), 9)


def test_a_command_that_prints_without_end_fills_no_memory(tmp_path: Path) -> None:
    assert fetch(program(tmp_path, f"echo {KEY}; yes | head -c 20000000")) == KEY
    assert "failed with exit code 1" in failure(program(tmp_path, "yes | head -c 20000000 >&2; exit 1"))


def test_no_part_of_a_source_shows_its_line() -> None:
    assert KEY not in repr(key_source(f"command:echo {KEY}"))


# The keyring --------------------------------------------------------------------------------------


class Drawer(keyring.backend.KeyringBackend):
    """A keyring in memory."""

    priority = 1.0

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("nobody unlocked it")
        return self.entries.get(f"{service}_{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[f"{service}_{username}"] = password


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    before = keyring.get_keyring()
    drawer = Drawer()
    drawer.set_password("akmon", "openai", f"{KEY}\n")
    keyring.set_keyring(drawer)
    yield drawer
    keyring.set_keyring(before)


def test_a_key_is_taken_from_the_keyring(drawer: Drawer) -> None:
    assert fetch("keyring:akmon/openai") == KEY
    drawer.set_password("https://api.example/v1", "me", KEY)
    assert fetch("keyring:https://api.example/v1/me") == KEY


def test_an_entry_that_is_missing_comes_with_the_line_that_makes_it(drawer: Drawer) -> None:
    assert failure("keyring:my keys/groq") == (
        "the keyring has no such entry. Make it: keyring set 'my keys' groq"
    )


def test_an_entry_that_is_no_key_is_not_quoted(drawer: Drawer) -> None:
    drawer.set_password("akmon", "groq", f"{KEY} and more")
    assert failure("keyring:akmon/groq").endswith("Set it again: keyring set akmon groq")


def test_a_locked_keyring_is_an_error_in_plain_words(drawer: Drawer) -> None:
    drawer.locked = True
    message = failure("keyring:akmon/openai")
    assert message.startswith("the keyring cannot be read: KeyringLocked: nobody unlocked it. Unlock it")


def test_without_the_library_the_line_that_installs_it_is_given(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'keyring': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from akmon_config.secrets import key_source\n"
        "source = key_source('keyring:akmon/openai')\n"
        "try: source()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("SettingsError")
    assert done.stdout.endswith("Install it: pip install 'akmon[keyring]'\n")


def test_reading_the_settings_loads_no_keyring(place: Place) -> None:
    place.user('groq_api_key = "keyring:akmon/groq"\n')
    code = (
        "import sys; from pathlib import Path; from akmon_config.load import load, shown\n"
        f"there = Path({str(place.project)!r})\n"
        f"shown(load({{}}, environ={{'HOME': {str(place.home)!r}}}, cwd=there, root=there))\n"
        "print('keyring' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# In the settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", SECRETS)
def test_every_key_of_the_user_file_may_have_a_source_which_is_shown_and_not_asked(
    place: Place, key: str
) -> None:
    made = place.home / "made"
    place.user(f'{key} = "command:touch {made}"\n')
    loaded = place.load()
    assert (key, "from a command", f"user file {place.user_file}") in shown(loaded)
    place.user(f'{key} = "keyring:akmon/{KEY}"\n')
    loaded = place.load()
    assert (key, "from the keyring", f"user file {place.user_file}") in shown(loaded)
    assert KEY not in str(shown(loaded)) + repr(loaded)
    assert not made.exists()


@pytest.mark.parametrize("source", [f"command:echo {KEY}", f"keyring:akmon/{KEY}"])
@pytest.mark.parametrize("key", SECRETS)
def test_a_source_in_the_environment_is_refused(place: Place, key: str, source: str) -> None:
    with pytest.raises(SettingsError) as caught:
        place.load({}, {f"AKMON_{key.upper()}": source})
    message = str(caught.value)
    assert message.startswith(f"AKMON_{key.upper()}: a key from ")
    assert "can only be set in the user file" in message
    assert KEY not in message


@pytest.mark.parametrize("key", SECRETS)
def test_a_key_on_the_command_line_is_refused_with_the_place_for_it(place: Place, key: str) -> None:
    with pytest.raises(SettingsError, match="can be seen by every user of this machine") as caught:
        place.load({key: KEY})
    message = str(caught.value)
    assert message.startswith(f"--{key.replace('_', '-')}: ")
    assert f"Set AKMON_{key.upper()}" in message
    assert KEY not in message


def test_a_source_in_the_project_file_does_nothing(place: Place) -> None:
    made = place.home / "made"
    place.repository("".join(f'{key} = "command:touch {made}"\n' for key in SECRETS))
    loaded = place.load()
    assert set(loaded.origins.values()) == {"default"}
    assert not made.exists()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("command:", "it should be command:LINE"),
        ("command:   ", "it should be command:LINE"),
        ("command:''", "it should be command:LINE"),
        ("command:echo\\na", "it should be command:LINE"),
        ("command:echo 'a", "a quotation mark without its pair"),
        ("keyring:", "it should be keyring:SERVICE/NAME"),
        ("keyring:akmon", "it should be keyring:SERVICE/NAME"),
        ("keyring:/me", "it should be keyring:SERVICE/NAME"),
        ("keyring:akmon/", "it should be keyring:SERVICE/NAME"),
    ],
)
def test_a_malformed_source_is_an_error_with_its_place(place: Place, source: str, expected: str) -> None:
    place.user(f'openai_api_key = "{source}"\n')
    with pytest.raises(SettingsError) as caught:
        place.load()
    assert str(caught.value).startswith(f"{place.user_file}, line 1, openai_api_key: ")
    assert expected in str(caught.value)
