"""Plans: checked graphs of tasks, with totals, price and findings. Pure data."""

import datetime as dt
import enum
from decimal import Decimal

import attrs

from pitrix_core.findings import Finding
from pitrix_core.model.cluster import ClusterSnapshot
from pitrix_core.model.json import JsonObject
from pitrix_core.model.package import PackageSpec
from pitrix_core.model.runtime import Runtime


class Action(enum.StrEnum):
    """What a plan does to a cluster."""

    CREATE = "create"
    DELETE = "delete"
    ROLL_BACK = "roll_back"  #: undoes what another job did; not planned, made from that job

    @property
    def frees(self) -> bool:
        """Says whether the whole cluster goes."""
        return self is Action.DELETE


@attrs.frozen(kw_only=True)
class Price:
    """What something costs while it runs."""

    amount_per_month: Decimal
    #: ISO 4217.
    currency: str
    #: Where the figure is from, and of which day.
    source: str


@attrs.frozen(kw_only=True)
class Task:
    """One step of a plan."""

    #: Unique in its plan, readable: ``compute.create/etcd/1``. What ``$ref`` and ``after`` name.
    key: str
    #: ``<interface>.<verb>``, or one of the core's own kinds.
    kind: str
    #: What it does, for a person: ``Create machine etcd 1``.
    title: str
    #: Arguments, as JSON, with markers (:mod:`pitrix_core.model.json`).
    input: JsonObject = attrs.field(factory=dict)
    #: Keys of the tasks that have to be done first.
    after: tuple[str, ...] = ()
    #: Node it is about, if about one.
    node_id: str | None = None
    #: Seconds from its first start until it has failed.
    timeout_s: float = attrs.field(default=600.0, validator=attrs.validators.gt(0))
    #: How often it may be tried in all.
    max_attempts: int = attrs.field(default=5, validator=attrs.validators.ge(1))
    #: What that costs which it makes, as the provider told the planner. None where nothing is
    #: made, or no price is known.
    price: Price | None = None


@attrs.frozen(kw_only=True)
class PlannedNode:
    """A machine that a plan brings into being."""

    id: str
    role: str
    sid: int
    gid: int
    #: ``cpu``, ``memory_mib``, ``volume_gib``, …
    planned: JsonObject = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Totals:
    """What a plan adds (or, negative, frees)."""

    machines: int = 0
    cpu: int = 0
    memory_mib: int = 0
    volume_gib: int = 0


@attrs.frozen(kw_only=True)
class PlanRequest:
    """What an app type is asked to plan."""

    action: Action
    cluster_id: str
    name: str
    spec: PackageSpec
    #: Checked against the type's schema, defaults filled in, secrets replaced by markers.
    config: JsonObject
    runtime: Runtime
    #: None for a cluster that is to be created.
    current: ClusterSnapshot | None
    #: Task kinds that the runtime's provider offers, and the core's own.
    offers: frozenset[str]
    #: For a deletion: what the package has to say about it by a command that fails does not keep it
    #: from being carried out, where the package allows that.
    is_forced: bool = False


@attrs.frozen(kw_only=True)
class PlanDraft:
    """What an app type answers."""

    tasks: tuple[Task, ...]
    nodes: tuple[PlannedNode, ...] = ()
    #: Service name → ``{"port": …, "protocol": …}``, to be shown to the user.
    endpoints: JsonObject = attrs.field(factory=dict)
    findings: tuple[Finding, ...] = ()


@attrs.frozen(kw_only=True)
class Plan:
    """A plan as it is stored and shown; what ``apply`` carries out, and nothing else."""

    id: str
    action: Action
    owner: str
    cluster_id: str
    cluster_name: str
    #: Revision of the cluster it was made for; 0 for one that does not exist yet.
    revision: int
    app_version_id: str
    runtime_id: str
    config: JsonObject
    tasks: tuple[Task, ...]
    nodes: tuple[PlannedNode, ...]
    endpoints: JsonObject
    totals: Totals
    #: None where no price is known.
    price: Price | None
    findings: tuple[Finding, ...]
    #: SHA-256 over everything above but the id, as hexadecimal.
    digest: str
    created_at: dt.datetime
    #: ``sha256:…`` of the package it was made from: a draft may get another one. Empty where the
    #: package had not been read before, and where it does not matter.
    package_digest: str = ""
    #: For a deletion: the cluster is given up, and its cloud is asked for nothing.
    forgets: bool = False
