"""The demo from its first step to its last, and what happens when it is stopped between them."""

import contextlib
import json
from pathlib import Path
from typing import Final

import attrs
import click

from pitrix_core.cli.client import Api
from pitrix_core.cli.demo import cleanup, places, steps
from pitrix_core.cli.demo.cleanup import Trace
from pitrix_core.cli.demo.interrupts import Interrupts
from pitrix_core.cli.demo.report import Clock, Report, print_kept, print_next
from pitrix_core.cli.demo.server import Server, log_file
from pitrix_core.cli.problems import FAILED, INTERRUPTED, CliError
from pitrix_core.cli.progress import display_for
from pitrix_core.errors import PitrixError

#: What is needed to end a demo that was kept.
_KEPT_FILE: Final = "demo.json"


@attrs.frozen(kw_only=True)
class Options:
    """What was typed."""

    examples: Path | None
    data: Path | None
    #: ``auto``, ``namespace`` or ``prefix``.
    mode: str
    keep: bool
    as_json: bool


def run(options: Options) -> int:
    """Deploy, prove, remove.

    :returns: the exit code.
    :raises CliError: something the demo needs is not there; nothing was made.
    """
    clock = Clock(lambda text: click.echo(f"==> {text}", err=options.as_json))
    examples, etcd = places.find_examples(options.examples), places.etcd_folders()
    report = Report()
    with Interrupts() as interrupts:
        trace = Trace(data=places.make_data_folder(options.data))
        try:
            try:
                interrupts.allow()
                _deploy(options, trace, clock, report, examples=examples, path=etcd)
            finally:
                interrupts.forbid()
        except KeyboardInterrupt:
            report.error, report.is_interrupted = "interrupted", True
        except (PitrixError, CliError) as ex:
            report.error = f"{ex.message} {ex.next_step or ''}".rstrip()
        except Exception as ex:  # noqa: BLE001  # what was made has to go, whatever went wrong
            report.error = f"{type(ex).__name__}: {ex}"
        if options.keep and report.has_succeeded:
            _keep(trace)
        else:
            _clean_up(trace, clock, report)
    clock.finish()
    _say(report, clock, options, data=trace.data)
    return _exit_code(report)


def stop(data: Path) -> int:
    """End a demo that was kept, and remove everything.

    :returns: the exit code.
    :raises CliError: the folder is not one of a demo.
    """
    trace = _kept(data)
    with Interrupts():
        left = cleanup.remove(trace, say=click.echo)
    for text in left:
        click.echo(f"Left behind: {text}", err=True)
    if not left:
        click.echo("Everything is gone.")
    return FAILED if left else 0


def _deploy(
    options: Options, trace: Trace, clock: Clock, report: Report, *, examples: Path, path: list[str]
) -> None:
    with clock.part("serve", f"Starting pitrix serve in {trace.data}"):
        trace.server = Server.start(trace.data)
        trace.url = trace.server.wait_until_ready()
    token = (trace.data / "token").read_text("utf-8").strip()
    repo = trace.data / "repo"
    with Api(trace.url, token=token) as api:
        with clock.part("package", "Building the example packages"):
            archives = steps.build_packages(examples, repo)
        with clock.part("register", f"Registering a repo of {', '.join(archives)}, and a runtime"):
            steps.register_repo(api, repo)
            trace.settings = {
                "root": str(trace.data / "machines"),
                "images": [str(examples / "images")],
                "path": path,
                "isolation": options.mode,
            }
            trace.runtime_id = steps.register_runtime(api, trace.settings)["id"]
        with clock.part("plan", "Planning an etcd cluster of three nodes"):
            plan = steps.make_plan(api, trace.runtime_id)
        with clock.part("deploy", f"Deploying it: {len(plan['tasks'])} tasks"):
            seen = steps.deploy(api, plan, display=display_for(as_json=options.as_json))
        report.job = steps.spans(seen.tasks)
        deployed = steps.look_at_cluster(api, plan["cluster_id"])
        report.endpoints, report.mode = deployed.endpoints, deployed.mode
    first, last = deployed.endpoints[0], deployed.endpoints[-1]
    with clock.part("prove", f"Writing a key through {first}"):
        value = steps.prove(deployed.endpoints)
    clock.say(f"Read it through {last}: {value!r}. The cluster works.")


def _clean_up(trace: Trace, clock: Clock, report: Report) -> None:
    if report.error and not report.is_interrupted:
        _print_log(trace.data)
    with clock.part("cleanup", "Removing everything the demo made"):
        report.left = cleanup.remove(trace, say=clock.say)


def _keep(trace: Trace) -> None:
    """Write down what :func:`stop` needs."""
    assert trace.server is not None  # noqa: S101  # it served the deployment
    about = {
        "pid": trace.server.pid,
        "url": trace.url,
        "settings": trace.settings,
        "runtime_id": trace.runtime_id,
    }
    (trace.data / _KEPT_FILE).write_text(json.dumps(about), "utf-8")


def _kept(data: Path) -> Trace:
    try:
        about = json.loads((data / _KEPT_FILE).read_text("utf-8"))
    except (OSError, ValueError) as ex:
        raise CliError(f"{data} is not the data folder of a demo that was kept.") from ex
    folder = data.resolve()
    # The number may be another process's by now: only one that names the folder is the server.
    is_there = about["pid"] in cleanup.naming(str(folder))
    return Trace(
        data=folder,
        server=Server(folder, about["pid"]) if is_there else None,
        url=about["url"],
        settings=about["settings"],
        runtime_id=about["runtime_id"],
    )


def _say(report: Report, clock: Clock, options: Options, *, data: Path) -> None:
    err = options.as_json
    if report.error:
        click.echo(f"Error: {report.error}", err=True)
    for text in report.left:
        click.echo(f"Left behind: {text}", err=True)
    if report.endpoints and report.has_succeeded:
        click.echo(f"etcd: {', '.join(report.endpoints)} (mode {report.mode})", err=err)
        click.echo(f"It took {clock.timings_s['total']:.1f} s.", err=err)
        if options.keep:
            print_kept(data, report.endpoints, err=err)
        else:
            print_next(err=err)
    if options.as_json:
        about = {"data": str(data)} if options.keep and report.has_succeeded else {}
        click.echo(json.dumps({**report.to_json(clock), **about}))


def _exit_code(report: Report) -> int:
    if report.is_interrupted:
        return INTERRUPTED
    return 0 if report.has_succeeded else FAILED


def _print_log(data: Path) -> None:
    """Show the end of the server's log before it is removed."""
    with contextlib.suppress(OSError):
        lines = log_file(data).read_text("utf-8", "replace").splitlines()
        for line in lines[-20:]:
            click.echo(f"  | {line}", err=True)
