"""Starts a command under Landlock and seccomp: a script for a bare interpreter (``python -I -S``).

``launcher.py FD``: the descriptor holds an ``Order``, written by ``akmon_tools.sandbox.landlocked``.
"""

from __future__ import annotations

import marshal
import os
import sys

FAILED = 125
"""Exit code if the command was not started, as nothing would have held it."""
_IGNORED = (13, 25)
"""SIGPIPE and SIGXFSZ, which Python ignores, and whatever it starts would, too."""
_DROP, _CAPABILITIES, _CAPABILITY_VERSION = 24, 64, 0x20080522
"""PR_CAPBSET_DROP (linux/prctl.h), and the interface of capset (linux/capability.h)."""


def main() -> None:
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))  # noqa: PTH100, PTH120
    from akmon_tools.sandbox import landlock, seccomp

    descriptor = int(sys.argv[1])
    with open(descriptor, "rb") as file:
        order = marshal.load(file)
    os.chdir(order["cwd"])
    try:
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
            file.write(str(order["oom"]))
    except OSError:
        pass  # it would only have been the first to go
    _give_up_rights()
    landlock.enforce(order["rules"])
    seccomp.apply(order["filter"])
    os.execve(order["argv"][0], order["argv"], order["env"])


def _give_up_rights() -> None:
    """All capabilities, which root has, and which nobody can get back after ``landlock.enforce``.

    Signals are as a new program expects them.
    """
    import ctypes
    import struct

    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(_CAPABILITIES):
        libc.prctl(_DROP, capability, 0, 0, 0)  # fails for all but root, who alone needs it
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION, 0))
    for number in _IGNORED:
        libc.signal(number, None)
    if libc.capset(header, ctypes.create_string_buffer(24)):
        raise OSError(ctypes.get_errno(), "cannot give up capabilities")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.stderr.write(f"akmon: the command was not started, as nothing would hold it in: {error}\n")
        sys.exit(FAILED)
