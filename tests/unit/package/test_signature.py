"""Signatures in minisign's format: what minisign made is read, and what is wrong is refused."""

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitrix_core.errors import PackageSignatureError
from pitrix_core.package import signing_key
from pitrix_core.package.signature import (
    PublicKey,
    parse_public_key,
    parse_signature,
    verify,
)
from pitrix_core.package.signing_key import (
    Effort,
    SigningKey,
    key_text,
    make_key,
    open_key,
    parse_key_file,
    public_key_text,
    sign,
)

#: Made by minisign: see the README there.
RECORDED = Path(__file__).parent / "minisign"
CONTENT = (RECORDED / "content.txt").read_bytes()
#: A password that costs next to nothing to try.
EASY = Effort(operations=32_768, memory_bytes=1024 * 1024)


def recorded_key(name: str) -> PublicKey:
    """Return a public key that minisign made."""
    return parse_public_key((RECORDED / f"{name}.pub").read_text())


def recorded_secret(name: str, password: str | None) -> SigningKey:
    """Return a secret key that minisign made."""
    return open_key(parse_key_file((RECORDED / f"{name}.key").read_text()), password=password)


@pytest.fixture(scope="module")
def vendor() -> SigningKey:
    """A key of our own making."""
    return make_key()


@pytest.fixture(scope="module")
def signature(vendor: SigningKey) -> str:
    """The vendor's signature of the content."""
    return sign(CONTENT, vendor, trusted_comment="file:content.txt")


# -- with minisign ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key", "comment"),
    [
        pytest.param("vendor", "vendor", "the vendor says so", id="hashed"),
        pytest.param("bare", "bare", "file:content.txt", id="without-password"),
        pytest.param("legacy", "bare", "file:content.txt", id="legacy"),
    ],
)
def test_a_signature_by_minisign_is_verified(name: str, key: str, comment: str) -> None:
    """Of both kinds that it makes; the trusted comment is told."""
    found = verify(CONTENT, (RECORDED / f"{name}.minisig").read_bytes(), keys=[recorded_key(key)])

    assert comment in found.trusted_comment
    assert found.key_id == recorded_key(key).id
    assert found.is_hashed is (name != "legacy")


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("vendor", "correct horse", id="encrypted"),
        pytest.param("bare", None, id="without-password"),
    ],
)
def test_a_secret_key_by_minisign_is_opened(name: str, password: str | None) -> None:
    """It is the other half of the public one, and signs like it."""
    key = recorded_secret(name, password)

    assert key.public == recorded_key(name)
    made = sign(CONTENT, key, trusted_comment="x").encode()
    assert verify(CONTENT, made, keys=[recorded_key(name)]).trusted_comment == "x"


def test_the_same_content_and_key_give_minisigns_signature() -> None:
    """Ed25519 has one signature for a content: ours is the recorded one, to the byte."""
    recorded = (RECORDED / "vendor.minisig").read_text().splitlines()

    made = sign(
        CONTENT, recorded_secret("vendor", "correct horse"), trusted_comment="the vendor says so"
    )

    assert made.splitlines()[1:] == recorded[1:]


def test_an_id_is_shown_as_minisign_shows_it() -> None:
    """Its comment names the key, so that a person can compare."""
    comment = (RECORDED / "vendor.pub").read_text().splitlines()[0]

    assert comment.endswith(recorded_key("vendor").id)


# -- what is refused -------------------------------------------------------------------------------


def test_another_content_is_refused(vendor: SigningKey, signature: str) -> None:
    """An older archive cannot be passed off under a newer one's signature."""
    with pytest.raises(PackageSignatureError, match="not one of this archive") as caught:
        verify(CONTENT + b"!", signature.encode(), keys=[vendor.public])

    assert vendor.id in caught.value.message


def test_a_key_that_is_not_trusted_is_named(vendor: SigningKey, signature: str) -> None:
    """With those that are."""
    others = [recorded_key("vendor"), recorded_key("bare")]

    with pytest.raises(PackageSignatureError, match=f"by key {vendor.id}, which is not") as caught:
        verify(CONTENT, signature.encode(), keys=others)

    assert f"trusted are {', '.join(sorted(key.id for key in others))}" in caught.value.message


def test_without_any_key_nothing_is_trusted(signature: str) -> None:
    """An empty list is no consent."""
    with pytest.raises(PackageSignatureError, match="no key is trusted"):
        verify(CONTENT, signature.encode(), keys=[])


def test_another_key_of_the_same_id_is_refused(vendor: SigningKey, signature: str) -> None:
    """An id is 8 bytes that anybody can choose; it is the key that counts."""
    impostor = SigningKey(number=vendor.number, seed=make_key().seed)

    with pytest.raises(PackageSignatureError, match="not one of this archive"):
        verify(CONTENT, signature.encode(), keys=[impostor.public])

    assert verify(CONTENT, signature.encode(), keys=[impostor.public, vendor.public])


def test_a_changed_trusted_comment_is_refused(vendor: SigningKey, signature: str) -> None:
    """It is signed with the content."""
    changed = signature.replace("file:content.txt", "file:other.txt")

    with pytest.raises(PackageSignatureError, match=r"trusted comment.*was changed"):
        verify(CONTENT, changed.encode(), keys=[vendor.public])


def test_a_changed_untrusted_comment_is_nothing(vendor: SigningKey, signature: str) -> None:
    """Nobody reads it."""
    changed = "untrusted comment: anything\n" + signature.split("\n", 1)[1]

    assert verify(CONTENT, changed.encode(), keys=[vendor.public]).key_id == vendor.id


def test_lines_may_end_as_windows_ends_them(vendor: SigningKey, signature: str) -> None:
    """A signature survives being checked out there."""
    text = signature.replace("\n", "\r\n")

    assert verify(CONTENT, text.encode(), keys=[vendor.public]).key_id == vendor.id


def reworded(text: str, line: int, words: str) -> str:
    """Return a text with one line replaced."""
    lines = text.splitlines()
    lines[line] = words
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("line", "words", "reason"),
    [
        pytest.param(0, "comment: x", "should be a comment", id="no-comment"),
        pytest.param(1, "", "0 bytes instead of 74", id="empty"),
        pytest.param(1, "RUS*", "not base64", id="no-base64"),
        pytest.param(1, "RUSÄ", "not base64", id="no-ascii"),
        pytest.param(1, base64.b64encode(b"RS" + bytes(72)).decode(), "Ed25519", id="algorithm"),
        pytest.param(
            3, base64.b64encode(bytes(64)).decode()[:-3] + "B==", "as minisign", id="idle-bits"
        ),
        pytest.param(2, "comment: x", "line 3", id="no-trusted-comment"),
        pytest.param(2, "trusted comment: \x1b[2J", "control", id="terminal-codes"),
        pytest.param(2, "trusted comment: \u202e", "control", id="text-backwards"),
        pytest.param(2, "trusted comment: x\nx", "should be a comment", id="five-lines"),
        pytest.param(3, base64.b64encode(bytes(63)).decode(), "63 bytes", id="short-proof"),
    ],
)
def test_what_is_no_signature_says_why(signature: str, line: int, words: str, reason: str) -> None:
    """Each fault has its words."""
    with pytest.raises(PackageSignatureError, match=reason):
        parse_signature(reworded(signature, line, words).encode())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "should be a comment", id="nothing"),
        pytest.param(b"\xff\n" * 4, "not UTF-8", id="noise"),
        pytest.param(b"\n" * 20_000, "more than 16384 bytes", id="much"),
    ],
)
def test_what_is_no_text_of_a_signature_is_refused(content: bytes, reason: str) -> None:
    """Before anything is computed."""
    with pytest.raises(PackageSignatureError, match=reason):
        parse_signature(content)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "42", id="nothing"),
        pytest.param("a\nb", "one line", id="two-lines"),
        pytest.param("untrusted comment: x", "not base64", id="comment-only"),
        pytest.param(base64.b64encode(b"ED" + bytes(40)).decode(), "Ed25519", id="algorithm"),
        pytest.param(base64.b64encode(b"Ed" + bytes(39)).decode(), "41 bytes", id="short"),
    ],
)
def test_what_is_no_public_key_says_why(text: str, reason: str) -> None:
    """Each fault has its words."""
    with pytest.raises(PackageSignatureError, match=reason):
        parse_public_key(text)


def test_a_public_key_that_is_no_point_trusts_nothing(signature: str, vendor: SigningKey) -> None:
    """Not every 32 bytes are a key."""
    bad = PublicKey(id=vendor.id, text="", raw=b"\xff" * 32)

    with pytest.raises(PackageSignatureError, match="not one of this archive"):
        verify(CONTENT, signature.encode(), keys=[bad])


# -- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", [None, "pässword"], ids=["without-password", "encrypted"])
def test_a_key_is_read_as_it_was_written(vendor: SigningKey, password: str | None) -> None:
    """With the password it was written with, or without one."""
    text = key_text(vendor, password=password, effort=EASY)

    assert open_key(parse_key_file(text), password=password) == vendor
    assert parse_public_key(public_key_text(vendor)) == vendor.public
    assert parse_public_key(vendor.public.text) == vendor.public


@pytest.mark.parametrize(
    "effort",
    [
        pytest.param(Effort(operations=0, memory_bytes=0), id="none"),
        pytest.param(Effort(operations=65_536, memory_bytes=1 << 30), id="more-memory-than-work"),
        pytest.param(Effort(operations=1 << 20, memory_bytes=1 << 20), id="more-work-than-memory"),
    ],
)
def test_any_effort_will_do(vendor: SigningKey, effort: Effort) -> None:
    """Within what minisign takes, other tools choose other ones."""
    text = key_text(vendor, password="x", effort=effort)

    assert open_key(parse_key_file(text), password="x") == vendor


def test_a_password_may_be_any_bytes(vendor: SigningKey) -> None:
    """The environment can hold what is no text."""
    text = key_text(vendor, password="\udcff", effort=EASY)

    assert open_key(parse_key_file(text), password="\udcff") == vendor


def test_without_enough_memory_a_key_says_so(
    vendor: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next step is another machine, and not another password."""

    def refuse(*_args: object, **_more: object) -> None:
        raise MemoryError

    file = parse_key_file(key_text(vendor, password="x", effort=EASY))
    monkeypatch.setattr(signing_key, "Scrypt", refuse)

    with pytest.raises(PackageSignatureError, match="takes 1 MiB of memory"):
        open_key(file, password="x")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        pytest.param("wrong", "password is wrong", id="wrong"),
        pytest.param(None, "no password was given", id="none"),
    ],
)
def test_without_the_password_a_key_stays_closed(
    vendor: SigningKey, password: str | None, reason: str
) -> None:
    """The error does not say more than that."""
    file = parse_key_file(key_text(vendor, password="right", effort=EASY))

    with pytest.raises(PackageSignatureError, match=reason):
        open_key(file, password=password)


def damaged(text: str, place: int, value: bytes) -> str:
    """Return a key's file with some of its bytes replaced."""
    comment, line = text.splitlines()
    raw = bytearray(base64.b64decode(line))
    raw[place : place + len(value)] = value
    return f"{comment}\n{base64.b64encode(bytes(raw)).decode()}\n"


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        pytest.param(0, b"RS", "algorithms", id="signature"),
        pytest.param(2, b"A2", "algorithms", id="encryption"),
        pytest.param(4, b"S2", "algorithms", id="checksum"),
        pytest.param(38, b"\xff" * 8, "1 GiB", id="endless"),
        pytest.param(46, b"\xff" * 8, "1 GiB", id="much-memory"),
    ],
)
def test_a_secret_key_of_another_kind_is_refused(
    vendor: SigningKey, place: int, value: bytes, reason: str
) -> None:
    """Before a password is asked for, and before memory is taken."""
    text = damaged(key_text(vendor, password="x", effort=EASY), place, value)

    with pytest.raises(PackageSignatureError, match=reason):
        parse_key_file(text)


def test_a_damaged_secret_key_signs_nothing(vendor: SigningKey) -> None:
    """A signature made with a wrong half would give the key away."""
    file = parse_key_file(damaged(key_text(vendor, password=None), 54 + 8 + 40, b"\0\0"))

    with pytest.raises(PackageSignatureError, match="do not belong together"):
        open_key(file, password=None)


@pytest.mark.parametrize("text", ["", "a\nb", "untrusted comment: x\nRWQ="])
def test_what_is_no_secret_key_is_refused(text: str) -> None:
    """As an error of ours."""
    with pytest.raises(PackageSignatureError, match="not a secret key"):
        parse_key_file(text)


@pytest.mark.parametrize(
    "comment",
    ["a\nb", "a\n", "x" * 9000, "\x07", "\udcff"],
    ids=["lines", "line-end", "long", "bell", "no-text"],
)
def test_a_comment_that_could_not_be_read_is_not_written(vendor: SigningKey, comment: str) -> None:
    """What is signed can be verified."""
    with pytest.raises(PackageSignatureError):
        sign(CONTENT, vendor, trusted_comment=comment)


def test_nothing_secret_is_shown(vendor: SigningKey) -> None:
    """Neither by a key nor by its file."""
    file = parse_key_file(key_text(vendor, password=None))

    assert str(vendor.seed) not in repr(vendor)
    assert str(file.sealed) not in repr(file)


# -- whatever comes --------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_a_changed_signature_is_never_taken(data: st.DataObject) -> None:
    """One byte of the signed part changed: it is refused, in words of ours."""
    text = bytearray((RECORDED / "vendor.minisig").read_bytes())
    start = text.index(b"\n") + 1
    place = data.draw(st.integers(start, len(text) - 2))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != text[place]))
    text[place] = other

    with pytest.raises(PackageSignatureError):
        verify(CONTENT, bytes(text), keys=[recorded_key("vendor")])


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_noise_is_refused(noise: bytes) -> None:
    """As signature, public key and secret key."""
    text = noise.decode("utf-8", "replace")

    for read, value in (
        (parse_signature, noise),
        (parse_public_key, text),
        (parse_key_file, text),
    ):
        with pytest.raises(PackageSignatureError):
            read(value)  # type: ignore[operator]  # each gets its own kind
