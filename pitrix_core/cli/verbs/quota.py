"""``pitrix quota``: how much people may have, beside what they have."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import click

from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import Columns, print_fields, print_json, print_table, time_of
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.terminal import say
from pitrix_core.cli.values import pairs
from pitrix_core.model import JsonObject
from pitrix_core.model.quota import WORDS, Unpriced

F = TypeVar("F", bound=Callable[..., Any])

_QUOTAS: Final = "/v1/quotas"
#: Limit → what it is called.
_WORDS: Final = {name: several for name, (_, several) in WORDS.items()}
_whole = click.IntRange(0)


def _for_whom(function: F) -> F:
    """Give a verb the options that say for whom a quota is."""
    every = click.option("--each-user", is_flag=True, help="For each user alone.")
    user = click.option("--user", metavar="NAME", help="For one user, instead of that for each.")
    group = click.option("--group", metavar="PATH", help="For a group and all below it, together.")
    return group(user(every(function)))


@click.group()
def quota() -> None:
    """Say how much people may have, and see how much they have.

    Everything counts from when a plan is applied until its cluster is deleted, for its owner, the
    owner's group, and every group above it.
    """


@quota.command("set")
@_for_whom
@click.option("--clusters", type=_whole, help="Clusters at a time.")
@click.option("--nodes", type=_whole, help="Machines at a time.")
@click.option("--cores", type=_whole, help="Cores at a time.")
@click.option("--memory", "memory_gib", type=_whole, metavar="GIB", help="Memory at a time.")
@click.option("--disk", "disk_gib", type=_whole, metavar="GIB", help="Disks at a time.")
@click.option(
    "--budget",
    "budgets",
    multiple=True,
    metavar="CURRENCY=AMOUNT",
    help="What everything together may cost a month: EUR=250.",
)
@click.option(
    "--unpriced",
    type=click.Choice([unpriced.value for unpriced in Unpriced]),
    default="warn",
    show_default=True,
    help="With a budget: plans whose price is not known.",
)
@talks_to_api
def set_(
    session: Session,
    /,
    *,
    group: str | None,
    user: str | None,
    each_user: bool,
    budgets: tuple[str, ...],
    unpriced: str,
    **limits: int | None,
) -> None:
    """Set all of a quota: what is not named is not limited any more."""
    _require_one(group, user, each_user)
    body = {
        "group": group,
        "user": user,
        "limits": {name: limit for name, limit in limits.items() if limit is not None},
        "budgets": pairs(budgets, option="--budget"),
        "unpriced": unpriced,
    }
    put = session.api.put(_QUOTAS, {name: value for name, value in body.items() if value})
    _show(session, session.api.get(f"{_QUOTAS}/{put['id']}"))


@quota.command("list")
@talks_to_api
def list_(session: Session) -> None:
    """List the quotas that count for you, and those that you may look at."""
    items = session.api.items(_QUOTAS)
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    columns: Columns = {"for": _subject, "limits": _limits, "used": _used, "id": "id"}
    print_table(items, columns, nothing="Nothing is limited.")


@quota.command()
@_for_whom
@talks_to_api
def show(session: Session, *, group: str | None, user: str | None, each_user: bool) -> None:
    """Show what a quota leaves; with --each-user, what it leaves you."""
    _require_one(group, user, each_user)
    _show(session, _find(session, group=group, user=user))


@quota.command()
@_for_whom
@talks_to_api
def remove(session: Session, *, group: str | None, user: str | None, each_user: bool) -> None:
    """Remove a quota: nothing is limited by it any more."""
    _require_one(group, user, each_user)
    found = _find(session, group=group, user=user)
    session.api.delete(f"{_QUOTAS}/{found['id']}")
    if session.as_json:
        print_json(found)
        return
    say(f"The quota of {_subject(found)} is removed.")


def _require_one(group: str | None, user: str | None, each_user: bool) -> None:
    if sum((group is not None, user is not None, each_user)) != 1:
        raise click.UsageError("Say for whom: --group PATH, --user NAME or --each-user.")


def _find(session: Session, *, group: str | None, user: str | None) -> JsonObject:
    wanted = ("group", group) if group else ("user", user) if user else ("every_user", "")
    for found in session.api.items(_QUOTAS):
        if (found["scope"], found["subject"]) == wanted:
            return found
    whom = wanted[1] or "each user"
    raise CliError(f"There is no quota for {whom}.", next_step="List them: pitrix quota list")


def _show(session: Session, found: JsonObject) -> None:
    if session.as_json:
        print_json(found)
        return
    fields = {"for": _subject(found), "id": found["id"], "set": time_of(found["updated_at"])}
    if found["budgets"]:
        fields["without a price"] = found["unpriced"]
    print_fields(fields)
    say()
    print_table(
        list(_rows(found)), {"what": "what", "used": "used", "allowed": "allowed"}, nothing=""
    )
    unknown = found["used"]["unpriced_clusters"]
    if found["budgets"] and unknown:
        say(f"\nOf {unknown} of the clusters the price is not known.")


def _rows(found: JsonObject) -> Iterator[JsonObject]:
    used = found["used"]
    for name, words in _WORDS.items():
        limit = found["limits"].get(name)
        allowed = "any" if limit is None else limit
        yield {"what": words, "used": _plain(used[name]), "allowed": allowed}
    for currency in sorted({*used["costs"], *found["budgets"]}):
        yield {
            "what": f"{currency} a month",
            "used": _plain(used["costs"].get(currency, "0")),
            "allowed": _plain(found["budgets"].get(currency, "any")),
        }


def _subject(found: JsonObject) -> str:
    return found["subject"] or "each user"


def _limits(found: JsonObject) -> str:
    limits = [(words, found["limits"].get(name)) for name, words in _WORDS.items()]
    told = [f"{limit} {words}" for words, limit in limits if limit is not None]
    told += [f"{_plain(amount)} {currency}" for currency, amount in found["budgets"].items()]
    return ", ".join(told)


def _used(found: JsonObject) -> str:
    used = found["used"]
    limited = [name for name in _WORDS if found["limits"].get(name) is not None]
    told = [f"{_plain(used[name])} {_WORDS[name]}" for name in limited]
    costs = used["costs"]
    told += [f"{_plain(costs.get(name, '0'))} {name}" for name in found["budgets"]]
    return ", ".join(told)


def _plain(number: object) -> str:
    """Return a number without zeros at its end."""
    text = str(number)
    return text.rstrip("0").rstrip(".") if "." in text else text
