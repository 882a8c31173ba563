"""Makes plans through the API and shows them: tasks by kind, totals, price, findings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from pitrix_core.cli.lookup import version_of_app
from pitrix_core.cli.options import Session
from pitrix_core.cli.output import print_fields
from pitrix_core.cli.problems import ApiError, CliError, finding_lines
from pitrix_core.cli.terminal import say
from pitrix_core.cli.values import collect, locate
from pitrix_core.model import JsonObject


@attrs.frozen(kw_only=True)
class Wish:
    """What is to be deployed, as it was typed."""

    app: str
    version: str | None = None
    runtime: str | None = None
    name: str | None = None
    settings: tuple[str, ...] = ()
    values: Path | None = None
    #: Whether a person is asked for what is not set.
    is_asked: bool = False


def make_plan(session: Session, wish: Wish) -> JsonObject:
    """Ask the API for a plan.

    :raises ApiError: there is no such thing, or the configuration is not valid.
    :raises CliError: somebody is to be asked, and nobody is there.
    :raises click.UsageError: a setting is no ``path=value``.
    """
    version = version_of_app(session.api, wish.app, version=wish.version)
    schema = session.api.get(f"/v1/app_versions/{version['id']}/config_schema")
    body: dict[str, Any] = {
        "action": "create",
        "app_version_id": version["id"],
        "config": _config(wish, schema),
    }
    if wish.runtime:
        body["runtime_id"] = session.api.get(f"/v1/runtimes/{wish.runtime}")["id"]
    if wish.name:
        body["name"] = wish.name
    try:
        plan: JsonObject = session.api.post("/v1/plans", body)
    except ApiError as ex:
        raise in_words_of_verbs(ex, version_id=version["id"]) from ex
    return plan


def _config(wish: Wish, schema: JsonObject) -> dict[str, Any]:
    given = collect(wish.settings, file=wish.values, schema=schema)
    if not wish.is_asked:
        return given
    from pitrix_core.cli.interview import interview  # noqa: PLC0415  # slow to import, seldom used

    return interview(schema, _named(given, schema, wish.name))


def _named(given: dict[str, Any], schema: JsonObject, name: str | None) -> dict[str, Any]:
    """Put the cluster's name where packages ask for it, so that nobody is asked twice."""
    names, part = locate("cluster.name", schema)
    cluster = given.get("cluster", {})
    if name is None or not part or not isinstance(cluster, dict):
        return given
    return {**given, names[0]: {**cluster, names[1]: name}}


def in_words_of_verbs(error: ApiError, *, version_id: str) -> ApiError:
    """Return a refusal of a plan with a next step that can be typed."""
    steps = {
        "runtime_choice": "Name one: --runtime NAME",
        "config_invalid": f"See what is allowed: pitrix config show {version_id}",
    }
    step = steps.get(str(error.problem.get("code")))
    if step is None:
        return error
    problem = {**error.problem, "next_step": step}
    findings = problem.get("findings", ())
    if len(findings) > 1:  # listed below, each with its place; the message would repeat the first
        problem["detail"] = f"{len(findings)} things are wrong with the configuration."
        problem.pop("pointer", None)
    return ApiError(problem)


def refuse_unsound(plan: JsonObject) -> None:
    """Stop before a plan that cannot be carried out.

    :raises CliError: one of its findings is an error.
    """
    wrong = [found for found in plan.get("findings") or [] if found["level"] == "error"]
    if wrong:
        raise CliError(
            f"The plan cannot be carried out: {wrong[0]['message']}",
            next_step="Change what its findings name, and plan again.",
        )


def applied(plan: JsonObject, deadline_s: float | None) -> dict[str, Any]:
    """Return what is sent to have a plan carried out, and given up if it is not done by then."""
    limit = {} if deadline_s is None else {"deadline_s": deadline_s}
    return {"plan_id": plan["id"], **limit}


def print_plan(plan: JsonObject) -> None:
    """Write what a plan would do, so that a person can decide."""
    print_fields(
        {
            "plan": plan["id"],
            "action": plan["action"],
            "cluster": f"{plan['cluster_name']} ({plan['cluster_id']})",
            "runtime": plan["runtime_id"],
        }
    )
    say()
    for kind, titles in _by_kind(plan["tasks"]).items():
        say(f"{kind} ({len(titles)})" if len(titles) > 1 else kind)
        for title in titles:
            say(f"  {title}")
    say()
    print_fields({"in all": totals_text(plan.get("totals") or {}), "price": price_text(plan)})
    for line in finding_lines(plan.get("findings") or []):
        say(line)


def totals_text(totals: JsonObject) -> str:
    """Say what a plan adds: ``3 machines, 3 CPUs, 3072 MiB of memory, 30 GiB of volumes``."""
    words = {"machines": "machines", "cpu": "CPUs", "memory_mib": "MiB of memory"}
    words["volume_gib"] = "GiB of volumes"
    return ", ".join(f"{totals[name]} {word}" for name, word in words.items() if totals.get(name))


def price_text(plan: JsonObject) -> str:
    """Say what a plan costs, and where the figure is from."""
    price = plan.get("price")
    if not price:
        return "not known"
    return f"{price['amount_per_month']} {price['currency']} a month ({price['source']})"


def _by_kind(tasks: Sequence[JsonObject]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for task in tasks:
        found.setdefault(task["kind"], []).append(task["title"])
    return found
