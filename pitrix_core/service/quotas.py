"""Hold plans against quotas and budgets; set these, and look at them.

A plan is held against them twice: when it is made, as a hook of the core's own
(:class:`QuotaReview`), so that whoever plans hears of it at once; and again in the transaction that
applies it, under a lock, so that of two plans that fit by themselves no two slip through together.
What counts is what a plan adds: whoever has more than a limit that was lowered can still delete.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

import attrs

from pitrix_core.contracts.hookspecs import hookimpl
from pitrix_core.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    QuotaExceededError,
)
from pitrix_core.findings import Finding, Level, errors_in
from pitrix_core.model import Action as PlanAction
from pitrix_core.model import Plan, Runtime
from pitrix_core.model.access import Action, Actor
from pitrix_core.model.quota import MOST, WORDS, Limits, Quota, QuotaReport, Scope, Unpriced, Use
from pitrix_core.service.people import find_group, find_user
from pitrix_core.service.services import Services
from pitrix_core.store import Store, Transaction
from pitrix_core.store.metering import CURRENCY

#: Part of a limit from which on a plan is told that it is near.
_NEAR: Final = Decimal("0.9")
#: How many of those who may change a quota are named.
_NAMED: Final = 3
_MIB_PER_GIB: Final = 1024


@attrs.frozen(kw_only=True)
class QuotaInput:
    """All of a quota; what is not named is not limited."""

    #: Path or id of the group it is for. With neither group nor user: for each user alone.
    group: str | None = None
    #: Name of the user it is for, instead of what is for each user.
    user: str | None = None
    limits: Limits = attrs.field(factory=Limits)
    #: Currency (ISO 4217) → what everything together may cost a month: ``{"EUR": "250.00"}``.
    budgets: Mapping[str, str] = attrs.field(factory=dict)
    #: What becomes of plans whose price is not known, or in another currency, where there is a
    #: budget.
    unpriced: Unpriced = Unpriced.WARN


class QuotaReview:
    """Reviews plans as a plugin does."""

    def __init__(self, store: Store) -> None:
        """Keep where quotas are."""
        self._store = store

    @hookimpl
    def pitrix_review_plan(self, plan: Plan, runtime: Runtime) -> list[Finding]:
        """Say what a plan would exceed, or come near to."""
        with self._store.read() as tx:
            return review(tx, plan)


def review(tx: Transaction, plan: Plan) -> list[Finding]:
    """Say what a plan would exceed, or come near to: an error, or a warning, for each limit."""
    added = _added(plan)
    if not any(_numbers(added).values()):
        return []
    quotas = tx.quotas.counting_for(plan.owner)
    return [finding for quota in quotas for finding in _Balance.of(tx, quota, plan).findings()]


def require_room(tx: Transaction, plan: Plan) -> None:
    """Let a plan be applied that exceeds nothing still.

    Whoever else applies a plan that counts for one of its quotas waits until the transaction ends,
    in which what the plan makes is to be counted.

    :raises QuotaExceededError: something else was made meanwhile; with every limit that is.
    """
    tx.quotas.lock(tx.quotas.counting_for(plan.owner))
    wrong = errors_in(review(tx, plan))
    if wrong:
        raise QuotaExceededError("There is no room for it any more.", findings=wrong)


@attrs.frozen(kw_only=True)
class _Balance:
    """A quota, what is used of it, and what a plan adds."""

    quota: Quota
    used: Use
    added: Use
    plan: Plan
    #: Whom to ask, as the end of a sentence; asked for only where it is said.
    whom: Callable[[], str]

    @classmethod
    def of(cls, tx: Transaction, quota: Quota, plan: Plan) -> "_Balance":
        return cls(
            quota=quota,
            used=tx.quotas.used(quota, owner=plan.owner),
            added=_added(plan),
            plan=plan,
            whom=lambda: _whom(tx, quota),
        )

    def findings(self) -> Iterator[Finding]:
        used, added = _numbers(self.used), _numbers(self.added)
        for name, limit in attrs.asdict(self.quota.limits).items():
            if limit is not None and added[name] > 0:
                yield from self._of_limit(
                    f"{limit} {WORDS[name][limit != 1]}",
                    limit,
                    used=used[name],
                    added=added[name],
                )
        if self.quota.budgets and self.plan.action is PlanAction.CREATE:
            yield from self._of_budgets()

    def _of_limit(
        self, told: str, limit: int, *, used: Decimal, added: Decimal
    ) -> Iterator[Finding]:
        whose, after = self.quota.title, used + added
        if after > limit:
            message = f"{whose} may have {told}. In use: {_text(used)}. Added: {_text(added)}."
            yield self._exceeded("quota.exceeded", message)
        elif after >= limit * _NEAR:
            message = f"{whose} will have {_text(after)} of {told}."
            yield Finding(level=Level.WARNING, code="quota.near", message=message)

    def _of_budgets(self) -> Iterator[Finding]:
        [currency, added] = next(iter(self.added.costs.items()), ("", Decimal(0)))
        budget = self.quota.budgets.get(currency)
        whose = self.quota.title
        if budget is None:
            yield self._unpriced(currency)
            return
        used = self.used.costs.get(currency, Decimal(0))
        if used + added > budget:
            message = (
                f"{whose} may spend {_text(budget)} {currency} a month. In use: {_text(used)}. "
                f"Added: {_text(added)}."
            )
            yield self._exceeded("budget.exceeded", message)
        elif used + added >= budget * _NEAR:
            message = (
                f"{whose} will spend {_text(used + added)} of {_text(budget)} {currency} a month."
            )
            yield Finding(level=Level.WARNING, code="budget.near", message=message)

    def _unpriced(self, currency: str) -> Finding:
        known = ", ".join(sorted(self.quota.budgets))
        why = f"is in {currency}" if currency else "is not known"
        message = (
            f"What this costs {why}, and cannot be held against the budget ({known}) of "
            f"{_lowered(self.quota.title)}."
        )
        if self.quota.unpriced is Unpriced.REFUSE:
            return self._exceeded("budget.unpriced", message)
        return Finding(level=Level.WARNING, code="budget.unpriced", message=message)

    def _exceeded(self, code: str, message: str) -> Finding:
        step = f"Delete what is not needed any more, or ask {self.whom()}."
        return Finding(level=Level.ERROR, code=code, message=message, next_step=step)


# -- setting and looking ---------------------------------------------------------------------------


def put(services: Services, actor: Actor, data: QuotaInput) -> Quota:
    """Set all of a quota; what is not named is not limited.

    :raises InvalidInputError: it is for a group and a user, or a number is none.
    :raises NotFoundError: there is no such group or user that the actor sees.
    :raises ForbiddenError: the actor may not set it.
    """
    if data.group is not None and data.user is not None:
        raise InvalidInputError("A quota is for a group or for a user.", pointer="/user")
    _require_numbers(data.limits)
    budgets = {currency: _budget(currency, text) for currency, text in data.budgets.items()}
    with services.store.begin() as tx:
        scope, subject, group_id = _subject(tx, data)
        quota = Quota(
            id="",
            scope=scope,
            subject=subject,
            limits=data.limits,
            budgets=budgets,
            unpriced=data.unpriced,
            updated_at=tx.now,
        )
        _require_seen(tx, actor, quota, data)
        _require_keeper(tx, actor, quota)
        known = {(each.scope, each.subject): each for each in tx.quotas.all()}
        stored = tx.quotas.put(quota, group_id=group_id)
        tx.audit.add(stored.id, before=known.get((scope, subject)), after=stored)
        _tell(tx, actor, stored, "quota.set")
        return stored


def search(services: Services, actor: Actor) -> list[QuotaReport]:
    """Return the quotas that count for the actor, and those that the actor may look at."""
    with services.store.read() as tx:
        own = {quota.id for quota in tx.quotas.counting_for(actor.owner)}
        seen = [each for each in tx.quotas.all() if each.id in own or _is_seen(tx, actor, each)]
        return [_report(tx, quota, actor) for quota in seen]


def get(services: Services, actor: Actor, quota_id: str) -> QuotaReport:
    """Return a quota beside what there is.

    :raises NotFoundError: there is none that the actor may see.
    """
    with services.store.read() as tx:
        return _report(tx, _find(tx, actor, quota_id), actor)


def remove(services: Services, actor: Actor, quota_id: str) -> None:
    """Delete a quota: nothing is limited by it any more.

    :raises NotFoundError: there is none that the actor may see.
    :raises ForbiddenError: the actor may not.
    """
    with services.store.begin() as tx:
        quota = _find(tx, actor, quota_id)
        _require_keeper(tx, actor, quota)
        tx.quotas.remove(quota.id)
        tx.audit.add(quota.id, before=quota)
        _tell(tx, actor, quota, "quota.removed")


def _tell(tx: Transaction, actor: Actor, quota: Quota, kind: str) -> None:
    data = {"scope": quota.scope, "subject": quota.subject}
    tx.events.add(kind, quota.id, owner=actor.owner, data=data)


def _find(tx: Transaction, actor: Actor, quota_id: str) -> Quota:
    quota = tx.quotas.get(quota_id)
    is_own = quota in tx.quotas.counting_for(actor.owner)
    if not is_own and not _is_seen(tx, actor, quota):
        step = "List them: pitrix quota list"
        raise NotFoundError(f"There is no quota {quota_id!r}.", next_step=step)
    return quota


def _is_seen(tx: Transaction, actor: Actor, quota: Quota) -> bool:
    match quota.scope:
        case Scope.GROUP:
            return actor.may_within(Action.QUOTAS_READ, quota.subject)
        case Scope.USER:
            return tx.access.may(actor, Action.QUOTAS_READ, owner=quota.subject)
        case Scope.EVERY_USER:
            return actor.may(Action.QUOTAS_READ)


def _require_seen(tx: Transaction, actor: Actor, quota: Quota, data: QuotaInput) -> None:
    """Tell of a group or a user that the actor does not see what is told where there is none.

    :raises NotFoundError: the actor sees neither them nor their quotas.
    """
    if _is_seen(tx, actor, quota):
        return
    if data.group is not None:
        find_group(tx, actor, data.group)
    if data.user is not None:
        find_user(tx, actor, data.user, action=Action.USERS_READ)


def _require_keeper(tx: Transaction, actor: Actor, quota: Quota) -> None:
    """Let those go on who hold the right above what is limited, by a grant: nobody limits
    themselves.

    :raises ForbiddenError: the actor does not.
    """
    path = tx.quotas.kept_at(quota)
    if not actor.may_within(Action.QUOTAS_WRITE, path):
        raise ForbiddenError(
            f"This needs the right {Action.QUOTAS_WRITE} on group {path}.",
            next_step=f"Ask {_whom(tx, quota)}.",
        )


def _subject(tx: Transaction, data: QuotaInput) -> tuple[Scope, str, str | None]:
    if data.group is not None:
        group = tx.groups.get(data.group)
        return Scope.GROUP, group.path, group.id
    if data.user is not None:
        return Scope.USER, tx.users.get(data.user).name, None
    return Scope.EVERY_USER, "", None


def _report(tx: Transaction, quota: Quota, actor: Actor) -> QuotaReport:
    used = tx.quotas.used(quota, owner=actor.owner)
    return QuotaReport(**attrs.asdict(quota, recurse=False), used=used)


# -- numbers ---------------------------------------------------------------------------------------


def _added(plan: Plan) -> Use:
    """Return what a plan adds, as what is used is counted."""
    is_new = plan.action is PlanAction.CREATE
    price = plan.price
    return Use(
        clusters=1 if is_new else 0,
        nodes=max(0, plan.totals.machines),
        cores=max(0, plan.totals.cpu),
        memory_gib=Decimal(max(0, plan.totals.memory_mib)) / _MIB_PER_GIB,
        disk_gib=max(0, plan.totals.volume_gib),
        costs={} if price is None else {price.currency: price.amount_per_month},
    )


def _numbers(use: Use) -> dict[str, Decimal]:
    return {name: Decimal(getattr(use, name)) for name in WORDS}


def _whom(tx: Transaction, quota: Quota) -> str:
    names = tx.quotas.keepers(quota, limit=_NAMED)
    return f"who may change the quota: {', '.join(names)}" if names else "an admin for more"


def _text(number: Decimal | int) -> str:
    """Return a number with no more than two digits after the point."""
    return f"{Decimal(number):.2f}".rstrip("0").rstrip(".")


def _lowered(title: str) -> str:
    return title[0].lower() + title[1:]


def _require_numbers(limits: Limits) -> None:
    for name, limit in attrs.asdict(limits).items():
        if limit is not None and not 0 <= limit <= MOST:
            raise InvalidInputError(
                f"{limit} is no limit: it is from 0 to {MOST}.", pointer=f"/limits/{name}"
            )


def _budget(currency: str, text: str) -> Decimal:
    pointer = f"/budgets/{currency}"
    if not CURRENCY.fullmatch(currency):
        raise InvalidInputError(
            f"{currency!r} is no currency.",
            pointer="/budgets",
            next_step="Name it by three letters, such as EUR.",
        )
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= MOST:
        raise InvalidInputError(
            f"{text!r} is no amount: it is from 0 to {MOST}.",
            pointer=pointer,
            next_step="Such as 250 or 99.50.",
        )
    return amount
