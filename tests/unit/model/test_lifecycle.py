"""The life of a version is one table that says all there is to say."""

import pytest

from pitrix_core.model.access import Action
from pitrix_core.model.lifecycle import (
    RULES,
    Left,
    Move,
    Phase,
    VersionState,
    diagram,
    moves_from,
    target_of,
)

#: What can be done with a version in each state, written out.
POSSIBLE = {
    "draft": "revise submit delete",
    "submitted": "withdraw take",
    "in_review": "withdraw take pass reject",
    "passed": "withdraw release delete",
    "rejected": "revise delete",
    "active": "suspend",
    "suspended": "recover delete",
    "deleted": "",
}


@pytest.mark.parametrize("state", VersionState)
def test_what_is_possible_depends_on_the_state(state: VersionState) -> None:
    """As the table above says."""
    assert " ".join(moves_from(state)) == POSSIBLE[state]


@pytest.mark.parametrize("state", VersionState)
@pytest.mark.parametrize("move", Move)
@pytest.mark.parametrize("left", Left)
def test_a_move_leads_somewhere_where_it_is_possible(
    state: VersionState, move: Move, left: Left
) -> None:
    """Whether phases are left decides where to, and never whether."""
    target = target_of(state, move, left=left)

    assert (target is not None) == (move.value in POSSIBLE[state].split())


def test_of_each_state_and_case_there_is_one_way() -> None:
    """Or it would depend on the table's order."""
    ways = [
        (move, way.source, left)
        for move, rule in RULES.items()
        for way in rule.ways
        for left in Left
        if way.left in (None, left)
    ]

    assert len(ways) == len(set(ways))


def test_every_state_is_reached_from_a_draft() -> None:
    """None stands in the table for nothing."""
    reached = {VersionState.DRAFT}
    for _ in VersionState:
        reached |= {w.target for r in RULES.values() for w in r.ways if w.source in reached}

    assert reached == set(VersionState)


@pytest.mark.parametrize(
    ("move", "left", "target"),
    [
        pytest.param(Move.SUBMIT, Left.SOME, "submitted", id="is-to-be-reviewed"),
        pytest.param(Move.SUBMIT, Left.NONE, "passed", id="needs-no-review"),
    ],
)
def test_what_needs_no_review_has_passed(move: Move, left: Left, target: str) -> None:
    """An installation may leave every phase out."""
    assert target_of(VersionState.DRAFT, move, left=left) == target


def test_phases_have_their_order_and_an_action_each() -> None:
    """The vendor's own people first."""
    assert [phase.needs for phase in Phase] == [
        Action.VERSIONS_REVIEW_ISV,
        Action.VERSIONS_REVIEW_BUSINESS,
        Action.VERSIONS_REVIEW_TECHNICAL,
    ]


def test_the_diagram_shows_every_way() -> None:
    """And where each version begins."""
    lines = [line.strip() for line in diagram().splitlines()]

    assert lines[:2] == ["stateDiagram-v2", "[*] --> draft : upload"]
    assert "in_review --> passed : pass, no phase is left" in lines
    assert len(lines) == 2 + sum(len(rule.ways) for rule in RULES.values())
