"""The words of listings, to be searched: FTS5 on SQLite, a ``tsvector`` on PostgreSQL.

Both hold the same words (:mod:`pitrix_core.store.words`) under the same weights, and neither is
given anything that its own language of searches could take for more than words.

Sources: https://www.sqlite.org/fts5.html and
https://www.postgresql.org/docs/current/textsearch-controls.html, read 2026-11.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core.store.words import Phrase, words_of

#: Columns of FTS5's table, and how much a word in each counts beside one in the readme.
_WEIGHTS: Final[Mapping[str, float]] = {
    "name": 16.0,
    "title": 16.0,
    "keywords": 8.0,
    "about": 4.0,
    "readme": 1.0,
}
_OF_NAMES: Final = "{name title}"
#: PostgreSQL has four weights; names have the first one to themselves.
_LABELS: Final[Mapping[str, str]] = {
    "name": "A",
    "title": "A",
    "keywords": "B",
    "about": "C",
    "readme": "D",
}
_RANKS: Final = "{0.06, 0.25, 0.5, 1.0}"  # of D, C, B, A
#: Divides a rank by 1 + the logarithm of a text's length.
_BY_LENGTH: Final = 1
#: Words of a text beyond which PostgreSQL counts no places, and places it keeps of one word.
#: Source: https://www.postgresql.org/docs/current/textsearch-limitations.html, read 2026-11.
_PLACES: Final = 16_383
_PLACES_OF_ONE: Final = 255


@attrs.frozen(kw_only=True)
class Text:
    """What a listing is found by."""

    number: int
    name: str
    title: str
    keywords: str
    #: Description, maintainers, and other words about it.
    about: str
    readme: str

    def words(self) -> dict[str, list[str]]:
        """Return the words of each part."""
        return {part: words_of(getattr(self, part)) for part in _WEIGHTS}


class SqliteTexts:
    """A virtual table of FTS5; a trigger removes a text with its listing."""

    def __init__(self, connection: sa.Connection) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection

    def put(self, texts: Iterable[Text]) -> None:
        """Store texts, each instead of the one its listing had."""
        columns = ", ".join(_WEIGHTS)
        values = ", ".join(f":{part}" for part in _WEIGHTS)
        insert = f"INSERT OR REPLACE INTO app_texts (rowid, {columns}) VALUES (:number, {values})"  # noqa: S608  # our own names
        rows = [
            {"number": text.number, **{part: " ".join(w) for part, w in text.words().items()}}
            for text in texts
        ]
        if rows:
            self._connection.execute(sa.text(insert), rows)

    def matches(self, phrases: Sequence[Phrase]) -> "sa.Select[Any]":
        """Return the query of ``number``, ``in_names`` and ``score`` of what has all the phrases.

        Of two matches the one with the lower ``score`` is better.
        """
        table = sa.table("app_texts", sa.column("rowid", sa.Integer))
        itself: sa.ColumnClause[Any] = sa.literal_column("app_texts")
        asked = " AND ".join(_fts5(phrase) for phrase in phrases)
        in_names = sa.select(table.c.rowid).where(itself.op("MATCH")(f"{_OF_NAMES} : ({asked})"))
        return sa.select(
            table.c.rowid.label("number"),
            table.c.rowid.in_(in_names).label("in_names"),
            sa.func.bm25(itself, *_WEIGHTS.values(), type_=sa.Double).label("score"),
        ).where(itself.op("MATCH")(asked))


class PostgresqlTexts:
    """A table with a ``tsvector``; a foreign key removes a text with its listing."""

    def __init__(self, connection: sa.Connection) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection

    def put(self, texts: Iterable[Text]) -> None:
        """Store texts, each instead of the one its listing had."""
        insert = sa.text(
            "INSERT INTO app_texts (number, document) VALUES (:number, CAST(:document AS tsvector))"
            " ON CONFLICT (number) DO UPDATE SET document = EXCLUDED.document"
        )
        rows = [{"number": text.number, "document": _tsvector(text)} for text in texts]
        if rows:
            self._connection.execute(insert, rows)

    def matches(self, phrases: Sequence[Phrase]) -> "sa.Select[Any]":
        """Return the query that :meth:`SqliteTexts.matches` returns."""
        table = sa.table("app_texts", sa.column("number", sa.BigInteger), sa.column("document"))
        document = table.c.document
        asked = _tsquery(phrases)
        ranks: sa.ColumnClause[Any] = sa.literal_column(f"'{_RANKS}'::real[]")
        rank = sa.cast(sa.func.ts_rank(ranks, document, asked, _BY_LENGTH), sa.Double)
        return sa.select(
            table.c.number,
            document.op("@@", return_type=sa.Boolean())(_tsquery(phrases, "A")).label("in_names"),
            (-rank).label("score"),
        ).where(document.op("@@", return_type=sa.Boolean())(asked))


def texts_on(connection: sa.Connection) -> SqliteTexts | PostgresqlTexts:
    """Return the texts of a database."""
    is_sqlite = connection.dialect.name == "sqlite"
    return SqliteTexts(connection) if is_sqlite else PostgresqlTexts(connection)


def _fts5(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.words)}"' + (" *" if phrase.is_prefix else "")


def _tsquery(phrases: Sequence[Phrase], label: str = "") -> "sa.Cast[Any]":
    text = " & ".join(_tsquery_of(phrase, label) for phrase in phrases)
    return sa.cast(sa.literal(text), _TsQuery())


def _tsquery_of(phrase: Phrase, label: str) -> str:
    marks = [label] * (len(phrase.words) - 1) + [("*" if phrase.is_prefix else "") + label]
    words = [
        f"'{word}'" + (f":{mark}" if mark else "")
        for word, mark in zip(phrase.words, marks, strict=True)
    ]
    return f"({' <-> '.join(words)})"


def _tsvector(text: Text) -> str:
    """Return a text in PostgreSQL's notation: ``'redis':1A,7D 'cache':2B``."""
    places: dict[str, list[str]] = {}
    place = itertools.count(1)
    for part, words in text.words().items():
        for word in words:
            of_word = places.setdefault(word, [])
            at = next(place)
            if at <= _PLACES and len(of_word) < _PLACES_OF_ONE:
                of_word.append(f"{at}{_LABELS[part]}")
        next(place)  # no phrase goes from one part into the next
    return " ".join(f"'{word}':{','.join(at)}" for word, at in places.items() if at)


class _TsQuery(sa.types.UserDefinedType[str]):
    """PostgreSQL's type of searches."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name it."""
        return "tsquery"
