"""The questions about this repository are what they say, and what answers them is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.questions import Question, questions

ROOT = Path(__file__).parents[2]
QUESTIONS = questions()
FILES = sorted({answer.path for question in QUESTIONS for answer in question.answers})
PACKAGES = {"core", "config", "models", "tools", "query", "tui", "index", "cli"}


def symbols(path: Path) -> set[str]:
    """What can be named of a file: headings, or qualified names of definitions, "" if it has none."""
    text = path.read_text("utf-8")
    return set(headings(text)) if path.suffix == ".md" else set(definitions(ast.parse(text))) or {""}


def definitions(node: ast.AST, within: str = "") -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{within}{child.name}"
        if isinstance(child, ast.ClassDef):
            yield from definitions(child, f"{within}{child.name}.")


def headings(text: str) -> Iterator[str]:
    fenced = False
    for line in text.split("\n"):
        fenced = fenced != line.startswith("```")
        if not fenced and (heading := re.fullmatch(r"#{1,6} +(.+?) *", line)):
            yield heading[1]


def is_identifier(word: str) -> bool:
    return bool(re.search(r"\w_\w|[a-z][A-Z]", word))


def named_in(question: Question) -> set[str]:
    """The identifiers of its answers that the question has in it."""
    parts = {part for answer in question.answers for part in re.findall(r"\w+", answer.symbol)}
    asked = question.question.lower()
    return {part for part in parts if is_identifier(part) and part.strip("_").lower() in asked}


def test_there_are_sixty_questions_and_none_is_there_twice() -> None:
    assert len(QUESTIONS) == 60
    assert len({question.question.lower() for question in QUESTIONS}) == 60


def test_no_two_questions_have_the_same_answers() -> None:
    assert len({frozenset(question.answers) for question in QUESTIONS}) == 60


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.question)
def test_a_question_is_a_short_sentence_with_one_to_four_answers(question: Question) -> None:
    assert 5 <= len(question.question.split()) <= 15
    assert 1 <= len(question.answers) <= 4
    assert len(set(question.answers)) == len(question.answers)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.question)
def test_a_question_has_no_identifier_in_it(question: Question) -> None:
    assert not any(is_identifier(word) for word in question.question.split())
    assert not named_in(question)


@pytest.mark.parametrize("file", FILES)
def test_every_answer_is_a_symbol_of_its_file(file: str) -> None:
    path = ROOT / file
    assert path.is_file()
    wanted = {each.symbol for question in QUESTIONS for each in question.answers if each.path == file}
    assert wanted <= symbols(path)


def test_they_are_spread_over_all_packages_and_the_documents() -> None:
    places = [path.split("/") for path in FILES]
    assert {place[1].removeprefix("akmon-") for place in places if place[0] == "packages"} == PACKAGES
    assert {place[0] for place in places} == {"packages", "docs"}


def test_an_identifier_of_an_answer_in_a_question_is_noticed() -> None:
    [question] = [each for each in QUESTIONS if each.answers[0].symbol == "project_root"]
    assert named_in(Question("what does project_root do with links?", question.answers)) == {"project_root"}


def test_a_heading_within_code_is_none() -> None:
    assert list(headings("# One\n```\n# two\n```\n## Three ")) == ["One", "Three"]
