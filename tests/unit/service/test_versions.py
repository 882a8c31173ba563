"""Versions are reviewed and released: by whom, in which order, and with a trace of all of it."""

import threading
from collections.abc import Callable
from typing import Any

import attrs
import core_world
import lives
import pytest
from lives import ADMIN, DAVE, DORA, IVY, OLGA, RITA, ROB, go, reviewing, upload

from pitrix_core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    PitrixError,
)
from pitrix_core.model import Runtime
from pitrix_core.model.access import Actor
from pitrix_core.model.lifecycle import Move
from pitrix_core.service import apps, clusters, events, plans, repos, versions
from pitrix_core.service.inputs import ApplyInput, PlanInput
from pitrix_core.service.services import Services
from pitrix_core.service.versions import MoveInput
from pitrix_core.store.audit import Deed

Register = Callable[..., Runtime]


def test_without_phases_what_is_submitted_has_passed(services: Services) -> None:
    """An installation of one person works so."""
    version = upload(services)

    life = go(services, version, DORA, "submit")

    assert (life.state, life.review) == ("passed", None)


def test_phases_are_passed_in_order(services: Services) -> None:
    """The last one passes the version."""
    services = reviewing(services, "isv", "business", "technical")
    version = upload(services)

    states = [go(services, version, DORA, "submit")]
    states += [go(services, version, who, "take", "pass") for who in (IVY, RITA, ROB)]

    assert [life.state for life in states] == ["submitted", "in_review", "in_review", "passed"]
    phases = [life.review and [*life.review.phases] for life in states]
    assert phases == [
        ["isv", "business", "technical"],
        ["business", "technical"],
        ["technical"],
        None,
    ]


def test_every_move_is_told(services: Services) -> None:
    """Who, when, from where to where, in which phase, and why."""
    services = reviewing(services, "technical")
    version = upload(services)
    go(services, version, DORA, "submit")
    go(services, version, RITA, "take")
    go(services, version, RITA, "reject", reason="It does not start.")

    found = versions.transitions(services, DORA, version.id)

    assert [(one.actor, one.move, one.source, one.target, one.phase) for one in found] == [
        ("dora", "revise", None, "draft", None),
        ("dora", "submit", "draft", "submitted", None),
        ("rita", "take", "submitted", "in_review", "technical"),
        ("rita", "reject", "in_review", "rejected", "technical"),
    ]
    assert found[-1].reason == "It does not start."
    told = events.after(services, ADMIN, 0, subjects=frozenset({version.id}))
    assert [one.kind for one in told][-2:] == ["version.take", "version.reject"]


def test_a_move_is_one_entry_of_the_audit(services: Services) -> None:
    """With the state before and after, and why."""
    version = lives.released(services)
    deed = Deed(actor=OLGA, action="suspendAppVersion")
    acting = attrs.evolve(services, store=services.store.on_behalf(deed))

    go(acting, version, OLGA, "suspend", reason="It leaks.")

    with services.store.read() as tx:
        [entry] = tx.audit.entries()
    assert (entry.subject, entry.before) == (version.id, {"state": "active"})
    assert entry.after == {"state": "suspended", "reason": "It leaks."}


@pytest.mark.parametrize("move", [Move.REJECT, Move.SUSPEND])
def test_some_moves_ask_why(services: Services, move: Move) -> None:
    """Blanks are no reason."""
    version = upload(services)

    with pytest.raises(InvalidInputError) as caught:
        versions.move(services, ADMIN, version.id, move, MoveInput(reason=" "))

    assert caught.value.pointer == "/reason"


def test_a_reason_has_an_end(services: Services) -> None:
    """It is read by people."""
    version = upload(services)

    with pytest.raises(InvalidInputError, match="4000 characters"):
        versions.move(services, DORA, version.id, Move.SUBMIT, MoveInput(reason="x" * 4001))


def test_a_move_from_another_state_is_refused(services: Services) -> None:
    """The message says what is possible instead."""
    version = upload(services)

    with pytest.raises(ConflictError) as caught:
        go(services, version, ADMIN, "release")

    assert "draft" in caught.value.message
    assert "submit" in str(caught.value.next_step)


@pytest.mark.parametrize(
    ("before", "actor", "move"),
    [
        pytest.param((), OLGA, "submit", id="an-operator-submits"),
        pytest.param(("submit",), DORA, "release", id="a-developer-releases"),
        pytest.param(("submit",), RITA, "release", id="a-reviewer-releases"),
        pytest.param(("submit",), RITA, "withdraw", id="a-reviewer-withdraws"),
    ],
)
def test_who_has_no_right_is_refused(
    services: Services, before: tuple[str, ...], actor: Actor, move: str
) -> None:
    """They see the version, and may not do this."""
    version = upload(services)
    go(services, version, DORA, *before)
    viewer = actor if actor is not OLGA else lives.person("olga", "reviewer", everywhere=True)

    with pytest.raises(ForbiddenError):
        go(services, version, viewer, move)


def test_a_phase_needs_its_own_right(services: Services) -> None:
    """Reviewers of business and technology do not review for the vendor."""
    services = reviewing(services, "isv")
    version = upload(services)
    go(services, version, DORA, "submit")

    with pytest.raises(ForbiddenError):
        go(services, version, RITA, "take")


@pytest.mark.parametrize(
    ("allows_own", "outcome"),
    [
        pytest.param(False, pytest.raises(ForbiddenError), id="as-a-rule"),
        pytest.param(True, None, id="where-it-is-allowed"),
    ],
)
def test_nobody_reviews_what_is_theirs(services: Services, allows_own: bool, outcome: Any) -> None:
    """Not even who may do everything; an installation may allow it."""
    services = reviewing(services, "technical", allows_own=allows_own)
    version = upload(services, ADMIN)
    go(services, version, ADMIN, "submit")

    if outcome is None:
        assert go(services, version, ADMIN, "take", "pass").state == "passed"
    else:
        with outcome:
            go(services, version, ADMIN, "take")


def test_nobody_passes_what_became_theirs(services: Services) -> None:
    """Such as the things of a user who left."""
    services = reviewing(services, "technical")
    version = upload(services)
    go(services, version, DORA, "submit")
    go(services, version, RITA, "take")
    with services.store.begin() as tx:
        tx.belongings.hand_over("dora", to="rita")

    with pytest.raises(ForbiddenError, match="of their own"):
        go(services, version, RITA, "pass")


def test_nobody_passes_two_phases(services: Services) -> None:
    """Four eyes see more than two."""
    services = reviewing(services, "business", "technical")
    version = upload(services)
    go(services, version, DORA, "submit")
    go(services, version, RITA, "take", "pass")

    with pytest.raises(ForbiddenError, match="somebody else"):
        go(services, version, RITA, "take")


def test_a_phase_is_taken_before_it_is_passed(services: Services) -> None:
    """So that everybody knows who is at it."""
    services = reviewing(services, "business", "technical")
    version = upload(services)
    go(services, version, DORA, "submit")
    go(services, version, RITA, "take", "pass")

    with pytest.raises(ConflictError, match="Nobody has taken"):
        go(services, version, ROB, "pass")


@pytest.mark.parametrize("move", ["take", "pass", "reject"])
def test_who_has_taken_a_phase_has_it_alone(services: Services, move: str) -> None:
    """The others are told who that is."""
    services = reviewing(services, "technical")
    version = upload(services)
    go(services, version, DORA, "submit")
    go(services, version, RITA, "take")

    with pytest.raises(ConflictError, match="rita reviews it already"):
        go(services, version, ROB, move)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_of_two_who_take_it_at_once_one_does(services: Services) -> None:
    """The other one is told so."""
    services = reviewing(services, "technical")
    version = upload(services)
    go(services, version, DORA, "submit")
    outcomes: list[str] = []
    both = threading.Barrier(2)

    def take(actor: Actor) -> None:
        both.wait(60.0)
        try:
            versions.move(services, actor, version.id, Move.TAKE, MoveInput())
            outcomes.append("took")
        except PitrixError as ex:
            outcomes.append(ex.code)

    threads = [threading.Thread(target=take, args=(who,)) for who in (RITA, ROB)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)

    assert sorted(outcomes) == ["conflict", "took"]
    assert len(versions.transitions(services, DORA, version.id)) == 3


def test_what_is_withdrawn_begins_anew(services: Services) -> None:
    """No phase that was passed counts any more."""
    services = reviewing(services, "business", "technical")
    version = upload(services)
    go(services, version, DORA, "submit")
    go(services, version, RITA, "take", "pass")
    go(services, version, DORA, "withdraw", "submit")

    life = go(services, version, RITA, "take")

    assert life.review is not None
    assert (life.review.phases, life.review.passed_by) == (("business", "technical"), ())


def test_a_life_says_what_the_one_who_asks_can_do(services: Services) -> None:
    """A program draws its buttons from this."""
    services = reviewing(services, "technical")
    version = upload(services)
    go(services, version, DORA, "submit")

    allowed = {
        who.owner: versions.life(services, who, version.id).allowed for who in (DORA, RITA, ADMIN)
    }

    assert allowed == {"dora": ("withdraw",), "rita": ("take",), "admin": ("withdraw", "take")}


def test_who_has_taken_a_phase_passes_or_rejects_it(services: Services) -> None:
    """And does not take it again."""
    services = reviewing(services, "technical")
    version = upload(services)
    go(services, version, DORA, "submit")
    go(services, version, RITA, "take")

    assert versions.life(services, RITA, version.id).allowed == ("pass", "reject")
    with pytest.raises(ConflictError, match="rita reviews it already"):
        go(services, version, RITA, "take")


def test_reviews_under_way_are_listed_for_who_may_see_drafts(services: Services) -> None:
    """Their own for developers, everybody's for reviewers."""
    services = reviewing(services, "technical")
    mine, other = upload(services, DORA), upload(services, DAVE)
    for version, owner in ((mine, DORA), (other, DAVE)):
        go(services, version, owner, "submit")

    seen = {
        who.owner: {one.owner for one in versions.open_reviews(services, who)}
        for who in (DORA, RITA)
    }

    assert seen == {"dora": {"dora"}, "rita": {"dora", "dave"}}


# -- who sees what ---------------------------------------------------------------------------------


def test_a_draft_is_there_for_its_owner_and_reviewers_alone(services: Services) -> None:
    """Nor is an app that has nothing else."""
    version = upload(services)

    with pytest.raises(NotFoundError):
        versions.life(services, DAVE, version.id)
    with pytest.raises(NotFoundError):
        apps.get(services, DAVE, version.app_id)
    assert versions.life(services, DORA, version.id).state == "draft"
    assert versions.life(services, RITA, version.id).state == "draft"


def test_what_is_released_is_there_for_everybody(services: Services) -> None:
    """And not any more once it is suspended."""
    version = lives.released(services)
    before = apps.get(services, DAVE, version.app_id).id

    go(services, version, OLGA, "suspend")

    assert before == version.app_id
    with pytest.raises(NotFoundError):
        versions.life(services, DAVE, version.id)
    assert go(services, version, OLGA, "recover").state == "active"


def test_how_a_version_was_reviewed_is_for_who_may_see_drafts(services: Services) -> None:
    """Its users see that it is there."""
    version = lives.released(services)

    with pytest.raises(ForbiddenError):
        versions.transitions(services, DAVE, version.id)


def test_an_app_of_which_all_is_deleted_is_not_listed(services: Services) -> None:
    """Not even for its owner; another version brings it back."""
    version = upload(services)
    listed = [[one.name for one in apps.search(services, DORA)]]
    go(services, version, DORA, "delete")
    listed += [[one.name for one in apps.search(services, DORA)]]
    upload(services, version="2.0.0")

    listed += [[one.name for one in apps.search(services, DORA)]]

    assert listed == [["app"], [], ["app"]]


# -- deploying -------------------------------------------------------------------------------------


def deploy(services: Services, actor: Actor, version_id: str) -> Any:
    """Plan a cluster, and carry the plan out."""
    plan = plans.create(services, actor, PlanInput(app_version_id=version_id))
    return clusters.apply(services, actor, ApplyInput(plan_id=plan.id))


def test_owner_and_reviewer_try_a_version(services: Services, register: Register) -> None:
    """The reviewer who has taken it, and no other."""
    register()
    services = reviewing(services, "technical")
    version = upload(services)
    deploy(services, DORA, version.id)
    go(services, version, DORA, "submit")
    go(services, version, RITA, "take")

    job = deploy(services, RITA, version.id)

    assert job.owner == "rita"
    with pytest.raises(ConflictError, match="has to be active"):
        deploy(services, ROB, version.id)


def test_what_is_suspended_is_not_deployed(services: Services, register: Register) -> None:
    """Not even by a plan that was made before."""
    register()
    version = lives.released(services)
    plan = plans.create(services, DORA, PlanInput(app_version_id=version.id))
    go(services, version, OLGA, "suspend")

    with pytest.raises(ConflictError, match="suspended"):
        clusters.apply(services, DORA, ApplyInput(plan_id=plan.id))


def test_what_a_repo_lists_no_more_is_not_deployed(
    services: Services,
    repo: core_world.RepoFolder,
    release: Callable[..., str],
    register: Register,
) -> None:
    """Though its clusters go on."""
    register()
    version = release()
    repo.entries.clear()
    repo.write()
    repos.index(services, ADMIN, "notes")

    with pytest.raises(ConflictError, match="not listed by its repo"):
        deploy(services, ADMIN, version)


def test_a_version_that_clusters_are_of_stays(services: Services, register: Register) -> None:
    """Suspended, it can be left until they are gone."""
    register()
    version = lives.released(services)
    deploy(services, DAVE, version.id)
    go(services, version, OLGA, "suspend")

    with pytest.raises(ConflictError, match="1 cluster is of"):
        go(services, version, DORA, "delete")


def test_what_is_deleted_is_gone_for_good(services: Services) -> None:
    """Its history stays for those who saw it before."""
    version = upload(services)

    life = go(services, version, DORA, "delete")

    assert (life.state, life.allowed) == ("deleted", ())
    assert versions.transitions(services, DORA, version.id)[-1].target == "deleted"
