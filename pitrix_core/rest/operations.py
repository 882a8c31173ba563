"""The table of the API: every operation, what it takes, and which use it asks."""

from typing import Final

from pitrix_core.rest.operation import Operation
from pitrix_core.rest.routes import (
    audit,
    catalogue,
    clusters,
    frontgates,
    jobs,
    logins,
    orphans,
    people,
    quotas,
    repos,
    runtimes,
    system,
    usage,
    versions,
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    *system.OPERATIONS,
    *people.OPERATIONS,
    *logins.OPERATIONS,
    *repos.OPERATIONS,
    *catalogue.OPERATIONS,
    *versions.OPERATIONS,
    *runtimes.OPERATIONS,
    *orphans.OPERATIONS,
    *frontgates.OPERATIONS,
    *clusters.OPERATIONS,
    *jobs.OPERATIONS,
    *quotas.OPERATIONS,
    *usage.OPERATIONS,
    *audit.OPERATIONS,
)
