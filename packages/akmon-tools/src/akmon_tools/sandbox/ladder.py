"""Chooses what holds commands in: the best mechanism that proves itself here, never less in silence."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from akmon_core.errors import SettingsError, ToolError
from akmon_core.limits import SANDBOX_TEST_SECONDS
from akmon_core.permissions import SandboxChoice
from akmon_tools.processes import Launch
from akmon_tools.sandbox.box import Places, Sandbox, Unheld
from akmon_tools.sandbox.secrets import secret_places

if TYPE_CHECKING:
    from akmon_tools.sandbox.network import Network

_BASH = "/bin/bash"
_TRIAL = r"""
say() { printf '%s\n' "$1"; }
(echo x >"$1/new") 2>/dev/null || say 'nothing can be written in the workspace'
(echo x >"$2/new") 2>/dev/null && say 'a file outside can be written'
(echo x >"$1/.git/config") 2>/dev/null && [[ $4 == bubblewrap ]] && say 'a protected file can be written'
[[ $(cat "$3" 2>/dev/null) == secret ]] && say 'a hidden file can be read'
while IFS=$'\t' read -r name value; do
  case "$name $value" in
    'NoNewPrivs: 1' | 'Seccomp: 2' | 'CapEff: 0000000000000000') ;;
    NoNewPrivs:* | Seccomp:*) say "${name%:} is $value" ;;
    CapEff:*) [[ $4 == bubblewrap ]] && say "it keeps the rights $value" ;;
  esac
done </proc/self/status
if [[ $4 == bubblewrap ]]; then
  [[ $(readlink /proc/self/ns/net) != "$6" ]] || say 'the network of the system can be reached'
else
  case $( (exec 3<>/dev/tcp/127.0.0.1/9) 2>&1) in
    *'not permitted'*) ;;
    *) say 'sockets can be made' ;;
  esac
fi
[[ $4 == bubblewrap && -e /proc/$5/status ]] && say 'processes outside can be seen'
say held
"""
"""Prints what a sandbox lets through; its arguments are the folder to work in, one outside, a hidden file,
the mechanism, a process outside and the network outside. The last line says that it has run to its end."""


class Rung(msgspec.Struct, frozen=True):
    """One mechanism, and why it does not work here; empty if it does."""

    name: str
    problem: str
    detail: str = ""


class _Candidate(msgspec.Struct, frozen=True):
    name: Literal["bubblewrap", "landlock", "seatbelt"]
    detail: str
    open: Callable[[Places, str, Path | None], Sandbox]
    """With why it is not a better one, and the folder for what is in the way of protected files."""


def open_sandbox(
    choice: SandboxChoice,
    roots: Iterable[Path],
    *,
    writable: Iterable[Path] = (),
    unreadable: Iterable[Path] = (),
    network: Network | None = None,
    scratch: Path | None = None,
    aside: Path | None = None,
    cache: Path | None = None,
) -> Sandbox:
    """The sandbox for a session that works in ``roots``, canonical folders.

    ``writable`` are further folders that commands may write, ``unreadable`` such as they may not read besides
    those where secrets usually are. ``network`` is what they reach; without it, nothing. ``scratch`` is the
    folder in which that for temporary files is made, ``aside`` takes what a command has put in the place of
    protected files, and ``cache`` is the file that remembers which mechanism has proved itself here.

    Raises ``SettingsError`` if the one that was chosen does not work.
    """
    if choice == "off":
        return Unheld("off", "it is switched off")
    places = Places(
        roots=tuple(roots),
        writable=tuple(place.resolve() for place in writable),
        unreadable=secret_places(os.environ, unreadable),
    )
    problems: list[str] = []
    if any(root == Path(root.anchor) for root in places.roots):
        problems.append("the whole file system is the workspace, so there is nothing to protect")
    else:
        for candidate in _candidates(choice, places.roots, network, scratch):
            problem = _remembered(candidate, cache)
            if not problem:
                return candidate.open(places, "; ".join(problems), aside)
            problems.append(f"{candidate.name}: {problem}")
    why = "; ".join(problems) or f"there is no mechanism for {sys.platform}"
    if choice != "auto":
        raise SettingsError(f"the sandbox {choice} does not work here: {why}. Choose auto, or repair it.")
    return Unheld("none", why)


def rungs(roots: Sequence[Path]) -> list[Rung]:
    """All mechanisms of this system, the best first, each tried anew."""
    return [
        Rung(candidate.name, _tried(candidate), candidate.detail)
        for candidate in _candidates("auto", roots, None, None)
    ]


def _candidates(
    choice: SandboxChoice, roots: Sequence[Path], network: Network | None, scratch: Path | None
) -> Iterator[_Candidate]:
    if sys.platform == "darwin" and choice in ("auto", "seatbelt"):
        from akmon_tools.sandbox.seatbelt import PROGRAM, Seatbelt

        if PROGRAM.exists():
            yield _Candidate(
                "seatbelt",
                str(PROGRAM),
                lambda places, why, aside: Seatbelt(places, scratch=scratch, aside=aside, why=why),
            )
    if sys.platform != "linux":
        return
    if choice in ("auto", "bubblewrap"):
        from akmon_tools.sandbox.bubblewrap import Bubblewrap, find_bwrap

        for program in find_bwrap(roots):

            def open_it(places: Places, why: str, aside: Path | None, program: Path = program) -> Sandbox:
                return Bubblewrap(program, places, network=network, scratch=scratch, aside=aside, why=why)

            yield _Candidate("bubblewrap", str(program), open_it)
    if choice in ("auto", "landlock"):
        from akmon_tools.sandbox.landlock import abi
        from akmon_tools.sandbox.landlocked import Landlocked

        yield _Candidate(
            "landlock",
            f"ABI {abi()}",
            lambda places, why, aside: Landlocked(places, scratch=scratch, aside=aside, why=why),
        )


def _remembered(candidate: _Candidate, cache: Path | None) -> str:
    """What a trial says; one that went well is not repeated as long as everything is the same."""
    key = _key(candidate)
    if cache:
        with suppress(OSError):
            if key in cache.read_text("utf-8").splitlines():
                return ""
    problem = _tried(candidate)
    if cache and not problem:
        with suppress(OSError):
            cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            cache.touch(mode=0o600)
            cache.write_text(f"{key}\n", "utf-8")
    return problem


def _key(candidate: _Candidate) -> str:
    """Changes with whatever a trial depends on."""
    from akmon_core import __version__

    parts = [__version__, candidate.name, candidate.detail, platform.release(), str(os.getuid())]
    with suppress(OSError):
        status = Path(candidate.detail).stat()
        parts += [str(status.st_mtime_ns), str(status.st_size)]
    for name in ("kernel/apparmor_restrict_unprivileged_userns", "user/max_user_namespaces"):
        with suppress(OSError):
            parts.append(Path("/proc/sys", name).read_text("ascii").strip())
    return "\t".join(parts)


def _network() -> str:
    """Names the network that this process is in; empty where that has no name."""
    try:
        return os.readlink("/proc/self/ns/net")  # noqa: PTH115
    except OSError:
        return ""


def _tried(candidate: _Candidate) -> str:
    """Runs a few attempts to get out. Gives what is wrong, in words."""
    try:
        with tempfile.TemporaryDirectory(prefix="akmon-") as folder:
            return _trial(candidate, Path(folder).resolve())
    except (OSError, subprocess.SubprocessError, ToolError, ValueError) as error:
        return str(error)


def _trial(candidate: _Candidate, folder: Path) -> str:
    work, out, hidden = folder / "work", folder / "out", folder / "hidden"
    for place in (work / ".git", out, hidden):
        place.mkdir(parents=True)
    (work / ".git" / "config").touch()
    (hidden / "secret").write_text("secret")
    places = Places(roots=(work,), unreadable=(hidden,))
    sandbox = candidate.open(places, "", folder / "aside")
    argv = (_BASH, "--noprofile", "--norc", "-c", _TRIAL, "bash")
    more = (str(work), str(out), str(hidden / "secret"), candidate.name, str(os.getpid()), _network())
    launch = sandbox.wrapped(Launch(argv=(*argv, *more), cwd=work, env={"PATH": os.defpath, "LC_ALL": "C"}))
    try:
        done = subprocess.run(
            launch.argv,
            cwd=launch.cwd,
            env=launch.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=launch.descriptors,
            timeout=SANDBOX_TEST_SECONDS,
            check=False,
        )
    finally:
        for descriptor in launch.handed:
            os.close(descriptor)
        sandbox.settle()
    said = done.stdout.decode(errors="replace").strip().splitlines()
    if said[-1:] == ["held"] and done.returncode == 0:
        return "; ".join(said[:-1])
    return "; ".join(said) or f"exit code {done.returncode}"
