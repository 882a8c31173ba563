"""What a look into a cloud account found that does not agree with the database."""

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class Orphan:
    """Something in the account that carries this installation's tag."""

    #: Interface that made it, such as ``compute``.
    interface: str
    id: str
    #: Cluster that its tag names; it may be gone.
    cluster_id: str
    #: Key of the request that made it, by its tag.
    request_key: str
    #: Seconds since it was made, as far as that is known.
    age_s: float | None = None
    labels: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Lost:
    """Something that is recorded for a cluster, and that the account does not list."""

    cluster_id: str
    cluster_name: str
    #: Kind of task that made it, such as ``volume.create``.
    kind: str
    resource_id: str
    node_id: str | None = None


@attrs.frozen(kw_only=True)
class AccountReport:
    """How a runtime's account and the database agree; both agree where all lists are empty."""

    runtime_id: str
    #: Carry our tag and belong to nothing here: a sweep deletes them.
    orphans: tuple[Orphan, ...] = ()
    #: Carry the tag of a cluster that is there, which does not know of them. No sweep touches them:
    #: a provider may have made them beside what it was asked for.
    unrecorded: tuple[Orphan, ...] = ()
    #: Recorded here, missing there.
    lost: tuple[Lost, ...] = ()

    @property
    def agrees(self) -> bool:
        """Says whether there is nothing to report."""
        return not (self.orphans or self.unrecorded or self.lost)
