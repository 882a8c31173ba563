"""Resources are counted from when they are made until they are gone, at what they are then."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import attrs
import hypothesis
import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from hypothesis import strategies

from pitrix_core.errors import InvalidInputError
from pitrix_core.model import Cluster, ClusterState, OwnedResource, Price, Runtime
from pitrix_core.model.usage import Size, UsageBy
from pitrix_core.store import Cipher, Store, Transaction, make_engine, tables
from pitrix_core.store.usage import Period, Sum
from pitrix_core.testing.manual_clock import ManualClock

CIPHER = Cipher(Fernet.generate_key())
MINUTE_S = 60
EUR = Price(amount_per_month=Decimal("73.00"), currency="EUR", source="a sheet")
MACHINE = Size(cpu=2, memory_mib=1536)


def resource(
    key: str = "req-1", *, kind: str = "compute.create", id_: str = "i-1"
) -> OwnedResource:
    """Return a machine of the stored cluster, unless more is said of it."""
    return OwnedResource(
        cluster_id="cl-1", kind=kind, resource_id=id_, node_id=None, request_key=key
    )


def make(tx: Transaction, made: OwnedResource, size: Size, price: Price | None = EUR) -> None:
    """Record a resource, and begin to count it."""
    if tx.clusters.put_resource(made, owner="alice", runtime_id="rt-1"):
        tx.metering.begin(made, owner="alice", runtime_id="rt-1", size=size, price=price)


def release(tx: Transaction, made: OwnedResource) -> None:
    """Record that a resource is gone, and stop counting it."""
    interface = made.kind.partition(".")[0]
    tx.clusters.release_resource(made.cluster_id, interface=interface, resource_id=made.resource_id)
    tx.metering.end_released(interface, made.resource_id)


@pytest.fixture
def after(store: Store, cluster: Cluster, manual_clock: ManualClock) -> Callable[..., Any]:
    """Do something in a transaction, so many minutes later; the cluster is there."""

    def act(minutes: float, what: Callable[[Transaction], Any]) -> Any:
        manual_clock.advance(minutes * MINUTE_S)
        with store.begin() as tx:
            return what(tx)

    return act


@pytest.fixture
def hours(after: Callable[..., Any], manual_clock: ManualClock) -> Callable[..., Any]:
    """Add up core-, GiB-memory- and GiB-disk-hours and cost until now, by currency."""
    began_at = manual_clock()

    def add_up() -> dict[str | None, tuple[float | None, ...]]:
        period = Period(began_at=began_at, ended_at=manual_clock())
        found = after(0, lambda tx: tx.usage.used(UsageBy.CLUSTER, period))
        sums = {each.currency: each.sum.amounts(each.currency) for each in found}
        return {
            currency: (
                *map(float, (s.core_hours, s.memory_gib_hours, s.disk_gib_hours)),
                None if s.cost is None else float(s.cost),
            )
            for currency, s in sums.items()
        }

    return add_up


def test_a_machine_is_counted_until_it_is_gone(
    after: Callable[..., Any], hours: Callable[..., Any]
) -> None:
    """Two cores and 1.5 GiB for half an hour, at 10 cents an hour."""
    machine = resource()
    after(0, lambda tx: make(tx, machine, MACHINE))
    after(30, lambda tx: release(tx, machine))
    after(30, lambda tx: None)

    assert hours() == {"EUR": (1, 0.75, 0, 0.05)}


def test_what_is_there_is_counted_until_now(
    after: Callable[..., Any], hours: Callable[..., Any]
) -> None:
    """An end that nobody has seen is not waited for."""
    after(0, lambda tx: make(tx, resource(), MACHINE))
    after(60, lambda tx: None)

    assert hours()["EUR"][0] == 2


def test_an_outcome_that_is_written_again_is_counted_once(
    after: Callable[..., Any], hours: Callable[..., Any]
) -> None:
    """Polls, retries and a late write of the same request are of one machine, which is gone."""
    machine = resource()
    after(0, lambda tx: make(tx, machine, MACHINE))
    after(15, lambda tx: make(tx, machine, MACHINE))
    after(15, lambda tx: release(tx, machine))
    after(15, lambda tx: release(tx, machine))
    again = {"owner": "alice", "runtime_id": "rt-1", "size": MACHINE, "price": EUR}
    after(15, lambda tx: tx.metering.begin(machine, **again))
    after(15, lambda tx: None)

    assert hours()["EUR"][0] == 1


def test_a_stopped_machine_uses_nothing_and_its_volume_goes_on(
    after: Callable[..., Any], hours: Callable[..., Any]
) -> None:
    """Cores are counted for the first and the last hour of three, the disk for all."""
    volume = resource("req-2", kind="volume.create", id_="v-1")
    which = {"interface": "compute", "resource_id": "i-1"}

    def both(tx: Transaction) -> None:
        make(tx, resource(), MACHINE)
        make(tx, volume, Size(disk_gib=10))

    after(0, both)
    after(60, lambda tx: tx.metering.stop("cl-1", **which))
    after(60, lambda tx: tx.metering.resume("cl-1", **which))
    after(0, lambda tx: tx.metering.resume("cl-1", **which))
    after(60, lambda tx: None)

    assert hours() == {"EUR": (4, 3, 30, 0.5)}


def test_a_machine_that_is_gone_is_not_started_again(
    after: Callable[..., Any], hours: Callable[..., Any]
) -> None:
    """A start whose outcome comes late begins nothing."""
    which = {"interface": "compute", "resource_id": "i-1"}
    after(0, lambda tx: make(tx, resource(), MACHINE))
    after(60, lambda tx: release(tx, resource()))
    after(0, lambda tx: tx.metering.resume("cl-1", **which))
    after(60, lambda tx: None)

    assert hours()["EUR"][0] == 2


def test_a_resize_counts_from_then_on(after: Callable[..., Any], hours: Callable[..., Any]) -> None:
    """An hour of two cores at a price, and one of four at none that is known."""
    larger = {"size": Size(cpu=4, memory_mib=2048), "price": None}
    after(0, lambda tx: make(tx, resource(), MACHINE))
    after(
        60,
        lambda tx: tx.metering.resize("cl-1", interface="compute", resource_id="i-1", **larger),
    )
    after(60, lambda tx: None)

    assert hours() == {"EUR": (2, 1.5, 0, 0.1), None: (4, 2, 0, None)}


def test_a_machine_that_is_resized_while_stopped_starts_as_the_new_size(
    after: Callable[..., Any], hours: Callable[..., Any]
) -> None:
    """Nothing is counted in between."""
    which = {"interface": "compute", "resource_id": "i-1"}
    after(0, lambda tx: make(tx, resource(), MACHINE))
    after(60, lambda tx: tx.metering.stop("cl-1", **which))
    after(60, lambda tx: tx.metering.resize("cl-1", **which, size=Size(cpu=8), price=EUR))
    after(60, lambda tx: tx.metering.resume("cl-1", **which))
    after(60, lambda tx: None)

    assert hours()["EUR"][0] == 10


def test_all_of_a_cluster_that_is_given_up_is_counted_no_more(
    after: Callable[..., Any], hours: Callable[..., Any]
) -> None:
    """What may still be there is not ours any more."""
    after(0, lambda tx: make(tx, resource(), MACHINE))
    after(60, lambda tx: tx.metering.end_of("cl-1"))
    after(60, lambda tx: None)

    assert hours()["EUR"][0] == 2


def test_what_is_handed_over_is_counted_for_each_owner(
    after: Callable[..., Any], manual_clock: ManualClock
) -> None:
    """An hour of two cores for the one, and two hours for the other."""
    began_at = manual_clock()
    after(0, lambda tx: make(tx, resource(), MACHINE))
    after(60, lambda tx: tx.metering.hand_over("alice", to="bob"))
    after(120, lambda tx: None)

    period = Period(began_at=began_at, ended_at=manual_clock())
    used = after(0, lambda tx: tx.usage.used(UsageBy.OWNER, period))
    shares = {each.key: each.sum.amounts(each.currency).core_hours for each in used}
    assert shares == {"alice": 2, "bob": 4}


@pytest.mark.parametrize(
    ("core_us", "core_hours"),
    [
        pytest.param(1_799, "0.000000", id="down"),
        pytest.param(1_800, "0.000000", id="half-to-even-below"),
        pytest.param(1_801, "0.000001", id="up"),
        pytest.param(5_400, "0.000002", id="half-to-even-above"),
    ],
)
def test_sums_are_rounded_once_half_to_even(core_us: int, core_hours: str) -> None:
    """To six digits: a millionth of an hour is 3,600 microseconds."""
    assert Sum(core_us=core_us).amounts(None).core_hours == Decimal(core_hours)


def test_a_clock_that_goes_back_takes_nothing_away(
    after: Callable[..., Any], hours: Callable[..., Any]
) -> None:
    """A release before the beginning is one at the beginning."""
    after(60, lambda tx: make(tx, resource(), MACHINE))
    after(-30, lambda tx: release(tx, resource()))
    after(60, lambda tx: None)

    assert hours() == {}


def test_what_fits_into_no_answer_is_refused(
    after: Callable[..., Any], manual_clock: ManualClock
) -> None:
    """Before it is added up, with how to ask for less."""
    began_at = manual_clock()
    after(0, lambda tx: make(tx, resource(), MACHINE))
    after(0, lambda tx: make(tx, resource("req-2", id_="i-2"), Size(cpu=1)))
    after(60, lambda tx: None)
    period = Period(began_at=began_at, ended_at=manual_clock())

    with pytest.raises(InvalidInputError, match="more than fits"):
        after(0, lambda tx: tx.usage.used(UsageBy.CLUSTER, period, most_rows=1))


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        pytest.param("NaN", "EUR", id="no-number"),
        pytest.param("-1", "EUR", id="below-nothing"),
        pytest.param("1e30", "EUR", id="beyond-all"),
        pytest.param("1", "EURO", id="no-currency"),
        pytest.param("1", "=A1", id="no-letters"),
    ],
)
def test_a_price_that_makes_no_sense_is_not_known(
    amount: str, currency: str, after: Callable[..., Any], hours: Callable[..., Any]
) -> None:
    """A provider's mistake must not keep the machine from being written down."""
    odd = attrs.evolve(EUR, amount_per_month=Decimal(amount), currency=currency)
    after(0, lambda tx: make(tx, resource(), MACHINE, odd))
    after(60, lambda tx: None)

    assert hours() == {None: (2, 1.5, 0, None)}


# -- against a model -------------------------------------------------------------------------------

_SIZES = strategies.builds(
    Size,
    cpu=strategies.integers(0, 64),
    memory_mib=strategies.integers(0, 1 << 20),
    disk_gib=strategies.integers(0, 10_000),
)
_PRICES = strategies.none() | strategies.builds(
    Price,
    amount_per_month=strategies.decimals(0, 10_000, places=6),
    currency=strategies.sampled_from(["EUR", "USD"]),
    source=strategies.just("a sheet"),
)
_STEP = strategies.tuples(
    strategies.integers(0, 90),  # minutes to wait before it
    strategies.sampled_from(["make", "stop", "start", "resize", "release", "give_up"]),
    strategies.sampled_from(["a", "b", "c"]),
    _SIZES,
    _PRICES,
)


@attrs.define
class Counted:
    """A resource of the naive model."""

    size: Size
    price: Price | None
    runs: bool = True
    is_gone: bool = False


def naive(
    steps: list[tuple[int, str, str, Size, Price | None]], first: int, last: int
) -> dict[str | None, list[Decimal]]:
    """Add up minute by minute what runs, of the minutes from the first to before the last."""
    things: dict[str, Counted] = {}
    sums: dict[str | None, list[Decimal]] = {}
    minute = 0
    for wait, what, name, size, price in [*steps, (last, "", "", Size(), None)]:
        for _ in range(wait):
            if first <= minute < last:
                _count(things, sums)
            minute += 1
        _change(things, what, name, size, price)
    return sums


def _count(things: dict[str, Counted], sums: dict[str | None, list[Decimal]]) -> None:
    for thing in things.values():
        if thing.runs and not thing.is_gone:
            total = sums.setdefault(thing.price and thing.price.currency, [Decimal(0)] * 4)
            amount = thing.price.amount_per_month if thing.price else Decimal(0)
            size = thing.size
            each = (size.cpu, Decimal(size.memory_mib) / 1024, size.disk_gib, amount / 730)
            for place, number in enumerate(each):
                total[place] += Decimal(number) / 60


def _change(
    things: dict[str, Counted], what: str, name: str, size: Size, price: Price | None
) -> None:
    thing = things.get(name)
    if what == "give_up":
        for each in things.values():
            each.is_gone = True
    elif thing is None:
        if what == "make":
            things[name] = Counted(size, price)
    elif what == "resize":
        thing.size, thing.price = size, price
    elif what in ("stop", "start"):
        thing.runs = what == "start"
    elif what == "release":
        thing.is_gone = True


def carry_out(tx: Transaction, what: str, name: str, size: Size, price: Price | None) -> None:
    """Take a step with the real thing."""
    made = resource(f"req-{name}", id_=f"i-{name}")
    which = {"interface": "compute", "resource_id": made.resource_id}
    match what:
        case "make":
            make(tx, made, size, price)
        case "stop":
            tx.metering.stop("cl-1", **which)
        case "start":
            tx.metering.resume("cl-1", **which)
        case "resize":
            tx.metering.resize("cl-1", **which, size=size, price=price)
        case "release":
            release(tx, made)
        case "give_up":
            for each in ("a", "b", "c"):
                release(tx, resource(f"req-{each}", id_=f"i-{each}"))
            tx.metering.end_of("cl-1")


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    """A database in memory with one cluster; what is written to it is to be rolled back."""
    engine = make_engine("sqlite://")
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        tx = Transaction(connection, cipher=CIPHER)
        tx.runtimes.add(
            Runtime(id="rt-1", name="here", provider="fake", owner="alice", zone=""),
            credential_id=None,
        )
        tx.clusters.add(
            Cluster(
                id="cl-1",
                name="demo",
                owner="alice",
                state=ClusterState.ACTIVE,
                runtime_id="rt-1",
                app_version_id="ver-1",
                config={},
                revision=1,
                created_at=tx.now,
                updated_at=tx.now,
            )
        )
    yield engine
    engine.dispose()


@hypothesis.given(
    steps=strategies.lists(_STEP, max_size=12),
    first=strategies.integers(0, 200),
    length=strategies.integers(1, 400),
)
@hypothesis.settings(max_examples=50)
def test_every_course_adds_up_as_minutes_do(
    engine: sa.Engine,
    steps: list[tuple[int, str, str, Size, Price | None]],
    first: int,
    length: int,
) -> None:
    """Whatever is made, stopped, resized and released when, and whatever period is asked for."""
    clock = ManualClock()
    began_at, last = clock(), first + length
    with engine.connect() as connection:
        for wait, what, name, size, price in steps:
            clock.advance(wait * MINUTE_S)
            step = Transaction(connection, cipher=CIPHER, clock=lambda _: clock())
            carry_out(step, what, name, size, price)
        period = Period(
            began_at=began_at + dt.timedelta(minutes=first),
            ended_at=began_at + dt.timedelta(minutes=last),
        )
        usage = Transaction(connection, cipher=CIPHER).usage
        used = usage.used(UsageBy.CLUSTER, period)
        connection.rollback()

    counted = {each.currency: each.sum.amounts(each.currency) for each in used}
    expected = naive(steps, first, last)
    assert counted.keys() == expected.keys()
    for currency, (cores, memory, disk, cost) in expected.items():
        amounts = counted[currency]
        assert amounts.core_hours == pytest.approx(cores, abs=Decimal("0.00001"))
        assert amounts.memory_gib_hours == pytest.approx(memory, abs=Decimal("0.00001"))
        assert amounts.disk_gib_hours == pytest.approx(disk, abs=Decimal("0.00001"))
        assert (amounts.cost or 0) == pytest.approx(cost, abs=Decimal("0.00001"))
