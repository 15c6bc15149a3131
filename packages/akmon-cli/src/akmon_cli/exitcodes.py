"""What the exit code of ``akmon`` says. Documented in docs/headless.md."""

from __future__ import annotations

from typing import Final

OK: Final = 0
ERROR: Final = 1
"""The run failed: the provider, the disk, or akmon itself."""
USAGE: Final = 2
"""Bad arguments or settings; nothing was begun."""
DENIED: Final = 3
"""The turn ended by itself, but at least one call was denied."""
LIMIT: Final = 4
"""A limit ended the turn: model calls or budget."""
INTERRUPTED: Final = 130
