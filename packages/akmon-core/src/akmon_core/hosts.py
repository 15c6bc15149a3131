"""Matches hosts and URLs with the patterns of rules, part by part, so that no part can pose as another."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

_URL = re.compile(r"(https?)://([^/?#@\\\s]+)((?:[/?].*)?)", re.IGNORECASE | re.DOTALL)
_URL_PATTERN = re.compile(r"(https?|\*)://([^/?#@\\\s]+)((?:[/?].*)?)", re.IGNORECASE)
_HOST_PATTERN = re.compile(
    r"(?:\*|(?:\*\.)?(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\.)*[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
    r"|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
)
_PORT = re.compile(r"(.*?)(?::([0-9]+))?")
_USUAL = {"http": 80, "https": 443}


def checked_address(pattern: str, *, url: bool) -> str:
    """What is wrong with the pattern of a rule about hosts, or also URLs; empty if nothing is."""
    if pattern == "*":
        return ""
    host = pattern
    if url and "://" in pattern:
        found = _URL_PATTERN.fullmatch(pattern)
        if found is None:
            return "is no URL: write https://HOST/PATH, where the path may hold a *"
        host = found[2]
    if not _HOST_PATTERN.fullmatch(host) or len(host) > 260:
        kinds = (
            "a host, *.HOST for its subdomains, or a URL" if url else "a host, or *.HOST for its subdomains"
        )
        return f"must name {kinds}, in ASCII"
    return ""


def matches_url(pattern: str, url: str, *, strict: bool) -> bool:
    """Whether a URL in normal form is one that ``pattern`` is about.

    With ``strict``, as for a rule that allows, a host without a port means the usual ports only, and what is
    no plain URL never matches; else it means every port, and what is no plain URL always matches.
    """
    found = _URL.fullmatch(url)
    if found is None:
        return not strict
    scheme, place, rest = found[1].lower(), found[2], found[3] or "/"
    wanted = _URL_PATTERN.fullmatch(pattern)
    if wanted is None:
        return matches_host(pattern, place, strict=strict, usual=_USUAL[scheme])
    if wanted[1] not in ("*", scheme) and wanted[1].lower() != scheme:
        return False
    if not matches_host(wanted[2], place, strict=strict, usual=_USUAL[scheme]):
        return False
    return not wanted[3] or fnmatchcase(rest, wanted[3])


def matches_host(pattern: str, place: str, *, strict: bool, usual: int = 443) -> bool:
    """Whether ``place``, ``HOST`` or ``HOST:PORT``, is what a pattern such as ``*.python.org`` is about.

    ``*.`` stands for one or more labels before a dot, never for the name itself. ``usual`` is the port that a
    place without one has; for ``strict`` see ``matches_url``.
    """
    wanted, wanted_port = _split(pattern)
    host, port = _split(place)
    if wanted_port:
        if int(wanted_port) != int(port or usual):
            return False
    elif strict and port and int(port) not in (80, 443) and pattern != "*":
        return False
    wanted, host = wanted.lower().removesuffix("."), host.lower().removesuffix(".")
    if wanted == "*":
        return True
    if wanted.startswith("*."):
        return host.endswith(wanted[1:]) and len(host) > len(wanted) - 1
    return host == wanted


def _split(place: str) -> tuple[str, str]:
    found = _PORT.fullmatch(place) if not place.endswith("]") else None
    return (found[1], found[2] or "") if found else (place, "")
