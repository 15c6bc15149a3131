"""From the settings to what each provider is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from akmon_cli.backends import FIELDS, backends
from akmon_config import settings as config
from akmon_config.load import load
from akmon_config.secrets import CommandKey, KeyringKey
from akmon_config.values import PROVIDERS
from akmon_core.errors import SettingsError
from akmon_models import resolve
from akmon_models.backend import ACCESS, Backend, backends_from_env, check_backend

VARIABLES = [
    (provider, name, variable)
    for provider, access in ACCESS.items()
    for name, variable in {"key": access.key, "url": access.url, **access.options}.items()
]
VALUES = {
    "key": "sk-key",
    "url": "http://host:1/v1",
    "region": "eu-west-1",
    "profile": "work",
    "access_key": "AKIACANARY",
    "chosen": "1",
    "ad_token": "ey-token",
    "api_version": "2024-10-21",
    "num_ctx": "4096",
    "keep_alive": "30m",
}


def configured(folder: Path, user: str = "", environ: Mapping[str, str] | None = None) -> dict[str, Backend]:
    """The backends of a home folder with a user file, and of an environment."""
    environ = {"HOME": str(folder), **(environ or {})}
    file = folder / ".config" / "akmon" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(user)
    return backends(load({}, environ=environ, cwd=folder, root=folder).settings, environ)


def test_settings_and_models_know_the_same_providers() -> None:
    assert PROVIDERS == resolve.PROVIDERS
    assert list(FIELDS) == list(ACCESS)


def test_every_setting_of_a_provider_and_every_option_has_its_place() -> None:
    used = {field for each in FIELDS.values() for field in (each.key, each.url, *each.options.values())}
    provider = ("_key", "_token", "_url", "_endpoint", "_version", "aws_region", "aws_profile")
    expected = {
        key
        for key in config.FIELDS
        if key.endswith(provider) or key.startswith(("ollama", "bedrock"))
        if not key.startswith("web_search")
    }
    assert used | {"azure_openai_ad_token"} == expected


@pytest.mark.parametrize(("provider", "name", "variable"), VARIABLES)
def test_a_variable_says_the_same_to_the_program_as_to_the_library(
    tmp_path: Path, provider: str, name: str, variable: str
) -> None:
    environ = {variable: VALUES[name]}
    found = configured(tmp_path, environ=environ)
    assert found == backends_from_env(environ)
    assert list(found) == [provider]
    check_backend(provider, found[provider])


def test_of_an_access_key_of_aws_only_its_presence_is_told(tmp_path: Path) -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKIACANARY", "AWS_SECRET_ACCESS_KEY": "canary"}
    for found in (configured(tmp_path, environ=environ), backends_from_env(environ)):
        assert found == {"bedrock": Backend(options={"access_key": "set"})}
    assert configured(tmp_path, environ={"AWS_ACCESS_KEY_ID": ""}) == {}


def test_nothing_configured_is_nothing(tmp_path: Path) -> None:
    assert configured(tmp_path) == {}
    assert configured(tmp_path, environ={"AKMON_BEDROCK": "false"}) == {}


@pytest.mark.parametrize("provider", FIELDS)
def test_a_key_may_have_a_source_at_every_provider_and_is_not_fetched(tmp_path: Path, provider: str) -> None:
    made = tmp_path / "made"
    key = FIELDS[provider].key
    backend = configured(tmp_path, f'{key} = "command:touch {made}"\n')[provider]
    assert backend.fetch_key == CommandKey(("touch", str(made)))
    assert (backend.api_key, backend.has_key) == ("", True)
    backend = configured(tmp_path, f'{key} = "keyring:akmon/{provider}"\n')[provider]
    assert backend.fetch_key == KeyringKey("akmon", provider)
    assert not made.exists()


def test_a_key_in_the_environment_takes_the_place_of_a_source(tmp_path: Path) -> None:
    found = configured(tmp_path, 'groq_api_key = "command:false"\n', {"GROQ_API_KEY": "sk-key"})
    assert found == {"groq": Backend("sk-key")}


def test_an_entra_token_goes_before_a_key_of_azure(tmp_path: Path) -> None:
    address = 'azure_openai_endpoint = "https://me.openai.azure.com"\nazure_openai_api_key = "sk-key"\n'
    fetched = configured(tmp_path, address + 'azure_openai_ad_token = "command:az token"\n')["azure"]
    assert (fetched.api_key, fetched.fetch_key) == ("", CommandKey(("az", "token")))
    assert fetched.options == {"auth": "entra"}
    literal = configured(tmp_path, address + 'azure_openai_ad_token = "ey"\n')["azure"]
    assert literal == Backend("", "https://me.openai.azure.com", options={"ad_token": "ey"})
    key = configured(tmp_path, address)["azure"]
    assert (key.api_key, key.options) == ("sk-key", {})


def test_headers_go_to_their_provider_alone(tmp_path: Path) -> None:
    user = 'openai_api_key = "o"\ngroq_api_key = "g"\n[headers.openai]\nX-Team = "blue"\nX-Cost = "7"\n'
    found = configured(tmp_path, user)
    assert found["openai"].headers == {"X-Team": "blue", "X-Cost": "7"}
    assert found["groq"] == Backend("g")
    assert "blue" not in repr(found)


def test_certificates_are_for_all_providers_and_configure_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    file = str(tmp_path / "ca.pem")
    found = configured(tmp_path, 'ca_file = "~/ca.pem"\ngroq_api_key = "g"\n')
    # Bedrock may be asked with what AWS's own files say.
    assert found == {"bedrock": Backend(ca_file=file), "groq": Backend("g", ca_file=file)}
    (tmp_path / "ca.pem").unlink()
    with pytest.raises(SettingsError, match=r"ca.pem is no file. Name one with certificates \(PEM\)"):
        configured(tmp_path, 'ca_file = "~/ca.pem"\n')


def test_the_real_environment_is_asked_for_an_access_key_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIACANARY")
    loaded = load({}, environ={"HOME": str(tmp_path)}, cwd=tmp_path, root=tmp_path)
    assert backends(loaded.settings)["bedrock"].options == {"access_key": "set"}
