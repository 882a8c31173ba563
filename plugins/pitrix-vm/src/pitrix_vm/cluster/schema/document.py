"""The document as a whole: what belongs to a cluster rather than to one role of it."""

from typing import Final

from pitrix_vm.cluster.schema.monitoring import DISPLAY_TABS, HEALTH_CHECK, MONITOR
from pitrix_vm.cluster.schema.nodes import NODE
from pitrix_vm.cluster.schema.services import command
from pitrix_vm.cluster.schema.words import (
    ADVANCED_ACTIONS,
    ENV,
    MOST_MEMBERS,
    RESERVED_IPS,
    STEP,
    STEPS,
    UNSUPPORTED_ACTIONS,
    Schema,
    advised,
    anything,
    flag,
    listing,
    mapping,
    needing,
    record,
    text,
    texts,
    undocumented,
    whole,
)

_ENDPOINTS: Final[Schema] = {
    **mapping(
        "Ports that users and other clusters connect to, by name.",
        record(
            "A port.",
            port={
                "description": "A number, or the parameter it is in: env.PARAM, ROLE.env.PARAM.",
                "type": ["integer", "string"],
            },
            protocol=text("Shown to users: tcp, http, …"),
        ),
        propertyNames=STEPS,
        maxProperties=MOST_MEMBERS,
        # a slash makes two steps of it in the metadata tree
        **advised(propertyNames=STEP),
    ),
    "properties": {"reserved_ips": RESERVED_IPS},
}
_IN_PLACE: Final[Schema] = record(
    "What is copied to running machines.",
    container=record(
        "Where from.", snapshot=text("A disk of the cloud."), zone=text("The zone it is kept in.")
    ),
    copy=listing(
        "What is copied.",
        record(
            "One copy.",
            mount_role=text("The role."),
            mount_point=text("Where the disk is seen meanwhile."),
            mount_options=text("Options of mount(8)."),
            filesystem=text("What is on the disk."),
            source=text("Path on the disk."),
            destination=text("Path on the machine."),
        ),
    ),
)

CLUSTER_SCHEMA: Final[Schema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **record(
        "A cluster.",
        name=text("Shown to the user."),
        description=text("Shown to the user."),
        vxnet=text("The network's id; the runtime's default network where empty."),
        subnet=text("The same in OpenPitrix."),
        # Source: OpenPitrix's schema of cluster.json: at most 100 roles
        nodes=listing("Its roles.", NODE, minItems=1, maxItems=100),
        env=ENV,
        links=mapping(
            "Clusters it uses: name → id, empty for none.",
            {"type": ["string", "null"]},
            propertyNames=STEP,
            maxProperties=MOST_MEMBERS,
        ),
        endpoints=_ENDPOINTS,
        advanced_actions=ADVANCED_ACTIONS,
        health_check=HEALTH_CHECK,
        monitor=MONITOR,
        display_tabs=DISPLAY_TABS,
        backup_policy=text(
            "device: its disks are copied; custom: its command backup is run.",
            **advised(enum=["device", "custom"]),
        ),
        incremental_backup_supported=flag("Backups may hold changes only; false if not given."),
        upgrade_policy=texts("Versions that can be upgraded to this one."),
        upgrading_policy=text(
            "How machines are upgraded; parallel if not given.",
            **advised(enum=["parallel", "sequential", "in-place-parallel", "in-place-sequential"]),
        ),
        need_tag=flag("It has a tag, and knows it."),
        need_intranet_api_server=flag("Its machines call the cloud's API."),
        exclude_node_columns=texts("Columns not shown in lists of nodes."),
        metadata_root_access=flag("Its templates see all clusters, and write /self themselves."),
        advanced_services=record(
            "Commands for the platform itself.",
            update_nodes_names=record(
                "Names for nodes.",
                cmd=command("Prints {node id: name}; run on one node."),
                timeout=whole(
                    "Seconds; 5 if not given.", least=0, **advised(minimum=1, maximum=30)
                ),
            )
            | needing("cmd"),
        ),
        multi_zone_policy=undocumented(text("How nodes are spread over zones.")),
        upgrade_roles=undocumented(
            record("Roles in upgrades.", add=texts("Roles that an upgrade may bring."))
        ),
        add_links=undocumented(texts("Links that an upgrade may bring.")),
        unsupported_actions=UNSUPPORTED_ACTIONS,
        custom_tags=undocumented(anything("Tags of the package's own.")),
        nas_id=undocumented(text("A shared file system.")),
        **{"in-place-upgrade-nodes": listing("What in-place upgrades copy.", _IN_PLACE)},
    )
    | needing("nodes"),
}
