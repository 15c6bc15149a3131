"""Makes ids: of sessions, which sort by time and are easy to type the start of, and of commands."""

from __future__ import annotations

import os
import time


def new_session_id(now: float) -> str:
    """Such as ``20261121-091500-3fa20c81``: UTC time and a random end."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{os.urandom(4).hex()}"


def new_id() -> str:
    return os.urandom(6).hex()
