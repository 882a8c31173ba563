"""The words of listings, to be searched: FTS5 on SQLite, a ``tsvector`` on PostgreSQL.

Both hold the same words (:mod:`pitrix_core.store.words`) under the same weights, and neither is
given anything that its own language of searches could take for more than words.

Sources: https://www.sqlite.org/fts5.html and
https://www.postgresql.org/docs/current/textsearch-controls.html, read 2026-11.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

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

#: Makes of a column of listings' numbers the condition that these are looked for.
Among: TypeAlias = "Callable[[sa.ColumnElement[Any]], sa.ColumnElement[bool]]"
#: Matches that are ranked.
LOOKED_AT: Final = 2_000


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

    def matches(self, phrases: Sequence[Phrase], among: Among) -> "sa.Select[Any]":
        """Return the query of ``number``, ``rank`` and ``score`` of what has all the phrases.

        Those that have them in their names have a rank of 1, others of 2. Of two of one rank, the
        one with the lower score is better. At most :data:`LOOKED_AT` of each rank are looked at: a
        word that more apps have says little of them.

        :param among: makes of a column of numbers the condition that these are looked for.
        """
        asked = " AND ".join(_fts5(phrase) for phrase in phrases)
        named = self._match(f"{_OF_NAMES} : ({asked})", among)
        return _ranked(named, self._match(asked, among))

    def _match(self, asked: str, among: Among) -> "sa.Select[Any]":
        table = sa.table("app_texts", sa.column("rowid", sa.Integer))
        itself: sa.ColumnClause[Any] = sa.literal_column("app_texts")
        score = sa.func.bm25(itself, *_WEIGHTS.values(), type_=sa.Double)
        return sa.select(table.c.rowid.label("number"), score.label("score")).where(
            itself.op("MATCH")(asked), among(table.c.rowid)
        )


class PostgresqlTexts:
    """A table with words as ``tsvector``; a foreign key removes a text with its listing."""

    def __init__(self, connection: sa.Connection) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection

    def put(self, texts: Iterable[Text]) -> None:
        """Store texts, each instead of the one its listing had."""
        insert = sa.text(
            "INSERT INTO app_texts (number, names, document) VALUES "
            "(:number, CAST(:names AS tsvector), CAST(:document AS tsvector)) "
            "ON CONFLICT (number) DO UPDATE "
            "SET names = EXCLUDED.names, document = EXCLUDED.document"
        )
        rows = []
        for text in texts:
            words = text.words()
            names = {part: words[part] for part in ("name", "title")}
            rows.append(
                {"number": text.number, "names": _tsvector(names), "document": _tsvector(words)}
            )
        if rows:
            self._connection.execute(insert, rows)

    def matches(self, phrases: Sequence[Phrase], among: Among) -> "sa.Select[Any]":
        """Return the query that :meth:`SqliteTexts.matches` returns."""
        named = self._match("names", phrases, among)
        return _ranked(named, self._match("document", phrases, among))

    def _match(self, column: str, phrases: Sequence[Phrase], among: Among) -> "sa.Select[Any]":
        table = sa.table("app_texts", sa.column("number", sa.BigInteger), sa.column(column))
        asked = sa.cast(" & ".join(map(_tsquery_of, phrases)), _TsQuery())
        ranks: sa.ColumnClause[Any] = sa.literal_column(f"'{_RANKS}'::real[]")
        score = sa.cast(sa.func.ts_rank(ranks, table.c[column], asked, _BY_LENGTH), sa.Double)
        return sa.select(table.c.number, (-score).label("score")).where(
            table.c[column].op("@@", return_type=sa.Boolean())(asked), among(table.c.number)
        )


def _ranked(named: "sa.Select[Any]", others: "sa.Select[Any]") -> "sa.Select[Any]":
    first = named.limit(LOOKED_AT).cte("named").prefix_with("MATERIALIZED")
    second = others.limit(LOOKED_AT).cte("others").prefix_with("MATERIALIZED")
    in_names = sa.select(first.c.number, sa.literal(1).label("rank"), first.c.score)
    elsewhere = sa.select(second.c.number, sa.literal(2).label("rank"), second.c.score).where(
        second.c.number.not_in(sa.select(first.c.number))
    )
    return sa.select(sa.union_all(in_names, elsewhere).subquery("matches"))


def texts_on(connection: sa.Connection) -> SqliteTexts | PostgresqlTexts:
    """Return the texts of a database."""
    is_sqlite = connection.dialect.name == "sqlite"
    return SqliteTexts(connection) if is_sqlite else PostgresqlTexts(connection)


def _fts5(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.words)}"' + (" *" if phrase.is_prefix else "")


def _tsquery_of(phrase: Phrase) -> str:
    words = [f"'{word}'" for word in phrase.words]
    return f"({' <-> '.join(words)}{':*' if phrase.is_prefix else ''})"


def _tsvector(parts: Mapping[str, Sequence[str]]) -> str:
    """Return words in PostgreSQL's notation: ``'redis':1A,7D 'cache':2B``."""
    places: dict[str, list[str]] = {}
    place = itertools.count(1)
    for part, words in parts.items():
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
