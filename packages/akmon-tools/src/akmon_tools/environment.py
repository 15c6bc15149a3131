"""The environment of commands that the model runs: what programs need of the person's own, and no secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache

from akmon_core.limits import SHELL_ENVIRONMENT_BYTES, SHELL_VARIABLE_BYTES

ALLOWED = (
    # who and where
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "OLDPWD",
    "HOSTNAME",
    "TMPDIR",
    "TMP",
    "TEMP",
    "XDG_*_HOME",
    "XDG_*_DIRS",
    # language, time, terminal
    "LANG",
    "LANGUAGE",
    "LC_*",
    "LOCALE_ARCHIVE*",
    "TZ",
    "TZDIR",
    "TERMINFO*",
    "COLUMNS",
    "LINES",
    "CLICOLOR*",
    "FORCE_COLOR",
    "MANPATH",
    "INFOPATH",
    "CI",
    "SOURCE_DATE_EPOCH",
    # compilers and builds
    "CC",
    "CXX",
    "CPP",
    "LD",
    "AR",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "LIBRARY_PATH",
    "PKG_CONFIG*",
    "ACLOCAL_PATH",
    "MAKEFLAGS",
    "MAKELEVEL",
    "CMAKE_*",
    "NIX_*",
    "CUDA_*",
    "OMP_*",
    "MKL_*",
    "SDKROOT",
    "DEVELOPER_DIR",
    "MACOSX_DEPLOYMENT_TARGET",
    "HOMEBREW_PREFIX",
    "HOMEBREW_CELLAR",
    "HOMEBREW_REPOSITORY",
    # languages
    "VIRTUAL_ENV*",
    "CONDA*",
    "PYENV*",
    "PYTHON*",
    "PIP_*",
    "UV_*",
    "POETRY_*",
    "PIPENV_*",
    "NODE*",
    "NVM*",
    "NPM_CONFIG_*",
    "PNPM_HOME",
    "YARN_*",
    "COREPACK_*",
    "VOLTA_HOME",
    "FNM_*",
    "BUN_INSTALL",
    "DENO_*",
    "JAVA_HOME",
    "JDK_HOME",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "CLASSPATH",
    "MAVEN_*",
    "M2_HOME",
    "GRADLE_*",
    "SDKMAN_*",
    "KOTLIN_HOME",
    "ANDROID_*",
    "GO*",
    "CGO_*",
    "CARGO*",
    "RUST*",
    "GEM_*",
    "BUNDLE_*",
    "RBENV_*",
    "RUBY*",
    "PERL*",
    "COMPOSER_*",
    "PHP*",
    "DOTNET_*",
    "GHCUP_*",
    "STACK_ROOT",
    "OPAM*",
    "JULIA_*",
    "R_*",
    "ASDF_*",
    "MISE_*",
    # git
    "EMAIL",
    "GIT_AUTHOR_*",
    "GIT_COMMITTER_*",
    "GIT_SSL_*",
    # proxies and certificates
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    # names of places, not keys to them
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    # Windows and WSL
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "USERNAME",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES*",
    "COMMONPROGRAMFILES*",
    "PROCESSOR_*",
    "NUMBER_OF_PROCESSORS",
    "MSYSTEM",
    "WSL_DISTRO_NAME",
)
"""Names, in upper case, of variables that a command gets: what programs need to be found and to build.

What is not named may be a key under any name. ``AKMON_CALL`` comes from whoever starts the command.
"""

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
"""Names, in upper case, of variables that a command does not get, whatever else is said of them. This is the
one place with that rule."""

STEERING = (
    # loaders and shells
    "LD_*",
    "DYLD_*",
    "BASH_ENV",
    "ENV",
    "BASH_FUNC_*",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PROMPT_COMMAND",
    # where the shell looks for folders, files and its own parts
    "CDPATH",
    "GLOBIGNORE",
    "EXECIGNORE",
    "BASH_LOADABLES_PATH",
    # options that programs take from there
    "TAR_OPTIONS",
    "LESS",
    "LESSKEY*",
    "MAKEFILES",
    "ZIPOPT",
    # where programs find settings that name other programs
    "HOME",
    "XDG_CONFIG_*",
    "GIT_CONFIG*",
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_EXEC_PATH",
    "GIT_TEMPLATE_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_TRACE*",
    # programs that programs start
    "GIT_EXTERNAL_DIFF",
    "GIT_SSH*",
    "GIT_PROXY_COMMAND",
    "*ASKPASS",
    "*PAGER",
    "*EDITOR",
    "VISUAL",
    "BROWSER",
    "LESSOPEN",
    "LESSCLOSE",
    "RIPGREP_CONFIG_PATH",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    # what interpreters load at their start
    "PERL5OPT",
    "PERL5DB",
    "RUBYOPT",
    "NODE_OPTIONS",
    "PYTHONSTARTUP",
    "PYTHONHOME",
    "PYTHONBREAKPOINT",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
)
"""Names, in upper case, of variables that make other programs run something.

What a command exports under them ends with it: that somebody allowed ``git status`` must not mean another
thing because of an earlier command. PATH and the folders where languages look for modules are carried, as
virtual environments need them. This is the one place with that rule.
"""

_OF_ONE_CALL = ("_", "SHLVL", "PWD", "AKMON_CALL")
"""What bash sets by itself, and the mark of a call."""

_UNATTENDED = {
    "AKMON": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "PAGER": "cat",
    "TERM": "dumb",
    "NO_COLOR": "1",
}
"""What says that akmon reads the output, and that nobody can type anything."""

_SET = _UNATTENDED | {
    # A folder of the project that looks like a repository without a working tree may name programs in its
    # settings, and lies where everybody may write: git uses one only where it is told to.
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.bareRepository",
    "GIT_CONFIG_VALUE_0": "explicit",
}


def command_environment(inherited: Mapping[str, str], more: Sequence[str] = ()) -> dict[str, str]:
    """``inherited`` as a command may see it: what is allowed, or matches a name or pattern in ``more``."""
    patterns = (*ALLOWED, *(name.upper() for name in more))
    kept = {name: value for name, value in inherited.items() if _is_given(name, patterns)}
    if "PATH" in kept:
        kept["PATH"] = _without_relative(kept["PATH"])
    return kept | _SET


def own_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """``inherited`` for a command of the person's own: all of it, but there is no terminal."""
    return {**inherited, **_UNATTENDED}


def _without_relative(path: str) -> str:
    """Without what starts from the folder that a command runs in: anybody may have put a program there."""
    return os.pathsep.join(folder for folder in path.split(os.pathsep) if os.path.isabs(folder))  # noqa: PTH117


def carried(initial: Mapping[str, str], exported: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The environment of the commands after one that left ``exported``, and the names that it loses.

    ``initial`` is that of the first command. A secret that a command exported itself is carried: it is the
    model's own, as those of the person never got there.
    """
    kept: dict[str, str] = {}
    lost: list[str] = []
    room = SHELL_ENVIRONMENT_BYTES
    for name, value in sorted(exported.items(), key=lambda item: len(item[1])):
        if name in _OF_ONE_CALL:
            continue
        size = len(name) + len(value.encode(errors="surrogateescape"))
        changed = initial.get(name) != value
        if changed and (_is_steering(name) or size > min(room, SHELL_VARIABLE_BYTES)):
            lost.append(name)
            continue
        kept[name] = value
        room -= size
    unseen = [name for name in initial if not name.isidentifier()]  # bash hands them on, but does not say so
    unset = [] if "PATH" in exported else ["PATH"]  # bash would take one with the folder that it runs in
    as_before = (*_OF_ONE_CALL, *lost, *unseen, *unset)
    return {**kept, **{name: initial[name] for name in as_before if name in initial}}, sorted(lost)


def secret_values(inherited: Mapping[str, str]) -> tuple[str, ...]:
    """What the variables hold that no command gets."""
    return tuple(value for name, value in inherited.items() if is_secret(name) and value)


@cache
def _is_given(name: str, patterns: tuple[str, ...]) -> bool:
    return not is_secret(name) and any(fnmatchcase(name.upper(), pattern) for pattern in patterns)


@cache
def _is_steering(name: str) -> bool:
    return any(fnmatchcase(name.upper(), pattern) for pattern in STEERING)


@cache  # the same names are asked about before every command
def is_secret(name: str) -> bool:
    return any(fnmatchcase(name.upper(), pattern) for pattern in SECRETS)
