"""The rules in force, by the layers that they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from akmon_core.permissions import Rule

if TYPE_CHECKING:
    from akmon_config.sources import Level

LayerKind: TypeAlias = Literal["profile", "pack", "user", "saved", "project", "environment", "flag"]


@dataclass(frozen=True)
class Layer:
    """The rules of one source, in the order in which they stand there."""

    kind: LayerKind
    rules: tuple[Rule, ...]


def layer(kind: LayerKind, *levels: Level) -> Layer:
    return Layer(kind, tuple(rule for level in levels for rule in _rules(level)))


class Layered(Protocol):
    """What settings were loaded with: ``akmon_config.load.Loaded``."""

    @property
    def layers(self) -> tuple[Layer, ...]: ...


def effective_rules(loaded: Layered) -> tuple[Rule, ...]:
    """Every rule in force with its origin, those of the strongest layer first.

    Deny beats ask beats allow wherever they stand; the order decides whose message is shown. A rule that
    several layers have stands once.
    """
    return tuple(_once(rule for each in reversed(loaded.layers) for rule in each.rules))


def _once(rules: Iterable[Rule]) -> Iterator[Rule]:
    seen: set[tuple[str, str, str]] = set()
    for rule in rules:
        key = (rule.tool, rule.pattern, rule.decision)
        if key not in seen:
            seen.add(key)
            yield rule


def _rules(level: Level) -> Iterator[Rule]:
    from akmon_config.ruletables import RuleTable, as_rule, made_rule

    tables = level.values.get("rules")
    if isinstance(tables, list):
        for table in tables:
            assert isinstance(table, RuleTable)
            yield as_rule(table, level.origins["rules"])
    for decision in _DECISIONS:
        texts = level.values.get(decision)
        if isinstance(texts, list):
            yield from (made_rule(str(text), decision, origin=level.origins[decision]) for text in texts)


_DECISIONS: tuple[Literal["deny"], Literal["ask"], Literal["allow"]] = ("deny", "ask", "allow")
