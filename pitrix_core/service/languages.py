"""Names languages: by their tags (RFC 5646), by what browsers ask for, by a system's locale."""

import re
from collections.abc import Mapping
from typing import Final

#: What packages say where they are not translated.
DEFAULT_LANGUAGE: Final = "en"

#: Longest header that is read, in characters, and languages in it: browsers send a handful.
_HEADER_LIMIT: Final = 1000
_RANGES_LIMIT: Final = 50
#: A language with subtags. Source: https://www.rfc-editor.org/rfc/rfc5646#section-2.1, read
#: 2026-08; what the longest of them has is below 36 characters.
_TAG: Final = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,4}")
#: Source: https://www.rfc-editor.org/rfc/rfc9110#section-12.4.2, read 2026-08.
_WEIGHT: Final = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)
#: Settings of a system's language, the strongest first. Source: POSIX.1-2024, 8.2
#: Internationalization Variables.
_LOCALE_SETTINGS: Final = ("LC_ALL", "LC_MESSAGES", "LANG")


def preferred(header: str | None) -> str:
    """Return the language that an ``Accept-Language`` header wants most.

    Of equal wishes the first one counts. What is not understood is left out: a wrong header is no
    reason to refuse a request.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4, read 2026-08.

    :returns: :data:`DEFAULT_LANGUAGE` where it names none, or takes any.
    """
    ranges = (header or "")[:_HEADER_LIMIT].split(",")[:_RANGES_LIMIT]
    wishes = [(_weight(parts), parts[0].strip()) for parts in (r.split(";") for r in ranges)]
    wanted = [(weight, tag) for weight, tag in wishes if weight > 0 and _TAG.fullmatch(tag)]
    return max(wanted, key=lambda wish: wish[0], default=(1.0, DEFAULT_LANGUAGE))[1]


def is_language(tag: str) -> bool:
    """Say whether a text can be the name of a language."""
    return _TAG.fullmatch(tag) is not None


def _weight(parts: list[str]) -> float:
    """Return how much a language is wanted; 0 where that cannot be read."""
    if len(parts) == 1:
        return 1.0
    found = _WEIGHT.fullmatch(parts[1].strip())
    return float(found[1]) if found else 0.0


def language_of(environ: Mapping[str, str]) -> str | None:
    """Return the language of a system's settings: ``zh_CN.UTF-8`` is ``zh-CN``.

    :returns: None where none is set, or only that of programs (``C``).
    """
    found = next((environ[name] for name in _LOCALE_SETTINGS if environ.get(name)), "")
    tag = re.split(r"[.@]", found)[0].replace("_", "-")
    return tag if tag not in {"C", "POSIX"} and _TAG.fullmatch(tag) else None
