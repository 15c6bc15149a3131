"""Logins to servers: in a keyring if there is one, else in a file that nobody else can read."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from akmon_config.credentials import KeptCredentials, Ring, system_keyring
from akmon_core.errors import SettingsError
from akmon_core.secret import Secret

RING = """\
from keyring.backend import KeyringBackend
class Ring(KeyringBackend):
    priority = {priority}
    kept = {{}}
    def get_password(self, service, username): return self.kept.get((service, username))
    def set_password(self, service, username, password): self.kept[service, username] = password
    def delete_password(self, service, username): del self.kept[service, username]
"""
PROGRAM = """\
from akmon_config.credentials import system_keyring
ring = system_keyring()
print(type(ring).__name__)
"""


class Drawer:
    """A keyring in memory, that can be locked."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check("")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check(password)
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check("")
        del self.kept[service, username]

    def _check(self, password: str) -> None:
        if self.locked:
            raise RuntimeError(f"locked, cannot take {password}")


@pytest.fixture(params=["ring", "file"])
def ring(request: pytest.FixtureRequest) -> Ring | None:
    return Drawer() if request.param == "ring" else None


def test_what_is_saved_is_there_for_the_next_process(tmp_path: Path, ring: Ring | None) -> None:
    path = tmp_path / "state" / "credentials.json"
    assert not KeptCredentials(path, ring).load("a")
    KeptCredentials(path, ring).save("a", Secret("open-sesame"))
    KeptCredentials(path, ring).save("b", Secret("other"))
    assert KeptCredentials(path, ring).load("a").reveal() == "open-sesame"
    KeptCredentials(path, ring).save("a", Secret())
    assert not KeptCredentials(path, ring).load("a")
    assert KeptCredentials(path, ring).load("b").reveal() == "other"
    KeptCredentials(path, ring).save("never", Secret())


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "credentials.json"
    KeptCredentials(path, None).save("a", Secret("open-sesame"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_with_a_keyring_there_is_no_file(tmp_path: Path) -> None:
    drawer = Drawer()
    KeptCredentials(tmp_path / "credentials.json", drawer).save("a", Secret("open-sesame"))
    assert drawer.kept == {("akmon-mcp", "a"): "open-sesame"}
    assert not list(tmp_path.iterdir())


def test_what_was_in_the_file_moves_to_a_keyring_that_is_there_later(tmp_path: Path) -> None:
    path, drawer = tmp_path / "credentials.json", Drawer()
    KeptCredentials(path, None).save("a", Secret("old-sesame"))
    later = KeptCredentials(path, drawer)
    assert later.load("a").reveal() == "old-sesame"
    later.save("a", Secret("new-sesame"))
    assert later.load("a").reveal() == "new-sesame"
    assert "sesame" not in path.read_text()


def test_to_forget_is_to_forget_in_both_places(tmp_path: Path) -> None:
    path, drawer = tmp_path / "credentials.json", Drawer()
    KeptCredentials(path, None).save("a", Secret("old-sesame"))
    drawer.kept["akmon-mcp", "a"] = "new-sesame"
    KeptCredentials(path, drawer).save("a", Secret())
    assert not drawer.kept
    assert "sesame" not in path.read_text()


def test_a_locked_keyring_is_an_error_and_nothing_goes_to_a_file(tmp_path: Path) -> None:
    drawer = Drawer()
    drawer.locked = True
    credentials = KeptCredentials(tmp_path / "credentials.json", drawer)
    with pytest.raises(SettingsError, match="Unlock it") as caught:
        credentials.save("a", Secret("open-sesame"))
    assert "sesame" not in str(caught.value)
    with pytest.raises(SettingsError, match="Unlock it"):
        credentials.load("a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"a": 1}', b"\xff"])
def test_a_file_that_is_not_akmons_is_an_error_that_quotes_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "credentials.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="not as akmon writes it"):
        KeptCredentials(path, None).load("a")


@pytest.mark.skipif(sys.platform == "win32", reason="other rights")
def test_a_file_that_others_can_change_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    KeptCredentials(path, None).save("a", Secret("open-sesame"))
    path.chmod(0o666)
    with pytest.raises(SettingsError, match="changed by other users"):
        KeptCredentials(path, None).load("a")


def test_many_that_save_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    threads = [
        threading.Thread(target=KeptCredentials(path, None).save, args=(f"s{n}", Secret(f"sesame-{n}")))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [KeptCredentials(path, None).load(f"s{n}").reveal() for n in range(8)] == [
        f"sesame-{n}" for n in range(8)
    ]


def test_too_much_is_refused_and_what_is_there_stays(tmp_path: Path) -> None:
    credentials = KeptCredentials(tmp_path / "credentials.json", None)
    credentials.save("a", Secret("open-sesame"))
    with pytest.raises(SettingsError, match="too large"):
        credentials.save("b", Secret("x" * 2_000_000))
    assert credentials.load("a").reveal() == "open-sesame"


@pytest.mark.parametrize(("priority", "found"), [("5", "Ring"), ("0.5", "NoneType"), ("0", "NoneType")])
def test_only_a_keyring_that_keeps_secrets_is_used(tmp_path: Path, priority: str, found: str) -> None:
    (tmp_path / "trialring.py").write_text(RING.format(priority=priority))
    assert _system_keyring(tmp_path, "trialring.Ring") == found


def test_no_keyring_is_none(tmp_path: Path) -> None:
    assert _system_keyring(tmp_path, "keyring.backends.fail.Keyring") == "NoneType"
    assert _system_keyring(tmp_path, "keyring.backends.null.Keyring") == "NoneType"
    assert _system_keyring(tmp_path, "missing.Ring") == "NoneType"


def _system_keyring(folder: Path, backend: str) -> str:
    environ = os.environ | {"PYTHON_KEYRING_BACKEND": backend, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, check=True
    )
    assert not done.stderr
    return done.stdout.strip()


def test_the_keyring_is_asked_for_only_when_called() -> None:
    program = "import sys, akmon_config.credentials; print('keyring' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert callable(system_keyring)
