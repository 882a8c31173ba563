"""Secrets are under data keys, these under keys of a provider; all of it can be rotated."""

import contextlib
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from pitrix_core.errors import ConflictError, KeyProviderError, PitrixError
from pitrix_core.service import rotation
from pitrix_core.store import Cipher, Store
from pitrix_core.store.key_file import FileKeys, FileKeySettings, LocalKeys


def keys_in(folder: Path) -> FileKeys:
    """Return the keys of a folder, as another process has them."""
    return FileKeys(FileKeySettings(path=str(folder / "key")))


@pytest.fixture
def keys(tmp_path: Path) -> FileKeys:
    """Keys in a file."""
    return keys_in(tmp_path)


@pytest.fixture
def filed(store: Store, keys: FileKeys) -> Store:
    """A store whose keys are in a file."""
    return Store(store.engine, cipher=Cipher(keys))


@pytest.fixture
def other(store: Store, tmp_path: Path, filed: Store) -> Store:
    """The same one in another process, which was there before anything was rotated."""
    with filed.begin() as tx:
        tx.data_keys.current()
    return Store(store.engine, cipher=Cipher(keys_in(tmp_path)))


def kept(store: Store, *texts: str) -> list[str]:
    """Store secrets, and return their ids."""
    with store.begin() as tx:
        return [tx.secrets.add(text, owner="alice").id for text in texts]


def read(store: Store, ids: list[str]) -> list[str]:
    """Return the texts of secrets."""
    with store.read() as tx:
        return [tx.secrets.get(secret_id) for secret_id in ids]


def write_as_before(store: Store, keys: LocalKeys, secret_id: str, text: str) -> None:
    """Store a secret as it was done before there were data keys."""
    with store.engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO secrets VALUES (:id, 'alice', :text, '2026-01-01', NULL)"),
            {"id": secret_id, "text": keys.fernet().encrypt(text.encode())},
        )


# -- rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("ciphertext = (SELECT ciphertext FROM secrets WHERE id = :other)", id="text"),
        pytest.param("owner = 'mallory'", id="owner"),
    ],
)
def test_a_row_is_worth_nothing_in_another_ones_place(store: Store, change: str) -> None:
    """A ciphertext is bound to its id and owner, so that who writes rows cannot swap secrets."""
    mine, theirs = kept(store, "mine", "theirs")
    with store.engine.begin() as connection:
        connection.execute(
            sa.text(f"UPDATE secrets SET {change} WHERE id = :id"),  # noqa: S608  # see above
            {"id": mine, **({"other": theirs} if ":other" in change else {})},
        )

    with pytest.raises(PitrixError, match="cannot be decrypted") as caught:
        read(store, [mine])

    assert "mine" not in str(caught.value)
    assert read(store, [theirs]) == ["theirs"]


def test_what_is_from_before_there_were_data_keys_is_read(filed: Store, keys: FileKeys) -> None:
    """And written as everything else is, once it is replaced."""
    write_as_before(filed, keys, "sec-old", "hunter2")

    before = read(filed, ["sec-old"])
    with filed.begin() as tx:
        tx.secrets.replace("sec-old", "hunter3")

    assert before == ["hunter2"]
    assert read(filed, ["sec-old"]) == ["hunter3"]
    assert [use.id for use in rotation.status(filed, keys).data_keys] == [1]


def test_a_secret_that_is_not_there_is_not_replaced(store: Store) -> None:
    """Nothing comes of it."""
    with store.begin() as tx:
        tx.secrets.replace("sec-none", "x")

        assert tx.secrets.owner_of("sec-none") is None


# -- rotating --------------------------------------------------------------------------------------


def test_a_rotation_leaves_secrets_as_they_are(filed: Store, other: Store, keys: FileKeys) -> None:
    """Only their data keys are wrapped anew, with a key that others read when they need it."""
    ids = kept(filed, "a", "b")
    before = keys.current_key()

    done = rotation.rotate(filed, keys)

    found = rotation.status(filed, keys)
    assert (done.rewrapped, done.resealed, done.unreadable) == (1, 0, ())
    assert found.current_key != before
    assert [(use.id, use.secrets, use.is_current) for use in found.data_keys] == [(1, 2, True)]
    assert read(other, ids) == read(filed, ids) == ["a", "b"]


def test_a_rotation_of_data_keys_encrypts_everything_anew(
    filed: Store, other: Store, keys: FileKeys
) -> None:
    """Also what is from before there were data keys; what others add meanwhile stays readable."""
    texts = [str(number) for number in range(120)]
    ids = kept(filed, *texts)
    write_as_before(filed, keys, "sec-old", "old")

    done = rotation.rotate_data_keys(filed, keys)

    later = kept(other, "later")
    uses = rotation.status(filed, keys).data_keys
    assert (done.rewrapped, done.resealed) == (1, 121)
    assert [(use.id, use.secrets) for use in uses] == [(2, 122), (1, 0)]
    assert read(other, [*ids, "sec-old", *later]) == [*texts, "old", "later"]


def test_a_rotation_encrypts_what_is_under_no_data_key(filed: Store, keys: FileKeys) -> None:
    """So that the key file's old keys need not be kept for it."""
    write_as_before(filed, keys, "sec-old", "old")
    before = [use.id for use in rotation.status(filed, keys).data_keys]

    done = rotation.rotate(filed, keys)

    assert before == [None]
    assert done.resealed == 1
    assert [use.id for use in rotation.status(filed, keys).data_keys] == [1]
    assert read(filed, ["sec-old"]) == ["old"]


def test_a_secret_that_cannot_be_read_stops_nothing(filed: Store, keys: FileKeys) -> None:
    """It is named, and left as it is."""
    ids = kept(filed, "a", "b", "c")
    damaged = sorted(ids)[1]
    with filed.engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE secrets SET ciphertext = :x WHERE id = :id"),
            {"id": damaged, "x": b"\0" * 40},
        )

    done = rotation.rotate_data_keys(filed, keys)

    assert (done.resealed, done.unreadable) == (2, (damaged,))


class KilledError(BaseException):
    """Ends a rotation as a kill does."""


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("rotate", [rotation.rotate, rotation.rotate_data_keys])
def test_a_rotation_that_was_cut_off_goes_on(
    filed: Store,
    keys: FileKeys,
    monkeypatch: pytest.MonkeyPatch,
    rotate: "type[rotation.rotate]",
    place: int,
) -> None:
    """Wherever it was: nothing is unreadable meanwhile, and the next one does what is left."""
    monkeypatch.setattr(rotation, "_BATCH", 2)
    texts = ["a", "b", "c", "d"]
    ids = kept(filed, *texts)
    write_as_before(filed, keys, "sec-old", "old")
    carry_out, steps = Store.carry_out, iter(range(100))

    def cut_off(store: Store, act: object) -> object:
        if next(steps) == place:
            raise KilledError
        return carry_out(store, act)  # type: ignore[arg-type]  # passed on

    with monkeypatch.context() as patch:
        patch.setattr(Store, "carry_out", cut_off)
        with contextlib.suppress(KilledError):
            rotate(filed, keys)
    meanwhile = read(filed, [*ids, "sec-old"])

    rotate(filed, keys)

    uses = rotation.status(filed, keys).data_keys
    assert meanwhile == read(filed, [*ids, "sec-old"]) == [*texts, "old"]
    assert all(use.is_current for use in uses)
    assert uses[0].secrets == 5 or rotate is rotation.rotate


def test_what_was_derived_from_the_old_key_is_still_known(filed: Store, keys: FileKeys) -> None:
    """It comes after the new one's, so that what was signed with it is believed."""
    with filed.read() as tx:
        [before] = tx.secrets.derived("tokens")

    rotation.rotate(filed, keys)

    with filed.read() as tx:
        newest, oldest = tx.secrets.derived("tokens")
        others = tx.secrets.derived("something else")
    assert oldest == before != newest
    assert not {newest, oldest} & set(others)


# -- the file --------------------------------------------------------------------------------------


def test_a_key_file_is_made_once(tmp_path: Path) -> None:
    """Readable by its owner alone, and whole from the first moment; nothing is left beside it."""
    folder = tmp_path / "data"

    first, second = keys_in(folder), keys_in(folder)

    assert first.current_key() == second.current_key()
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert list(folder.iterdir()) == [folder / "key"]


def test_a_key_file_of_another_process_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that make it at the same time, the first one's stays."""
    path = tmp_path / "key"
    theirs = Fernet.generate_key()
    generate = Fernet.generate_key

    def late() -> bytes:
        path.write_bytes(theirs)
        return generate()

    monkeypatch.setattr(Fernet, "generate_key", late)

    found = keys_in(tmp_path)

    assert found.current_key() == LocalKeys(theirs).current_key()
    assert list(tmp_path.iterdir()) == [path]


def test_a_renewed_key_comes_before_the_others(tmp_path: Path, keys: FileKeys) -> None:
    """The file stays its owner's alone; processes that run read it again."""
    old, running = (tmp_path / "key").read_bytes().split(), keys_in(tmp_path)

    keys.renew()

    first, *rest = (tmp_path / "key").read_bytes().split()
    assert rest == old
    assert running.current_key() == LocalKeys(first).current_key()
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "key"]


def test_a_prepared_key_is_read_and_not_used(tmp_path: Path, keys: FileKeys) -> None:
    """Until it is its turn; then another machine has it already."""
    data_key = b"k" * 32
    path = keys.prepare()
    second = tmp_path / "second"
    second.mkdir()
    for name in ("key", "key.next"):
        (second / name).write_bytes((tmp_path / name).read_bytes())
    there, before = keys_in(second), keys.current_key()

    again, unchanged = keys.prepare(), keys.current_key()
    keys.renew()
    renewed = keys.current_key()

    assert (again, unchanged) == (path, before)
    assert there.unwrap(keys.wrap(data_key, key_id=renewed), key_id=renewed) == data_key
    assert not path.exists()
    assert there.current_key() == before


def test_a_renewal_that_was_cut_off_does_not_take_the_key_twice(
    tmp_path: Path, keys: FileKeys
) -> None:
    """It had come as far as the new file."""
    keys.renew()
    content = (tmp_path / "key").read_bytes()
    (tmp_path / "key.next").write_bytes(content.split()[0])

    keys.renew()

    assert (tmp_path / "key").read_bytes() == content


def test_a_process_goes_on_without_its_file(tmp_path: Path, keys: FileKeys) -> None:
    """What it has read once, it knows; nobody makes another file in its place."""
    before = keys.current_key()
    (tmp_path / "key").unlink()

    after = keys.current_key()

    assert after == before
    assert not (tmp_path / "key").exists()


def test_one_process_rotates_at_a_time(keys: FileKeys, tmp_path: Path) -> None:
    """Of two, none may lose the other's key."""
    with keys.locked(), pytest.raises(ConflictError, match="already"), keys_in(tmp_path).locked():
        pass


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "holds no key", id="empty"),
        pytest.param(b"hunter2\n", "no key", id="something-else"),
        pytest.param(b"A" * 43 + b"\xff", "no key", id="bytes"),
    ],
)
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """By a message that does not hold what it holds."""
    (tmp_path / "key").write_bytes(content)

    with pytest.raises(KeyProviderError, match=message) as caught:
        keys_in(tmp_path)

    assert "hunter2" not in str(caught.value)
