"""Knows which arguments make a program execute, load or write something else than its name promises.

A rule with a ``*`` at its end never stands for such an argument: it has to name it itself.
"""

from __future__ import annotations

import re

import msgspec

from akmon_core.commandline import Words
from akmon_core.tables import names
from akmon_core.wrappers import program


class Hazards(msgspec.Struct, frozen=True):
    """The arguments of one program that a ``*`` does not stand for."""

    long: tuple[str, ...] = ()
    """Long options, also shortened as far as they can be."""
    short: str = ""
    """Letters of short options, anywhere in a bundle."""
    exact: tuple[str, ...] = ()
    """Whole words, and what they begin with."""
    first: tuple[str, ...] = ()
    """Words that say what the program does, if they come right behind its name."""


def _hazards(options: str = "", short: str = "", exact: str = "", first: str = "") -> Hazards:
    long = tuple(f"--{name}" for name in options.split())
    return Hazards(long, short, tuple(exact.split()), tuple(first.split()))


_CONTAINERS = "run exec create start cp commit build buildx container image compose service stack plugin"
_PROGRAMS: dict[str, Hazards] = {
    "find": _hazards(exact="-exec -ok -delete -fprint -fls -files0-from"),
    "fd": _hazards("exec exec-batch", "xX"),
    "rg": _hazards("pre hostname-bin search-zip", "z"),
    "sort": _hazards("output compress-program temporary-directory files0-from", "oT"),
    "tar": _hazards(
        "checkpoint-action use-compress-program to-command info-script new-volume-script rsh-command "
        "rmt-command absolute-names",
        "IFP",
    ),  # also as the letters of a first word without a dash: _beyond_tar
    "zip": _hazards("unzip-command", exact="-TT"),
    "split": _hazards("filter"),
    "man": _hazards("html pager preprocessor config-file extension-browser", "HPpC"),
    "less": _hazards("log-file LOG-FILE lesskey-src lesskey-file lesskey-content tag-file", "oOkT", "+"),
    "diff": _hazards("paginate", "l"),
    "date": _hazards("set", "s"),
    "file": _hazards("compile uncompress uncompress-noreport files-from", "CzZf"),
    "tree": _hazards(short="o"),
    "xxd": _hazards(short="r"),
    "base64": _hazards("output", "o"),
    "curl": _hazards("config", "K"),
    "wget": _hazards("use-askpass execute config", "e"),
    "make": _hazards("file makefile directory include-dir eval", "fCIE"),
    "npm": _hazards(
        "prefix script-shell node-options userconfig globalconfig shell",
        first="exec x config set edit explore init create",
    ),
    "pnpm": _hazards("dir prefix script-shell node-options", "C", first="exec x dlx config set create"),
    "yarn": _hazards("cwd use-yarnrc script-shell", first="exec dlx node config set create"),
    "uv": _hazards("directory project config-file", first="run tool x"),
    "cargo": _hazards("config manifest-path", "C", first="run r install"),
    "go": _hazards(exact="-exec -toolexec -vettool", first="run generate tool env"),
    "docker": _hazards("config host context", "Hc", first=_CONTAINERS),
    "podman": _hazards("config host context url", "Hc", first=f"{_CONTAINERS} kube play"),
    "kubectl": _hazards("kubeconfig server", "s", first="exec run cp debug attach edit config plugin"),
    "pip": _hazards("python", first="config"),
    "gcc": _hazards(exact="-wrapper -fplugin -specs -B @"),
    "pylint": _hazards("init-hook load-plugins"),
    "mypy": _hazards("python-executable install-types"),
    "pyright": _hazards("pythonpath", "p"),
    "eslint": _hazards("config plugin rulesdir parser resolve-plugins-relative-to format", "cf"),
    "prettier": _hazards("plugin config"),
    "rubocop": _hazards("require plugin config", "rc"),
    "rspec": _hazards("require", "r"),
    "coverage": _hazards(first="run"),
    "ctest": _hazards("script build-and-test", "SD"),
}
_SAME = {
    **dict.fromkeys(("cc", "c++", "g++", "clang", "clang++"), "gcc"),
    "gmake": "make",
    "gtar": "tar",
    "bsdtar": "tar",
}
_GIT = _hazards(
    "output ext-diff textconv open-files-in-pager upload-pack receive-pack exec exec-path git-dir "
    "work-tree extcmd config config-env unsafe-paths ext-grep template no-index"
)
_GIT_SHORT = {
    "grep": "O",
    "rebase": "xi",
    "difftool": "x",
    "clone": "cu",
    "archive": "o",
    "format-patch": "o",
}
_GIT_EVERYDAY = names(
    "add blame branch cat-file checkout cherry-pick commit describe diff grep log ls-files ls-tree merge "
    "mv reflog reset restore rev-list rev-parse revert rm shortlog show show-ref stash status switch tag"
)
"""What ``git *`` stands for: neither aliases, nor what talks to other hosts, changes the settings or runs
programs that the line names."""
_GIT_RUNS = {"bisect": ("run",), "submodule": ("foreach",)}
_GIT_ALWAYS_RUNS = frozenset(("filter-branch", "difftool", "mergetool", "daemon", "hook"))
_GIT_REMOTE = frozenset(("clone", "fetch", "ls-remote", "pull", "push", "remote", "submodule"))
_GIT_VALUED = frozenset(
    ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--exec-path")
)


_GIT_OTHER = names(
    "am apply archive bundle check-ignore clean clone commit-tree config diff-tree fetch for-each-ref "
    "format-patch fsck gc grep hash-object init ls-remote merge-base merge-tree mktree name-rev notes prune "
    "pull push rebase remote repack replace rerere show-branch sparse-checkout submodule symbolic-ref "
    "update-index update-ref var verify-commit verify-tag version worktree write-tree bisect"
)
"""What else is surely no alias."""
_MODULE_PATHS = re.compile(
    r"(?:PATH|CDPATH|IFS|PYTHON\w*|NODE_\w+|PERL5?\w*|RUBY\w*|GEM_\w+|LUA_\w+|CLASSPATH|JAVA_\w+|GO\w+"
    r"|CARGO\w*|RUST\w*|LD_\w+|GIT_\w+)(?:\+?=|\Z)"
)
"""Variables that say where programs and languages find what they run."""


def runs_others(words: Words) -> str:
    """The word by which a program that is no launcher may run another one; empty if there is none."""
    match program(words):
        case "sed":
            return _beyond_sed(("sed", "-i"), ("sed", "-i", *words[1:]))
        case other if other != "git":
            return goes_beyond(words[:1], words)
    name, arguments = git_command(words)
    if not name or name not in _GIT_EVERYDAY | _GIT_OTHER:
        return name or "".join(words[1:2])
    return _beyond_git(("git", name), ("git", name, *arguments))


def goes_beyond(rule: Words, command: Words) -> str:
    """The first word of ``command`` behind those of ``rule`` that a ``*`` does not stand for, if any is."""
    rest = command[len(rule) :]
    name = program(command)
    match name:
        case "git":
            return _beyond_git(rule, command)
        case "sed":
            return _beyond_sed(rule, command)
        case "export":
            return next((word for word in rest if _MODULE_PATHS.match(word)), "")
        case "uniq":
            end = rest.index("--") if "--" in rest else len(rest)
            named = [word for word in rest[:end] if not word.startswith("-") or word == "-"]
            return "" if len(named) + len(rest[end + 1 :]) < 2 else rest[-1]
        case "go":
            if linker := next((word for word in rest if "-extld" in word), ""):
                return linker
    name = _SAME.get(plain := re.sub(r"-?[0-9.]+\Z", "", name), plain)
    hazards = _PROGRAMS.get(name, Hazards())
    if len(rule) == 1 and (word := _first(rest, hazards) or _bundle(name, rest, hazards)):
        return word
    assigned = next((word for word in rest if "=" in word), "") if name == "make" else ""
    return assigned or next((word for word in rest if _is_hazard(word, hazards)), "")


def _first(rest: Words, hazards: Hazards) -> str:
    """The word of ``rest`` that may say what the program does, and should not.

    Behind options any word may be it, as which of them are values cannot be told. npm takes shortened ones.
    """
    words = rest if rest and rest[0].startswith(("-", "+")) else rest[:1]
    return next((word for word in words if _is_first(word, hazards)), "")


def _is_first(word: str, hazards: Hazards) -> bool:
    return word in hazards.first or (len(word) > 2 and any(each.startswith(word) for each in hazards.first))


def _bundle(name: str, rest: Words, hazards: Hazards) -> str:
    """The letters that tar takes without a dash, if there is one among them that it should not get."""
    if name == "tar" and rest and not set(hazards.short).isdisjoint(rest[0].partition("=")[0]):
        return "" if rest[0].startswith("--") else rest[0]
    return ""


def git_command(words: Words) -> tuple[str, Words]:
    """What a call of git does and the arguments of that; no name if options before it change its meaning."""
    at = 1
    while at < len(words) and words[at] in ("--no-pager", "-P", "--no-optional-locks"):
        at += 1
    if at >= len(words) or words[at].startswith("-"):
        return "", ()
    return words[at], words[at + 1 :]


def _is_hazard(word: str, hazards: Hazards) -> bool:
    if word.startswith(hazards.exact):
        return True
    if not word.startswith("-"):
        return False
    name, double = word.partition("=")[0].lstrip("-"), word.startswith("--")
    # Some programs take long options with one dash, some those of one dash with two.
    if len(name) > (0 if double else 2) and any(option.startswith(f"--{name}") for option in hazards.long):
        return True
    return word[1:].startswith(hazards.exact) if double else not set(hazards.short).isdisjoint(word[1:])


def _beyond_git(rule: Words, command: Words) -> str:
    rest = command[len(rule) :]
    at = 1
    while at < len(rule) and rule[at].startswith("-"):
        at += 2 if rule[at] in _GIT_VALUED else 1
    if at < len(rule):
        name, arguments = rule[at], rest
        named = len(rule) > at + 1
    else:
        name, arguments = git_command(("git", *rest))
        named = False
        if at > len(rule) or name not in _GIT_EVERYDAY:
            return (name or rest[0]) if rest else ""
    if name in _GIT_ALWAYS_RUNS and not named and rest:
        return rest[0]
    hazards = msgspec.structs.replace(_GIT, short=_GIT_SHORT.get(name, ""))
    runs = _GIT_RUNS.get(name, ())
    return next(
        (
            word
            for word in arguments
            if _is_hazard(word, hazards) or word in runs or (name in _GIT_REMOTE and "::" in word)
        ),
        "",
    )


_SED_SCRIPT = re.compile(
    r"(?:\d+|\$)?(?:,(?:\d+|\$))?p"
    r"|(?:\d+|\$)(?:,(?:\d+|\$))?[dq]"
    r"|s([/|,#])(?:(?!\1)[^\\\n]|\\[^\n])*\1(?:(?!\1)[^\\\n]|\\[^\n])*\1[gpIi0-9]*"
)
"""Scripts of sed that only print: ``1,20p``, ``5d``, ``s/a/b/g``."""


def plain_sed(arguments: Words) -> bool:
    """Whether a call of sed with ``arguments`` only prints."""
    scripts: list[str] = []
    bare: list[str] = []
    words = iter(arguments)
    for word in words:
        if word in ("-e", "--expression"):
            scripts.append(next(words, ""))
        elif word.startswith("--expression="):
            scripts.append(word.removeprefix("--expression="))
        elif word in (
            "-n",
            "-E",
            "-r",
            "-u",
            "-s",
            "-z",
            "-nE",
            "-nr",
            "-En",
            "--quiet",
            "--silent",
            "--posix",
        ):
            continue
        elif word.startswith("-") and word != "-":
            return False
        else:
            bare.append(word)
    if not scripts and bare:
        scripts.append(bare[0])
    return bool(scripts) and all(_SED_SCRIPT.fullmatch(script) for script in scripts)


def _beyond_sed(rule: Words, command: Words) -> str:
    """A rule that names ``-i`` or a script stands for that, and for further files."""
    if len(rule) > 1 and any(not word.startswith("-") for word in rule[1:]):
        return next((word for word in command[len(rule) :] if word.startswith("-")), "")
    arguments = command[1:]
    own = {word for word in rule[1:] if word in ("-i", "--in-place")}
    if plain_sed(tuple(word for word in arguments if word not in own)):
        return ""
    return next((word for word in command[len(rule) :]), "")
