"""Agents are made small enough for user-data, and stay what they are."""

import base64
import hashlib
import io
import lzma
import subprocess
import sys
import zipfile

import pytest

from pitrix_core.pilot.packing import packed

#: Everything that looks like a comment or a docstring, and code around it.
SOURCE = '''\
#!/usr/bin/env python3
"""A module's docstring, # no comment in it,
over two lines."""  # after it

from __future__ import annotations  # why

import traceback


class Empty:
    """Nothing but this."""


def where() -> int:
    """Return the line
    this is called on.
    """
    # a comment of its own
    return traceback.extract_stack()[-2].lineno  # one behind


TEXT = """kept # as it is
ünïcödé"""; "a statement"  # gone
VALUES = [  # inside
    "# no comment",  # one
    f"{where()} # no comment",
]
print(where(), VALUES, TEXT, Empty.__name__)
'''


def unpacked(archive: bytes) -> bytes:
    """Return what a machine makes of the text."""
    made = packed(archive)
    content = lzma.decompress(base64.b85decode(made.text))
    assert hashlib.sha256(content).hexdigest() == made.sha256
    return content


def archive_of(**members: str) -> bytes:
    """Return a zip file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name.replace("__dot__", "."), text)
    return target.getvalue()


def lean(source: str) -> str:
    """Return a source as it arrives."""
    with zipfile.ZipFile(io.BytesIO(unpacked(archive_of(m__dot__py=source)))) as file:
        return file.read("m.py").decode()


def said_by(source: str) -> str:
    """Return what a program prints."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", source],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


def test_code_does_the_same_on_the_same_lines() -> None:
    """Tracebacks of an agent that was carried inside name the lines of its source."""
    assert said_by(lean(SOURCE)) == said_by(SOURCE)


@pytest.mark.parametrize("word", ["docstring", "why", "comment of its own", "one behind", "gone"])
def test_what_is_only_there_to_be_read_goes(word: str) -> None:
    """It would take a quarter of the room of a drone, and more of a Frontgate."""
    assert word in SOURCE
    assert word not in lean(SOURCE)


def test_an_agent_that_is_no_zip_file_is_only_compressed() -> None:
    """Whoever brings one knows why."""
    assert unpacked(b"\x7fELF something") == b"\x7fELF something"


def test_the_same_archive_gives_the_same_text() -> None:
    """Two runners make the same user-data."""
    archive = archive_of(b="two", a="one")

    assert packed(archive) == packed(archive_of(a="one", b="two"))
