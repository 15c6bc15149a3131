"""Writes and applies the seccomp filter of commands: which system calls they cannot make at all.

Needs the standard library alone, as it is also used by interpreters that are started inside a sandbox.
"""

from __future__ import annotations

import errno
import os
import platform
import struct
from collections.abc import Collection

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
INET = (AF_INET, AF_INET6)
"""The families of a command in an empty network whose way out is a proxy."""

_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Places in ``struct seccomp_data`` (linux/seccomp.h), in bytes."""
_X32 = 0x40000000
_NAMESPACES = 0x7E020000 | 0x80
"""The flags of clone that make namespaces (linux/sched.h)."""
_TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which type into the terminal as if a person did."""

_SETUID = 0o4000
_CREATE = 0o100
"""O_CREAT, without which the mode that is handed to open means nothing."""

_X86_64 = {
    "open": 2,
    "ioctl": 16,
    "socket": 41,
    "socketpair": 53,
    "clone": 56,
    "creat": 85,
    "chmod": 90,
    "fchmod": 91,
    "ptrace": 101,
    "syslog": 103,
    "mknod": 133,
    "pivot_root": 155,
    "acct": 163,
    "settimeofday": 164,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "iopl": 172,
    "ioperm": 173,
    "init_module": 175,
    "delete_module": 176,
    "quotactl": 179,
    "clock_settime": 227,
    "openat": 257,
    "mknodat": 259,
    "fchmodat": 268,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "perf_event_open": 298,
    "fanotify_init": 300,
    "open_by_handle_at": 304,
    "clock_adjtime": 305,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "finit_module": 313,
    "kexec_file_load": 320,
    "bpf": 321,
    "userfaultfd": 323,
}
_AARCH64 = {
    "ioctl": 29,
    "mknodat": 33,
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "fchmod": 52,
    "fchmodat": 53,
    "openat": 56,
    "quotactl": 60,
    "acct": 89,
    "unshare": 97,
    "kexec_load": 104,
    "init_module": 105,
    "delete_module": 106,
    "clock_settime": 112,
    "syslog": 116,
    "ptrace": 117,
    "reboot": 142,
    "settimeofday": 170,
    "socket": 198,
    "socketpair": 199,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "clone": 220,
    "swapon": 224,
    "swapoff": 225,
    "perf_event_open": 241,
    "fanotify_init": 262,
    "open_by_handle_at": 265,
    "clock_adjtime": 266,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "finit_module": 273,
    "bpf": 280,
    "userfaultfd": 282,
    "kexec_file_load": 294,
}
_EVERYWHERE = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "openat2": 437,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "fchmodat2": 452,
    "open_tree_attr": 467,
}
_ARCHITECTURES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}
"""By the kernel's name: AUDIT_ARCH (linux/audit.h) and the numbers (asm/unistd.h)."""
_MODES = {"creat": 1, "chmod": 1, "fchmod": 1, "mknod": 1, "mknodat": 2, "fchmodat": 2, "fchmodat2": 2}
"""Which argument is the mode of a file."""
_OPENS = {"open": (1, 2), "openat": (2, 3)}
"""Which argument are the flags, and which the mode."""
_INDIRECT = ("clone3", "openat2")
"""Keep their arguments where they cannot be read. Programs then use what there was before."""
_SPECIAL = ("ioctl", "socket", "socketpair", "clone", *_MODES, *_OPENS, *_INDIRECT)
"""Are looked at more closely; all others in the tables are refused."""


def program(allow: Collection[int] = (), machine: str = "") -> bytes:
    """The filter, as the kernel takes it. ``allow`` are the address families that sockets may have.

    Pairs of connected sockets (AF_UNIX) are always possible. What is refused fails with EPERM; calls of
    another architecture kill. Raises ``OSError`` on a machine whose calls are not known here.
    """
    machine = machine or platform.machine()
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system call filter is known for {machine}")
    architecture, own = _ARCHITECTURES[machine]
    numbers = own | _EVERYWHERE
    code = [_load(_ARCHITECTURE), _equal(architecture, 1, 0), _return(_KILL), _load(_NUMBER)]
    if machine == "x86_64":
        code += [_at_least(_X32, 0, 1), _refuse()]
    for name, number in numbers.items():
        if name not in _SPECIAL:
            code += [_equal(number, 0, 1), _refuse()]
    for name in _INDIRECT:
        code += [_equal(numbers[name], 0, 1), _refuse(errno.ENOSYS)]
    for name, mode in _MODES.items():
        if name in numbers:
            code += _unless(numbers[name], mode, [_any_bit(_SETUID, 0, 1), _refuse()])
    for name, (flags, mode) in _OPENS.items():
        if name in numbers:
            made = [_load(_ARGUMENTS + 8 * mode), _any_bit(_SETUID, 0, 1), _refuse()]
            code += _unless(numbers[name], flags, [_any_bit(_CREATE, 0, len(made)), *made])
    code += _unless(numbers["clone"], 0, [_any_bit(_NAMESPACES & ~0x80, 0, 1), _refuse()])
    code += _unless(numbers["ioctl"], 1, _refuse_values(_TERMINAL_INPUT))
    code += _unless(numbers["socket"], 0, _allow_values(allow))
    code += _unless(numbers["socketpair"], 0, _allow_values((AF_UNIX,)))
    return b"".join([*code, _return(_ALLOW)])


def apply(filter_program: bytes) -> None:
    """Holds this process and all that it starts to ``filter_program``, for good. Raises ``OSError``."""
    import ctypes

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(filter_program, len(filter_program))
    whole = Program(len(filter_program) // 8, ctypes.addressof(buffer))
    for arguments in ((_NO_NEW_PRIVILEGES, 1, 0), (_SECCOMP, _FILTER, ctypes.byref(whole))):
        if libc.prctl(*arguments, 0, 0):
            number = ctypes.get_errno()
            raise OSError(number, f"no system call filter: {os.strerror(number)}")


def _unless(number: int, argument: int, body: list[bytes]) -> list[bytes]:
    """``body`` for one call, with its argument loaded; all others go on behind it."""
    body = [_load(_ARGUMENTS + 8 * argument), *body, _return(_ALLOW)]
    return [_equal(number, 0, len(body)), *body]


def _allow_values(values: Collection[int]) -> list[bytes]:
    code = [step for value in values for step in (_equal(value, 0, 1), _return(_ALLOW))]
    return [*code, _refuse()]


def _refuse_values(values: Collection[int]) -> list[bytes]:
    return [step for value in values for step in (_equal(value, 0, 1), _refuse())]


def _load(place: int) -> bytes:
    return struct.pack("=HBBI", 0x20, 0, 0, place)


def _equal(value: int, then: int, otherwise: int) -> bytes:
    return struct.pack("=HBBI", 0x15, then, otherwise, value)


def _at_least(value: int, then: int, otherwise: int) -> bytes:
    return struct.pack("=HBBI", 0x35, then, otherwise, value)


def _any_bit(mask: int, then: int, otherwise: int) -> bytes:
    return struct.pack("=HBBI", 0x45, then, otherwise, mask)


def _return(value: int) -> bytes:
    return struct.pack("=HBBI", 0x06, 0, 0, value)


def _refuse(number: int = errno.EPERM) -> bytes:
    return _return(_ERRNO | number)
