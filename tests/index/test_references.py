"""The names that files define and use."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.tables import names
from akmon_index.references import Symbols, symbols_of

SUFFIXES = sorted(names("py js go rs rb php sh kt lua"))


def test_definitions_are_what_other_files_can_name_and_the_rest_is_used() -> None:
    text = (
        "import os\nLIMIT = 3\nclass A(Base):\n    def send(self):\n        helper(LIMIT)\n"
        "        return helper(os)\ndef free():\n    def within(): ...\n    # comment\n    return 'text'\n"
    )
    found = symbols_of("a.py", text)
    assert found.definitions == ("A", "LIMIT", "free", "send")
    assert (found.references["helper"], found.references["LIMIT"], found.references["Base"]) == (2, 1, 1)
    assert not {"A", "free", "comment", "text"} & found.references.keys()


@pytest.mark.parametrize(
    ("path", "text", "defined", "used"),
    [
        (
            "a.ts",
            "export type Tt = Uu;\nexport const ff = () => gg();\ndeclare function kk(): Vv;\n",
            "Tt ff kk",
            "Uu gg Vv",
        ),
        ("a.go", "package aa\ntype Aa Bb\nfunc (s *Ss) Mm() { other() }\n", "Aa Mm", "Bb Ss other"),
        ("a.rs", "impl Tr for Ss { fn ff() { make() } }\n", "Ss ff", "Tr make"),
        ("a.rb", "class Aa < Bb\n  def ff\n    Other.go\n  end\nend\n", "Aa ff", "Bb Other go"),
        ("a.php", "<?php\nclass Aa extends Bb { function ff() { hh(); } }\n", "Aa ff", "Bb hh"),
        ("a.sh", "ff() {\n  gg now\n}\n", "ff", "gg now"),
        ("a.cpp", "void Aa::gg() { hh(); }\n", "gg", "Aa hh"),
        ("A.java", "interface Ii { Rr ff(Pp p); }\n", "Ii ff", "Rr Pp"),
    ],
)
def test_other_languages(path: str, text: str, defined: str, used: str) -> None:
    found = symbols_of(path, text)
    assert found.definitions == tuple(sorted(defined.split()))
    assert set(used.split()) <= found.references.keys()


def test_of_other_text_nothing_is_known() -> None:
    assert symbols_of("a.md", "# A\n`f()`\n") == symbols_of("LICENSE", "x") == Symbols()


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SUFFIXES), st.text(max_size=100))
def test_no_text_is_an_error(suffix: str, text: str) -> None:
    found = symbols_of(f"a.{suffix}", text)
    assert found == symbols_of(f"a.{suffix}", text)
    assert all(count > 0 for count in found.references.values())
