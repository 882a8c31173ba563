"""Move app versions through their lives, and tell how they came to where they are."""

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from pitrix_core.errors import ConflictError, ForbiddenError, InvalidInputError
from pitrix_core.model.access import Action, Actor
from pitrix_core.model.lifecycle import (
    RULES,
    Left,
    Move,
    Phase,
    ReviewPolicy,
    VersionState,
    moves_from,
    target_of,
)
from pitrix_core.service.access import require_allowed
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction
from pitrix_core.store.catalog import AppVersion
from pitrix_core.store.reviews import OpenReview, Review, Transition

#: Longest reason, in characters.
_LONGEST_REASON: Final = 4000
_CHOOSE: Final = "Choose another version: pitrix app versions APP"
_LOOK: Final = "See where it is: pitrix app life VERSION"


@attrs.frozen(kw_only=True)
class MoveInput:
    """Why a version is moved."""

    #: For the people it is about; some moves ask for it.
    reason: str = ""


@attrs.frozen(kw_only=True)
class VersionLife(AppVersion):
    """A version, and what the one who asks can do with it."""

    #: None where none is under way.
    review: Review | None
    allowed: tuple[Move, ...]


@attrs.frozen(kw_only=True)
class _Case:
    """A version, and somebody who wants to move it."""

    tx: Transaction
    actor: Actor
    policy: ReviewPolicy
    version: AppVersion
    state: VersionState
    review: Review | None

    @property
    def phase(self) -> Phase | None:
        return self.review.phases[0] if self.review else None

    def target(self, move: Move) -> VersionState | None:
        """Return where a move leads; None where it is not allowed."""
        if RULES[move].needs is None and self.review is None:
            return None
        phases = self.policy.phases
        if move is Move.PASS and self.review:
            phases = self.review.phases[1:]
        return target_of(self.state, move, left=Left.SOME if phases else Left.NONE)

    def needs(self, move: Move) -> Action:
        """Return what somebody has to be allowed for a move that leads somewhere."""
        return RULES[move].needs or (self.phase or Phase.TECHNICAL).needs

    def require(self, move: Move) -> VersionState:
        """Return where a move leads, if the actor may make it now.

        :raises ConflictError: the version is in another state, or somebody else's to review.
        :raises ForbiddenError: the actor may not.
        """
        target = self.target(move)
        if target is None:
            can = ", ".join(moves_from(self.state)) or "nothing"
            raise ConflictError(
                f"Version {self.version.version} is {self.state}: `{move}` is not possible now.",
                next_step=f"From there it can be: {can}.",
            )
        what = f"version {self.version.version}"
        require_allowed(self.tx, self.actor, self.needs(move), owner=self.version.owner, what=what)
        if self.review and RULES[move].needs is None:
            self._require_reviewer(self.review, move)
        return target

    def _require_reviewer(self, review: Review, move: Move) -> None:
        me = self.actor.owner
        if review.reviewer not in (None, None if move is Move.TAKE else me):
            raise ConflictError(
                f"{review.reviewer} reviews it already ({self.phase}).", next_step=_LOOK
            )
        if review.reviewer is None and move is not Move.TAKE:
            raise ConflictError(
                f"Nobody has taken this phase ({self.phase}).", next_step="Take it first."
            )
        if self.policy.allows_own:
            return
        if me in (self.version.owner, review.submitted_by):
            raise ForbiddenError("Nobody reviews a version of their own.")
        if me in review.passed_by:
            raise ForbiddenError("Every phase is passed by somebody else.")


def move(
    services: Services, actor: Actor, version_id: str, what: Move, data: MoveInput
) -> VersionLife:
    """Move a version; of several who try at the same time, one does.

    :raises NotFoundError: there is no such version that the actor sees.
    :raises ForbiddenError: the actor may not, or would review what is theirs.
    :raises ConflictError: it is in another state, somebody else reviews it, or clusters are of it.
    :raises InvalidInputError: a reason is asked for, and none was given.
    """
    reason = _reason(what, data)
    with services.store.begin() as tx:
        tx.reviews.lock(version_id)
        version = tx.catalog.version(version_id, viewer=actor)
        case = _case(services, tx, actor, version)
        target = case.require(what)
        _EFFECTS.get(what, _do_nothing)(case)
        phase = case.phase if RULES[what].needs is None else None
        _write(case, what, target, phase=phase, reason=reason)
        tx.listings.refresh([version.app_id])
        told = {"state": target, "phase": phase, "reason": reason}
        tx.audit.add(version.id, before={"state": case.state}, after=told)
        return _life(attrs.evolve(case, state=target, review=tx.reviews.get(version_id)))


def life(services: Services, actor: Actor, version_id: str) -> VersionLife:
    """Return a version, and where it is in its life.

    :raises NotFoundError: there is no such version that the actor sees.
    """
    with services.store.read() as tx:
        version = tx.catalog.version(version_id, viewer=actor)
        return _life(_case(services, tx, actor, version))


def transitions(services: Services, actor: Actor, version_id: str) -> list[Transition]:
    """Return every move that a version has made, oldest first.

    :raises NotFoundError: there is no such version that the actor sees.
    :raises ForbiddenError: the actor sees it in the store alone.
    """
    with services.store.read() as tx:
        version = tx.catalog.version(version_id, viewer=actor)
        what = f"version {version.version}"
        require_allowed(tx, actor, Action.VERSIONS_READ, owner=version.owner, what=what)
        return tx.reviews.transitions(version.id)


def open_reviews(services: Services, actor: Actor) -> list[OpenReview]:
    """Return the reviews under way of all versions whose drafts the actor sees, oldest first."""
    with services.store.read() as tx:
        return tx.reviews.open(viewer=actor)


def require_deployable(tx: Transaction, actor: Actor, version: AppVersion) -> None:
    """Let a version be deployed that is active, or tried by its owner or whoever reviews it.

    :param version: one that the actor sees.
    :raises ConflictError: it is not active, and not theirs to try; or its repo lists it no more.
    """
    state = VersionState(version.state)
    if version.removed_at is not None:
        raise ConflictError(
            f"Version {version.version} is not listed by its repo any more.",
            pointer="/app_version_id",
            next_step=_CHOOSE,
        )
    if state is VersionState.ACTIVE:
        return
    review = tx.reviews.get(version.id)
    triers = {version.owner, review.reviewer if review else None}
    if not state.is_tried or actor.owner not in triers:
        raise ConflictError(
            f"Version {version.version} is {state}: what is deployed has to be active.",
            pointer="/app_version_id",
            next_step=_CHOOSE,
        )


def require_unused(tx: Transaction, version: AppVersion) -> None:
    """Let a version be changed or deleted that no cluster is of.

    :raises ConflictError: there are some.
    """
    count = tx.reviews.clusters_of(version.id)
    if count:
        raise ConflictError(
            f"Version {version.version} is what {count} "
            f"{'cluster is' if count == 1 else 'clusters are'} of.",
            next_step="Delete these first; or leave the version suspended, which keeps it from "
            "being deployed.",
        )


def write_upload(tx: Transaction, actor: Actor, version: AppVersion, *, is_new: bool) -> None:
    """Write down that a version got its archive; it is a draft from then on.

    :param version: as it was before.
    """
    case = _Case(
        tx=tx,
        actor=actor,
        policy=ReviewPolicy(),
        version=version,
        state=VersionState(version.state),
        review=None,
    )
    _write(case, Move.REVISE, case.require(Move.REVISE), is_new=is_new)


def _case(services: Services, tx: Transaction, actor: Actor, version: AppVersion) -> _Case:
    return _Case(
        tx=tx,
        actor=actor,
        policy=services.review_policy,
        version=version,
        state=VersionState(version.state),
        review=tx.reviews.get(version.id),
    )


def _reason(what: Move, data: MoveInput) -> str:
    reason = data.reason.strip()
    if RULES[what].asks_reason and not reason:
        raise InvalidInputError(
            f"To {what} a version, say why.", pointer="/reason", next_step="Its owner will read it."
        )
    if len(reason) > _LONGEST_REASON:
        raise InvalidInputError(
            f"A reason has at most {_LONGEST_REASON} characters.", pointer="/reason"
        )
    return reason


def _life(case: _Case) -> VersionLife:
    version = attrs.evolve(case.version, state=case.state)
    return VersionLife(
        **attrs.asdict(version, recurse=False),
        review=case.review,
        allowed=tuple(what for what in moves_from(case.state) if _is_allowed(case, what)),
    )


def _is_allowed(case: _Case, what: Move) -> bool:
    try:
        case.require(what)
    except (ConflictError, ForbiddenError):
        return False
    return True


def _write(
    case: _Case,
    what: Move,
    target: VersionState,
    *,
    phase: Phase | None = None,
    reason: str = "",
    is_new: bool = False,
) -> None:
    version = case.version
    source = None if is_new else case.state
    case.tx.reviews.move(
        Transition(
            id=0,
            app_version_id=version.id,
            owner=version.owner,
            actor=case.actor.owner,
            move=what,
            source=source,
            target=target,
            phase=phase,
            reason=reason,
            at=case.tx.now,
        )
    )
    data = {
        "app_id": version.app_id,
        "version": version.version,
        "source": source,
        "target": target,
        "phase": phase,
        "by": case.actor.owner,
        "reason": reason,
    }
    case.tx.events.add(f"version.{what}", version.id, owner=version.owner, data=data)


# -- what moves do beside changing the state -------------------------------------------------------


def _do_nothing(case: _Case) -> None:
    return


def _submit(case: _Case) -> None:
    if case.policy.phases:
        case.tx.reviews.put(
            Review(
                app_version_id=case.version.id,
                owner=case.version.owner,
                phases=case.policy.phases,
                submitted_by=case.actor.owner,
                created_at=case.tx.now,
            )
        )


def _end_review(case: _Case) -> None:
    case.tx.reviews.end(case.version.id)


def _take(case: _Case) -> None:
    if case.review:
        case.tx.reviews.put(attrs.evolve(case.review, reviewer=case.actor.owner))


def _pass(case: _Case) -> None:
    if case.review and len(case.review.phases) > 1:
        passed_by = (*case.review.passed_by, case.actor.owner)
        rest = case.review.phases[1:]
        case.tx.reviews.put(
            attrs.evolve(case.review, phases=rest, passed_by=passed_by, reviewer=None)
        )
    else:
        _end_review(case)


def _require_unused(case: _Case) -> None:
    require_unused(case.tx, case.version)


_EFFECTS: Final[Mapping[Move, Callable[[_Case], None]]] = {
    Move.SUBMIT: _submit,
    Move.WITHDRAW: _end_review,
    Move.TAKE: _take,
    Move.PASS: _pass,
    Move.REJECT: _end_review,
    Move.DELETE: _require_unused,
}
