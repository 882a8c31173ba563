"""Runtimes are compared: which match and what they cost, and why the others do not."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import attrs
import core_world
import pytest

from pitrix_core.errors import ConfigInvalidError, NotFoundError
from pitrix_core.model import Runtime
from pitrix_core.service import matching
from pitrix_core.service.inquiries import Inquiries
from pitrix_core.service.matching import Comparison, MatchInput, RuntimeMatch
from pitrix_core.service.services import Services

Release = Callable[..., str]
Register = Callable[..., Runtime]

NEEDS_SIZE = {
    "type": "object",
    "required": ["size"],
    "properties": {"size": {"type": "integer"}},
}


def compare(services: Services, version: str, config: Any = None) -> Comparison:
    """Compare all runtimes, as the admin."""
    return matching.compare(services, core_world.ADMIN, version, MatchInput(config=config))


def named(comparison: Comparison) -> dict[str, RuntimeMatch]:
    """Return what is said of each runtime, by its name."""
    return {one.runtime_name: one for one in comparison.runtimes}


class Silence(Inquiries):
    """Asks everybody, and has no answer of one."""

    def __init__(self, silent: str) -> None:
        super().__init__()
        self.silent = silent

    def ask(self, names: Sequence[str], question: Callable[[str], Any]) -> dict[str, Any]:
        return {name: question(name) for name in names if name != self.silent}


def hide_runtimes(services: Services) -> None:
    """Let nobody see runtimes but their owners."""
    with services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runtimes SET visibility = 'private'")


def count(services: Services, table: str) -> int:
    """Return how many rows a table has."""
    with services.store.engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar_one())  # noqa: S608


def test_the_cheapest_comes_first(services: Services, release: Release, register: Register) -> None:
    """By what the whole costs there a month."""
    register("dear", settings={"price_per_machine": "20.00"})
    register("cheap", settings={"price_per_machine": "5.00"})

    found = compare(services, release())

    assert [one.runtime_name for one in found.runtimes] == ["cheap", "dear"]
    assert all(one.matches for one in found.runtimes)


def test_a_price_is_that_of_the_plan(
    services: Services, release: Release, register: Register
) -> None:
    """With its parts, and where the figures are from."""
    register(settings={"price_per_machine": "7.50"})

    [one] = compare(services, release(), {"cluster": {"count": 3}}).runtimes

    assert one.price is not None
    assert (one.price.amount_per_month, one.price.currency) == (Decimal("22.50"), "EUR")
    assert "2026-01-01" in one.price.source
    assert one.price_parts == (
        matching.PricePart(kind="compute.create", count=3, amount_per_month=Decimal("22.50")),
    )
    assert one.totals is not None
    assert one.totals.machines == 3


def test_a_price_that_is_not_known_comes_after_those_that_are(
    services: Services,
    release: Release,
    register: Register,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is made up; how many machines it takes is known all the same."""
    silent = register("a")
    register("b")
    provider = services.gates.of(silent.id).provider
    monkeypatch.setattr(provider, "price", lambda _task: None)

    found = compare(services, release())

    assert [one.runtime_name for one in found.runtimes] == ["b", "a"]
    [part] = found.runtimes[1].price_parts
    assert (found.runtimes[1].price, part.count, part.amount_per_month) == (None, 1, None)


def test_who_does_not_match_comes_last_with_the_rule(
    services: Services, release: Release, register: Register
) -> None:
    """What was asked for and what is there are data, and there is something to do."""
    register("a", labels={"zone": "x"})
    register("b", labels={"zone": "y"})

    found = compare(services, release(selectors={"zone": ("y", "z")}))

    assert [one.runtime_name for one in found.runtimes] == ["b", "a"]
    [why] = found.runtimes[1].objections
    assert why.code == "match.selector"
    assert (why.asked, why.there) == (("zone=y", "zone=z"), ("zone=x",))
    assert why.next_step


def test_nothing_is_left_behind(services: Services, release: Release, register: Register) -> None:
    """No plan, no cluster, no secret."""
    register()
    version = release()
    before = count(services, "secrets")

    compare(services, version, {"password": "hunter2"})

    assert count(services, "plans") == 0
    assert count(services, "clusters") == 0
    assert count(services, "secrets") == before


def test_missing_parameters_are_said(
    services: Services, release: Release, register: Register
) -> None:
    """What can be told without them is told all the same."""
    register()

    found = compare(services, release(schema=NEEDS_SIZE))

    [missing] = found.missing
    assert (missing.code, missing.pointer) == ("schema.required", "/config/size")
    assert [(one.matches, one.price) for one in found.runtimes] == [(True, None)]


def test_a_wrong_configuration_is_refused(services: Services, release: Release) -> None:
    """As for a plan."""
    with pytest.raises(ConfigInvalidError):
        compare(services, release(), {"cluster": {"count": 99}})


def test_a_runtime_that_cannot_be_planned_on_says_why(
    services: Services, release: Release, register: Register
) -> None:
    """What keeps the plan from being made is an objection."""
    register()

    [one] = compare(services, release(raises="plan")).runtimes

    assert not one.matches
    assert [why.code for why in one.objections] == ["match.plan"]


def test_a_cloud_that_does_not_answer_is_told_apart(
    services: Services, release: Release, register: Register
) -> None:
    """It is said of that runtime alone."""
    bad = register("bad")
    register("good")
    impatient = attrs.evolve(services, inquiries=Silence(bad.id))

    found = named(compare(impatient, release(images=["debian"])))

    assert [why.code for why in found["bad"].objections] == ["match.unanswered"]
    assert found["good"].matches


def test_only_runtimes_that_one_sees_are_compared(
    services: Services, release: Release, register: Register
) -> None:
    """And only versions that one sees."""
    register()
    version = release()
    hide_runtimes(services)

    found = matching.compare(services, core_world.USER, version, MatchInput())

    assert found.runtimes == ()
    with pytest.raises(NotFoundError):
        matching.compare(services, core_world.USER, "appv-none", MatchInput())
