"""The secrets that this process knows, so that they are taken out of all that it keeps, shows or sends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from akmon_core.redact import Redactor
from akmon_tools.environment import secret_values

if TYPE_CHECKING:
    from akmon_config.settings import Settings
    from akmon_models.backend import Backend


@cache
def redactor() -> Redactor:
    """Knows what the environment keeps under names of secrets, and what it is told of."""
    return Redactor(secret_values(os.environ))


def learn(settings: Settings) -> None:
    """Tells it the keys of the settings, and the passwords in their addresses."""
    from akmon_config.secrets import key_origin

    redactor().add(*(key for _, value in settings for key in _keys(value) if not key_origin(key)))


def hidden(backends: Mapping[str, Backend]) -> dict[str, Backend]:
    """``backends`` whose keys it gets to know as well that are fetched only when they are needed."""
    return {provider: _hidden(backend) for provider, backend in backends.items()}


def _hidden(backend: Backend) -> Backend:
    if backend.fetch_key is None:
        return backend
    return msgspec.structs.replace(backend, fetch_key=_telling(backend.fetch_key))


def _telling(fetch: Callable[[], str]) -> Callable[[], str]:
    def fetched() -> str:
        key = fetch()
        redactor().add(key)
        return key

    return fetched


def _keys(value: Any) -> Iterator[str]:
    from urllib.parse import urlsplit

    from pydantic import SecretStr

    match value:
        case SecretStr():
            yield value.get_secret_value()
        case dict():
            for each in value.values():
                yield from _keys(each)
        case str() if "://" in value:
            yield urlsplit(value).password or ""
        case _:
            pass
