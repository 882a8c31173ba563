"""The small parts: records, locks, processes, addresses, limits."""

import os
import subprocess
from pathlib import Path

import pytest
from local_kit import Host, provider_on

from pitrix_core import Context
from pitrix_core.model import NoCredential, Runtime
from pitrix_local.machine import addresses, processes
from pitrix_local.machine.files import locked, read_record, remove_tree, write_record
from pitrix_local.provider import LocalProvider
from pitrix_local.settings import Isolation, LocalSettings


def test_a_record_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """And no draft is left."""
    path = tmp_path / "record.json"
    write_record(path, {"a": 1})

    write_record(path, {"b": 2})

    assert read_record(path) == {"b": 2}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_what_is_no_record_is_none(tmp_path: Path, text: str) -> None:
    """As if it had never been written."""
    (tmp_path / "record.json").write_text(text)

    assert read_record(tmp_path / "record.json") is None


def test_a_record_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """The place is a folder's."""
    (tmp_path / "record.json/inside").mkdir(parents=True)

    with pytest.raises(OSError, match="record"):
        write_record(tmp_path / "record.json", {})

    assert [entry.name for entry in tmp_path.iterdir()] == ["record.json"]


def test_a_lock_excludes_others_for_as_long_as_it_is_held(tmp_path: Path) -> None:
    """Also another thread's attempt, which ends in time."""
    with (
        locked(tmp_path, timeout_s=1.0),
        pytest.raises(TimeoutError),
        locked(tmp_path, timeout_s=0.0),
    ):
        pass

    with locked(tmp_path, timeout_s=0.0):
        assert tmp_path.exists()


def test_a_tree_with_closed_folders_can_be_removed(tmp_path: Path) -> None:
    """And what its links lead to is left alone."""
    kept = tmp_path / "kept"
    kept.mkdir()
    tree = tmp_path / "tree"
    (tree / "closed").mkdir(parents=True)
    (tree / "closed/file").touch()
    (tree / "link").symlink_to(kept)
    (tree / "closed").chmod(0)

    remove_tree(tree)
    remove_tree(tree)

    assert not tree.exists()
    assert kept.exists()


def test_a_process_is_told_from_a_later_one_of_its_number() -> None:
    """By its start time, and by the host's boot."""
    own = processes.this_process()

    assert processes.is_alive(own)
    assert not processes.is_alive(own._replace(start_ticks=own.start_ticks + 1))
    assert not processes.is_alive(own._replace(host_boot_id="another"))
    assert not processes.is_alive(None)


def test_a_process_that_ended_and_was_not_reaped_is_not_alive() -> None:
    """A zombie runs nothing."""
    child = subprocess.Popen(["true"], env={processes.MARK: "i-zombie"})
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert processes.marked("i-zombie") == []
    assert child.pid not in processes.descendants(os.getpid())
    child.wait()


@pytest.mark.parametrize("record", [None, {}, {"pid": "x", "start_ticks": 1, "host_boot_id": ""}])
def test_a_record_without_process_names_none(record: dict[str, object] | None) -> None:
    """What is incomplete is nobody."""
    assert processes.process_in(record) is None


def test_an_address_is_claimed_once(tmp_path: Path) -> None:
    """Two runtimes of one user never share one, even if they start looking at the same place."""
    claims = tmp_path / "claims"
    machine = tmp_path / "machine"
    machine.mkdir()
    with addresses.claimed(claims, machine, timeout_s=1.0) as first:
        (machine / "state.json").touch()

    with addresses.claimed(claims, machine, timeout_s=1.0) as second:
        pass

    assert first != second


def test_the_claim_of_a_machine_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    """Its data folder was removed by hand."""
    claims = tmp_path / "claims"
    with addresses.claimed(claims, tmp_path / "gone", timeout_s=1.0) as first:
        pass

    with addresses.claimed(claims, tmp_path / "gone", timeout_s=1.0) as second:
        pass

    assert first == second


def test_an_address_that_was_given_before_can_be_had_again(tmp_path: Path) -> None:
    """Unless another machine has it by now, or it is none of ours."""
    claims = tmp_path / "pitrix/claims"
    with addresses.claimed(claims, tmp_path / "before", timeout_s=1.0) as first:
        pass
    addresses.release(claims, first, tmp_path / "before", timeout_s=1.0)
    got = []
    for name, wanted in (("a", first), ("b", first), ("c", "192.0.2.1"), ("d", "127.0.0.1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.json").touch()
        with addresses.claimed(claims, tmp_path / name, wanted=wanted, timeout_s=1.0) as address:
            got.append(address)

    assert got[0] == first
    assert len({*got, "192.0.2.1", "127.0.0.1"}) == 6


def test_a_released_address_leaves_no_file(tmp_path: Path) -> None:
    """Not even the folder; but another machine's claim is left alone."""
    claims = tmp_path / "pitrix/claims"
    with addresses.claimed(claims, tmp_path / "machine", timeout_s=1.0) as address:
        pass
    addresses.release(claims, address, tmp_path / "other", timeout_s=1.0)
    kept = (claims / address).exists()

    addresses.release(claims, address, tmp_path / "machine", timeout_s=1.0)
    addresses.release(claims, address, tmp_path / "machine", timeout_s=1.0)

    assert kept
    assert not (tmp_path / "pitrix").exists()


def test_a_claim_is_given_back_when_its_machine_is_not_made(tmp_path: Path) -> None:
    """An error inside the block undoes it."""
    claims = tmp_path / "claims"

    with pytest.raises(RuntimeError), addresses.claimed(claims, tmp_path / "m", timeout_s=1.0):
        raise RuntimeError

    assert list(claims.iterdir()) == []


def test_no_address_is_given_when_the_host_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says where the claims are."""
    monkeypatch.setattr(addresses, "_is_ours", lambda _address: False)

    with (
        pytest.raises(addresses.NoAddressError, match="claims"),
        addresses.claimed(tmp_path / "claims", tmp_path / "m", timeout_s=1.0),
    ):
        pass


def test_programs_are_limited_as_the_operator_sets(root: Path, mode: str) -> None:
    """No core files; open files, file size and address space as set."""
    provider = LocalProvider(
        Runtime(id="rt-1", name="here", provider="local", owner="tests"),
        settings=LocalSettings(
            isolation=Isolation(mode), open_files=256, file_size_gib=1, limit_address_space=True
        ),
        credential=NoCredential(),
        context=Context(installation_id="0" * 32, state_dir=root),
    )
    host = Host(provider, root, mode)

    machine_id = host.create("ulimit -c; ulimit -n; ulimit -f; ulimit -v; echo END")

    printed = host.printed(machine_id, "END").splitlines()
    assert printed == ["0", "256", str(1024**3 // 512), str(1024**2), "END"]


def test_the_mode_a_machine_was_made_with_is_kept(root: Path, mode: str) -> None:
    """A changed setting is for new machines."""
    host = Host(provider_on(root, mode), root, mode)
    machine_id = host.create()
    host.stop(machine_id)
    other = Host(provider_on(root, "prefix"), root, mode)

    started = other.start(machine_id)

    assert started.outputs["mode"] == mode
