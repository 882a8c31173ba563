"""Compares the translations of a package with the texts that there are to translate."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

import attrs

from pitrix_core.contracts.reader import PackageReader
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonValue
from pitrix_core.package import parse_tolerant, pointer_to
from pitrix_vm.form import CONFIG_FILE, Group
from pitrix_vm.spec import VmSpec
from pitrix_vm.template import JINJA

#: Keys that stand for no text of the package. Source: AppCenter's specification, locale.
_MESSAGES: Final = re.compile(r"err_code-?[0-9]+|notice_when_upgrade")
#: Written in letters that not every language has.
_FOREIGN_LETTERS: Final = re.compile(r"[^\W\d_a-zA-Z]")
_LETTER: Final = re.compile(r"[^\W\d_]")
#: Files that are looked at; there are not many more languages with readers.
_MOST_FILES: Final = 100
#: Texts that a message names; the others are counted.
_NAMED: Final = 3
_NAMED_CHARACTERS: Final = 40


def translation_advice(
    reader: PackageReader, spec: VmSpec, document: JsonValue
) -> Iterator[Finding]:
    """Yield at most two findings for each file of translations: what it lacks, and what it has
    that nothing asks for.

    :param reader: the package the spec was read from.
    :param document: what the template gives.
    """
    shown = tuple(dict.fromkeys(_shown(spec.form.root)))
    # NOTE(logic): a template with conditions may have texts that it does not give with the defaults
    known = None if spec.dialect == JINJA else _known(reader, document)
    for file, language in itertools.islice(_files(reader), _MOST_FILES):
        texts = spec.locales.texts.get(language, {})
        missing = [text for text in shown if text not in texts and _needs(text, language)]
        if missing:
            message = f"{len(missing)} of {len(shown)} labels and descriptions are not translated"
            yield _remark("locale.missing", file, message, missing)
        if known is not None:
            unused = [t for t in texts if t not in known and not _MESSAGES.fullmatch(t)]
            if unused:
                message = f"{len(unused)} of {len(texts)} translations are of no text in use"
                remark = _remark("locale.unused", file, message, unused)
                yield attrs.evolve(remark, pointer=pointer_to(unused[:1]))


def _files(reader: PackageReader) -> Iterator[tuple[str, str]]:
    """Yield the files of translations with their languages, as the form's reader calls them."""
    for file in sorted(reader.index.files):
        path = PurePosixPath(file)
        if str(path.parent) == "locale" and path.suffix == ".json":
            yield file, path.stem.strip().lower().replace("_", "-")


def _shown(group: Group) -> Iterator[str]:
    """Yield the labels and descriptions below a group, in the order of the form."""
    for member in group.members:
        yield from (text for text in (member.label, member.description) if _LETTER.search(text))
        if isinstance(member, Group):
            yield from _shown(member)


def _needs(text: str, language: str) -> bool:
    """Say whether a text is not written in a language already, as far as its letters tell.

    Labels are written in English, or in the language of the authors. A text in plain letters needs
    no translation into English; one in other letters is taken to be in the language that has them.
    """
    is_foreign = _FOREIGN_LETTERS.search(text) is not None
    return is_foreign if language.split("-", 1)[0] == "en" else not is_foreign


def _known(reader: PackageReader, document: JsonValue) -> frozenset[str]:
    """Return every text and name of the form and of the cluster."""
    form = parse_tolerant(reader.read_text(CONFIG_FILE), file=CONFIG_FILE).value
    return frozenset(_texts((form, document)))


def _texts(values: Iterable[JsonValue]) -> Iterator[str]:
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            yield from value
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        elif value is not None:
            yield str(value)


def _remark(code: str, file: str, message: str, texts: list[str]) -> Finding:
    named = ", ".join(repr(_short(text)) for text in texts[:_NAMED])
    more = ", …" if len(texts) > _NAMED else ""
    return Finding(level=Level.INFO, code=code, message=f"{message}: {named}{more}", file=file)


def _short(text: str) -> str:
    return text if len(text) <= _NAMED_CHARACTERS else text[:_NAMED_CHARACTERS] + "…"
