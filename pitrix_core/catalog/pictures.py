"""Checks pictures of strangers: of what kind one is by its content, how large, and how safe."""

import io
import struct
from typing import Final

from pitrix_core.catalog.svg import clean_svg
from pitrix_core.errors import InvalidInputError
from pitrix_core.store.assets import Asset

#: Largest picture that is read, in bytes. Source: the largest icons of the charts that Artifact Hub
#: lists are some hundred KiB; screenshots take more.
ICON_LIMIT_BYTES: Final = 512 * 1024
SCREENSHOT_LIMIT_BYTES: Final = 2 * 1024 * 1024
#: Pixels of a side: a small file can hold a picture that fills a browser's memory.
_SIDE_LIMIT: Final = 8_192

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_GIF: Final = (b"GIF87a", b"GIF89a")
_JPEG: Final = b"\xff\xd8\xff"
#: Segments of JPEG that begin a picture, and hold its size.
#: Source: ITU-T T.81, table B.1; C4, C8 and CC are others.
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def checked_picture(content: bytes) -> Asset:
    """Return a picture as it can be shown.

    :raises InvalidInputError: it is none that browsers show, or not a safe one.
    """
    try:
        found = _bitmap(content)
    except (struct.error, IndexError) as ex:
        raise InvalidInputError("The picture is cut off.") from ex
    if found is None:
        return Asset(media_type="image/svg+xml", content=clean_svg(content))
    media_type, width, height = found
    if not (0 < width <= _SIDE_LIMIT and 0 < height <= _SIDE_LIMIT):
        raise InvalidInputError(
            f"The picture has {width} by {height} pixels; at most {_SIDE_LIMIT} a side are shown."
        )
    return Asset(media_type=media_type, content=content)


def _bitmap(content: bytes) -> tuple[str, int, int] | None:
    """Return the type, width and height of a picture of pixels; None for anything else."""
    if content.startswith(_PNG):
        return ("image/png", *struct.unpack_from(">II", content, 16))
    if content.startswith(_GIF):
        return ("image/gif", *struct.unpack_from("<HH", content, 6))
    if content.startswith(_JPEG):
        height, width = _jpeg_size(content)
        return "image/jpeg", width, height
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ("image/webp", *_webp_size(content))
    return None


def _jpeg_size(content: bytes) -> tuple[int, int]:
    stream = io.BytesIO(content)
    stream.seek(2)
    while True:
        mark, kind, length = struct.unpack(">BBH", stream.read(4))
        if mark != 0xFF or length < 2:  # noqa: PLR2004  # a length counts its own two bytes
            raise InvalidInputError("The picture is no JPEG.")
        if kind in _JPEG_FRAMES:
            height, width = struct.unpack(">xHH", stream.read(5))
            return height, width
        stream.seek(length - 2, io.SEEK_CUR)


def _webp_size(content: bytes) -> tuple[int, int]:
    """Return width and height.

    Source: https://developers.google.com/speed/webp/docs/riff_container, read 2026-11.
    """
    if content[12:16] == b"VP8X":
        low = struct.unpack_from("<HBHB", content, 24)
        return 1 + low[0] + (low[1] << 16), 1 + low[2] + (low[3] << 16)
    if content[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF
