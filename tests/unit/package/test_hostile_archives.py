"""Archives such as no packer writes: read or refused in words of ours, in little memory."""

import gzip
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import archives
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitrix_core.errors import PackageArchiveError, PackageInvalidError
from pitrix_core.package import Limits, read_archive

MIB = 1024 * 1024
FILE = archives.tar_part(b"app/package.json", b"{}")
LONG = b"app/" + b"n" * 150

#: The same examples on every run: what was found once is found again.
mutating = settings(max_examples=2000, deadline=None, derandomize=True, database=None)


# -- what some packers write -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        pytest.param([archives.tar_part(b"app/x", b"{}")], "x", id="posix"),
        pytest.param([archives.tar_part(b"app/x", b"{}", kind=b"\0")], "x", id="before-posix"),
        pytest.param([archives.tar_part(b"app/x", b"{}", kind=b"7")], "x", id="contiguous"),
        pytest.param(
            [archives.tar_header(b"x", size=2, prefix=b"app/deep") + b"{}" + bytes(510)],
            "deep/x",
            id="prefix",
        ),
        pytest.param(
            [
                archives.tar_header(b"app/x", size=2, prefix=b"1234", magic=b"ustar  \0")
                + b"{}"
                + bytes(510)
            ],
            "x",
            id="times-of-gnu-are-no-prefix",
        ),
        pytest.param(
            [
                archives.tar_header(b"app/x", size_field=b"\x80" + bytes(10) + b"\x02")
                + b"{}"
                + bytes(510)
            ],
            "x",
            id="binary-size",
        ),
        pytest.param(
            [archives.tar_header("app/é".encode(), size=2, is_signed=True) + b"{}" + bytes(510)],
            "é",
            id="signed-checksum",
        ),
        pytest.param(
            [archives.tar_part(b"././@LongLink", LONG + b"\0", kind=b"L"), FILE],
            "n" * 150,
            id="gnu-long-name",
        ),
        pytest.param([archives.pax({b"path": LONG}), FILE], "n" * 150, id="pax-path"),
        pytest.param(
            [archives.pax({b"size": b"2"}), archives.tar_header(b"app/x"), b"{}", bytes(510)],
            "x",
            id="pax-size",
        ),
        pytest.param(
            [archives.pax({b"mtime": b"1.5", b"SCHILY.xattr.a": b"\xff\n=" * 99}), FILE],
            "package.json",
            id="attributes",
        ),
        pytest.param(
            [archives.pax({b"comment": b"a" * 40}, kind=b"g"), FILE], "package.json", id="git"
        ),
        pytest.param(
            [archives.tar_part(b"._app", b"\0\5\x16\7"), archives.tar_part(b"app/._x", b""), FILE],
            "package.json",
            id="macos",
        ),
        pytest.param(
            [archives.tar_header(b"app/", kind=b"\0"), FILE], "package.json", id="old-folder"
        ),
    ],
)
def test_what_packers_write_is_read(parts: list[bytes], path: str) -> None:
    """In every dialect of tar."""
    package = read_archive(archives.gzipped(*parts))

    assert package.files == {path: b"{}"}


def test_joined_gzip_files_are_one() -> None:
    """Some packers work on several pieces at the same time."""
    whole = FILE + bytes(1024)
    joined = b"".join(gzip.compress(whole[at : at + 100]) for at in range(0, len(whole), 100))

    assert read_archive(joined + bytes(700)).files == {"package.json": b"{}"}


def test_a_tar_may_end_without_a_mark() -> None:
    """Some are cut to their last member."""
    assert read_archive(gzip.compress(FILE)).files == {"package.json": b"{}"}


def test_a_zip_that_was_streamed_is_read() -> None:
    """Its sizes stand behind each member."""
    content = archives.zip_streamed({"app/package.json": b"{}"})

    assert read_archive(content).files == {"package.json": b"{}"}


def test_a_zip_of_the_large_kind_is_read() -> None:
    """Its sizes have 64 bits."""
    content = archives.zip_large({"app/package.json": b"{}"})

    assert read_archive(content).files == {"package.json": b"{}"}


# -- what nobody should write ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        pytest.param([archives.tar_header(b"x", kind=b"S")], "only plain", id="sparse"),
        pytest.param(
            [archives.pax({b"GNU.sparse.major": b"1"}), FILE], "only plain", id="sparse-by-pax"
        ),
        pytest.param([archives.tar_header(b"x", kind=b"V")], "only plain", id="volume"),
        pytest.param(
            [archives.tar_part(b"x", b"y", kind=b"K"), archives.tar_header(b"x", kind=b"2")],
            "links are not",
            id="long-link",
        ),
        pytest.param(
            [archives.pax({b"path": b"x"}, kind=b"g"), FILE], "every member", id="global-path"
        ),
        pytest.param(
            [archives.pax({b"a": b"x" * 70_000}), FILE], "bytes of attributes", id="huge-value"
        ),
        pytest.param(
            [archives.tar_header(b"x", size=MIB, kind=b"L")], "bytes of attributes", id="huge-name"
        ),
        pytest.param([archives.pax({b"path": b"x"})], "ends before the member", id="about-nothing"),
        pytest.param([archives.pax({b"path": b"a\0b"}), FILE], "control", id="nul"),
        pytest.param([archives.pax({b"path": b"a/../b"}), FILE], "upwards", id="upwards"),
        pytest.param([archives.pax({b"path": b"\xff"}), FILE], "not UTF-8", id="latin-1"),
        pytest.param([archives.pax({b"size": b"-1"}), FILE], "no number", id="negative-by-pax"),
        pytest.param([archives.pax({b"size": b"9" * 30}), FILE], "no number", id="endless-by-pax"),
        pytest.param([archives.pax({b"size": b"9" * 15}), FILE], "allowed", id="large-by-pax"),
        pytest.param([archives.tar_header(b"x", size_field=b"\xff" * 12)], "number", id="negative"),
        pytest.param(
            [archives.tar_header(b"x", size_field=b"\x80" + b"\xff" * 11)], "allowed", id="large"
        ),
        pytest.param([archives.tar_header(b"x", size_field=b"0x000000009\0")], "number", id="hex"),
        pytest.param([FILE, FILE], "already", id="twice"),
        pytest.param([FILE, bytes(1024), FILE], "after its end", id="behind-the-end"),
        pytest.param([archives.tar_header(b"x", size=99_999)], "in the middle", id="lying-size"),
    ],
)
def test_a_tar_that_misleads_is_refused(parts: list[bytes], reason: str) -> None:
    """By what is wrong with it."""
    with pytest.raises(PackageArchiveError, match=reason):
        read_archive(archives.gzipped(*parts))


@pytest.mark.parametrize(
    "text",
    [
        b"5 a=b",
        b"x a=b\n",
        b"99 a=b\n",
        b"6 abc\n",
        b"0 a=b\n",
        b"1 \n",
        b" a=b\n",
        b"000000006 a=b\n",
    ],
)
def test_an_extended_header_that_is_none_is_refused(text: bytes) -> None:
    """Its lengths lead nowhere else."""
    content = archives.gzipped(archives.tar_part(b"x", text, kind=b"x"), FILE)

    with pytest.raises(PackageArchiveError, match="extended header is none"):
        read_archive(content)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        pytest.param([("a", b""), ("a", b"")], "already", id="twice"),
        pytest.param([("a/x", b""), ("A", b"")], "already", id="folder-of-another-case"),
        pytest.param([("\u00e9", b""), ("e\u0301", b"")], "already", id="same-when-composed"),
        pytest.param([("C:x", b"")], "Windows", id="drive"),
        pytest.param([("a\\..\\b", b"")], "Windows", id="backslash"),
        pytest.param([("a/" * 40 + "b", b"")], "deeper", id="deep"),
        pytest.param([("a" * 2000, b"")], "longer than 1024", id="long"),
    ],
)
def test_a_zip_that_misleads_is_refused(files: list[tuple[str, bytes]], reason: str) -> None:
    """By what is wrong with it."""
    with pytest.raises(PackageArchiveError, match=reason):
        read_archive(bytes(archives.zip_bytes(files)))


def test_a_zip_of_two_names_for_one_member_is_refused() -> None:
    """The directory says one thing, and the member another: tools differ in what they believe."""
    content = archives.zip_bytes([("abc", b"x")])
    renamed = bytes(content).replace(b"abc", b"xyz", 1)

    with pytest.raises(PackageArchiveError, match="damaged"):
        read_archive(renamed)


def test_a_zip_whose_members_lie_on_one_another_is_refused() -> None:
    """A small file would unpack again and again."""
    content = archives.zip_bytes([("a", b"x" * 1000), ("b", b"")], method=0)
    packed_size = content.rindex(b"PK\x01\x02") + 20
    content[packed_size : packed_size + 4] = (1000).to_bytes(4, "little")

    with pytest.raises(PackageArchiveError, match="larger than itself"):
        read_archive(bytes(content))


# -- memory and work -------------------------------------------------------------------------------


@contextmanager
def at_most(limit_bytes: int) -> Iterator[None]:
    """Fail where what is inside takes more memory than that."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit_bytes


def many_headers(make: Callable[[int], bytes], count: int) -> bytes:
    """Return a tar of many members."""
    return archives.gzipped(*(make(number) for number in range(count)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(
            gzip.compress(bytes(60 * MIB)), "unpacks to more", id="of-zeros-behind-the-end"
        ),
        pytest.param(
            archives.gzipped(
                FILE, *[archives.tar_part(b"x%d" % n, bytes(4 * MIB)) for n in range(9)]
            ),
            "unpacks to more",
            id="of-files",
        ),
        pytest.param(
            many_headers(lambda n: archives.pax({b"a%d" % n: b"x" * 60_000}), 150),
            "more attributes",
            id="of-headers",
        ),
        pytest.param(
            many_headers(lambda n: archives.tar_header(b"d%d/" % n, kind=b"5"), 300),
            "more than 200",
            id="of-folders",
        ),
        pytest.param(
            gzip.compress(FILE) + gzip.compress(b"") * 5000, "joined from more", id="of-gzip-files"
        ),
        pytest.param(
            bytes(archives.zip_bytes((f"a{n}", b"") for n in range(300))),
            "more than 200 members",
            id="of-entries",
        ),
        pytest.param(
            bytes(archives.zip_bytes((f"a{n}", bytes(4 * MIB)) for n in range(9))),
            "unpacks to more",
            id="of-zipped-files",
        ),
    ],
)
def test_a_bomb_goes_off_in_little_memory(content: bytes, reason: str) -> None:
    """What is too much is noticed before it is there."""
    limits = Limits(files=100, ratio_free_bytes=4 * MIB, total_bytes=8 * MIB)

    with at_most(16 * MIB), pytest.raises(PackageArchiveError, match=reason):
        read_archive(content, limits=limits)


def test_attributes_are_limited_together() -> None:
    """Each of them may be long, and not all."""
    content = many_headers(
        lambda n: archives.pax({b"a": b"x" * 60_000}) + archives.tar_part(b"%d" % n, b""), 150
    )

    with at_most(16 * MIB), pytest.raises(PackageArchiveError, match="more attributes"):
        read_archive(content)


def test_a_directory_without_end_is_not_read() -> None:
    """A zip's directory would become a record for each entry, before any could be counted."""
    content = b"PK\x03\x04" + (b"PK\x01\x02" + bytes(42)) * 100_000

    with at_most(2 * MIB), pytest.raises(PackageArchiveError, match="more than 20000 members"):
        read_archive(content)


def test_folders_are_limited_by_themselves() -> None:
    """A few thousand long paths would name hundreds of thousands of them."""
    parts = [archives.tar_part(b"%d/a/b/c/d/e/f" % n, b"") for n in range(99)]

    with pytest.raises(PackageArchiveError, match="more than 200 folders"):
        read_archive(archives.gzipped(*parts), limits=Limits(files=100))


# -- whatever comes --------------------------------------------------------------------------------

SEEDS = [
    archives.tar({"app/package.json": b'{"name": "app"}', "app/" + "é" * 80: b"long"}),
    b"".join([archives.pax({b"path": LONG, b"size": b"2"}), FILE, bytes(1024)]),
    b"".join([archives.tar_part(b"././@LongLink", LONG, kind=b"L"), FILE, bytes(1024)]),
    bytes(archives.zip_bytes([("app/package.json", b'{"name": "app"}'), ("app/x", b"y" * 99)])),
    bytes(archives.zip_bytes([("app/package.json", b"{}"), ("app/x", b"y")], method=0)),
    archives.zip_streamed({"app/package.json": b"{}"}),
    archives.zip_large({"app/package.json": b"{}"}),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return an archive with bytes changed, pieces doubled, moved or cut away."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    is_tar = content[:2] != b"PK"
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content) - 1))
        end = min(len(content), place + draw(st.sampled_from([1, 2, 4, 8, 46, 512, 1024])))
        match draw(st.sampled_from(["byte", "bytes", "double", "cut", "move", "end"])):
            case "byte":
                content[place] = draw(st.integers(0, 255))
            case "bytes":
                content[place:end] = draw(st.sampled_from([b"\xff", b"\0", b"7", b"/", b"."])) * (
                    end - place
                )
            case "double":
                content[place:place] = content[place:end]
            case "cut":
                del content[place:end]
            case "move":
                content = content[end:] + content[place:end] + content[:place]
            case "end":
                del content[max(place, 4) :]
        if not content:
            break
    packed = gzip.compress(bytes(content), compresslevel=1) if is_tar else bytes(content)
    return packed[: draw(st.sampled_from([len(packed), len(packed) - 1, len(packed) // 2]))]


def outcome(content: bytes) -> object:
    """Return the files that are read, or the refusal in words of ours."""
    try:
        package = read_archive(content)
        package.read_json(next(iter(package.files)))
    except (PackageArchiveError, PackageInvalidError) as ex:
        return str(ex)
    return package.files


@mutating
@given(mutated())
def test_nothing_but_our_errors_escapes(content: bytes) -> None:
    """However an archive is mutated, reading it ends with a package or a refusal."""
    assert outcome(content)


@mutating
@given(
    kind=st.binary(min_size=1, max_size=1),
    name=st.binary(max_size=100),
    size=st.binary(min_size=12, max_size=12),
    more=st.binary(max_size=600),
)
def test_a_header_may_say_anything(kind: bytes, name: bytes, size: bytes, more: bytes) -> None:
    """With a right checksum, and with text of any kind behind it."""
    header = archives.tar_header(name, kind=kind, size_field=size)
    extended = archives.tar_part(name, more, kind=kind)

    for content in (archives.gzipped(header, more), archives.gzipped(extended, FILE)):
        assert outcome(content)


@mutating
@given(st.binary(max_size=600))
def test_random_bytes_are_refused(noise: bytes) -> None:
    """Noise behind a magic number is refused as what it is."""
    for magic in (b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"PK\x05\x06", b""):
        with pytest.raises(PackageArchiveError):
            read_archive(magic + noise)
