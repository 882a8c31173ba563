"""Services: the commands a package brings, and when they are run."""

from typing import Any, Final

from pitrix_vm.cluster.schema.words import (
    MOST_MEMBERS,
    Schema,
    advised,
    flag,
    free,
    text,
    undocumented,
    whole,
)

#: Longest command in characters. Source: Linux, MAX_ARG_STRLEN: one argument has at most 128 KiB
#: (execve(2)); a character has at most four bytes.
_COMMAND_CHARACTERS: Final = 32_000


def command(description: str) -> dict[str, Any]:
    """Return the schema of a command for a shell."""
    return text(
        description,
        maxLength=_COMMAND_CHARACTERS,
        # Source: OpenPitrix's schema of cluster.json: at most 1000 characters
        **advised(maxLength=1000),
    )


def _only_on(schema: Schema, *services: str) -> dict[str, Any]:
    """Return the schema of an attribute that means something to some services only."""
    return {**schema, "x-services": [*services]}


SERVICE: Final[Schema] = {
    "description": "A command, and when and where it is run.",
    "type": "object",
    "properties": {
        "cmd": command("What is run, by a shell."),
        "order": whole("Roles go in ascending order, equal ones at a time; 0 if not given."),
        "timeout": whole(
            # Source: AppCenter's specification, timeout: at most a day
            "Seconds it may take; 600 if not given.",
            least=1,
            maximum=86400,
        ),
        "nodes_to_execute_on": whole("On so many nodes of the role; all if not given.", least=0),
        "type": text(
            "custom for an action of the package's own, whose name is shown to users.",
            **advised(enum=["custom"]),
        ),
        "post_start_service": _only_on(flag("After start, not before."), "init", "upgrade"),
        "post_stop_service": _only_on(flag("After stop, not before."), "destroy"),
        "allow_force": _only_on(
            flag("Users may delete although it failed; true if not given."), "destroy"
        ),
        "pre_check": _only_on(
            command("Run first; another exit code than 0 refuses the operation."),
            *("scale_in", "scale_out", "change_vxnet", "upgrade", "custom"),
        ),
        "service_params": _only_on(
            free("Parameters that the user fills in when it is run; given to cmd as JSON."),
            *("backup", "restore", "delete_snapshot", "upgrade", "custom"),
        ),
        "with_replica": _only_on(flag("On the replicas, too."), "backup", "restore"),
        "event": _only_on(
            {
                "description": "Operations whose sequence of nodes it decides.",
                "type": ["array", "string"],
                "items": {
                    "type": "string",
                    # "stop" is in released packages only
                    **advised(enum=["upgrade", "rollback", "scale_vertical", "stop"]),
                },
            },
            "get_nodes_order",
        ),
        "selector": _only_on(
            undocumented(command("Prints the id of the node to back up on.")), "backup"
        ),
        "cleanup": _only_on(undocumented(command("Run after a backup.")), "backup"),
    },
}

SERVICES: Final[Schema] = {
    "description": "Commands by name: the platform's services, and custom ones.",
    "type": "object",
    "properties": {
        **dict.fromkeys(
            (
                *("init", "start", "stop", "restart", "scale_out", "scale_in", "destroy"),
                *("upgrade", "rollback", "backup", "restore", "delete_snapshot"),
                "get_nodes_order",
            ),
            SERVICE,
        ),
        "change_vxnet": undocumented(SERVICE),
    },
    "additionalProperties": SERVICE,
    "maxProperties": MOST_MEMBERS,
    "x-free-if": {"type": "custom"},
}
