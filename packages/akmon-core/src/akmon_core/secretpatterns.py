"""What surely is a secret by its form alone: the formats that issuers document, and nothing that is a guess.

Formats are those of the issuers' own documentation, as the rules of gitleaks (version 8) and GitHub's secret
scanning list them. Every pattern begins with a fixed text at the start of a word, and repeats only what is
bounded or possessive, so that a search takes time in proportion to the text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple


class Pattern(NamedTuple):
    """A kind of secret. Group 1, where there is one, is what is secret of the match."""

    kind: str
    leads: tuple[str, ...]
    """A text without any of these has no match."""
    source: str
    """A regular expression. They are compiled when their leads are first seen, as all of them take long."""

    @property
    def regex(self) -> re.Pattern[str]:
        return _compiled(self.source)


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source, re.ASCII)


def _word(kind: str, lead: str, rest: str) -> Pattern:
    """A key that stands as a word of its own: ``lead``, then what matches ``rest``."""
    regex = rf"{re.escape(lead)}(?<![A-Za-z0-9_-]{re.escape(lead)}){rest}"
    return Pattern(kind, (lead,), regex)


_END = r"(?![A-Za-z0-9])"
_VARIED = r"(?=[A-Za-z_/+.=~-]{0,64}[0-9])"
"""A random text of some length has a digit soon; a name or a placeholder mostly has none."""

_GAP = r"""(?:\\[nrt]|[\s"'+,>|\\]){0,64}+"""
"""Between the lines of a key, also where they are written as strings."""
_KEY_BLOCK = (
    r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:{_GAP}(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): ?[^\n\\]{{0,200}}){{0,6}}"
    rf"(?:{_GAP}[A-Za-z0-9+/]{{16,}}+={{0,2}}){{1,4000}}+"
    rf"(?:{_GAP}[A-Za-z0-9+/=]{{1,15}}(?![A-Za-z0-9]))?"
    rf"(?:{_GAP}-----END [A-Z0-9 ]{{0,60}}-----)?"
)

_PLACEHOLDERS = (
    r"(?!(?:p(?:ass)?w(?:or)?d|pass|password\w{0,4}|passwd|pwd|secret|token|key|changeme|foobar|example"
    r"|your[\w-]*|my[\w-]*|user\w*|test\w*|x+|\*+|\.+)@)"
)

PATTERNS: tuple[Pattern, ...] = (
    # --- model providers
    # Anthropic, OpenAI, OpenRouter, and those that copied them
    _word(
        "API key",
        "sk-",
        r"(?:(?:ant|proj|svcacct|admin)-[A-Za-z0-9_-]{20,}+"
        rf"|or-v1-[0-9a-f]{{32,}}+{_END}"
        rf"|{_VARIED}[A-Za-z0-9]{{32,}}+(?![A-Za-z0-9_-]))",
    ),
    _word("Groq key", "gsk_", r"[A-Za-z0-9]{40,}+" + _END),
    _word("xAI key", "xai-", r"[A-Za-z0-9]{60,}+" + _END),
    _word("Perplexity key", "pplx-", r"[A-Za-z0-9]{40,}+" + _END),
    _word("Hugging Face token", "hf_", r"[A-Za-z0-9]{34,}+" + _END),
    _word("Google key", "AIza", r"[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    # --- clouds
    Pattern(
        "AWS key id",
        ("AKIA", "ASIA"),
        rf"A[KS]IA(?<![A-Za-z0-9_-]A[KS]IA)(?![A-Z2-7]{{9}}EXAMPLE)[A-Z2-7]{{16}}{_END}",
    ),
    Pattern(
        "AWS secret",
        ("AKIA", "ASIA"),
        r"""A[KS]IA[A-Z2-7]{16}[ \t"',:;=|]{1,8}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])""",
    ),
    Pattern(
        "AWS secret",
        ("ecret_access_key", "ECRET_ACCESS_KEY", "ecretAccessKey"),
        r"""(?:ecret_access_key|ECRET_ACCESS_KEY|ecretAccessKey)["']?[ \t]{0,9}[:=][ \t]{0,9}["']?"""
        r"(?![A-Za-z0-9/+]{0,33}EXAMPLE)([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
    ),
    _word("DigitalOcean token", "dop_v1_", r"[0-9a-f]{64}" + _END),
    _word("Google OAuth secret", "GOCSPX-", r"[A-Za-z0-9_-]{28}(?![A-Za-z0-9_-])"),
    # --- code hosts and package registries
    Pattern(
        "GitHub token",
        ("ghp_", "gho_", "ghs_", "ghu_", "ghr_"),
        rf"gh[pousr]_(?<![A-Za-z0-9_-]gh[pousr]_)[A-Za-z0-9]{{36,}}+{_END}",
    ),
    _word("GitHub token", "github_pat_", r"[A-Za-z0-9]{22}_[A-Za-z0-9]{40,}+" + _END),
    _word("GitLab token", "glpat-", rf"{_VARIED}[A-Za-z0-9_.-]{{20,}}+"),
    _word("npm token", "npm_", r"[A-Za-z0-9]{36}" + _END),
    _word("PyPI token", "pypi-AgE", r"[A-Za-z0-9_-]{40,}+"),
    _word("Docker token", "dckr_pat_", r"[A-Za-z0-9_-]{20,}+"),
    # --- services
    Pattern(
        "Slack token",
        ("xox",),
        rf"xox[abeprs]-(?<![A-Za-z0-9_-]xox[abeprs]-){_VARIED}[A-Za-z0-9-]{{20,}}+",
    ),
    Pattern(
        "Slack webhook",
        ("hooks.slack.com/services/T",),
        r"hooks\.slack\.com/services/(T[A-Z0-9]{6,14}/B[A-Z0-9]{6,14}/[A-Za-z0-9]{20,30})",
    ),
    Pattern(
        "Stripe key",
        ("k_live_", "k_test_"),
        rf"[rs]k_(?:live|test)_(?<![A-Za-z0-9_-][rs]k_(?:live|test)_)[A-Za-z0-9]{{16,}}+{_END}",
    ),
    _word("SendGrid key", "SG.", r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
    _word("age key", "AGE-SECRET-KEY-1", r"[0-9A-Z]{58}" + _END),
    # --- whatever carries a right, by the place where it stands
    Pattern("private key", ("-----BEGIN ",), _KEY_BLOCK),
    _word("JWT", "eyJ", r"[A-Za-z0-9_-]{10,}+\.eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{16,}+"),
    Pattern(
        "authorization",
        ("uthorization", "UTHORIZATION"),
        r"""(?:uthorization|UTHORIZATION)["']?[ \t]{0,9}[:=][ \t]{0,9}["']?"""
        rf"(?:[Bb]earer|BEARER|[Bb]asic|[Tt]oken)[ \t]{{1,9}}({_VARIED}[A-Za-z0-9._~+/=-]{{16,}}+)",
    ),
    Pattern(
        "API key",
        ("api-key", "Api-Key", "API-K"),
        r"""-(?:api-key|Api-Key|API-Key|API-KEY)["']?[ \t]{0,9}:[ \t]{0,9}["']?"""
        rf"({_VARIED}[A-Za-z0-9._~+/=-]{{20,}}+)",
    ),
    # What is taken for a password has no character that a shell would read as more than text.
    Pattern(
        "password",
        ("://",),
        rf"://[A-Za-z0-9._%+-]{{0,100}}+:{_PLACEHOLDERS}([A-Za-z0-9._~%!*+,=^#?-]{{6,256}}+)@[A-Za-z0-9\[]",
    ),
)
