"""The pure part of specs: names, phases, tasks and their boxes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import SettingsError
from akmon_core.specs import problem, tasks_of, ticked
from akmon_query.workflows.spec import check_name, next_phase, not_done, open_task, unwrapped

TEXT = """\
# Tasks

Some words.

## Export

What this part is.

- [x] **T-1** Read the file
- [ ] T-2: Write it (R-1)
      In a.py.
      - [ ] not a task of its own

```markdown
- [ ] T-9 an example
```

## Rest
* [X] T-3 Last
"""

lines = st.lists(
    st.one_of(
        st.builds(
            "{}{} [{}] T-{}{}".format,
            st.sampled_from(["", "  "]),
            st.sampled_from("-*"),
            st.sampled_from(" xX"),
            st.integers(1, 5),
            st.sampled_from([" do it", "", ": x", "0"]),
        ),
        st.sampled_from(["# Heading", "", "text", "      more", "- [ ] no task", "- [ ]T-1 no space"]),
    ),
    max_size=12,
)


def test_tasks_have_their_lines_and_their_section() -> None:
    first, second, third = tasks_of(TEXT)
    assert (first.id, first.title, first.done) == ("T-1", "Read the file", True)
    assert (second.id, second.title, second.done) == ("T-2", "Write it (R-1)", False)
    assert second.text.startswith("- [ ] T-2: Write it (R-1)\n      In a.py.\n      - [ ] not a task")
    assert "T-9" in second.text
    assert first.section == second.section == "## Export\n\nWhat this part is."
    assert (third.done, third.section) == (True, "## Rest")
    assert open_task(TEXT) == second


@given(lines, st.sampled_from(["\n", "\r\n"]), st.integers(1, 5))
def test_ticking_changes_one_character_or_nothing(parts: list[str], end: str, number: int) -> None:
    text, task = end.join(parts), f"T-{number}"
    after = ticked(text, task)
    waiting = [each for each in tasks_of(text) if each.id == task and not each.done]
    assert len(after) == len(text)
    assert sum(a != b for a, b in zip(text, after, strict=True)) == min(1, len(waiting))
    assert sum(each.done for each in tasks_of(after)) == sum(each.done for each in tasks_of(text)) + min(
        1, len(waiting)
    )


@given(lines)
def test_doing_the_next_task_again_and_again_comes_to_an_end(parts: list[str]) -> None:
    text = "\n".join(parts)
    for _ in tasks_of(text):
        if task := open_task(text):
            text = ticked(text, task.id)
    assert open_task(text) is None


@given(st.text())
def test_no_text_breaks_the_reading_of_tasks(text: str) -> None:
    for task in tasks_of(text):
        assert ticked(text, task.id) != text or task.done or [t.id for t in tasks_of(text)].count(task.id) > 1


def test_the_files_that_there_are_say_what_comes_next() -> None:
    assert next_phase({}) == "requirements"
    assert next_phase({"requirements": "x"}) == "design"
    assert next_phase({"requirements": "x", "design": "x"}) == "tasks"
    assert next_phase({"requirements": "x", "tasks": TEXT}) == "design"
    documents = {"requirements": "x", "design": "x"}
    assert next_phase({**documents, "tasks": TEXT}) == "implement"  # type: ignore[dict-item]
    assert next_phase({**documents, "tasks": "- [x] T-1 a"}) is None  # type: ignore[dict-item]


@pytest.mark.parametrize("name", ["a", "csv-export", "v2", "2fa", "x" * 60])
def test_a_plain_name_is_a_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a b",
        "A",
        "-a",
        "a-",
        "a--b",
        "a_b",
        "a.md",
        "ü",
        "x" * 61,
        "a\n",
        "status",
    ],
)
def test_no_other_name_is_one(name: str) -> None:
    with pytest.raises(SettingsError):
        check_name(name)


@given(st.text(st.characters(exclude_characters="`"), min_size=1))
def test_a_fence_around_all_of_a_document_is_taken_off(text: str) -> None:
    for fence in ("```", "```markdown", "```md"):
        assert unwrapped(f"{fence}\n{text}\n```") == text.strip()
    assert unwrapped(text) == text.strip()


def test_a_document_with_a_code_block_at_its_end_keeps_it() -> None:
    text = "# A\n\n```\nx\n```"
    assert unwrapped(text) == text


def test_only_tasks_need_a_form() -> None:
    assert problem("requirements", "anything") == problem("design", "x") == problem("tasks", TEXT) == ""
    assert problem("requirements", " \n") == "it is empty"
    assert "no task" in problem("tasks", "# Tasks\n\n- do it\n")
    assert problem("tasks", "- [ ] T-1 a\n- [ ] T-2 b\n- [ ] T-1 c\n") == "a task is there twice: T-1"


def test_an_answer_says_that_its_task_is_not_done_in_a_line_of_its_own() -> None:
    assert not_done("I tried.\n\n**T-1: not done**", "T-1")
    assert not_done("`T-1: Not done`.", "T-1")
    assert not not_done("T-1: done", "T-1")
    assert not not_done("T-11: not done", "T-1")
    assert not not_done("It was said that T-1: not done", "T-1")
