"""macOS: writes the profile by which ``sandbox-exec`` holds a command in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from akmon_core.permissions import Sandboxing
from akmon_tools.processes import Launch
from akmon_tools.sandbox.box import Places, Scratch, Watch, limits, own_caches
from akmon_tools.sandbox.protected import HELD, OWN, WRITABLE

PROGRAM = Path("/usr/bin/sandbox-exec")
_GIT_PARTS = r"/\.git/(.*/)?(hooks(/.*)?|config|config\.worktree|info(/.*)?|commondir|gitdir)$"
_DEVICES = ("/dev/null", "/dev/zero", "/dev/tty", "/dev/stdout", "/dev/stderr", "/dev/dtracehelper")
_START = """\
(version 1)
(deny default)
(allow process-exec process-fork process-info* sysctl-read mach-lookup)
(allow signal (target same-sandbox))
(allow ipc-posix-shm* ipc-posix-sem*)
(allow pseudo-tty)
(allow file-read* file-test-existence)
(deny appleevent-send)
(deny mach-lookup (global-name "com.apple.pasteboard.1") (global-name "com.apple.securityd.xpc")
  (global-name "com.apple.SecurityServer") (global-name "com.apple.coreservices.launchservicesd"))
"""


def profile(places: Places, scratch: Path, found_folders: Iterable[Path] = (), port: int = 0) -> str:
    """In the language of sandbox profiles, where a later rule wins. ``port`` is that of a proxy here.

    A protected name is protected wherever it is in the project, whether or not it is there yet.
    """
    lines = [_START]
    lines += [f"(deny file-read* file-write* {_below(place)})" for place in places.unreadable]
    for place in (*places.writable, *places.roots, scratch, *found_folders):
        lines.append(f"(allow file-read* file-write* {_below(place)})")
    lines += [f"(allow file-write* file-ioctl (literal {_text(name)}))" for name in _DEVICES]
    for root in (*places.roots, *found_folders):
        lines.append(f"(deny file-write* {_matching(root, _GIT_PARTS)})")
        lines.append(f"(deny file-write-create file-write-unlink {_matching(root, '/[.]git$')})")
    for root in places.roots:
        lines += [f"(deny file-write* {_matching(root, _named(name))})" for name in sorted(HELD - {".git"})]
        lines += [f"(allow file-write* {_below(root / OWN / name)})" for name in WRITABLE]
    inside = [
        place for place in places.unreadable if any(place.is_relative_to(root) for root in places.roots)
    ]
    lines += [f"(deny file-read* file-write* {_below(place)})" for place in inside]
    lines.append("(deny network*)")
    if port:
        lines.append(f'(allow network-outbound (remote ip "localhost:{port}"))')
    return "\n".join(lines) + "\n"


class Seatbelt:
    """Starts commands by ``sandbox-exec``."""

    level: Sandboxing = "seatbelt"
    own = 0
    received = 0

    def __init__(
        self, places: Places, *, scratch: Path | None = None, aside: Path | None = None, why: str = ""
    ) -> None:
        self.why = why
        self._places = places
        self._scratch = Scratch(scratch)
        self._watch = Watch(places, aside)

    @property
    def environment(self) -> Mapping[str, str]:
        return own_caches(self._scratch.folder)

    @property
    def prelude(self) -> bytes:
        return limits()

    def outside(self, folder: Path) -> Path | None:
        return folder

    async def ready(self) -> None:
        """There is nothing to wait for."""

    def wrapped(self, launch: Launch) -> Launch:
        found, _ = self._watch.begin(all_of_it=True)
        text = profile(self._places, self._scratch.folder, found.folders)
        return msgspec.structs.replace(
            launch, argv=(str(PROGRAM), "-p", text, *launch.argv), inner=launch.argv
        )

    def settle(self, *, over: bool = True) -> tuple[str, ...]:
        return self._watch.settle(over=over)

    async def close(self) -> None:
        self._scratch.close()


def _below(place: Path) -> str:
    return f"(subpath {_text(str(place))})"


def _matching(root: Path, rest: str) -> str:
    whole = f"^{re.escape(str(root))}(/.*)?{rest}"
    return f"(regex {_text(whole)})"


def _named(name: str) -> str:
    return f"/{re.escape(name)}(/.*)?$"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
