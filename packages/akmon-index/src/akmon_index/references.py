"""Finds the names that a file defines, and those that it uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from akmon_index.languages import is_parsed, language_of
from akmon_index.limits import INDEX_NESTING, INDEX_SYMBOL_CHARS

if TYPE_CHECKING:
    from tree_sitter import Node, Query

_NAMES = ("identifier", "constant", "name", "word", "variable_name")
"""How the types of nodes end that are names; ``name`` of PHP and ``word`` of Bash are whole types."""


class Symbols(msgspec.Struct, frozen=True):
    """The names of one file, without what they stand in."""

    definitions: tuple[str, ...] = ()
    """Sorted, each once."""
    references: Counter[str] = msgspec.field(default_factory=Counter)


def symbols_of(path: str, text: str) -> Symbols:
    """Of a file in a language that is known; of another none. Pure, and never raises on any text."""
    from akmon_index.syntax import parse

    language = language_of(path)
    # The same text as chunks are made of, so that it is parsed once.
    tree = parse(language, text.replace("\r\n", "\n")) if is_parsed(language) else None
    if tree is None:
        return Symbols()
    defined = Counter(_defined(tree.root_node))
    used = Counter(_used(language, tree.root_node))
    used.subtract(defined)
    return Symbols(tuple(sorted(defined)), +used)


def _defined(node: Node, depth: int = 0) -> Iterator[str]:
    """What other files can name: not what is within a function."""
    from akmon_index.syntax import Definition, declared_name, parts

    for part in parts(node):
        if not isinstance(part, Definition):
            name = declared_name(part.node)
        else:
            name = part.name
            if part.kind == "class" and part.body is not None and depth < INDEX_NESTING:
                yield from _defined(part.body, depth + 1)
        if name := name.rpartition(".")[2]:
            yield name


def _used(language: str, root: Node) -> Iterator[str]:
    from tree_sitter import QueryCursor

    query = _query(language)
    if query is None:
        return
    for node in QueryCursor(query).captures(root).get("name", ()):
        if 1 < node.end_byte - node.start_byte <= INDEX_SYMBOL_CHARS:
            yield (node.text or b"").decode(errors="replace").lstrip("$#@")


@cache
def _query(language: str) -> Query | None:
    """For the nodes that are names, as the grammar calls them."""
    from tree_sitter import Query

    from akmon_index.syntax import grammar

    known = grammar(language)
    kinds = (known.node_kind_for_id(number) for number in range(known.node_kind_count))
    named = {
        kind
        for number, kind in enumerate(kinds)
        if kind
        and known.node_kind_is_named(number)
        and known.node_kind_is_visible(number)
        and (kind in _NAMES or kind.endswith("_identifier"))
        and kind not in {"qualified_identifier", "scoped_identifier", "nested_identifier"}
    }
    return Query(known, f"[{' '.join(f'({kind})' for kind in sorted(named))}] @name") if named else None
