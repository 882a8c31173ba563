"""The life of an app version: its states, and who may move it from one to another, in one table.

Services, routes, the command line and the diagram in ``docs/versions.md`` come from :data:`RULES`.
"""

import enum
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from pitrix_core.model.access import Action


class VersionState(enum.StrEnum):
    """Where in its life a version is."""

    DRAFT = "draft"  #: its owner works on it
    SUBMITTED = "submitted"  #: waits for the first reviewer
    IN_REVIEW = "in_review"
    PASSED = "passed"  #: every phase of the review; waits to be released
    REJECTED = "rejected"
    ACTIVE = "active"  #: in the store, for everybody who sees its app
    SUSPENDED = "suspended"  #: was active; its clusters go on, and no new ones are made
    DELETED = "deleted"

    @property
    def is_tried(self) -> bool:
        """Says whether its owner, and who reviews it, can deploy it before it is active."""
        return self in _TRIED


_TRIED: Final = frozenset(VersionState) - {VersionState.SUSPENDED, VersionState.DELETED}


class Phase(enum.StrEnum):
    """What a review looks at, in this order; an installation may leave any of them out."""

    ISV = "isv"  #: the vendor's own people
    BUSINESS = "business"
    TECHNICAL = "technical"

    @property
    def needs(self) -> Action:
        """The action that lets somebody review this phase."""
        return Action(f"versions.review.{self.value}")


class Move(enum.StrEnum):
    """What can be done with a version."""

    REVISE = "revise"
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    TAKE = "take"
    PASS = "pass"  # noqa: S105  # no password
    REJECT = "reject"
    RELEASE = "release"
    SUSPEND = "suspend"
    RECOVER = "recover"
    DELETE = "delete"


class Left(enum.StrEnum):
    """Whether phases of the review are left after a move; some lead elsewhere then."""

    SOME = "a phase is left"
    NONE = "no phase is left"


@attrs.frozen
class Way:
    """From one state to another."""

    source: VersionState
    target: VersionState
    #: When it is this way; None where that makes no difference.
    left: Left | None = None


@attrs.frozen(kw_only=True)
class Rule:
    """One move: from where to where, and for whom."""

    #: What it does, for a person, beginning with a verb.
    summary: str
    #: What whoever makes it has to be allowed with the version; None for the phase's own action.
    needs: Action | None
    #: Whether they have to say why.
    asks_reason: bool = False
    ways: tuple[Way, ...]


_S = VersionState

RULES: Final[Mapping[Move, Rule]] = {
    Move.REVISE: Rule(
        summary="Work on a version again; uploading another archive of it does so, too",
        needs=Action.VERSIONS_WRITE,
        ways=(Way(_S.DRAFT, _S.DRAFT), Way(_S.REJECTED, _S.DRAFT)),
    ),
    Move.SUBMIT: Rule(
        summary="Ask for the review of a draft",
        needs=Action.VERSIONS_WRITE,
        ways=(
            Way(_S.DRAFT, _S.SUBMITTED, Left.SOME),
            Way(_S.DRAFT, _S.PASSED, Left.NONE),
        ),
    ),
    Move.WITHDRAW: Rule(
        summary="Take a version back from review, as a draft",
        needs=Action.VERSIONS_WRITE,
        ways=(
            Way(_S.SUBMITTED, _S.DRAFT),
            Way(_S.IN_REVIEW, _S.DRAFT),
            Way(_S.PASSED, _S.DRAFT),
        ),
    ),
    Move.TAKE: Rule(
        summary="Be the one who reviews the next phase",
        needs=None,
        ways=(Way(_S.SUBMITTED, _S.IN_REVIEW), Way(_S.IN_REVIEW, _S.IN_REVIEW)),
    ),
    Move.PASS: Rule(
        summary="Pass the phase that one has taken",
        needs=None,
        ways=(
            Way(_S.IN_REVIEW, _S.IN_REVIEW, Left.SOME),
            Way(_S.IN_REVIEW, _S.PASSED, Left.NONE),
        ),
    ),
    Move.REJECT: Rule(
        summary="Reject a version in the phase that one has taken",
        needs=None,
        asks_reason=True,
        ways=(Way(_S.IN_REVIEW, _S.REJECTED),),
    ),
    Move.RELEASE: Rule(
        summary="Put a version that has passed into the store",
        needs=Action.VERSIONS_PUBLISH,
        ways=(Way(_S.PASSED, _S.ACTIVE),),
    ),
    Move.SUSPEND: Rule(
        summary="Take a version out of the store; its clusters go on",
        needs=Action.VERSIONS_PUBLISH,
        asks_reason=True,
        ways=(Way(_S.ACTIVE, _S.SUSPENDED),),
    ),
    Move.RECOVER: Rule(
        summary="Put a suspended version back into the store",
        needs=Action.VERSIONS_PUBLISH,
        ways=(Way(_S.SUSPENDED, _S.ACTIVE),),
    ),
    Move.DELETE: Rule(
        summary="Delete a version that no cluster is of",
        needs=Action.VERSIONS_WRITE,
        ways=tuple(
            Way(state, _S.DELETED) for state in (_S.DRAFT, _S.PASSED, _S.REJECTED, _S.SUSPENDED)
        ),
    ),
}


@attrs.frozen(kw_only=True)
class ReviewPolicy:
    """What an installation asks of versions before they may be released."""

    #: In order, each once; none: what is submitted has passed.
    phases: tuple[Phase, ...] = ()
    #: Whether somebody may review what is theirs, and several phases of one version.
    allows_own: bool = False


def phases_in(text: str) -> tuple[Phase, ...]:
    """Return the phases that a setting names, in their own order.

    :param text: separated by commas.
    :raises ValueError: one is none.
    """
    named = {name.strip() for name in text.split(",") if name.strip()}
    if named - {*Phase}:
        raise ValueError("phases are " + ", ".join(Phase))
    return tuple(phase for phase in Phase if phase in named)


def target_of(state: VersionState, move: Move, *, left: Left) -> VersionState | None:
    """Return where a move leads; None where it is not allowed.

    :param left: whether phases of the review are left after it.
    """
    for way in RULES[move].ways:
        if way.source is state and way.left in (None, left):
            return way.target
    return None


def moves_from(state: VersionState) -> tuple[Move, ...]:
    """Return what can be done with a version, by somebody."""
    return tuple(
        move for move, rule in RULES.items() if any(way.source is state for way in rule.ways)
    )


def diagram() -> str:
    """Return the states and moves as a diagram of Mermaid."""
    return "\n".join(("stateDiagram-v2", *_lines()))


def _lines() -> Iterator[str]:
    yield f"    [*] --> {_S.DRAFT} : upload"
    for move, rule in RULES.items():
        for way in rule.ways:
            when = f", {way.left}" if way.left else ""
            yield f"    {way.source} --> {way.target} : {move}{when}"
