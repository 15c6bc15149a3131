"""What goes wrong between a file and a model, for every sample; what is wanted is built by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.tools.edits.cases import Case
from tests.tools.edits.samples import SAMPLES, Sample


def generated() -> Iterator[Case]:
    """One case for each sample and situation that it can be in."""
    for language, sample in SAMPLES.items():
        seen: set[Case] = set()
        for name, situation in SITUATIONS.items():
            case = situation(sample)
            if case not in seen:  # text without quotes has none of another kind
                seen.add(case)
                yield case.named(f"{language}: {name}")
        for real, said in sample.near:
            yield near_miss(sample, real, said).named(f"{language}: {said!r} where the file has {real!r}")


def after(sample: Sample) -> str:
    assert sample.before.count(sample.old) == 1
    assert sample.old.count("\n") == sample.new.count("\n")
    return sample.before.replace(sample.old, sample.new)


def exact(sample: Sample) -> Case:
    return Case(sample.before, sample.old, sample.new, after(sample))


def windows_lines(sample: Sample) -> Case:
    before, wanted = (text.replace("\n", "\r\n") for text in (sample.before, after(sample)))
    return Case(before, sample.old, sample.new, wanted)


def windows_lines_in_the_edit(sample: Sample) -> Case:
    old, new = (text.replace("\n", "\r\n") for text in (sample.old, sample.new))
    return Case(sample.before, old, new, after(sample))


def mark(sample: Sample) -> Case:
    return Case("\ufeff" + sample.before, sample.old, sample.new, "\ufeff" + after(sample))


def mixed_line_ends(sample: Sample) -> Case:
    def mixed(text: str) -> str:
        lines = text.split("\n")
        return "".join(line + ("\r\n" if n % 2 else "\n") for n, line in enumerate(lines[:-1])) + lines[-1]

    return Case(mixed(sample.before), sample.old, sample.new, mixed(after(sample)))


def blanks_in_the_file(sample: Sample) -> Case:
    def blanks(text: str) -> str:
        return re.sub("(?<=.)$", "  ", text, flags=re.MULTILINE)

    return Case(blanks(sample.before), sample.old, sample.new, blanks(after(sample)))


def blanks_in_the_edit(sample: Sample) -> Case:
    old, new = (re.sub("(?<=.)$", " ", text, flags=re.MULTILINE) for text in (sample.old, sample.new))
    return Case(sample.before, old, new, after(sample))


def not_indented(sample: Sample) -> Case:
    indent = min(re.findall(r"^[ \t]*(?=\S)", sample.old, re.MULTILINE), key=len)
    old, new = (re.sub(f"^{indent}", "", text, flags=re.MULTILINE) for text in (sample.old, sample.new))
    return Case(sample.before, old, new, after(sample))


def indented_too_far(sample: Sample) -> Case:
    more = "\t" if "\n\t" in sample.before else "    "
    old, new = (re.sub("^(?=.)", more, text, flags=re.MULTILINE) for text in (sample.old, sample.new))
    return Case(sample.before, old, new, after(sample))


def other_indentation(sample: Sample) -> Case:
    """Tabs for spaces, or four spaces for tabs."""

    def other(indent: re.Match[str]) -> str:
        if "\t" in indent[0]:
            return indent[0].replace("\t", "    ")
        return indent[0].replace(" " * step, "\t")

    widths = [len(indent) for indent in re.findall(r"^ +(?=\S)", sample.old, re.MULTILINE)]
    step = 2 if any(width % 4 for width in widths) else 4
    old, new = (re.sub(r"^[ \t]+", other, text, flags=re.MULTILINE) for text in (sample.old, sample.new))
    return Case(sample.before, old, new, after(sample))


def at_the_end_without_line_end(sample: Sample) -> Case:
    end = sample.before.index(sample.old) + len(sample.old)
    return Case(
        sample.before[:end], sample.old, sample.new, after(sample)[: end + len(sample.new) - len(sample.old)]
    )


def line_end_that_the_file_lacks(sample: Sample) -> Case:
    without = at_the_end_without_line_end(sample)
    return Case(without.before, f"{sample.old}\n", f"{sample.new}\n", without.after)


def at_the_start(sample: Sample) -> Case:
    start = sample.before.index(sample.old)
    return Case(sample.before[start:], sample.old, sample.new, after(sample)[start:])


def twice(sample: Sample) -> Case:
    return Case(f"{sample.before}\n{sample.before}", sample.old, sample.new, None)


def twice_and_both_wanted(sample: Sample) -> Case:
    both = f"{sample.before}\n{sample.before}", f"{after(sample)}\n{after(sample)}"
    return Case(both[0], sample.old, sample.new, both[1], replace_all=True)


def twice_and_one_deeper(sample: Sample) -> Case:
    """The edit is as it is in one of the two places."""
    deeper = re.sub("^(?=.)", "  ", sample.before, flags=re.MULTILINE)
    if f"{sample.old}\n" in deeper:  # it begins with its text, so it is in both
        return Case(f"{sample.before}{deeper}", sample.old, sample.new, None)
    return Case(f"{deeper}{sample.before}", sample.old, sample.new, f"{deeper}{after(sample)}")


def line_numbers(sample: Sample) -> Case:
    first = sample.before[: sample.before.index(sample.old)].count("\n") + 1

    def numbered(text: str) -> str:
        return "\n".join(f"{n:>6}\t{line}" for n, line in enumerate(text.split("\n"), first))

    return Case(sample.before, numbered(sample.old), numbered(sample.new), after(sample))


def numbers_only_in_old(sample: Sample) -> Case:
    return Case(sample.before, line_numbers(sample).old, sample.new, after(sample))


def typographic_quotes(sample: Sample) -> Case:
    def curly(text: str) -> str:
        return re.sub(r'"([^"\n]*)"', "“\\1”", text.replace("'", "’"))

    return Case(sample.before, curly(sample.old), curly(sample.new), after(sample))


def hard_blanks_in_the_file(sample: Sample) -> Case:
    """The first blank within each line cannot break, as in text copied from a page."""

    def hard(text: str) -> str:
        return re.sub(r"^([ \t]*\S+) ", "\\1\u00a0", text, flags=re.MULTILINE)

    return Case(hard(sample.before), sample.old, sample.new, hard(after(sample)))


def empty_line_in_the_file(sample: Sample) -> Case:
    """Between the first two lines of the edit, which does not have it."""
    first, rest = sample.old.split("\n", 1)
    new_first, new_rest = sample.new.split("\n", 1)
    before = sample.before.replace(sample.old, f"{first}\n\n{rest}")
    return Case(
        before, sample.old, sample.new, before.replace(f"{first}\n\n{rest}", f"{new_first}\n\n{new_rest}")
    )


def empty_line_in_the_edit(sample: Sample) -> Case:
    first, rest = sample.old.split("\n", 1)
    new_first, new_rest = sample.new.split("\n", 1)
    return Case(sample.before, f"{first}\n\n{rest}", f"{new_first}\n\n{new_rest}", after(sample))


def moved(sample: Sample) -> Case:
    """Much was put in front of it since it was read, and all of it is one level deeper now."""
    more = "\t" if "\n\t" in sample.before else "    "

    def deeper(text: str) -> str:
        return "begin\n" * 50 + re.sub("^(?=.)", more, text, flags=re.MULTILINE) + "end\n"

    return Case(deeper(sample.before), sample.old, sample.new, deeper(after(sample)))


def gone(sample: Sample) -> Case:
    return Case(sample.before.replace(sample.old, "something else"), sample.old, sample.new, None)


def a_line_too_few(sample: Sample) -> Case:
    """The file has a statement in the middle that the edit does not know of."""
    first, rest = sample.old.split("\n", 1)
    return Case(
        sample.before.replace(sample.old, f"{first}\nsomething = else\n{rest}"), sample.old, sample.new, None
    )


def near_miss(sample: Sample, real: str, said: str) -> Case:
    assert real in sample.old
    old, new = sample.old.replace(real, said, 1), sample.new.replace(real, said, 1)
    assert old != sample.old
    return Case(sample.before, old, new if new != old else new + " ", None)


SITUATIONS: dict[str, Callable[[Sample], Case]] = {
    "exactly": exact,
    "a file with CRLF": windows_lines,
    "an edit with CRLF": windows_lines_in_the_edit,
    "a byte-order mark": mark,
    "mixed line ends": mixed_line_ends,
    "blanks at line ends in the file": blanks_in_the_file,
    "blanks at line ends in the edit": blanks_in_the_edit,
    "an edit without its indentation": not_indented,
    "an edit that is indented too far": indented_too_far,
    "tabs for spaces, or spaces for tabs": other_indentation,
    "at the end of a file without a last line end": at_the_end_without_line_end,
    "a line end that the end of the file lacks": line_end_that_the_file_lacks,
    "at the start of the file": at_the_start,
    "twice in the file": twice,
    "twice, and both are wanted": twice_and_both_wanted,
    "twice, and the other one is deeper": twice_and_one_deeper,
    "line numbers copied along": line_numbers,
    "line numbers copied along in old only": numbers_only_in_old,
    "typographic quotes in the edit": typographic_quotes,
    "hard blanks in the file": hard_blanks_in_the_file,
    "an empty line that only the file has": empty_line_in_the_file,
    "an empty line that only the edit has": empty_line_in_the_edit,
    "moved down and deeper": moved,
    "no longer there": gone,
    "a statement in between that the edit does not have": a_line_too_few,
}
