"""What can be set: the fields, their types and defaults, and how a wrong value is described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from akmon_config.rows import Rows
from akmon_config.ruletables import RuleTables, WrongTable
from akmon_config.values import (
    STATUS_PARTS,
    Duration,
    Headers,
    Host,
    Key,
    Line,
    Notify,
    Profile,
    Provider,
    Rules,
    StatusLine,
    Theme,
    Url,
    Variable,
    WebEngine,
    Word,
    near,
)
from akmon_core.errors import SettingsError
from akmon_core.limits import MAX_STEPS, SNAPSHOT_BYTES, SNAPSHOT_BYTES_MIN
from akmon_core.models import Effort
from akmon_core.permissions import Mode, SandboxChoice
from akmon_core.text import one_line


class Settings(BaseSettings):
    """All settings, checked. Each is described in ``docs/settings.md``.

    Built by ``akmon_config.load.load``; by itself it reads no file and no environment.
    """

    model_config = SettingsConfigDict(
        strict=True, extra="forbid", frozen=True, env_prefix="AKMON_", hide_input_in_errors=True
    )

    model: Line = ""
    provider: Provider = ""
    fallback_model: Line = ""
    planner_model: Line = ""
    effort: Effort | None = None
    permission_mode: Mode = "default"
    allow: Rules = []
    ask: Rules = []
    deny: Rules = []
    rules: RuleTables = []
    profile: Profile = ""
    policy_packs: list[Line] = []
    sandbox: SandboxChoice = "auto"
    sandbox_write: list[Line] = []
    environment: list[Variable] = []
    ask_when_tainted: bool = True
    add_dirs: list[Line] = []
    max_turns: int = Field(default=MAX_STEPS, ge=1)
    max_tokens_total: int | None = Field(default=None, ge=1)
    max_budget_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    auto_compact: bool = True
    auto_commit: bool = False
    max_checkpoint_bytes: int = Field(default=SNAPSHOT_BYTES, ge=SNAPSHOT_BYTES_MIN)
    check_command: Line = ""
    models: Rows = ()
    headers: Headers = {}
    ca_file: Line = ""
    anthropic_api_key: Key | None = None
    anthropic_base_url: Url | None = Field(default=None, repr=False)
    openai_api_key: Key | None = None
    openai_base_url: Url | None = Field(default=None, repr=False)
    openai_compatible_url: Url | None = Field(default=None, repr=False)
    openai_compatible_key: Key | None = None
    openrouter_api_key: Key | None = None
    openrouter_base_url: Url | None = Field(default=None, repr=False)
    groq_api_key: Key | None = None
    groq_base_url: Url | None = Field(default=None, repr=False)
    azure_openai_endpoint: Url | None = Field(default=None, repr=False)
    azure_openai_api_key: Key | None = None
    azure_openai_ad_token: Key | None = None
    azure_openai_api_version: Word | None = None
    bedrock: bool = False
    aws_region: Word | None = None
    aws_profile: Line = ""
    bedrock_api_key: Key | None = None
    bedrock_base_url: Url | None = Field(default=None, repr=False)
    ollama_base_url: Host | None = Field(default=None, repr=False)
    ollama_api_key: Key | None = None
    ollama_num_ctx: int | None = Field(default=None, ge=1)
    ollama_keep_alive: Duration | None = None
    web_search: WebEngine | None = None
    web_search_url: Url | None = Field(default=None, repr=False)
    web_search_key: Key | None = None
    theme: Theme = "auto"
    vim: bool = False
    status_line: StatusLine = STATUS_PARTS[:7]
    notify: Notify = "auto"
    plain: bool = False

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
NO_CHECK = "none"
"""As ``check_command``: the model is not reminded to check its changes."""


class Places(Protocol):
    def __call__(self, key: str, number: int = 1, /) -> str:
        """Where ``key`` stands; of a list of tables, the one of that number."""
        ...


def check(values: Mapping[str, object], place: Places) -> dict[str, object]:
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
        problems += [f"{_place(each, place)}: {_wrong(each)}" for each in details]
    else:
        if not problems:
            return {key: getattr(checked, key) for key in known}
    raise SettingsError("\n".join(problems))


def _unknown(key: str) -> str:
    meant = near(key.replace("-", "_"), FIELDS)
    return f"there is no such setting.{meant} The settings are: {', '.join(FIELDS)}."


def _place(detail: ErrorDetails, place: Places) -> str:
    key = str(detail["loc"][0])
    error = detail.get("ctx", {}).get("error")
    return place(key, error.number) if isinstance(error, WrongTable) else place(key)


def _wrong(detail: ErrorDetails) -> str:
    inner = [each for each in detail["loc"][1:] if each != "[key]"]
    match inner:
        case [int(number), *_]:
            item = f" (item {number + 1})"
        case [str(), *_]:
            item = f" ({one_line('.'.join(map(str, inner)), 60)})"
        case _:
            item = ""
    if detail["type"] == "value_error":
        return f"{detail['ctx']['error']}"
    return detail["msg"].replace("Input", f"it{item}", 1)
