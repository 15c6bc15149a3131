"""The redactor of what this process writes: it knows its environment's secrets, and what it is told of."""

from __future__ import annotations

import os
from functools import cache

from akmon_core.redact import Redactor
from akmon_tools.environment import secret_values


@cache
def redactor() -> Redactor:
    return Redactor(secret_values(os.environ))
