"""What is needed to reach a provider: a key and an address, and the variables that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import msgspec

from akmon_core.errors import SettingsError

VARIABLES = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "openai-compatible": ("AKMON_OPENAI_COMPATIBLE_KEY", "AKMON_OPENAI_COMPATIBLE_URL"),
}
"""By provider: the environment variables of its key and of its address."""


class Backend(msgspec.Struct, frozen=True):
    """A configured provider. An empty ``base_url`` is the provider's own address.

    With a ``base_url`` the key may be empty: local servers ask for none.
    """

    api_key: str = ""
    base_url: str = ""

    def __repr__(self) -> str:
        return f"Backend(api_key={'...' if self.api_key else ''!r}, base_url={shown_url(self.base_url)!r})"


def backends_from_env(environ: Mapping[str, str]) -> dict[str, Backend]:
    """By provider, what the environment configures: a key, an address, or both."""
    found = {
        provider: Backend(environ.get(key, "").strip(), environ.get(url, "").strip())
        for provider, (key, url) in VARIABLES.items()
    }
    return {provider: backend for provider, backend in found.items() if backend != Backend()}


def check_backend(provider: str, backend: Backend) -> None:
    """Raises ``SettingsError`` for what no request could carry, quoting neither: both may hold secrets."""
    key, url = VARIABLES[provider]
    if not (backend.api_key.isascii() and backend.api_key.isprintable()):
        raise SettingsError(f"{key} cannot be sent: a key is one line of printable ASCII characters.")
    if backend.base_url and not _is_address(backend.base_url):
        raise SettingsError(f"{url} is no address: write it as http://HOST or https://HOST, with its path.")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            text.isprintable()
            and parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
        )
    except ValueError:
        return False


def shown_url(url: str) -> str:
    """``url`` as messages may show it: without user, password and query."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an invalid address"
    host = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))
