"""What is decided about a call, and how a rule says so."""

from __future__ import annotations

import msgspec

from akmon_core.rules import Decision, Rule


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    decision: Decision
    reason: str
    """Which mode, rule or grant decides, in words for the model and the person."""
    rule: str = ""
    """The rule that decides, as it is written; empty if none does."""


def by_rule(rule: Rule) -> Verdict:
    """What ``rule`` decides, with what its writer has to say about it."""
    reason = f"the rule {rule} {'allows it' if rule.decision == 'allow' else f'says {rule.decision}'}"
    if rule.message and rule.decision != "allow":
        reason = f"{reason}: {rule.message}"
    return Verdict(rule.decision, reason, str(rule))
