"""Tries to get out: run inside a sandbox by any Python, it says for each attempt whether it went through.

``python -I -S probe.py SETTINGS`` (JSON): the folders ``work``, ``out`` (beside it) and ``home``, a process
outside (``pid``), and what listens outside: ``tcp`` and ``udp`` (ports), ``unix`` (path) and
``abstract`` (name).

Prints one JSON object: the name of each attempt with ``open`` or what was in the way.
"""

# Each attempt is one call of the system.
# ruff: noqa: PTH101, PTH115, PTH102, PTH103, PTH104, PTH108, PTH110, PTH116, PTH118, PTH123, PTH208, PTH211

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ATTEMPTS: dict[str, Callable[[], object]] = {}
LIBC = ctypes.CDLL(None, use_errno=True)
NUMBERS = {
    "x86_64": {"ptrace": 101, "process_vm_writev": 311, "keyctl": 250, "perf_event_open": 298, "bpf": 321}
    | {"userfaultfd": 323},
    "aarch64": {"ptrace": 117, "process_vm_writev": 271, "keyctl": 219, "perf_event_open": 241, "bpf": 280}
    | {"userfaultfd": 282},
}.get(platform.machine(), {})
S: dict[str, Any] = {}


class InTheWay(Exception):
    """What was tried had no effect."""


def attempt(function: Callable[[], object]) -> Callable[[], object]:
    ATTEMPTS[function.__name__] = function
    return function


def work(*parts: str) -> str:
    return os.path.join(S["work"], *parts)


def out(*parts: str) -> str:
    return os.path.join(S["out"], *parts)


def write(path: str, mode: str = "w") -> None:
    with open(path, mode) as file:
        file.write("x")


def sees(data: object) -> None:
    if not data:
        raise InTheWay("nothing is there")


def call(name: str, *arguments: object) -> int:
    number = NUMBERS[name]
    result = LIBC.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return int(result)


def in_a_child(act: Callable[[], bool]) -> None:
    child = os.fork()
    if not child:
        try:
            os._exit(0 if act() else 1)
        finally:
            os._exit(1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise OSError(errno.EPERM, "refused")


# --- writing outside ---------------------------------------------------------------------------------------


@attempt
def write_outside() -> None:
    write(out("new"))


@attempt
def append_outside() -> None:
    write(out("victim"), "a")


@attempt
def write_by_a_link_made_inside() -> None:
    os.symlink(out(), work("link"))
    write(work("link", "new"))


@attempt
def write_by_a_hard_link() -> None:
    os.link(out("victim"), work("hard"))
    write(work("hard"))


@attempt
def rename_to_outside() -> None:
    write(work("moved"))
    os.rename(work("moved"), out("moved"))


@attempt
def rename_from_outside() -> None:
    os.rename(out("victim2"), work("stolen"))


@attempt
def truncate_outside() -> None:
    os.truncate(out("victim"), 0)


@attempt
def remove_outside() -> None:
    os.unlink(out("removable"))


@attempt
def make_a_folder_outside() -> None:
    os.mkdir(out("folder"))


@attempt
def make_a_pipe_outside() -> None:
    os.mkfifo(out("pipe"))


@attempt
def make_a_setuid_file_by_chmod() -> None:
    write(work("setuid"))
    os.chmod(work("setuid"), 0o4755)


@attempt
def make_a_setuid_file_by_open() -> None:
    os.close(os.open(work("setuid-too"), os.O_CREAT | os.O_WRONLY, 0o4755))
    if not os.stat(work("setuid-too")).st_mode & 0o4000:
        raise PermissionError(errno.EPERM, "without the bit")


@attempt
def chmod_outside() -> None:
    os.chmod(out("victim"), 0o777)


@attempt
def utime_outside() -> None:
    os.utime(out("victim"), (1, 1))


@attempt
def setxattr_outside() -> None:
    os.setxattr(out("victim"), "user.probe", b"x")


@attempt
def write_by_the_root_of_this_process() -> None:
    write("/proc/self/root" + out("new"))


@attempt
def write_by_the_root_of_a_process_outside() -> None:
    write(f"/proc/{S['pid']}/root{out('new')}")


@attempt
def write_by_the_folder_of_a_process_outside() -> None:
    write(f"/proc/{S['pid']}/cwd/new")


@attempt
def write_a_start_file_of_the_shell() -> None:
    write(os.path.join(S["home"], ".bashrc"))


@attempt
def write_a_setting_of_the_system() -> None:
    name = "/proc/sys/kernel/core_pattern"  # names a program that the kernel starts; written as it is
    descriptor = os.open(name, os.O_RDWR)
    os.write(descriptor, os.read(descriptor, 1_000))


@attempt
def ask_the_kernel_for_a_crash() -> None:
    os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))


@attempt
def make_a_device() -> None:
    os.mknod(work("disk"), 0o600 | 0o060000, os.makedev(254, 0))


# --- reading secrets ---------------------------------------------------------------------------------------


@attempt
def read_a_key() -> None:
    sees(Path(S["home"], ".ssh", "id_rsa").read_text())


@attempt
def see_that_a_key_is_there() -> None:
    os.stat(os.path.join(S["home"], ".ssh", "id_rsa"))


@attempt
def list_a_hidden_folder() -> None:
    sees(os.listdir(os.path.join(S["home"], ".ssh")))


@attempt
def read_a_hidden_file() -> None:
    sees(Path(S["home"], ".netrc").read_text())


@attempt
def read_a_key_by_a_link_made_inside() -> None:
    os.symlink(os.path.join(S["home"], ".ssh"), work("keys"))
    sees(Path(work("keys", "id_rsa")).read_text())


@attempt
def read_a_key_by_a_process_outside() -> None:
    sees(Path(f"/proc/{S['pid']}/root{S['home']}/.ssh/id_rsa").read_text())


@attempt
def read_the_variables_of_a_process_outside() -> None:
    sees(Path(f"/proc/{S['pid']}/environ").read_bytes())


@attempt
def open_the_memory_of_a_process_outside() -> None:
    os.close(os.open(f"/proc/{S['pid']}/mem", os.O_RDWR))


@attempt
def read_a_file_of_another_session() -> None:
    sees(Path(S["other"]).read_text())


@attempt
def read_a_disk() -> None:
    disks = ["/dev/" + name for name in os.listdir("/sys/class/block")]
    sees(any(os.read(os.open(disk, os.O_RDONLY), 16) for disk in disks if os.path.exists(disk)))


# --- what makes other programs run something ---------------------------------------------------------------


@attempt
def write_a_hook() -> None:
    write(work(".git", "hooks", "pre-commit"))


@attempt
def write_the_settings_of_git() -> None:
    write(work(".git", "config"), "a")


@attempt
def replace_the_settings_of_git() -> None:
    write(work(".git", "config.new"))
    os.rename(work(".git", "config.new"), work(".git", "config"))


@attempt
def write_attributes_of_git() -> None:
    write(work(".git", "info", "attributes"))


@attempt
def rename_the_hooks_of_git() -> None:
    os.rename(work(".git", "hooks"), work(".git", "hooks2"))
    os.mkdir(work(".git", "hooks"))
    write(work(".git", "hooks", "pre-commit"))


@attempt
def rename_the_folder_of_git() -> None:
    os.rename(work(".git"), work(".git2"))
    os.makedirs(work(".git", "hooks"))
    write(work(".git", "hooks", "pre-commit"))


@attempt
def make_a_folder_for_git() -> None:
    os.makedirs(work("..", "plain", ".git", "hooks"))
    write(work("..", "plain", ".git", "hooks", "pre-commit"))


@attempt
def write_own_settings() -> None:
    write(work(".akmon", "config.toml"))


@attempt
def write_own_settings_where_there_are_none() -> None:
    os.makedirs(work("..", "plain", ".akmon"), exist_ok=True)
    write(work("..", "plain", ".akmon", "config.toml"))


@attempt
def write_settings_of_an_editor() -> None:
    write(work(".vscode", "tasks.json"))


@attempt
def write_settings_of_an_editor_deep_inside() -> None:
    write(work("sub", "deep", ".vscode", "tasks.json"))


# --- the network -------------------------------------------------------------------------------------------


@attempt
def connect_by_tcp() -> None:
    socket.create_connection(("127.0.0.1", S["tcp"]), 2).close()


@attempt
def listen_by_tcp_where_others_come_by() -> None:
    if os.readlink("/proc/self/ns/net") != S["network"]:
        raise OSError(errno.ENETUNREACH, "nobody else is in this network")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)


@attempt
def send_by_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.settimeout(0.5)
        sending.sendto(b"secret", ("127.0.0.1", S["udp"]))
        sending.recvfrom(10)


@attempt
def open_a_raw_socket() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


@attempt
def open_a_packet_socket() -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()


@attempt
def open_a_netlink_socket() -> None:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()


@attempt
def open_a_socket_of_the_machine_below() -> None:
    socket.socket(getattr(socket, "AF_VSOCK", 40), socket.SOCK_STREAM).close()


@attempt
def connect_to_a_unix_socket() -> None:
    with socket.socket(socket.AF_UNIX) as far:
        far.connect(S["unix"])


@attempt
def connect_to_an_abstract_socket() -> None:
    with socket.socket(socket.AF_UNIX) as far:
        far.connect("\0" + S["abstract"])


# --- the kernel --------------------------------------------------------------------------------------------


@attempt
def set_up_io_uring() -> None:
    NUMBERS["io_uring_setup"] = 425
    os.close(call("io_uring_setup", 4, ctypes.create_string_buffer(256)))


@attempt
def signal_a_process_outside() -> None:
    os.kill(S["pid"], 0)


@attempt
def stop_a_process_outside() -> None:
    os.kill(S["pid"], signal.SIGCONT)


@attempt
def trace_a_process_outside() -> None:
    call("ptrace", 16, S["pid"], 0, 0)
    call("ptrace", 17, S["pid"], 0, 0)


@attempt
def be_traced() -> None:
    in_a_child(lambda: call("ptrace", 0, 0, 0, 0) == 0)


@attempt
def write_into_a_process_outside() -> None:
    call("process_vm_writev", S["pid"], None, 0, None, 0, 0)


@attempt
def use_a_keyring() -> None:
    call("keyctl", 0, ctypes.c_long(-3), 0)


@attempt
def load_a_program_into_the_kernel() -> None:
    call("bpf", 0, ctypes.create_string_buffer(128), 48)


@attempt
def watch_the_processor() -> None:
    attributes = ctypes.create_string_buffer(b"\1\0\0\0\x70\0\0\0" + bytes(104), 112)
    os.close(call("perf_event_open", attributes, 0, -1, -1, 0))


@attempt
def handle_page_faults() -> None:
    os.close(call("userfaultfd", 1))


@attempt
def make_a_user_namespace_and_mount() -> None:
    in_a_child(
        lambda: LIBC.unshare(0x10020000) == 0 and LIBC.mount(b"none", work().encode(), b"tmpfs", 0, None) == 0
    )


@attempt
def make_a_user_namespace() -> None:
    in_a_child(lambda: LIBC.unshare(0x10000000) == 0)


@attempt
def mount_something() -> None:
    in_a_child(lambda: LIBC.mount(b"none", work().encode(), b"tmpfs", 0, None) == 0)


@attempt
def make_a_sandbox_inside() -> None:
    command = [S["bwrap"], "--unshare-user", "--ro-bind", "/", "/", "--tmpfs", work(), "/bin/true"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise InTheWay("it failed")


@attempt
def type_into_the_terminal() -> None:
    with open("/dev/tty", "rb+", buffering=0) as terminal:
        fcntl.ioctl(terminal, 0x5412, b"x")


@attempt
def keep_rights() -> None:
    rights = [
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff")
    ]
    sees(int(rights[0].split()[1], 16))


@attempt
def gain_rights() -> None:
    sees(LIBC.prctl(39, 0, 0, 0, 0) != 1)


@attempt
def become_another_user() -> None:
    for program in ("/usr/bin/su", "/bin/su"):
        if os.path.exists(program):
            done = subprocess.run(
                [program, "nobody", "-s", "/bin/sh", "-c", "id -u"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
            sees(done.stdout.strip() not in (b"", str(os.getuid()).encode()))
            return
    raise InTheWay("there is no su")


# --- using things up ---------------------------------------------------------------------------------------


@attempt
def take_more_memory_than_there_is() -> None:
    share = os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE * 6 // 10
    taken = [mmap.mmap(-1, share, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range(2)]
    sees(taken)


@attempt
def write_a_huge_file() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(work("huge"), "wb") as file:
        file.truncate(100 * 2**30)


@attempt
def leave_a_core_file() -> None:
    import resource

    sees(resource.getrlimit(resource.RLIMIT_CORE)[0])


def main() -> None:
    S.update(json.loads(sys.argv[1]))
    results: dict[str, str] = {}
    for name, act in ATTEMPTS.items():
        try:
            act()
            results[name] = "open"
        except OSError as error:
            results[name] = errno.errorcode.get(error.errno or 0, str(error))
        except (InTheWay, MemoryError) as error:
            results[name] = str(error) or type(error).__name__
    print(json.dumps(results))


if __name__ == "__main__":
    main()
