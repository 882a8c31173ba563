"""How much people may have, and how much they have."""

import datetime as dt
import enum
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import attrs

#: Largest limit that can be set; more than any account holds.
MOST: Final = 1_000_000_000

#: Limit → what one of it is called, and what several are.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "clusters": ("cluster", "clusters"),
    "nodes": ("node", "nodes"),
    "cores": ("core", "cores"),
    "memory_gib": ("GiB of memory", "GiB of memory"),
    "disk_gib": ("GiB of disks", "GiB of disks"),
}


class Scope(enum.StrEnum):
    """For whom a quota counts."""

    GROUP = "group"  #: the people of a group and of all below it, together
    USER = "user"  #: one user, instead of what counts for every user
    EVERY_USER = "every_user"  #: each user alone


class Unpriced(enum.StrEnum):
    """What becomes of a plan whose price cannot be held against a budget."""

    WARN = "warn"
    REFUSE = "refuse"


@attrs.frozen(kw_only=True)
class Limits:
    """How much there may be at a time; None for any amount."""

    clusters: int | None = None
    nodes: int | None = None
    cores: int | None = None
    memory_gib: int | None = None
    disk_gib: int | None = None


@attrs.frozen(kw_only=True)
class Use:
    """How much there is: everything that clusters were planned with until they are deleted."""

    clusters: int = 0
    nodes: int = 0
    cores: int = 0
    memory_gib: Decimal = Decimal(0)
    disk_gib: int = 0
    #: Currency → what it all costs a month.
    costs: Mapping[str, Decimal] = attrs.field(factory=dict)
    #: Clusters that cost something that is not known, and is not among the costs.
    unpriced_clusters: int = 0


@attrs.frozen(kw_only=True)
class Quota:
    """How much the people of a group, or a user, may have."""

    id: str
    scope: Scope
    #: Path of the group, or name of the user; empty for every user.
    subject: str = ""
    limits: Limits = attrs.field(factory=Limits)
    #: Currency (ISO 4217) → what everything together may cost a month.
    budgets: Mapping[str, Decimal] = attrs.field(factory=dict)
    unpriced: Unpriced = Unpriced.WARN
    updated_at: dt.datetime

    @property
    def title(self) -> str:
        """For whom it counts, as the beginning of a sentence."""
        match self.scope:
            case Scope.GROUP if self.subject == "/":
                return "The installation"
            case Scope.GROUP:
                return f"Group {self.subject}"
            case Scope.USER:
                return f"User {self.subject}"
            case Scope.EVERY_USER:
                return "Each user"


@attrs.frozen(kw_only=True)
class QuotaReport(Quota):
    """A quota beside what there is."""

    #: With ``every_user``: of whoever asks.
    used: Use
