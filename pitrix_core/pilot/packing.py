"""Makes an agent's archive small enough to be carried in user-data, as text.

The archive is taken apart, since xz makes less of one file than of many that are compressed
already; comments and docstrings go, but not their lines, so that the places in a traceback stay
right.
"""

import base64
import hashlib
import io
import lzma
import tokenize
import zipfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from pitrix_core.pilot.userdata import PackedAgent

#: The first time that a zip file can hold.
_TIME: Final = (1980, 1, 1, 0, 0, 0)
#: Tokens after which a statement begins.
_BEGINNINGS: Final = frozenset(
    {tokenize.ENCODING, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
)
_SPACE: Final = frozenset({tokenize.NL, tokenize.COMMENT})


def packed(archive: bytes) -> PackedAgent:
    """Return an archive as text; one that is no zip file is only compressed."""
    content = _lean_archive(archive) if zipfile.is_zipfile(io.BytesIO(archive)) else archive
    squeezed = lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)
    return PackedAgent(
        text=base64.b85encode(squeezed).decode("ascii"),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _lean_archive(archive: bytes) -> bytes:
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as source,
        zipfile.ZipFile(target, "w") as lean,
    ):
        for name in sorted(source.namelist()):
            content = source.read(name)
            is_code = name.endswith(".py")
            lean.writestr(zipfile.ZipInfo(name, _TIME), _lean_code(content) if is_code else content)
    return target.getvalue()


def _lean_code(source: bytes) -> bytes:
    """Return code that does the same, on the same lines, without what is only there to be read."""
    lines = io.StringIO(source.decode("utf-8")).readlines()
    tokens = list(tokenize.tokenize(io.BytesIO(source).readline))
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    # A comment may follow a docstring on its line: the last goes first, and places stay true.
    for token in sorted((*comments, *_docstrings(tokens)), key=_place, reverse=True):
        _blank(lines, token)
    return "".join(lines).encode("utf-8")


def _place(token: tokenize.TokenInfo) -> tuple[int, int]:
    return token.start


def _docstrings(tokens: Iterable[tokenize.TokenInfo]) -> Iterator[tokenize.TokenInfo]:
    """Find statements that are nothing but a text."""
    code = [token for token in tokens if token.type not in _SPACE]
    for (before, token), (_token, after) in pairwise(pairwise(code)):
        is_statement = before.type in _BEGINNINGS and after.type == tokenize.NEWLINE
        if is_statement and token.type == tokenize.STRING:
            yield token


def _blank(lines: list[str], token: tokenize.TokenInfo) -> None:
    (first, begin), (last, end) = token.start, token.end
    rest = lines[last - 1][end:]
    # A block may hold nothing but its docstring: an empty one stays.
    stand_in = '""' if token.type == tokenize.STRING else ""
    kept = lines[first - 1][:begin] + stand_in
    lines[first - 1] = kept + rest if first == last else kept + "\n"
    lines[first:last] = ["\n"] * (last - first)
