"""docs/providers.md says what the program does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from akmon_cli.args import MODEL, RUN
from akmon_models.backend import ACCESS
from akmon_models.catalog import catalog
from akmon_models.rules import RULES
from tests.e2e.program import Place

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/providers.md").read_text(encoding="utf-8")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path.resolve())
    yield place
    place.end()


def test_the_order_of_the_providers_is_the_one_that_is_followed() -> None:
    assert re.findall(r"^\d\. `([\w-]+)`:", TEXT, re.MULTILINE) == list(RULES) == list(ACCESS)


def test_every_variable_of_a_provider_is_named() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", TEXT, re.MULTILINE))
    assert rows.keys() == ACCESS.keys()
    for provider, access in ACCESS.items():
        for variable in (access.key, access.url, *access.options.values()):
            assert f"`{variable}`" in rows[provider], (provider, variable)


def test_the_defaults_are_in_their_order() -> None:
    (named,) = re.findall(r"the first provider that is configured: (.*)\.$", TEXT, re.MULTILINE)
    assert re.findall("`(.*?)`", named) == list(catalog().defaults)


def test_every_flag_that_is_named_is_one() -> None:
    flags = {flag for flags, _ in (*RUN, *MODEL) for flag in flags}
    own = {"--json"}  # of the subcommands that are described
    assert set(re.findall(r"--[a-z][a-z-]+", TEXT)) <= flags | own


def test_the_example_of_a_trace_is_a_real_one(place: Place) -> None:
    (example,) = re.findall(r"^\$ OPENROUTER_API_KEY=\.\.\. akmon (.*)\n([^`]*)```$", TEXT, re.MULTILINE)
    ran = place.akmon(*example[0].split(), env={"OPENROUTER_API_KEY": "key"})
    assert ran.out == example[1]
