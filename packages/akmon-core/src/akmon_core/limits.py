"""Every cap in one place: how long, how many, how large. Bytes are bytes, seconds are seconds."""

from __future__ import annotations

import msgspec

MAX_STEPS = 25
"""Model calls in one turn before it ends with outcome ``limit``."""
MAX_CONTINUATIONS = 3
"""Times a reply that was cut by the output limit is asked to go on."""
PARALLEL_CALLS = 8
"""Read-only calls that run at the same time."""

READ_LINES = 2_000
READ_BYTES = 50_000
LINE_CHARS = 2_000
WRITE_BYTES = 10_000_000
EDITABLE_BYTES = 10_000_000
SEARCH_MATCHES = 200
SEARCH_COLUMNS = 300
"""Bytes shown of a line that matches."""
SEARCH_SECONDS = 30.0
LIST_ENTRIES = 500
SHELL_OUTPUT_BYTES = 30_000
SHELL_TIMEOUT = 120.0
SHELL_TIMEOUT_MAX = 600.0
DIFF_LINES = 400

EVENT_BYTES = 8_000_000
"""One server-sent event; a larger one is a broken stream."""
STREAM_BYTES = 64_000_000
"""One reply on the wire; a larger one is a broken stream."""
ERROR_CHARS = 2_000
"""What is kept of a server's error text."""

CONNECT_SECONDS = 10.0
FIRST_TOKEN_SECONDS = 120.0
"""Silence before the first byte of a reply after which the call counts as failed."""
LOCAL_FIRST_TOKEN_SECONDS = 600.0
"""The same for a model on one's own machine, which may have to be loaded first."""
IDLE_SECONDS = 120.0
"""Silence on an open stream after which it counts as broken."""
RETRIES = 5
RETRY_MIN_SECONDS = 1.0
RETRY_MAX_SECONDS = 60.0
FALLBACK_FAILURES = 3
"""Failures in a row of one call after which the fallback model takes over."""
CACHE_BREAK_TOKENS = 4_096
"""A prompt that is shorter than this is not worth a notice when it was read anew."""

INBOX_COMMANDS = 256
SUBSCRIBER_EVENTS = 1_024
"""Events kept for a slow reader before it is made to catch up from the journal."""
STDIN_BYTES = 1_000_000
PROMPT_FILE_BYTES = 10_000_000
SETTINGS_BYTES = 100_000
"""One settings file."""
KEY_COMMAND_SECONDS = 30.0
"""How long a command may take to print a key."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn may use up before it stops by itself."""

    max_steps: int = MAX_STEPS
    max_continuations: int = MAX_CONTINUATIONS
    max_tokens: int | None = None
    """Cap on the tokens of all of the session's calls, prompts and replies; None is no cap."""
    max_cost_usd: float | None = None
    """Spending cap in US dollars over all of the session's priced calls; None is no cap."""
