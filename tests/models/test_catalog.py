"""What is known of models, and what is assumed of the others."""

from __future__ import annotations

from datetime import date

import pytest

from akmon_core.models import ModelRow, Prices
from akmon_core.stream import Usage
from akmon_models.catalog import UNKNOWN_OUTPUT, UNKNOWN_WINDOW, catalog, facts, matches, row


def test_a_known_model_has_its_window_and_its_prices() -> None:
    known = facts("anthropic", "claude-sonnet-4-5-20250929")
    assert (known.context_window, known.max_output) == (200_000, 50_000)
    assert known.prices == Prices(input=3, output=15, cache_read=0.3, cache_write=3.75)
    assert known.prices.cost(Usage(input_tokens=1_000_000, output_tokens=100_000)) == 4.5


def test_an_unknown_model_is_unpriced_and_small() -> None:
    unknown = facts("openai-compatible", "my-own-model")
    assert (unknown.context_window, unknown.max_output) == (UNKNOWN_WINDOW, UNKNOWN_OUTPUT)
    assert unknown.prices is None


def test_a_price_holds_only_at_the_provider_that_asks_it() -> None:
    elsewhere = facts("openai-compatible", "anthropic/claude-sonnet-4-5")
    assert elsewhere.prices is None
    assert elsewhere.context_window == facts("anthropic", "claude-sonnet-4-5").context_window


@pytest.mark.parametrize(
    ("model", "match"),
    [
        ("claude-opus-5-5", "claude-opus-5-5*"),
        ("claude-opus-5", "claude-opus-5*"),
        ("claude-opus-4-1-20250805", "claude-opus-4*"),
        ("claude-opus-4-7", "claude-opus-4-[78]*"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4*"),
        ("amazon.nova-pro-v1:0", "nova-*"),
        ("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini*"),
        ("gpt-oss:20b", "gpt-oss*"),
        ("o3-mini", "o[134]*"),
        ("Qwen/Qwen3-Coder-480B", "qwen3*"),
    ],
)
def test_the_first_matching_row_is_the_right_one(model: str, match: str) -> None:
    known = next(r for r in catalog().model if matches(r, model))
    assert known.match == match


@pytest.mark.parametrize("known", catalog().model, ids=lambda known: known.match)
def test_each_row_can_be_reached_and_leaves_room_for_the_prompt(known: ModelRow) -> None:
    sample = known.match.replace("[78]", "7").replace("[134]", "1").replace("[123]", "2").replace("*", "-x")
    assert next(r for r in catalog().model if matches(r, sample)) is known
    told = facts("anthropic", sample)
    assert 0 < told.max_output <= told.context_window // 4


def test_each_field_is_that_of_the_first_row_that_says_it() -> None:
    mine = ModelRow(match="claude-opus-5-5*", window=50_000, price=(1, 2, 3, 4))
    known = row("bedrock", "claude-opus-5-5", [mine])
    assert (known.window, known.price) == (50_000, (1, 2, 3, 4))
    assert known.efforts == row("anthropic", "claude-opus-5-5").efforts
    assert facts("bedrock", "claude-opus-5-5", [mine]).max_output == 12_500


def test_a_row_without_a_price_leaves_a_model_unpriced_not_free() -> None:
    assert not facts("openai", "gpt-4o-2024-05-13").priced
    assert facts("openrouter", "whoever/whatever").priced  # it tells what each reply cost


def test_the_catalog_is_dated_and_its_defaults_are_priced() -> None:
    date.fromisoformat(catalog().date)
    for provider, model in catalog().defaults.items():
        assert facts(provider, model).priced
