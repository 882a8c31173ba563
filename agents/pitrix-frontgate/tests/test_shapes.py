"""The hand-written shapes say the same as the protocol's schemas."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from protocol_schemas import VERSIONS, examples, title

from pitrix_frontgate import config, frames, shapes
from pitrix_frontgate.errors import ConfigError, FrameError

COMING: Final[Mapping[str, Mapping[str, shapes.Check]]] = {
    "metadata.put": shapes.METADATA_PUT,
    "metadata.delete": shapes.METADATA_DELETE,
    "command.run": shapes.COMMAND_RUN,
    "tls.put": shapes.TLS_PUT,
    "etcd.members": shapes.ETCD_MEMBERS,
}
GOING: Final[Mapping[str, Mapping[str, shapes.Check]]] = {
    "node-status": shapes.NODE_STATUS,
    "node-health": shapes.NODE_HEALTH,
    "node-measures": shapes.NODE_MEASURES,
    "command-result": shapes.COMMAND_RESULT,
    "node.enrolment": shapes.NODE_ENROLMENT,
}
#: What a Frontgate takes all the same: faults between members, which it passes on for the Pilot to
#: judge, members that it does not know, which a later version may have, and outputs as long as
#: only a later version has them.
PASSED_OVER: Final = {
    "configured-from-nothing",
    "done-without-exit-code",
    "enrolled-without-credential",
    "refused-without-reason",
    "misspelt-member",
    "too-long-output",
}


def _examples(kind: str, *names: str) -> list[Path]:
    return [path for version in VERSIONS for path in examples(version, kind, *names)]


def _findings(path: Path) -> list[str]:
    body = json.loads(path.read_text())
    return shapes.open_findings(body, {**COMING, **GOING}[path.parent.name])


@pytest.mark.parametrize("example", _examples("valid", *COMING, *GOING), ids=title)
def test_a_valid_example_has_no_finding(example: Path) -> None:
    """What the schema accepts is accepted."""
    findings = _findings(example)

    assert findings == []


@pytest.mark.parametrize(
    "example",
    [path for path in _examples("invalid", *COMING, *GOING) if path.stem not in PASSED_OVER],
    ids=title,
)
def test_an_invalid_example_has_a_finding(example: Path) -> None:
    """What the schema rejects is rejected, with a pointer to the place."""
    findings = _findings(example)

    assert len(findings) == 1
    assert findings[0].startswith("/")


@pytest.mark.parametrize("example", _examples("valid", "frontgate-config"), ids=title)
def test_a_valid_configuration_is_read(example: Path) -> None:
    """Each valid example is a configuration."""
    loaded = config.load(example)

    assert loaded.frontgate_id == "fg-1"


@pytest.mark.parametrize("example", _examples("invalid", "frontgate-config"), ids=title)
def test_an_invalid_configuration_is_refused(example: Path) -> None:
    """The error names the file and the place in it, and never the token or the enrolment."""
    with pytest.raises(ConfigError) as caught:
        config.load(example)

    assert str(caught.value).startswith(f"{example}: /")
    assert "an-example-" not in str(caught.value)


@pytest.mark.parametrize("example", _examples("valid", "frame"), ids=title)
def test_a_valid_frame_survives_decoding_and_encoding(example: Path) -> None:
    """Every frame of the protocol can be read and written."""
    frame = frames.decode(example.read_text())

    assert json.loads(frames.encode(frame)) == json.loads(example.read_text())


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        pytest.param("2028-02-29T23:59:59Z", True, id="leap-day"),
        pytest.param("2028-02-29T23:59:59.5Z", True, id="with-a-part-of-a-second"),
        pytest.param("2026-02-29T00:00:00Z", False, id="no-such-day"),
        pytest.param("2026-13-01T00:00:00Z", False, id="no-such-month"),
        pytest.param("2026-11-23T25:00:00Z", False, id="no-such-hour"),
        pytest.param("0000-01-01T00:00:00Z", False, id="no-such-year"),
        pytest.param("2026-11-23T12:00:00", False, id="without-its-zone"),
    ],
)
def test_times_are_such_as_can_be_reckoned_with(text: str, is_one: bool) -> None:
    """A form does not tell: a certificate that ends on no day would end the next start."""
    assert shapes.is_time(text) is is_one


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id":"a b","type":"x","body":{}}', "[" * 9999])
def test_what_is_no_frame_is_refused(text: str) -> None:
    """Whatever a peer sends, the answer is one kind of error."""
    with pytest.raises(FrameError):
        frames.decode(text)


def test_a_long_key_still_gives_a_frame_id() -> None:
    """Ids stay within the protocol's limit, and tell revisions and keys apart."""
    ids = {
        frames.report_id(f"/c/{'c' * 64}/reports/{'n' * 64}/results/{name}", revision, "0badcafe")
        for name in ("a", "b")
        for revision in (1, 2)
    }

    assert len(ids) == 4
    assert all(shapes.is_frame_id(each) for each in ids)
