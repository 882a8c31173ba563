"""Register repos, and bring the catalogue up to date with them."""

from collections.abc import Sequence
from typing import Final

from pitrix_core.catalog.indexer import parse_index
from pitrix_core.errors import InvalidInputError, PackageSignatureError, RepoError
from pitrix_core.model.access import Action, Actor
from pitrix_core.package.signature import parse_public_key
from pitrix_core.service.access import require_allowed, require_own
from pitrix_core.service.inputs import RepoInput
from pitrix_core.service.names import require_name
from pitrix_core.service.services import Services
from pitrix_core.store import new_id
from pitrix_core.store.repos import Repo
from pitrix_core.validation import pointer_to

_GIVE_KEY: Final = "Give the public key of its vendor: the second line of the file minisign made."


def add(services: Services, actor: Actor, data: RepoInput) -> Repo:
    """Register a repo whose index can be read, and index it.

    :raises ForbiddenError: the actor may not.
    :raises RepoError: its index cannot be read.
    :raises InvalidInputError: nobody reads such a URL, a selector allows no value, or a trusted
        key is none.
    :raises PackageInvalidError: its index is none.
    :raises ConflictError: the name is taken.
    """
    require_own(actor, Action.REPOS_WRITE)
    require_name(data.name)
    for key, values in data.selectors.items():
        if not values:
            raise InvalidInputError(
                f"Selector {key} allows no value, so no runtime would ever match.",
                pointer="/selectors" + pointer_to([key]),
                next_step="Name the values, or leave the selector out.",
            )
    trusted_keys = _keys(data.trusted_keys)
    _require_readable(services, data.url)
    with services.store.begin() as tx:
        repo = Repo(
            id=new_id("repo"),
            owner=actor.owner,
            name=data.name,
            url=data.url,
            providers=data.providers,
            selectors=data.selectors,
            trusted_keys=trusted_keys,
            created_at=tx.now,
        )
        tx.repos.add(repo)
    return services.indexer.index(repo)


def search(services: Services, actor: Actor) -> list[Repo]:
    """Return the repos that the actor sees, by name."""
    with services.store.read() as tx:
        return tx.repos.all(viewer=actor)


def get(services: Services, actor: Actor, repo_id: str) -> Repo:
    """Return a repo by id or name.

    :raises NotFoundError: there is none.
    """
    with services.store.read() as tx:
        return tx.repos.get(repo_id, viewer=actor)


def get_for(services: Services, actor: Actor, action: Action, repo_id: str) -> Repo:
    """Return a repo by id or name, with which something is to be done.

    :raises NotFoundError: there is none that the actor sees.
    :raises ForbiddenError: the actor may not do this with it.
    """
    repo = get(services, actor, repo_id)
    with services.store.read() as tx:
        require_allowed(tx, actor, action, owner=repo.owner, what=f"repo {repo.name}")
    return repo


def index(services: Services, actor: Actor, repo_id: str) -> Repo:
    """Bring the catalogue up to date with a repo now.

    :raises ForbiddenError: the actor may not.
    :raises NotFoundError: there is no such repo.
    :raises RepoError: its index cannot be read.
    """
    return services.indexer.index(get_for(services, actor, Action.REPOS_WRITE, repo_id))


def _require_readable(services: Services, url: str) -> None:
    try:
        with services.opener.open_place(url) as opened:
            found = opened.read_index()
            if found is not None:
                with found:
                    parse_index(found.file.read())
    except RepoError as ex:
        ex.pointer = ex.pointer or "/url"
        raise


def _keys(texts: Sequence[str]) -> tuple[str, ...]:
    """Return public keys in one line each, each once.

    :raises InvalidInputError: one is none.
    """
    found: dict[str, None] = {}
    for number, text in enumerate(texts):
        try:
            found[parse_public_key(text.strip()).text] = None
        except PackageSignatureError as ex:
            raise InvalidInputError(
                ex.message, pointer=pointer_to(["trusted_keys", number]), next_step=_GIVE_KEY
            ) from ex
    return tuple(found)
