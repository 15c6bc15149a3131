"""Runs each command line in a bash of its own that starts where the last one ended, and tells how it ends."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

from akmon_core.errors import ToolError
from akmon_tools.oserrors import tool_error
from akmon_tools.shellstate import ShellState

POLITE = getattr(signal, "SIGVTALRM", 0)
"""Ends the shell itself at once, its traps for EXIT included: SIGTERM waits for what runs in the foreground,
and a command may have trapped it and go on."""

_PRELUDE = rb"""
__akmon_save() {
  local __akmon_code=$? __akmon_name IFS=$'\n'
  {
    builtin pwd -W || builtin pwd
    builtin printf '\0'
    for __akmon_name in $(builtin compgen -e); do
      if [[ ${!__akmon_name+x} ]]; then builtin printf '%s=%s\0' "$__akmon_name" "${!__akmon_name}"; fi
    done
    builtin printf '\0'
  } >&FD
  LINGER
  return "$__akmon_code"
}
__akmon_exit='{ __akmon_save && :; } 2>/dev/null'
builtin trap "$__akmon_exit" EXIT
trap() {
  builtin trap "$@" || return
  local IFS=' '
  case "$BASH_SUBSHELL $* " in
    0*' EXIT '* | 0*' 0 '*)
      eval "set -- $(builtin trap -p EXIT)"
      case "${3-}" in
        "$__akmon_exit"*) ;;
        *) builtin trap "$__akmon_exit
${3-}" EXIT ;;
      esac
      ;;
  esac
}
"""
"""Writes the folder and the exported variables when the shell ends, however it does, each ended by a NUL.

``__akmon_save`` keeps ``$?``, and does not end a shell with ``set -e``. A trap of the command's own for EXIT
comes after it. ``pwd -W`` is for Git Bash, which else gives a path that Windows does not know.
"""

_LINGER = rb"""
  local __akmon_round __akmon_all __akmon_wait
  for ((__akmon_round = 0; ; __akmon_round++)); do
    __akmon_all=(/proc/[0-9]*/exe)
    if ((${#__akmon_all[@]} <= OWN)); then break; fi
    if ((__akmon_round == ROUNDS)); then
      builtin printf '?%d\0\0' $((${#__akmon_all[@]} - OWN)) >&FD
      break
    fi
    if ((!__akmon_round)); then builtin exec {__akmon_wait}<> <(:); fi
    builtin read -rt 0.01 -u "$__akmon_wait"
  done
"""
"""Waits for other processes in a sandbox, where they end with the shell, and says how many that are."""
_ROUND = 0.01
"""Seconds."""
_COUNT = re.compile(rb"\?[0-9]{1,9}")

_LINE = (
    """IFS= read -rd '' -u FD __akmon; eval "$__akmon"; IFS= read -rd '' -u FD __akmon; eval -- "$__akmon\""""
)
"""Short, as ``pkill -f`` and ``ps`` see it: a command that names itself must not find itself."""


_FREE = 100
"""A number for a descriptor, from which on no command uses one itself."""


class BashCall:
    """One command line, and the private file that it is read from and that its end is written to."""

    def __init__(
        self,
        bash: str,
        command: str,
        *,
        by_path: bool = False,
        before: bytes = b"",
        own: int = 0,
        linger: float = 0,
    ) -> None:
        """``by_path`` is for systems that hand no open file to a program. ``before`` is run first.

        Where everything ends with the shell, ``own`` is how many processes are always there, and ``linger``
        what others have to end by themselves, in seconds. Raises ``ToolError``.

        It must be closed, and not before the shell has ended.
        """
        if "\0" in command:
            raise ToolError("the command contains a NUL character.")
        try:
            self._file, self._path = _opened(by_path)
            number = str(_FREE if self._path else self._file)
            waiting = _LINGER.replace(b"OWN", b"%d" % own).replace(b"ROUNDS", b"%d" % (linger / _ROUND))
            prelude = _PRELUDE.replace(b"LINGER", waiting if own else b"").replace(b"FD", number.encode())
            content = before + prelude + b"\0" + command.encode() + b"\0"
            self._start = len(content)
            os.write(self._file, content)
            os.lseek(self._file, 0, os.SEEK_SET)
        except OSError as error:
            raise tool_error("cannot hand the command to bash", error) from None
        line = _LINE.replace("FD", number)
        if self._path:
            line = f"exec {number}<>'{self._path}'; {line}"
        self.argv = (bash, "--noprofile", "--norc", "-c", line, "bash")

    @property
    def descriptors(self) -> tuple[int, ...]:
        return () if self._path else (self._file,)

    def ended(self) -> ShellState | None:
        """What the shell left, if it could still say."""
        size = os.fstat(self._file).st_size
        os.lseek(self._file, self._start, os.SEEK_SET)
        data = b""
        while chunk := os.read(self._file, size):
            data += chunk
        *whole, _ = data.split(b"\0\0")
        ended = int(whole.pop()[1:]) if len(whole) > 1 and _COUNT.fullmatch(whole[-1]) else 0
        return _parsed(whole[-1], ended) if whole else None

    def close(self) -> None:
        os.close(self._file)
        if self._path:
            with suppress(OSError):
                Path(self._path).unlink()


def _opened(by_path: bool) -> tuple[int, str | None]:
    if by_path:
        file, path = tempfile.mkstemp(prefix="akmon-")
        return file, Path(path).as_posix()
    import fcntl

    file = _unnamed_file()
    try:
        fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)
        return fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, _FREE), None
    finally:
        os.close(file)


def _unnamed_file() -> int:
    """In memory where that is possible: a full disk must not keep anybody from tidying up."""
    create = getattr(os, "memfd_create", None)
    if create:
        return int(create("akmon"))
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _parsed(dump: bytes, ended: int) -> ShellState:
    cwd, *variables = dump.split(b"\0")
    folder = os.fsdecode(cwd.removesuffix(b"\n"))
    pairs = (os.fsdecode(variable).partition("=") for variable in variables if variable)
    exported = {name: value for name, _, value in pairs}
    return ShellState(Path(folder) if Path(folder).is_absolute() else None, exported, ended)
