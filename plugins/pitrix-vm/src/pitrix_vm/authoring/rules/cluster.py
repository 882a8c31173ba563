"""Rules of the cluster that a template describes, and of how it is upgraded."""

from typing import Final

from pitrix_core.findings import Rule

CLUSTER_RULES: Final = (
    Rule(
        code="cluster.missing",
        summary="A member that every cluster or role needs is missing, or has no value.",
        remedy="Add it. Where it is there and has no value, its tag names a parameter that "
        "config.json lacks, or one without a default.",
    ),
    Rule(
        code="cluster.type",
        summary="A value is of the wrong type.",
        remedy="Write it as the type that the message names. Where a tag stands, change the type "
        "of its parameter in config.json.",
    ),
    Rule(
        code="cluster.spelling",
        summary="A value is written as another type, or is empty, and its meaning is plain.",
        remedy='It is taken as it is meant; other platforms may refuse it. Write 3 and not "3", '
        'true and not "yes", ["db"] and not "db"; leave out what is empty.',
    ),
    Rule(
        code="cluster.value",
        summary="A value is not one that a cluster can be made with.",
        remedy="Change it to one that the message allows. Where a tag stands, limit its parameter "
        "in config.json with range, min, max or step, so that no user can choose it.",
    ),
    Rule(
        code="cluster.limit",
        summary="A value is beyond what AppCenter documents.",
        remedy="It is taken as it is here; the platform itself may refuse or cut it. Stay within "
        "the limit if the package is to be used there.",
    ),
    Rule(
        code="cluster.misspelt",
        summary="A member's name is almost one that is known.",
        remedy="What it says would have no effect, so it is an error. Write the name as the "
        "message says, or remove the member. One that is to be kept without effect begins with a "
        "mark: _volume.",
    ),
    Rule(
        code="cluster.unknown",
        summary="A member is not known at this place, and has no effect.",
        remedy="Remove it, or move it to where it belongs: some members stand at the top, some in "
        'a node, some in a service. A service of your own needs "type": "custom".',
    ),
    Rule(
        code="cluster.undocumented",
        summary="A member is used by some packages, and not described by AppCenter.",
        remedy="It is understood here. Other platforms may ignore it, or stop to understand it.",
    ),
    Rule(
        code="cluster.role",
        summary="Roles cannot be told apart, or one asks for more nodes than it allows.",
        remedy="Each role has a name of its own; names that end in -replica are given to replicas "
        "by the platform. count must not be above server_id_upper_bound.",
    ),
    Rule(
        code="cluster.unmatched",
        summary="config.json has no parameters for a role.",
        remedy="Users cannot choose its size or number, and the platform cannot show them. Add a "
        "group of the role's name below cluster, or correct the name.",
    ),
    Rule(
        code="cluster.machine",
        summary="The size of a role's machines is not given, or there are too many of them.",
        remedy="Give cpu and memory (in MiB) for each role, best by tags, so that users choose "
        "them.",
    ),
    Rule(
        code="cluster.volume",
        summary="A volume cannot be shared evenly by its mount points.",
        remedy="size is the total in GiB. Each mount point gets an equal share, which is a "
        "multiple of 10; set min and step of the parameter so that it always is, or write "
        '"skip_check_size": true.',
    ),
    Rule(
        code="cluster.image",
        summary="The package names no image for the cloud it is deployed to.",
        remedy='Add the cloud to the map in container.image, or a "default" for all others.',
    ),
    Rule(
        code="cluster.no_image",
        summary="A role names no image.",
        remedy="Its machines start from the runtime's own image, on which the application is most "
        "likely not installed. Name one in container.image, unless its services install it.",
    ),
    Rule(
        code="cluster.service",
        summary="A service has no command, or an attribute that has no effect on it.",
        remedy="Give it a cmd, and only the attributes that are for this service.",
    ),
    Rule(
        code="cluster.no_stop",
        summary="A role is started, and never stopped.",
        remedy="Its machines are switched off while the application is running, which can cost "
        "data. Add a service stop.",
    ),
    Rule(
        code="cluster.search_path",
        summary="Commands do not begin with a full path.",
        remedy="Commands run without the environment of the image's users, so the search path may "
        "be another one than expected. Write full paths, such as /opt/app/bin/start.sh.",
    ),
    Rule(
        code="cluster.health_check",
        summary="A health check cannot work as it is.",
        remedy="Give it a check_cmd, whose exit code is 0 where the node is well, and a "
        "timeout_sec that is not above interval_sec.",
    ),
    Rule(
        code="cluster.monitor",
        summary="A monitor names an item that it does not have, or measures texts as numbers.",
        remedy="Names in groups, display and alarm are those of items, or of groups. An item of "
        "value_type str has the statistics_type latest or mode.",
    ),
    Rule(
        code="cluster.display_tab",
        summary="A tab is for roles that do not exist.",
        remedy="Correct roles_to_execute_on; without any role that exists, nothing can be shown.",
    ),
    Rule(
        code="cluster.endpoint",
        summary="An endpoint leads to no port, so users are not told of it.",
        remedy='port is a number from 1 to 65535, or names the parameter that holds one: "env.port"'
        ' or "role.env.port".',
    ),
    Rule(
        code="cluster.no_endpoint",
        summary="The cluster has no endpoints.",
        remedy="Users are not told where the application answers, and linked clusters cannot look "
        'it up. Add "endpoints": {"client": {"port": 2379, "protocol": "tcp"}}.',
    ),
    Rule(
        code="cluster.link",
        summary="Users cannot choose the cluster that a link leads to.",
        remedy="Add a parameter of the link's name and of type service to the group cluster of "
        "config.json, and let the link's tag name it.",
    ),
    Rule(
        code="cluster.backup",
        summary="There is a policy of backups, and no role has a service backup.",
        remedy="Add a service backup to the roles with data, or remove backup_policy.",
    ),
    Rule(
        code="cluster.upgrade",
        summary="What is said of upgrades names roles that do not exist, or copies nothing.",
        remedy="Correct the roles; an in-place policy needs in-place-upgrade-nodes.",
    ),
    Rule(
        code="cluster.empty",
        summary="The cluster has no machine.",
        remedy="At least one role needs a count above 0 for what the user chose.",
    ),
    Rule(
        code="cluster.ineffective",
        summary="Something is understood, and not done yet.",
        remedy="The package can be deployed without it. Make sure that the application, and the "
        "templates of its image, can do without what the message names.",
    ),
    Rule(
        code="upgrade.role",
        summary="A role of the version before is gone.",
        remedy="Clusters of that version cannot be upgraded to this one. Keep the role, with a "
        "count of 0 for new clusters if need be.",
    ),
    Rule(
        code="upgrade.mount_point",
        summary="A volume is mounted elsewhere than in the version before.",
        remedy="Clusters of that version cannot be upgraded to this one, as their data would not "
        "be where it is looked for. Keep the mount points.",
    ),
)
