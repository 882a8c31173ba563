"""Names of the keys in etcd: the only place that spells them.

``/c/`` is the protocol's (its section 2). ``/frontgate/`` is the Frontgate's own memory; no node
may read it.
"""

from typing import Final, NamedTuple

#: All that drones may see some part of.
CLUSTERS: Final = "/c/"

#: Which node belongs to which cluster, and whether its user is up to date.
USERS: Final = "/frontgate/users/"

#: Frames of the Pilot that were carried out, with the answers they got.
SEEN: Final = "/frontgate/seen/"

#: Commands whose results the Pilot has.
FINISHED: Final = "/frontgate/finished/"

#: Random; tells this store's revisions from those of any other.
STORE_ID: Final = "/frontgate/store_id"

#: Machines that may join, by their numbers: what they show, and where they are.
MEMBERS: Final = "/frontgate/members/"

#: Certificates of other members than the one that leads, by their numbers.
CERTIFICATES: Final = "/frontgate/certificates/"

#: What the Pilot gave to be shown: any member may be the next one to show it.
SHOWN: Final = "/frontgate/shown"

#: Members that still have to cut every connection of drones, by their names.
CUTS: Final = "/frontgate/cuts/"

#: How it went with a node's enrolment; below its reports.
ENROLMENT: Final = "enrolment"

#: How the unnamed role is spelt in keys.
UNNAMED_ROLE: Final = "_"


#: Type of the frame that a node's report goes in, by the report's name.
_REPORTS: Final = {
    "status": "node.status",
    "health": "node.health",
    "measures": "node.measures",
    ENROLMENT: "node.enrolment",
}


class ReportKey(NamedTuple):
    """What a key below ``reports/`` speaks of; no command: it is about the node itself."""

    cluster_id: str
    node_id: str
    #: Of the frame it goes in.
    type: str
    command_id: str | None = None


def cluster(cluster_id: str) -> str:
    """Prefix of all that belongs to a cluster."""
    return f"{CLUSTERS}{cluster_id}/"


def shared(cluster_id: str) -> str:
    """Prefix of what every node of a cluster sees."""
    return f"{cluster(cluster_id)}shared/"


def revision(cluster_id: str) -> str:
    """Key of the stored revision."""
    return f"{shared(cluster_id)}revision"


def role(cluster_id: str, name: str) -> str:
    """Prefix of what the nodes of one role see."""
    return f"{cluster(cluster_id)}roles/{name or UNNAMED_ROLE}/"


def node(cluster_id: str, node_id: str) -> str:
    """Prefix of what one node sees."""
    return f"{cluster(cluster_id)}nodes/{node_id}/"


def commands(cluster_id: str, node_id: str) -> str:
    """Prefix of a node's commands."""
    return f"{cluster(cluster_id)}commands/{node_id}/"


def reports(cluster_id: str, node_id: str) -> str:
    """Prefix of what a node reports."""
    return f"{cluster(cluster_id)}reports/{node_id}/"


def result(cluster_id: str, node_id: str, command_id: str) -> str:
    """Key of a command's result."""
    return f"{reports(cluster_id, node_id)}results/{command_id}"


def finished(cluster_id: str, node_id: str = "", command_id: str = "") -> str:
    """Name of a finished command below :data:`FINISHED`; of a cluster's all without the rest."""
    return f"{cluster_id}/{node_id}/{command_id}" if node_id else f"{cluster_id}/"


def reports_prefix(key: str) -> str | None:
    """Return the prefix of the node's reports that a key is below; None for any other key."""
    match key.removeprefix(CLUSTERS).split("/", 3):
        case [cluster_id, "reports", node_id, _] if key.startswith(CLUSTERS):
            return reports(cluster_id, node_id)
    return None


def report_of(key: str) -> ReportKey | None:
    """Read a key below ``reports/``; None for any other."""
    match key.removeprefix(CLUSTERS).split("/"):
        case [cluster_id, "reports", node_id, name] if name in _REPORTS:
            return ReportKey(cluster_id, node_id, _REPORTS[name])
        case [cluster_id, "reports", node_id, "results", command_id] if command_id:
            return ReportKey(cluster_id, node_id, "command.result", command_id)
    return None
