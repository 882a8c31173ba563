"""Compare the runtimes that an app version can run on, and say of the others why not.

Nothing is stored: prices are those of a plan that is made for each runtime and thrown away.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.catalog.match import Needs, Objection, match, needs_of
from pitrix_core.errors import ConfigInvalidError, PitrixError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, Plan, Price, Runtime, RuntimeLimits, Totals
from pitrix_core.model.access import Actor
from pitrix_core.planner.build import PlanFrame, build_plan
from pitrix_core.planner.kinds import CORE_KINDS
from pitrix_core.service import deployments
from pitrix_core.service.deployments import Deployment
from pitrix_core.service.languages import DEFAULT_LANGUAGE
from pitrix_core.service.services import Services
from pitrix_core.store.catalog import AppVersion
from pitrix_core.store.repos import Repo

_FRAME: Final = PlanFrame(
    id="",
    owner="",
    revision=0,
    app_version_id="",
    created_at=dt.datetime.fromtimestamp(0, dt.UTC),
)


@attrs.frozen(kw_only=True)
class MatchInput:
    """What is to be compared."""

    #: As for a plan; left out, the defaults, as far as they go.
    config: JsonObject | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class PricePart:
    """What one kind of resource adds to a price."""

    #: Kind of the tasks that make it: ``compute.create``.
    kind: str
    count: int
    #: None where the price of one of them is not known.
    amount_per_month: Decimal | None


@attrs.frozen(kw_only=True)
class RuntimeMatch:
    """Whether an app version can run on a runtime, and what that takes."""

    runtime_id: str
    runtime_name: str
    provider: str
    zone: str
    labels: Mapping[str, str]
    limits: RuntimeLimits
    throw_away: bool
    matches: bool
    #: Why not; empty where it matches.
    objections: tuple[Objection, ...] = ()
    #: Kinds of tasks that it offers, and another matching runtime does not.
    also_offers: tuple[str, ...] = ()
    #: None where it is not known: without a configuration, or without prices.
    totals: Totals | None = None
    price: Price | None = None
    price_parts: tuple[PricePart, ...] = ()


@attrs.frozen(kw_only=True)
class Comparison:
    """All runtimes that somebody sees, for one app version."""

    app_version_id: str
    #: The matching ones first, the cheapest of each currency before others, then by name.
    runtimes: tuple[RuntimeMatch, ...]
    #: Parameters without defaults: until they are given, images and prices are not known.
    missing: tuple[Finding, ...] = ()


@attrs.frozen(kw_only=True)
class _Question:
    """What is asked about each runtime."""

    services: Services
    needs: Needs
    #: None where parameters are missing.
    wish: Deployment | None
    runtimes: Mapping[str, Runtime]

    def answer(self, runtime_id: str) -> RuntimeMatch:
        """Try a runtime; makes requests."""
        runtime = self.runtimes[runtime_id]
        [found] = match([runtime], self.needs, gate=self.services.gates.of, core_kinds=CORE_KINDS)
        if found.findings:
            return _answer(runtime, found.findings)
        try:
            offers = self.services.gates.of(runtime.id).offers()
            plan = self._plan(runtime)
        except PitrixError as ex:
            return _answer(runtime, _refusals(runtime, ex))
        fits = attrs.evolve(_answer(runtime, ()), also_offers=tuple(sorted(offers)))
        if plan is None:
            return fits
        parts = tuple(_parts(plan))
        return attrs.evolve(fits, totals=plan.totals, price=plan.price, price_parts=parts)

    def _plan(self, runtime: Runtime) -> Plan | None:
        if self.wish is None:
            return None
        request = deployments.request_of(self.services, self.wish, runtime)
        draft = deployments.drafted(self.wish.package, request)
        provider = self.services.gates.of(runtime.id)
        return build_plan(request, draft, frame=_FRAME, provider=provider)


def compare(
    services: Services,
    actor: Actor,
    version_id: str,
    data: MatchInput,
    *,
    language: str = DEFAULT_LANGUAGE,
) -> Comparison:
    """Try an app version on every runtime that the actor sees.

    Several clouds are asked at a time, and each has so many seconds to answer.

    :param language: of the labels in findings about the configuration.
    :raises NotFoundError: there is no such version.
    :raises ConfigInvalidError: the given configuration violates its schema; with every finding.
    :raises PackageError: the package cannot be read, or its template not be rendered.
    """
    with services.store.read() as tx:
        version = tx.catalog.version(version_id, viewer=actor)
        repo = tx.repos.get(tx.catalog.app(version.app_id).repo_id)
        runtimes = {runtime.id: runtime for runtime in tx.runtimes.all(viewer=actor)}
    wish, missing = _prepared(services, actor, version, data, language=language)
    question = _Question(
        services=services,
        needs=_needs(services, version, wish, repo),
        wish=wish,
        runtimes=runtimes,
    )
    answers = services.inquiries.ask(list(runtimes), question.answer)
    found = [answers.get(runtime.id) or _unanswered(runtime) for runtime in runtimes.values()]
    told = sorted(_told_apart(found), key=_order)
    return Comparison(app_version_id=version.id, runtimes=tuple(told), missing=missing)


def _prepared(
    services: Services, actor: Actor, version: AppVersion, data: MatchInput, *, language: str
) -> tuple[Deployment | None, tuple[Finding, ...]]:
    """Return what is to be deployed; None where the defaults do not do, and what is missing."""
    try:
        wish = deployments.prepare(
            services, version, data.config or {}, owner=actor.owner, language=language
        )
    except ConfigInvalidError as ex:
        if data.config is not None:
            raise
        return None, tuple(ex.findings)
    return wish, ()


def _needs(services: Services, version: AppVersion, wish: Deployment | None, repo: Repo) -> Needs:
    if wish is not None:
        return needs_of(wish.package, wish.linked.config, repo)
    package = services.loader.load(version)
    with asking(package.app_type, to="say what the package needs"):
        kinds = frozenset(package.app_type.requires(package.spec))
    return Needs(repo=repo, kinds=kinds, images=frozenset())


def _answer(runtime: Runtime, objections: Sequence[Objection]) -> RuntimeMatch:
    return RuntimeMatch(
        runtime_id=runtime.id,
        runtime_name=runtime.name,
        provider=runtime.provider,
        zone=runtime.zone,
        labels=runtime.labels,
        limits=runtime.limits,
        throw_away=runtime.throw_away,
        matches=not objections,
        objections=tuple(objections),
    )


def _unanswered(runtime: Runtime) -> RuntimeMatch:
    late = Objection(
        level=Level.ERROR,
        code="match.unanswered",
        message=f"Runtime {runtime.name}: its cloud did not answer in time.",
        file=runtime.id,
        next_step="Try it again: the cloud may answer then.",
    )
    return _answer(runtime, (late,))


def _refusals(runtime: Runtime, ex: PitrixError) -> tuple[Objection, ...]:
    """Return why no plan could be made for a runtime."""
    findings: Sequence[Finding] = getattr(ex, "findings", ())
    reasons = [(one.message, one.next_step) for one in findings] or [(ex.message, ex.next_step)]
    return tuple(
        Objection(
            level=Level.ERROR,
            code="match.plan",
            message=f"Runtime {runtime.name}: {message}",
            file=runtime.id,
            next_step=next_step,
        )
        for message, next_step in reasons
    )


def _parts(plan: Plan) -> list[PricePart]:
    kinds = dict.fromkeys(
        task.kind for task in plan.tasks if task.kind in ("compute.create", "volume.create")
    )
    return [_part(plan, kind) for kind in kinds]


def _part(plan: Plan, kind: str) -> PricePart:
    prices = [task.price for task in plan.tasks if task.kind == kind]
    known = [price.amount_per_month for price in prices if price is not None]
    is_known = len(known) == len(prices)
    amount = sum(known, Decimal(0)) if is_known else None
    return PricePart(kind=kind, count=len(prices), amount_per_month=amount)


def _told_apart(found: Sequence[RuntimeMatch]) -> list[RuntimeMatch]:
    """Leave of each one's offers those that not all matching ones have."""
    offers = [set(one.also_offers) for one in found if one.matches]
    common = set.intersection(*offers) if offers else set()
    return [
        attrs.evolve(one, also_offers=tuple(kind for kind in one.also_offers if kind not in common))
        for one in found
    ]


def _order(one: RuntimeMatch) -> tuple[bool, bool, str, Decimal, str]:
    if one.price is None:
        return (not one.matches, True, "", Decimal(0), one.runtime_name)
    price = one.price
    return (not one.matches, False, price.currency, price.amount_per_month, one.runtime_name)
