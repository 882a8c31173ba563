"""Links: clusters that need another cluster, which is there already."""

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class Link:
    """What a configuration says about one other cluster."""

    #: Id of the cluster. A user may give its name instead: the core puts the id in its place
    #: before anything is planned. Empty where the user links none.
    cluster_id: str
    #: The parameter that holds it, as a JSON pointer into the configuration; empty where the
    #: package itself names the cluster.
    pointer: str = ""
    #: What it may be a cluster of: app → versions of it, each by id or name; no version for all of
    #: them. Empty for any app.
    limits: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
