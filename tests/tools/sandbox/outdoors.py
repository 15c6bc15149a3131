"""What lies around a sandbox: folders, keys, listeners and a process, for attempts to get at them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from akmon_tools.sandbox.box import SHARED
from akmon_tools.sandbox.bubblewrap import find_bwrap

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
STRANGER = 10_001
"""The number of an ordinary user that need not be known here."""


class Outdoors:
    """Lies beside this repository's files, but not in ``/tmp``, which a sandbox hides as a whole."""

    def __init__(self, base: Path, user: int | None, stack: ExitStack) -> None:
        self.base = base
        self.user = user
        self.work, self.out, self.home = base / "work", base / "out", base / "home"
        self.plain = base / "plain"
        self.came: list[str] = []
        for folder in (
            *(self.work / ".git" / name for name in ("hooks", "info", "objects", "refs")),
            *(self.work / ".akmon", self.work / ".vscode", self.work / "sub" / "deep" / ".vscode"),
            *(self.out, self.home / ".ssh", self.plain, base / "aside", base / "run"),
        ):
            folder.mkdir(parents=True)
        for file, text in {
            self.work / ".git" / "HEAD": "ref: refs/heads/main\n",
            self.work / ".git" / "config": "[core]\n",
            self.work / ".akmon" / "config.toml": "",
            self.out / "victim": "victim",
            self.out / "victim2": "victim",
            self.out / "removable": "x",
            self.home / ".ssh" / "id_rsa": "KEY",
            self.home / ".netrc": "machine x password y",
            self.home / ".bashrc": "",
        }.items():
            file.write_text(text)
        self.other = Path(tempfile.mkdtemp(prefix="akmon-"))
        stack.callback(shutil.rmtree, self.other)
        (self.other / "secret").write_text("of another session")
        self._listen(stack)
        process = subprocess.Popen(["/bin/sleep", "1000"], cwd=self.out, **self._as_user())
        stack.callback(process.wait)
        stack.callback(process.kill)
        self.pid = process.pid
        if user is not None:
            for path in (base, *base.rglob("*"), self.other, *self.other.rglob("*")):
                os.chown(path, user, user, follow_symlinks=False)

    def attempts(self, choice: str) -> dict[str, str]:
        """What became of each attempt inside the sandbox ``choice``."""
        settings = {
            "work": str(self.work),
            "out": str(self.out),
            "home": str(self.home),
            "other": str(self.other / "secret"),
            "pid": self.pid,
            "network": str(Path("/proc/self/ns/net").readlink()),
            "tcp": self.tcp,
            "udp": self.udp,
            "unix": self.unix,
            "abstract": self.abstract,
            "bwrap": str(find_bwrap([])[0]),
        }
        python = interpreter(self.user)
        # The compiled modules of an interpreter are of no use here, and its start must not write any.
        probe = [python, "-I", "-S", "-B", str(self.work / "probe.py"), json.dumps(settings)]
        shutil.copy(HERE / "probe.py", self.work)
        text = self.play(choice, [shlex.join(probe)])[0]
        results: dict[str, str] = json.loads(text.splitlines()[0])
        return results

    def play(self, choice: str, commands: list[str]) -> list[str]:
        """The texts of the results of ``commands``."""
        order = {
            "choice": choice,
            "roots": [str(self.work), str(self.plain)],
            "unreadable": [str(self.home / ".ssh"), str(self.home / ".netrc")],
            "aside": str(self.base / "aside"),
            "commands": commands,
        }
        python = interpreter(self.user)
        paths = [path for path in sys.path if "site-packages" in path or "packages" in Path(path).parts]
        done = subprocess.run(
            [python, "-B", str(HERE / "play.py"), json.dumps(order)],
            env={**os.environ, "HOME": str(self.home), "PYTHONPATH": os.pathsep.join(paths)},
            cwd="/",
            capture_output=True,
            check=False,
            **self._as_user(),
        )
        assert done.returncode == 0, done.stderr.decode()
        played: dict[str, Any] = json.loads(done.stdout)
        assert played["level"] == choice
        texts: list[str] = played["texts"]
        return texts

    def _as_user(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.user, "group": self.user, "extra_groups": []}

    def _listen(self, stack: ExitStack) -> None:
        self.abstract = f"akmon-{os.urandom(8).hex()}"
        self.unix = str(self.base / "run" / "socket")
        stream = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.tcp = stream.getsockname()[1]
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("127.0.0.1", 0))
        self.udp = datagrams.getsockname()[1]
        listeners = [stream]
        for address in (self.unix, f"\0{self.abstract}"):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(address)
            listener.listen()
            listeners.append(listener)
        os.chmod(self.unix, 0o777)  # noqa: PTH101
        for listener in listeners:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        threading.Thread(target=self._answer, args=(datagrams,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                listener.accept()[0].close()
                self.came.append(str(listener.family))

    def _answer(self, datagrams: socket.socket) -> None:
        with suppress(OSError):
            while True:
                _, sender = datagrams.recvfrom(100)
                self.came.append("datagram")
                datagrams.sendto(b"ack", sender)


@contextmanager
def outdoors(user: int | None = None) -> Iterator[Outdoors]:
    above = next(filter(_in_sight, (REPOSITORY / ".rigs", *map(Path, _ELSEWHERE), Path.home())), None)
    if above is None:
        pytest.skip("all that can be written here is in folders that a sandbox hides as a whole")
    above.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        base = Path(tempfile.mkdtemp(prefix="akmon-outdoors-", dir=above)).resolve()
        stack.callback(shutil.rmtree, base)
        base.chmod(0o755)
        yield Outdoors(base, user, stack)


def interpreter(user: int | None) -> str:
    """A Python like this one that ``user`` can run; empty if there is none."""
    if user is None:
        return sys.executable
    ours = "import sys, msgspec; print(*sys.version_info[:2])"
    paths = os.pathsep.join(path for path in sys.path if "site-packages" in path)
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with suppress(OSError, subprocess.CalledProcessError):
            found = subprocess.run(
                [python, "-c", ours],
                env={"PYTHONPATH": paths},
                cwd="/",
                user=user,
                group=user,
                extra_groups=[],
                capture_output=True,
                check=True,
            )
            if found.stdout.split() == [b"%d" % part for part in sys.version_info[:2]]:
                return python
    return ""


_ELSEWHERE = ("/opt", "/srv", "/var/lib", "/var/cache")


def _in_sight(folder: Path) -> bool:
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return not any(folder.is_relative_to(shared) for shared in SHARED) and os.access(there, os.W_OK)


def why_not(user: int | None, choice: str) -> str:
    """Why this cannot be tried here; empty if it can."""
    if sys.platform != "linux":
        return "these sandboxes are for Linux"
    if user is not None and os.geteuid() != 0:
        return "only root can become another user"
    if user is not None and not interpreter(user):
        return "no interpreter of this version that another user can run"
    from akmon_tools.sandbox.ladder import rungs

    problem = {rung.name: rung.problem for rung in rungs([])}.get(choice, "it is not for this system")
    return f"{choice} does not work here: {problem}" if choice != "off" and problem else ""
