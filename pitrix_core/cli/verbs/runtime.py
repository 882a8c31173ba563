"""``pitrix runtime``: the places clusters run on."""

from pathlib import Path
from typing import Any, Final

import click

from pitrix_core.cli.completion.values import runtimes
from pitrix_core.cli.options import Session, plugin_options, talks_to_api, together
from pitrix_core.cli.output import ask, print_fields, print_json, print_table, time_of
from pitrix_core.cli.problems import finding_lines
from pitrix_core.cli.progress import follow
from pitrix_core.cli.terminal import say
from pitrix_core.cli.values import collect, credential_of, pairs
from pitrix_core.cli.verbs.share import share_runtime
from pitrix_core.cli.verbs.sweep import sweep
from pitrix_core.model import JsonObject

#: What limits how much a cloud is asked for.
_limits: Final = together(
    click.option("--concurrency", type=int, help="Requests under way at a time; default 64."),
    click.option("--rate", type=float, help="Requests a second; default: as the cloud takes."),
)


@click.group()
def runtime() -> None:
    """Register the places clusters run on."""


@runtime.command()
@click.argument("name")
@click.option("--provider", required=True, help="Such as local; see: pitrix provider list")
@click.option("--zone", default="", help="Zone or region of the cloud.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="For repos' selectors.")
@plugin_options("A setting; see: pitrix provider show PROVIDER")
@click.option("--throw-away", is_flag=True, help="Nothing of value may be lost with it: a test.")
@_limits
@talks_to_api
def add(  # noqa: PLR0913  # one for each option
    session: Session,
    name: str,
    *,
    provider: str,
    zone: str,
    settings: tuple[str, ...],
    values: Path | None,
    labels: tuple[str, ...],
    credential_file: Path | None,
    secrets: tuple[str, ...],
    throw_away: bool,
    concurrency: int | None,
    rate: float | None,
) -> None:
    """Register a runtime as NAME.

    Secrets are not taken from the command line, where others can read them and shells remember
    them: they are asked for, or read from a file.
    """
    described = session.api.get(f"/v1/providers/{provider}")
    schema = described.get("settings_schema") or {}
    body = {
        "name": name,
        "provider": provider,
        "zone": zone,
        "settings": collect(settings, file=values, schema=schema),
        "credential": credential_of(credential_file, secrets),
        "labels": pairs(labels, option="--label"),
        "throw_away": throw_away,
        "limits": _given(concurrency, rate),
    }
    _show(session, session.api.post("/v1/runtimes", body))


@runtime.command("list")
@talks_to_api
def list_(session: Session) -> None:
    """List the runtimes."""
    items = session.api.items("/v1/runtimes")
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    columns = {"name": "name", "id": "id", "provider": "provider", "zone": "zone"}
    print_table(
        items,
        {**columns, "labels": "labels", "throw-away": "throw_away"},
        nothing="There is no runtime. Add one: pitrix runtime add NAME --provider local",
    )


@runtime.command()
@click.argument("runtime_id", metavar="RUNTIME", shell_complete=runtimes)
@talks_to_api
def show(session: Session, runtime_id: str) -> None:
    """Show a runtime."""
    _show(session, session.api.get(f"/v1/runtimes/{runtime_id}"))


@runtime.command()
@click.argument("runtime_id", metavar="RUNTIME", shell_complete=runtimes)
@_limits
@talks_to_api
def limit(session: Session, runtime_id: str, concurrency: int | None, rate: float | None) -> None:
    """Limit how much a runtime's cloud is asked for, by all runners together.

    What is not named has its default again. A cloud that throttles is asked less often by itself.
    """
    body = _given(concurrency, rate)
    _show(session, session.api.post(f"/v1/runtimes/{runtime_id}/limit", body))


@runtime.command()
@click.argument("runtime_id", metavar="RUNTIME", shell_complete=runtimes)
@talks_to_api
def check(session: Session, runtime_id: str) -> None:
    """Ask the cloud whether the runtime can be used; exit code 1 if not."""
    answer = session.api.post(f"/v1/runtimes/{runtime_id}/check")
    findings = answer["findings"]
    if session.as_json:
        print_json(answer)
    else:
        for line in finding_lines(findings) or ["The runtime can be used."]:
            say(line)
    if any(found["level"] == "error" for found in findings):
        click.get_current_context().exit(1)


@runtime.command()
@click.argument("runtime_id", metavar="RUNTIME", shell_complete=runtimes)
@click.option("--forget", is_flag=True, help="Its cloud does not answer any more: do not ask it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks_to_api
def delete(session: Session, runtime_id: str, forget: bool, yes: bool) -> None:
    """Remove a runtime that no cluster runs on, and what pitrix itself made there."""
    if not yes:
        ask(f"{'Forget' if forget else 'Delete'} the runtime {runtime_id}?")
    path = f"/v1/runtimes/{runtime_id}"
    answer = session.api.delete(path, forget=forget or None) or {"jobs": []}
    jobs = [follow(session, job["id"]).job for job in answer["jobs"]]
    if session.as_json:
        print_json({"jobs": jobs})
    elif all(job["state"] == "succeeded" for job in jobs):
        say("The runtime is gone.")
    if any(job["state"] != "succeeded" for job in jobs):
        click.get_current_context().exit(1)


runtime.add_command(sweep)
runtime.add_command(share_runtime)


def _given(concurrency: int | None, rate: float | None) -> dict[str, Any]:
    limits = {"concurrency": concurrency, "rate_per_s": rate}
    return {name: value for name, value in limits.items() if value is not None}


def _show(session: Session, found: JsonObject) -> None:
    if session.as_json:
        print_json(found)
        return
    names = ("name", "id", "provider", "zone", "settings", "labels", "throw_away", "limits")
    fields = {name: found.get(name) for name in names}
    print_fields({**fields, "now": _pace_text(found["pace"]) if "pace" in found else ""})


def _pace_text(pace: JsonObject) -> str:
    """Say ``3 of 64 requests under way; 12.5 a second, throttled 2026-08-21 09:30:00Z``."""
    rate = pace.get("rate_per_s")
    parts = [f"{pace['under_way']} of {pace['concurrency']} requests under way"]
    parts.append("as many a second as the cloud takes" if rate is None else f"{rate:.3g} a second")
    throttled = f", throttled {time_of(pace['throttled_at'])}" if pace.get("throttled_at") else ""
    return "; ".join(parts) + throttled
