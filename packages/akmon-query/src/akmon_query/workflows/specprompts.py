"""What the model is asked in each phase of a spec. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from akmon_core.specs import DOCUMENTS, Document, Task

_HOW: dict[Document, str] = {
    "requirements": """\
Write the requirements of the feature `{feature}`: what it must do, not how.

- what it is for, and for whom, in a few sentences
- the requirements, numbered `R-1`, `R-2`, ...: each one sentence that can be tested, with the cases that \
matter (wrong input, limits, what must stay as it is)
- what does not belong to it
- open questions, each with what you assumed: nobody can answer you now, the user reads them afterwards""",
    "design": """\
Write the design of the feature `{feature}`: how the requirements are met in this project as it is today.

- the parts: files and names that are new or change, what each is responsible for, and which requirements \
(`R-1`) it serves
- data, interfaces, the flow of one typical case, errors
- how it is tested
- what you decided against, and why; risks; open questions with what you assumed""",
    "tasks": """\
Write the tasks that carry out the design of the feature `{feature}`, in the order in which they are done.

- Each task is one line of the form `- [ ] T-1 What is done (R-1, R-3)`, numbered from `T-1`, not nested.
- Indented below it: what changes in which files, and how to check it.
- A task is small enough for one sitting, and the project works after it, its tests included.
- Headings may group tasks.""",
}


def document_prompt(
    document: Document, feature: str, *, path: str, wish: str, documents: Mapping[Document, str]
) -> str:
    """Asks for ``document``, which akmon writes to ``path``.

    ``wish`` is what the user says, and may be empty but for a first document. ``documents`` are those that
    there are; if ``document`` is among them, it is to be made anew.
    """
    before = [each for each in DOCUMENTS[: DOCUMENTS.index(document)] if each in documents]
    parts = [_HOW[document].format(feature=feature), *(_quoted(each, documents[each]) for each in before)]
    if document in documents:
        parts.append(_quoted(f"{document} so far", documents[document]))
        parts.append("Write it anew: keep what holds, and change what the user wants.")
    if wish:
        parts.append(_quoted("the user", wish))
    parts.append(
        "Look at the project as far as you need to. Your last answer is this document and nothing else, "
        f"whole, in Markdown, beginning with a heading: akmon writes it to {path}, and the user reviews it "
        "before anything else is done. That goes before anything you were told about the form of a plan."
    )
    return "\n\n".join(parts)


def again_prompt(problem: str) -> str:
    """Asks once more for a document that was not one."""
    return f"That cannot be the document: {problem}. Answer with the document, whole and alone."


def task_prompt(feature: str, task: Task, paths: Mapping[Document, str]) -> str:
    """Asks for one task; of the documents it says where they are."""
    section = f"{task.section}\n\n" if task.section else ""
    return (
        f"Carry out the task {task.id} of the feature `{feature}`, this one only:\n\n"
        f"<task>\n{section}{task.text}\n</task>\n\n"
        f"Read what you need of the requirements ({paths['requirements']}) and the design "
        f"({paths['design']}); all tasks are in {paths['tasks']}. Check your work as the task says. "
        "Leave these three files as they are: akmon ticks the task when you are done. If you cannot do all "
        f"of it, say what is missing, and end your answer with the line `{task.id}: not done`."
    )


def _quoted(what: str, text: str) -> str:
    name = what.replace(" ", "-")
    return f"<{name}>\n{text.strip()}\n</{name}>"
