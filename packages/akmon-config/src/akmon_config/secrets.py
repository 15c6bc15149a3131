"""Keys that a settings file does not hold itself: a command prints them, or the system's keyring has them."""

from __future__ import annotations

import atexit
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Thread
from time import monotonic
from typing import IO

from akmon_config.paths import home
from akmon_core.errors import SettingsError
from akmon_core.limits import KEY_COMMAND_SECONDS
from akmon_core.text import one_line

_COMMAND = "command:"
_KEYRING = "keyring:"
_OUTPUT_BYTES = 20_000
"""What is kept of each output of a command."""
_WORD_CHARS = 4
"""Shorter words of a command's output are no keys, and may be quoted."""


def key_source(text: str) -> Callable[[], str] | None:
    """What fetches the key that ``command:LINE`` or ``keyring:SERVICE/NAME`` stands for; None for a key.

    Fetches nothing yet. Calling the result gives the key; it may take a while, and raises ``SettingsError``.
    Raises ``SettingsError`` for a text that begins like one of the two and is neither.
    """
    if text.startswith(_COMMAND):
        return _from_command(text.removeprefix(_COMMAND))
    if text.startswith(_KEYRING):
        service, _, name = text.removeprefix(_KEYRING).rpartition("/")
        if not (service and name and text.isprintable()):
            raise SettingsError("it should be keyring:SERVICE/NAME, such as keyring:akmon/openai")
        return KeyringKey(service, name)
    return None


def key_origin(text: str) -> str:
    """``from a command`` or ``from the keyring``; empty for a plain key."""
    if text.startswith(_COMMAND):
        return "from a command"
    return "from the keyring" if text.startswith(_KEYRING) else ""


def key_problem(key: str) -> str:
    """Why no request could carry ``key``, which is not quoted; empty if one could."""
    if key and key.isascii() and key.isprintable() and " " not in key:
        return ""
    return "it should be one word of printable ASCII characters"


def _from_command(line: str) -> CommandKey:
    try:
        words = shlex.split(line) if line.isprintable() else []
    except ValueError:
        raise SettingsError("the command has a quotation mark without its pair") from None
    if not words or not words[0]:
        raise SettingsError("it should be command:LINE, a program with its arguments on one line")
    return CommandKey(tuple(words))


@dataclass(frozen=True)
class CommandKey:
    """The key is the first line that a program prints. No shell is involved."""

    words: tuple[str, ...] = field(repr=False)
    seconds: float = KEY_COMMAND_SECONDS

    def __call__(self) -> str:
        code, out, err = _run(self.words, self.seconds)
        if code is None:
            raise self._failure(f"did not end within {self.seconds:g} seconds", out, err)
        if code != 0:
            raise self._failure(f"failed with exit code {code}", out, err)
        key = out.split("\n", 1)[0].strip()
        if not key:
            raise self._failure("printed no key on its first line", out, err)
        if problem := key_problem(key):
            raise self._failure(f"printed something else than a key on its first line: {problem}", out, err)
        return key

    def _failure(self, what: str, out: str, err: str) -> SettingsError:
        """With what the program said, but no word of what it printed as a key."""
        for word in out.split():
            if len(word) >= _WORD_CHARS:
                err = err.replace(word, "…")
        said = f' It said: "{one_line(err.strip(), 300)}".' if err.strip() else ""
        return SettingsError(
            f"the command {_name(self.words)} for a key {what}.{said} "
            "Run the line that stands in your settings file in a terminal."
        )


@dataclass(frozen=True)
class KeyringKey:
    """The key is kept by the operating system, in what the library ``keyring`` reaches."""

    service: str
    name: str

    def __call__(self) -> str:
        try:
            import keyring
        except ImportError:
            raise SettingsError(
                "a key is to come from the keyring, and the library for that is not installed. "
                "Install it: pip install 'akmon[keyring]'"
            ) from None
        try:
            key = keyring.get_password(self.service, self.name)
        except Exception as error:  # noqa: BLE001 - whatever a back end of others raises, there is no key
            why = one_line(f"{type(error).__name__}: {error}", 300)
            raise SettingsError(
                f"the keyring cannot be read: {why}. Unlock it, or set the key in another way."
            ) from None
        entry = shlex.join((self.service, self.name))
        if key is None:
            raise SettingsError(f"the keyring has no such entry. Make it: keyring set {entry}")
        if problem := key_problem(key.strip()):
            raise SettingsError(
                f"the keyring's entry is no key: {problem}. Set it again: keyring set {entry}"
            )
        return key.strip()


def _run(words: tuple[str, ...], seconds: float) -> tuple[int | None, str, str]:
    """Exit code (None if the time was up), standard output and standard error.

    Runs in the home folder: the project that akmon works in must not decide what a command does.
    """
    process = _start(words)
    assert process.stdout
    assert process.stderr
    out, err = _Reader(process.stdout), _Reader(process.stderr)
    end = monotonic() + seconds
    code: int | None = None
    stop = partial(_kill, process)
    atexit.register(stop)  # akmon may end before the command does
    try:
        code = process.wait(seconds)
        # What the command has left running may keep its outputs open.
        out.line.wait(end - monotonic())
        if code != 0:
            err.join(max(0.0, end - monotonic()))
    except subprocess.TimeoutExpired:
        stop()
    finally:
        atexit.unregister(stop)
    return code, out.text, err.text


def _start(words: tuple[str, ...]) -> subprocess.Popen[bytes]:
    folder = home()
    try:
        return subprocess.Popen(
            [str(folder / word[2:]) if word.startswith("~/") else word for word in words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        raise SettingsError(
            f"the command {_name(words)} for a key cannot be run: {error.strerror}. "
            "Install it, or name it by its whole path in your settings file."
        ) from None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With all that it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, 9)
    process.wait()


def _name(words: tuple[str, ...]) -> str:
    """The program without its arguments, which may hold secrets."""
    return one_line(words[0], 200)


class _Reader(Thread):
    """Reads a pipe to its end, so that nobody waits for it to be read, and keeps the start."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._pipe = pipe
        self._kept = b""
        self.line = Event()
        """Set when a whole line has come, or no more will."""
        self.start()

    @property
    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")

    def run(self) -> None:
        with self._pipe as pipe:
            while chunk := os.read(pipe.fileno(), 65_536):
                self._kept += chunk[: _OUTPUT_BYTES - len(self._kept)]
                if b"\n" in self._kept:
                    self.line.set()
        self.line.set()
