"""``python -m bench crash``: in short, for good; and that it would notice."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from installation import wait_until

from bench import __main__ as program
from bench import crash
from bench.audit import Audit, audit
from bench.crash import Fate, Result, is_sound, to_json, worlds_of
from bench.results import MeasurementError
from bench.toy_installation import ADMIN, ToyInstallation
from bench.toy_runner import RunnerOrder, RunnerProcesses, kill
from bench.traffic import Traffic
from pitrix_core.jobs.runner import RunnerSettings
from pitrix_core.model import ClusterState, Job, Tags
from pitrix_core.service import jobs
from pitrix_core.service.inputs import CancelInput, CancelMode

ROOT = Path(__file__).parents[3]
#: ``python -m bench`` beside the packages as they are installed: what is under test is not taken
#: from the checkout that the bench is in.
BENCH = (
    f"import sys; sys.path.append({str(ROOT)!r}); from bench.__main__ import main; sys.exit(main())"
)
#: Seconds a cluster of one machine may take.
PATIENCE_S = 60
#: Of users who undo the first job that does not end well.
UNDOING = 0


@pytest.fixture
def toys(tmp_path: Path) -> Iterator[ToyInstallation]:
    """An installation with nothing in it."""
    toys = ToyInstallation(tmp_path, cloud={"honours_keys": False, "request_s": 1.0})
    yield toys
    toys.close()


@pytest.fixture
def made(toys: ToyInstallation) -> Job:
    """The job that made a cluster of one machine."""
    job = toys.create()
    runner = RunnerProcesses().start(RunnerOrder(config=toys.config, settings=RunnerSettings()))

    def is_active() -> bool:
        with toys.store.read() as tx:
            return tx.clusters.get(job.cluster_id).state is ClusterState.ACTIVE

    wait_until(is_active, within_s=PATIENCE_S, what="the cluster is active")
    kill(runner)
    return job


@pytest.mark.timeout(120)
def test_killed_runners_lose_double_and_leave_nothing(tmp_path: Path) -> None:
    """At boundaries of tasks and at random instants, on a cloud that forgets keys and shows late
    what was made.
    """
    command = [sys.executable, "-c", BENCH, "crash", "--json", "--clouds", "1"]

    ran = subprocess.run(
        [*command, "--points", "10", "--boundaries", "10"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout.splitlines()[-1])
    names = ("lost", "duplicated", "orphaned", "stuck", "unfinished")
    assert {name: result[name] for name in names} == dict.fromkeys(names, 0)
    assert result["kills"] >= 20
    assert result["takeovers"] > 0


def test_what_cannot_be_measured_is_said_on_the_last_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one object, like every answer to ``--json``; the exit code is 1."""

    def fail(_asked: object) -> None:
        raise MeasurementError("no PostgreSQL")

    monkeypatch.setattr(crash, "measure", fail)
    monkeypatch.setattr(sys, "argv", ["bench", "crash", "--json"])

    code = program.main()

    assert code == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"error": "no PostgreSQL"}


def test_all_agrees_where_nothing_went_wrong(toys: ToyInstallation, made: Job) -> None:
    """A cluster that was made is on record and in the cloud."""
    found = audit(toys, [made.cluster_id])

    assert found.is_clean


def test_what_nobody_knows_is_orphaned(toys: ToyInstallation, made: Job) -> None:
    """Something with this installation's tag that no cluster has on record."""
    thing_id = add_thing(toys, request_key="unknown")

    found = audit(toys, [made.cluster_id])

    assert found.orphaned == (thing_id,)


def test_what_was_made_again_is_duplicated(toys: ToyInstallation, made: Job) -> None:
    """Two things that carry one request's key."""
    with toys.store.read() as tx:
        key = tx.clusters.snapshot(made.cluster_id).resources[0].request_key
    thing_id = add_thing(toys, request_key=key)

    found = audit(toys, [made.cluster_id])

    assert found.duplicated == (thing_id,)


def test_what_is_gone_is_lost(toys: ToyInstallation, made: Job) -> None:
    """Something on record that the cloud does not have."""
    with toys.cloud.rows() as rows:
        [machine] = rows.all("compute")
        rows.remove(machine.id)

    found = audit(toys, [made.cluster_id])

    assert found.lost == (machine.id,)


def test_what_nothing_will_end_is_stuck(toys: ToyInstallation, made: Job) -> None:
    """A cluster in a transition state without a job."""
    with toys.store.begin() as tx:
        tx.clusters.set_state(made.cluster_id, ClusterState.DELETING)

    found = audit(toys, [made.cluster_id])

    assert found.stuck == (made.cluster_id,)


@pytest.mark.parametrize("wrong", ["lost", "duplicated", "orphaned", "stuck", "unfinished"])
def test_whatever_is_found_is_not_sound(wrong: str) -> None:
    """``python -m bench`` exits with 1 then."""
    result = Result(database="sqlite", fates=(fate_of({wrong: ("it",)}),), seconds=1.0)

    assert not is_sound(result)
    assert to_json(result)[wrong] == 1


def test_where_nothing_is_found_all_is_sound() -> None:
    """``python -m bench`` exits with 0 then."""
    assert is_sound(Result(database="sqlite", fates=(fate_of({}),), seconds=1.0))


def test_users_come_back_to_a_job_whose_roll_back_was_cancelled(toys: ToyInstallation) -> None:
    """Before it began: it can neither go on nor be undone."""
    users = Traffic(toys, seed=UNDOING, at_once=1)
    users.begin("create")
    with toys.store.begin() as tx:
        [job] = tx.jobs.search()
        tx.queue.claim("run-gone", limit=1)
    jobs.cancel(toys.services, ADMIN, job.id, CancelInput(mode=CancelMode.FORCED))
    users.mend()
    undoing = jobs.report(toys.services, ADMIN, job.id).undone_by or ""

    jobs.cancel(toys.services, ADMIN, undoing, CancelInput())

    runner = RunnerProcesses().start(RunnerOrder(config=toys.config, settings=RunnerSettings()))
    wait_until(lambda: not users.mend(), within_s=PATIENCE_S, what="no job is open any more")
    kill(runner)
    assert audit(toys, users.cluster_ids).is_clean


def fate_of(wrong: dict[str, tuple[str, ...]]) -> Fate:
    """What became of an installation in which this was found."""
    [world] = worlds_of(1, 0, clouds=1, seed=1)
    nothing: dict[str, tuple[str, ...]] = dict.fromkeys(attrs.fields_dict(Audit), ())
    found = Audit(**{**nothing, **{name: ids for name, ids in wrong.items() if name in nothing}})
    return Fate(
        world=world,
        kills=1,
        takeovers=1,
        done={},
        clusters=1,
        resources=1,
        audit=found,
        unfinished=wrong.get("unfinished", ()),
        seconds=1.0,
    )


def add_thing(toys: ToyInstallation, *, request_key: str) -> str:
    """Put something into the cloud behind everybody's back; return its id."""
    with toys.store.begin() as tx:
        installation_id = tx.identity.installation_id()
    tags = Tags(installation_id=installation_id, cluster_id="cl-x", request_key=request_key)
    with toys.cloud.rows() as rows:
        return rows.add("volume", prefix="vol", tags=tags, made_at=0.0, facts={}).id
