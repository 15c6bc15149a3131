"""A program of its own inside a command's empty network: hands connections on to akmon's proxy outside.

``python -I -S relay.py SOCKET PORT FILTER COMMAND...`` listens on 127.0.0.1:PORT, leaves a process behind
that relays what connects there to the unix socket SOCKET, confines itself with the seccomp program FILTER (in
hexadecimal, may be empty) and becomes COMMAND. It is in the way of every command, so it imports nothing that
it can do without: ``_socket`` takes some milliseconds less than ``socket``.
"""

from __future__ import annotations

import _socket
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

FAILED = 125
"""Exit code: the command was not started, and standard error says why."""
_BACKLOG = 128
_CHUNK = 65_536
_FIRST = 3
"""Descriptors below are standard input, output and error."""
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP
_SET_DUMPABLE, _SET_SECCOMP, _SET_NO_NEW_PRIVS, _SECCOMP_FILTER = 4, 22, 38, 2  # prctl
_PIPE_BROKEN, _FILE_TOO_LARGE = 13, 25  # SIGPIPE, SIGXFSZ
_USAGE = 3


def main() -> int:
    path, port, program = sys.argv[1 : 1 + _USAGE]
    command = sys.argv[1 + _USAGE :]
    try:
        environment = _environment()
        listener = _listen(int(port))
        _leave_relay(listener, path)
        _confine(bytes.fromhex(program))
    except OSError as error:
        sys.stderr.write(f"akmon: the way to the network cannot be opened: {error}\n")
        return FAILED
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        sys.stderr.write(f"akmon: {command[0]}: {error.strerror}\n")
        return 127 if isinstance(error, FileNotFoundError) else 126


def _environment() -> dict[bytes, bytes]:
    """As this program got it: Python itself may add to ``os.environ``."""
    with open("/proc/self/environ", "rb") as file:  # noqa: PTH123 - pathlib takes 10 ms
        entries = file.read().split(b"\0")
    return {name: value for name, equals, value in (each.partition(b"=") for each in entries) if equals}


def _listen(port: int) -> _socket.socket:
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    _bring_up(listener)
    listener.bind(("127.0.0.1", port))
    listener.listen(_BACKLOG)
    return listener


def _bring_up(any_socket: _socket.socket) -> None:
    """Makes loopback work, if it does not yet."""
    import fcntl
    import struct

    asked = struct.pack("16sh14x", b"lo", 0)
    (flags,) = struct.unpack_from("16xh", fcntl.ioctl(any_socket.fileno(), _GET_FLAGS, asked))
    if not flags & _UP:
        fcntl.ioctl(any_socket.fileno(), _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def _leave_relay(listener: _socket.socket, path: str) -> None:
    """Starts the relay as a grandchild, so that the command has no child that it does not know.

    What connects before it runs waits in the backlog. It may open unix sockets, which the command may not:
    as it cannot be dumped, the command cannot reach into its memory.
    """
    command = os.pidfd_open(os.getpid())
    _prctl(_SET_DUMPABLE, 0)
    if child := os.fork():
        os.close(command)
        listener.close()
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if not os.fork():
            _let_go(listener.fileno(), command)
            _relay(listener.detach(), command, path)
    finally:
        os._exit(0)


def _let_go(*kept: int) -> None:
    """Closes whatever the command was given: who waits for the end of its output must see that."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(_FIRST):
        os.dup2(nothing, number)
    start = _FIRST
    for number in sorted(kept):
        os.closerange(start, number)
        start = number + 1
    os.closerange(start, max(start, os.sysconf("SC_OPEN_MAX")))


def _relay(listening: int, command: int, path: str) -> None:
    """Relays until the command has ended."""
    import select
    import socket
    import threading

    listener = socket.socket(fileno=listening)
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(command, select.POLLIN)
    while not any(number == command for number, _ in poll.poll()):
        try:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, path), daemon=True).start()
        except (OSError, RuntimeError):  # too many of them, or it has gone already
            select.poll().poll(10)


def _serve(client: socket.socket, path: str) -> None:
    import socket
    import threading

    with client, socket.socket(socket.AF_UNIX) as far:
        try:
            far.connect(path)
        except OSError:
            return
        there = threading.Thread(target=_pump, args=(client, far), daemon=True)
        there.start()
        _pump(far, client)
        there.join()


def _pump(source: _socket.socket, sink: _socket.socket) -> None:
    """One direction; where it ends, the other may go on."""
    try:
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    except OSError:
        _quietly(lambda: source.shutdown(_socket.SHUT_RDWR))
        _quietly(lambda: sink.shutdown(_socket.SHUT_RDWR))
    else:
        _quietly(lambda: sink.shutdown(_socket.SHUT_WR))


def _quietly(act: Callable[[], None]) -> None:
    try:
        act()
    except OSError:
        return


def _confine(program: bytes) -> None:
    """From here on only what ``program`` lets through; signals are again as a new program expects them."""
    import ctypes

    libc = ctypes.CDLL(None)
    for number in (_PIPE_BROKEN, _FILE_TOO_LARGE):
        libc.signal(number, None)
    if not program:
        return

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_void_p))

    kept = ctypes.create_string_buffer(program, len(program))
    filtered = Filter(len(program) // 8, ctypes.addressof(kept))
    _prctl(_SET_NO_NEW_PRIVS, 1)
    _prctl(_SET_SECCOMP, _SECCOMP_FILTER, ctypes.addressof(filtered))


def _prctl(option: int, first: int, second: int = 0) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    arguments = [ctypes.c_ulong(each) for each in (first, second, 0, 0)]
    if libc.prctl(option, *arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main())
