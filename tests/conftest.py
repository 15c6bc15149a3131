"""No test is judged by how long an example takes: the machine may be busy with other things."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("akmon", deadline=None)
settings.load_profile("akmon")
