"""Domain records: frozen attrs classes and enums.

Here belong the words of the domain and rules that need nothing but the record itself. No I/O, no
clock, no randomness, no database, no HTTP.
"""

from pitrix_core.findings import Finding, Level
from pitrix_core.model.agent import AgentStart, Metadata
from pitrix_core.model.cluster import (
    Cluster,
    ClusterSnapshot,
    ClusterState,
    Node,
    NodeState,
    OwnedResource,
)
from pitrix_core.model.image import ImageChoice, ImageQuery
from pitrix_core.model.job import (
    Job,
    JobAction,
    JobReport,
    JobState,
    MadeResource,
    TaskFailure,
    TaskRecord,
    TaskState,
    UndecidedTask,
)
from pitrix_core.model.json import JsonObject, JsonValue, Ref, SecretRef
from pitrix_core.model.link import Link
from pitrix_core.model.operation import Operation, OperationState
from pitrix_core.model.orphan import AccountReport, Lost, Orphan
from pitrix_core.model.package import AppInfo, PackageIndex, PackageSpec
from pitrix_core.model.plan import (
    Action,
    Plan,
    PlanDraft,
    PlannedNode,
    PlanRequest,
    Price,
    Task,
    Totals,
)
from pitrix_core.model.resource import (
    Instance,
    InstanceSpec,
    InstanceState,
    NetworkSpec,
    ResourceRef,
    TaggedResource,
    Tags,
    VolumeAttachment,
    VolumeSpec,
)
from pitrix_core.model.runtime import (
    NoCredential,
    NoSettings,
    Pace,
    Runtime,
    RuntimeAtWork,
    RuntimeLimits,
)
from pitrix_core.model.supervision import (
    DisplayTab,
    HealthState,
    MeasuredItem,
    NodeHealth,
    Sample,
    health_of,
)

__all__ = [
    "AccountReport",
    "Action",
    "AgentStart",
    "AppInfo",
    "Cluster",
    "ClusterSnapshot",
    "ClusterState",
    "DisplayTab",
    "Finding",
    "HealthState",
    "ImageChoice",
    "ImageQuery",
    "Instance",
    "InstanceSpec",
    "InstanceState",
    "Job",
    "JobAction",
    "JobReport",
    "JobState",
    "JsonObject",
    "JsonValue",
    "Level",
    "Link",
    "Lost",
    "MadeResource",
    "MeasuredItem",
    "Metadata",
    "NetworkSpec",
    "NoCredential",
    "NoSettings",
    "Node",
    "NodeHealth",
    "NodeState",
    "Operation",
    "OperationState",
    "Orphan",
    "OwnedResource",
    "Pace",
    "PackageIndex",
    "PackageSpec",
    "Plan",
    "PlanDraft",
    "PlanRequest",
    "PlannedNode",
    "Price",
    "Ref",
    "ResourceRef",
    "Runtime",
    "RuntimeAtWork",
    "RuntimeLimits",
    "Sample",
    "SecretRef",
    "TaggedResource",
    "Tags",
    "Task",
    "TaskFailure",
    "TaskRecord",
    "TaskState",
    "Totals",
    "UndecidedTask",
    "VolumeAttachment",
    "VolumeSpec",
    "health_of",
]
