"""What was used is told to whom it belongs, who may look at it, and, without names, to vendors."""

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import core_world
import pytest

from pitrix_core.errors import ForbiddenError, InvalidInputError, NotFoundError
from pitrix_core.model import Cluster, ClusterState, OwnedResource, Price
from pitrix_core.model.access import BUILT_IN_ROLES, Actor
from pitrix_core.model.usage import DayCount, Size, UsageBy, UsageLine
from pitrix_core.pilot.hidden import SYSTEM_OWNER
from pitrix_core.service import usage, users
from pitrix_core.service.services import Services
from pitrix_core.service.usage import Asked
from pitrix_core.store import Cipher, Store
from pitrix_core.store.usage import Period
from pitrix_core.testing.manual_clock import ManualClock

ADMIN, USER = core_world.ADMIN, core_world.USER
#: A cent an hour.
EUR = Price(amount_per_month=Decimal("7.30"), currency="EUR", source="a sheet")
HOUR_S = 3600.0

#: Runs a test on both kinds of database.
BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

Use = Callable[..., None]


@pytest.fixture
def store(database: str, tmp_path: Path, manual_clock: ManualClock) -> Iterator[Store]:
    """A store whose clock stands at the beginning of 2026."""
    opened = core_world.open_store(database, tmp_path)
    cipher = Cipher.from_file(tmp_path / "key")
    store = Store(opened.engine, cipher=cipher, clock=lambda _: manual_clock())
    yield store
    store.close()


@pytest.fixture
def version_id(release: Callable[..., str], register: Callable[..., Any]) -> str:
    """An app version of the admin's, and a runtime beside it."""
    register()
    return release()


@pytest.fixture
def use(services: Services, version_id: str, manual_clock: ManualClock) -> Use:
    """Return a function that has a cluster use two cores, 1 GiB and, unless told, cost a cent, for
    some hours, and lets that time pass.
    """

    def spend(
        hours: float,
        *,
        cluster_id: str = "cl-1",
        price: Price | None = EUR,
        is_ended: bool = True,
        **values: Any,
    ) -> None:
        made = OwnedResource(
            cluster_id=cluster_id,
            kind="compute.create",
            resource_id=f"i-{cluster_id}",
            node_id=None,
            request_key=f"req-{cluster_id}",
        )
        with services.store.begin() as tx:
            cluster = _cluster(tx, cluster_id, version_id=version_id, **values)
            whose = {"owner": cluster.owner, "runtime_id": cluster.runtime_id}
            tx.clusters.put_resource(made, **whose)
            size = Size(cpu=2, memory_mib=1024)
            tx.metering.begin(made, **whose, size=size, price=price)
        manual_clock.advance(hours * HOUR_S)
        if is_ended:
            with services.store.begin() as tx:
                tx.metering.end_of(cluster_id)

    return spend


def _cluster(tx: Any, cluster_id: str, *, version_id: str, **values: Any) -> Cluster:
    usual: dict[str, Any] = {"name": cluster_id, "owner": "user", "state": ClusterState.ACTIVE}
    cluster = Cluster(
        id=cluster_id,
        runtime_id=tx.runtimes.get("here").id,
        config={},
        revision=1,
        created_at=tx.now,
        updated_at=tx.now,
        **{"app_version_id": version_id, **usual, **values},
    )
    tx.clusters.add(cluster)
    return cluster


def lines_of(
    services: Services, by: UsageBy = UsageBy.CLUSTER, actor: Actor = ADMIN, **asked: str
) -> tuple[UsageLine, ...]:
    """Return the lines of a report."""
    return usage.report(services, actor, by, Asked(**asked)).lines


@BOTH
@pytest.mark.parametrize(
    ("by", "name"),
    [
        pytest.param(UsageBy.CLUSTER, "shop", id="cluster"),
        pytest.param(UsageBy.APP, "app", id="app"),
        pytest.param(UsageBy.VERSION, "1.0.0", id="version"),
        pytest.param(UsageBy.OWNER, "", id="owner"),
        pytest.param(UsageBy.GROUP, "", id="group"),
        pytest.param(UsageBy.RUNTIME, "here", id="runtime"),
    ],
)
def test_use_is_added_up_by_whatever_is_asked(
    by: UsageBy, name: str, services: Services, use: Use
) -> None:
    """Two cores for three hours, at a cent an hour."""
    use(3, name="shop")

    [line] = lines_of(services, by)

    assert line.name == name
    assert (line.core_hours, line.memory_gib_hours, line.disk_gib_hours) == (6, 3, 0)
    assert (line.cost, line.currency) == (Decimal("0.03"), "EUR")


def test_what_has_no_price_stands_in_a_line_of_its_own(services: Services, use: Use) -> None:
    """So that no sum of costs looks like all of them."""
    use(1)
    use(1, cluster_id="cl-2", price=None)

    lines = lines_of(services, UsageBy.OWNER)

    assert [(line.cost, line.currency) for line in lines] == [
        (None, None),
        (Decimal("0.01"), "EUR"),
    ]


@BOTH
def test_a_period_cuts_what_is_longer(services: Services, use: Use) -> None:
    """From 22:00 of the first to 02:00 of the second, of which the second is asked for."""
    use(22)
    use(4, cluster_id="cl-2")

    lines = lines_of(services, since="2026-01-02", until="2026-01-03T00:00:00Z")

    assert [(line.key, line.core_hours) for line in lines] == [("cl-2", 4)]


def test_without_a_period_it_is_this_month(
    services: Services, use: Use, manual_clock: ManualClock
) -> None:
    """A bill of January does not stand in February's."""
    use(1)
    manual_clock.advance(40 * 24 * HOUR_S)

    assert lines_of(services) == ()


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"since": "yesterday"}, id="no-time"),
        pytest.param({"until": "0001-01-01T00:00:00+14:00"}, id="before-all-times"),
        pytest.param({"since": "2026-01-02", "until": "2026-01-01"}, id="backwards"),
        pytest.param({"since": "2999-01-01"}, id="in-the-future"),
    ],
)
def test_what_is_no_period_is_refused(asked: dict[str, str], services: Services) -> None:
    """With what to say instead."""
    with pytest.raises(InvalidInputError) as caught:
        lines_of(services, **asked)

    assert caught.value.next_step is not None


def test_people_see_their_own_use_alone(services: Services, use: Use) -> None:
    """Others' is not in the sums either."""
    use(1, owner="user")
    use(2, cluster_id="cl-2", owner="other")

    assert [line.key for line in lines_of(services, UsageBy.OWNER, USER)] == ["user"]


def test_who_runs_a_group_sees_its_peoples_use_by_group(services: Services, use: Use) -> None:
    """Each group's line is of its own people, so that lines add up."""
    with services.store.begin() as tx:
        tx.groups.ensure_root()
        acme = tx.groups.add("grp-acme", "acme", parent=tx.groups.get("/"))
        web = tx.groups.add("grp-web", "web", parent=acme)
        tx.users.add("alice", group_id=acme.id, role="user")
        tx.users.add("bob", group_id=web.id, role="user")
        tx.users.grant(tx.users.get("alice").id, role="operator", group_id=acme.id)
    use(1, owner="alice")
    use(2, cluster_id="cl-2", owner="bob")
    use(4, cluster_id="cl-3", owner="other")
    with services.store.read() as tx:
        alice = tx.access.actor("alice")
    assert alice is not None

    lines = lines_of(services, UsageBy.GROUP, alice)

    assert {line.key: line.core_hours for line in lines} == {"/acme": 2, "/acme/web": 4}


def test_what_pitrix_makes_for_itself_is_the_installations(services: Services, use: Use) -> None:
    """A Frontgate is of no app and of no user."""
    use(1, owner=SYSTEM_OWNER, hidden=True, app_version_id="frontgate")

    keys = {by: lines_of(services, by)[0].key for by in (UsageBy.GROUP, UsageBy.APP)}

    assert keys == {UsageBy.GROUP: "/", UsageBy.APP: ""}


def test_names_are_looked_up_for_the_lines_alone(services: Services, use: Use) -> None:
    """What others used is not read: there may be a lot of it."""
    use(1, owner="alice", name="hers")
    use(1, cluster_id="cl-2", owner="other", name="anothers")
    alice = Actor(owner="alice", actions=BUILT_IN_ROLES["user"])

    with services.store.read() as tx:
        period = Period(began_at=tx.now - dt.timedelta(days=1), ended_at=tx.now)
        names = tx.usage.names(UsageBy.CLUSTER, period, viewer=alice)

    assert names == {"cl-1": "hers"}


# -- as CSV ----------------------------------------------------------------------------------------


def table_of(services: Services) -> list[list[str]]:
    """Return the cells of the exported use by cluster."""
    text = usage.as_csv(usage.report(services, ADMIN, UsageBy.CLUSTER, Asked())).decode()
    assert text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text)))


def test_use_is_exported_with_stable_columns(services: Services, use: Use) -> None:
    """A line for each cluster, below the columns' names."""
    use(3, name="shop")

    assert table_of(services) == [
        list(usage.COLUMNS),
        [
            "2026-01-01T00:00:00Z",
            "2026-01-01T03:00:00Z",
            "cluster",
            "cl-1",
            "shop",
            "user",
            "6.000000",
            "3.000000",
            "0.000000",
            "0.030000",
            "EUR",
        ],
    ]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param('=HYPERLINK("http://x")', id="equals"),
        pytest.param("+1", id="plus"),
        pytest.param("-1", id="minus"),
        pytest.param("@SUM(A1)", id="at"),
        pytest.param("\t=1", id="tab"),
        pytest.param("\r=1", id="return"),
        pytest.param("\n=1", id="line-feed"),
    ],
)
def test_no_name_is_taken_for_a_formula(name: str, services: Services, use: Use) -> None:
    """A spreadsheet shows what begins with an apostrophe as text."""
    use(1, name=name)

    assert table_of(services)[1][4] == f"'{name}"


def test_quotes_commas_and_lines_in_names_stay_in_their_cell(services: Services, use: Use) -> None:
    """As RFC 4180 has it."""
    use(1, name='a "b", c\nd')

    assert table_of(services)[1][4] == 'a "b", c\nd'


# -- for vendors -----------------------------------------------------------------------------------


@BOTH
def test_a_vendor_is_told_how_an_app_is_used(services: Services, use: Use, version_id: str) -> None:
    """Two users' clusters on one day, one of them deleted, and one on the next."""
    use(1, owner="user")
    use(1, cluster_id="cl-2", owner="other", state=ClusterState.DELETED)
    use(22, cluster_id="cl-3", owner="other")
    use(1, cluster_id="cl-4", owner="other", price=None)
    days = (DayCount(day="2026-01-01", deployments=3), DayCount(day="2026-01-02", deployments=1))

    found = usage.statistics(services, ADMIN, "app", Asked())

    assert (found.live_clusters, found.users, found.days) == (3, 2, days)
    assert [(each.core_hours, each.cost) for each in found.amounts] == [
        (2, None),
        (48, Decimal("0.24")),
    ]
    [version] = found.versions
    assert (version.version_id, version.version) == (version_id, "1.0.0")
    assert (version.live_clusters, version.users, version.days) == (3, 2, days)
    assert version.amounts == found.amounts


def test_statistics_name_nobody(services: Services, use: Use) -> None:
    """Neither an owner nor a cluster."""
    use(1, owner="somebody", cluster_id="cl-secret", name="secret")

    told = str(attrs.asdict(usage.statistics(services, ADMIN, "app", Asked())))

    assert "somebody" not in told
    assert "secret" not in told


@pytest.mark.parametrize(
    ("actor", "refusal"),
    [
        pytest.param(USER, ForbiddenError, id="who-only-uses-it"),
        pytest.param(Actor(owner="nobody"), NotFoundError, id="who-sees-no-app"),
    ],
)
def test_statistics_are_the_vendors(
    actor: Actor, refusal: type[Exception], services: Services, version_id: str
) -> None:
    """What others' customers use is nobody else's business."""
    with pytest.raises(refusal):
        usage.statistics(services, actor, "app", Asked())


def test_what_was_used_stays_with_who_used_it(
    services: Services, use: Use, manual_clock: ManualClock
) -> None:
    """A cluster that is handed over is the heir's use from then on."""
    with services.store.begin() as tx:
        tx.groups.ensure_root()
        root = tx.groups.get("/").id
        for name, role in (("admin", "admin"), ("alice", "user"), ("bob", "user")):
            tx.users.add(name, group_id=root, role=role)
        tx.users.grant(tx.users.get("admin").id, role="admin", group_id=root)
    use(2, owner="alice", is_ended=False)
    users.delete(services, ADMIN, "alice", to="bob")
    manual_clock.advance(HOUR_S)

    shares = {line.key: line.core_hours for line in lines_of(services, UsageBy.OWNER)}

    assert shares == {"alice": 4, "bob": 2}
