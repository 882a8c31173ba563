"""Tell what was used in a period: for bills, as CSV, and to the vendors of apps."""

import csv
import datetime as dt
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import attrs

from pitrix_core.errors import InvalidInputError
from pitrix_core.model.access import ROOT_PATH, Action, Actor
from pitrix_core.model.usage import (
    Amounts,
    AppStatistics,
    DayCount,
    UsageBy,
    UsageLine,
    UsageReport,
    VersionStatistics,
)
from pitrix_core.service.access import require_allowed
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction
from pitrix_core.store.usage import Period, Sum, UsedBy

#: Columns of the CSV; new ones come after these.
COLUMNS: Final = (
    "from",
    "to",
    "by",
    "key",
    "name",
    "owner",
    "core_hours",
    "memory_gib_hours",
    "disk_gib_hours",
    "cost",
    "currency",
)
#: A spreadsheet takes a cell that begins with one of these for a formula.
#: Source: https://owasp.org/www-community/attacks/CSV_Injection, read 2026-11.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


@attrs.frozen(kw_only=True)
class Asked:
    """A period as it is asked for: days (``2026-08-21``, in UTC) or times of RFC 3339."""

    #: None for the first of this month.
    since: str | None = None
    #: Not in it; None for now.
    until: str | None = None


def report(services: Services, actor: Actor, by: UsageBy, asked: Asked) -> UsageReport:
    """Add up what was used in a period by what the actor may look at.

    :raises InvalidInputError: the period is none, or there is too much to tell.
    """
    with services.store.read() as tx:
        period = _period(tx, asked)
        used = tx.usage.used(by, period, viewer=actor)
        if by is UsageBy.GROUP:
            used = _by_group(used, tx.usage.groups())
        names = tx.usage.names(by, period, viewer=actor)
    return UsageReport(
        by=by,
        began_at=period.began_at,
        ended_at=period.ended_at,
        lines=tuple(_line(each, names) for each in used),
    )


def as_csv(found: UsageReport) -> bytes:
    """Return a report as CSV (RFC 4180, UTF-8); no cell is taken for a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    first, last = (_time(moment) for moment in (found.began_at, found.ended_at))
    for line in found.lines:
        told = (_cell(line.key), _cell(line.name), _cell(line.owner))
        hours = (line.core_hours, line.memory_gib_hours, line.disk_gib_hours)
        numbers = (*map(_number, hours), "" if line.cost is None else _number(line.cost))
        writer.writerow((first, last, found.by, *told, *numbers, line.currency or ""))
    return text.getvalue().encode()


def statistics(services: Services, actor: Actor, app_id: str, asked: Asked) -> AppStatistics:
    """Tell the vendor of an app how it was used in a period, by everybody together.

    :raises NotFoundError: there is no such app that the actor sees.
    :raises ForbiddenError: its statistics are not for the actor.
    :raises InvalidInputError: the period is none.
    """
    with services.store.read() as tx:
        app = tx.catalog.app(app_id, viewer=actor)
        what = f"app {app.name}"
        require_allowed(tx, actor, Action.STATISTICS_READ, owner=app.owner, what=what)
        period = _period(tx, asked)
        used = tx.usage.used(UsageBy.VERSION, period, app_id=app.id)
        live = tx.usage.live_clusters(app.id)
        users = tx.usage.users(app.id, period)
        days = tx.usage.deployments(app.id, period)
        names = tx.usage.names(UsageBy.VERSION, period, app_id=app.id)
        names |= {version.id: version.version for version in tx.catalog.versions(app.id)}
    ids = sorted({*live, *days, *(each.key for each in used)}, key=lambda key: names.get(key, ""))
    return AppStatistics(
        app_id=app.id,
        began_at=period.began_at,
        ended_at=period.ended_at,
        live_clusters=sum(live.values()),
        users=users[None],
        days=_together(days),
        amounts=_amounts(used),
        versions=tuple(
            VersionStatistics(
                version_id=version_id,
                version=names.get(version_id, ""),
                live_clusters=live.get(version_id, 0),
                users=users.get(version_id, 0),
                days=tuple(days.get(version_id, ())),
                amounts=_amounts(each for each in used if each.key == version_id),
            )
            for version_id in ids
        ),
    )


def _by_group(used: Iterable[UsedBy], groups: Mapping[str, str]) -> list[UsedBy]:
    """Add up what owners used by their groups; who has no account is of the installation."""
    sums: dict[tuple[str, str | None], Sum] = defaultdict(Sum)
    for each in used:
        sums[groups.get(each.key, ROOT_PATH), each.currency].add(each.sum)
    ordered = sorted(sums, key=lambda key: (key[0], key[1] or ""))
    return [
        UsedBy(key=path, owner="", currency=currency, sum=sums[path, currency])
        for path, currency in ordered
    ]


def _line(used: UsedBy, names: Mapping[str, str]) -> UsageLine:
    amounts = attrs.asdict(used.sum.amounts(used.currency))
    return UsageLine(key=used.key, name=names.get(used.key, ""), owner=used.owner, **amounts)


def _amounts(used: Iterable[UsedBy]) -> tuple[Amounts, ...]:
    sums: dict[str | None, Sum] = defaultdict(Sum)
    for each in used:
        sums[each.currency].add(each.sum)
    return tuple(sums[key].amounts(key) for key in sorted(sums, key=lambda key: key or ""))


def _together(days: Mapping[str, Iterable[DayCount]]) -> tuple[DayCount, ...]:
    counts: dict[str, int] = defaultdict(int)
    for each in (count for counts in days.values() for count in counts):
        counts[each.day] += each.deployments
    return tuple(DayCount(day=day, deployments=counts[day]) for day in sorted(counts))


# -- periods ---------------------------------------------------------------------------------------


def _period(tx: Transaction, asked: Asked) -> Period:
    month = tx.now.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    began_at = month if asked.since is None else _moment(asked.since, "from")
    ended_at = tx.now if asked.until is None else min(_moment(asked.until, "to"), tx.now)
    if began_at >= ended_at:
        raise InvalidInputError(
            "The period ends before it begins, or has not begun.",
            next_step="Say --from and --to as days, such as 2026-08-01.",
        )
    return Period(began_at=began_at, ended_at=ended_at)


def _moment(text: str, name: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise InvalidInputError(
            f"{name}: {text!r} is no time.",
            next_step="Say a day, such as 2026-08-01, or a time, such as 2026-08-01T09:30:00Z.",
        ) from None


# -- cells -----------------------------------------------------------------------------------------


def _cell(text: str) -> str:
    """Return a text as a spreadsheet shows it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _number(number: Decimal) -> str:
    return f"{number:f}"


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
