"""What clusters used in a period, and what that cost."""

import datetime as dt
import enum
from decimal import Decimal

import attrs


class UsageBy(enum.StrEnum):
    """What use is added up for."""

    CLUSTER = "cluster"
    APP = "app"
    VERSION = "version"
    OWNER = "owner"
    GROUP = "group"
    RUNTIME = "runtime"


@attrs.frozen(kw_only=True)
class Size:
    """How large a resource is."""

    cpu: int = 0
    memory_mib: int = 0
    disk_gib: int = 0


@attrs.frozen(kw_only=True)
class Amounts:
    """What was used, and what it cost in one currency; each rounded once, to six digits."""

    core_hours: Decimal
    memory_gib_hours: Decimal
    disk_gib_hours: Decimal
    #: None where no price is known.
    cost: Decimal | None
    #: ISO 4217; None where no price is known.
    currency: str | None


@attrs.frozen(kw_only=True)
class UsageLine(Amounts):
    """What one cluster, app, … used at the prices of one currency, or at no known price."""

    #: Id of the cluster, app, version or runtime; name of the owner; path of the group, without
    #: those below it. Empty for what is of no app.
    key: str
    #: Of a cluster, app, version or runtime that is there still; else empty.
    name: str
    #: Of the cluster, where use is added up for clusters.
    owner: str = ""


@attrs.frozen(kw_only=True)
class UsageReport:
    """What was used in a period."""

    by: UsageBy
    began_at: dt.datetime
    #: Not in it; at most the moment of asking.
    ended_at: dt.datetime
    lines: tuple[UsageLine, ...]


@attrs.frozen(kw_only=True)
class DayCount:
    """Clusters that were made on one day."""

    #: In UTC, as ``2026-08-21``.
    day: str
    deployments: int


@attrs.frozen(kw_only=True)
class VersionStatistics:
    """How a version of an app is used, by everybody together."""

    version_id: str
    #: Empty where the version is not there any more.
    version: str
    live_clusters: int
    #: Whose clusters used anything in the period.
    users: int
    #: Days on which clusters were made, in order.
    days: tuple[DayCount, ...]
    amounts: tuple[Amounts, ...]


@attrs.frozen(kw_only=True)
class AppStatistics:
    """How an app is used, by everybody together; nobody is named."""

    app_id: str
    began_at: dt.datetime
    ended_at: dt.datetime
    live_clusters: int
    users: int
    days: tuple[DayCount, ...]
    #: One for each currency, and one for what has no known price.
    amounts: tuple[Amounts, ...]
    versions: tuple[VersionStatistics, ...]
