"""Which secrets are known here, so that they are taken out of everything that is kept, shown or sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from akmon_cli import redaction as written
from akmon_config.secrets import key_origin
from akmon_core.redact import Redactor
from akmon_models.backend import Backend
from akmon_tools.environment import secret_values

if TYPE_CHECKING:
    from akmon_config.settings import Settings


def redactor(settings: Settings, environ: Mapping[str, str]) -> Redactor:
    """Knows the keys of the settings, and what the environment keeps under names of secrets."""
    keys = [key for _, value in settings for key in _keys(value) if not key_origin(key)]
    written.redactor().add(*keys)
    return Redactor((*keys, *secret_values(environ)))


def hidden(backends: Mapping[str, Backend], secrets: Redactor) -> dict[str, Backend]:
    """``backends`` whose keys ``secrets`` knows, also those that are fetched only when they are needed."""
    return {provider: _hidden(backend, secrets) for provider, backend in backends.items()}


def _hidden(backend: Backend, secrets: Redactor) -> Backend:
    if backend.fetch_key is None:
        return backend
    return msgspec.structs.replace(backend, fetch_key=_telling(backend.fetch_key, secrets))


def _telling(fetch: Callable[[], str], secrets: Redactor) -> Callable[[], str]:
    def fetched() -> str:
        key = fetch()
        secrets.add(key)
        written.redactor().add(key)
        return key

    return fetched


def _keys(value: Any) -> Iterator[str]:
    from pydantic import SecretStr

    match value:
        case SecretStr():
            yield value.get_secret_value()
        case dict():
            for each in value.values():
                yield from _keys(each)
        case _:
            pass
