"""``quota``, ``usage`` and ``app stats``."""

import json
from collections.abc import Callable

import pytest
from conftest import Result
from stand_in import StandIn

USED = {
    "clusters": 1,
    "nodes": 3,
    "cores": 6,
    "memory_gib": "4.500000",
    "disk_gib": 0,
    "costs": {"EUR": "15.00"},
    "unpriced_clusters": 2,
}
NO_LIMITS = dict.fromkeys(("clusters", "nodes", "cores", "memory_gib", "disk_gib"))
QUOTA = {
    "id": "quo-1",
    "scope": "group",
    "subject": "/acme",
    "limits": {**NO_LIMITS, "cores": 8},
    "budgets": {"EUR": "20.00"},
    "unpriced": "warn",
    "updated_at": "2026-08-21T09:30:00.000Z",
    "used": USED,
}
EACH = {**QUOTA, "id": "quo-2", "scope": "every_user", "subject": "", "budgets": {}}
LINE = {
    "key": "cl-1",
    "name": "shop",
    "owner": "alice",
    "core_hours": "6.000000",
    "memory_gib_hours": "3.250000",
    "disk_gib_hours": "0.000000",
    "cost": "0.030000",
    "currency": "EUR",
}
UNPRICED = {**LINE, "cost": None, "currency": None}
PERIOD = {"began_at": "2026-08-01T00:00:00.000Z", "ended_at": "2026-08-21T09:30:00.000Z"}
REPORT = {"by": "cluster", **PERIOD, "lines": [LINE, UNPRICED]}
DAYS = [{"day": "2026-08-02", "deployments": 3}]
STATISTICS = {
    **PERIOD,
    "app_id": "app-1",
    "live_clusters": 2,
    "users": 2,
    "days": DAYS,
    "amounts": [LINE, UNPRICED],
    "versions": [
        {
            "version_id": "appv-1",
            "version": "1.0.0",
            "live_clusters": 2,
            "users": 2,
            "days": DAYS,
            "amounts": [LINE, UNPRICED],
        }
    ],
}


def test_a_quota_is_set_with_all_its_parts(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """What is not named is left out, and so not limited; then it is shown."""
    api.answers("PUT", "/v1/quotas", QUOTA)
    api.answers("GET", "/v1/quotas/quo-1", QUOTA)

    words = ("--cores", "8", "--budget", "EUR=20", "--unpriced", "refuse")
    result = pitrix("quota", "set", "--group", "/acme", *words)

    assert result.code == 0
    assert api.asked("PUT", "/v1/quotas")[0].body == {
        "group": "/acme",
        "limits": {"cores": 8},
        "budgets": {"EUR": "20"},
        "unpriced": "refuse",
    }


def test_a_quota_is_shown_beside_what_there_is(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """Limits, what there is of each, and what the sums leave out."""
    api.lists("/v1/quotas", EACH, QUOTA)

    result = pitrix("quota", "show", "--group", "/acme")

    lines = [line.split() for line in result.out.splitlines()]
    assert ["cores", "6", "8"] in lines
    assert ["GiB", "of", "memory", "4.5", "any"] in lines
    assert ["EUR", "a", "month", "15", "20"] in lines
    assert "Of 2 of the clusters the price is not known." in result.out


@pytest.mark.parametrize("verb", ["set", "show", "remove"])
@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="for-nobody"),
        pytest.param(("--group", "/acme", "--each-user"), id="for-two"),
    ],
)
def test_whom_a_quota_is_for_has_to_be_said(
    verb: str, words: tuple[str, ...], pitrix: Callable[..., Result]
) -> None:
    """Nothing is limited for everybody by leaving something out."""
    result = pitrix("quota", verb, *words)

    assert result.code == 2
    assert "--group PATH, --user NAME or --each-user" in result.err


def test_a_quota_that_is_not_there_is_not_shown(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """It says where to look."""
    api.lists("/v1/quotas", QUOTA)

    result = pitrix("quota", "show", "--user", "bob")

    assert result.code == 1
    assert result.err.splitlines() == [
        "Error: There is no quota for bob.",
        "Next: List them: pitrix quota list",
    ]


def test_quotas_are_listed_with_what_they_leave(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """Only what is limited is told."""
    api.lists("/v1/quotas", QUOTA, EACH)

    result = pitrix("quota", "list")

    assert result.out.splitlines() == [
        "for        limits           used             id",
        "/acme      8 cores, 20 EUR  6 cores, 15 EUR  quo-1",
        "each user  8 cores          6 cores          quo-2",
    ]


def test_a_quota_is_removed_by_whom_it_is_for(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """Its id is looked up."""
    api.lists("/v1/quotas", QUOTA, EACH)
    api.answers("DELETE", "/v1/quotas/quo-2", None, status=204)

    result = pitrix("quota", "remove", "--each-user")

    assert (result.code, result.out) == (0, "The quota of each user is removed.\n")
    assert len(api.asked("DELETE", "/v1/quotas/quo-2")) == 1


def test_use_is_shown_for_people(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """Rounded, with what has no price in a line of its own."""
    api.answers("GET", "/v1/usage", REPORT)

    result = pitrix("usage", "--from", "2026-08-01")

    assert api.requests[0].query == {"by": "cluster", "from": "2026-08-01"}
    first, second = [line.split() for line in result.out.splitlines()[1:3]]
    assert first == ["shop", "alice", "6.00", "3.25", "0.00", "0.03", "EUR"]
    assert second[-2:] == ["not", "known"]
    assert "From 2026-08-01 00:00:00Z to 2026-08-21 09:30:00Z." in result.out


def test_use_is_exported_as_the_api_wrote_it(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """To the byte, so that line ends stay as the format has them."""
    api.answers("GET", "/v1/usage.csv", b"from,to\r\n1,2\r\n")

    result = pitrix("usage", "--by", "owner", "--csv")

    assert api.requests[0].query == {"by": "owner"}
    assert result.out == "from,to\r\n1,2\r\n"


def test_an_export_that_is_refused_says_why(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """As every other refusal."""
    problem = {"title": "No", "detail": "to: 'x' is no time.", "code": "invalid_input"}
    api.answers("GET", "/v1/usage.csv", problem, status=422)

    result = pitrix("usage", "--csv", "--to", "x")

    assert (result.code, result.out) == (1, "")
    assert "'x' is no time." in result.err


def test_statistics_are_shown_by_version_and_day(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """Counts once for each version, hours and costs for each currency."""
    api.answers("GET", "/v1/apps/etcd/statistics", STATISTICS)

    result = pitrix("app", "stats", "etcd")

    lines = [line.split() for line in result.out.splitlines()]
    assert ["1.0.0", "3", "2", "2", "6.00", "3.25", "0.00", "0.03", "EUR"] in lines
    assert ["2026-08-02", "3"] in lines


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        pytest.param(("usage",), "/v1/usage", REPORT, id="usage"),
        pytest.param(("app", "stats", "etcd"), "/v1/apps/etcd/statistics", STATISTICS, id="stats"),
    ],
)
def test_programs_get_what_the_api_said(
    words: tuple[str, ...],
    path: str,
    body: dict[str, object],
    api: StandIn,
    pitrix: Callable[..., Result],
) -> None:
    """With --json, unrounded."""
    api.answers("GET", path, body)

    assert json.loads(pitrix(*words, "--json").out) == body
