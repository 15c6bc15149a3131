"""One setting is written into the user's file, and nothing else in it changes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_config.about import ABOUT
from akmon_config.edit import SIMPLE, save_value
from akmon_config.settings import FIELDS
from akmon_core.errors import SettingsError

FILE = """\
# mine
model = "old"  # the large one
max_turns = 7

# what I allow
allow = ["read(a)"]

[headers.openai]
model = "not this one"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "akmon" / "config.toml"
    path.parent.mkdir()
    path.write_text(FILE)
    return path


def test_every_setting_is_told_of_in_a_few_words() -> None:
    assert tuple(ABOUT) == FIELDS
    assert set(SIMPLE) <= set(FIELDS)


def test_a_value_is_changed_where_it_stands_with_its_comment(path: Path) -> None:
    save_value(path, "model", 'ollama/a "b" \\ ü')
    text = path.read_text()
    assert text == FILE.replace('"old"', '"ollama/a \\"b\\" \\\\ ü"')


def test_a_new_value_stands_above_the_first_table(path: Path) -> None:
    save_value(path, "vim", "on")
    save_value(path, "theme", "light")
    text = path.read_text()
    assert text == FILE.replace('allow = ["read(a)"]\n', 'allow = ["read(a)"]\nvim = true\ntheme = "light"\n')
    save_value(path, "vim", "false")
    assert path.read_text() == text.replace("vim = true", "vim = false")
    save_value(path, "vim", "")
    save_value(path, "theme", "")
    save_value(path, "effort", "")
    assert path.read_text() == FILE


def test_a_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    save_value(path, "notify", "bell")
    assert path.read_text() == 'notify = "bell"\n'
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("theme", "pink", "theme: it should be 'auto'"),
        ("vim", "perhaps", "vim: it should be a valid boolean"),
        ("model", "a\x1b[2J", "model: it should be text on one line"),
        ("openai_api_key", "sk-canary", "openai_api_key cannot be set from here"),
        ("nonsense", "x", "nonsense cannot be set from here"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(path: Path, key: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        save_value(path, key, value)
    assert words in str(refused.value)
    assert "sk-canary" not in str(refused.value)
    assert path.read_text() == FILE


@pytest.mark.parametrize(
    "text",
    [
        'model = """\nold"""\n',
        'text = """\nmodel = "inside"\n"""\n',
        "theme = [\n",
        "model = 5\n[headers]\nx = 1\n",
    ],
)
def test_a_file_that_is_not_understood_is_left_alone(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError):
        save_value(path, "model", "new" if "5" not in text else "")
    assert path.read_text() == text


lines = st.lists(
    st.sampled_from(
        ["# model = 1", "", "max_turns = 3", "ask = ['read(x)']", 'provider = "groq" # model = "y"', "  "]
    ),
    unique=True,
)


@given(lines, st.sampled_from(["model = 'x'", 'model="x" # c', ' model  =  "x"\t', ""]))
def test_whatever_stands_around_it_stays(before: list[str], line: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.toml")
        path.write_text("\n".join([*before, line]))
        then = tomllib.loads(path.read_text())
        save_value(path, "model", "new")
        assert tomllib.loads(path.read_text()) == {**then, "model": "new"}
        kept = path.read_text().splitlines()
        assert [each for each in before if each.strip()] == [
            each for each in kept if each.strip() and not each.strip().startswith("model")
        ]
