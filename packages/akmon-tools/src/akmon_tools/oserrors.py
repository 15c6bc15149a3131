"""Says what the operating system refused, in words that a model can act on."""

from __future__ import annotations

import errno
import os

from akmon_core.errors import ToolError

_MEANING = {
    errno.ENOENT: "it does not exist",
    errno.EACCES: "permission was denied",
    errno.EPERM: "permission was denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than this system allows",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EISDIR: "it is a folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "a part of the path is a symbolic link that leads in a circle or was changed meanwhile",
    errno.EMFILE: "too many files are open",
    errno.ENXIO: "it is not a regular file",
}


def reason(error: Exception) -> str:
    """What was wrong, without a full stop."""
    if isinstance(error, OSError) and error.errno is not None:
        return _MEANING.get(error.errno) or os.strerror(error.errno)
    return str(error)


def tool_error(doing: str, error: Exception) -> ToolError:
    """``doing`` such as ``cannot write src/a.py``, completed with the reason."""
    return ToolError(f"{doing}: {reason(error)}.")
