"""Has the text of a page made in a process of its own, where a page that is made to do harm can do none."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Literal

from akmon_core.errors import ToolError
from akmon_core.limits import FETCH_SECONDS
from akmon_core.text import one_line
from akmon_tools.pages import UNREADABLE


async def read_page(kind: Literal["html", "pdf"], data: bytes, url: str) -> str:
    """The text of a page; ``data`` is UTF-8 if it is HTML.

    Raises ``ToolError`` if there is none, or if making it takes too much time or memory.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "akmon_tools.pages", kind, url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            text, said = await process.communicate(data)
    except TimeoutError:
        raise ToolError(f"{url} takes longer than {FETCH_SECONDS:g} seconds to be made text of.") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == UNREADABLE:
        raise ToolError(f"{url}: {one_line(said.decode(errors='replace'), 300)}.")
    if process.returncode != 0:
        raise ToolError(
            f"no text can be made of {url}: its {kind.upper()} is broken, or takes too much memory."
        )
    return text.decode(errors="replace")
