"""``pitrix usage`` and ``pitrix app stats``: what was used in a period, and what it cost."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

import click

from pitrix_core.cli.completion.values import apps
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import is_terminal, print_fields, print_json, print_table, time_of
from pitrix_core.cli.terminal import hand_over, say
from pitrix_core.model import JsonObject
from pitrix_core.model.usage import UsageBy

_BY: Final = click.Choice([by.value for by in UsageBy])
_HOURS: Final = {
    "core-hours": "core_hours",
    "GiB-hours of memory": "memory_gib_hours",
    "GiB-hours of disks": "disk_gib_hours",
}

_since = click.option("--from", "since", metavar="DAY", help="First day; this month's otherwise.")
_until = click.option("--to", "until", metavar="DAY", help="Day it ends before; now otherwise.")


@click.command()
@click.option("--by", type=_BY, default="cluster", show_default=True)
@_since
@_until
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV, for spreadsheets and bills.")
@talks_to_api
def usage(session: Session, *, by: str, since: str | None, until: str | None, as_csv: bool) -> None:
    """Add up what clusters used in a period, and what it cost.

    Days are in UTC: 2026-08-21, or 2026-08-21T09:30:00Z. What has no known price stands in a line
    of its own. A stopped machine uses no cores and no memory; its disks go on.
    """
    query = {"by": by, "from": since, "to": until}
    if as_csv:
        text = session.api.text("/v1/usage.csv", **query)
        hand_over(text, to_terminal=is_terminal())
        return
    found = session.api.get("/v1/usage", **query)
    if session.as_json:
        print_json(found)
        return
    lines = found["lines"]
    shown = [{**line, **_amounts(line), "of": line["name"] or line["key"] or "-"} for line in lines]
    owner = {"owner": "owner"} if by == "cluster" else {}
    columns = {by: "of", **owner, **{name: name for name in (*_HOURS, "cost")}}
    print_table(shown, columns, nothing="Nothing was used.")
    say(f"\nFrom {time_of(found['began_at'])} to {time_of(found['ended_at'])}.")


@click.command()
@click.argument("app_id", metavar="APP", shell_complete=apps)
@_since
@_until
@talks_to_api
def stats(session: Session, app_id: str, *, since: str | None, until: str | None) -> None:
    """Show how an application of yours was used in a period; nobody is named."""
    path = f"/v1/apps/{app_id}/statistics"
    found = session.api.get(path, **{"from": since, "to": until})
    if session.as_json:
        print_json(found)
        return
    print_fields(
        {
            "from": time_of(found["began_at"]),
            "to": time_of(found["ended_at"]),
            "deployments": sum(day["deployments"] for day in found["days"]),
            "live clusters": found["live_clusters"],
            "users": found["users"],
        }
    )
    say()
    columns = ("version", "deployments", "live", "users", *_HOURS, "cost")
    lines = list(_versions(found["versions"]))
    print_table(lines, {name: name for name in columns}, nothing="It was never deployed.")
    if found["days"]:
        say()
        print_table(found["days"], {"day": "day", "deployments": "deployments"}, nothing="")


def _versions(versions: Iterable[JsonObject]) -> Iterator[JsonObject]:
    """Yield a line for each currency of each version."""
    for version in versions:
        counts: dict[str, Any] = {
            "version": version["version"] or version["version_id"],
            "deployments": sum(day["deployments"] for day in version["days"]),
            "live": version["live_clusters"],
            "users": version["users"],
        }
        first, *others = version["amounts"] or [{}]
        yield {**counts, **_amounts(first)}
        for amounts in others:
            yield {"version": counts["version"], **_amounts(amounts)}


def _amounts(amounts: JsonObject) -> JsonObject:
    hours = {name: _rounded(amounts.get(key)) for name, key in _HOURS.items()}
    cost = amounts.get("cost")
    told = "not known" if cost is None else f"{_rounded(cost)} {amounts['currency']}"
    return {**hours, "cost": told if amounts else ""}


def _rounded(number: object) -> str:
    """Return a number with two digits after the point."""
    return "" if number is None else f"{Decimal(str(number)):.2f}"
