"""Makes SVG pictures of strangers safe to show: only what draws is kept, and nothing leads outside.

A picture is parsed and written anew from a list of elements and attributes; what is not on it is
left out with all that is in it. Scripts, animations, foreign objects, pictures in the picture,
patterns and filters (which can be made to take for ever) are not on it. Links lead to parts of the
picture itself.

Source of names: https://www.w3.org/TR/SVG2/eltindex.html and attindex.html, read 2026-11.
"""

import re
import xml.etree.ElementTree as ET  # only builds and writes; defusedxml parses
from collections.abc import Iterator
from typing import Final

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from pitrix_core.errors import InvalidInputError

_SVG: Final = "http://www.w3.org/2000/svg"
_XLINK_HREF: Final = "{http://www.w3.org/1999/xlink}href"
#: Elements within one another, and all of them; drawings of people stay far below.
_DEPTH: Final = 40
_ELEMENTS: Final = 20_000

_DRAWS: Final = """
    circle clipPath defs desc ellipse g line linearGradient marker mask path polygon polyline
    radialGradient rect stop style svg symbol text textPath title tspan use
"""
_SAYS_HOW: Final = """
    class clip-path clip-rule clipPathUnits color cx cy d display dominant-baseline dx dy fill
    fill-opacity fill-rule font-family font-size font-style font-weight fr fx fy gradientTransform
    gradientUnits height href id letter-spacing marker-end marker-mid marker-start markerHeight
    markerUnits markerWidth mask maskContentUnits maskUnits offset opacity orient overflow
    pathLength points preserveAspectRatio r refX refY rotate rx ry shape-rendering spreadMethod
    startOffset stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap
    stroke-linejoin stroke-miterlimit stroke-opacity stroke-width style text-anchor textLength
    transform vector-effect version viewBox visibility width word-spacing x x1 x2 y y1 y2
"""
_ELEMENT_NAMES: Final = frozenset(_DRAWS.split())
_ATTRIBUTES: Final = frozenset(_SAYS_HOW.split())
#: In these, what refers to others is left out: a few levels of it draw billions of shapes.
_ONCE: Final = frozenset({"clipPath", "marker", "mask"})
_REFERRING: Final = frozenset(
    {"clip-path", "mask", "marker-start", "marker-mid", "marker-end", "href"}
)
_LOCAL: Final = re.compile(r"#[\w.-]{1,200}")
_LOCAL_URL: Final = re.compile(r"url\(\s*[\"']?#[\w.-]{1,200}[\"']?\s*\)", re.IGNORECASE)
#: What CSS fetches or runs things with, and what hides it.
#: Source: https://www.w3.org/TR/css-syntax-3/#consume-escaped-code-point and
#: https://www.w3.org/TR/css-values-4/#urls, read 2026-11.
_UNSAFE_CSS: Final = re.compile(
    r"[@\\<&]|/\*|url|image|src\s*\(|expression|script|behavior|binding|animation|transition|filter"
    r"|mask|clip-path|marker",
    re.IGNORECASE,
)


def clean_svg(content: bytes) -> bytes:
    """Return a picture with only what is safe.

    :raises InvalidInputError: it is no SVG, declares entities, or is beyond all measure.
    """
    try:
        root = defusedxml.ElementTree.fromstring(content, forbid_entities=True)
    except (ET.ParseError, DefusedXmlException, ValueError, LookupError) as ex:
        raise InvalidInputError(f"The picture cannot be read as SVG: {type(ex).__name__}.") from ex
    if root.tag not in (f"{{{_SVG}}}svg", "svg"):
        raise InvalidInputError("The picture is no SVG.")
    if sum(1 for _ in root.iter()) > _ELEMENTS:
        raise InvalidInputError(f"The picture has more than {_ELEMENTS} elements.")
    cleaned = _cleaned(root, depth=0, is_inside=False)
    _drop_uses_of_uses(cleaned)
    cleaned.set("xmlns", _SVG)
    written: bytes = ET.tostring(cleaned, encoding="utf-8")
    return written


def _cleaned(element: ET.Element, *, depth: int, is_inside: bool) -> ET.Element:
    """Return a copy of what is safe of an element.

    :param is_inside: whether it is in one that must not refer to others.
    """
    name = _name(element)
    is_inside = is_inside or name in _ONCE
    cleaned = ET.Element(name, dict(_attributes(element, is_inside=is_inside)))
    cleaned.text, cleaned.tail = element.text, element.tail
    for child in element if depth < _DEPTH else ():
        if _name(child) == "style" and not _is_safe_css("".join(child.itertext())):
            continue
        if _name(child) in _ELEMENT_NAMES and not (is_inside and _name(child) == "use"):
            cleaned.append(_cleaned(child, depth=depth + 1, is_inside=is_inside))
    return cleaned


def _name(element: ET.Element) -> str:
    """Return the name of an element of SVG; of comments and other languages none that is known."""
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag.removeprefix(f"{{{_SVG}}}")


def _attributes(element: ET.Element, *, is_inside: bool) -> Iterator[tuple[str, str]]:
    for key, value in element.attrib.items():
        name = "href" if key == _XLINK_HREF else key
        if name not in _ATTRIBUTES or (is_inside and name in _REFERRING):
            continue
        if _LOCAL.fullmatch(value) if name == "href" else _is_safe_value(name, value):
            yield name, value


def _is_safe_value(name: str, value: str) -> bool:
    if name == "style":
        return _is_safe_css(value)
    return not re.search(r"url|[\\<&]|/\*", _LOCAL_URL.sub("", value), re.IGNORECASE) or name in (
        "id",
        "class",
    )


def _is_safe_css(text: str) -> bool:
    return not _UNSAFE_CSS.search(_LOCAL_URL.sub("none", text))


def _drop_uses_of_uses(root: ET.Element) -> None:
    """Leave out what repeats what repeats others: ten levels of ten draw billions of shapes."""
    repeating = {
        element.get("id")
        for element in root.iter()
        if element.get("id") and any(part.tag == "use" for part in element.iter("use"))
    }
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == "use" and child.get("href", "#")[1:] in repeating:
                parent.remove(child)
