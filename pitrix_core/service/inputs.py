"""What callers send: one record per request; their JSON Schemas validate requests and are the
API's.
"""

import enum
from collections.abc import Mapping

import attrs

from pitrix_core.model import Action, JsonObject, RuntimeLimits
from pitrix_core.model.access import Visibility
from pitrix_core.model.lifecycle import VersionState


@attrs.frozen(kw_only=True)
class RepoPlaceInput:
    """Where a repo is, and how it is read."""

    #: ``https://HOST/PATH`` or ``file:///FOLDER`` with an ``index.yaml`` in it, ``oci://HOST/PATH``,
    #: ``s3://BUCKET/PATH``, or what plugins add.
    url: str
    #: Checked with the settings schema of the URL's kind: ``GET /v1/repo_kinds``.
    settings: JsonObject = attrs.field(factory=dict)
    #: Checked with its credential schema; stored encrypted, never shown again.
    credential: JsonObject = attrs.field(factory=dict, repr=False)


@attrs.frozen(kw_only=True)
class RepoInput(RepoPlaceInput):
    """A repo to register."""

    name: str
    labels: Mapping[str, str] = attrs.field(factory=dict)
    #: Providers its apps may run on; empty for all.
    providers: tuple[str, ...] = ()
    #: Label key → values, one of which a runtime must have.
    selectors: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    #: Public keys of minisign, in one line each: packages that none of them signed are left out.
    #: Empty: packages need not be signed.
    trusted_keys: tuple[str, ...] = ()
    #: Who sees it and its apps, beside its owner.
    visibility: Visibility = Visibility.PUBLIC
    #: Ids or paths of the groups that see it, with ``groups``.
    groups: tuple[str, ...] = ()
    #: State in which its versions enter the catalogue.
    default_state: VersionState = VersionState.ACTIVE
    #: Seconds between looks at its index; left out, what the installation says.
    index_interval_s: float | None = None


@attrs.frozen(kw_only=True)
class RepoChange:
    """What is to be another way with a repo; what is left out stays."""

    name: str | None = None
    url: str | None = None
    settings: JsonObject | None = None
    #: Instead of the one before; an empty one takes it away. Another URL, and other settings, want
    #: it again: it goes to the place that it was given for, and to no other.
    credential: JsonObject | None = attrs.field(default=None, repr=False)
    labels: Mapping[str, str] | None = None
    providers: tuple[str, ...] | None = None
    selectors: Mapping[str, tuple[str, ...]] | None = None
    trusted_keys: tuple[str, ...] | None = None
    visibility: Visibility | None = None
    groups: tuple[str, ...] | None = None
    default_state: VersionState | None = None
    #: 0 for what the installation says.
    index_interval_s: float | None = None
    #: Whether its index is looked at now and then.
    is_enabled: bool | None = None


@attrs.frozen(kw_only=True)
class RuntimeInput:
    """A runtime to register."""

    name: str
    provider: str
    zone: str = ""
    #: Checked with the provider's settings schema: ``GET /v1/providers/{name}``.
    settings: JsonObject = attrs.field(factory=dict)
    #: Checked with the provider's credential schema; stored encrypted, never shown again.
    credential: JsonObject = attrs.field(factory=dict, repr=False)
    labels: Mapping[str, str] = attrs.field(factory=dict)
    #: Nothing of value may be lost with it.
    throw_away: bool = False
    #: How much its cloud is asked for, by all runners together.
    limits: RuntimeLimits = attrs.field(factory=RuntimeLimits)


@attrs.frozen(kw_only=True)
class PlanInput:
    """A change to plan."""

    action: Action = Action.CREATE
    #: For ``create``: what to deploy.
    app_version_id: str | None = None
    #: For ``create``: checked with ``GET /v1/app_versions/{id}/config_schema``.
    config: JsonObject = attrs.field(factory=dict, repr=False)
    #: For ``create``: where; left out, the one runtime that matches is taken.
    runtime_id: str | None = None
    #: For ``create``: the cluster's name; left out, the name in the configuration, or the app's.
    name: str | None = None
    #: For every other action: which cluster.
    cluster_id: str | None = None
    #: For ``delete``: go on though the application's own commands for it fail, where its package
    #: allows that; with ``forget``: though the runtime answers.
    force: bool = False
    #: For ``delete``: give the cluster up where its runtime does not answer any more. Nothing is
    #: removed from the cloud; the plan's findings list what may still be there.
    forget: bool = False


@attrs.frozen(kw_only=True)
class ApplyInput:
    """A plan to carry out."""

    plan_id: str
    #: Seconds its job may be at work, pauses left out; then nothing new is started, and it fails.
    #: Left out: what the installation sets for all.
    deadline_s: float | None = None


class CancelMode(enum.StrEnum):
    """What becomes of what a cancelled job has under way."""

    GRACEFUL = "graceful"  #: it goes on to its end
    FORCED = "forced"  #: it is given up; what it may have made is left undecided


class AfterCancel(enum.StrEnum):
    """What becomes of what a cancelled job has made."""

    LEAVE = "leave"
    ROLL_BACK = "roll_back"


@attrs.frozen(kw_only=True)
class CancelInput:
    """How a job is cancelled."""

    mode: CancelMode = CancelMode.GRACEFUL
    then: AfterCancel = AfterCancel.LEAVE


@attrs.frozen(kw_only=True)
class TabInput:
    """A table that is to be filled in."""

    #: Of the tab: ``GET /v1/clusters/{id}/tabs``.
    title: str
    #: Which node is asked; left out, one that can.
    node_id: str | None = None


@attrs.frozen(kw_only=True)
class SweepInput:
    """Orphans to remove."""

    #: Ids, as they were listed; empty for all there are.
    orphans: tuple[str, ...] = ()
