"""The whole drone: a process from the zipapp, against a real etcd with users."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import time
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import referencing
from docker_world import Docker
from drone_harness import EtcdServer, wait_for
from drone_world import CLUSTER, NODE, Frontgate, Machine, frontgate

from pitrix_drone.build import build

_SCHEMAS = pathlib.Path(__file__).parents[2] / "protocol/schemas/v2"


@pytest.fixture(scope="session")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The drone as it is shipped."""
    target = tmp_path_factory.mktemp("zipapp") / "drone.pyz"
    build(target)
    return target


@pytest.fixture
def gate(etcd_server: EtcdServer) -> Iterator[Frontgate]:
    """A Frontgate that knows the node, without metadata yet."""
    gate = frontgate(etcd_server)
    gate.add_user()
    yield gate
    gate.client.close()


@pytest.fixture
def machine(tmp_path: pathlib.Path, zipapp: pathlib.Path, gate: Frontgate) -> Iterator[Machine]:
    """A machine whose drone is not started yet."""
    machine = Machine(tmp_path, zipapp, gate.endpoint)
    yield machine
    machine.end(signal.SIGKILL)


def check_against_schema(message: dict[str, Any], name: str) -> None:
    """Check a message against the protocol."""
    if not _SCHEMAS.is_dir():
        pytest.skip("in a checkout, for the protocol: cd agents/pitrix-drone && pytest")
    loaded = [json.loads(path.read_text("utf-8")) for path in _SCHEMAS.glob("*.schema.json")]
    registry: referencing.Registry[Any] = referencing.Registry().with_resources(
        (schema["$id"], referencing.Resource.from_contents(schema)) for schema in loaded
    )
    schema = next(each for each in loaded if each["$id"] == f"{name}.schema.json")
    jsonschema.Draft202012Validator(schema, registry=registry).validate(message)


def test_a_file_is_rendered_and_reported(machine: Machine, gate: Frontgate) -> None:
    """Mode, content and status are right, and the status keeps to the protocol."""
    machine.add_resource("app.conf", 'port={{getv "/env/port"}}\n', mode="0600")
    gate.put_metadata(3, port="2379")
    machine.start()

    status = gate.wait_for_status("configured", 3)

    assert machine.at("/opt/app.conf").read_text("utf-8") == "port=2379\n"
    assert machine.at("/opt/app.conf").stat().st_mode & 0o777 == 0o600
    check_against_schema(status, "node-status")
    assert machine.end() == 0


def test_commands_see_nothing_of_how_the_drone_was_started(
    machine: Machine, gate: Frontgate
) -> None:
    """How it allocates memory is its own business."""
    gate.put_metadata(1)
    machine.start()
    gate.put_command("c-1", "env | cut -d= -f1")

    names = gate.wait_for_result("c-1")["output"].split()

    assert "PATH" in names
    assert not [name for name in names if name.startswith(("MALLOC_", "PITRIX_DRONE_"))]


def test_new_metadata_is_rendered_soon(machine: Machine, gate: Frontgate) -> None:
    """Nobody has to ask; the limit leaves room for a busy machine."""
    machine.add_resource("app.conf", '{{getv "/env/port"}}')
    gate.put_metadata(1, port="1")
    machine.start()
    gate.wait_for_status("configured", 1)
    began = time.monotonic()
    gate.put_metadata(2, port="2")

    gate.wait_for_status("configured", 2)

    assert time.monotonic() - began < 15
    assert machine.at("/opt/app.conf").read_text("utf-8") == "2"


def test_a_drone_without_resources_is_configured(machine: Machine, gate: Frontgate) -> None:
    """An image needs no templates."""
    gate.put_metadata(1)
    machine.start()

    assert gate.wait_for_status("configured", 1)["detail"] == ""


def test_a_drone_waits_for_its_metadata(machine: Machine, gate: Frontgate) -> None:
    """It says that it is there, and goes on when the metadata is."""
    machine.start()
    gate.wait_for_status("configuring", 0)
    check_against_schema(gate.status(), "node-status")
    gate.put_metadata(1)

    gate.wait_for_status("configured", 1)


def test_a_drone_waits_until_its_user_exists(
    tmp_path: pathlib.Path, zipapp: pathlib.Path, etcd_server: EtcdServer
) -> None:
    """A machine may be faster than its Frontgate; nothing is complained about."""
    gate = frontgate(etcd_server)
    machine = Machine(tmp_path, zipapp, gate.endpoint)
    try:
        machine.start()
        wait_for(machine.at("/var/lib/pitrix/drone/lock").exists, "the drone to run")
        gate.put_metadata(1)
        gate.add_user()

        gate.wait_for_status("configured", 1)
        assert "ERROR" not in machine.at("/drone.log").read_text("utf-8")
    finally:
        machine.end(signal.SIGKILL)
        gate.client.close()


def test_a_failing_template_stops_no_other_and_is_mended_by_metadata(
    machine: Machine, gate: Frontgate
) -> None:
    """The status names the resource that failed."""
    machine.add_resource("a.conf", '{{getv "/env/later"}}')
    machine.add_resource("b.conf", "fine")
    gate.put_metadata(1)
    machine.start()
    failed = gate.wait_for_status("failed", 1)
    gate.put_metadata(2, later="now")

    gate.wait_for_status("configured", 2)

    assert failed["detail"].startswith("a.conf.toml: template: a.conf.tmpl:1:")
    assert machine.at("/opt/a.conf").read_text("utf-8") == "now"
    assert machine.at("/opt/b.conf").read_text("utf-8") == "fine"


def test_a_failed_reload_is_repeated_until_it_succeeds(machine: Machine, gate: Frontgate) -> None:
    """Also across a restart of the drone, though the file has not changed since."""
    reload_cmd = 'echo x >> "$PITRIX_ROOT/tries"; test -e "$PITRIX_ROOT/ready"'
    machine.add_resource("app.conf", "text", reload_cmd=reload_cmd)
    gate.put_metadata(1)
    machine.start()
    failed = gate.wait_for_status("failed", 1)
    machine.end(signal.SIGKILL)
    machine.write("/ready", "")
    machine.start()

    gate.wait_for_status("configured", 1)

    assert "app.conf.toml: reload_cmd ended with exit code 1" in failed["detail"]
    assert len(machine.at("/tries").read_text("utf-8").splitlines()) >= 2


def test_a_command_runs_and_its_result_is_stored(machine: Machine, gate: Frontgate) -> None:
    """It runs in / with the drone's environment; its result keeps to the protocol."""
    gate.put_metadata(1)
    machine.start()
    gate.put_command("cmd-1", 'pwd; echo "$PITRIX_ROOT" >&2; exit 3')

    result = gate.wait_for_result("cmd-1")

    assert (result["state"], result["exit_code"]) == ("done", 3)
    assert result["output"] == f"/\n{machine.root}\n"
    check_against_schema(result, "command-result")


def test_commands_run_one_after_the_other(machine: Machine, gate: Frontgate) -> None:
    """In the order they were written."""
    gate.put_metadata(1)
    for number in range(3):
        gate.put_command(f"c{2 - number}", f'echo {number} >> "$PITRIX_ROOT/order"; sleep 0.05')
    machine.start()

    gate.wait_for_result("c0")

    assert machine.at("/order").read_text("utf-8").split() == ["0", "1", "2"]


def test_a_command_that_takes_too_long_is_killed_with_its_children(
    machine: Machine, gate: Frontgate
) -> None:
    """What it wrote until then is reported."""
    gate.put_metadata(1)
    machine.start()
    gate.put_command(
        "slow", 'echo $$; sleep 60 & echo $! > "$PITRIX_ROOT/child"; wait', timeout_s=0.5
    )

    result = gate.wait_for_result("slow")

    assert (result["state"], result["exit_code"]) == ("timed_out", None)
    assert result["output"].strip().isdigit()
    child = int(machine.at("/child").read_text("utf-8"))
    wait_for(lambda: not _is_alive(child), "the child to be gone")
    check_against_schema(result, "command-result")


def test_a_command_may_leave_a_daemon_that_holds_its_output(
    machine: Machine, gate: Frontgate
) -> None:
    """Waiting ends with the shell; the daemon lives on."""
    gate.put_metadata(1)
    machine.start()
    gate.put_command("daemon", 'sleep 50 & echo $! > "$PITRIX_ROOT/pid"; echo started')

    result = gate.wait_for_result("daemon", within_s=5)

    daemon = int(machine.at("/pid").read_text("utf-8"))
    is_alive = _is_alive(daemon)
    os.kill(daemon, signal.SIGKILL)
    assert (result["output"], is_alive) == ("started\n", True)


def test_output_is_kept_to_its_end(machine: Machine, gate: Frontgate) -> None:
    """The last 16 KiB."""
    gate.put_metadata(1)
    machine.start()
    gate.put_command("loud", "head -c 100000 /dev/zero | tr '\\0' x; echo end")

    result = gate.wait_for_result("loud")

    assert result["truncated"]
    assert len(result["output"]) == 16384
    assert result["output"].endswith("xend\n")


def test_what_is_no_command_is_refused(machine: Machine, gate: Frontgate) -> None:
    """The result says why."""
    gate.put_metadata(1)
    gate.client.put(f"/c/{CLUSTER}/commands/{NODE}/bad", "not JSON")
    machine.start()

    result = gate.wait_for_result("bad")

    assert (result["state"], result["output"]) == ("refused", "the command is not JSON")
    check_against_schema(result, "command-result")


def _killed_in_a_command(machine: Machine, gate: Frontgate, *, is_idempotent: bool) -> None:
    """Kill the drone while a command runs, and start it again."""
    gate.put_metadata(1)
    machine.start()
    cmd = """echo x >> "$PITRIX_ROOT/runs"
        echo $$ >> "$PITRIX_ROOT/pids"; test -e "$PITRIX_ROOT/second" || sleep 30"""
    gate.put_command("cut", cmd, idempotent=is_idempotent)
    wait_for(lambda: _first_pid(machine), "the command to start")
    journal = machine.at("/var/lib/pitrix/drone/commands/cut.json")
    wait_for(lambda: '"process": [' in journal.read_text("utf-8"), "the journal to know it")
    machine.end(signal.SIGKILL)
    machine.write("/second", "")
    machine.start()


def _first_pid(machine: Machine) -> int:
    path = machine.at("/pids")
    return int((path.read_text("utf-8").split() or ["0"])[0]) if path.exists() else 0


def test_a_command_cut_short_by_a_crash_is_unknown(machine: Machine, gate: Frontgate) -> None:
    """It is not started a second time, and what was left of it is ended."""
    _killed_in_a_command(machine, gate, is_idempotent=False)

    result = gate.wait_for_result("cut")

    assert (result["state"], result["exit_code"]) == ("unknown", None)
    assert result["started_at"] is not None
    assert machine.at("/runs").read_text("utf-8") == "x\n"
    wait_for(lambda: not _is_alive(_first_pid(machine)), "the first run to be gone")
    check_against_schema(result, "command-result")


def test_an_idempotent_command_cut_short_by_a_crash_runs_again(
    machine: Machine, gate: Frontgate
) -> None:
    """Its result is that of the second run."""
    _killed_in_a_command(machine, gate, is_idempotent=True)

    result = gate.wait_for_result("cut")

    assert (result["state"], result["exit_code"]) == ("done", 0)
    assert machine.at("/runs").read_text("utf-8") == "x\nx\n"


def test_a_finished_command_is_not_run_again_by_the_next_drone(
    machine: Machine, gate: Frontgate
) -> None:
    """A result that was lost is stored again from the journal."""
    gate.put_metadata(1)
    machine.start()
    gate.put_command("once", 'echo x >> "$PITRIX_ROOT/runs"')
    first = gate.wait_for_result("once")
    machine.end()
    gate.client.delete(f"/c/{CLUSTER}/reports/{NODE}/results/once")
    machine.start()

    assert gate.wait_for_result("once") == first
    assert machine.at("/runs").read_text("utf-8") == "x\n"


def test_sigterm_ends_the_drone_in_the_middle_of_a_command(
    machine: Machine, gate: Frontgate
) -> None:
    """Long before the command would end, without a result that would be a guess."""
    gate.put_metadata(1)
    machine.start()
    gate.put_command("long", 'echo x > "$PITRIX_ROOT/began"; sleep 60')
    wait_for(machine.at("/began").exists, "the command to start")
    began = time.monotonic()

    exit_code = machine.end()

    assert exit_code == 0
    assert time.monotonic() - began < 30
    assert gate.result("long") == {}


def test_a_drone_goes_on_after_etcd_was_away(
    machine: Machine, gate: Frontgate, etcd_server: EtcdServer
) -> None:
    """Metadata and commands of the time after the restart arrive."""
    machine.add_resource("app.conf", '{{getv "/env/port"}}')
    gate.put_metadata(1, port="1")
    machine.start()
    gate.wait_for_status("configured", 1)
    etcd_server.stop()
    etcd_server.start()
    gate.put_metadata(2, port="2")
    gate.put_command("after", "true")

    gate.wait_for_status("configured", 2)
    assert gate.wait_for_result("after")["state"] == "done"


def test_a_status_that_was_lost_is_written_again(machine: Machine, gate: Frontgate) -> None:
    """As when the Frontgate starts with an empty store and the same metadata."""
    gate.put_metadata(1)
    machine.start()
    gate.wait_for_status("configured", 1)
    gate.client.delete(f"/c/{CLUSTER}/reports/{NODE}/status")
    gate.put_metadata(1)

    gate.wait_for_status("configured", 1)


def test_a_second_drone_waits_for_the_first_to_end(machine: Machine, gate: Frontgate) -> None:
    """Two would run commands twice."""
    gate.put_metadata(1)
    machine.start()
    gate.wait_for_status("configured", 1)
    second = Machine(machine.root, machine.zipapp, gate.endpoint)
    second.start()
    machine.end()
    gate.put_metadata(2)

    try:
        gate.wait_for_status("configured", 2)
    finally:
        second.end(signal.SIGKILL)


def test_the_first_report_comes_quickly(machine: Machine, gate: Frontgate) -> None:
    """A start must not slow a deployment down; the limit leaves room for a busy machine."""
    gate.put_metadata(1)
    began = time.monotonic()
    machine.start()

    gate.wait_for_status("configured", 1)

    assert time.monotonic() - began < 15


def _is_alive(pid: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


_SUPERVISION: dict[str, Any] = {
    "waits_for_start": True,
    "health_check": {
        "check_cmd": "test -f $PITRIX_ROOT/up",
        "action_cmd": "touch $PITRIX_ROOT/up",
        "interval_s": 1,
        "timeout_s": 10,
        "action_timeout_s": 10,
        "healthy_threshold": 1,
        "unhealthy_threshold": 1,
    },
    "monitor": {
        "cmd": "echo '{\"load\": 7}'",
        "items": {"load": {"value_type": "int", "statistics": "latest", "choices": []}},
    },
}


def supervise(gate: Frontgate) -> None:
    """Put what is supervised into the node's metadata."""
    key = f"/c/{CLUSTER}/nodes/{NODE}/agent/supervision"
    gate.client.put(key, json.dumps(_SUPERVISION))
    gate.put_metadata(1)


def wait_for_health(gate: Frontgate, state: str) -> dict[str, Any]:
    """Return the report of the health check as soon as it is this one."""

    def found() -> dict[str, Any]:
        report = gate.report("health")
        return report if report.get("state") == state else {}

    return wait_for(found, f"the health {state}", within_s=30)


def test_a_node_is_supervised_from_its_start_to_its_stop(machine: Machine, gate: Frontgate) -> None:
    """Not before, not after; an unhealthy one is mended; reports keep to the protocol."""
    supervise(gate)
    machine.start()
    reports = [wait_for_health(gate, "unknown")]
    before = gate.report("measures")
    gate.put_command("start", "touch $PITRIX_ROOT/up", supervision="begin")
    reports.append(wait_for_health(gate, "healthy"))
    measures = wait_for(lambda: gate.report("measures"), "measurements", within_s=30)
    machine.at("/up").unlink()
    mended = wait_for(lambda: gate.report("health").get("action"), "the action", within_s=30)
    gate.put_command("stop", "rm -f $PITRIX_ROOT/up", supervision="end")

    reports.append(wait_for_health(gate, "unknown"))

    assert reports[0]["detail"] == reports[2]["detail"] == "it is not started"
    assert (before, measures["values"]) == ({}, {"load": 7})
    assert mended["exit_code"] == 0
    # Supervision ends before the command that stops the application begins.
    assert wait_for(lambda: not machine.at("/up").exists(), "the end of the stop", within_s=30)
    check_against_schema(_SUPERVISION, "supervision")
    check_against_schema(measures, "node-measures")
    for report in reports:
        check_against_schema(report, "node-health")


def test_a_start_outlives_the_drone(machine: Machine, gate: Frontgate) -> None:
    """The application runs on, and is supervised on."""
    supervise(gate)
    machine.start()
    gate.put_command("start", "touch $PITRIX_ROOT/up", supervision="begin")
    wait_for_health(gate, "healthy")
    machine.end(signal.SIGKILL)
    gate.client.delete(f"/c/{CLUSTER}/reports/{NODE}/health")

    machine.start()

    assert wait_for_health(gate, "healthy")["detail"] == ""


def test_a_table_does_not_wait_for_other_commands(machine: Machine, gate: Frontgate) -> None:
    """Somebody waits for it; what it says on standard error is no part of it."""
    gate.put_metadata(1)
    machine.start()
    gate.put_command("long", "touch $PITRIX_ROOT/began; sleep 600", timeout_s=900)
    wait_for(machine.at("/began").exists, "the long command to run")

    gate.put_command("tab", "echo warning >&2; echo '{}'", idempotent=True, answer="table")

    result = gate.wait_for_result("tab")
    assert (result["state"], result["output"]) == ("done", "{}\n")
    check_against_schema(result, "command-result")
    assert gate.result("long") == {}


def test_an_application_that_is_a_container_is_configured_and_runs_commands(
    machine: Machine, gate: Frontgate, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine: the metadata say what it is, and everything else goes its usual way."""
    docker = Docker(tmp_path / "docker")
    docker.configure_by_files(docker.add_image(), '{{getv "/env/port"}}')
    monkeypatch.setenv("PATH", f"{docker.programs}:{os.environ['PATH']}")
    gate.client.put(
        f"/c/{CLUSTER}/nodes/{NODE}/agent/container", json.dumps({"image": "example/web:1"})
    )
    gate.put_metadata(1, port="2379")
    machine.start()
    gate.wait_for_status("configured", 1)
    gate.put_command("start", "cat etc/web.conf")

    result = gate.wait_for_result("start")

    assert (result["state"], result["exit_code"], result["output"]) == ("done", 0, "2379")
    assert not machine.at("/etc/web.conf").exists()
