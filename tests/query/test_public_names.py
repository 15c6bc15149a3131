"""What the library offers: every public name exists, says what it is, and is typed."""

from __future__ import annotations

import inspect
import typing

import pytest

import akmon_query

ALIASES = {"Command", "Effort", "Event", "Message", "Mode", "SandboxChoice"}
"""Unions and literals, which cannot carry a docstring."""
NAMES = sorted(set(akmon_query.__all__) - ALIASES - {"__version__"})


def test_the_list_of_public_names_is_sorted_without_doubles_and_complete() -> None:
    assert list(akmon_query.__all__) == sorted(set(akmon_query.__all__))
    assert {name for name in akmon_query.__all__ if not hasattr(akmon_query, name)} == set()
    offered = {
        name
        for name, value in vars(akmon_query).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }
    assert offered <= set(akmon_query.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_a_docstring_of_its_own(name: str) -> None:
    value = getattr(akmon_query, name)
    own = value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__
    assert own
    assert own.strip()


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_typed_all_over(name: str) -> None:
    value = getattr(akmon_query, name)
    functions = [value]
    if inspect.isclass(value):
        assert typing.get_type_hints(value) is not None
        own = vars(value).items()
        functions = [f for key, f in own if inspect.isfunction(f) and not key.startswith("_")]
    for function in functions:
        hints = typing.get_type_hints(function)
        parameters = [key for key in inspect.signature(function).parameters if key != "self"]
        assert set(hints) == {*parameters, "return"}, function


@pytest.mark.parametrize("name", sorted(ALIASES))
def test_a_public_alias_names_its_alternatives(name: str) -> None:
    assert typing.get_args(getattr(akmon_query, name))


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert akmon_query.__version__ == version("akmon-query")
