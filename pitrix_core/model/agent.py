"""What agents are told: how to start, and the metadata of a cluster."""

from collections.abc import Mapping

import attrs

from pitrix_core.model.json import JsonObject, JsonValue


@attrs.frozen(kw_only=True)
class AgentStart:
    """Which agent a machine runs and how it is configured; a plan holds it inside ``{"$agent":
    …}``.

    The members of ``config`` are those of
    ``agents/protocol/schemas/v2/{drone,frontgate}-config.schema.json``; they may hold ``$ref`` and
    ``$secret`` markers.
    """

    #: Name of an entry point of the group ``pitrix.agents``.
    agent: str
    config: JsonObject


@attrs.frozen(kw_only=True)
class Metadata:
    """What a cluster's machines can read, by who may read it; ``agents/protocol/README.md`` section
    2.

    Paths are relative, without a leading slash. A leaf is a string, or a ``$secret`` marker that
    the Pilot resolves when the message leaves.
    """

    #: Read by every node of the cluster.
    shared: Mapping[str, JsonValue] = attrs.field(factory=dict)
    #: Read by the nodes of one role.
    roles: Mapping[str, Mapping[str, JsonValue]] = attrs.field(factory=dict)
    #: Read by one node, by its id.
    nodes: Mapping[str, Mapping[str, JsonValue]] = attrs.field(factory=dict)
