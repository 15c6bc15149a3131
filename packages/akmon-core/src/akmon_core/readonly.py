"""Knows the commands that only read, with the options that keep it so; they need no rule.

An option that is not named here, also a shortened one, takes a command off the list.
"""

from __future__ import annotations

import re

import msgspec

from akmon_core.commandline import Command, Words
from akmon_core.programs import git_command, goes_beyond, plain_sed
from akmon_core.tables import names
from akmon_core.wrappers import unwrapped


class Reader(msgspec.Struct, frozen=True):
    """The options of a program with which it only reads."""

    short: str
    """Letters, as ``getopt`` has them: what follows a letter with a colon is its value."""
    long: frozenset[str]
    operands: int = -1
    """At most so many words that are no options; -1 is any number."""


def _reader(short: str, long: str = "", operands: int = -1) -> Reader:
    return Reader(short, frozenset(f"--{name}" for name in long.split()), operands)


_READERS: dict[str, Reader] = {
    "ls": _reader(
        "aAbBcCdfFgGhiI:klmnNopqQrRsStT:uUvw:xXZ1",
        "all almost-all author block-size classify color directory full-time "
        "group-directories-first human-readable ignore inode indicator-style literal no-group "
        "numeric-uid-gid recursive reverse si size sort time time-style width",
    ),
    "pwd": _reader("LP"),
    "cd": _reader("LP", operands=1),
    "cat": _reader(
        "AbeEnstTuv", "number number-nonblank show-all show-ends show-nonprinting show-tabs squeeze-blank"
    ),
    "head": _reader("c:n:qvz", "bytes lines quiet silent verbose zero-terminated"),
    "tail": _reader("c:n:qvz", "bytes lines quiet silent verbose zero-terminated"),
    "wc": _reader("clmLw", "bytes chars lines max-line-length words total"),
    "grep": _reader(
        "EFGPivwxcLlm:oqshHnTZzA:B:C:abe:rUy",
        "extended-regexp fixed-strings basic-regexp perl-regexp regexp ignore-case no-ignore-case "
        "invert-match word-regexp line-regexp count color colour files-without-match files-with-matches "
        "max-count only-matching quiet silent no-messages byte-offset with-filename no-filename "
        "line-number null after-context before-context context text binary-files exclude exclude-dir "
        "include recursive",
    ),
    "rg": _reader(
        "A:B:C:ce:E:FHiIlm:M:nNoPqsSt:T:UvVwx0g:",
        "after-context before-context context count count-matches regexp fixed-strings with-filename "
        "no-filename ignore-case files-with-matches files-without-match max-count max-columns line-number "
        "no-line-number only-matching pcre2 quiet case-sensitive smart-case type type-not multiline "
        "invert-match word-regexp line-regexp null glob iglob files sort sortr stats color heading "
        "no-heading json vimgrep column trim max-depth type-list version no-config",
    ),
    "echo": _reader("neE"),
    "true": _reader(""),
    "false": _reader(""),
    "which": _reader("a", "all"),
    "stat": _reader("Lc:ft", "dereference format file-system printf terse"),
    "file": _reader("bhiLkNnprsv0E", "brief mime mime-type mime-encoding dereference no-dereference"),
    "du": _reader(
        "0aBbcd:hklmPsSt:x",
        "all apparent-size block-size bytes max-depth human-readable one-file-system summarize total si time",
    ),
    "df": _reader("ahHiklPTt:x:", "human-readable inodes local portability print-type total"),
    "diff": _reader(
        "abBcdeEiNpqsTtuU:C:wWyZ",
        "brief report-identical-files unified context side-by-side width ignore-case ignore-all-space "
        "ignore-blank-lines ignore-space-change strip-trailing-cr text minimal color normal new-file "
        "label",
    ),
    "cmp": _reader("bi:ln:s", "print-bytes verbose silent quiet bytes ignore-initial"),
    "comm": _reader("123z", "check-order nocheck-order output-delimiter total"),
    "sort": _reader(
        "bcCdfghiMnRrsuVz0k:t:",
        "ignore-leading-blanks dictionary-order ignore-case general-numeric-sort human-numeric-sort "
        "numeric-sort reverse version-sort check key field-separator stable unique zero-terminated",
    ),
    "uniq": _reader("cdDf:is:uw:z", "count repeated unique ignore-case", 1),
    "cut": _reader(
        "b:c:d:f:nsz", "bytes characters delimiter fields only-delimited complement output-delimiter"
    ),
    "tr": _reader("cCdst", "complement delete squeeze-repeats truncate-set1"),
    "nl": _reader("b:d:f:h:i:l:n:ps:v:w:"),
    "tac": _reader("brs:"),
    "rev": _reader(""),
    "fold": _reader("bsw:"),
    "column": _reader("tns:o:c:x"),
    "paste": _reader("d:sz"),
    "basename": _reader("as:z"),
    "dirname": _reader("z"),
    "realpath": _reader("eLmPqsz", "canonicalize-existing canonicalize-missing relative-to relative-base"),
    "readlink": _reader("efmnqsvz", "canonicalize"),
    "seq": _reader("f:s:w"),
    "sleep": _reader("", operands=1),
    "uname": _reader("asnrvmpio", "all"),
    "whoami": _reader(""),
    "id": _reader("Ggnruz", "group groups name user"),
    "nproc": _reader("", "all"),
    "md5sum": _reader("bt", "tag"),
    "sha1sum": _reader("bt", "tag"),
    "sha256sum": _reader("bt", "tag"),
    "test": _reader("defhLrswxzn"),
}
_FIND = names(
    "-name -iname -path -ipath -wholename -regex -iregex -type -xtype -size -empty -newer -mtime -mmin "
    "-atime -amin -ctime -cmin -perm -user -group -nouser -nogroup -links -inum -maxdepth -mindepth "
    "-depth -xdev -mount -prune -print -print0 -printf -ls -quit -o -or -a -and -not -true -false "
    "-readable -writable -executable -regextype -P"
)
_PRINTF = re.compile(r"(?!-)(?:[^%]|%%|%[-+ #0-9.]*[bcdeEfgGiosuxXq])*", re.DOTALL)
"""Formats that only print: ``%n`` sets a variable, and that may be where programs are looked for."""
_WRAPPERS = frozenset(("nice", "timeout", "stdbuf"))
_GIT_ANY = names("status diff log show ls-files ls-tree rev-parse blame describe rev-list shortlog")
_GIT_TOUCHES_NONE = _GIT_ANY | names("add commit grep cat-file branch tag fetch push remote")
_GIT_LISTS = {
    "branch": names("--list -a -r -v -vv --all --remotes --show-current --merged --no-merged --contains"),
    "tag": frozenset(("-l", "--list", "-n", "--contains", "--points-at")),
    "stash": frozenset(("list", "show")),
    "remote": frozenset(("-v", "--verbose")),
}
"""What the first argument of a subcommand has to be, if there is any, for it to list things only."""


def only_reads(command: Command, *, sandboxed: bool) -> bool:
    """Whether ``command`` changes nothing, whatever files it names.

    git runs what the settings of the repository say, so that it counts only where it is ``sandboxed``.
    """
    if any(redirect.writes for redirect in command.redirects):
        return False
    return _reads(bare_reader(command.words), sandboxed=sandboxed)


def bare_reader(words: Words) -> Words:
    """``words`` without a wrapper before them that is harmless itself."""
    while words[0] in _WRAPPERS and (inner := unwrapped(words)):
        words = inner
    return words


def is_reader(words: Words) -> bool:
    """Whether the program of ``words`` never writes to the files that it names."""
    if words[0] == "git":
        return git_command(words)[0] in _GIT_TOUCHES_NONE
    if words[0] in ("uniq", "sort"):
        return _reads(words, sandboxed=False)
    return words[0] in _READERS or words[0] in ("printf", "find") or _prints(words)


def may_take_value(name: str, option: str) -> bool:
    """Whether the word behind ``option`` may be its value."""
    reader = _READERS.get(name)
    if reader is None or option.startswith("--") or option == "-":
        return "=" not in option
    last = reader.short.find(option[-1])
    return last < 0 or reader.short[last + 1 : last + 2] == ":"


def _prints(words: Words) -> bool:
    return words[0] == "sed" and plain_sed(words[1:])


def _reads(words: Words, *, sandboxed: bool) -> bool:
    name, arguments = words[0], words[1:]
    match name:
        case "git":
            return sandboxed and _git_reads(words)
        case "find":
            return all(word in _FIND for word in arguments if word.startswith("-") and len(word) > 1)
        case "sed":
            return plain_sed(arguments)
        case "printf":
            return bool(arguments) and bool(_PRINTF.fullmatch(arguments[0]))
        case "echo":
            return True
        case "date":
            return all(word.startswith("+") or word in ("-u", "-R", "-I", "--utc") for word in arguments)
    reader = _READERS.get(name)
    if reader is None:
        return False
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [word for word in arguments[:end] if word.startswith("-") and word != "-"]
    if 0 <= reader.operands < len([word for word in arguments if word != "--"]) - len(options):
        return False
    return all(_is_known(word, reader) for word in options)


def _is_known(word: str, reader: Reader) -> bool:
    if word.startswith("--"):
        return word.partition("=")[0] in reader.long
    for letter in word[1:]:
        if letter.isascii() and letter.isdigit():
            continue
        found = reader.short.find(letter)
        if found < 0 or letter == ":":
            return False
        if reader.short[found + 1 : found + 2] == ":":
            return True
    return True


def _git_reads(words: Words) -> bool:
    name, arguments = git_command(words)
    if goes_beyond(("git", name), ("git", name, *arguments)):
        return False
    if name in _GIT_ANY:
        return True
    listed = _GIT_LISTS.get(name)
    if listed is None or not arguments:
        return listed is not None and name != "stash"
    if name == "stash":
        return arguments[0] in listed
    if arguments[0] not in listed:
        return False
    bare = any(not word.startswith("-") for word in arguments)
    known = all(word.partition("=")[0] in listed for word in arguments if word.startswith("-"))
    return known and (not bare or arguments[0] in ("-l", "--list"))
