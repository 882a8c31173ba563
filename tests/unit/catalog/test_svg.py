"""Of an SVG only what draws is kept."""

import pytest

from pitrix_core.catalog.svg import clean_svg
from pitrix_core.errors import InvalidInputError

_OPEN = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'viewBox="0 0 8 8">'
)


def cleaned(inside: str) -> str:
    """What is left of a picture with this in it."""
    return clean_svg(f"{_OPEN}{inside}</svg>".encode()).decode()


@pytest.mark.parametrize(
    "kept",
    [
        '<path d="M0 0h1" fill="#f00" />',
        '<g transform="rotate(3)"><circle cx="1" cy="1" r="1" /></g>',
        '<rect width="1" height="1" fill="url(#sky)" />',
        '<rect width="1" height="1" style="fill:url(#sky);stroke:red" />',
        '<text x="1" y="2">Größe</text>',
        '<use href="#dot" />',
        "<style>.cls-1{fill:#fff}</style>",
        '<linearGradient id="sky"><stop offset="0" stop-color="red" /></linearGradient>',
    ],
)
def test_what_draws_is_kept(kept: str) -> None:
    """As it was written."""
    assert kept in cleaned(kept)


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '<path onload="alert(1)" d="M0 0"/>',
        '<foreignObject><iframe src="//evil"/></foreignObject>',
        '<image href="https://evil/x.png"/>',
        '<image xlink:href="data:image/svg+xml;base64,evil"/>',
        '<a href="javascript:alert(1)"><path d="evil"/></a>',
        '<use xlink:href="https://evil/x.svg#a"/>',
        '<use href="data:evil#a"/>',
        '<animate attributeName="href" to="javascript:evil"/>',
        '<set attributeName="onload" to="evil"/>',
        '<path style="fill:url(https://evil/x)"/>',
        '<path fill="url(https://evil/x)"/>',
        '<path fill="u\\72l(//evil)"/>',
        "<style>@import 'https://evil/x.css';</style>",
        "<style>path{background:u\\72l(//evil)}</style>",
        '<style>path{background:image-set("//evil" 1x)}</style>',
        "<style>/*<![CDATA[*/evil{}/*]]>*/</style>",
        '<pattern id="p"><path d="evil"/></pattern>',
        '<filter id="f"><feImage href="//evil"/></filter>',
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml">evil</x:script>',
        '<handler xmlns:ev="http://www.w3.org/2001/xml-events" ev:event="load">evil</handler>',
        "<metadata>evil</metadata>",
        "<!-- evil -->",
        "<?evil?>",
        '<path xml:base="https://evil/"/>',
    ],
)
def test_what_does_more_is_left_out(evil: str) -> None:
    """With all that is in it."""
    left = cleaned(evil)

    assert "evil" not in left
    assert "alert" not in left


def test_shapes_do_not_multiply() -> None:
    """What repeats what repeats others is left out; a repetition alone stays."""
    levels = "".join(
        f'<g id="a{level + 1}">' + f'<use href="#a{level}"/>' * 10 + "</g>" for level in range(1, 9)
    )

    left = cleaned(f'<g id="a1"><path d="M0 0"/></g>{levels}<use href="#a9"/>')

    assert 'href="#a1"' in left
    assert 'href="#a2"' not in left


def test_masks_do_not_multiply() -> None:
    """What is in a mask refers to no others."""
    left = cleaned('<mask id="b"><path mask="url(#a)" d="M0 0"/><use href="#a"/></mask>')

    assert "#a" not in left


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<svg", id="cut-off"),
        pytest.param(b"<html xmlns='http://www.w3.org/1999/xhtml'/>", id="a-page"),
        pytest.param(
            b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>',
            id="entities",
        ),
        pytest.param(
            b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
            id="entity-of-a-file",
        ),
        pytest.param(b"<svg>" + b"<g/>" * 30_000 + b"</svg>", id="too-many-elements"),
        pytest.param(b'<?xml version="1.0" encoding="nothing"?><svg/>', id="unknown-encoding"),
        pytest.param(b"\xff\xfe<\x00s\x00", id="other-bytes"),
    ],
)
def test_what_cannot_be_read_is_refused(content: bytes) -> None:
    """With an error of ours."""
    with pytest.raises(InvalidInputError):
        clean_svg(content)


def test_depth_has_an_end() -> None:
    """What is beyond it is left out, and nothing breaks."""
    depth = 9_000

    left = clean_svg((_OPEN + "<g>" * depth + "</g>" * depth + "</svg>").encode())

    assert left.count(b"<g") < 50


def test_cleaning_a_clean_picture_changes_nothing() -> None:
    """What was written can be read."""
    once = clean_svg(f'{_OPEN}<path d="M0 0h1" fill="url(#a)"/></svg>'.encode())

    assert clean_svg(once) == once
