"""A node may have so much stand below its reports, and no more."""

import pytest

from pitrix_drone.etcd import KeyValue
from pitrix_frontgate.quotas import MOST_CHARS, Quotas

REPORTS = "/c/cl-1/reports/cln-1/"


def item(path: str, size: int = 10, *, prefix: str = REPORTS) -> KeyValue:
    """Return what stands at a path."""
    return KeyValue(prefix + path, "x" * size, 1, 1)


@pytest.mark.parametrize(
    ("written", "may"),
    [
        pytest.param(item("status"), True, id="status"),
        pytest.param(item("results/cmd-1", MOST_CHARS), True, id="longest"),
        pytest.param(item("results/cmd-1", MOST_CHARS + 1), False, id="too-long"),
        pytest.param(item("mine"), False, id="no-report"),
        pytest.param(item("results/a/b"), False, id="too-deep"),
        pytest.param(item("env/big", MOST_CHARS + 1, prefix="/c/cl-1/shared/"), True, id="other"),
    ],
)
def test_only_reports_may_stand_among_reports(written: KeyValue, may: bool) -> None:
    """Each as long as the protocol lets it be; what is elsewhere no node can write."""
    assert Quotas().has_room(written) is may


def test_reports_are_bounded_in_number() -> None:
    """One that goes makes room for another; other nodes have their own."""
    quotas = Quotas()
    rooms = [quotas.has_room(item(f"results/cmd-{number}")) for number in range(10_001)]
    other = quotas.has_room(item("status", prefix="/c/cl-1/reports/cln-2/"))
    quotas.forget(REPORTS + "results/cmd-0")
    again = quotas.has_room(item("results/cmd-10000"))

    assert rooms == [True] * 10_000 + [False]
    assert (other, again, quotas.dropped) == (True, True, 1)


def test_reports_are_bounded_in_size() -> None:
    """What is written anew takes the place of what stood there."""
    quotas = Quotas()
    same = [quotas.has_room(item("results/cmd-1", 500_000)) for _ in range(100)]
    others = [quotas.has_room(item(f"results/cmd-{number}", 500_000)) for number in range(2, 20)]

    assert same == [True] * 100
    assert others == [True] * 15 + [False] * 3


def test_all_is_named_anew_after_a_break() -> None:
    """What went meanwhile counts no more."""
    quotas = Quotas()
    for number in range(10_000):
        quotas.has_room(item(f"results/cmd-{number}"))
    quotas.begin()

    assert quotas.has_room(item("status"))
