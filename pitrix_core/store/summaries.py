"""Summaries: what an app's versions make of it; its latest one speaks for it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import attrs
import sqlalchemy as sa

from pitrix_core.model import AppInfo
from pitrix_core.model.lifecycle import VersionState
from pitrix_core.package import Version
from pitrix_core.store.texts import Text
from pitrix_core.store.words import words_of

#: Characters of a name, a keyword or a maintainer's name that count.
_TERM_LIMIT: Final = 255
#: Of one app, of each kind: nobody browses by the hundredth keyword.
_TERMS: Final = 32
#: Pictures of one app beside its icon.
_SCREENSHOTS: Final = 8
#: Characters of a picture's address that are kept. Source: what browsers take, about 2,000.
_SOURCE_LIMIT: Final = 2_048


def term_of(text: str) -> str:
    """Return a keyword, a category's or a maintainer's name as it is compared: ``big-data``."""
    words = "-".join(text[:_TERM_LIMIT].casefold().split())[:_TERM_LIMIT]
    return "".join(letter for letter in words if letter.isprintable())


def is_address(source: str) -> bool:
    """Say whether a picture is somewhere on the network, and not in the package."""
    return source.casefold().startswith(("http://", "https://"))


@attrs.frozen(kw_only=True)
class Summary:
    """An app with what its versions make of it."""

    app: sa.Row[Any]
    #: Newest first.
    versions: Sequence[sa.Row[Any]]
    latest: sa.Row[Any] | None
    info: AppInfo

    @property
    def sort_name(self) -> str:
        """The name as it is sorted and compared."""
        return " ".join(words_of(self.app.name))[:_TERM_LIMIT]

    def pictures(self) -> dict[int, str]:
        """Return where the icon (0) and the screenshots are, as far as they can be read."""
        is_read = self.latest is not None and self.latest.app_type is not None
        sources = [self.info.icon, *self.info.screenshots[:_SCREENSHOTS]]
        return {
            place: source
            for place, source in enumerate(sources)
            if 0 < len(source) <= _SOURCE_LIMIT
            and source.isprintable()
            and (is_read or is_address(source))
        }


def is_offered(row: sa.Row[Any]) -> bool:
    """Say whether everybody who sees the app can deploy a version."""
    return row.state == VersionState.ACTIVE and not row.removed_at and not row.is_unreadable


def newest_first(rows: Iterable[sa.Row[Any]]) -> list[sa.Row[Any]]:
    """Return versions by their order as versions."""
    return sorted(rows, key=lambda row: Version.parse(row.version), reverse=True)


def latest_of(versions: Sequence[sa.Row[Any]]) -> sa.Row[Any] | None:
    """Return the newest release on offer; a pre-release only where there is no other."""
    offered = [row for row in versions if is_offered(row)]
    releases = (row for row in offered if not Version.parse(row.version).prerelease)
    return next(releases, next(iter(offered), None))


def unknown_info(app: sa.Row[Any]) -> AppInfo:
    """Return what is known of an app without a version."""
    return AppInfo(name=app.name, version="", description=app.description)


def own_words(info: AppInfo) -> list[str]:
    """Return what a package says it is of: its categories, and keywords."""
    return [term_of(word) for word in (*info.categories, *info.keywords)]


def terms_of(seen: Summary) -> Iterator[tuple[str, str]]:
    """Yield what an app is filtered by, as kind and value, but for its categories."""
    yield "repo", seen.app.repo_id
    if seen.latest is not None and seen.latest.app_type is not None:
        yield "app_type", seen.latest.app_type
    for kind, texts in (
        ("keyword", seen.info.keywords),
        ("named", seen.info.categories),
        ("maintainer", _maintainers(seen.info)),
    ):
        yield from ((kind, term) for text in texts[:_TERMS] if (term := term_of(text)))


def _maintainers(info: AppInfo) -> list[str]:
    names = (maintainer.get("name") for maintainer in info.maintainers)
    return [name for name in names if isinstance(name, str)]


def text_of(seen: Summary, *, number: int, readme: str) -> Text:
    """Return what an app is found by.

    :param number: of its listing.
    """
    info = seen.info
    about = (info.description or seen.app.description, *_maintainers(info)[:_TERMS])
    return Text(
        number=number,
        name=seen.app.name,
        title=info.title,
        keywords=" ".join((*info.keywords[:_TERMS], *info.categories[:_TERMS])),
        about=" ".join(about),
        readme=readme,
    )
