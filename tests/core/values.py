"""Makes hypothesis strategies for the core's values from their own type annotations."""

from __future__ import annotations

import types
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st

LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(0, 2**40),
    float: st.floats(0, 1e9),
    bool: st.booleans(),
    type(None): st.none(),
}


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of a struct, a union, a ``Literal``, a ``tuple[X, ...]``, a ``dict`` or a plain type."""
    if annotation in LEAVES:
        return LEAVES[annotation]
    match get_origin(annotation):
        case origin if origin in (types.UnionType, Union):
            return st.one_of([values(one) for one in get_args(annotation)])
        case origin if origin is Literal:
            return st.sampled_from(get_args(annotation))
        case origin if origin is tuple:
            return st.lists(values(get_args(annotation)[0]), max_size=3).map(tuple)
        case origin if origin is dict:
            return st.dictionaries(*map(values, get_args(annotation)), max_size=3)
        case _:
            fields = msgspec.structs.fields(annotation)
            return st.builds(annotation, **{field.name: values(field.type) for field in fields})
