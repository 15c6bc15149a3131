"""The rules in force here, what keeps new ones, and the policy that they are part of."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from akmon_config.load import Loaded, saved_rules_file
from akmon_config.paths import config_file
from akmon_config.policy import Layer
from akmon_config.savedrules import SavedRules


def rule_store(root: Path, environ: Mapping[str, str] = os.environ) -> SavedRules:
    """Where rules of the project at the canonical ``root`` are saved; a ``RuleStore``.

    Raises ``SettingsError`` if there is no place for it.
    """
    return SavedRules(saved_rules_file(config_file(environ).parent), root)


def layers_by_strength(loaded: Loaded) -> tuple[Layer, ...]:
    """Strongest first, without those that say nothing."""
    return tuple(layer for layer in reversed(loaded.layers) if layer.rules)
