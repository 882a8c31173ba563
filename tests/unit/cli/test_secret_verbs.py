"""``pitrix secrets`` works on a data folder, and needs no server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result

from pitrix_core import wiring
from pitrix_core.config import Config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """An installation with a secret in it."""
    config = Config(data_dir=tmp_path / "data")
    wiring.prepare(config)
    store = wiring.make_store(config)
    with store.begin() as tx:
        tx.secrets.add("hunter2", owner="alice", secret_id="sec-1")
    store.close()
    return config


@pytest.fixture
def secrets(config: Config, type_command: Callable[..., Result]) -> Callable[..., Result]:
    """Type words after ``pitrix secrets``."""

    def typed(*words: str) -> Result:
        return type_command("secrets", *words, "--data", str(config.data_dir))

    return typed


def read(config: Config) -> str:
    """Return the secret."""
    store = wiring.make_store(config)
    with store.read() as tx:
        found = tx.secrets.get("sec-1")
    store.close()
    return found


def actions(config: Config) -> list[str]:
    """Return what is in the audit."""
    store = wiring.make_store(config)
    with store.read() as tx:
        found = [entry.action for entry in tx.audit.entries()]
    store.close()
    return found


def test_it_is_said_what_is_under_which_key(secrets: Callable[..., Result]) -> None:
    """In a table, or for programs; and nothing of a key but its id."""
    words = secrets("status").out
    found = json.loads(secrets("status", "--json").out)

    [use] = found["data_keys"]
    assert (found["provider"], use["id"], use["secrets"]) == ("file", 1, 1)
    assert use["key_id"] == found["current_key"]
    assert found["current_key"] in words


def test_a_rotation_says_what_it_did(config: Config, secrets: Callable[..., Result]) -> None:
    """Twice, with all secrets and without; they stay what they are."""
    keys = secrets("rotate")
    everything = json.loads(secrets("rotate", "--data-keys", "--json").out)

    assert keys.out.startswith(
        "Data keys wrapped with the current key: 1; secrets encrypted anew: 0"
    )
    assert everything == {"rewrapped": 1, "resealed": 1, "unreadable": []}
    assert len(config.key_file.read_bytes().split()) == 3
    assert read(config) == "hunter2"
    assert actions(config) == ["rotateKeys", "rotateKeys"]


def test_the_next_key_is_made_beforehand(config: Config, secrets: Callable[..., Result]) -> None:
    """The rotation after that takes it."""
    prepared = secrets("rotate", "--prepare")
    path = config.data_dir / "key.next"
    content = path.read_bytes()

    secrets("rotate")

    assert str(path) in prepared.out
    assert config.key_file.read_bytes().split()[0] == content
    assert not path.exists()


def test_what_cannot_be_read_is_a_failure(config: Config, secrets: Callable[..., Result]) -> None:
    """It is named, and stays as it is."""
    store = wiring.make_store(config)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE secrets SET ciphertext = x'00'")
    store.close()

    ran = secrets("rotate", "--data-keys")

    assert ran.code == 1
    assert "sec-1" in ran.err


@pytest.mark.parametrize("words", [["status"], ["rotate"], ["rotate", "--prepare"]])
def test_there_has_to_be_an_installation(
    type_command: Callable[..., Result], tmp_path: Path, words: list[str]
) -> None:
    """None is made by looking."""
    ran = type_command("secrets", *words, "--data", str(tmp_path / "none"))

    assert ran.code == 1
    assert "no installation" in ran.err
    assert not (tmp_path / "none").exists()


def test_keys_of_a_plugin_take_over_from_the_file(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file's key wrapped is read with it, until it is wrapped anew."""
    from pitrix_core.contracts.keys import KeyProvider  # noqa: PLC0415
    from pitrix_core.plugins.registry import PluginRegistry  # noqa: PLC0415
    from pitrix_core.store.key_file import FileKeys, FileKeySettings  # noqa: PLC0415

    class OtherKeys(FileKeys):
        name = "other"

        def renew(self) -> None:
            KeyProvider.renew(self)

    monkeypatch.setattr(PluginRegistry, "key_provider", lambda *_: OtherKeys)
    path = str(config.data_dir / "other")
    FileKeys(FileKeySettings(path=path))
    other = Config(
        data_dir=config.data_dir, key_provider="other", key_settings=json.dumps({"path": path})
    )

    before = read(other)
    done = wiring.rotate_keys(other)
    status: Any = wiring.key_status(other)

    assert before == read(other) == "hunter2"
    assert done.rewrapped == 1
    assert [(use.provider, use.is_current) for use in status.data_keys] == [("other", True)]
