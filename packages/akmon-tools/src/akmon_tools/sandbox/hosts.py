"""Says which hosts commands may reach: what the rules for ``network`` open, and at which addresses."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import ip_address

import msgspec

from akmon_core.errors import SettingsError, ToolError
from akmon_core.permissions import Rule
from akmon_tools.addresses import literal, not_public
from akmon_tools.urls import authority, host_and_port, host_name

TOOL = "network"
USUAL_PORTS = (80, 443)
"""What a rule opens that names no port."""


class Ruling(msgspec.Struct, frozen=True):
    """What the rules say about a host at a port."""

    allowed: bool
    rule: str = ""
    """The one that decides; empty if none concerns it."""
    named: bool = False
    """The rule names this very host and this very port."""


class _Pattern(msgspec.Struct, frozen=True):
    rule: Rule
    host: str
    """In normal form; empty is any."""
    port: int = 0
    """0 is the usual ones, where it opens, and all of them, where it closes."""
    below: bool = False
    """The hosts below ``host``, without itself."""

    def concerns(self, host: str, port: int) -> bool:
        closing = self.rule.decision != "allow"
        ports = port == self.port if self.port else closing or port in USUAL_PORTS
        hosts = host.endswith(f".{self.host}") if self.below else self.host in ("", host)
        return ports and hosts


class Hosts:
    """The hosts that ``rules`` open. Raises ``SettingsError`` for a rule that cannot be understood.

    A rule that says ``ask`` closes like one that says ``deny``, as nobody can be asked in the middle of a
    command.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        patterns = [pattern for rule in rules if (pattern := _read(rule))]
        self._closing = [pattern for pattern in patterns if pattern.rule.decision != "allow"]
        self._opening = [pattern for pattern in patterns if pattern.rule.decision == "allow"]

    def __bool__(self) -> bool:
        """Whether there is a rule that opens any."""
        return bool(self._opening)

    @property
    def local(self) -> bool:
        """Whether a rule opens something on the person's own machine."""
        return any(is_local(pattern.host) for pattern in self._opening if pattern.port)

    def ruling(self, host: str, port: int) -> Ruling:
        """``host`` is in normal form."""
        for pattern in self._closing:
            if pattern.concerns(host, port):
                return Ruling(False, str(pattern.rule))
        found = [pattern for pattern in self._opening if pattern.concerns(host, port)]
        if not found:
            return Ruling(False)
        named = next((each for each in found if each.port and each.host == host and not each.below), None)
        return Ruling(True, str((named or found[0]).rule), named is not None)

    def unfit(self, host: str, port: int, address: str) -> str:
        """Why ``host``, which is allowed, may not be reached at ``address``; empty if it may.

        What is not public has to be named with its port, and a name leads to this machine only if it is one
        of its own: whoever owns another name decides where that leads.
        """
        if (closed := self.ruling(address, port)).rule and not closed.allowed:
            return f"closed by the rule {closed.rule}"
        kind = not_public(ip_address(address))
        named = self.ruling(host, port).named
        if not kind or (named and literal(host)):
            return ""
        if named and kind == ("loopback" if is_local(host) else "private"):
            return ""
        return f"a {kind} address"


def pattern_for(host: str, port: int) -> str:
    """The rule that would open ``host`` at ``port``, without the tool's name."""
    return host if port in USUAL_PORTS and not literal(host) else authority(host, port)


def is_local(host: str) -> bool:
    """Whether it names this machine."""
    address = literal(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _read(rule: Rule) -> _Pattern | None:
    """None for a rule that is not about hosts. Only one of this very tool opens any."""
    if rule.tool != TOOL:
        if rule.decision == "allow" or not fnmatchcase(TOOL, rule.tool):
            return None
        try:
            return _pattern(rule)
        except ToolError:  # it is about the paths or commands of other tools
            return None
    try:
        return _pattern(rule)
    except ToolError as error:
        where = f" ({rule.origin})" if rule.origin else ""
        raise SettingsError(
            f"the rule {rule}{where} cannot be understood: {error} Write network(HOST), network(*.DOMAIN) or "
            "network(HOST:PORT)."
        ) from None


def _pattern(rule: Rule) -> _Pattern:
    text = rule.pattern
    if text in ("", "*"):
        return _Pattern(rule, "")
    below = text.startswith("*.")
    text = text.removeprefix("*.")
    if text.count(":") > 1 and "[" not in text:
        return _Pattern(rule, host_name(text), 0, below)
    host, port = host_and_port(text)
    if below and literal(host):
        raise ToolError("there is nothing below an address.")
    return _Pattern(rule, host, port, below)
