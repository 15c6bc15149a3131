"""Ids for calls that a server sent without one."""

from __future__ import annotations

import os


def fresh_id() -> str:
    """A call id that no other call has."""
    return f"call_{os.urandom(12).hex()}"
