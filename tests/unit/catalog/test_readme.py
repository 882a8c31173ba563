"""Readmes are shown as HTML that does nothing but be read."""

from collections.abc import Mapping

import attrs
import pytest

from pitrix_core.catalog.readme import readme_text, rendered
from pitrix_core.model import PackageIndex


@attrs.frozen
class Package:
    """A package of some files."""

    files: Mapping[str, bytes]

    @property
    def index(self) -> PackageIndex:
        return PackageIndex(files={path: len(content) for path, content in self.files.items()})

    def read_bytes(self, path: str) -> bytes:
        return self.files[path]


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        pytest.param("# A\n\n*b*", "<h1>A</h1>\n<p><em>b</em></p>\n", id="text"),
        pytest.param("|a|\n|-|\n|b|", "<td>b</td>", id="table"),
        pytest.param(
            "[a](https://b.example)",
            '<a href="https://b.example" rel="nofollow noopener noreferrer">a</a>',
            id="link",
        ),
        pytest.param("<b>a</b>", "<b>a</b>", id="html"),
    ],
)
def test_markdown_is_rendered(markdown: str, html: str) -> None:
    """With tables, and links that say nothing of where they were."""
    assert html in rendered(markdown)


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>evil()</script>",
        "<a href='JaVaScRiPt:evil()'>a</a>",
        "<a href='&#106;avascript:evil()'>a</a>",
        "<a href='java\nscript:evil()'>a</a>",
        "[a](//evil/x)",
        "[a](evil.md)",
        "![a](https://evil/pixel.png)",
        "<img src=x onerror=evil()>",
        "<iframe src='https://evil'></iframe>",
        "<form action='https://evil'><input name=evil></form>",
        "<p style='background:url(//evil)' onclick='evil()'>a</p>",
        "<style>evil{}</style>",
        "<svg><script>evil()</script></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=evil()>",
        "<!-- evil -->",
        "<base href='https://evil/'>",
        "<meta http-equiv=refresh content='0;url=//evil'>",
        "[a]: evil:x 'b'\n\n[a]",
    ],
)
def test_what_does_more_than_be_read_is_left_out(markdown: str) -> None:
    """Scripts, styles, frames, forms, pictures, and links that lead to none of the web."""
    assert "evil" not in rendered(markdown)


@pytest.mark.parametrize("address", ["javascript:evil()", "data:text/html,evil", "vbscript:evil"])
def test_a_link_that_does_something_stays_text(address: str) -> None:
    """As it was written."""
    assert rendered(f"[a]({address})") == f"<p>[a]({address})</p>\n"


def test_a_picture_is_told_by_its_description() -> None:
    """Which is text."""
    assert rendered("![a <b>](https://x/y.png)") == "<p>a &lt;b&gt;</p>\n"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        pytest.param("en", "own", id="its-own"),
        pytest.param("zh-CN", "chinese", id="translated"),
        pytest.param("de-AT", "german", id="of-the-language-without-the-country"),
        pytest.param("fr", "own", id="not-translated"),
    ],
)
def test_a_readme_is_found_in_a_language(language: str, text: str) -> None:
    """As far as the package is translated, however the file is written."""
    package = Package(
        {
            "README.md": b"own",
            "readme_zh-CN.md": b"chinese",
            "README.de.markdown": b"german",
            "docs/README.fr.md": b"elsewhere",
        }
    )

    assert readme_text(package, language=language)[0] == text


def test_a_package_without_a_readme_has_none() -> None:
    """And other files are none."""
    assert readme_text(Package({"NOTREADME.md": b"a", "readme.txt": b"b"})) == ("", "")


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    """A readme need not be UTF-8."""
    assert readme_text(Package({"README.md": b"\xef\xbb\xbfa\xff"}))[0] == "a\ufffd"


@pytest.mark.parametrize(
    "piece", ["[", "*a ", ">", "<b>", "**", "[a](", "- ", "<", "&", "`", "![", "|"], ids=repr
)
def test_no_readme_keeps_a_process_busy(piece: str) -> None:
    """The longest one of the strangest pieces ends, and is HTML."""
    assert rendered(piece * (20_000 // len(piece)))
