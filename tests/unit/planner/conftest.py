"""Makes drafts and what a planner asks of a provider."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from pitrix_core.contracts.interface import Start
from pitrix_core.model import (
    Action,
    AppInfo,
    InstanceSpec,
    NetworkSpec,
    PackageSpec,
    Plan,
    PlanDraft,
    PlanRequest,
    Price,
    Runtime,
    Task,
    VolumeSpec,
)
from pitrix_core.planner.build import PlanFrame, build_plan
from pitrix_core.planner.kinds import CORE_KINDS

SPECS = {
    "compute.create": InstanceSpec,
    "volume.create": VolumeSpec,
    "network.ensure": NetworkSpec,
}


@attrs.define
class FakeOffers:
    """A provider with three kinds, and a price for machines."""

    kinds: frozenset[str] = frozenset(SPECS)
    prices: dict[str, Price] = attrs.field(
        factory=lambda: {
            "compute.create": Price(
                amount_per_month=Decimal("5.00"), currency="EUR", source="a price sheet"
            )
        }
    )

    def offers(self) -> frozenset[str]:
        return self.kinds

    def start_of(self, kind: str) -> Start:
        return Start(
            verb=kind.partition(".")[2],
            spec=SPECS[kind],
            creates=True,
            honours_key=True,
            settle_s=0.0,
            timeout_s=1.0,
        )

    def price(self, task: Task) -> Price | None:
        return self.prices.get(task.kind)


@pytest.fixture
def provider() -> FakeOffers:
    """A provider with three kinds, and a price for machines."""
    return FakeOffers()


@pytest.fixture
def request_of() -> Callable[..., PlanRequest]:
    """Return a function that makes a request to plan."""

    def make(**changes: Any) -> PlanRequest:
        values: dict[str, Any] = {
            "action": Action.CREATE,
            "cluster_id": "cl-1",
            "name": "one",
            "spec": PackageSpec(info=AppInfo(name="app", version="1.0.0")),
            "config": {"size": 1},
            "runtime": Runtime(id="rt-1", name="here", provider="fake", owner="admin"),
            "current": None,
            "offers": frozenset(SPECS) | CORE_KINDS,
        }
        return PlanRequest(**{**values, **changes})

    return make


@pytest.fixture
def build(request_of: Callable[..., PlanRequest], provider: FakeOffers) -> Callable[..., Plan]:
    """Return a function that builds a plan of tasks."""

    def make(*tasks: Task, draft: PlanDraft | None = None, **changes: Any) -> Plan:
        frame = PlanFrame(
            id=changes.pop("id", "pln-1"),
            owner="admin",
            revision=changes.pop("revision", 0),
            app_version_id="appv-1",
            created_at=changes.pop("created_at", dt.datetime(2026, 8, 1, tzinfo=dt.UTC)),
        )
        return build_plan(
            request_of(**changes),
            draft or PlanDraft(tasks=tasks),
            frame=frame,
            provider=provider,
        )

    return make
