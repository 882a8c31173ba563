"""Sort the catalogue: categories, and what is put into them by hand."""

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from pitrix_core.errors import ConflictError, InvalidInputError
from pitrix_core.model.access import Action, Actor
from pitrix_core.service.access import require_allowed, require_everywhere
from pitrix_core.service.languages import is_language
from pitrix_core.service.names import require_name
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction, new_id
from pitrix_core.store.categories import Category
from pitrix_core.store.search import Listing
from pitrix_core.store.summaries import term_of
from pitrix_core.validation import pointer_to

#: Of one category: languages, and characters of each title.
_LANGUAGES: Final = 50
_TITLE: Final = 200
#: Of one app, or of all apps of a repo.
_AT_ONCE: Final = 20
_TAG: Final = "Write it as browsers do: en, zh-CN."


@attrs.frozen(kw_only=True)
class CategoryInput:
    """A category, as it is to be."""

    #: As packages name it: lower case, with dashes for blanks.
    name: str
    #: Id or name of the category above it, which is at the top itself; None for one at the top.
    parent: str | None = None
    #: Language → what people read.
    titles: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class CategoriesInput:
    """Which categories something is in."""

    #: Ids or names; empty to leave it to the package, or to the repo.
    categories: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class RepoCategories:
    """Which categories a repo's apps are in that say nothing themselves."""

    repo_id: str
    categories: tuple[str, ...]


def search(services: Services, actor: Actor) -> list[Category]:
    """Return every category, by name."""
    with services.store.read() as tx:
        return tx.categories.all()


def get(services: Services, actor: Actor, category_id: str) -> Category:
    """Return a category by id or name.

    :raises NotFoundError: there is none.
    """
    with services.store.read() as tx:
        return tx.categories.get(category_id)


def add(services: Services, actor: Actor, data: CategoryInput) -> Category:
    """Make a category; apps whose packages name it are in it at once.

    :raises ForbiddenError: the actor may not.
    :raises InvalidInputError: the name or a title cannot be one, or the parent is below another.
    :raises NotFoundError: there is no such parent.
    :raises ConflictError: the name is taken.
    """
    require_everywhere(actor, Action.APPS_SORT)
    _require_sound(data)
    with services.store.begin() as tx:
        category = Category(
            id=new_id("ctg"),
            name=data.name,
            parent_id=_parent_id(tx, data),
            titles=data.titles,
            created_at=tx.now,
        )
        tx.categories.add(category)
        tx.audit.add(category.id, after=category)
        tx.events.add("category.added", category.id, owner=actor.owner, data={"name": data.name})
        tx.listings.refresh_named([category.name])
        return category


def replace(services: Services, actor: Actor, category_id: str, data: CategoryInput) -> Category:
    """Change a category: its name, its place, its titles.

    :raises ForbiddenError: the actor may not.
    :raises NotFoundError: there is no such category, or parent.
    :raises InvalidInputError: the name or a title cannot be one, or the parent is below another.
    :raises ConflictError: the name is another one's, or it is to be below one and has some below.
    """
    require_everywhere(actor, Action.APPS_SORT)
    _require_sound(data)
    with services.store.begin() as tx:
        before = tx.categories.get(category_id)
        parent_id = _parent_id(tx, data)
        if parent_id == before.id:
            raise InvalidInputError("A category cannot be below itself.", pointer="/parent")
        if parent_id is not None:
            _require_no_others_below(tx, before)
        after = attrs.evolve(before, name=data.name, parent_id=parent_id, titles=data.titles)
        tx.categories.replace(after)
        tx.audit.add(after.id, before=before, after=after)
        tx.events.add("category.changed", after.id, owner=actor.owner, data={"name": after.name})
        tx.listings.refresh_named([before.name, after.name])
        return after


def delete(services: Services, actor: Actor, category_id: str) -> None:
    """Remove a category; apps that were in it stay.

    :raises ForbiddenError: the actor may not.
    :raises NotFoundError: there is no such category.
    :raises ConflictError: there are others in it.
    """
    require_everywhere(actor, Action.APPS_SORT)
    with services.store.begin() as tx:
        category = tx.categories.get(category_id)
        tx.categories.delete(category)
        data = {"name": category.name}
        tx.audit.add(category.id, before=category)
        tx.events.add("category.deleted", category.id, owner=actor.owner, data=data)
        tx.listings.refresh_named([category.name])


def put_app(services: Services, actor: Actor, app_id: str, data: CategoriesInput) -> Listing:
    """Put an app into categories, whatever its package says; with none, its package counts again.

    :raises NotFoundError: there is no such app, or category.
    :raises ForbiddenError: the actor may not.
    :raises InvalidInputError: they are too many.
    """
    with services.store.begin() as tx:
        app = tx.catalog.app(app_id, viewer=actor)
        what = f"app {app.name}"
        require_allowed(tx, actor, Action.APPS_WRITE, owner=app.owner, what=what)
        chosen = _chosen(tx, data)
        ids = sorted(category.id for category in chosen)
        before = tx.categories.put_app(app.id, ids)
        tx.audit.add(app.id, before={"categories": before}, after={"categories": ids})
        tx.listings.refresh([app.id])
        names = [category.name for category in chosen]
        tx.events.add("app.sorted", app.id, owner=app.owner, data={"categories": names})
        return tx.search.page(app.id, viewer=actor).listing


def put_repo(
    services: Services, actor: Actor, repo_id: str, data: CategoriesInput
) -> RepoCategories:
    """Put the apps of a repo into categories, but those that say something themselves.

    :raises NotFoundError: there is no such repo, or category.
    :raises ForbiddenError: the actor may not.
    :raises InvalidInputError: they are too many.
    """
    with services.store.begin() as tx:
        repo = tx.repos.get(repo_id, viewer=actor)
        what = f"repo {repo.name}"
        require_allowed(tx, actor, Action.REPOS_WRITE, owner=repo.owner, what=what)
        chosen = _chosen(tx, data)
        ids = sorted(category.id for category in chosen)
        before = tx.categories.put_repo(repo.id, ids)
        tx.audit.add(repo.id, before={"categories": before}, after={"categories": ids})
        tx.listings.refresh_repo(repo.id)
        names = tuple(category.name for category in chosen)
        tx.events.add("repo.sorted", repo.id, owner=repo.owner, data={"categories": list(names)})
        return RepoCategories(repo_id=repo.id, categories=names)


def _require_sound(data: CategoryInput) -> None:
    require_name(data.name)
    if data.name != term_of(data.name):
        raise InvalidInputError(
            f"{data.name!r} is not written as packages name categories.",
            pointer="/name",
            next_step=f"Call it {term_of(data.name)}, and say in titles what people read.",
        )
    if len(data.titles) > _LANGUAGES:
        raise InvalidInputError(
            f"A category has titles in at most {_LANGUAGES} languages.", pointer="/titles"
        )
    for language, title in data.titles.items():
        pointer = "/titles" + pointer_to([language])
        if not is_language(language):
            raise InvalidInputError(
                f"{language[:_TITLE]!r} names no language.", pointer=pointer, next_step=_TAG
            )
        if not title.strip() or len(title) > _TITLE or not title.isprintable():
            raise InvalidInputError(
                f"A title has 1 to {_TITLE} characters, in one line.", pointer=pointer
            )


def _parent_id(tx: Transaction, data: CategoryInput) -> str | None:
    """Return the id of the parent.

    :raises NotFoundError: there is none of this name.
    :raises InvalidInputError: it is below another one.
    """
    if data.parent is None:
        return None
    parent = tx.categories.get(data.parent)
    if parent.parent_id is not None:
        raise InvalidInputError(
            f"Category {parent.name} is below another one already.",
            pointer="/parent",
            next_step="Take one at the top: there are two levels.",
        )
    return parent.id


def _require_no_others_below(tx: Transaction, category: Category) -> None:
    """Keep to two levels.

    :raises ConflictError: there are others below.
    """
    below = [each.name for each in tx.categories.all() if each.parent_id == category.id]
    if below:
        raise ConflictError(
            f"Category {category.name} holds others: {', '.join(below)}.",
            pointer="/parent",
            next_step="Move these first: there are two levels.",
        )


def _chosen(tx: Transaction, data: CategoriesInput) -> list[Category]:
    if len(data.categories) > _AT_ONCE:
        raise InvalidInputError(f"These are more than {_AT_ONCE}.", pointer="/categories")
    return list(_distinct(tx.categories.get(each) for each in data.categories))


def _distinct(categories: Iterable[Category]) -> Iterable[Category]:
    return {category.id: category for category in categories}.values()
