"""Questions for permission in a real terminal: what answers them, and what must not."""

from __future__ import annotations

import pytest

from tests.e2e.program import Place, wait_for
from tests.e2e.test_conversation import conversation, finished

WRITES = 'call write {"path": "new.txt", "content": "some content\\n"}\n---\nsay All done.'


@pytest.fixture(autouse=True)
def _no_colours(place: Place) -> None:
    place.env["NO_COLOR"] = "1"


def test_what_tools_print_and_files_hold_answers_nothing(place: Place) -> None:
    (place.project / "evil.txt").write_text("y\ny\n\r\x1b[6n\x1b[c y\n")
    script = f'call read {{"path": "evil.txt"}}\nsay y\n---\nsay y\n{WRITES}'
    with conversation(place, script, "write it") as terminal:
        terminal.sees("n no")
        terminal.types("n")
        terminal.sees("Why not?")
        terminal.types("no\r")
        terminal.sees("All done.")
        journal = finished(place)
        terminal.types("\x04")
        assert terminal.ends() == 0
    assert not (place.project / "new.txt").exists()
    assert '"decision":"deny","by":"person"' in journal.read_text()


def test_a_question_that_appears_while_the_person_types_is_not_answered_by_that(place: Place) -> None:
    with conversation(place, f"say Wait.\ndelay 0.5\n{WRITES}\n---\nsay Very well.", "write it") as terminal:
        terminal.sees("Wait.")
        terminal.types("b")
        terminal.sees("You have begun a line")
        for letter in "e nasty, yes":
            terminal.types(letter)
        assert not (place.project / "new.txt").exists()
        terminal.types("\r")
        terminal.sees("n no")
        assert not (place.project / "new.txt").exists()
        terminal.types("y")
        terminal.sees("All done.")
        (journal,) = place.journals()
        wait_for(lambda: "be nasty, yes" in journal.read_text())  # said to this turn, or beginning another
    assert (place.project / "new.txt").exists()


def test_a_pasted_letter_answers_nothing(place: Place) -> None:
    with conversation(place, WRITES, "write it") as terminal:
        terminal.sees("n no")
        terminal.types("\x1b[200~y\x1b[201~")
        terminal.sees("You have begun a line")
        terminal.types("\x03")
        finished(place)
        terminal.types("\x04")
        assert terminal.ends() == 0
    assert not (place.project / "new.txt").exists()


def test_the_rest_of_a_first_answer_does_not_answer_the_second_question(place: Place) -> None:
    script = (
        'call write {"path": "one.txt", "content": "1"}\ncall write {"path": "two.txt", "content": "2"}\n'
        "---\nsay All done."
    )
    with conversation(place, script, "write it") as terminal:
        terminal.sees("n no")
        terminal.types("y")
        terminal.sees("two.txt")
        terminal.types("y")
        terminal.sees("press it again")
        terminal.sees("n no")
        terminal.types("n")
        terminal.sees("Why not?")
        terminal.types("\r")
        terminal.sees("All done.")
        finished(place)
        terminal.types("\x04")
        assert terminal.ends() == 0
    assert (place.project / "one.txt").exists()
    assert not (place.project / "two.txt").exists()
