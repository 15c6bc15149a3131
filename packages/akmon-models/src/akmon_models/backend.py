"""What is needed to reach a provider: a key, an address, and what else it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit, urlunsplit

import msgspec

from akmon_core.errors import SettingsError
from akmon_core.secret import Secret


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider is reached, and the environment variables that say so."""

    key: str
    """The variable of its key; empty if it knows none."""
    url: str
    """The variable of its address."""
    address: str = ""
    """Where it is unless ``url`` says otherwise; empty if that must be said."""
    options: Mapping[str, str] = {}
    """What else it takes, by name: the variable."""


ACCESS: dict[str, Access] = {
    "bedrock": Access(
        key="AWS_BEARER_TOKEN_BEDROCK",
        url="AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        options={
            "region": "AWS_REGION",
            "profile": "AWS_PROFILE",
            "access_key": "AWS_ACCESS_KEY_ID",
            "chosen": "AKMON_BEDROCK",
        },
    ),
    "anthropic": Access(
        key="ANTHROPIC_API_KEY", url="ANTHROPIC_BASE_URL", address="https://api.anthropic.com"
    ),
    "openrouter": Access(
        key="OPENROUTER_API_KEY", url="OPENROUTER_BASE_URL", address="https://openrouter.ai/api/v1"
    ),
    "azure": Access(
        key="AZURE_OPENAI_API_KEY",
        url="AZURE_OPENAI_ENDPOINT",
        options={"ad_token": "AZURE_OPENAI_AD_TOKEN", "api_version": "OPENAI_API_VERSION"},
    ),
    "openai": Access(key="OPENAI_API_KEY", url="OPENAI_BASE_URL", address="https://api.openai.com/v1"),
    "groq": Access(key="GROQ_API_KEY", url="GROQ_BASE_URL", address="https://api.groq.com/openai/v1"),
    "openai-compatible": Access(key="AKMON_OPENAI_COMPATIBLE_KEY", url="AKMON_OPENAI_COMPATIBLE_URL"),
    "ollama": Access(
        key="OLLAMA_API_KEY",
        url="OLLAMA_HOST",
        address="http://127.0.0.1:11434",
        options={"num_ctx": "AKMON_OLLAMA_NUM_CTX", "keep_alive": "AKMON_OLLAMA_KEEP_ALIVE"},
    ),
}
"""By provider, in the order in which an id is offered to them (see ``akmon_models.resolve``)."""


class Backend(msgspec.Struct, frozen=True):
    """A configured provider. An empty ``base_url`` is the provider's own address.

    With a ``base_url`` the key may be empty: local servers ask for none.
    """

    api_key: Secret | str = ""
    """Text becomes a ``Secret``; ``key`` gives it."""
    base_url: str = ""
    fetch_key: Callable[[], str] | None = None
    """Gives the key in place of ``api_key``: called at the first request, and again when a key is refused.
    May take a while (it runs in a thread). Raises ``SettingsError``."""
    headers: Mapping[str, str] = {}
    """Sent along with each request."""
    ca_file: str = ""
    """Certificates (PEM) to trust instead of those that the system trusts."""
    options: Mapping[str, str] = {}
    """What else the provider takes (see ``Access.options``)."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "api_key", Secret(self.api_key))

    def __repr__(self) -> str:
        key = "..." if self.has_key else ""
        return f"Backend(api_key={key!r}, base_url={shown_url(self.base_url)!r})"

    @property
    def key(self) -> str:
        """The key itself, for the request that needs it."""
        return Secret(self.api_key).reveal()

    @property
    def has_key(self) -> bool:
        return bool(self.api_key or self.fetch_key)


def backends_from_env(environ: Mapping[str, str]) -> dict[str, Backend]:
    """By provider, what the environment configures: a key, an address, an option."""
    found = {}
    for provider, access in ACCESS.items():
        options = {
            # Of the access key of AWS only whether there is one: whoever needs it finds it there.
            name: "set" if name == "access_key" else value
            for name, variable in access.options.items()
            if (value := environ.get(variable, ""))
        }
        found[provider] = Backend(
            api_key=environ.get(access.key, "").strip(),
            base_url=environ.get(access.url, "").strip(),
            options=options,
        )
    return {provider: backend for provider, backend in found.items() if backend != Backend()}


def check_backend(provider: str, backend: Backend) -> None:
    """Raises ``SettingsError`` for what no request could carry, quoting neither: both may hold secrets."""
    access = ACCESS[provider]
    check_key(access.key, backend.key)
    if backend.base_url and not _is_address(backend.base_url):
        raise SettingsError(
            f"{access.url} is no address: write it as http://HOST or https://HOST, with its path."
        )
    for name, value in backend.headers.items():
        if not _is_header(name, value):
            raise SettingsError(
                f"the header {name!a} for {provider} cannot be sent: "
                "a name is one word, a value one line, both in printable ASCII characters."
            )


def check_key(variable: str, key: str) -> None:
    """Raises ``SettingsError`` for a key that no request could carry, without quoting it."""
    if not (key.isascii() and key.isprintable()):
        raise SettingsError(f"{variable} cannot be sent: a key is one line of printable ASCII characters.")


def _is_header(name: str, value: str) -> bool:
    word = name.isascii() and name.isprintable() and bool(name) and not set(name) & set(' :"(),/;<=>?@[\\]{}')
    return word and value.isascii() and value.isprintable()


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
