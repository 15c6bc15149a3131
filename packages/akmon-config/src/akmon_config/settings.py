"""What can be set: the fields, their types and defaults, and how a wrong value is described."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from akmon_core.errors import SettingsError
from akmon_core.limits import MAX_STEPS
from akmon_core.permissions import Mode, parse_rule
from akmon_core.text import neutralise


def _rule(text: str) -> str:
    try:
        parse_rule(text)
    except SettingsError as error:
        raise ValueError(str(error)) from None
    return text


def _printable(text: str) -> str:
    if neutralise(text) != text or "\n" in text or "\t" in text:
        raise ValueError("it should be text on one line, without control characters")
    return text


def _url(text: str) -> str:
    """The message leaves the value out: an address may hold a password."""
    try:
        parts = urlsplit(_printable(text))
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it should be an address that starts with http:// or https://")
    return text


def _key(secret: SecretStr) -> SecretStr:
    """A line end or blank around a pasted key would make every request fail."""
    text = secret.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("it should be one word of printable ASCII characters")
    return SecretStr(text)


Line = Annotated[str, AfterValidator(_printable)]
Rules = list[Annotated[str, AfterValidator(_rule)]]
Key = Annotated[SecretStr, AfterValidator(_key)]
Url = Annotated[str, AfterValidator(_url)]


class Settings(BaseSettings):
    """All settings, checked. Each is described in ``docs/settings.md``.

    Built by ``akmon_config.load.load``; by itself it reads no file and no environment.
    """

    model_config = SettingsConfigDict(
        strict=True, extra="forbid", frozen=True, env_prefix="AKMON_", hide_input_in_errors=True
    )

    model: Line = ""
    provider: Line = ""
    permission_mode: Mode = "default"
    allow: Rules = []
    deny: Rules = []
    add_dirs: list[Line] = []
    max_turns: int = Field(default=MAX_STEPS, ge=1)
    max_budget_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    openai_compatible_url: Url | None = Field(default=None, repr=False)
    openai_compatible_key: Key | None = None
    openai_base_url: Url | None = Field(default=None, repr=False)
    openai_api_key: Key | None = None
    anthropic_base_url: Url | None = Field(default=None, repr=False)
    anthropic_api_key: Key | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is handed in: each source is read by itself in ``akmon_config.sources``."""
        return (init_settings,)


FIELDS = tuple(Settings.model_fields)


def check(values: Mapping[str, object], place: Callable[[str], str]) -> dict[str, object]:
    """``values`` with their proper types, or a ``SettingsError`` with one line for each that is wrong.

    ``place`` says where the value of a key stands, such as ``/home/me/config.toml, line 3, max_turns``.
    No message holds the value of a secret.
    """
    known = {key: value for key, value in values.items() if key in FIELDS}
    problems = [f"{place(key)}: {_unknown(key)}" for key in values if key not in FIELDS]
    try:
        checked = Settings.model_validate(known)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems += [f"{place(str(each['loc'][0]))}: {_wrong(each)}" for each in details]
    else:
        if not problems:
            return {key: getattr(checked, key) for key in known}
    raise SettingsError("\n".join(problems))


def _unknown(key: str) -> str:
    close = get_close_matches(key.lower().replace("-", "_"), FIELDS, n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    return f"there is no such setting.{meant} The settings are: {', '.join(FIELDS)}."


def _wrong(detail: ErrorDetails) -> str:
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    place = detail["loc"][1:2]
    item = f" (item {place[0] + 1})" if place and isinstance(place[0], int) else ""
    return detail["msg"].replace("Input", f"it{item}", 1)
