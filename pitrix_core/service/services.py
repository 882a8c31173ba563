"""What every use works with; built once per process in ``wiring.py`` and passed on."""

import attrs

from pitrix_core.catalog.indexer import Indexer
from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.model.lifecycle import ReviewPolicy
from pitrix_core.pilot.agent_files import AgentFiles
from pitrix_core.planner.frontgate import PilotPlace
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.service.gates import Gates
from pitrix_core.service.inquiries import Inquiries
from pitrix_core.service.issuers import Issuers
from pitrix_core.store import Store


@attrs.frozen(kw_only=True)
class Services:
    """The parts of one process, put together."""

    store: Store
    registry: PluginRegistry
    gates: Gates
    loader: PackageLoader
    opener: RepoOpener
    indexer: Indexer
    agent_files: AgentFiles
    #: Whom people can sign in with.
    issuers: Issuers = attrs.field(factory=Issuers)
    #: Where the Pilots are; empty in tests that make no Frontgate.
    pilot: PilotPlace = attrs.field(factory=PilotPlace)
    #: What is asked of versions before they may be released.
    review_policy: ReviewPolicy = attrs.field(factory=ReviewPolicy)
    #: What is asked of clouds beside jobs.
    inquiries: Inquiries = attrs.field(factory=Inquiries)
    #: Seconds a job may be at work whose plan was applied without a deadline; None for no limit.
    job_deadline_s: float | None = None

    def close(self) -> None:
        """Let go of everything; called once, at the end of the process."""
        self.gates.close()
        self.store.close()
