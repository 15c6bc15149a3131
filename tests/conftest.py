"""How laws are tried: no example is judged by its time, as the machine may be busy with other things.

The examples are the same each time, so that a change is judged by what it changes. To look for others:
``HYPOTHESIS_PROFILE=search make test``.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("akmon", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "akmon"))
