"""Which files go back: all that only the agent did, nothing that anybody else did, in an order that works."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.files import FileChange, FileState, became, same
from akmon_core.rewinding import changed_paths, in_order, net_changes, plan_rewind

A, B, C = (FileState("file", content, 0o644) for content in "abc")
FOREIGN = FileState("file", "foreign", 0o644)
FOLDER = FileState("folder", mode=0o755)
LINK = FileState("link", "target")
STATES = st.sampled_from([None, A, B, C, FOLDER, LINK, FileState("file", "a", 0o755)])
PATHS = ("/p/a", "/p/b", "/p/c")


def steps(*states: FileState | None, path: str = "/p/a") -> list[FileChange]:
    """Changes from each state to the next."""
    return [FileChange(path, before, after) for before, after in pairwise(states)]


# --- when two states are one --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (None, None, True),
        (None, A, False),
        (A, A, True),
        (A, B, False),
        (A, FileState("file", "a", 0o755), False),
        (A, FileState("file", "a"), True),
        (FileState("file", "x"), FileState("link", "x"), False),
        (FileState("link", "x", 0o777), FileState("link", "x", 0o755), True),
        (FOLDER, FileState("folder", mode=0o700), False),
        (FOLDER, None, False),
    ],
)
def test_states_are_one_as_far_as_both_are_known(
    one: FileState | None, other: FileState | None, expected: bool
) -> None:
    assert same(one, other) is same(other, one) is expected


def test_what_became_of_a_path() -> None:
    words = [became(change) for change in (*steps(None, A, B, None), *steps(FOLDER, LINK))]
    assert words == ["created", "changed", "removed", "changed"]


# --- one file -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "now", "undone"),
    [
        ((A, B), B, True),
        ((A, B, C), C, True),
        ((None, A), A, True),
        ((A, None), None, True),
        ((A, B, C), B, True),  # the last change was recorded, then the process was killed
        ((A, B), A, False),
        ((A, B, A), A, False),
        ((None, A, None), None, False),
    ],
)
def test_what_only_the_agent_did_is_undone(
    states: tuple[FileState | None, ...], now: FileState | None, undone: bool
) -> None:
    plan = plan_rewind(steps(*states), {"/p/a": now})
    assert plan.conflicts == ()
    assert plan.changes == ((FileChange("/p/a", now, states[0]),) if undone else ())


@pytest.mark.parametrize(
    ("changes", "now", "reason"),
    [
        (steps(A, B), C, "it was changed since"),
        (steps(A, B), None, "it was changed since"),
        (steps(A, B), FileState("file", "b", 0o755), "it was changed since"),
        (steps(None, A, B), FOLDER, "it was changed since"),
        (steps(A, B, C), A, ""),
        (steps(A, None), B, "it was changed since"),
        ([*steps(A, B), *steps(FOREIGN, C)], C, "someone else changed it in between"),
        ([*steps(A, B), *steps(None, C)], C, "someone else changed it in between"),
        ([FileChange("/p/a", A, B, sure=False)], B, "it was changed while nobody looked"),
        ([*steps(A, B), FileChange("/p/a", B, C, sure=False)], C, "it was changed while nobody looked"),
        ([FileChange("/p/a", A, B, sure=False), *steps(B, C)], C, "it was changed while nobody looked"),
        ([FileChange("/p/a", A, B, sure=False)], A, ""),
    ],
)
def test_what_somebody_else_did_is_a_conflict_unless_nothing_is_to_be_done(
    changes: list[FileChange], now: FileState | None, reason: str
) -> None:
    plan = plan_rewind(changes, {"/p/a": now})
    assert plan.changes == ()
    if not reason:
        assert plan.conflicts == ()
        return
    (conflict,) = plan.conflicts
    assert conflict.reason.startswith(reason)
    assert conflict.change == FileChange("/p/a", now, changes[0].before)


def test_a_mode_that_is_not_known_is_no_difference() -> None:
    written = FileChange("/p/a", A, FileState("file", "b"))
    plan = plan_rewind([written, *steps(B, C)], {"/p/a": C})
    assert plan.changes == (FileChange("/p/a", C, A),)


# --- many files: laws ---------------------------------------------------------------------------------

STEPS = st.lists(st.tuples(st.sampled_from(PATHS), STATES, st.booleans()), max_size=12)
"""What the agent makes of which file, and whether it came to that after it was recorded."""


def play(
    world: dict[str, FileState | None], agents: Iterable[tuple[str, FileState | None, bool]]
) -> list[FileChange]:
    """Has the agent do its steps in ``world``; gives what was recorded."""
    recorded = []
    for path, state, carried_out in agents:
        recorded.append(FileChange(path, world[path], state))
        if carried_out:
            world[path] = state
    return recorded


@given(start=st.fixed_dictionaries(dict.fromkeys(PATHS, STATES)), agents=STEPS)
def test_where_nobody_else_was_every_file_is_again_what_it_was(
    start: dict[str, FileState | None], agents: list[tuple[str, FileState | None, bool]]
) -> None:
    world = dict(start)
    changes = play(world, agents)
    plan = plan_rewind(changes, world)
    assert plan.conflicts == ()
    for change in plan.changes:
        assert world[change.path] == change.before
        world[change.path] = change.after
    assert all(same(world[path], start[path]) for path in PATHS)


@given(
    start=st.fixed_dictionaries(dict.fromkeys(PATHS, STATES)),
    before=STEPS,
    victim=st.sampled_from(PATHS),
    after=STEPS,
)
def test_a_file_that_somebody_else_changed_is_left_alone_and_the_others_are_not(
    start: dict[str, FileState | None],
    before: list[tuple[str, FileState | None, bool]],
    victim: str,
    after: list[tuple[str, FileState | None, bool]],
) -> None:
    world = dict(start)
    changes = play(world, before)
    touched = victim in changed_paths(changes)
    world[victim] = FOREIGN
    changes += play(world, after)
    plan = plan_rewind(changes, world)
    undone = {change.path: change.after for change in plan.changes}
    conflicts = [conflict.change.path for conflict in plan.conflicts]
    if touched:
        assert victim not in undone
        assert conflicts == ([] if same(world[victim], start[victim]) else [victim])
    else:
        assert conflicts == []
        assert undone.get(victim, FOREIGN) == FOREIGN, "it goes back to what they made of it"
    for path in {*PATHS} - {victim}:
        assert same(undone.get(path, world[path]), start[path])


@given(
    changes=st.lists(
        st.builds(FileChange, path=st.sampled_from(PATHS), before=STATES, after=STATES, sure=st.booleans())
    ),
    now=st.fixed_dictionaries(dict.fromkeys(PATHS, STATES)),
)
def test_whatever_is_recorded_a_plan_only_replaces_what_the_agent_surely_left(
    changes: list[FileChange], now: dict[str, FileState | None]
) -> None:
    plan = plan_rewind(changes, now)
    planned = {change.path: change for change in plan.changes}
    conflicts = {conflict.change.path: conflict.change for conflict in plan.conflicts}
    assert not planned.keys() & conflicts.keys()
    assert len(planned) == len(plan.changes)
    assert planned.keys() | conflicts.keys() <= {*changed_paths(changes)}
    for path in changed_paths(changes):
        chain = [change for change in changes if change.path == path]
        undo = planned.get(path) or conflicts.get(path)
        if undo is None:
            assert same(now[path], chain[0].before)
        else:
            assert undo == FileChange(path, now[path], chain[0].before)
        if path in planned:
            assert any(same(now[path], state) for state in (chain[-1].before, chain[-1].after))
            assert all(change.sure for change in chain)


@given(start=st.fixed_dictionaries(dict.fromkeys(PATHS, STATES)), agents=STEPS)
def test_net_changes_lead_from_the_first_state_to_the_last(
    start: dict[str, FileState | None], agents: list[tuple[str, FileState | None, bool]]
) -> None:
    world = dict(start)
    changes = play(world, [(path, state, True) for path, state, _ in agents])
    net = net_changes(changes)
    assert {change.path for change in net} == {path for path in PATHS if not same(start[path], world[path])}
    assert all((change.before, change.after) == (start[change.path], world[change.path]) for change in net)
    order = [change.path for change in net]
    assert order == [path for path in changed_paths(changes) if path in order]


# --- the order ----------------------------------------------------------------------------------------

TREE = ("/p/a", "/p/a/b", "/p/a/b/c", "/p/a/d", "/p/e", "/p/e/f\\g", "/p/e/f\\g/h")
"""Parents come before what is in them."""


@st.composite
def trees(draw: st.DrawFn) -> dict[str, FileState]:
    """Files and folders as they can be on a disk."""
    tree: dict[str, FileState] = {}
    for path in TREE:
        parent = path.rpartition("/")[0]
        state = draw(st.sampled_from([None, A, B, LINK, FOLDER, FOLDER, FOLDER]))
        if state and (parent == "/p" or tree.get(parent) == FOLDER):
            tree[path] = state
    return tree


def perform(tree: dict[str, FileState], change: FileChange) -> None:
    """As a file system does it: only empty folders go, and what comes needs a folder to be in."""
    parent = change.path.rpartition("/")[0]
    assert tree.get(change.path) == change.before
    if change.before == FOLDER:
        assert not [path for path in tree if path.startswith(f"{change.path}/")], "the folder is empty"
    tree.pop(change.path, None)
    if change.after:
        assert parent == "/p" or tree.get(parent) == FOLDER, "there is a folder for it"
        tree[change.path] = change.after


@given(before=trees(), after=trees(), order=st.permutations(TREE))
def test_each_step_of_a_plan_can_be_done_when_its_turn_comes(
    before: dict[str, FileState], after: dict[str, FileState], order: list[str]
) -> None:
    changes = [
        FileChange(path, before.get(path), after.get(path))
        for path in order
        if before.get(path) != after.get(path)
    ]
    plan = plan_rewind(changes, {path: after.get(path) for path in TREE})
    assert plan.conflicts == ()
    for change in plan.changes:
        perform(after, change)
    assert after == before


def test_what_goes_goes_from_below_upwards_and_what_comes_comes_from_above_downwards() -> None:
    changes = [
        FileChange("/p/new/folder/x", None, A),
        FileChange("/p/old", FOLDER, None),
        FileChange("/p/new", None, FOLDER),
        FileChange("/p/old/folder/x", A, None),
        FileChange("/p/new/folder", None, FOLDER),
        FileChange("/p/old/folder", FOLDER, None),
    ]
    assert [change.path for change in in_order(changes)] == [
        "/p/old/folder/x",
        "/p/old/folder",
        "/p/old",
        "/p/new",
        "/p/new/folder",
        "/p/new/folder/x",
    ]
