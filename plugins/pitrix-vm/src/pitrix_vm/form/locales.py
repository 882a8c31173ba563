"""``locale/*.json``: labels and descriptions of a package in other languages.

A file is named after its language and maps a text as the package has it to its translation. Beside
labels and descriptions there are the messages of commands that fail (``err_code<N>``) and the note
before an upgrade (``notice_when_upgrade``).
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

import attrs

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.package import parse_tolerant

_FOLDER: Final = PurePosixPath("locale")
#: Asked where there is no translation into the language that was asked for.
_FALLBACK: Final = "en"
_CODE: Final = "form.locale"


@attrs.frozen(kw_only=True)
class Locales:
    """The translations of a package."""

    #: Language in small letters, such as ``zh-cn`` → text → translation.
    texts: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)
    #: What its author should know, none of it of level error.
    findings: tuple[Finding, ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages there are translations into."""
        return tuple(sorted(self.texts))

    def into(self, language: str) -> "Translator":
        """Return what translates into a language.

        ``zh-CN`` finds ``zh-cn``, then ``zh``, then another ``zh-…``; what is not translated there
        is taken from ``en``, then as it is.

        :param language: a tag of RFC 5646, in small or capital letters.
        """
        chain = dict.fromkeys(name for name in (self._nearest(language), _FALLBACK) if name)
        return Translator(tuple(self.texts[name] for name in chain if name in self.texts))

    def _nearest(self, language: str) -> str | None:
        wanted = _normal(language)
        base = wanted.split("-")[0]
        others = (name for name in self.languages if name.startswith(f"{base}-"))
        return next((name for name in (wanted, base, *others) if name in self.texts), None)


@attrs.frozen
class Translator:
    """Translates texts into one language, as far as it can."""

    _chain: tuple[Mapping[str, str], ...]

    def __call__(self, text: str) -> str:
        """Return the translation of a text, or the text."""
        return next((texts[text] for texts in self._chain if texts.get(text)), text)


def read_locales(reader: PackageReader) -> Locales:
    """Read every ``locale/*.json``; one that cannot be read is left out with a finding."""
    texts: dict[str, Mapping[str, str]] = {}
    findings: list[Finding] = []
    for file in sorted(reader.index.files):
        path = PurePosixPath(file)
        if path.parent != _FOLDER or path.suffix != ".json":
            continue
        try:
            read = parse_tolerant(reader.read_text(file), file=file)
        except PackageInvalidError as ex:
            findings += [attrs.evolve(found, level=Level.WARNING) for found in ex.findings]
            continue
        findings += [*read.findings, *_odd(read.value, file)]
        texts[_normal(path.stem)] = _usable(read.value)
    return Locales(texts=texts, findings=tuple(findings))


def _normal(language: str) -> str:
    return language.strip().lower().replace("_", "-")


def _usable(value: Any) -> Mapping[str, str]:
    items = value.items() if isinstance(value, Mapping) else ()
    return {text: translation for text, translation in items if isinstance(translation, str)}


def _odd(value: Any, file: str) -> list[Finding]:
    """Say what of a file is no translation."""
    if not isinstance(value, Mapping):
        message = "this should be an object: text → translation; left out"
        return [Finding(level=Level.WARNING, code=_CODE, message=message, file=file)]
    odd = [text for text, translation in value.items() if not isinstance(translation, str)]
    if not odd:
        return []
    message = f"{len(odd)} translations are no texts, the first one of {odd[0][:80]!r}; left out"
    return [Finding(level=Level.WARNING, code=_CODE, message=message, file=file)]
