"""The environment of commands that the model runs: the person's own, without its secrets, without prompts."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache

SECRETS = (
    "*_KEY",
    "*API_KEY",
    "*API_KEY_*",
    "*ACCESS_KEY_ID",
    "*SECRET",
    "*SECRET_*",
    "*TOKEN",
    "*PASSWORD*",
    "*PASSWD",
    "*_PWD",
    "*CREDENTIALS",
    "AWS_BEARER_TOKEN_*",
    "AWS_SESSION_*",
)
"""Names, in upper case, of variables that a command does not get. This is the one place with that rule."""

_SET = {
    "AKMON": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "PAGER": "cat",
    "TERM": "dumb",
    "NO_COLOR": "1",
}


def command_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """``inherited`` as a command may see it."""
    return {name: value for name, value in inherited.items() if not is_secret(name)} | _SET


@cache  # the same names are asked about before every command
def is_secret(name: str) -> bool:
    return any(fnmatchcase(name.upper(), pattern) for pattern in SECRETS)
