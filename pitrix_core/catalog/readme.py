"""Readmes of packages: found in a language, and turned from Markdown into HTML that is safe."""

import functools
import html
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs
import nh3
from markdown_it import MarkdownIt

from pitrix_core.contracts.reader import PackageReader

#: ``README.md``, and translations of it: ``README.zh-CN.md``, ``README_zh-CN.md``.
_FILE: Final = re.compile(
    r"readme(?:[._-]([a-z]{2,3}(?:[-_][a-z0-9]{2,8})*))?\.(?:md|markdown)", re.IGNORECASE
)
#: Characters of a readme that are shown; the longest ones of real charts have some 200,000.
_LIMIT: Final = 200_000
#: Where links may lead. Pictures are left out: they would tell others who reads what.
_SCHEMES: Final = frozenset({"http", "https", "mailto"})
_TEXT: Final = """
    a abbr b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd li ol
    p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr tt ul var
"""
_TAGS: Final = frozenset(_TEXT.split())
_ATTRIBUTES: Final[Mapping[str, set[str]]] = {
    "a": {"href", "title"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
}
_REL: Final = "nofollow noopener noreferrer"


@attrs.frozen(kw_only=True)
class Readme:
    """What a package says about itself at length."""

    #: As it was asked for, or empty for the package's own language.
    language: str
    #: As written.
    markdown: str
    #: Safe to show anywhere: no script, style, form or picture; links lead to the web or to mail.
    html: str


def readme_text(reader: PackageReader, *, language: str = "") -> tuple[str, str]:
    """Return a package's readme and its language; two empty texts where it has none.

    :param language: the wanted one; the package's own (empty) where it has no such translation.
    """
    files: dict[str, str] = {}
    for path in sorted(reader.index.files):
        found = _FILE.fullmatch(path)
        if found:
            files.setdefault((found[1] or "").casefold().replace("_", "-"), path)
    for tag in (language.casefold(), language.casefold().partition("-")[0], ""):
        if tag in files:
            content = reader.read_bytes(files[tag]).decode("utf-8-sig", "replace")
            return content[:_LIMIT], tag
    return "", ""


def rendered(markdown: str) -> str:
    """Return Markdown as safe HTML."""
    return nh3.clean(
        _markdown().render(markdown),
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_kept,
        url_schemes=set(_SCHEMES),
        link_rel=_REL,
    )


def _kept(tag: str, name: str, value: str) -> str | None:
    """Leave out links to files beside the readme: they are not here."""
    scheme = value.partition(":")[0].strip().casefold()
    return value if name != "href" or scheme in _SCHEMES else None


@functools.cache
def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.add_render_rule("image", _described)
    return parser


def _described(_self: Any, tokens: Any, at: int, _options: Any, _env: Any) -> str:
    """Return what a picture is described as."""
    return html.escape(tokens[at].content)
