"""Says which hosts commands may reach: what the rules for ``network`` open, and at which addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

import msgspec

from akmon_core.errors import SettingsError, ToolError
from akmon_core.hosts import matches_host
from akmon_core.permissions import Rule
from akmon_core.rules import concerns_tool
from akmon_tools.addresses import literal, not_public
from akmon_tools.urls import authority, host_and_port

TOOL = "network"
_PORT = re.compile(r":[0-9]+\Z")
USUAL_PORTS = (80, 443)
"""What a rule opens that names no port."""


class Ruling(msgspec.Struct, frozen=True):
    """What the rules say about a host at a port."""

    allowed: bool
    rule: str = ""
    """The one that decides; empty if none concerns it."""
    named: bool = False
    """The rule names this very host and this very port."""
    message: str = ""
    """What the rule has to say to whom it closes."""


class Hosts:
    """The hosts that ``rules`` open. Raises ``SettingsError`` for a rule that cannot be understood.

    A rule that says ``ask`` closes like one that says ``deny``, as nobody can be asked in the middle of a
    command.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        about = [(rule, _normal(rule)) for rule in rules if concerns_tool(rule, TOOL)]
        self._closing = [each for each in about if each[0].decision != "allow"]
        # What allows many tools does not mean the network of commands, too.
        self._opening = [each for each in about if each[0].decision == "allow" and each[0].tool == TOOL]

    def __bool__(self) -> bool:
        """Whether there is a rule that opens any."""
        return bool(self._opening)

    @property
    def local(self) -> bool:
        """Whether a rule opens something on the person's own machine."""
        return any(is_local(host_and_port(pattern)[0]) for _, pattern in self._opening if _names_one(pattern))

    def ruling(self, host: str, port: int) -> Ruling:
        """``host`` is in normal form."""
        place = authority(host, port)
        for rule, pattern in self._closing:
            if matches_host(pattern, place, strict=False):
                return Ruling(False, str(rule), message=rule.message)
        found = [each for each in self._opening if matches_host(each[1], place, strict=True)]
        if not found:
            return Ruling(False)
        rule, pattern = next((each for each in found if _names_one(each[1])), found[0])
        return Ruling(True, str(rule), _names_one(pattern))

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


def _names_one(pattern: str) -> bool:
    """Whether it is one host with its port."""
    return "*" not in pattern and bool(_PORT.search(pattern))


def _normal(rule: Rule) -> str:
    """The pattern of a rule with its host in normal form; ``*`` is all."""
    if rule.pattern in ("", "*"):
        return "*"
    if rule.tool != TOOL:  # it may be about the paths or commands of other tools
        return rule.pattern
    below = "*." if rule.pattern.startswith("*.") else ""
    try:
        host, port = host_and_port(rule.pattern.removeprefix(below))
        if below and literal(host):
            raise ToolError("there is nothing below an address.")
    except ToolError as error:
        where = f" ({rule.origin})" if rule.origin else ""
        raise SettingsError(
            f"the rule {rule}{where} cannot be understood: {error} Write network(HOST), network(*.DOMAIN) or "
            "network(HOST:PORT)."
        ) from None
    shown = f"[{host}]" if ":" in host else host
    return f"{below}{shown}:{port}" if port else f"{below}{shown}"
