"""Which embedding model is used, by environment, ``index.toml``, or what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import SettingsError
from akmon_core.plugins import Workplace
from akmon_index.limits import INDEX_CONFIG_BYTES
from akmon_index.models import Choice, chosen, installed, needed, parse_choice


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(
        root=str(tmp_path), cache="", config=str(tmp_path), withheld=lambda _: False, learn=lambda _: None
    )


def write(place: Workplace, text: str) -> None:
    (Path(place.config) / "index.toml").write_text(text)


def test_nothing_is_named_where_nothing_is_said(place: Workplace) -> None:
    assert chosen(place, {}) is None


def test_the_file_names_a_model_and_its_server(place: Workplace) -> None:
    write(place, '# mine\nmodel = "ollama:nomic-embed-text:v1.5"\nurl = "http://box:11434"\n')
    assert chosen(place, {}) == Choice(
        kind="ollama",
        name="nomic-embed-text:v1.5",
        url="http://box:11434",
        origin=str(Path(place.config) / "index.toml"),
    )


def test_the_environment_comes_before_the_file(place: Workplace) -> None:
    write(place, 'model = "ollama:m"\nurl = "http://box:11434"\n')
    found = chosen(place, {"AKMON_INDEX_MODEL": "openai:e", "AKMON_INDEX_URL": "https://example.com/v1"})
    assert found
    assert (found.spec, found.url, found.origin) == (
        "openai:e",
        "https://example.com/v1",
        "AKMON_INDEX_MODEL",
    )
    again = chosen(place, {"AKMON_INDEX_URL": "http://other"})
    assert again
    assert (again.spec, again.url) == ("ollama:m", "http://other")


def test_what_runs_here_has_no_server(place: Workplace) -> None:
    write(place, 'model = "hashed"\nurl = "http://box"\n')
    assert chosen(place, {}) == parse_choice("hashed", origin=str(Path(place.config) / "index.toml"))


@pytest.mark.parametrize("spec", ["bert", "ollama:", "openai", "hashed:x", ":m", "OLLAMA:m", "\x1b[31m"])
def test_what_is_no_model_is_refused_with_what_there_is(place: Workplace, spec: str) -> None:
    with pytest.raises(SettingsError, match="AKMON_INDEX_MODEL says") as caught:
        chosen(place, {"AKMON_INDEX_MODEL": spec})
    assert "sentence-transformers:NAME" in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("model = ", "is not valid TOML"),
        ("model = 1", "model must be text in quotes"),
        ('modle = "x"', "there is no setting 'modle'. There are: model, url"),
        ("\udcff", "is not valid TOML"),
        ("#" * (INDEX_CONFIG_BYTES + 1), "is larger than"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(place: Workplace, text: str, wanted: str) -> None:
    path = Path(place.config) / "index.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(SettingsError, match=r"index\.toml") as caught:
        chosen(place, {})
    assert wanted in str(caught.value)


@given(st.sampled_from(["sentence-transformers", "static", "ollama", "openai"]), st.text(min_size=1))
def test_a_model_is_named_as_it_was_read(kind: str, name: str) -> None:
    if name.strip():
        choice = parse_choice(f"{kind}:{name.strip()}")
        assert parse_choice(choice.spec) == choice


def test_without_any_model_it_is_said_how_to_have_one(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AKMON_INDEX_MODEL", raising=False)
    if installed("sentence-transformers"):
        assert needed(place).kind == "sentence-transformers"
        return
    with pytest.raises(SettingsError) as caught:
        needed(place)
    assert "pip install 'akmon[semantic]'" in str(caught.value)
    assert str(Path(place.config) / "index.toml") in str(caught.value)
