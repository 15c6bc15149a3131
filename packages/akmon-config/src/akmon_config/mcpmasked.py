"""One entry of ``mcpServers`` as it is shown to people, without what may be a secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from akmon_config.mcpentry import VARIABLE, Written, located

HIDDEN = "[hidden]"
"""In the place of what may be a secret."""

_SCHEME = re.compile(r"(?i)bearer|basic|token")


def shown(written: Written, root: Path) -> dict[str, Any]:
    """The entry for people: programs and folders by their whole paths, and nothing that may be a secret."""
    fields = {
        "type": written.transport,
        "command": located(written.command, root),
        "args": list(written.args),
        "env": {key: masked(value) for key, value in written.env.items()},
        "cwd": str(root / written.cwd) if written.cwd and not written.cwd.startswith("$") else written.cwd,
        "url": shown_url(written.url),
        "headers": {key: masked(value) for key, value in written.headers.items()},
        "oauth": {
            key: value
            for key, value in (
                ("clientId", written.client_id),
                ("clientSecret", masked(written.client_secret)),
            )
            if value
        },
        "timeout": written.timeout,
        "disabled": written.disabled,
    }
    return {key: value for key, value in fields.items() if value}


def shown_where(written: Written, root: Path) -> str:
    """Its command line or its address on one line, as ``shown``."""
    if written.transport == "stdio":
        return " ".join((located(written.command, root), *written.args))
    return shown_url(written.url)


def shown_url(url: str) -> str:
    """Without a password, and without what follows a question mark."""
    url = re.sub(r"//[^/@]*@", f"//{HIDDEN}@", url)
    return re.sub(r"[?#].*", "?…", url, flags=re.DOTALL)


def masked(text: str) -> str:
    """``Bearer ${TOKEN}`` as it is; whatever is a value itself is hidden, also a default."""
    parts: list[str] = []
    at = 0
    for found in VARIABLE.finditer(text):
        parts += [_mask(text[at : found.start()]), f"${{{found[1]}{':-…' if found[2] else ''}}}"]
        at = found.end()
    return "".join((*parts, _mask(text[at:])))


def is_literal(text: str) -> bool:
    """Whether it holds a value itself, and not only ``${VAR}``."""
    return HIDDEN in masked(text)


def _mask(text: str) -> str:
    return text if not text.strip() or _SCHEME.fullmatch(text.strip()) else HIDDEN
