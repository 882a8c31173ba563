"""Splits texts and searches into words, the same on every database.

A word is a run of letters and digits, without case and accents. Chinese and Japanese are written
without spaces, so that each of their characters is a word, and what is looked for is a row of them:
any part of a text is found, however short it is. What comes out holds letters and digits only, and
means nothing to a database's own language of searches.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

import attrs

#: Characters of a search that are looked at, and rows of words of them: people type a few.
_SEARCH_LIMIT: Final = 200
_PHRASES_LIMIT: Final = 12
#: Characters of one word that count; PostgreSQL takes 2,046 bytes.
#: Source: https://www.postgresql.org/docs/current/textsearch-limitations.html, read 2026-11.
_WORD_LIMIT: Final = 64
#: Characters of a text that count. PostgreSQL takes 1 MiB for all words of a listing.
_TEXT_LIMIT: Final = 25_000
#: Kana, and the ideographs of the basic and of the supplementary planes.
#: Source: https://www.unicode.org/charts/, read 2026-11.
_UNSPACED: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_IS_UNSPACED: Final = re.compile(rf"[{_UNSPACED}]")
_PART: Final = re.compile(r'"([^"]*)"|([^\s"]+)')


@attrs.frozen
class Phrase:
    """Words that stand beside one another."""

    words: tuple[str, ...]
    #: Whether the last word may go on.
    is_prefix: bool = False


def words_of(text: str) -> list[str]:
    """Return the words of a text, in order; of a long one those at its beginning."""
    plain = _plain(text[:_TEXT_LIMIT])[:_TEXT_LIMIT]  # some letters are many without their form
    return [word[:_WORD_LIMIT] for word in _WORD.findall(plain)]


def phrases_of(text: str) -> tuple[Phrase, ...]:
    """Return what a search asks for, all of which has to be there.

    What stands in quotes is one phrase, and so are the parts of ``redis-cluster``. The last word,
    unless it is in quotes, need not be complete: it is being typed. (But for a single letter, with
    which thousands begin.)

    :returns: nothing where no word is in it.
    """
    found = list(itertools.islice(_phrases(text[:_SEARCH_LIMIT]), _PHRASES_LIMIT))
    return tuple(found)


def _phrases(text: str) -> Iterator[Phrase]:
    parts = list(_PART.finditer(_plain(text)))
    for part in parts:
        quoted, bare = part.groups()
        if quoted is not None:
            rows = [_WORD.findall(quoted)]
        else:  # "mysql数据库" is two things that need not stand together
            each = itertools.groupby(_WORD.findall(bare), key=_is_unspaced)
            rows = [list(row) for _, row in each]
        for row in rows:
            is_open = part is parts[-1] and row is rows[-1] and quoted is None
            if row:
                words = tuple(word[:_WORD_LIMIT] for word in row)
                yield Phrase(words, is_prefix=is_open and len(row[-1]) > 1)


def _is_unspaced(word: str) -> bool:
    return _IS_UNSPACED.match(word) is not None


def _plain(text: str) -> str:
    """Return a text without case, accents, and forms of width."""
    if text.isascii():  # most are, and it takes a tenth of the time
        return text.casefold()
    apart = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare)
