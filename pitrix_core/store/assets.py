"""Pictures of apps: checked content by its digest, and which app shows what."""

import datetime as dt
import functools
from typing import Final

import attrs
import sqlalchemy as sa

from pitrix_core.errors import NotFoundError
from pitrix_core.package import digest_of
from pitrix_core.store import tables
from pitrix_core.store.engine import insert_once
from pitrix_core.store.search import picture_path

#: Characters of a problem that are kept.
_PROBLEM_LIMIT: Final = 500


@attrs.frozen(kw_only=True)
class Asset:
    """A picture that was checked."""

    media_type: str
    content: bytes = attrs.field(repr=False)

    @functools.cached_property
    def digest(self) -> str:
        """Tells it from other pictures."""
        return digest_of(self.content)


class AssetRepository:
    """What apps look like."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def show(self, app_id: str, place: int, *, source: str, asset: Asset) -> None:
        """Store a picture, and have an app show it, unless it wants another one by now.

        :param place: 0 for the icon, else the number of a screenshot.
        """
        insert_once(
            self._connection,
            tables.assets,
            digest=asset.digest,
            media_type=asset.media_type,
            content=asset.content,
            created_at=self._now,
        )
        self._write(app_id, place, source, digest=asset.digest, problem=None)

    def give_up(self, app_id: str, place: int, *, source: str, problem: str) -> None:
        """Write down why a picture is not there."""
        self._write(app_id, place, source, digest=None, problem=problem[:_PROBLEM_LIMIT])

    def picture(self, app_id: str, place: int) -> Asset:
        """Return a picture of an app.

        :raises NotFoundError: it has none, or none that could be read yet; says why.
        """
        columns = tables.app_pictures.c
        query = (
            sa.select(columns.problem, tables.assets.c.media_type, tables.assets.c.content)
            .outerjoin(tables.assets, tables.assets.c.digest == columns.digest)
            .where(columns.app_id == app_id, columns.place == place)
        )
        row = self._connection.execute(query).one_or_none()
        if row is None or row.content is None:
            why = "" if row is None or row.problem is None else f": {row.problem}"
            raise NotFoundError(f"The app has no such picture{why}".rstrip(".") + ".")
        return Asset(media_type=row.media_type, content=row.content)

    def screenshots(self, app_id: str) -> tuple[str, ...]:
        """Return where the screenshots of an app are, as paths of the API."""
        columns = tables.app_pictures.c
        query = (
            sa.select(columns.place, columns.digest)
            .where(columns.app_id == app_id, columns.place > 0, columns.digest.is_not(None))
            .order_by(columns.place)
        )
        rows = self._connection.execute(query)
        return tuple(picture_path(app_id, row.place, row.digest) for row in rows)

    def _write(self, app_id: str, place: int, source: str, **values: str | None) -> None:
        columns = tables.app_pictures.c
        self._connection.execute(
            tables.app_pictures.update()
            .where(columns.app_id == app_id, columns.place == place, columns.source == source)
            .values(**values)
        )
