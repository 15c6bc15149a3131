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
MAX_TURNS: Final = 4
"""The turn took as many model calls as it may (``--max-turns``)."""
BUDGET: Final = 5
"""The money is spent (``--max-budget-usd``)."""
TOKENS: Final = 6
"""The tokens are used up (``--max-tokens-total``)."""
TIME: Final = 7
"""The turn took as long as it may (``--max-seconds``)."""
STUCK: Final = 8
"""The model went in circles, or failed in the same way time and again."""
INTERRUPTED: Final = 130
SIGNALLED: Final = 128
"""A conversation was ended from outside; the number of the signal is added, as shells do."""
