"""What a hostile command tries from inside the sandbox: ``python3 probes.py NAME ARGUMENT...``.

It prints ``OPEN`` if that worked, and ``closed: WHY`` if it did not. It runs alone, with nothing but the
standard library, also under another Python than akmon's.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_NAMESPACE = 0x10000000, 0x00020000
PROCESS_VM_WRITEV, PTRACE, IO_URING_SETUP = {
    "x86_64": (311, 101, 425),
    "aarch64": (271, 117, 425),
}[os.uname().machine]
TIOCSTI = 0x5412


def call(number: int, *arguments: object) -> None:
    if LIBC.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def through_a_link(outside: str) -> None:
    Path("way").symlink_to(outside)
    Path("way/written").write_text("x")


def hard_link(secret: str) -> None:
    Path("hard").hardlink_to(secret)


def attributes(secret: str) -> None:
    """Any of the three is enough."""
    failed = 0
    attempts: tuple[Callable[[], object], ...] = (
        lambda: Path(secret).chmod(0o777),
        lambda: os.utime(secret, (1, 1)),
        lambda: os.setxattr(secret, "user.x", b"x"),
    )
    for attempt in attempts:
        try:
            attempt()
        except OSError:
            failed += 1
    if failed == len(attempts):
        raise OSError("all three refused")


def other_roots(secret: str) -> None:
    for pid in ("self", str(os.getppid()), "1"):
        try:
            with Path(f"/proc/{pid}/root{secret}").open("a") as file:
                file.write("x")
            return
        except OSError:
            continue
    raise OSError("no way through /proc")


def agent(pid: str) -> None:
    for name in ("environ", "mem"):
        with Path(f"/proc/{pid}/{name}").open("rb") as file:
            file.read(1)


def make_hook() -> None:
    Path(".git/hooks").mkdir(parents=True)
    Path(".git/hooks/pre-commit").write_text("x")


def move_git() -> None:
    Path(".git").rename(".git2")
    make_hook()


def tcp(port: str) -> None:
    socket.create_connection(("127.0.0.1", int(port)), 2)


def udp(port: str) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", int(port)))


def unix(path: str) -> None:
    socket.socket(socket.AF_UNIX).connect(path)


def abstract(name: str) -> None:
    socket.socket(socket.AF_UNIX).connect(f"\0{name}")


def io_uring() -> None:
    call(IO_URING_SETUP, 8, ctypes.create_string_buffer(256))


def trace(pid: str) -> None:
    local = struct.pack("QQ", 0, 0)
    try:
        call(PROCESS_VM_WRITEV, int(pid), local, 1, local, 1, 0)
    except OSError:
        call(PTRACE, 16, int(pid), 0, 0)


def namespaces() -> None:
    if LIBC.unshare(NEW_USER | NEW_NAMESPACE) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def disk() -> None:
    for device in Path("/dev").iterdir():
        if device.name[:2] in ("vd", "sd", "nv", "xv", "dm", "me", "km"):
            os.close(os.open(device, os.O_RDONLY))
            return
    raise OSError("no disk in /dev")


def keys() -> None:
    import fcntl

    with Path("/dev/tty").open("w") as terminal:
        fcntl.ioctl(terminal, TIOCSTI, b"x")


def memory() -> None:
    bytearray(100_000_000_000)


def nested(*programs: str) -> None:
    for argv in ([*programs, "--ro-bind", "/", "/", "true"], ["unshare", "-Ur", "true"]):
        try:
            if argv and subprocess.run(argv, capture_output=True, check=False).returncode == 0:
                return
        except OSError:
            continue
    raise OSError("refused")


def capabilities() -> None:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    if int(status["CapEff"], 16) == 0 and status["NoNewPrivs"].strip() == "1":
        raise OSError("CapEff=0, NoNewPrivs=1")


def become_root() -> None:
    for argv in (["sudo", "-n", "true"], ["su", "-c", "touch /etc/akmon-probe"]):
        try:
            ran = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        except OSError:
            continue
        if ran.returncode == 0:
            return
    raise OSError("no privilege gained")


def scratch(before: str) -> None:
    """Fails, which is good, if temporary files can be made and those of others are not there."""
    with tempfile.NamedTemporaryFile() as file:
        if not Path(before).exists() and Path(file.name).exists():
            raise OSError("private and writable")


PROBES: dict[str, Callable[..., None]] = {
    probe.__name__: probe
    for probe in (
        *(through_a_link, hard_link, attributes, other_roots, agent, make_hook, move_git, tcp, udp, unix),
        *(
            abstract,
            io_uring,
            trace,
            namespaces,
            disk,
            keys,
            memory,
            nested,
            capabilities,
            become_root,
            scratch,
        ),
    )
}


if __name__ == "__main__":
    try:
        PROBES[sys.argv[1]](*sys.argv[2:])
    except (OSError, MemoryError) as error:
        print(f"closed: {str(error) or type(error).__name__}")
    else:
        print("OPEN")
