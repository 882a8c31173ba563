"""How fast a large repository index is brought into the catalogue, and in how much memory.

Three runs of a generated index: the first one, one of the unchanged index, and one in which one app
of a hundred has a version more. Beside them the least there is to do, the bytes read and their
YAML's events walked through; and a peer, PyYAML's CSafeLoader reading all of it into one document.
Each is a process of its own, so that its peak of memory is its own. No package is read.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import yaml

from bench import made_index
from bench.databases import add_database_argument, databases
from bench.results import MeasurementError
from bench.toy_installation import config_of, open_services
from pitrix_core import wiring
from pitrix_core.package.yaml import LOADER
from pitrix_core.store.repos import Repo

_REPO: Final = "repo-measured"
_LIMIT_S: Final = 600.0


@attrs.frozen(kw_only=True)
class Run:
    """What one run took."""

    seconds: float
    peak_mib: float


@attrs.frozen(kw_only=True)
class Result:
    """What was measured."""

    entries: int
    mib: float
    database: str
    first: Run
    unchanged: Run
    changed: Run
    #: Versions that the third run added.
    added: int
    #: What a process takes before it reads anything.
    idle_mib: float
    ideal: Run
    peer: Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument("--entries", type=int, default=50_000, metavar="N")
    add_database_argument(parser)


def measure(typed: argparse.Namespace) -> Result:
    """Index a generated index.

    :raises MeasurementError: something else came of it than was listed.
    """
    with tempfile.TemporaryDirectory() as name, databases(typed.database) as new:
        folder = Path(name)
        (folder / "repo").mkdir()
        index = folder / "repo" / "index.yaml"
        size = made_index.write(index, entries=typed.entries)
        args = (folder, new())
        first = _apart(_index, *args)
        unchanged = _apart(_index, *args)
        ideal, peer = _apart(_walk, index), _apart(_load, index)
        some = max(1, typed.entries // 100 // 100)
        made_index.write(index, entries=typed.entries, changed=some)
        changed = _apart(_index, *args)
        if (first["added"], unchanged["added"], changed["added"]) != (typed.entries, None, some):
            raise MeasurementError(f"{first}, {unchanged} and {changed} are not what was listed.")
    return Result(
        entries=typed.entries,
        mib=round(size / 2**20, 1),
        database=typed.database,
        first=_run(first),
        unchanged=_run(unchanged),
        changed=_run(changed),
        added=some,
        idle_mib=round(first["idle_mib"], 1),
        ideal=_run(ideal),
        peer=_run(peer),
    )


def to_json(result: Result) -> Mapping[str, Any]:
    """Return the result as JSON."""
    return attrs.asdict(result)


def table(result: Result) -> str:
    """Return the result for people."""
    rows = [
        ("first run", result.first),
        ("unchanged", result.unchanged),
        (f"{result.added} versions more", result.changed),
        ("least possible: walked through", result.ideal),
        ("peer: CSafeLoader, one document", result.peer),
    ]
    head = f"{result.entries} entries, {result.mib} MiB, {result.database}"
    lines = [f"{head:<40}{'s':>8}{'peak MiB':>10}"]
    lines += [f"{name:<40}{run.seconds:>8.2f}{run.peak_mib:>10.0f}" for name, run in rows]
    return "\n".join([*lines, f"{'a process before it':<40}{'':>8}{result.idle_mib:>10.0f}"])


def _run(found: Mapping[str, Any]) -> Run:
    return Run(seconds=round(found["seconds"], 3), peak_mib=round(found["peak_mib"], 1))


def _apart(act: Callable[..., Any], *args: Any) -> dict[str, Any]:
    """Do something in a process of its own; return what it says of itself."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, act, args))
    process.start()
    sender.close()
    try:
        if not receiver.poll(_LIMIT_S):
            raise MeasurementError("A run does not come to an end.")
        return dict(receiver.recv())
    except EOFError as ex:
        raise MeasurementError("A run failed; its traceback is above.") from ex
    finally:
        process.kill()
        process.join()


def _report(sender: Any, act: Callable[..., Any], args: tuple[Any, ...]) -> None:
    sender.send({**act(*args), "peak_mib": _peak_mib()})


def _index(folder: Path, database_url: str) -> Mapping[str, Any]:
    config = config_of(folder / "data", database_url=database_url)
    wiring.prepare(config)
    services = open_services(config)
    with services.store.begin() as tx:
        known = {repo.id for repo in tx.repos.all()}
        if _REPO not in known:
            url = (folder / "repo").as_uri()
            tx.repos.add(Repo(id=_REPO, owner="admin", name="measured", url=url, created_at=tx.now))
        last_id = tx.events.last_id()
    idle_mib, began = _peak_mib(), time.perf_counter()
    services.indexer.index_due()
    seconds = time.perf_counter() - began
    with services.store.read() as tx:
        told = [event.data.get("added") for event in tx.events.after(last_id, limit=9)]
    with services.store.begin() as tx:  # for the next run
        turn = tx.indexing.take(_REPO, lease_s=1.0)
        if turn is not None:
            tx.indexing.pause(turn, due_s=0.0)
    services.close()
    return {"seconds": seconds, "idle_mib": idle_mib, "added": told[0] if told else None}


def _walk(index: Path) -> Mapping[str, Any]:
    began = time.perf_counter()
    with index.open("rb") as file:
        for _ in yaml.parse(file, Loader=LOADER):
            pass
    return {"seconds": time.perf_counter() - began}


def _load(index: Path) -> Mapping[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    began = time.perf_counter()
    with index.open("rb") as file:
        yaml.load(file, Loader=loader)  # noqa: S506  it is a safe one
    return {"seconds": time.perf_counter() - began}


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
