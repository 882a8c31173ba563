"""Pictures of strangers are shown only if they are pictures, of a size, and safe."""

import struct
import zlib

import pytest

from pitrix_core.catalog.pictures import checked_picture
from pitrix_core.errors import InvalidInputError


def png(width: int = 1, height: int = 1) -> bytes:
    """A PNG as far as its size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk


def jpeg(width: int = 1, height: int = 1) -> bytes:
    """A JPEG as far as its size, with a segment of something else before it."""
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width)
    return b"\xff\xd8\xff\xe0\x00\x04ab" + frame + b"\x03"


def webp(kind: bytes, body: bytes) -> bytes:
    """A WebP as far as its size."""
    return b"RIFF\x00\x00\x00\x00WEBP" + kind + b"\x00\x00\x00\x00" + body


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1"/></svg>'


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        pytest.param(png(), "image/png", id="png"),
        pytest.param(jpeg(), "image/jpeg", id="jpeg"),
        pytest.param(b"GIF89a" + struct.pack("<HH", 1, 1), "image/gif", id="gif"),
        pytest.param(webp(b"VP8X", b"\0" * 10), "image/webp", id="webp-extended"),
        pytest.param(webp(b"VP8L", b"\x2f" + b"\0" * 4), "image/webp", id="webp-lossless"),
        pytest.param(webp(b"VP8 ", b"\0" * 6 + b"\1\0\1\0"), "image/webp", id="webp"),
        pytest.param(SVG, "image/svg+xml", id="svg"),
    ],
)
def test_a_picture_is_known_by_its_content(content: bytes, media_type: str) -> None:
    """Whatever its name or its server says."""
    assert checked_picture(content).media_type == media_type


def test_pixels_are_passed_on_as_they_are() -> None:
    """Nothing is drawn anew."""
    assert checked_picture(png(64, 64)).content == png(64, 64)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(50_000, 50_000), id="png-that-fills-memory"),
        pytest.param(jpeg(60_000, 1), id="jpeg-that-fills-memory"),
        pytest.param(png(0, 1), id="without-width"),
        pytest.param(png()[:18], id="png-that-is-cut-off"),
        pytest.param(jpeg()[:9], id="jpeg-that-is-cut-off"),
        pytest.param(b"\xff\xd8\xff" + b"\0" * 20, id="jpeg-of-nothing"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html><body>404</body></html>", id="a-page"),
        pytest.param(b"MZ\x90\x00", id="a-program"),
        pytest.param(b"\x89PNG", id="the-beginning-of-a-beginning"),
    ],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    """With an error of ours, whatever it is."""
    with pytest.raises(InvalidInputError, match="picture"):
        checked_picture(content)
