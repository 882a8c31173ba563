"""Agents' archives are built once and handed out by their digests."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pitrix_core.errors import NotFoundError, PluginError, PluginNotFoundError
from pitrix_core.pilot.agent_files import AgentFiles

CONTENT = b"an agent"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Builder:
    """Builds agents, and counts."""

    def __init__(
        self, write: Callable[[Path], Any] = lambda path: path.write_bytes(CONTENT)
    ) -> None:
        self.write = write
        self.built = 0

    def __call__(self, name: str) -> Callable[[Path], None]:
        if name != "drone":
            raise PluginNotFoundError(f"no {name}")
        return self.build

    def build(self, path: Path) -> None:
        self.built += 1
        self.write(path)


def files(folder: Path, builder: Builder) -> AgentFiles:
    """Return the archives of one process."""
    return AgentFiles(folder / "agents", builder=builder, public_url="http://127.0.0.1:1/")


def test_an_agent_is_built_once(tmp_path: Path) -> None:
    """Its address ends with its digest."""
    builder = Builder()
    made = files(tmp_path, builder)

    found = [made.file_of("drone") for _ in range(3)]

    assert builder.built == 1
    assert {file.url for file in found} == {f"http://127.0.0.1:1/v1/agents/drone/{DIGEST}"}
    assert made.read("drone", DIGEST) == CONTENT
    assert [path.name for path in (tmp_path / "agents").iterdir()] == [f"drone-{DIGEST}.pyz"]


def test_one_that_was_cleared_away_is_built_again(tmp_path: Path) -> None:
    """The folder is a cache."""
    made = files(tmp_path, Builder())
    made.file_of("drone")
    (tmp_path / "agents" / f"drone-{DIGEST}.pyz").unlink()

    made.file_of("drone")

    assert made.read("drone", DIGEST) == CONTENT


def test_what_another_process_has_built_is_handed_out(tmp_path: Path) -> None:
    """Both share the folder."""
    builder = Builder()
    files(tmp_path, Builder()).file_of("drone")

    assert files(tmp_path, builder).read("drone", DIGEST) == CONTENT
    assert builder.built == 0


def test_what_another_machine_has_built_is_built_here(tmp_path: Path) -> None:
    """The same agent gives the same archive; it is built once, whoever asks how often."""
    builder = Builder()
    made = files(tmp_path, builder)

    assert made.read("drone", DIGEST) == CONTENT
    for _ in range(3):
        with pytest.raises(NotFoundError):
            made.read("drone", "0" * 64)
    assert builder.built == 1


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        pytest.param("drone", "0" * 64, id="unknown-digest"),
        pytest.param("nobody", DIGEST, id="unknown-agent"),
        pytest.param("drone", DIGEST.upper(), id="upper-case"),
        pytest.param("drone", DIGEST[:-1], id="too-short"),
        pytest.param("drone", DIGEST + "\n", id="new-line"),
        pytest.param("drone", "../secret", id="up"),
        pytest.param("../agents/drone", DIGEST, id="up-in-the-name"),
        pytest.param("", DIGEST, id="no-name"),
        pytest.param("drone\x00", DIGEST, id="null-byte"),
    ],
)
def test_nothing_else_is_handed_out(tmp_path: Path, name: str, digest: str) -> None:
    """Whatever is asked for, without a token, it is not there."""
    (tmp_path / "secret.pyz").write_bytes(b"none of its business")
    made = files(tmp_path, Builder())
    made.file_of("drone")

    with pytest.raises(NotFoundError):
        made.read(name, digest)


@pytest.mark.parametrize("processes", [1, 2], ids=["one-process", "two-processes"])
def test_it_may_be_built_by_several_at_a_time(tmp_path: Path, processes: int) -> None:
    """Nobody ever hands out half an archive."""
    half = threading.Event()

    def slowly(path: Path) -> None:
        path.write_bytes(CONTENT[:4])
        half.wait(0.1)
        path.write_bytes(CONTENT)

    builder = Builder(slowly)
    made = [files(tmp_path, builder) for _ in range(processes)]
    found: list[bytes] = []

    def use(one: AgentFiles) -> None:
        found.append(one.read("drone", one.file_of("drone").sha256))

    threads = [threading.Thread(target=use, args=(made[n % processes],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert found == [CONTENT] * 6
    assert builder.built == processes


def test_an_agent_nobody_brings_is_named(tmp_path: Path) -> None:
    """By the registry's own error."""
    with pytest.raises(PluginNotFoundError, match="no nobody"):
        files(tmp_path, Builder()).file_of("nobody")


def test_an_agent_that_cannot_be_built_is_a_plugin_error(tmp_path: Path) -> None:
    """Nothing of it stays; it is tried again the next time."""

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyError("colour")

    builder = Builder(fail)
    made = files(tmp_path, builder)

    for _ in range(2):
        with pytest.raises(PluginError, match="Agent drone could not be built: KeyError"):
            made.file_of("drone")
    assert builder.built == 2
    assert list((tmp_path / "agents").iterdir()) == []
