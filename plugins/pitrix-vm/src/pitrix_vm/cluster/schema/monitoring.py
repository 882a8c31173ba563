"""What shows how a cluster is: health checks, monitors, and tabs of tables.

Where AppCenter's documents name a limit and no other source is given, the limit is theirs.
"""

from typing import Final

from pitrix_vm.cluster.schema.services import command
from pitrix_vm.cluster.schema.words import (
    MOST_MEMBERS,
    Schema,
    advised,
    flag,
    listing,
    mapping,
    needing,
    record,
    text,
    texts,
    whole,
)

HEALTH_CHECK: Final[Schema] = record(
    "How the platform sees whether a node is well; a role's own members win.",
    enable=flag("Whether it is done; false if not given."),
    interval_sec=whole("Seconds from one check to the next.", least=0, **advised(minimum=60)),
    timeout_sec=whole("Seconds a check may take.", least=0, **advised(minimum=3)),
    action_timeout_sec=whole("Seconds action_cmd may take.", least=0, **advised(minimum=3)),
    healthy_threshold=whole(
        "Good checks in a row that make it well.", least=0, **advised(minimum=2)
    ),
    unhealthy_threshold=whole(
        "Bad checks in a row that make it unwell.", least=0, **advised(minimum=2)
    ),
    check_cmd=command("Its exit code is 0 where the node is well."),
    action_cmd=command("Run where a node turned unwell."),
)
_ITEM: Final[Schema] = record(
    "One value that is measured.",
    unit=text("Shown behind the value."),
    value_type=text("int or str; int if not given.", **advised(enum=["int", "str"])),
    statistics_type=text(
        "How several values become one.",
        **advised(enum=["min", "max", "avg", "delta", "rate", "mode", "median", "latest"]),
    ),
    scale_factor_when_display={
        "description": "What a number is multiplied by before it is shown.",
        "type": "number",
    },
    enums=listing("Values that a text may have.", {}),
)
MONITOR: Final[Schema] = record(
    "What is measured on a node; a role's own members win.",
    enable=flag("Whether it is done; false if not given."),
    cmd=command("Prints a JSON object, item → value, within 5 s."),
    items=mapping("Name → item.", _ITEM, maxProperties=MOST_MEMBERS, **advised(maxProperties=50)),
    groups=mapping(
        "Title → items shown in one diagram.",
        texts("Items.") | {"maxItems": 50} | advised(minItems=1, maxItems=5),
        maxProperties=MOST_MEMBERS,
    ),
    display=texts("Groups and items that are shown."),
    alarm=texts("Items that users may be warned of."),
)
DISPLAY_TABS: Final[Schema] = mapping(
    "Title → table that a command of the package fills in.",
    record(
        "A table.",
        cmd=command('Prints {"labels": […], "data": [[…], …]}; run on one node.'),
        roles_to_execute_on=texts("Roles of which a node is taken; all if not given."),
        description=text("Shown above it."),
        timeout=whole(
            "Seconds it may take; 10 if not given.", least=0, **advised(minimum=1, maximum=10)
        ),
    )
    | needing("cmd"),
    maxProperties=MOST_MEMBERS,
    **advised(maxProperties=5),
)
