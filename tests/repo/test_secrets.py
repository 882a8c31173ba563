"""Nothing that opens a door comes with the code: no key, no certificate, no password of its own."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("agents", "bench", "docs", "examples", "pitrix_core", "plugins", "tests")
SCHEMAS: Final = sorted((ROOT / "agents/protocol/schemas").rglob("*.json"))

_PEM: Final = re.compile(r"-----BEGIN [A-Z ]+-----(.*?)-----END [A-Z ]+-----", re.DOTALL)
#: The shortest key or certificate of any use is longer.
_LEAST_BYTES: Final = 40


def _written() -> Iterator[Path]:
    """List what people wrote: neither environments nor what was built."""
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            parts = path.relative_to(ROOT).parts
            is_made = any(part.startswith((".", "__pycache__")) for part in parts)
            if path.is_file() and not is_made:
                yield path


def _holds_one(text: str) -> bool:
    """Say whether a text has a key or a certificate in it that is more than an example's shape."""
    for content in _PEM.findall(text.replace("\\n", "\n")):
        try:
            if len(base64.b64decode("".join(content.split()), validate=True)) >= _LEAST_BYTES:
                return True
        except binascii.Error:
            continue
    return False


def test_no_key_and_no_certificate_come_with_the_code() -> None:
    """Each installation and each Frontgate makes its own."""
    texts = {path: path.read_bytes().decode(errors="replace") for path in _written()}

    assert ROOT / "pitrix_core/wiring.py" in texts
    assert [str(path) for path, text in texts.items() if _holds_one(text)] == []


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_secret_of_the_protocol_has_a_default(path: Path) -> None:
    """Whoever leaves one out is refused."""
    defaults = dict(_defaults(json.loads(path.read_text())))

    assert not {"password", "token", "enrolment", "key", "ca"} & defaults.keys()


def _defaults(schema: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        if "default" in schema and name:
            yield name, schema["default"]
        for member, value in schema.items():
            yield from _defaults(value, member)
    elif isinstance(schema, list):
        for value in schema:
            yield from _defaults(value)
